"""What source code declares of models and recipes; nothing of it is imported."""

import ast
import functools
import importlib.machinery
import importlib.util
import pathlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnnzoo.api import MODULES
from rnnzoo.errors import check_choice

# Types that a word of the command line can be turned into.
TYPES = {"int": int, "float": float, "str": str, "bool": bool}
# Where models of the zoo are, and those whose weights are set by hand.
MODELS, BY_HAND = "rnnzoo.models.", "rnnzoo.lecture.by_hand"


class Option(NamedTuple):
    """An argument that the command line can set; its help is one sentence."""

    name: str
    type: type
    default: Any
    help: str


def model_names() -> list[str]:
    """Returns the names of the factories of all models."""
    return [
        name for name, home in MODULES.items() if home.startswith((MODELS, BY_HAND))
    ]


def model_options(model: str) -> list[Option]:
    """Lists the settings of a model that the command line can set.

    They are the constructor's arguments that are numbers, strings or booleans.

    Example:
        >>> from rnnzoo.declarations import model_options
        >>> [option.name for option in model_options("sorter")][:2]
        ['max_value', 'max_length']
    """
    return _method_options(*find_class(model), "__init__")


def answer_options(model: str) -> list[Option]:
    """Lists the options of the `answer` of a model, by its listed or registered name.

    These are its keyword arguments; or, where it takes `**options` and is decorated by
    `with_options(DEFAULTS)`, the fields of the dataclass that `DEFAULTS` is one of.

    Example:
        >>> from rnnzoo.declarations import answer_options
        >>> [option.name for option in answer_options("language_model")][:2]
        ['max_length', 'temperature']
        >>> [option.name for option in answer_options("sorter")]
        ['return_confidence']
    """
    name = find_model(model)
    return _method_options(*find_class(name), "answer") if name else []


def file_options(model: str) -> list[Option]:
    """Lists the options of the `answer_file` of a model; without one, there are none.

    Example:
        >>> from rnnzoo.declarations import file_options
        >>> [option.name for option in file_options("forecaster")]
        ['horizon', 'target', 'time', 'series', 'every']
    """
    name = find_model(model)
    found = _method_options(*find_class(name), "answer_file") if name else []
    # Every command that reads files has these.
    return [one for one in found if one.name not in ("encoding", "separator")]


def find_model(name: str) -> str | None:
    """Returns the factory of a model by its name, or by the name of its class.

    Example:
        >>> from rnnzoo.declarations import find_model
        >>> find_model("TextClassifier"), find_model("Dense")
        ('text_classifier', None)
    """
    if name in model_names():
        return name
    for model in model_names():
        node = find_class(model)[1]
        # Files of earlier versions have a former name of the class.
        calls = [d for d in node.decorator_list if isinstance(d, ast.Call)]
        registered = [_literals(call.keywords).get("name") for call in calls]
        if name in (node.name, *registered):
            return model
    return None


def model_task(model: str) -> str | None:
    """Returns what a model is for: the constant `TASK` of its class.

    Example:
        >>> from rnnzoo.declarations import model_task
        >>> model_task("sentiment_classifier")
        'text-classification'
    """
    return _find_constant(*find_class(model), "TASK")


def describe_class(model: str) -> tuple[str, str]:
    """Returns the first line and the whole documentation of a model's class."""
    return _split_docstring(find_class(model)[1])


def describe_recipe(recipe: str) -> tuple[str, str]:
    """Returns the first line and the whole documentation of a recipe's module."""
    return _split_docstring(parse_module(f"rnnzoo.recipes.{recipe}"))


def _split_docstring(node: Any) -> tuple[str, str]:
    text = ast.get_docstring(node) or ""
    return text.split("\n", 1)[0], text


def recipe_class_node(recipe: str) -> tuple[str, Any]:
    """Returns the module and the class of a recipe."""
    return _find(*_recipe_target(recipe))


def recipe_model(recipe: str) -> str | None:
    """Returns the factory of the model that a recipe trains.

    Example:
        >>> from rnnzoo.declarations import recipe_model
        >>> recipe_model("imdb_sentiment")
        'sentiment_classifier'
    """
    for _, node in _lineage(*recipe_class_node(recipe)):
        if found := _literals(node.keywords).get("model"):
            return found
    return None


def recipe_licence(recipe: str) -> str:
    """Returns the licence of the weights that a recipe trains, or an empty text."""
    return _find_constant(*recipe_class_node(recipe), "licence") or ""


def describe_input(model: str) -> str:
    """Returns what a model takes, as the documentation of its `answer` says it.

    Example:
        >>> from rnnzoo.declarations import describe_input
        >>> describe_input("translator")
        'a string, or a list, tuple, array or tensor of strings'
    """
    for _, node in _lineage(*find_class(model)):
        for one in node.body:
            if isinstance(one, ast.FunctionDef) and one.name == "answer":
                found = ast.get_docstring(one) or ""
                return _help(found, "inputs") or found.split("\n")[0]
    return ""


def example_answers(model: str) -> list[str]:
    """Returns the texts that the documentation of a model answers."""
    found = []
    for _, node in _lineage(*find_class(model)):
        text = ast.get_docstring(node) or ""
        found += re.findall(r"""\.answer\((['"])(.*?)\1\)""", text)
    return [text for _, text in found]


def _recipe_target(recipe: str) -> tuple[str, str]:
    """Returns the module and the name of the class that is a recipe's `RECIPE`."""
    module = f"rnnzoo.recipes.{recipe}"
    _, value = _find(module, "RECIPE")
    return module, ast.unparse(value) if value is not None else ""


def _find_constant(module: str, node: Any, name: str) -> Any:
    """Returns a literal that a class or its nearest base assigns, or `None`."""
    for _, ancestor in _lineage(module, node):
        for one in ancestor.body:
            if isinstance(one, ast.Assign):
                targets = one.targets
            elif isinstance(one, ast.AnnAssign):
                targets = [one.target]
            else:
                continue
            if name in map(ast.unparse, targets):
                value = _evaluate(one.value)
                return None if value is ... else value
    return None


def find_class(model: str) -> tuple[str, ast.ClassDef]:
    """Finds the class in a model's declaration, and the module that defines it."""
    check_choice("model", model, model_names())
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
    for node in parse_module(module).body:
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
def parse_module(module: str) -> ast.Module:
    """Parses a module's source, importing neither the module nor its package."""
    _, top, *inner = module.split(".")
    spec = importlib.util.find_spec(f"rnnzoo.{top}")
    for name in inner:
        folders = spec and spec.submodule_search_locations
        spec = importlib.machinery.PathFinder.find_spec(name, folders or [])
    if spec is None or spec.origin is None:
        raise ValueError(f"There must be a module {module}. Received: none")
    return ast.parse(pathlib.Path(spec.origin).read_text(encoding="utf-8"))
