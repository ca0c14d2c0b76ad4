"""The forecaster: tables of all kinds in, the same kind out; times; what is refused."""

import datetime

import numpy as np
import pandas as pd
import pytest

from rnnzoo import forecaster
from rnnzoo.data import times as clock

NAN = float("nan")
SIZE = {"weights": None, "horizon": 4, "context": 24, "segment": 6, "units": 8}
WAVE = np.sin(np.arange(200) / 4) * 3 + 10


def make_frame(frequency="h", count=200, start="2024-03-20", zone=None):
    times = pd.date_range(start, periods=count, freq=frequency, tz=zone)
    return pd.DataFrame({"t": times, "y": WAVE[:count]})


@pytest.fixture(scope="module")
def plain():
    return forecaster(**SIZE)


@pytest.fixture(scope="module")
def hourly():
    return forecaster(**SIZE, target="y", time="t", frequency="h")


@pytest.fixture(scope="module")
def trained():
    model = forecaster(**SIZE)
    model.fit(WAVE, epochs=1, steps_per_epoch=20, verbose=0)
    return model


# === Kinds of data ===


@pytest.mark.smoke
def test_arrays_are_answered_with_arrays(plain):
    found = plain.forecast(WAVE)
    assert found.shape == (4, 3) and np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()
    many = plain.forecast(np.stack([WAVE, 2 * WAVE], axis=1))
    assert many.shape == (4, 2, 3)
    np.testing.assert_allclose(many[:, 0], found, rtol=1e-5)
    np.testing.assert_allclose(many[:, 1], 2 * found, rtol=1e-4)
    lists = plain.forecast([WAVE, WAVE[-30:], [1, None, 3]])
    assert [one.shape for one in lists] == [(4, 3)] * 3
    # What was before the context is not read.
    np.testing.assert_allclose(lists[1], found, rtol=1e-5)


def test_tables_are_answered_with_the_same_kind(hourly):
    frame = make_frame()
    found = hourly.forecast(frame)
    assert list(found.columns) == ["t", "y_0.1", "y_0.5", "y_0.9"]
    next_times = pd.date_range("2024-03-28 08:00", periods=4, freq="h")
    assert list(found["t"]) == list(next_times)
    table = {"t": frame["t"].astype(str).tolist(), "y": WAVE.tolist()}
    answer = hourly.forecast(table)
    assert isinstance(answer, dict)
    assert answer["y_0.5"] == pytest.approx(found["y_0.5"].tolist())


def test_polars_and_arrow_tables_are_answered_with_the_same_kind(hourly):
    polars = pytest.importorskip("polars")
    frame = make_frame()
    medians = pytest.approx(hourly.forecast(frame)["y_0.5"].tolist())
    native = hourly.forecast(polars.from_pandas(frame))
    assert isinstance(native, polars.DataFrame)
    assert native["y_0.5"].to_list() == medians
    assert native["t"][0] == datetime.datetime(2024, 3, 28, 8)
    arrow = hourly.forecast(polars.from_pandas(frame).to_arrow())
    assert arrow.column_names == native.columns
    assert arrow["y_0.5"].to_pylist() == medians


def test_an_index_of_times_is_the_time(plain):
    times = pd.date_range("2024-01-01", periods=200, freq="h", tz="Europe/Berlin")
    series = pd.Series(WAVE, index=times, name="load")
    found = plain.forecast(series.sample(frac=1, random_state=0))
    assert list(found.columns) == ["load_0.1", "load_0.5", "load_0.9"]
    assert found.index[0] == times[-1] + pd.Timedelta(hours=1)
    np.testing.assert_allclose(found, plain.forecast(WAVE), rtol=1e-5)


def test_a_model_without_columns_finds_the_time_of_a_table(plain):
    frame = make_frame("D").rename(columns={"t": "date", "y": "pm"})
    found = plain.forecast(frame.assign(date=frame["date"].astype(str)))
    assert list(found.columns) == ["date", "pm_0.1", "pm_0.5", "pm_0.9"]
    assert found["date"][0] == frame["date"].iloc[-1] + pd.Timedelta(days=1)


def test_series_are_told_apart_and_unknown_ones_are_forecast():
    names = {"series": "s", "names": ["a", "b"]}
    model = forecaster(**SIZE, target="y", time="t", frequency="h", **names)
    short = make_frame(count=50).assign(s="b")
    both = pd.concat([make_frame().assign(s="a"), short])
    found = model.forecast(both)
    assert found["s"].tolist() == ["a"] * 4 + ["b"] * 4
    assert found["t"][4] == short["t"].iloc[-1] + pd.Timedelta(hours=1)
    new = model.forecast(make_frame().assign(s="never seen"))
    assert np.isfinite(new["y_0.5"]).all()
    assert not np.allclose(new["y_0.5"], found["y_0.5"][:4], rtol=1e-9)


def test_horizons_and_quantiles_are_chosen(plain):
    whole = plain.forecast(WAVE)
    np.testing.assert_allclose(plain.forecast(WAVE, horizon=2), whole[:2], rtol=1e-5)
    longer = plain.forecast(WAVE, horizon=11)
    assert longer.shape == (11, 3)
    np.testing.assert_allclose(longer[:4], whole, rtol=1e-5)
    rest = plain.forecast(np.concatenate([WAVE, whole[:, 1]]))
    np.testing.assert_allclose(longer[4:8], rest, rtol=1e-4)
    assert plain.forecast(WAVE, quantiles=[0.9]).tolist() == whole[:, 2:].tolist()
    with pytest.raises(ValueError, match=r"of \[0.1, 0.5, 0.9\].*Received: \[0.2\]"):
        plain.forecast(WAVE, quantiles=[0.2])


# === Values ===


@pytest.mark.parametrize(
    "values",
    [
        [5.0],
        [1, 2, 3],
        [0] * 30,
        [7] * 30,
        [NAN, NAN, 3.0],
        [True, False, True],
        WAVE * 1e20,
        WAVE * 1e-20,
        np.where(np.arange(200) % 3, WAVE, NAN),
        np.append(WAVE, [NAN] * 20),
    ],
)
def test_odd_series_are_forecast(plain, values):
    found = np.asarray(plain.forecast(values))
    assert found.shape == (4, 3) and np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()


def test_the_unit_of_values_does_not_matter(plain):
    for unit in (1e-6, 1e6, 1e20):
        found = plain.forecast(WAVE * unit) / unit
        np.testing.assert_allclose(found, plain.forecast(WAVE), rtol=1e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, float("inf")], r"finite.*row 2 \(counted from 1"),
        ([1, 2, "x", 4], r"must be numbers.*Correct row 3.*Received: 'x'"),
        ([], "must be rows to read"),
        (np.full(30, NAN), r"known value in its last 24 steps.*none in \['value'\]"),
        (np.append(WAVE, [NAN] * 24), "known value in its last 24 steps"),
        ([[1, 2], [3, "y"]], r"'series 1' must be numbers.*row 2.*'y'"),
    ],
)
def test_what_has_no_values_is_refused(plain, values, message):
    with pytest.raises(ValueError, match=message):
        plain.forecast(values)


# === Times ===


FREQUENCIES = "s 10s min 15min h 6h D B W-SUN W-MON MS ME QS-JAN QE YS-JAN".split()


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_times_go_on_at_their_frequency(frequency):
    model = forecaster(**SIZE, target="y", time="t")
    frame = make_frame(frequency, 60, "1990-01-01")
    assert model.read(frame)[1].frequency is not None
    gaps = frame.drop(index=[20, 21, 40])
    found = model.forecast(gaps.sample(frac=1, random_state=0), horizon=6)
    grid = pd.date_range(frame["t"].iloc[-1], periods=7, freq=frequency)[1:]
    assert list(found["t"]) == list(grid)


def test_clocks_that_are_set_forward_and_back(hourly):
    zone = "Europe/Berlin"
    spring = make_frame(count=4, start="2024-03-30 20:00", zone=zone)
    hours = [one.hour for one in hourly.forecast(spring, horizon=6)["t"]]
    assert hours == [0, 1, 3, 4, 5, 6]
    autumn = make_frame(count=28, start="2024-10-26 00:00", zone=zone)
    hours = [one.hour for one in hourly.forecast(autumn)["t"]]
    assert autumn["t"].iloc[-1].hour == 2 and hours == [3, 4, 5, 6]
    # Days have 23, 24 and 25 hours.
    days = make_frame("D", 30, "2024-03-10", zone)
    series, columns = forecaster(**SIZE, target="y", time="t").read(days)
    assert columns.frequency == "D" and len(series[0]) == 30
    # Without a zone, the hour that is there twice is refused by row, or averaged.
    local = autumn.assign(t=autumn["t"].dt.tz_localize(None).astype(str))
    with pytest.raises(ValueError, match=r"there once.*rows 27 and 28.*every="):
        hourly.forecast(local)
    assert len(hourly.forecast(local, every="h")) == 4


def test_times_are_read_in_any_form(hourly):
    frame = make_frame()
    wanted = hourly.forecast(frame)
    seconds = frame["t"].astype("datetime64[s]").astype("int64")
    forms = [seconds * 10**power for power in (0, 3, 6, 9)]
    forms += [seconds.astype(float), seconds.astype(str)]
    forms += [frame["t"].dt.strftime("%d.%m.%Y %H:%M"), frame["t"].dt.to_period("h")]
    for form in forms:
        found = hourly.forecast(frame.assign(t=form))
        assert list(found["t"]) == list(wanted["t"]), form[0]
        np.testing.assert_allclose(found["y_0.5"], wanted["y_0.5"], rtol=1e-5)


def test_counted_steps_go_on_from_their_number():
    model = forecaster(**SIZE, target="y", time="t")
    frame = make_frame().assign(t=np.arange(100, 500, 2)).drop(index=[7])
    assert model.forecast(frame)["t"].tolist() == [500, 502, 504, 506]
    series, _ = model.read(frame)
    assert np.isnan(series[0].values).nonzero()[0].tolist() == [7]


@pytest.mark.parametrize("every", ["h", "D", "W", "MS", "ME", "QE"])
def test_irregular_times_are_put_together(every):
    model = forecaster(**SIZE, target="y", time="t")
    random = np.random.default_rng(0)
    frame = make_frame("7h")
    frame["t"] += pd.to_timedelta(random.integers(0, 9000, 200), unit="s")
    with pytest.raises(ValueError, match="every="):
        model.forecast(frame)
    series, columns = model.read(frame, every=every)
    means = frame.set_index("t")["y"].resample(every).mean()
    np.testing.assert_allclose(series[0].values, means)
    assert list(series[0].times) == list(means.index)
    assert columns.frequency is not None


def test_times_that_do_not_fit_are_refused(hourly):
    frame = make_frame()
    twice = pd.concat([frame, frame[5:7]])
    with pytest.raises(ValueError, match=r"there once; 2.*rows 6 and 201"):
        hourly.forecast(twice)
    assert hourly.forecast(twice, every="h").equals(hourly.forecast(frame))
    with pytest.raises(ValueError, match=r"frequency of the model's steps, 'h'.*'D'"):
        hourly.forecast(make_frame("D"))
    with pytest.raises(ValueError, match="frequency of the model's steps, 'h'"):
        hourly.forecast(frame, every="D")
    with pytest.raises(ValueError, match=r"a frequency of pandas.*every='often'"):
        hourly.forecast(frame, every="often")
    with pytest.raises(ValueError, match=r"'h'; 100 are not.*row 2"):
        hourly.forecast(make_frame("30min"))
    wrong = frame.assign(t=frame["t"].astype(str))
    wrong.loc[3, "t"] = "soon"
    with pytest.raises(ValueError, match=r"must have a time.*row 4.*'soon'"):
        hourly.forecast(wrong)
    text = frame.assign(y=frame["y"].astype(object))
    text.loc[3, "y"] = "broken"
    with pytest.raises(ValueError, match=r"'y' must be numbers.*row 4.*'broken'"):
        hourly.forecast(text)
    with pytest.raises(ValueError, match=r"target 'y' must be a column.*'t', 'z'"):
        hourly.forecast(frame.rename(columns={"y": "z"}))
    with pytest.raises(ValueError, match="must be rows"):
        hourly.forecast(frame[:0])
    with pytest.raises(ValueError, match="different names.*'y' twice"):
        hourly.forecast(pd.concat([frame, frame[["y"]]], axis=1))
    alone = forecaster(**SIZE, target="y", time="t")
    with pytest.raises(ValueError, match="single time has no frequency"):
        alone.forecast(frame[:1])
    assert len(hourly.forecast(frame[:1])) == 4


def test_frequencies_of_few_times():
    assert clock.find_frequency(pd.to_datetime(["2024-01-31", "2024-02-29"])) == "ME"
    assert clock.find_frequency(pd.to_datetime(["2024-01-01"])) is None


# === Covariates ===


@pytest.fixture(scope="module")
def with_holidays():
    covariates = {"known": ["holiday"], "past": ["wind"]}
    return forecaster(**SIZE, target="y", time="t", frequency="h", **covariates)


def test_known_covariates_are_given_in_either_way(with_holidays):
    frame = make_frame().assign(holiday=0.0, wind=1.0)
    frame.loc[150:, "holiday"] = 1.0
    past, later = frame[:180], frame[180:].drop(columns=["y", "wind"])
    found = with_holidays.forecast(past, future=later)
    assert found["t"][0] == later["t"].iloc[0]
    rows = pd.concat([past, later])  # the last rows have no values
    assert with_holidays.forecast(rows).equals(found)
    other = with_holidays.forecast(past, future=later.assign(holiday=0.0))
    assert not np.allclose(found["y_0.5"], other["y_0.5"], rtol=1e-9)
    assert len(with_holidays.forecast(past, horizon=20, future=later)) == 20


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (0, r"'holiday' must be known for all 4 steps.*none at step 1"),
        (2, r"'holiday' must be known for all 4 steps.*none at step 3"),
    ],
)
def test_missing_covariates_of_the_future_are_refused(with_holidays, rows, message):
    frame = make_frame().assign(holiday=0.0, wind=1.0)
    later = frame[180 : 180 + rows][["t", "holiday"]]
    with pytest.raises(ValueError, match=message):
        with_holidays.forecast(frame[:180], future=later)


def test_missing_columns_are_named(with_holidays):
    frame = make_frame().assign(holiday=0.0, wind=1.0)
    with pytest.raises(ValueError, match="known covariate 'holiday' must be a column"):
        with_holidays.forecast(frame.drop(columns="holiday"))
    with pytest.raises(ValueError, match="covariate 'wind' must be a column"):
        with_holidays.forecast(frame.drop(columns="wind"))


# === Training, files and states ===


def test_training_learns_and_goes_on(trained):
    error = np.abs(trained.forecast(WAVE[:150])[:, 1] - WAVE[150:154]).mean()
    naive = np.abs(WAVE[149] - WAVE[150:154]).mean()
    assert error < naive / 2
    assert trained.arguments["scaling"] and trained.arguments["normal_scores"]
    before = trained.get_layer("linear").get_weights()[0].copy()
    options = {"epochs": 1, "steps_per_epoch": 1, "verbose": 0}
    trained.fit(WAVE[:150], validation_data=WAVE[120:], **options)
    after = trained.get_layer("linear").get_weights()[0]
    assert 0 < np.abs(after - before).max() < 0.1


def test_files_give_back_what_was_saved(trained, tmp_path):
    trained.save(tmp_path / "a.keras")
    again = forecaster(str(tmp_path / "a.keras"))
    np.testing.assert_allclose(again.forecast(WAVE), trained.forecast(WAVE))
    assert again.arguments == trained.arguments


def test_evaluate_measures_a_back_test(trained):
    figures = trained.evaluate(WAVE)
    assert figures["origins"] > 100 and figures["mase"] < 1
    assert {"mae", "rmse", "pinball", "coverage"} <= set(figures)


def test_steps_give_what_the_whole_series_gives(plain, hourly):
    found, _ = plain.step(plain.begin(WAVE[:100]), WAVE[100])
    np.testing.assert_allclose(found, plain.forecast(WAVE[:101]), rtol=1e-5)
    streamed = list(plain.stream([1.0, None, 3.0]))
    np.testing.assert_allclose(streamed[2], plain.forecast([1, None, 3]), rtol=1e-5)
    frame = make_frame()
    answer, state = hourly.step(hourly.begin(frame[:50]), dict(frame.loc[50]))
    assert answer["y_0.5"] == hourly.forecast(frame[:51])["y_0.5"].tolist()
    assert len(state) == hourly.context
    for wrong in (float("inf"), "much"):
        with pytest.raises(ValueError, match="'value' must be"):
            plain.step((1.0,), wrong)


@pytest.mark.parametrize("count", [1, 6, 8])
def test_what_is_too_short_to_learn_from_is_refused(count):
    with pytest.raises(ValueError, match="long enough to learn from.*8 steps"):
        forecaster(**SIZE).fit(WAVE[:count], verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize("values", [np.zeros(100), np.full(100, 7.0), WAVE[:12]])
def test_constant_and_short_series_are_learnt(values):
    model = forecaster(**SIZE)
    model.fit(values, epochs=1, verbose=0)
    found = model.forecast(values)
    assert np.isfinite(found).all()
    if len(set(values)) == 1:
        np.testing.assert_allclose(found[:, 1], values[:4], atol=0.1)


@pytest.mark.slow
def test_the_autoregressive_decoder_learns():
    model = forecaster(**SIZE, decoder="autoregressive")
    model.fit(WAVE, epochs=3, verbose=0)
    error = np.abs(model.forecast(WAVE[:150])[:, 1] - WAVE[150:154]).mean()
    assert error < np.abs(WAVE[149] - WAVE[150:154]).mean() / 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantiles": (0.1, 0.9)}, "0.5 among them"),
        ({"quantiles": (0.9, 0.5)}, "ascending"),
        ({"horizon": 0}, "horizon"),
        ({"decoder": "both"}, "decoder"),
        ({"scaling": "much"}, "scaling"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        forecaster(**{**SIZE, **options})
