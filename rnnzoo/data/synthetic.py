"""Generated examples: nothing to download, and as many as one likes.

Each class here is an endless set of examples. `batch(size, seed, index)` returns
the same examples for the same three numbers, whatever was drawn before, so that
training can begin anywhere and every process can draw its own share.
"""

import dataclasses
import functools
import io
import string
import threading
import zlib
from collections.abc import Sequence

import numpy as np

from rnnzoo.errors import check_choice, check_number

# What `Memorization` asks to make of digits.
MEMORIES = {
    "copy": lambda digits: digits,
    "reverse": lambda digits: digits[::-1],
    "double": lambda digits: digits * 2,
}
# Batches of programs that are drawn together.
POOL = 8
_DRAWING = threading.Lock()
# What programs are written with.
CHARACTERS = string.digits + string.ascii_lowercase + "()+-*=:<> \n"
# How `Programs` and `DecimalAddition` go from easy to difficult.
CURRICULA = ("baseline", "naive", "mix", "combined")
# With "combined": share of the examples that are as with "mix".
MIXED = 0.2


@dataclasses.dataclass(frozen=True)
class Sorting:
    """Lists of whole numbers and the same lists in increasing order.

    Use it to train and to test sorters. Uniform random lists are nearly all alike: long
    ones hold about two of every three values, most of them once, and a sorter trained
    on them alone fails on `[7, 7, 7, 8]`. Most of these lists therefore come from other
    distributions, in which values repeat or come close together:

    - 27 % each number uniform and independent;
    - 4 % drawn without replacement;
    - 5 % uniform within a random range;
    - 18 % of up to eight distinct values in random proportions;
    - 30 % of two values, in every proportion alike, three in ten of them neighbours;
    - 16 % of one value everywhere but in one place.

    Of all these, 5 % each are sorted, reversed, or rotated after sorting. Most lists
    have the largest length, 20 % have any length up to it, and 20 % at most six
    numbers, since there are as many lessons in short lists as in long ones.

    Args:
        max_value: Numbers are from 1 to this.
        max_length: Largest length.
        full_length: Share of lists that have the largest length; half of the others
            have any length, half are short.
        growing_batches: Curriculum: the largest length grows from 4 to `max_length`
            over this many batches. Short lists teach what numbers mean in a fraction of
            the time (Bengio et al., 2009, on curricula).

    Example:
        >>> from rnnzoo.data.synthetic import Sorting
        >>> lists, answers = Sorting(max_value=9).batch(3, seed=0, index=0)
        >>> len(lists), [sorted(row) for row in lists] == answers
        (3, True)
    """

    max_value: int = 32
    max_length: int = 32
    full_length: float = 0.6
    growing_batches: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        check_number("max_value", self.max_value, minimum=1, whole=True)
        check_number("max_length", self.max_length, minimum=1, whole=True)
        check_number("full_length", self.full_length, minimum=0, maximum=1)
        check_number("growing_batches", self.growing_batches, minimum=0, whole=True)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` lists and their sorted lists, each a list of ints."""
        random = np.random.default_rng((seed, index))
        longest = _grown(4, self.max_length, index, self.growing_batches)
        rows = [
            self._ordered(self._drawn(length, random), random).tolist()
            for length in self._lengths(size, longest, random)
        ]
        return rows, [sorted(row) for row in rows]

    def _lengths(
        self, size: int, longest: int, random: np.random.Generator
    ) -> np.ndarray:
        any_length = random.integers(1, longest + 1, size)
        short = random.integers(1, min(6, longest) + 1, size)
        lengths = np.where(random.random(size) < 0.5, any_length, short)
        return np.where(random.random(size) < self.full_length, longest, lengths)

    def _drawn(self, length: int, random: np.random.Generator) -> np.ndarray:
        """Draws the numbers of one list from one of the distributions."""
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

    def _ordered(self, numbers: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Sorts a few of the lists, in either direction or in a circle."""
        order = random.random()
        if order >= 0.15:
            return numbers
        numbers = np.sort(numbers)
        if order < 0.05:
            return numbers
        if order < 0.1:
            return numbers[::-1]
        return np.roll(numbers, random.integers(len(numbers)))


def _grown(first: int, last: int, index: int, batches: int) -> int:
    """Returns a length that grows from `first` to `last` over so many batches."""
    if index >= batches:
        return last
    return min(last, first + int(max(index, 0) / batches * (last - first)))


@dataclasses.dataclass(frozen=True)
class Addition:
    """Pairs of natural numbers and their sums.

    Use it to train and to test adders. Of random bits, a carry seldom goes on for more
    than a few digits; here, pairs are of these kinds, a quarter each:

    - each digit 0 or 1 with equal probability;
    - most digits of both numbers 0, or most of them 1;
    - most digits of one number 0 and of the other 1;
    - one number the complement of the other, but in a few digits: carries go far.

    Lengths are uniform from 1 to the largest.

    Args:
        max_length: Largest number of binary digits.
        growing_batches: Curriculum: the largest length grows from 4 to `max_length`
            over this many batches.

    Example:
        >>> from rnnzoo.data.synthetic import Addition
        >>> pairs, sums = Addition(max_length=8).batch(3, seed=0, index=0)
        >>> [a + b for a, b in pairs] == sums
        True
    """

    max_length: int = 20
    growing_batches: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        check_number("max_length", self.max_length, minimum=1, whole=True)
        check_number("growing_batches", self.growing_batches, minimum=0, whole=True)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` pairs of integers, and their sums."""
        random = np.random.default_rng((seed, index))
        longest = _grown(4, self.max_length, index, self.growing_batches)
        kind = random.integers(0, 4, (size, 1))
        shares = np.array([0.1, 0.9])[random.integers(0, 2, (size, 1))]
        ones = np.where(kind == 0, 0.5, shares)
        others = np.where(kind == 2, 1 - ones, ones)
        drawn = random.random((3, size, longest))
        first, second, is_changed = drawn[0] < ones, drawn[1] < others, drawn[2] < 0.1
        second = np.where(kind == 3, ~first ^ is_changed, second)
        is_used = np.arange(longest) < random.integers(1, longest + 1, (size, 1))
        numbers = _integers(np.concatenate([first & is_used, second & is_used]))
        pairs = list(zip(numbers[:size], numbers[size:], strict=True))
        return pairs, [a + b for a, b in pairs]


@dataclasses.dataclass(frozen=True)
class Parity:
    """Rows of bits, and 1 where the number of ones is odd, else 0.

    Half of the rows have the largest length, the others any length up to it. In a third
    of them each bit is 0 or 1 with equal probability; in another, nine of ten bits are
    the same; and in the last nearly all are, so that one bit is kept for long.

    Args:
        max_length: Largest number of bits.
        growing_batches: Curriculum: the largest length grows from 2 to `max_length`
            over this many batches.

    Example:
        >>> from rnnzoo.data.synthetic import Parity
        >>> rows, parities = Parity(max_length=8).batch(3, seed=0, index=0)
        >>> [sum(row) % 2 for row in rows] == parities
        True
    """

    max_length: int = 40
    growing_batches: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        check_number("max_length", self.max_length, minimum=1, whole=True)
        check_number("growing_batches", self.growing_batches, minimum=0, whole=True)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of bits, and their parities."""
        random = np.random.default_rng((seed, index))
        longest = _grown(2, self.max_length, index, self.growing_batches)
        ones = np.array([0.5, 0.5, 0.1, 0.9, 0.02, 0.98])
        ones = ones[random.integers(0, len(ones), (size, 1))]
        bits = (random.random((size, longest)) < ones).astype(int)
        lengths = random.integers(1, longest + 1, size)
        lengths = np.where(random.random(size) < 0.5, longest, lengths)
        bits *= np.arange(longest) < lengths[:, None]
        rows = [row[:n] for row, n in zip(bits.tolist(), lengths.tolist(), strict=True)]
        return rows, (bits.sum(axis=1) % 2).tolist()


@dataclasses.dataclass(frozen=True)
class Patterns:
    """Beginnings of a periodic pattern of bits in random phases, and how they go on.

    A period is a run of zeros and a run of ones. Both halves of a sequence have the
    same length.

    Args:
        zeros: Zeros of a period.
        ones: Ones of a period.
        max_length: Bits of a sequence, of both halves together.
        growing_batches: Curriculum: over the first third of this many batches, the
            longer run has at most three bits, and then it grows to its full length.

    Example:
        >>> from rnnzoo.data.synthetic import Patterns
        >>> Patterns(zeros=3, ones=1, max_length=8).at([0, 3])
        ([[0, 0, 0, 1], [1, 0, 0, 0]], [[0, 0, 0, 1], [1, 0, 0, 0]])
    """

    zeros: int = 5
    ones: int = 5
    max_length: int = 64
    growing_batches: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        check_number("zeros", self.zeros, minimum=1, whole=True)
        check_number("ones", self.ones, minimum=1, whole=True)
        check_number("max_length", self.max_length, minimum=4, whole=True)
        check_number("growing_batches", self.growing_batches, minimum=0, whole=True)

    @property
    def period(self) -> int:
        """Bits of a period."""
        return self.zeros + self.ones

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of bits, and as many that come after them."""
        random = np.random.default_rng((seed, index))
        third = self.growing_batches // 3
        longest = max(self.zeros, self.ones)
        longest = _grown(3, longest, index - third, self.growing_batches - third)
        shorter = dataclasses.replace(
            self, zeros=min(self.zeros, longest), ones=min(self.ones, longest)
        )
        return shorter.at(random.integers(0, shorter.period, size))

    def at(self, phases: Sequence[int]) -> tuple[list, list]:
        """Returns a row of bits for each phase, and as many that come after it.

        Args:
            phases: Where in the period each row begins; 0 is the first zero.
        """
        steps = np.asarray(phases)[:, None] + np.arange(self.max_length)
        bits = (steps % self.period >= self.zeros).astype(int)
        middle = self.max_length // 2
        return bits[:, :middle].tolist(), bits[:, middle:].tolist()


@dataclasses.dataclass(frozen=True)
class Memorization:
    """Strings of digits, and the same copied, reversed, or twice in a row.

    Each digit is uniform and independent, and so is the length.

    Args:
        task: `"copy"`, `"reverse"`, or `"double"`.
        max_length: Largest number of digits.
        growing_batches: Curriculum: the largest length grows from 4 to `max_length`
            over this many batches.

    Example:
        >>> from rnnzoo.data.synthetic import Memorization
        >>> texts, answers = Memorization("reverse").batch(3, seed=0, index=0)
        >>> [text[::-1] for text in texts] == answers
        True
    """

    task: str = "copy"
    max_length: int = 55
    growing_batches: int = 0

    def __post_init__(self):
        """Checks the arguments."""
        check_choice("task", self.task, MEMORIES)
        check_number("max_length", self.max_length, minimum=1, whole=True)
        check_number("growing_batches", self.growing_batches, minimum=0, whole=True)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` strings of digits, and their answers."""
        random = np.random.default_rng((seed, index))
        longest = _grown(4, self.max_length, index, self.growing_batches)
        return self.of_lengths(random.integers(1, longest + 1, size), random)

    def of_lengths(
        self, lengths: Sequence[int], random: np.random.Generator
    ) -> tuple[list, list]:
        """Returns a string of each of these lengths, and their answers."""
        drawn = (random.integers(0, 10, n) + ord("0") for n in lengths)
        texts = [digits.astype("uint8").tobytes().decode() for digits in drawn]
        return texts, [MEMORIES[self.task](text) for text in texts]


@dataclasses.dataclass(frozen=True)
class _Taught:
    """Programs of a length and a nesting, from easy to difficult; see `Programs`."""

    length: int
    nesting: int
    curriculum: str
    growing_batches: int

    def __post_init__(self):
        """Checks the arguments."""
        check_number("length", self.length, minimum=1, whole=True)
        check_number("nesting", self.nesting, minimum=1, whole=True)
        check_choice("curriculum", self.curriculum, CURRICULA)
        check_number("growing_batches", self.growing_batches, minimum=0, whole=True)

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` programs, none of them held out, and what each prints.

        Those of a batch have similar lengths, so that little of it is padding: of every
        `POOL` batches, programs are sorted by length before they are cut into batches.
        """
        pool, place = divmod(index, POOL)
        with _DRAWING:  # by one thread, and not by several alike
            drawn = _pool(self, size, seed, pool)[place]
        return [program for program, _ in drawn], [answer for _, answer in drawn]

    def held_out(self, size: int, seed: int, length: int, nesting: int = 1) -> tuple:
        """Returns programs of one difficulty that `batch` never has, and their output.

        One in ten programs is held out; which ones depends on nothing but their text.
        """
        check_number("length", length, minimum=1, whole=True)
        check_number("nesting", nesting, minimum=1, whole=True)
        random = np.random.default_rng((seed, length, nesting))
        chosen = [(length, nesting)] * size
        drawn = [self._drawn(*one, random, held_out=True) for one in chosen]
        return [program for program, _ in drawn], [answer for _, answer in drawn]

    def _difficulty(self, index: int, random: np.random.Generator) -> tuple[int, int]:
        """Returns length and nesting of a program of this pool of batches."""
        is_mixed = self.curriculum == "mix"
        if self.curriculum == "combined":
            is_mixed = random.random() < MIXED
        if is_mixed:
            length = random.integers(1, self.length + 1)
            return int(length), int(random.integers(1, self.nesting + 1))
        if self.curriculum == "baseline" or index * POOL >= self.growing_batches:
            return self.length, self.nesting
        level = index * POOL * self.length * self.nesting // self.growing_batches
        return level % self.length + 1, level // self.length + 1

    def _drawn(
        self, length: int, nesting: int, random: np.random.Generator, held_out: bool
    ) -> tuple[str, str]:
        """Returns a program that is held out, or one that is not, and its answer."""
        while True:
            program, answer = self._program(length, nesting, random)
            if (zlib.crc32(program.encode()) % 10 == 0) == held_out:
                return program, str(answer)

    def _program(
        self, length: int, nesting: int, random: np.random.Generator
    ) -> tuple[str, int]:
        """Makes a program, and the number that it prints."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Programs(_Taught):
    r"""Short programs in Python, and what they print.

    A program is made of `nesting` operations, each with the result of the one before
    among its operands; the other operands are numbers from 1 to 10 to the power of
    `length`. The operations, all alike in frequency, are those of the paper:

    - a sum or a difference of two operands, or no operation at all;
    - a product with a number from 1 to 4 times `length`;
    - an operand that is assigned to a variable first, and a sum or difference of both;
    - a loop that adds or subtracts an operand from 1 to 4 times `length` times;
    - one of two operands, which of them depends on a comparison of two others.

    So every program can be run in a single pass with constant memory, as a recurrent
    network has to.

    Curricula, all of which end at the full length and nesting:

    - `"baseline"`: programs of the full length and nesting from the beginning;
    - `"naive"`: both are 1 at first; the length grows step by step, and begins anew
      with each nesting;
    - `"mix"`: each program has any length and any nesting up to the full ones;
    - `"combined"`: one in five programs as with `"mix"`, the others as with `"naive"`.

    Args:
        length: Largest number of digits of the numbers.
        nesting: Largest number of operations.
        curriculum: One of those above.
        growing_batches: Batches over which `"naive"` and `"combined"` grow.
        scrambled: Whether every character is replaced by another, always the same:
            a control, for a network knows no more of the one than of the other.

    Example:
        >>> from rnnzoo.data.synthetic import Programs, printed
        >>> programs, answers = Programs(length=2).batch(3, seed=0, index=0)
        >>> [printed(program) for program in programs] == answers
        True

    References:
        Zaremba and Sutskever, "Learning to execute", 2014, arXiv:1410.4615; and their
        program, github.com/wojciechz/learning_to_execute.
    """

    length: int = 2
    nesting: int = 2
    curriculum: str = "combined"
    growing_batches: int = 0
    scrambled: bool = False

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` programs, and what each prints."""
        programs, answers = super().batch(size, seed, index)
        return [self._seen(program) for program in programs], answers

    def held_out(self, size: int, seed: int, length: int, nesting: int = 1) -> tuple:
        """Returns programs of one difficulty that `batch` never has, and their output.

        One in ten programs is held out; which ones depends on nothing but their text.
        """
        programs, answers = super().held_out(size, seed, length, nesting)
        return [self._seen(program) for program in programs], answers

    def _seen(self, program: str) -> str:
        """Returns a program in the characters that are read."""
        return scrambled(program) if self.scrambled else program

    def _program(
        self, length: int, nesting: int, random: np.random.Generator
    ) -> tuple[str, int]:
        """Makes a program: lines of statements, and the expression that is printed.

        What is printed is calculated along with it: to run every program would take
        longer than to draw it.
        """
        lines, variables = [], ["abcdefghij"[i] for i in random.permutation(10)]
        largest, result = 10**length, None

        def operands(count: int) -> list[tuple[str, int]]:
            """Returns numbers, with the last result in a random place."""
            numbers = [int(random.integers(1, largest + 1)) for _ in range(count)]
            pairs = [(str(number), number) for number in numbers]
            if result is not None:
                pairs[random.integers(count)] = result
            return pairs

        for _ in range(nesting):
            sign, factor = (("+", 1), ("-", -1))[random.integers(2)]
            small = int(random.integers(1, 4 * length + 1))
            kind = random.integers(6)
            if kind == 0:
                (first, a), (second, b) = operands(2)
                result = f"({first}{sign}{second})", a + factor * b
            elif kind == 1:
                (result,) = operands(1)
            elif kind == 2:
                factors = [operands(1)[0], (str(small), small)]
                (first, a), (second, b) = factors[:: (1, -1)[random.integers(2)]]
                result = f"({first}*{second})", a * b
            elif kind == 3:
                (first, a), (second, b) = operands(2)
                variable = variables.pop()
                lines.append(f"{variable}={first}")
                result = f"({variable}{sign}{second})", a + factor * b
            elif kind == 4:
                (first, a), (second, b) = operands(2)
                variable = variables.pop()
                lines.append(f"{variable}={first}")
                lines.append(f"for x in range({small}):{variable}{sign}={second}")
                result = variable, a + factor * small * b
            else:
                (first, a), (second, b), (this, c), (that, d) = operands(4)
                than = "<>"[random.integers(2)]
                chosen = c if (a < b if than == "<" else a > b) else d
                result = f"({this} if {first}{than}{second} else {that})", chosen
        expression, value = result
        return "\n".join([*lines, f"print({expression})"]), value


@dataclasses.dataclass(frozen=True)
class DecimalAddition(_Taught):
    """Programs that print the sum of two numbers of as many decimal digits.

    Args:
        length: Largest number of digits, of both numbers.
        curriculum: As for `Programs`, where the nesting is always 1.
        growing_batches: Batches over which `"naive"` and `"combined"` grow.

    Example:
        >>> from rnnzoo.data.synthetic import DecimalAddition
        >>> DecimalAddition().held_out(1, seed=0, length=9)
        (['print(...+...)'], ['...'])

    References:
        Zaremba and Sutskever, "Learning to execute", 2014, arXiv:1410.4615.
    """

    length: int = 9
    curriculum: str = "combined"
    growing_batches: int = 0
    nesting: int = dataclasses.field(default=1, init=False)

    def _program(
        self, length: int, nesting: int, random: np.random.Generator
    ) -> tuple[str, int]:
        """Makes a sum of numbers that do not begin with a zero, and its value."""
        first, second = random.integers(10 ** (length - 1), 10**length, 2).tolist()
        return f"print({first}+{second})", first + second


@functools.lru_cache(2)
def _pool(
    examples: _Taught, size: int, seed: int, index: int
) -> list[list[tuple[str, str]]]:
    """Returns programs and answers of `POOL` batches, which are in random order."""
    random = np.random.default_rng((seed, index))
    chosen = [examples._difficulty(index, random) for _ in range(size * POOL)]
    drawn = [examples._drawn(*one, random, held_out=False) for one in chosen]
    drawn.sort(key=lambda pair: len(pair[0]))
    places = random.permutation(POOL) * size
    return [drawn[place : place + size] for place in places]


def printed(program: str) -> str:
    r"""Returns what Python prints when it runs a program of `Programs`.

    Nothing but `print` and `range` is there for the program to use. That does not make
    it safe to run a program of somebody else.

    Example:
        >>> from rnnzoo.data.synthetic import printed
        >>> printed("a=7\nfor x in range(3):a-=2\nprint((a*5))")
        '5'
    """
    output = io.StringIO()
    known = {"print": functools.partial(print, file=output), "range": range}
    exec(program, {"__builtins__": known})
    return output.getvalue().rstrip("\n")


def scrambled(program: str) -> str:
    """Returns a program with each character replaced by another, always the same.

    Example:
        >>> from rnnzoo.data.synthetic import scrambled
        >>> len({scrambled(c) for c in "print(12)"}), scrambled("11") == "11"
        (9, False)
    """
    order = np.random.default_rng(0).permutation(list(CHARACTERS))
    return program.translate(dict(zip(map(ord, order), np.roll(order, 1), strict=True)))


@dataclasses.dataclass(frozen=True)
class Sums:
    """Rows of multiples of a half, and their sums.

    Args:
        max_length: Largest number of numbers.

    Example:
        >>> from rnnzoo.data.synthetic import Sums
        >>> rows, sums = Sums(max_length=5).batch(3, seed=0, index=0)
        >>> [sum(row) for row in rows] == sums
        True
    """

    max_length: int = 20

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of numbers, and their sums."""
        random = np.random.default_rng((seed, index))
        lengths = random.integers(1, self.max_length + 1, size)
        rows = [(random.integers(-20, 21, n) / 2).tolist() for n in lengths]
        return rows, [sum(row) for row in rows]


@dataclasses.dataclass(frozen=True)
class Comparisons:
    """Rows of pairs of numbers, and 1 at every step where the first have a larger sum.

    Numbers are multiples of a half.

    Args:
        max_length: Largest number of pairs.

    Example:
        >>> from rnnzoo.data.synthetic import Comparisons
        >>> rows, answers = Comparisons(max_length=5).batch(3, seed=0, index=0)
        >>> [len(row) for row in rows] == [len(answer) for answer in answers]
        True
    """

    max_length: int = 20

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` rows of pairs, and for each a list of 0 and 1."""
        random = np.random.default_rng((seed, index))
        lengths = random.integers(1, self.max_length + 1, size)
        rows = [random.integers(-20, 21, (n, 2)) / 2 for n in lengths]
        totals = [np.cumsum(row, axis=0) for row in rows]
        answers = [(total[:, 0] > total[:, 1]).astype(int).tolist() for total in totals]
        return [row.tolist() for row in rows], answers


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
    """Returns the pairs 2^n - 1 and 1, in both orders, for every n up to `length`.

    One carry goes through all digits.

    Example:
        >>> from rnnzoo.data.synthetic import carry_chains
        >>> carry_chains(2)
        [(1, 1), (1, 1), (3, 1), (1, 3)]
    """
    ends = [2**n - 1 for n in range(1, length + 1)]
    return [pair for number in ends for pair in ((number, 1), (1, number))]


def _integers(bits: np.ndarray) -> list[int]:
    """Returns rows of bits, least significant first, as integers."""
    packed = np.packbits(bits, axis=1, bitorder="little")
    content, size = packed.tobytes(), packed.shape[1]
    rows = (content[i : i + size] for i in range(0, len(content), size))
    return [int.from_bytes(row, "little") for row in rows]


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
