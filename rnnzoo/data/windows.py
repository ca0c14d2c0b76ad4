"""Windows of series: the past up to an origin, and what followed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnzoo.data import times as clock
from rnnzoo.data.fingerprints import digest
from rnnzoo.data.series_tables import Columns, Series

UNKNOWN = 0  # the number of a series that training has not seen


class ForecastWindows:
    """Windows of series as endless `Examples`, and as rows of given origins.

    A row is `[steps, features]` as `rnnzoo.tokens.forecasting.ForecastSteps` reads it:
    at most `context` steps before an origin, and `horizon` steps from it on, without
    their values and past covariates. Its target are these values, NaN for gaps.

    Args:
        series: The series.
        columns: What the columns of their table are.
        context: Steps of the past.
        horizon: Steps of the future.
        numbers: The number of each series by its name; others are `UNKNOWN`. `None`
            where the model does not tell series apart.
        start: The first origin of each series, in steps; `None` for half of a context,
            or a third of the series.
        stop: The end of what may be a target in each series; `None` for all.
        unknown_share: Fraction of the examples whose series is said to be unknown, so
            that a model learns to forecast others too.
        has_time: Whether rows have the time; `None` where there is a column of it.
    """

    def __init__(
        self,
        series: Sequence[Series],
        columns: Columns,
        context: int,
        horizon: int,
        numbers: dict[str, int] | None = None,
        start: Sequence[int] | None = None,
        stop: Sequence[int] | None = None,
        unknown_share: float = 0.0,
        has_time: bool | None = None,
    ):
        self.series, self.columns = list(series), columns
        self.context, self.horizon = context, horizon
        self.has_time = columns.time is not None if has_time is None else has_time
        self.has_id, self.unknown_share = numbers is not None, unknown_share
        self.numbers = numbers or {}
        self.matrices = [self._to_matrix(one) for one in self.series]
        lengths = np.array([len(one) for one in self.series])
        stops = lengths if stop is None else np.minimum(stop, lengths)
        half = np.minimum(context // 2, (stops - horizon) // 3)
        starts = np.maximum(half if start is None else np.asarray(start), 1)
        found = []
        for place, one in enumerate(self.series):
            known = ~np.isnan(one.values)
            counts = np.concatenate([[0], np.cumsum(known)])
            origins = np.arange(starts[place], stops[place] - horizon + 1)
            begin = np.maximum(origins - context, 0)
            has_past = counts[origins] > counts[begin]
            has_future = counts[origins + horizon] > counts[origins]
            found.append(origins[has_past & has_future])
        self.origins = found
        counts = np.array([len(one) for one in found])
        self.places = np.repeat(np.arange(len(found)), counts)
        self.flat = np.concatenate([np.zeros(0, int), *found])

    def __len__(self) -> int:
        """Returns the number of windows."""
        return len(self.flat)

    def _to_matrix(self, one: Series) -> np.ndarray:
        """Returns all steps of a series, and `horizon` steps behind it."""
        steps = len(one) + self.horizon
        parts = [np.full((steps, 1), np.nan)]
        parts[0][: len(one), 0] = one.values
        more = np.full((steps, one.covariates.shape[1]), np.nan)
        count = min(steps, len(one.covariates))
        more[:count] = one.covariates[:count]
        parts.append(more)
        if self.has_time:
            parts.append(self._read_clock(one, steps)[:, None])
        if self.has_id:
            number = self.numbers.get(one.name, UNKNOWN)
            parts.append(np.full((steps, 1), float(number)))
        return np.concatenate(parts, axis=1)

    def _read_clock(self, one: Series, steps: int) -> np.ndarray:
        times, frequency = one.times, self.columns.frequency
        if times is None:
            return np.arange(steps, dtype="float64")
        if len(times) < steps and frequency is not None:
            more = clock.continue_times(times, frequency, steps - len(times))
            times = times.append(more)
        seconds = clock.to_clock(times)
        if len(seconds) < steps:
            seconds = np.pad(seconds, (0, steps - len(seconds)), mode="edge")
        return seconds[:steps]

    def row(self, place: int, origin: int, is_unknown: bool = False) -> np.ndarray:
        """Returns the window of a series at an origin, `[steps, features]`."""
        known = self.columns.count(self.columns.known)
        first = max(origin - self.context, 0)
        found = self.matrices[place][first : origin + self.horizon].copy()
        past = self.columns.count(self.columns.past)
        found[origin - first :, 0] = np.nan
        found[origin - first :, 1 + known : 1 + known + past] = np.nan
        if is_unknown and self.has_id:
            found[:, -1] = UNKNOWN
        # Of a series of values alone, the future is not given.
        return found[: origin - first, 0] if found.shape[1] == 1 else found

    def target(self, place: int, origin: int) -> np.ndarray:
        """Returns the values from an origin on, `[horizon]`."""
        return self.matrices[place][origin : origin + self.horizon, 0]

    def rows(self, indices: Any, random: Any = None) -> tuple[list, list]:
        """Returns windows and targets by their numbers."""
        inputs, targets = [], []
        for index in np.asarray(indices, int).tolist():
            place, origin = int(self.places[index]), int(self.flat[index])
            is_unknown = random is not None and random.random() < self.unknown_share
            inputs.append(self.row(place, origin, is_unknown))
            targets.append(self.target(place, origin))
        return inputs, targets

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` windows and targets, the same for the same arguments."""
        random = np.random.default_rng((seed, index))
        return self.rows(random.integers(len(self), size=size), random)

    def batches_per_epoch(self, size: int) -> int:
        """Returns how many batches of this size have as many windows as there are."""
        return max(1, len(self) // size)

    def spread(self, count: int) -> np.ndarray:
        """Returns the numbers of at most `count` windows, evenly over all."""
        if len(self) <= count:
            return np.arange(len(self))
        return np.unique(np.linspace(0, len(self) - 1, count).astype(int))

    def fingerprint(self) -> dict[str, Any]:
        """Returns the number of windows, and a hash of the series."""
        parts = [matrix[: len(one)].tobytes() for matrix, one in self._pairs()]
        return {"windows": len(self), "hash": digest([part.hex() for part in parts])}

    def _pairs(self) -> Any:
        return zip(self.matrices, self.series, strict=True)


def split_by_time(
    series: Sequence[Series], horizon: int, fraction: float, most: int | None = None
) -> list[int]:
    """Returns where the last part of each series begins, in steps.

    The part has a fraction of the steps, and at least `horizon` where half of the
    series is longer; at most `most` steps. A series that is too short has none.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.data.series_tables import Series
        >>> from rnnzoo.data.windows import split_by_time
        >>> one = Series("a", np.zeros(100), np.zeros((100, 0)))
        >>> split_by_time([one], horizon=12, fraction=0.2)
        [80]
    """
    found = []
    for one in series:
        size = max(int(len(one) * fraction), horizon)
        size = min(size, most) if most else size
        size = size if size <= len(one) // 2 else len(one) // 2
        found.append(len(one) - size if size >= horizon else len(one))
    return found
