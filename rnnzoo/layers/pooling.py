"""Masked pooling of a sequence into one vector."""

from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_choice

POOLINGS = ("mean", "max", "mean_max", "attention")


@keras.saving.register_keras_serializable("rnnzoo")
class SequencePooling(keras.layers.Layer):
    """Pools the real steps of a sequence into one vector.

    Use it where the final state of a recurrent layer forgets too much. (Pooling the
    last step needs no layer: `RecurrentStack` returns the state after it.)

    Inputs: `[batch, time, units]`, optionally with a mask `[batch, time]`; masked
    steps have no influence. A row without any real step gives zeros.

    Outputs: `[batch, units]`, or `[batch, 2 * units]` of `"mean_max"`.

    Args:
        kind: `"mean"`; `"max"`; `"mean_max"`: the one and then the other (Howard and
            Ruder, 2018, without the last step); or `"attention"`: a mean weighted by
            the softmax of a learned score of each step (Lin et al., 2017, one hop).

    Raises:
        ValueError: If `kind` is not one of these.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.pooling import SequencePooling
        >>> steps = np.array([[[1.0], [3.0], [100.0]]], "float32")
        >>> mask = np.array([[True, True, False]])
        >>> float(SequencePooling("mean")(steps, mask=mask)[0, 0])
        2.0

    References:
        - Lin et al., "A structured self-attentive sentence embedding", ICLR 2017,
          arXiv:1703.03130.
        - Howard and Ruder, "Universal language model fine-tuning for text
          classification", ACL 2018, arXiv:1801.06146, section 3.3.
    """

    def __init__(self, kind: str = "mean", **layer_options: Any):
        super().__init__(**layer_options)
        check_choice("kind", kind, POOLINGS)
        self.kind = kind
        self.supports_masking = True
        if kind == "attention":
            self.score = keras.layers.Dense(1, dtype=self.dtype_policy, name="score")

    def build(self, inputs_shape: tuple) -> None:
        """Creates the score's weights where there are any."""
        if self.kind == "attention":
            self.score.build(inputs_shape)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Pools `[batch, time, units]` to `[batch, units]`."""
        if mask is None:
            mask = ops.ones_like(inputs[..., 0], dtype="bool")
        mask = ops.expand_dims(mask, -1)
        pooled = []
        if self.kind in ("mean", "mean_max"):
            weights = ops.cast(mask, inputs.dtype)
            total = ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1.0)
            pooled.append(_weighted_sum(inputs, mask, weights / total))
        if self.kind in ("max", "mean_max"):
            lowest = -6e4  # representable in float16
            highest = ops.max(ops.where(mask, inputs, lowest), axis=1)
            pooled.append(ops.where(ops.any(mask, axis=1), highest, 0.0))
        if self.kind == "attention":
            scores = ops.where(mask, self.score(inputs), -6e4)
            weights = ops.softmax(scores, axis=1) * ops.cast(mask, inputs.dtype)
            pooled.append(_weighted_sum(inputs, mask, weights))
        return ops.concatenate(pooled, axis=-1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Returns none: one vector per row has no time axis."""
        return None

    def compute_output_shape(self, inputs_shape: tuple) -> tuple:
        """Returns `(batch, units)`, or with twice the units for two poolings."""
        return (inputs_shape[0], inputs_shape[-1] * (1 + (self.kind == "mean_max")))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "kind": self.kind}


def _weighted_sum(inputs: Any, mask: Any, weights: Any) -> Any:
    """Adds up weighted steps; what masked ones hold has no influence, even infinity."""
    return ops.sum(ops.where(mask, inputs, 0.0) * weights, axis=1)
