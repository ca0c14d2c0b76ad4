"""Rows of labelled files: their encodings, places, texts and labels."""

import csv
import functools
import itertools
import json
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np

from rnnzoo.data.encodings import detect_encoding
from rnnzoo.errors import closest, shorten

DELIMITERS = {".csv": ",", ".tsv": "\t"}
LISTED = 5  # Places that a report names for each kind of problem.
ROW_LIMIT = 64 * 2**20  # Bytes of a row.
# Bytes of a row of several lines: an unclosed quote must not load the whole file.
QUOTE_LIMIT = 16 * 2**20
# What separates columns, by the names that the command line takes too.
# What stands for a number that is missing, in lower case.
GAPS = {"", "na", "nan", "n/a", "null", "none", "nil", "-", "?", "."}
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


class BadRow(ValueError):
    """A bad row: the kind of problem and, if any, a detail."""


def find_separator(path: pathlib.Path, separator: str | None) -> str | None:
    """Returns what separates the columns of a file; `None` where it has none."""
    own = DELIMITERS.get(path.suffix.lower())
    if separator is None:
        return own
    found = SEPARATORS.get(separator, separator) if isinstance(separator, str) else ""
    if own is None or len(found) != 1 or found in '"\r\n':
        raise ValueError(
            f"separator is a character, or one of {', '.join(map(repr, SEPARATORS))}, "
            f"and for {' and '.join(DELIMITERS)} files only. "
            f"Received: separator={separator!r}, path={str(path)!r}"
        )
    return found


def open_rows(
    file: BinaryIO,
    path: pathlib.Path,
    encoding: str,
    text: str,
    label: str,
    separator: str | None = None,
) -> tuple[Iterator[tuple], Callable]:
    """Returns the rows of a file, and a function from a row to its text and label."""
    suffix, separator = path.suffix.lower(), find_separator(path, separator)
    if suffix == ".jsonl":
        return text_rows(file), functools.partial(_parse_json, encoding, text, label)
    if suffix == ".txt":
        rows = text_rows(file)
        first = list(itertools.islice(rows, 1))
        tabbed = any(b"\t" in raw for *_, raw in first)
        parse = functools.partial(_parse_txt, encoding, tabbed)
        return itertools.chain(first, rows), parse
    rows = csv_rows(file, encoding, separator or ",")
    split = functools.partial(split_row, encoding, separator or ",")
    positions = (0, 0, 0)
    for *_, raw in itertools.islice(rows, 1):
        positions = _find_columns(raw, split, text, label, path, separator or ",")
    return rows, functools.partial(_parse_csv, split, *positions)


def _find_columns(
    raw: bytes,
    split: Callable,
    text: str,
    label: str,
    path: pathlib.Path,
    separator: str,
) -> tuple[int, int, int]:
    """Returns the number of columns, and the indices of the text and the label."""
    expected = f"The first line must name the columns {text!r} and {label!r}"
    header = split_header(raw, split, expected, path, separator)
    problems = [
        f"{name!r} is there more than once."
        if name in header
        else f"{name!r} is missing.{closest(name, header)}"
        for name in (text, label)
        if header.count(name) != 1
    ]
    if problems:
        problems += suggest_separator(header, separator)
        raise ValueError(
            f"{expected}, separated by {name_separator(separator)}. "
            f"{' '.join(problems)} The columns are {list_places(header)}. Correct "
            "that line, or state other names with `text` and `label` or another "
            f"`encoding`. Received: path={str(path)!r}"
        )
    return len(header), header.index(text), header.index(label)


def split_header(
    raw: bytes, split: Callable, expected: str, path: pathlib.Path, separator: str
) -> list[str]:
    """Returns the names in the first line of a file; `ValueError` if it is bad."""
    try:
        return [name.strip() for name in split(raw)]
    except BadRow as error:
        raise ValueError(
            f"{expected}, separated by {name_separator(separator)}; it has "
            f"{error.args[0]}. Correct that line, or state another `encoding`. "
            f"Received: path={str(path)!r}"
        ) from None


def name_separator(separator: str) -> str:
    """Returns what messages call a separator, such as `commas`."""
    names = {mark: name for name, mark in SEPARATORS.items()}
    return f"{names[separator]}s" if separator in names else repr(separator)


def guess_separator(header: str, usual: str = ",") -> str | None:
    """Returns the separator that a header has most of; `None` if it has none.

    Example:
        >>> from rnnzoo.data.rows import guess_separator
        >>> guess_separator('date;"sold, pieces"')
        ';'
    """
    plain = re.sub(r'"[^"]*"', "", header)
    counts = {mark: plain.count(mark) for mark in (usual, *SEPARATORS.values())}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else None


def suggest_separator(header: list[str], separator: str) -> list[str]:
    """Returns sentences that name other separators that a first line seems to have."""
    line = ",".join(header) if len(header) > 1 else header[0]
    return [
        f"It seems to be separated by {name}s: state separator={name!r} (on the "
        f"command line --separator={name})."
        for name, mark in SEPARATORS.items()
        if mark != separator and line.count(mark) > len(header) - 1
    ]


def text_rows(file: BinaryIO) -> Iterator[tuple[int, int, int, bytes]]:
    """Yields number, offset, length and bytes of each line that is not blank."""
    offset = file.tell()
    for number in itertools.count(1):
        line = _read_line(file)
        if not line:
            return
        end = file.tell()
        if not line.isspace():
            yield number, offset, end - offset, line
        offset = end


def csv_rows(
    file: BinaryIO, encoding: str, delimiter: str
) -> Iterator[tuple[int, int, int, bytes]]:
    """As `text_rows`, but a row continues on the next line while a quote is open."""
    number, offset = 1, file.tell()
    while line := _read_line(file):
        row, end = [line], file.tell()
        if b'"' in line and len(line) <= ROW_LIMIT:
            try:
                next(_csv_reader(_until_closed(file, row, encoding), delimiter))
            except csv.Error:
                # The quote is never closed: the following lines may be good rows.
                del row[1:]
                file.seek(end)
        end = file.tell()
        if not line.isspace():
            yield number, offset, end - offset, b"".join(row)
        number, offset = number + len(row), end


def _until_closed(file: BinaryIO, row: list[bytes], encoding: str) -> Iterator[str]:
    # The first line of a row, then the following ones, which are appended to `row`.
    yield row[0].decode(encoding, "replace")
    size = len(row[0])
    while line := file.readline(QUOTE_LIMIT):
        size += len(line)
        if size > QUOTE_LIMIT:
            return
        row.append(line)
        yield line.decode(encoding, "replace")


def folder_files(
    folder: pathlib.Path, names: np.ndarray
) -> Iterator[tuple[str, int, int, bytes | None, str]]:
    """Yields name, number, length, bytes and label of each file."""
    for number, name in enumerate(map(os.fsdecode, names)):
        label, _, file_name = name.partition("/")
        raw = None
        if file_name:
            with open(folder / name, "rb") as file:
                raw = file.read(ROW_LIMIT + 1)
        yield name, number, len(raw or b""), raw, label


def _read_line(file: BinaryIO) -> bytes:
    """Reads a line; returns only the beginning of one that is too long."""
    line = rest = file.readline(ROW_LIMIT + 1)
    while len(line) > ROW_LIMIT and rest and not rest.endswith(b"\n"):
        rest = file.readline(2**20)
    return line


def _parse_csv(
    split: Callable, width: int, text: int, label: int, raw: bytes
) -> tuple[str, str]:
    fields = split(raw)
    if len(fields) != width:
        raise BadRow("wrong number of fields", f"{len(fields)} instead of {width}")
    return fields[text], fields[label].strip()


def _parse_json(encoding: str, text: str, label: str, raw: bytes) -> tuple[str, str]:
    row = parse_object(encoding, raw)
    check_keys(row, text, label)
    name: Any = row[label]
    if name is None or name != name:
        return row[text], ""
    if isinstance(name, (list, dict)):
        raise BadRow("label that is no string or number", shorten(name, json.dumps))
    return row[text], name if isinstance(name, str) else json.dumps(name)


def parse_object(encoding: str, raw: bytes) -> dict[str, Any]:
    """Returns the JSON object of a line."""
    line = decode_row(raw, encoding)
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        detail = getattr(error, "msg", str(error))
        raise BadRow("no JSON object in one line", detail) from None
    if not isinstance(row, dict):
        raise BadRow("JSON that is not an object", shorten(row, json.dumps))
    return row


def check_keys(row: dict[str, Any], text: str, *others: str) -> None:
    """Refuses an object without a text, which is a string, or without other keys."""
    for key in (text, *others):
        if key not in row:
            raise BadRow(f"no key {key!r}", f"only {list_places(row)}")
    if not isinstance(row[text], str):
        raise BadRow("text that is not a string", shorten(row[text], json.dumps))


def _parse_txt(encoding: str, tabbed: bool, raw: bytes) -> tuple[str, str]:
    line = decode_row(raw, encoding).removesuffix("\n").removesuffix("\r")
    if tabbed and "\t" not in line:
        raise BadRow("no tab after the label, as there is in the first line")
    label, text, *_ = (*line.split("\t" if tabbed else None, 1), "", "")
    return text, label.strip()


def parse_file(encoding: str, raw: bytes | None, label: str) -> tuple[str, str]:
    """Returns the text of a file, and its label."""
    if raw is None:
        raise BadRow("sub-folder without .txt files")
    encoding, start = detect_encoding(raw, encoding)
    return decode_row(raw, encoding, start), label


def check_text(text: str) -> None:
    """Refuses an empty text."""
    if not text.strip():
        raise BadRow("empty text")


def check_characters(*texts: str) -> None:
    """Refuses texts that no file can hold."""
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError:
        raise BadRow("half of a surrogate pair, which is no character") from None


def check_example(text: str, label: str, classes: Iterable[str] | None) -> None:
    """Refuses empty or invalid texts and labels, and unknown labels."""
    check_text(text)
    if not label.strip():
        raise BadRow("empty or missing label")
    check_characters(text, label)
    if classes and label not in classes:
        raise BadRow(f"label not among {list_places(classes)}", shorten(label))


def split_row(encoding: str, delimiter: str, raw: bytes) -> list[str]:
    """Returns the fields of a row of a csv file."""
    row = decode_row(raw, encoding)
    try:
        return next(_csv_reader([row], delimiter))
    except csv.Error:
        if '"' not in row:
            raise BadRow("a carriage return or NUL outside quotes") from None
        problem = 'an unclosed or misplaced quote (one inside quotes is written "")'
        raise BadRow(problem) from None


def _csv_reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Returns a reader that refuses misplaced quotes, and accepts long fields."""
    # The limit is global: other code may have changed it.
    csv.field_size_limit(max(csv.field_size_limit(), ROW_LIMIT))
    return csv.reader(lines, delimiter=delimiter, strict=True)


def decode_row(raw: bytes, encoding: str, start: int = 0) -> str:
    """Returns the text of bytes; refuses very many, and others than of the encoding."""
    if len(raw) > ROW_LIMIT:
        raise BadRow(f"longer than {ROW_LIMIT // 2**20} MB")
    try:
        return raw[start:].decode(encoding)
    except UnicodeError:
        raise BadRow("undecodable bytes") from None


def add_problem(problems: dict, where: Any, kind: str, detail: str = "") -> None:
    """Counts a bad row, and records the places of the first ones of a kind."""
    count, places = problems.get(kind, (0, []))
    if count < LISTED:
        places.append(f"{where!r} ({detail})" if detail else f"{where!r}")
    problems[kind] = count + 1, places


def describe_problem(kind: str, place: str, count: int, places: list[str]) -> str:
    """Returns a line of a report, such as `empty text: 2 rows, at lines 3, 8`."""
    more = f" and {count - len(places)} more" if count > len(places) else ""
    rows, plural = ("1 row", "") if count == 1 else (f"{count} rows", "s")
    return f"  {kind}: {rows}, at {place}{plural} {', '.join(places)}{more}"


def describe_problems(problems: dict, good: int, expected: str, place: str) -> str:
    """Returns a report of bad rows, which says what rows must be and where they fail.

    Args:
        problems: What `add_problem` has made.
        good: Number of the other rows.
        expected: What every row must be.
        place: What the numbers of rows are, such as `"line"`.
    """
    bad = sum(count for count, _ in problems.values())
    verb = "is" if bad == 1 else "are"
    report = f"{expected}: {bad} of {bad + good} rows {verb} bad."
    lines = [describe_problem(kind, place, *found) for kind, found in problems.items()]
    return "\n".join([report, *lines])


def list_places(names: Iterable[str]) -> str:
    """Returns names, shortened for a message."""
    return shorten(", ".join(shorten(name) for name in names), str, 300)
