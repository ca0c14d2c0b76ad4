"""A long text as examples: windows at random places, or parallel streams."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnzoo.data.fingerprints import digest
from rnnzoo.errors import check_number


class LongText:
    """A text as endless `Examples`: rows of inputs and their continuations.

    Args:
        text: A string, or a list of words; at least two symbols.
        length: Symbols (characters or words) per row; a shorter text is one row.
        separator: What separates words.
    """

    def __init__(self, text: str | Sequence[str], length: int, separator: str = " "):
        check_number("length", length, minimum=2, whole=True)
        if len(text) < 2:
            raise ValueError(
                "A text to learn from must have at least two symbols. Received: one of "
                f"{len(text)}"
            )
        self.text, self.length = text, min(length, len(text))
        self.separator = separator

    def batches_per_epoch(self, size: int) -> int:
        """Returns how many batches of this size have as many symbols as the text."""
        return max(1, len(self.text) // (size * self.length))

    def fingerprint(self) -> dict[str, Any]:
        """Returns the number of the symbols and a hash of them."""
        return {"symbols": len(self.text), "hash": digest(self.text)}


class Windows(LongText):
    r"""Windows at random places of a long text, as endless `Examples`.

    Windows of characters begin with a line, or else a word, if there is one nearby.
    Arguments are those of `LongText`.

    Example:
        >>> from rnnzoo.data.text import Windows
        >>> windows = Windows("To be, or not to be,\nthat is the question:\n", 20)
        >>> inputs, targets = windows.batch(8, seed=0, index=0)
        >>> sorted(set(inputs))
        ['To be, or ', 'be, or not', 'or not to ', 'that is th']
    """

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` inputs and targets, the same for the same arguments."""
        random = np.random.default_rng((seed, index))
        last = len(self.text) - self.length
        places = random.integers(0, last + 1, size).tolist()
        found = [self._window(place, last) for place in places]
        return halves(found, self.separator)

    def _window(self, place: int, last: int) -> str | Sequence[str]:
        if isinstance(self.text, str) and place:
            end = min(place + max(self.length // 2, 1), last)
            # The place itself is one if the character before it is a gap.
            gaps = [self.text.find(gap, place - 1, end) for gap in "\n "]
            place = next((gap + 1 for gap in gaps if gap >= 0), place)
        return self.text[place : place + self.length]


class Segment(str):
    """A text that continues the one before it."""

    first: str  # its first symbol, the last one of the text before


class Streams(LongText):
    """A long text as several parallel streams, as endless `Examples`.

    For truncated backpropagation through time (Williams and Peng, 1990): row `r` of a
    batch continues row `r` of the previous batch. Every epoch starts at another place,
    from the initial state; later rows are `Segment`. Arguments are those of `LongText`.

    Args:
        text: A string, or a list of words.
        length: Symbols per row.
        separator: What separates words.
        random_lengths: Whether batches have other lengths around `length`: with a
            standard deviation of five symbols, and one in twenty half as many (Merity
            et al., 2017, arXiv:1708.02182); at most a quarter more.

    Example:
        >>> from rnnzoo.data.text import Streams
        >>> streams = Streams("abcdefghijklmnopqrstuvwxyz", 4)
        >>> for index in range(2):
        ...     inputs, targets = streams.batch(2, seed=0, index=index)
        ...     [first + rest for first, rest in zip(inputs, targets)]
        ['wxyz', 'jklm']
        ['zabcd', 'mnopq']
    """

    def __init__(
        self,
        text: str | Sequence[str],
        length: int,
        separator: str = " ",
        random_lengths: bool = False,
    ):
        super().__init__(text, length, separator)
        self.random_lengths = random_lengths

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` inputs and targets, the same for the same arguments."""
        epoch, step = divmod(index, self.batches_per_epoch(size))
        total, continues = len(self.text), step > 0
        random = np.random.default_rng((seed, epoch))
        begin, length = int(random.integers(total)), self.length
        before = step * length
        if self.random_lengths:
            lengths = self._draw_lengths(random, step + 1)
            before, length = int(lengths[:-1].sum()), int(lengths[-1])
        begin += before - continues
        places = [begin + row * total // size for row in range(size)]
        found = [self._segment(p, length + continues) for p in places]
        inputs, targets = halves(found, self.separator)
        if step:
            inputs = list(map(Segment, inputs))
            for text, segment in zip(inputs, found, strict=True):
                text.first = segment[0]
        return inputs, targets

    def _draw_lengths(self, random: np.random.Generator, count: int) -> np.ndarray:
        """Returns the lengths of the first batches of an epoch."""
        kinds, noise = random.standard_normal((count, 2)).T
        # One in twenty is as low.
        lengths = np.where(kinds < -1.645, self.length / 2, self.length) + 5 * noise
        longest = min(self.length * 5 // 4, len(self.text))
        return np.clip(lengths.astype(int), min(5, longest), longest)

    def _segment(self, place: int, length: int) -> Any:
        # After its end, the text starts again.
        place %= len(self.text)
        part: Any = self.text[place : place + length]
        return part + self.text[: length - len(part)]


def windows(
    text: str | Sequence[str], length: int, separator: str = " "
) -> tuple[list, list]:
    r"""Splits a text into consecutive windows, and returns inputs and continuations.

    Windows of characters end with a line, or else a word, if possible.

    Args:
        text: The text, a string; or a list of words.
        length: Maximum number of symbols of a window, at least 2.
        separator: What separates words.

    Example:
        >>> from rnnzoo.data.text import windows
        >>> inputs, targets = windows("To be, or not to be,\nthat is the question:", 24)
        >>> inputs, targets
        (['To be, or ', 'that is th'], ['not to be,\n', 'e question:'])
    """
    check_number("length", length, minimum=2, whole=True)
    found, begin = [], 0
    while begin < len(text):
        end = min(begin + length, len(text))
        if end < len(text) and isinstance(text, str):
            gaps = [text.rfind(gap, begin + length // 2, end) for gap in "\n "]
            end = next((gap + 1 for gap in gaps if gap >= 0), end)
        found.append(text[begin:end])
        begin = end
    return halves(found, separator)


def halves(
    texts: Sequence[str | Sequence[str]], separator: str
) -> tuple[list[str], list[str]]:
    """Splits texts, or lists of words, into first and second halves, both strings."""

    def join(part: str | Sequence[str]) -> str:
        return part if isinstance(part, str) else separator.join(part)

    return (
        [join(text[: len(text) // 2]) for text in texts],
        [join(text[len(text) // 2 :]) for text in texts],
    )


def read_text(path: str | os.PathLike, encoding: str = "utf-8") -> str:
    r"""Reads a text file; line ends become `\n`, and a byte order mark is removed.

    Raises `FileNotFoundError`, or `ValueError` if the encoding is wrong or unknown.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.text import read_text
        >>> _ = pathlib.Path("poem.txt").write_bytes("Dağ\r\n".encode("iso8859-9"))
        >>> read_text("poem.txt", "iso8859-9")
        'Dağ\n'
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There must be a text file at the path. Received: path={str(path)!r}"
        )
    try:
        return path.read_text(encoding=encoding).removeprefix("\ufeff")
    except LookupError as error:
        raise ValueError(
            "encoding must be one that Python knows, such as 'utf-8', 'utf-16', "
            f"'latin-1' or 'iso8859-9'. Received: encoding={encoding!r}"
        ) from error
    except UnicodeError as error:
        raise ValueError(
            f"The file must be a text of the encoding {encoding!r}: state another with "
            f"--encoding (encoding in Python). Received: path={str(path)!r} ({error})"
        ) from error


def original_file(folder: str, name: str, source: str) -> pathlib.Path:
    """Returns the path of a data set's file that is downloaded by hand from `source`.

    `folder` is inside TFDS_DATA_DIR, by default `~/tensorflow_datasets`.

    Example:
        >>> from rnnzoo.data.text import original_file
        >>> original_file("anki", "deu.txt", "manythings.org/anki")
        Traceback (most recent call last):
        FileNotFoundError: Get the file 'deu.txt' from manythings.org/anki and put it in
        the folder '.../anki'; TFDS_DATA_DIR is the folder of all data sets...
    """
    parent = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    path = pathlib.Path(parent).expanduser() / folder / name
    if not path.is_file():
        raise FileNotFoundError(
            f"Get the file {name!r} from {source} and put it in the folder "
            f"{str(path.parent)!r}; TFDS_DATA_DIR is the folder of all data sets. "
            f"Received: no file {str(path)!r}"
        )
    return path
