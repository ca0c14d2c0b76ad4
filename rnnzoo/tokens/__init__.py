"""Tokens: raw text or numbers to tensors in the graph, and back."""

from typing import Any

from rnnzoo.errors import check_choice
from rnnzoo.tokens.binary import BinaryColumns, from_decimal, to_bits, to_decimal
from rnnzoo.tokens.bits import Bits
from rnnzoo.tokens.bytes import Bytes
from rnnzoo.tokens.characters import Characters
from rnnzoo.tokens.checks import check_in_graph, check_texts, to_utf8
from rnnzoo.tokens.labels import check_classes, class_numbers, to_python
from rnnzoo.tokens.numbers import Numbers, parse_numbers, split_rows
from rnnzoo.tokens.reals import RangeSteps, RealSteps, ScaledSteps
from rnnzoo.tokens.subwords import Subwords
from rnnzoo.tokens.words import Whitespace, Words

__all__ = [
    "BinaryColumns",
    "Bits",
    "Bytes",
    "Characters",
    "Numbers",
    "RangeSteps",
    "RealSteps",
    "ScaledSteps",
    "Subwords",
    "TOKENS",
    "Whitespace",
    "Words",
    "check_classes",
    "check_texts",
    "check_in_graph",
    "class_numbers",
    "from_decimal",
    "make_tokens",
    "parse_numbers",
    "split_rows",
    "to_bits",
    "to_decimal",
    "to_python",
    "to_utf8",
]

# The tokenizers of texts.
TOKENS = {
    "words": Words,
    "characters": Characters,
    "bytes": Bytes,
    "subwords": Subwords,
    "whitespace": Whitespace,
}


def make_tokens(kind: str, vocabulary: Any, **options: Any) -> Any:
    """Returns a tokenizer of a kind, or raises `ValueError`.

    Args:
        kind: `"words"`, `"characters"`, `"bytes"`, `"subwords"` or `"whitespace"`.
        vocabulary: Its vocabulary; `None` for bytes.
        **options: `start`, `max_length` and `normalize`.

    Example:
        >>> from rnnzoo.tokens import make_tokens
        >>> make_tokens("characters", "abc").encode(["cab"])
        array([[4, 2, 3]], dtype=int32)
    """
    check_choice("tokens", kind, TOKENS)
    if kind == "bytes":
        if vocabulary is not None:
            raise ValueError(
                "A model of bytes knows them all: leave out vocabulary. Received: "
                "vocabulary, tokens='bytes'"
            )
        return Bytes(**options)
    if vocabulary is None:
        raise ValueError(
            f"A model of {kind} needs to know them: give vocabulary, such as "
            f"{TOKENS[kind].__name__}.learn(texts, 10_000). Received: vocabulary=None, "
            f"tokens={kind!r}"
        )
    return TOKENS[kind](vocabulary, **options)
