"""Series of numbers out of tables, arrays and dicts, on a regular grid of times."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import narwhals
import numpy as np
import pandas as pd

from rnnzoo.data import time_grids as grids
from rnnzoo.data import times as clock
from rnnzoo.data.rows import GAPS
from rnnzoo.errors import closest, shorten

VALUE, TIME = "value", "time"


@dataclasses.dataclass
class Columns:
    """What the columns of a table are.

    Attributes:
        target: The columns to forecast.
        time: The column of times; `None` for steps that are only counted.
        series: The column that says which series a row is of; `None` for one series.
        known: Covariates that are known in the future.
        past: Covariates that are known in the past only.
        categories: The categories of covariates that are names, each a column of its
            own of 0 and 1.
        frequency: The frequency of the times, as pandas names it; `None` to find it.
        every: A frequency to put values together at, by their means; `None` not to.
    """

    target: list[str]
    time: str | None = None
    series: str | None = None
    known: list[str] = dataclasses.field(default_factory=list)
    past: list[str] = dataclasses.field(default_factory=list)
    categories: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    frequency: str | None = None
    every: str | None = None

    @property
    def covariates(self) -> list[str]:
        """Names of the covariates, those known in the future first."""
        return [*self.known, *self.past]

    def count(self, names: Iterable[str]) -> int:
        """Returns how many numbers covariates are."""
        return sum(len(self.categories.get(name, [None])) for name in names)


@dataclasses.dataclass
class Series:
    """One series on a regular grid.

    Attributes:
        name: Its name: that of its target, of its series, or of both.
        values: Its values, float64, NaN for gaps.
        covariates: `[steps, covariates]`, float64, NaN for gaps; as many steps as
            values, or more, which are the future.
        times: The times of the steps; `None` if they are only counted.
        target: The column of the values.
        key: The entry of the column of series.
        first: Number of the first step where the column of times counts steps.
        every: What such a column counts on by.
    """

    name: str
    values: np.ndarray
    covariates: np.ndarray
    times: pd.DatetimeIndex | None = None
    target: str = VALUE
    key: Any = None
    first: int = 0
    every: int = 1

    def __len__(self) -> int:
        """Returns the number of steps that have values."""
        return len(self.values)

    def count(self, start: int, stop: int) -> np.ndarray:
        """Returns the numbers of steps in a column that counts them."""
        return self.first + self.every * np.arange(start, stop)


def has_time_index(data: Any) -> bool:
    """Whether data are of pandas, and their index are times."""
    is_frame = isinstance(data, (pd.DataFrame, pd.Series))
    return is_frame and isinstance(data.index, (pd.DatetimeIndex, pd.PeriodIndex))


def to_frame(
    data: Any, expected: str = "a table of numbers", time: str | None = None
) -> pd.DataFrame:
    """Returns data frames of any kind, dicts and arrays as one of pandas.

    A list or array of numbers is one column; an array `[time, series]` has one for
    each series; a list of several series has them below each other. An index of times
    becomes a column, named `time` if it has no name.

    Example:
        >>> from rnnzoo.data.series_tables import to_frame
        >>> to_frame([1.0, 2.0])["value"].tolist()
        [1.0, 2.0]
    """
    if isinstance(data, pd.Series):
        data = data.to_frame(VALUE if data.name is None else data.name)
    if isinstance(data, pd.DataFrame):
        frame = data.reset_index(drop=True)
        name = (time or data.index.name or TIME) if has_time_index(data) else None
        if name is not None and name not in frame.columns:
            frame.insert(0, name, data.index)
        frame = frame.rename(columns=str)
        if not frame.columns.is_unique:
            name = frame.columns[frame.columns.duplicated()][0]
            raise ValueError(
                "Columns must have different names: rename or remove one. Received: "
                f"{name!r} twice"
            )
        return frame
    native = narwhals.from_native(data, allow_series=True, pass_through=True)
    if isinstance(native, narwhals.LazyFrame):
        native = native.collect()
    if isinstance(native, narwhals.DataFrame):
        names = native.columns
        return pd.DataFrame({name: native[name].to_list() for name in names})
    if isinstance(native, narwhals.Series):
        return pd.DataFrame({native.name or VALUE: native.to_list()})
    try:
        if isinstance(data, dict):
            return pd.DataFrame({name: list(column) for name, column in data.items()})
        if hasattr(data, "numpy"):
            data = data.numpy()
        if isinstance(data, (list, tuple)) and len(data) and np.ndim(data[0]) == 1:
            parts = [_to_part(part, place) for place, part in enumerate(data)]
            names = np.repeat(np.arange(len(parts)), list(map(len, parts)))
            return pd.DataFrame({"series": names, VALUE: np.concatenate(parts)})
        array = np.asarray(data)
        if array.ndim == 1 and array.dtype.kind in "biufOU":
            # Numbers beside a text stay numbers, so that the text is refused.
            return pd.DataFrame({VALUE: array if array is data else list(data)})
        if array.ndim == 2 and array.size and array.dtype.kind in "iuf":
            names = [f"{VALUE}_{place}" for place in range(array.shape[1])]
            return pd.DataFrame(dict(zip(names, array.T, strict=True)))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Give {expected}: a data frame, a dict of columns of one length, or an "
            f"array [time] or [time, series]. Received: {shorten(data)} ({error})"
        ) from error
    raise TypeError(
        f"Give {expected}: a data frame, a dict of columns, or an array [time] or "
        f"[time, series]. Received: {shorten(data)}"
    )


def _to_part(values: Any, place: int) -> np.ndarray:
    return to_numbers(list(values), f"series {place}")


def to_numbers(column: Any, name: str) -> np.ndarray:
    """Returns a column as float64 with NaN for gaps; names rows that are no numbers.

    Example:
        >>> from rnnzoo.data.series_tables import to_numbers
        >>> to_numbers(["1", "NA", "2.5", "1,5"], "pm").tolist()
        [1.0, nan, 2.5, 1.5]
    """
    column = pd.Series(column)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy("float64", na_value=np.nan)
    if pd.api.types.is_numeric_dtype(column.dtype):
        found = column.to_numpy("float64", na_value=np.nan)
    else:
        text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
        text = text.mask(text.str.lower().isin(GAPS), "nan")
        plain = pd.to_numeric(text, errors="coerce")
        bad = plain.isna() & (text != "nan")
        if bad.any():  # decimal commas
            commas = text.str.fullmatch(r"[+-]?\d*,\d+") | ~bad
            _refuse_thousands(text[bad], name)
            if commas.all():
                plain = pd.to_numeric(text.str.replace(",", "."), errors="coerce")
                bad = plain.isna() & (text != "nan")
        if bad.any():
            rows = np.flatnonzero(bad)
            places = ", ".join(str(row + 1) for row in rows[:5])
            raise ValueError(
                f"{name!r} must be numbers, or empty where there is none; "
                f"{len(rows):,} of {len(column):,} are not. Correct row {places}"
                f"{' ...' if len(rows) > 5 else ''} (counted from 1, without the header"
                f"). Received: {shorten(text.iloc[rows[0]])}"
            )
        found = plain.to_numpy("float64")
    is_wrong = np.isinf(found) | (np.abs(found) > 1e30)
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise ValueError(
            f"{name!r} must be finite numbers below 1e30: correct row {row + 1} "
            f"(counted from 1, without the header). Received: {found[row]}"
        )
    return found


def _refuse_thousands(text: pd.Series, name: str) -> None:
    """Refuses numbers whose commas may be of thousands as well as of decimals."""
    if text.str.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?").all():
        raise ValueError(
            f"The commas in {name!r} may separate thousands or decimals: write 1234 or "
            "1.234. Correct row "
            f"{text.index[0] + 1} (counted from 1, without the header) and all others. "
            f"Received: {shorten(text.iloc[0])}"
        )


def find_columns(frame: pd.DataFrame, names: Iterable[str], role: str) -> None:
    """Raises `ValueError` if a column is missing, with the closest name."""
    known = list(map(str, frame.columns))
    for name in names:
        if name not in frame.columns:
            raise ValueError(
                f"The {role} {name!r} must be a column: there are "
                f"{shorten(known, limit=300)}.{closest(str(name), known)} Received: "
                f"{role}={name!r}"
            )


def find_categories(frame: pd.DataFrame, names: Iterable[str]) -> dict[str, list[str]]:
    """Returns the categories of the covariates that are no numbers.

    Raises `ValueError` if one has more than 50.
    """
    found = {}
    for name in names:
        try:
            to_numbers(frame[name], name)
        except ValueError as error:
            text = frame[name].dropna().astype(str)
            is_mixed = pd.to_numeric(text, errors="coerce").notna().mean() > 0.5
            categories = sorted(set(text))
            if is_mixed or len(categories) > 50:
                raise error
            found[name] = categories
    return found


def read_series(
    frame: pd.DataFrame, columns: Columns, future: pd.DataFrame | None = None
) -> list[Series]:
    """Returns the series of a table, each on its regular grid.

    Args:
        frame: The table.
        columns: What its columns are. `frequency` is set if it was not.
        future: Covariates of later steps; `None` for none. Where covariates are known
            in the future, the last rows of `frame` without any value are such too.

    Raises:
        ValueError: For what is missing, no number, no time, twice there, or on no
            regular grid; names rows and the fix.
    """
    find_columns(frame, columns.target, "target")
    find_columns(frame, [*columns.known], "known covariate")
    find_columns(frame, [*columns.past], "covariate")
    for role in ("time", "series"):
        if name := getattr(columns, role):
            find_columns(frame, [name], f"column of the {role}")
    if not len(frame):
        raise ValueError("There must be rows to read. Received: an empty table")
    targets = {name: to_numbers(frame[name], name) for name in columns.target}
    covariates = _read_covariates(frame, columns, columns.covariates)
    later = None
    if future is not None:
        find_columns(future, [*columns.known], "known covariate of the future")
        later = _read_covariates(future, columns, columns.known)
    all_times = None
    if columns.time:
        all_times = clock.parse_times(frame[columns.time], columns.time)
    later_times = None
    if future is not None and columns.time:
        find_columns(future, [columns.time], "column of the time of the future")
        later_times = clock.parse_times(future[columns.time], columns.time)
    keys = [None]
    if columns.series:
        if frame[columns.series].isna().any():
            row = int(frame[columns.series].isna().to_numpy().argmax())
            raise ValueError(
                f"Every row must say which series it is of, in {columns.series!r}: "
                f"correct row {row + 1} (counted from 1). Received: nothing there"
            )
        keys = list(dict.fromkeys(frame[columns.series].tolist()))
    found = []
    for key in keys:
        rows = np.arange(len(frame))
        if columns.series:
            rows = np.flatnonzero((frame[columns.series] == key).to_numpy())
        times, order, gaps = grids.regularize(all_times, rows, columns, key)
        size = int(gaps.max()) + 1 if times is None else len(times)
        more = np.full((size, covariates.shape[1]), np.nan)
        grids.fill(more, covariates, order, gaps)
        values = {}
        for name, numbers in targets.items():
            one = np.full((size, 1), np.nan)
            grids.fill(one, numbers[:, None], order, gaps)
            values[name] = one[:, 0]
        stop = size
        if columns.known:  # the last rows may be the future
            is_known = ~np.all([np.isnan(one) for one in values.values()], axis=0)
            stop = int(is_known.nonzero()[0].max()) + 1 if is_known.any() else size
        if future is not None and later is not None:
            chosen = np.arange(len(future))
            if columns.series and columns.series in future.columns:
                chosen = np.flatnonzero((future[columns.series] == key).to_numpy())
            more, times = _add_future(
                more[:stop],
                None if times is None else times[:stop],
                later[chosen],
                None if later_times is None else later_times[chosen],
                columns,
            )
        for name, numbers in values.items():
            parts = [] if key is None else [str(key)]
            parts += [name] if len(targets) > 1 or not parts else []
            label = "/".join(parts)
            one = Series(label, numbers[:stop], more, times, name, key)
            if times is None and all_times is not None:
                counted = np.unique(all_times[rows])
                one.first = int(counted[0])
                one.every = int(np.gcd.reduce(np.diff(counted))) or 1
            found.append(one)
    return found


def _read_covariates(
    frame: pd.DataFrame, columns: Columns, names: Sequence[str]
) -> np.ndarray:
    parts = []
    for name in names:
        if name not in columns.categories:
            parts.append(to_numbers(frame[name], name)[:, None])
            continue
        text = frame[name].astype(object).where(frame[name].notna(), None)
        known = columns.categories[name]
        marks = np.zeros((len(frame), len(known)))
        for row, value in enumerate(text):
            if value is None:
                marks[row] = np.nan
            elif str(value) in known:  # else none of those that training had
                marks[row, known.index(str(value))] = 1.0
        parts.append(marks)
    return np.concatenate([np.zeros((len(frame), 0)), *parts], axis=1)


def _add_future(
    more: np.ndarray, times: Any, later: np.ndarray, later_times: Any, columns: Columns
) -> tuple:
    """Returns covariates and times with those of later steps behind them."""
    known = later.shape[1]
    wide = np.full((len(later), more.shape[1]), np.nan)
    wide[:, :known] = later
    if times is None or later_times is None or columns.frequency is None:
        return np.concatenate([more, wide]), times
    if times.tz is not None and later_times.tz is None:
        later_times = later_times.tz_localize(times.tz)
    if times.tz is not None:
        later_times = later_times.tz_convert(times.tz)
    is_later = later_times > times[-1]
    later_times, wide = later_times[is_later], wide[is_later]
    if not len(later_times):
        return more, times
    grid = pd.date_range(times[-1], later_times.max(), freq=columns.frequency)[1:]
    found = np.full((len(grid), more.shape[1]), np.nan)
    places = grid.get_indexer(later_times)
    found[places[places >= 0]] = wide[places >= 0]
    return np.concatenate([more, found]), times.append(grid)
