"""Writes tables: csv, tsv, jsonl and txt files, row by row, whole or not at all."""

import json
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from rnnzoo.data.files import SUFFIXES
from rnnzoo.data.rows import DELIMITERS, list_places
from rnnzoo.errors import closest
from rnnzoo.writing import refuse_existing, replace_file


class TableWriter:
    r"""Writes rows to a csv, tsv, jsonl or txt file.

    A context: within it a draft is written beside the file, which gets its name at the
    end, unless there is an error: there is never half a file. Text is UTF-8, lines end
    at `\n`. Values that are not strings are written as JSON; `None` is an empty cell. A
    line of a `.txt` file is a row, its values separated by tabs; it has no names of
    columns, and a tab or line end within a value becomes a blank.

    Args:
        path: The file; its suffix selects the format.
        columns: Names of the columns. An object of a `.jsonl` file has the keys that
            its row has.
        force: Whether a file that is there is replaced.

    Raises:
        FileExistsError: If the file is there, and is not to be replaced.
        ValueError: If the format is unknown.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.table_writer import TableWriter
        >>> with TableWriter("answers.csv", ["text", "answer"]) as writer:
        ...     writer.write([{"text": "Long, and dull.", "answer": "negative"}])
        >>> print(pathlib.Path("answers.csv").read_text())
        text,answer
        "Long, and dull.",negative
        <BLANKLINE>
    """

    def __init__(
        self, path: str | os.PathLike, columns: Sequence[str], *, force: bool = False
    ):
        check_target(path, force)
        self.path = pathlib.Path(path).expanduser()
        self.columns = list(columns)
        self._format = make_row_format(self.path.suffix.lower(), self.columns)
        self._stack = ExitStack()

    def __enter__(self) -> "TableWriter":
        """Opens the draft."""
        with self._stack:
            draft = self._stack.enter_context(replace_file(self.path))
            self._file = self._stack.enter_context(
                open(draft, "w", encoding="utf-8", newline="")
            )
            if self.path.suffix.lower() in DELIMITERS:
                self._file.write(self._format({name: name for name in self.columns}))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        """Completes the file, or removes the draft."""
        return self._stack.__exit__(*error)

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        """Adds rows, dicts from columns to values; a column that is left out is empty.

        Raises `ValueError` for a row with other columns.
        """
        for row in rows:
            if not row.keys() <= set(self.columns):
                others = [name for name in row if name not in self.columns]
                raise ValueError(
                    f"A row may have the columns {list_places(self.columns)}. "
                    f"Received: {list_places(others)}"
                )
            self._file.write(self._format(row))


def check_target(path: str | os.PathLike, force: bool = False) -> None:
    """Refuses a file to write that is there, or has an unknown suffix or no folder."""
    target = pathlib.Path(path).expanduser()
    received = f"Received: path={os.fspath(path)!r}"
    if target.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"A table is written as one of {', '.join(SUFFIXES)}: end the name of the "
            f"file with that.{closest(target.suffix, SUFFIXES)} {received}"
        )
    refuse_existing(target, force)
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"The folder of the file must be there: make it first. {received}"
        )


def make_row_format(suffix: str, columns: list[str]) -> Callable[[dict], str]:
    """Returns a function from a row to its line in a file with this suffix."""
    if suffix == ".jsonl":
        return lambda row: json.dumps(row, ensure_ascii=False) + "\n"
    if suffix == ".txt":
        return lambda row: (
            "\t".join(" ".join(_to_cell(row.get(c)).split("\t")) for c in columns)
            .replace("\r\n", " ")
            .replace("\n", " ")
            .replace("\r", " ")
            + "\n"
        )
    delimiter = DELIMITERS[suffix]

    def write(row: dict) -> str:
        cells = [_to_cell(row.get(column)) for column in columns]
        line = delimiter.join(_quote(cell, delimiter) for cell in cells)
        # A blank line would be no row.
        if not line.strip():
            line = f'"{cells[0]}"{line[len(cells[0]) :]}' if cells else line
        return line + "\n"

    return write


def _quote(cell: str, delimiter: str) -> str:
    if any(mark in cell for mark in (delimiter, '"', "\r", "\n", "\0")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _to_cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
