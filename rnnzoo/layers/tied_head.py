"""An output layer whose weights are the token embeddings."""

from typing import Any

import keras
from keras import ops

from rnnzoo.layers.reader import SequenceReader


@keras.saving.register_keras_serializable("rnnzoo")
class TiedHead(keras.layers.Layer):
    """An output layer with weights tied to the embeddings of the predicted tokens.

    Logit `k` is the product of the features and the embedding of token `k`, plus a
    bias; features of another size than the embeddings are projected first. Tying saves
    weights, and shares what is learned of a token as input and output (Press and Wolf,
    2017).

    Args:
        reader: The `SequenceReader` of the tokens.
        num_classes: Number of predicted tokens, the first of the vocabulary.

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
