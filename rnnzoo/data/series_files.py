"""Series of measurements with labels, in the forms that files have them.

- long: a row a step, with a column that says which series it is of;
- wide: a row a series, with a column per step; empty cells at its end are no steps;
- a recording: a row a step of one long series, which is cut into windows;
- a folder with a file per series, of which a row is a step;
- `.ts` files of the UCR and UEA archives.
"""

import collections
import dataclasses
import os
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnzoo.data.rows import DELIMITERS, BadRow, add_problem, describe_problems
from rnnzoo.data.series_cells import NumberTable, parse_cell, parse_time
from rnnzoo.data.series_ts import read_ts
from rnnzoo.errors import closest, shorten

IDS = ("id", "series", "series_id", "case", "case_id", "sample", "sample_id")
TIMES = ("time", "timestamp", "date", "datetime", "t", "step")
FORMATS = (*DELIMITERS, ".jsonl")


@dataclasses.dataclass
class SeriesSet:
    """Series `[time, features]`, float64, with not-a-number where nothing was measured.

    Attributes:
        series: The series.
        labels: Their classes; `None` if the files have none.
        names: What each is called: its id, line, file or steps.
        form: What form was read, in words.
        layout: The columns that were used, as the options of `read_series`.
        report: Rows that were left out, and why; empty if there are none.
    """

    series: list[np.ndarray]
    labels: Any
    names: list[str]
    form: str
    layout: dict[str, Any] = dataclasses.field(default_factory=dict)
    report: str = ""

    @property
    def gaps(self) -> int:
        """Number of values that were not measured."""
        return sum(int(np.isnan(one).sum()) for one in self.series)

    def fill(self, means: Sequence[float]) -> list[np.ndarray]:
        """Returns the series with gaps filled; of one feature, `[time]`."""
        filled = [fill_gaps(one, means) for one in self.series]
        return [one[:, 0] for one in filled] if len(means) == 1 else filled


def fill_gaps(series: np.ndarray, means: Sequence[float]) -> np.ndarray:
    """Fills gaps by straight lines between neighbours, and at ends by the nearest.

    A feature that was never measured in a series gets its mean.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.data.series_files import fill_gaps
        >>> fill_gaps(np.array([[1.0], [np.nan], [3.0], [np.nan]]), [0.0])[:, 0]
        array([1., 2., 3., 3.])
    """
    filled, steps = np.array(series, "float64"), np.arange(len(series))
    for column, mean in zip(filled.T, means, strict=True):
        is_there = ~np.isnan(column)
        if not is_there.any():
            column[:] = mean
        elif not is_there.all():
            column[:] = np.interp(steps, steps[is_there], column[is_there])
    return filled


def read_series(
    path: str | os.PathLike,
    *,
    id: str = "",
    time: str = "",
    label: str = "label",
    values: str = "",
    window: int = 0,
    step: int = 0,
    is_labelled: bool = True,
    encoding: str = "utf-8",
    separator: str = "",
    skip_bad_rows: bool = False,
) -> SeriesSet:
    r"""Reads series in any form of this module.

    Args:
        path: A `.csv`, `.tsv`, `.jsonl` or `.ts` file, or a folder with files.
        id: The column that says which series a step is of; empty to find it by its name
            (`id`, `series`, ...), if its values are there more than once.
        time: The column to sort steps by: numbers, or dates; empty to find it by name.
        label: The column of the classes.
        values: The columns of the measurements, separated by commas; empty for all
            others.
        window: Steps of a window of a recording; 0 if the file is none.
        step: Steps between the begins of two windows; 0 for as many as a window has.
        is_labelled: Whether the classes must be there.
        encoding: Of the file's characters.
        separator: Of columns; empty to find it in the header.
        skip_bad_rows: Whether rows that cannot be used are left out.

    Raises:
        ValueError: For bad rows, by line, and columns that are missing.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.series_files import read_series
        >>> lines = ["label,0,1,2", "up,1,2,3", "down,2,1,"]
        >>> _ = pathlib.Path("wide.csv").write_text("\n".join(lines))
        >>> found = read_series("wide.csv")
        >>> found.form, found.labels, [one[:, 0].tolist() for one in found.series]
        ('wide: a row a series', ['up', 'down'], [[1.0, 2.0, 3.0], [2.0, 1.0]])
    """
    path = pathlib.Path(path).expanduser()
    if not path.exists():
        raise ValueError(f"There is no such file or folder. Received: {str(path)!r}")
    if step and not window:
        raise ValueError(
            f"step is for windows: give window too. Received: step={step}, window=0"
        )
    if path.is_dir():
        parts = [*path.glob("*_TRAIN.ts")]
        if len(parts) == 1:
            path = parts[0]
    if path.suffix.lower() == ".ts" and path.is_file():
        series, labels, lines, report = read_ts(path, encoding, skip_bad_rows)
        names = [f"line {line}" for line in lines]
        if is_labelled and labels is None:
            raise ValueError(
                "To train, the series need classes: @classLabel true and their names. "
                f"Received: path={str(path)!r} without them"
            )
        return SeriesSet(series, labels, names, ".ts file", {}, report or "")
    reader = _Reader(
        id, time, label, values, window, step, is_labelled, encoding, separator
    )
    reader.skip_bad_rows = skip_bad_rows
    return reader.read_folder(path) if path.is_dir() else reader.read_file(path)


@dataclasses.dataclass
class _Reader:
    """Reads tables with the options of `read_series`."""

    id: str
    time: str
    label: str
    values: str
    window: int
    step: int
    is_labelled: bool
    encoding: str
    separator: str
    skip_bad_rows: bool = False

    def read_file(self, path: pathlib.Path) -> SeriesSet:
        """Reads a table: long, wide, or a recording."""
        columns, rows, report = self._read_rows(path)
        self._check_columns(columns, path)
        ids = [self.id] if self.id else _named(columns, IDS)
        repeated = [
            name
            for name in ids
            if name != self.label
            and len({str(row.get(name)) for _, row in rows}) < len(rows)
        ]
        time = self.time or next(iter(_named(columns, TIMES)), "")
        problems: dict = {}
        if self.window or repeated or (self.id and self.time):
            found = self._read_steps(columns, rows, (repeated or ids)[:1], time, path)
            found, problems = found
        else:
            found = self._read_wide(columns, rows, ids, problems)
        count = len(rows) - sum(count for count, _ in problems.values())
        self._refuse(problems, count, path, bool(found.series))
        if problems:
            expected = "Every row must have numbers, and a class"
            text = describe_problems(problems, count, expected, "line")
            report = f"{report}\n{text}".strip()
        found.report = report
        return found

    def read_folder(self, path: pathlib.Path) -> SeriesSet:
        """Reads a file per series; classes are sub-folders, or else names of files."""
        files = sorted(
            one
            for one in path.rglob("*")
            if one.is_file()
            and one.suffix.lower() in FORMATS
            and not one.name.startswith(".")
        )
        if not files:
            raise ValueError(
                f"The folder must hold {', '.join(FORMATS)} files, one per series, or "
                f"the .ts files of one data set. Received: path={str(path)!r}"
            )
        has_folders = any(one.parent != path for one in files)
        series, labels, names, reports = [], [], [], []
        layout: dict[str, Any] = {}
        for file in files:
            if has_folders and file.parent == path:
                raise ValueError(
                    "Every file must be in the sub-folder of its class, or none. "
                    f"Received: {str(file)!r} beside sub-folders"
                )
            columns, rows, report = self._read_rows(file)
            time = self.time or next(iter(_named(columns, TIMES)), "")
            found, problems = self._read_steps(columns, rows, [], time, file, False)
            count = len(rows) - sum(count for count, _ in problems.values())
            self._refuse(problems, count, file, bool(found.series))
            if layout and found.layout["values"] != layout["values"]:
                raise ValueError(
                    f"All files must have the columns {layout['values']}. Received: "
                    f"{str(file)!r} with {found.layout['values']}"
                )
            layout = found.layout
            stem = file.relative_to(path).parts[0] if has_folders else file.stem
            label = stem if has_folders else re.sub(r"[\W_]*[0-9]+$", "", stem) or stem
            series += found.series
            labels += [label] * len(found.series)
            prefix = str(file.relative_to(path))
            many = len(found.series) > 1
            names += [f"{prefix} {one}" if many else prefix for one in found.names]
            reports += [report] if report else []
        source = "sub-folder" if has_folders else "file's name"
        form = f"a file a series, class by {source}"
        return SeriesSet(series, labels, names, form, layout, "\n".join(reports))

    def _read_rows(self, path: pathlib.Path) -> tuple[list[str], list, str]:
        table = NumberTable(
            path,
            encoding=self.encoding,
            separator=self.separator or None,
            skip_bad_rows=self.skip_bad_rows,
        )
        rows = list(table.numbered_rows())
        if not rows:
            raise ValueError(
                f"The file must have rows below its header. Received: {str(path)!r}"
            )
        return table.columns, rows, table.report or ""

    def _check_columns(self, columns: list[str], path: pathlib.Path) -> None:
        wanted = {"id": self.id, "time": self.time}
        if self.is_labelled:
            wanted["label"] = self.label
        for option, name in wanted.items():
            if name and name not in columns:
                shown = shorten(", ".join(columns), str, 300)
                raise ValueError(
                    f"--{option} must name a column of the file: {shown}."
                    f"{closest(name, columns)} The first line must name the columns. "
                    f"Received: {option}={name!r}, path={str(path)!r}"
                )

    def _value_columns(self, columns: list[str], others: Sequence[str]) -> list[str]:
        if not self.values:
            found = [name for name in columns if name not in others]
        else:
            found = [name.strip() for name in self.values.split(",")]
        missing = [name for name in found if name not in columns]
        if missing or not found:
            shown = shorten(", ".join(columns), str, 300)
            raise ValueError(
                f"values must name columns of numbers, out of {shown}. Received: "
                f"values={self.values!r}" + (f", without {missing}" if missing else "")
            )
        return found

    def _read_wide(
        self, columns: list[str], rows: list, ids: list[str], problems: dict
    ) -> SeriesSet:
        values = self._value_columns(columns, [self.label, *ids])
        has_label = self.label in columns
        series, labels, names = [], [], []
        for line, row in rows:
            try:
                label = _parse_label(row, self.label) if has_label else ""
                numbers = np.array([parse_cell(row.get(c), c) for c in values])
                known = np.flatnonzero(~np.isnan(numbers))
                if not len(known):
                    raise BadRow("no number in the series")
            except BadRow as error:
                add_problem(problems, line, *error.args)
                continue
            series.append(numbers[: known[-1] + 1, None])
            labels.append(label)
            names.append(str(row[ids[0]]) if ids else f"line {line}")
        layout = {"id": self.id, "time": "", "values": self.values}
        form = "wide: a row a series"
        return SeriesSet(series, labels if has_label else None, names, form, layout)

    def _read_steps(
        self,
        columns: list[str],
        rows: list,
        ids: list[str],
        time: str,
        path: pathlib.Path,
        has_label: bool = True,
    ) -> tuple[SeriesSet, dict]:
        """Reads rows that are steps, and cuts windows if there are to be any."""
        has_label = has_label and self.label in columns
        others = [*ids, time, *([self.label] if has_label else [])]
        values = self._value_columns(columns, others)
        groups: dict[str, list] = collections.defaultdict(list)
        problems: dict = {}
        places: set = set()
        labels: dict[str, str] = {}
        for line, row in rows:
            try:
                name = str(row.get(ids[0])).strip() if ids else path.stem
                if not name:
                    raise BadRow("empty id")
                place = parse_time(row.get(time), time) if time else float(line)
                label = _parse_label(row, self.label) if has_label else ""
                numbers = [parse_cell(row.get(c), c) for c in values]
                if (name, place) in places:
                    detail = f"{time}={shorten(row[time])}"
                    raise BadRow("the same time twice in a series", detail)
                if not self.window and labels.setdefault(name, label) != label:
                    raise BadRow(
                        "another class than the series has before", shorten(label)
                    )
            except BadRow as error:
                add_problem(problems, line, *error.args)
                continue
            places.add((name, place))
            groups[name].append((place, line, label, numbers))
        series, found_labels, names = [], [], []
        cut: Callable = self._cut if self.window else _whole
        for name, steps in groups.items():
            steps.sort(key=lambda one: one[0])
            numbers = np.array([one[3] for one in steps], "float64")
            for begin, end in cut(len(steps), name, path):
                part = numbers[begin:end]
                if np.isnan(part).all():
                    add_problem(problems, steps[begin][1], "no number in the series")
                    continue
                series.append(part)
                counts = collections.Counter(one[2] for one in steps[begin:end])
                found_labels.append(counts.most_common(1)[0][0])
                where = f"steps {begin + 1} to {end}"
                where = f"{name}, {where}" if ids else where
                names.append(where if self.window else name)
        layout = {"id": (ids or [""])[0], "time": time, "values": ",".join(values)}
        form = "long: a row a step"
        if self.window:
            form = f"a recording, cut into windows of {self.window} steps"
        shown = found_labels if has_label else None
        return SeriesSet(series, shown, names, form, layout), problems

    def _cut(self, length: int, name: str, path: pathlib.Path) -> list:
        if length < self.window:
            raise ValueError(
                "A window must not be longer than the recording. Received: "
                f"window={self.window} and {length} steps in {name!r} of {str(path)!r}"
            )
        starts = range(0, length - self.window + 1, self.step or self.window)
        return [(start, start + self.window) for start in starts]

    def _refuse(
        self, problems: dict, good: int, path: pathlib.Path, is_left: bool
    ) -> None:
        if problems and not (self.skip_bad_rows and is_left):
            expected = "Every row must have numbers (or empty cells) and a class"
            raise ValueError(
                f"{describe_problems(problems, max(good, 0), expected, 'line')}\n"
                "Correct them, name the columns of the measurements with --values, or "
                "leave these rows out with skip_bad_rows=True (on the command line "
                f"--skip-bad-rows). Received: path={str(path)!r}"
            )


def _whole(length: int, *_: Any) -> list:
    return [(0, length)]


def _named(columns: list[str], names: Sequence[str]) -> list[str]:
    """Returns the columns that have one of these names."""
    return [name for name in columns if name.strip().lower() in names]


def _parse_label(row: dict, column: str) -> str:
    label = row.get(column)
    text = "" if label is None else str(label).strip()
    if not text:
        raise BadRow("empty label")
    return text
