"""Tokens: raw text or numbers to integers in the graph, and back."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number

PADDING = 0


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
