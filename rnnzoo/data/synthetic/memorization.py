"""Strings of digits to remember."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rnnzoo.data.synthetic.curriculum import LengthCurriculum
from rnnzoo.errors import check_choice

# The tasks of `Memorization`.
MEMORIES = {
    "copy": lambda digits: digits,
    "reverse": lambda digits: digits[::-1],
    "double": lambda digits: digits * 2,
}


@dataclasses.dataclass(frozen=True)
class Memorization(LengthCurriculum):
    """Strings of uniform digits, and the same copied, reversed, or twice in a row.

    Args:
        task: `"copy"`, `"reverse"`, or `"double"`.
        max_length: Maximum number of digits.
        curriculum_steps: Batches over which the length grows from 4 to `max_length`.

    Example:
        >>> from rnnzoo.data.synthetic import Memorization
        >>> texts, answers = Memorization("reverse").batch(3, seed=0, index=0)
        >>> [text[::-1] for text in texts] == answers
        True
    """

    task: str = "copy"
    max_length: int = 55
    curriculum_steps: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        check_choice("task", self.task, MEMORIES)
        super().__post_init__()

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` strings of digits, and their answers."""
        random = np.random.default_rng((seed, index))
        lengths = random.integers(1, self.longest(index) + 1, size)
        return self.sample_lengths(lengths, random)

    def sample_lengths(
        self, lengths: Sequence[int] | np.ndarray, random: np.random.Generator
    ) -> tuple[list, list]:
        """Returns a string of each of these lengths, and their answers."""
        rows = (random.integers(0, 10, n) + ord("0") for n in lengths)
        texts = [digits.astype("uint8").tobytes().decode() for digits in rows]
        return texts, [MEMORIES[self.task](text) for text in texts]
