"""Periodic patterns of bits."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rnnzoo.data.synthetic.curriculum import curriculum_length
from rnnzoo.errors import check_number


@dataclasses.dataclass(frozen=True)
class Patterns:
    """Parts of a periodic pattern of bits in random phases, and their continuations.

    A period is a run of zeros and a run of ones. Both halves of a sequence have the
    same length.

    Args:
        zeros: Zeros of a period.
        ones: Ones of a period.
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
        check_number("zeros", self.zeros, minimum=1, whole=True)
        check_number("ones", self.ones, minimum=1, whole=True)
        check_number("max_length", self.max_length, minimum=4, whole=True)
        check_number("curriculum_steps", self.curriculum_steps, minimum=0, whole=True)

    @property
    def period(self) -> int:
        """Bits of a period."""
        return self.zeros + self.ones

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of bits, and their continuations of the same length."""
        random = np.random.default_rng((seed, index))
        third = self.curriculum_steps // 3
        longest = max(self.zeros, self.ones)
        longest = curriculum_length(
            3, longest, index - third, self.curriculum_steps - third
        )
        shorter = dataclasses.replace(
            self, zeros=min(self.zeros, longest), ones=min(self.ones, longest)
        )
        return shorter.at(random.integers(0, shorter.period, size))

    def at(self, phases: Sequence[int] | np.ndarray) -> tuple[list, list]:
        """Returns a row of bits for each phase, and its continuation.

        Args:
            phases: Where in the period each row begins; 0 is the first zero.
        """
        steps = np.asarray(phases)[:, None] + np.arange(self.max_length)
        bits = (steps % self.period >= self.zeros).astype(int)
        middle = self.max_length // 2
        return bits[:, :middle].tolist(), bits[:, middle:].tolist()
