"""Lists to evaluate a sorter on, by family."""

import itertools
from collections.abc import Callable

import numpy as np

from rnnzoo.errors import check_choice

# A family draws an array `[lists, length]` of numbers from 1 to the largest.
Family = Callable[[np.random.Generator, tuple[int, int], int], np.ndarray]


def uniform_lists(count: int, max_value: int, length: int, seed: int) -> list:
    """Returns lists of one length, each number uniform and independent.

    Example:
        >>> from rnnzoo.data.synthetic import uniform_lists
        >>> [len(row) for row in uniform_lists(2, max_value=32, length=5, seed=1)]
        [5, 5]
    """
    random = np.random.default_rng(seed)
    return random.integers(1, max_value + 1, (count, length)).tolist()


def structured_lists(
    max_value: int, length: int, seed: int = 0, count: int = 1000
) -> dict[str, list]:
    """Returns the lists on which a sorter trained on random lists tends to fail.

    By kind: `all_equal`, `sorted` and `reversed` (`count` random lists each),
    `two_values` (every pair in every proportion, shuffled), `one_different` (one number
    among equal ones, in every place), and `rotations` (of 1, 2, ..., `max_value`, cut
    or repeated).

    Example:
        >>> from rnnzoo.data.synthetic import structured_lists
        >>> lists = structured_lists(max_value=4, length=3)
        >>> lists["all_equal"]
        [[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]]
    """
    random = np.random.default_rng(seed)
    values = range(1, max_value + 1)
    increasing = np.sort(random.integers(1, max_value + 1, (count, length)), axis=1)
    two_values, one_different = [], []
    for low, high in itertools.combinations(values, 2):
        for count in range(1, length):
            row = np.array([low] * count + [high] * (length - count))
            two_values.append(random.permutation(row).tolist())
    for often, once in itertools.permutations(values if length > 1 else (), 2):
        for place in range(length):
            row = [often] * length
            row[place] = once
            one_different.append(row)
    return {
        "all_equal": [[value] * length for value in values],
        "sorted": increasing.tolist(),
        "reversed": increasing[:, ::-1].tolist(),
        "two_values": two_values,
        "one_different": one_different,
        "rotations": [
            np.resize(np.roll(values, shift), length).tolist()
            for shift in range(max_value)
        ],
    }


def list_families(
    max_value: int, length: int, count: int, seed: int = 0, group: str = "common"
) -> dict[str, list]:
    """Returns `count` lists of each of several families, by name.

    Trainings name the permutations and no other of them. The common ones are:
    `up_to_4` to `up_to_6`, of the numbers from 1 to that; `five_values`, of five random
    values; `zipf`, of Zipf's distribution with exponent 1.5, and `mirrored_zipf` from
    the other end; `narrow` and `wide`, rounded normal numbers with a standard deviation
    of a sixteenth and an eighth of the range; `walk`, random steps of -1, 0 and 1 from
    the middle; `permutations`, without repetition; sums of two `dice`, `primes`,
    `bursts` of equal numbers, numbers at both `ends`, and `zigzag`, from these to the
    middle.

    Args:
        max_value: Numbers are from 1 to this.
        length: Length of every list.
        count: Lists of each family.
        seed: Random seed.
        group: `"common"`; or `"held_out"`, others, which a training may be validated
            on: of geometric, Poisson and two-peaked distributions, of even numbers, the
            larger of two, pairs of equal numbers, saw teeth, and uniform; or
            `"invented"`, after the weights in the package were trained: of triangular
            and binomial distributions, congruential sequences, a few numbers in rounds,
            and palindromes.

    Example:
        >>> from rnnzoo.data.synthetic import list_families
        >>> lists = list_families(max_value=32, length=5, count=2)
        >>> list(lists)[:4]
        ['up_to_4', 'up_to_5', 'up_to_6', 'five_values']
        >>> [len(row) for row in lists["zipf"]]
        [5, 5]
    """
    found = {}
    check_choice("group", group, tuple(GROUPS))
    number = list(GROUPS).index(group)
    for place, (name, family) in enumerate(GROUPS[group].items()):
        random = np.random.default_rng((seed, number, place))
        numbers = family(random, (count, length), max_value)
        found[name] = np.clip(numbers, 1, max_value).astype(int).tolist()
    return found


def _up_to(largest: int) -> Family:
    return lambda random, shape, top: random.integers(1, largest + 1, shape)


def _normal(share: float) -> Family:
    return lambda random, shape, top: np.rint(
        random.normal(top / 2, share * top, shape)
    )


def _five_values(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    values = random.random((shape[0], top)).argsort(axis=1)[:, :5] + 1
    places = random.integers(0, values.shape[1], shape)
    return np.take_along_axis(values, places, axis=1)


def _permutations(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    # A list that is longer than there are values begins again.
    values = random.random((shape[0], top)).argsort(axis=1) + 1
    return values[:, np.arange(shape[1]) % top]


def _walk(random: np.random.Generator, shape: tuple[int, int], top: int) -> np.ndarray:
    return top // 2 + np.cumsum(random.integers(-1, 2, shape), axis=1)


def _two_peaks(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    centers = np.where(random.random(shape) < 0.5, top / 4, 3 * top / 4)
    return np.rint(random.normal(centers, top / 16))


def _pairs(random: np.random.Generator, shape: tuple[int, int], top: int) -> np.ndarray:
    half = random.integers(1, top + 1, (shape[0], (shape[1] + 1) // 2))
    return random.permuted(np.repeat(half, 2, axis=1)[:, : shape[1]], axis=1)


def _saw_teeth(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    periods = random.integers(min(2, top), top + 1, (shape[0], 1))
    first = random.integers(0, top - periods + 1)
    return first + np.arange(shape[1]) % periods + 1


def _bursts(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    # A number comes again with a probability that each list has of its own.
    again = random.random(shape) < random.random((shape[0], 1))
    again[:, 0] = False
    places = np.maximum.accumulate(np.where(again, 0, np.arange(shape[1])), axis=1)
    return np.take_along_axis(random.integers(1, top + 1, shape), places, axis=1)


def _zigzag(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    # The largest, the smallest, the next largest, and so on.
    rising = np.sort(random.integers(1, top + 1, shape), axis=1)
    order = np.arange(shape[1]) // 2
    places = np.where(np.arange(shape[1]) % 2 == 0, shape[1] - 1 - order, order)
    return rising[:, places]


def _congruential(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    # Each number is a multiple of the one before, and something, modulo the largest.
    factor, shift, number = random.integers(0, top, (3, shape[0]))
    numbers = []
    for _ in range(shape[1]):
        numbers.append(number + 1)
        number = (factor * number + shift) % top
    return np.stack(numbers, axis=1)


def _rounds(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    # A few numbers in turn, each time in another order.
    values = random.random((shape[0], top)).argsort(axis=1) + 1
    count = random.integers(1, min(top, 10) + 1, (shape[0], 1))
    number, place = np.divmod(np.arange(shape[1]), count)
    keys = number + random.random(shape)
    order = keys.argsort(axis=1)
    return np.take_along_axis(values, np.take_along_axis(place, order, axis=1), axis=1)


def _palindromes(
    random: np.random.Generator, shape: tuple[int, int], top: int
) -> np.ndarray:
    half = random.integers(1, top + 1, (shape[0], (shape[1] + 1) // 2))
    return np.concatenate([half, half[:, ::-1]], axis=1)[:, : shape[1]]


FAMILIES: dict[str, Family] = {
    "up_to_4": _up_to(4),
    "up_to_5": _up_to(5),
    "up_to_6": _up_to(6),
    "five_values": _five_values,
    "zipf": lambda random, shape, top: np.minimum(random.zipf(1.5, shape), top),
    "mirrored_zipf": lambda random, shape, top: (
        top + 1 - np.minimum(random.zipf(1.5, shape), top)
    ),
    "narrow": _normal(1 / 16),
    "wide": _normal(1 / 8),
    "walk": _walk,
    "permutations": _permutations,
    "dice": lambda random, shape, top: random.integers(1, 7, (2, *shape)).sum(axis=0),
    "primes": lambda random, shape, top: random.choice(
        [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31], shape
    ),
    "bursts": _bursts,
    "ends": lambda random, shape, top: np.rint(
        random.beta(0.3, 0.3, shape) * (top - 1) + 1
    ),
    "zigzag": _zigzag,
}
HELD_OUT: dict[str, Family] = {
    "geometric": lambda random, shape, top: random.geometric(0.3, shape),
    "poisson": lambda random, shape, top: 1 + random.poisson(3, shape),
    "two_peaks": _two_peaks,
    "even": lambda random, shape, top: (
        2 * random.integers(1, max(top // 2, 1) + 1, shape)
    ),
    "larger_of_two": lambda random, shape, top: random.integers(
        1, top + 1, (2, *shape)
    ).max(axis=0),
    "pairs": _pairs,
    "saw_teeth": _saw_teeth,
    "uniform": lambda random, shape, top: random.integers(1, top + 1, shape),
}
# After the last training, and so unknown to whoever chose how to train.
INVENTED: dict[str, Family] = {
    "triangular": lambda random, shape, top: np.rint(
        random.triangular(1, top, max(top, 2), shape)
    ),
    "binomial": lambda random, shape, top: (
        1 + random.binomial(top - 1, random.random((shape[0], 1)), shape)
    ),
    "congruential": _congruential,
    "rounds": _rounds,
    "palindromes": _palindromes,
}
GROUPS = {"common": FAMILIES, "held_out": HELD_OUT, "invented": INVENTED}
