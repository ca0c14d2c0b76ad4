"""Numbers to add and bits to count."""

import dataclasses

import numpy as np

from rnnzoo.data.synthetic.curriculum import LengthCurriculum


@dataclasses.dataclass(frozen=True)
class Addition(LengthCurriculum):
    """Pairs of natural numbers and their sums.

    Lengths are uniform from 1 to the maximum. A quarter of the pairs each: random
    digits; most digits of both numbers the same; most digits of one 0 and of the other
    1; nearly complements, so that carries propagate far, as they rarely do otherwise.

    Args:
        max_length: Maximum number of binary digits.
        curriculum_steps: Batches over which the length grows from 4 to `max_length`.

    Example:
        >>> from rnnzoo.data.synthetic import Addition
        >>> pairs, sums = Addition(max_length=8).batch(3, seed=0, index=0)
        >>> [a + b for a, b in pairs] == sums
        True
    """

    max_length: int = 20
    curriculum_steps: int = 0

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` pairs of integers, and their sums."""
        random = np.random.default_rng((seed, index))
        longest = self.longest(index)
        kind = random.integers(0, 4, (size, 1))
        shares = np.array([0.1, 0.9])[random.integers(0, 2, (size, 1))]
        ones = np.where(kind == 0, 0.5, shares)
        others = np.where(kind == 2, 1 - ones, ones)
        noise = random.random((3, size, longest))
        first, second, is_changed = noise[0] < ones, noise[1] < others, noise[2] < 0.1
        second = np.where(kind == 3, ~first ^ is_changed, second)
        is_used = np.arange(longest) < random.integers(1, longest + 1, (size, 1))
        numbers = _integers(np.concatenate([first & is_used, second & is_used]))
        pairs = list(zip(numbers[:size], numbers[size:], strict=True))
        return pairs, [a + b for a, b in pairs]


@dataclasses.dataclass(frozen=True)
class Parity(LengthCurriculum):
    """Rows of bits, and 1 where the number of ones is odd, else 0.

    Half of the rows have the maximum length. In a third of them bits are uniform; in
    another, nine of ten bits are the same; and in the last nearly all are.

    Args:
        max_length: Maximum number of bits.
        curriculum_steps: Batches over which the length grows from 2 to `max_length`.

    Example:
        >>> from rnnzoo.data.synthetic import Parity
        >>> rows, parities = Parity(max_length=8).batch(3, seed=0, index=0)
        >>> [sum(row) % 2 for row in rows] == parities
        True
    """

    max_length: int = 40
    curriculum_steps: int = 0
    first_length = 2

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of bits, and their parities."""
        random = np.random.default_rng((seed, index))
        longest = self.longest(index)
        ones = np.array([0.5, 0.5, 0.1, 0.9, 0.02, 0.98])
        ones = ones[random.integers(0, len(ones), (size, 1))]
        bits = (random.random((size, longest)) < ones).astype(int)
        lengths = random.integers(1, longest + 1, size)
        lengths = np.where(random.random(size) < 0.5, longest, lengths)
        bits *= np.arange(longest) < lengths[:, None]
        rows = [row[:n] for row, n in zip(bits.tolist(), lengths.tolist(), strict=True)]
        return rows, (bits.sum(axis=1) % 2).tolist()


def random_pairs(count: int, length: int, seed: int) -> list[tuple[int, int]]:
    """Returns pairs of numbers of exactly `length` binary digits, uniform.

    Example:
        >>> from rnnzoo.data.synthetic import random_pairs
        >>> [n.bit_length() for n in random_pairs(1, length=1000, seed=1)[0]]
        [1000, 1000]
    """
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (2, count, length), "uint8")
    bits[..., -1] = 1
    return list(zip(*map(_integers, bits), strict=True))


def carry_chains(length: int) -> list[tuple[int, int]]:
    """Returns the pairs 2^n - 1 and 1, in both orders: a carry through all digits.

    Example:
        >>> from rnnzoo.data.synthetic import carry_chains
        >>> carry_chains(2)
        [(1, 1), (1, 1), (3, 1), (1, 3)]
    """
    ends = [2**n - 1 for n in range(1, length + 1)]
    return [pair for number in ends for pair in ((number, 1), (1, number))]


def _integers(bits: np.ndarray) -> list[int]:
    packed = np.packbits(bits, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
