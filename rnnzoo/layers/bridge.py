"""Layers before an encoder, and between an encoder and a decoder."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("rnnzoo")
class ReversedSteps(keras.layers.Layer):
    """Reverses the real steps of sequences; padding stays at the end.

    Inputs: steps `[batch, time, features]` and their token ids `[batch, time]`, 0 =
    padding. Outputs: `[batch, time, features]`.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, steps: Any, tokens: Any) -> Any:
        """Returns the last real step first."""
        place = ops.arange(ops.shape(tokens)[1])[None]
        length = ops.sum(ops.cast(ops.not_equal(tokens, 0), "int32"), 1, keepdims=True)
        place = ops.where(place < length, length - 1 - place, place)
        return ops.take_along_axis(steps, place[..., None], axis=1)

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """Returns no mask: the encoder is given that of the tokens."""
        return None


@keras.saving.register_keras_serializable("rnnzoo")
class StateBridge(keras.layers.Layer):
    """Maps the encoder's final state to the decoder's initial state.

    States of a unidirectional encoder are unchanged; those of a bidirectional one are
    concatenated and projected, one dense layer with tanh per state tensor (Bahdanau et
    al., arXiv:1409.0473).

    Inputs and outputs: for each layer a list of tensors `[batch, units]`.

    Args:
        units: Size of the decoder's state.
        states_per_layer: Tensors in the state of a decoder layer: 2 for lstm, else 1.
        bidirectional: Whether the encoder is bidirectional.
        num_layers: Layers of the encoder, and of the decoder.
    """

    def __init__(
        self,
        units: int,
        states_per_layer: int,
        bidirectional: bool,
        num_layers: int,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units, self.states_per_layer = units, states_per_layer
        self.bidirectional, self.num_layers = bidirectional, num_layers
        options = {"activation": "tanh", "dtype": self.dtype_policy}
        self.projections = [
            keras.layers.Dense(units, name=f"projection_{index}", **options)
            for index in range(num_layers * states_per_layer if bidirectional else 0)
        ]

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


@keras.saving.register_keras_serializable("rnnzoo")
class DoubledTokens(keras.layers.Layer):
    """Repeats each sequence of tokens once; padding stays at the end.

    Inputs: token ids `[batch, time]`, 0 = padding. Outputs: `[batch, 2 * time]`.
    """

    def call(self, tokens: Any) -> Any:
        """Returns every sequence twice in a row."""
        length = ops.sum(ops.cast(ops.not_equal(tokens, 0), "int32"), 1, keepdims=True)
        place = ops.arange(2 * ops.shape(tokens)[1])[None]
        twice = ops.take_along_axis(tokens, place % ops.maximum(length, 1), axis=1)
        return ops.where(place < 2 * length, twice, 0)
