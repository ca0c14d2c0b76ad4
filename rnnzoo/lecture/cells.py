"""Cells and layers whose weights are set by hand."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("rnnzoo")
class XorCell(keras.layers.Layer):
    r"""Three units that compute the XOR of the input and the last output.

    With input $x_t$, last output $y_{t-1}$, a threshold or logistic function $\phi$,
    and weights $w$ times those of the figure,

    $$h_1 = \phi(w (x_t + y_{t-1} - 0.5))$$
    $$h_2 = \phi(w (x_t + y_{t-1} - 1.5))$$
    $$y_t = \phi(w (h_1 - h_2 - 0.5))$$

    $h_1$ is the OR, $h_2$ the AND.

    Args:
        hidden: `"hard"` for the threshold function, 1 where its argument is positive;
            `"logistic"` for the logistic one.
        weight: $w$.
    """

    state_size = 1
    output_size = 1

    def __init__(self, hidden: str, weight: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.weight = weight

    def build(self, inputs_shape: tuple) -> None:
        """Sets the weights."""
        for name, values in {
            "kernel": [[1, 1]],
            "recurrent_kernel": [[1, 1]],
            "bias": [-0.5, -1.5],
            "output_kernel": [[1], [-1]],
            "output_bias": [-0.5],
        }.items():
            values = np.array(values) * self.weight
            setattr(self, name, _add_fixed_weight(self, name, values))

    def call(self, inputs: Any, states: list, training: bool = False) -> tuple:
        """Returns the output `[batch, 1]` and the state, which is the output."""
        hidden = ops.matmul(inputs, self.kernel) + self.bias
        hidden = self._activate(hidden + ops.matmul(states[0], self.recurrent_kernel))
        output = ops.matmul(hidden, self.output_kernel) + self.output_bias
        output = self._activate(output)
        return output, [output]

    def _activate(self, total: Any) -> Any:
        """Returns the activation of units with this total input."""
        if self.hidden == "hard":
            return ops.cast(ops.greater(total, 0.0), total.dtype)
        return ops.sigmoid(total)


@keras.saving.register_keras_serializable("rnnzoo")
class LinearSumCell(keras.layers.Layer):
    """One linear unit that adds its weighted inputs to its state.

    Args:
        weights: One weight per input.
    """

    state_size = 1
    output_size = 1

    def __init__(self, weights: list[float], **kwargs: Any):
        super().__init__(**kwargs)
        self.input_weights = list(weights)

    def build(self, inputs_shape: tuple) -> None:
        """Sets the weights."""
        kernel = np.array(self.input_weights)[:, None]
        self.kernel = _add_fixed_weight(self, "kernel", kernel)
        self.recurrent_kernel = _add_fixed_weight(self, "recurrent_kernel", [[1]])

    def call(self, inputs: Any, states: list, training: bool = False) -> tuple:
        """Returns the sum `[batch, 1]`, and the state, which is the sum."""
        total = ops.matmul(states[0], self.recurrent_kernel)
        total = total + ops.matmul(inputs, self.kernel)
        return total, [total]


@keras.saving.register_keras_serializable("rnnzoo")
class FixedWeightHead(keras.layers.Layer):
    """An output unit with one weight, and a bias."""

    def __init__(
        self, weight: float, activation: str, bias: float = 0.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.weight, self.activation, self.shift = weight, activation, bias

    def build(self, inputs_shape: tuple) -> None:
        """Sets the weights."""
        self.kernel = _add_fixed_weight(self, "kernel", [[self.weight]])
        self.bias = _add_fixed_weight(self, "bias", [self.shift])

    def load_own_variables(self, store: Any) -> None:
        """Does nothing: the weights are those that the constructor was given.

        Files have them at a path of the class, which had another name before.
        """

    def call(self, inputs: Any) -> Any:
        """Returns `[batch, time, 1]`."""
        total = ops.matmul(inputs, self.kernel) + self.bias
        return keras.activations.get(self.activation)(total)


def _add_fixed_weight(layer: keras.layers.Layer, name: str, values: Any) -> Any:
    """Adds a non-trainable weight with these values."""
    values = np.array(values, "float32")
    return layer.add_weight(
        shape=values.shape,
        initializer=lambda shape, dtype=None: ops.convert_to_tensor(values, dtype),
        trainable=False,
        name=name,
    )
