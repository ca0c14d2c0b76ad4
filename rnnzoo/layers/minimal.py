"""A minimal gated layer, whose gates do not see its state."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnnzoo.errors import check_number
from rnnzoo.layers import loops
from rnnzoo.layers.fast_rnn import is_on_cpu


@keras.saving.register_keras_serializable("rnnzoo")
class MinimalCell(keras.layers.Layer):
    """A step of `MinimalRNN`.

    Inputs: features `[batch, features]` and a list of one state `[batch, units]`.
    Outputs: the new state, and a list of it.

    Args:
        units: Size of the state.
        signed: As in `MinimalRNN`.
        bias_initializer: Initializer of the biases of gate and candidate,
            `[2 * units]`.
    """

    def __init__(
        self,
        units: int,
        signed: bool = False,
        bias_initializer: Any = "zeros",
        **layer_options: Any,
    ):
        super().__init__(**layer_options)
        check_number("units", units, minimum=1, whole=True)
        self.units, self.state_size, self.signed = units, units, bool(signed)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, inputs_shape: tuple) -> None:
        """Creates the weights."""
        shape = (inputs_shape[-1], 2 * self.units)
        self.kernel = self.add_weight(shape, name="kernel")
        self.bias = self.add_weight(shape[1:], self.bias_initializer, name="bias")

    def split(self, inputs: Any) -> tuple:
        """Returns by what the state is multiplied, and what is added to it."""
        product = ops.matmul(inputs, ops.cast(self.kernel, inputs.dtype))
        product = product + ops.cast(self.bias, inputs.dtype)
        keep, candidate = ops.split(product, 2, axis=-1)
        keep = ops.sigmoid(keep)
        new = (1 - keep) * candidate
        return (2 * keep - 1 if self.signed else keep), new

    def call(self, inputs: Any, states: list, training: bool = False) -> tuple:
        """Returns the output and the state after a step."""
        keep, new = self.split(inputs)
        state = keep * states[0] + new
        return state, [state]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return super().get_config() | {
            "units": self.units,
            "signed": self.signed,
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }


@keras.saving.register_keras_serializable("rnnzoo")
class MinimalRNN(keras.layers.RNN):
    r"""A recurrent layer without recurrent weights (minGRU; arXiv:2410.01201).

    With input $x_t$ and previous state $h_{t-1}$,

    $$z_t = \sigma(W_z x_t + b_z)$$
    $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot (W_h x_t + b_h)$$

    As gates and candidates depend on the inputs alone, all steps of them are one matrix
    product, and the states are a linear recurrence: a loop without products on a CPU,
    an associative scan, in logarithmically many steps, on accelerators.

    A `signed` layer multiplies the state by $2 z_t - 1$, from -1 to 1, instead: with
    negative factors it can count modulo 2, which with positive ones it cannot (Grazzi
    et al., arXiv:2411.12537).

    Shapes, masks and states are those of `keras.layers.SimpleRNN`.

    Args:
        units: Size of the state.
        signed: Whether the state is multiplied by factors from -1 to 1, not from 0.
        dropout: Fraction of the input features dropped in training, the same at every
            step.
        bias_initializer: Initializer of the biases of gate and candidate.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.minimal import MinimalRNN
        >>> MinimalRNN(4)(np.ones((2, 5, 3), "float32")).shape
        TensorShape([2, 4])
    """

    def __init__(
        self,
        units: int,
        *,
        signed: bool = False,
        dropout: float = 0.0,
        bias_initializer: Any = "zeros",
        **layer_options: Any,
    ):
        check_number("dropout", dropout, minimum=0, below=1)
        cell = MinimalCell(
            units,
            signed,
            bias_initializer,
            dtype=layer_options.get("dtype"),
            name="cell",
        )
        super().__init__(cell, **layer_options)
        self.dropout = dropout
        if dropout:
            self.seed_generator = keras.random.SeedGenerator()

    def inner_loop(
        self,
        sequences: Any,
        initial_state: Any,
        mask: Any,
        training: bool = False,
        length: Any = None,
    ) -> tuple:
        """Returns as Keras does; with a `length`, it repeats a sequence of one step."""
        if training and self.dropout:
            shape = (ops.shape(sequences)[0], 1, sequences.shape[-1])
            sequences = keras.random.dropout(
                sequences, self.dropout, noise_shape=shape, seed=self.seed_generator
            )
        if mask is not None:
            mask = ops.cast(keras.tree.flatten(mask)[0], "bool")[..., None]
            sequences = ops.where(mask, sequences, 0)  # whatever there is
        keep, new = self.cell.split(sequences)
        if mask is not None:
            keep, new = ops.where(mask, keep, 1), ops.where(mask, new, 0)
        if length is not None:
            keep, new = (ops.repeat(part, length, axis=1) for part in (keep, new))
        if self.go_backwards:
            keep, new = ops.flip(keep, 1), ops.flip(new, 1)
            mask = None if mask is None else ops.flip(mask, 1)
        first = keras.tree.flatten(initial_state)[0]
        outputs = run_linear_recurrence(keep, new, first, bool(training))
        last = outputs[:, -1]
        if mask is not None and self.zero_output_for_mask:
            outputs = ops.where(mask, outputs, 0)
        return last, outputs, [last]

    def repeat_input(
        self, inputs: Any, length: Any, initial_state: list, training: bool = False
    ) -> tuple:
        """Reads `[batch, features]` `length` times; returns outputs and last states."""
        _, outputs, states = self.inner_loop(
            inputs[:, None], initial_state, None, training, length
        )
        return outputs, *states

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        config = {k: v for k, v in super().get_config().items() if k != "cell"}
        cell = self.cell.get_config()
        own = {name: cell[name] for name in ("units", "signed", "bias_initializer")}
        return config | own | {"dropout": self.dropout}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Creates the layer from its config."""
        return cls(**config)


def run_linear_recurrence(
    keep: Any, new: Any, first: Any, training: bool = False
) -> Any:
    r"""Returns all states of $h_t = k_t \odot h_{t-1} + n_t$, `[batch, time, units]`.

    Args:
        keep: The factors $k$, `[batch, time, units]`.
        new: The terms $n$, `[batch, time, units]`.
        first: The state before the first step, `[batch, units]`.
        training: Whether gradients will be needed, for which there is a loop.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.minimal import run_linear_recurrence
        >>> keep, new = np.full((1, 3, 1), 0.5), np.ones((1, 3, 1))
        >>> run_linear_recurrence(keep, new, np.zeros((1, 1)))[0, :, 0].numpy().tolist()
        [1.0, 1.5, 1.75]
    """
    keep, new, first = map(ops.convert_to_tensor, (keep, new, first))
    if is_on_cpu():
        keep, new = (ops.transpose(part, (1, 0, 2)) for part in (keep, new))
        return ops.transpose(loops.run_linear(keep, new, first, training), (1, 0, 2))
    # The first state goes into the first term.
    new = ops.concatenate([new[:, :1] + keep[:, :1] * first[:, None], new[:, 1:]], 1)

    def combine(one: tuple, other: tuple) -> tuple:
        return one[0] * other[0], other[0] * one[1] + other[1]

    _, outputs = ops.associative_scan(combine, (keep, new), axis=1)
    if keras.backend.backend() == "tensorflow":
        # The scan loses what is known of the shape.
        outputs = tf.ensure_shape(outputs, new.shape)
    return outputs
