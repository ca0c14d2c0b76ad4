"""Measures of forecasts, simple methods beside them, back-tests, thresholds, events."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from rnnzoo import forecaster
from rnnzoo.analysis import forecast_baselines as baselines
from rnnzoo.analysis import forecast_plots
from rnnzoo.analysis.anomalies import find_threshold, report_events
from rnnzoo.analysis.forecasts import (
    measure_forecasts,
    measure_quantiles,
    measure_seasonal_change,
    run_backtest,
)
from rnnzoo.data.series_tables import Columns, Series

NAN = float("nan")


def make_series(values, name="a"):
    values = np.asarray(values, "float64")
    return Series(name, values, np.zeros((len(values), 0)))


@pytest.mark.smoke
def test_errors_are_those_computed_by_hand():
    truth = [[1.0, 3.0], [NAN, 10.0]]
    found = measure_forecasts(truth, [[2.0, 1.0], [0.0, 6.0]], scales=[0.5, 2.0])
    assert found["mae"] == pytest.approx((1 + 2 + 4) / 3)
    assert found["rmse"] == pytest.approx(((1 + 4 + 16) / 3) ** 0.5)
    assert found["smape"] == pytest.approx(200 * (1 / 3 + 2 / 4 + 4 / 16) / 3)
    # The mean over rows of the mean error of each, in its own unit.
    assert found["mase"] == pytest.approx(((1.5 / 0.5) + (4 / 2)) / 2)


def test_pinball_loss_and_coverage_are_those_computed_by_hand():
    quantiles = [[[0.0, 1.0, 4.0], [0.0, 2.0, 3.0], [9.0, 9.0, 9.0]]]
    found = measure_quantiles([[2.0, 5.0, NAN]], quantiles, [0.1, 0.5, 0.9])
    losses = [0.1 * 2, 0.5 * 1, 0.1 * 2, 0.1 * 5, 0.5 * 3, 0.9 * 2]
    assert found["pinball"] == pytest.approx(sum(losses) / 6)
    assert found["coverage"] == 0.5  # the second one is above its interval


def test_what_cannot_be_measured_is_not_a_number_and_no_warning():
    found = measure_forecasts([[NAN, NAN]], [[1.0, 1.0]], scales=[1.0])
    assert all(np.isnan(value) for value in found.values())
    constant = measure_forecasts([[5.0]], [[5.0]], scales=[0.0])
    assert constant["mae"] == 0 and np.isnan(constant["mase"])
    assert measure_forecasts([[0.0]], [[0.0]])["smape"] == 0
    assert np.isnan(measure_seasonal_change([NAN, NAN, NAN], 1))
    assert measure_seasonal_change([1, NAN, 3, 4], 1) == 1
    with pytest.raises(ValueError, match=r"both be \[rows, horizon\]"):
        measure_forecasts([[1.0]], [[1.0, 2.0]])


@pytest.mark.parametrize(
    ("season", "expected"), [(1, [5.0] * 5), (2, [4, 5, 4, 5, 4]), (9, [5.0] * 5)]
)
def test_the_last_season_is_repeated(season, expected):
    past = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert baselines.forecast_last(past, 5, season).tolist() == expected


def test_a_gap_in_the_last_season_is_filled_by_the_one_before():
    assert baselines.forecast_last([1.0, 2.0, NAN, 4.0], 4, 2).tolist() == [1, 4, 1, 4]
    assert baselines.forecast_last([NAN, 2.0, NAN, NAN], 2, 2).tolist() == [2, 2]
    assert baselines.forecast_last([NAN, NAN], 2).tolist() == [0, 0]
    mean = baselines.forecast_seasonal_mean([1.0, 2.0, NAN, 4.0], 3, 2)
    assert mean.tolist() == [1, 3, 1]


def test_drift_continues_the_line_through_both_ends():
    assert baselines.forecast_drift([1.0, 9.0, 5.0], 2).tolist() == [7, 9]
    # From the last known value on, as far as the steps are away from it.
    assert baselines.forecast_drift([1.0, 2.0, NAN, NAN], 2).tolist() == [5, 6]
    assert baselines.forecast_drift([NAN, 3.0], 2).tolist() == [3, 3]


def test_a_ridge_regression_continues_a_wave():
    wave = np.sin(np.arange(400) * 2 * np.pi / 20)
    ridge = baselines.RidgeForecast.fit([make_series(wave)], [360], 10, 40)
    np.testing.assert_allclose(ridge(wave[:360], 0), wave[360:370], atol=0.01)
    # Series of very different units have one together.
    both = [make_series(wave[:100]), make_series(1e6 * wave[:100], "b")]
    ridge = baselines.RidgeForecast.fit(both, [100, 100], 5, 20)
    assert list(ridge.kernels) == [None]
    np.testing.assert_allclose(
        ridge(1e6 * wave[:100], 1) / 1e6, wave[100:105], atol=0.05
    )
    assert baselines.RidgeForecast.fit(both, [9, 9], 5, 20) is None


def test_the_regression_does_not_see_what_it_forecasts():
    values = np.random.default_rng(0).standard_normal(300)
    other = values.copy()
    other[200:] = 1e6
    first, second = (
        baselines.RidgeForecast.fit([make_series(one)], [200], 5, 20)
        for one in (values, other)
    )
    np.testing.assert_array_equal(first.kernels[0][0], second.kernels[0][0])


@pytest.mark.parametrize(
    ("season", "frequency", "expected"),
    [
        (24, "h", {"same hour yesterday": 24, "same hour last week": 168}),
        (96, "15min", {"same time yesterday": 96, "same time last week": 672}),
        (7, "D", {"same day last week": 7, "same day last year": 365}),
        (5, "B", {"same day last week": 5}),
        (52, "W-SUN", {"same week last year": 52}),
        (12, "MS", {"same month last year": 12}),
        (4, "QS", {"same quarter last year": 4}),
        (1, "YS", {}),
        (13, None, {"last season": 13}),
    ],
)
def test_seasons_have_names(season, frequency, expected):
    assert dict(baselines.list_seasons(season, frequency)) == expected


def test_whether_a_season_shows_is_measured():
    random = np.random.default_rng(0)
    steps = np.arange(700)
    week = np.sin(steps * 2 * np.pi / 7) + 0.1 * random.standard_normal(700)
    assert baselines.measure_season(week, 7) > 0.8
    walk = np.cumsum(random.standard_normal(700))
    assert baselines.measure_season(walk, 7) < 0.1
    assert baselines.measure_season([1.0, 2.0], 7) == 0
    assert baselines.search_season(walk) == 1
    wave = np.sin(steps * 2 * np.pi / 31) + 0.1 * random.standard_normal(700)
    assert baselines.search_season(wave) == 31


class Repeats:
    """A stand-in for a forecaster: repeats the last value, give or take one."""

    quantiles, middle, horizon, context = (0.1, 0.5, 0.9), 1, 4, 12

    def __init__(self, season):
        self.arguments = {"season": season}

    def make_windows(self, series, columns, **options):
        from rnnzoo.data.windows import ForecastWindows

        return ForecastWindows(series, columns, self.context, self.horizon, **options)

    def predict_windows(self, windows, indices):
        rows = windows.rows(indices)[0]
        last = np.array([baselines.fill_gaps(row)[-1] for row in rows])
        return np.tile(last[:, None, None] + [[[-1, 0, 1]]], (1, self.horizon, 1))


@pytest.fixture(scope="module")
def test_of_waves():
    """A back-test of what repeats the last value, on a season of 6 steps."""
    random = np.random.default_rng(0)
    wave = 10 * np.sin(np.arange(240) * 2 * np.pi / 6)
    series = [make_series(wave + random.standard_normal(240), n) for n in "ab"]
    series[0].values[100:110] = NAN
    return run_backtest(Repeats(6), series, Columns(["value"]), 0.25, count=30)


def test_all_methods_forecast_from_the_same_origins(test_of_waves):
    test = test_of_waves
    assert (test.places[:, 1] >= 180).all() and len(test.truth) == 30
    for name, found in test.baselines.items():
        assert found.shape == test.truth.shape, name
        assert test.intervals[name].shape == test.quantiles.shape, name
    for (place, origin), row in zip(test.places, test.truth, strict=True):
        np.testing.assert_array_equal(row, test.series[place].values[origin:][:4])
    np.testing.assert_array_equal(test.medians, test.baselines["last value"])


def test_a_loss_is_said(test_of_waves):
    text = test_of_waves.conclude()
    name, error = test_of_waves.best_baseline()
    assert name in ("mean of the last seasons", "ridge on the window")
    assert text.lower().startswith(f"{name.lower()} wins: ") and f"{error:.4g}" in text
    assert "Use that simple method" in text
    names = [row["method"] for row in test_of_waves.rows()]
    assert names == [
        "rnnzoo forecaster",
        "last value",
        "seasonal naive (last season)",
        "mean of the last seasons",
        "drift",
        "ridge on the window",
    ]
    table = test_of_waves.table()
    assert all(name in table for name in names) and "80 % covers" in table
    assert json.loads(json.dumps(test_of_waves.figures()))["best_baseline"] == name


def test_a_gain_and_the_losses_beside_it_are_said(test_of_waves):
    truth, values = test_of_waves.truth, {}
    quantiles = np.repeat(np.nan_to_num(truth)[..., None], 3, axis=-1)
    quantiles[0] += 20  # one large error
    one = dataclasses.replace(test_of_waves, quantiles=quantiles)
    text = one.conclude()
    assert text.startswith("The network wins: ") and " By RMSE, " in text
    values["right"] = np.nan_to_num(truth) + 1e-9
    close = dataclasses.replace(
        test_of_waves,
        quantiles=np.repeat(np.nan_to_num(truth)[..., None] + 0.99e-9, 3, -1),
        baselines=values,
        intervals={},
    )
    assert "may be chance" in close.conclude()


def test_intervals_of_simple_methods_cover_what_they_say(test_of_waves):
    rows = {row["method"]: row for row in test_of_waves.rows()}
    assert 0.6 <= rows["mean of the last seasons"]["coverage"] <= 0.95
    assert rows["mean of the last seasons"]["pinball"] < rows["last value"]["pinball"]


def test_a_series_without_a_future_is_refused():
    with pytest.raises(ValueError, match="a past and 4 steps after it"):
        run_backtest(Repeats(1), [make_series([1.0, 2.0])], Columns(["value"]))


def test_a_constant_series_is_measured():
    test = run_backtest(Repeats(1), [make_series([5.0] * 60)], Columns(["value"]), 0.3)
    assert test.conclude().startswith("Last value wins: ")
    assert "mase" not in test.figures() and "-" in test.table()


def test_pictures_are_drawn(test_of_waves, tmp_path):
    for name in ("forecasts", "errors_by_step", "residuals"):
        plot = getattr(forecast_plots, f"plot_{name}")
        figure = plot(test_of_waves, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
        for axis in figure.axes:
            assert axis.get_xlabel() and axis.get_ylabel()
            assert axis.get_legend() is None  # it stands outside, and covers nothing
    forecast_plots.write_rows(test_of_waves, tmp_path / "rows.csv")
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert rows["mae"][0] == pytest.approx(test_of_waves.rows()[0]["mae"], rel=1e-4)


def test_thresholds_are_exceeded_as_often_as_wanted():
    scores = np.sort(np.random.default_rng(0).exponential(size=5000))
    normal = [5000, *scores[-500:]]
    for wanted in (0.01, 0.001):
        threshold = find_threshold(normal, wanted)
        assert (scores > threshold).mean() == pytest.approx(wanted, rel=0.1)
    # Rarer than what was measured: the tail goes on.
    rare = find_threshold(normal, 1e-5)
    assert scores[-1] < rare < 3 * scores[-1]
    with pytest.raises(ValueError, match="false_alarms must be a number above 0"):
        find_threshold(normal, 0.0)


def test_events_are_counted():
    labels = [0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0]
    flags = [0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1]
    report = report_events(flags, labels)
    assert report["events"] == 2 and report["recall"] == 0.5 and report["delay"] == 2
    assert report["precision"] == pytest.approx(1 / 3)
    assert report["false_alarms"] == pytest.approx(3 / 7)
    late = report_events(flags, labels, slack=1)
    assert late["recall"] == 1 and late["precision"] == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="a label for each step"):
        report_events([0, 1], [0])


@pytest.fixture(scope="module")
def daily():
    """A forecaster of days of 12 steps, and a table to look for anomalies in."""
    random = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=900, freq="2h")
    wave = 10 * np.sin(np.arange(900) * 2 * np.pi / 12)
    frame = pd.DataFrame({"time": times, "load": wave + random.standard_normal(900)})
    model = forecaster(
        weights=None, target="load", time="time", horizon=4, context=24, units=8
    )
    model.fit(frame[:700], epochs=1, verbose=0)
    return model, frame


def test_anomalies_are_found_where_they_begin(daily):
    model, frame = daily
    frame = frame.copy()
    labels = np.zeros(len(frame), bool)
    labels[800:803] = True
    frame.loc[800:802, "load"] += 40
    found = model.anomalies(frame, false_alarms=0.02)
    assert len(found) == len(frame) and list(found.columns)[0] == "time"
    flags = found["load_anomaly"].to_numpy()
    assert flags[800] and flags.mean() < 0.06
    report = report_events(flags, labels)
    assert report["recall"] == 1 and report["delay"] == 0
    assert report["false_alarms"] < 0.05
    gaps = frame.assign(load=frame["load"].where(frame.index != 600))
    found = model.anomalies(gaps, false_alarms=0.02)
    assert np.isnan(found["load_score"][600]) and not found["load_anomaly"][600]


def test_a_rate_rarer_than_what_was_measured_is_said(daily):
    model, frame = daily
    with pytest.warns(UserWarning, match="held-out"):
        model.anomalies(frame, false_alarms=1e-6)


def test_errors_of_series_are_not_mixed(test_of_waves):
    # Errors that change their sign from origin to origin, about another mean each.
    count = len(test_of_waves.truth) // 2
    signs = np.tile(1 - 2 * (np.arange(count) % 2), 2).astype("float64")
    means = np.repeat([5.0, -50.0], count)
    quantiles = np.zeros((2 * count, 4, 3))
    one = dataclasses.replace(
        test_of_waves,
        truth=np.tile((signs + means)[:, None], (1, 4)),
        quantiles=quantiles,
        places=np.stack([np.repeat([0, 1], count), np.arange(2 * count)], axis=1),
    )
    lags, found, band = forecast_plots.autocorrelate(one)
    assert len(lags) == count // 3 and 0 < band < 1
    assert (np.sign(found) == np.where(lags % 2, -1, 1)).all()
