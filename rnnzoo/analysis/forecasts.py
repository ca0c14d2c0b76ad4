"""How good forecasts are: errors, simple methods beside, and rolling back-tests."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnzoo.analysis.forecast_baselines import make_baselines
from rnnzoo.data.series_tables import Columns, Series

# Origins before the part that give simple methods their intervals.
CALIBRATED = 300
# Errors of the same step of the horizon that an interval takes at least.
ENOUGH = 30


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
        mean over rows (Hyndman and Koehler, 2006); rows of a constant past have none.
        NaN stands for what cannot be measured.

    Example:
        >>> from rnnzoo.analysis.forecasts import measure_forecasts
        >>> measure_forecasts([[1.0, 3.0]], [[2.0, 4.0]], scales=[0.5])["mase"]
        2.0
    """
    truth = np.asarray(truth, "float64")
    forecasts = np.asarray(forecasts, "float64")
    if truth.shape != forecasts.shape or truth.ndim != 2:
        raise ValueError(
            "truth and forecasts must both be [rows, horizon]. Received: shapes "
            f"{truth.shape} and {forecasts.shape}"
        )
    error, known = np.abs(forecasts - truth), ~np.isnan(truth)
    size = np.abs(truth) + np.abs(forecasts)
    relative = np.where(size > 0, 200 * error / np.where(size > 0, size, 1), 0.0)
    found = {
        "mae": _mean(error[known]),
        "rmse": _mean(error[known] ** 2) ** 0.5,
        "smape": _mean(relative[known]),
    }
    if scales is not None:
        counts = known.sum(axis=1)
        rows = np.where(known, error, 0.0).sum(axis=1) / np.maximum(counts, 1)
        units = np.asarray(scales, "float64")
        is_good = (counts > 0) & (units > 0)  # NaN is neither
        found["mase"] = _mean(rows[is_good] / units[is_good])
    return found


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


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
        >>> measure_quantiles([[2.0]], [[[1.0, 2.0]]], [0.5, 0.75])
        {'pinball': 0.25, 'coverage': 1.0}
    """
    truth = np.asarray(truth, "float64")
    known = ~np.isnan(truth)
    error = (truth[..., None] - np.asarray(quantiles, "float64"))[known]
    shares = np.asarray(levels, "float64")
    loss = np.maximum(shares * error, (shares - 1) * error)
    inside = (error[:, 0] >= 0) & (error[:, -1] <= 0)
    return {"pinball": _mean(loss.ravel()), "coverage": _mean(inside)}


def measure_seasonal_change(values: Any, season: int) -> float:
    """Returns the mean absolute change from one season to the next, without gaps.

    NaN if there is none.

    Example:
        >>> from rnnzoo.analysis.forecasts import measure_seasonal_change
        >>> measure_seasonal_change([1.0, 5.0, 2.0, 7.0], season=2)
        1.5
    """
    values = np.asarray(values, "float64")
    season = season if season < len(values) else 1
    change = np.abs(values[season:] - values[:-season])
    return _mean(change[~np.isnan(change)])


@dataclasses.dataclass
class BackTest:
    """Forecasts from many origins, and what came.

    Attributes:
        truth: `[origins, horizon]`, NaN for gaps.
        quantiles: The model's, `[origins, horizon, levels]`.
        levels: The levels of the quantiles.
        baselines: Forecasts of simple methods by name, each as `truth`.
        intervals: Their quantiles, as the model's, from their errors before the part;
            without those for which that was too short.
        scales: For each origin, the seasonal change in the past of its series.
        season: Steps of a season.
        places: Series and origin of each row, `[origins, 2]`.
        series: The series.
    """

    truth: np.ndarray
    quantiles: np.ndarray
    levels: list[float]
    baselines: dict[str, np.ndarray]
    intervals: dict[str, np.ndarray]
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
        own = {
            name: value for name, value in self.rows()[0].items() if name != "method"
        }
        name, error = self.best_baseline()
        better = {"best_baseline": name, "best_baseline_mae": error}
        found = {"origins": len(self.truth), **own, **better}
        return {k: v for k, v in found.items() if v == v}  # what can be measured

    def rows(self) -> list[dict[str, Any]]:
        """Returns a row of errors for the model and each simple method."""
        own = measure_forecasts(self.truth, self.medians, self.scales)
        own |= measure_quantiles(self.truth, self.quantiles, self.levels)
        found: list[dict[str, Any]] = [{"method": "rnnzoo forecaster", **own}]
        for name, forecasts in self.baselines.items():
            errors = measure_forecasts(self.truth, forecasts, self.scales)
            if name in self.intervals:
                quantiles = self.intervals[name]
                errors |= measure_quantiles(self.truth, quantiles, self.levels)
            found.append({"method": name, **errors})
        return found

    def best_baseline(self, measure: str = "mae") -> tuple[str, float]:
        """Returns the simple method with the smallest error, and that error."""
        errors = {row["method"]: row.get(measure, np.nan) for row in self.rows()[1:]}
        errors = {name: error for name, error in errors.items() if error == error}
        name = min(errors, key=lambda one: errors[one], default="")
        return name, errors.get(name, float("nan"))

    def conclude(self) -> str:
        """Says whether the model earns its keep, and where it does not."""
        own = self.rows()[0]
        name, error = self.best_baseline()
        if own["mae"] >= error:
            wins = name[:1].upper() + name[1:]
            text = (
                f"{wins} wins: its mean absolute error is {error:.4g}, the network's "
                f"{own['mae']:.4g}. Use that simple method, or train on more data."
            )
            if own["mae"] < 1.02 * error:
                text += " So small a difference may be chance."
            other, best = self.best_baseline("pinball")
            if own["pinball"] < best:
                text += (
                    " The network's intervals are better: its pinball loss is "
                    f"{own['pinball']:.4g}, that of {other} {best:.4g}."
                )
            return text
        share = 100 * (1 - own["mae"] / error)
        text = (
            f"The network wins: its mean absolute error {own['mae']:.4g} is "
            f"{share:.1f} % below that of the best simple method, {name} ({error:.4g})."
        )
        if share < 2:
            text += " So small a difference may be chance."
        for measure, title in {
            "rmse": "RMSE",
            "mase": "MASE",
            "pinball": "pinball loss",
        }.items():
            if (
                not any(measure in row for row in self.rows()[1:])
                or own[measure] != own[measure]
            ):
                continue
            other, best = self.best_baseline(measure)
            if best < own[measure]:
                text += (
                    f" By {title}, {other} wins ({best:.4g}, the network "
                    f"{own[measure]:.4g})."
                )
        return text

    def table(self) -> str:
        """Returns the rows as text."""
        names = "mae rmse mase smape pinball coverage".split()
        share = 100 * (self.levels[-1] - self.levels[0])
        heads = ["", "MAE", "RMSE", "MASE", "sMAPE %", "pinball"]
        lines = [[*heads, f"{share:.0f} % covers"]]
        for row in self.rows():
            values = [row.get(name, np.nan) for name in names]
            cells = ["-" if value != value else f"{value:.4g}" for value in values]
            lines.append([row["method"], *cells])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
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

    All methods forecast from the same origins, and see the same past: the simple ones
    all of it, though regression and intervals are of the steps before the part.

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
    if starts is None and fraction < 1:
        starts = split_by_time(series, horizon, fraction)
    elif starts is None:  # all, but for a past to begin with
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
    truth = np.array(windows.rows(chosen)[1])
    places = np.stack([windows.places[chosen], windows.flat[chosen]], axis=1)
    season, levels = model.arguments["season"] or 1, list(model.quantiles)
    units = [
        measure_seasonal_change(one.values[:start], season)
        for one, start in zip(series, starts, strict=True)
    ]
    options = (horizon, context, season, columns.frequency)
    methods = make_baselines(series, starts, *options)
    baselines = {
        name: _forecast(method, series, places) for name, method in methods.items()
    }
    scales = np.array(units)[places[:, 0]]
    widths = _measure_widths(model, series, columns, starts, units, levels, options)
    return BackTest(
        truth,
        np.concatenate(parts).astype("float64"),
        levels,
        baselines,
        {
            name: baselines[name][..., None] + found * _to_units(scales)[:, None, None]
            for name, found in widths.items()
            if name in baselines
        },
        scales,
        season,
        places,
        list(series),
    )


def _forecast(
    method: Callable, series: Sequence[Series], places: np.ndarray
) -> np.ndarray:
    """Returns what a simple method forecasts, `[origins, horizon]`."""
    rows = [method(series[place].values[:origin], place) for place, origin in places]
    return np.array(rows)


def _to_units(scales: np.ndarray) -> np.ndarray:
    return np.where(scales > 0, scales, 1.0)


def _measure_widths(
    model: Any,
    series: Sequence[Series],
    columns: Columns,
    starts: Sequence[int],
    units: list[float],
    levels: list[float],
    options: tuple,
) -> dict[str, np.ndarray]:
    """Returns quantiles of the errors of simple methods, `[horizon, levels]`, by name.

    The errors are of origins in the last fifth before the starts, in units of seasonal
    changes; the regression for them is fitted before.
    """
    horizon = options[0]
    before = [max(start * 4 // 5, 1) for start in starts]
    windows = model.make_windows(series, columns, start=before, stop=starts)
    if len(windows) < 10:
        return {}
    chosen = windows.spread(CALIBRATED)
    truth = np.array(windows.rows(chosen)[1])
    places = np.stack([windows.places[chosen], windows.flat[chosen]], axis=1)
    scales = _to_units(np.array(units)[places[:, 0]])[:, None]
    # Neighbouring steps share their errors where there are few.
    parts = np.array_split(
        np.arange(horizon), max(1, min(horizon, len(chosen) // ENOUGH))
    )
    found = {}
    for name, method in make_baselines(series, before, *options).items():
        error = (truth - _forecast(method, series, places)) / scales
        widths = np.zeros((horizon, len(levels)))
        for part in parts:
            known = error[:, part][~np.isnan(error[:, part])]
            if len(known):
                widths[part] = np.quantile(known, levels)
        found[name] = widths
    return found
