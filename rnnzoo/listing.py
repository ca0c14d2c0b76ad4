"""What is in the zoo: models, weights and recipes, without importing TensorFlow."""

import ast
import functools
import importlib.util
import pathlib
import re
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
        help: What the docstring says of it.
    """

    name: str
    type: type
    default: Any
    help: str


def list_models(by_hand: bool | None = None) -> list[str]:
    """Lists the models of the zoo by the names of their factories.

    Args:
        by_hand: `True` for those whose weights are set by hand, which need no training
            and have no weight files; `False` for the others; `None` for all.

    Example:
        >>> import rnnzoo
        >>> "sorter" in rnnzoo.list_models()
        True
    """
    hands = "rnnzoo.lecture.by_hand"
    return [
        name
        for name, module in MODULES.items()
        if module.startswith(("rnnzoo.models.", hands))
        and by_hand in (None, module == hands)
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
    models = list_models()
    if model is not None and model not in models:
        raise ValueError(
            f"There is no such model: there are {', '.join(models)}."
            f"{closest(model, models)} Received: model={model!r}"
        )
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
        text = ast.get_docstring(find_class(name)) or ""
        listed = list_weights(name)
        summary = text.split("\n", 1)[0]
        return {
            "name": name,
            "summary": summary,
            "weights": listed,
            "documentation": text,
        }
    if name in list_recipes():
        text = ast.get_docstring(_parse(f"rnnzoo.recipes.{name}")) or ""
        return {"name": name, "summary": text.split("\n", 1)[0], "documentation": text}
    known = [*list_models(), *weights.records(), *list_recipes()]
    raise ValueError(
        f"Nothing has this name: the zoo holds {', '.join(known)}."
        f"{closest(name, known)} Received: name={name!r}"
    )


def model_options(model: str) -> list[Option]:
    """Lists the settings that a model is built with and a command line can give.

    Args:
        model: A name of `list_models()`.

    Returns:
        The constructor's arguments that are numbers, strings or booleans.

    Example:
        >>> from rnnzoo.listing import model_options
        >>> [option.name for option in model_options("sorter")][:2]
        ['max_value', 'max_length']
    """
    found = find_class(model)
    return _options(_method(found, "__init__"), ast.get_docstring(found) or "")


def answer_options(model: str) -> list[Option]:
    """Lists what a model's `answer` can be told, without importing TensorFlow.

    Args:
        model: A name of `list_models()`, or the registered name of a model's class.

    Returns:
        The keywords of `answer`. Most models have none.

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
        if model in (name, *_registered_names(found)):
            answer = _method(found, "answer")
            return _options(answer, ast.get_docstring(answer) or "") if answer else []
    return []


def find_class(model: str) -> ast.ClassDef:
    """Finds the class of a model: the first argument of its factory's declaration."""
    tree = _parse(MODULES[model])
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if [ast.unparse(target) for target in node.targets] == [model]:
                return classes[ast.unparse(node.value.args[0])]
    raise ValueError(
        f"The module {MODULES[model]} must declare `{model} = factory(CLASS, "
        f'"{model}", ...)`. Received: no such declaration'
    )


def _registered_names(found: ast.ClassDef) -> list[str]:
    """Returns the name of a class, and the former ones that old files have."""
    names = [found.name]
    for decorator in found.decorator_list:
        if isinstance(decorator, ast.Call):
            names += [ast.literal_eval(k.value) for k in decorator.keywords]
    return names


def _method(found: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """Returns a method of a class."""
    methods = [node for node in found.body if isinstance(node, ast.FunctionDef)]
    return next((node for node in methods if node.name == name), None)


def _options(function: ast.FunctionDef | None, docstring: str) -> list[Option]:
    """Returns the keywords of a function, as its signature and docstring have them."""
    if function is None:
        return []
    found = []
    for argument, default in zip(
        function.args.kwonlyargs, function.args.kw_defaults, strict=True
    ):
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        kind = TYPES.get(kind.removesuffix(" | None"))
        if kind is None or default is None:
            continue
        value = ast.literal_eval(default)
        found.append(Option(argument.arg, kind, value, _help(docstring, argument.arg)))
    return found


def _help(docstring: str, name: str) -> str:
    """Returns the first sentence of what a docstring says of an argument."""
    found = re.search(rf"(?m)^ +{name}: ((?:.|\n(?! {{0,4}}\S))*)", docstring)
    text = " ".join(found[1].split()) if found else ""
    text = re.split(r"\.(?: |$)", text)[0].replace("`", "")
    return text[:1].lower() + text[1:]


@functools.cache
def _parse(module: str) -> ast.Module:
    """Parses a module's source, without importing the module."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"There must be a module {module}. Received: none")
    return ast.parse(pathlib.Path(spec.origin).read_text(encoding="utf-8"))
