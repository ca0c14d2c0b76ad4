"""A file that no memory holds, in shards: every row belongs to exactly one worker.

A shard is a range of bytes whose ends are moved to the next row. Where a row begins is
what `rnnzoo.data.rows` says, also behind quoted line ends and misplaced quotes.
"""

import itertools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import tensorflow as tf

from rnnzoo.data.encodings import encoding_name, open_content
from rnnzoo.data.files import find_path
from rnnzoo.data.rows import (
    DELIMITERS,
    BadRow,
    add_problem,
    check_example,
    csv_rows,
    describe_problems,
    find_separator,
    open_rows,
    text_rows,
)
from rnnzoo.data.tables import Table
from rnnzoo.errors import check_number

# Bytes that are searched at a time for the begin of a shard.
BLOCK = 2**22
# Encodings whose quotes, separators and line ends are single bytes.
PLAIN_ENCODINGS = ("utf-8", "ascii", "iso8859-1", "cp1252")
EXPECTED = "Every row must be a text with a label"


class LabelledShard:
    r"""The texts and labels of a shard of a csv, tsv, jsonl or txt file, in its order.

    Formats, encodings and what a bad row is are as
    `rnnzoo.data.files.LabelledFile` has them; but nothing is indexed, and memory holds
    one row. Iterate over it as often as you like.

    Args:
        path: Path of the file. It must stay as it is.
        shard: Number of the shard, from 0.
        num_shards: Number of shards, such as that of the workers.
        text: Name of the column or key of the text.
        label: Name of the column or key of the label.
        encoding: Any text encoding that Python knows. What has no bytes for line ends,
            as UTF-16, is copied to a temporary file first.
        separator: As `LabelledFile` takes it.
        classes: Names of the labels; another one makes a row bad. `None` for all.
        skip_bad_rows: Whether bad rows are left out; else the first is a `ValueError`
            that names its line.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.shards import LabelledShard
        >>> lines = ["text,label", '"A quiet\ntriumph.",good', "Dull.,bad", "So so.,ok"]
        >>> _ = pathlib.Path("reviews.csv").write_text("\n".join(lines))
        >>> for number in range(2):
        ...     print(list(LabelledShard("reviews.csv", number, 2)))
        [('A quiet\ntriumph.', 'good')]
        [('Dull.', 'bad'), ('So so.', 'ok')]
    """

    def __init__(
        self,
        path: str | os.PathLike,
        shard: int = 0,
        num_shards: int = 1,
        *,
        text: str = "text",
        label: str = "label",
        encoding: str = "utf-8",
        separator: str | None = None,
        classes: Sequence[str] | None = None,
        skip_bad_rows: bool = False,
    ):
        check_shard(shard, num_shards)
        self.path = find_path(path, folders=False)
        self.shard, self.num_shards = shard, num_shards
        self.classes = None if classes is None else set(classes)
        self.skip_bad_rows = skip_bad_rows
        self._problems: dict = {}
        self._good = 0
        separator = find_separator(self.path, separator)
        self._separator = separator or ("," if self._is_csv else None)
        self._content, start, self._encoding, _ = open_content(
            self, self.path, encoding_name(encoding), lambda *_: None
        )
        with open(self._content, "rb") as file:
            file.seek(start)
            _, self._parse = open_rows(
                file, self.path, self._encoding, text, label, separator
            )
            # The header belongs to no shard.
            begin = file.tell() if self._is_csv else start
            self._range = find_range(
                file, begin, shard, num_shards, self._encoding, self._separator
            )

    @property
    def _is_csv(self) -> bool:
        return self.path.suffix.lower() in DELIMITERS

    @property
    def report(self) -> str | None:
        """The rows that the last iteration has left out; `None` if there are none."""
        if not self._problems:
            return None
        return describe_problems(self._problems, self._good, EXPECTED, "line")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yields texts and labels; raises `ValueError` for a bad row."""
        self._problems, self._good, before = {}, 0, -1
        with open(self._content, "rb") as file:
            for line, *_, raw in read_range(
                file, self._range, self._encoding, self._separator
            ):
                try:
                    text, label = self._parse(raw)
                    check_example(text, label, self.classes)
                except BadRow as error:
                    if before < 0:
                        before = count_lines(self._content, self._range[0])
                    add_problem(self._problems, before + line, *error.args)
                    if not self.skip_bad_rows:
                        raise ValueError(
                            f"{self.report}\nCorrect it, or leave such rows out with "
                            "`skip_bad_rows=True`. Received: "
                            f"path={str(self.path)!r}, shard={self.shard}"
                        ) from None
                else:
                    self._good += 1
                    yield text, label


class TableShard(Table):
    r"""The rows of a shard of a table without labels, as `Table` has those of all.

    Lines are counted as in the whole file; `len` and `report` are those of the shard.

    Args:
        path: Path of a csv, tsv, jsonl or txt file.
        shard: Number of the shard, from 0.
        num_shards: Number of shards.
        **options: As `rnnzoo.data.tables.Table` takes them.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.shards import TableShard
        >>> _ = pathlib.Path("a.csv").write_text("id,text\n1,one\n2,two\n3,three\n")
        >>> for number in range(2):
        ...     print([rows for rows in TableShard("a.csv", number, 2).batches()])
        [[{'id': '1', 'text': 'one'}, {'id': '2', 'text': 'two'}]]
        [[{'id': '3', 'text': 'three'}]]
    """

    def __init__(
        self,
        path: str | os.PathLike,
        shard: int = 0,
        num_shards: int = 1,
        **options: Any,
    ):
        check_shard(shard, num_shards)
        self._shard, self._range = (shard, num_shards), None
        super().__init__(path, **options)

    def _open_rows(self, file: BinaryIO) -> Iterator[tuple[int, int, int, bytes]]:
        is_csv = self.path.suffix.lower() in DELIMITERS
        separator = self._separator if is_csv else None
        if self._range is None:
            begin = self._start
            if is_csv:
                file.seek(begin)
                next(csv_rows(file, self._encoding, self._separator), None)
                begin = file.tell()
            self._range = find_range(
                file, begin, *self._shard, self._encoding, separator
            )
            self._before = count_lines(self._content, self._range[0])
        rows = read_range(file, self._range, self._encoding, separator)
        return ((self._before + row[0], *row[1:]) for row in rows)


def stream_rows(
    path: str | os.PathLike, shard: int = 0, num_shards: int = 1, **options: Any
) -> Iterator[tuple[str, str]]:
    """Yields the texts and labels of a shard once; see `LabelledShard`."""
    return iter(LabelledShard(path, shard, num_shards, **options))


def stream_dataset(
    shard: LabelledShard,
    encode: Callable[[Any, Any], tuple],
    *,
    batch_size: int,
    shuffle_rows: int = 10_000,
    seed: int = 0,
    repeat: bool = True,
) -> tf.data.Dataset:
    r"""Returns a `tf.data.Dataset` of a shard's encoded batches, for `fit`.

    On several machines, each has a shard of its own, and TensorFlow does not shard them
    again. `batch_size` is that of all devices together: a machine's step takes its part
    of one of its batches, and the rest in the next steps, so that no row is left out.

    Args:
        shard: The rows; memory holds `shuffle_rows` of them, and some batches.
        encode: Converts texts and labels to arrays, such as a model's `encode`.
        batch_size: Rows of a batch, over all devices; the last may have fewer.
        shuffle_rows: Rows that are drawn from, to shuffle them; 1 for their order.
        seed: Random seed of shuffling; every pass has another order.
        repeat: Whether to begin again after the last row, without end: shards have
            unequal numbers of rows, and all machines must make as many steps. Say how
            many with `fit(..., steps_per_epoch=N)`.

    Example:
        >>> import pathlib
        >>> from rnnzoo import text_classifier
        >>> from rnnzoo.data.shards import LabelledShard, stream_dataset
        >>> _ = pathlib.Path("reviews.csv").write_text("text,label\nfine,1\ndull,0\n")
        >>> model = text_classifier(None, classes=["0", "1"], tokens="bytes", units=4,
        ...                         ngrams=0)
        >>> rows = LabelledShard("reviews.csv")
        >>> data = stream_dataset(rows, model.encode, batch_size=2)
        >>> [tuple(ids.shape) for ids, labels in data.take(2)]
        [(2, 4), (2, 4)]
        >>> history = model.fit(data, steps_per_epoch=2, verbose=0)
    """
    check_number("batch_size", batch_size, minimum=1, whole=True)
    check_number("shuffle_rows", shuffle_rows, minimum=1, whole=True)

    def generate() -> Iterator[tuple]:
        for epoch in itertools.count():
            random = np.random.default_rng((seed, epoch, shard.shard))
            rows, found = _shuffle(iter(shard), shuffle_rows, random), False
            while batch := list(itertools.islice(rows, batch_size)):
                found = True
                yield encode(*map(list, zip(*batch, strict=True)))
            if not repeat or not found:
                return

    first = next(_encode_first(shard, encode), None)
    if first is None:
        raise ValueError(
            "A shard must have a row: give fewer shards. Received: "
            f"path={str(shard.path)!r}, shard={shard.shard} of {shard.num_shards}"
        )
    # Batch and time vary.
    signature = tf.nest.map_structure(
        lambda a: tf.TensorSpec((None, None, *a.shape[2:])[: a.ndim], a.dtype), first
    )
    options = tf.data.Options()
    off = tf.data.experimental.AutoShardPolicy.OFF
    options.experimental_distribute.auto_shard_policy = off
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return data.prefetch(4).with_options(options)


def _encode_first(shard: LabelledShard, encode: Callable) -> Iterator[tuple]:
    for text, label in shard:
        yield encode([text], [label])


def _shuffle(
    rows: Iterator[tuple], count: int, random: np.random.Generator
) -> Iterator[tuple]:
    """Yields rows in another order: each is drawn from `count` of them."""
    held = list(itertools.islice(rows, count))
    for row in rows:
        place = int(random.integers(count))
        yield held[place]
        held[place] = row
    for place in random.permutation(len(held)):
        yield held[place]


def check_shard(shard: int, num_shards: int) -> None:
    """Refuses a shard that is none of the shards."""
    check_number("num_shards", num_shards, minimum=1, whole=True)
    check_number("shard", shard, minimum=0, below=num_shards, whole=True)


def find_range(
    file: BinaryIO,
    begin: int,
    shard: int,
    num_shards: int,
    encoding: str,
    separator: str | None,
) -> tuple[int, int]:
    """Returns where a shard's first row begins, and what its last one begins before.

    Args:
        file: The file; rows begin at the byte `begin`.
        begin: Where the rows of all shards begin.
        shard: Number of the shard.
        num_shards: Number of shards.
        encoding: The encoding.
        separator: What separates the columns of a csv file; `None` for lines.
    """
    size = file.seek(0, os.SEEK_END)
    places = [
        begin + (size - begin) * number // num_shards for number in (shard, shard + 1)
    ]
    if not shard:
        return begin, places[1]
    if separator is not None:
        return _find_csv_row(file, begin, places[0], encoding, separator), places[1]
    file.seek(places[0] - 1)
    while (part := file.readline(BLOCK)) and not part.endswith(b"\n"):
        pass
    return file.tell(), places[1]


def read_range(
    file: BinaryIO, place: tuple[int, int], encoding: str, separator: str | None
) -> Iterator[tuple[int, int, int, bytes]]:
    """Yields the rows that begin in a range, as `csv_rows` or `text_rows`."""
    begin, end = place
    if begin >= end:
        return iter(())
    file.seek(begin)
    rows = text_rows(file)
    if separator is not None:
        rows = csv_rows(file, encoding, separator)
    return itertools.takewhile(lambda row: row[1] < end, rows)


def count_lines(path: Any, end: int) -> int:
    """Returns the number of line ends before a byte of a file."""
    count = 0
    with open(path, "rb") as file:
        while block := file.read(min(BLOCK, end)):
            count, end = count + block.count(b"\n"), end - len(block)
    return count


def _find_csv_row(
    file: BinaryIO, row: int, place: int, encoding: str, separator: str
) -> int:
    """Returns where the first row at or after a byte begins; one begins at `row`."""
    pattern = _make_pattern(separator) if encoding in PLAIN_ENCODINGS else None
    while row < place:
        file.seek(row)
        block = file.read(BLOCK) if pattern else b""
        at = _skip_rows(block, place - row, pattern) if pattern else 0
        row += at
        if at:
            continue
        # A long row, or one with a quote that is misplaced.
        file.seek(row)
        found = next(csv_rows(file, encoding, separator), None)
        if found is None:
            return file.tell()
        _, offset, length, _ = found
        if offset >= place:  # behind blank lines
            return offset
        row = offset + length
    return row


def _skip_rows(block: bytes, place: int, pattern: re.Pattern) -> int:
    """Returns the size of the first rows of a block: all that begin before a place."""
    at = 0
    while at < place:
        quote = block.find(b'"', at)
        if quote < 0:
            quote = len(block)
        # Lines without a quote are rows.
        end = block.find(b"\n", max(at, place - 1), quote) + 1
        at = end or block.rfind(b"\n", at, quote) + 1 or at
        if end or quote == len(block):
            return at
        if at < place:
            found = pattern.match(block, at)
            if found is None:
                return at
            at = found.end()
    return at


def _make_pattern(separator: str) -> re.Pattern:
    """Returns a pattern of a well-formed csv row, as `csv.reader` reads it."""
    mark = re.escape(separator.encode())
    quoted = rb'"[^"\0]*(?:""[^"\0]*)*"'
    plain = rb'[^"\r\n\0' + mark + rb"][^\r\n\0" + mark + rb"]*"
    field = rb"(?:" + quoted + rb"|" + plain + rb")?"
    return re.compile(field + rb"(?:" + mark + field + rb")*\r?\n")
