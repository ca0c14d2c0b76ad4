"""Forecasts of whole series in tables and arrays: fit, forecast, score, anomalies."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rnnzoo.data import times as clock
from rnnzoo.data.series_tables import (
    TIME,
    Columns,
    Series,
    find_categories,
    has_time_index,
    read_series,
    to_frame,
)
from rnnzoo.data.table_kinds import is_table, kind_of, to_kind
from rnnzoo.data.windows import ForecastWindows
from rnnzoo.errors import check_number, shorten
from rnnzoo.models.forecast_anomalies import AnomalyMixin
from rnnzoo.models.forecast_fitting import FittingMixin


class TableForecasts(FittingMixin, AnomalyMixin):
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
        columns = dataclasses.replace(self.columns, **_drop_none(names))
        frame = to_frame(data, time=columns.time)
        if isinstance(columns.target, str):
            columns.target = [columns.target]
        if has_time_index(data):
            columns.time = columns.time or data.index.name or TIME
        is_plain = columns.target == ["value"] and not columns.covariates
        if is_plain and columns.time is None and kind_of(data) == "table":
            columns.time = clock.find_time_column(frame)
        if is_plain and "value" not in frame.columns:
            # An array, or a table of nothing else.
            others = (columns.time, columns.series)
            columns.target = [one for one in frame.columns if one not in others]
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
            is_one = np.ndim(data) == 1 and columns.series is None
            return found[0] if is_one else np.stack(found, axis=1)
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
        series = list(series)
        while done < steps:
            self._check_pasts(series)
            windows = self.make_windows(series, columns)
            ends = [windows.row(place, len(one)) for place, one in enumerate(series)]
            found = self.run(self.raw.encode(self.raw.split(ends)[0]))
            parts.append(found)
            done += self.horizon
            if done < steps:
                for place, one in enumerate(series):
                    series[place] = self._append(one, found[place])
        whole = np.concatenate(parts, axis=1)[:, :steps]
        return list(whole)

    def _check_pasts(self, series: list[Series]) -> None:
        last = [one.values[-self.context :] for one in series]
        empty = [
            one.name
            for one, values in zip(series, last, strict=True)
            if np.isnan(values).all()
        ]
        if empty:
            raise ValueError(
                f"Every series needs a known value in its last {self.context} steps, "
                "which are what the model reads: remove others, or rows without values "
                f"at their end. Received: none in {shorten(empty, limit=200)}"
            )

    def _append(self, one: Series, quantiles: np.ndarray) -> Series:
        medians = quantiles[:, self.middle].astype("float64")
        values = np.concatenate([one.values, medians])
        more = one.covariates
        if len(more) < len(values):
            more = np.pad(
                more, [(0, len(values) - len(more)), (0, 0)], constant_values=np.nan
            )
        # Windows continue the times.
        return dataclasses.replace(one, values=values, covariates=more)

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
            return {columns.time: one.count(len(one), len(one) + steps)}
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
        return np.asarray(self.forecast(list(state))), state

    def stream(self, observations: Iterable[Any], state: tuple = ()) -> Iterator[Any]:
        """Yields the forecast after each of the observations, as `step` returns it."""
        for observation in observations:
            found, state = self.step(state, observation)
            yield found


def _drop_none(names: dict) -> dict:
    return {name: value for name, value in names.items() if value is not None}
