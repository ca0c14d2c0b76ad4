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
    if is_trained_further(model) or model.card.get("recipe") != recipe:
        return None
    return model.card.get("options")


def is_trained_further(model: Any) -> bool:
    """Whether a model was trained after it was loaded or built."""
    optimizer = getattr(model, "optimizer", None)
    return optimizer is not None and int(optimizer.iterations) > 0


def is_published(model: Any) -> bool:
    """Whether a model has published weights, whose card has their score."""
    return "score" in model.card and not is_trained_further(model)


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
