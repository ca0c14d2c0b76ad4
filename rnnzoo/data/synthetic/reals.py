"""Lists of real numbers to sort."""

import dataclasses

import numpy as np

from rnnzoo.data.synthetic.curriculum import (
    LengthCurriculum,
    choose_kinds,
    draw_lengths,
)
from rnnzoo.errors import check_number


@dataclasses.dataclass(frozen=True)
class RealSorting(LengthCurriculum):
    """Lists of real numbers of many kinds, and the same lists in increasing order.

    Two fifths are uniform from 0 to 1, where neighbours are seldom close; others are
    normal, spread over several orders of magnitude, in narrow clusters, with outliers,
    or with ties. Each list is then scaled and moved at random. One in ten is sorted, or
    reversed.

    Args:
        max_length: Maximum length.
        full_length: Fraction of lists with the maximum length; others are shorter.
        curriculum_steps: Batches over which the length grows from 4 to `max_length`
            (a curriculum; Bengio et al., 2009).

    Example:
        >>> from rnnzoo.data.synthetic import RealSorting
        >>> lists, answers = RealSorting().batch(3, seed=0, index=0)
        >>> len(lists), [sorted(row) for row in lists] == answers
        (3, True)
    """

    max_length: int = 32
    full_length: float = 0.4
    curriculum_steps: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        check_number("full_length", self.full_length, minimum=0, maximum=1)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` lists and their sorted lists, each a list of floats."""
        random = np.random.default_rng((seed, index))
        lengths = draw_lengths(random, size, self.longest(index), self.full_length)
        numbers = _arrange(random, _draw(random, (size, lengths.max())), lengths)
        pairs = zip(numbers.tolist(), lengths.tolist(), strict=True)
        rows = [row[:length] for row, length in pairs]
        return rows, [sorted(row) for row in rows]


def real_families(length: int, count: int, seed: int = 0) -> dict[str, list]:
    """Returns `count` lists of each of several families of real numbers, by name.

    `uniform` from 0 to 1, `normal`, `log_normal` over several orders of magnitude,
    `temperatures` and `prices` with one and two decimal places, and so with ties,
    `walk`, a random one, and `integers` from -50 to 49.

    Args:
        length: Length of every list.
        count: Lists of each family.
        seed: Random seed.

    Example:
        >>> from rnnzoo.data.synthetic import real_families
        >>> [len(row) for row in real_families(length=5, count=2)["prices"]]
        [5, 5]
    """
    random, shape = np.random.default_rng(seed), (count, length)
    found = {
        "uniform": random.random(shape),
        "normal": random.normal(0, 1000, shape),
        "log_normal": random.lognormal(0, 3, shape),
        "temperatures": random.normal(15, 8, shape).round(1),
        "prices": random.gamma(2, 30, shape).round(2),
        "walk": np.cumsum(random.normal(size=shape), axis=1),
        "integers": random.integers(-50, 50, shape),
    }
    return {name: numbers.tolist() for name, numbers in found.items()}


def _draw(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draws numbers `[lists, length]` of one kind for each list."""
    size, length = shape
    column = (size, 1)
    uniform, normal = random.random(shape), random.standard_normal(shape)
    magnitudes = 10 ** (uniform * random.uniform(-9, 0, column))
    width = 10 ** random.uniform(-7, -1, column)
    centers = random.random(column if length < 2 else shape)
    choice = random.integers(
        0, np.minimum(random.integers(1, 9, column), length), shape
    )
    clusters = np.take_along_axis(centers, choice, axis=1) + width * normal
    share, factor = random.random(column) * 0.3, 10 ** random.uniform(0, 6, column)
    outliers = uniform * np.where(random.random(shape) < share, factor, 1.0)
    ties = random.integers(0, random.integers(1, 40, column), shape).astype(float)
    kinds = [
        (0.4, uniform),
        (0.15, normal),
        (0.12, magnitudes),
        (0.15, clusters),
        (0.08, outliers),
        (0.1, ties),
    ]
    numbers = choose_kinds(random.random(size), kinds, uniform)
    # Between 0 and 1 as they are drawn, or anywhere, also upside down.
    scale = random.choice([-1, 1], column) * 10 ** random.uniform(-3, 3, column)
    moved = scale * (numbers + 10 * random.standard_normal(column))
    return np.where(random.random(column) < 0.3, numbers, moved)


def _arrange(
    random: np.random.Generator, numbers: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """Sorts or reverses one list in ten."""
    real = np.arange(numbers.shape[1]) < lengths[:, None]
    kind = random.random((len(lengths), 1))
    rising = np.sort(np.where(real, numbers, np.inf), axis=1)
    falling = -np.sort(np.where(real, -numbers, np.inf), axis=1)
    return np.where(kind < 0.05, rising, np.where(kind < 0.1, falling, numbers))
