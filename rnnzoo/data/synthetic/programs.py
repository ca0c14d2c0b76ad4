"""Short programs and what they print."""

import dataclasses
import functools
import io
import string
import threading
import zlib

import numpy as np

from rnnzoo.errors import check_choice, check_number

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
class CurriculumPrograms:
    """Programs of a length and a nesting, from easy to difficult; see `Programs`."""

    length: int
    nesting: int
    curriculum: str
    curriculum_steps: int

    def __post_init__(self):
        """Checks the arguments."""
        check_number("length", self.length, minimum=1, whole=True)
        check_number("nesting", self.nesting, minimum=1, whole=True)
        check_choice("curriculum", self.curriculum, CURRICULA)
        check_number("curriculum_steps", self.curriculum_steps, minimum=0, whole=True)

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
        if self.curriculum == "baseline" or index * POOL >= self.curriculum_steps:
            return self.length, self.nesting
        level = index * POOL * self.length * self.nesting // self.curriculum_steps
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
class Programs(CurriculumPrograms):
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
        curriculum_steps: Batches over which `"naive"` and `"combined"` grow.
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
    curriculum_steps: int = 0
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
class DecimalAddition(CurriculumPrograms):
    """Programs that print the sum of two numbers of as many decimal digits.

    Args:
        length: Largest number of digits, of both numbers.
        curriculum: As for `Programs`, where the nesting is always 1.
        curriculum_steps: Batches over which `"naive"` and `"combined"` grow.

    Example:
        >>> from rnnzoo.data.synthetic import DecimalAddition
        >>> DecimalAddition().held_out(1, seed=0, length=9)
        (['print(...+...)'], ['...'])

    References:
        Zaremba and Sutskever, "Learning to execute", 2014, arXiv:1410.4615.
    """

    length: int = 9
    curriculum: str = "combined"
    curriculum_steps: int = 0
    nesting: int = dataclasses.field(default=1, init=False)

    def _program(
        self, length: int, nesting: int, random: np.random.Generator
    ) -> tuple[str, int]:
        """Makes a sum of numbers that do not begin with a zero, and its value."""
        first, second = random.integers(10 ** (length - 1), 10**length, 2).tolist()
        return f"print({first}+{second})", first + second


@functools.lru_cache(2)
def _pool(
    examples: CurriculumPrograms, size: int, seed: int, index: int
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
