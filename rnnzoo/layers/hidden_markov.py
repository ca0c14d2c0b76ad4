"""Hidden Markov models: one of several states, and the forward algorithm."""

import math
from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_number

# Below this, one value's probability density could grow without bound.
SMALLEST_SCALE = 0.05
# Smaller probabilities count as this, so that all have a logarithm.
SMALLEST_SHARE = 1e-30


class ForwardCell(keras.layers.Layer):
    r"""One step of the forward algorithm, from logarithms to logarithms.

    With $p_i$ the probability that the hidden state is $i$ before a value is seen,
    $e_i$ the probability of that value in state $i$, and $A_{ij}$ that of going from
    $i$ to $j$, the probability of state $j$ before the next value is

    $$p'_j = \frac{\sum_i p_i e_i A_{ij}}{\sum_i p_i e_i}$$

    Args:
        states: Number of hidden states.
    """

    def __init__(self, states: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.state_size = self.output_size = states

    def build(self, inputs_shape: tuple) -> None:
        """Creates the transitions: at first a state is likely to stay."""
        states = self.state_size
        self.transitions = self.add_weight(
            (states, states), "random_normal", name="transitions"
        )
        self.transitions.assign_add(ops.log(2.0 * states) * ops.eye(states))

    def call(self, inputs: Any, states: list, training: bool = False) -> tuple:
        """Returns log-probabilities `[batch, states]` before the next value."""
        seen = states[0] + inputs
        # The most likely state is near 1 now: nothing that counts is lost in the sum,
        # which as a matrix product is many times faster than in logarithms.
        shares = ops.matmul(ops.softmax(seen), ops.softmax(self.transitions))
        after = ops.log(ops.maximum(shares, SMALLEST_SHARE))
        return after, [after]


@keras.saving.register_keras_serializable("rnnzoo")
class HiddenMarkov(keras.layers.Layer):
    """The forward algorithm: what is known of the hidden state, step by step.

    This layer computes how probable each hidden state is, given all values so far;
    gradients pass through it (Rabiner, "A tutorial on hidden Markov models",
    Proceedings of the IEEE 77, 1989).

    Inputs: token ids `[batch, time]` with a `vocabulary_size` (0 is padding), else real
    values `[batch, time, features]`, normally distributed in each state, optionally
    with a mask. Outputs: `[batch, time, states]`, float32: log-probabilities of the
    hidden state at the next step, given all values up to this one.

    Args:
        states: Number of hidden states.
        vocabulary_size: For tokens: number of ids, padding included.
        features: For real values: number of them at each step.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.hidden_markov import HiddenMarkov
        >>> layer = HiddenMarkov(states=3, features=2)
        >>> beliefs = layer(np.zeros((4, 5, 2), "float32"))
        >>> tuple(beliefs.shape), np.allclose(np.exp(beliefs).sum(axis=-1), 1)
        ((4, 5, 3), True)
    """

    def __init__(
        self,
        states: int,
        vocabulary_size: int | None = None,
        features: int | None = None,
        **kwargs: Any,
    ):
        # Probabilities of long sequences need the exponents of float32.
        super().__init__(**{"dtype": "float32", **kwargs})
        check_number("states", states, minimum=1, whole=True)
        self.states, self.features = states, features
        self.vocabulary_size = vocabulary_size
        self.supports_masking = True
        self.forward = keras.layers.RNN(
            ForwardCell(states, dtype="float32"), return_sequences=True, dtype="float32"
        )

    def build(self, inputs_shape: tuple) -> None:
        """Creates the parameters of the first state and of each state's values."""
        states = self.states
        self.first = self.add_weight((states,), "zeros", name="first")
        normal = keras.initializers.RandomNormal(stddev=1.0)
        if self.vocabulary_size is not None:
            shape = (states, self.vocabulary_size - 1)
            self.symbols = self.add_weight(shape, normal, name="symbols")
        else:
            shape = (states, self.features)
            self.means = self.add_weight(shape, normal, name="means")
            self.scales = self.add_weight(shape, "zeros", name="scales")
        self.forward.build((None, None, states))

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Returns what is known of the next hidden state; shapes as in the class."""
        shape = (ops.shape(inputs)[0], self.states)
        return self.forward(
            self.log_probabilities(inputs),
            initial_state=ops.broadcast_to(self.first_state(), shape),
            mask=self.compute_mask(inputs, mask),
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns `[batch, time]`, true for real steps, or `None` if all are."""
        return mask if self.vocabulary_size is None else ops.not_equal(inputs, 0)

    def first_state(self) -> Any:
        """Returns log-probabilities `[states]` of the state at the first step."""
        return ops.log_softmax(self.first)

    def log_probabilities(self, values: Any) -> Any:
        """Returns each state's log-probability (density) `[batch, time, states]`."""
        if self.vocabulary_size is not None:
            table = ops.transpose(ops.log_softmax(self.symbols, axis=-1))
            # Padding counts as the first symbol: nothing of it is used.
            rows = ops.maximum(ops.cast(values, "int32") - 1, 0)
            return ops.take(table, rows, axis=0)
        scales = ops.exp(self.scales) + SMALLEST_SCALE
        values = ops.cast(values, self.compute_dtype)
        distance = (values[..., None, :] - self.means) / scales
        density = -0.5 * distance**2 - ops.log(scales) - 0.5 * math.log(2 * math.pi)
        return ops.sum(density, axis=-1)

    def expect(self, beliefs: Any) -> Any:
        """Returns the expected values, given the layer's outputs.

        These are means `[batch, time, features]`, or probabilities of token ids.
        """
        shares = ops.exp(beliefs)
        if self.vocabulary_size is None:
            return ops.matmul(shares, self.means)
        tokens = ops.matmul(shares, ops.softmax(self.symbols, axis=-1))
        return ops.pad(tokens, ((0, 0), (0, 0), (1, 0)))
