"""Tables of numbers: cells, gaps, times, and the character that separates columns."""

import datetime
import math
import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from rnnzoo.data.rows import DELIMITERS, GAPS, BadRow, guess_separator
from rnnzoo.data.tables import Table
from rnnzoo.errors import shorten

# The largest number that the networks' 32 bits hold.
LARGEST = 3.4e38
NUMBER = re.compile(r"[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")


class NumberTable(Table):
    r"""The rows of a table whose cells may be empty, with the line of each.

    Formats and encodings are those of `rnnzoo.data.tables.Table`. The separator of a
    `.csv` file is the most frequent of comma, semicolon, tab and pipe in its header.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.series_cells import NumberTable
        >>> _ = pathlib.Path("weights.csv").write_text("day;kg\nMon;3,5\nTue;\n")
        >>> list(NumberTable("weights.csv").numbered_rows())
        [(2, {'day': 'Mon', 'kg': '3,5'}), (3, {'day': 'Tue', 'kg': ''})]
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        encoding: str = "utf-8",
        separator: str | None = None,
        skip_bad_rows: bool = False,
    ):
        super().__init__(
            path,
            encoding=encoding,
            separator=separator or read_separator(path),
            skip_bad_rows=skip_bad_rows,
        )

    def numbered_rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yields each row with the number of its line, counted from 1."""
        return self._read_good_rows()

    def _choose_text(self, names: list[str]) -> str:
        return names[0]

    def _parse_row(self, raw: bytes) -> dict[str, Any]:
        return self._parse(raw)


def read_separator(path: str | os.PathLike) -> str | None:
    """Returns the separator of a `.csv` file by its header; `None` for other files."""
    path = pathlib.Path(path)
    if path.suffix.lower() not in DELIMITERS or not path.is_file():
        return None
    with path.open("rb") as file:
        header = file.readline(2**20).replace(b"\0", b"").decode("latin-1")
    own = DELIMITERS[path.suffix.lower()]
    return guess_separator(header, own) or own


def parse_cell(cell: Any, column: str) -> float:
    """Returns the number in a cell, not-a-number for a gap; else raises `BadRow`.

    Example:
        >>> from rnnzoo.data.series_cells import parse_cell
        >>> parse_cell("3,5", "kg"), parse_cell("?", "kg")
        (3.5, nan)
    """
    if cell is None:
        return math.nan
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        value = float(cell) if abs(cell) <= LARGEST or cell != cell else math.inf
    else:
        text = str(cell).strip()
        if text.lower() in GAPS:
            return math.nan
        if not NUMBER.fullmatch(text):
            raise BadRow("not a number", f"{column}={shorten(text)}")
        value = float(text.replace(",", "."))
    if abs(value) > LARGEST:
        raise BadRow("a number too large for 32 bits", f"{column}={shorten(cell)}")
    return value


def parse_time(cell: Any, column: str) -> float:
    """Returns a place in time of a number or an ISO date; else raises `BadRow`.

    Example:
        >>> from rnnzoo.data.series_cells import parse_time
        >>> parse_time("2024-01-02", "t") - parse_time("2024-01-01 12:00", "t")
        43200.0
    """
    text = "" if cell is None else str(cell).strip()
    if NUMBER.fullmatch(text):
        return float(text.replace(",", "."))
    try:
        found = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise BadRow(
            "a time that is neither a number nor a date such as 2024-01-31 12:00",
            f"{column}={shorten(text)}",
        ) from None
    return found.replace(tzinfo=found.tzinfo or datetime.timezone.utc).timestamp()
