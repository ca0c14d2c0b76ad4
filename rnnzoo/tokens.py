"""Tokens: raw text or numbers to integers in the graph, and back."""

import collections
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number

PADDING = 0
UNKNOWN_WORD = "[unknown]"


@keras.saving.register_keras_serializable("rnnzoo")
class Numbers(keras.layers.Layer):
    """Whole numbers of a range as tokens: `minimum` is 1, and 0 is padding.

    Use it for models that read or write numbers. The call works inside a graph, as in
    `tf.data.Dataset.map` and in exports; `encode` does the same for Python's lists,
    checks every number and says which are wrong.

    Inputs of the call: integers `[batch, time]`, dense or ragged, or strings `[batch]`
    of numbers separated by spaces or commas. A number out of range stops the graph
    with `InvalidArgumentError`.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end.

    Args:
        minimum: Smallest number.
        maximum: Largest number.

    Raises:
        ValueError: If `maximum` is less than `minimum`.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import Numbers
        >>> numbers = Numbers(1, 32)
        >>> numbers.encode([[31, 4], [15]])
        array([[31,  4],
               [15,  0]], dtype=int32)
        >>> numbers(tf.constant(["31 4", "15"])).numpy().tolist()
        [[31, 4], [15, 0]]
        >>> numbers.decode([[31, 4], [15, 0]])
        array([[31,  4],
               [15,  0]])
    """

    def __init__(self, minimum: int, maximum: int, **layer_options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(dtype="int32", **layer_options)
        check_number("minimum", minimum, minimum=-(2**31), below=2**31, whole=True)
        check_number("maximum", maximum, minimum=minimum, below=2**31, whole=True)
        self.minimum = minimum
        self.maximum = maximum

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, padding included."""
        return self.maximum - self.minimum + 2

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of numbers or of strings; shapes as in the class."""
        if not isinstance(inputs, (tf.Tensor, tf.RaggedTensor)):
            inputs = tf.convert_to_tensor(inputs)
        if inputs.dtype == tf.string:
            words = tf.strings.split(tf.strings.regex_replace(inputs, r"[\s,]+", " "))
            inputs = tf.ragged.map_flat_values(tf.strings.to_number, words, tf.int64)
        numbers = inputs.flat_values if isinstance(inputs, tf.RaggedTensor) else inputs
        message = f"Every number must be from {self.minimum} to {self.maximum}."
        with tf.control_dependencies(
            [
                tf.debugging.assert_greater_equal(
                    numbers, tf.cast(self.minimum, numbers.dtype), message
                ),
                tf.debugging.assert_less_equal(
                    numbers, tf.cast(self.maximum, numbers.dtype), message
                ),
            ]
        ):
            shift = tf.cast(self.minimum - 1, inputs.dtype)
            ids = tf.cast(inputs - shift, tf.int32)
        return ids.to_tensor(PADDING) if isinstance(ids, tf.RaggedTensor) else ids

    def encode(
        self,
        rows: Sequence,
        max_length: int | None = None,
        length: int | None = None,
        name: str = "numbers",
    ) -> np.ndarray:
        """Turns rows of Python integers or arrays into padded token ids.

        Args:
            rows: A sequence of sequences of integers.
            max_length: Largest length allowed; `None` for any.
            length: Number of columns to pad to; `None` for the longest row's.
            name: What messages call the rows.

        Returns:
            Token ids `[rows, length]`, int32, padded with 0 at the end.

        Raises:
            TypeError: If something in a row is not an integer (bools are not).
            ValueError: If a number is out of range or a row too long. Either message
                names every bad row with the position and value of what is wrong.
        """
        problems = {}
        has_wrong_type = False
        for index, row in enumerate(rows):
            wrong = [] if self._is_good(row) else self._problems(row)
            if max_length is not None and _is_row(row) and len(row) > max_length:
                wrong.append((False, f"{len(row)} numbers, more than {max_length}"))
            if wrong:
                has_wrong_type |= any(is_type for is_type, _ in wrong)
                problems[index] = [text for _, text in wrong]
        if problems:
            lines = [f"  row {row}, {'; '.join(t)}" for row, t in problems.items()]
            most = "" if max_length is None else f", at most {max_length} in a row"
            message = (
                f"{name} must be integers from {self.minimum} to {self.maximum}{most}. "
                f"Correct or remove {len(problems)} of {len(rows)} rows (rows and "
                "positions count from 0); nothing was answered. Received:\n"
                + "\n".join(lines)
            )
            raise TypeError(message) if has_wrong_type else ValueError(message)
        lengths = [len(row) for row in rows]
        ids = np.zeros((len(rows), length or max(lengths, default=0)), "int32")
        if any(lengths):
            real = np.arange(ids.shape[1]) < np.asarray(lengths)[:, None]
            flat = np.concatenate([np.asarray(row, "int64") for row in rows])
            ids[real] = flat - (self.minimum - 1)
        return ids

    def decode(self, ids: Any) -> np.ndarray:
        """Turns token ids into numbers; padding becomes `minimum - 1`."""
        return np.asarray(ids) + (self.minimum - 1)

    def _is_good(self, row: Any) -> bool:
        """The quick check of a row; it may be false for a good one."""
        if isinstance(row, np.ndarray):
            if row.ndim != 1 or row.dtype.kind not in "iu":
                return row.size == 0 and row.ndim == 1
        elif not _is_row(row) or not set(map(type, row)) <= {int}:
            return False
        return not len(row) or (min(row) >= self.minimum and max(row) <= self.maximum)

    def _problems(self, row: Any) -> list[tuple[bool, str]]:
        """Returns whether the type is wrong, and a text, for each bad entry."""
        if not _is_row(row):
            return [(True, f"{_shortened(row)} is not a list ({_kind(row)})")]
        problems = []
        for position, value in enumerate(row):
            if isinstance(value, np.generic):
                value = value.item()
            where = f"position {position}: {_shortened(value)} "
            if _is_row(value):
                problems.append((True, where + "is nested too deep"))
            elif isinstance(value, bool) or not isinstance(value, int):
                problems.append((True, where + f"is not an integer ({_kind(value)})"))
            elif value < self.minimum:
                problems.append((False, where + f"is less than {self.minimum}"))
            elif value > self.maximum:
                problems.append((False, where + f"is more than {self.maximum}"))
        return problems

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"minimum": self.minimum, "maximum": self.maximum}


def _kind(value: Any) -> str:
    """Names a value's type as people say it."""
    return "None" if value is None else type(value).__name__


def number_rows(numbers: Any, name: str = "numbers") -> tuple[list, Callable]:
    """Splits a list or a batch of lists into rows, and knows the way back.

    Args:
        numbers: One row (a list, tuple, range or 1-D array of integers) or a batch of
            rows (a list or tuple of rows, a 2-D array or tensor, a ragged tensor).
        name: What messages call it.

    Returns:
        The rows, and a function from rows of equal lengths to the kind received.

    Raises:
        TypeError: If it is none of these kinds.
    """
    expected = (
        f"{name} must be a list of integers or a list of such lists (tuples, NumPy "
        "arrays and ragged tensors do too)."
    )
    if isinstance(numbers, tf.RaggedTensor):
        if numbers.ragged_rank != 1 or numbers.flat_values.shape.rank != 1:
            raise TypeError(
                f"{expected} Received: a ragged tensor nested too deep, of shape "
                f"{numbers.shape}"
            )
        rows = np.split(numbers.values.numpy(), numbers.row_splits.numpy()[1:-1])
        rows = rows[: numbers.nrows()]

        def to_ragged(answers: list) -> tf.RaggedTensor:
            flat = np.concatenate(answers) if answers else []
            return numbers.with_values(tf.constant(flat, numbers.dtype))

        return rows, to_ragged

    if isinstance(numbers, (tf.Tensor, tf.Variable)):
        rows, to_array = number_rows(numbers.numpy(), name)
        return rows, lambda answers: tf.constant(to_array(answers), numbers.dtype)

    if isinstance(numbers, np.ndarray) and numbers.ndim:
        rows = list(numbers) if numbers.ndim > 1 else [numbers]

        def to_array(answers: list) -> np.ndarray:
            return np.asarray(answers, numbers.dtype).reshape(numbers.shape)

        return rows, to_array

    if not isinstance(numbers, (list, tuple, range)):
        raise TypeError(f"{expected} Received: {name}={_shortened(numbers)}")

    def to_kind(answer: Any, row: Any) -> Any:
        if isinstance(row, np.ndarray):
            return np.asarray(answer, row.dtype)
        answer = [int(value) for value in answer]
        return tuple(answer) if isinstance(row, tuple) else answer

    if not len(numbers) or not _is_row(numbers[0]):
        return [numbers], lambda answers: to_kind(answers[0], numbers)

    def to_batch(answers: list) -> Any:
        batch = [to_kind(a, row) for a, row in zip(answers, numbers, strict=True)]
        return tuple(batch) if isinstance(numbers, tuple) else batch

    return list(numbers), to_batch


def parse_numbers(text: str) -> list:
    """Reads numbers separated by spaces, commas or brackets out of a text.

    A word that is no integer stays a word, for `Numbers.encode` to name it.

    Example:
        >>> from rnnzoo.tokens import parse_numbers
        >>> parse_numbers("[31, 4 15]")
        [31, 4, 15]
    """
    words = text.translate(str.maketrans("[](),;", "      ")).split()

    def parse(word: str) -> Any:
        try:
            return int(word)
        except ValueError:
            return word

    return [parse(word) for word in words]


def _is_row(value: Any) -> bool:
    """Whether a value is a sequence that can hold numbers."""
    return isinstance(value, (list, tuple, range, np.ndarray))


def _shortened(value: Any) -> str:
    """Returns a value's representation, cut to what a message can hold."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


# What `_words` replaces, in this order. Letters with their marks and numbers make
# words, an apostrophe joins two parts of one (don't, l'eau), and any other visible
# character is a word of its own. Patterns that match seldom are quick; one that matches
# every word takes twenty times as long.
_WORD_RULES = (
    # First of all, for tf.strings.lower ends a text at a NUL.
    (r"[\t\n\r\pC]|[^ \PZ]", " "),
    ("’", "'"),
    (r"(?i)<\s*/?\s*(?:br|p|i|b|em|u|strong|hr|div|span|ul|li)\s*/?\s*>", " "),
    (r"([^ \pL\pM\pN'])", r" \1 "),
    (r"''", r" ' ' "),
    (r"(^|[^\pL\pM\pN])'", r"\1 ' "),
    (r"'($|[^\pL\pM\pN])", r" ' \1"),
    # tf.strings.lower does as the machine's locale says: to Turkish, Azeri and
    # Lithuanian these letters are special. All others are alike everywhere.
    ("I", "i"),
    ("İ", "i\u0307"),
    ("J", "j"),
    ("Į", "į"),
    ("Ì", "ì"),
    ("Í", "í"),
    ("Ĩ", "ĩ"),
)


class _Vocabulary(keras.layers.Layer):
    """What words and characters have in common: a table, padding, a start symbol."""

    UNKNOWN = 1
    kind = "symbol"

    def __init__(self, vocabulary: Sequence[str], start: bool, **layer_options: Any):
        """Makes the table; subclasses say what the arguments mean."""
        super().__init__(dtype="int32", **layer_options)
        self.vocabulary = list(vocabulary)
        self.start = start
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

    @property
    def start_id(self) -> int | None:
        """Id of the start symbol, the last of all; `None` if there is none."""
        return self.vocabulary_size - 1 if self.start else None

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into symbols `[batch, (symbols)]`, in the graph."""
        raise NotImplementedError

    def padded(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns ids with what every sequence needs: a step, and an end of zeros."""
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
        texts = checked_texts(texts, name)
        if not texts:
            return np.zeros((0, 1), "int32")
        return self(tf.constant([to_utf8(text) for text in texts])).numpy()


@keras.saving.register_keras_serializable("rnnzoo")
class Words(_Vocabulary):
    """Words and punctuation marks as tokens: 0 is padding, 1 an unknown word.

    Use it for models that read text. The call works inside a graph, as in
    `tf.data.Dataset.map` and in exports, and nothing else reads text: `encode` and
    `learn` call the same graph. It lowers capitals, takes plain HTML tags such as
    `<br />` for spaces, and makes every other visible character that is no part of a
    word (punctuation, an emoji) a token of its own.

    Inputs of the call: UTF-8 strings `[batch]` of any length; bytes that are not UTF-8
    are read as unknown characters.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end. A
    text without any word is one unknown word, since a sequence needs a step.

    Args:
        vocabulary: The known words, in the order of their ids; the first has id 2.
        start: Whether every sequence begins with a start symbol, as models that write
            need it: its id is the last one.
        max_length: Longest sequence; of a longer text the first half of that many words
            and the last half are kept, for the judgement of a text is where it begins
            and ends (Sun et al., 2019). `None` for any length.

    Raises:
        ValueError: If a word is twice in the vocabulary, or `max_length` is less than
            2.

    Example:
        >>> from rnnzoo.tokens import Words
        >>> words = Words(["a", "triumph", ".", "quiet"])
        >>> words.encode(["A quiet triumph.", "A triumph"])
        array([[2, 5, 3, 4],
               [2, 3, 0, 0]], dtype=int32)
        >>> words.split("It's <br />GREAT!!")
        ["it's", 'great', '!', '!']
        >>> Words.learn(["a b b", "b c"], size=2)
        ['b', 'a']

    References:
        Sun et al., "How to fine-tune BERT for text classification?", 2019,
        arXiv:1905.05583, section 5.3.1, on the parts of a long text.
    """

    kind = "word"
    joint = " "

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        start: bool = False,
        max_length: int | None = None,
        **layer_options: Any,
    ):
        """Sets up; the class says what the arguments mean."""
        super().__init__(vocabulary, start, **layer_options)
        if max_length is not None:
            check_number("max_length", max_length, minimum=2, whole=True)
        self.max_length = max_length

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
        return _words(texts)

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of strings; shapes as in the class."""
        words = _words(tf.convert_to_tensor(inputs, tf.string))
        ids = tf.ragged.map_flat_values(self.table.lookup, words)
        lengths = ids.row_lengths()
        if self.max_length is not None:
            head = self.max_length - self.max_length // 2
            place = tf.ragged.range(lengths)
            left = tf.ragged.map_flat_values(
                lambda p: tf.gather(lengths, place.value_rowids()) - p, place
            )
            is_kept = tf.ragged.map_flat_values(
                lambda p, left: (p < head) | (left <= self.max_length // 2), place, left
            )
            ids = tf.ragged.boolean_mask(ids, is_kept)
        return self.padded(ids)

    def decode(self, ids: Any) -> list[str]:
        """Turns rows of token ids into words joined by spaces, without padding."""
        words = np.array(["", UNKNOWN_WORD, *self.vocabulary, ""], object)
        return [
            " ".join(words[row[(row != PADDING) & (row != self.start_id)]])
            for row in (np.asarray(row, int) for row in ids)
        ]

    @staticmethod
    def pieces(text: str, size: int) -> Iterator[str]:
        """Yields a text in pieces of about `size` characters, cut between words."""
        # Not where a tag with spaces in it would be cut.
        gap = re.compile(r"(?<=[^\s<>/'\u2019])\s+(?=[^\s<>/'\u2019])")
        begin = 0
        while found := gap.search(text, begin + size):
            yield text[begin : found.end()]
            begin = found.end()
        yield text[begin:]

    @staticmethod
    def split(text: str) -> list[str]:
        """Returns all words of a text, known or not."""
        words = _words(tf.constant([to_utf8(text)])).flat_values.numpy()
        return [word.decode() for word in words]

    @staticmethod
    def learn(texts: Iterable[str], size: int, min_count: int = 1) -> list[str]:
        """Finds the most frequent words of texts, which may be more than memory holds.

        Args:
            texts: The texts, an iterable.
            size: Largest number of words.
            min_count: How often a word must occur.

        Returns:
            The words, most frequent first; equally frequent ones in the order of
            strings. Of millions of words, those that have been seen once are forgotten
            now and then, so that memory is bounded.
        """
        return _most_frequent(_words, texts, size, min_count)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "vocabulary": self.vocabulary,
            "start": self.start,
            "max_length": self.max_length,
        }


@keras.saving.register_keras_serializable("rnnzoo")
class Characters(_Vocabulary):
    r"""Characters as tokens: 0 is padding, 1 an unknown character.

    Use it for models that write text letter by letter. A character is a Unicode code
    point, so that a letter with a combining mark is two of them, and never half of one.
    Nothing is lowered or left out: `decode` gives back what `encode` was given, but for
    unknown characters. The call works inside a graph, as in `tf.data.Dataset.map` and
    in exports, and nothing else reads text: `encode` and `learn` call the same graph.

    Inputs of the call: UTF-8 strings `[batch]` of any length; bytes that are not UTF-8
    are read as U+FFFD.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end. An
    empty text is its start symbol, or one unknown character, since a sequence needs a
    step.

    Args:
        vocabulary: The known characters, in the order of their ids; the first has id 2.
        start: Whether every sequence begins with a start symbol, as models that write
            need it: its id is the last one.

    Raises:
        ValueError: If a character is twice in the vocabulary, or something in it is no
            single character.

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
    joint = ""

    def __init__(
        self, vocabulary: Sequence[str], *, start: bool = False, **layer_options: Any
    ):
        """Sets up; the class says what the arguments mean."""
        wrong = [one for one in vocabulary if not isinstance(one, str) or len(one) != 1]
        wrong += [one for one in vocabulary if one not in wrong and is_surrogate(one)]
        if wrong:
            raise ValueError(
                "A vocabulary of characters must hold single characters: give a string "
                f"or a list of characters. Received: {len(wrong)} others, such as "
                f"{wrong[0]!r}"
            )
        super().__init__(vocabulary, start, **layer_options)

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into characters `[batch, (characters)]`."""
        return _characters(texts)

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of strings; shapes as in the class."""
        characters = _characters(tf.convert_to_tensor(inputs, tf.string))
        return self.padded(tf.ragged.map_flat_values(self.table.lookup, characters))

    def decode(self, ids: Any) -> list[str]:
        """Turns rows of token ids into texts; unknown characters become U+FFFD."""
        characters = np.array(["", "\ufffd", *self.vocabulary, ""], object)
        return ["".join(characters[np.asarray(row, int)]) for row in ids]

    @staticmethod
    def split(text: str) -> list[str]:
        """Returns all characters of a text, known or not."""
        return list(to_utf8(text).decode())

    @staticmethod
    def pieces(text: str, size: int) -> Iterator[str]:
        """Yields a text in pieces of `size` characters."""
        for begin in range(0, max(len(text), 1), size):
            yield text[begin : begin + size]

    @staticmethod
    def learn(texts: Iterable[str], size: int, min_count: int = 1) -> list[str]:
        """Finds the most frequent characters of texts; as `Words.learn`."""
        return _most_frequent(_characters, texts, size, min_count)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"vocabulary": self.vocabulary, "start": self.start}


def is_surrogate(character: str) -> bool:
    """Tells whether a character is half of a surrogate pair, which UTF-8 has not."""
    return "\ud800" <= character <= "\udfff"


def _most_frequent(
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


def _characters(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits strings `[batch]` into characters `[batch, (characters)]`."""
    return tf.strings.unicode_split(texts, "UTF-8", errors="replace")


def _words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    for pattern, replacement in _WORD_RULES:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return tf.strings.split(tf.strings.lower(texts, "utf-8"))


def checked_texts(texts: Any, name: str = "texts") -> list[str]:
    """Returns a batch of texts as a list of Python strings.

    Args:
        texts: A list, tuple, array or tensor of strings (bytes are UTF-8).
        name: What messages call them.

    Raises:
        TypeError: If it is none of these, or holds something else; names every row.
    """
    if isinstance(texts, tf.Tensor):
        texts = texts.numpy()
    # Not np.ndim: it would make an array of a list, each text as long as the longest.
    if not _is_row(texts) or (isinstance(texts, np.ndarray) and texts.ndim == 0):
        raise TypeError(
            f"{name} must be a list of strings. Received: {name}={_shortened(texts)}"
        )
    problems = [
        f"  row {row}: {_shortened(text)} ({_kind(text)})"
        for row, text in enumerate(texts)
        if not isinstance(text, (str, bytes))
    ]
    if problems:
        raise TypeError(
            f"{name} must be strings. Correct or remove {len(problems)} of "
            f"{len(texts)} rows (rows count from 0); nothing was answered. Received:\n"
            + "\n".join(problems)
        )
    return [
        text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        for text in texts
    ]


def to_utf8(text: str) -> bytes:
    """Returns a text's bytes; halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace")
