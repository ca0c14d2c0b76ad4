"""What a model, weights, a recipe or a file is, and how to try it."""

import contextlib
import hashlib
import os
import pathlib
import re
import shlex
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

from rnnzoo import declarations, weights
from rnnzoo.api import MODULES
from rnnzoo.errors import closest
from rnnzoo.listing import list_models, list_recipes, list_weights

# How often an answer is timed, after one that is not.
REPEATS = 5
# Characters of an example that is easily pasted and read.
HANDY = 60


def describe(name: str | os.PathLike) -> dict[str, Any]:
    """Describes a model, a weight file or a recipe, by its listed name or its path.

    A model has a summary, documentation and its weights; weights have their record
    (parameters, settings, score, data, licence, sha256, milliseconds of an answer, ...)
    and classes and vocabulary; a file that `save` wrote has that too, of what it holds
    and its card says, and is timed at once. All have an example: a command to paste.

    Raises `ValueError`, with the closest name, if nothing has that name.

    Args:
        name: A listed name, or the path of a `.keras` file.

    Example:
        >>> import rnnzoo
        >>> rnnzoo.describe("sorter")["weights"]
        ['sorter.naturals_32', 'sorter.integers_32']
        >>> rnnzoo.describe("memorizer.copy")["command"]
        'rnnzoo answer memorizer.copy 3141'
    """
    name = os.fspath(name)
    if name in weights.records():
        return {"name": name, **_describe_weights(name)}
    if name in list_models():
        return {"name": name, **_describe_model(name)}
    if name in list_recipes():
        summary, text = declarations.describe_recipe(name)
        return {
            "name": name,
            "summary": summary,
            "model": declarations.recipe_model(name),
            "command": f"rnnzoo train {name}",
            "documentation": text,
        }
    if os.path.isfile(name):
        return {"name": name, **_describe_file(name)}
    is_path = name.endswith(".keras") or os.sep in name
    known = [*list_models(), *weights.records(), *list_recipes()]
    there = "`rnnzoo list` shows them" if is_path else f"there are {', '.join(known)}"
    hint = "" if is_path else closest(name, known)
    raise ValueError(
        f"No model, weights, recipe or file has this name: {there}.{hint} Received: "
        f"name={name!r}"
    )


def _describe_model(name: str) -> dict[str, Any]:
    summary, text = declarations.describe_class(name)
    example, source = _find_example(name)
    option = f" --weights={source}" if source and source.split(".")[0] != name else ""
    return {
        "summary": summary,
        "task": declarations.model_task(name),
        "weights": list_weights(name),
        "input": declarations.describe_input(name),
        **_make_command(f"{name}{option}", example),
        "documentation": text,
    }


def _describe_weights(name: str) -> dict[str, Any]:
    record, model = weights.records()[name], name.split(".")[0]
    config = weights.read_config(weights.find(name))
    return {
        "summary": record["summary"],
        "task": declarations.model_task(model),
        **_find_sizes(config, record["options"]),
        "input": declarations.describe_input(model),
        **_make_command(name, _choose_example(record)),
        **record,
    }


def _describe_file(path: str) -> dict[str, Any]:
    """Describes a model of its own file, which is loaded and timed."""
    content = pathlib.Path(path).read_bytes()
    model = weights.load(path)
    factory = declarations.find_model(type(model).__name__)
    config, card = model.get_config(), dict(model.card)
    has_tokens = hasattr(model, "tokens")
    found: dict[str, Any] = {
        "model": factory or _name_factory(type(model)),
        "task": declarations.model_task(factory) if factory else None,
        "parameters": model.count_params(),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": card.pop("licence", None) or "not stated in its card",
        **_find_sizes(config, card.get("options", {})),
    }
    if has_tokens:
        size = getattr(model.tokens, "vocabulary_size", None)
        found |= {"vocabulary_size": size} if size else {}
    if has_tokens and factory:
        found["input"] = declarations.describe_input(factory)
    elif has_tokens:
        found["input"] = model.raw.describe()
    else:
        found["input"] = describe_arrays(model)
    text = model.sample_texts()[0]
    found |= _make_command(path, text)
    # What a decoder without tokens writes is not known.
    with contextlib.suppress(ValueError):
        found["milliseconds"] = measure_milliseconds(lambda: model.answer([text]))
    found["settings"] = summarize_settings(config)
    found["card"] = card
    return found


def summarize_settings(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a model's settings without what is long: classes and vocabularies.

    Example:
        >>> from rnnzoo.describing import summarize_settings
        >>> tokens = {"class_name": "Words", "config": {"vocabulary": [], "start": 0}}
        >>> summarize_settings({"tokens": tokens, "units": 8, "classes": ["a", "b"]})
        {'tokens': {'kind': 'Words', 'start': 0}, 'units': 8}
    """
    hidden, shown = ("vocabulary", "classes"), {}
    for key, value in config.items():
        if isinstance(value, dict) and "class_name" in value:
            settings = summarize_settings(value["config"])
            shown[key] = {"kind": value["class_name"], **settings}
        elif key not in hidden:
            shown[key] = value
    return shown


def _name_factory(model_class: type) -> str:
    """Returns the factory of an architecture, or the name of another class."""
    for one in model_class.__mro__:
        name = re.sub("(?<!^)(?=[A-Z])", "_", one.__name__).lower()
        if name in MODULES:
            return name
    return model_class.__name__


def describe_arrays(model: Any) -> str:
    """Says which arrays a model without tokens takes.

    Example:
        >>> from rnnzoo import many_to_one
        >>> from rnnzoo.describing import describe_arrays
        >>> describe_arrays(many_to_one(features=3, num_classes=2, units=4))
        'arrays of numbers, [batch, time, 3]'
    """
    shape = model.inputs[0].shape
    if len(shape) == 2:
        return "arrays of token ids from 1 on, 0 is padding, [batch, time]"
    return f"arrays of numbers, [batch, time, {shape[-1]}]"


def measure_milliseconds(action: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Returns how long an answer takes, the median of several after the first.

    Example:
        >>> from rnnzoo import parity
        >>> from rnnzoo.describing import measure_milliseconds
        >>> model = parity()
        >>> 0 < measure_milliseconds(lambda: model.answer("0111")) < 1000
        True
    """
    times = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(1 + repeats):
            start = time.perf_counter()
            action()
            times.append(time.perf_counter() - start)
    return float(f"{1000 * statistics.median(times[1:]):.2g}")


def to_text(value: Any) -> str:
    """Returns an input that is a text, numbers or steps of numbers as a text.

    Example:
        >>> from rnnzoo.describing import to_text
        >>> to_text([5, 3]), to_text([[0, 89], [27, 100]])
        ('5 3', '0 89, 27 100')
    """
    if isinstance(value, str):
        return value
    rows = [value] if not any(isinstance(one, list) for one in value) else value
    return ", ".join(" ".join(map(str, row)) for row in rows)


def _find_sizes(config: dict, options: dict) -> dict[str, Any]:
    """Returns classes, number of tokens, and limits that settings state."""
    found: dict[str, Any] = {}
    if classes := config.get("classes") or config.get("num_classes"):
        found["classes"] = classes if isinstance(classes, int) else list(classes)
    vocabulary = config.get("vocabulary")
    is_learned = isinstance(vocabulary, str) and config.get("tokens") == "subwords"
    if isinstance(config.get("vocabulary_size"), int):  # of a factory's model
        found["vocabulary_size"] = config["vocabulary_size"]
    elif vocabulary and not is_learned:
        found["vocabulary_size"] = len(vocabulary)
    elif vocabulary and options.get("vocabulary_size"):
        found["vocabulary_size"] = options["vocabulary_size"]
    limits = {
        key: value
        for key, value in config.items()
        if key.startswith(("max_", "min_")) and value is not None
    }
    if limits:
        found["limits"] = limits
    return found


def _make_command(model: str, text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    return {
        "example": text,
        "command": f"rnnzoo answer {_quote(model)} {shlex.quote(text)}",
    }


def _quote(words: str) -> str:
    return words if " --weights=" in words else shlex.quote(words)


def find_weights(model: str) -> str | None:
    """Returns listed weights of a model, or else of another one of the same class.

    Example:
        >>> from rnnzoo.describing import find_weights
        >>> find_weights("text_classifier")
        'sentiment_classifier.imdb'
    """
    node = declarations.find_class(model)[1]
    for other in (model, *list_models()):
        if declarations.find_class(other)[1] is node:
            for name in list_weights(other):
                return name
    return None


def _find_example(model: str) -> tuple[str | None, str | None]:
    """Returns a text to answer, and the weights that answer it, if there are any."""
    if name := find_weights(model):
        return _choose_example(weights.records()[name]), name
    texts = declarations.example_answers(model)
    return (texts[0] if texts else None), None


def _choose_example(record: dict) -> str | None:
    """Returns the first of a record's inputs that is neither trivial nor long."""
    texts = [to_text(one["input"]) for one in record["golden"]]
    handy = [text for text in texts if 3 <= len(text) <= HANDY]
    return handy[0] if handy else min(filter(None, texts), key=len, default=None)
