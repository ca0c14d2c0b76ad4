"""What the recipes for forecasts share: parts by time, model, calibration, measures."""

import dataclasses
import functools
import pathlib
from typing import Any

from rnnzoo.training.recipe import Recipe, option


@dataclasses.dataclass(kw_only=True)
class ForecastRecipe(Recipe, model="forecaster"):
    """Trains a forecaster on the first part of series; subclasses read them.

    The part before the last decides on the best epoch and the widths of intervals; the
    last one is for `evaluate` alone.
    """

    steps_per_epoch: int = option(0, "batches per epoch; 0 for one pass over windows")
    batch_size: int = option(256, "windows per batch, over all devices")
    warmup_steps: int = option(100)
    ema_momentum: float = option(0.99)
    num_validation: int = option(
        3000, "windows that validate every epoch, evenly over the part", minimum=1
    )

    @functools.cached_property
    def source(self) -> tuple:
        """The series, and what the columns of their table are."""
        raise NotImplementedError(f"{type(self).__name__} must read series")

    @functools.cached_property
    def bounds(self) -> tuple[list[int], list[int]]:
        """Where validation and test begin in each series, in steps."""
        raise NotImplementedError(f"{type(self).__name__} must split series by time")

    def settings(self) -> dict[str, Any]:
        """Returns settings of the model from the data. Default: none."""
        return {}

    def windows(self, model: Any, part: str) -> Any:
        """Returns the windows of `"train"` or `"validation"` as a model reads them."""
        series, columns = self.source
        first, second = self.bounds
        if part == "train":
            share = 0.2 if model.series_numbers else 0.0
            return model.make_windows(series, columns, stop=first, unknown_share=share)
        return model.make_windows(series, columns, start=first, stop=second)

    def model(self) -> Any:
        """Returns the forecaster that begins as a ridge regression."""
        model = self.build(**self.settings())
        parts = (self.windows(model, part) for part in ("train", "validation"))
        self.regression = model.adapt(*parts)
        return model

    @functools.cached_property
    def untrained(self) -> Any:
        """A model for its settings: what windows are made for."""
        return self.build(**self.settings())

    @functools.cached_property
    def training(self) -> Any:
        """The windows to train on."""
        return self.windows(self.untrained, "train")

    def examples(self) -> Any:
        """Returns the windows to train on."""
        return self.training

    def validation_examples(self) -> tuple:
        """Returns windows to validate on, and what followed."""
        windows = self.windows(self.untrained, "validation")
        return windows.rows(windows.spread(self.num_validation))

    def golden_inputs(self) -> list:
        """Returns waves of our own, as many numbers a step as the model reads."""
        import numpy as np

        rows = []
        model = self.untrained
        tokens, horizon = model.tokens, model.horizon
        for past, period in ((6, 24), (24, 12), (48, 7), (60, 50), (72, 24)):
            steps = past + (0 if tokens.is_past else horizon)
            row = np.zeros((steps, tokens.features))
            row[:, 0] = np.round(10 + 3 * np.sin(np.arange(steps) * 6.2832 / period), 3)
            if tokens.has_time:
                row[:, 1 + len(tokens.means)] = 1.6e9 + 3600 * np.arange(steps)
            if not tokens.is_past:
                row[-horizon:, 0] = np.nan
            rows.append(" ".join(f"{value:.12g}" for value in row.reshape(-1)))
        return rows

    def static_length(self, model: Any) -> int:
        """Returns the steps of a whole window."""
        return model.context + model.horizon

    def finish(self, model: Any) -> bool:
        """Calibrates the intervals on the windows of validation."""
        model.calibrate(self.windows(model, "validation"))
        return True

    def find_file(self, folder: str, name: str) -> pathlib.Path:
        """Returns a file of a data set; `ValueError` says how to name its folder."""
        path = pathlib.Path(folder, name)
        if not folder or not path.is_file():
            raise ValueError(
                f"Say which folder holds the file {name}: --data=FOLDER. Received: "
                f"data={folder!r}"
            )
        return path
