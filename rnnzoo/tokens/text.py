"""What all tokens of texts have in common."""

import collections
import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number
from rnnzoo.tokens.checks import PADDING, check_texts, to_utf8

START_SYMBOL = "[start]"


def join_words(words: tf.Tensor, is_kept: tf.Tensor, separator: str) -> tf.Tensor:
    """Joins those words `[batch, time]` of each row that are kept: `[batch]`."""
    kept = tf.ragged.boolean_mask(words, is_kept)
    return tf.strings.reduce_join(kept, axis=-1, separator=separator)


class TextTokens(keras.layers.Layer):
    """What all tokens of texts have in common: padding, and a start symbol.

    Args:
        start: Whether every sequence begins with a start symbol.
        max_length: Longest sequence; of a longer text the first half of that many
            tokens and the last half are kept, since the judgement of a text is where it
            begins and ends (Sun et al., 2019). `None` for any length.
        **layer_options: Those of `keras.layers.Layer`.

    Raises:
        ValueError: If `max_length` is less than 2.

    References:
        Sun et al., "How to fine-tune BERT for text classification?", 2019,
        arXiv:1905.05583, section 5.3.1, on the parts of a long text.
    """

    UNKNOWN = 1
    kind = "symbol"

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
        """Number of token ids: padding, unknown and start symbols included."""
        raise NotImplementedError

    @property
    def start_id(self) -> int | None:
        """Id of the start symbol, the last of all; `None` if there is none."""
        return self.vocabulary_size - 1 if self.start else None

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of strings; shapes as in the class."""
        return self.padded(self.ids(inputs))

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the ids of strings `[batch]` without start symbols and padding."""
        raise NotImplementedError

    def padded(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns ids with what every sequence needs: a step, and an end of zeros."""
        if self.max_length is not None:
            ids = keep_ends(ids, self.max_length)
        if self.start:
            first = tf.fill([ids.nrows(), 1], self.start_id)
            ids = tf.concat([first, ids], axis=1)
        else:
            empty = tf.cast(tf.equal(ids.row_lengths(), 0), tf.int64)
            unknown = tf.RaggedTensor.from_row_lengths(
                tf.fill([tf.reduce_sum(empty)], self.UNKNOWN), empty
            )
            ids = tf.concat([ids, unknown], axis=1)
        return ids.to_tensor(PADDING)

    def format(self, ids: tf.Tensor) -> tf.Tensor:
        """Writes token ids `[batch, time]` as strings `[batch]`, in the graph.

        It gives what `decode` gives, padding and start symbols left out.
        """
        raise NotImplementedError

    def complete_prefix(self, ids: Sequence[int]) -> int:
        """Returns how many of the ids can be decoded whatever comes after them."""
        return len(ids)

    def encode(self, texts: Sequence[str], name: str = "texts") -> np.ndarray:
        """Turns texts into padded token ids.

        Args:
            texts: A sequence of strings.
            name: What messages call them.

        Returns:
            Token ids `[texts, time]`, int32, padded with 0 at the end.

        Raises:
            TypeError: If something is not a string; names every such text.
        """
        return self.encode_checked(check_texts(texts, name))

    def encode_checked(self, texts: list[str]) -> np.ndarray:
        """Turns texts that `check_texts` returned into padded token ids."""
        if not texts:
            return np.zeros((0, 1), "int32")
        return self._encode(tf.constant([to_utf8(text) for text in texts])).numpy()

    @functools.cached_property
    def _encode(self) -> Callable:
        """The compiled call."""
        spec = tf.TensorSpec((None,), tf.string)
        return tf.function(self.call, input_signature=[spec], autograph=False)

    def count(self, text: str) -> int:
        """Returns how many tokens a text has, those beyond `max_length` too."""
        return int(self.ids(tf.constant([to_utf8(text)])).row_lengths()[0])


def keep_ends(ids: tf.RaggedTensor, max_length: int) -> tf.RaggedTensor:
    """Returns the first and the last half of `max_length` tokens of longer rows."""
    lengths = ids.row_lengths()
    place = tf.ragged.range(lengths)
    left = tf.gather(lengths, place.value_rowids()) - place.flat_values
    head = max_length - max_length // 2
    is_kept = (place.flat_values < head) | (left <= max_length // 2)
    return tf.ragged.boolean_mask(ids, place.with_flat_values(is_kept))


class VocabularyTokens(TextTokens):
    """What words and characters have in common: a table of them."""

    def __init__(
        self, vocabulary: Sequence[str], *, start: bool = False, **layer_options: Any
    ):
        """Makes the table; subclasses say what the arguments mean."""
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
            # A table may not be empty; no symbol is an empty string.
            known = tf.constant([to_utf8(symbol) for symbol in (*self.vocabulary, "")])
            ids = [*range(2, 2 + len(self.vocabulary)), self.UNKNOWN]
            ids = tf.constant(ids, tf.int32)
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(known, ids), self.UNKNOWN
            )

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids: padding, unknown and start symbols included."""
        return len(self.vocabulary) + 2 + self.start

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into symbols `[batch, (symbols)]`, in the graph."""
        raise NotImplementedError

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the ids of strings `[batch]` without start symbols and padding."""
        symbols = self.symbols(tf.convert_to_tensor(inputs, tf.string))
        return tf.ragged.map_flat_values(self.table.lookup, symbols)

    def decode(self, ids: Any) -> list[str]:
        """Turns rows of token ids into texts, without padding and start symbols."""
        symbols = self._written
        return [
            self.separator.join(symbols[row[(row != PADDING) & (row != self.start_id)]])
            for row in (np.asarray(row, int) for row in ids)
        ]

    @functools.cached_property
    def _written(self) -> np.ndarray:
        """What each id is written as."""
        return np.array(["", self.unknown, *self.vocabulary, ""], object)

    def symbols_of(self, ids: Sequence[int]) -> list[str]:
        """Returns the symbols that tokens stand for, one by one."""
        symbols = ["", self.unknown, *self.vocabulary, START_SYMBOL]
        return [symbols[i] for i in ids]

    def format(self, ids: tf.Tensor) -> tf.Tensor:
        """Writes token ids as strings, in the graph; as `TextTokens.format`."""
        # The last one is the start symbol, if there is one.
        symbols = ["", self.unknown, *self.vocabulary, ""]
        words = tf.gather(tf.constant([to_utf8(symbol) for symbol in symbols]), ids)
        is_kept = tf.not_equal(ids, PADDING)
        if self.start:
            is_kept &= tf.not_equal(ids, self.start_id)
        return join_words(words, is_kept, self.separator)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "vocabulary": self.vocabulary,
            "start": self.start,
            "max_length": self.max_length,
        }


def most_frequent(
    split: Callable, texts: Iterable[str], size: int, min_count: int
) -> list[str]:
    """Returns the most frequent symbols of texts, read a thousand at a time."""
    counts, texts = collections.Counter(), iter(texts)
    while batch := [to_utf8(text) for text in itertools.islice(texts, 1000)]:
        counts.update(split(tf.constant(batch)).flat_values.numpy().tolist())
        if len(counts) > 100 * size + 1_000_000:
            counts = collections.Counter(
                {symbol: count for symbol, count in counts.items() if count > 1}
            )
    ranking = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [symbol.decode() for symbol, n in ranking[:size] if n >= min_count]
