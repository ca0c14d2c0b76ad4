"""Noise on the state of a simple recurrent layer, which then does not drift."""

from typing import Any

import keras
from keras import ops

from rnnzoo.layers.fast_rnn import FastCpuRNN


@keras.saving.register_keras_serializable("rnnzoo")
class NoisyCell(keras.layers.SimpleRNNCell):
    """A step of `NoisySimpleRNN`: the noise on the state comes behind the features."""

    def call(self, sequence: Any, states: list, training: bool = False) -> tuple:
        """Returns the output and the state; both are `[batch, units]`."""
        features = self.kernel.shape[0]
        if sequence.shape[-1] > features:
            states = [states[0] + sequence[:, features:]]
            sequence = sequence[:, :features]
        return super().call(sequence, states, training=training)


@keras.saving.register_keras_serializable("rnnzoo")
class NoisySimpleRNN(FastCpuRNN, keras.layers.RNN):
    """Keras' `SimpleRNN` with noise on the state in training.

    The network learns weights that push its state back to the nearest of few well
    separated values: bits, counts, a carry (Jim, Giles and Horne, "An analysis of noise
    in recurrent neural networks", IEEE Transactions on Neural Networks 7, 1996).
    Shapes, masks and states are those of `keras.layers.SimpleRNN`.

    Args:
        units: Size of the state.
        state_noise: Standard deviation of the noise, on values from -1 to 1.
        dropout: Must be 0.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.noise import NoisySimpleRNN
        >>> layer = NoisySimpleRNN(4, state_noise=0.1)
        >>> steps = np.ones((1, 5, 2), "float32")
        >>> bool((layer(steps) == layer(steps)).numpy().all())
        True
        >>> bool((layer(steps, training=True) == layer(steps)).numpy().all())
        False
    """

    loop = "simple"

    def __init__(
        self, units: int, *, state_noise: float, dropout: float = 0.0, **kwargs: Any
    ):
        if dropout:
            raise ValueError(
                "A layer with noise on its state has no dropout: leave it out. "
                f"Received: dropout={dropout!r}"
            )
        self.units, self.state_noise = units, state_noise
        cell = NoisyCell(units, dtype=kwargs.get("dtype"), name="cell")
        super().__init__(cell, **kwargs)
        self.seed_generator = keras.random.SeedGenerator()

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """Returns what `keras.layers.SimpleRNN` returns."""
        if training:
            shape = (*ops.shape(sequences)[:2], self.units)
            # Drawn for all steps at once, for there are no random numbers in a loop.
            noise = keras.random.normal(
                shape, stddev=self.state_noise, seed=self.seed_generator
            )
            noise = ops.cast(noise, sequences.dtype)
            sequences = ops.concatenate([sequences, noise], axis=-1)
        return super().call(
            sequences, initial_state=initial_state, mask=mask, training=training
        )

    def get_kernel(self, inputs: Any) -> Any:
        """Returns what the inputs are multiplied by, and the noise behind them."""
        kernel = self.cell.kernel
        if inputs.shape[-1] > kernel.shape[0]:
            kernel = ops.concatenate([kernel, self.cell.recurrent_kernel])
        return kernel

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        own = {"units": self.units, "state_noise": self.state_noise}
        return {k: v for k, v in super().get_config().items() if k != "cell"} | own
