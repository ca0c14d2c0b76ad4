"""Forecasts the load and the oil temperature of a transformer: ETTh1, 7 series.

    rnnzoo train etth1 --data=ett --horizon=96

The folder has the file `ETTh1.csv` (Zhou et al., 2021, arXiv:2012.07436). As in the
papers, the first 12 months train, the next 4 validate and the next 4 test; each series
is standardized with its mean and standard deviation of the training months, and the
error is the mean square over all 7 series, and all windows of the test months.

Result (benchmarks/ett.csv, seed 0): a mean square error below that of ridge regression
at 24 to 336 hours. At 720 it is above, and with `--linear`, which begins as a ridge
regression, as large.
"""

import csv
import dataclasses
import functools
import pathlib
from typing import Any

import numpy as np

from rnnzoo.recipes._forecasts import ForecastRecipe
from rnnzoo.training.recipe import option

# Hours of 12, 4 and 4 months of 30 days.
PARTS = (8640, 2880, 2880)


@dataclasses.dataclass(kw_only=True)
class Etth1(ForecastRecipe):
    """Forecasts seven series of a transformer with one GRU over segments."""

    trained_on = "ETTh1: the first 12 of 20 months"
    licence = "Apache-2.0; the series are CC BY-ND 4.0"

    epochs: int = option(6)
    horizon: int = option(96)
    context: int = option(720)
    segment: int = option(48)
    units: int = option(256)
    dropout: float = option(0.5)
    ema_momentum: float = option(0.995)
    linear: bool = option(False)
    scaling: str = option("none")
    differences: bool = option(True)
    season: int = option(24)
    data: str = option("", "the folder with the file of the data set")

    @functools.cached_property
    def table(self) -> tuple[list[str], np.ndarray]:
        """Names of the series, and their standardized values `[hours, 7]`."""
        path = self.find_file(self.data, "ETTh1.csv")
        with open(path, encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        values = np.array([row[1:] for row in rows[: sum(PARTS)]], "float64")
        known = values[: PARTS[0]]
        return header[1:], (values - known.mean(axis=0)) / known.std(axis=0)

    def data_files(self) -> list[pathlib.Path]:
        """Returns the file."""
        return [self.find_file(self.data, "ETTh1.csv")]

    @functools.cached_property
    def source(self) -> tuple:
        """The seven series."""
        from rnnzoo.data.series_tables import Columns, Series

        names, values = self.table
        found = [
            Series(name, column, np.zeros((len(column), 0)), target=name)
            for name, column in zip(names, values.T, strict=True)
        ]
        return found, Columns(target=names, frequency="h")

    @functools.cached_property
    def bounds(self) -> tuple[list[int], list[int]]:
        """12 months train, 4 validate, 4 test."""
        count = len(self.source[0])
        return [PARTS[0]] * count, [PARTS[0] + PARTS[1]] * count

    def settings(self) -> dict[str, Any]:
        """Returns the names of the series."""
        return {"target": self.table[0]}

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns the mean square and absolute error on the test months."""
        from rnnzoo.analysis.forecasts import measure_quantiles

        series, columns = self.source
        windows = model.make_windows(series, columns, start=self.bounds[1])
        parts = np.array_split(np.arange(len(windows)), max(1, len(windows) // 512))
        square = absolute = count = covered = pinball = 0.0
        for part in progress(parts):
            quantiles = model.predict_windows(windows, part)
            truth = np.array(windows.rows(part)[1])
            error = quantiles[..., model.middle] - truth
            more = measure_quantiles(truth, quantiles, model.quantiles)
            square += float((error**2).sum())
            absolute += float(np.abs(error).sum())
            covered += more["coverage"] * error.size
            pinball += more["pinball"] * error.size
            count += error.size
        return {
            "mse": square / count,
            "mae": absolute / count,
            "pinball": pinball / count,
            "coverage": covered / count,
        }


RECIPE = Etth1
