"""Generated examples, without limit and without downloads.

Each class is an endless stream: `batch(size, seed, index)` returns the same examples
for the same three numbers, so that training can be resumed anywhere. Whoever changes
what a class generates raises its attribute `version` (1 if it has none): runs that
began with other examples are then not resumed.
"""

from rnnzoo.data.synthetic.bits import Addition, Parity, carry_chains, random_pairs
from rnnzoo.data.synthetic.histograms import HistogramSorting
from rnnzoo.data.synthetic.list_families import (
    list_families,
    structured_lists,
    uniform_lists,
)
from rnnzoo.data.synthetic.memorization import MEMORIES, Memorization
from rnnzoo.data.synthetic.patterns import Patterns
from rnnzoo.data.synthetic.programs import (
    CHARACTERS,
    CURRICULA,
    DecimalAddition,
    Programs,
    run_program,
    scramble,
)
from rnnzoo.data.synthetic.reals import RealSorting, real_families
from rnnzoo.data.synthetic.sorting import Sorting
from rnnzoo.data.synthetic.streams import Comparisons, Sums

__all__ = [
    "Addition",
    "CHARACTERS",
    "CURRICULA",
    "Comparisons",
    "DecimalAddition",
    "HistogramSorting",
    "MEMORIES",
    "Memorization",
    "Parity",
    "Patterns",
    "Programs",
    "RealSorting",
    "Sorting",
    "Sums",
    "carry_chains",
    "list_families",
    "random_pairs",
    "real_families",
    "run_program",
    "scramble",
    "structured_lists",
    "uniform_lists",
]
