"""Batches: rows of similar length together, and no value that is not finite."""

import contextlib
import functools
import re
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

    Arrays are checked at once, a `tf.data.Dataset` as it is read. What the float type
    of Keras cannot hold counts as infinite. Raises `ValueError` with row and step, of
    a data set within `name_bad_batches`.

    Args:
        name: What to call the data.
        data: Arrays, tensors, structures of them, or a data set of these.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.architectures.batching import check_finite
        >>> check_finite("x", np.array([[0.5], [np.nan]]))
        Traceback (most recent call last):
        ValueError: x must be finite numbers, without NaN and infinity: correct or
        remove row 1, step 0 (counted from 0). Received: nan
    """
    if isinstance(data, tf.data.Dataset):
        kinds = [getattr(s, "dtype", None) for s in tf.nest.flatten(data.element_spec)]
        if any(kind and kind.is_floating for kind in kinds):
            return data.map(functools.partial(_check_batch_in_graph, name))
        return data
    for part in keras.tree.flatten(data):
        kind = str(getattr(part, "dtype", ""))
        if "float" in kind and np.size(part):
            _check_array(name, np.asarray(part))
    return data


@contextlib.contextmanager
def name_bad_batches() -> Iterator[None]:
    """Turns the error of a graph that `check_finite` has made into a `ValueError`."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(rf"\[(\w+) {FINITE}.*?\] \[\[(\d+) ?(\d*)", str(error))
        if not found:
            raise
        name, row, step = found.groups()
        step = f", step {step}" if step else ""
        raise ValueError(
            f"{name} {FINITE}: correct or remove row {row}{step} of a batch (counted "
            "from 0). Received: NaN or infinity there"
        ) from error


def _check_array(name: str, array: np.ndarray) -> None:
    # Keras casts to this type. The extremes tell without an array of as many booleans.
    largest = np.finfo(keras.config.floatx()).max
    if -largest <= array.min() and array.max() <= largest:
        return
    place: Any = tuple(np.argwhere(~(np.abs(array) <= largest))[0])
    step = f", step {place[1]}" if len(place) > 1 else ""
    raise ValueError(
        f"{name} {FINITE}: correct or remove row {place[0]}{step} (counted from 0). "
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
