"""Tokens: raw text or numbers to integers in the graph, and back."""

import base64
import binascii
import collections
import functools
import io
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number

PADDING = 0
UNKNOWN_WORD = "[unknown]"
START_SYMBOL = "[start]"
# What stands between numbers in a text: what `str.split` splits at, and marks.
_GAPS = r"[\s\v\x1c-\x1f\x85\pZ,;()\[\]]+"
_MARKS = str.maketrans("[](),;", "      ")
# Numbers as they are written in a text; Python and the graph read the same ones.
_WHOLE = r"[+-]?[0-9]+"
_REAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


@keras.saving.register_keras_serializable("rnnzoo")
class Numbers(keras.layers.Layer):
    """Whole numbers of a range as tokens: `minimum` is 1, and 0 is padding.

    Use it for models that read or write numbers. The call works inside a graph, as in
    `tf.data.Dataset.map` and in exports; `encode` does the same for Python's lists,
    checks every number and says which are wrong.

    Inputs of the call: integers `[batch, time]`, dense or ragged, or strings `[batch]`
    of numbers separated by spaces, commas or brackets. A number out of range, or what
    is no number, stops the graph with `InvalidArgumentError`.

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
            inputs = self.read(inputs)
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

    def read(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Reads the numbers of strings `[batch]`, int64 `[batch, (numbers)]`."""
        return _read_numbers(texts, _WHOLE, tf.int64)

    def write(self, ids: tf.Tensor) -> tf.Tensor:
        """Writes token ids `[batch, time]` as strings `[batch]`, in the graph.

        Example:
            >>> from rnnzoo.tokens import Numbers
            >>> Numbers(1, 32).write([[31, 4], [15, 0]]).numpy().tolist()
            [b'31 4', b'15']
        """
        ids = tf.convert_to_tensor(ids)
        words = tf.strings.as_string(ids + (self.minimum - 1))
        return _joined(words, tf.not_equal(ids, PADDING), " ")

    def check(
        self, rows: Sequence, max_length: int | None = None, name: str = "numbers"
    ) -> None:
        """Refuses rows that `encode` cannot take, with the same errors."""
        self._checked(rows, max_length, name)

    def _checked(self, rows: Sequence, max_length: int | None, name: str) -> np.ndarray:
        """Returns all rows' numbers in one array; refuses what `encode` cannot take."""
        numbers = _integer_array(rows)
        if numbers is not None and self._are_in_range(numbers):
            if max_length is None or max(map(len, rows), default=0) <= max_length:
                return numbers
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
        # An array without numbers may have more dimensions.
        return np.concatenate([np.asarray(row, "int64").ravel() for row in rows])

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
        flat = self._checked(rows, max_length, name)
        lengths = np.array([len(row) for row in rows], int)
        ids = np.zeros((len(rows), length or lengths.max(initial=0)), "int32")
        ids[np.arange(ids.shape[1]) < lengths[:, None]] = flat - (self.minimum - 1)
        return ids

    def decode(self, ids: Any) -> np.ndarray:
        """Turns token ids into numbers; padding becomes `minimum - 1`."""
        return np.asarray(ids) + (self.minimum - 1)

    def _is_good(self, row: Any) -> bool:
        """The quick check of a row; it may be false for a good one."""
        if type(row) is np.ndarray:  # a masked one would hide numbers
            is_whole = row.dtype.kind in "iu" or not row.size
            return row.ndim == 1 and is_whole and self._are_in_range(row)
        numbers = _integer_array([row])
        return numbers is not None and self._are_in_range(numbers)

    def _are_in_range(self, numbers: np.ndarray) -> bool:
        """Whether no number is too small or too large."""
        if not numbers.size:
            return True
        return bool(self.minimum <= numbers.min() and numbers.max() <= self.maximum)

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


def _flat_integers(rows: Sequence) -> list[int] | None:
    """Returns the integers of all rows in one list; `None` if some are no such lists.

    It is the quick check of rows: of each value by itself it takes several times as
    long.
    """
    if not set(map(type, rows)) <= {list, tuple, range}:
        return None
    numbers = list(itertools.chain.from_iterable(rows))
    return numbers if set(map(type, numbers)) <= {int} else None


def _integer_array(rows: Sequence) -> np.ndarray | None:
    """Returns the same as an array, int64; `None` also if one is too large for it."""
    numbers = _flat_integers(rows)
    if numbers is None:
        return None
    try:
        # Small numbers are bytes, which NumPy need not read one by one.
        return np.frombuffer(bytes(numbers), "uint8").astype("int64")
    except ValueError:
        pass
    try:
        return np.array(numbers, "int64")
    except OverflowError:
        return None


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

    def parse(word: str) -> Any:
        # Python refuses to read integers of very many digits.
        is_number = re.fullmatch(_WHOLE, word) and len(word) < 4000
        return int(word) if is_number else word

    return [parse(word) for word in text.translate(_MARKS).split()]


def parse_real_numbers(text: str) -> list:
    """Reads real numbers out of a text, as `parse_numbers`.

    Example:
        >>> from rnnzoo.tokens import parse_real_numbers
        >>> parse_real_numbers("(2, -.5) 1e3 x")
        [2.0, -0.5, 1000.0, 'x']
    """
    words = text.translate(_MARKS).split()
    return [float(word) if re.fullmatch(_REAL, word) else word for word in words]


def checked(value: Any, is_right: tf.Tensor, message: str) -> Any:
    """Returns a tensor, or stops the graph before anything is made of it.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import checked
        >>> int(checked(tf.constant(3), tf.constant(True), "It must be 3."))
        3
    """
    with tf.control_dependencies(
        [tf.debugging.Assert(tf.reduce_all(is_right), [message])]
    ):
        return tf.identity(value)


def _read_numbers(texts: tf.Tensor, pattern: str, dtype: Any) -> tf.RaggedTensor:
    """Reads the numbers of strings `[batch]`: `[batch, (numbers)]`, in the graph."""
    words = tf.strings.split(tf.strings.regex_replace(texts, _GAPS, " "))
    is_number = tf.strings.regex_full_match(words.values, pattern)
    message = "A text must be numbers, separated by spaces or commas."
    flat = checked(words.values, is_number, message)
    return words.with_values(tf.strings.to_number(flat, dtype))


def _joined(words: tf.Tensor, is_kept: tf.Tensor, joint: str) -> tf.Tensor:
    """Joins those words `[batch, time]` of each row that are kept: `[batch]`."""
    kept = tf.ragged.boolean_mask(words, is_kept)
    return tf.strings.reduce_join(kept, axis=-1, separator=joint)


@keras.saving.register_keras_serializable("rnnzoo")
class Bits(Numbers):
    """Bits as real values: `zero` for 0, and 1 for 1; 0 is padding.

    Inputs of the call: as of `Numbers`; in strings, blanks and commas between bits may
    be left out.

    Outputs of the call: `[batch, time, 1]`, float32, padded with 0 at the end.

    Args:
        zero: The value of a 0.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import Bits
        >>> Bits().encode([[0, 1, 1], [1]])[..., 0].tolist()
        [[-1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
        >>> Bits()(tf.constant(["011", "1"]))[..., 0].numpy().tolist()
        [[-1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    """

    def __init__(self, zero: float = -1.0, **layer_options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(0, 1, **layer_options)
        self.zero = zero
        self.values = np.array([0.0, zero, 1.0], "float32")

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the values of bits or of strings; shapes as in the class."""
        if not isinstance(inputs, (tf.Tensor, tf.RaggedTensor)):
            inputs = tf.convert_to_tensor(inputs)
        return tf.gather(self.values, super().call(inputs))[..., tf.newaxis]

    def read(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Reads the bits of strings `[batch]`, int64 `[batch, (bits)]`."""
        texts = tf.strings.regex_replace(texts, "([01])", r"\1 ")
        return _read_numbers(texts, "[01]", tf.int64)

    def encode(self, rows: Sequence, name: str = "bits") -> np.ndarray:
        """Turns rows of 0 and 1 into values `[rows, time, 1]`, float32."""
        return self.values[super().encode(rows, name=name)][..., None]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"zero": self.zero}


@keras.saving.register_keras_serializable("rnnzoo")
class RealSteps(keras.layers.Layer):
    """Real numbers as they are: `values` of them a step.

    Use it for models that calculate with streams of numbers.

    Inputs of the call: strings `[batch]` of numbers separated by spaces, commas or
    brackets, step after step; or such numbers, ragged.

    Outputs of the call: `[batch, time, values]`, float32, padded with 0 at the end.

    Args:
        values: Numbers per step.

    Raises:
        ValueError: If `values` is less than 1.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import RealSteps
        >>> RealSteps(2)(tf.constant(["2 -2, 0 3.5", "1 1"])).numpy().tolist()
        [[[2.0, -2.0], [0.0, 3.5]], [[1.0, 1.0], [0.0, 0.0]]]
        >>> RealSteps(1).encode([[2, -0.5], [1]])[..., 0].tolist()
        [[2.0, -0.5], [1.0, 0.0]]
    """

    def __init__(self, values: int, **layer_options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(dtype="float32", **layer_options)
        check_number("values", values, minimum=1, whole=True)
        self.values = values

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the numbers of strings; shapes as in the class."""
        if not isinstance(inputs, tf.RaggedTensor):
            inputs = self.read(tf.convert_to_tensor(inputs, tf.string))
        numbers = inputs.to_tensor(0.0)
        steps = tf.shape(numbers)[1] // self.values
        return tf.reshape(numbers, [tf.shape(numbers)[0], steps, self.values])

    def read(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Reads the numbers of strings `[batch]`, float32 `[batch, (numbers)]`.

        What is no finite number, or no whole number of steps, stops the graph with
        `InvalidArgumentError`.
        """
        numbers = _read_numbers(texts, _REAL, tf.float64)
        message = f"Numbers must be finite, {self.values} a step."
        flat = checked(numbers.values, tf.math.is_finite(numbers.values), message)
        flat = checked(flat, numbers.row_lengths() % self.values == 0, message)
        return numbers.with_values(tf.cast(flat, tf.float32))

    def rows(self, inputs: Any, name: str = "numbers") -> tuple[list, bool]:
        """Splits a row or a batch of rows into rows that `check` is quick with.

        Args:
            inputs: A row: a list, tuple, array or tensor of numbers, or of steps if
                there are several numbers a step. Or a batch: a list of rows, or of
                texts of numbers, or an array of one dimension more.
            name: What messages call it.

        Returns:
            The rows, for `check` and `encode`, and whether they were a batch. A row is
            an array of real numbers, or a list of Python's.

        Raises:
            TypeError: If it is none of these.
        """
        if hasattr(inputs, "numpy"):
            inputs = inputs.numpy()
        depth_of_row = 2 if self.values > 1 else 1
        if _is_real_array(inputs) and inputs.size and inputs.ndim == depth_of_row:
            return [inputs], False
        if isinstance(inputs, np.ndarray):
            is_batch = _is_real_array(inputs) and inputs.ndim > depth_of_row
            inputs = list(inputs) if is_batch else inputs.tolist()
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(
                f"{name} must be a list of numbers, or of such lists. Received: a "
                f"{type(inputs).__name__}"
            )
        if all(isinstance(row, str) for row in inputs):
            return [self._parse(text) for text in inputs], True
        depth, first = 0, inputs
        while isinstance(first, (list, tuple)) and len(first):
            depth, first = depth + 1, first[0]
        depth += first.ndim if isinstance(first, np.ndarray) else 0
        is_batch = depth > depth_of_row
        rows = list(inputs) if is_batch else [inputs]
        return [_plain_row(row, self.values) for row in rows], is_batch

    def _parse(self, text: str) -> list:
        """Reads the numbers of a text, step after step; other words stay."""
        numbers, size = parse_real_numbers(text), self.values
        if size == 1:
            return numbers
        return [numbers[i : i + size] for i in range(0, len(numbers), size)]

    def check(self, rows: Sequence, name: str = "numbers") -> list[np.ndarray]:
        """Returns rows as arrays `[time, values]`, float32.

        Args:
            rows: A sequence of rows: of numbers, or of steps of `values` numbers.
            name: What messages call them.

        Raises:
            TypeError: If something is no number (bools are not).
            ValueError: If a number is not finite, a row is empty, or its steps do not
                have `values` numbers. Either message names every bad row.
        """
        if all(map(self._is_good, rows)):
            return [np.array(row, "float32").reshape(-1, self.values) for row in rows]
        problems, arrays, has_wrong_type = [], [], False
        for index, row in enumerate(rows):
            if isinstance(row, np.ndarray):
                row = row.tolist()
            steps = row if self.values > 1 else [[value] for value in row]
            flat = [value for step in steps for value in step]
            wrong = []
            if not set(map(type, flat)) <= {int, float}:  # which are quick to check
                wrong = [
                    v for v in flat if isinstance(v, bool) or not isinstance(v, Real)
                ]
            if wrong:
                has_wrong_type = True
                text = f"{_shortened(wrong[0])} is not a number ({_kind(wrong[0])})"
            elif not all(map(math.isfinite, flat)):
                text = "a number is not finite"
            elif not flat or any(len(step) != self.values for step in steps):
                text = f"not one or more steps of {self.values} numbers"
            else:
                arrays.append(np.array(steps, "float32"))
                continue
            problems.append(f"  row {index}: {text}")
        if problems:
            message = (
                f"{name} must be finite, {self.values} a step. Correct or remove "
                f"{len(problems)} of {len(rows)} rows (rows count from 0); nothing was "
                "answered. Received:\n" + "\n".join(problems)
            )
            raise TypeError(message) if has_wrong_type else ValueError(message)
        return arrays

    def _is_good(self, row: Any) -> bool:
        """The quick check of an array; it may be false for a good row."""
        if not _is_real_array(row) or not row.ndim or not len(row):
            return False
        is_flat = self.values == 1 and row.ndim == 1
        is_right = is_flat or row.shape[1:] == (self.values,)
        return is_right and bool(np.isfinite(row).all())

    def encode(self, rows: Sequence, name: str = "numbers") -> np.ndarray:
        """Turns rows into numbers `[rows, time, values]`, float32; as `check`."""
        arrays = self.check(rows, name)
        longest = max(map(len, arrays), default=0)
        steps = np.zeros((len(arrays), longest, self.values), "float32")
        for row, array in zip(steps, arrays, strict=True):
            row[: len(array)] = array
        return steps

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"values": self.values}


@keras.saving.register_keras_serializable("rnnzoo")
class ScaledSteps(RealSteps):
    """Real numbers of which each of a step is scaled by itself; and a 1 at its end.

    Use it for models of measurements, whose sizes differ. As every real step ends with
    a 1, none is mistaken for padding, which is zeros, whatever was measured.

    Inputs of the call: as of `RealSteps`.

    Outputs of the call: `[batch, time, values + 1]`, float32, padded with 0 at the end.

    Args:
        means: What to subtract from each number of a step.
        spreads: What to divide by then.

    Raises:
        ValueError: If there are not as many of both, or a spread is not above 0.

    Example:
        >>> from rnnzoo.tokens import ScaledSteps
        >>> steps = ScaledSteps([10.0, 0.0], [5.0, 1.0])
        >>> steps.encode([[[10, 0], [20, 3]], [[5, 1]]]).tolist()
        [[[0.0, 0.0, 1.0], [2.0, 3.0, 1.0]], [[-1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]]
    """

    def __init__(
        self, means: Sequence[float], spreads: Sequence[float], **layer_options: Any
    ):
        """Sets up; the class says what the arguments mean."""
        super().__init__(len(means), **layer_options)
        if len(means) != len(spreads) or not all(spread > 0 for spread in spreads):
            raise ValueError(
                "means and spreads must be as many numbers, spreads above 0. Received: "
                f"means={means!r}, spreads={spreads!r}"
            )
        self.means = [float(mean) for mean in means]
        self.spreads = [float(spread) for spread in spreads]

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the scaled numbers of strings; shapes as in the class."""
        if not isinstance(inputs, tf.RaggedTensor):
            inputs = self.read(tf.convert_to_tensor(inputs, tf.string))
        lengths = inputs.row_lengths() // self.values
        scaled = (super().call(inputs) - self.means) / self.spreads
        real = tf.sequence_mask(lengths, dtype=tf.float32)[..., tf.newaxis]
        return tf.concat([scaled * real, real], axis=-1)

    def encode(self, rows: Sequence, name: str = "numbers") -> np.ndarray:
        """Turns rows into scaled numbers `[rows, time, values + 1]`, float32."""
        means, spreads = np.float32(self.means), np.float32(self.spreads)
        arrays = self.check(rows, name)
        longest = max(map(len, arrays), default=0)
        steps = np.zeros((len(arrays), longest, self.values + 1), "float32")
        if arrays:
            real = np.arange(longest) < np.array(list(map(len, arrays)))[:, None]
            scaled = (np.concatenate(arrays) - means) / spreads
            steps[real] = np.pad(scaled, [(0, 0), (0, 1)], constant_values=1)
        return steps

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"means": self.means, "spreads": self.spreads}


def _is_real_array(value: Any) -> bool:
    """Whether a value is an array of real numbers, and no subclass with other rules."""
    return type(value) is np.ndarray and value.dtype.kind in "iuf"


def _plain_row(row: Any, values: int) -> list | np.ndarray:
    """Returns an array of real numbers as it is, and others with Python's numbers."""
    if _is_real_array(row) and row.ndim == (2 if values > 1 else 1):
        return row
    if isinstance(row, np.ndarray):
        return row.tolist()
    if not isinstance(row, (list, tuple)):
        return [[row]]  # nested too little, which `check` refuses
    if values > 1:
        steps = [_plain_row(step, 1) for step in row]
        return [x.tolist() if isinstance(x, np.ndarray) else x for x in steps]
    return [v.item() if isinstance(v, np.generic) else v for v in row]


@keras.saving.register_keras_serializable("rnnzoo")
class BinaryColumns(keras.layers.Layer):
    """Rows of natural numbers as bits: column after column, least significant first.

    Use it for models that calculate digit by digit. The call works inside a graph, as
    in `tf.data.Dataset.map` and in exports, and reads numbers of any size; `encode`
    does the same for Python's integers, checks them and says which are wrong.

    Inputs of the call: strings `[batch]` of `numbers` decimal numbers each, separated
    by spaces, commas or plus signs. Anything else stops the graph with
    `InvalidArgumentError`.

    Outputs of the call: bits `[batch, time, numbers]`, float32. Time is the number of
    binary digits of the largest number, and `extra_steps` of zeros.

    Args:
        numbers: How many numbers a row has.
        extra_steps: Steps after the last digit of the largest number.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import BinaryColumns
        >>> columns = BinaryColumns(numbers=2, extra_steps=1)
        >>> columns.encode([(5, 3)])[0].tolist()
        [[1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
        >>> columns(tf.constant(["5 + 3"])).shape
        TensorShape([1, 4, 2])
        >>> columns.decode([[False, True, False, True]])
        [10]
    """

    def __init__(self, numbers: int, extra_steps: int = 0, **layer_options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(dtype="float32", **layer_options)
        check_number("numbers", numbers, minimum=1, whole=True)
        check_number("extra_steps", extra_steps, minimum=0, whole=True)
        self.numbers = numbers
        self.extra_steps = extra_steps

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the bits of strings; shapes as in the class."""
        inputs = tf.convert_to_tensor(inputs, tf.string)
        words = tf.strings.split(tf.strings.regex_replace(inputs, r"[\s,+]+", " "))
        message = f"A row must be {self.numbers} natural numbers."
        with tf.control_dependencies(
            [
                tf.debugging.assert_equal(
                    words.row_lengths(), tf.constant(self.numbers, tf.int64), message
                ),
                tf.debugging.Assert(
                    tf.reduce_all(tf.strings.regex_full_match(words.values, "[0-9]+")),
                    [message],
                ),
            ]
        ):
            digits = tf.strings.bytes_split(words.values)
        digits = tf.ragged.map_flat_values(tf.strings.to_number, digits, tf.int32)
        digits = tf.pad(digits[:, ::-1].to_tensor(0), [[0, 0], [0, 1]])
        # A decimal digit has less than 3.33 binary ones.
        steps = tf.shape(digits)[1] * 10 // 3 + 1
        bits = tf.TensorArray(tf.int32, steps)

        def halve(step: tf.Tensor, digits: tf.Tensor, bits: Any) -> tuple:
            odd = digits % 2
            # Half of a digit, and five if the digit before it was odd.
            carried = tf.pad(odd[:, 1:], [[0, 0], [0, 1]])
            return step + 1, digits // 2 + 5 * carried, bits.write(step, odd[:, 0])

        _, _, bits = tf.while_loop(
            lambda step, *_: step < steps, halve, (0, digits, bits)
        )
        bits = tf.reshape(bits.stack(), [steps, -1, self.numbers])
        used = tf.where(tf.reduce_any(bits > 0, axis=[1, 2]))
        length = tf.reduce_max(tf.concat([[[-1]], tf.cast(used, tf.int32)], axis=0)) + 1
        bits = tf.pad(bits[:length], [[0, self.extra_steps], [0, 0], [0, 0]])
        return tf.cast(tf.transpose(bits, [1, 0, 2]), tf.float32)

    def write(self, bits: tf.Tensor) -> tf.Tensor:
        """Writes bits `[batch, time]`, least significant first, as decimal strings.

        Example:
            >>> from rnnzoo.tokens import BinaryColumns
            >>> BinaryColumns(1).write([[False, True, False, True]]).numpy().tolist()
            [b'10']
        """
        bits = tf.transpose(tf.cast(bits, tf.int32))
        steps, batch = tf.shape(bits)[0], tf.shape(bits)[1]
        # A binary digit has less than 0.302 decimal ones.
        digits = tf.zeros([batch, steps * 302 // 1000 + 1], tf.int32)

        def double(step: tf.Tensor, digits: tf.Tensor) -> tuple:
            # A digit of five or more carries one; the least significant gets the bit.
            carried = tf.concat(
                [bits[steps - 1 - step][:, None], digits[:, :-1] // 5], axis=1
            )
            return step + 1, digits * 2 % 10 + carried

        _, digits = tf.while_loop(lambda step, _: step < steps, double, (0, digits))
        text = tf.strings.reduce_join(tf.strings.as_string(digits[:, ::-1]), axis=1)
        return tf.strings.regex_replace(text, "^0+([0-9])", r"\1")

    def check(self, rows: Sequence, name: str = "numbers") -> list[tuple[int, ...]]:
        """Returns rows of natural numbers as tuples of Python's integers.

        Args:
            rows: A sequence of sequences of integers.
            name: What messages call them.

        Raises:
            TypeError: If something in a row is not an integer (bools are not).
            ValueError: If a number is negative, or a row has too many or too few.
                Either message names every bad row.
        """
        numbers = _flat_integers(rows)
        are_natural = numbers is not None and min(numbers, default=0) >= 0
        if are_natural and set(map(len, rows)) <= {self.numbers}:
            return [tuple(row) for row in rows]
        problems, has_wrong_type = [], False
        for index, row in enumerate(rows):
            if not _is_row(row):
                wrong = [(True, f"{_shortened(row)} is not a list ({_kind(row)})")]
            elif len(row) != self.numbers:
                wrong = [(False, f"{len(row)} numbers")]
            else:
                wrong = _natural_problems(row)
            if wrong:
                has_wrong_type |= any(is_type for is_type, _ in wrong)
                problems.append(f"  row {index}, {'; '.join(t for _, t in wrong)}")
        if problems:
            message = (
                f"{name} must be natural numbers, {self.numbers} in a row. Correct or "
                f"remove {len(problems)} of {len(rows)} rows (rows and positions count "
                "from 0); nothing was answered. Received:\n" + "\n".join(problems)
            )
            raise TypeError(message) if has_wrong_type else ValueError(message)
        return [tuple(int(value) for value in row) for row in rows]

    def encode(self, rows: Sequence, name: str = "numbers") -> np.ndarray:
        """Turns rows of natural numbers into bits `[rows, time, numbers]`, float32.

        Args:
            rows: A sequence of sequences of integers of any size.
            name: What messages call them.

        Raises:
            TypeError: As `check`.
            ValueError: As `check`.
        """
        rows = self.check(rows, name)
        numbers = list(itertools.chain.from_iterable(rows))
        longest = max(numbers, default=0).bit_length()
        bits = to_bits(numbers, longest + self.extra_steps)
        bits = bits.reshape(len(rows), self.numbers, longest + self.extra_steps)
        return bits.transpose(0, 2, 1).astype("float32")

    def decode(self, bits: Any) -> list[int]:
        """Turns bits `[rows, time]`, least significant first, into integers."""
        packed = np.packbits(np.asarray(bits, bool), axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in packed]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"numbers": self.numbers, "extra_steps": self.extra_steps}


def _natural_problems(row: Sequence) -> list[tuple[bool, str]]:
    """Returns whether the type is wrong, and a text, for each bad entry of a row."""
    problems = []
    for position, value in enumerate(row):
        where = f"position {position}: "
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
            text = f"{_shortened(value)} is not an integer ({_kind(value)})"
            problems.append((True, where + text))
        elif value < 0:
            problems.append((False, where + f"{_shortened(value)} is negative"))
    return problems


def to_bits(numbers: Sequence[int], length: int) -> np.ndarray:
    """Returns the lowest bits of integers, least significant first.

    Args:
        numbers: Natural numbers.
        length: How many bits of each; all that it has, or more.

    Returns:
        Zeros and ones `[numbers, length]`, uint8.

    Example:
        >>> from rnnzoo.tokens import to_bits
        >>> to_bits([6, 1], 4).tolist()
        [[0, 1, 1, 0], [1, 0, 0, 0]]
    """
    size = (length + 7) // 8
    content = b"".join([number.to_bytes(size, "little") for number in numbers])
    packed = np.frombuffer(content, "uint8").reshape(len(numbers), size)
    return np.unpackbits(packed, axis=1, bitorder="little")[:, :length]


def from_decimal(text: str) -> int:
    """Reads a natural number of any length, where `int` reads 4,300 digits at most."""
    if len(text) <= 4000:
        return int(text)
    low = len(text) // 2
    return from_decimal(text[:-low]) * 10**low + from_decimal(text[-low:])


def to_decimal(number: int) -> str:
    """Writes a natural number of any length, where `str` writes 4,300 digits at most.

    Example:
        >>> from rnnzoo.tokens import from_decimal, to_decimal
        >>> to_decimal(from_decimal("9" * 5000) + 1).count("0")
        5000
    """
    digits = number.bit_length() * 3 // 10
    if digits <= 4000:
        return str(number)
    high, low = divmod(number, 10 ** (digits // 2))
    return to_decimal(high) + to_decimal(low).zfill(digits // 2)


def _is_row(value: Any) -> bool:
    """Whether a value is a sequence that can hold numbers."""
    return isinstance(value, (list, tuple, range, np.ndarray))


def _shortened(value: Any) -> str:
    """Returns a value's representation, cut to what a message can hold."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print integers of very many digits
        kind = "number" if isinstance(value, int) else type(value).__name__
        return f"a {kind} too long to print"
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


# What separates words in a line.
_SPACES = r" \t\r\f\v"


class _Texts(keras.layers.Layer):
    """What all tokens of texts have in common: padding, and a start symbol."""

    UNKNOWN = 1

    def __init__(self, start: bool, **layer_options: Any):
        """Sets up; subclasses say what the arguments mean."""
        super().__init__(dtype="int32", **layer_options)
        self.start = start

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids: padding, unknown and start symbols included."""
        raise NotImplementedError

    @property
    def start_id(self) -> int | None:
        """Id of the start symbol, the last of all; `None` if there is none."""
        return self.vocabulary_size - 1 if self.start else None

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

    def write(self, ids: tf.Tensor) -> tf.Tensor:
        """Writes token ids `[batch, time]` as strings `[batch]`, in the graph.

        It gives what `decode` gives, padding and start symbols left out.
        """
        raise NotImplementedError

    def whole(self, ids: Sequence[int]) -> int:
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
        texts = checked_texts(texts, name)
        if not texts:
            return np.zeros((0, 1), "int32")
        return self._encode(tf.constant([to_utf8(text) for text in texts])).numpy()

    @functools.cached_property
    def _encode(self) -> Callable:
        """The compiled call."""
        spec = tf.TensorSpec((None,), tf.string)
        return tf.function(self.call, input_signature=[spec], autograph=False)


class _Vocabulary(_Texts):
    """What words and characters have in common: a table of them."""

    kind = "symbol"

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

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of strings; shapes as in the class."""
        return self.padded(self.ids(inputs))

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the ids of strings `[batch]` without start symbols and padding."""
        symbols = self.symbols(tf.convert_to_tensor(inputs, tf.string))
        return tf.ragged.map_flat_values(self.table.lookup, symbols)

    def decode(self, ids: Any) -> list[str]:
        """Turns rows of token ids into texts, without padding and start symbols."""
        symbols = self._written
        return [
            self.joint.join(symbols[row[(row != PADDING) & (row != self.start_id)]])
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

    def write(self, ids: tf.Tensor) -> tf.Tensor:
        """Writes token ids as strings, in the graph; as `_Texts.write`."""
        # The last one is the start symbol, if there is one.
        symbols = ["", self.unknown, *self.vocabulary, ""]
        words = tf.gather(tf.constant([to_utf8(symbol) for symbol in symbols]), ids)
        is_kept = tf.not_equal(ids, PADDING)
        if self.start:
            is_kept &= tf.not_equal(ids, self.start_id)
        return _joined(words, is_kept, self.joint)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"vocabulary": self.vocabulary, "start": self.start}


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
    unknown = UNKNOWN_WORD

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        start: bool = False,
        max_length: int | None = None,
        **layer_options: Any,
    ):
        """Sets up; the class says what the arguments mean."""
        super().__init__(vocabulary, start=start, **layer_options)
        if max_length is not None:
            check_number("max_length", max_length, minimum=2, whole=True)
        self.max_length = max_length

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
        return _words(texts)

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of strings; shapes as in the class."""
        ids = self.ids(inputs)
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
class Whitespace(_Vocabulary):
    r"""Words as white space separates them, and ends of lines, as tokens.

    Use it for models of texts that are cut into words already, as the Penn Treebank is:
    nothing is lowered, an end of a line is a word `"\n"`, and `<unk>` in a text is the
    unknown word, as any other is that the vocabulary has not. The call works inside a
    graph, and nothing else reads text: `encode` and `learn` call the same graph.

    Inputs of the call: UTF-8 strings `[batch]` of any length; bytes that are not UTF-8
    are read as U+FFFD.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end; 1
    is the unknown word. A text without any word is its start symbol, or one unknown
    word, since a sequence needs a step.

    Args:
        vocabulary: The known words, in the order of their ids; the first has id 2.
        start: Whether every sequence begins with a start symbol, as models that write
            need it: its id is the last one.

    Raises:
        ValueError: If a word is twice in the vocabulary.

    Example:
        >>> from rnnzoo.tokens import Whitespace
        >>> words = Whitespace(["\n", "mr.", "N"])
        >>> words.encode(["mr. <unk> N\nN  %", "N"])
        array([[3, 1, 4, 2, 4, 1],
               [4, 0, 0, 0, 0, 0]], dtype=int32)
        >>> words.decode([[3, 1, 2]])
        ['mr. <unk> \n']
        >>> Whitespace.learn(["b <unk> <unk>\n", "b A"], size=2)
        ['b', '\n']
    """

    kind = "word"
    joint = " "
    unknown = "<unk>"

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
        return _separated(texts)

    @staticmethod
    def split(text: str) -> list[str]:
        """Returns all words of a text, known or not, and its ends of lines."""
        words = _separated(tf.constant([to_utf8(text)])).flat_values.numpy()
        return [word.decode() for word in words]

    @staticmethod
    def pieces(text: str, size: int) -> Iterator[str]:
        """Yields a text in pieces of about `size` characters, cut between words."""
        begin, gap = 0, re.compile(f"[{_SPACES}\n]")
        while found := gap.search(text, begin + max(size, 1)):
            yield text[begin : found.start()]
            begin = found.start()
        yield text[begin:]

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, min_count: int = 1) -> list[str]:
        """Finds the most frequent words of texts; as `Words.learn`."""
        found = _most_frequent(_separated, texts, size + 1, min_count)
        return [word for word in found if word != cls.unknown][:size]


@keras.saving.register_keras_serializable("rnnzoo")
class Characters(_Vocabulary):
    r"""Characters as tokens: 0 is padding, 1 an unknown character.

    Use it for models that write text letter by letter. A character is a Unicode code
    point, so that a letter with a combining mark is two of them, and never half of one.
    Nothing is lowered or left out: `decode` gives back what `encode` was given, but for
    unknown characters. The call works inside a graph, as in `tf.data.Dataset.map` and
    in exports; `encode` gives the same for Python's strings, and sooner.

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
    unknown = "\ufffd"

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
        super().__init__(vocabulary, start=start, **layer_options)

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into characters `[batch, (characters)]`."""
        return _characters(texts)

    def encode(self, texts: Sequence[str], name: str = "texts") -> np.ndarray:
        """Turns texts into padded token ids; as `_Texts.encode`."""
        texts = checked_texts(texts, name)
        lengths = np.array([len(text) for text in texts], int)
        # Code points; halves of surrogate pairs become question marks, as in `to_utf8`.
        points = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), "<u4")
        first = 1 if self.start else 0
        steps = max(1, first + lengths.max(initial=0))
        ids = np.zeros((len(texts), steps), "int32")
        known = self._id_of_point
        is_real = np.arange(steps - first) < lengths[:, None]
        ids[:, first:][is_real] = known[np.minimum(points, len(known) - 1)]
        if self.start:
            ids[:, 0] = self.start_id
        else:
            ids[lengths == 0, 0] = self.UNKNOWN
        return ids

    @functools.cached_property
    def _id_of_point(self) -> np.ndarray:
        """The id of every code point up to the first that is larger than any known."""
        points = [ord(symbol) for symbol in self.vocabulary]
        ids = np.full(max(points, default=0) + 2, self.UNKNOWN, "int32")
        ids[points] = np.arange(2, 2 + len(points))
        return ids

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


@keras.saving.register_keras_serializable("rnnzoo")
class Bytes(_Texts):
    r"""Bytes of UTF-8 as tokens: 0 is padding, byte `b` has id `b + 2`.

    Use it for models that write any language and script without a vocabulary: nothing
    is unknown, and a character is one to four tokens. What models write may be no UTF-8
    in places: `decode` leaves bytes out that are no part of a character. The call works
    inside a graph, as in `tf.data.Dataset.map` and in exports.

    Inputs of the call: strings `[batch]` of any length, UTF-8 or not.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end. An
    empty text is its start symbol, or one unknown byte, since a sequence needs a step.

    Args:
        start: Whether every sequence begins with a start symbol, as models that write
            need it: its id is the last one.

    Example:
        >>> from rnnzoo.tokens import Bytes
        >>> tokens = Bytes(start=True)
        >>> tokens.encode(["aç", "b"])
        array([[258,  99, 197, 169],
               [258, 100,   0,   0]], dtype=int32)
        >>> tokens.decode([[258, 99, 197, 169], [99, 197]])
        ['aç', 'a']
    """

    joint = ""
    # Characters of one byte, to make texts of that try exports.
    vocabulary = tuple(map(chr, range(128)))

    def __init__(self, *, start: bool = False, **layer_options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(start, **layer_options)

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids: padding, unknown and start symbols included."""
        return 256 + 2 + self.start

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of strings; shapes as in the class."""
        parts = tf.strings.bytes_split(tf.convert_to_tensor(inputs, tf.string))
        values = tf.io.decode_raw(parts.values, tf.uint8, fixed_length=1)[:, 0]
        return self.padded(parts.with_values(tf.cast(values, tf.int32) + 2))

    def write(self, ids: tf.Tensor) -> tf.Tensor:
        """Writes token ids as strings, in the graph; as `_Texts.write`."""
        symbols = tf.constant([b"", b"", *(bytes([b]) for b in range(256)), b""])
        texts = tf.strings.reduce_join(tf.gather(symbols, ids), axis=1)
        return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")

    def decode(self, ids: Any) -> list[str]:
        """Turns rows of token ids into texts, without padding and start symbols."""
        return [
            bytes(int(i) - 2 for i in row if 2 <= i < 258).decode("utf-8", "ignore")
            for row in ids
        ]

    def symbols_of(self, ids: Sequence[int]) -> list[str]:
        """Returns the bytes that tokens stand for, as Python writes them."""
        return [
            ascii(chr(i - 2))[1:-1] if i != self.start_id else START_SYMBOL for i in ids
        ]

    def whole(self, ids: Sequence[int]) -> int:
        """Returns how many of the ids come before a character that has not ended."""
        for back, token in enumerate(reversed(ids[-3:]), 1):
            byte = token - 2
            if byte >= 0xC0:  # the first of two bytes, three or four
                needed = 2 + (byte >= 0xE0) + (byte >= 0xF0)
                return len(ids) - back if back < needed else len(ids)
            if byte < 0x80:
                break
        return len(ids)

    @staticmethod
    def pieces(text: str, size: int) -> Iterator[str]:
        """Yields a text in pieces of `size` characters."""
        return Characters.pieces(text, size)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"start": self.start}


@keras.saving.register_keras_serializable("rnnzoo")
class Subwords(_Texts):
    r"""Parts of words as tokens, by SentencePiece: 0 is padding, 1 an unknown one.

    Use it for models that write words which are long, many, or new. Frequent words are
    one token, rare ones several; nothing is lowered or left out, and `decode` gives
    back what `encode` was given, but for characters that no text of the training had,
    and for what SentencePiece makes uniform (NFKC; several blanks become one). The call
    works inside a graph, as in `tf.data.Dataset.map` and in exports, through
    tensorflow-text: a program that loads such an export imports `tensorflow_text`.

    Inputs of the call: UTF-8 strings `[batch]` of any length.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end. An
    empty text is its start symbol, or one unknown part, since a sequence needs a step.

    Args:
        vocabulary: A SentencePiece model in base64, as `learn` returns it.
        start: Whether every sequence begins with a start symbol, as models that write
            need it: its id is the last one.

    Raises:
        ValueError: If `vocabulary` is no such model.

    Example:
        >>> from rnnzoo.tokens import Subwords
        >>> texts = ["the lowest tower", "a low tower", "the slower row"]
        >>> subwords = Subwords(Subwords.learn(texts, size=40))
        >>> subwords.decode(subwords.encode(["a slow row", "the tower"]))
        ['a slow row', 'the tower']
        >>> lossless = Subwords(Subwords.learn(texts, size=40, lossless=True))
        >>> lossless.decode(lossless.encode([" a  slow\n", "row"]))
        [' a  slow\n', 'row']

    References:
        - Kudo and Richardson, "SentencePiece: a simple and language independent subword
          tokenizer and detokenizer for neural text processing", EMNLP 2018,
          arXiv:1808.06226.
        - Sennrich, Haddow and Birch, "Neural machine translation of rare words with
          subword units", ACL 2016, arXiv:1508.07909 (byte pair encoding).
    """

    joint = ""

    def __init__(self, vocabulary: str, *, start: bool = False, **layer_options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(start, **layer_options)
        self.vocabulary = vocabulary
        expected = (
            "vocabulary must be a SentencePiece model in base64, such as "
            "Subwords.learn(texts, 5000) returns. Received: "
            f"vocabulary={_shortened(vocabulary)}"
        )
        if not isinstance(vocabulary, str):
            raise TypeError(expected)
        try:
            self.content = base64.b64decode(vocabulary, validate=True)
            with tf.init_scope():
                self.size = int(self.tokenizer.vocab_size())
        except (binascii.Error, tf.errors.OpError) as error:
            raise ValueError(expected) from error

    @property
    def tokenizer(self) -> Any:
        """The `tensorflow_text.SentencepieceTokenizer`, anew for every graph.

        It lives in the kernel of an operation, which `keras.utils.clear_session` and
        the end of a graph take away; where that is there still, nothing is read again.
        """
        import tensorflow_text

        return tensorflow_text.SentencepieceTokenizer(self.content)

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids: padding, unknown and start symbols included."""
        return self.size + self.start

    @property
    def is_lossless(self) -> bool:
        """Whether the vocabulary was learned with `lossless=True`."""
        with tf.init_scope():
            return int(self.tokenizer.string_to_id("\n")) != self.UNKNOWN

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the token ids of strings; shapes as in the class."""
        texts = tf.convert_to_tensor(inputs, tf.string)
        return self.padded(self.tokenizer.tokenize(texts))

    def write(self, ids: tf.Tensor) -> tf.Tensor:
        """Writes token ids as strings, in the graph; unknown parts become U+2047."""
        is_kept = tf.not_equal(ids, PADDING)
        if self.start:
            is_kept &= tf.not_equal(ids, self.start_id)
        return self.tokenizer.detokenize(tf.ragged.boolean_mask(ids, is_kept))

    def decode(self, ids: Any) -> list[str]:
        """Turns rows of token ids into texts; unknown parts become U+2047."""
        rows = [list(map(int, row)) for row in ids]
        if not rows:
            return []
        ids = tf.ragged.constant(rows, tf.int32, ragged_rank=1).to_tensor(PADDING)
        return [text.decode("utf-8", "replace") for text in self.write(ids).numpy()]

    def symbols_of(self, ids: Sequence[int]) -> list[str]:
        """Returns the parts that tokens stand for; those that begin a word have a ▁."""
        known = tf.constant([i if i < self.size else 0 for i in ids], tf.int32)
        parts = [part.decode() for part in self.tokenizer.id_to_string(known).numpy()]
        return [
            part if i < self.size else START_SYMBOL
            for i, part in zip(ids, parts, strict=True)
        ]

    @staticmethod
    def split(text: str) -> list[str]:
        """Returns words with the blanks before them; parts are never of two of them."""
        return re.findall(r"\n| ?[^ \n]+| ", to_utf8(text).decode())

    @staticmethod
    def pieces(text: str, size: int) -> Iterator[str]:
        """Yields a text in pieces of about `size` characters, cut between words."""
        begin = 0
        while found := re.compile("[ \n]").search(text, begin + max(size, 1)):
            yield text[begin : found.start()]
            begin = found.start()
        yield text[begin:]

    @staticmethod
    def learn(texts: Iterable[str], size: int, *, lossless: bool = False) -> str:
        """Learns parts of words by byte pair encoding; the same for the same texts.

        Args:
            texts: The texts, an iterable.
            size: Number of parts, padding and unknown included; fewer if texts are few.
            lossless: Whether every blank and every end of a line counts, and nothing is
                made uniform, as models that go on with texts need it.

        Returns:
            The `vocabulary` of `Subwords`.

        Raises:
            ValueError: If there are more characters than `size`, or no text.
        """
        import sentencepiece

        model = io.BytesIO()
        lines = (to_utf8(text).decode() for text in texts)
        options = {}
        if lossless:
            lines = (line for text in lines for line in text.splitlines(keepends=True))
            options = {
                "normalization_rule_name": "identity",
                "remove_extra_whitespaces": False,
                "add_dummy_prefix": False,
                "user_defined_symbols": ["\n"],
            }
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=lines,
                model_writer=model,
                model_type="bpe",
                vocab_size=size,
                hard_vocab_limit=False,
                character_coverage=1.0,
                max_sentence_length=2**20,
                pad_id=PADDING,
                unk_id=Subwords.UNKNOWN,
                bos_id=-1,
                eos_id=-1,
                num_threads=1,
                minloglevel=3,
                **options,
            )
        except (RuntimeError, OSError) as error:
            raise ValueError(
                "size must be more than the number of different characters, and there "
                f"must be a text. Received: size={size!r} ({error})"
            ) from error
        return base64.b64encode(model.getvalue()).decode()

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


def _separated(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits strings `[batch]` at white space; an end of a line is a word."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    texts = tf.strings.regex_replace(texts, f"[{_SPACES}]", " ")
    words = tf.strings.split(tf.strings.regex_replace(texts, r"\n", " \n "), " ")
    return tf.ragged.boolean_mask(words, tf.not_equal(words, ""))


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
