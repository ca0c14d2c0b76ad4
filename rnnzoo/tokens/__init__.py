"""Tokens: raw text or numbers to tensors in the graph, and back."""

from rnnzoo.tokens.binary import BinaryColumns, from_decimal, to_bits, to_decimal
from rnnzoo.tokens.bits import Bits
from rnnzoo.tokens.bytes import Bytes
from rnnzoo.tokens.characters import Characters
from rnnzoo.tokens.checks import (
    PADDING,
    check_in_graph,
    check_texts,
    is_surrogate,
    to_utf8,
)
from rnnzoo.tokens.labels import check_classes, class_numbers, to_python
from rnnzoo.tokens.numbers import (
    Numbers,
    parse_numbers,
    parse_real_numbers,
    split_rows,
)
from rnnzoo.tokens.reals import RealSteps, ScaledSteps
from rnnzoo.tokens.subwords import Subwords
from rnnzoo.tokens.text import START_SYMBOL
from rnnzoo.tokens.whitespace import Whitespace
from rnnzoo.tokens.words import UNKNOWN_WORD, Words

__all__ = [
    "BinaryColumns",
    "Bits",
    "Bytes",
    "Characters",
    "Numbers",
    "PADDING",
    "RealSteps",
    "START_SYMBOL",
    "ScaledSteps",
    "Subwords",
    "UNKNOWN_WORD",
    "Whitespace",
    "Words",
    "check_classes",
    "check_texts",
    "check_in_graph",
    "class_numbers",
    "from_decimal",
    "is_surrogate",
    "parse_numbers",
    "parse_real_numbers",
    "split_rows",
    "to_bits",
    "to_decimal",
    "to_python",
    "to_utf8",
]
