"""Factories: public functions made of a class, with its signature and docstring."""

import inspect
from collections.abc import Callable
from typing import Any

from rnnzoo.errors import closest


def builder(model_class: type, name: str, **defaults: Any) -> Callable[..., Any]:
    """Makes a factory of models that have no weight files: `many_to_one`.

    Args:
        model_class: The model's class.
        name: The function's name.
        **defaults: Arguments whose defaults are not those of the class.
    """
    own = list(inspect.signature(model_class.__init__).parameters.values())[1:]
    signature = inspect.Signature(
        [p.replace(default=defaults.get(p.name, p.default)) for p in own],
        return_annotation=model_class,
    )

    def make(*arguments: Any, **given: Any) -> Any:
        refuse_unknown(name, given, signature)
        return model_class(*arguments, **{**defaults, **given})

    make.__signature__ = signature
    return dress_factory(
        make, model_class, name, inspect.cleandoc(model_class.__doc__ or "")
    )


def dress_factory(
    make: Any, model_class: type, name: str, text: str
) -> Callable[..., Any]:
    """Gives a factory the name, the documentation and the module that it shows."""
    make.__name__ = make.__qualname__ = name
    make.__module__ = model_class.__module__
    make.__doc__ = text
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
