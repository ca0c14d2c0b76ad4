"""What stands between an encoder and a decoder, or before an encoder."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("rnnzoo")
class ReversedSteps(keras.layers.Layer):
    """Turns the real steps of sequences around; padding stays at the end.

    Inputs: steps `[batch, time, features]` and the token ids `[batch, time]` that they
    stand for, 0 = padding. Outputs: `[batch, time, features]`.
    """

    def __init__(self, **layer_options: Any):
        super().__init__(**layer_options)
        self.supports_masking = True

    def call(self, steps: Any, tokens: Any) -> Any:
        """Returns the last real step first."""
        place = ops.arange(ops.shape(tokens)[1])[None]
        length = ops.sum(ops.cast(ops.not_equal(tokens, 0), "int32"), 1, keepdims=True)
        place = ops.where(place < length, length - 1 - place, place)
        return ops.take_along_axis(steps, place[..., None], axis=1)

    def compute_output_shape(self, steps_shape: tuple, tokens_shape: tuple) -> tuple:
        """Returns the shape of the steps."""
        return steps_shape

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """Returns no mask: readers of the steps are given that of the tokens."""
        return None


@keras.saving.register_keras_serializable("rnnzoo")
class StateBridge(keras.layers.Layer):
    """Turns the encoder's final state into the decoder's initial state.

    States of equal structure pass as they are; those of a bidirectional encoder are
    joined and projected, one dense layer with tanh per state tensor (Bahdanau et
    al., 2015).

    Args:
        units: Size of the decoder's state.
        states_per_layer: Tensors in the state of a decoder layer: 2 for lstm, else 1.
        bidirectional: Whether the encoder is.
    """

    def __init__(
        self,
        units: int,
        states_per_layer: int,
        bidirectional: bool,
        num_layers: int,
        **layer_options: Any,
    ):
        super().__init__(**layer_options)
        self.units = units
        self.states_per_layer = states_per_layer
        self.bidirectional = bidirectional
        self.num_layers = num_layers
        self.projections = []
        if bidirectional:
            for index in range(num_layers * states_per_layer):
                layer = keras.layers.Dense(
                    units,
                    activation="tanh",
                    dtype=self.dtype_policy,
                    name=f"projection_{index}",
                )
                self.projections.append(layer)

    def build(self, state_shapes: Any) -> None:
        """Creates the projections' weights."""
        for projection in self.projections:
            projection.build((None, 2 * self.units))

    def call(self, state: list) -> list:
        """Returns one list of `[batch, units]` tensors per decoder layer."""
        if not self.bidirectional:
            return state
        projections = iter(self.projections)
        count = self.states_per_layer
        return [
            [
                next(projections)(ops.concatenate([forward, backward], axis=-1))
                for forward, backward in zip(layer[:count], layer[count:], strict=True)
            ]
            for layer in state
        ]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "states_per_layer": self.states_per_layer,
            "bidirectional": self.bidirectional,
            "num_layers": self.num_layers,
        }


@keras.saving.register_keras_serializable("rnnzoo")
class DoubledTokens(keras.layers.Layer):
    """Puts each sequence of tokens twice, one after the other; padding stays last.

    Inputs: token ids `[batch, time]`, 0 = padding. Outputs: `[batch, 2 * time]`.
    """

    def call(self, tokens: Any) -> Any:
        """Returns every real token twice."""
        length = ops.sum(ops.cast(ops.not_equal(tokens, 0), "int32"), 1, keepdims=True)
        place = ops.arange(2 * ops.shape(tokens)[1])[None]
        twice = ops.take_along_axis(tokens, place % ops.maximum(length, 1), axis=1)
        return ops.where(place < 2 * length, twice, 0)

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        """Returns `(batch, 2 * time)`."""
        batch, time = tokens_shape
        return (batch, None if time is None else 2 * time)
