"""Periodic patterns of bits: going on with them for ever."""

import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo import decoding
from rnnzoo.architectures.bits import BitModel
from rnnzoo.errors import check_number
from rnnzoo.models.parity import BitRows, are_texts, bit_rows
from rnnzoo.tokens import Bits
from rnnzoo.weights import factory

# How much more a step counts in training if the bit after it is another one.
CHANGE = 5.0


@keras.saving.register_keras_serializable("rnnzoo")
class SignedCrossentropy(keras.losses.Loss):
    r"""Cross-entropy of bits of which some count more than others, and some nothing.

    A target is positive for a 1 and negative for a 0; its size $w$ is how much the step
    counts. With logit $l$ and target $y = \pm w$, the loss is
    $w \log(1 + \exp(\mp l))$.

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
    """A network of a single LSTM cell that goes on with a periodic pattern.

    After ten zeros, ten ones, and after these ten zeros again: to write that, a network
    has to count and to know which of both it is counting. One LSTM cell with one input,
    one output unit and 14 weights learns it, and each of the weights listed here holds
    another pattern: `zeros_ones`, such as `20_1` for twenty zeros and a one. They write
    500 bits without an error from every phase.

    Shapes of the graph: `[batch, time, 1]` (-1 for a 0, 1 for a 1, and 0 = padding at
    the end), to the logit of the next bit at every step, `[batch, time, 1]`. `fit` and
    `evaluate` take rows of bits, and how each goes on.

    Args:
        max_length: Bits of a sequence in training; half of them are shown, and
            `answer` writes as many as the other half has. `generate` knows no limit.
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"` or `"lstm"`.
        dropout: Share of features dropped in training.

    Raises:
        ValueError: If there are no such weights, they contradict an argument, or an
            argument is outside its range.

    Example:
        >>> from rnnzoo import pattern_generator
        >>> shown = "00000000001111111111" * 2
        >>> pattern_generator("10_10").generate(shown, max_length=24)
        '000000000011111111110000'
        >>> shown = "000000000000000000001" * 2
        >>> pattern_generator("20_1").generate(shown, max_length=500).count("1")
        23

    References:
        - "Learning sequences using recurrent neural networks", poster of a project at
          Boğaziçi University (Yaşin and Alpaydın), spring 2016: made-up sequences, to
          see what an LSTM cell keeps.
        - Gers, Schraudolph and Schmidhuber, "Learning precise timing with LSTM
          recurrent networks", JMLR 3, 2002.
    """

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

    def compile_with_defaults(self, optimizer: Any = "adam") -> None:
        """Compiles with cross-entropy in which changes count more.

        Args:
            optimizer: What `keras.Model.compile` takes.
        """
        self.compile(optimizer, SignedCrossentropy())
        self.default_optimizer = id(self.optimizer) if optimizer == "adam" else None

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Turns rows of bits, and how they go on, into values `[batch, time, 1]`.

        With targets, each row and what comes after it are one sequence. The target of a
        step is 1 or -1 for the bit after it, times 5 where that is another bit, and 0
        where it is still of the input: which of its phases a pattern is in, nobody can
        know there.
        """
        rows, _ = bit_rows(inputs)
        if targets is None:
            return self.tokens.encode(rows), None
        more, _ = bit_rows(targets)
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
        """Goes on with a row of bits, or with each row of a batch.

        The bits are the network's own: each that it writes is the next that it reads,
        and nothing corrects it.

        Args:
            prompts: Bits in a string such as `"0111"`; a list, tuple or 1-D array of 0
                and 1; or a batch: a list of these, a 2-D array or tensor, or a ragged
                tensor. A prompt should have as many bits as are shown in training,
                half of the model's `max_length`: with fewer, the network may not know
                the phase yet.
            max_length: Number of bits to write.

        Returns:
            The bits that come next: a string for a string, otherwise a list of 0 and 1;
            a list of these for a batch.

        Raises:
            TypeError: If something is not an integer; bools and floats are not.
            ValueError: If an integer is neither 0 nor 1, or a row is empty. Either
                message names every bad row of a batch; nothing is answered then.

        Example:
            >>> from rnnzoo import pattern_generator
            >>> pattern_generator("3_1").generate("0001" * 8, max_length=12)
            '000100010001'
        """
        if isinstance(prompts, str):
            return self.generate([prompts], max_length)[0]
        check_number("max_length", max_length, minimum=1, whole=True)
        rows, is_batch = self.check_rows(prompts)
        answers = self._continued(rows, max_length)
        if are_texts(prompts):
            return ["".join(map(str, answer)) for answer in answers]
        return answers if is_batch else answers[0]

    def answer(self, inputs: Any, *, max_length: int | None = None) -> Any:
        """Goes on with a row of bits, or with each row of a batch.

        Args:
            inputs: As `generate`.
            max_length: Number of bits to write; default: half of the model's
                `max_length`, as the targets of its training have.

        Returns:
            As `generate`.

        Raises:
            TypeError: As `generate`.
            ValueError: As `generate`.

        Example:
            >>> from rnnzoo import pattern_generator
            >>> pattern_generator("5_5").answer("0000011111" * 4, max_length=12)
            '000001111100'
        """
        if max_length is None:
            max_length = self.max_length // 2
        return self.generate(inputs, max_length)

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        import tensorflow as tf

        source, last = self.source_in_graph(text)
        batch = tf.size(last)
        outputs, state = self.read_chunk(source, self.get_initial_state(batch))
        first = tf.gather(outputs[..., 0], last, batch_dims=1) > 0
        first = tf.cast(first, tf.int32)[:, None]
        begun = self._writer.begin_in_graph(
            first[:, 0] + 1,
            self._per_layer(state),
            tf.zeros(batch, tf.uint64),
            tf.zeros((batch, 3), tf.bool),
        )
        count = tf.constant(self.max_length // 2 - 1)
        greedily = decoding.settings(temperature=0.0)
        tokens, _ = self._writer.write_in_graph(begun, greedily, count)
        bits = tf.strings.as_string(tf.concat([first, tokens - 1], axis=1))
        return {"text": tf.strings.reduce_join(bits, axis=1)}

    def _per_layer(self, state: list) -> list:
        """Returns the tensors of a state as a list for each layer."""
        size = self.recurrence.states_per_layer
        return [state[i : i + size] for i in range(0, len(state), size)]

    def _continued(self, rows: list, count: int) -> list[list[int]]:
        """Returns the bits that come after each row."""
        lengths = np.array([len(row) for row in rows], int)
        answers: list = [None] * len(rows)
        for group in self.groups(lengths + count):
            state = self.get_initial_state(len(group))
            source = self.tokens.encode([rows[row] for row in group])
            steps = max(1, self.READ // len(group))
            first = np.zeros(len(group), int)
            for begin in range(0, source.shape[1], steps):
                # On a GPU, no row may be without any step.
                reading = int(np.sum(lengths[group] > begin))
                piece = source[:reading, begin : begin + steps]
                logits, *after = self._read(piece, *(s[:reading] for s in state))
                state = [
                    ops.concatenate([new, old[reading:]])
                    for new, old in zip(after, state, strict=True)
                ]
                last = lengths[group[:reading]] - 1 - begin
                ends = np.flatnonzero(last < piece.shape[1])
                logits = ops.convert_to_numpy(logits)
                first[ends] = logits[ends, last[ends], 0] > 0
            begun = self._writer.begin(
                first + 1,
                self._per_layer(state),
                keys=np.zeros(len(group), "uint64"),
            )
            greedily = decoding.settings(temperature=0.0)
            tokens, _ = self._writer.write(begun, count - 1, greedily)
            bits = np.concatenate([first[:, None], tokens - 1], axis=1)
            for row, answer in zip(group, bits.tolist(), strict=True):
                answers[row] = answer
        return answers

    @functools.cached_property
    def _writer(self) -> decoding.Writer:
        """Writes tokens as those of `Bits`: 0 is padding, 1 a zero, and 2 a one."""
        import tensorflow as tf

        def step(ids: Any, state: list) -> tuple:
            bits = ops.where(ops.equal(ids, 2), 1.0, -1.0)[:, None]
            logit, state = self.step(bits, state)
            nothing = ops.zeros_like(logit)
            return ops.concatenate([nothing, nothing, logit], axis=-1), state

        state_spec = keras.tree.map_structure(
            lambda tensor: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype),
            self.recurrence.get_initial_state(1),
        )
        return decoding.Writer(step, state_spec, 3)


pattern_generator = factory(PatternGenerator, "pattern_generator", weights="5_5")
