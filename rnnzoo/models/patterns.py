"""Periodic patterns of bits: continuing them forever."""

import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.bits import BitModel
from rnnzoo.architectures.graphs import get_state_spec
from rnnzoo.data.columns import to_rows
from rnnzoo.decoding import GREEDY, Writer
from rnnzoo.errors import check_number
from rnnzoo.models.familiarity import training_options, warn_unfamiliar
from rnnzoo.models.parity import BitRows
from rnnzoo.tokens import Bits
from rnnzoo.tokens.bits import parse_bits
from rnnzoo.tokens.raw import are_texts, split_number_rows
from rnnzoo.weights import factory

# Weight in training of a step whose next bit differs.
CHANGE = 5.0


@keras.saving.register_keras_serializable("rnnzoo")
class SignedCrossentropy(keras.losses.Loss):
    r"""Cross-entropy of bits with a weight for each, which may be 0.

    A target is positive for a 1 and negative for a 0; its size $w$ is the weight. With
    logit $l$ and target $y = \pm w$, the loss is $w \log(1 + \exp(\mp l))$.

    Shapes: targets and logits `[batch, time, bits]`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.models.patterns import SignedCrossentropy
        >>> targets, logits = np.array([[[2.0], [0.0]]]), np.array([[[0.0], [9.0]]])
        >>> round(float(SignedCrossentropy()(targets, logits)), 4)
        0.6931
    """

    def __init__(self, name: str = "signed_crossentropy", **options: Any):
        super().__init__(name=name, **options)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of every step, `[batch, time]`."""
        y_true = ops.cast(y_true, y_pred.dtype)
        losses = ops.abs(y_true) * ops.softplus(-ops.sign(y_true) * y_pred)
        return ops.mean(losses, axis=-1)


@keras.saving.register_keras_serializable("rnnzoo")
class PatternGenerator(BitRows, BitModel):
    """A network of a single LSTM cell that continues a periodic pattern.

    After ten zeros, ten ones, and after these ten zeros again: one LSTM cell with 14
    weights learns to count them (Gers et al., "Learning precise timing with LSTM
    recurrent networks", JMLR 3, 2002). Other weights hold other patterns, such as
    `20_1`, twenty zeros and a one. They write 500 bits without an error.

    Shapes of the graph: `[batch, time, 1]` (-1 for a 0, 1 for a 1, and 0 = padding at
    the end), to the logit of the next bit at every step, `[batch, time, 1]`. `fit` and
    `evaluate` take rows of bits, and their continuations.

    Args:
        max_length: Bits of a sequence in training; half of them are shown, and
            `answer` writes as many as the other half has. `generate` knows no limit.
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.

    Example:
        >>> from rnnzoo import pattern_generator
        >>> shown = "00000000001111111111" * 2
        >>> pattern_generator("10_10").generate(shown, max_length=24)
        '000000000011111111110000'
        >>> shown = "000000000000000000001" * 2
        >>> pattern_generator("20_1").generate(shown, max_length=500).count("1")
        23
    """

    TASK = "pattern-generation"

    def __init__(
        self,
        *,
        max_length: int = 64,
        units: int = 1,
        num_layers: int = 1,
        cell: str = "lstm",
        dropout: float = 0.0,
    ):
        check_number("max_length", max_length, minimum=4, whole=True)
        super().__init__(
            features=1,
            num_values=1,
            units=units,
            num_layers=num_layers,
            cell=cell,
            dropout=dropout,
            # A pattern may have one change in half of that.
            chrono_steps=None if cell == "simple" else max_length // 2,
            padding_value=0.0,
        )
        self.tokens = Bits()
        self.max_length = max_length

    def choose_objective(self) -> tuple:
        """Returns cross-entropy in which changes have a larger weight; no metrics."""
        return SignedCrossentropy(), None

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts rows of bits, and their continuations, to values `[batch, time, 1]`.

        The target of a step is 1 or -1 for the next bit, times 5 where that differs,
        and 0 where it is still part of the input.
        """
        rows, _ = split_number_rows(inputs, "bits", parse_bits)
        if targets is None:
            return self.tokens.encode(rows), None
        more, _ = split_number_rows(targets, "bits", parse_bits)
        self.tokens.check(rows, name="bits")
        self.tokens.check(more, name="targets")
        if len(rows) != len(more):
            raise ValueError(
                "targets must hold one continuation for each row. Received: "
                f"{len(rows)} rows and {len(more)} targets"
            )
        whole = [[*row, *rest] for row, rest in zip(rows, more, strict=True)]
        values = self.tokens.encode(whole)
        source, after = values[:, :-1], values[:, 1:]
        weight = np.where(source == after, 1.0, CHANGE)
        known = np.array([len(row) for row in rows])[:, None, None] - 1
        weight[np.arange(weight.shape[1])[None, :, None] < known] = 0.0
        source = np.where(after == 0.0, 0.0, source)
        return source.astype("float32"), (after * weight).astype("float32")

    def generate(self, prompts: Any, max_length: int = 500) -> Any:
        """Continues a row of bits, or each row of a batch.

        Args:
            prompts: Bits in a string such as `"0111"`; a list, tuple or 1-D array of 0
                and 1; or a batch: a list of these, a 2-D array or tensor, or a ragged
                tensor. The model was shown half of its `max_length` in training.
            max_length: Number of bits to write.

        Returns:
            The bits that come next: a string for a string, otherwise a list of 0 and 1;
            a list of these for a batch.

        Raises:
            TypeError: If something is not an integer; bools and floats are not.
            ValueError: If an integer is neither 0 nor 1, or a row is empty; names each.

        Listed weights warn of bits that are no part of their pattern.

        Example:
            >>> from rnnzoo import pattern_generator
            >>> pattern_generator("3_1").generate("0001" * 8, max_length=12)
            '000100010001'
        """
        if isinstance(prompts, str):
            return self.generate([prompts], max_length)[0]
        check_number("max_length", max_length, minimum=1, whole=True)
        prompts = to_rows(prompts)
        rows, is_batch = self.check_rows(prompts)
        self.warn_unfamiliar(rows)
        answers = self._continue_rows(rows, max_length)
        if are_texts(prompts):
            return ["".join(map(str, answer)) for answer in answers]
        return answers if is_batch else answers[0]

    def answer(self, inputs: Any, *, max_length: int | None = None) -> Any:
        """Continues as `generate`: by default with half of the model's `max_length`.

        Example:
            >>> from rnnzoo import pattern_generator
            >>> pattern_generator("5_5").answer("0000011111" * 4, max_length=12)
            '000001111100'
        """
        half = self.max_length // 2
        return self.generate(inputs, half if max_length is None else max_length)

    def warn_unfamiliar(self, rows: list) -> None:
        """Warns of rows that are no part of the pattern that listed weights know."""
        options = training_options(self, "periodic_patterns")
        if options is None:
            return
        zeros, ones = options["zeros"], options["ones"]
        period = bytes(zeros) + bytes([1]) * ones

        def is_familiar(row: Any) -> bool:
            bits = np.asarray(row, "uint8").tobytes()
            return bits in period * (len(row) // len(period) + 2)

        trained_on = f"the bits {zeros} zeros, {ones} ones, and so on"
        warn_unfamiliar(rows, is_familiar, trained_on)

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        answers = self._continue_rows(self.check_rows(text)[0], self.max_length // 2)
        return {"text": ["".join(map(str, answer)) for answer in answers]}

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        import tensorflow as tf

        source, last = self.parse_in_graph(text)
        outputs, state = self.read(source, self.get_initial_state(tf.size(last)))
        first = tf.gather(outputs[..., 0], last, batch_dims=1) > 0
        bits = self._decode(first, state, self.max_length // 2)
        return {"text": tf.strings.reduce_join(tf.strings.as_string(bits), axis=1)}

    def _continue_rows(self, rows: list, count: int) -> list[list[int]]:
        lengths = np.array([len(row) for row in rows], int)
        answers: list = [None] * len(rows)
        for group in self.group_rows(lengths + count):
            source = self.tokens.encode([rows[row] for row in group])
            logits, state = self.read_to_end(source, lengths[group])
            bits = self._decode(logits[:, 0] > 0, state, count).numpy().tolist()
            for row, answer in zip(group, bits, strict=True):
                answers[row] = answer
        return answers

    def _decode(self, first: Any, state: list, count: Any) -> Any:
        """Returns `count` bits: the first bits `[batch]`, and those after a state."""
        import tensorflow as tf

        first = tf.cast(first, tf.int32) + 1
        seeds = tf.zeros_like(first, tf.uint64)
        before = self._writer.initial_state(first, state, seeds)
        tokens = self._writer.sample(before, GREEDY.to_tensors(), count - 1)[0]
        return tf.concat([first[:, None], tokens], axis=1) - 1

    @functools.cached_property
    def _writer(self) -> Writer:
        """Writes the tokens of `Bits`: 0 is padding, 1 a zero, and 2 a one."""

        def step(ids: Any, state: list) -> tuple:
            bits = ops.where(ops.equal(ids, 2), 1.0, -1.0)[:, None]
            logit, state = self.step(bits, state)
            nothing = ops.zeros_like(logit)
            return ops.concatenate([nothing, nothing, logit], axis=-1), state

        return Writer(step, get_state_spec(self.get_initial_state(1)), 3)


pattern_generator = factory(PatternGenerator, "pattern_generator", weights="5_5")
