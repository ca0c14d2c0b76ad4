"""Anomalies: steps that are unlike what the steps before them let expect."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import pandas as pd

from rnnzoo.analysis.anomalies import find_threshold, report_events
from rnnzoo.data.series_tables import Columns, Series, to_frame
from rnnzoo.data.table_kinds import kind_of, to_kind
from rnnzoo.data.windows import ForecastWindows
from rnnzoo.errors import check_number
from rnnzoo.mixin import Mixin

# Scores that thresholds are made of: the highest ones of normal data.
KEPT = 500


class AnomalyMixin(Mixin):
    """Mixed into forecasters: the steps of whole series that were not to be expected.

    The score of a step is its distance from the median of the forecast of one step, in
    units of the distance of the outer quantile on its side.
    """

    def anomalies(
        self,
        data: Any,
        false_alarms: float = 1 / 1000,
        normal: Any = None,
        **names: Any,
    ) -> Any:
        """Finds the steps that are unlike what the steps before them let expect.

        The threshold is the score that `false_alarms` of normal steps exceed: of those
        held out in training, or of a table of them.

        Args:
            data: A table or array of whole series.
            false_alarms: The fraction of normal steps that may be flagged.
            normal: Normal data that training has not seen, as `data`; `None` for the
                steps that training held out.
            **names: As of `forecast`.

        Returns:
            The same kind: a table with the columns of time and series, and for each
            target `NAME_score`, `NAME_threshold` and `NAME_anomaly`; an array
            `[time, 3]`, or `[time, series, 3]`. Missing steps have rows too. Scores of
            gaps, and of the first steps, which have too little past, are NaN, and never
            an anomaly.

        Raises:
            ValueError: If the model was not trained by `fit` of a table or a recipe.
        """
        threshold = self._find_threshold(false_alarms, normal, names)
        series, columns = self.read(data, **names)
        found = [self._score_steps(one, columns) for one in series]
        flags = [one > threshold for one in found]
        if kind_of(data) in ("array", "list"):
            stacked = [
                np.stack([one, np.full(len(one), threshold), flag], axis=1)
                for one, flag in zip(found, flags, strict=True)
            ]
            if columns.series is not None:
                return stacked
            return stacked[0] if np.ndim(data) == 1 else np.stack(stacked, axis=1)
        tables: dict[Any, dict] = {}
        for one, scores, flag in zip(series, found, flags, strict=True):
            table = tables.setdefault(one.key, {})
            if not table:
                if columns.series:
                    table[columns.series] = [one.key] * len(one)
                if columns.time:
                    times = one.times
                    table[columns.time] = (
                        one.count(0, len(one)) if times is None else times[: len(one)]
                    )
            table[f"{one.target}_score"] = scores
            table[f"{one.target}_threshold"] = threshold
            table[f"{one.target}_anomaly"] = flag
        parts = [pd.DataFrame(table) for table in tables.values()]
        return to_kind(pd.concat(parts, ignore_index=True), data)

    def report_anomalies(
        self,
        data: Any,
        labels: str,
        false_alarms: float = 1 / 1000,
        normal: Any = None,
        slack: int = 0,
        **names: Any,
    ) -> dict[str, float]:
        """Measures how well `anomalies` finds the events that a column marks.

        Args:
            data: A table of whole series.
            labels: The column that is 1 in steps of an event, else 0.
            false_alarms: As of `anomalies`.
            normal: As of `anomalies`.
            slack: Steps behind an event in which a flag still counts for it.
            **names: As of `forecast`.

        Returns:
            Events, precision, recall, F1, delay in steps and false alarms:
            `rnnzoo.analysis.anomalies.report_events`.
        """
        frame = to_frame(data)
        threshold = self._find_threshold(false_alarms, normal, names)
        series, columns = self.read(frame, **names)
        marks, _ = self.read(frame, **(names | {"target": [labels]}))
        found = {one.key: np.zeros(len(one), bool) for one in marks}
        for one in series:
            flags = self._score_steps(one, columns) > threshold
            found[one.key][: len(flags)] |= flags[: len(found[one.key])]
        # Between two series is a step that is neither, so that no event is of both.
        flags = [np.append(found[one.key], False) for one in marks]
        events = [np.append(one.values > 0.5, False) for one in marks]
        return report_events(np.concatenate(flags), np.concatenate(events), slack)

    def _find_threshold(self, false_alarms: float, normal: Any, names: dict) -> float:
        """Returns the threshold of scores; warns of rates too rare to be seen."""
        check_number("false_alarms", false_alarms, above=0, below=1)
        scores = self.arguments["normal_scores"]
        if normal is not None:
            series, columns = self.read(normal, **names)
            parts = [self._score_steps(one, columns) for one in series]
            scores = keep_highest(np.concatenate(parts))
        if not scores or scores[0] < 1:
            raise ValueError(
                "A threshold needs scores of normal data, which fit(table) measures: "
                "train the model with fit(table) or `rnnzoo train own_forecast`, or "
                "give a table of normal data (normal=TABLE). Received: "
                + ("an untrained model" if normal is None else "no step with a score")
            )
        count = int(scores[0])
        if count * false_alarms < 1:
            warnings.warn(
                f"There are {count:,} held-out normal steps, too few to see a rate of "
                f"{false_alarms:g}: the threshold is extrapolated beyond the highest "
                "score of them. Give more normal data (normal=TABLE), or false_alarms "
                f"of at least {1 / count:.2g}.",
                stacklevel=3,
            )
        return find_threshold(scores, false_alarms)

    def _score_steps(self, one: Series, columns: Columns) -> np.ndarray:
        """Returns the score of each step of a series, NaN where there is none."""
        # A step is the first of a horizon that begins at it.
        wide = np.concatenate([one.values, np.full(self.horizon - 1, np.nan)])
        longer = dataclasses.replace(one, values=wide)
        # With less than half of a context, too little is known of what is normal.
        start = [min(self.context // 2, len(one) // 2)]
        windows = self.make_windows([longer], columns, start=start)
        scores = np.full(len(one), np.nan)
        places = np.flatnonzero(windows.flat < len(one))
        if len(places):
            found = self.predict_windows(windows, places)[:, 0]
            origins = windows.flat[places]
            scores[origins] = score_values(one.values[origins], found, self.middle)
        return scores

    def measure_normal_scores(self, windows: ForecastWindows, chosen: Any) -> list:
        """Returns what thresholds are made of, from windows of normal data."""
        found = self.predict_windows(windows, chosen)[:, 0]
        truth = np.array(windows.rows(chosen)[1])[:, 0]
        return keep_highest(score_values(truth, found, self.middle))


def keep_highest(scores: np.ndarray) -> list[float]:
    """Returns how many scores there are, and then the highest of them, ascending.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.models.forecast_anomalies import keep_highest
        >>> keep_highest(np.array([2.0, float("nan"), 1.0]))
        [2.0, 1.0, 2.0]
    """
    known = np.sort(scores[~np.isnan(scores)])
    return [float(len(known)), *(float(f"{score:.5g}") for score in known[-KEPT:])]


def score_values(values: Any, quantiles: np.ndarray, middle: int) -> np.ndarray:
    """Returns distances from medians, in units of those of the outer quantiles."""
    median = quantiles[:, middle].astype("float64")
    above, below = quantiles[:, -1] - median, median - quantiles[:, 0]
    error = np.asarray(values, "float64") - median
    width = np.where(error > 0, above, below)
    smallest = 1e-6 * np.maximum(np.abs(median), 1e-6)
    return np.abs(error) / np.maximum(width, smallest)
