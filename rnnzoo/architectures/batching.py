"""Batches: rows of similar length together, and no value that is not finite."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

FINITE = "must be finite numbers, without NaN and infinity"


def group_by_length(
    lengths: Sequence[int] | np.ndarray, max_steps: int, max_rows: int | None = None
) -> Iterator[np.ndarray]:
    """Yields the indices of rows to read together, the longest first.

    Args:
        lengths: The number of steps of every row.
        max_steps: Maximum number of rows times steps of a group of several rows.
        max_rows: Maximum number of rows of a group; `None` for any.

    Example:
        >>> from rnnzoo.architectures.batching import group_by_length
        >>> [group.tolist() for group in group_by_length([1, 9, 2, 3], max_steps=9)]
        [[1], [3, 2, 0]]
    """
    sizes = np.asarray(lengths, "int64")
    order = np.argsort(-sizes, kind="stable")
    while len(order):
        size = max(1, max_steps // max(1, sizes[order[0]]))
        size = min(size, max_rows or size)
        yield order[:size]
        order = order[size:]


def check_finite(name: str, data: Any) -> Any:
    """Returns data for `fit`, of which NaN and infinity are refused.

    Arrays are checked at once, a `tf.data.Dataset` and a generator as they are read.
    Raises `ValueError`, or `InvalidArgumentError` in a graph, with row and step.

    Args:
        name: What to call the data.
        data: Arrays, tensors, structures of them, a data set or a generator of them.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.architectures.batching import check_finite
        >>> check_finite("x", np.array([[0.5], [np.nan]]))
        Traceback (most recent call last):
        ValueError: x must be finite numbers, without NaN and infinity: correct or
        remove row 1, step 0 (both count from 0). Received: nan
    """
    if isinstance(data, tf.data.Dataset):
        kinds = [getattr(s, "dtype", None) for s in tf.nest.flatten(data.element_spec)]
        if any(kind and kind.is_floating for kind in kinds):
            return data.map(functools.partial(_check_batch_in_graph, name))
        return data
    if isinstance(data, Iterator):
        return (check_finite(f"{name} (a batch of it)", batch) for batch in data)
    for part in keras.tree.flatten(data):
        kind = str(getattr(part, "dtype", ""))
        if "float" in kind and np.size(part):
            _check_array(name, np.asarray(part))
    return data


def _check_array(name: str, array: np.ndarray) -> None:
    # The extremes tell without an array of as many booleans.
    if np.isfinite(array.min()) and np.isfinite(array.max()):
        return
    place = tuple(np.argwhere(~np.isfinite(array))[0])
    step = f", step {place[1]}" if len(place) > 1 else ""
    raise ValueError(
        f"{name} {FINITE}: correct or remove row {place[0]}{step} (both count from 0). "
        f"Received: {array[place]}"
    )


def _check_batch_in_graph(name: str, *batch: Any) -> Any:
    parts = [p for p in tf.nest.flatten(batch) if isinstance(p, tf.Tensor)]
    checks = []
    for part in parts:
        if part.dtype.is_floating:
            is_wrong = ~tf.math.is_finite(part)
            places = tf.where(is_wrong)[:1, :2]
            message = f"{name} {FINITE}. Row and step of a batch, which count from 0:"
            right = ~tf.reduce_any(is_wrong)
            checks.append(tf.debugging.Assert(right, [message, places]))
    with tf.control_dependencies(checks):
        checked = tf.nest.map_structure(tf.identity, batch)
    return checked if len(checked) > 1 else checked[0]
