"""What is in the zoo: models, weights and recipes, without importing TensorFlow."""

import ast
import importlib.util
import pathlib

import rnnzoo
from rnnzoo import weights
from rnnzoo.errors import closest


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
    return [
        name
        for name, module in rnnzoo._PUBLIC.items()
        if module.startswith("rnnzoo.models.")
        and by_hand in (None, module == "rnnzoo.models.by_hand")
    ]


def list_recipes() -> list[str]:
    """Lists the preset training recipes.

    Example:
        >>> import rnnzoo
        >>> "sort_naturals" in rnnzoo.list_recipes()
        True
    """
    (folder,) = importlib.util.find_spec("rnnzoo.recipes").submodule_search_locations
    files = sorted(pathlib.Path(folder).glob("*.py"))
    return [file.stem for file in files if not file.stem.startswith("_")]


def describe(name: str) -> dict:
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
        text = _docstring(rnnzoo._PUBLIC[name], name)
        listed = weights.list_weights(name)
        return {"name": name, "summary": _first_line(text), "weights": listed}
    if name in list_recipes():
        text = _docstring(f"rnnzoo.recipes.{name}")
        return {"name": name, "summary": _first_line(text), "documentation": text}
    known = [*list_models(), *weights.list_weights(), *list_recipes()]
    raise ValueError(
        f"Nothing has this name: the zoo holds {', '.join(known)}."
        f"{closest(name, known)} Received: name={name!r}"
    )


def answer_options(model: str) -> list[dict]:
    """Lists what a model's `answer` can be told, without importing TensorFlow.

    Args:
        model: A name of `list_models()`, or of a model's class.

    Returns:
        A dict for each keyword of `answer`: `name`, `type` (`int`, `float` or `str`),
        `default` and `help`. Most models have none.

    Example:
        >>> from rnnzoo.listing import answer_options
        >>> [option["name"] for option in answer_options("language_model")][:2]
        ['max_length', 'temperature']
        >>> answer_options("sorter")
        []
    """
    modules = [rnnzoo._PUBLIC[name] for name in list_models()]
    if model in list_models():
        modules = [rnnzoo._PUBLIC[model]]
    for module in modules:
        tree = ast.parse(pathlib.Path(_source(module)).read_text(encoding="utf-8"))
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        # The model is the last class of its module.
        if not classes or model not in (*list_models(), classes[-1].name):
            continue
        for node in classes[-1].body:
            if isinstance(node, ast.FunctionDef) and node.name == "answer":
                return _keywords(node)
    return []


def _keywords(function: ast.FunctionDef) -> list[dict]:
    """Returns the keywords of a function, as its signature and docstring have them."""
    text = " ".join((ast.get_docstring(function) or "").split())
    kinds = {"int": int, "float": float, "str": str}
    found = []
    for argument, default in zip(
        function.args.kwonlyargs, function.args.kw_defaults, strict=True
    ):
        help = text.split(f" {argument.arg}: ", 1)[-1].split(". ", 1)[0]
        found.append(
            {
                "name": argument.arg,
                "type": kinds[ast.unparse(argument.annotation).split(" |")[0]],
                "default": ast.literal_eval(default),
                "help": help[0].lower() + help[1:].replace("`", ""),
            }
        )
    return found


def _docstring(module: str, function: str | None = None) -> str:
    """Reads a docstring from a module's source, without importing the module."""
    tree = ast.parse(pathlib.Path(_source(module)).read_text(encoding="utf-8"))
    if function is None:
        return ast.get_docstring(tree) or ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return ast.get_docstring(node) or ""
    return ""


def _source(module: str) -> str:
    return importlib.util.find_spec(module).origin


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]
