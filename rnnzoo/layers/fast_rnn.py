"""Keras' recurrent layers, with faster loops on CPUs."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnnzoo.layers import loops
from rnnzoo.layers.keras_internals import keep_dropout_masks
from rnnzoo.layers.threads import count_threads
from rnnzoo.mixin import Mixin

# Fewest rows of a slice with a loop of its own, for what a loop costs.
ROWS_OF_A_SLICE = 32


class FastCpuRNN(Mixin):
    """Mixed into Keras' recurrent layers: runs the loops of `rnnzoo.layers.loops`.

    That is on CPUs and with Keras' usual options: its activations and biases, and no
    recurrent dropout. Elsewhere the layer is Keras' own.

    Attributes:
        is_sliced: Whether slices of a batch are read in parallel in training.
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
        """Returns as Keras does; with a `length`, it repeats a sequence of one step."""
        if not (is_on_cpu() and self._is_usual(mask)):
            if length is not None:
                sequences = ops.repeat(sequences, length, axis=1)
            return super().inner_loop(sequences, initial_state, mask, training)
        cell = self.cell
        if training and getattr(self, "dropout", 0):
            sequences *= cell.get_dropout_mask(sequences[:, 0])[:, None]
        inputs = ops.transpose(sequences, (1, 0, 2))
        if mask is not None:
            mask = ops.transpose(ops.cast(keras.tree.flatten(mask)[0], "bool"))
            mask = mask[..., None]
            inputs = ops.where(mask, inputs, 0)  # whatever there is, if not numbers
            mask = ops.cast(mask, inputs.dtype)
        if self.go_backwards:
            inputs = ops.flip(inputs, 0)
            mask = None if mask is None else ops.flip(mask, 0)
        weights = (self.get_kernel(inputs), cell.recurrent_kernel, cell.bias)
        weights = [ops.cast(one, inputs.dtype) for one in weights]
        states = keras.tree.flatten(initial_state)
        slices = self._count_slices(states[0].shape[0]) if training else 1
        outputs, states = loops.read_in_slices(
            self.loop, slices, inputs, states, mask, weights, bool(training), length
        )
        if mask is not None:
            outputs *= mask
        return states[0], ops.transpose(outputs, (1, 0, 2)), states

    def repeat_input(
        self, inputs: Any, length: Any, initial_state: list, training: bool = False
    ) -> tuple:
        """Reads `[batch, features]` `length` times; returns outputs and last states."""
        with keep_dropout_masks(self, inputs, initial_state):
            _, outputs, states = self.inner_loop(
                inputs[:, None], initial_state, None, training, length
            )
        return outputs, *states

    def get_kernel(self, inputs: Any) -> Any:
        """Returns what the inputs are multiplied by."""
        return self.cell.kernel

    def _is_usual(self, mask: Any) -> bool:
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
        if not self.is_sliced or rows is None:
            return 1
        return max(1, min(count_threads(), rows // ROWS_OF_A_SLICE))


def is_on_cpu() -> bool:
    """Whether TensorFlow computes, on CPUs: for GPUs, Keras has cuDNN."""
    devices = map(tf.config.list_logical_devices, ("GPU", "TPU"))
    return keras.backend.backend() == "tensorflow" and not any(devices)


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
