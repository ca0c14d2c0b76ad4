"""What a forecaster computes: windows of series, and the quantiles of what follows."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.keras_internals import run_steps
from rnnzoo.layers.recurrence import RecurrentStack

# Scaled values beyond this are cut: one outlier must not decide everything.
LARGEST = 30.0
# Of days: with a quarter, products and differences are exact in float32.
YEAR = 365.25
SCALINGS = ("window", "series", "none")
# Periods of the calendar: what it is the place in, and that in days.
CALENDAR = {"hour": 1.0, "weekday": 7.0, "year": YEAR}
# Columns of a step before the covariates (`rnnzoo.tokens.forecasting`).
FIRST = 2


@keras.saving.register_keras_serializable("rnnzoo")
class WindowReader(keras.layers.Layer):
    """Cuts the last steps of series into past and future, and scales the values.

    Inputs: steps `[batch, time, columns]` of `rnnzoo.tokens.forecasting.ForecastSteps`,
    padded with zeros at the end, the last `horizon` of them to be forecast. Outputs:

    - the past `[batch, context, 2 + inputs]`: scaled values, whether they are known,
      covariates and calendar; shorter series begin with unknown values;
    - the future `[batch, horizon, known inputs]`: known covariates and calendar;
    - origin and scale of the values, `[batch, 1]`;
    - the number of the series, `[batch]`, int32.

    Args:
        context: Steps of the past.
        horizon: Steps of the future.
        num_covariates: How many covariates a step has.
        num_known: How many of these, the first ones, are known in the future.
        calendar: Names of periods: `"hour"` (of the day), `"weekday"`, `"year"`.
        differences: Whether values are relative to the last known one of the past;
            else to their mean.
        scaling: `"window"` divides by the mean change from one season to the next in
            the past; `"series"` by `unit`; `"none"` leaves values as they are.
        season: Steps of a season.
        unit: For `"series"`: what all values are divided by.
    """

    def __init__(
        self,
        context: int,
        horizon: int,
        num_covariates: int = 0,
        num_known: int = 0,
        calendar: Sequence[str] = (),
        differences: bool = True,
        scaling: str = "window",
        season: int = 1,
        unit: float = 1.0,
        **options: Any,
    ):
        super().__init__(dtype="float32", **options)
        check_choice("scaling", scaling, SCALINGS)
        self.context, self.horizon = context, horizon
        self.num_covariates, self.num_known = num_covariates, num_known
        self.calendar, self.differences = list(calendar), differences
        self.scaling, self.unit = scaling, unit
        self.season = season if 2 * season <= context else 1
        self.supports_masking = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Returns no mask: windows have no padding."""

    def call(self, inputs: Any) -> tuple:
        """Returns past, future, origin, scale and number of each series."""
        size, shape = self.context + self.horizon, ops.shape(inputs)
        lengths = ops.sum(ops.cast(inputs[..., -1] > 0, "int32"), axis=1)
        places = lengths[:, None] - size + ops.arange(size, dtype="int32")[None]
        is_real = ops.cast(places >= 0, "float32")[..., None]
        rows = ops.arange(shape[0], dtype="int32")[:, None] * shape[1]
        flat = ops.reshape(inputs, (-1, inputs.shape[-1]))
        steps = ops.take(flat, rows + ops.maximum(places, 0), axis=0) * is_real
        more = [steps[..., FIRST : FIRST + self.num_covariates]]
        more += self._read_calendar(steps)
        inputs_known = ops.concatenate([more[0][..., : self.num_known], *more[1:]], -1)
        known = steps[:, : self.context, 1]
        values = steps[:, : self.context, 0] * known
        origin, scale = self._measure(values, known)
        scaled = ops.clip((values - origin) / scale, -LARGEST, LARGEST) * known
        past = [scaled[..., None], known[..., None]]
        past += [part[:, : self.context] for part in more]
        # All steps of a series have its number.
        number = ops.cast(steps[:, -1, -2], "int32")
        future = inputs_known[:, self.context :]
        return ops.concatenate(past, -1), future, origin, scale, number

    def _read_calendar(self, steps: Any) -> list:
        start = FIRST + self.num_covariates
        day, second = steps[..., start : start + 1], steps[..., start + 1 : start + 2]
        found = []
        for name in self.calendar:
            period = CALENDAR[name]
            # 1970 began on a Thursday, and with a year.
            place = (
                second / 86_400.0 if name == "hour" else day + (name != "year") * 3.0
            )
            # The rest is exact, which quotients are not: each runtime rounds otherwise.
            rest = place - ops.floor(place / period) * period
            angle = rest * (2 * math.pi / period)
            found += [ops.sin(angle), ops.cos(angle)]
        return found

    def _measure(self, values: Any, known: Any) -> tuple:
        """Returns origin and scale of each row, `[batch, 1]`."""
        count = ops.maximum(ops.sum(known, axis=1, keepdims=True), 1.0)
        mean = ops.sum(values, axis=1, keepdims=True) / count
        origin = mean
        if self.differences:
            places = ops.arange(1, self.context + 1, dtype="float32") * known
            last = ops.max(places, axis=1, keepdims=True)
            is_last = ops.cast(places >= last, "float32") * known
            origin = ops.sum(values * is_last, axis=1, keepdims=True)
        if self.scaling != "window":
            unit = self.unit if self.scaling == "series" else 1.0
            return origin, ops.ones_like(origin) * unit
        # Of the order of 1, so that squares are numbers of float32.
        most = ops.max(ops.abs(values), axis=1, keepdims=True)
        most = ops.where(most > 0.0, most, ops.ones_like(most))
        values, mean = values / most, mean / most
        square = ops.sum(known * (values - mean) ** 2, axis=1, keepdims=True) / count
        deviation, gap = ops.sqrt(square), self.season
        both = known[:, gap:] * known[:, :-gap]
        pairs = ops.maximum(ops.sum(both, axis=1, keepdims=True), 1.0)
        change = ops.abs(values[:, gap:] - values[:, :-gap]) * both
        change = ops.sum(change, axis=1, keepdims=True) / pairs
        size = ops.sum(ops.abs(values), axis=1, keepdims=True) / count
        # Of one value nothing is known but its size; later ones outweigh that.
        least = size * (1e-3 + 0.1 / count)
        scale = ops.maximum(ops.maximum(change, 0.1 * deviation), least) * most
        return origin, ops.where(scale > 0.0, scale, ops.ones_like(scale))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        names = "context horizon num_covariates num_known calendar differences"
        own = {name: getattr(self, name) for name in [*names.split(), "scaling"]}
        return {**super().get_config(), **own, "season": self.season, "unit": self.unit}


@keras.saving.register_keras_serializable("rnnzoo")
class SegmentEncoder(keras.layers.Layer):
    """Reads the past in segments of several steps, and returns the state after them.

    Segments instead of steps make a recurrent network short, and its gradients large
    (Lin et al., "SegRNN", 2023, arXiv:2308.11200).

    Inputs: `[batch, context, features]`. Outputs: the state of a `RecurrentStack`.

    Args:
        units: Size of the state, and of what a segment is projected to.
        segment: Steps of a segment.
        num_layers: Recurrent layers.
        cell: As of `RecurrentStack`.
        dropout: Fraction of features dropped in training.
    """

    def __init__(
        self,
        units: int,
        segment: int,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.0,
        **options: Any,
    ):
        super().__init__(**options)
        check_number("units", units, minimum=1, whole=True)
        self.segment = segment
        self.projection = keras.layers.Dense(
            units, "relu", name="projection", dtype=self.dtype_policy
        )
        self.recurrence = RecurrentStack(
            units,
            num_layers=num_layers,
            cell=cell,
            dropout=dropout if num_layers > 1 else 0.0,
            name="recurrence",
            dtype=self.dtype_policy,
        )

    def build(self, inputs_shape: tuple) -> None:
        """Creates the weights."""
        size = self.segment * inputs_shape[-1]
        self.projection.build((None, None, size))
        self.recurrence.build((None, None, self.projection.units))

    def call(self, inputs: Any, training: bool | None = None) -> list:
        """Returns the state after the last segment."""
        _, steps, features = inputs.shape
        shape = (-1, steps // self.segment, self.segment * features)
        segments = self.projection(ops.reshape(inputs, shape))
        return self.recurrence(segments, training=training)[1]


class ForecastDecoder(keras.layers.Layer):
    """Base of decoders: from the state after the past to numbers for each step.

    Inputs: a state, the future's known inputs `[batch, horizon, features]`, and the
    numbers of the series `[batch]`. Outputs: `[batch, horizon, outputs]`.

    Args:
        units: Size of the state.
        horizon: Steps to forecast.
        outputs: Numbers for each step.
        steps: How many steps one recurrent step forecasts.
        num_series: How many series there are, the unknown one included.
        num_layers: Recurrent layers.
        cell: As of `RecurrentStack`.
        dropout: Fraction of the last features dropped in training.
    """

    def __init__(
        self,
        units: int,
        horizon: int,
        outputs: int,
        steps: int = 1,
        num_series: int = 1,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.0,
        **options: Any,
    ):
        super().__init__(**options)
        self.units, self.horizon, self.outputs = units, horizon, outputs
        self.num_series = num_series
        self.recurrence = RecurrentStack(
            units,
            num_layers=num_layers,
            cell=cell,
            name="recurrence",
            dtype=self.dtype_policy,
        )
        self.drop = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self.head = keras.layers.Dense(
            steps * outputs, name="head", dtype=self.dtype_policy
        )

    def build_parts(self, features: int) -> None:
        """Creates the weights of what reads inputs of so many features."""
        if self.num_series > 1:
            self.series = self.add_weight(
                (self.num_series, self.units), "random_normal", name="series"
            )
        self.recurrence.build((None, None, features))
        self.head.build((None, self.units))

    def take_series(self, number: Any) -> Any:
        """Returns the vector of each series, `[batch, units]`."""
        table = ops.cast(ops.convert_to_tensor(self.series), self.compute_dtype)
        return ops.take(table, number, axis=0)


@keras.saving.register_keras_serializable("rnnzoo")
class SegmentDecoder(ForecastDecoder):
    """Forecasts all segments of the future at once, each by one recurrent step.

    Each begins with the state after the past, and reads which segment it is, which
    series, and what is known of its steps (SegRNN's parallel decoding). Arguments are
    those of `ForecastDecoder`, and `segment`, the steps of a segment.
    """

    def __init__(
        self, units: int, horizon: int, segment: int, outputs: int, **options: Any
    ):
        super().__init__(units, horizon, outputs, segment, **options)
        self.segment, self.count = segment, -(-horizon // segment)
        self.known = keras.layers.Dense(
            units, use_bias=False, name="known", dtype=self.dtype_policy
        )

    def build(self, state_shape: Any, future_shape: Any, number_shape: Any) -> None:
        """Creates the weights."""
        self.places = self.add_weight(
            (self.count, self.units), "random_normal", name="places"
        )
        if future_shape[-1]:
            self.known.build((None, None, self.segment * future_shape[-1]))
        self.build_parts(self.units)

    def call(
        self, state: list, future: Any, number: Any, training: bool | None = None
    ) -> Any:
        """Returns `outputs` numbers for each step of the future."""
        places = ops.cast(ops.convert_to_tensor(self.places), self.compute_dtype)
        count, features = self.count, future.shape[-1]
        inputs = ops.expand_dims(places, 0) + ops.zeros_like(state[0][0])[:, None]
        if self.num_series > 1:
            inputs = inputs + self.take_series(number)[:, None]
        if features:
            rest = count * self.segment - self.horizon
            future = ops.pad(future, ((0, 0), (0, rest), (0, 0)))
            shape = (-1, count, self.segment * features)
            inputs = inputs + self.known(ops.reshape(future, shape))

        def repeat(part: Any) -> Any:
            return ops.reshape(ops.repeat(part[:, None], count, 1), (-1, self.units))

        state = [[repeat(part) for part in layer] for layer in state]
        flat = ops.reshape(inputs, (-1, 1, self.units))
        hidden, _ = self.recurrence(flat, initial_state=state, training=training)
        found = self.head(self.drop(hidden[:, 0], training=training))
        shape = (-1, count * self.segment, self.outputs)
        return ops.reshape(found, shape)[:, : self.horizon]


@keras.saving.register_keras_serializable("rnnzoo")
class StepDecoder(ForecastDecoder):
    """Forecasts step after step: each reads the one before it.

    The decoder of sequence-to-sequence networks, to compare with `SegmentDecoder`. A
    step reads the first output of the step before it, at first 0. Arguments are those
    of `ForecastDecoder`.
    """

    def build(self, state_shape: Any, future_shape: Any, number_shape: Any) -> None:
        """Creates the weights."""
        self.build_parts(1 + future_shape[-1])

    def call(
        self, state: list, future: Any, number: Any, training: bool | None = None
    ) -> Any:
        """Returns `outputs` numbers for each step of the future."""
        if self.num_series > 1:
            more = self.take_series(number)
            state = [[part + more for part in layer] for layer in state]
        structure = state

        def step(now: Any, before: list) -> tuple:
            last, *flat = before
            hidden, after = self.recurrence.step(
                ops.concatenate([last, now[:, 1:]], axis=-1),
                keras.tree.pack_sequence_as(structure, flat),
            )
            found = self.head(self.drop(hidden, training=training))
            return found, [found[:, :1], *keras.tree.flatten(after)]

        # At least one input a step tells how many there are.
        zeros = ops.zeros_like(ops.repeat(state[0][0][:, None, :1], self.horizon, 1))
        future = ops.concatenate([zeros, ops.cast(future, zeros.dtype)], axis=-1)
        begin = [zeros[:, 0], *keras.tree.flatten(state)]
        return run_steps(step, future, begin)[0]


@keras.saving.register_keras_serializable("rnnzoo")
class QuantileHead(keras.layers.Layer):
    """Turns outputs into quantiles that never cross, in the unit of the series.

    Inputs: outputs `[batch, horizon, quantiles]`, of which the first is the median;
    origin and scale of the values. Outputs: quantiles, ascending, float32. Distances
    from the median are multiplied by `widths`, which calibration sets.

    Args:
        quantiles: Ascending numbers between 0 and 1.
    """

    def __init__(self, quantiles: Sequence[float], **options: Any):
        super().__init__(dtype="float32", **options)
        self.quantiles = list(quantiles)
        self.middle = min(
            range(len(self.quantiles)), key=lambda i: abs(self.quantiles[i] - 0.5)
        )

    def build(self, inputs_shape: tuple, *others: Any) -> None:
        """Creates the factors of the distances, which are not trained."""
        self.widths = self.add_weight(
            tuple(inputs_shape[1:]), "ones", trainable=False, name="widths"
        )

    def call(self, inputs: Any, origin: Any, scale: Any) -> Any:
        """Returns the quantiles of each step, `[batch, horizon, quantiles]`."""
        middle, count = self.middle, len(self.quantiles)
        median, steps = inputs[..., :1], ops.softplus(inputs[..., 1:])
        # Neighbours first: from the median down, and from the median up.
        parts = [ops.zeros_like(median)]
        for place in range(middle):
            parts.insert(0, parts[0] - steps[..., place : place + 1])
        for place in range(middle, count - 1):
            parts.append(parts[-1] + steps[..., place : place + 1])
        widths = ops.convert_to_tensor(self.widths)
        found = median + ops.concatenate(parts, axis=-1) * widths
        return found * scale[..., None] + origin[..., None]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "quantiles": self.quantiles}
