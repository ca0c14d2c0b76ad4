"""Series of numbers over time: what comes next, with how much certainty."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.architectures.signature import Signature
from rnnzoo.data.number_tables import read_frame
from rnnzoo.errors import check_choice, check_number, shorten
from rnnzoo.layers.forecasting import (
    CALENDAR,
    LARGEST,
    SCALINGS,
    QuantileHead,
    SegmentDecoder,
    SegmentEncoder,
    StepDecoder,
    WindowReader,
)
from rnnzoo.layers.keras_internals import set_mask
from rnnzoo.layers.metrics import MeasuredLoss, expand_to_steps
from rnnzoo.layers.reader import SequenceReader
from rnnzoo.models.any_tokens import answer_rows
from rnnzoo.models.forecast_signatures import draw_rows, values_signature
from rnnzoo.models.forecast_tables import TableForecasts
from rnnzoo.tokens.checks import Problem, refuse_rows
from rnnzoo.tokens.forecasting import ForecastSteps
from rnnzoo.weights import factory

# Stands for a gap in targets, which must be finite; half of it is never a value.
GAP = 3e38


@keras.saving.register_keras_serializable("rnnzoo")
class Forecaster(TableForecasts, SequenceModel):
    """A forecaster: continues series of numbers, with quantiles for every step.

    A recurrent network reads the past in segments and forecasts all segments of the
    horizon at once (Lin et al., "SegRNN", 2023, arXiv:2308.11200); a linear layer
    beside it begins as the ridge regression on the past. Values are scaled for each
    window inside the model, and gaps are marked. One model may know many series.

    Shapes of the graph: steps `[batch, time, 6 + covariates]`, padded with zeros at the
    end (`rnnzoo.tokens.forecasting.ForecastSteps`), to quantiles `[batch, horizon,
    quantiles]` in the unit of the series. `fit`, `forecast`, `evaluate` and `anomalies`
    take tables and arrays of whole series; `answer` takes the past of a series, and
    gives its medians.

    Args:
        target: The column to forecast, or several, each a series of its own.
        time: The column of times; the calendar is made of it. `None` for none.
        series: The column that says which series a row is of; `None` for one series.
        known: Covariates that are known in the future too, such as holidays.
        past: Covariates that are known in the past only, such as weather.
        categories: For covariates that are names: a dict to the list of these.
        names: Names of series that the model tells apart; others are forecast too.
        horizon: Steps that are forecast.
        context: Steps of the past that are read.
        segment: Steps that the network reads and forecasts at a time.
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        decoder: `"segments"`, all at once; or `"autoregressive"`, step after step.
        linear: Whether a linear layer answers beside the network.
        dropout: Fraction of features dropped in training.
        calendar: Periods whose place is read from the time, where there is one:
            `"hour"` (of the day), `"weekday"`, `"year"`. Of series of less than two
            years, a year is best left out.
        quantiles: Ascending numbers between 0 and 1, 0.5 among them.
        scaling: What values are divided by: `"window"`, the mean change from season to
            season in the past that is read; `"series"`, `unit`; or `"none"`, for values
            that are scaled already. `fit` of a table chooses if it is `None`.
        unit: For `"series"`: a number; `None` for the mean change in the first table.
        differences: Whether values are relative to the last known one, else to the mean
            of the window; `fit` of a table chooses if it is `None`.
        season: Steps of a season; `None` for that of the frequency.
        frequency: The frequency of the times, as pandas names it, such as `"h"`; `None`
            to find it in the first table.
        means: Mean of each covariate; `None` for those of the first table.
        scales: Standard deviation of each covariate, as `means`.
        normal_scores: Quantiles of the scores of steps that are no anomalies; `fit`
            measures them.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import forecaster
        >>> model = forecaster(weights=None, horizon=4, context=24, segment=4, units=8)
        >>> series = np.sin(np.arange(200) / 4)
        >>> history = model.fit(series, epochs=1, verbose=0)
        >>> model.forecast(series).shape, len(model.answer(series[-24:]))
        ((4, 3), 4)
    """

    TASK = "forecasting"
    # The linear layer adds up hundreds of steps, each of which a step of Adam moves.
    largest_learning_rate = 1e-3

    def __init__(
        self,
        *,
        target: str | Sequence[str] = "value",
        time: str | None = None,
        series: str | None = None,
        known: Sequence[str] = (),
        past: Sequence[str] = (),
        categories: dict[str, list[str]] | None = None,
        names: Sequence[str] = (),
        horizon: int = 24,
        context: int = 168,
        segment: int = 24,
        units: int = 128,
        num_layers: int = 1,
        cell: str = "gru",
        decoder: str = "segments",
        linear: bool = True,
        dropout: float = 0.1,
        calendar: Sequence[str] = ("hour", "weekday", "year"),
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        scaling: str | None = None,
        unit: float | None = None,
        differences: bool | None = None,
        season: int | None = None,
        frequency: str | None = None,
        means: Sequence[float] | None = None,
        scales: Sequence[float] | None = None,
        normal_scores: Sequence[float] | None = None,
    ):
        for name, size in {"horizon": horizon, "context": context}.items():
            check_number(name, size, minimum=1, maximum=100_000, whole=True)
        check_number("segment", segment, minimum=1, whole=True)
        check_choice("decoder", decoder, ("segments", "autoregressive"))
        if scaling is not None:
            check_choice("scaling", scaling, SCALINGS)
        if unit is not None:
            check_number("unit", unit, above=0)
        if season is not None:
            check_number("season", season, minimum=1, whole=True)
        quantiles = check_quantiles(quantiles)
        for period in calendar:
            check_choice("calendar", period, tuple(CALENDAR))
        lists = {"target": target, "known": known, "past": past, "names": names}
        lists["calendar"] = calendar
        for name, value in lists.items():
            value = [value] if isinstance(value, str) else list(value)
            self.arguments[name] = [str(one) for one in value]
        self.arguments["quantiles"] = quantiles
        self.arguments["categories"] = categories = {
            str(name): [str(one) for one in found]
            for name, found in (categories or {}).items()
        }
        self.horizon, self.quantiles = horizon, quantiles
        self.middle = quantiles.index(0.5)
        columns = self.columns
        count, known_count = (
            columns.count(columns.covariates),
            columns.count(columns.known),
        )
        self.segment = min(segment, context)
        # Whole segments of the past.
        self.context = -(-context // self.segment) * self.segment
        numbers = self.series_numbers
        num_series = 1 if numbers is None else len(numbers) + 1

        # === Layers ===
        reader = SequenceReader(padding_value=0.0, dtype="float32", name="reader")
        windows = WindowReader(
            self.context,
            horizon,
            count,
            known_count,
            self.arguments["calendar"] if time else (),
            differences is not False,
            scaling or "window",
            season or 1,
            unit or 1.0,
            name="windows",
        )
        encoder = SegmentEncoder(
            units, self.segment, num_layers, cell, dropout, name="encoder"
        )
        options = {
            "num_series": num_series,
            "num_layers": num_layers,
            "cell": cell,
            "dropout": dropout,
            "name": "decoder",
        }
        width = len(quantiles)
        if decoder == "segments":
            decode = SegmentDecoder(
                units, horizon, min(self.segment, horizon), width, **options
            )
        else:
            decode = StepDecoder(units, horizon, width, **options)
        head = QuantileHead(quantiles, name="head")

        # === Graph ===
        inputs = keras.Input((None, 6 + count), dtype="float32", name="inputs")
        before, future, origin, scale, number = windows(reader(inputs))
        outputs = decode(encoder(before), future, number)
        outputs = ops.cast(outputs, "float32")
        if linear:
            dense = keras.layers.Dense(
                horizon, kernel_initializer="zeros", dtype="float32", name="linear"
            )
            straight = ops.expand_dims(dense(before[..., 0]), -1)
            outputs = outputs + ops.pad(straight, ((0, 0), (0, 0), (0, width - 1)))
        super().__init__(inputs=inputs, outputs=head(outputs, origin, scale))

        # === Config ===
        self.tokens = self.make_tokens()
        self.set_targets(classes=False)

    def make_tokens(self) -> ForecastSteps:
        """Returns what reads series with the present means and scales."""
        count = self.columns.count(self.columns.covariates)
        means, scales = self.arguments["means"], self.arguments["scales"]
        return ForecastSteps(
            self.horizon,
            [0.0] * count if means is None else list(means),
            [1.0] * count if scales is None else list(scales),
            has_time=self.columns.time is not None,
            has_id=self.series_numbers is not None,
        )

    def choose_objective(self) -> tuple:
        """Returns a name of the loss, which `compute_loss` is, and no metrics."""
        return "mae", []

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the mean pinball loss of the quantiles, doubled, in scaled units.

        That of the median is the mean absolute error.
        """
        _, _, origin, scale, _ = self.get_layer("windows")(x)
        y = ops.cast(y, "float32")
        known = y < GAP / 2
        right = ops.clip((y - origin) / scale, -LARGEST, LARGEST)[..., None]
        found = (y_pred - origin[..., None]) / scale[..., None]
        levels = ops.convert_to_tensor(self.quantiles, "float32")
        error = right - found
        losses = 2.0 * ops.mean(ops.maximum(levels * error, (levels - 1) * error), -1)
        losses = ops.where(known, losses, 0.0)
        set_mask(losses, known)
        weights = expand_to_steps(sample_weight, y_pred)
        return MeasuredLoss()(y, losses, weights)

    def count_targets(self, y: Any, y_pred: Any) -> Any:
        """Returns how many targets of a batch are known."""
        return tf.math.count_nonzero(tf.cast(y, tf.float32) < GAP / 2)

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts series to arrays `[rows, time, columns]`, and targets to arrays.

        Raises:
            TypeError: If something is no number; names every such row.
            ValueError: If a series has no known value, or a target another length.
        """
        rows, _ = self.raw.split(inputs)
        arrays = self.raw.encode(rows)
        if targets is None:
            return arrays, None
        found = list(targets)
        if len(found) != len(rows):
            raise ValueError(
                "There must be as many targets as series. Received: "
                f"{len(rows)} series and {len(found)} targets"
            )
        expected = f"targets must be {self.horizon} numbers each, NaN for gaps."
        refuse_rows(found, expected, self._find_problems, have_positions=False)
        values = np.array([np.asarray(row, "float64") for row in found])
        values = values.reshape(len(found), self.horizon)
        return arrays, np.where(np.isnan(values), GAP, values).astype("float32")

    def _find_problems(self, row: Any) -> list[Problem]:
        try:
            values = np.asarray(row, "float64")
        except (TypeError, ValueError):
            return [(TypeError, f"{shorten(row)} are no numbers")]
        if values.shape != (self.horizon,):
            return [(ValueError, f"numbers of shape {values.shape}")]
        if (np.abs(values) > self.tokens.largest).any():
            return [(ValueError, "a number is not finite")]
        return []

    def run(self, arrays: np.ndarray) -> np.ndarray:
        """Returns the quantiles `[rows, horizon, quantiles]` of any number of rows."""
        parts = [np.zeros((0, self.horizon, len(self.quantiles)), "float32")]
        for start in range(0, len(arrays), self.raw.batch_size):
            batch = ops.convert_to_tensor(arrays[start : start + self.raw.batch_size])
            parts.append(ops.convert_to_numpy(self._run(batch)))
        return np.concatenate(parts)

    def answer(self, inputs: Any) -> Any:
        """Continues a series, or each of a batch, with the medians of the horizon."""
        return answer_rows(self, inputs)

    def answer_file(
        self,
        path: Any,
        *,
        horizon: int | None = None,
        target: str | None = None,
        time: str | None = None,
        series: str | None = None,
        every: str | None = None,
        encoding: str = "utf-8",
        separator: str | None = None,
    ) -> Any:
        """Returns the forecast of the series of a file, as a table.

        Args:
            path: A table; see `rnnzoo.data.number_tables.read_frame`.
            horizon: Steps to forecast; default: the model's.
            target: Another column to forecast than the model's.
            time: Another column of the times.
            series: Another column that says which series a row is of.
            every: A frequency to put values together at, such as `h` or `D`.
            encoding: The encoding of text files.
            separator: What separates columns.
        """
        names: dict[str, Any] = {"target": target, "time": time, "series": series}
        frame = read_frame(path, encoding, separator)
        return self.forecast(frame, horizon, every=every, **names)

    def show_input(self, row: Any) -> str:
        """Returns the last values of a row before the origin, for samples."""
        values = np.asarray(row).reshape(len(row), -1)[:, 0]
        past = values if self.tokens.is_past else values[: -self.horizon]
        return "... " + " ".join(f"{value:.6g}" for value in past[-24:])

    def to_answers(self, outputs: np.ndarray, lengths: np.ndarray) -> list:
        """Returns the medians of rows of quantiles."""
        return outputs[..., self.middle].tolist()

    def answer_in_graph(self, text: Any) -> dict:
        """Continues strings `[batch]` of numbers, in the graph.

        Returns:
            `medians`, `[batch, horizon]`, and `quantiles`, `[batch, horizon,
            quantiles]`.
        """
        return self.name_outputs(self(self.raw.parse(text), training=False))

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        rows, _ = self.raw.split(text)
        return self.name_outputs(self.run(self.raw.encode(rows)))

    def name_outputs(self, quantiles: Any) -> dict:
        """Returns what exports give, by name."""
        return {"medians": quantiles[..., self.middle], "quantiles": quantiles}

    def sample_texts(self) -> list[str]:
        """Returns series of various lengths as text, to try an export on."""
        return [
            " ".join(f"{value:.3f}" for value in row.reshape(-1))
            for row in draw_rows(self, 5, 9, 30, self.context + 7)
        ]

    def signatures(self) -> dict[str, Signature]:
        """Adds that from values with gaps, as they are, to every model's."""
        return super().signatures() | {"values": values_signature(self)}


def check_quantiles(quantiles: Any) -> list[float]:
    """Returns quantiles as a list; refuses what is not ascending, or lacks 0.5.

    Example:
        >>> from rnnzoo.models.forecasting import check_quantiles
        >>> check_quantiles((0.1, 0.5, 0.9))
        [0.1, 0.5, 0.9]
    """
    try:
        found = [float(one) for one in quantiles]
    except (TypeError, ValueError):
        found = []
    is_right = found == sorted(set(found)) and all(0 < one < 1 for one in found)
    if not found or not is_right or 0.5 not in found:
        raise ValueError(
            "quantiles must be ascending numbers between 0 and 1, and 0.5 among them, "
            f"such as (0.1, 0.5, 0.9). Received: quantiles={shorten(quantiles)}"
        )
    return found


forecaster = factory(Forecaster, "forecaster", weights="m4_hourly")
