"""Own series: what columns are, sizes, parts by time, the run folder, refusals."""

import contextlib
import csv
import gzip
import io
import pathlib
import re
import shlex

import numpy as np
import pandas as pd
import pytest

import rnnzoo
from rnnzoo.command import main
from rnnzoo.recipes.own_forecast import OwnForecast
from rnnzoo.training import recipe_class

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "forecasting.md"
TINY = ["--units=8", "--epochs=1", "--steps-per-epoch=3", "--devices=cpu"]


def run_command(words):
    """Runs a command; returns its status and output."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = main(words)
    return status, output.getvalue()


def make_table(rows=400, stations=("north", "south"), seed=0):
    """Days of stations that repeat a week, with wind and holidays."""
    random = np.random.default_rng(seed)
    parts = []
    for station in stations:
        week = 50 + 10 * np.sin(np.arange(rows) * 2 * np.pi / 7)
        part = {
            "day": pd.date_range("2022-01-01", periods=rows).strftime("%d.%m.%Y"),
            "station": station,
            "count": (week + 3 * random.standard_normal(rows)).round(1),
            "wind": random.choice(["N", "S"], rows),
            "holiday": (np.arange(rows) % 30 == 0).astype(int),
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The file, run folder and output of a training on two series with covariates."""
    folder = tmp_path_factory.mktemp("own_forecast")
    table = make_table()
    # In any order, with gaps and missing days, separated by semicolons.
    table.loc[5, "count"] = np.nan
    table = table.drop(index=[17, 18]).sample(frac=1, random_state=0)
    data, run = folder / "stations.csv", folder / "run"
    table.to_csv(data, index=False, sep=";", na_rep="NA")
    words = ["train", "own_forecast", f"--data={data}", f"--run={run}", *TINY]
    words += ["--target=count", "--series=station", "--covariates=wind"]
    words += ["--known=holiday", "--horizon=7", "--context=28", "--origins=20"]
    status, output = run_command(words)
    assert status == 0, output
    return data, run, output


def test_a_training_says_what_it_found_and_what_it_reached(trained):
    data, run, output = trained
    assert "Series: 2 of 400 steps, frequency D, season 7; time: day" in output
    assert "Gaps: 3 of 800 steps have no value" in output
    assert "Covariates: holiday (known in the future), wind" in output
    assert "7 (same day last week): 0." in output and "365" not in output
    assert "Samples after epoch 1:" in output
    assert "Back-test from 20 origins" in output
    for name in (
        "rnnzoo forecaster",
        "last value",
        "seasonal naive (same day last week)",
        "drift",
        "ridge on the window",
    ):
        assert f"\n{name} " in output, name
    for head in ("MAE", "RMSE", "MASE", "pinball", "80 % covers"):
        assert head in output
    assert " wins: " in output
    assert f"rnnzoo answer {run}/best.keras --data={data} --to=forecast.csv" in output


def test_the_run_folder_has_figures_and_pictures(trained):
    _, run, output = trained
    with (run / "backtest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["method"] == "rnnzoo forecaster"
    assert all(float(row["mae"]) > 0 and row["pinball"] for row in rows)
    for name in ("forecasts", "errors_by_step", "residuals"):
        assert (run / f"{name}.png").stat().st_size > 5000
    assert "1 " in (run / "samples.txt").read_text()


def test_the_model_knows_columns_and_forecasts_tables(trained):
    data, run, _ = trained
    model = rnnzoo.load(run / "best.keras")
    assert model.arguments["categories"] == {"wind": ["N", "S"]}
    assert model.arguments["calendar"] == ["weekday"]  # a year was seen once
    future = make_table(407, seed=1).assign(count=None)
    future = future.groupby("station").tail(7)
    table = pd.concat([make_table(), future], ignore_index=True)
    found = model.forecast(table)
    assert list(found.columns) == [
        "station",
        "day",
        "count_0.1",
        "count_0.5",
        "count_0.9",
    ]
    assert len(found) == 14 and str(found["day"][0].date()) == "2023-02-05"
    assert np.isfinite(found[["count_0.1", "count_0.5", "count_0.9"]]).all(axis=None)
    assert (found["count_0.1"] <= found["count_0.9"]).all()


def test_the_last_part_is_only_measured_on(trained):
    data, run, _ = trained
    recipe = OwnForecast.from_options(rnnzoo.load(run / "best.keras").card["options"])
    validation, test = recipe.bounds
    assert test == [320, 320] and 0 < validation[0] < test[0]
    last = recipe.training.flat.max() + recipe.sizes["horizon"]
    assert last <= validation[0]
    found = recipe.run_backtest(rnnzoo.load(run / "best.keras"))
    assert found.places[:, 1].min() >= 320


def test_the_command_answers_and_measures_tables(trained, tmp_path, monkeypatch):
    data, run, output = trained
    monkeypatch.chdir(tmp_path)
    best = str(run / "best.keras")
    future = make_table(407, seed=1).groupby("station").tail(7).assign(count=None)
    latest = pd.concat([make_table().groupby("station").tail(60), future])
    latest.to_csv("latest.csv", index=False)
    words = ["answer", best, "--data=latest.csv", "--to=forecast.csv"]
    status, said = run_command(words)
    assert status == 0 and "14 rows" in said, said
    found = pd.read_csv("forecast.csv")
    assert list(found["station"][::7]) == ["north", "south"]
    assert found["day"][0] == "2023-02-05" and found["count_0.5"].notna().all()
    # Both measure from the same origins, and as the training did.
    (own,) = (line for line in output.split("\n") if line.startswith("rnnzoo fore"))
    status, said = run_command(["evaluate", best])
    assert status == 0 and own in said and " wins: " in said
    status, said = run_command(["evaluate", best, f"--data={data}", "--separator=;"])
    assert status == 0 and "last fifth" in said and "Written: " in said
    assert (tmp_path / "errors_by_step.png").exists()
    status, said = run_command(["evaluate", best, "--json"])
    assert status == 0 and '"best_baseline"' in said


def make_recipe(path, table=None, **options):
    """A recipe for a table that is written to a file."""
    if table is not None:
        table.to_csv(path, index=False)
    return OwnForecast(data=str(path), **options)


def test_year_month_day_and_hour_are_joined(tmp_path):
    times = pd.date_range("2024-02-28", periods=100, freq="h")
    table = pd.DataFrame(
        {
            "No": range(1, 101),
            **{part: getattr(times, part) for part in ("year", "month", "day", "hour")},
            "pm": np.arange(100.0),
        }
    )
    recipe = make_recipe(tmp_path / "air.csv", table)
    (one,), columns = recipe.source
    assert columns.target == ["pm"] and columns.frequency == "h"
    assert (one.times == times).all()


def test_without_times_rows_are_in_order_and_the_season_is_found(tmp_path):
    wave = np.sin(np.arange(300) * 2 * np.pi / 20)
    recipe = make_recipe(tmp_path / "x.csv", pd.DataFrame({"x": wave}))
    assert recipe.source[1].time is None
    assert recipe.steps_of_season == 20 and recipe.sizes["horizon"] == 20


@pytest.mark.parametrize(
    ("frequency", "rows", "horizon", "season"),
    [
        ("h", 2000, 24, 24),
        ("15min", 3000, 96, 96),
        ("D", 1000, 14, 7),
        ("W", 260, 13, 52),
        ("MS", 144, 12, 12),
        ("QS", 60, 5, 4),
        ("YS", 40, 3, 1),
    ],
)
def test_sizes_suit_the_frequency(tmp_path, frequency, rows, horizon, season):
    times = pd.date_range("1950-01-01", periods=rows, freq=frequency)
    table = pd.DataFrame({"time": times, "x": np.arange(rows) % 7.0})
    recipe = make_recipe(tmp_path / "x.csv", table)
    assert recipe.sizes["horizon"] == horizon and recipe.steps_of_season == season
    assert recipe.sizes["context"] + horizon <= rows * 0.65
    assert (
        recipe.calendar
        == {
            "h": ["hour", "weekday"],
            "15min": ["hour", "weekday"],
            "D": ["weekday"],
            "W": ["year"],
            "MS": ["year"],
            "QS": ["year"],
            "YS": [],
        }[frequency]
    )


def test_formats_of_files_are_read(tmp_path):
    table = pd.DataFrame(
        {"time": pd.date_range("2024-01-01", periods=50), "x": np.arange(50) / 2}
    )
    table.to_csv(tmp_path / "a.csv", index=False, sep=";", decimal=",")
    table.to_csv(tmp_path / "a.tsv", index=False, sep="\t", encoding="utf-16")
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        table.to_csv(file, index=False)
    table.astype(str).to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    table.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.tsv", "a.csv.gz", "a.jsonl", "a.parquet"):
        (one,), columns = make_recipe(tmp_path / name).source
        assert columns.time == "time" and columns.frequency == "D", name
        np.testing.assert_array_equal(one.values, table["x"], err_msg=name)


def test_all_columns_and_all_covariates(tmp_path):
    table = make_table(100, ("north",)).drop(columns="station")
    recipe = make_recipe(tmp_path / "x.csv", table, target="all")
    assert [one.target for one in recipe.source[0]] == ["count", "holiday"]
    recipe = make_recipe(tmp_path / "x.csv", table, target="count", covariates="all")
    assert recipe.source[1].past == ["wind", "holiday"]


DAYS = pd.date_range("2024-01-01", periods=60)
REFUSED = {
    "--data=air.csv": (None, {}),
    "Say which column to forecast: --target=COLUMN": (
        pd.DataFrame({"time": DAYS, "a": range(60), "b": range(60)}),
        {},
    ),
    "Did you mean 'sales'": (
        pd.DataFrame({"time": DAYS, "sales": range(60)}),
        {"target": "sale"},
    ),
    "There must be a column of numbers": (
        pd.DataFrame({"time": DAYS, "a": ["x"] * 60}),
        {},
    ),
    r"'a' must be numbers.*Correct row 3 .*Received: 'high'": (
        pd.DataFrame({"time": DAYS, "a": ["1", "2", "high", *["3"] * 57]}),
        {"target": "a"},
    ),
    "either to forecast or a covariate": (
        pd.DataFrame({"time": DAYS, "a": range(60), "b": range(60)}),
        {"target": "a", "known": "a"},
    ),
    "series=NAME": (
        pd.DataFrame({"time": [*DAYS[:30], *DAYS[:30]], "a": range(60)}),
        {},
    ),
    "every='1min'": (
        pd.DataFrame(
            {
                "time": DAYS[0] + pd.to_timedelta(np.arange(60) ** 1.01 * 60, unit="s"),
                "a": range(60),
            }
        ),
        {},
    ),
    "years 1678 to 2261": (
        pd.DataFrame({"time": ["0001-01-01", *DAYS[1:].astype(str)], "a": range(60)}),
        {"time": "time"},
    ),
    "long enough to train, validate and test": (
        pd.DataFrame({"time": DAYS[:12], "a": range(12)}),
        {"horizon": 6},
    ),
    "must have a time|must be a time|have a time": (
        pd.DataFrame({"time": ["soon", *DAYS[1:].astype(str)], "a": range(60)}),
        {"time": "time"},
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_wrong_is_refused_with_the_fix(tmp_path, message):
    table, options = REFUSED[message]
    recipe = OwnForecast(**options)
    if table is not None:
        recipe = make_recipe(tmp_path / "x.csv", table, **options)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        _ = recipe.source
        _ = recipe.training


def test_times_that_cannot_be_read_are_left_where_none_was_named(tmp_path):
    # Years of one digit, as of a well-known series of shampoo.
    months = [f"{1 + place // 12}-{1 + place % 12:02d}" for place in range(36)]
    table = pd.DataFrame({"Month": months, "Sales": np.arange(36.0)})
    recipe = make_recipe(tmp_path / "x.csv", table)
    assert recipe.source[1].time is None and len(recipe.source[0][0]) == 36


@pytest.mark.parametrize(
    ("form", "frequency"),
    [("%d.%m.%y", "D"), ("%m/%d/%Y", "D"), ("%d/%m/%Y", "MS"), ("%m/%d/%Y", "MS")],
)
def test_days_and_months_are_told_apart(tmp_path, form, frequency):
    times = pd.date_range("2023-01-01", periods=60, freq=frequency)
    table = pd.DataFrame({"date": times.strftime(form), "x": np.arange(60.0)})
    (one,), _ = make_recipe(tmp_path / "x.csv", table).source
    assert (one.times == times).all()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["date,x", '2024-01-01,"1,100"', '2024-01-02,"1,200"'], "commas in 'x' may"),
        (["2024-01-01,5", "2024-01-02,6"], "must name the columns"),
        (["date,x", "2024-01-01,5%", "2024-01-02,6%"], "'x' must be numbers.*row 1, 2"),
    ],
)
def test_what_could_be_misread_is_refused(tmp_path, lines, message):
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=message):
        _ = make_recipe(path).source


@pytest.mark.slow  # trains
def test_code_and_commands_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, count = {}, 0
    text = PAGE.read_text(encoding="utf-8")
    for language, block in re.findall(r"```(\w*)\n(.*?)```", text, flags=re.DOTALL):
        if language == "python":
            exec(block, names)
        for line in block.splitlines() if not language else ():
            status, output = run_command(shlex.split(line)[1:])
            assert status == 0, output
            count += 1
    assert count == 4
    assert names["report"]["recall"] == 1 and names["report"]["delay"] == 0
    assert pd.read_csv("forecast.csv")["riders_0.5"].notna().sum() == 24


@pytest.mark.slow  # trains on two years of hours
def test_two_years_of_hours_take_minutes(tmp_path):
    random = np.random.default_rng(0)
    steps = np.arange(17_520)
    load = (
        100 + 30 * np.sin(steps * 2 * np.pi / 24) + 5 * random.standard_normal(17_520)
    )
    table = pd.DataFrame(
        {"time": pd.date_range("2022-01-01", periods=17_520, freq="h"), "load": load}
    )
    table.to_csv(tmp_path / "x.csv", index=False)
    recipe = recipe_class("own_forecast")(data=str(tmp_path / "x.csv"))
    model = rnnzoo.train(recipe, tmp_path / "run")
    figures = recipe.evaluate(model)
    # The noise alone has a mean absolute error of 3.99.
    assert figures["mae"] < 4.3 and 0.75 <= figures["coverage"] <= 0.85
