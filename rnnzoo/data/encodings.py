"""Encodings of text files: byte order marks, lines, and copies as UTF-8."""

import codecs
import os
import pathlib
import tempfile
import weakref
from collections.abc import Callable, Iterator
from encodings.aliases import aliases
from typing import Any, BinaryIO

from rnnzoo.errors import closest
from rnnzoo.writing import name_failures

MARKS = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe\0\0": "utf-32-le",
    b"\0\0\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}


def _mark_undecodable(error: Any) -> tuple[str, int]:
    return "\udcff", error.end  # UTF-8 has no lone surrogates


codecs.register_error("rnnzoo.undecodable", _mark_undecodable)


def detect_encoding(head: bytes, encoding: str) -> tuple[str, int]:
    """Returns the encoding of a byte order mark, and the mark's length.

    Without a mark it is the given one, and the order that of the first character.
    """
    is_unicode = encoding.startswith("utf")
    # A mark of UTF-16 and a NUL look like that of UTF-32: the given encoding is first.
    for mark in sorted(MARKS, key=lambda mark: MARKS[mark][:6] != encoding[:6]):
        if head.startswith(mark) and (is_unicode or MARKS[mark] == "utf-8"):
            return MARKS[mark] if is_unicode else encoding, len(mark)
    if encoding in ("utf-16", "utf-32"):
        # Without a mark: the first character is most likely one of few bytes.
        return f"{encoding}-{'be' if head[:1] == bytes(1) else 'le'}", 0
    return encoding, 0


def _copy_as_utf8(file: BinaryIO, copy: BinaryIO, encoding: str) -> Iterator[int]:
    """Copies a file in another encoding; yields the number of bytes read so far."""
    decoder = codecs.getincrementaldecoder(encoding)("rnnzoo.undecodable")
    while chunk := file.read(2**20):
        copy.write(decoder.decode(chunk).encode("utf-8", "surrogatepass"))
        yield file.tell()
    copy.write(decoder.decode(b"", True).encode("utf-8", "surrogatepass"))


def encoding_name(encoding: str) -> str:
    """Returns Python's name of a text encoding."""
    if not isinstance(encoding, str):
        raise TypeError(
            "encoding must be the name of a text encoding, such as 'utf-8'. Received: "
            f"encoding={encoding!r}"
        )
    try:
        "\n".encode(encoding)
        codecs.getincrementaldecoder(encoding)
    except (LookupError, ValueError):
        names = {name.replace("_", "-") for name in aliases.values()} | {"utf-8-sig"}
        raise ValueError(
            "encoding must be a text encoding that Python knows, such as 'utf-8', "
            f"'utf-16' or 'latin-1'.{closest(encoding.lower(), sorted(names))} "
            f"Received: encoding={encoding!r}"
        ) from None
    return codecs.lookup(encoding).name.removesuffix("-sig")


def read_lines(content: bytes, encoding: str, name: str) -> list[str]:
    r"""Returns the lines of a text; they end at `\n` or `\r\n` only.

    Args:
        content: The bytes of the text. A byte order mark is removed.
        encoding: Any text encoding that Python knows.
        name: What to call the text in the `ValueError` for undecodable bytes.

    Example:
        >>> from rnnzoo.data.encodings import read_lines
        >>> read_lines(b"one\r\ntwo\x0c\n", "utf-8", "it")
        ['one', 'two\x0c']
    """
    encoding, start = detect_encoding(content[:4], encoding_name(encoding))
    content = content[start:]
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        line = content[:at].decode(encoding, "replace").count("\n") + 1
        raise _undecodable(name, encoding, line, content[at : at + 20]) from None
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


def stream_lines(file: Any, encoding: str, name: str) -> Iterator[list[str]]:
    r"""Yields the lines of a pipe as they come, as `read_lines` has them.

    Args:
        file: A binary file with `read1`, such as `sys.stdin.buffer`.
        encoding: As `read_lines` has it.
        name: As `read_lines` has it.

    Example:
        >>> import io
        >>> from rnnzoo.data.encodings import stream_lines
        >>> list(stream_lines(io.BytesIO(b"one\ntwo"), "utf-8", "it"))
        [['one'], ['two']]
    """
    head = chunk = file.read1(2**16)
    while chunk and any(mark.startswith(head) for mark in MARKS):
        chunk = file.read1(2**16)
        head += chunk
    encoding, start = detect_encoding(head[:4], encoding_name(encoding))
    decoder = codecs.getincrementaldecoder(encoding)()
    chunk, rest, line = head[start:], "", 1
    while True:
        try:
            text = decoder.decode(chunk, not chunk)
        except UnicodeError as error:
            at, found = getattr(error, "start", 0), getattr(error, "object", chunk)
            line += found[:at].decode(encoding, "replace").count("\n")
            found = found[at : at + 20]
            raise _undecodable(name, encoding, line, found) from None
        *lines, rest = (rest + text).split("\n")
        line += len(lines)
        if not chunk and rest:
            lines.append(rest)
        if lines:
            yield [one.removesuffix("\r") for one in lines]
        if not chunk:
            return
        chunk = file.read1(2**16)


def _undecodable(name: str, encoding: str, line: int, found: bytes) -> ValueError:
    return ValueError(
        f"{name} must be text in {encoding}: line {line} has other bytes. State "
        "its encoding, such as --encoding=latin-1 or --encoding=utf-16. Received: "
        f"{found!r}"
    )


def open_content(
    owner: Any, path: pathlib.Path, encoding: str, progress: Callable
) -> tuple[pathlib.Path, int, str, Callable]:
    """Returns a file whose lines end at the byte 10, and where its text begins.

    It is the file itself, or where its encoding has other line ends, as UTF-16, a
    temporary copy, which is removed with its owner.

    Args:
        owner: What uses the file.
        path: The file.
        encoding: The encoding, unless a byte order mark says otherwise.
        progress: Is called with the bytes read and the total bytes.

    Returns:
        The file, the number of bytes before the text, the encoding, and what to call
        with the progress of reading it.
    """
    with open(path, "rb") as file:
        encoding, start = detect_encoding(file.read(4), encoding)
        if "\n".encode(encoding) == b"\n":
            return path, start, encoding, progress
        size = os.fstat(file.fileno()).st_size
        file.seek(start)
        with name_failures(f"{path}, copied as UTF-8 to a temporary file"):
            handle, name = tempfile.mkstemp(prefix="rnnzoo-", suffix=".utf8")
            content = pathlib.Path(name)
            weakref.finalize(owner, content.unlink, missing_ok=True)
            with open(handle, "wb") as copy:
                for done in _copy_as_utf8(file, copy, encoding):
                    progress(done // 2, size)

    def second_half(done: int, total: int) -> None:
        progress(size - (total - done) * size // (2 * max(total, 1)), size)

    return content, 0, "utf-8", second_half
