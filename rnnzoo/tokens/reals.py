"""Real numbers as steps, with or without scaling."""

import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number, shorten
from rnnzoo.tokens.checks import (
    Problem,
    check_in_graph,
    refuse_rows,
    to_sequence,
    type_name,
)
from rnnzoo.tokens.numbers import MARKS, parse_number_strings

# The largest number of 32 bits.
MAXIMUM = float(np.finfo("float32").max)
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

    def __init__(self, features: int, **layer_options: Any):
        super().__init__(dtype="float32", **layer_options)
        check_number("features", features, minimum=1, whole=True)
        self.features = features

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the numbers of strings; shapes as in the class."""
        if not isinstance(inputs, tf.RaggedTensor):
            inputs = self.parse(tf.convert_to_tensor(inputs, tf.string))
        numbers = inputs.to_tensor(0.0)
        steps = tf.shape(numbers)[1] // self.features
        return tf.reshape(numbers, [tf.shape(numbers)[0], steps, self.features])

    def parse(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Parses strings `[batch]` into numbers, float32 `[batch, (numbers)]`.

        Other words, infinite numbers and incomplete steps: `InvalidArgumentError`.
        """
        numbers = parse_number_strings(texts, REAL, tf.float64)
        message = f"Numbers must be finite, {self.features} a step."
        flat, is_whole = numbers.values, numbers.row_lengths() % self.features == 0
        flat = check_in_graph(flat, tf.abs(flat) <= MAXIMUM, message)
        flat = check_in_graph(flat, is_whole, message)
        return numbers.with_values(tf.cast(flat, tf.float32))

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
        words, size = text.translate(MARKS).split(), self.features
        numbers = [float(w) if re.fullmatch(REAL, w) else w for w in words]
        if size == 1:
            return numbers
        return [numbers[i : i + size] for i in range(0, len(numbers), size)]

    def check(self, rows: Sequence, name: str = "numbers") -> list[np.ndarray]:
        """Returns rows, of numbers or of steps, as arrays `[time, features]`, float32.

        Raises `TypeError` or `ValueError` (not finite, empty), naming every bad row.
        """
        if not all(map(self._is_good, rows)):
            expected = f"{name} must be finite, {self.features} a step."
            refuse_rows(rows, expected, self._find_problems, have_positions=False)
        return [np.array(row, "float32").reshape(-1, self.features) for row in rows]

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
        if not (np.abs(numbers) <= MAXIMUM).all():
            where = " in 32 bits" if np.isfinite(numbers).all() else ""
            place = next(i for i, v in enumerate(flat) if not abs(v) <= MAXIMUM)
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
        return is_right and bool((np.abs(row, dtype="float64") <= MAXIMUM).all())

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

    def _scale(self, steps: np.ndarray) -> np.ndarray:
        means, scales = (np.array(row, "float32") for row in (self.means, self.scales))
        return np.pad((steps - means) / scales, [(0, 0), (0, 1)], constant_values=1)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"means": self.means, "scales": self.scales}


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
