"""Bits as real values."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.tokens.numbers import Numbers, parse_number_strings


@keras.saving.register_keras_serializable("rnnzoo")
class Bits(Numbers):
    """Encodes bits as real values: `zero` for 0, and 1 for 1; 0 is padding.

    Inputs of the call are those of `Numbers`, but separators in strings are optional;
    outputs are `[batch, time, 1]`, float32, padded with 0 at the end.

    Args:
        zero: The value of a 0.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import Bits
        >>> Bits().encode([[0, 1, 1], [1]])[..., 0].tolist()
        [[-1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
        >>> Bits()(tf.constant(["011", "1"]))[..., 0].numpy().tolist()
        [[-1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    """

    def __init__(self, zero: float = -1.0, **layer_options: Any):
        super().__init__(0, 1, **layer_options)
        self.zero = zero
        self.values = np.array([0.0, zero, 1.0], "float32")

    def call(self, inputs: Any) -> tf.Tensor:
        """Returns the values of bits or strings; shapes as in the class."""
        if not isinstance(inputs, (tf.Tensor, tf.RaggedTensor)):
            inputs = tf.convert_to_tensor(inputs)
        return tf.gather(self.values, super().call(inputs))[..., tf.newaxis]

    def parse(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Parses strings `[batch]` into bits, int64 `[batch, (bits)]`."""
        texts = tf.strings.regex_replace(texts, "([01])", r"\1 ")
        return parse_number_strings(texts, "[01]", tf.int64)

    def encode(self, rows: Sequence, name: str = "bits") -> np.ndarray:
        """Converts rows of 0 and 1 to values `[rows, time, 1]`, float32."""
        return self.values[super().encode(rows, name=name)][..., None]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"zero": self.zero}


def parse_bits(text: str) -> list:
    """Reads bits out of a text; what is not a digit stays, for an error to name it."""
    characters = "".join(text.replace(",", " ").split())
    return [int(c) if c.isascii() and c.isdigit() else c for c in characters]
