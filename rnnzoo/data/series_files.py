"""Series and their classes in files: tables, folders, recordings, and `.ts` files."""

import dataclasses
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rnnzoo.data import times as clock
from rnnzoo.data.number_tables import SUFFIXES, read_frame
from rnnzoo.data.series_tables import find_columns, to_numbers
from rnnzoo.errors import closest, shorten

# Usual names of the columns of labels, and of those that tell series apart.
LABELS = ("label", "class", "target", "y", "gesture", "activity", "category")
IDS = ("id", "series", "sample", "series_id", "sample_id", "recording", "case", "unit")


@dataclasses.dataclass
class LabelledSeries:
    """Series with their classes.

    Attributes:
        series: Arrays `[steps, features]`, float64, NaN for gaps.
        labels: The class of each, or `None` for series without.
        names: What each series is called in the file.
        form: A sentence on how the file was read.
        features: Names of the features.
    """

    series: list[np.ndarray]
    labels: list[str] | None
    names: list[Any]
    form: str
    features: list[str]

    def __len__(self) -> int:
        """Returns the number of series."""
        return len(self.series)


def read_series_file(
    path: str | os.PathLike,
    *,
    id: str | None = None,
    time: str | None = None,
    label: str | None = None,
    columns: Sequence[str] = (),
    window: int = 0,
    step: int = 0,
    needs_labels: bool = True,
    encoding: str = "utf-8",
    separator: str | None = None,
) -> LabelledSeries:
    """Reads series and their classes from a file or a folder of any form.

    - A `.ts` file, as those of the UCR and UEA archives.
    - A folder with a folder of tables for each class, or of tables whose names begin
      with the class, as `walk_01.csv`: each is a series, and has no labels.
    - A table in long form, a row a step: `id` says which series a row is of.
    - A recording, a row a step, that is cut into windows of `window` steps, one every
      `step`. The class of a window is the one that most of its rows have.
    - A table in wide form, a row a series: all columns of numbers, in their order.

    Args:
        path: The file or folder.
        id: The column that says which series a row is of.
        time: The column by which the rows of a series are sorted.
        label: The column of the classes; `None` for one with a usual name.
        columns: The columns of numbers; none for all that are numbers.
        window: Steps of a window of a recording; 0 for no recording.
        step: Steps from one window to the next; 0 for a whole window.
        needs_labels: Whether classes must be there.
        encoding: The encoding of text files.
        separator: What separates columns; see `read_frame`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For what cannot be read; names rows or lines.
    """
    path = pathlib.Path(path).expanduser()
    options = {"encoding": encoding, "separator": separator}
    if path.is_dir():
        return _read_folder(path, time, columns, options)
    if path.suffix.lower() == ".ts":
        return read_ts(path, encoding)
    frame = read_frame(path, encoding, separator)
    where = f"Received: {str(path)!r} with the columns {shorten(list(frame.columns))}"
    label = _find_label(frame, label, needs_labels, where)
    if id is None and not window:
        known = {str(name).strip().lower(): name for name in frame.columns}
        usual = [known[name] for name in IDS if name in known]
        id = next((name for name in usual if frame[name].duplicated().any()), None)
    if id is not None:
        find_columns(frame, [id], "id")
    if window:
        return _read_recording(frame, time, label, columns, window, step or window)
    if id is not None:
        return _read_long(frame, id, time, label, columns)
    return _read_wide(frame, label, columns)


def _find_label(
    frame: pd.DataFrame, label: str | None, is_needed: bool, where: str
) -> str | None:
    if label is not None and label in frame.columns:
        return label
    if label is not None and is_needed:
        find_columns(frame, [label], "label")
    known = {str(name).strip().lower(): name for name in frame.columns}
    found = next((known[name] for name in LABELS if name in known), None)
    if found is None and is_needed:
        raise ValueError(f"Say which column holds the classes: --label=COLUMN. {where}")
    return found


def _choose_columns(
    frame: pd.DataFrame, columns: Sequence[str], others: Sequence[Any]
) -> list[str]:
    if columns:
        find_columns(frame, columns, "column")
        return list(columns)
    found = [name for name in frame.columns if name not in others]
    found = [n for n in found if not str(n).lower().startswith("unnamed:")]
    if not found:
        raise ValueError(
            "There must be columns of numbers. Received: "
            f"{shorten(list(frame.columns))}"
        )
    return found


def _to_matrix(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    return np.stack([to_numbers(frame[name], str(name)) for name in names], axis=1)


def _sort(
    frame: pd.DataFrame, time: str | None, *keys: str
) -> tuple[pd.DataFrame, Any]:
    """Returns the rows in the order of their times, and the column of these."""
    if time is None:
        names = {str(name).strip().lower(): name for name in frame.columns}
        usual = (*clock.NAMES, "step", "index", "seconds", "ms")
        time = next((names[name] for name in usual if name in names), None)
        time = None if time in keys else time
    else:
        find_columns(frame, [time], "time")
    if time is None:
        return frame, None
    numbers = pd.to_numeric(frame[time], errors="coerce")
    order = numbers if numbers.notna().all() else clock.parse_times(frame[time], time)
    return frame.iloc[np.argsort(np.asarray(order), kind="stable")], time


def _read_long(
    frame: pd.DataFrame, id: str, time: str | None, label: str | None, columns: Any
) -> LabelledSeries:
    first = list(dict.fromkeys(frame[id]))
    frame, time = _sort(frame, time, id, *([label] if label else []))
    names = _choose_columns(frame, columns, [id, time, label])
    values = _to_matrix(frame.sort_index(), names)
    series, labels = [], []
    for key in first:
        rows = frame.index[(frame[id] == key).to_numpy()].to_numpy()
        series.append(values[rows])
        if label is None:
            continue
        found = set(frame[label].loc[rows])
        if len(found) > 1:
            raise ValueError(
                "All rows of a series must have its class: the series "
                f"{shorten(key)} has {shorten(sorted(map(str, found)))}. Name the "
                "column of series with --id, or cut a recording into windows with "
                "--window. Received: several classes in a series"
            )
        labels.append(found.pop())
    form = f"long form: {len(series):,} series of {id!r}"
    form += f", sorted by {time!r}" if time else ", rows in their order"
    return _finish(series, labels if label else None, first, form, names)


def _read_recording(
    frame: pd.DataFrame,
    time: str | None,
    label: str | None,
    columns: Any,
    window: int,
    step: int,
) -> LabelledSeries:
    frame, time = _sort(frame, time, *([label] if label else []))
    names = _choose_columns(frame, columns, [time, label])
    values = _to_matrix(frame.reset_index(drop=True), names)
    if len(values) < window:
        raise ValueError(
            "A recording must have a window's steps at least: use a shorter --window. "
            f"Received: {len(values):,} steps and window={window}"
        )
    begins = range(0, len(values) - window + 1, step)
    series = [values[begin : begin + window] for begin in begins]
    labels = None
    if label is not None:
        codes, kinds = pd.factorize(frame[label].to_numpy())
        parts = [codes[begin : begin + window] for begin in begins]
        labels = [kinds[np.bincount(part[part >= 0]).argmax()] for part in parts]
    form = f"a recording of {len(values):,} steps, {len(series):,} windows of {window}"
    return _finish(series, labels, list(begins), form, names)


def _read_wide(frame: pd.DataFrame, label: str | None, columns: Any) -> LabelledSeries:
    known = {str(name).strip().lower(): name for name in frame.columns}
    ids = [known[name] for name in IDS if name in known]
    ids = [name for name in ids if not frame[name].duplicated().any()]
    names = _choose_columns(frame, columns, [label, *ids])
    values = _to_matrix(frame, names)
    # Shorter series end with empty cells.
    known_steps = ~np.isnan(values)
    lengths = values.shape[1] - known_steps[:, ::-1].argmax(axis=1)
    series = [row[:n, None] for row, n in zip(values, lengths, strict=True)]
    labels = None if label is None else frame[label].tolist()
    keys = frame[ids[0]].tolist() if ids else list(range(1, len(frame) + 1))
    form = f"wide form: {len(series):,} rows of up to {values.shape[1]} values"
    return _finish(series, labels, keys, form, ["value"])


def _read_folder(
    folder: pathlib.Path, time: str | None, columns: Any, options: dict
) -> LabelledSeries:
    def tables(place: pathlib.Path) -> list[pathlib.Path]:
        found = [one for one in place.iterdir() if one.is_file()]
        return sorted(one for one in found if one.suffix.lower() in SUFFIXES)

    inner = sorted(one for one in folder.iterdir() if one.is_dir())
    pairs = [(one.name, file) for one in inner for file in tables(one)]
    if not pairs:
        pairs = [(_name_class(file.stem), file) for file in tables(folder)]
    if not pairs:
        raise ValueError(
            "A folder must hold a folder of tables for each class, or tables whose "
            f"names begin with their class. Received: {str(folder)!r} without any"
        )
    series, names = [], None
    for _, file in pairs:
        frame, found = _sort(read_frame(file, **options), time)
        chosen = names or _choose_columns(frame, columns, [found])
        missing = [name for name in chosen if name not in frame.columns]
        if missing:
            raise ValueError(
                f"All tables of a folder must have the columns of the first: {names}. "
                f"Received: {str(file)!r} without {missing[0]!r}"
            )
        names = chosen
        series.append(_to_matrix(frame.reset_index(drop=True), names))
    labels = [label for label, _ in pairs]
    keys = [str(file.relative_to(folder)) for _, file in pairs]
    form = f"a folder of {len(series):,} tables, a series each"
    return _finish(series, labels, keys, form, list(names or []))


def _name_class(stem: str) -> str:
    """Returns the part of a name before its number: `walk` of `walk_01`."""
    return re.sub(r"[\s_.-]*\d*$", "", stem) or stem


def _finish(
    series: list, labels: Any, names: list, form: str, features: list
) -> LabelledSeries:
    if labels is not None:
        text = ["" if label is None else str(label).strip() for label in labels]
        bad = [names[i] for i, one in enumerate(text) if not one or one == "nan"]
        if bad:
            raise ValueError(
                f"Every series must have a class; {len(bad):,} have none. Received: "
                f"the series {shorten(bad[:5])} without"
            )
        labels = text
    bad = [
        name
        for name, one in zip(names, series, strict=True)
        if not len(one) or np.isnan(one).all()
    ]
    if bad:
        raise ValueError(
            f"Every series must have a number at least; {len(bad):,} have none. "
            f"Received: the series {shorten(bad[:5])} without"
        )
    return LabelledSeries(series, labels, names, form, features)


def read_ts(path: str | os.PathLike, encoding: str = "utf-8") -> LabelledSeries:
    r"""Reads a `.ts` file of the UCR and UEA archives: `?` is a gap.

    Dimensions are separated by colons, values by commas; the last part of a line is the
    class, if `@classLabel` says so. Time stamps are not read.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.series_files import read_ts
        >>> text = "@classLabel true a b\n@data\n1,2:3,4:a\n5,?:7,8:b\n"
        >>> _ = pathlib.Path("toy.ts").write_text(text)
        >>> found = read_ts("toy.ts")
        >>> found.series[0].tolist(), found.labels
        ([[1.0, 3.0], [2.0, 4.0]], ['a', 'b'])
    """
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        folder = path.parent
        names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
        raise FileNotFoundError(
            f"There must be a file to read.{closest(path.name, names)} Received: "
            f"{str(path)!r}"
        )
    has_labels, is_data, series, labels = True, False, [], []
    lines = path.read_text(encoding=encoding).removeprefix("\ufeff").splitlines()
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith(("#", "%")):
            continue
        if not is_data:
            word = line.lower()
            if word.startswith("@classlabel"):
                has_labels = "true" in word.split()
            if word.startswith("@timestamps") and "true" in word.split():
                raise ValueError(
                    "Time stamps in .ts files are not read: write the values alone. "
                    f"Received: line {number} of {str(path)!r}: {line!r}"
                )
            is_data = word == "@data"
            continue
        parts = line.split(":")
        if has_labels:
            labels.append(parts.pop().strip())
        try:
            dimensions = [
                [
                    np.nan if v.strip() in ("?", "NaN", "nan", "") else float(v)
                    for v in p.split(",")
                ]
                for p in parts
            ]
        except ValueError as error:
            raise ValueError(
                f"Values must be numbers, or ? where there is none. Received: {error} "
                f"in line {number} of {str(path)!r}"
            ) from error
        if not dimensions or len({*map(len, dimensions)}) > 1:
            longest = max(map(len, dimensions), default=0)
            dimensions = [d + [np.nan] * (longest - len(d)) for d in dimensions]
        if series and len(dimensions) != series[0].shape[1]:
            raise ValueError(
                f"Every series must have {series[0].shape[1]} dimensions. Received: "
                f"{len(dimensions)} in line {number} of {str(path)!r}"
            )
        series.append(np.array(dimensions, "float64").T)
    if not series:
        raise ValueError(f"There must be series after @data. Received: {str(path)!r}")
    # Unequal series are often filled with gaps at their end.
    series = [_trim(one) for one in series]
    names = [f"dimension {place + 1}" for place in range(series[0].shape[1])]
    form = f".ts file: {len(series):,} series of {len(names)} dimensions"
    found = labels if has_labels else None
    return _finish(series, found, list(range(1, len(series) + 1)), form, names)


def _trim(one: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(~np.isnan(one).all(axis=1))
    return one[: known[-1] + 1] if len(known) else one
