"""The tokenizers of texts, by name."""

from typing import Any

from rnnzoo.errors import check_choice
from rnnzoo.tokens.bytes import Bytes
from rnnzoo.tokens.characters import Characters
from rnnzoo.tokens.subwords import Subwords
from rnnzoo.tokens.whitespace import Whitespace
from rnnzoo.tokens.words import Words

TOKENS = {
    "words": Words,
    "characters": Characters,
    "bytes": Bytes,
    "subwords": Subwords,
    "whitespace": Whitespace,
}


def make_tokens(kind: str, vocabulary: Any, **options: Any) -> Any:
    """Returns a tokenizer of a kind.

    Args:
        kind: `"words"`, `"characters"`, `"bytes"`, `"subwords"` or `"whitespace"`.
        vocabulary: Its vocabulary; `None` for bytes.
        **options: `start` and `max_length`.

    Raises:
        ValueError: If there is no such kind, bytes have a vocabulary, or others none.

    Example:
        >>> from rnnzoo.tokens.kinds import make_tokens
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
