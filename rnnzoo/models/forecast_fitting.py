"""What the fit of a forecaster to whole series does before and after training."""

import itertools
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from scipy.special import ndtri, stdtrit

from rnnzoo.analysis.forecast_baselines import search_season
from rnnzoo.analysis.forecast_regression import choose_regression
from rnnzoo.analysis.forecasts import measure_seasonal_change
from rnnzoo.data import times as clock
from rnnzoo.data.series_tables import Columns
from rnnzoo.data.table_kinds import is_table
from rnnzoo.data.windows import ForecastWindows, split_by_time
from rnnzoo.errors import check_number
from rnnzoo.layers.forecasting import LARGEST
from rnnzoo.mixin import Mixin

# Windows that closed forms, calibration and thresholds are computed from at most.
FITTED, CALIBRATED = 6000, 3000
# Fewest residuals for the width of one step of the horizon.
ENOUGH = 50


class FittingMixin(Mixin):
    """Mixed into forecasters: fits whole series; scales, and calibrates quantiles."""

    def adapt(self, training: ForecastWindows, validation: ForecastWindows) -> dict:
        """Fits what has a closed form, before training: scaling and the linear layer.

        Sets season, frequency, and means and scales of covariates, where they are not
        set; chooses scaling, and levels or differences, by the ridge regression's error
        on validation windows; and begins with that regression.

        Returns:
            The mean absolute error of the regression on the validation windows, for
            each way, such as `differences`; of several series, it is scaled.
        """
        own, columns = self.arguments, training.columns
        if own["season"] is None:
            own["season"] = choose_season(training, self.context)
        own["frequency"] = own["frequency"] or columns.frequency
        count = columns.count(columns.covariates)
        if count and own["means"] is None:
            steps = np.concatenate([m[:, 1 : 1 + count] for m in training.matrices])
            with np.errstate(all="ignore"):
                known = np.where(np.isnan(steps).all(axis=0), 0.0, steps)
                means, scales = np.nanmean(known, 0), np.nanstd(known, 0)
            own["means"] = [float(f"{mean:.6g}") for mean in means]
            own["scales"] = [float(f"{s:.6g}") if s > 1e-12 else 1.0 for s in scales]
        self.tokens = self.make_tokens()
        layer = self.get_layer("windows")
        layer.season = own["season"] if 2 * own["season"] <= self.context else 1
        is_one = len(training.series) == 1
        if own["unit"] is None and is_one:
            own["unit"] = measure_unit(training, own["season"])
        layer.unit = own["unit"] or 1.0
        scalings = ["window", "series"] if is_one else ["window"]
        scalings = scalings if own["scaling"] is None else [own["scaling"]]
        ways = [True, False] if own["differences"] is None else [own["differences"]]
        found: dict[str, float] = {}
        best: Any = None
        for scaling, way in itertools.product(scalings, ways):
            layer.scaling, layer.differences = scaling, way
            parts = [
                self._scale_windows(one, FITTED if one is training else CALIBRATED)
                for one in (training, validation)
            ]
            # Errors of one series are compared in its unit.
            units = parts[1][2] if is_one else np.ones_like(parts[1][2])
            error, kernel, bias = choose_regression(parts[0][:2], parts[1][:2], units)
            name = "differences" if way else "levels"
            found[f"{name} by {scaling}" if len(scalings) > 1 else name] = error
            if best is None or error < best[0]:
                best = (error, scaling, way, kernel, bias)
        own["scaling"], own["differences"] = best[1:3]
        layer.scaling, layer.differences = best[1:3]
        # A model that is trained already goes on from where it is.
        if own["linear"] and not np.any(self.get_layer("linear").get_weights()[0]):
            self.get_layer("linear").kernel.assign(best[3])
            self.get_layer("linear").bias.assign(best[4])
            # The network begins with nearly nothing to add.
            head = self.get_layer("decoder").head
            head.kernel.assign(0.1 * keras.ops.convert_to_numpy(head.kernel))
        self.reset_graphs()
        return found

    def reset_graphs(self) -> None:
        """Forgets the graphs that are compiled with other settings."""
        self.train_function = self.test_function = self.predict_function = None
        for name in ("raw", "_run"):
            self.__dict__.pop(name, None)

    def _scale_windows(self, windows: ForecastWindows, most: int) -> tuple:
        """Returns scaled pasts and targets, NaN for gaps, and scales of windows."""
        inputs, targets, units = [], [], []
        chosen = windows.spread(most)
        for start in range(0, len(chosen), 512):
            rows, values = windows.rows(chosen[start : start + 512])
            arrays = self.tokens.encode(rows)
            before, _, origin, scale, _ = self.get_layer("windows")(arrays)
            inputs.append(np.asarray(before[..., 0]))
            scaled = (np.array(values) - np.asarray(origin)) / np.asarray(scale)
            targets.append(np.clip(scaled, -LARGEST, LARGEST))
            units.append(np.asarray(scale))
        return tuple(np.concatenate(parts) for parts in (inputs, targets, units))

    def calibrate(self, windows: ForecastWindows, most: int = CALIBRATED) -> None:
        """Sets widths so that quantiles cover what they say, on windows of validation.

        Distances from the median are multiplied by one number for each quantile and
        step of the horizon, or of a part of it where windows are few.
        """
        chosen, head = windows.spread(most), self.get_layer("head")
        if len(chosen) < 2:
            return
        head.widths.assign(np.ones(head.widths.shape, "float32"))
        found = self.predict_windows(windows, chosen).astype("float64")
        truth = np.array(windows.rows(chosen)[1])
        median = found[..., self.middle]
        widths = np.ones(head.widths.shape, "float32")
        # Windows overlap: as many as fit side by side tell something new. Of few, the
        # quantile of a larger share is taken, as conformal prediction does, and times
        # that are to come may differ more: as Student's quantile from the normal one.
        sizes = np.array([len(one) for one in windows.origins])
        count = max(np.ceil(sizes / self.horizon).sum(), 1.0)
        parts = max(1, min(self.horizon, int(count) // ENOUGH))
        for part in np.array_split(np.arange(self.horizon), parts):
            for place, level in enumerate(self.quantiles):
                if place == self.middle:
                    continue
                distance = found[:, part, place] - median[:, part]
                ratio = (truth[:, part] - median[:, part]) / np.where(
                    np.abs(distance) > 0, distance, np.nan
                )
                known = ratio[~np.isnan(ratio)]
                if not len(known):
                    continue
                # Below the median, distances are negative, and ratios turned around.
                share = max(level, 1 - level)
                share += (1 - share) / (count + 1)
                width = np.quantile(known, share)
                width *= stdtrit(count + 1, share) / ndtri(share)
                widths[part, place] = np.clip(width, 0.05, 20.0)
        head.widths.assign(_keep_order(widths, self.middle))
        self.arguments["normal_scores"] = self.measure_normal_scores(windows, chosen)
        self.reset_graphs()

    def fit(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Trains on whole series; or on examples, as `keras.Model.fit`.

        Args:
            x: A table or array of whole series: a data frame, a dict of columns, an
                array `[time]` or `[time, series]`, or a list of series. With `y`: rows.
            y: Targets of rows; see `rnnzoo.tokens.forecasting.ForecastSteps`.
            **options: For whole series `epochs` (10), `batch_size` (64),
                `steps_per_epoch` (a pass over all windows, at most 300),
                `validation_split` (0.15, the last part of each series) or
                `validation_data` (later rows), `every`, `seed`, `verbose` and
                `callbacks`; else those of `keras.Model.fit`.
        """
        if y is not None or not is_table(x):
            return super().fit(x, y, **options)
        return self._fit_table(x, **options)

    def _fit_table(
        self,
        data: Any,
        *,
        epochs: int = 10,
        batch_size: int = 64,
        steps_per_epoch: int | None = None,
        validation_split: float = 0.15,
        validation_data: Any = None,
        every: str | None = None,
        seed: int = 0,
        callbacks: Iterable[Any] = (),
        verbose: Any = "auto",
    ) -> Any:
        from rnnzoo.data.pipeline import batches

        check_number("validation_split", validation_split, above=0, below=0.9)
        series, columns = self.read(data, every=every)
        if validation_data is None:
            training, validation = self.split(series, columns, validation_split)
        else:
            later, later_columns = self.read(validation_data, every=every)
            share = 0.2 if self.series_numbers else 0.0
            training = self.make_windows(series, columns, unknown_share=share)
            validation = self.make_windows(later, later_columns)
            self.check_parts(series, training, validation)
        self.adapt(training, validation)
        steps = steps_per_epoch or min(300, training.batches_per_epoch(batch_size))
        data = batches(training, self.encode, batch_size=batch_size, seed=seed)
        held = validation.rows(validation.spread(1000))
        stop = keras.callbacks.EarlyStopping(
            patience=3, restore_best_weights=True, verbose=0
        )
        history = super().fit(
            data,
            steps_per_epoch=steps,
            epochs=epochs,
            validation_data=held,
            callbacks=[*callbacks, stop],
            verbose=verbose,
        )
        self.calibrate(validation)
        return history

    def split(self, series: Any, columns: Columns, fraction: float) -> tuple:
        """Returns the windows before the last part of each series, and those in it.

        Raises:
            ValueError: If no series is long enough for both.
        """
        starts = split_by_time(series, self.horizon, fraction)
        share = 0.2 if self.series_numbers else 0.0
        training = self.make_windows(series, columns, stop=starts, unknown_share=share)
        validation = self.make_windows(series, columns, start=starts)
        self.check_parts(series, training, validation)
        return training, validation

    def check_parts(self, series: Any, training: Any, validation: Any) -> None:
        """Raises `ValueError` if there are no windows to learn from or validate on."""
        if not len(training) or not len(validation):
            longest = max(map(len, series))
            raise ValueError(
                "A series at least must be long enough to learn from and to validate "
                f"on: more than {2 * self.horizon} steps for a horizon of "
                f"{self.horizon}, and not all of them gaps. Use a shorter horizon. "
                f"Received: series of at most {longest} steps"
            )


def measure_unit(windows: ForecastWindows, season: int) -> float:
    """Returns the mean change from season to season of the one series of windows."""
    last = windows.flat.max() + windows.horizon
    values = windows.series[0].values[:last]
    found = np.nan_to_num(measure_seasonal_change(values, season))
    size = np.nanmean(np.abs(values))
    return float(f"{max(found, 1e-3 * size) or 1.0:.6g}")


def choose_season(windows: ForecastWindows, context: int) -> int:
    """Returns the steps of a season: that of the frequency, or what repeats best."""
    usual = clock.find_season(windows.columns.frequency)
    if usual > 1 and usual < context:
        return usual
    if windows.columns.frequency is not None:
        return 1
    return search_season(max(windows.series, key=len).values)


def _keep_order(widths: np.ndarray, middle: int) -> np.ndarray:
    """Returns factors under which outer quantiles stay outside of inner ones."""
    above = np.maximum.accumulate(widths[:, middle + 1 :], axis=1)
    below = np.maximum.accumulate(widths[:, :middle][:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([below, widths[:, middle : middle + 1], above], axis=1)
