"""Times of observations: read, made regular, and continued."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from rnnzoo.errors import shorten

# Frequencies that are no fixed number of seconds, tried in this order.
CALENDAR_FREQUENCIES = "YS YE QS QE MS ME".split()
# What pandas' nanoseconds hold.
FIRST_YEAR, LAST_YEAR = 1678, 2261
DAY, YEAR = 86_400.0, 365.2425 * 86_400.0
# Steps of a season, by the seconds of a step: the first that is not longer.
SEASONS = ((DAY, 7), (7 * DAY, 52), (27 * DAY, 12), (88 * DAY, 4), (300 * DAY, 1))


def parse_times(values: Any, name: str = "time") -> pd.DatetimeIndex | np.ndarray:
    """Returns times, or whole numbers that only count steps.

    Args:
        values: Strings in any common format, datetimes, dates, years, or seconds since
            1970, or milli-, micro- or nanoseconds. Small whole numbers count steps.
        name: Name of the column, for messages.

    Raises:
        ValueError: If some are missing or cannot be read; names the rows.

    Example:
        >>> from rnnzoo.data.times import parse_times
        >>> parse_times(["2024-03-01 00:00", "2024-03-01 01:00"])[1].hour
        1
    """
    column = pd.Series(values).reset_index(drop=True)
    numbers = pd.to_numeric(column, errors="coerce")
    is_time = pd.api.types.is_datetime64_any_dtype(column.dtype)
    if isinstance(column.dtype, pd.PeriodDtype):
        return pd.DatetimeIndex(column.dt.to_timestamp())
    if not is_time and len(numbers) and numbers.notna().all():
        return _read_numbers(numbers.to_numpy(), column, name)
    if not is_time:
        column = order_days(column)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of formats that are guessed
        try:
            found = pd.to_datetime(column, errors="coerce")
        except (ValueError, TypeError):
            found = pd.Series([pd.NaT] * len(column))
    if found.isna().any() and not is_time:
        text = column.astype(str)
        # Of several formats or offsets from UTC, or with the day first.
        for options in ({"dayfirst": True}, {"format": "mixed", "utc": True}):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of formats that are guessed
                try:
                    other = pd.to_datetime(text, errors="coerce", **options)
                except (ValueError, TypeError):
                    continue
            if other.isna().sum() < found.isna().sum():
                found = other
    bad = np.flatnonzero(found.isna())
    if len(bad):
        rows = ", ".join(str(row + 1) for row in bad[:5])
        raise ValueError(
            f"Every row must have a time in {name!r}, such as 2024-03-31 13:00: "
            f"correct or remove row {rows}{' ...' if len(bad) > 5 else ''} "
            "(counted from 1). "
            f"Received: {shorten(column[bad[0]])}"
        )
    times = pd.DatetimeIndex(found)
    far = np.flatnonzero((times.year < FIRST_YEAR) | (times.year > LAST_YEAR))
    if len(far):
        raise ValueError(
            f"Times in {name!r} must be of the years {FIRST_YEAR} to {LAST_YEAR}: "
            "write the year with four digits, or number the steps. Correct row "
            f"{far[0] + 1} (counted from 1). Received: {shorten(column[far[0]])}"
        )
    return times


def order_days(column: pd.Series) -> pd.Series:
    """Returns dates such as 31.12.24 as 2024-12-31; a column of others as it is.

    Which number is the day, the whole column says: the one that goes beyond 12; with
    dots, the first; else the one with which times are the more regular.

    Example:
        >>> import pandas as pd
        >>> from rnnzoo.data.times import order_days
        >>> order_days(pd.Series(["01.02.24", "01.03.24"])).tolist()
        ['2024-02-01', '2024-03-01']
        >>> order_days(pd.Series(["1/2/2024", "1/3/2024", "1/13/2024"])).tolist()
        ['2024-01-02', '2024-01-03', '2024-01-13']
    """
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    parts = text.str.extract(r"^(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})(?!\d)(.*)$")
    if not len(parts) or parts[0].isna().any():
        return column
    first, second, years = (parts[place].astype(int) for place in (0, 2, 3))
    years = years.where(years > 99, years + np.where(years < 70, 2000, 1900))

    def write(month: pd.Series, day: pd.Series) -> pd.Series:
        numbers = zip(years, month, day, parts[4], strict=True)
        found = [f"{y:04d}-{m:02d}-{d:02d}{rest}" for y, m, d, rest in numbers]
        return pd.Series(found, index=column.index)

    by_day, by_month = write(second, first), write(first, second)
    if (first > 12).any() or (second > 12).any():
        return by_day if (first > 12).any() else by_month
    if (parts[1] == ".").all():
        return by_day
    steps = []
    for one in (by_month, by_day):
        times = pd.to_datetime(one, errors="coerce", format="mixed").dropna()
        found: Any = np.diff(np.unique(times.astype("int64")))
        steps.append(found.max() / np.median(found) if len(found) else 1.0)
    return by_day if steps[1] < steps[0] else by_month


def _read_numbers(numbers: np.ndarray, column: pd.Series, name: str) -> Any:
    is_whole = bool((numbers == np.floor(numbers)).all())
    low, high = numbers.min(), numbers.max()
    # Of the years 1973 to 2261, in seconds, or in thousandths of these, and so on.
    for power, unit in enumerate(("s", "ms", "us", "ns")):
        if 1e8 <= low / 1e3**power and high / 1e3**power < 9.2e9:
            if column.dtype.kind == "i":  # exact
                numbers = column.to_numpy()
            return pd.DatetimeIndex(pd.to_datetime(numbers, unit=unit))
    if not is_whole or not np.isfinite(numbers).all():
        raise ValueError(
            f"Numbers in {name!r} must be whole: steps, years, or seconds since 1970. "
            f"Received: {numbers[int(np.argmax(numbers != np.floor(numbers)))]}"
        )
    whole = numbers.astype("int64")
    is_date = 19_000_101 <= low and high <= 22_001_231
    if is_date or (1000 <= low and high <= 2500 and len(set(whole)) == len(whole)):
        text = [str(one) for one in whole]
        parsed = pd.to_datetime(
            text, format="%Y%m%d" if is_date else "%Y", errors="coerce"
        )
        if not parsed.isna().any():
            return pd.DatetimeIndex(parsed)
    return whole


def find_frequency(times: pd.DatetimeIndex) -> str | None:
    """Returns the frequency of ascending times with gaps, as pandas names it.

    `None` if the times are no part of a regular grid.

    Example:
        >>> import pandas as pd
        >>> from rnnzoo.data.times import find_frequency
        >>> find_frequency(pd.to_datetime(["2024-01-01", "2024-02-01", "2024-04-01"]))
        'MS'
    """
    if len(times) < 2:
        return None
    steps = np.diff(times.asi8)
    values, counts = np.unique(steps, return_counts=True)
    usual = int(values[counts.argmax()])
    # pandas has a unit of its own for each column.
    unit = pd.Timedelta(1, unit=times.unit)
    is_daily = usual * unit >= pd.Timedelta(days=1)
    weeks = f"W-{times[0].strftime('%a').upper()}"
    names = [weeks]
    if usual * unit >= pd.Timedelta(days=27):
        names = CALENDAR_FREQUENCIES
    elif usual * unit == pd.Timedelta(days=1):
        # Business days have weekends without any, and never one with.
        is_business = len(times) > 5 and (times.day_of_week < 5).all()
        names = ["B", "D"] if is_business else ["D"]
    for name in names if is_daily else ():
        grid = pd.date_range(times[0], times[-1], freq=name)
        if times.isin(grid).all():
            return name
    if usual and (steps % usual == 0).all():
        return _name_step(usual * unit)
    smallest = int(np.gcd.reduce(steps))
    if smallest and len(times) > 0.2 * (times.asi8[-1] - times.asi8[0]) / smallest:
        return _name_step(smallest * unit)
    if is_daily and times.tz is not None:  # a day may have 23 or 25 hours
        return find_frequency(times.tz_localize(None))
    return None


def suggest_frequency(times: pd.DatetimeIndex) -> str:
    """Returns a frequency to put ascending, irregular times together at.

    Example:
        >>> import pandas as pd
        >>> from rnnzoo.data.times import suggest_frequency
        >>> times = pd.to_datetime(["2024-01-01 00:00:08", "2024-01-01 00:01:10"])
        >>> suggest_frequency(times)
        '1min'
    """
    usual = float(np.median(np.diff(times.as_unit("ns").asi8))) / 1e9
    names = {1: "1s", 60: "1min", 300: "5min", 900: "15min", 3600: "1h", DAY: "1D"}
    names |= {7 * DAY: "1W", 30 * DAY: "1MS"}
    return names[min(names, key=lambda step: abs(np.log(step / max(usual, 1e-3))))]


def _name_step(step: pd.Timedelta) -> str:
    return pd.tseries.frequencies.to_offset(step).freqstr


def measure_step(frequency: str) -> float:
    """Returns the mean seconds of a step.

    Example:
        >>> from rnnzoo.data.times import measure_step
        >>> measure_step("h"), measure_step("W-SUN") / 86400
        (3600.0, 7.0)
    """
    grid = pd.date_range("2001-01-01", periods=9, freq=frequency)
    return float((grid[-1] - grid[0]).total_seconds() / 8)


def find_season(frequency: str | None) -> int:
    """Returns the steps of the usual season of a frequency; 1 for none.

    A day of hours or less, a week of days (5 of business days), a year of weeks,
    months or quarters.

    Example:
        >>> from rnnzoo.data.times import find_season
        >>> [find_season(name) for name in ("15min", "h", "D", "W-MON", "MS", "YS")]
        [96, 24, 7, 52, 12, 1]
    """
    if frequency is None:
        return 1
    if frequency == "B":
        return 5
    step = measure_step(frequency)
    if step < 0.6 * DAY:
        per_day = DAY / step
        return int(per_day) if per_day == int(per_day) and per_day <= 1440 else 1
    found = 1
    for seconds, season in SEASONS:
        if step >= 0.9 * seconds:
            found = season
    return found


def choose_calendar(frequency: str | None) -> list[str]:
    """Returns the periods of `rnnzoo.layers.forecasting.CALENDAR` that steps tell."""
    if frequency is None:
        return []
    step, found = measure_step(frequency), []
    if step < 0.9 * DAY:
        found.append("hour")
    if step < 6 * DAY:
        found.append("weekday")
    return [*found, "year"] if step < 0.9 * YEAR else found


def make_regular(
    times: pd.DatetimeIndex, frequency: str, rows: np.ndarray, name: str
) -> pd.DatetimeIndex:
    """Returns the whole grid that ascending times are on.

    Raises:
        ValueError: If one is not on it; names its row and the fix.
    """
    grid = pd.date_range(times[0], times[-1], freq=frequency)
    if len(grid) > max(20 * len(times), 10_000):
        raise ValueError(
            f"The times in {name!r} must be closer together: at a frequency of "
            f"{frequency!r} they are {len(grid):,} steps with {len(times):,} values. "
            "State the frequency, and how to put values together, with every='1D' "
            f"(--every=1D). Received: times from {times[0]} to {times[-1]}"
        )
    off = np.flatnonzero(~times.isin(grid))
    if len(off):
        raise ValueError(
            f"The times in {name!r} must be at a regular frequency, here "
            f"{frequency!r}; {len(off):,} are not. Put values together with every="
            f"'{frequency}' (--every={frequency}), which takes means, or correct row "
            f"{rows[off[0]] + 1} (counted from 1). Received: {times[off[0]]}"
        )
    return grid


def to_clock(times: pd.DatetimeIndex) -> np.ndarray:
    """Returns the local clock's time in seconds since 1970 on that clock, float64."""
    naive = times.tz_localize(None) if times.tz is not None else times
    return naive.as_unit("ns").asi8 / 1e9


def continue_times(times: pd.DatetimeIndex, frequency: str, count: int) -> Any:
    """Returns the next times of a grid, in the same time zone.

    Example:
        >>> import pandas as pd
        >>> from rnnzoo.data.times import continue_times
        >>> times = pd.date_range("2024-03-31 00:00", periods=2, freq="h",
        ...                       tz="Europe/Berlin")
        >>> continue_times(times, "h", 1)[0].hour  # summer time has begun
        3
    """
    return pd.date_range(times[-1], periods=count + 1, freq=frequency)[1:]


# Names of columns that together are a time, from the largest part to the smallest.
PARTS = ("year", "month", "day", "hour", "minute", "second")
# Names of columns that most likely are times.
NAMES = "date time datetime timestamp ts ds datum day month week year period t".split()


def join_times(frame: pd.DataFrame) -> pd.DatetimeIndex | None:
    """Returns the times of columns for year, month, day and so on; `None` without.

    Example:
        >>> import pandas as pd
        >>> from rnnzoo.data.times import join_times
        >>> join_times(pd.DataFrame({"Year": [2024], "Month": ["3"]}))[0].month
        3
    """
    names = {str(name).strip().lower(): name for name in frame.columns}
    found = [part for part in PARTS if part in names]
    if len(found) < 2 or found != list(PARTS[: len(found)]):
        return None
    parts = {part: pd.to_numeric(frame[names[part]], errors="coerce") for part in found}
    parts.setdefault("day", pd.Series(1, index=frame.index))
    times = pd.to_datetime(pd.DataFrame(parts), errors="coerce")
    if times.isna().any():
        row = int(times.isna().to_numpy().argmax())
        raise ValueError(
            f"The columns {', '.join(str(names[part]) for part in found)} must be a "
            f"time in every row: correct row {row + 1} (counted from 1). Received: "
            f"{[frame[names[part]].iloc[row] for part in found]}"
        )
    return pd.DatetimeIndex(times)


def find_time_column(frame: pd.DataFrame) -> str | None:
    """Returns the column that is the time, or `None`.

    It is one with a usual name, or else the first whose text is dates.

    Example:
        >>> import pandas as pd
        >>> from rnnzoo.data.times import find_time_column
        >>> find_time_column(pd.DataFrame({"y": ["1"], "Date": ["2024-01-01"]}))
        'Date'
    """
    usual = [name for name in frame.columns if str(name).strip().lower() in NAMES]
    others = [name for name in frame.columns if name not in usual]
    for name in [*usual, *others]:
        column = frame[name].iloc[:1000]
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return name
        is_text = pd.to_numeric(column, errors="coerce").isna().all()
        if not is_text and name not in usual:
            continue
        try:
            if isinstance(parse_times(column, str(name)), pd.DatetimeIndex):
                return name
        except ValueError:
            continue
    return None
