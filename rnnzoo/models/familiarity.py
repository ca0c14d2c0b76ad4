"""Warnings of input that is unlike what a model was trained on."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from rnnzoo.errors import shorten


def training_options(model: Any, recipe: str) -> dict | None:
    """Returns the options of a model's training; `None` if another one came after.

    Args:
        model: A model.
        recipe: Name of the recipe that must have trained it.
    """
    if not is_published(model) or model.card["recipe"] != recipe:
        return None
    return model.card.get("options")


def is_published(model: Any) -> bool:
    """Whether a model has the weights of a recipe, and was not trained after it."""
    optimizer = getattr(model, "optimizer", None)
    is_trained_on = optimizer is not None and int(optimizer.iterations) > 0
    return "recipe" in model.card and not is_trained_on


def warn_unfamiliar(
    rows: Sequence, is_familiar: Callable[[Any], bool], trained_on: str
) -> None:
    """Warns of rows that are unlike those of a model's training.

    Args:
        rows: The rows.
        is_familiar: Whether a row is like them.
        trained_on: What they were.
    """
    odd = [row for row in rows if not is_familiar(row)]
    if odd:
        warnings.warn(
            f"{len(odd)} of {len(rows)} inputs are unlike those that this model was "
            f"trained on: {trained_on}. Answers to others mean little. Received: "
            f"{shorten(odd[0])}",
            stacklevel=4,
        )
