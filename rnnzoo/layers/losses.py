"""Losses that Keras lacks."""

from typing import Any

import keras
from keras import ops

from rnnzoo.layers.keras_internals import set_mask


@keras.saving.register_keras_serializable("rnnzoo")
class SmoothedCrossentropy(keras.losses.Loss):
    r"""Cross-entropy of tokens with label smoothing, padding left out.

    Use it for models that write. With $\epsilon$ the smoothing, $V$ the number of
    classes and $p$ the softmax of the logits, the loss of target $k$ is
    $-(1 - \epsilon) \log p_k - \frac{\epsilon}{V} \sum_j \log p_j$. Keras smooths the
    labels of its dense cross-entropy only, which needs a vector of classes per token.

    Args:
        smoothing: $\epsilon$, from 0 to below 1.
        padding: Target that marks padding.
        name: Name of the loss.

    Shapes: targets `[batch, time]`, logits `[batch, time, classes]`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.losses import SmoothedCrossentropy
        >>> loss = SmoothedCrossentropy(smoothing=0.1)
        >>> logits = np.log([[[0.1, 0.8, 0.1], [0.5, 0.4, 0.1]]])
        >>> round(float(loss([[1, 0]], logits)), 4)
        0.3618

    References:
        Szegedy et al., "Rethinking the Inception architecture for computer vision",
        CVPR 2016, arXiv:1512.00567, section 7.
    """

    def __init__(
        self,
        smoothing: float = 0.1,
        padding: int = 0,
        name: str = "smoothed_crossentropy",
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.smoothing, self.padding = smoothing, padding

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of every token, 0 for padding."""
        y_true = ops.cast(y_true, "int32")
        real = ops.not_equal(y_true, self.padding)
        losses = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        if self.smoothing:
            # -log p_j is the logarithm of the sum of exponentials, less logit j.
            rest = ops.logsumexp(y_pred, axis=-1) - ops.mean(y_pred, axis=-1)
            losses = (1 - self.smoothing) * losses + self.smoothing * rest
        losses = ops.where(real, losses, 0.0)
        set_mask(losses, real)
        return losses

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "smoothing": self.smoothing,
            "padding": self.padding,
        }
