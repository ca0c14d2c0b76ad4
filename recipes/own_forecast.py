"""Forecasts numbers over time of your own, and says whether a network earns its keep.

    rnnzoo train own_forecast --data=air.csv --time=date --target=pm2.5 --horizon=24
    rnnzoo answer RUN/best.keras --data=latest.csv --to=forecast.csv
    rnnzoo evaluate RUN/best.keras --data=air.csv

The last fifth of each series is only measured on, from many origins, and beside simple
methods; the part before it chooses the epoch and the widths of the intervals. Columns
and sizes that are not given are found: the time, or columns such as year and month; the
frequency, its season, the horizon and the steps of the past.
"""

import dataclasses
import functools
import pathlib
import shlex
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnzoo.errors import shorten
from rnnzoo.recipes._forecasts import ForecastRecipe
from rnnzoo.training.recipe import option

# Steps of the horizon, of the past, and of a segment, by the season.
SIZES = {24: (24, 336, 24), 7: (14, 84, 7), 5: (10, 60, 5), 12: (12, 36, 6)}
SIZES |= {52: (13, 104, 13), 4: (8, 24, 4)}
# Steps of the past that a long series makes of a shorter past.
LONGEST = 400
# Columns that count rows are nothing to forecast.
COUNTERS = ("no", "id", "index", "row", "nr", "unnamed: 0", "")


@dataclasses.dataclass(kw_only=True)
class OwnForecast(ForecastRecipe):
    """Trains a forecaster on series of a file."""

    trained_on = "series of a user's own"
    licence = "that of the series"
    keeps_untrained = True

    epochs: int = option(20)
    patience: int = option(4)
    batch_size: int = option(64)
    dropout: float = option(0.2)
    data: str = option("", "a .csv, .tsv, .txt, .jsonl or .parquet file")
    time: str = option("", "name of the column of times; found if not given")
    target: str = option(
        "", "columns to forecast, separated by commas, or all; found if there is one"
    )
    series: str = option("", "name of the column that says which series a row is of")
    covariates: str = option(
        "", "columns known in the past, separated by commas, or all others"
    )
    known: str = option("", "columns known in the future too, separated by commas")
    every: str = option("", "frequency to put values together at, such as h or D")
    horizon: int = option(0, "steps to forecast; 0 for what suits the times", minimum=0)
    context: int = option(0, "steps of the past; 0 for what suits", minimum=0)
    segment: int = option(0, "steps of a segment; 0 for what suits", minimum=0)
    units: int = option(0, "size of the network's state; 0 for what suits", minimum=0)
    origins: int = option(500, "origins of the back-test, at most", minimum=1)
    encoding: str = option("utf-8", "how the file's characters are encoded")
    separator: str = option("", "of columns: semicolon, tab, pipe or a character")

    @functools.cached_property
    def frame(self) -> Any:
        """The table of the file, with one column of times."""
        from rnnzoo.data import times
        from rnnzoo.data.number_tables import read_frame

        if not self.data:
            raise ValueError(
                "Say which file holds the series: --data=air.csv. Received: "
                f"data={self.data!r}"
            )
        frame = read_frame(self.data, self.encoding, self.separator or None)
        if not self.time and "time" not in frame.columns:
            if (joined := times.join_times(frame)) is not None:
                names = {name.lower(): name for name in map(str, frame.columns)}
                parts = [names[part] for part in times.PARTS if part in names]
                frame = frame.drop(columns=parts).assign(time=joined)
        return frame

    @functools.cached_property
    def names(self) -> Any:
        """What the columns of the table are: `rnnzoo.data.series_tables.Columns`."""
        from rnnzoo.data import times
        from rnnzoo.data.series_tables import Columns, find_categories, find_columns

        frame = self.frame
        time = self.time or times.find_time_column(frame)
        known, covariates = split_names(self.known), split_names(self.covariates)
        used = {time, self.series or None, *known, *covariates}
        others = [name for name in frame.columns if name not in used]
        numbers = [name for name in others if self._is_numeric(name)]
        targets = split_names(self.target)
        if targets == ["all"]:
            targets = numbers
        if not targets:
            targets = self._find_target(numbers)
        for role, names in (
            ("target", targets),
            ("covariate", [name for name in covariates if name != "all"]),
            ("known", known),
            ("time", [self.time] if self.time else []),
            ("series", [self.series] if self.series else []),
        ):
            find_columns(frame, names, role)
        if covariates == ["all"]:
            kept = {*targets, time, self.series or None, *known}
            covariates = [
                name
                for name in frame.columns
                if name not in kept and name.lower() not in COUNTERS
            ]
        twice = [name for name in targets if name in (*known, *covariates)]
        if twice:
            raise ValueError(
                "A column is either to forecast or a covariate. Received: "
                f"{shorten(twice)} as both"
            )
        return Columns(
            target=targets,
            time=time,
            series=self.series or None,
            known=known,
            past=covariates,
            categories=find_categories(frame, [*known, *covariates]),
            every=self.every or None,
        )

    @functools.cached_property
    def refusals(self) -> list[str]:
        """Why columns are no numbers."""
        return []

    def _is_numeric(self, name: str) -> bool:
        from rnnzoo.data.series_tables import to_numbers

        if str(name).strip().lower() in COUNTERS:
            return False
        try:
            to_numbers(self.frame[name], name)
        except ValueError as error:
            self.refusals.append(str(error))
            return False
        return True

    def _find_target(self, numbers: list[str]) -> list[str]:
        if len(numbers) == 1:
            return numbers
        if not numbers:
            reason = f" {self.refusals[-1]}" if self.refusals else ""
            raise ValueError(
                "There must be a column of numbers to forecast: name it with "
                f"--target=COLUMN.{reason or ' Received: '}"
                + ("" if reason else shorten(list(self.frame.columns)))
            )
        raise ValueError(
            "Say which column to forecast: --target=COLUMN, several with commas, or "
            f"--target=all. There are {shorten(numbers, limit=300)}. Received: "
            f"target={self.target!r}"
        )

    @functools.cached_property
    def source(self) -> tuple:
        """The series of the table."""
        from rnnzoo.data.series_tables import read_series

        return read_series(self.frame, self.names), self.names

    @functools.cached_property
    def steps_of_season(self) -> int:
        """The steps of a season: given, usual for the frequency, or found in data."""
        from rnnzoo.analysis.forecast_baselines import search_season
        from rnnzoo.data.times import find_season

        series, columns = self.source
        if self.season:
            return self.season
        if columns.frequency is not None:
            return find_season(columns.frequency)
        place = max(range(len(series)), key=lambda one: len(series[one]))
        return search_season(series[place].values[: self.bounds_of_search(place)])

    @property
    def calendar(self) -> list[str]:
        """The periods that training sees twice at least: others would mislead."""
        from rnnzoo.data.times import choose_calendar
        from rnnzoo.layers.forecasting import CALENDAR

        series, columns = self.source
        spans = [
            (one.times[max(stop - 1, 0)] - one.times[0]).total_seconds() / 86_400
            for one, stop in zip(series, self.bounds[0], strict=True)
            if one.times is not None
        ]
        longest = max(spans, default=0.0)
        found = choose_calendar(columns.frequency)
        return [name for name in found if longest >= 1.9 * CALENDAR[name]]

    def bounds_of_search(self, place: int) -> int:
        """Returns where the last fifth of a series begins, which is not looked at."""
        return max(len(self.source[0][place]) * 4 // 5, 1)

    @functools.cached_property
    def sizes(self) -> dict[str, int]:
        """The sizes of the model that are given, and for others what suits the data."""
        series, _ = self.source
        season = self.steps_of_season
        longest = max(map(len, series))
        if season in SIZES:
            horizon, context, segment = SIZES[season]
        elif season > 1:  # parts of an hour, or what was found
            horizon, context, segment = season, 4 * season, max(season // 4, 1)
        else:
            horizon, context, segment = 12, 96, 8
        horizon = self.horizon or max(1, min(horizon, longest // 12))
        room = max(longest * 6 // 10 - horizon, 2)
        # Of long series, slower changes can be seen too.
        context = max(context, min(longest // 20, 4 * context, LONGEST))
        context = self.context or min(max(context, 2 * horizon), room, 2000)
        segment = self.segment or max(1, min(segment, context // 2, 96))
        total = sum(map(len, series))
        units = self.units or (128 if total > 5000 else 48)
        return {
            "horizon": horizon,
            "context": context,
            "segment": segment,
            "units": units,
        }

    @functools.cached_property
    def bounds(self) -> tuple[list[int], list[int]]:
        """The last fifth of each series tests, and a sixth before it validates."""
        from rnnzoo.data.windows import split_by_time

        series, horizon = self.source[0], self.sizes["horizon"]
        second = split_by_time(series, horizon, 0.2)
        before = [
            dataclasses.replace(one, values=one.values[:stop])
            for one, stop in zip(series, second, strict=True)
        ]
        first = split_by_time(before, horizon, 0.16)
        return first, second

    @functools.cached_property
    def training(self) -> Any:
        """The windows to train on; `ValueError` if the series are too short."""
        windows = self.windows(self.untrained, "train")
        if len(windows) and len(self.windows(self.untrained, "validation")):
            return windows
        longest, horizon = max(map(len, self.source[0])), self.sizes["horizon"]
        raise ValueError(
            "A series at least must be long enough to train, validate and test: about "
            f"{6 * horizon} steps for a horizon of {horizon}, most of them known. Use "
            f"a shorter --horizon. Received: series of at most {longest} steps"
        )

    def settings(self) -> dict[str, Any]:
        """Returns columns and sizes."""
        series, columns = self.source
        names = []
        if columns.series and len(series) <= 5000:
            names = [one.name for one in series]
        return {
            "target": columns.target,
            "time": columns.time,
            "series": columns.series,
            "known": columns.known,
            "past": columns.past,
            "categories": columns.categories,
            "names": names if len(names) > 1 else [],
            "season": self.steps_of_season,
            "calendar": self.calendar,
            "frequency": columns.frequency,
            **self.sizes,
        }

    def model(self) -> Any:
        """Returns the forecaster that begins as a ridge regression."""
        _ = self.training
        return super().model()

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: a pass over the windows, within limits."""
        if self.steps_per_epoch:
            return self.steps_per_epoch
        return min(max(len(self.training) // self.batch_size, 60), 200)

    def data_files(self) -> list[str]:
        """Returns the file of the series."""
        return [self.data]

    def introduce(self, model: Any, say: Callable[[str], None]) -> None:
        """Says what is forecast from what."""
        series, columns = self.source
        own, sizes = model.arguments, self.sizes
        steps = [len(one) for one in series]
        size = f"{min(steps):,} to {max(steps):,} steps"
        if len(set(steps)) == 1:
            size = f"{steps[0]:,} steps"
        say(
            f"Series: {len(series):,} of {size}, frequency "
            f"{own['frequency'] or 'unknown'}, season {own['season']}; time: "
            f"{columns.time or 'the order of the rows'}; to forecast: "
            f"{shorten(', '.join(columns.target), str, 100)}"
        )
        say(self._describe_seasons(own["season"]))
        gaps = sum(int(np.isnan(one.values).sum()) for one in series)
        if gaps:
            say(f"Gaps: {gaps:,} of {sum(steps):,} steps have no value")
        if columns.covariates:
            named = [f"{name} (known in the future)" for name in columns.known]
            say(f"Covariates: {', '.join([*named, *columns.past])}")
        say(
            f"Model: the next {sizes['horizon']} steps from the last {model.context}, "
            f"in segments of {model.segment}"
        )
        errors = [f"{way} {error:.4g}" for way, error in self.regression.items()]
        say(f"Ridge regressions' errors on validation: {', '.join(errors)}")

    def _describe_seasons(self, season: int) -> str:
        """Says which seasons show in the steps before the last part."""
        from rnnzoo.analysis import forecast_baselines

        series, columns = self.source
        before = [
            dataclasses.replace(one, values=one.values[:start])
            for one, start in zip(series, self.bounds[1], strict=True)
        ]
        named = forecast_baselines.list_seasons(season, columns.frequency)
        longest = max(map(len, before))
        named = [(name, steps) for name, steps in named if 2 * steps <= longest]
        marks = forecast_baselines.measure_seasons(before, named)
        if not marks:
            return "Seasons: none, or the series is shorter than two"
        parts = [
            f"{steps} ({name}): "
            + (f"{marks[name]:.2f}" if marks[name] > 0.1 else "does not show")
            for name, steps in named
        ]
        return f"Seasons, from 0 to 1 (repeats itself): {'; '.join(parts)}"

    def conclude(
        self, model: Any, run: pathlib.Path, progress: Any, say: Callable[[str], None]
    ) -> None:
        """Says how good forecasts are on the last part, and draws them."""
        from rnnzoo.analysis import forecast_plots

        test = self.run_backtest(model)
        count = f"{len(test.truth):,} origins in the last part of each series"
        say(f"Back-test from {count}, which training did not see:")
        say(test.table())
        say(test.conclude())
        forecast_plots.write_rows(test, run / "backtest.csv")
        for name in ("forecasts", "errors_by_step", "residuals"):
            getattr(forecast_plots, f"plot_{name}")(test, run / f"{name}.png")
        best, data = (shlex.quote(str(one)) for one in (run / "best.keras", self.data))
        folder = shlex.quote(str(run))
        pictures = "forecasts.png, errors_by_step.png, residuals.png"
        say(f"Written: {folder}/backtest.csv, {pictures}")
        say("Next:")
        say(f"  rnnzoo answer {best} --data={data} --to=forecast.csv")
        say(f"  rnnzoo evaluate {best} --data={data}")

    def run_backtest(self, model: Any, progress: Callable = iter) -> Any:
        """Returns the back-test on the last part of each series."""
        from rnnzoo.analysis.forecasts import run_backtest

        series, columns = self.source
        second = self.bounds[1]
        return run_backtest(
            model, series, columns, 0.2, self.origins, progress, starts=second
        )

    def evaluate(self, model: Any, progress: Callable = iter) -> dict[str, Any]:
        """Returns the errors on the last part of each series."""
        return self.run_backtest(model, progress).figures()


def split_names(names: str) -> list[str]:
    """Returns names that are separated by commas; quotes hold those with commas.

    Example:
        >>> from rnnzoo.recipes.own_forecast import split_names
        >>> split_names('temp, "wind, north"')
        ['temp', 'wind, north']
    """
    import csv

    if not names.strip():
        return []
    (found,) = csv.reader([names], skipinitialspace=True)
    return [name.strip() for name in found if name.strip()]


RECIPE = OwnForecast
