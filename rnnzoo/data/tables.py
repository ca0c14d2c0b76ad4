"""Tables of texts without labels: csv, tsv, jsonl and txt files.

They are read twice, row by row: once to check every row and count them, and again to
use them. A table may thus be larger than memory, and is refused before it is used.
"""

import contextlib
import functools
import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from rnnzoo.data.encodings import encoding_name, open_content
from rnnzoo.data.files import check_unchanged, find_path, make_stamp
from rnnzoo.data.rows import (
    DELIMITERS,
    BadRow,
    add_problem,
    check_characters,
    check_keys,
    check_text,
    csv_rows,
    decode_row,
    describe_problems,
    find_separator,
    list_places,
    name_separator,
    parse_object,
    split_header,
    split_row,
    suggest_separator,
    text_rows,
)
from rnnzoo.errors import closest

# Keys that the objects of a file may have together: more are data, and fill the memory.
KEY_LIMIT = 10_000
# Objects that are read to find the name of the texts.
OBJECTS = 1000
# A batch has fewer rows if their texts have more characters than this.
CHARACTERS = 2**22


class Table:
    r"""The rows of a csv, tsv, jsonl or txt file, in batches; memory holds one batch.

    Formats, encodings, quotes, blank lines and what a bad row is are as
    `rnnzoo.data.files.LabelledFile` has them; labels are not needed. Columns with the
    same name get numbers, as `score` and `score_2`. A line of a `.txt` file is a text;
    if the first one has a tab, `text` says what the text is: `"line"`, or `"text"`,
    behind the tab, with a `label` before it.

    Args:
        path: Path of the file.
        text: Name of the column or key of the texts; `None` for `"text"`, or for the
            only column.
        encoding: Any text encoding that Python knows, such as `"latin-1"`.
        separator: What separates columns: a character, or `"semicolon"`, `"tab"`,
            `"pipe"` or `"comma"`; `None` for that of the suffix.
        skip_bad_rows: Whether bad rows are left out; an error only if all are bad.
        progress: Callback with the bytes read and the total bytes of the first pass.

    Attributes:
        path: The absolute path.
        columns: Names of the columns, or all keys of the objects.
        text: Name of the column of the texts.
        report: The rows that are left out, and the reasons; `None` if there are none.

    Raises:
        ValueError: For bad rows, a missing column, or an unknown format or encoding.
        OSError: If the file cannot be read.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.tables import Table
        >>> lines = ["id,review", "7,A quiet triumph.", '8,"Long, and dull."']
        >>> _ = pathlib.Path("reviews.csv").write_text("\n".join(lines))
        >>> table = Table("reviews.csv", text="review")
        >>> len(table), table.columns
        (2, ['id', 'review'])
        >>> for rows in table.batches(size=100):
        ...     print([row[table.text] for row in rows])
        ['A quiet triumph.', 'Long, and dull.']
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        text: str | None = None,
        encoding: str = "utf-8",
        separator: str | None = None,
        skip_bad_rows: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ):
        self.path = find_path(path, folders=False)
        self._asked = text
        self._stamp = make_stamp(self.path)
        self._separator = find_separator(self.path, separator) or ","
        self._content, self._start, self._encoding, progress = open_content(
            self, self.path, encoding_name(encoding), progress or (lambda *_: None)
        )
        self._read_header()
        problems = self._check_rows(progress)
        self.report = self._report_problems(problems, skip_bad_rows)

    def __len__(self) -> int:
        """Number of good rows."""
        return self._count

    def batches(self, size: int = 256) -> Iterator[list[dict[str, Any]]]:
        """Yields lists of at most `size` rows, each a dict from columns to values.

        Values are strings; those of a `.jsonl` file are as JSON has them, and an object
        has its own keys only. Raises `ValueError` if the file was changed.
        """
        for batch in self.numbered_batches(size):
            yield [row for _, row in batch]

    def numbered_batches(self, size: int = 256) -> Iterator[list[tuple[int, dict]]]:
        """As `batches`, with the number of each row's first line, counted from 1."""
        batch: list[tuple[int, dict]] = []
        characters = 0
        for line, row in self._read_good_rows():
            batch.append((line, row))
            characters += len(row[self.text])
            if len(batch) >= size or characters >= CHARACTERS:
                yield batch
                batch, characters = [], 0
        if batch:
            yield batch

    def _read_good_rows(self) -> Iterator[tuple[int, dict]]:
        check_unchanged(self.path, self._stamp)
        with open(self._content, "rb") as file:
            for line, _, _, raw in self._open_rows(file):
                try:
                    yield line, self._parse_row(raw)
                except BadRow:
                    continue
        check_unchanged(self.path, self._stamp)

    def _open_rows(self, file: BinaryIO) -> Iterator[tuple[int, int, int, bytes]]:
        """Returns the rows of a file behind its header."""
        file.seek(self._start)
        if self.path.suffix.lower() in DELIMITERS:
            rows = csv_rows(file, self._encoding, self._separator)
            return itertools.islice(rows, 1, None)
        return text_rows(file)

    def _read_header(self) -> None:
        """Finds columns and text, and sets the function that parses a row."""
        suffix, encoding = self.path.suffix.lower(), self._encoding
        parse: Callable[[bytes], dict[str, Any]]
        with open(self._content, "rb") as file:
            file.seek(self._start)
            if suffix in DELIMITERS:
                first = next(csv_rows(file, encoding, self._separator), None)
                split = functools.partial(split_row, encoding, self._separator)
                expected = "The first line must name the columns"
                if first is None:
                    raise ValueError(
                        f"{expected}; the file is empty. Received: {self._received()}"
                    )
                names = split_header(
                    first[-1], split, expected, self.path, self._separator
                )
                self.columns = _number_names(names)
                self.text = self._choose_text(names)
                parse = functools.partial(_parse_csv, split, self.columns)
            elif suffix == ".jsonl":
                parse = functools.partial(parse_object, encoding)
                self.columns, self.text = [], self._asked or "text"
                keys: dict[str, Any] = {}
                for *_, raw in itertools.islice(text_rows(file), OBJECTS):
                    with contextlib.suppress(BadRow):
                        keys.update(parse(raw))
                    if self.text in keys:
                        break
                if keys:
                    self.text = self._choose_text(list(keys))
            else:
                first = next(text_rows(file), (b"",))[-1]
                self.columns = self._find_text_columns(b"\t" in first)
                self.text = self._choose_text(self.columns)
                parse = functools.partial(_parse_line, encoding, self.columns)
        self._parse = parse

    def _find_text_columns(self, is_tabbed: bool) -> list[str]:
        """Returns the columns of a `.txt` file."""
        if is_tabbed and self._asked not in ("text", "line"):
            raise ValueError(
                "The first line has a tab: state text='text' (on the command line "
                "--text=text) if a label stands before it, as in a file to train on, "
                "or text='line' if every line is a text with all its tabs. Received: "
                f"text={self._asked!r}, {self._received()}"
            )
        if is_tabbed and self._asked == "text":
            return ["label", "text"]
        return [self._asked or "text"]

    def _choose_text(self, names: list[str]) -> str:
        """Returns the name of the column of the texts; refuses one that is missing."""
        asked, hint = self._asked, ""
        is_table = self.path.suffix.lower() in DELIMITERS
        others = suggest_separator(names, self._separator) if is_table else []
        if asked is None and "text" not in names and len(names) == 1 and not others:
            return names[0]
        name = "text" if asked is None else asked
        if names.count(name) == 1:
            return name
        if name in names:
            problem = f"{name!r} is there more than once"
        elif asked is None and len(names) > 1:
            problem = "none of several columns is 'text'"
        else:
            problem, hint = f"{name!r} is missing", closest(name, names)
        if is_table:
            problem += f" (separated by {name_separator(self._separator)})"
            hint = "".join(f" {sentence}" for sentence in others) or hint
        fix = "on the command line --text=COLUMN"
        raise ValueError(
            f"The column of the texts must be named: {problem}.{hint} State its name "
            f"with `text` ({fix}). The columns are {list_places(names)}. Received: "
            f"text={asked!r}, {self._received()}"
        )

    def _parse_row(self, raw: bytes) -> dict[str, Any]:
        row = self._parse(raw)
        check_keys(row, self.text)
        check_text(row[self.text])
        if b"\\u" in raw:  # as JSON writes half of a pair
            check_characters(json.dumps(row, ensure_ascii=False))
        return row

    def _check_rows(self, progress: Callable) -> dict:
        """Counts the good rows, and returns the number and places of each problem."""
        problems: dict = {}
        keys = dict.fromkeys(self.columns)
        size, reported = self._content.stat().st_size, 0
        self._count = 0
        with open(self._content, "rb") as file:
            for line, offset, length, raw in self._open_rows(file):
                try:
                    row = self._parse_row(raw)
                except BadRow as error:
                    add_problem(problems, line, *error.args)
                else:
                    self._count += 1
                    if len(row) > len(keys) or not row.keys() <= keys.keys():
                        keys.update(dict.fromkeys(row))
                        self._check_keys(keys)
                if offset + length - reported > size // 200:
                    reported = offset + length
                    progress(reported, size)
        if size:
            progress(size, size)
        self.columns = list(keys) or [self.text]
        return problems

    def _check_keys(self, keys: dict) -> None:
        if len(keys) > KEY_LIMIT:
            raise ValueError(
                f"All objects together must have at most {KEY_LIMIT} keys; they have "
                "more. Put what varies into a list or an object under one key. "
                f"Received: {self._received()}"
            )

    def _report_problems(self, problems: dict, skip_bad_rows: bool) -> str | None:
        if not problems:
            return None
        expected = "Every row must have a text"
        report = describe_problems(problems, len(self), expected, "line")
        if not len(self):
            raise ValueError(
                f"{report}\nNo row is left: correct them, or state another `encoding` "
                f"or another column with `text`. Received: {self._received()}"
            )
        if not skip_bad_rows:
            raise ValueError(
                f"{report}\nCorrect them, state another `encoding`, or leave them out "
                "with `skip_bad_rows=True` (on the command line --skip-bad-rows). "
                f"Received: {self._received()}"
            )
        return report

    def _received(self) -> str:
        return f"path={str(self.path)!r}"


def _number_names(names: list[str]) -> list[str]:
    """Returns names of columns, of which later ones of the same name get a number."""
    found: dict[str, None] = {}
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        is_new = name not in found
        new = name if is_new else next(n for n in numbered if n not in (*found, *names))
        found[new] = None
    return list(found)


def _parse_csv(split: Callable, columns: list[str], raw: bytes) -> dict[str, str]:
    fields = split(raw)
    if len(fields) != len(columns):
        detail = f"{len(fields)} instead of {len(columns)}"
        raise BadRow("wrong number of fields", detail)
    return dict(zip(columns, fields, strict=True))


def _parse_line(encoding: str, columns: list[str], raw: bytes) -> dict[str, str]:
    line = decode_row(raw, encoding).removesuffix("\n").removesuffix("\r")
    if len(columns) == 1:
        return {columns[0]: line}
    label, tab, text = line.partition("\t")
    if not tab:
        raise BadRow("no tab after the label, as there is in the first line")
    return {"label": label, "text": text}
