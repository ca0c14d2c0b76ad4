"""Attention to the steps of a sequence, and pooling of them into one vector."""

from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_choice, check_number

SCORES = ("additive", "multiplicative")
POOLINGS = ("mean", "max", "mean_max", "attention")


@keras.saving.register_keras_serializable("rnnzoo")
class SequenceAttention(keras.layers.Layer):
    r"""Attends from each query step to the real steps of a memory.

    The score of query $q_t$ for memory step $m_s$ is

    - additive (Bahdanau et al., arXiv:1409.0473): $v^\top \tanh(W q_t + U m_s)$;
    - multiplicative (Luong et al., arXiv:1508.04025, "general"): $q_t^\top W m_s$.

    Inputs: query `[batch, steps, query_units]`, memory `[batch, time, memory_units]`,
    and optionally `memory_mask` `[batch, time]` (true = real step), and as `keys` what
    `project` returned for a memory that is attended to many times.

    Outputs: a pair of the context `[batch, steps, memory_units]`, the memory's weighted
    mean, and the weights `[batch, steps, time]`: the softmax of the scores, exactly
    zero at masked steps, and all zero if the memory has no real step.

    Args:
        units: Size of the additive score's hidden layer.
        score: `"additive"` or `"multiplicative"`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.attention import SequenceAttention
        >>> attention = SequenceAttention(units=16, score="additive")
        >>> query, memory = np.ones((2, 3, 8), "float32"), np.ones((2, 5, 4), "float32")
        >>> context, weights = attention(query, memory)
        >>> tuple(context.shape), tuple(weights.shape)
        ((2, 3, 4), (2, 3, 5))
    """

    def __init__(self, units: int, *, score: str = "additive", **kwargs: Any):
        super().__init__(**kwargs)
        check_number("units", units, minimum=1, whole=True)
        check_choice("score", score, SCORES)
        self.units, self.score = units, score
        self.supports_masking = True

    def build(self, query_shape: tuple, memory_shape: tuple) -> None:
        """Creates the projections."""
        query, memory, units = query_shape[-1], memory_shape[-1], self.units
        if self.score == "additive":
            self.query_kernel = self.add_weight((query, units), name="query_kernel")
            self.memory_kernel = self.add_weight((memory, units), name="memory_kernel")
            self.score_kernel = self.add_weight((units, 1), name="score_kernel")
        else:
            self.query_kernel = self.add_weight((query, memory), name="kernel")

    def project(self, memory: Any) -> Any:
        """Returns what queries are compared with: keys `[batch, time, units]`."""
        if self.score == "additive":
            kernel = ops.convert_to_tensor(self.memory_kernel)
        else:
            kernel = ops.transpose(ops.convert_to_tensor(self.query_kernel))
        return ops.matmul(memory, ops.cast(kernel, memory.dtype))

    def call(
        self, query: Any, memory: Any, memory_mask: Any = None, keys: Any = None
    ) -> tuple:
        """Returns the context of each query step and the weights behind it."""
        if keys is None:
            keys = self.project(memory)
        if self.score == "additive":
            projected = ops.matmul(query, self.query_kernel)
            hidden = ops.tanh(projected[:, :, None, :] + keys[:, None, :, :])
            scores = ops.squeeze(ops.matmul(hidden, self.score_kernel), -1)
        else:
            scores = ops.matmul(query, ops.transpose(keys, (0, 2, 1)))
        if memory_mask is None:
            weights = ops.softmax(scores)
        else:
            real = memory_mask[:, None, :]
            weights = ops.softmax(ops.where(real, scores, -6e4))
            weights = weights * ops.cast(real, weights.dtype)
        return ops.matmul(weights, memory), weights

    def compute_mask(self, *inputs: Any, **masks: Any) -> tuple:
        """Returns no mask for the context and none for the weights."""
        return None, None


@keras.saving.register_keras_serializable("rnnzoo")
class SequencePooling(keras.layers.Layer):
    """Pools the real steps of a sequence into one vector.

    Inputs: `[batch, time, units]`, optionally with a mask `[batch, time]`; masked
    steps have no influence. A row without any real step gives zeros.

    Outputs: `[batch, units]`, or `[batch, 2 * units]` of `"mean_max"`.

    Args:
        kind: `"mean"`; `"max"`; `"mean_max"`: the one and then the other (Howard and
            Ruder, arXiv:1801.06146, without the last step); or `"attention"`: a mean
            weighted by the softmax of a learned score of each step (Lin et al.,
            arXiv:1703.03130, one hop).

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.attention import SequencePooling
        >>> steps = np.array([[[1.0], [3.0], [100.0]]], "float32")
        >>> mask = np.array([[True, True, False]])
        >>> float(SequencePooling("mean")(steps, mask=mask)[0, 0])
        2.0
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


def _weighted_sum(inputs: Any, mask: Any, weights: Any) -> Any:
    """Adds up weighted steps; what masked ones hold has no influence, even infinity."""
    return ops.sum(ops.where(mask, inputs, 0.0) * weights, axis=1)
