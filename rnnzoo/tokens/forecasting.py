"""Series that are to be continued, as steps: values with gaps, covariates, time."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number, shorten
from rnnzoo.tokens.gaps import GapSteps

DAY = 86_400  # seconds


@keras.saving.register_keras_serializable("rnnzoo")
class ForecastSteps(GapSteps):
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

    def __init__(
        self,
        horizon: int,
        means: Sequence[float] = (),
        scales: Sequence[float] = (),
        has_time: bool = False,
        has_id: bool = False,
        **layer_options: Any,
    ):
        # Seconds since 1970 are no float32, to which Keras would convert them.
        layer_options.setdefault("autocast", False)
        super().__init__(1 + len(means) + has_time + has_id, **layer_options)
        check_number("horizon", horizon, minimum=1, whole=True)
        if len(means) != len(scales) or not all(scale > 0 for scale in scales):
            raise ValueError(
                "means and scales must be as many numbers, scales above 0. Received: "
                f"means={shorten(means)}, scales={shorten(scales)}"
            )
        self.horizon, self.has_time, self.has_id = horizon, has_time, has_id
        self.unknown_end = 0 if self.is_past else horizon
        self.means = [float(mean) for mean in means]
        self.scales = [float(scale) for scale in scales]

    @property
    def is_past(self) -> bool:
        """Whether a series is the past alone, as nothing is known of the future."""
        return self.features == 1

    @property
    def value_columns(self) -> int:
        """The value alone must be known somewhere."""
        return 1

    @property
    def gap_columns(self) -> int:
        """Values and covariates may be gaps."""
        return 1 + len(self.means)

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
