"""Your own labelled texts: a csv, tsv, jsonl or txt file, or a folder for each label.

One pass over a file validates every row and indexes it. The texts remain on disk and
are read on demand, so a file may be larger than memory.
"""

import contextlib
import functools
import itertools
import os
import pathlib
import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from rnnzoo.data.categorical import Categorical, Indices
from rnnzoo.data.encodings import encoding_name, open_content
from rnnzoo.data.fingerprints import fingerprint_path
from rnnzoo.data.rows import (
    DELIMITERS,
    BadRow,
    add_problem,
    check_example,
    describe_problems,
    folder_files,
    open_rows,
    parse_file,
)
from rnnzoo.errors import closest, shorten

SUFFIXES = (*DELIMITERS, ".jsonl", ".txt")
CLASS_LIMIT = 100_000  # More are texts rather than labels, and would fill the memory.


class LabelledFile:
    r"""Labelled texts in a file or a folder, as examples in any order.

    The suffix selects the format:

    - `.csv`, `.tsv`: the first line names the columns. A quoted field may contain line
      ends; a quote in it is doubled. Labels are stripped of white space.
    - `.jsonl`: one JSON object per line. Labels may also be numbers or booleans, and
      are then named as in JSON: `3`, `1.0`, `true`.
    - `.txt`: one example per line, the label first. If the first line has a tab, labels
      end at a tab; otherwise at any white space, as in SST-2's files.
    - A folder: each sub-folder is named as a label and contains `.txt` files.

    Blank lines are skipped. A byte order mark is removed, and overrides a Unicode
    `encoding`. A file whose line ends are not the byte 10, as in UTF-16, is copied to a
    temporary file. Raises `ValueError` for a bad row, a missing column, or an unknown
    format or encoding, and `OSError` if the file cannot be read.

    Args:
        path: Path of the file or folder.
        text: Name of the column or key of the text.
        label: Name of the column or key of the label.
        encoding: Any text encoding that Python knows, such as `"latin-1"`.
        separator: What separates columns: a character, or `"semicolon"`, `"tab"`,
            `"pipe"` or `"comma"`; `None` for that of the suffix.
        classes: Names of the labels, in the order of a model's classes; `None` for
            those in the file, sorted with `"2"` before `"10"`.
        skip_bad_rows: Whether bad rows are skipped; an error only if all are bad.
        progress: Callback with the bytes read and the total bytes.

    Attributes:
        path: The absolute path.
        classes: Names of the labels.
        labels: Each row's label as its number in `classes`, int32, `[rows]`.
        lengths: Characters of each row's text, int32, `[rows]`.
        report: The skipped rows and the reasons; `None` if there are none.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.files import LabelledFile
        >>> lines = ["text,label", "A quiet triumph.,good", '"Long, and dull.",bad']
        >>> _ = pathlib.Path("reviews.csv").write_text("\n".join(lines))
        >>> source = LabelledFile("reviews.csv")
        >>> source.classes, source.lengths.tolist()
        (['bad', 'good'], [16, 15])
        >>> source.rows([1, 0])
        (['Long, and dull.', 'A quiet triumph.'], ['bad', 'good'])
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        text: str = "text",
        label: str = "label",
        encoding: str = "utf-8",
        separator: str | None = None,
        classes: Sequence[str] | None = None,
        skip_bad_rows: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ):
        self.path = find_path(path)
        encoding = encoding_name(encoding)
        classes = None if classes is None else _check_classes(classes)
        if text == label:
            raise ValueError(
                "text and label must be two columns. Name both. Received: "
                f"text={text!r}, label={label!r}"
            )
        progress = progress or (lambda done, total: None)
        if self.path.is_dir():
            self._names, self._stamps, size = _list_folder(self.path)
            self._parse = functools.partial(parse_file, encoding)
            rows = folder_files(self.path, self._names)
            problems = self._index(rows, classes, size, progress)
        else:
            self._names, self._stamps = None, [make_stamp(self.path)]
            self._content, start, encoding, progress = open_content(
                self, self.path, encoding, progress
            )
            with open(self._content, "rb") as file:
                file.seek(start)
                rows, self._parse = open_rows(
                    file, self.path, encoding, text, label, separator
                )
                size = os.fstat(file.fileno()).st_size
                problems = self._index(rows, classes, size, progress)
        self.report = self._report_problems(problems, skip_bad_rows)

    def __len__(self) -> int:
        """Number of good rows."""
        return len(self.labels)

    def fingerprint(self) -> dict[str, Any]:
        """Returns size, time and hash of the file or folder."""
        return fingerprint_path(self.path)

    def rows(self, indices: Indices) -> tuple[list[str], Categorical]:
        """Returns the texts and labels of the rows `indices`; thread-safe.

        Raises `ValueError` if there is no such row, or the file was changed or removed.
        """
        numbers = np.asarray(indices)
        if numbers.ndim != 1 or (len(numbers) and numbers.dtype.kind not in "iu"):
            raise TypeError(
                "indices must be a list or an array of integers. Received: "
                f"indices={shorten(indices)}"
            )
        if np.any((numbers < -len(self)) | (numbers >= len(self))):
            raise ValueError(
                f"indices must be from 0 to {len(self) - 1}, the last row. Received: "
                f"indices={shorten(indices)}"
            )
        numbers = numbers.astype("int64")
        texts = [self._parse(*row)[0] for row in self._read_rows(numbers)]
        return texts, Categorical(self.labels[numbers], self.classes)

    def _index(
        self, rows: Iterable, classes: list[str] | None, size: int, progress: Callable
    ) -> dict[str, tuple[int, list[str]]]:
        """Indexes the good rows; returns the number and places of each problem."""
        offsets, (sizes, labels, lengths) = array("q"), (array("i") for _ in range(3))
        numbers = {name: number for number, name in enumerate(classes or [])}
        problems = {}
        done = reported = 0
        for where, offset, length, *row in rows:
            try:
                text, label = self._parse(*row)
                check_example(text, label, classes and numbers)
            except BadRow as error:
                add_problem(problems, where, *error.args)
            else:
                offsets.append(offset)
                sizes.append(length)
                labels.append(numbers.setdefault(label, len(numbers)))
                lengths.append(len(text))
                if not classes and len(numbers) > CLASS_LIMIT:
                    raise ValueError(
                        f"There must be at most {CLASS_LIMIT} labels; there are more. "
                        "See whether text and label are exchanged. Received: "
                        f"path={str(self.path)!r}"
                    )
            done += length
            if done - reported > size // 200:
                progress(done, size)
                reported = done
        if size:
            progress(size, size)
        self.classes = classes or sorted(numbers, key=_sort_key)
        order = {name: number for number, name in enumerate(self.classes)}
        renumbered = np.array([order[name] for name in numbers], "int32")
        self.labels = renumbered[np.array(labels, "int32")]
        self.lengths = np.array(lengths, "int32")
        self._offsets = np.array(offsets, "int64")
        self._sizes = np.array(sizes, "int32")
        return problems

    def _report_problems(self, problems: dict, skip_bad_rows: bool) -> str | None:
        received = f"Received: path={str(self.path)!r}"
        if not problems and not len(self):
            raise ValueError(
                "The file must hold at least one labelled text; it is empty. Add "
                f"examples, or give another path. {received}"
            )
        if not problems:
            return None
        place = "line" if self._names is None else "file"
        expected = "Every row must be a text with a label"
        report = describe_problems(problems, len(self), expected, place)
        if not len(self):
            raise ValueError(
                f"{report}\nNo row is left: correct them, or state another `encoding`, "
                f"other `classes` or other names with `text` and `label`. {received}"
            )
        if not skip_bad_rows:
            raise ValueError(
                f"{report}\nCorrect them, state another `encoding`, or leave them out "
                f"with `skip_bad_rows=True` (on the command line --skip-bad-rows). "
                f"{received}"
            )
        return report

    def _read_rows(self, numbers: np.ndarray) -> Iterator[tuple]:
        if self._names is None:
            check_unchanged(self.path, self._stamps[0])
            with open(self._content, "rb") as file:
                for number in numbers:
                    file.seek(int(self._offsets[number]))
                    yield (file.read(int(self._sizes[number])),)
            return
        names: Any = self._names
        for number in self._offsets[numbers]:
            name = os.fsdecode(names[number])
            check_unchanged(self.path / name, self._stamps[number])
            yield (self.path / name).read_bytes(), name.partition("/")[0]


@contextlib.contextmanager
def show_reading(path: str | os.PathLike) -> Iterator[Callable[[int, int], None]]:
    """Gives the `progress` of a file that is read: a bar, in a terminal."""
    import rich.console
    import rich.progress

    console, hidden = rich.console.Console(stderr=True), not sys.stderr.isatty()
    with rich.progress.Progress(console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(f"Reading {os.fspath(path)}", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def open_with_bar(path: str | os.PathLike, **options: Any) -> LabelledFile:
    """Returns a `LabelledFile`, with a progress bar while it is indexed."""
    with show_reading(path) as show:
        return LabelledFile(path, progress=show, **options)


def _list_folder(folder: pathlib.Path) -> tuple[np.ndarray, array, int]:
    """Returns names and stamps of the files of all labels, and their total bytes."""
    names, stamps, size = [], array("q"), 0
    for label in _sorted_names(folder, lambda entry: entry.is_dir()):
        files = _sorted_names(folder / label, _is_text_file)
        for name in files or [""]:
            names.append(os.fsencode(f"{label}/{name}"))
            stamps.append(make_stamp(folder / label / name))
            size += (folder / label / name).stat().st_size if name else 0
    if not names:
        raise ValueError(
            "A folder must hold a sub-folder for each label, with the texts in .txt "
            "files; there is no sub-folder. Make one, or give the path of a file "
            f"({', '.join(SUFFIXES)}). Received: path={str(folder)!r}"
        )
    return np.array(names), stamps, size


def _sorted_names(folder: pathlib.Path, wanted: Callable) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if wanted(e) and e.name[0] != ".")


def _is_text_file(entry: os.DirEntry) -> bool:
    return entry.name.lower().endswith(".txt") and entry.is_file()


def make_stamp(path: pathlib.Path) -> int:
    """Returns a number that changes with a file."""
    status = path.stat()
    return hash((status.st_size, status.st_mtime_ns))


def check_unchanged(path: pathlib.Path, stamp: int) -> None:
    """Refuses a file that was changed or removed since its stamp was made."""
    if not path.exists() or make_stamp(path) != stamp:
        raise ValueError(
            "A file must stay as it is while it is used; it has changed since it was "
            "first read, or is gone. Open it again. Received: "
            f"path={str(path)!r}"
        )


def find_path(path: str | os.PathLike, folders: bool = True) -> pathlib.Path:
    """Returns the absolute path of a file of a known format, or of a folder."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a string or a path. Received: path={path!r}")
    received = f"Received: path={os.fspath(path)!r}"
    found = pathlib.Path(path).expanduser().absolute()
    known = ", ".join(SUFFIXES)
    if folders:
        known += ", or a folder with a sub-folder for each label"
    if not os.fspath(path) or not found.exists():
        folder = found.parent
        names = itertools.islice(os.listdir(folder) if folder.is_dir() else [], 10_000)
        raise FileNotFoundError(
            f"path must be a file that is there ({known}); it is not."
            f"{closest(found.name, names)} {received}"
        )
    if not (folders and found.is_dir()) and found.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"path must be a file of a known format: {known}. Convert or rename it."
            f"{closest(found.suffix, SUFFIXES)} {received}"
        )
    if not folders and not found.is_file():
        raise ValueError(
            "path must be a file on a disk, for it is read twice; this is a folder, a "
            f"device or a pipe. {received}"
        )
    return found


def _check_classes(classes: Sequence[str]) -> list[str]:
    # A set has no order, and a string is not a list of names.
    is_list = isinstance(classes, Iterable) and not isinstance(classes, (str, set))
    names = list(classes) if is_list else []
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError(
            "classes must be a list of label names, each a string. Received: "
            f"classes={shorten(classes)}"
        )
    if len(set(names)) < len(names):
        raise ValueError(
            "classes must name every label once. Remove those that are there twice. "
            f"Received: classes={shorten(classes)}"
        )
    return names


def _sort_key(name: str) -> tuple[str, str]:
    # "2" is before "10".
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(20), name), name
