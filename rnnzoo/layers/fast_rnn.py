"""Keras' recurrent layers, with faster loops on CPUs."""

import functools
from typing import Any

import keras
from keras import ops

from rnnzoo.layers.keras_internals import keep_dropout_masks
from rnnzoo.layers.threads import count_threads
from rnnzoo.mixin import Mixin

# Smallest number of rows of a slice that has a loop of its own: products of fewer are
# too small for what a loop costs.
ROWS_OF_A_SLICE = 32


class FastCpuRNN(Mixin):
    """Mixed into Keras' recurrent layers: runs the loops of `rnnzoo.layers.loops`.

    That is on CPUs and with Keras' usual options: its activations, its biases, and no
    recurrent dropout; and where there is a mask, `return_sequences` and
    `zero_output_for_mask`. Elsewhere the layer is Keras' own.

    Attributes:
        is_sliced: Whether, in training on several cores, slices of a batch are read
            side by side: their products are too small to share. Not for a layer beside
            which others are run, as the directions of a bidirectional one.
    """

    is_sliced = False

    def inner_loop(
        self,
        sequences: Any,
        initial_state: Any,
        mask: Any,
        training: bool = False,
        length: Any = None,
    ) -> tuple:
        """Returns the last output, all outputs, and the last states, as Keras does.

        With a `length`, it reads a sequence of one step that many times.
        """
        if not (_is_on_cpu() and self._is_usual(mask)):
            if length is not None:
                sequences = ops.repeat(sequences, length, axis=1)
            return super().inner_loop(sequences, initial_state, mask, training)
        from rnnzoo.layers import loops

        cell = self.cell
        if training and getattr(self, "dropout", 0):
            sequences *= cell.get_dropout_mask(sequences[:, 0])[:, None]
        inputs = ops.transpose(sequences, (1, 0, 2))
        if mask is not None:
            mask = ops.cast(keras.tree.flatten(mask)[0], "bool")
            mask = ops.transpose(mask)[..., None]
            inputs = ops.where(mask, inputs, 0)  # whatever there is, if not numbers
            mask = ops.cast(mask, inputs.dtype)
        if self.go_backwards:
            inputs = ops.flip(inputs, 0)
            mask = None if mask is None else ops.flip(mask, 0)
        weights = (self.get_kernel(inputs), cell.recurrent_kernel, cell.bias)
        weights = [ops.cast(one, inputs.dtype) for one in weights]
        read = functools.partial(
            getattr(loops, self.loop),
            weights=weights,
            training=bool(training),
            length=length,
        )
        states = keras.tree.flatten(initial_state)
        slices = self._count_slices(states[0].shape[0]) if training else 1
        outputs, states = loops.read_in_slices(read, slices, inputs, states, mask)
        if mask is not None:
            outputs *= mask
        return states[0], ops.transpose(outputs, (1, 0, 2)), states

    def repeat_input(
        self, inputs: Any, length: Any, initial_state: list, training: bool = False
    ) -> tuple:
        """Reads the same inputs at every step; the layer must have been built.

        Args:
            inputs: `[batch, features]`.
            length: How many steps.
            initial_state: The state before the first one.
            training: Whether features are dropped.

        Returns:
            All outputs `[batch, length, units]`, and each last state.
        """
        with keep_dropout_masks(self, inputs, initial_state):
            _, outputs, states = self.inner_loop(
                inputs[:, None], initial_state, None, training, length
            )
        return outputs, *states

    def get_kernel(self, inputs: Any) -> Any:
        """Returns what the inputs are multiplied by."""
        return self.cell.kernel

    def _is_usual(self, mask: Any) -> bool:
        """Whether the layer computes what the loops do."""
        cell = self.cell
        gates = getattr(cell, "recurrent_activation", keras.activations.sigmoid)
        return (
            cell.activation is keras.activations.tanh
            and gates is keras.activations.sigmoid
            and cell.use_bias
            and not cell.recurrent_dropout
            and getattr(cell, "reset_after", True)
            and (mask is None or (self.zero_output_for_mask and self.return_sequences))
        )

    def _count_slices(self, rows: int | None) -> int:
        """Returns into how many slices to cut a batch."""
        if not self.is_sliced or rows is None:
            return 1
        return max(1, min(count_threads(), rows // ROWS_OF_A_SLICE))


def _is_on_cpu() -> bool:
    """Whether TensorFlow computes, on CPUs: for GPUs, Keras has cuDNN."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not any(map(tf.config.list_logical_devices, ("GPU", "TPU")))


@keras.saving.register_keras_serializable("rnnzoo")
class SimpleRNN(FastCpuRNN, keras.layers.SimpleRNN):
    """Keras' layer, with a faster loop; see `FastCpuRNN`."""

    loop = "simple"


@keras.saving.register_keras_serializable("rnnzoo")
class GRU(FastCpuRNN, keras.layers.GRU):
    """Keras' layer, with a faster loop; see `FastCpuRNN`."""

    loop = "gru"


@keras.saving.register_keras_serializable("rnnzoo")
class LSTM(FastCpuRNN, keras.layers.LSTM):
    """Keras' layer, with a faster loop; see `FastCpuRNN`."""

    loop = "lstm"
