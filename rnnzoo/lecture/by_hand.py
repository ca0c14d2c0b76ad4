"""Recurrent networks whose weights are set by hand: what a few units can compute.

Source of all: Grosse, "Intro to neural networks and machine learning" (CSC321), lecture
15: recurrent neural networks.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.bits import ChunkedReader
from rnnzoo.architectures.factory import builder
from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.data import synthetic
from rnnzoo.data.columns import to_rows
from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.reader import SequenceReader, sequence_input
from rnnzoo.models.parity import BitsReader
from rnnzoo.tokens.bits import Bits
from rnnzoo.tokens.checks import check_in_graph
from rnnzoo.tokens.reals import RealSteps

LECTURE = (
    "Grosse, Intro to neural networks and machine learning (CSC321), lecture 15: "
    "recurrent neural networks"
)


class FixedWeights(keras.layers.Layer):
    """Base of layers whose weights are given by name."""

    def __init__(self, name: str | None = None, **weights: Any):
        super().__init__(name=name, dtype="float32", trainable=False)
        for key, values in weights.items():
            values = np.array(values, "float32")
            initial = keras.initializers.Constant(values)
            setattr(self, key, self.add_weight(values.shape, initial, name=key))


@keras.saving.register_keras_serializable("rnnzoo")
class XorCell(FixedWeights):
    r"""Three units that compute the XOR of the input and the last output.

    With input $x_t$, last output $y_{t-1}$, and the threshold function (`"hard"`: 1
    where its argument is positive) or the logistic one, $\phi$,

    $$h_1 = \phi(w (x_t + y_{t-1} - 0.5))$$
    $$h_2 = \phi(w (x_t + y_{t-1} - 1.5))$$
    $$y_t = \phi(w (h_1 - h_2 - 0.5))$$

    $h_1$ is the OR, $h_2$ the AND.
    """

    state_size = output_size = 1

    def __init__(self, hidden: str, weight: float):
        super().__init__(
            kernel=[[weight, weight]],
            recurrent_kernel=[[weight, weight]],
            bias=[-0.5 * weight, -1.5 * weight],
            output_kernel=[[weight], [-weight]],
            output_bias=[-0.5 * weight],
        )
        self.hidden = hidden

    def call(self, inputs: Any, states: list, training: bool = False) -> tuple:
        """Returns the output `[batch, 1]` and the state, which is the output."""
        hidden = ops.matmul(inputs, self.kernel) + self.bias
        hidden = self._activate(hidden + ops.matmul(states[0], self.recurrent_kernel))
        output = ops.matmul(hidden, self.output_kernel) + self.output_bias
        output = self._activate(output)
        return output, [output]

    def _activate(self, total: Any) -> Any:
        if self.hidden == "hard":
            return ops.cast(ops.greater(total, 0.0), total.dtype)
        return ops.sigmoid(total)


@keras.saving.register_keras_serializable("rnnzoo")
class LinearSumCell(FixedWeights):
    """One linear unit that adds its inputs, each times its weight, to its state."""

    state_size = output_size = 1

    def __init__(self, weights: list[float]):
        super().__init__(kernel=[[w] for w in weights], recurrent_kernel=[[1]])

    def call(self, inputs: Any, states: list, training: bool = False) -> tuple:
        """Returns the sum `[batch, 1]`, and the state, which is the sum."""
        total = ops.matmul(states[0], self.recurrent_kernel)
        total = total + ops.matmul(inputs, self.kernel)
        return total, [total]


@keras.saving.register_keras_serializable("rnnzoo")
class FixedWeightHead(FixedWeights):
    """An output unit with one weight, and a bias."""

    def __init__(self, weight: float, activation: str, bias: float = 0.0):
        super().__init__("head", kernel=[[weight]], bias=[bias])
        self.activation = activation

    def load_own_variables(self, store: Any) -> None:
        """Does nothing: earlier files have the weights at a path of another class."""

    def call(self, inputs: Any) -> Any:
        """Returns `[batch, time, 1]`."""
        total = ops.matmul(inputs, self.kernel) + self.bias
        return keras.activations.get(self.activation)(total)


class FixedWeightModel(ChunkedReader, SequenceModel):
    """Base of models whose weights are set by hand."""

    def __init__(self, cell: Any, head: Any, tokens: Any, examples: Any):
        # === Layers ===
        reader = SequenceReader(dtype="float32", name="reader")
        recurrence = keras.layers.RNN(
            cell,
            return_sequences=True,
            return_state=True,
            dtype="float32",
            name="recurrence",
        )

        # === Graph ===
        inputs = sequence_input(cell.kernel.shape[0])
        sequence, _ = recurrence(reader(inputs))
        super().__init__(inputs=inputs, outputs=head(sequence))

        # === Config ===
        self.tokens, self.examples = tokens, examples
        self.card = {"summary": "weights set by hand", "source": LECTURE}
        self.set_targets(classes=False)

    def read(self, inputs: Any, state: list) -> tuple[Any, list]:
        """Reads the next chunk of each row; as `ManyToMany.read`."""
        outputs, *state = self.get_layer("recurrence")(inputs, initial_state=state)
        return self.get_layer("head")(outputs), state


class StreamReader(FixedWeightModel):
    """Base of the fixed-weight models that read real numbers."""

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts rows to numbers `[batch, time, features]`; targets stay."""
        return self.tokens.encode(self.tokens.rows(inputs)[0]), targets

    def answer(self, inputs: Any) -> Any:
        """Answers a row of numbers, or each row of a batch; text in gives text out."""
        if isinstance(inputs, str):
            return self.answer([inputs])[0]
        inputs = to_rows(inputs)
        rows, is_batch = self.tokens.rows(inputs)
        arrays = self.tokens.check(rows)
        lengths = np.array([len(array) for array in arrays], int)
        answers: list = [None] * len(arrays)
        for group in self.group_rows(lengths):
            source = self.tokens.encode([rows[row] for row in group])
            outputs = self.read_in_chunks(source)[..., 0]
            for row, values in zip(group, outputs, strict=True):
                answers[row] = self.to_answer(values[: lengths[row]])
        if is_batch and answers and isinstance(inputs[0], str):
            # As float32, as in the graph of an export.
            return [
                " ".join(f"{np.float32(value):g}" for value in np.ravel(answer))
                for answer in answers
            ]
        return answers if is_batch else answers[0]

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        rows = [
            row
            for size, seed in ((1, 0), (4, 1))
            for row in self.examples.batch(size, seed=seed, index=10**6)[0]
        ]
        return ["2 -2 0 3.5", *(" ".join(f"{v:g}" for v in np.ravel(r)) for r in rows)]

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        import tensorflow as tf

        numbers = self.tokens.parse(text)
        lengths = numbers.row_lengths() // self.tokens.features
        lengths = check_in_graph(lengths, lengths > 0, "A text must have a number.")
        steps = self(self.tokens(numbers))[..., 0]
        answers = self.to_answer_in_graph(tf.RaggedTensor.from_tensor(steps, lengths))
        return {"text": tf.strings.reduce_join(answers, axis=-1, separator=" ")}


@keras.saving.register_keras_serializable("rnnzoo")
@keras.saving.register_keras_serializable("rnnzoo", name="Summer")
class Accumulator(StreamReader):
    """A network of one linear unit that adds up its inputs.

    The unit's weights, of its input and of its last value, are 1; the output unit
    copies it. Of the inputs 2, -0.5, 1, 1 it makes

        step    input   sum
        1        2      2
        2       -0.5    1.5
        3        1      2.5
        4        1      3.5

    Shapes of the graph: `[batch, time, 1]` to the sums so far, `[batch, time, 1]`;
    zeros are padding. Sums are those of 32-bit numbers: exact for whole ones up to
    16,777,216. `answer` refuses what is not finite, and empty rows.

    Example:
        >>> from rnnzoo import accumulator
        >>> accumulator().answer([2, -0.5, 1, 1])
        3.5
        >>> accumulator().answer("2 -0.5 1 1")
        '3.5'
    """

    TASK = "arithmetic"

    def __init__(self):
        head = FixedWeightHead(1.0, "linear")
        super().__init__(LinearSumCell([1.0]), head, RealSteps(1), synthetic.Sums())

    def to_answer(self, outputs: np.ndarray) -> float:
        """Returns the last sum."""
        return float(str(outputs[-1]))

    def to_answer_in_graph(self, outputs: Any) -> Any:
        """Returns the last sum as a word."""
        import tensorflow as tf

        return tf.strings.as_string(outputs[:, -1:].values[:, None], shortest=True)


@keras.saving.register_keras_serializable("rnnzoo")
class Comparer(StreamReader):
    """A network that says which of two streams of numbers has the larger total.

    A linear unit adds up the first stream with weight 1 and the second with weight -1;
    a logistic output unit with weight 5 is above a half while the sum is positive:

        step    inputs      difference   output   answer
        1       2, -2        4           1.00     1
        2       0, 3.5       0.5         0.92     1
        3       1, 2.2      -0.7         0.03     0

    Shapes of the graph: `[batch, time, 2]` to the logistic unit's outputs
    `[batch, time, 1]`; zeros are padding. Equal totals give 0. `answer` refuses what is
    not a finite number, and steps that are not a pair.

    Example:
        >>> from rnnzoo import comparer
        >>> comparer().answer([(2, -2), (0, 3.5), (1, 2.2)])
        [1, 1, 0]
        >>> comparer().answer("2 -2, 0 3.5, 1 2.2")
        '1 1 0'
    """

    TASK = "comparison"

    def __init__(self):
        cell, head = LinearSumCell([1.0, -1.0]), FixedWeightHead(5.0, "sigmoid")
        super().__init__(cell, head, RealSteps(2), synthetic.Comparisons())

    def to_answer(self, outputs: np.ndarray) -> list[int]:
        """Returns a bit for every step."""
        return [int(output > 0.5) for output in outputs]

    def to_answer_in_graph(self, outputs: Any) -> Any:
        """Returns a bit for every step, as words."""
        import tensorflow as tf

        bits = tf.cast(outputs.values > 0.5, tf.int32)
        return outputs.with_values(tf.strings.as_string(bits))


@keras.saving.register_keras_serializable("rnnzoo")
class ParityByHand(BitsReader, FixedWeightModel):
    """A network of three units that computes the parity of bits.

    The parity after a bit is the XOR of the previous parity and the bit. A hidden unit
    is on if either is 1, another if both are, and the output unit if the first hidden
    unit is on and the second is off:

        y before   x    h1 (or)   h2 (and)   y
        0          0    0         0          0
        0          1    1         0          1
        1          0    1         0          1
        1          1    1         1          0

    docs/by_hand.png shows the weights, which are all times `weight`. Logistic units
    never reach 0 or 1, and the output's error enters the next step. With `weight` from
    4.44 on errors do not accumulate: the output stays within a fixed distance of its
    target, 0.377 for 4.44, 0.00765 for 10 and 0.0000455 for 20. With 4, answers can be
    wrong from step 9 on (benchmarks/by_hand.csv).

    Shapes of the graph: bits 0 and 1 `[batch, time, 1]`, to the output unit's value
    less a half, `[batch, time, 1]`; zeros are padding.

    Args:
        hidden: `"hard"` for units that are 1 above their threshold and 0 below it, or
            `"logistic"`.
        weight: Factor of all weights.

    Raises:
        ValueError: If `hidden` is not one of these, or `weight` is negative.

    Example:
        >>> from rnnzoo import parity_by_hand
        >>> parity_by_hand().answer([0, 1, 1, 1])
        1
        >>> parity_by_hand("logistic", weight=12).answer("0111")
        '1'
    """

    def __init__(self, hidden: str = "hard", *, weight: float = 20.0):
        check_choice("hidden", hidden, ("hard", "logistic"))
        check_number("weight", weight, minimum=0)
        # The cell's output is the answer already; bits are those above a half.
        cell, head = XorCell(hidden, weight), FixedWeightHead(1.0, "linear", bias=-0.5)
        super().__init__(cell, head, Bits(zero=0.0), synthetic.Parity())


accumulator = builder(Accumulator, "accumulator")
comparer = builder(Comparer, "comparer")
parity_by_hand = builder(ParityByHand, "parity_by_hand")
