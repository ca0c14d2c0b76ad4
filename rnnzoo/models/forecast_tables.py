"""Forecasts of whole series in tables and arrays: fit, forecast, score, anomalies."""

import copy
import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from rnnzoo.analysis.forecast_regression import choose_regression
from rnnzoo.data import times as clock
from rnnzoo.data.series_tables import (
    Columns,
    Series,
    find_categories,
    read_series,
    to_frame,
)
from rnnzoo.data.table_kinds import is_table, kind_of, to_kind
from rnnzoo.data.windows import ForecastWindows, split_by_time
from rnnzoo.errors import check_number, shorten
from rnnzoo.layers.forecasting import LARGEST
from rnnzoo.models.forecast_anomalies import AnomalyMixin

# Windows that closed forms, calibration and thresholds are computed from at most.
FITTED, CALIBRATED = 6000, 3000
# Fewest residuals for the width of one step of the horizon.
ENOUGH = 50


class TableForecasts(AnomalyMixin):
    """Mixed into forecasters: whole series in, forecasts of the same kind out."""

    @property
    def columns(self) -> Columns:
        """What the columns of tables are."""
        own, target = self.arguments, self.arguments["target"]
        return Columns(
            target=list(target),
            time=own["time"],
            series=own["series"],
            known=list(own["known"]),
            past=list(own["past"]),
            categories=dict(own["categories"]),
            frequency=own["frequency"],
        )

    @property
    def series_numbers(self) -> dict[str, int] | None:
        """The number of each series that the model tells apart; `None` for none."""
        names = list(self.arguments["names"])
        if not names and len(self.arguments["target"]) > 1:
            if self.arguments["series"] is None:
                names = list(self.arguments["target"])
        return {name: place for place, name in enumerate(names, 1)} or None

    def read(self, data: Any, future: Any = None, **names: Any) -> tuple:
        """Returns the series of a table, and what its columns are.

        Args:
            data: A data frame, dict of columns, or array.
            future: Known covariates of later steps, as a table.
            **names: Other `target`, `time`, `series` and `every` than the model's.
        """
        frame = to_frame(data)
        columns = dataclasses.replace(self.columns, **_drop_none(names))
        if isinstance(columns.target, str):
            columns.target = [columns.target]
        is_plain = columns.target == ["value"] and "value" not in frame.columns
        if is_plain and not columns.time and not columns.covariates:
            # An array, or a table of numbers alone.
            columns.target = [str(one) for one in frame.columns]
            if columns.series:
                columns.target.remove(columns.series)
        if isinstance(data, (list, tuple)) and "series" in frame.columns:
            columns.series = columns.series or "series"
        if columns.time and columns.time not in frame.columns:
            if (joined := clock.join_times(frame)) is not None:
                frame = frame.assign(**{columns.time: joined})
        self._check_categories(frame, columns)
        later = None if future is None else to_frame(future)
        return read_series(frame, columns, later), columns

    def _check_categories(self, frame: pd.DataFrame, columns: Columns) -> None:
        there = [name for name in columns.covariates if name in frame.columns]
        found = find_categories(
            frame, [n for n in there if n not in columns.categories]
        )
        if found:
            raise ValueError(
                "Covariates that are names must be in categories: build the model with "
                f"categories={shorten(found, limit=300)}. Received: names in "
                f"{', '.join(map(repr, found))}"
            )

    def make_windows(
        self, series: Sequence[Series], columns: Columns, **options: Any
    ) -> ForecastWindows:
        """Returns the windows of series as the model reads them."""
        return ForecastWindows(
            series,
            columns,
            self.context,
            self.horizon,
            self.series_numbers,
            has_time=self.tokens.has_time,
            **options,
        )

    def predict_windows(self, windows: ForecastWindows, indices: Any) -> np.ndarray:
        """Returns the quantiles `[windows, horizon, quantiles]` of windows, float32."""
        parts = [np.zeros((0, self.horizon, len(self.quantiles)), "float32")]
        indices = np.asarray(indices, int)
        for start in range(0, len(indices), 512):
            rows = windows.rows(indices[start : start + 512])[0]
            parts.append(self.run(self.raw.encode(self.raw.split(rows)[0])))
        return np.concatenate(parts)

    def adapt(self, training: ForecastWindows, validation: ForecastWindows) -> dict:
        """Fits what has a closed form, before training: scaling and the linear layer.

        Sets season, frequency, and means and scales of covariates, where they are not
        set; chooses scaling, and levels or differences, by the ridge regression's error
        on validation windows; and begins with that regression.

        Returns:
            The mean absolute error of the regression on the validation windows, for
            each way, such as `differences`; of several series, it is scaled.
        """
        own, columns = self.arguments, training.columns
        if own["season"] is None:
            own["season"] = choose_season(training, self.context)
        own["frequency"] = own["frequency"] or columns.frequency
        count = columns.count(columns.covariates)
        if count and own["means"] is None:
            steps = np.concatenate([m[:, 1 : 1 + count] for m in training.matrices])
            with np.errstate(all="ignore"):
                known = np.where(np.isnan(steps).all(axis=0), 0.0, steps)
                means, scales = np.nanmean(known, 0), np.nanstd(known, 0)
            own["means"] = [float(f"{mean:.6g}") for mean in means]
            own["scales"] = [float(f"{s:.6g}") if s > 1e-12 else 1.0 for s in scales]
        self.tokens = self.make_tokens()
        layer = self.get_layer("windows")
        layer.season = own["season"] if 2 * own["season"] <= self.context else 1
        is_one = len(training.series) == 1
        if own["unit"] is None and is_one:
            own["unit"] = measure_unit(training, own["season"])
        layer.unit = own["unit"] or 1.0
        scalings = ["window", "series"] if is_one else ["window"]
        scalings = scalings if own["scaling"] is None else [own["scaling"]]
        ways = [True, False] if own["differences"] is None else [own["differences"]]
        found, best = {}, None
        for scaling, way in itertools.product(scalings, ways):
            layer.scaling, layer.differences = scaling, way
            parts = [
                self._scale_windows(one, FITTED if one is training else CALIBRATED)
                for one in (training, validation)
            ]
            # Errors of one series are compared in its unit.
            units = parts[1][2] if is_one else np.ones_like(parts[1][2])
            error, kernel, bias = choose_regression(parts[0][:2], parts[1][:2], units)
            name = "differences" if way else "levels"
            found[f"{name} by {scaling}" if len(scalings) > 1 else name] = error
            if best is None or error < best[0]:
                best = (error, scaling, way, kernel, bias)
        own["scaling"], own["differences"] = best[1:3]
        layer.scaling, layer.differences = best[1:3]
        if own["linear"]:
            self.get_layer("linear").kernel.assign(best[3])
            self.get_layer("linear").bias.assign(best[4])
            # The network begins with nearly nothing to add.
            head = self.get_layer("decoder").head
            head.kernel.assign(0.1 * keras.ops.convert_to_numpy(head.kernel))
        self.reset_graphs()
        return found

    def reset_graphs(self) -> None:
        """Forgets the graphs that are compiled with other settings."""
        self.train_function = self.test_function = self.predict_function = None
        for name in ("raw", "_run"):
            self.__dict__.pop(name, None)

    def _scale_windows(self, windows: ForecastWindows, most: int) -> tuple:
        """Returns scaled pasts and targets, NaN for gaps, and scales of windows."""
        inputs, targets, units = [], [], []
        chosen = windows.spread(most)
        for start in range(0, len(chosen), 512):
            rows, values = windows.rows(chosen[start : start + 512])
            arrays = self.tokens.encode(rows)
            before, _, origin, scale, _ = self.get_layer("windows")(arrays)
            inputs.append(np.asarray(before[..., 0]))
            scaled = (np.array(values) - np.asarray(origin)) / np.asarray(scale)
            targets.append(np.clip(scaled, -LARGEST, LARGEST))
            units.append(np.asarray(scale))
        return tuple(np.concatenate(parts) for parts in (inputs, targets, units))

    def calibrate(self, windows: ForecastWindows, most: int = CALIBRATED) -> None:
        """Sets widths so that quantiles cover what they say, on windows of validation.

        Distances from the median are multiplied by one number for each quantile and
        step of the horizon, or of a part of it where windows are few.
        """
        chosen, head = windows.spread(most), self.get_layer("head")
        if len(chosen) < 2:
            return
        head.widths.assign(np.ones(head.widths.shape, "float32"))
        found = self.predict_windows(windows, chosen).astype("float64")
        truth = np.array(windows.rows(chosen)[1])
        median = found[..., self.middle]
        widths = np.ones(head.widths.shape, "float32")
        # Windows overlap: as many as fit side by side tell something new. Of few, the
        # quantile of a larger share is taken, as conformal prediction does, and times
        # that are to come may differ more: as Student's quantile from the normal one.
        sizes = np.array([len(one) for one in windows.origins])
        count = max(np.ceil(sizes / self.horizon).sum(), 1.0)
        parts = max(1, min(self.horizon, int(count) // ENOUGH))
        for part in np.array_split(np.arange(self.horizon), parts):
            for place, level in enumerate(self.quantiles):
                if place == self.middle:
                    continue
                distance = found[:, part, place] - median[:, part]
                ratio = (truth[:, part] - median[:, part]) / np.where(
                    np.abs(distance) > 0, distance, np.nan
                )
                known = ratio[~np.isnan(ratio)]
                if not len(known):
                    continue
                # Below the median, distances are negative, and ratios turned around.
                share = max(level, 1 - level)
                share += (1 - share) / (count + 1)
                width = np.quantile(known, share)
                width *= stdtrit(count + 1, share) / ndtri(share)
                widths[part, place] = np.clip(width, 0.05, 20.0)
        head.widths.assign(_keep_order(widths, self.middle))
        self.arguments["normal_scores"] = self.measure_normal_scores(windows, chosen)
        self.reset_graphs()

    def fit(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Trains on whole series; or on examples, as `keras.Model.fit`.

        Args:
            x: A table or array of whole series: a data frame, a dict of columns, an
                array `[time]` or `[time, series]`, or a list of series. With `y`: rows.
            y: Targets of rows; see `rnnzoo.tokens.forecasting.ForecastSteps`.
            **options: For whole series `epochs` (10), `batch_size` (64),
                `steps_per_epoch` (a pass over all windows, at most 300),
                `validation_split` (0.15, the last part of each series), `every`,
                `verbose` and `callbacks`; else those of `keras.Model.fit`.
        """
        if y is not None or not is_table(x):
            return super().fit(x, y, **options)
        return self._fit_table(x, **options)

    def _fit_table(
        self,
        data: Any,
        *,
        epochs: int = 10,
        batch_size: int = 64,
        steps_per_epoch: int | None = None,
        validation_split: float = 0.15,
        every: str | None = None,
        seed: int = 0,
        callbacks: Iterable[Any] = (),
        verbose: Any = "auto",
    ) -> Any:
        from rnnzoo.data.pipeline import batches

        check_number("validation_split", validation_split, above=0, below=0.9)
        series, columns = self.read(data, every=every)
        training, validation = self.split(series, columns, validation_split)
        self.adapt(training, validation)
        steps = steps_per_epoch or min(300, training.batches_per_epoch(batch_size))
        data = batches(training, self.encode, batch_size=batch_size, seed=seed)
        held = validation.rows(validation.spread(1000))
        stop = keras.callbacks.EarlyStopping(
            patience=3, restore_best_weights=True, verbose=0
        )
        history = super().fit(
            data,
            steps_per_epoch=steps,
            epochs=epochs,
            validation_data=held,
            callbacks=[*callbacks, stop],
            verbose=verbose,
        )
        self.calibrate(validation)
        return history

    def split(self, series: Any, columns: Columns, fraction: float) -> tuple:
        """Returns the windows before the last part of each series, and those in it.

        Raises:
            ValueError: If no series is long enough for both.
        """
        starts = split_by_time(series, self.horizon, fraction)
        share = 0.2 if self.series_numbers else 0.0
        training = self.make_windows(series, columns, stop=starts, unknown_share=share)
        validation = self.make_windows(series, columns, start=starts)
        if not len(training) or not len(validation):
            longest = max(map(len, series))
            raise ValueError(
                "A series at least must be long enough to learn from and to validate "
                f"on: more than {2 * self.horizon} steps for a horizon of "
                f"{self.horizon}, and not all of them gaps. Use a shorter horizon. "
                f"Received: series of at most {longest} steps"
            )
        return training, validation

    def forecast(
        self,
        data: Any,
        horizon: int | None = None,
        quantiles: Sequence[float] | None = None,
        future: Any = None,
        **names: Any,
    ) -> Any:
        """Continues every series of a table or array.

        Args:
            data: A data frame, a dict of columns, an array `[time]` or
                `[time, series]`, or a list of series. Where covariates are known in the
                future, its last rows may be the future, without values.
            horizon: Steps to forecast; `None` for the model's horizon. More steps than
                that continue from the medians.
            quantiles: Some of the model's quantiles; `None` for all.
            future: Known covariates of later steps, as a table.
            **names: Names of columns that differ from the model's: `target`, `time`,
                `series`; or `every`, to put values together.

        Returns:
            The same kind: a table with the next times, and a column for each quantile,
            such as `value_0.5`; or an array `[horizon, quantiles]`, `[horizon, series,
            quantiles]`, or a list of such.

        Raises:
            ValueError: For unknown quantiles or missing covariates of the future, and
                for what `read_series` refuses.
        """
        steps = self.horizon if horizon is None else horizon
        check_number("horizon", steps, minimum=1, maximum=100_000, whole=True)
        chosen = self.quantiles if quantiles is None else [float(q) for q in quantiles]
        unknown = [one for one in chosen if one not in self.quantiles]
        if unknown:
            raise ValueError(
                f"The quantiles must be of {self.quantiles}, which the model was "
                f"trained for. Received: {unknown}"
            )
        series, columns = self.read(data, future, **names)
        found = self._forecast_series(series, columns, steps)
        places = [self.quantiles.index(one) for one in chosen]
        found = [one[:, places] for one in found]
        kind = kind_of(data)
        if kind == "array":
            first = [one for one in found]
            is_one = np.ndim(data) == 1 and columns.series is None
            return first[0] if is_one else np.stack(first, axis=1)
        if kind == "list":
            is_many = columns.series is not None
            return found if is_many else found[0]
        table = self._make_table(series, columns, found, chosen, steps)
        return to_kind(table, data)

    def _forecast_series(
        self, series: list[Series], columns: Columns, steps: int
    ) -> list[np.ndarray]:
        """Returns quantiles `[steps, quantiles]` of each series."""
        self._check_future(series, columns, steps)
        parts, done = [], 0
        series = [copy.copy(one) for one in series]
        while done < steps:
            windows = self.make_windows(series, columns)
            ends = [windows.row(place, len(one)) for place, one in enumerate(series)]
            try:
                arrays = self.raw.encode(self.raw.split(ends)[0])
            except ValueError as error:
                raise ValueError(
                    f"Every series needs a known value in its last {self.context} "
                    f"steps. {error}"
                ) from error
            found = self.run(arrays)
            parts.append(found)
            done += self.horizon
            if done < steps:
                for place, one in enumerate(series):
                    series[place] = self._append(one, found[place], columns)
        whole = np.concatenate(parts, axis=1)[:, :steps]
        return list(whole)

    def _append(self, one: Series, quantiles: np.ndarray, columns: Columns) -> Series:
        medians = quantiles[:, self.middle].astype("float64")
        values = np.concatenate([one.values, medians])
        more = one.covariates
        if len(more) < len(values):
            more = np.pad(
                more, [(0, len(values) - len(more)), (0, 0)], constant_values=np.nan
            )
        times = one.times
        if times is not None and columns.frequency and len(times) < len(values):
            next_times = clock.continue_times(
                times, columns.frequency, len(values) - len(times)
            )
            times = times.append(next_times)
        return dataclasses.replace(one, values=values, covariates=more, times=times)

    def _check_future(self, series: Any, columns: Columns, steps: int) -> None:
        known = columns.count(columns.known)
        for one in series if known else ():
            later = one.covariates[len(one) : len(one) + steps, :known]
            if len(later) < steps or np.isnan(later).any():
                missing = (
                    len(later)
                    if len(later) < steps
                    else int(np.isnan(later).any(axis=1).argmax())
                )
                raise ValueError(
                    f"The covariates {', '.join(map(repr, columns.known))} must be "
                    f"known for all {steps} steps after the last value: add rows with "
                    "them and no value, or give them as future=TABLE. Received: none "
                    f"at step {missing + 1} of {one.name!r}"
                )

    def _make_table(
        self, series: Any, columns: Columns, found: Any, chosen: Any, steps: int
    ) -> pd.DataFrame:
        """Returns forecasts in long form: series, time, a column for each quantile."""
        tables: dict[Any, dict] = {}
        for one, values in zip(series, found, strict=True):
            table = tables.setdefault(one.key, {})
            if not table:
                if columns.series:
                    table[columns.series] = [one.key] * steps
                table |= self._continue_time(one, columns, steps)
            for place, level in enumerate(chosen):
                table[f"{one.target}_{level:g}"] = values[:, place].astype("float64")
        parts = [pd.DataFrame(table) for table in tables.values()]
        return pd.concat(parts, ignore_index=True)

    def _continue_time(self, one: Series, columns: Columns, steps: int) -> dict:
        if columns.time is None:
            return {"step": np.arange(1, steps + 1)}
        if one.times is None:  # whole numbers
            return {columns.time: len(one) + np.arange(steps)}
        if columns.frequency is None:
            raise ValueError(
                f"A single time has no frequency to continue {columns.time!r} at: give "
                "two rows at least, or frequency='h' when building the model. Received:"
                f" {len(one)} row"
            )
        past = one.times[: len(one)]
        return {columns.time: clock.continue_times(past, columns.frequency, steps)}

    def evaluate(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Measures forecasts of whole series; or examples, as `keras.Model.evaluate`.

        For a table or array of whole series, returns a dict of the errors of a rolling
        back-test over all of it: see `rnnzoo.analysis.forecasts`.
        """
        if y is not None or not is_table(x):
            return super().evaluate(x, y, **options)
        return self.backtest(x, **options).figures()

    def backtest(
        self,
        data: Any,
        fraction: float = 1.0,
        origins: int = 500,
        progress: Any = iter,
        **names: Any,
    ) -> Any:
        """Forecasts the last part of every series from many origins, and compares.

        Args:
            data: A table or array of whole series.
            fraction: The part of each series whose values are forecast.
            origins: At most so many, evenly over the part and the series.
            progress: Wraps an iterable to show progress.
            **names: As of `forecast`.

        Returns:
            `rnnzoo.analysis.forecasts.BackTest`, with the simple methods beside.
        """
        from rnnzoo.analysis.forecasts import run_backtest

        series, columns = self.read(data, **names)
        return run_backtest(self, series, columns, fraction, origins, progress)

    def begin(self, data: Any = None) -> tuple:
        """Returns the state for `step`: the last rows of a table, or numbers."""
        frame = None if data is None else to_frame(data)
        if frame is None or not len(frame):
            return ()
        keep = self.context * (1 if self.columns.series is None else 1000)
        rows = frame.tail(keep)
        if self._is_plain:
            return tuple(rows.iloc[:, 0].tolist())
        return tuple(rows.to_dict("records"))

    @property
    def _is_plain(self) -> bool:
        return not (self.columns.time or self.columns.covariates or self.columns.series)

    def step(self, state: tuple, observation: Any, future: Any = None) -> tuple:
        """Reads the next observation; returns the forecast from it on, and the state.

        Args:
            state: What `begin` or `step` returned.
            observation: The next value; or a dict from the columns to its values.
            future: Known covariates of later steps, as a table.

        Returns:
            Quantiles `[horizon, quantiles]` for a value, a dict of columns for a dict;
            and the state.
        """
        keep = self.context * (1 if self.columns.series is None else 1000)
        state = (*state, observation)[-keep:]
        if isinstance(observation, dict):
            names = list(dict.fromkeys(name for row in state for name in row))
            table = {name: [row.get(name) for row in state] for name in names}
            return self.forecast(table, future=future), state
        values = np.array([np.nan if one is None else one for one in state], "float64")
        return self.forecast(values), state

    def stream(self, observations: Iterable[Any], state: tuple = ()) -> Iterator[Any]:
        """Yields the forecast after each of the observations, as `step` returns it."""
        for observation in observations:
            found, state = self.step(state, observation)
            yield found


def measure_unit(windows: ForecastWindows, season: int) -> float:
    """Returns the mean change from season to season of the one series of windows."""
    last = windows.flat.max() + windows.horizon
    values = windows.series[0].values[:last]
    change = np.abs(values[season:] - values[:-season])
    known = change[~np.isnan(change)]
    found = known.mean() if len(known) else 0.0
    size = np.nanmean(np.abs(values))
    return float(f"{max(found, 1e-3 * size) or 1.0:.6g}")


def choose_season(windows: ForecastWindows, context: int) -> int:
    """Returns the steps of a season: that of the frequency, or what repeats best."""
    usual = clock.find_season(windows.columns.frequency)
    if usual > 1 and usual < context:
        return usual
    if windows.columns.frequency is not None:
        return 1
    candidates = [one for one in (24, 12, 7, 52, 4, 96) if 2 * one <= context]
    longest = max(windows.series, key=len).values
    values = longest[-20 * context :]
    best, found = np.nanmean(np.abs(np.diff(values))) if len(values) > 1 else 0.0, 1
    for one in candidates:
        if len(values) <= 2 * one:
            continue
        change = np.nanmean(np.abs(values[one:] - values[:-one]))
        if change < 0.8 * best:
            best, found = change, one
    return found


def _drop_none(names: dict) -> dict:
    return {name: value for name, value in names.items() if value is not None}


@functools.lru_cache(1)
def _sides(count: int, middle: int) -> tuple:
    return tuple(range(middle - 1, -1, -1)), tuple(range(middle + 1, count))


def _keep_order(widths: np.ndarray, middle: int) -> np.ndarray:
    """Returns factors under which outer quantiles stay outside of inner ones."""
    for side in _sides(widths.shape[1], middle):
        for inner, outer in zip(side, side[1:], strict=False):
            widths[:, outer] = np.maximum(widths[:, outer], widths[:, inner])
    return widths
