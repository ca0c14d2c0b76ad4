"""The tokens that a language model can be built with."""

from collections.abc import Sequence
from typing import Any

from rnnzoo.tokens import Bytes, Characters, Subwords, Whitespace, Words

# Tokens of the texts.
TOKENS = {
    "characters": Characters,
    "bytes": Bytes,
    "subwords": Subwords,
    "words": Words,
    "whitespace": Whitespace,
}


def build_tokens(tokens: str, vocabulary: Sequence[str] | None) -> Any:
    """Returns the tokens of a model; refuses an unsuitable vocabulary."""
    if tokens == "bytes":
        if vocabulary is not None:
            raise ValueError(
                "A model of bytes knows them all: leave out vocabulary. Received: "
                "vocabulary, tokens='bytes'"
            )
        return Bytes(start=True)
    kind, learned = TOKENS[tokens], "texts, 10_000"
    if kind is Subwords:
        learned += ", lossless=True"
    if vocabulary is None:
        raise ValueError(
            f"A model of {tokens} needs to know them: give vocabulary, such as "
            f"{kind.__name__}.learn({learned}). Received: vocabulary=None, "
            f"tokens={tokens!r}"
        )
    symbols = kind(vocabulary, start=True)
    if kind is Subwords and not symbols.is_lossless:
        raise ValueError(
            "A model that continues texts needs all of them: learn the vocabulary "
            f"with Subwords.learn({learned}). Received: a vocabulary without ends of "
            "lines"
        )
    return symbols
