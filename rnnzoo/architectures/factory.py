"""Factories: public functions made of a class, with its signature and docstring."""

import inspect
from collections.abc import Callable
from typing import Any

from rnnzoo.errors import closest


def builder(model_class: type, name: str) -> Callable[..., Any]:
    """Makes a factory of models that have no weight files: `many_to_one`.

    Args:
        model_class: The model's class; the factory has its signature and docstring.
        name: The function's name.
    """
    own = list(inspect.signature(model_class.__init__).parameters.values())[1:]
    signature = inspect.Signature(own, return_annotation=model_class)

    def make(*arguments: Any, **given: Any) -> Any:
        refuse_unknown(name, given, signature)
        return model_class(*arguments, **given)

    make.__name__ = make.__qualname__ = name
    make.__module__ = model_class.__module__
    make.__doc__ = inspect.cleandoc(model_class.__doc__ or "")
    make.__signature__ = signature
    make.model_class = model_class
    return make


def refuse_unknown(name: str, given: dict, signature: inspect.Signature) -> None:
    """Refuses arguments that a factory does not have.

    Raises:
        TypeError: If there is one; names the closest match.
    """
    known = list(signature.parameters)
    for argument, value in given.items():
        if argument not in known:
            raise TypeError(
                f"{name}() has no argument {argument!r}: it has {', '.join(known)}."
                f"{closest(argument, known)} Received: {argument}={value!r}"
            )
