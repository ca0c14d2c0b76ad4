"""The ends of every architecture: from tokens or values to features, and back."""

from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_number

# Initial standard deviation of tokens' vectors that are the head's weights too: with a
# smaller one a model learns how frequent tokens are, and for long nothing else.
TIED_STDDEV = 0.2


@keras.saving.register_keras_serializable("rnnzoo")
class SequenceReader(keras.layers.Layer):
    """Turns tokens or real values into masked features.

    Inputs: token ids `[batch, time]`, 0 for padding, with a `vocabulary_size`; else
    real values `[batch, time, features]`.

    Outputs: `[batch, time, embedding_dim]` or `[batch, time, features]`, masked.

    Args:
        vocabulary_size: Number of token ids, padding included; or `None`.
        embedding_dim: Size of the vector that stands for a token.
        padding_value: For real values: that of all features of padding; or `None`.
        token_dropout: Fraction of steps whose whole vector is set to zero in training
            (Iyyer et al., "Deep unordered composition", ACL 2015).
        embedding_dropout: Fraction of the tokens whose vectors are zero in training,
            wherever they are in a batch (Gal and Ghahramani, 2016, arXiv:1512.05287).
        stddev: Initial standard deviation of the tokens' vectors; `None` for Keras'
            own initializer.
    """

    # What training adds to the outputs, if anything.
    noise: Any = None

    def __init__(
        self,
        vocabulary_size: int | None = None,
        embedding_dim: int = 64,
        padding_value: float | None = None,
        token_dropout: float = 0.0,
        stddev: float | None = None,
        embedding_dropout: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_number("token_dropout", token_dropout, minimum=0, below=1)
        check_number("embedding_dropout", embedding_dropout, minimum=0, below=1)
        self.vocabulary_size, self.embedding_dim = vocabulary_size, embedding_dim
        self.padding_value, self.token_dropout = padding_value, token_dropout
        self.embedding_dropout = embedding_dropout
        if token_dropout or embedding_dropout:
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
        if self.noise is not None:
            steps = steps + self.noise
        if self.embedding_dropout and training:
            shares = ops.ones((self.vocabulary_size,), steps.dtype)
            kept = keras.random.dropout(
                shares, self.embedding_dropout, seed=self.seed_generator
            )
            steps = steps * ops.take(kept, inputs)[..., None]
        if self.token_dropout and training:
            shape = (*ops.shape(steps)[:2], 1)
            steps = keras.random.dropout(
                steps, self.token_dropout, noise_shape=shape, seed=self.seed_generator
            )
        return steps

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns `[batch, time]`, true for real steps, or `None` if all are."""
        if self.vocabulary_size is not None:
            return ops.not_equal(inputs, 0)
        if self.padding_value is not None:
            return ops.any(ops.not_equal(inputs, self.padding_value), axis=-1)
        return mask


@keras.saving.register_keras_serializable("rnnzoo")
class TiedHead(keras.layers.Layer):
    """An output layer with weights tied to the embeddings of the predicted tokens.

    Logit `k` is the product of the features and the embedding of token `k`, plus a
    bias; features of another size than the embeddings are projected first (Press and
    Wolf, arXiv:1608.05859).

    Args:
        reader: The `SequenceReader` of the tokens.
        num_classes: Number of predicted tokens, the first of the vocabulary.
    """

    def __init__(self, reader: SequenceReader, num_classes: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.num_classes = num_classes
        self.size = reader.embedding_dim
        # The vectors belong to the reader: saved with it, and counted once.
        self.vectors = lambda: (
            reader.embedding(ops.arange(num_classes))
            if reader.embedding.quantization_mode
            else reader.embedding.embeddings
        )
        self.projection = keras.layers.Dense(
            self.size, use_bias=False, dtype=self.dtype_policy, name="projection"
        )

    def build(self, inputs_shape: tuple) -> None:
        """Creates the weights."""
        self.is_projected = inputs_shape[-1] != self.size
        if self.is_projected:
            self.projection.build(inputs_shape)
        self.bias = self.add_weight((self.num_classes,), "zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Returns logits `[..., num_classes]` for features `[..., units]`."""
        if self.is_projected:
            inputs = self.projection(inputs)
        vectors = ops.convert_to_tensor(self.vectors())[: self.num_classes]
        vectors = ops.cast(vectors, self.compute_dtype)
        return ops.matmul(inputs, ops.transpose(vectors)) + self.bias


def sequence_input(features: int | None, name: str = "inputs") -> Any:
    """Returns the Keras input of token ids, or of real values with `features`."""
    if features is None:
        return keras.Input((None,), dtype="int32", name=name)
    return keras.Input((None, features), dtype="float32", name=name)
