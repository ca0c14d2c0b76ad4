"""Raw input of taggers: texts, or lists of words."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnnzoo.data.columns import to_rows
from rnnzoo.errors import shorten
from rnnzoo.tokens.checks import Problem, check_texts, refuse_rows, type_name
from rnnzoo.tokens.labels import to_python
from rnnzoo.tokens.raw import RawTexts
from rnnzoo.tokens.spelled import split_texts


class Sentence(NamedTuple):
    """A text, its words as UTF-8, and the places of the characters where each is."""

    text: str
    words: list
    starts: list[int]
    ends: list[int]


class RawSentences(RawTexts):
    """Raw input that is texts, or lists of their words.

    Args:
        tokens: `rnnzoo.tokens.spelled.SpelledWords`.

    Attributes:
        name, batch_size, architecture: As those of `RawTexts`.
    """

    def split(self, inputs: Any) -> tuple[list, bool]:
        """Returns the checked texts and lists of words, and whether it was a batch.

        A list of strings is a batch of texts; words of one text are a batch of one
        list. Raises `TypeError` or `ValueError`, which name every bad row.
        """
        if getattr(inputs, "shape", None) == ():
            inputs = to_python(inputs)
        if isinstance(inputs, (str, bytes)):
            return check_texts([inputs], self.name), False
        if isinstance(inputs, (tf.RaggedTensor, tf.Tensor)):
            inputs = inputs.to_list() if hasattr(inputs, "to_list") else inputs.numpy()  # pyright: ignore
        inputs = to_rows(inputs)
        inputs = inputs.tolist() if isinstance(inputs, np.ndarray) else inputs
        if not isinstance(inputs, (list, tuple)):
            return check_texts(inputs, self.name), True
        if not any(isinstance(row, (list, tuple, np.ndarray)) for row in inputs):
            return check_texts(inputs, self.name), True
        refuse_rows(
            inputs,
            "texts must be strings, or lists of words.",
            _find_problems,
            have_positions=False,
        )
        return [
            _to_text(row) if isinstance(row, (str, bytes)) else [*map(_to_text, row)]
            for row in inputs
        ], True

    def describe(self) -> str:
        """Says what an input is."""
        return "a text, or a list of texts or of lists of words"

    def read(self, rows: list) -> list[Sentence]:
        """Returns the words of rows that `split` returned, and where they are."""
        texts = [row for row in rows if isinstance(row, str)]
        found = iter(self.tokens.split_checked(texts))
        sentences = []
        for row in rows:
            if isinstance(row, str):
                sentences.append(Sentence(row, *next(found)))
                continue
            ends = (np.cumsum([len(word) + 1 for word in row]) - 1).tolist()
            starts = [end - len(word) for end, word in zip(ends, row, strict=True)]
            sentences.append(Sentence(" ".join(row), row, starts, ends))
        return sentences

    def encode(self, rows: list) -> np.ndarray:
        """Returns what the graph takes for rows that `split` returned."""
        return self.tokens.encode_words([one.words for one in self.read(rows)])

    def count_steps(self, rows: list, arrays: np.ndarray) -> np.ndarray:
        """Returns the number of words of rows, whose arrays `encode` returned."""
        return np.array([len(one.words) for one in self.read(rows)], int)

    def count_in_graph(self, texts: Any) -> tf.Tensor:
        """Returns the number of words of strings `[batch]`, in the graph."""
        return split_texts(texts).words.row_lengths()

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths, to try an export on."""
        known = self.tokens.vocabulary[:40] or ["yes"]
        return [
            "Book a table for two in Paris, please!",
            " ".join(known[:3]),
            "I don't know: 3.5 of the U.S. team's e-mails (a@b.org) …",
            "naïve cafe\N{COMBINING ACUTE ACCENT} \N{WOMAN}\N{ZERO WIDTH JOINER}"
            "\N{ROCKET}\N{GRINNING FACE} 東京で会う",
            " ".join(known * 3),
        ]


def _to_text(word: Any) -> str:
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)


def _find_problems(row: Any) -> list[Problem]:
    if isinstance(row, (str, bytes)):
        return []
    if not isinstance(row, (list, tuple, np.ndarray)):
        return [(TypeError, f"{shorten(row)} ({type_name(row)})")]
    wrong = [word for word in row if not isinstance(word, (str, bytes))]
    return [(TypeError, f"{shorten(w)} is no word ({type_name(w)})") for w in wrong[:3]]
