"""Real numbers as steps, with or without scaling."""

import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnzoo.errors import check_number, shorten
from rnnzoo.tokens.checks import (
    LISTED,
    LONGEST,
    Problem,
    check_in_graph,
    is_row,
    refuse_rows,
    to_sequence,
    type_name,
)
from rnnzoo.tokens.numbers import MARKS, parse_number_strings

# Real numbers in a text; Python and the graph parse the same ones.
REAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


@keras.saving.register_keras_serializable("rnnzoo")
class RealSteps(keras.layers.Layer):
    """Encodes real numbers as steps of `features` values each.

    Inputs of the call: strings `[batch]` of numbers separated by spaces, commas or
    brackets, step after step; or such numbers, ragged. Outputs, padded with 0 at the
    end: `[batch, time, features]`, float32.

    Args:
        features: Numbers per step, at least 1.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import RealSteps
        >>> RealSteps(2)(tf.constant(["2 -2, 0 3.5", "1 1"])).numpy().tolist()
        [[[2.0, -2.0], [0.0, 3.5]], [[1.0, 1.0], [0.0, 0.0]]]
        >>> RealSteps(1).encode([[2, -0.5], [1]])[..., 0].tolist()
        [[2.0, -0.5], [1.0, 0.0]]
    """

    # The type of checked numbers, which are then scaled.
    number_type = "float32"

    def __init__(self, features: int, **layer_options: Any):
        super().__init__(dtype="float32", **layer_options)
        check_number("features", features, minimum=1, whole=True)
        self.features = features

    @property
    def largest(self) -> float:
        """The largest number of the type."""
        return float(np.finfo(self.number_type).max)

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the numbers of strings; shapes as in the class."""
        if not isinstance(inputs, tf.RaggedTensor):
            inputs = self.parse(tf.convert_to_tensor(inputs, tf.string))
        numbers = inputs.to_tensor(0.0)
        steps = tf.shape(numbers)[1] // self.features
        return tf.reshape(numbers, [tf.shape(numbers)[0], steps, self.features])

    def parse(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Parses strings `[batch]` into numbers `[batch, (numbers)]`.

        Other words, infinite numbers and incomplete steps: `InvalidArgumentError`.
        """
        numbers = parse_number_strings(texts, REAL, tf.float64)
        message = f"Numbers must be finite, {self.features} a step."
        flat, is_whole = numbers.values, numbers.row_lengths() % self.features == 0
        flat = check_in_graph(flat, tf.abs(flat) <= self.largest, message)
        flat = check_in_graph(flat, is_whole, message)
        return numbers.with_values(tf.cast(flat, self.number_type))

    def rows(self, inputs: Any, name: str = "numbers") -> tuple[list, bool]:
        """Returns the rows for `check` and `encode`, and whether the input was a batch.

        Args:
            inputs: A row: a list, tuple, array or tensor of numbers, or of steps if
                there are several numbers a step. Or a batch: a list of rows, or of
                texts of numbers, or an array of one dimension more. Anything else
                raises `TypeError`.
            name: Name of the argument, for error messages.
        """
        expected = "a list of numbers, or of such lists"
        inputs = to_sequence(inputs, name, expected)
        depth_of_row = 2 if self.features > 1 else 1
        if _is_real_array(inputs) and inputs.size and inputs.ndim == depth_of_row:
            return [inputs], False
        if isinstance(inputs, np.ndarray):
            is_batch = _is_real_array(inputs) and inputs.ndim > depth_of_row
            inputs = list(inputs) if is_batch else inputs.tolist()
        inputs = list(inputs) if isinstance(inputs, range) else inputs
        if all(isinstance(row, str) for row in inputs):
            return [self._parse(text) for text in inputs], True
        depth, first = 0, inputs
        while depth <= depth_of_row and isinstance(first, (list, tuple)) and len(first):
            depth, first = depth + 1, first[0]
        depth += first.ndim if isinstance(first, np.ndarray) else 0
        is_batch = depth > depth_of_row
        rows = list(inputs) if is_batch else [inputs]
        return [_plain_row(row, self.features) for row in rows], is_batch

    def _parse(self, text: str) -> list:
        words, size = split_words(text), self.features
        numbers = list(map(parse_real, words))
        if size == 1:
            return numbers
        return [numbers[i : i + size] for i in range(0, len(numbers), size)]

    def check(self, rows: Sequence, name: str = "numbers") -> list[np.ndarray]:
        """Returns rows, of numbers or of steps, as arrays `[time, features]`.

        Raises `TypeError` or `ValueError` (not finite, empty), naming every bad row.
        """
        if not all(map(self._is_good, rows)):
            expected = f"{name} must be finite, {self.features} a step."
            refuse_rows(rows, expected, self._find_problems, have_positions=False)
        arrays = (np.array(row, self.number_type) for row in rows)
        return [array.reshape(-1, self.features) for array in arrays]

    def _find_problems(self, row: Any) -> list[Problem]:
        row = row.tolist() if isinstance(row, np.ndarray) else row
        steps, flat = [], [row]
        # Nested too little is refused here, and too deep below.
        for _ in range(2 if self.features > 1 else 1):
            for part in flat:
                if not isinstance(part, (list, tuple)):
                    wrong = f"{shorten(part)} is not a list ({type_name(part)})"
                    return [(TypeError, wrong)]
            steps, flat = flat, [value for part in flat for value in part]
        if not set(map(type, flat)) <= {int, float}:  # a quick check
            for v in flat:
                if isinstance(v, bool) or not isinstance(v, Real):
                    wrong = f"{shorten(v)} is not a number ({type_name(v)})"
                    return [(TypeError, wrong)]
        try:
            numbers = np.array(flat, "float64")
        except OverflowError:
            numbers = np.array(np.inf)
        if not (np.abs(numbers) <= self.largest).all():
            where = (
                f" in {self.number_type[-2:]} bits"
                if np.isfinite(numbers).all()
                else ""
            )
            place = next(i for i, v in enumerate(flat) if not abs(v) <= self.largest)
            step = f"step {place // self.features}"
            return [(ValueError, f"{step}: a number is not finite{where}")]
        if not flat or (self.features > 1 and {*map(len, steps)} != {self.features}):
            return [(ValueError, f"not one or more steps of {self.features} numbers")]
        return []

    def _is_good(self, row: Any) -> bool:
        # A quick check; it may be false for a good row.
        if not _is_real_array(row) or not row.ndim or not len(row):
            return False
        is_flat = self.features == 1 and row.ndim == 1
        is_right = is_flat or row.shape[1:] == (self.features,)
        return is_right and bool((np.abs(row, dtype="float64") <= self.largest).all())

    def encode(self, rows: Sequence, name: str = "numbers") -> np.ndarray:
        """Converts rows that pass `check` as the call does, float32."""
        return self.encode_checked(self.check(rows, name))

    def encode_checked(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Converts arrays that `check` returned as the call does, float32."""
        empty = np.zeros((0, self.features), "float32")
        flat = self._scale(np.concatenate([empty, *arrays]))
        lengths = np.array([len(array) for array in arrays], int)
        steps = np.zeros(
            (len(arrays), lengths.max(initial=0), flat.shape[1]), "float32"
        )
        steps[np.arange(steps.shape[1]) < lengths[:, None]] = flat
        return steps

    def _scale(self, steps: np.ndarray) -> np.ndarray:
        return steps

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"features": self.features}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Creates the layer from its config, also from one of earlier versions."""
        names = {"values": "features", "spreads": "scales"}
        return cls(**{str(names.get(key, key)): value for key, value in config.items()})


@keras.saving.register_keras_serializable("rnnzoo")
class ScaledSteps(RealSteps):
    """Standardizes each feature, and appends a 1 to every step.

    The 1 distinguishes steps of zeros from padding. Inputs of the call are those of
    `RealSteps`, outputs `[batch, time, features + 1]`, float32, padded with 0.

    Args:
        means: Mean of each feature, which is subtracted.
        scales: Scale of each feature, by which the difference is divided; positive.

    Example:
        >>> from rnnzoo.tokens import ScaledSteps
        >>> steps = ScaledSteps([10.0, 0.0], [5.0, 1.0])
        >>> steps.encode([[[10, 0], [20, 3]], [[5, 1]]]).tolist()
        [[[0.0, 0.0, 1.0], [2.0, 3.0, 1.0]], [[-1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]]
    """

    def __init__(
        self, means: Sequence[float], scales: Sequence[float], **layer_options: Any
    ):
        super().__init__(len(means), **layer_options)
        if len(means) != len(scales) or not all(scale > 0 for scale in scales):
            raise ValueError(
                "means and scales must be as many numbers, scales above 0. Received: "
                f"means={means!r}, scales={scales!r}"
            )
        self.means = [float(mean) for mean in means]
        self.scales = [float(scale) for scale in scales]

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the scaled numbers of strings; shapes as in the class."""
        if not isinstance(inputs, tf.RaggedTensor):
            inputs = self.parse(tf.convert_to_tensor(inputs, tf.string))
        lengths = inputs.row_lengths() // self.features
        scaled = (super().call(inputs) - self.means) / self.scales
        real = tf.sequence_mask(lengths, dtype=tf.float32)[..., tf.newaxis]
        return tf.concat([scaled * real, real], axis=-1)

    def scale_values(self, values: Any, lengths: Any) -> Any:
        """Returns what the call does for values, without strings.

        Args:
            values: `[batch, time, features]`, float32; anything at padding, at the end.
            lengths: The number of real steps of each row, `[batch]`, int32.
        """
        real = ops.arange(ops.shape(values)[1], dtype="int32") < lengths[:, None]
        real = ops.expand_dims(ops.cast(real, "float32"), -1)
        means = ops.convert_to_tensor(self.means, "float32")
        scaled = (values - means) / ops.convert_to_tensor(self.scales, "float32")
        return ops.concatenate([scaled * real, real], axis=-1)

    def _scale(self, steps: np.ndarray) -> np.ndarray:
        means, scales = (np.array(row, "float32") for row in (self.means, self.scales))
        return np.pad((steps - means) / scales, [(0, 0), (0, 1)], constant_values=1)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"means": self.means, "scales": self.scales}


@keras.saving.register_keras_serializable("rnnzoo")
class RangeSteps(RealSteps):
    r"""Scales each list of numbers to its own range, in three ways, and appends a 1.

    With $x$ a number's place from 0, the smallest of its list, to 1, the largest, a
    step is $x$, $1 + \log_{10}(x) / 9$, $1 + \log_{10}(1 - x) / 9$ and 1; of $x$ and
    $1 - x$ below $10^{-9}$ the second and the third are 0. So lists of any unit and
    origin are alike, and of small numbers beside a large one little is lost. A list of
    equal numbers has $x = 0$. Calculated in float64.

    Inputs of the call: strings `[batch]` of numbers, or numbers, ragged. Outputs,
    padded with 0: `[batch, time, 4]`, float32.

    Example:
        >>> from rnnzoo.tokens import RangeSteps
        >>> RangeSteps().encode([[-5, 5, 0]])[0, :, 0].tolist()
        [0.0, 1.0, 0.5]
    """

    number_type = "float64"
    width = 4  # numbers of a step

    def __init__(self, **layer_options: Any):
        super().__init__(1, **layer_options)

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the scaled numbers of strings; shapes as in the class."""
        if not isinstance(inputs, tf.RaggedTensor):
            inputs = self.parse(tf.convert_to_tensor(inputs, tf.string))
        real = tf.sequence_mask(inputs.row_lengths())
        numbers = inputs.to_tensor(0.0)
        return ops.cast(scale_to_range(numbers, real), "float32")

    def check(
        self, rows: Sequence, name: str = "numbers", max_length: int | None = None
    ) -> list[np.ndarray]:
        """Returns lists of numbers as arrays `[time, 1]`, float64; they may be empty.

        Raises `TypeError` or `ValueError`, naming every bad row and value.

        Args:
            rows: Lists, tuples or arrays of real numbers.
            name: Name of the argument, for error messages.
            max_length: Maximum length of a row; `None` for no limit.
        """
        limit = LONGEST if max_length is None else max_length
        if not all(self._is_good_list(row, limit) for row in rows):
            most = "" if max_length is None else f", at most {max_length} in a row"
            expected = f"{name} must be finite real numbers{most}."
            refuse_rows(rows, expected, lambda row: self._find_in_list(row, limit))
        arrays = (np.array(row, self.number_type) for row in rows)
        return [array.reshape(-1, 1) for array in arrays]

    def _is_good_list(self, row: Any, limit: int) -> bool:
        # A quick check; it may be false for a good row.
        if not is_row(row) or len(row) > limit:
            return False
        if isinstance(row, np.ndarray):
            return row.ndim == 1 and (not len(row) or self._is_good(row))
        return {*map(type, row)} <= {int, float} and all(
            -self.largest <= value <= self.largest for value in row
        )

    def _find_in_list(self, row: Any, limit: int) -> list[Problem]:
        if not is_row(row):
            return [(TypeError, f"{shorten(row)} is not a list ({type_name(row)})")]
        problems: list[Problem] = []
        if len(row) > limit:
            problems = [(ValueError, f"{len(row)} numbers, more than {limit}")]
        for position, value in enumerate(row[: min(limit, 10**6)]):
            value = value.item() if isinstance(value, np.generic) else value
            kind, wrong = TypeError, None
            if is_row(value):
                wrong = "is nested too deep"
            elif isinstance(value, bool) or not isinstance(value, Real):
                wrong = f"is not a number ({type_name(value)})"
            elif not -self.largest <= value <= self.largest:
                kind, wrong = ValueError, "is not finite in 64 bits"
            if wrong:
                problems.append(
                    (kind, f"position {position}: {shorten(value)} {wrong}")
                )
        return problems[:LISTED]

    def encode_checked(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Converts arrays that `check` returned as the call does, float32."""
        numbers, lengths = self.pad(arrays)
        real = np.arange(numbers.shape[1]) < lengths[:, None]
        steps = scale_to_range(ops.convert_to_tensor(numbers), real)
        return ops.convert_to_numpy(steps).astype("float32")

    def pad(self, arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Returns arrays that `check` returned as one, `[rows, time]`, and lengths."""
        lengths = np.array([len(array) for array in arrays], int)
        numbers = np.zeros((len(arrays), lengths.max(initial=0)), self.number_type)
        real = np.arange(numbers.shape[1]) < lengths[:, None]
        if len(arrays):
            numbers[real] = np.concatenate(arrays)[:, 0]
        return numbers, lengths

    def get_config(self) -> dict:
        """Returns the constructor's arguments: none."""
        return {}


def scale_to_range(numbers: Any, real: Any) -> Any:
    """Returns steps `[batch, time, 4]` of numbers `[batch, time]`: see `RangeSteps`.

    Args:
        numbers: Numbers, of the type that is calculated with; padding is finite.
        real: Which of them are not padding.
    """
    # Halves, as the difference of two numbers may be too large for their type.
    halves = numbers / 2
    low = ops.min(ops.where(real, halves, np.inf), axis=1, keepdims=True)
    high = ops.max(ops.where(real, halves, -np.inf), axis=1, keepdims=True)
    width = ops.where(high > low, high - low, 1.0)
    inside = ops.logical_and(real, high > low)
    share = ops.where(inside, (halves - low) / width, 0.0)
    steps = [
        share,
        1 + ops.log10(ops.maximum(share, 1e-9)) / 9,
        1 + ops.log10(ops.maximum(1 - share, 1e-9)) / 9,
        ops.ones_like(share),
    ]
    return ops.where(real[..., None], ops.stack(steps, axis=-1), 0.0)


def split_words(text: str) -> list[str]:
    """Returns the words of a text of numbers, as the graph splits it."""
    return text.translate(MARKS).split()


def parse_real(word: str) -> Any:
    """Returns a word as a number; what is none stays, for an error to name it."""
    return float(word) if re.fullmatch(REAL, word) else word


def _is_real_array(value: Any) -> bool:
    # Subclasses of arrays may hide numbers.
    return type(value) is np.ndarray and value.dtype.kind in "iuf"


def _plain_row(row: Any, features: int) -> Any:
    """Returns an array of real numbers unchanged, and others as Python numbers."""
    if _is_real_array(row) and row.ndim == (2 if features > 1 else 1):
        return row
    if isinstance(row, (np.ndarray, np.generic)):
        return row.tolist()
    if not isinstance(row, (list, tuple)):
        return row
    if features > 1:
        steps = [_plain_row(step, 1) for step in row]
        return [x.tolist() if isinstance(x, np.ndarray) else x for x in steps]
    return [v.item() if isinstance(v, np.generic) else v for v in row]
