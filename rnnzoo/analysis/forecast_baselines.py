"""Simple methods that a forecaster has to beat: repeats, drift, ridge regression."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnzoo.analysis.forecast_regression import PENALTIES, solve_ridge
from rnnzoo.data.series_tables import Series

# Windows that a regression is fitted to at most, and steps of the past that it reads.
FITTED, READ = 6000, 336
# Series that have a regression of their own each, and the windows that it takes.
OWN_SERIES, OWN_WINDOWS = 20, 500
# Seasons of which a phase may be missing in all but the oldest.
SEASONS = 8


def fill_gaps(values: Any) -> np.ndarray:
    """Returns values with gaps filled by the last known one, or else the first.

    Example:
        >>> from rnnzoo.analysis.forecast_baselines import fill_gaps
        >>> fill_gaps([float("nan"), 1.0, float("nan"), 3.0]).tolist()
        [1.0, 1.0, 1.0, 3.0]
    """
    values = np.array(values, "float64")
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.zeros_like(values)
    last = np.searchsorted(known, np.arange(len(values)), side="right") - 1
    return values[known[np.maximum(last, 0)]]


def forecast_last(past: Any, horizon: int, season: int = 1) -> np.ndarray:
    """Repeats the last value (`season=1`), or the last season.

    Where a value of the last season is missing, that of the season before stands for
    it, and without any the last known value.

    Example:
        >>> from rnnzoo.analysis.forecast_baselines import forecast_last
        >>> forecast_last([1.0, 2.0, 1.5, float("nan")], 3, season=2).tolist()
        [1.5, 2.0, 1.5]
    """
    seasons = _fold(past, season, SEASONS)
    known = ~np.isnan(seasons)
    row = len(seasons) - 1 - known[::-1].argmax(axis=0)
    found = seasons[row, np.arange(seasons.shape[1])]
    return np.resize(np.where(known.any(axis=0), found, fill_gaps(past)[-1]), horizon)


def forecast_seasonal_mean(past: Any, horizon: int, season: int) -> np.ndarray:
    """Repeats the mean of the last (at most four) seasons.

    Example:
        >>> from rnnzoo.analysis.forecast_baselines import forecast_seasonal_mean
        >>> forecast_seasonal_mean([1.0, 2.0, 3.0, 4.0], 3, season=2).tolist()
        [2.0, 3.0, 2.0]
    """
    seasons = _fold(past, season, 4)
    known = ~np.isnan(seasons)
    total, count = np.where(known, seasons, 0.0).sum(axis=0), known.sum(axis=0)
    means = np.where(count > 0, total / np.maximum(count, 1), fill_gaps(past)[-1])
    return np.resize(means, horizon)


def forecast_drift(past: Any, horizon: int) -> np.ndarray:
    """Continues the line through the first and the last known value.

    Example:
        >>> from rnnzoo.analysis.forecast_baselines import forecast_drift
        >>> forecast_drift([1.0, 7.0, 5.0], 2).tolist()
        [7.0, 9.0]
    """
    past = np.asarray(past, "float64")
    known = np.flatnonzero(~np.isnan(past))
    if len(known) < 2:
        return forecast_last(past, horizon)
    first, last = known[[0, -1]]
    slope = (past[last] - past[first]) / (last - first)
    steps = np.arange(len(past), len(past) + horizon) - last
    return past[last] + slope * steps


def _fold(past: Any, season: int, most: int) -> np.ndarray:
    """Returns the last seasons `[seasons, season]`; of a short past, the last value."""
    past = np.asarray(past, "float64")
    count = min(len(past) // season, most)
    if not count:
        return fill_gaps(past)[-1:].reshape(1, 1)
    return past[len(past) - count * season :].reshape(count, season)


def list_seasons(season: int, frequency: str | None) -> list[tuple[str, int]]:
    """Returns names and steps of the seasons whose last one is a forecast.

    Args:
        season: Steps of the shortest one; 1 for none.
        frequency: The frequency of the times, as pandas names it.

    Example:
        >>> from rnnzoo.analysis.forecast_baselines import list_seasons
        >>> list_seasons(24, "h")
        [('same hour yesterday', 24), ('same hour last week', 168)]
        >>> list_seasons(12, "MS")
        [('same month last year', 12)]
    """
    from rnnzoo.data.times import measure_step

    if season <= 1:
        return []
    if frequency is None:
        return [("last season", season)]
    step, day = measure_step(frequency), 86_400
    if step < 0.6 * day and season * step == day:
        what = "hour" if step == 3600 else "time"
        names = [f"same {what} yesterday", f"same {what} last week"]
        return [(names[0], season), (names[1], 7 * season)]
    if season == 7 and step == day:
        return [("same day last week", 7), ("same day last year", 365)]
    if season == 5 and frequency == "B":
        return [("same day last week", 5)]
    for what, steps, days in (("week", 52, 7), ("month", 12, 30), ("quarter", 4, 91)):
        if season == steps and abs(step / day - days) < 3:
            return [(f"same {what} last year", steps)]
    return [("last season", season)]


def measure_season(values: Any, season: int, shorter: int = 1) -> float:
    """Returns how clearly a season shows: 1 if it repeats, 0 or below if it does not.

    The mean change over a season is compared with that over half of one, which is made
    of whole shorter seasons.

    Example:
        >>> from rnnzoo.analysis.forecast_baselines import measure_season
        >>> measure_season([0.0, 1.0, 2.0, 1.0] * 5, season=4)
        1.0
    """
    half = max(season // 2 // shorter * shorter, 1)
    values = np.asarray(values, "float64")
    changes = [np.abs(values[lag:] - values[:-lag]) for lag in (season, half)]
    means = [one[~np.isnan(one)] for one in changes]
    if not all(map(len, means)) or season >= len(values):
        return 0.0
    whole, part = (float(one.mean()) for one in means)
    return 1 - whole / part if part > 0 else 0.0


def measure_seasons(
    series: Sequence[Series], named: Sequence[tuple[str, int]]
) -> dict[str, float]:
    """Returns how clearly each season of `list_seasons` shows in series, in the mean.

    At most 50 series and 20,000 steps of each are looked at.
    """
    found, shorter = {}, 1
    places = np.unique(
        np.linspace(0, len(series) - 1, min(len(series), 50)).astype(int)
    )
    for name, season in named:
        marks = [
            measure_season(series[place].values[-20_000:], season, shorter)
            for place in places
            if len(series[place]) > season
        ]
        found[name] = float(np.mean(marks)) if marks else 0.0
        shorter = season if found[name] > 0.1 else shorter
    return found


def search_season(values: Any) -> int:
    """Returns the season of steps that are only counted; 1 if none shows.

    It is the shortest one after which changes are nearly as small as after any, and
    clearly smaller than after half of it.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.analysis.forecast_baselines import search_season
        >>> search_season(np.sin(np.arange(200) * 2 * np.pi / 12))
        12
    """
    values = np.asarray(values, "float64")[-5000:]
    longest = min(len(values) // 3, 400)
    changes = np.full(longest + 2, np.inf)
    for lag in range(1, len(changes)):
        change = np.abs(values[lag:] - values[:-lag])
        change = change[~np.isnan(change)]
        changes[lag] = change.mean() if len(change) else np.inf
    good = [
        lag
        for lag in range(4, longest + 1)
        if changes[lag] < 0.8 * changes[lag // 2]
        and changes[lag] <= min(changes[lag - 1], changes[lag + 1])
    ]
    if not good:
        return 1
    smallest = min(changes[lag] for lag in good)
    limit = smallest + 0.05 * float(np.median(changes[np.isfinite(changes)]))
    return next(lag for lag in good if changes[lag] <= limit)


@dataclasses.dataclass
class RidgeForecast:
    """A ridge regression from the past of a window to all steps of the horizon.

    A few long series have one each; of others all windows are fitted together, each in
    units of the mean distance of its values from the last one.

    Args:
        horizon: Steps to forecast.
        size: Steps of the past that it reads.
        kernels: Kernel and bias of each series, or of all under `None`.
    """

    horizon: int
    size: int
    kernels: dict[int | None, tuple[np.ndarray, np.ndarray]]

    @classmethod
    def fit(
        cls,
        series: Sequence[Series],
        stops: Sequence[int],
        horizon: int,
        context: int,
        refit: bool = True,
    ) -> "RidgeForecast | None":
        """Returns the regression of the steps before the stops; `None` for too few.

        The last fifth of the windows chooses the penalty.

        Args:
            series: The series.
            stops: Where the steps to learn from end in each.
            horizon: Steps to forecast.
            context: Steps of the past that it may read.
            refit: Whether all windows are fitted with that penalty, or only those that
                were before.
        """
        lengths = [min(stop, len(one)) for stop, one in zip(stops, series, strict=True)]
        room = max(lengths, default=0) // 2 - horizon
        found = cls(horizon, max(1, min(context, READ, room)), {})
        windows = [
            found._cut(one.values[:stop])
            for one, stop in zip(series, lengths, strict=True)
        ]
        counts = [len(inputs) for inputs, _ in windows]
        if sum(counts) < 10:
            return None
        is_own = len(series) <= OWN_SERIES and min(counts) >= OWN_WINDOWS
        if is_own or len(series) == 1:
            for place, pair in enumerate(windows):
                found.kernels[place] = _solve([pair], refit)
        else:
            scaled = []
            for inputs, targets in windows:
                units = _measure_units(inputs)
                scaled.append((inputs / units, targets / units))
            found.kernels[None] = _solve(scaled, refit)
        return found

    def _cut(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns windows relative to the last value, and what followed, with gaps."""
        size, horizon = self.size, self.horizon
        if len(values) < size + horizon:
            return np.zeros((0, size)), np.zeros((0, horizon))
        view = np.lib.stride_tricks.sliding_window_view
        pasts = view(fill_gaps(values)[: len(values) - horizon], size)
        targets = view(values[size:], horizon)
        chosen = np.unique(np.linspace(0, len(pasts) - 1, FITTED).astype(int))
        last = pasts[chosen][:, -1:]
        return pasts[chosen] - last, targets[chosen] - last

    def __call__(self, past: Any, place: int) -> np.ndarray:
        """Continues the past of a series, which is the `place`-th."""
        past = fill_gaps(past)[-self.size :]
        past = np.pad(past, (self.size - len(past), 0), mode="edge")
        inputs = (past - past[-1])[None]
        kernel, bias = self.kernels.get(place, self.kernels.get(None, (None, None)))
        units = _measure_units(inputs) if None in self.kernels else 1.0
        return ((inputs / units) @ kernel + bias)[0] * np.ravel(units)[0] + past[-1]


def _measure_units(inputs: np.ndarray) -> np.ndarray:
    units = np.abs(inputs).mean(axis=1, keepdims=True)
    return np.where(units > 0, units, 1.0)


def _solve(pairs: Sequence[tuple], refit: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns kernel and bias for windows that are in the order of time each."""
    step = max(1, sum(len(inputs) for inputs, _ in pairs) // FITTED)
    first, last = [], []
    for inputs, targets in pairs:
        cut = max(len(inputs) * 4 // 5, 1)
        first.append((inputs[:cut:step], targets[:cut:step]))
        last.append((inputs[cut::step], targets[cut::step]))
    training, validation = _join(first), _join(last)
    if not len(validation[0]):
        validation = training
    solved = solve_ridge(*training, penalties=PENALTIES)
    errors = []
    for kernel, bias in solved:
        error = np.abs(validation[0] @ kernel + bias - validation[1])
        errors.append(np.where(np.isnan(error), 0.0, error).sum())
    best = int(np.argmin(errors))
    penalty, (kernel, bias) = PENALTIES[best], solved[best]
    if not refit:
        return kernel, bias
    both = [np.concatenate(two) for two in zip(training, validation, strict=True)]
    ((kernel, bias),) = solve_ridge(both[0], both[1], [penalty])
    return kernel, bias


def _join(pairs: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = zip(*pairs, strict=True)
    return np.concatenate(inputs), np.concatenate(targets)


def make_baselines(
    series: Sequence[Series],
    starts: Sequence[int],
    horizon: int,
    context: int,
    season: int,
    frequency: str | None,
    refit: bool = True,
) -> dict[str, Callable[[np.ndarray, int], np.ndarray]]:
    """Returns simple methods by name: from a past and its series' place to a forecast.

    They are the last value, the seasons of `list_seasons`, of which the one that shows
    most clearly before the starts is the seasonal naive forecast, the mean of the last
    seasons, the drift and, if there are enough windows, a ridge regression.

    Args:
        series: The series.
        starts: The first step of each that is to be forecast.
        horizon: Steps to forecast.
        context: Steps of the past that the regression may read.
        season: Steps of the shortest season; 1 for none.
        frequency: The frequency of the times.
        refit: As of `RidgeForecast.fit`.
    """
    before = [
        dataclasses.replace(one, values=one.values[:start])
        for one, start in zip(series, starts, strict=True)
    ]
    longest = max(map(len, before), default=0)
    named = [(name, s) for name, s in list_seasons(season, frequency) if s < longest]
    found: dict[str, Callable] = {"last value": lambda p, _: forecast_last(p, horizon)}
    marks = measure_seasons(before, named)
    best = max(marks, key=lambda name: marks[name], default="")
    for name, steps in named:
        label = f"seasonal naive ({name})" if name == best else name
        found[label] = lambda past, _, s=steps: forecast_last(past, horizon, s)
    if best:
        steps = dict(named)[best]
        found["mean of the last seasons"] = lambda past, _: forecast_seasonal_mean(
            past, horizon, steps
        )
    found["drift"] = lambda past, _: forecast_drift(past, horizon)
    ridge = RidgeForecast.fit(series, starts, horizon, context, refit)
    if ridge is not None:
        found["ridge on the window"] = ridge
    return found
