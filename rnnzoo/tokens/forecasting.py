"""Series that are to be continued, as steps: values with gaps, covariates, time."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number, shorten
from rnnzoo.tokens.checks import Problem, check_in_graph, refuse_rows, type_name
from rnnzoo.tokens.numbers import parse_number_strings
from rnnzoo.tokens.reals import REAL, RealSteps

DAY = 86_400  # seconds
# A number, or a gap.
REAL_OR_GAP = f"{REAL}|[nN][aA][nN]"


@keras.saving.register_keras_serializable("rnnzoo")
class ForecastSteps(RealSteps):
    """Encodes series that are to be continued, as steps with gaps.

    A step has a value, then covariates, then the time in seconds and the number of the
    series, where there are any. NaN is a gap. A series of values alone is the past, and
    `horizon` steps of an unknown value are appended; any other ends with these, whose
    value is NaN and whose known covariates and times are given.

    Inputs of the call: strings `[batch]` of numbers, step after step. Outputs:
    `[batch, time, 6 + covariates]`, float32, padded with 0: the value and a 1, or 0 and
    0 where it is unknown; standardized covariates, 0 where they are unknown; the day
    since 1970 and the second of that day; the series' number; and a 1.

    Args:
        horizon: How many steps are forecast.
        means: The mean of each covariate.
        scales: The standard deviation of each covariate.
        has_time: Whether steps have a time: seconds since 1970 on a local clock.
        has_id: Whether steps have the number of the series; 0 is an unknown series.

    Example:
        >>> from rnnzoo.tokens.forecasting import ForecastSteps
        >>> ForecastSteps(horizon=1).encode([[5, float("nan"), 7]])[0].tolist()
        ... # doctest: +NORMALIZE_WHITESPACE
        [[5.0, 1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
         [7.0, 1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
    """

    number_type = "float64"

    def __init__(
        self,
        horizon: int,
        means: Sequence[float] = (),
        scales: Sequence[float] = (),
        has_time: bool = False,
        has_id: bool = False,
        **layer_options: Any,
    ):
        super().__init__(1 + len(means) + has_time + has_id, **layer_options)
        check_number("horizon", horizon, minimum=1, whole=True)
        if len(means) != len(scales) or not all(scale > 0 for scale in scales):
            raise ValueError(
                "means and scales must be as many numbers, scales above 0. Received: "
                f"means={shorten(means)}, scales={shorten(scales)}"
            )
        self.horizon, self.has_time, self.has_id = horizon, has_time, has_id
        self.means = [float(mean) for mean in means]
        self.scales = [float(scale) for scale in scales]

    @property
    def largest(self) -> float:
        """The largest number of a step."""
        return float(np.finfo("float32").max) / 1e6  # room for differences

    @property
    def is_past(self) -> bool:
        """Whether a series is the past alone, as nothing is known of the future."""
        return self.features == 1

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the steps of strings; shapes as in the class."""
        if not isinstance(inputs, tf.RaggedTensor):
            inputs = self.parse(tf.convert_to_tensor(inputs, tf.string))
        numbers = inputs.to_tensor(0.0)
        count = tf.shape(numbers)[1] // self.features
        steps = tf.reshape(numbers, [tf.shape(numbers)[0], count, self.features])
        lengths = tf.cast(inputs.row_lengths() // self.features, tf.int32)
        return self.encode_in_graph(steps, lengths)

    def encode_in_graph(self, steps: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Returns what the call does for steps `[batch, time, features]`, with gaps.

        Args:
            steps: Numbers, NaN for gaps, and anything at padding, at the end.
            lengths: The number of real steps of each row, `[batch]`.
        """
        given = tf.sequence_mask(lengths, tf.shape(steps)[1])
        if self.is_past:
            steps = tf.pad(steps, [[0, 0], [0, self.horizon], [0, 0]])
            given = tf.sequence_mask(lengths, tf.shape(steps)[1])
            lengths = lengths + self.horizon
        real = tf.sequence_mask(lengths, tf.shape(steps)[1])[..., None]
        kind = steps.dtype
        count = len(self.means)
        value, covariates = steps[..., :1], steps[..., 1 : 1 + count]
        is_gap = tf.math.is_nan(value)
        given = tf.cast(given[..., None], kind)
        # Converters to ONNX make products of other forms, and NaN times 0 is NaN.
        zero, one = tf.constant(0, kind), tf.constant(1, kind)
        parts = [
            tf.where(is_gap, zero, value) * given,
            tf.where(is_gap, zero, one) * given,
        ]
        if count:
            scaled = (covariates - tf.constant(self.means, kind)) / tf.constant(
                self.scales, kind
            )
            is_gap = tf.math.is_nan(scaled)
            parts.append(tf.where(is_gap, zero, scaled))
        zeros = tf.fill(tf.shape(value), zero)
        if self.has_time:
            time = steps[..., 1 + count : 2 + count]
            day = tf.floor(time / DAY)
            parts += [day, time - day * DAY]
        else:
            parts += [zeros, zeros]
        parts.append(steps[..., -1:] if self.has_id else zeros)
        found = tf.cast(tf.concat([*parts, zeros + 1], axis=-1), tf.float32)
        return tf.where(real, found, tf.constant(0.0))

    def parse(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Parses strings `[batch]` into numbers `[batch, (numbers)]`, NaN for gaps."""
        numbers = parse_number_strings(texts, REAL_OR_GAP, tf.float64)
        message = f"Numbers must be finite or nan, {self.features} a step."
        flat, is_whole = numbers.values, numbers.row_lengths() % self.features == 0
        is_right = (tf.abs(flat) <= self.largest) | tf.math.is_nan(flat)
        flat = check_in_graph(flat, is_right, message)
        flat = check_in_graph(flat, is_whole, message)
        lengths = numbers.row_lengths() // self.features
        values = tf.RaggedTensor.from_row_lengths(flat[:: self.features], lengths)
        place = tf.ragged.range(lengths)
        end = lengths - (0 if self.is_past else self.horizon)
        known = ~tf.math.is_nan(values.flat_values) & (
            place.flat_values < tf.repeat(end, lengths)
        )
        is_known = tf.reduce_any(values.with_values(known), axis=1)
        message = "A series must have a known value before the horizon."
        return numbers.with_values(check_in_graph(flat, is_known, message))

    def _parse(self, text: str) -> list:
        gaps = [word.lower() == "nan" for word in _split(text)]
        if not any(gaps):
            return super()._parse(text)
        words = ("0" if g else w for w, g in zip(_split(text), gaps, strict=True))
        steps = np.array(super()._parse(" ".join(words)), "float64")
        steps.reshape(-1)[np.flatnonzero(gaps)] = np.nan
        return steps.tolist()

    def check(self, rows: Sequence, name: str = "series") -> list[np.ndarray]:
        """Returns series as arrays `[time, features]`, float64, with NaN for gaps.

        Raises `TypeError` or `ValueError` (infinite, empty, no known value), naming
        every bad row.
        """
        expected = f"{name} must be steps of {self.features} numbers, NaN for gaps."
        if self.is_past:
            expected = f"{name} must be numbers, NaN for gaps."
        refuse_rows(rows, expected, self._find_problems, have_positions=False)
        return [self._to_array(row) for row in rows]

    def _to_array(self, row: Any) -> np.ndarray:
        if isinstance(row, (list, tuple)):
            row = [_to_gap(value) for value in row]
        return np.asarray(row, self.number_type).reshape(-1, self.features)

    def _find_problems(self, row: Any) -> list[Problem]:
        if not isinstance(row, (list, tuple, np.ndarray)):
            return [(TypeError, f"{shorten(row)} is not a list ({type_name(row)})")]
        try:
            if isinstance(row, np.ndarray) and row.dtype.kind not in "iuf":
                row = row.tolist()
            if not isinstance(row, np.ndarray):
                for value in _flatten(row):
                    if isinstance(value, (str, bytes, bool)):
                        kind = type_name(value)
                        return [(TypeError, f"{shorten(value)} is no number ({kind})")]
            array = self._to_array(row)
        except (TypeError, ValueError, OverflowError, RecursionError):
            wrong = f"not one or more steps of {self.features} numbers"
            return [(ValueError, wrong)]
        shape = np.shape(row)
        if len(shape) > 2 or (self.features > 1 and shape[1:] != (self.features,)):
            return [(ValueError, f"not one or more steps of {self.features} numbers")]
        is_wrong = np.abs(array) > self.largest
        exact = 1 + len(self.means)
        is_wrong[:, exact:] |= np.isnan(array[:, exact:])
        if is_wrong.any():
            step, place = np.argwhere(is_wrong)[0].tolist()
            return [(ValueError, f"step {step}: {array[step, place]} is not finite")]
        past = array[:, 0] if self.is_past else array[: -self.horizon, 0]
        if not len(past) or np.isnan(past).all():
            return [(ValueError, "no known value to begin with")]
        return []

    def _is_good(self, row: Any) -> bool:
        return not self._find_problems(row)

    def encode_checked(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Converts arrays that `check` returned as the call does, float32."""
        lengths = np.array([len(array) for array in arrays], "int32")
        steps = np.zeros((len(arrays), lengths.max(initial=0), self.features))
        for row, array in zip(steps, arrays, strict=True):
            row[: len(array)] = array
        if not len(arrays):
            return np.zeros((0, 0, 6 + len(self.means)), "float32")
        with tf.init_scope():  # also while a graph is made
            found = self.encode_in_graph(tf.constant(steps), tf.constant(lengths))
        return found.numpy()

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        names = ("horizon", "means", "scales", "has_time", "has_id")
        return {name: getattr(self, name) for name in names}


def _split(text: str) -> list[str]:
    from rnnzoo.tokens.reals import split_words

    return split_words(text)


def _to_gap(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [np.nan if one is None else one for one in value]
    return np.nan if value is None else value


def _flatten(row: Any, depth: int = 0) -> Any:
    for value in row:
        if isinstance(value, (list, tuple)) and depth < 3:
            yield from _flatten(value, depth + 1)
        else:
            yield value
