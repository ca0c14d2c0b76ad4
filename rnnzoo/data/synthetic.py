"""Generated examples: nothing to download, and as many as one likes.

Each class here is an endless set of examples. `batch(size, seed, index)` returns
the same examples for the same three numbers, whatever was drawn before, so that
training can begin anywhere and every process can draw its own share.
"""

import dataclasses

import numpy as np

from rnnzoo.errors import check_number


@dataclasses.dataclass(frozen=True)
class Sorting:
    """Lists of whole numbers and the same lists in increasing order.

    Use it to train and to test sorters. Uniform random lists are nearly all alike: they
    hold about two of every three values, most of them once. Half of these lists
    therefore come from other distributions, in which values repeat, come close
    together, or stand in order already:

    - 50 % each number uniform and independent;
    - 10 % drawn without replacement;
    - 10 % uniform within a random range;
    - 30 % of a few distinct values, half of the time two, in random proportions;

    and of all of these, 5 % each are sorted, reversed, or rotated after sorting.

    Args:
        max_value: Numbers are from 1 to this.
        max_length: Length of the longest lists.
        full_length: Share of lists that have the largest length; the others have any
            length from 1 up, with equal probability.
        growing_batches: Curriculum: the largest length grows from 4 to `max_length`
            over this many batches. Short lists teach what numbers mean in a fraction of
            the time (Bengio et al., 2009, on curricula).

    Example:
        >>> from rnnzoo.data.synthetic import Sorting
        >>> lists, answers = Sorting(max_value=9, max_length=4).batch(3, seed=0, index=0)
        >>> len(lists), [sorted(row) for row in lists] == answers
        (3, True)
    """

    max_value: int = 32
    max_length: int = 32
    full_length: float = 0.7
    growing_batches: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        check_number("max_value", self.max_value, minimum=1, whole=True)
        check_number("max_length", self.max_length, minimum=1, whole=True)
        check_number("full_length", self.full_length, minimum=0, below=1.01)
        check_number("growing_batches", self.growing_batches, minimum=0, whole=True)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` lists and their sorted lists, each a list of ints."""
        random = np.random.default_rng((seed, index))
        longest = self.max_length
        if index < self.growing_batches:
            share = index / self.growing_batches
            longest = min(longest, 4 + int(share * (longest - 4)))
        numbers, lengths = self.arrays(size, longest, random)
        rows = [
            row[:length].tolist() for row, length in zip(numbers, lengths, strict=True)
        ]
        return rows, [sorted(row) for row in rows]

    def arrays(
        self, size: int, longest: int, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws lists as an array `[size, longest]`, of which `lengths` are used."""
        top = self.max_value
        lengths = random.integers(1, longest + 1, size)
        lengths[random.random(size) < self.full_length] = longest
        numbers = random.integers(1, top + 1, (size, longest))

        kind = random.random(size)
        for row in np.flatnonzero(kind < 0.5):
            length = lengths[row]
            if kind[row] < 0.1 and length <= top:
                drawn = random.permutation(top)[:length] + 1
            elif kind[row] < 0.2:
                low, high = np.sort(random.integers(1, top + 1, 2))
                drawn = random.integers(low, high + 1, length)
            else:
                count = min(1 + random.geometric(0.5), top)
                values = random.permutation(top)[:count] + 1
                shares = random.dirichlet(np.full(count, 0.7))
                drawn = random.choice(values, length, p=shares)
            numbers[row, :length] = drawn

        order = random.random(size)
        for row in np.flatnonzero(order < 0.15):
            used = np.sort(numbers[row, : lengths[row]])
            if order[row] < 0.05:
                used = used[::-1]
            elif order[row] < 0.1:
                used = np.roll(used, random.integers(lengths[row]))
            numbers[row, : lengths[row]] = used
        return numbers, lengths


def uniform_lists(count: int, max_value: int, length: int, seed: int) -> list:
    """Returns lists of one length, each number uniform and independent.

    Example:
        >>> from rnnzoo.data.synthetic import uniform_lists
        >>> [len(row) for row in uniform_lists(2, max_value=32, length=5, seed=1)]
        [5, 5]
    """
    random = np.random.default_rng(seed)
    return random.integers(1, max_value + 1, (count, length)).tolist()


def structured_lists(max_value: int, length: int, seed: int = 0) -> dict[str, list]:
    """Returns the lists on which a sorter trained on random lists tends to fail.

    Args:
        max_value: Numbers are from 1 to this.
        length: Length of every list.
        seed: Seed of the orders of the lists of two values, and of the sorted lists.

    Returns:
        Lists by kind: `all_equal` (each value alone), `sorted` and `reversed` (1,000
        random lists each), `two_values` (every pair of values in every proportion,
        shuffled), `one_different` (every value once among `length - 1` of every other,
        in first, last and a random place), and `rotations` (every rotation of
        1, 2, ..., `max_value`, cut or repeated to the length).

    Example:
        >>> from rnnzoo.data.synthetic import structured_lists
        >>> lists = structured_lists(max_value=4, length=3)
        >>> lists["all_equal"]
        [[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]]
    """
    random = np.random.default_rng(seed)
    values = range(1, max_value + 1)
    increasing = np.sort(random.integers(1, max_value + 1, (1000, length)), axis=1)
    two_values, one_different = [], []
    for low in values:
        for high in range(low + 1, max_value + 1):
            for count in range(1, length):
                row = np.array([low] * count + [high] * (length - count))
                two_values.append(random.permutation(row).tolist())
    for often in values:
        for once in values:
            if once != often and length > 1:
                for place in (0, length - 1, int(random.integers(length))):
                    row = [often] * length
                    row[place] = once
                    one_different.append(row)
    circle = np.resize(np.arange(1, max_value + 1), max_value)
    return {
        "all_equal": [[value] * length for value in values],
        "sorted": increasing.tolist(),
        "reversed": increasing[:, ::-1].tolist(),
        "two_values": two_values,
        "one_different": one_different,
        "rotations": [
            np.resize(np.roll(circle, shift), length).tolist()
            for shift in range(max_value)
        ],
    }
