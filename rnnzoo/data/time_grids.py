"""Rows of tables on regular grids of times, with gaps where there is no row."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from rnnzoo.data import times as clock
from rnnzoo.errors import shorten


def regularize(all_times: Any, rows: np.ndarray, columns: Any, key: Any) -> tuple:
    """Returns the grid, the rows in its order, and their places on it."""
    if all_times is None:
        return None, rows, np.arange(len(rows))
    times = all_times[rows]
    order = np.argsort(times, kind="stable")
    times, rows = times[order], rows[order]
    where = "" if key is None else f" of the series {shorten(key)}"
    if not isinstance(times, pd.DatetimeIndex):  # whole numbers
        _refuse_twice(times, rows, columns, where)
        step = int(np.gcd.reduce(np.diff(times))) if len(times) > 1 else 1
        places = (times - times[0]) // max(step, 1)
        if len(times) and places[-1] > max(20 * len(times), 10_000):
            raise ValueError(
                f"Steps in {columns.time!r}{where} must be closer together. Received: "
                f"{len(times):,} values in {places[-1]:,} steps"
            )
        grid = None
        return grid, rows, places
    if columns.every:
        grid, places = _group(times, columns.every, columns.frequency)
        columns.frequency = grid.freqstr
        return grid, rows, places
    _refuse_twice(times, rows, columns, where)
    if columns.frequency is not None:
        _refuse_coarser(times, columns, where)
    else:
        columns.frequency = clock.find_frequency(times)
    if columns.frequency is None:
        if len(times) == 1:
            return times, rows, np.zeros(1, int)
        every = clock.suggest_frequency(times)
        raise ValueError(
            f"The times in {columns.time!r}{where} must be at a regular frequency, and "
            f"are not: put values together with every={every!r} (--every={every}), "
            f"which takes means. Received: {times[0]}, {times[1]}, ... {times[-1]}"
        )
    grid = clock.make_regular(times, columns.frequency, rows, str(columns.time))
    return grid, rows, grid.get_indexer(times)


def _group(times: pd.DatetimeIndex, every: str, frequency: str | None) -> tuple:
    """Returns a grid, and the place on it of each of ascending times."""
    ones = pd.Series(np.arange(len(times)), index=times)
    try:
        grid = ones.resample(every).first().index
        stops = ones.resample(every).count().cumsum().to_numpy()
    except ValueError as error:
        raise ValueError(
            "every must be a frequency of pandas, such as '15min', 'h', 'D', 'W' or "
            f"'MS'. Received: every={every!r}"
        ) from error
    if frequency is not None and grid.freq != to_offset(frequency):
        raise ValueError(
            f"every must be the frequency of the model's steps, {frequency!r}: train "
            f"another model for other steps. Received: every={every!r}"
        )
    return grid, np.searchsorted(stops, np.arange(len(times)), side="right")


def _refuse_coarser(times: pd.DatetimeIndex, columns: Any, where: str) -> None:
    """Refuses times that a frequency would fill with gaps nearly everywhere."""
    found = clock.find_frequency(times) if len(times) >= 5 else None
    if found is None or columns.frequency is None:
        return
    if clock.measure_step(found) > 1.9 * clock.measure_step(columns.frequency):
        raise ValueError(
            f"The times in {columns.time!r}{where} must have the frequency of the "
            f"model's steps, {columns.frequency!r}: train another model, or mark the "
            f"steps between them as gaps with every={columns.frequency!r} "
            f"(--every={columns.frequency}). Received: times of the frequency {found!r}"
        )


def _refuse_twice(times: Any, rows: np.ndarray, columns: Any, where: str) -> None:
    twice = np.flatnonzero(np.asarray(times[1:] == times[:-1]))
    if len(twice):
        place = int(twice[0])
        hint = (
            " If they are of several series, name the column that tells them apart "
            "with series=NAME (--series=NAME)."
            if columns.series is None
            else ""
        )
        raise ValueError(
            f"Every time in {columns.time!r}{where} must be there once; {len(twice):,} "
            f"are there again, as in rows {rows[place] + 1} and {rows[place + 1] + 1} "
            f"(counted from 1).{hint} Or take means with every=FREQUENCY "
            f"(--every=h). Received: {times[place]} twice"
        )


def fill(
    target: np.ndarray, source: np.ndarray, rows: np.ndarray, places: np.ndarray
) -> None:
    """Writes rows to their places, of several at a place their mean without gaps."""
    if len(np.unique(places)) == len(places):
        target[places] = source[rows]
        return
    total, count = np.zeros_like(target), np.zeros_like(target)
    given = ~np.isnan(source[rows])
    np.add.at(total, places, np.where(given, source[rows], 0.0))
    np.add.at(count, places, given)
    target[:] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
