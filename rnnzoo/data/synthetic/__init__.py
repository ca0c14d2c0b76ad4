"""Generated examples: nothing to download, and as many as one likes.

Each class here is an endless set of examples. `batch(size, seed, index)` returns
the same examples for the same three numbers, whatever was drawn before, so that
training can begin anywhere and every process can draw its own share.
"""

from rnnzoo.data.synthetic.bits import Addition, Parity, carry_chains, random_pairs
from rnnzoo.data.synthetic.memorization import MEMORIES, Memorization
from rnnzoo.data.synthetic.patterns import Patterns
from rnnzoo.data.synthetic.programs import (
    CHARACTERS,
    CURRICULA,
    DecimalAddition,
    Programs,
    printed,
    scrambled,
)
from rnnzoo.data.synthetic.sorting import Sorting, structured_lists, uniform_lists
from rnnzoo.data.synthetic.streams import Comparisons, Sums

__all__ = [
    "Addition",
    "CHARACTERS",
    "CURRICULA",
    "Comparisons",
    "DecimalAddition",
    "MEMORIES",
    "Memorization",
    "Parity",
    "Patterns",
    "Programs",
    "Sorting",
    "Sums",
    "carry_chains",
    "printed",
    "random_pairs",
    "scrambled",
    "structured_lists",
    "uniform_lists",
]
