"""The front of every architecture: tokens or real values to masked features."""

from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_number

# Of tokens' vectors that are the head's weights too, before training: with smaller ones
# a model learns how frequent tokens are, and for long nothing else.
TIED_STDDEV = 0.2


@keras.saving.register_keras_serializable("rnnzoo")
class SequenceReader(keras.layers.Layer):
    """The front of every architecture: tokens or real values to masked features.

    Inputs: token ids `[batch, time]`, 0 for padding, if there is a
    `vocabulary_size`; else real values `[batch, time, features]`, of which a step
    is padding if all its features equal `padding_value`.

    Outputs: `[batch, time, embedding_dim]` or `[batch, time, features]`, masked.

    Args:
        vocabulary_size: Number of token ids, padding included; or `None`.
        embedding_dim: Size of the vector that stands for a token.
        padding_value: For real values: what fills the steps of padding; `None` if
            every step is real.
        token_dropout: Fraction of steps whose whole vector is set to zero in training
            (Iyyer et al., 2015).
        stddev: Standard deviation of the tokens' vectors before training; `None` for
            Keras' own, which are from -0.05 to 0.05 in each feature.

    References:
        Iyyer et al., "Deep unordered composition rivals syntactic methods for text
        classification", ACL 2015.
    """

    def __init__(
        self,
        vocabulary_size: int | None = None,
        embedding_dim: int = 64,
        padding_value: float | None = None,
        token_dropout: float = 0.0,
        stddev: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_number("token_dropout", token_dropout, minimum=0, below=1)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.padding_value = padding_value
        self.token_dropout = token_dropout
        self.stddev = stddev
        if token_dropout:
            self.seed_generator = keras.random.SeedGenerator()
        if vocabulary_size is not None:
            check_number("embedding_dim", embedding_dim, minimum=1, whole=True)
            initializer = "uniform"
            if stddev is not None:
                initializer = keras.initializers.RandomNormal(stddev=stddev)
            self.embedding = keras.layers.Embedding(
                vocabulary_size, embedding_dim, initializer, dtype=self.dtype_policy
            )

    def build(self, inputs_shape: tuple) -> None:
        """Creates the embedding where there are tokens."""
        if self.vocabulary_size is not None:
            self.embedding.build(inputs_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns one feature vector per step."""
        steps = inputs if self.vocabulary_size is None else self.embedding(inputs)
        if not (self.token_dropout and training):
            return steps
        shape = (*ops.shape(steps)[:2], 1)
        return keras.random.dropout(
            steps, self.token_dropout, noise_shape=shape, seed=self.seed_generator
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns `[batch, time]`, true for real steps, or `None` if all are."""
        if self.vocabulary_size is not None:
            return ops.not_equal(inputs, 0)
        if self.padding_value is not None:
            return ops.any(ops.not_equal(inputs, self.padding_value), axis=-1)
        return mask

    def compute_output_shape(self, inputs_shape: tuple) -> tuple:
        """Returns the shape of the features."""
        if self.vocabulary_size is None:
            return inputs_shape
        return (*inputs_shape, self.embedding_dim)


def sequence_input(features: int | None, name: str = "inputs") -> Any:
    """Returns the Keras input of token ids, or of real values with `features`."""
    if features is None:
        return keras.Input((None,), dtype="int32", name=name)
    return keras.Input((None, features), dtype="float32", name=name)
