"""Lists of integers from a distribution that covers histograms and orders."""

import dataclasses

import numpy as np

from rnnzoo.data.synthetic.curriculum import (
    LengthCurriculum,
    choose_kinds,
    draw_lengths,
)
from rnnzoo.errors import check_number

# Fractions of lists: of values equally likely, of two values, of one value with one
# exception, without repetition.
FLAT, TWO, ODD, DISTINCT = 0.2, 0.12, 0.08, 0.06


@dataclasses.dataclass(frozen=True)
class HistogramSorting(LengthCurriculum):
    """Lists of integers of all kinds, and the same lists in increasing order.

    What a list is depends on two things: how often each value occurs, and in which
    order they come. A sorter that trains on named shapes fails between them. Here the
    probabilities of the values are drawn from a Dirichlet distribution over a random
    set or range of values. Its concentration is log-uniform from 0.05, where one or two
    values take nearly all places, to 20, where all are about as likely; three of ten
    draws are rising, falling, or have one peak. A fifth of the lists have equally
    likely values; 12 % have two values, 8 % one value with one exception, 6 % no
    repetitions.

    Most lists come in random order; others are sorted, reversed, rotated, in blocks of
    equal values, in several runs, nearly sorted, or follow the ranks of a random walk.

    Args:
        max_value: Numbers are from 1 to this.
        max_length: Maximum length.
        full_length: Fraction of lists with the maximum length; others are shorter.
        curriculum_steps: Batches over which the length grows from 4 to `max_length`
            (a curriculum; Bengio et al., 2009).
        mixed: Fraction of lists whose probabilities are those of two draws, mixed: some
            values that come often, and many that come once.

    Example:
        >>> from rnnzoo.data.synthetic import HistogramSorting
        >>> lists, answers = HistogramSorting(max_value=9).batch(3, seed=0, index=0)
        >>> len(lists), [sorted(row) for row in lists] == answers
        (3, True)
    """

    max_value: int = 32
    max_length: int = 32
    full_length: float = 0.6
    curriculum_steps: int = 0
    mixed: float = 0.0

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        check_number("max_value", self.max_value, minimum=1, whole=True)
        check_number("mixed", self.mixed, minimum=0, maximum=1)
        check_number("full_length", self.full_length, minimum=0, maximum=1)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` lists and their sorted lists, each a list of ints."""
        random = np.random.default_rng((seed, index))
        lengths = draw_lengths(random, size, self.longest(index), self.full_length)
        longest, top = lengths.max(), self.max_value
        numbers = draw_numbers(random, lengths, top, longest, self.mixed)
        numbers = arrange(random, numbers, lengths)
        pairs = zip(numbers.tolist(), lengths.tolist(), strict=True)
        rows = [row[:length] for row, length in pairs]
        return rows, [sorted(row) for row in rows]


def draw_weights(random: np.random.Generator, size: int, top: int) -> np.ndarray:
    """Draws how likely each value is, `[size, top]`, each row with a sum of 1."""
    # The values that occur: a range, or any.
    kind = random.random(size)
    few = np.minimum(random.integers(1, 9, size), top)
    count = np.where(random.random(size) < 0.5, few, random.integers(1, top + 1, size))
    count = np.where(kind < TWO, min(2, top), count)
    first = random.integers(0, top - count + 1)
    keys = random.random((size, top))
    places = np.arange(top)
    in_range = (places >= first[:, None]) & (places < (first + count)[:, None])
    chosen = keys.argsort(axis=1).argsort(axis=1) < count[:, None]
    occurs = np.where((random.random(size) < 0.5)[:, None], in_range, chosen)
    # Dirichlet's weights, as logarithms: most of the smallest would be rounded to 0.
    alpha = np.exp(random.uniform(np.log(0.05), np.log(20), size))
    alpha = np.where(kind < TWO, 1.0, alpha)[:, None]
    logs = np.log(random.standard_gamma(alpha + 1, (size, top)))
    logs += np.log(1 - random.random((size, top))) / alpha
    flat = (kind >= TWO) & (kind < TWO + FLAT)
    logs = np.where(flat[:, None], 0.0, logs)
    whole = flat & (random.random(size) < 0.6)
    occurs |= whole[:, None]
    logs = np.where(occurs, logs, -np.inf)
    # Rising, falling, or rising and falling weights.
    shape = random.random(size)
    rising = np.sort(logs, axis=1)
    peaked = np.concatenate([rising[:, ::2], rising[:, 1::2][:, ::-1]], axis=1)
    shifts = random.integers(0, top, size)[:, None]
    turned = np.take_along_axis(peaked, (places + shifts) % top, axis=1)
    kinds = [(0.1, rising), (0.1, rising[:, ::-1]), (0.1, turned)]
    logs = choose_kinds(shape, kinds, logs)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def draw_numbers(
    random: np.random.Generator,
    lengths: np.ndarray,
    top: int,
    longest: int,
    mixed: float = 0.0,
) -> np.ndarray:
    """Draws the numbers of lists, `[size, longest]`, in random order."""
    size = len(lengths)
    weights = draw_weights(random, size, top)
    if mixed:
        share = random.random((size, 1)) * (random.random((size, 1)) < mixed)
        weights = (1 - share) * weights + share * draw_weights(random, size, top)
    limits = np.cumsum(weights, axis=1)[:, None, :-1]
    numbers = (random.random((size, longest, 1)) >= limits).sum(axis=2) + 1
    # Without repetition, as far as there are values.
    keys = np.log(random.random((size, top))) / np.maximum(weights, 1e-30)
    order = (-keys).argsort(axis=1)[:, :longest] + 1
    distinct = (random.random(size) < DISTINCT) & (lengths <= min(top, longest))
    numbers[:, : order.shape[1]] = np.where(
        distinct[:, None], order, numbers[:, : order.shape[1]]
    )
    # One value, with one exception.
    odd = random.random(size) < ODD
    value = random.integers(1, top + 1, size)
    near = np.clip(value + random.choice([-1, 1], size), 1, top)
    other = np.where(random.random(size) < 0.3, near, random.integers(1, top + 1, size))
    exception = (
        np.arange(longest) == (random.random(size) * lengths).astype(int)[:, None]
    )
    lists = np.where(exception, other[:, None], value[:, None])
    return np.where(odd[:, None], lists, numbers)


def arrange(
    random: np.random.Generator, numbers: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """Puts the numbers of most lists in random order, and of some in other orders."""
    size, longest = numbers.shape
    places = np.arange(longest)
    real = places < lengths[:, None]
    top = numbers.max() + 1
    in_order = np.sort(np.where(real, numbers, top), axis=1)

    def sort_by(keys: np.ndarray) -> np.ndarray:
        order = np.where(real, keys, np.inf).argsort(axis=1, kind="stable")
        return np.take_along_axis(in_order, order, axis=1)

    last = lengths[:, None]
    shift = (random.random((size, 1)) * last).astype(int)
    rotated = np.where(real, (places + shift) % last, places)
    # Which of several runs an element is in, and the place of each value.
    run = random.integers(0, random.integers(1, 7, size)[:, None], (size, longest))
    direction = random.choice([-1, 1], (size, 1))
    rank = random.random((size, top + 1))
    block = np.take_along_axis(rank, in_order, axis=1)
    steepness = np.exp(random.uniform(np.log(0.3), np.log(10), (size, 1)))
    noisy = places + steepness * random.standard_normal((size, longest))
    # The path whose ranks a list follows.
    steps = random.standard_normal((size, longest))
    path = np.where(real, np.cumsum(steps, axis=1), np.inf)
    walk = path.argsort(axis=1).argsort(axis=1)
    reversed_places = np.where(real, last - 1 - places, places)
    orders = [
        (0.04, in_order),
        (0.04, np.take_along_axis(in_order, reversed_places, axis=1)),
        (0.04, np.take_along_axis(in_order, rotated, axis=1)),
        (0.06, sort_by(block)),
        (0.06, sort_by(run * 1000.0 + direction * places)),
        (0.06, sort_by(direction * noisy)),
        (0.10, np.take_along_axis(in_order, walk, axis=1)),
    ]
    shuffled = sort_by(random.random((size, longest)))
    return choose_kinds(random.random(size), orders, shuffled)
