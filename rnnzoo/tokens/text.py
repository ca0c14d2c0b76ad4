"""Base classes of the tokenizers of texts."""

import collections
import functools
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number, shorten
from rnnzoo.tokens.checks import PADDING, check_texts, to_utf8
from rnnzoo.tokens.graphs import compile_for_python

START_SYMBOL = "[start]"
# What Python's str.isspace() says, in the language of TensorFlow's patterns.
WHITE_SPACE = r"[\pZ\t-\r\x1c-\x1f\x{85}]"


def import_text_operations() -> Any:
    """Imports `tensorflow_text`; an `ImportError` says what prevents it."""
    try:
        import tensorflow_text
    except Exception as error:
        cause = "Install it for the installed version of TensorFlow."
        if os.environ.get("TF_USE_LEGACY_KERAS", "0").lower() not in ("0", "false"):
            cause = "Unset TF_USE_LEGACY_KERAS: TensorFlow takes another Keras with it."
        elif sys.flags.optimize > 1:
            cause = "Start Python without -OO, which removes docstrings that it reads."
        raise ImportError(
            "Subwords and normalized texts need tensorflow-text, which cannot be "
            f"imported. {cause} Received: {shorten(error, str, 300)}"
        ) from error
    return tensorflow_text


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
        normalize: Whether texts are read in Unicode's form NFC, in which an accented
            letter is the same whether it was written as one character or two.
        **layer_options: Options of `keras.layers.Layer`.
    """

    UNKNOWN = 1
    kind = "symbol"
    # Where `chunks` may cut a text: by default, before any character.
    gap = re.compile("(?s)(?=.)")

    def __init__(
        self,
        start: bool,
        max_length: int | None = None,
        normalize: bool = False,
        **layer_options: Any,
    ):
        super().__init__(dtype="int32", **layer_options)
        if max_length is not None:
            check_number("max_length", max_length, minimum=2, whole=True)
        self.start = start
        self.max_length = max_length
        self.normalize = normalize

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, with padding, unknown and start symbols."""
        raise NotImplementedError

    @property
    def pieces(self) -> list[bytes]:
        """What each token adds to a text, beside separators: UTF-8, or parts of it."""
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

    def prepare(self, inputs: Any) -> tf.Tensor:
        """Returns strings `[batch]` in the form in which they are read."""
        texts = tf.convert_to_tensor(inputs, tf.string)
        return self.normalize_strings(texts) if self.normalize else texts

    @staticmethod
    def normalize_strings(texts: tf.Tensor) -> tf.Tensor:
        """Returns strings `[batch]` in the form NFC, in the graph."""
        return import_text_operations().normalize_utf8(texts, "NFC")

    def standardize(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns strings `[batch]` in the form in which `format` writes them."""
        return texts

    def count_at_most(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns of how many tokens parts of strings `[batch]` can be, int32."""
        return tf.strings.length(texts)

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
        return compile_for_python(self.call, spec)

    def count(self, text: str) -> int:
        """Returns the number of tokens of a text, before truncation."""
        return int(self.ids(tf.constant([to_utf8(text)])).row_lengths()[0])

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        options = {"max_length": self.max_length, "normalize": self.normalize}
        return {"start": self.start, **options}


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
            known = [to_utf8(symbol) for symbol in (*self.vocabulary, "")]
            if self.normalize:
                known = (
                    TextTokens.normalize_strings(tf.constant(known)).numpy().tolist()
                )
            ids = [*range(2, 2 + len(self.vocabulary)), self.UNKNOWN]
            # Of symbols that are the same in the form NFC, the first one's id.
            found = dict(zip(reversed(known), reversed(ids), strict=True))
            pairs = tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(found)), tf.constant(list(found.values()))
            )
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
    def split(cls, text: str, normalize: bool = False) -> list[str]:
        """Returns all symbols of a text, known or not."""
        symbols = cls._split([text], normalize)
        return [symbol.decode() for symbol in symbols]

    @classmethod
    def _split(cls, texts: list[str], normalize: bool) -> list[bytes]:
        strings = tf.constant([to_utf8(text) for text in texts])
        strings = cls.normalize_strings(strings) if normalize else strings
        return cls.split_strings(strings).flat_values.numpy().tolist()

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        size: int,
        min_count: int = 1,
        *,
        normalize: bool = False,
    ) -> list[str]:
        """Returns the most frequent symbols of texts, the most frequent first.

        Memory is bounded: rare symbols are dropped from time to time.

        Args:
            texts: The texts, an iterable.
            size: Maximum number of symbols.
            min_count: Minimum number of occurrences of a symbol.
            normalize: Whether they are those of a model that normalizes texts.
        """
        counts, texts = collections.Counter(), iter(texts)
        while batch := list(itertools.islice(texts, 1000)):
            counts.update(cls._split(batch, normalize))
            if len(counts) > 100 * size + 1_000_000:
                counts = collections.Counter({s: n for s, n in counts.items() if n > 1})
        ranking = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [symbol.decode() for symbol, n in ranking[:size] if n >= min_count]

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the ids of strings `[batch]` without start symbols and padding."""
        symbols = self.split_strings(self.prepare(inputs))
        return tf.ragged.map_flat_values(self.table.lookup, symbols)

    @property
    def pieces(self) -> list[bytes]:
        """What each token adds to a text, beside separators."""
        return [to_utf8(symbol) for symbol in self._symbol_of_id]

    def standardize(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns strings `[batch]` in the form in which `format` writes them."""
        symbols = self.split_strings(texts)
        found = tf.strings.reduce_join(symbols, axis=-1, separator=self.separator)
        if not self.separator:
            return found
        ends = [
            tf.where(tf.strings.regex_full_match(texts, pattern), self.separator, "")
            for pattern in ("(?s) .*", "(?s).* ")
        ]
        written = tf.strings.join([ends[0], found, ends[1]])
        return tf.where(tf.equal(found, ""), texts, written)

    def count_at_most(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns of how many tokens parts of strings `[batch]` can be, int32."""
        return tf.cast(self.split_strings(texts).row_lengths(), tf.int32)

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
