"""Attention of a decoder over the encoder's steps."""

from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_choice, check_number

SCORES = ("additive", "multiplicative")


@keras.saving.register_keras_serializable("rnnzoo")
class SequenceAttention(keras.layers.Layer):
    r"""Attends from each query step to the real steps of a memory.

    Use it between a decoder and an encoder whose sequence is too long for one vector.
    Unlike `keras.layers.AdditiveAttention` and `keras.layers.Attention`, which hold at
    most a scale, it has the projections of the papers.

    The score of query $q_t$ for memory step $m_s$ is

    - additive (Bahdanau et al., 2015): $v^\top \tanh(W q_t + U m_s)$;
    - multiplicative (Luong et al., 2015, "general"): $q_t^\top W m_s$.

    The weights are the softmax of the scores over the memory's real steps; the context
    is the memory's mean under these weights.

    Inputs: query `[batch, steps, query_units]`, memory `[batch, time, memory_units]`,
    and optionally `memory_mask` `[batch, time]` (true = real step). Where one memory is
    asked many times, `keys`, what `project` returned for it, saves doing that again.

    Outputs: a pair `(context, weights)` of shapes `[batch, steps, memory_units]` and
    `[batch, steps, time]`. Masked memory steps weigh exactly zero; each row of weights
    sums to one, or to zero if the memory has no real step.

    Args:
        units: Size of the additive score's hidden layer; the multiplicative score has
            none and ignores it.
        score: `"additive"` or `"multiplicative"`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.attention import SequenceAttention
        >>> attention = SequenceAttention(units=16, score="additive")
        >>> query, memory = np.ones((2, 3, 8), "float32"), np.ones((2, 5, 4), "float32")
        >>> context, weights = attention(query, memory)
        >>> tuple(context.shape), tuple(weights.shape)
        ((2, 3, 4), (2, 3, 5))

    References:
        - Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to
          align and translate", ICLR 2015, arXiv:1409.0473.
        - Luong, Pham and Manning, "Effective approaches to attention-based neural
          machine translation", EMNLP 2015, arXiv:1508.04025.
    """

    def __init__(self, units: int, *, score: str = "additive", **kwargs: Any):
        super().__init__(**kwargs)
        check_number("units", units, minimum=1, whole=True)
        check_choice("score", score, SCORES)
        self.units = units
        self.score = score
        # Masks are handled here; none travels on with the context.
        self.supports_masking = True

    def build(self, query_shape: tuple, memory_shape: tuple) -> None:
        """Creates the projections."""

        def matrix(rows: int, columns: int, name: str):
            return self.add_weight(shape=(rows, columns), name=name)

        if self.score == "additive":
            self.query_kernel = matrix(query_shape[-1], self.units, "query_kernel")
            self.memory_kernel = matrix(memory_shape[-1], self.units, "memory_kernel")
            self.score_kernel = matrix(self.units, 1, "score_kernel")
        else:
            self.query_kernel = matrix(query_shape[-1], memory_shape[-1], "kernel")

    def project(self, memory: Any) -> Any:
        """Returns what queries are compared with: keys `[batch, time, units]`.

        Those of the multiplicative score have the query's size.
        """
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

    def compute_output_shape(self, query_shape: tuple, memory_shape: tuple) -> tuple:
        """Returns the shapes of context and weights."""
        return (
            (*query_shape[:-1], memory_shape[-1]),
            (*query_shape[:-1], memory_shape[1]),
        )

    def compute_mask(self, *inputs: Any, **masks: Any) -> tuple:
        """Returns no mask for the context and none for the weights."""
        return None, None
