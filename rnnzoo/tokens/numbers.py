"""Integers as tokens."""

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.data.columns import to_rows
from rnnzoo.errors import check_number, shorten
from rnnzoo.tokens import checks
from rnnzoo.tokens.checks import PADDING, check_in_graph, is_row
from rnnzoo.tokens.text import join_words

# Separators of numbers in a text: white space of `str.split`, and marks.
_GAPS = r"[\s\v\x1c-\x1f\x85\pZ,;()\[\]]+"
MARKS = str.maketrans("[](),;", "      ")
# Integers in a text; Python and the graph parse the same ones.
WHOLE = r"[+-]?[0-9]+"


@keras.saving.register_keras_serializable("rnnzoo")
class Numbers(keras.layers.Layer):
    """Tokenizes integers of a range: `minimum` has id 1, and 0 is padding.

    Inputs of the call: integers `[batch, time]`, dense or ragged, or strings `[batch]`
    of numbers separated by spaces, commas or brackets; others raise
    `InvalidArgumentError`. Outputs: token ids `[batch, time]`, int32, padded with 0.

    Args:
        minimum: Smallest number.
        maximum: Largest number; not less than `minimum`.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import Numbers
        >>> numbers = Numbers(1, 32)
        >>> numbers.encode([[31, 4], [15]])
        array([[31,  4],
               [15,  0]], dtype=int32)
        >>> numbers(tf.constant(["31 4", "15"])).numpy().tolist()
        [[31, 4], [15, 0]]
        >>> numbers.format([[31, 4], [15, 0]]).numpy().tolist()
        [b'31 4', b'15']
    """

    def __init__(self, minimum: int, maximum: int, **layer_options: Any):
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
        """Returns the token ids of numbers or strings; shapes as in the class."""
        if not isinstance(inputs, (tf.Tensor, tf.RaggedTensor)):
            inputs = tf.convert_to_tensor(inputs)
        if inputs.dtype == tf.string:
            inputs = self.parse(inputs)
        numbers = inputs.flat_values if isinstance(inputs, tf.RaggedTensor) else inputs
        message = f"Every number must be from {self.minimum} to {self.maximum}."
        low, high, shift = (
            tf.cast(number, inputs.dtype)
            for number in (self.minimum, self.maximum, self.minimum - 1)
        )
        checks_of_range = [
            tf.debugging.assert_greater_equal(numbers, low, message),
            tf.debugging.assert_less_equal(numbers, high, message),
        ]
        with tf.control_dependencies(checks_of_range):
            ids = tf.cast(inputs - shift, tf.int32)
        return ids.to_tensor(PADDING) if isinstance(ids, tf.RaggedTensor) else ids

    def parse(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Parses strings `[batch]` into numbers, int64 `[batch, (numbers)]`."""
        return parse_number_strings(texts, WHOLE, tf.int64)

    def format(self, ids: tf.Tensor) -> tf.Tensor:
        """Formats token ids `[batch, time]` as strings `[batch]`, in the graph."""
        ids = tf.convert_to_tensor(ids)
        words = tf.strings.as_string(ids + (self.minimum - 1))
        return join_words(words, tf.not_equal(ids, PADDING), " ")

    def check(
        self, rows: Sequence, max_length: int | None = None, name: str = "numbers"
    ) -> np.ndarray:
        """Returns the numbers of all rows as one array; arguments as of `encode`."""
        limit = checks.LONGEST if max_length is None else max_length
        if all(is_row(row) and len(row) <= limit for row in rows):
            numbers = integer_array(rows)
            if numbers is not None and self._are_in_range(numbers):
                return numbers
        most = "" if max_length is None else f", at most {max_length} in a row"
        checks.refuse_rows(
            rows,
            f"{name} must be integers from {self.minimum} to {self.maximum}{most}.",
            lambda row: self._find_problems(row, limit),
        )
        # An empty array may have more dimensions.
        return np.concatenate([np.asarray(row, "int64").ravel() for row in rows])

    def encode(
        self,
        rows: Sequence,
        max_length: int | None = None,
        length: int | None = None,
        name: str = "numbers",
    ) -> np.ndarray:
        """Converts rows of integers, lists or arrays, to token ids `[rows, length]`.

        Raises `TypeError` or `ValueError`, which name every bad row and value.

        Args:
            rows: A sequence of sequences of integers.
            max_length: Maximum length of a row; `None` for no limit.
            length: Length to pad to; `None` for that of the longest row.
            name: Name of the argument, for error messages.
        """
        flat = self.check(rows, max_length, name)
        lengths = np.array([len(row) for row in rows], int)
        ids = np.zeros((len(rows), length or lengths.max(initial=0)), "int32")
        ids[np.arange(ids.shape[1]) < lengths[:, None]] = flat - (self.minimum - 1)
        return ids

    def decode(self, ids: Any) -> np.ndarray:
        """Converts token ids to numbers; padding becomes `minimum - 1`."""
        return np.asarray(ids) + (self.minimum - 1)

    def _is_good(self, row: Any) -> bool:
        # A quick check; it may be false for a good row.
        if type(row) is np.ndarray:  # a masked one would hide numbers
            is_whole = row.dtype.kind in "iu" or not row.size
            return row.ndim == 1 and is_whole and self._are_in_range(row)
        numbers = integer_array([row])
        return numbers is not None and self._are_in_range(numbers)

    def _are_in_range(self, numbers: np.ndarray) -> bool:
        return not numbers.size or bool(
            self.minimum <= numbers.min() and numbers.max() <= self.maximum
        )

    def _find_problems(self, row: Any, limit: int) -> list[checks.Problem]:
        def find_range_problem(value: int) -> str | None:
            if value < self.minimum:
                return f"is less than {self.minimum}"
            return f"is more than {self.maximum}" if value > self.maximum else None

        problems: list[checks.Problem] = []
        if is_row(row) and len(row) > limit:
            problems = [(ValueError, f"{len(row)} numbers, more than {limit}")]
            row = row[: min(limit, 10**6)]
        if not self._is_good(row):
            problems += checks.find_integer_problems(row, find_range_problem)
        return problems

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"minimum": self.minimum, "maximum": self.maximum}


def flatten_integers(rows: Sequence) -> list[int] | None:
    """Returns the integers of all rows, a quick check; `None` for other types."""
    if not set(map(type, rows)) <= {list, tuple, range}:
        return None
    numbers = list(itertools.chain.from_iterable(rows))
    return numbers if set(map(type, numbers)) <= {int} else None


def integer_array(rows: Sequence) -> np.ndarray | None:
    """Returns `flatten_integers` as an int64 array; `None` also for larger integers."""
    numbers = flatten_integers(rows)
    if numbers is None:
        return None
    try:
        # Quicker than np.array, for numbers below 256.
        return np.frombuffer(bytes(numbers), "uint8").astype("int64")
    except ValueError:
        pass
    try:
        return np.array(numbers, "int64")
    except OverflowError:
        return None


def split_rows(
    numbers: Any,
    name: str = "numbers",
    kind: str = "integers",
    convert: Callable[[Any], Any] = int,
) -> tuple[list, Callable, bool]:
    """Splits a list or a batch into rows.

    Returns the rows, a function that makes of answers what the input was, and whether
    that was a batch.

    Args:
        numbers: One row (a list, tuple, range or 1-D array of numbers) or a batch of
            rows (a list or tuple of rows, a 2-D array or tensor, a ragged tensor), or
            what `rnnzoo.data.columns.to_rows` makes a list; anything else raises
            `TypeError`.
        name: Name of the argument, for error messages.
        kind: What the numbers are, for error messages.
        convert: Makes a Python number of one of an answer.
    """
    expected = (
        f"{name} must be a list of {kind} or a list of such lists (tuples, NumPy "
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

        return rows, to_ragged, True

    if isinstance(numbers, (tf.Tensor, tf.Variable)):
        rows, to_array, is_batch = split_rows(numbers.numpy(), name, kind, convert)
        return (
            rows,
            lambda answers: tf.constant(to_array(answers), numbers.dtype),
            is_batch,
        )

    numbers = to_rows(numbers)
    if isinstance(numbers, np.ndarray) and numbers.ndim:
        is_batch = numbers.ndim > 1
        rows = list(numbers) if is_batch else [numbers]
        shape, dtype = numbers.shape, numbers.dtype
        return rows, lambda answers: np.asarray(answers, dtype).reshape(shape), is_batch

    if not isinstance(numbers, (list, tuple, range)):
        raise TypeError(f"{expected} Received: {name}={shorten(numbers)}")

    def to_kind(answer: Any, row: Any) -> Any:
        if isinstance(row, np.ndarray):
            return np.asarray(answer, row.dtype)
        answer = [convert(value) for value in answer]
        return tuple(answer) if isinstance(row, tuple) else answer

    if not len(numbers) or not is_row(numbers[0]):
        return [numbers], lambda answers: to_kind(answers[0], numbers), False

    make = tuple if isinstance(numbers, tuple) else list
    return list(numbers), lambda answers: make(map(to_kind, answers, numbers)), True


def parse_numbers(text: str) -> list:
    """Parses integers separated by spaces, commas or brackets; keeps other words.

    Example:
        >>> from rnnzoo.tokens import parse_numbers
        >>> parse_numbers("[31, 4 15]")
        [31, 4, 15]
    """

    def parse(word: str) -> Any:
        # Python refuses to convert more than 4,300 digits.
        is_number = re.fullmatch(WHOLE, word) and len(word) < 4000
        return int(word) if is_number else word

    return [parse(word) for word in text.translate(MARKS).split()]


def parse_number_strings(texts: tf.Tensor, pattern: str, dtype: Any) -> tf.RaggedTensor:
    """Parses strings `[batch]` into numbers `[batch, (numbers)]`, in the graph."""
    words = split_in_graph(texts)
    is_number = tf.strings.regex_full_match(words.values, pattern)
    message = "A text must be numbers, separated by spaces or commas."
    flat = check_in_graph(words.values, is_number, message)
    return words.with_values(tf.strings.to_number(flat, dtype))


def split_in_graph(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits strings `[batch]` of numbers into words, `[batch, (words)]`."""
    return tf.strings.split(tf.strings.regex_replace(texts, _GAPS, " "))
