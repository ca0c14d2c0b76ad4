"""Penalties of activations: states that are small, and change slowly."""

from typing import Any

from keras import ops

from rnnzoo.errors import check_number
from rnnzoo.layers.keras_internals import get_mask


class ActivationPenalties:
    r"""Activation regularization, and temporal activation regularization.

    With features $h_t$ of the real steps, the penalty is
    $\alpha \, \overline{h_t^2} + \beta \, \overline{(h_t - h_{t-1})^2}$, with means
    over steps and features (Merity et al., 2017, arXiv:1708.01009).

    Args:
        activation_penalty: $\alpha$.
        temporal_penalty: $\beta$.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.penalties import ActivationPenalties
        >>> penalties = ActivationPenalties(2.0, 1.0)
        >>> float(penalties.measure(np.array([[[1.0], [3.0]]])))
        14.0
    """

    def __init__(self, activation_penalty: float = 0.0, temporal_penalty: float = 0.0):
        check_number("activation_penalty", activation_penalty, minimum=0)
        check_number("temporal_penalty", temporal_penalty, minimum=0)
        self.activation_penalty = activation_penalty
        self.temporal_penalty = temporal_penalty

    @property
    def is_used(self) -> bool:
        """Whether there is any penalty."""
        return bool(self.activation_penalty or self.temporal_penalty)

    def measure(self, features: Any) -> Any:
        """Returns the penalty of features `[batch, steps, features]`, a scalar."""
        mask = get_mask(features)
        features = ops.cast(features, "float32")
        real = ops.ones_like(features[..., :1])
        if mask is not None:
            real = ops.cast(mask, "float32")[..., None]
        changes = features[:, 1:] - features[:, :-1]
        parts = [
            (self.activation_penalty, features, real),
            (self.temporal_penalty, changes, real[:, 1:] * real[:, :-1]),
        ]
        total: Any = 0.0
        for rate, values, shares in parts:
            if rate:
                found = ops.sum(ops.square(values) * shares)
                count = ops.sum(shares) * features.shape[-1]
                total = total + rate * ops.divide_no_nan(found, count)
        return total
