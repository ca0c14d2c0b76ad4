"""Periodic patterns of bits."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rnnzoo.data.synthetic.curriculum import curriculum_length
from rnnzoo.errors import check_number


@dataclasses.dataclass(frozen=True)
class Patterns:
    """Parts of a periodic pattern of bits in random phases, and their continuations.

    Args:
        zeros: Zeros of a period.
        ones: Ones of a period, which follow the zeros.
        max_length: Bits of a sequence, of both halves together.
        curriculum_steps: Curriculum: over the first third of this many batches, the
            longer run has at most three bits, and then it grows to its full length.

    Example:
        >>> from rnnzoo.data.synthetic import Patterns
        >>> Patterns(zeros=3, ones=1, max_length=8).at([0, 3])
        ([[0, 0, 0, 1], [1, 0, 0, 0]], [[0, 0, 0, 1], [1, 0, 0, 0]])
    """

    zeros: int = 5
    ones: int = 5
    max_length: int = 64
    curriculum_steps: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        minima = {"zeros": 1, "ones": 1, "max_length": 4, "curriculum_steps": 0}
        for name, minimum in minima.items():
            check_number(name, getattr(self, name), minimum=minimum, whole=True)

    @property
    def period(self) -> int:
        """Bits of a period."""
        return self.zeros + self.ones

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of bits, and their continuations of the same length."""
        random = np.random.default_rng((seed, index))
        third = self.curriculum_steps // 3
        last, steps = max(self.zeros, self.ones), self.curriculum_steps - third
        longest = curriculum_length(3, last, index - third, steps)
        zeros, ones = min(self.zeros, longest), min(self.ones, longest)
        shorter = dataclasses.replace(self, zeros=zeros, ones=ones)
        return shorter.at(random.integers(0, shorter.period, size))

    def at(self, phases: Sequence[int] | np.ndarray) -> tuple[list, list]:
        """Returns rows of bits that begin at these phases, and their continuations."""
        steps = np.asarray(phases)[:, None] + np.arange(self.max_length)
        bits = (steps % self.period >= self.zeros).astype(int)
        middle = self.max_length // 2
        return bits[:, :middle].tolist(), bits[:, middle:].tolist()
