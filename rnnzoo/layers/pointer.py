"""Pointing at the steps of a sequence, each once."""

from typing import Any

import keras
from keras import ops

from rnnzoo.layers.keras_internals import set_mask
from rnnzoo.layers.metrics import ExactMatch, TokenAccuracy

# The score of a step that cannot be pointed at: its probability is 0.
NEVER = -1e9


@keras.saving.register_keras_serializable("rnnzoo")
class PointerScores(keras.layers.Layer):
    r"""Scores each step of a source, at each step of a query.

    A pointer network (Vinyals et al., arXiv:1506.03134) has no fixed vocabulary: its
    softmax is over the steps of its input. The score of query $q_t$ for source step
    $x_i$, which an encoder has read as $h_i$, is $q_t^\top (W h_i + U (s \odot x_i))$.
    The weights $s$ of the features, above 0, are learned as logarithms: small
    differences between steps can so become large ones between scores. Calculated in
    float32.

    Inputs: query `[batch, steps, units]`, memory `[batch, time, memory_units]`, source
    `[batch, time, features]`, of which steps of zeros are padding.

    Outputs: scores `[batch, steps, time + 1]`: of step `i` at `i`, counted from 1; -1e9
    for padding, and at 0.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.pointer import PointerScores
        >>> query, memory = np.ones((2, 3, 8), "float32"), np.ones((2, 5, 4), "float32")
        >>> tuple(PointerScores()(query, memory, np.ones((2, 5, 2))).shape)
        (2, 3, 6)
    """

    def __init__(self, **layer_options: Any):
        super().__init__(**{**layer_options, "dtype": "float32"})
        self.supports_masking = True

    def build(
        self, query_shape: tuple, memory_shape: tuple, source_shape: tuple
    ) -> None:
        """Creates the weights."""
        units, features = query_shape[-1], source_shape[-1]
        self.memory_kernel = self.add_weight(
            (units, memory_shape[-1]), name="memory_kernel"
        )
        self.source_kernel = self.add_weight((units, features), name="source_kernel")
        self.log_scale = self.add_weight((features,), "zeros", name="log_scale")

    def call(self, query: Any, memory: Any, source: Any) -> Any:
        """Returns the scores of all source steps at each step of the query."""
        scaled = source * ops.exp(self.log_scale)
        of_memory = ops.matmul(ops.matmul(query, self.memory_kernel), _turn(memory))
        of_source = ops.matmul(ops.matmul(query, self.source_kernel), _turn(scaled))
        real = ops.any(ops.not_equal(source, 0), axis=-1)[:, None]
        scores = ops.where(real, of_memory + of_source, NEVER)
        return ops.pad(scores, [(0, 0), (0, 0), (1, 0)], constant_values=NEVER)

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """Returns no mask: the targets say which steps are real."""
        return None


def _turn(steps: Any) -> Any:
    return ops.transpose(steps, (0, 2, 1))


def mask_met(targets: Any, scores: Any) -> Any:
    """Returns scores without those of the steps that targets have pointed at before.

    Args:
        targets: Numbers of source steps, from 1, `[batch, steps]`; 0 is padding.
        scores: Scores `[batch, steps, time + 1]`, as `PointerScores` gives them.
    """
    targets, scores = ops.cast(targets, "int32"), ops.convert_to_tensor(scores)
    chosen = ops.one_hot(targets, ops.shape(scores)[-1], dtype="float32")
    met = ops.cumsum(chosen, axis=1) - chosen
    return ops.where(ops.greater(met, 0.5), NEVER, scores)


@keras.saving.register_keras_serializable("rnnzoo")
class OrderLoss(keras.losses.Loss):
    """Negative log-likelihood of an order (Plackett and Luce).

    At each step the softmax is over the source steps that have not been pointed at
    before. Targets are numbers of source steps, from 1, `[batch, steps]`, 0 = padding;
    scores `[batch, steps, time + 1]`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.pointer import OrderLoss
        >>> scores = np.array([[[-1e9, 0, 0, 0]] * 3], "float32")
        >>> round(float(OrderLoss()([[3, 1, 2]], scores)) * 3, 4)  # log(3 * 2 * 1)
        1.7918
    """

    def __init__(self, name: str = "order_loss", **options: Any):
        super().__init__(name=name, **options)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of every step, 0 for padding."""
        targets = ops.cast(y_true, "int32")
        losses = ops.sparse_categorical_crossentropy(
            targets, mask_met(targets, y_pred), from_logits=True
        )
        real = ops.not_equal(targets, 0)
        losses = ops.where(real, losses, 0.0)
        set_mask(losses, real)
        return losses


@keras.saving.register_keras_serializable("rnnzoo")
class OrderAccuracy(TokenAccuracy):
    """Fraction of steps that point rightly where those before have.

    Example:
        >>> from rnnzoo.layers.pointer import OrderAccuracy
        >>> metric = OrderAccuracy()
        >>> metric.update_state([[2, 1]], [[[-9.0, 1.0, 2.0], [-9.0, 1.0, 2.0]]])
        >>> float(metric.result())
        1.0
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right steps of a batch."""
        super().update_state(y_true, mask_met(y_true, y_pred), sample_weight)


@keras.saving.register_keras_serializable("rnnzoo")
class OrderMatch(ExactMatch):
    """Fraction of orders that are right as a whole; as `OrderAccuracy`."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right orders of a batch."""
        super().update_state(y_true, mask_met(y_true, y_pred), sample_weight)
