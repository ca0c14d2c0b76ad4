"""What is in the zoo: models, weights and recipes, without importing TensorFlow."""

import ast
import fnmatch
import functools
import importlib.util
import pathlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnnzoo import weights
from rnnzoo.api import MODULES
from rnnzoo.errors import closest

# Types that a word of the command line can be turned into.
TYPES = {"int": int, "float": float, "str": str, "bool": bool}


class Option(NamedTuple):
    """An argument that the command line can set.

    Attributes:
        name: The argument's name.
        type: `int`, `float`, `str` or `bool`.
        default: Its default.
        help: The first sentence of its documentation.
    """

    name: str
    type: type
    default: Any
    help: str


class Definition(NamedTuple):
    """A class or a value, and the module whose source defines it."""

    module: str
    node: Any


def list_models(pattern: str = "*", by_hand: bool | None = None) -> list[str]:
    """Lists the models of the zoo by the names of their factories.

    Args:
        pattern: Shell-style wildcards, such as `"*classifier"`.
        by_hand: `True` for those whose weights are set by hand, which need no training
            and have no weight files; `False` for the others; `None` for all.

    Example:
        >>> import rnnzoo
        >>> rnnzoo.list_models("sort*")
        ['sorter']
    """
    hands = "rnnzoo.lecture.by_hand"
    return [
        name
        for name, module in MODULES.items()
        if module.startswith(("rnnzoo.models.", hands))
        and by_hand in (None, module == hands)
        and fnmatch.fnmatchcase(name, pattern)
    ]


def list_weights(model: str | None = None) -> list[str]:
    """Lists the weight files that come with the package.

    Args:
        model: Name of a model, as `list_models()` gives it; `None` for all.

    Returns:
        Full names, such as `"sorter.naturals_32"`.

    Raises:
        ValueError: If there is no such model.

    Example:
        >>> import rnnzoo
        >>> "sorter.naturals_32" in rnnzoo.list_weights("sorter")
        True
    """
    if model is not None:
        _check_model(model)
    return [name for name in weights.records() if model in (None, name.split(".")[0])]


def list_recipes() -> list[str]:
    """Lists the preset training recipes.

    Example:
        >>> import rnnzoo
        >>> "sort_naturals" in rnnzoo.list_recipes()
        True
    """
    spec = importlib.util.find_spec("rnnzoo.recipes")
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = sorted(file for f in folders for file in pathlib.Path(f).glob("*.py"))
    return [file.stem for file in files if not file.stem.startswith("_")]


def describe(name: str) -> dict[str, Any]:
    """Describes a model, a weight file or a recipe.

    Args:
        name: A name of `list_models()`, `list_weights()` or `list_recipes()`.

    Returns:
        For a model: its summary, documentation and weights. For a weight file: its
        record (file, size, parameters, settings, score, data, licence, recipe, seed,
        sha256). For a recipe: its summary and documentation.

    Raises:
        ValueError: If nothing has that name; names the closest.

    Example:
        >>> import rnnzoo
        >>> rnnzoo.describe("sorter")["weights"]
        ['sorter.naturals_32']
    """
    if name in weights.records():
        return {"name": name, **weights.records()[name]}
    if name in list_models():
        text = ast.get_docstring(find_class(name).node) or ""
        summary = {"summary": text.split("\n", 1)[0], "weights": list_weights(name)}
        return {"name": name, **summary, "documentation": text}
    if name in list_recipes():
        text = ast.get_docstring(_parse(f"rnnzoo.recipes.{name}")) or ""
        return {"name": name, "summary": text.split("\n", 1)[0], "documentation": text}
    known = [*list_models(), *weights.records(), *list_recipes()]
    raise ValueError(
        f"Nothing has this name: the zoo holds {', '.join(known)}."
        f"{closest(name, known)} Received: name={name!r}"
    )


def model_options(model: str) -> list[Option]:
    """Lists the settings of a model that the command line can set.

    Args:
        model: A name of `list_models()`.

    Returns:
        The constructor's arguments that are numbers, strings or booleans, with the
        factory's defaults.

    Example:
        >>> from rnnzoo.listing import model_options
        >>> [option.name for option in model_options("sorter")][:2]
        ['max_value', 'max_length']
    """
    declared = _literals(_find_declaration(model).keywords)
    return _override(_method_options(find_class(model), "__init__"), declared)


def answer_options(model: str) -> list[Option]:
    """Lists the options of a model's `answer`.

    These are its keyword arguments; or, where it takes `**options` and is decorated by
    `with_options(DEFAULTS)`, the fields of the dataclass that `DEFAULTS` is one of.

    Args:
        model: A name of `list_models()`, or the registered name of a model's class.

    Example:
        >>> from rnnzoo.listing import answer_options
        >>> [option.name for option in answer_options("language_model")][:2]
        ['max_length', 'temperature']
        >>> answer_options("sorter")
        []
    """
    names = [model] if model in list_models() else list_models()
    for name in names:
        found = find_class(name)
        if model in (name, *_registered_names(found.node)):
            return _method_options(found, "answer")
    return []


def find_class(model: str) -> Definition:
    """Finds the class of a model: the first argument of its factory's declaration.

    Raises:
        ValueError: If the model's module does not declare the factory.
    """
    name = ast.unparse(_find_declaration(model).args[0])
    found = _find(MODULES[model], name)
    if found is None or not isinstance(found.node, ast.ClassDef):
        raise ValueError(
            f"The module {MODULES[model]} must define or import the class {name}, of "
            f"which it declares {model}. Received: no such class"
        )
    return found


def _check_model(model: str) -> None:
    """Refuses a name that `list_models` does not have."""
    models = list_models()
    if model not in models:
        raise ValueError(
            f"There is no such model: there are {', '.join(models)}."
            f"{closest(model, models)} Received: model={model!r}"
        )


def _find_declaration(model: str) -> ast.Call:
    """Finds the call that makes a model's factory: `factory(Sorter, "sorter")`."""
    _check_model(model)
    found = _find(MODULES[model], model)
    if found is None or not isinstance(found.node, ast.Call) or not found.node.args:
        raise ValueError(
            f"The module {MODULES[model]} must declare `{model} = factory(CLASS, "
            f'"{model}", ...)`. Received: no such declaration'
        )
    return found.node


def _find(module: str, name: str) -> Definition | None:
    """Finds the class or value that a name of a module stands for, through imports."""
    for node in _parse(module).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return Definition(module, node)
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            return Definition(module, node.value)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("rnnzoo."):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return _find(str(node.module), alias.name)
    return None


def _lineage(found: Definition) -> Iterator[Definition]:
    """Yields a class and its base classes in the package, in the order of lookup."""
    yield found
    for base in found.node.bases:
        parent = _find(found.module, ast.unparse(base))
        if parent is not None and isinstance(parent.node, ast.ClassDef):
            yield from _lineage(parent)


def _method_options(found: Definition, name: str) -> list[Option]:
    """Lists the options of a method, which may be that of a base class."""
    documentation = []
    for module, node in _lineage(found):
        methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
        method = next((one for one in methods if one.name == name), None)
        documentation.append(ast.get_docstring(node) or "")
        if method is not None:
            documentation.insert(0, ast.get_docstring(method) or "")
            declared = zip(method.args.kwonlyargs, method.args.kw_defaults, strict=True)
            options = [
                option
                for argument, default in declared
                for option in _option(
                    argument.arg, argument.annotation, default, documentation
                )
            ]
            for decorator in method.decorator_list:
                if isinstance(decorator, ast.Call) and decorator.args:
                    options += _field_options(module, decorator.args[0])
            return options
    return []


def _field_options(module: str, value: ast.AST) -> list[Option]:
    """Lists the fields of a dataclass as options, with the values of an instance.

    The instance is a name, a call of the class, or a call of an instance's `replace`.
    """
    if isinstance(value, ast.Name):
        found = _find(module, value.id)
        if found is None:
            return []
        if not isinstance(found.node, ast.ClassDef):
            return _field_options(*found)
        help = [ast.get_docstring(found.node) or ""]
        fields = [node for node in found.node.body if isinstance(node, ast.AnnAssign)]
        return [
            option
            for node in fields
            for option in _option(
                ast.unparse(node.target), node.annotation, node.value, help
            )
        ]
    if isinstance(value, ast.Call):
        made_by = value.func
        if isinstance(made_by, ast.Attribute) and made_by.attr == "replace":
            made_by = made_by.value
        return _override(_field_options(module, made_by), _literals(value.keywords))
    return []


def _option(
    name: str, annotation: ast.AST | None, default: ast.AST | None, texts: list[str]
) -> list[Option]:
    """Returns an option in a list, which is empty if a command line cannot set it.

    Its type is one of `TYPES`, or that or `None`; or also others, as in
    `str | Sequence[str]`, if the default is of that type.
    """
    kinds = ast.unparse(annotation).split(" | ") if annotation else []
    kinds = [kind for kind in kinds if kind != "None"]
    kind = next((TYPES[kind] for kind in kinds if kind in TYPES), None)
    if isinstance(default, ast.Call):  # field(default=...) or the like
        named = {word.arg: word.value for word in default.keywords}.get("default")
        default = default.args[0] if default.args else named
    if kind is None or default is None:
        return []
    try:
        value = ast.literal_eval(default)
    except ValueError:  # an expression
        return []
    if len(kinds) > 1 and not isinstance(value, kind):
        return []
    help = next(filter(None, (_help(text, name) for text in texts)), "")
    return [Option(name, kind, value, help)]


def _literals(keywords: list[ast.keyword]) -> dict[str, Any]:
    """Returns the keyword arguments of a call that are literals."""
    found = {}
    for keyword in keywords:
        try:
            found[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:  # an expression
            continue
    return found


def _override(options: list[Option], defaults: dict[str, Any]) -> list[Option]:
    """Returns options with other defaults."""
    return [o._replace(default=defaults.get(o.name, o.default)) for o in options]


def _registered_names(node: ast.ClassDef) -> list[str]:
    """Returns the name of a class, and former names, which are in old files."""
    calls = [one for one in node.decorator_list if isinstance(one, ast.Call)]
    names = [_literals(call.keywords).get("name") for call in calls]
    return [node.name, *filter(None, names)]


def _help(docstring: str, name: str) -> str:
    """Returns the first sentence of what a docstring says about an argument."""
    found = re.search(rf"(?m)^ +{name}: ((?:.|\n(?! {{0,4}}\S))*)", docstring)
    text = " ".join(found[1].split()) if found else ""
    text = re.split(r"\.(?: |$)", text)[0].replace("`", "")
    return text[:1].lower() + text[1:]


@functools.cache
def _parse(module: str) -> ast.Module:
    """Parses a module's source, importing neither the module nor its package."""
    top, *inner = module.split(".", 2)[1:]
    spec = importlib.util.find_spec(f"rnnzoo.{top}")
    paths = [] if spec is None or spec.origin is None else [spec.origin]
    if inner and spec is not None:
        parts = inner[0].split(".")
        folders = [
            pathlib.Path(f, *parts) for f in spec.submodule_search_locations or []
        ]
        paths = [p for f in folders for p in (f.with_suffix(".py"), f / "__init__.py")]
    for path in map(pathlib.Path, paths):
        if path.is_file():
            return ast.parse(path.read_text(encoding="utf-8"))
    raise ValueError(f"There must be a module {module}. Received: none")
