"""Characters as tokens."""

import functools
import re
import string
import unicodedata
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.tokens.checks import to_utf8
from rnnzoo.tokens.text import VocabularyTokens

# The printable characters of ASCII, and the line feed.
ASCII = "".join(c for c in string.printable if c.isprintable() or c == "\n")


@keras.saving.register_keras_serializable("rnnzoo")
class Characters(VocabularyTokens):
    r"""Tokenizes texts into characters: 0 is padding, 1 an unknown character.

    A character is a Unicode code point. Without `normalize`, `decode` inverts `encode`,
    except for unknown characters. Inputs and outputs of the call are those of
    `TextTokens`; invalid UTF-8 becomes U+FFFD. `encode` is faster for Python strings.

    Args:
        vocabulary: The known characters, in the order of their ids, from 2; a
            `ValueError` if an entry is repeated or not a single character.
        start: Whether every sequence begins with a start symbol, the largest id.

    Example:
        >>> from rnnzoo.tokens import Characters
        >>> characters = Characters("abç\n", start=True)
        >>> characters.encode(["çaba", "?\n"])
        array([[6, 4, 2, 3, 2],
               [6, 1, 5, 0, 0]], dtype=int32)
        >>> characters.decode([[6, 4, 2, 3, 2], [6, 1, 5, 0, 0]])
        ['çaba', '\ufffd\n']
        >>> Characters.learn(["abb", "bc"], size=2)
        ['b', 'a']
    """

    kind = "character"
    separator = ""
    unknown = "\ufffd"

    def __init__(
        self, vocabulary: Sequence[str], *, start: bool = False, **layer_options: Any
    ):
        wrong = [
            one  # UTF-8 cannot encode halves of surrogate pairs
            for one in vocabulary
            if not isinstance(one, str) or not re.fullmatch("(?s)[^\ud800-\udfff]", one)
        ]
        if wrong:
            raise ValueError(
                "A vocabulary of characters must hold single characters: give a string "
                f"or a list of characters. Received: {len(wrong)} others, such as "
                f"{wrong[0]!r}"
            )
        super().__init__(vocabulary, start=start, **layer_options)

    @staticmethod
    def split_strings(texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into characters `[batch, (characters)]`."""
        return tf.strings.unicode_split(texts, "UTF-8", errors="replace")

    def encode_checked(self, texts: list[str]) -> np.ndarray:
        """Converts texts to padded token ids."""
        if self.normalize and not all(map(str.isascii, texts)):
            strings = self.prepare([to_utf8(text) for text in texts])
            texts = [text.decode("utf-8", "replace") for text in strings.numpy()]
        if (limit := self.max_length) is not None:
            head, tail = limit - limit // 2, limit // 2
            texts = [
                text if len(text) <= limit else text[:head] + text[-tail:]
                for text in texts
            ]
        lengths = np.array([len(text) for text in texts], int)
        # Code points; halves of surrogate pairs become question marks, as in `to_utf8`.
        points = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), "<u4")
        first = int(self.start)
        steps = max(1, first + lengths.max(initial=0))
        ids = np.zeros((len(texts), steps), "int32")
        is_real = np.arange(steps - first) < lengths[:, None]
        known = self._id_of_point
        ids[:, first:][is_real] = known[np.minimum(points, len(known) - 1)]
        if self.start:
            ids[:, 0] = self.start_id
        else:
            ids[lengths == 0, 0] = self.UNKNOWN
        return ids

    @functools.cached_property
    def _id_of_point(self) -> np.ndarray:
        # Of every code point up to the first above all known ones.
        points = [ord(symbol) for symbol in self.vocabulary]
        ids = np.full(max(points, default=0) + 2, self.UNKNOWN, "int32")
        ids[points] = np.arange(2, 2 + len(points))
        return ids

    @staticmethod
    def split(text: str, normalize: bool = False) -> list[str]:
        """Returns all characters of a text, known or not."""
        text = unicodedata.normalize("NFC", text) if normalize else text
        return list(to_utf8(text).decode())
