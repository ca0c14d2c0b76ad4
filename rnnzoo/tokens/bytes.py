"""Bytes of UTF-8 as tokens."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from rnnzoo.tokens.text import START_SYMBOL, TextTokens


@keras.saving.register_keras_serializable("rnnzoo")
class Bytes(TextTokens):
    """Tokenizes texts into the bytes of UTF-8: 0 is padding, byte `b` has id `b + 2`.

    Needs no vocabulary. `decode` ignores bytes that are not part of a character. Inputs
    and outputs of the call are those of `TextTokens`; strings may be invalid UTF-8.

    Args:
        start: Whether every sequence begins with a start symbol, the largest id.

    Example:
        >>> from rnnzoo.tokens import Bytes
        >>> tokens = Bytes(start=True)
        >>> tokens.encode(["aç", "b"])
        array([[258,  99, 197, 169],
               [258, 100,   0,   0]], dtype=int32)
        >>> tokens.decode([[258, 99, 197, 169], [99, 197]])
        ['aç', 'a']
    """

    kind = "byte"
    separator = ""
    # The characters of one byte, for the texts that verify exports.
    vocabulary = tuple(map(chr, range(128)))

    def __init__(self, *, start: bool = False, **layer_options: Any):
        super().__init__(start, **layer_options)

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, with padding, unknown and start symbols."""
        return 256 + 2 + self.start

    @property
    def pieces(self) -> list[bytes]:
        """The byte of each token."""
        return [b"", b"", *(bytes([byte]) for byte in range(256)), b""]

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the ids of strings `[batch]` without start symbols and padding."""
        parts = tf.strings.bytes_split(self.prepare(inputs))
        values = tf.io.decode_raw(parts.values, tf.uint8, fixed_length=1)[:, 0]
        return parts.with_values(tf.cast(values, tf.int32) + 2)

    def format(self, ids: tf.Tensor) -> tf.Tensor:
        """Formats token ids as strings, in the graph."""
        texts = tf.strings.reduce_join(tf.gather(self.pieces, ids), axis=1)
        return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")

    def decode(self, ids: Any) -> list[str]:
        """Converts rows of token ids to texts, without padding and start symbols."""
        return [
            bytes(int(i) - 2 for i in row if 2 <= i < 258).decode("utf-8", "ignore")
            for row in ids
        ]

    def symbols_of(self, ids: Sequence[int]) -> list[str]:
        """Returns the byte of each token, as in a Python literal."""
        symbols = {self.start_id: START_SYMBOL, 0: "", self.UNKNOWN: "[unknown]"}
        return [symbols[i] if i in symbols else ascii(chr(i - 2))[1:-1] for i in ids]

    def complete_prefix(self, ids: Sequence[int]) -> int:
        """Returns how many ids come before an incomplete last character."""
        for back, token in enumerate(reversed(ids[-3:]), 1):
            byte = token - 2
            if byte >= 0xC0:  # the first of two bytes, three or four
                needed = 2 + (byte >= 0xE0) + (byte >= 0xF0)
                return len(ids) - back if back < needed else len(ids)
            if byte < 0x80:
                break
        return len(ids)
