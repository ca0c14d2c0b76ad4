"""Forecasts the fine dust of Beijing for the next day, from that and the weather.

    rnnzoo train pollution --data=pollution.csv

The file is "Beijing PM2.5" of the UCI machine learning repository (Liang et al., 2015):
hourly from 2010 to 2014, with gaps. Dew point, temperature, pressure, wind, snow and
rain are covariates of the past only. The last fifth of the hours is for the figures
alone, the part before it validates.

Result (weights `forecaster.beijing_pm25`, seed 0): a root mean square error of 66.6
over the next 24 hours, where the last value has 79.2, the same hour yesterday 100.1
and ridge regression 70.0; the 80 % interval covers 0.813.
"""

import dataclasses
import re
from typing import Any

from rnnzoo.recipes.own_forecast import OwnForecast
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class Pollution(OwnForecast):
    """Forecasts PM2.5 with a GRU over segments of a day."""

    trained_on = "Beijing PM2.5 (UCI): the first 64 % of the hours"
    licence = "CC BY 4.0 (the data), Apache-2.0"

    target: str = option("pm2.5")
    covariates: str = option("DEWP,TEMP,PRES,cbwd,Iws,Is,Ir")
    horizon: int = option(24)
    batch_size: int = option(128)
    origins: int = option(100_000)

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, Any]:
        """Returns the errors on the last part, and those of simple methods."""
        test = self.run_backtest(model, progress)
        names = ("mae", "rmse", "pinball", "coverage")
        found = {k: v for k, v in test.figures().items() if k in names}
        for row in test.rows()[1:]:
            name = re.sub(r"\W+", "_", row["method"]).strip("_")
            found |= {f"mae_of_{name}": row["mae"], f"rmse_of_{name}": row["rmse"]}
        return found


RECIPE = Pollution
