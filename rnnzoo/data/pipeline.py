"""Examples to batches: encoded, padded, prefetched, and the same for the same seed."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf


class Examples(Protocol):
    """An endless set of examples that can be entered anywhere."""

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` raw inputs and targets, the same for the same arguments."""


def batches(
    examples: Examples,
    encode: Callable[[Any, Any], tuple],
    *,
    batch_size: int,
    seed: int,
    first: int = 0,
    count: int | None = None,
    length: int | None = None,
) -> tf.data.Dataset:
    """Makes a `tf.data.Dataset` of encoded batches.

    Batch number `i` is the same whether training began at 0 or at `i`: that is what
    makes a resumed training equal to one that was never interrupted.

    Args:
        examples: Where examples come from, such as `rnnzoo.data.synthetic.Sorting`.
        encode: Turns raw inputs and targets into arrays, such as a model's `encode`.
        batch_size: Examples per batch, over all devices.
        seed: Seed of the examples.
        first: Number of the first batch.
        count: Number of batches; `None` for no end.
        length: Pads sequences to this many steps, so that all shapes are static, as XLA
            needs them on a TPU; `None` for those of each batch.

    Returns:
        Batches `(inputs, targets)` with the shapes that `encode` gives; the batch size
        is static, time is only with `length`.

    Example:
        >>> from rnnzoo import sorter
        >>> from rnnzoo.data.pipeline import batches
        >>> from rnnzoo.data.synthetic import Sorting
        >>> model = sorter(weights=None, max_value=9, max_length=4, units=8)
        >>> data = batches(Sorting(9, 4), model.encode, batch_size=2, seed=0, count=3)
        >>> [tuple(inputs.shape) for inputs, targets in data]
        [(2, 4), (2, 4), (2, 4)]
    """

    def encoded(index: int) -> tuple:
        arrays = encode(*examples.batch(batch_size, seed, index))
        return tf.nest.map_structure(lambda array: _padded(array, length), arrays)

    sample = encoded(first)
    flat_sample = tf.nest.flatten(sample)

    def draw(index: np.ndarray) -> list:
        return tf.nest.flatten(encoded(int(index)))

    def load(index: tf.Tensor) -> Any:
        flat = tf.numpy_function(
            draw, [index], [array.dtype for array in flat_sample], stateful=False
        )
        for tensor, array in zip(flat, flat_sample, strict=True):
            # Batch and features are fixed, time is not.
            tensor.set_shape((*array.shape[:1], length, *array.shape[2:])[: array.ndim])
        return tf.nest.pack_sequence_as(sample, flat)

    end = tf.int64.max if count is None else first + count
    indices = tf.data.Dataset.range(first, end)
    return indices.map(load, num_parallel_calls=2).prefetch(4)


def _padded(array: np.ndarray, length: int | None) -> np.ndarray:
    """Pads `[batch, time, ...]` with zeros in time; `[batch]` stays."""
    if length is None or array.ndim < 2:
        return array
    missing = length - array.shape[1]
    return np.pad(array, [(0, 0), (0, missing)] + [(0, 0)] * (array.ndim - 2))
