"""A zoo of recurrent networks for Keras: raw input in, answer out.

Importing this package is quick: a name imports TensorFlow when it is first used.

    >>> from rnnzoo import sorter
    >>> sorter().sort([31, 4, 15, 9, 26])
    [4, 9, 15, 26, 31]
"""

from importlib import import_module
from typing import Any

from rnnzoo.api import MODULES
from rnnzoo.errors import explain_missing_backend

__version__ = "0.1.0"

__all__ = list(MODULES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(
            f"module 'rnnzoo' has no attribute {name!r}; it has {', '.join(MODULES)}"
        )
    with explain_missing_backend():
        value = getattr(import_module(MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES})
