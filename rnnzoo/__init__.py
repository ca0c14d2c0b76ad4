"""A zoo of recurrent networks for Keras: raw input in, answer out.

Importing this package is quick: a name imports TensorFlow when it is first used.

    >>> from rnnzoo import sorter
    >>> sorter().sort([31, 4, 15, 9, 26])
    [4, 9, 15, 26, 31]
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Every public name and the module that defines it.
_PUBLIC = {
    # Models of the zoo
    "sorter": "rnnzoo.models.sorting",
    "sentiment_classifier": "rnnzoo.models.sentiment",
    "language_model": "rnnzoo.models.language",
    "translator": "rnnzoo.models.translation",
    "adder": "rnnzoo.models.addition",
    "parity": "rnnzoo.models.parity",
    "series_classifier": "rnnzoo.models.series",
    "pattern_generator": "rnnzoo.models.patterns",
    "memorizer": "rnnzoo.models.memorization",
    "executor": "rnnzoo.models.execution",
    # Models of the zoo whose weights are set by hand
    "summer": "rnnzoo.models.by_hand",
    "comparer": "rnnzoo.models.by_hand",
    "parity_by_hand": "rnnzoo.models.by_hand",
    # Architectures for any task
    "many_to_one": "rnnzoo.architectures.many_to_one",
    "many_to_many": "rnnzoo.architectures.many_to_many",
    "many_to_one_to_many": "rnnzoo.architectures.many_to_one_to_many",
    # Models without the memory of a recurrent network, to compare with
    "autoregressive": "rnnzoo.architectures.memoryless",
    "feed_forward": "rnnzoo.architectures.memoryless",
    "neural_ngram": "rnnzoo.architectures.memoryless",
    "hidden_markov": "rnnzoo.architectures.hidden_markov",
    # What there is
    "list_models": "rnnzoo.listing",
    "list_weights": "rnnzoo.weights",
    "list_recipes": "rnnzoo.listing",
    "describe": "rnnzoo.listing",
    # Files and training
    "load": "rnnzoo.weights",
    "train": "rnnzoo.training",
    "Recipe": "rnnzoo.training",
    "export": "rnnzoo.exporting",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(
            f"module 'rnnzoo' has no attribute {name!r}; it has {', '.join(_PUBLIC)}"
        )
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
