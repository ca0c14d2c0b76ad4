"""Checks of arrays that a graph takes as they are."""

from typing import Any

import keras
import numpy as np


def check_ids(model: Any, inputs: Any) -> None:
    """Raises `ValueError` where token ids of arrays are not in a model's vocabulary.

    Args:
        model: A model, whose layer "reader" knows the number of ids; where the target
            has others, "target_reader" knows it.
        inputs: An array or tensor for each input of the model, in its structure.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import many_to_one
        >>> from rnnzoo.architectures.checks import check_ids
        >>> model = many_to_one(vocabulary_size=9, num_classes=2, units=4)
        >>> check_ids(model, np.array([[1, 2], [3, -1]]))
        Traceback (most recent call last):
        ValueError: Token ids must be from 0 to 8, where 0 is padding: correct row 1,
        step 1 (both count from 0), or build the model with a larger vocabulary_size.
        Received: -1
    """
    sources, arrays = keras.tree.flatten(model.input), keras.tree.flatten(inputs)
    readers = {layer.name: layer for layer in model.layers}
    for source, array in zip(sources, arrays, strict=False):
        if source.dtype != "int32" or not getattr(array, "ndim", 0):
            continue
        reader = readers.get("reader")
        if source.name == "target":
            reader = readers.get("target_reader", reader)
        size, ids = getattr(reader, "vocabulary_size", None), np.asarray(array)
        if size is None or not ids.size or ids.dtype.kind not in "iuf":
            continue
        if not (ids.min() >= 0 and ids.max() < size):
            place: Any = tuple(np.argwhere(~((ids >= 0) & (ids < size)))[0])
            step = f", step {place[1]}" if len(place) > 1 else ""
            raise ValueError(
                f"Token ids must be from 0 to {size - 1}, where 0 is padding: correct "
                f"row {place[0]}{step} (both count from 0), or build the model with a "
                f"larger vocabulary_size. Received: {ids[place]}"
            )


def check_steps(inputs: Any) -> None:
    """Raises `ValueError` for arrays without a row, or whose rows have no step.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.architectures.checks import check_steps
        >>> check_steps(np.zeros((2, 0)))
        Traceback (most recent call last):
        ValueError: Arrays must have a row and a step at least. Received: an array of
        shape (2, 0)
    """
    for array in keras.tree.flatten(inputs):
        shape = tuple(getattr(array, "shape", ()))
        if 0 in shape[:2]:
            raise ValueError(
                "Arrays must have a row and a step at least. Received: an array of "
                f"shape {shape}"
            )
