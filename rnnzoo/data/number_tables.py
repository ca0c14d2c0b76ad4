"""Tables of numbers in files, as frames of pandas whose cells are text."""

import gzip
import io
import os
import pathlib
import re
from collections.abc import Sequence

import pandas as pd

from rnnzoo.data.encodings import detect_encoding, encoding_name
from rnnzoo.data.rows import SEPARATORS, guess_separator
from rnnzoo.errors import closest

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".parquet")


def read_frame(
    path: str | os.PathLike, encoding: str = "utf-8", separator: str | None = None
) -> pd.DataFrame:
    r"""Reads a csv, tsv, txt, jsonl or parquet file, also one that ends with `.gz`.

    Cells of text files stay text, and empty ones are `""`, so that whoever reads a
    column can say which row is wrong.

    Args:
        path: The file.
        encoding: The encoding of its characters; a byte order mark says it too.
        separator: What separates columns: a character or `"semicolon"`, `"tab"`,
            `"pipe"` or `"comma"`; `None` for what the first line has most of.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is empty, of another format, or has rows of other lengths.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.number_tables import read_frame
        >>> _ = pathlib.Path("air.csv").write_text("date;pm\n2024-01-01;3\n")
        >>> read_frame("air.csv")["pm"].tolist()
        ['3']
    """
    path = pathlib.Path(path).expanduser()
    received = f"Received: {str(path)!r}"
    if not path.is_file():
        folder = path.parent
        names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
        raise FileNotFoundError(
            f"There must be a file to read.{closest(path.name, names)} {received}"
        )
    names = [one.lower() for one in path.suffixes]
    is_packed = bool(names) and names[-1] == ".gz"
    suffix = (names[:-1] if is_packed else names)[-1:] or [""]
    if suffix[0] not in SUFFIXES:
        raise ValueError(
            f"A table of numbers must end with {', '.join(SUFFIXES)}. {received}"
        )
    content = path.read_bytes()
    content = gzip.decompress(content) if is_packed else content
    if suffix[0] == ".parquet":
        return pd.read_parquet(io.BytesIO(content))
    text = _decode(content, encoding, str(path))
    if not text.strip():
        raise ValueError(f"There must be rows to read; the file is empty. {received}")
    try:
        if suffix[0] == ".jsonl":
            return pd.read_json(io.StringIO(text), lines=True, dtype=False)
        mark = _find_separator(text, suffix[0], separator)
        frame = pd.read_csv(
            io.StringIO(text),
            sep=mark,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            index_col=False,
        )
    except ValueError as error:  # of pandas' parsers
        raise ValueError(
            f"Every row must have as many cells as the first line has names: {error}. "
            f"State what separates them with --separator. {received}"
        ) from error
    frame.columns = [str(name).strip() for name in frame.columns]
    if all(_is_number(name) for name in frame.columns):
        raise ValueError(
            "The first line must name the columns, and is numbers: add a line of names."
            f" {received}, which begins with {', '.join(frame.columns[:5])}"
        )
    return frame


def to_plain_rows(frame: pd.DataFrame, names: Sequence[str]) -> list[dict]:
    """Returns the rows of a frame under other names; times are text as ISO 8601 has it.

    Example:
        >>> import pandas as pd
        >>> from rnnzoo.data.number_tables import to_plain_rows
        >>> frame = pd.DataFrame({"t": pd.to_datetime(["2024-01-01"]), "y": [0.5]})
        >>> to_plain_rows(frame, ["time", "value"])
        [{'time': '2024-01-01', 'value': 0.5}]
    """
    columns = []
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            has_hours = (column != column.dt.normalize()).any()
            columns.append([str(v) if has_hours else str(v.date()) for v in column])
        else:
            columns.append(
                [
                    float(f"{v:.7g}") if isinstance(v, float) else v
                    for v in column.to_list()
                ]
            )
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _decode(content: bytes, encoding: str, name: str) -> str:
    found, start = detect_encoding(content[:4], encoding_name(encoding))
    try:
        return content[start:].decode(found)
    except UnicodeError as error:
        raise ValueError(
            f"The file must be text in {found}: state its encoding, such as "
            f"--encoding=latin-1. Received: {name!r} ({error})"
        ) from error


def _find_separator(text: str, suffix: str, separator: str | None) -> str:
    if separator:
        return SEPARATORS.get(separator, separator)
    if suffix == ".tsv":
        return "\t"
    first = text.split("\n", 1)[0]
    found = guess_separator(first)
    if found is None and len(first.split()) > 1 and '"' not in first:
        return r"\s+"
    return found or ","


def _is_number(name: str) -> bool:
    """Whether the name of a column is a number, or a date."""
    if re.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?", name):
        return True
    try:
        float(name)
    except ValueError:
        return False
    return True
