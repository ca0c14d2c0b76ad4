"""Parity: whether the number of ones among bits is odd."""

import functools
from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.bits import BitModel
from rnnzoo.data.columns import to_rows
from rnnzoo.mixin import Mixin
from rnnzoo.tokens import Bits, Numbers, check_in_graph
from rnnzoo.tokens.bits import parse_bits
from rnnzoo.tokens.checks import to_sequence
from rnnzoo.tokens.raw import are_texts, split_number_rows
from rnnzoo.weights import factory


class BitRows(Mixin):
    """Mixed into models that read rows of bits, `tokens.Bits`."""

    def check_rows(self, inputs: Any) -> tuple[list, bool]:
        """Returns rows of bits, none of them empty, and whether they were a batch."""
        rows, is_batch = split_number_rows(inputs, "bits", parse_bits)
        self.tokens.check(rows, name="bits")
        empty = [str(index) for index, row in enumerate(rows) if not len(row)]
        if empty:
            raise ValueError(
                "A row must have at least one bit. Correct or remove "
                f"{len(empty)} of {len(rows)} rows (rows count from 0); nothing was "
                f"answered. Received: nothing in row {', '.join(empty)}"
            )
        return rows, is_batch

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        bits = ["".join(map(str, random.integers(0, 2, n))) for n in (1, 2, 9, 40, 300)]
        return ["0111", "1, 0 1", *bits]

    def parse_in_graph(self, text: Any) -> tuple:
        """Returns what the graph takes for strings, and the places of last bits."""
        bits, message = self.tokens.parse(text), "A row must have at least one bit."
        last = bits.row_lengths() - 1
        return self.tokens(bits), check_in_graph(last, last >= 0, message)


@functools.cache
def _make_bit_tokens() -> Numbers:
    """Returns what reads answers; making a layer takes longer than to use it."""
    return Numbers(0, 1)


class BitsReader(BitRows):
    """Mixed into models that read rows of bits and answer with one bit."""

    TASK = "parity"

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts bits to values, and answers to parities, `[batch, time, 1]`."""
        rows, _ = split_number_rows(inputs, "bits", parse_bits)
        source = self.tokens.encode(rows)
        if targets is None:
            return source, None
        targets = to_sequence(targets, "targets", "a list of bits")
        last = _make_bit_tokens().encode([[bit] for bit in targets], name="targets")
        if len(last) != len(rows):
            raise ValueError(
                "targets must hold one bit for each row. Received: "
                f"{len(rows)} rows and {len(last)} targets"
            )
        bits = source > 0
        bits_after = bits.sum(axis=1, keepdims=True) - np.cumsum(bits, axis=1)
        return source, ((last[..., None] - 1 + bits_after) % 2).astype("float32")

    def answer(self, inputs: Any) -> Any:
        """Answers a row of bits, or each row of a batch, with 0 or 1; text with text.

        Args:
            inputs: A list, tuple or 1-D array of 0 and 1; bits in a string such as
                `"0111"` (blanks and commas may stand between); or a batch: a list of
                these, a 2-D array or tensor, or a ragged tensor.

        Raises:
            TypeError: If something is not an integer; bools and floats are not.
            ValueError: If an integer is neither 0 nor 1, or a row is empty; names each.
        """
        if isinstance(inputs, str):
            return self.answer([inputs])[0]
        inputs = to_rows(inputs)
        rows, is_batch = self.check_rows(inputs)
        lengths = np.array([len(row) for row in rows], int)
        bits = np.zeros(len(rows), int)
        for group in self.group_rows(lengths):
            source = self.tokens.encode([rows[row] for row in group])
            bits[group] = self.read_to_end(source, lengths[group])[0][:, 0] > 0
        answers = bits.tolist()
        if are_texts(inputs):
            return [str(answer) for answer in answers]
        return answers if is_batch else answers[0]

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        import tensorflow as tf

        source, last = self.parse_in_graph(text)
        bits = tf.gather(self(source)[..., 0], last, batch_dims=1) > 0
        return {"text": tf.strings.as_string(tf.cast(bits, tf.int32))}


@keras.saving.register_keras_serializable("rnnzoo")
class ParityReader(BitsReader, BitModel):
    """A model that says whether the number of ones among bits is odd.

    There is one bit to remember, but an error at any step is an error at the end
    (Grosse, "Intro to neural networks and machine learning", CSC321, 2017, lecture 15).
    A network trained on at most 40 bits, with the parity so far as the target of every
    step, answers for thousands.

    Shapes of the graph: `[batch, time, 1]` (-1 for a 0, 1 for a 1, and 0 = padding at
    the end), to the logit of the parity so far at every step, `[batch, time, 1]`.

    Args:
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        state_noise: For "simple": standard deviation of the noise on the state in
            training.

    Example:
        >>> from rnnzoo import parity
        >>> parity().answer([0, 1, 1, 1])
        1
        >>> parity().answer(["0111", "11"])
        ['1', '0']
    """

    def __init__(
        self,
        *,
        units: int = 32,
        num_layers: int = 1,
        cell: str = "simple",
        dropout: float = 0.0,
        state_noise: float = 0.0,
    ):
        super().__init__(
            features=1,
            num_values=1,
            units=units,
            num_layers=num_layers,
            cell=cell,
            dropout=dropout,
            state_noise=state_noise,
            padding_value=0.0,
        )
        self.tokens = Bits()


parity = factory(ParityReader, "parity", weights="bits")
