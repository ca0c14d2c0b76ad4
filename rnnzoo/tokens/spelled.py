"""Words as they are written: each by its number, in lower case, and by its letters."""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number
from rnnzoo.tokens.checks import PADDING, to_utf8
from rnnzoo.tokens.graphs import compile_for_python
from rnnzoo.tokens.text import TextTokens, VocabularyTokens
from rnnzoo.tokens.words import lower_strings

# Every character is replaced by one that says what it is, in this order: the start of a
# contraction's second part, and then white space, digits, letters and marks.
_SPLIT = "\ue000"
_KINDS = (
    (r"\x{e000}", "."),
    # don't is do and n't, it's is it and 's; other apostrophes join letters.
    (r"(?i)([\pL\pM])n['’]t\b", r"\1" + _SPLIT + "aa"),
    (r"(?i)([\pL\pM])['’](s|re|ve|ll|d|m)\b", r"\1" + _SPLIT + r"\2"),
    ("’", "'"),
    (r"[\pZ\t-\r\x1c-\x1f\x{85}]", " "),
    (r"\pN", "0"),
    (r"\pL", "a"),
    # Also what joins parts of one picture, and its colour of skin.
    (r"[\pM\x{1f3fb}-\x{1f3ff}]", "m"),
    (r"\x{200d}", "j"),
)


class SplitTexts(NamedTuple):
    """Words of texts, in the graph: strings, and places in numbers of characters."""

    words: tf.RaggedTensor
    starts: tf.RaggedTensor
    ends: tf.RaggedTensor


@keras.saving.register_keras_serializable("rnnzoo")
class SpelledWords(TextTokens):
    r"""Splits texts into words, each of them several numbers: what it is and how spelt.

    A word is a run of letters, marks and digits, with a dot, an at sign, an underscore
    or an apostrophe between two of them, or a comma, colon or slash between two digits.
    `n't`, `'s`, `'re`, `'ve`, `'ll`, `'d` and `'m` are words of their own, as in the
    Penn Treebank and in Universal Dependencies. Any other visible character is a word,
    and so is a run of the same one (`...`). Marks, and pictures that are joined to one,
    stay together. Languages that write no spaces are not split within a run of letters.

    Inputs of the call: strings `[batch]`. Outputs: `[batch, words, 2 + characters]`,
    int32, padded with 0 at the end: the number of the word, that of the word in lower
    case with 0 for all digits, and those of its characters, of which a longer word's
    first and last half are read. 0 is padding and 1 what is not known. A text without a
    word is one unknown word.

    Args:
        vocabulary: The known words, as they are written; the first has number 2.
        characters: The known characters; the first has number 2.
        lowered: More words that are known in lower case, as those of `vocabulary` are.
        start: Whether a step stands before the words of each text.
        word_length: Characters that are read of a word.
        **layer_options: Options of `keras.layers.Layer`.

    Example:
        >>> from rnnzoo.tokens.spelled import SpelledWords
        >>> tokens = SpelledWords(["Paris", "don"], "Paris", word_length=5)
        >>> tokens.encode(["Paris, 3"])[0].tolist()
        [[2, 2, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0]]
    """

    kind = "word"

    def __init__(
        self,
        vocabulary: Sequence[str],
        characters: Sequence[str],
        *,
        lowered: Sequence[str] = (),
        start: bool = False,
        word_length: int = 16,
        **layer_options: Any,
    ):
        super().__init__(start, **layer_options)
        check_number("word_length", word_length, minimum=2, whole=True)
        self.vocabulary, self.characters = list(vocabulary), list(characters)
        self.word_length = word_length
        for name, values in (
            ("vocabulary", self.vocabulary),
            ("characters", self.characters),
        ):
            twice = [one for one, count in Counter(values).items() if count > 1]
            if twice:
                raise ValueError(
                    f"{name} must have everything once: remove the others. Received: "
                    f"{twice[0]!r} more than once"
                )
        with tf.init_scope():
            self.more_lowered, found = list(lowered), []
            if known := [*self.vocabulary, *lowered]:
                strings = tf.constant([to_utf8(word) for word in known])
                found = fold_words(strings).numpy().tolist()
            self.lowered = [word.decode() for word in dict.fromkeys(found)]
            self.words_table = _make_table(self.vocabulary)
            self.lowered_table = _make_table(self.lowered)
            self.characters_table = _make_table(self.characters)

    @property
    def vocabulary_size(self) -> int:
        """Numbers of words: padding, unknown, known, and the step before a text."""
        return len(self.vocabulary) + 2 + self.start

    @property
    def pieces(self) -> list[bytes]:
        """The known words."""
        return [b"", b"", *map(to_utf8, self.vocabulary)]

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the numbers of words `[batch, (words)]`."""
        words = split_texts(inputs).words
        return tf.ragged.map_flat_values(self.words_table.lookup, words)

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the numbers of strings; shapes as in the class."""
        return self.read_words(split_texts(inputs).words)

    def read_words(self, words: tf.RaggedTensor) -> tf.Tensor:
        """Returns the numbers of words `[batch, (words)]`; shapes as in the class."""
        flat, lengths = words.flat_values, words.row_lengths()
        spelt = tf.strings.unicode_split(flat, "UTF-8")
        spelt = tf.ragged.map_flat_values(self.characters_table.lookup, spelt)
        head = self.word_length - self.word_length // 2
        count = spelt.row_lengths()[:, None]
        place = tf.range(self.word_length, dtype=tf.int64)[None]
        is_tail = (place >= head) & (count > self.word_length)
        place = tf.where(is_tail, place + count - self.word_length, place)
        begin = spelt.row_starts()[:, None]
        # A character more, so that there is one.
        values = tf.concat([spelt.flat_values, [PADDING]], axis=0)
        spelt = tf.gather(values, tf.where(place < count, begin + place, 0))
        spelt = tf.where(place < count, spelt, PADDING)
        numbers = tf.concat(
            [
                self.words_table.lookup(flat)[:, None],
                self.lowered_table.lookup(fold_words(flat))[:, None],
                spelt,
            ],
            axis=1,
        )
        rows = tf.RaggedTensor.from_row_lengths(numbers, lengths)
        width = self.word_length + 2
        if self.start:
            first = np.array([[self.start_id, 0] + [PADDING] * (width - 2)], "int32")
            more = tf.ones_like(lengths)
        else:
            first = np.array([[1, 1] + [PADDING] * (width - 2)], "int32")
            more = tf.cast(tf.equal(lengths, 0), tf.int64)
        first = tf.repeat(first, tf.reduce_sum(more), axis=0)
        first = tf.RaggedTensor.from_row_lengths(first, more)
        found = tf.concat([first, rows], axis=1).to_tensor(PADDING)
        return tf.ensure_shape(found, (None, None, width))

    def split_checked(self, texts: list[str]) -> list[tuple[list, list, list]]:
        """Returns words, as UTF-8, and their starts and ends, for each text."""
        if not texts:
            return []
        parts = self._split(tf.constant([to_utf8(text) for text in texts]))
        words, starts, ends, lengths = (part.numpy() for part in parts)
        cuts = np.cumsum(lengths)[:-1]
        columns = [np.split(part, cuts) for part in (words, starts, ends)]
        return [
            tuple(part.tolist() for part in row) for row in zip(*columns, strict=True)
        ]

    def encode_words(self, rows: list[list]) -> np.ndarray:
        """Converts lists of words, as strings or UTF-8, to padded numbers."""
        if not rows:
            return np.zeros((0, 1, self.word_length + 2), "int32")
        flat = [w if isinstance(w, bytes) else to_utf8(w) for row in rows for w in row]
        lengths = np.array([len(row) for row in rows], "int64")
        return self._read(tf.constant(flat, tf.string), tf.constant(lengths)).numpy()

    @functools.cached_property
    def _split(self) -> Callable:
        def split(texts: tf.Tensor) -> tuple:
            found = split_texts(texts)
            return *(part.flat_values for part in found), found.words.row_lengths()

        return compile_for_python(split, tf.TensorSpec((None,), tf.string))

    @functools.cached_property
    def _read(self) -> Callable:
        def read(words: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
            return self.read_words(tf.RaggedTensor.from_row_lengths(words, lengths))

        specs = tf.TensorSpec((None,), tf.string), tf.TensorSpec((None,), tf.int64)
        return compile_for_python(read, *specs)

    @staticmethod
    def learn(
        sentences: Iterable[Sequence[str]], size: int, min_count: int = 1
    ) -> list[str]:
        """Returns the most frequent words of lists of words, the most frequent first.

        Example:
            >>> from rnnzoo.tokens.spelled import SpelledWords
            >>> SpelledWords.learn([["a", "b"], ["a"]], 10)
            ['a', 'b']
        """
        return _rank(Counter(w for row in sentences for w in row), size, min_count)

    @staticmethod
    def learn_characters(
        sentences: Iterable[Sequence[str]], size: int = 300, min_count: int = 2
    ) -> list[str]:
        """Returns the most frequent characters of lists of words.

        Example:
            >>> from rnnzoo.tokens.spelled import SpelledWords
            >>> SpelledWords.learn_characters([["see", "bed"]], min_count=1)
            ['e', 'b', 'd', 's']
        """
        counts = Counter(c for row in sentences for word in row for c in word)
        return _rank(counts, size, min_count)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        own = {"vocabulary": self.vocabulary, "characters": self.characters}
        own["lowered"] = self.more_lowered
        return {**own, "start": self.start, "word_length": self.word_length}


def split_texts(inputs: Any) -> SplitTexts:
    """Splits strings `[batch]` into words, in the graph; see `SpelledWords`."""
    texts = tf.convert_to_tensor(inputs, tf.string)
    # What is no UTF-8 is replaced, so that each character is one below too.
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    kinds = texts
    for pattern, replacement in _KINDS:
        kinds = tf.strings.regex_replace(kinds, pattern, replacement)
    characters = tf.strings.unicode_split(texts, "UTF-8")
    codes = tf.strings.unicode_decode(texts, "UTF-8").flat_values
    kinds = tf.strings.unicode_decode(kinds, "UTF-8").flat_values
    rows = characters.value_rowids()
    places = tf.ragged.range(characters.row_lengths()).flat_values

    # What stands beside each character; spaces stand around each text.
    same = tf.equal(rows[1:], rows[:-1])
    is_next = tf.concat([[False], same], axis=0)[: tf.size(rows)]
    has_next = tf.concat([same, [False]], axis=0)[: tf.size(rows)]
    space = tf.constant(ord(" "))
    before = tf.where(is_next, tf.roll(kinds, 1, 0), space)
    after = tf.where(has_next, tf.roll(kinds, -1, 0), space)

    def among(values: tf.Tensor, symbols: str) -> tf.Tensor:
        found = tf.zeros_like(values, tf.bool)
        for symbol in symbols:
            found |= tf.equal(values, ord(symbol))
        return found

    parts, inner, numeric = "a0m" + _SPLIT, ".@_'", ",:/"
    is_inner = among(before, parts) & among(kinds, inner) & among(after, "a0m")
    is_inner |= among(before, "0") & among(kinds, numeric) & among(after, "0")
    follows_inner = is_next & tf.roll(is_inner, 1, 0) & among(kinds, parts)
    is_repeated = is_next & tf.equal(tf.roll(codes, 1, 0), codes)
    joined = (
        (among(before, parts) & among(kinds, "a0"))
        | (among(kinds, "mj") & ~among(before, " "))
        | among(before, "j")
        | is_inner
        | follows_inner
        | (is_repeated & ~among(kinds, parts))
    )
    is_space = among(kinds, " ")
    is_start = ~is_space & ~(joined & ~among(before, " "))
    # A word ends where what comes next is a space, or starts one.
    next_starts = has_next & tf.roll(is_start, -1, 0)
    is_end = ~is_space & (among(after, " ") | next_starts)
    owners = tf.boolean_mask(tf.cumsum(tf.cast(is_start, tf.int64)) - 1, ~is_space)
    count = tf.reduce_sum(tf.cast(is_start, tf.int64))
    letters = tf.boolean_mask(characters.flat_values, ~is_space)
    spelt = tf.RaggedTensor.from_value_rowids(letters, owners, nrows=count)
    words = tf.strings.reduce_join(spelt, axis=-1)

    def to_rows(values: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_value_rowids(
            values, tf.boolean_mask(rows, is_start), nrows=characters.nrows()
        )

    starts = tf.cast(tf.boolean_mask(places, is_start), tf.int32)
    ends = tf.cast(tf.boolean_mask(places, is_end), tf.int32) + 1
    return SplitTexts(to_rows(words), to_rows(starts), to_rows(ends))


def word_offsets(text: str) -> list[tuple[int, int]]:
    """Returns where the words of a text start and end; see `SpelledWords`.

    Example:
        >>> from rnnzoo.tokens.spelled import word_offsets
        >>> text = "I don't: 3.5, e-mail a@b.org..."
        >>> [text[start:end] for start, end in word_offsets(text)]
        ['I', 'do', "n't", ':', '3.5', ',', 'e', '-', 'mail', 'a@b.org', '...']
    """
    (_, starts, ends), *_ = _plain_words().split_checked([text])
    return list(zip(starts, ends, strict=True))


@functools.cache
def _plain_words() -> SpelledWords:
    return SpelledWords([], [])


def fold_words(words: tf.Tensor) -> tf.Tensor:
    """Returns words in lower case, with 0 for all digits, in the graph."""
    words = tf.strings.regex_replace(words, r"\x00", " ")
    return tf.strings.regex_replace(lower_strings(words), r"\pN", "0")


def measure_coverage(
    sentences: Iterable[Sequence[str]],
    vocabulary: Sequence[str],
    lowered: Sequence[str] = (),
) -> float:
    """Returns the share of words that are known in lower case, of lists of words.

    Example:
        >>> from rnnzoo.tokens.spelled import measure_coverage
        >>> measure_coverage([["In", "Oslo"], ["In", "it"]], ["in", "Paris"])
        0.5
    """
    counts = Counter(word for row in sentences for word in row)
    known = SpelledWords(vocabulary, [], lowered=lowered)
    folded = fold_words(tf.constant([to_utf8(word) for word in counts]))
    is_known = known.lowered_table.lookup(folded).numpy() > VocabularyTokens.UNKNOWN
    total = np.array([*counts.values()])
    return float((total * is_known).sum() / max(total.sum(), 1))


def _rank(counts: Counter, size: int, min_count: int) -> list[str]:
    ranking = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [one for one, count in ranking[:size] if count >= min_count and one]


def _make_table(known: list[str]) -> tf.lookup.StaticHashTable:
    # A table must not be empty; nothing that is looked up is an empty string.
    keys = tf.constant([to_utf8(one) for one in (*known, "")])
    numbers = tf.constant([*range(2, 2 + len(known)), 1], tf.int32)
    pairs = tf.lookup.KeyValueTensorInitializer(keys, numbers)
    return tf.lookup.StaticHashTable(pairs, VocabularyTokens.UNKNOWN)
