"""Factories: public functions made of a class, with its signature and docstring."""

import inspect
import re
from collections.abc import Callable
from typing import Any

from rnnzoo.errors import closest


def builder(model_class: type, name: str) -> Callable[..., Any]:
    """Makes a factory, such as `many_to_one`, of a class without weight files."""
    own = list(inspect.signature(model_class.__init__).parameters.values())[1:]
    signature = inspect.Signature(own, return_annotation=model_class)

    def make(*arguments: Any, **given: Any) -> Any:
        refuse_unknown(name, given, signature)
        return model_class(*arguments, **given)

    make.__name__ = make.__qualname__ = name
    make.__module__ = model_class.__module__
    make.__doc__ = _document(model_class, own)
    make.__signature__ = signature
    make.model_class = model_class
    return make


def keyword_defaults(model_class: type) -> dict[str, Any]:
    """Returns the keyword arguments of a class' constructor, with their defaults."""
    return {
        name: one.default
        for name, one in inspect.signature(model_class.__init__).parameters.items()
        if one.kind is one.KEYWORD_ONLY
    }


def _document(model_class: type, parameters: list[inspect.Parameter]) -> str:
    """Returns a class' docstring, with the arguments that its bases describe."""
    texts = [
        inspect.cleandoc(vars(one).get("__doc__") or "") for one in model_class.mro()
    ]
    entries: dict[str, str] = {}
    for text in reversed(texts):
        section = re.search(r"\nArgs:\n((?: .*\n|\n(?= ))*)", text + "\n")
        for entry in re.split(r"(?m)^ {4}(?=\w)", section[1] if section else "")[1:]:
            entries[entry.partition(":")[0]] = f"    {entry}"
    found = "".join(entries.get(one.name, "") for one in parameters)
    pattern = r"(?<=\nArgs:\n)(?: .*\n|\n(?= ))*"
    return re.sub(pattern, lambda _: found, texts[0] + "\n", count=1).rstrip()


def refuse_unknown(name: str, given: dict, signature: inspect.Signature) -> None:
    """Raises a `TypeError` for unknown arguments, with the closest match."""
    known = list(signature.parameters)
    for argument, value in given.items():
        if argument not in known:
            raise TypeError(
                f"{name}() has no argument {argument!r}: it has {', '.join(known)}."
                f"{closest(argument, known)} Received: {argument}={value!r}"
            )
