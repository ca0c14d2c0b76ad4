"""Metrics that Keras lacks."""

from typing import Any

import keras
from keras import ops

from rnnzoo.layers.keras_internals import get_mask


class PaddedMean(keras.metrics.Mean):
    """Base of means over targets of which one marks padding."""

    def __init__(self, padding: int = 0, name: str | None = None, **options: Any):
        super().__init__(name=name or self.NAME, **options)
        self.padding = padding

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable("rnnzoo")
class TokenAccuracy(PaddedMean):
    """Fraction of tokens that are right, padding left out.

    Use it for sequences padded with a class of their own; it is a mean over tokens,
    not over sequences.

    Args:
        padding: Target that marks padding.
        name: Name in logs.

    Shapes: targets `[batch, time]`, logits or probabilities `[batch, time, classes]`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.metrics import TokenAccuracy
        >>> metric = TokenAccuracy(padding=0)
        >>> metric.update_state([[1, 2, 0]], np.eye(3)[[[1, 1, 1]]])
        >>> float(metric.result())
        0.5
    """

    NAME = "accuracy"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right tokens of a batch."""
        right, real = _compare_tokens(y_true, y_pred, self.padding)
        weights = ops.cast(real, "float32")
        if sample_weight is not None:
            weights = weights * ops.cast(sample_weight, "float32")
        super().update_state(ops.cast(right, "float32"), weights)


@keras.saving.register_keras_serializable("rnnzoo")
class ExactMatch(PaddedMean):
    """Fraction of sequences that are right in every token, padding left out.

    Use it where an answer with one wrong token is a wrong answer.

    Args:
        padding: Target that marks padding.
        name: Name in logs.

    Shapes: targets `[batch, time]`, logits or probabilities `[batch, time, classes]`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.metrics import ExactMatch
        >>> metric = ExactMatch(padding=0)
        >>> metric.update_state([[1, 2], [1, 0]], np.eye(3)[[[1, 1], [1, 1]]])
        >>> float(metric.result())
        0.5
    """

    NAME = "exact_match"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right sequences of a batch; weights, per token, have no part."""
        right, real = _compare_tokens(y_true, y_pred, self.padding)
        wrong = ops.logical_and(real, ops.logical_not(right))
        super().update_state(ops.logical_not(ops.any(wrong, axis=1)))


@keras.saving.register_keras_serializable("rnnzoo")
class BitAccuracy(keras.metrics.Mean):
    """Fraction of bits that are right, steps that are masked left out.

    Use it for logits of bits: a positive one is a 1.

    Args:
        name: Name in logs.

    Shapes: targets and logits `[batch, time, bits]`.

    Example:
        >>> from rnnzoo.layers.metrics import BitAccuracy
        >>> metric = BitAccuracy()
        >>> metric.update_state([[[1.0], [0.0]]], [[[2.5], [0.1]]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, name: str = "accuracy", **options: Any):
        super().__init__(name=name, **options)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right bits of a batch; weights are per step."""
        mask = get_mask(y_pred)
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        right = ops.equal(ops.greater(y_true, 0.5), ops.greater(y_pred, 0.0))
        weights = ops.ones_like(right[..., 0], "float32")
        if mask is not None:
            weights = ops.cast(mask, "float32")
        if sample_weight is not None:
            weights = weights * ops.cast(sample_weight, "float32")
        right = ops.mean(ops.cast(right, "float32"), axis=-1)
        super().update_state(right, weights)


def _compare_tokens(y_true: Any, y_pred: Any, padding: int) -> tuple:
    """Returns which tokens are right, and which are real."""
    y_true = ops.cast(y_true, "int32")
    y_pred = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    return ops.equal(y_true, y_pred), ops.not_equal(y_true, padding)
