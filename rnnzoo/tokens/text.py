"""Base classes of the tokenizers of texts."""

import collections
import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number
from rnnzoo.tokens.checks import PADDING, check_texts, to_utf8

START_SYMBOL = "[start]"


def join_words(words: tf.Tensor, is_kept: tf.Tensor, separator: str) -> tf.Tensor:
    """Joins the words `[batch, time]` of each row where `is_kept`: `[batch]`."""
    kept = tf.ragged.boolean_mask(words, is_kept)
    return tf.strings.reduce_join(kept, axis=-1, separator=separator)


class TextTokens(keras.layers.Layer):
    """Base class of the tokenizers of texts.

    Inputs of the call: strings `[batch]`. Outputs: token ids `[batch, time]`, int32,
    padded with 0 at the end. An empty text is its start symbol, or one unknown token.
    `encode` does the same for Python strings.

    Args:
        start: Whether every sequence begins with a start symbol, as models that
            generate text need it; its id is the largest.
        max_length: Maximum length of a sequence, at least 2; longer texts are truncated
            in the middle (Sun et al., 2019, arXiv:1905.05583). `None` for no limit.
        **layer_options: Options of `keras.layers.Layer`.
    """

    UNKNOWN = 1
    kind = "symbol"
    # Where `chunks` may cut a text: by default, before any character.
    gap = re.compile("(?s)(?=.)")

    def __init__(
        self, start: bool, max_length: int | None = None, **layer_options: Any
    ):
        super().__init__(dtype="int32", **layer_options)
        if max_length is not None:
            check_number("max_length", max_length, minimum=2, whole=True)
        self.start = start
        self.max_length = max_length

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, with padding, unknown and start symbols."""
        raise NotImplementedError

    @property
    def start_id(self) -> int | None:
        """Id of the start symbol; `None` if there is none."""
        return self.vocabulary_size - 1 if self.start else None

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of strings; shapes as in the class."""
        return self.pad(self.ids(inputs))

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the ids of strings `[batch]` without start symbols and padding."""
        raise NotImplementedError

    def pad(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Truncates ids, adds start symbols or a step, and pads with 0 at the end."""
        if self.max_length is not None:
            ids = keep_ends(ids, self.max_length)
        if self.start:
            ids = tf.concat([tf.fill([ids.nrows(), 1], self.start_id), ids], axis=1)
        else:
            empty = tf.cast(tf.equal(ids.row_lengths(), 0), tf.int64)
            unknown = tf.RaggedTensor.from_row_lengths(
                tf.fill([tf.reduce_sum(empty)], self.UNKNOWN), empty
            )
            ids = tf.concat([ids, unknown], axis=1)
        return ids.to_tensor(PADDING)

    def format(self, ids: tf.Tensor) -> tf.Tensor:
        """Formats token ids `[batch, time]` as strings `[batch]`, as `decode` does."""
        raise NotImplementedError

    def is_symbol(self, ids: tf.Tensor) -> tf.Tensor:
        """Whether token ids are symbols of a text, not padding or start symbols."""
        is_padding = tf.equal(ids, PADDING)
        return ~(
            is_padding | tf.equal(ids, self.start_id) if self.start else is_padding
        )

    @classmethod
    def chunks(cls, text: str, size: int) -> Iterator[str]:
        """Yields a text in chunks of about `size` characters that cut no token."""
        begin = 0
        while found := cls.gap.search(text, begin + max(size, 1)):
            yield text[begin : found.start()]
            begin = found.start()
        yield text[begin:]

    def complete_prefix(self, ids: Sequence[int]) -> int:
        """Returns how many ids can be decoded whatever follows them."""
        return len(ids)

    def encode(self, texts: Sequence[str], name: str = "texts") -> np.ndarray:
        """Converts texts to token ids `[texts, time]`, int32, or raises `TypeError`."""
        return self.encode_checked(check_texts(texts, name))

    def encode_checked(self, texts: list[str]) -> np.ndarray:
        """Converts texts that `check_texts` returned to padded token ids."""
        if not texts:
            return np.zeros((0, 1), "int32")
        return self._encode(tf.constant([to_utf8(text) for text in texts])).numpy()

    @functools.cached_property
    def _encode(self) -> Callable:
        spec = tf.TensorSpec((None,), tf.string)
        return tf.function(self.call, input_signature=[spec], autograph=False)

    def count(self, text: str) -> int:
        """Returns the number of tokens of a text, before truncation."""
        return int(self.ids(tf.constant([to_utf8(text)])).row_lengths()[0])

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"start": self.start, "max_length": self.max_length}


def keep_ends(ids: tf.RaggedTensor, max_length: int) -> tf.RaggedTensor:
    """Truncates rows to the first and the last half of `max_length` tokens."""
    lengths = ids.row_lengths()
    place = tf.ragged.range(lengths)
    left = tf.gather(lengths, place.value_rowids()) - place.flat_values
    head = max_length - max_length // 2
    is_kept = (place.flat_values < head) | (left <= max_length // 2)
    return tf.ragged.boolean_mask(ids, place.with_flat_values(is_kept))


class VocabularyTokens(TextTokens):
    """Base class of the tokenizers with a table of symbols: words, characters.

    Args:
        vocabulary: The known symbols, in the order of their ids; the first has id 2.
        start: As of `TextTokens`.
        **layer_options: As of `TextTokens`, with `max_length`.
    """

    def __init__(
        self, vocabulary: Sequence[str], *, start: bool = False, **layer_options: Any
    ):
        super().__init__(start, **layer_options)
        self.vocabulary = list(vocabulary)
        counts = collections.Counter(self.vocabulary)
        repeated = [symbol for symbol, count in counts.items() if count > 1]
        if repeated:
            raise ValueError(
                f"Every {self.kind} must be once in a vocabulary: remove the others. "
                f"Received: {len(repeated)} {self.kind}s more than once, such as "
                f"{repeated[0]!r}"
            )
        with tf.init_scope():
            # A table must not be empty; no symbol is an empty string.
            known = tf.constant([to_utf8(symbol) for symbol in (*self.vocabulary, "")])
            ids = [*range(2, 2 + len(self.vocabulary)), self.UNKNOWN]
            pairs = tf.lookup.KeyValueTensorInitializer(known, tf.constant(ids))
            self.table = tf.lookup.StaticHashTable(pairs, self.UNKNOWN)

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, with padding, unknown and start symbols."""
        return len(self.vocabulary) + 2 + self.start

    @staticmethod
    def split_strings(texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into symbols `[batch, (symbols)]`, in the graph."""
        raise NotImplementedError

    @classmethod
    def split(cls, text: str) -> list[str]:
        """Returns all symbols of a text, known or not."""
        symbols = cls.split_strings(tf.constant([to_utf8(text)])).flat_values
        return [symbol.decode() for symbol in symbols.numpy()]

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, min_count: int = 1) -> list[str]:
        """Returns the most frequent symbols of texts, the most frequent first.

        Memory is bounded: rare symbols are dropped from time to time.

        Args:
            texts: The texts, an iterable.
            size: Maximum number of symbols.
            min_count: Minimum number of occurrences of a symbol.
        """
        counts, texts = collections.Counter(), iter(texts)
        while batch := [to_utf8(text) for text in itertools.islice(texts, 1000)]:
            symbols = cls.split_strings(tf.constant(batch)).flat_values
            counts.update(symbols.numpy().tolist())
            if len(counts) > 100 * size + 1_000_000:
                counts = collections.Counter({s: n for s, n in counts.items() if n > 1})
        ranking = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [symbol.decode() for symbol, n in ranking[:size] if n >= min_count]

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the ids of strings `[batch]` without start symbols and padding."""
        symbols = self.split_strings(tf.convert_to_tensor(inputs, tf.string))
        return tf.ragged.map_flat_values(self.table.lookup, symbols)

    def decode(self, ids: Any) -> list[str]:
        """Converts rows of token ids to texts, without padding and start symbols."""
        symbols = self._symbol_of_id
        return [
            self.separator.join(symbols[row[(row != PADDING) & (row != self.start_id)]])
            for row in (np.asarray(row, int) for row in ids)
        ]

    @functools.cached_property
    def _symbol_of_id(self) -> np.ndarray:
        return np.array(["", self.unknown, *self.vocabulary, START_SYMBOL], object)

    def symbols_of(self, ids: Sequence[int]) -> list[str]:
        """Returns the symbol of each token."""
        return [self._symbol_of_id[i] for i in ids]

    def format(self, ids: tf.Tensor) -> tf.Tensor:
        """Formats token ids as strings, in the graph."""
        symbols = tf.constant([to_utf8(symbol) for symbol in self._symbol_of_id])
        words = tf.gather(symbols, ids)
        return join_words(words, self.is_symbol(ids), self.separator)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"vocabulary": self.vocabulary, **super().get_config()}
