"""Forecasts of statsforecast and neuralforecast, in an environment of their own.

Not a benchmark by itself: `forecasting.py` runs it with the Python that has them. It
reads a file of JSON, and prints forecasts and seconds as JSON.
"""

import json
import sys
import time
import warnings


def forecast_statistics(name: str, pasts: list, horizon: int, season: int) -> list:
    """Returns forecasts of AutoETS, AutoARIMA or AutoTheta, each series on its own."""
    import numpy as np
    from statsforecast import models

    found = []
    for past in pasts:
        model = getattr(models, name)(season_length=season)
        result = model.forecast(y=np.array(past, "float64"), h=horizon, level=[80])
        columns = ("lo-80", "mean", "hi-80")
        found.append([np.asarray(result[column]).tolist() for column in columns])
    return found


def forecast_lstm(pasts: list, horizon: int, season: int, steps: int) -> list:
    """Returns forecasts of one LSTM for all series, with its own defaults."""
    import pandas as pd
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MQLoss
    from neuralforecast.models import LSTM

    parts = [
        pd.DataFrame({"unique_id": place, "ds": range(len(past)), "y": past})
        for place, past in enumerate(pasts)
    ]
    model = LSTM(
        h=horizon,
        input_size=7 * season,
        loss=MQLoss(level=[80]),
        max_steps=steps,
        scaler_type="robust",
        random_seed=0,
        enable_progress_bar=False,
        logger=False,
        enable_checkpointing=False,
    )
    network = NeuralForecast(models=[model], freq=1)
    network.fit(pd.concat(parts))
    table = network.predict().sort_values(["unique_id", "ds"])
    found = []
    for place in range(len(pasts)):
        rows = table[table["unique_id"] == place]
        columns = ("LSTM-lo-80", "LSTM-median", "LSTM-hi-80")
        found.append([rows[column].tolist() for column in columns])
    return found


def main() -> None:
    """Reads a task of a file, and prints forecasts `[series, 3, horizon]`."""
    warnings.simplefilter("ignore")
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    begin = time.perf_counter()
    options = (task["pasts"], task["horizon"], task["season"])
    if task["method"] == "LSTM":
        found = forecast_lstm(*options, task["steps"])
    else:
        found = forecast_statistics(task["method"], *options)
    seconds = time.perf_counter() - begin
    print(json.dumps({"forecasts": found, "seconds": seconds}))
