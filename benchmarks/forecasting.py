"""Compares forecasts with statsforecast's and neuralforecast's, in one run.

    python benchmarks/forecasting.py --data=FOLDER --peers=PEERS/bin/python

The folder has `m4_hourly`, with the two files of the M4 competition, and `timeseries`,
with monthly-sunspots.csv, airline-passengers.csv and both daily temperatures of the
Time Series Data Library. The peers have an environment of their own, which is not one
of rnnzoo's extras: `python -m venv PEERS; PEERS/bin/pip install statsforecast
neuralforecast`. Without --peers they are left out, and a line says so.

M4 hourly: the next 48 hours of each series, from its training part; MASE, sMAPE, the
mean pinball loss in units of the seasonal change, and what the 80 % interval covers.
AutoARIMA takes most of a minute a series: all methods forecast a sample of SAMPLE
series, drawn with seed 0, and those in WHOLE all 414 series too. The neural ones are
trained on all of them, the LSTM for STEPS steps of its own defaults. `--model` is a
forecaster that was trained by `rnnzoo train m4_hourly`.

The four series: `own_forecast` with its defaults is trained on each, and forecasts the
last fifth from ORIGINS origins, as simple methods and AutoETS do, which is fitted anew
at each. Seconds are those of training, or of fitting all series, on one core.

Writes benchmarks/forecasting.csv and forecasting_series.csv. About an hour.
"""

import csv
import functools
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Benchmark

PEERS = ("AutoETS", "AutoTheta", "LSTM", "AutoARIMA")
# What forecasts all series too: the others would take hours.
WHOLE = ("AutoTheta", "LSTM")
SAMPLE, ORIGINS, STEPS, EPOCHS = 10, 20, 1000, 0
HORIZON, DAY = 48, 24
SERIES = {
    "sunspots": "monthly-sunspots.csv",
    "air passengers": "airline-passengers.csv",
    "lowest temperatures": "daily-min-temperatures.csv",
    "highest temperatures": "daily-max-temperatures.csv",
}
LEVELS = (0.1, 0.5, 0.9)
HERE = pathlib.Path(__file__).resolve().parent
HEADER = ("series", "method", "mase", "smape", "pinball", "coverage", "seconds")


def read_m4(folder: pathlib.Path, part: str) -> list[np.ndarray]:
    """Returns the series of a part of M4 hourly."""
    with (folder / f"Hourly-{part}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [np.array([float(cell) for cell in row[1:] if cell]) for row in rows]


def run_peer(
    python: str | None, method: str, pasts: list, horizon: int, season: int
) -> tuple[np.ndarray, float] | None:
    """Returns a peer's quantiles `[series, horizon, 3]` and seconds; `None` without."""
    if not python:
        print(f"{method} is left out: give --peers=PEERS/bin/python", file=sys.stderr)
        return None
    task = {
        "method": method,
        "pasts": [np.asarray(past).tolist() for past in pasts],
        "horizon": horizon,
        "season": season,
        "steps": STEPS,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "task.json")
        path.write_text(json.dumps(task), encoding="utf-8")
        code = "import forecasting_peers; forecasting_peers.main()"
        command = [python, "-c", code, str(path)]
        result = subprocess.run(command, capture_output=True, text=True, cwd=HERE)
    if result.returncode:
        reason = result.stderr.splitlines()[-1:]
        print(f"{method} is left out, for it failed: {reason}", file=sys.stderr)
        return None
    found = json.loads(result.stdout.splitlines()[-1])
    quantiles = np.array(found["forecasts"], "float64").transpose(0, 2, 1)
    return quantiles, found["seconds"]


def measure(
    truth: Any, points: np.ndarray, quantiles: np.ndarray | None, scales: np.ndarray
) -> list[str]:
    """Returns MASE, sMAPE, scaled pinball loss and coverage; two of quantiles."""
    from rnnzoo.analysis.forecasts import measure_forecasts, measure_quantiles

    found = measure_forecasts(truth, points, scales)
    figures = [f"{found['mase']:.3f}", f"{found['smape']:.2f}"]
    if quantiles is None:
        return [*figures, "", ""]
    units = scales[:, None]
    more = measure_quantiles(truth / units, quantiles / units[..., None], LEVELS)
    return [*figures, f"{more['pinball']:.3f}", f"{more['coverage']:.3f}"]


def forecast_ours(model: Any, pasts: list) -> tuple[np.ndarray, float]:
    """Returns the quantiles of a forecaster of rnnzoo, and its seconds."""
    begin = time.perf_counter()
    found = np.stack(model.forecast(pasts, HORIZON, quantiles=LEVELS))
    return found.astype("float64"), time.perf_counter() - begin


def compare_m4(
    folder: pathlib.Path,
    peers: str | None,
    model: Any,
    training: float,
    write: Callable,
) -> None:
    """Writes rows of M4 hourly: a sample with all methods, and all series."""
    from rnnzoo.analysis.forecast_baselines import forecast_last
    from rnnzoo.analysis.forecasts import measure_seasonal_change

    pasts, tests = read_m4(folder, "train"), read_m4(folder, "test")
    truth = np.array([one[:HORIZON] for one in tests])
    scales = np.array([measure_seasonal_change(past, DAY) for past in pasts])
    count = min(SAMPLE, len(pasts))
    sample = np.sort(np.random.default_rng(0).permutation(len(pasts))[:count])
    every = np.arange(len(pasts))
    rows, places = [], {"sample": sample, "all": every}

    def add(part: str, method: str, found: np.ndarray, seconds: str) -> None:
        chosen, is_point = places[part], found.ndim == 2
        points = found if is_point else found[..., 1]
        quantiles = None if is_point else found
        figures = measure(truth[chosen], points, quantiles, scales[chosen])
        name = f"{len(chosen)} of M4 hourly"
        rows.append([name, method, *figures, seconds])
        print(*rows[-1], sep="  ", flush=True)
        write(sorted(rows, key=lambda row: row[0]))

    for part, chosen in places.items():
        some = [pasts[place] for place in chosen]
        naive = np.array([forecast_last(past, HORIZON, DAY) for past in some])
        add(part, "seasonal naive", naive, "")
    if model is not None:
        ours, seconds = forecast_ours(model, pasts)
        add("sample", "rnnzoo forecaster", ours[sample], "")
        # A run folder knows how long it took to train.
        add("all", "rnnzoo forecaster", ours, f"{training or seconds:.0f}")
    for method in PEERS:
        # A network learns of all series.
        is_whole = method == "LSTM" or (method in WHOLE and count < len(pasts))
        some = pasts if is_whole else [pasts[place] for place in sample]
        found = run_peer(peers, method, some, HORIZON, DAY)
        if found is None:
            continue
        quantiles, seconds = found
        if is_whole:
            add("all", method, quantiles, f"{seconds:.0f}")
            quantiles = quantiles[sample]
        add("sample", method, quantiles, "" if is_whole else f"{seconds:.0f}")


def compare_series(folder: pathlib.Path, peers: str | None, write: Callable) -> None:
    """Writes rows of the four series: own_forecast, simple methods and AutoETS."""
    from rnnzoo.recipes.own_forecast import OwnForecast
    from rnnzoo.training import train

    rows: list[list] = []
    for title, file in SERIES.items():
        options = {"epochs": EPOCHS} if EPOCHS else {}
        recipe = OwnForecast(data=str(folder / file), origins=ORIGINS, **options)
        with tempfile.TemporaryDirectory() as run:
            begin = time.perf_counter()
            model = train(recipe, run)
            seconds = time.perf_counter() - begin
        test = recipe.run_backtest(model)
        found: dict[str, tuple] = {
            "rnnzoo forecaster": (test.medians, test.quantiles, f"{seconds:.0f}")
        }
        for name, forecasts in test.baselines.items():
            found[name] = (forecasts, test.intervals.get(name), "")
        pasts = [
            drop_gaps(test.series[place].values[:origin])
            for place, origin in test.places
        ]
        ets = run_peer(peers, "AutoETS", pasts, model.horizon, test.season)
        if ets is not None:
            found["AutoETS"] = (ets[0][..., 1], ets[0], f"{ets[1]:.0f}")
        for method, (points, quantiles, spent) in found.items():
            figures = measure(test.truth, points, quantiles, test.scales)
            rows.append([title, method, *figures, spent])
            print(*rows[-1], sep="  ", flush=True)
        write(rows)


def drop_gaps(past: np.ndarray) -> np.ndarray:
    """Returns a past as AutoETS takes it."""
    from rnnzoo.analysis.forecast_baselines import fill_gaps

    return fill_gaps(past)


def find_model(name: str) -> Any:
    """Returns the forecaster of M4 hourly: of a file, or the listed weights."""
    import rnnzoo

    if name:
        return rnnzoo.load(name)
    if "forecaster.m4_hourly" in rnnzoo.list_weights():
        return rnnzoo.load("forecaster.m4_hourly")
    print("rnnzoo is left out on M4 hourly: give --model=best.keras", file=sys.stderr)
    return None


def read_seconds(name: str) -> float:
    """Returns the seconds that the run of a model took; 0 if they are not known."""
    path = pathlib.Path(name).with_name("history.csv")
    if not name or not path.exists():
        return 0.0
    with path.open(encoding="utf-8", newline="") as file:
        return float(list(csv.DictReader(file))[-1]["seconds"])


if __name__ == "__main__":
    quick = {"SAMPLE": 2, "ORIGINS": 3, "STEPS": 5, "EPOCHS": 1, "WHOLE": ()}
    benchmark = Benchmark(__file__, __doc__, quick)
    benchmark.parser.add_argument("--data", type=pathlib.Path, required=True)
    benchmark.parser.add_argument("--peers", help="the Python that has the peers")
    benchmark.parser.add_argument("--model", default="", help="a .keras file")
    benchmark.parser.add_argument(
        "--only", choices=("m4", "series"), help="one of the two tables"
    )
    options = benchmark.parse()
    if options.only != "series":
        model = find_model(options.model)
        write = functools.partial(benchmark.write, HEADER, page="forecasting.md")
        seconds = read_seconds(options.model)
        folder = options.data / "m4_hourly"
        compare_m4(folder, options.peers, model, seconds, write)
    if options.only != "m4":
        write = functools.partial(
            benchmark.write, HEADER, page="forecasting.md", name="forecasting_series"
        )
        compare_series(options.data / "timeseries", options.peers, write)
