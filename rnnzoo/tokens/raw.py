"""Raw input of every kind of tokens: rows, arrays of rows, and strings in the graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.data.columns import to_rows
from rnnzoo.errors import shorten
from rnnzoo.tokens.bits import Bits, parse_bits
from rnnzoo.tokens.checks import check_in_graph, check_texts, refuse_rows
from rnnzoo.tokens.labels import to_python
from rnnzoo.tokens.numbers import Numbers, parse_numbers, split_rows
from rnnzoo.tokens.reals import RealSteps, ScaledSteps
from rnnzoo.tokens.text import TextTokens


class RawTexts:
    """Raw input that is texts.

    Args:
        tokens: The tokenizer of the texts.

    Attributes:
        name: What messages call several inputs.
        batch_size: How many rows are answered at a time.
        architecture: The arguments of an architecture that reads them.
    """

    name, batch_size = "texts", 64

    def __init__(self, tokens: Any):
        self.tokens = tokens
        self.architecture = {"vocabulary_size": tokens.vocabulary_size}

    def split(self, inputs: Any) -> tuple[list, bool]:
        """Returns the checked rows of one raw input or a batch, and whether it was one.

        Raises `TypeError` or `ValueError`, which name every bad row.
        """
        if getattr(inputs, "shape", None) == ():
            inputs = to_python(inputs)
        if isinstance(inputs, (str, bytes)):
            return check_texts([inputs], self.name), False
        return check_texts(inputs, self.name), True

    def describe(self) -> str:
        """Says what an input is."""
        return f"a text, which is read as {self.tokens.kind}s, or a list of texts"

    def encode(self, rows: list) -> np.ndarray:
        """Returns what the graph takes for rows that `split` returned."""
        return self.tokens.encode_checked(rows)

    def count_steps(self, rows: list, arrays: np.ndarray) -> np.ndarray:
        """Returns the number of steps of rows, whose arrays `encode` returned.

        An empty text has none, although it is read as one unknown token.
        """
        steps = np.count_nonzero(arrays, axis=1)
        if self.tokens.start:
            return steps - 1
        is_short = np.flatnonzero(steps == 1)
        steps[is_short] = [self.tokens.count(rows[row]) for row in is_short]
        return steps

    def parse(self, texts: Any) -> Any:
        """Returns what the graph takes for strings `[batch]`, in the graph."""
        return self.tokens(texts)

    def count_in_graph(self, texts: Any) -> tf.Tensor:
        """Returns `count_steps` of strings `[batch]`, in the graph."""
        return self.tokens.ids(texts).row_lengths()

    def sample_texts(self) -> list[str]:
        """Returns inputs of various lengths, as text, to try an export on."""
        random = np.random.default_rng(0)
        tokens, limit = self.tokens, getattr(self.tokens, "max_length", None)
        lengths = [5, 8, 1, 30, 200, *([limit + 1, 2 * limit] if limit else [])]
        symbols = max(tokens.vocabulary_size, 3)
        rows = [random.integers(2, symbols, size) for size in lengths]
        unknown = "zweihundert .\N{GRINNING FACE}"
        first, second, *others = tokens.decode(rows)
        return [
            # Of the model's own vocabulary, whatever its language.
            first,
            second,
            "What a bore!<br />It's long.",
            *(f"{text} {unknown}" for text in others),
        ]


class RawNumbers:
    """Raw input that is lists of integers, or of bits, or of these in texts.

    Args:
        tokens: `Numbers`, or `Bits`.

    Attributes:
        name, batch_size, architecture: As those of `RawTexts`.
    """

    batch_size = 256

    def __init__(self, tokens: Any):
        self.tokens = tokens
        self.name = "bits" if isinstance(tokens, Bits) else "numbers"
        self.architecture: dict[str, Any] = (
            {"features": 1, "padding_value": 0.0}
            if isinstance(tokens, Bits)
            else {"vocabulary_size": tokens.vocabulary_size}
        )

    def split(self, inputs: Any) -> tuple[list, bool]:
        """As `RawTexts.split`; a row has a number at least."""
        parse = parse_bits if isinstance(self.tokens, Bits) else parse_numbers
        if getattr(inputs, "shape", None) == ():
            inputs = to_python(inputs)
        if isinstance(inputs, str):
            rows, is_batch = [parse(inputs)], False
        else:
            rows, is_batch = split_number_rows(inputs, self.name, parse)
        self.tokens.check(rows, name=self.name)
        refuse_empty(rows, self.name)
        return rows, is_batch

    def describe(self) -> str:
        """Says what an input is."""
        low, high = self.tokens.minimum, self.tokens.maximum
        return f"integers from {low} to {high}: a list or a text of them, or a batch"

    def encode(self, rows: list) -> np.ndarray:
        """Returns what the graph takes for rows that `split` returned."""
        return self.tokens.encode(rows, name=self.name)

    def count_steps(self, rows: list, arrays: np.ndarray) -> np.ndarray:
        """Returns the number of steps of rows, whose arrays `encode` returned."""
        return np.array([len(row) for row in rows], int)

    def parse(self, texts: Any) -> Any:
        """Returns what the graph takes for strings `[batch]`, in the graph."""
        return self.tokens(refuse_empty_in_graph(self.tokens.parse(texts), self.name))

    def count_in_graph(self, texts: Any) -> tf.Tensor:
        """Returns the number of steps of strings `[batch]`, in the graph."""
        return self.tokens.parse(texts).row_lengths()

    def sample_texts(self) -> list[str]:
        """Returns inputs of various lengths, as text, to try an export on."""
        random = np.random.default_rng(0)
        low, high = self.tokens.minimum, self.tokens.maximum
        rows = [random.integers(low, high + 1, size) for size in (3, 1, 8, 30)]
        return [" ".join(map(str, row)) for row in rows]


class RawSteps:
    """Raw input that is series of real numbers, or of these in texts.

    Args:
        tokens: `RealSteps`, or one of its kinds.

    Attributes:
        name, batch_size, architecture: As those of `RawTexts`.
    """

    name, batch_size = "series", 256

    def __init__(self, tokens: Any):
        self.tokens = tokens
        width = self.encode([np.zeros((1, tokens.features))]).shape[-1]
        self.architecture = {"features": width, "padding_value": 0.0}

    def split(self, inputs: Any) -> tuple[list, bool]:
        """As `RawTexts.split`; a series has a step at least."""
        is_text = isinstance(inputs, str)
        rows, is_batch = self.tokens.rows([inputs] if is_text else inputs, self.name)
        return self.tokens.check(rows, self.name), is_batch and not is_text

    def describe(self) -> str:
        """Says what an input is."""
        count = self.tokens.features
        each = "real numbers" if count == 1 else f"steps of {count} real numbers"
        return f"{each}: a list or a text of them, or a batch"

    def encode(self, rows: list) -> np.ndarray:
        """Returns what the graph takes for rows that `split` returned."""
        return self.tokens.encode_checked(rows)

    def count_steps(self, rows: list, arrays: np.ndarray) -> np.ndarray:
        """Returns the number of steps of rows, whose arrays `encode` returned."""
        return np.array([len(row) for row in rows], int)

    def parse(self, texts: Any) -> Any:
        """Returns what the graph takes for strings `[batch]`, in the graph."""
        return self.tokens(refuse_empty_in_graph(self.tokens.parse(texts), self.name))

    def count_in_graph(self, texts: Any) -> tf.Tensor:
        """Returns the number of steps of strings `[batch]`, in the graph."""
        return self.tokens.parse(texts).row_lengths() // self.tokens.features

    def sample_texts(self) -> list[str]:
        """Returns inputs of various lengths, as text, to try an export on."""
        random, features = np.random.default_rng(0), self.tokens.features
        means = np.array(getattr(self.tokens, "means", [0.0] * features))
        scales = np.array(getattr(self.tokens, "scales", [1.0] * features))
        series = [
            means + scales * random.standard_normal((length, features))
            for length in (2, 1, 8, 30)
        ]
        return [" ".join(f"{v:.3f}" for v in one.flat) for one in series]


RawInput = RawTexts | RawNumbers | RawSteps


def make_raw_input(tokens: Any) -> RawInput:
    """Returns how raw input becomes what the graph takes.

    Args:
        tokens: A tokenizer of texts, `Numbers`, `Bits`, `RealSteps` or `ScaledSteps`.

    Raises:
        TypeError: If it is something else.

    Example:
        >>> from rnnzoo.tokens import Numbers
        >>> from rnnzoo.tokens.raw import make_raw_input
        >>> make_raw_input(Numbers(1, 9)).split(["3 1", "2"])
        ([[3, 1], [2]], True)
    """
    for kind, raw in (
        (TextTokens, RawTexts),
        (Numbers, RawNumbers),
        (RealSteps, RawSteps),
    ):
        if isinstance(tokens, kind):
            return raw(tokens)
    raise TypeError(
        "tokens must be Words, Characters, Bytes, Subwords, Whitespace, Numbers, Bits, "
        f"RealSteps or ScaledSteps of rnnzoo.tokens. Received: {shorten(tokens)}"
    )


def separate_zeros(tokens: Any) -> Any:
    """Returns tokens whose steps are never taken for padding, which is zeros."""
    if type(tokens) is RealSteps:
        return ScaledSteps([0.0] * tokens.features, [1.0] * tokens.features)
    return tokens


def are_texts(inputs: Any) -> bool:
    """Returns whether a batch is of strings, so that its answers are, too."""
    return isinstance(inputs, (list, tuple)) and isinstance(next(iter(inputs), 0), str)


def split_number_rows(
    inputs: Any, name: str, parse: Callable[[str], list]
) -> tuple[list, bool]:
    """Returns rows of numbers, unchecked, and whether they were a batch.

    Args:
        inputs: A row or a batch, as `split_rows` takes it; or a list or column of
            texts of numbers. An empty list is a batch.
        name: What messages call the numbers.
        parse: Returns the numbers of a text.
    """
    inputs = to_rows(inputs)
    if isinstance(inputs, np.ndarray) and inputs.dtype.kind in "OU":
        inputs = inputs.tolist()
    is_list = isinstance(inputs, (list, tuple))
    if is_list and not len(inputs):
        return [], True
    if is_list and all(isinstance(row, str) for row in inputs):
        return [parse(text) for text in inputs], True
    rows, _, is_batch = split_rows(inputs, name)
    return rows, is_batch


def refuse_empty(rows: list, name: str) -> None:
    """Raises `ValueError` for rows without a number."""
    refuse_rows(
        rows,
        f"Each row of {name} must have one at least.",
        lambda row: [] if len(row) else [(ValueError, "nothing")],
        have_positions=False,
    )


def refuse_empty_in_graph(numbers: tf.RaggedTensor, name: str) -> tf.RaggedTensor:
    """Returns numbers `[batch, (numbers)]` of which no row is empty."""
    lengths = numbers.row_lengths()
    message = f"Each row of {name} must have one at least."
    lengths = check_in_graph(lengths, lengths > 0, message)
    return tf.RaggedTensor.from_row_lengths(numbers.values, lengths)


def spell(answer: Any) -> str:
    """Returns an answer as text: names and numbers, those of several steps in a row.

    Example:
        >>> from rnnzoo.tokens.raw import spell
        >>> spell("a"), spell([[0.5, 1.0], [2.0, 3.0]])
        ('a', '0.5 1, 2 3')
    """
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if isinstance(answer, (list, tuple)):
        is_nested = any(isinstance(one, (list, tuple)) for one in answer)
        return (", " if is_nested else " ").join(map(spell, answer))
    return f"{answer:.6g}" if isinstance(answer, float) else str(answer)
