"""Curricula: from easy examples to difficult ones."""

from collections.abc import Sequence

import numpy as np

from rnnzoo.errors import check_number


def curriculum_length(first: int, last: int, index: int, batches: int) -> int:
    """Returns a length that grows linearly from `first` to `last` over `batches`."""
    if index >= batches:
        return last
    return min(last, first + int(max(index, 0) / batches * (last - first)))


class LengthCurriculum:
    """Base class of examples whose largest length grows over `curriculum_steps`."""

    first_length = 4
    max_length: int
    curriculum_steps: int

    def __post_init__(self):
        """Checks the arguments."""
        check_number("max_length", self.max_length, minimum=1, whole=True)
        check_number("curriculum_steps", self.curriculum_steps, minimum=0, whole=True)

    def longest(self, index: int) -> int:
        """Returns the largest length in a batch."""
        first, last = self.first_length, self.max_length
        return curriculum_length(first, last, index, self.curriculum_steps)


def draw_lengths(
    random: np.random.Generator, size: int, longest: int, full_length: float
) -> np.ndarray:
    """Draws lengths, `[size]`: a fraction the longest, others any, half of them few."""
    any_length = random.integers(1, longest + 1, size)
    few = random.integers(1, min(6, longest) + 1, size)
    lengths = np.where(random.random(size) < 0.5, any_length, few)
    return np.where(random.random(size) < full_length, longest, lengths)


def choose_kinds(
    random: np.ndarray, kinds: Sequence[tuple[float, np.ndarray]], rest: np.ndarray
) -> np.ndarray:
    """Chooses one of several arrays for each row, `[rows, ...]`.

    Args:
        random: A number from 0 to 1 for each row, `[rows]`.
        kinds: The fraction of rows of each array, and the array.
        rest: The array of the other rows.
    """
    low = 0.0
    for share, kind in kinds:
        inside = (random >= low) & (random < low + share)
        rest, low = np.where(inside[:, None], kind, rest), low + share
    return rest
