"""Pictures of back-tests: forecasts with a fan, errors by step, residuals."""

import csv
import os
from typing import Any

import numpy as np

from rnnzoo.analysis.forecasts import BackTest

# Colour-blind safe (Okabe and Ito, 2008).
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
FONT = 12


def plot_forecasts(test: BackTest, path: Any = None, count: int = 4) -> Any:
    """Draws some forecasts with their intervals beside what came.

    They are at even distances over the back-test, none chosen. Returns the figure, and
    writes it if there is a path.

    Args:
        test: A back-test.
        path: Where to write it: `.png`, `.svg` or `.pdf`.
        count: How many forecasts.
    """
    count = min(count, len(test.truth))
    chosen = np.linspace(0, len(test.truth) - 1, count).astype(int)
    figure, axes = _make_figure(count)
    name = test.best_baseline()[0]
    horizon = test.truth.shape[1]
    steps = np.arange(1, horizon + 1)
    for axis, row in zip(axes, chosen, strict=True):
        place, origin = test.places[row]
        one = test.series[place]
        past = one.values[max(0, origin - 2 * horizon) : origin]
        axis.plot(np.arange(1 - len(past), 1), past, color="black", lw=1.2)
        low, high = test.quantiles[row, :, 0], test.quantiles[row, :, -1]
        share = 100 * (test.levels[-1] - test.levels[0])
        axis.fill_between(
            steps,
            low,
            high,
            color=BLUE,
            alpha=0.25,
            lw=0,
            label=f"{share:.0f} % interval",
        )
        axis.plot(steps, test.medians[row], color=BLUE, lw=2, label="forecast (median)")
        axis.plot(
            steps, test.baselines[name][row], color=ORANGE, lw=1.2, ls="--", label=name
        )
        axis.plot(steps, test.truth[row], color="black", lw=1.2, label="what came")
        axis.axvline(0.5, color=GREY, lw=0.8, ls=":")
        when = (
            origin if one.times is None else one.times[min(origin, len(one.times) - 1)]
        )
        axis.set_title(
            f"{one.name}, from {when}".removesuffix(" 00:00:00"), fontsize=FONT
        )
        axis.set_xlabel("steps from the origin", fontsize=FONT)
        axis.set_ylabel(one.target, fontsize=FONT)
    lines, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        lines, labels, loc="outside lower center", ncols=4, fontsize=FONT, frameon=False
    )
    return _finish(figure, path)


def plot_errors_by_step(test: BackTest, path: Any = None) -> Any:
    """Draws the mean absolute error of each step of the horizon, beside simple methods.

    Returns the figure; arguments as of `plot_forecasts`.
    """
    figure, (axis,) = _make_figure(1)
    steps = np.arange(1, test.truth.shape[1] + 1)
    marker = "o" if len(steps) < 40 else ""
    styles = ["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1))]
    colors = [ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", GREY]
    own = np.nanmean(np.abs(test.truth - test.medians), axis=0)
    axis.plot(steps, own, color=BLUE, lw=2.5, marker=marker, label="forecaster")
    for place, (name, found) in enumerate(test.baselines.items()):
        error = np.nanmean(np.abs(test.truth - found), axis=0)
        color, style = colors[place % 6], styles[place % 6]
        axis.plot(steps, error, color=color, ls=style, lw=1.5, label=name)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("step of the horizon", fontsize=FONT)
    axis.set_ylabel("mean absolute error", fontsize=FONT)
    figure.legend(loc="outside lower center", ncols=3, fontsize=FONT, frameon=False)
    return _finish(figure, path)


def plot_residuals(test: BackTest, path: Any = None) -> Any:
    """Draws the autocorrelation of the errors of the first step, between origins.

    Bars beyond the band say that something is left to be learned. Returns the figure;
    arguments as of `plot_forecasts`.
    """
    figure, (axis,) = _make_figure(1)
    lags, found, band = autocorrelate(test)
    axis.bar(lags, found, color=BLUE, width=0.8)
    axis.axhspan(
        -band, band, color=GREY, alpha=0.3, lw=0, label="95 % of no correlation"
    )
    axis.axhline(0, color="black", lw=0.8)
    axis.set_ylim(-1.05, 1.05)
    axis.set_xlabel(
        "distance of two origins, in origins of the back-test", fontsize=FONT
    )
    axis.set_ylabel("correlation of errors of step 1", fontsize=FONT)
    figure.legend(loc="outside lower center", fontsize=FONT, frameon=False)
    return _finish(figure, path)


def autocorrelate(test: BackTest, most: int = 40) -> tuple:
    """Returns lags, correlations of errors of the first step, and the 95 % band.

    Series are not mixed: errors are relative to the mean of their series, and only
    pairs of origins of the same one count. The longest lag is a third of the origins
    that a series has.
    """
    parts = []
    for place in np.unique(test.places[:, 0]):
        rows = test.places[:, 0] == place
        error = test.truth[rows, 0] - test.medians[rows, 0]
        known = ~np.isnan(error)
        if known.any():
            parts.append(np.where(known, error - error[known].mean(), np.nan))
    longest = max(min(most, max(map(len, parts), default=0) // 3), 1)
    square = sum(float(np.nansum(part**2)) for part in parts)
    lags, found = np.arange(1, longest + 1), []
    for lag in lags:
        total = sum(float(np.nansum(part[lag:] * part[:-lag])) for part in parts)
        found.append(total / square if square else 0.0)
    count = sum(int((~np.isnan(part)).sum()) for part in parts)
    return lags, np.array(found), 1.96 / np.sqrt(max(count, 1))


def write_rows(test: BackTest, path: Any) -> None:
    """Writes the errors of all methods as csv."""
    names = ["method", "mae", "rmse", "mase", "smape", "pinball", "coverage"]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in test.rows():
            writer.writerow(
                {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
            )


def _make_figure(count: int) -> tuple:
    from matplotlib.figure import Figure

    rows, columns = (1, 1) if count == 1 else (-(-count // 2), 2)
    size = (9, 5) if count == 1 else (12, 3.6 * rows + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    axes = [figure.add_subplot(rows, columns, place + 1) for place in range(count)]
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.tick_params(labelsize=FONT - 1)
    return figure, axes


def _finish(figure: Any, path: Any) -> Any:
    if path is not None:
        figure.savefig(os.fspath(path), dpi=110)
    return figure
