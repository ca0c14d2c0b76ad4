"""Short programs and their output."""

import dataclasses
import functools
import io
import string
import threading
import zlib
from typing import Any

import numpy as np

from rnnzoo.errors import check_choice, check_number

# Batches of programs that are generated together.
POOL = 8
_LOCK = threading.Lock()
# The characters of programs.
CHARACTERS = string.digits + string.ascii_lowercase + "()+-*=:<> \n"
# The curricula of `Programs` and `DecimalAddition`, from easy to difficult.
CURRICULA = ("baseline", "naive", "mix", "combined")
# With "combined": fraction of the examples that are as with "mix".
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
        """Returns `size` programs of similar lengths, none held out, and outputs."""
        pool, place = divmod(index, POOL)
        with _LOCK:  # several threads would generate the same pool
            return self._unzip(_pool(self, size, seed, pool)[place])

    def sample_unseen(
        self, size: int, seed: int, length: int, nesting: int = 1
    ) -> tuple[list, list]:
        """Returns held-out programs of one difficulty, and their outputs.

        One in ten programs is held out: `batch` never has it.
        """
        check_number("length", length, minimum=1, whole=True)
        check_number("nesting", nesting, minimum=1, whole=True)
        random = np.random.default_rng((seed, length, nesting))
        pairs = [self._sample(length, nesting, random, True) for _ in range(size)]
        return self._unzip(pairs)

    def _unzip(self, pairs: list[tuple[str, str]]) -> tuple[list, list]:
        return [program for program, _ in pairs], [answer for _, answer in pairs]

    def _difficulty(self, index: int, random: np.random.Generator) -> tuple[int, int]:
        """Returns length and nesting of a program of this pool of batches."""
        is_combined = self.curriculum == "combined"
        if self.curriculum == "mix" or is_combined and random.random() < MIXED:
            length = random.integers(1, self.length + 1)
            return int(length), int(random.integers(1, self.nesting + 1))
        if self.curriculum == "baseline" or index * POOL >= self.curriculum_steps:
            return self.length, self.nesting
        level = index * POOL * self.length * self.nesting // self.curriculum_steps
        return level % self.length + 1, level // self.length + 1

    def _sample(
        self, length: int, nesting: int, random: np.random.Generator, held_out: bool
    ) -> tuple[str, str]:
        """Returns a program that is held out, or one that is not, and its output."""
        while True:
            program, answer = self._program(length, nesting, random)
            if (zlib.crc32(program.encode()) % 10 == 0) == held_out:
                return program, str(answer)

    def _program(
        self, length: int, nesting: int, random: np.random.Generator
    ) -> tuple[str, int]:
        """Generates a program, and the number that it prints."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Programs(CurriculumPrograms):
    """Short programs in Python, and their outputs.

    A program has `nesting` operations, each with the result of the previous one among
    its operands; the others are numbers from 1 to 10 to the power of `length`. The
    operations, all equally frequent, are those of Zaremba and Sutskever, "Learning to
    execute", 2014, arXiv:1410.4615, and github.com/wojciechz/learning_to_execute:

    - a sum or a difference of two operands, or no operation at all;
    - a product with a number from 1 to 4 times `length`;
    - an operand that is assigned to a variable, and a sum or difference of both;
    - a loop that adds or subtracts an operand from 1 to 4 times `length` times;
    - one of two operands, selected by a comparison of two others.

    Args:
        length: Maximum number of digits of the numbers.
        nesting: Maximum number of operations.
        curriculum: `"baseline"`: the full length and nesting from the start;
            `"naive"`: both start at 1, and the length restarts with each nesting;
            `"mix"`: any length and nesting up to the full ones; `"combined"`: one in
            five programs as with `"mix"`, the others as with `"naive"`.
        curriculum_steps: Batches over which `"naive"` and `"combined"` grow.
        scrambled: Whether a fixed permutation is applied to the characters: a control,
            since to an untrained network it makes no difference.

    Example:
        >>> from rnnzoo.data.synthetic import Programs, run_program
        >>> programs, answers = Programs(length=2).batch(3, seed=0, index=0)
        >>> [run_program(program) for program in programs] == answers
        True
    """

    length: int = 2
    nesting: int = 2
    curriculum: str = "combined"
    curriculum_steps: int = 0
    scrambled: bool = False

    def _unzip(self, pairs: list[tuple[str, str]]) -> tuple[list, list]:
        programs, answers = super()._unzip(pairs)
        return [scramble(p) if self.scrambled else p for p in programs], answers

    def _program(
        self, length: int, nesting: int, random: np.random.Generator
    ) -> tuple[str, int]:
        # The output is computed along with it: to run every program would take longer.
        lines, variables = [], ["abcdefghij"[i] for i in random.permutation(10)]
        largest = 10**length
        result: Any = None

        def operands(count: int) -> list[tuple[str, int]]:
            # The last result has a random place among them.
            numbers = [int(random.integers(1, largest + 1)) for _ in range(count)]
            pairs = [(str(number), number) for number in numbers]
            if result is not None:
                pairs[random.integers(count)] = result
            return pairs

        for _ in range(nesting):
            sign, factor = (("+", 1), ("-", -1))[random.integers(2)]
            small = int(random.integers(1, 4 * length + 1))
            kind = random.integers(6)
            if kind == 1:
                (result,) = operands(1)
            elif kind == 2:
                factors = [operands(1)[0], (str(small), small)]
                (first, a), (second, b) = factors[:: (1, -1)[random.integers(2)]]
                result = f"({first}*{second})", a * b
            elif kind < 5:
                (first, a), (second, b) = operands(2)
                if kind > 0:
                    variable = variables.pop()
                    lines.append(f"{variable}={first}")
                    first = variable
                result = f"({first}{sign}{second})", a + factor * b
                if kind == 4:
                    lines.append(f"for x in range({small}):{first}{sign}={second}")
                    result = first, a + factor * small * b
            else:
                (first, a), (second, b), (this, c), (that, d) = operands(4)
                than = "<>"[random.integers(2)]
                chosen = c if (a < b if than == "<" else a > b) else d
                result = f"({this} if {first}{than}{second} else {that})", chosen
        expression, value = result
        return "\n".join([*lines, f"print({expression})"]), value


@dataclasses.dataclass(frozen=True)
class DecimalAddition(CurriculumPrograms):
    """Programs that print the sum of two numbers with the same number of digits.

    Args:
        length: Maximum number of digits of both numbers.
        curriculum: As for `Programs`, where the nesting is always 1.
        curriculum_steps: Batches over which `"naive"` and `"combined"` grow.

    Example:
        >>> from rnnzoo.data.synthetic import DecimalAddition
        >>> DecimalAddition().sample_unseen(1, seed=0, length=9)
        (['print(...+...)'], ['...'])
    """

    length: int = 9
    curriculum: str = "combined"
    curriculum_steps: int = 0
    nesting: int = dataclasses.field(default=1, init=False)

    def _program(
        self, length: int, nesting: int, random: np.random.Generator
    ) -> tuple[str, int]:
        first, second = random.integers(10 ** (length - 1), 10**length, 2).tolist()
        return f"print({first}+{second})", first + second


@functools.lru_cache(2)
def _pool(
    examples: CurriculumPrograms, size: int, seed: int, index: int
) -> list[list[tuple[str, str]]]:
    random = np.random.default_rng((seed, index))
    chosen = [examples._difficulty(index, random) for _ in range(size * POOL)]
    pairs = [examples._sample(*one, random, held_out=False) for one in chosen]
    pairs.sort(key=lambda pair: len(pair[0]))  # for little padding
    places = random.permutation(POOL) * size
    return [pairs[place : place + size] for place in places]


def run_program(program: str) -> str:
    r"""Runs a program of `Programs` in Python; not safe for untrusted programs.

    Example:
        >>> from rnnzoo.data.synthetic import run_program
        >>> run_program("a=7\nfor x in range(3):a-=2\nprint((a*5))")
        '5'
    """
    output = io.StringIO()
    known = {"print": functools.partial(print, file=output), "range": range}
    exec(program, {"__builtins__": known})
    return output.getvalue().rstrip("\n")


def scramble(program: str) -> str:
    """Applies a fixed permutation to the characters of a program.

    Example:
        >>> from rnnzoo.data.synthetic import scramble
        >>> len({scramble(c) for c in "print(12)"}), scramble("11") == "11"
        (9, False)
    """
    order = np.random.default_rng(0).permutation(list(CHARACTERS))
    return program.translate(dict(zip(map(ord, order), np.roll(order, 1), strict=True)))
