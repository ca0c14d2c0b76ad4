"""How good forecasts are: errors, simple methods beside, and rolling back-tests."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnzoo.analysis.forecast_regression import choose_regression
from rnnzoo.data.series_tables import Columns, Series

# Windows that a regression is fitted to at most.
FITTED = 6000


def measure_forecasts(
    truth: Any, forecasts: Any, scales: Any = None
) -> dict[str, float]:
    """Returns errors of forecasts; gaps of the truth (NaN) are left out.

    Args:
        truth: What came, `[rows, horizon]`.
        forecasts: What was forecast, as many.
        scales: For MASE: of each row, the mean change from one season to the next in
            the past of its series (`measure_seasonal_change`).

    Returns:
        `mae`, `rmse`, `smape` (in percent, of 0 to 200) and, with scales, `mase`, the
        mean over rows (Hyndman and Koehler, 2006).

    Example:
        >>> from rnnzoo.analysis.forecasts import measure_forecasts
        >>> measure_forecasts([[1.0, 1.0]], [[2.0, 2.0]], scales=[0.5])["mase"]
        2.0
    """
    truth = np.asarray(truth, "float64")
    forecasts = np.asarray(forecasts, "float64")
    error, known = forecasts - truth, ~np.isnan(truth)
    size = np.abs(truth) + np.abs(forecasts)
    relative = np.where(size > 0, 200 * np.abs(error) / np.where(size > 0, size, 1), 0)
    found = {
        "mae": float(np.abs(error[known]).mean()),
        "rmse": float(np.sqrt((error[known] ** 2).mean())),
        "smape": float(relative[known].mean()),
    }
    if scales is not None:
        rows = np.nanmean(np.where(known, np.abs(error), np.nan), axis=1)
        ratios = rows / np.asarray(scales, "float64")
        found["mase"] = float(np.nanmean(np.where(np.isfinite(ratios), ratios, np.nan)))
    return found


def measure_quantiles(
    truth: Any, quantiles: Any, levels: Sequence[float]
) -> dict[str, float]:
    """Returns the mean pinball loss of quantiles, and what an outer interval covers.

    Args:
        truth: What came, `[rows, horizon]`, NaN for gaps.
        quantiles: `[rows, horizon, levels]`.
        levels: The levels of the quantiles, ascending.

    Example:
        >>> from rnnzoo.analysis.forecasts import measure_quantiles
        >>> measure_quantiles([[2.0]], [[[1.0, 2.0, 4.0]]], [0.1, 0.5, 0.9])
        {'pinball': 0.09999999999999999, 'coverage': 1.0}
    """
    truth = np.asarray(truth, "float64")
    known = ~np.isnan(truth)
    error = (truth[..., None] - np.asarray(quantiles, "float64"))[known]
    levels = np.asarray(levels)
    loss = np.maximum(levels * error, (levels - 1) * error)
    inside = (error[:, 0] >= 0) & (error[:, -1] <= 0)
    return {"pinball": float(loss.mean()), "coverage": float(inside.mean())}


def measure_seasonal_change(values: Any, season: int) -> float:
    """Returns the mean absolute change from one season to the next, without gaps.

    Example:
        >>> from rnnzoo.analysis.forecasts import measure_seasonal_change
        >>> measure_seasonal_change([1.0, 5.0, 2.0, 7.0], season=2)
        1.5
    """
    values = np.asarray(values, "float64")
    season = season if season < len(values) else 1
    change = np.abs(values[season:] - values[:-season])
    known = change[~np.isnan(change)]
    return float(known.mean()) if len(known) else float("nan")


def fill_gaps(values: Any) -> np.ndarray:
    """Returns values with gaps filled by the last known one, or else the first.

    Example:
        >>> from rnnzoo.analysis.forecasts import fill_gaps
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
    """Repeats the last value (`season=1`), or the last season."""
    past = fill_gaps(past)
    season = season if season <= len(past) else 1
    return np.resize(past[-season:], horizon)


def forecast_drift(past: Any, horizon: int) -> np.ndarray:
    """Continues the line through the first and the last value."""
    past = fill_gaps(past)
    slope = (past[-1] - past[0]) / max(len(past) - 1, 1)
    return past[-1] + slope * np.arange(1, horizon + 1)


def forecast_seasonal_mean(past: Any, horizon: int, season: int) -> np.ndarray:
    """Repeats the mean of the last (at most four) seasons."""
    past = fill_gaps(past)
    if season > len(past):
        return forecast_last(past, horizon)
    count = min(len(past) // season, 4)
    return np.resize(past[-count * season :].reshape(count, season).mean(0), horizon)


def list_seasons(season: int, frequency: str | None) -> list[tuple[str, int]]:
    """Returns names and steps of the seasons whose last one is a forecast.

    Example:
        >>> from rnnzoo.analysis.forecasts import list_seasons
        >>> list_seasons(24, "h")
        [('same time yesterday', 24), ('same time last week', 168)]
    """
    from rnnzoo.data.times import measure_step

    if season <= 1:
        return []
    step = 0.0 if frequency is None else measure_step(frequency)
    if frequency is not None and step < 0.6 * 86_400 and season * step == 86_400:
        return [("same time yesterday", season), ("same time last week", 7 * season)]
    names = {"D": "same day last week", "B": "same day last week"}
    return [(names.get(frequency or "", "last season"), season)]


@dataclasses.dataclass
class BackTest:
    """Forecasts from many origins, and what came.

    Attributes:
        truth: `[origins, horizon]`, NaN for gaps.
        quantiles: The model's, `[origins, horizon, levels]`.
        levels: The levels of the quantiles.
        baselines: Forecasts of simple methods by name, each as `truth`.
        scales: For each origin, the seasonal change in the past of its series.
        season: Steps of a season.
        places: Series and origin of each row, `[origins, 2]`.
        series: The series.
    """

    truth: np.ndarray
    quantiles: np.ndarray
    levels: list[float]
    baselines: dict[str, np.ndarray]
    scales: np.ndarray
    season: int
    places: np.ndarray
    series: list[Series]

    @property
    def medians(self) -> np.ndarray:
        """The model's medians, `[origins, horizon]`."""
        return self.quantiles[..., self.levels.index(0.5)]

    def figures(self) -> dict[str, Any]:
        """Returns the model's errors, and the best simple method and its error."""
        own = measure_forecasts(self.truth, self.medians, self.scales)
        own |= measure_quantiles(self.truth, self.quantiles, self.levels)
        name, error = self.best_baseline()
        better = {"best_baseline": name, "best_baseline_mae": error}
        return {"origins": len(self.truth), **own, **better}

    def rows(self) -> list[dict[str, Any]]:
        """Returns a row of errors for the model and each simple method."""
        own = measure_forecasts(self.truth, self.medians, self.scales)
        own |= measure_quantiles(self.truth, self.quantiles, self.levels)
        found = [{"method": "rnnzoo forecaster", **own}]
        for name, forecasts in self.baselines.items():
            errors = measure_forecasts(self.truth, forecasts, self.scales)
            # A point is the median, and its own interval.
            found.append({"method": name, **errors, "pinball": errors["mae"] / 2})
        return found

    def best_baseline(self) -> tuple[str, float]:
        """Returns the simple method with the smallest mean absolute error."""
        errors = {
            name: measure_forecasts(self.truth, forecasts)["mae"]
            for name, forecasts in self.baselines.items()
        }
        name = min(errors, key=lambda one: errors[one])
        return name, errors[name]

    def conclude(self) -> str:
        """Says whether the model earns its keep."""
        own = measure_forecasts(self.truth, self.medians)["mae"]
        name, error = self.best_baseline()
        if own < error:
            share = 100 * (1 - own / error)
            return (
                f"The network is better than all simple methods: its mean absolute "
                f"error {own:.4g} is {share:.1f} % below that of the best of them, "
                f"{name} ({error:.4g})."
            )
        return (
            f"A simple method wins: {name} has a mean absolute error of {error:.4g}, "
            f"the network {own:.4g}. Use {name}, or train with more data."
        )

    def table(self) -> str:
        """Returns the rows as text."""
        names = "mae rmse mase smape pinball coverage".split()
        heads = ["", "MAE", "RMSE", "MASE", "sMAPE %", "pinball", "80 % covers"]
        if self.levels[0] != 0.1 or self.levels[-1] != 0.9:
            share = self.levels[-1] - self.levels[0]
            heads[-1] = f"{100 * share:.0f} % covers"
        lines = [heads]
        for row in self.rows():
            cells = [row["method"]]
            for name in names:
                value = row.get(name)
                cells.append("" if value is None else f"{value:.4g}")
            lines.append(cells)
        widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )


def run_backtest(
    model: Any,
    series: Sequence[Series],
    columns: Columns,
    fraction: float = 1.0,
    count: int = 500,
    progress: Callable = iter,
    starts: Sequence[int] | None = None,
) -> BackTest:
    """Forecasts from at most `count` origins in the last part of series, and compares.

    The simple methods see the same past, all of it; the regression is fitted to the
    windows before the part, as far as there are any.

    Args:
        model: A forecaster.
        series: Series, of which the last part is forecast.
        columns: What the columns of their table are.
        fraction: The part of each series; or else `starts`, its first steps.
        count: How many origins.
        progress: Wraps an iterable to show progress.
        starts: The first origin of each series.

    Raises:
        ValueError: If there is no origin with a past and a future.
    """
    from rnnzoo.data.windows import split_by_time

    horizon, context = model.horizon, model.context
    if starts is None:
        starts = [
            1 if fraction >= 1 else split_by_time([one], horizon, fraction)[0]
            for one in series
        ]
    if fraction >= 1:  # a past to begin with
        starts = [min(context, len(one) // 2) for one in series]
    windows = model.make_windows(series, columns, start=starts)
    if not len(windows):
        raise ValueError(
            f"A series must have a past and {horizon} steps after it to be measured. "
            f"Received: series of at most {max(map(len, series))} steps"
        )
    chosen = windows.spread(count)
    parts = [
        model.predict_windows(windows, part)
        for part in progress(np.array_split(chosen, max(1, len(chosen) // 256)))
    ]
    quantiles = np.concatenate(parts).astype("float64")
    truth = np.array(windows.rows(chosen)[1])
    places = np.stack([windows.places[chosen], windows.flat[chosen]], axis=1)
    season = model.arguments["season"] or 1
    named = list_seasons(season, columns.frequency)
    baselines: dict[str, np.ndarray] = {}

    def add(name: str, method: Callable) -> None:
        rows = [method(series[place].values[:origin]) for place, origin in places]
        baselines[name] = np.array(rows)

    add("last value", lambda past: forecast_last(past, horizon))
    for name, steps in named:
        add(name, lambda past, s=steps: forecast_last(past, horizon, s))
    if season > 1:
        mean = "mean of the last seasons"
        add(mean, lambda past: forecast_seasonal_mean(past, horizon, season))
    add("drift", lambda past: forecast_drift(past, horizon))
    ridge = _forecast_by_ridge(model, series, columns, starts, windows, chosen)
    if ridge is not None:
        baselines["ridge on the window"] = ridge
    scales = [
        measure_seasonal_change(series[place].values[: starts[place]], season)
        for place, _ in places
    ]
    levels = list(model.quantiles)
    return BackTest(
        truth,
        quantiles,
        levels,
        baselines,
        np.array(scales),
        season,
        places,
        list(series),
    )


def _forecast_by_ridge(
    model: Any, series: Any, columns: Columns, starts: Any, windows: Any, chosen: Any
) -> np.ndarray | None:
    """Returns forecasts of a ridge regression that was fitted before the part."""
    before = model.make_windows(series, columns, stop=starts)
    size = min(model.context, 336)
    if len(before) < 20:
        return None

    def scale(source: Any, indices: Any) -> tuple:
        inputs, targets, origins = [], [], []
        for index in indices:
            place, origin = int(source.places[index]), int(source.flat[index])
            past = fill_gaps(series[place].values[max(0, origin - size) : origin])
            past = np.pad(past, (size - len(past), 0), mode="edge")
            inputs.append(past - past[-1])
            targets.append(source.target(place, origin) - past[-1])
            origins.append(past[-1])
        return np.array(inputs), np.array(targets), np.array(origins)

    fitted = before.spread(FITTED)
    cut = max(len(fitted) * 4 // 5, 1)
    inputs, targets, _ = scale(before, fitted)
    if len(series) > 1:  # in the unit of each window
        parts = np.random.default_rng(0).permutation(len(inputs))
    else:
        parts = np.arange(len(inputs))
    units = np.abs(inputs).mean(axis=1, keepdims=True)
    units = np.where(units > 0, units, 1.0) if len(series) > 1 else np.ones_like(units)
    inputs, targets = inputs / units, targets / units
    first, last = parts[:cut], parts[cut:] if cut < len(parts) else parts[-1:]
    _, kernel, bias = choose_regression(
        (inputs[first], targets[first]), (inputs[last], targets[last])
    )
    inputs, _, origins = scale(windows, chosen)
    units = np.abs(inputs).mean(axis=1, keepdims=True)
    units = np.where(units > 0, units, 1.0) if len(series) > 1 else np.ones_like(units)
    return (inputs / units @ kernel + bias) * units + origins[:, None]
