"""A long text as examples: windows of it, in any order or one after the other."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np

from rnnzoo.errors import check_number


class Windows:
    r"""Windows of a long text at random places, as endless `Examples`.

    Use it to train a language model. Windows of characters begin where a line does, or
    else a word, if there is such a place near: then the model's start symbol means the
    beginning of a line. Every window is cut in two, an input and its continuation.

    Args:
        text: The text, a string; or a list of words.
        length: Symbols of a window: characters or words. A shorter text is one window.
        separator: What stands between words.

    Raises:
        ValueError: If there are fewer than two symbols.

    Example:
        >>> from rnnzoo.data.text import Windows
        >>> windows = Windows("To be, or not to be,\nthat is the question:\n", 20)
        >>> inputs, targets = windows.batch(8, seed=0, index=0)
        >>> sorted(set(inputs))
        ['To be, or ', 'be, or not', 'or not to ', 'that is th']
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

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` inputs and targets, the same for the same arguments."""
        random = np.random.default_rng((seed, index))
        last = len(self.text) - self.length
        places = random.integers(0, last + 1, size)
        return halves([self._window(int(place), last) for place in places], self.separator)

    def _window(self, place: int, last: int) -> str | Sequence[str]:
        """Returns the window that begins at a place, or a little later."""
        if isinstance(self.text, str):
            end = min(place + max(self.length // 2, 1), last)
            for gap in "\n ":
                # The place itself is one if the character before it is a gap.
                found = self.text.find(gap, max(place - 1, 0), end)
                if found >= 0 and place:
                    place = found + 1
                    break
        return self.text[place : place + self.length]


class Segment(str):
    """A text that goes on from the one before it.

    Attributes:
        first: The symbol that it begins with, which is the last of the text before.
    """

    first: str


class Streams:
    r"""A long text as several streams side by side, as endless `Examples`.

    Use it to train a language model that carries its state from each batch to the next
    (truncated backpropagation through time; Williams and Peng, 1990): row `r` of a
    batch goes on where row `r` of the batch before it ended. Every epoch reads the
    whole text but for what does not fill a batch, from another beginning. The first
    pieces of an epoch begin anew; all others are `Segment`.

    Args:
        text: The text, a string; or a list of words.
        length: Symbols of a piece: characters or words.
        separator: What stands between words.

    Raises:
        ValueError: If there are fewer than two symbols.

    Example:
        >>> from rnnzoo.data.text import Streams
        >>> streams = Streams("abcdefghijklmnopqrstuvwxyz", 4)
        >>> for index in range(2):
        ...     inputs, targets = streams.batch(2, seed=0, index=index)
        ...     [first + rest for first, rest in zip(inputs, targets)]
        ['wxyz', 'jklm']
        ['zabcd', 'mnopq']

    References:
        Williams and Peng, "An efficient gradient-based algorithm for on-line training
        of recurrent network trajectories", Neural Computation 2, 1990.
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
        """Returns how many batches of this size an epoch has."""
        return max(1, len(self.text) // (size * self.length))

    def batch(self, size: int, seed: int, index: int) -> tuple[list, list]:
        """Returns `size` inputs and targets, the same for the same arguments."""
        epoch, step = divmod(index, self.batches_per_epoch(size))
        total = len(self.text)
        begin = int(np.random.default_rng((seed, epoch)).integers(total))
        found = []
        for row in range(size):
            place = begin + row * total // size + step * self.length
            found.append(self._piece(place - (step > 0), self.length + (step > 0)))
        inputs, targets = halves(found, self.separator)
        if step:
            inputs = list(map(Segment, inputs))
            for text, piece in zip(inputs, found, strict=True):
                text.first = piece[0]
        return inputs, targets

    def _piece(self, place: int, length: int) -> str | Sequence[str]:
        """Returns a piece of the text, which begins again after its end."""
        place %= len(self.text)
        piece = self.text[place : place + length]
        return piece + self.text[: length - len(piece)]


def windows(
    text: str | Sequence[str], length: int, separator: str = " "
) -> tuple[list, list]:
    r"""Cuts a text into windows, one after the other, to measure a model on.

    Windows of characters end with a line, or else a word, if they can; all together
    are the text. Each is cut in two, an input and its continuation.

    Args:
        text: The text, a string; or a list of words.
        length: Largest number of symbols of a window.
        separator: What stands between words.

    Returns:
        Inputs and targets.

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
            for gap in "\n ":
                place = text.rfind(gap, begin + length // 2, end)
                if place >= 0:
                    end = place + 1
                    break
        found.append(text[begin:end])
        begin = end
    return halves(found, separator)


def halves(
    texts: Sequence[str | Sequence[str]], separator: str
) -> tuple[list[str], list[str]]:
    """Cuts texts, or lists of words, into first and second halves, both strings."""

    def joined(part: str | Sequence[str]) -> str:
        return part if isinstance(part, str) else separator.join(part)

    cuts = [len(text) // 2 for text in texts]
    pairs = list(zip(texts, cuts, strict=True))
    return (
        [joined(text[:cut]) for text, cut in pairs],
        [joined(text[cut:]) for text, cut in pairs],
    )


def read_text(path: str | os.PathLike, encoding: str = "utf-8") -> str:
    r"""Reads a text file; ends of lines become `\n`, and a byte order mark goes.

    Args:
        path: Path of the file.
        encoding: Any text encoding that Python knows, such as `"latin-1"`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not of that encoding, or there is none of that name.

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
    """Returns the path of a file of a data set that no builder prepares.

    Args:
        folder: The data set's folder in that of all data sets: TFDS_DATA_DIR, or else
            `~/tensorflow_datasets`.
        name: The file's name.
        source: Where to get the file.

    Raises:
        FileNotFoundError: If it is not there; says where to get it and put it.

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
