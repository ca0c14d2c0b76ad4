"""Rows of similar length in one batch, so that short ones do not pay for long ones."""

from collections.abc import Iterator, Sequence

import numpy as np


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
