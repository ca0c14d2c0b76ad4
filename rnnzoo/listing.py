"""What is in the zoo: models, weights and recipes, without importing TensorFlow."""

import ast
import fnmatch
import functools
import importlib.machinery
import importlib.util
import pathlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnnzoo import weights
from rnnzoo.api import MODULES
from rnnzoo.errors import check_choice, closest, shorten

# Types that a word of the command line can be turned into.
TYPES = {"int": int, "float": float, "str": str, "bool": bool}


class Option(NamedTuple):
    """An argument that the command line can set; its help is one sentence."""

    name: str
    type: type
    default: Any
    help: str


def list_models(pattern: str = "*", by_hand: bool | None = None) -> list[str]:
    """Lists the models of the zoo by the names of their factories.

    Args:
        pattern: A name, or shell-style wildcards, such as `"*classifier"`.
        by_hand: `True` for those whose weights are set by hand and have no files;
            `False` for the others; `None` for all.

    Example:
        >>> import rnnzoo
        >>> rnnzoo.list_models("sort*")
        ['sorter']
    """
    _check_pattern("pattern", pattern)
    hands = "rnnzoo.lecture.by_hand"
    return [
        name
        for name, module in MODULES.items()
        if module.startswith(("rnnzoo.models.", hands))
        and by_hand in (None, module == hands)
        and fnmatch.fnmatchcase(name, pattern)
    ]


def list_weights(model: str | None = None) -> list[str]:
    """Lists the weights of the package, by default those of all models.

    Args:
        model: A model's name; or shell-style wildcards, for the names of models or of
            weights, such as `"*classifier"` or `"translator.*"`.

    Raises:
        ValueError: If there is no model of that name; names the closest.

    Example:
        >>> import rnnzoo
        >>> "sorter.integers_32" in rnnzoo.list_weights("sorter")
        True
        >>> rnnzoo.list_weights("sort*") == rnnzoo.list_weights("sorter")
        True
    """
    pattern = "*" if model is None else model
    _check_pattern("model", pattern)
    if not any(wildcard in pattern for wildcard in "*?["):
        check_choice("model", pattern, list_models())
    return [
        name
        for name in weights.records()
        if any(fnmatch.fnmatchcase(x, pattern) for x in (name, name.split(".")[0]))
    ]


def _check_pattern(name: str, pattern: Any) -> None:
    if not isinstance(pattern, str):
        raise TypeError(
            f"{name} must be a name or wildcards, such as '*classifier'. Received: "
            f"{name}={shorten(pattern)}"
        )


def list_recipes() -> list[str]:
    """Lists the preset training recipes.

    Example:
        >>> import rnnzoo
        >>> "sort_naturals" in rnnzoo.list_recipes()
        True
    """
    spec = importlib.util.find_spec("rnnzoo.recipes")
    folders = (spec and spec.submodule_search_locations) or []
    files = [file for folder in folders for file in pathlib.Path(folder).glob("*.py")]
    return sorted(file.stem for file in files if file.stem[0] != "_")


def describe(name: str) -> dict[str, Any]:
    """Describes a model, a weight file or a recipe, by its listed name.

    Returns the summary and documentation of a model, with its weights, or of a recipe;
    or the record of a weight file (size, settings, score, data, licence, sha256, ...).
    Raises `ValueError`, with the closest name, if nothing has that name.

    Example:
        >>> import rnnzoo
        >>> rnnzoo.describe("sorter")["weights"]
        ['sorter.naturals_32', 'sorter.integers_32']
    """
    if name in weights.records():
        return {"name": name, **weights.records()[name]}
    if name in list_models():
        node, more = _find_class(name)[1], {"weights": list_weights(name)}
    elif name in list_recipes():
        node, more = _parse(f"rnnzoo.recipes.{name}"), {}
    else:
        known = [*list_models(), *weights.records(), *list_recipes()]
        raise ValueError(
            f"Nothing has this name: the zoo holds {', '.join(known)}."
            f"{closest(name, known)} Received: name={name!r}"
        )
    text = ast.get_docstring(node) or ""
    summary = text.split("\n", 1)[0]
    return {"name": name, "summary": summary, **more, "documentation": text}


def model_options(model: str) -> list[Option]:
    """Lists the settings of a model that the command line can set.

    They are the constructor's arguments that are numbers, strings or booleans.

    Example:
        >>> from rnnzoo.listing import model_options
        >>> [option.name for option in model_options("sorter")][:2]
        ['max_value', 'max_length']
    """
    return _method_options(*_find_class(model), "__init__")


def answer_options(model: str) -> list[Option]:
    """Lists the options of the `answer` of a model, by its listed or registered name.

    These are its keyword arguments; or, where it takes `**options` and is decorated by
    `with_options(DEFAULTS)`, the fields of the dataclass that `DEFAULTS` is one of.

    Example:
        >>> from rnnzoo.listing import answer_options
        >>> [option.name for option in answer_options("language_model")][:2]
        ['max_length', 'temperature']
        >>> [option.name for option in answer_options("sorter")]
        ['return_confidence']
    """
    names = [model] if model in list_models() else list_models()
    for name in names:
        module, node = _find_class(name)
        # Files of earlier versions have a former name of the class.
        calls = [d for d in node.decorator_list if isinstance(d, ast.Call)]
        registered = [_literals(call.keywords).get("name") for call in calls]
        if model in (name, node.name, *registered):
            return _method_options(module, node, "answer")
    return []


def _find_class(model: str) -> tuple[str, ast.ClassDef]:
    """Finds the class in a model's declaration, and the module that defines it."""
    check_choice("model", model, list_models())
    module, call = _find(MODULES[model], model)
    if isinstance(call, ast.Call) and call.args:
        module, node = _find(module, ast.unparse(call.args[0]))
        if isinstance(node, ast.ClassDef):
            return module, node
    raise ValueError(
        f"The module {MODULES[model]} must define or import a class and declare "
        f'`{model} = factory(CLASS, "{model}", ...)`. Received: no such declaration'
    )


def _find(module: str, name: str) -> tuple[str, Any]:
    """Finds what a module's name stands for, through imports; `None` if nothing."""
    for node in _parse(module).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            return module, node.value
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("rnnzoo."):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return _find(str(node.module), alias.name)
    return module, None


def _lineage(module: str, node: Any) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yields a class and its base classes in the package, in the order of lookup."""
    if isinstance(node, ast.ClassDef):
        yield module, node
        for base in node.bases:
            yield from _lineage(*_find(module, ast.unparse(base)))


def _method_options(module: str, node: ast.ClassDef, name: str) -> list[Option]:
    """Lists the options of a method, which may be that of a base class."""
    texts = []
    for place, ancestor in _lineage(module, node):
        texts.append(ast.get_docstring(ancestor) or "")
        for method in ancestor.body:
            if isinstance(method, ast.FunctionDef) and method.name == name:
                texts.insert(0, ast.get_docstring(method) or "")
                found = zip(
                    method.args.kwonlyargs, method.args.kw_defaults, strict=True
                )
                options = _options([(a.arg, a.annotation, d) for a, d in found], texts)
                for decorator in method.decorator_list:
                    if isinstance(decorator, ast.Call) and decorator.args:
                        options += _field_options(place, decorator.args[0])
                return options
    return []


def _field_options(module: str, value: Any) -> list[Option]:
    """Lists the fields of a dataclass, with the values of an instance as defaults."""
    if isinstance(value, ast.Call):
        source, changes = value.func, _literals(value.keywords)
        if isinstance(source, ast.Attribute) and source.attr == "replace":
            source = source.value
        options = _field_options(module, source)
        return [o._replace(default=changes.get(o.name, o.default)) for o in options]
    if not isinstance(value, ast.Name):
        return []
    module, node = _find(module, value.id)
    if not isinstance(node, ast.ClassDef):
        return _field_options(module, node)
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    return _options(
        [(ast.unparse(one.target), one.annotation, one.value) for one in fields],
        [ast.get_docstring(node) or ""],
    )


def _options(declared: list[tuple], texts: list[str]) -> list[Option]:
    """Returns the names, annotations and defaults whose type is one of `TYPES`."""
    options = []
    for name, annotation, default in declared:
        kinds = ast.unparse(annotation).split(" | ") if annotation else []
        kinds = [kind for kind in kinds if kind != "None"]
        kind = next((TYPES[kind] for kind in kinds if kind in TYPES), None)
        if isinstance(default, ast.Call):  # field(default=...) or the like
            words = {word.arg: word.value for word in default.keywords}
            default = default.args[0] if default.args else words.get("default")
        value = _evaluate(default)
        if kind and value is not ... and (len(kinds) == 1 or isinstance(value, kind)):
            help = next(filter(None, (_help(text, name) for text in texts)), "")
            options.append(Option(name, kind, value, help))
    return options


def _evaluate(node: Any) -> Any:
    """Returns the value of a literal, and `...` for other expressions or none."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ...


def _literals(keywords: list[ast.keyword]) -> dict[str | None, Any]:
    """Returns the keyword arguments of a call that are literals."""
    values = {keyword.arg: _evaluate(keyword.value) for keyword in keywords}
    return {name: value for name, value in values.items() if value is not ...}


def _help(docstring: str, name: str) -> str:
    """Returns the first sentence of what a docstring says about an argument."""
    found = re.search(rf"(?m)^ +{name}: ((?:.|\n(?! {{0,4}}\S))*)", docstring)
    text = " ".join(found[1].split()) if found else ""
    text = re.split(r"\.(?: |$)", text)[0].replace("`", "")
    return text[:1].lower() + text[1:]


@functools.cache
def _parse(module: str) -> ast.Module:
    """Parses a module's source, importing neither the module nor its package."""
    _, top, *inner = module.split(".")
    spec = importlib.util.find_spec(f"rnnzoo.{top}")
    for name in inner:
        folders = spec and spec.submodule_search_locations
        spec = importlib.machinery.PathFinder.find_spec(name, folders or [])
    if spec is None or spec.origin is None:
        raise ValueError(f"There must be a module {module}. Received: none")
    return ast.parse(pathlib.Path(spec.origin).read_text(encoding="utf-8"))
