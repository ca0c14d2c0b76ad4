"""Lists of integers to sort."""

import dataclasses

import numpy as np

from rnnzoo.data.synthetic.curriculum import LengthCurriculum, draw_lengths
from rnnzoo.errors import check_number


@dataclasses.dataclass(frozen=True)
class Sorting(LengthCurriculum):
    """Lists of integers and the same lists in increasing order.

    A sorter trained on uniform random lists alone fails on `[7, 7, 7, 8]`. Here, 27 %
    are uniform; 4 % have no repetitions; 5 % are from a random range; 18 % have up to
    eight distinct values, and 30 % two, often neighbours; 16 % have one value in all
    places except one. Of all these, 5 % each are sorted, reversed, or rotated.

    Args:
        max_value: Numbers are from 1 to this.
        max_length: Maximum length.
        full_length: Fraction of lists with the maximum length; others are shorter.
        curriculum_steps: Batches over which the length grows from 4 to `max_length`
            (a curriculum; Bengio et al., 2009).

    Example:
        >>> from rnnzoo.data.synthetic import Sorting
        >>> lists, answers = Sorting(max_value=9).batch(3, seed=0, index=0)
        >>> len(lists), [sorted(row) for row in lists] == answers
        (3, True)
    """

    max_value: int = 32
    max_length: int = 32
    full_length: float = 0.6
    curriculum_steps: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        check_number("max_value", self.max_value, minimum=1, whole=True)
        check_number("full_length", self.full_length, minimum=0, maximum=1)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` lists and their sorted lists, each a list of ints."""
        random = np.random.default_rng((seed, index))
        lengths = draw_lengths(random, size, self.longest(index), self.full_length)
        rows = [self._sort_some(self._sample(n, random), random) for n in lengths]
        return rows, [sorted(row) for row in rows]

    def _sample(self, length: int, random: np.random.Generator) -> np.ndarray:
        """Samples the numbers of one list from one of the distributions."""
        top, kind = self.max_value, random.random()
        if kind < 0.27 or top == 1:
            return random.integers(1, top + 1, length)
        if kind < 0.31 and length <= top:
            return random.permutation(top)[:length] + 1
        if kind < 0.36:
            low, high = np.sort(random.integers(1, top + 1, 2))
            return random.integers(low, high + 1, length)
        if kind < 0.54:
            count = random.integers(1, min(8, top) + 1)
            values = random.permutation(top)[:count] + 1
            return random.choice(values, length, p=random.dirichlet(np.ones(count)))
        one, other = random.permutation(top)[:2] + 1
        if random.random() < 0.3:
            other = one + 1 if one < top else one - 1
        count = random.integers(1, max(length, 2)) if kind < 0.84 else 1
        return random.permutation(np.where(np.arange(length) < count, one, other))

    def _sort_some(self, numbers: np.ndarray, random: np.random.Generator) -> list:
        """Sorts a few of the lists, in either direction or in a circle."""
        order = random.random()
        numbers = np.sort(numbers) if order < 0.15 else numbers
        if 0.05 <= order < 0.1:
            numbers = numbers[::-1]
        elif 0.1 <= order < 0.15:
            numbers = np.roll(numbers, random.integers(len(numbers)))
        return numbers.tolist()
