"""Streams of numbers to sum and to compare."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Sums:
    """Rows of up to `max_length` multiples of a half, and their sums.

    Example:
        >>> from rnnzoo.data.synthetic import Sums
        >>> rows, sums = Sums(max_length=5).batch(3, seed=0, index=0)
        >>> [sum(row) for row in rows] == sums
        True
    """

    max_length: int = 20

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of numbers, and their sums."""
        random = np.random.default_rng((seed, index))
        lengths = random.integers(1, self.max_length + 1, size)
        rows = [(random.integers(-20, 21, n) / 2).tolist() for n in lengths]
        return rows, [sum(row) for row in rows]


@dataclasses.dataclass(frozen=True)
class Comparisons:
    """Rows of up to `max_length` pairs, and 1 where the first so far have a larger sum.

    Example:
        >>> from rnnzoo.data.synthetic import Comparisons
        >>> rows, answers = Comparisons(max_length=5).batch(3, seed=0, index=0)
        >>> [len(row) for row in rows] == [len(answer) for answer in answers]
        True
    """

    max_length: int = 20

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of pairs, and for each a list of 0 and 1."""
        random = np.random.default_rng((seed, index))
        lengths = random.integers(1, self.max_length + 1, size)
        rows = [random.integers(-20, 21, (n, 2)) / 2 for n in lengths]
        leads = [np.cumsum(row[:, 0] - row[:, 1]) > 0 for row in rows]
        answers = [lead.astype(int).tolist() for lead in leads]
        return [row.tolist() for row in rows], answers
