"""Encodings of text files: names, byte order marks, copies as UTF-8."""

import codecs
from collections.abc import Iterator
from encodings.aliases import aliases
from typing import BinaryIO

from rnnzoo.errors import closest

MARKS = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe\0\0": "utf-32-le",
    b"\0\0\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}


def detect_encoding(head: bytes, encoding: str) -> tuple[str, int]:
    """Returns the encoding of a byte order mark, and the mark's length."""
    is_unicode = encoding.startswith("utf")
    # A mark of UTF-16 and a NUL look like that of UTF-32: the given encoding is first.
    for mark in sorted(MARKS, key=lambda mark: MARKS[mark][:6] != encoding[:6]):
        if head.startswith(mark) and (is_unicode or MARKS[mark] == "utf-8"):
            return MARKS[mark] if is_unicode else encoding, len(mark)
    return encoding, 0


def copy_as_utf8(file: BinaryIO, copy: BinaryIO, encoding: str) -> Iterator[int]:
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
