"""A head whose weights are the tokens' vectors."""

from typing import Any

import keras
from keras import ops

from rnnzoo.layers.reader import SequenceReader


@keras.saving.register_keras_serializable("rnnzoo")
class TiedHead(keras.layers.Layer):
    """A head whose weights are the vectors of the tokens that it predicts.

    Logit `k` is the product of the features and the vector of token `k`, plus a bias;
    features of another size than the vectors are projected to it first. There are
    fewer weights than with a head of its own, and what is learned of a token as input
    helps it as output (Press and Wolf, 2017).

    Args:
        reader: The `SequenceReader` of the tokens.
        num_classes: The first so many tokens are predicted.

    References:
        Press and Wolf, "Using the output embedding to improve language models", EACL
        2017, arXiv:1608.05859.
    """

    def __init__(self, reader: SequenceReader, num_classes: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.num_classes = num_classes
        self.size = reader.embedding_dim
        # The vectors belong to the reader: saved with it, and counted once.
        self.vectors = lambda: reader.embedding.embeddings
        self.projection = keras.layers.Dense(
            self.size, use_bias=False, dtype=self.dtype_policy, name="projection"
        )

    def build(self, inputs_shape: tuple) -> None:
        """Creates the bias, and the projection where sizes differ."""
        self.is_projected = inputs_shape[-1] != self.size
        if self.is_projected:
            self.projection.build(inputs_shape)
        self.bias = self.add_weight(
            shape=(self.num_classes,), initializer="zeros", name="bias"
        )

    def call(self, inputs: Any) -> Any:
        """Returns logits `[..., num_classes]` for features `[..., units]`."""
        if self.is_projected:
            inputs = self.projection(inputs)
        vectors = ops.convert_to_tensor(self.vectors())[: self.num_classes]
        vectors = ops.cast(vectors, self.compute_dtype)
        return ops.matmul(inputs, ops.transpose(vectors)) + self.bias

    def compute_output_shape(self, inputs_shape: tuple) -> tuple:
        """Returns the shape of the logits."""
        return (*inputs_shape[:-1], self.num_classes)
