"""Adding numbers, digit by digit as on paper."""

import functools
import re
from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.bits import BitModel
from rnnzoo.data.columns import to_rows
from rnnzoo.errors import check_number, shorten
from rnnzoo.tokens import BinaryColumns, from_decimal, to_bits, to_decimal
from rnnzoo.tokens.checks import check_in_graph, is_row, refuse_rows, to_sequence
from rnnzoo.weights import factory

# Two numbers in a text; Python and the graph read the same ones.
_SUM = re.compile(
    r"[ \t-\r]*([0-9]+)(?:[ \t-\r]*[+,][ \t-\r]*|[ \t-\r]+)([0-9]+)[ \t-\r]*"
)


# What `answer` takes.
PAIRS = "a pair of integers, or a list of pairs or of strings such as '5 + 3'"


@keras.saving.register_keras_serializable("rnnzoo")
class Adder(BitModel):
    """A model that adds two natural numbers of any size.

    A small recurrent network reads the numbers in binary as in addition on paper: one
    digit of each per step, the least significant first, and keeps the carry in its
    state (Hinton, "Neural networks for machine learning", 2012, lecture 7b). Trained on
    at most 20 binary digits, it generalizes to thousands.

    Shapes of the graph: bits `[batch, time, 2]`, to the logit of a digit of the sum at
    every step, `[batch, time, 1]`. Leading zeros are the padding.

    Args:
        delay: Steps between two digits and the digit of their sum.
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        state_noise: For "simple": standard deviation of the noise on the state in
            training.

    Example:
        >>> from rnnzoo import adder
        >>> adder().add(5, 3)
        8
        >>> adder().answer("99999999999999999999 + 1")
        '100000000000000000000'
        >>> model = adder(weights=None, delay=0, units=3)
        >>> history = model.fit([(5, 3), (1, 2)], [8, 3], verbose=0)
    """

    TASK = "arithmetic"

    def __init__(
        self,
        *,
        delay: int = 2,
        units: int = 16,
        num_layers: int = 1,
        cell: str = "simple",
        dropout: float = 0.0,
        state_noise: float = 0.0,
    ):
        check_number("delay", delay, minimum=0, maximum=1000, whole=True)
        super().__init__(
            features=2,
            num_values=1,
            units=units,
            num_layers=num_layers,
            cell=cell,
            dropout=dropout,
            state_noise=state_noise,
        )
        # A sum may have one digit more than the larger number.
        self.tokens = BinaryColumns(2, extra_steps=1 + delay)
        self.delay = delay

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts pairs of numbers, and sums, to bits `[batch, time, 2]` and 1."""
        pairs = _parse_pairs(inputs)
        source = self.tokens.encode(pairs)
        if targets is None:
            return source, None
        targets = _to_python(to_sequence(targets, "targets", "a list of integers"))
        rows = _make_sum_tokens().check([[t] for t in targets], "targets")
        sums = [total for (total,) in rows]
        longest = source.shape[1] - self.delay
        if len(sums) != len(pairs) or max(sums, default=0).bit_length() > longest:
            raise ValueError(
                "targets must hold one sum for each pair, of at most one binary digit "
                f"more than the largest number. Received: {len(pairs)} pairs and "
                f"{len(sums)} targets"
            )
        bits = np.zeros((len(sums), self.delay + longest, 1), "float32")
        bits[:, self.delay :, 0] = to_bits(sums, longest)
        return source, bits

    def add(self, first: Any, second: Any) -> Any:
        """Adds two natural numbers, or each of a list to its partner in another.

        Args:
            first: An integer of at least 0 (NumPy's too), or a list, tuple or 1-D array
                of them.
            second: The same kind, of the same length.

        Raises:
            TypeError: If something is not an integer; bools and floats are not.
            ValueError: If a number is negative, or lengths differ; names every bad row.

        Example:
            >>> from rnnzoo import adder
            >>> adder().add(5, 3)
            8
            >>> adder().add([5, 7], [3, 1])
            [8, 8]
            >>> adder().add(2**1000 - 1, 1) == 2**1000
            True
        """
        first, second = _to_python(first), _to_python(second)
        is_list = [isinstance(one, (list, tuple)) for one in (first, second)]
        if not any(is_list):
            return self._add_pairs([(first, second)])[0]
        if not all(is_list) or len(first) != len(second):
            received = [
                f"{len(one)} numbers" if listed else f"a {type(one).__name__}"
                for one, listed in zip((first, second), is_list, strict=True)
            ]
            error = ValueError if all(is_list) else TypeError
            raise error(
                "first and second must be two integers, or two lists of as many. "
                f"Received: {received[0]} and {received[1]}"
            )
        return self._add_pairs(list(zip(first, second, strict=True)))

    def answer(self, inputs: Any) -> Any:
        """Adds the numbers of a pair, or of each pair; text in gives text out.

        Args:
            inputs: Two decimal numbers in a string such as `"5 + 3"` (a comma or a
                blank may stand for the plus sign), a pair of integers, or a list of
                strings or of pairs.

        Raises:
            TypeError, ValueError: As `add`.

        Example:
            >>> from rnnzoo import adder
            >>> adder().answer("5 + 3")
            '8'
            >>> adder().answer([(5, 3), (1, 2)])
            [8, 3]
        """
        if isinstance(inputs, str):
            return self.answer([inputs])[0]
        inputs = to_sequence(inputs, "numbers", PAIRS)
        if len(inputs) and not any(
            isinstance(one, str) or is_row(one) for one in inputs
        ):
            return self._add_pairs([_to_python(inputs)])[0]
        sums = self._add_pairs(_parse_pairs(inputs))
        if len(inputs) and isinstance(inputs[0], str):
            return [to_decimal(total) for total in sums]
        return sums

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        digits = [random.integers(0, 10, (2, n)) for n in (1, 3, 20, 60, 200)]
        pairs = ["+".join("".join(map(str, row)) for row in pair) for pair in digits]
        return ["5 + 3", "99999999999999999999, 1", "0 0", "1 " + "9" * 40, *pairs]

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        import tensorflow as tf

        message = "A text must be two natural numbers, such as '5 + 3'."
        is_sum = tf.strings.regex_full_match(text, _SUM.pattern)
        text = check_in_graph(text, is_sum, message)
        text = tf.strings.regex_replace(text, r"[ \t-\r+,]+", " ")
        bits = self(self.tokens(text))[..., 0] > 0
        return {"text": self.tokens.format(bits[:, self.delay :])}

    def _add_pairs(self, pairs: list) -> list[int]:
        pairs = self.tokens.check(pairs)
        lengths = [max(pair).bit_length() for pair in pairs]
        sums = [0] * len(pairs)
        for group in self.group_rows(lengths):
            source = self.tokens.encode([pairs[row] for row in group])
            bits = self.read_in_chunks(source)[:, self.delay :, 0] > 0
            for row, total in zip(group, self.tokens.decode(bits), strict=True):
                sums[row] = total
        return sums


@functools.cache
def _make_sum_tokens() -> BinaryColumns:
    """Returns what reads sums; making a layer takes longer than to use it."""
    return BinaryColumns(1)


def _to_python(value: Any) -> Any:
    """Returns arrays and tensors as Python's lists and numbers."""
    value = to_rows(value)
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, range):
        return list(value)
    if hasattr(value, "numpy"):
        value = value.numpy()
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _parse_pairs(inputs: Any) -> list:
    inputs = _to_python(to_sequence(inputs, "numbers", PAIRS))
    if not all(isinstance(text, str) for text in inputs):
        return [_to_python(pair) for pair in inputs]
    refuse_rows(
        inputs,
        "texts must be two natural numbers, such as '5 + 3', '5, 3' or '5 3'.",
        lambda t: [] if _SUM.fullmatch(t) else [(ValueError, shorten(t))],
        have_positions=False,
    )
    return [tuple(map(from_decimal, re.findall("[0-9]+", text))) for text in inputs]


adder = factory(Adder, "adder", weights="binary")
