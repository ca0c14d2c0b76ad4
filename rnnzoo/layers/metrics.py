"""Metrics and losses that Keras lacks."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.layers.keras_internals import get_mask, set_mask


def expand_to_steps(weights: Any, outputs: Any) -> Any:
    """Returns weights of rows as weights `[rows, steps]` of outputs that have steps.

    Args:
        weights: Weights `[rows]`, `[rows, 1]`, or `[rows, steps]`; `None` for none.
        outputs: Outputs `[rows, steps, ...]`, or `[rows, ...]` without steps.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.metrics import expand_to_steps
        >>> expand_to_steps(np.array([2.0, 5.0]), np.zeros((2, 3, 4))).numpy().tolist()
        [[2.0, 2.0, 2.0], [5.0, 5.0, 5.0]]
    """
    if weights is None or len(outputs.shape) != 3:
        return weights
    weights = ops.convert_to_tensor(weights)
    if len(weights.shape) == 1:
        weights = ops.expand_dims(weights, -1)
    # As it has a mask, Keras squeezes a dimension of 1, whatever it stands for.
    return weights * ops.ones_like(outputs[..., 0], dtype=weights.dtype)


class MeasuredLoss(keras.losses.Loss):
    """The mean of losses that a layer has measured, over the targets that count."""

    def __init__(self, padding: int | None = None):
        super().__init__(name="measured")
        self.padding = padding

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the losses `y_pred`, masked where the target is padding."""
        if self.padding is None:
            return y_pred
        real = ops.not_equal(y_true, self.padding)
        losses = ops.where(real, y_pred, 0.0)
        set_mask(losses, real)
        return losses


class PaddedMean(keras.metrics.Mean):
    """Base of means over targets `[batch, time]` of which one marks padding.

    Outputs are logits or probabilities `[batch, time, classes]`.

    Args:
        padding: Target that marks padding.
        name: Name in logs.
    """

    def __init__(self, padding: int = 0, name: str | None = None, **options: Any):
        super().__init__(name=name or self.NAME, **options)
        self.padding = padding

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable("rnnzoo")
class TokenAccuracy(PaddedMean):
    """Fraction of tokens that are right, padding left out; as `PaddedMean`.

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
            sample_weight = expand_to_steps(sample_weight, y_pred)
            weights = weights * ops.cast(sample_weight, "float32")
        super().update_state(ops.cast(right, "float32"), weights)


@keras.saving.register_keras_serializable("rnnzoo")
class ExactMatch(PaddedMean):
    """Fraction of sequences whose tokens are all right, without padding.

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
        """Counts the right sequences of a batch.

        The weight of a sequence is the mean weight of its tokens.
        """
        right, real = _compare_tokens(y_true, y_pred, self.padding)
        wrong = ops.logical_and(real, ops.logical_not(right))
        if sample_weight is not None:
            weights = ops.cast(expand_to_steps(sample_weight, y_pred), "float32")
            real = ops.cast(real, "float32")
            total = ops.sum(weights * real, axis=1)
            sample_weight = ops.divide_no_nan(total, ops.sum(real, axis=1))
        super().update_state(ops.logical_not(ops.any(wrong, axis=1)), sample_weight)


@keras.saving.register_keras_serializable("rnnzoo")
class SpanF1(keras.metrics.Metric):
    """F1 of spans of tags `[batch, time]`: right ones have place and label of a target.

    Outputs are scores of the tags, `[batch, time, tags]`, of which the highest counts.

    Args:
        labels: For each tag, the number of its label; -1 for a tag outside of spans.
        begins: For each tag, and each one behind it, whether this begins a span.
        padding: Target that marks padding.
        name: Name in logs.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.metrics import SpanF1
        >>> begins = [[False, True, True], [False, True, False], [False, True, False]]
        >>> metric = SpanF1([-1, 0, 0], begins)  # the tags O, B, I
        >>> metric.update_state([[1, 2, 0, 1, -1]], np.eye(3)[[[1, 2, 0, 0, 1]]])
        >>> round(float(metric.result()), 4)  # all that is found, of two
        0.6667
    """

    def __init__(
        self,
        labels: Sequence[int],
        begins: Sequence[Sequence[bool]],
        padding: int = -1,
        name: str = "span_f1",
        **options: Any,
    ):
        super().__init__(name=name, **options)
        self.labels, self.begins, self.padding = list(labels), list(begins), padding
        self.right, self.found, self.wanted = (
            self.add_variable((), initializer="zeros", name=kind)
            for kind in ("right", "found", "wanted")
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the spans of a batch; a span has the weight of its first step."""
        y_true = ops.cast(y_true, "int32")
        weights = ops.ones_like(y_true, dtype="float32")
        if sample_weight is not None:
            sample_weight = expand_to_steps(sample_weight, y_pred)
            weights = weights * ops.cast(sample_weight, "float32")
        real = ops.not_equal(y_true, self.padding)
        tags = [y_true, ops.cast(ops.argmax(y_pred, axis=-1), "int32")]
        (labels, begin, end), (others, other_begin, other_end) = (
            self._find_spans(ops.where(real, part, -1)) for part in tags
        )
        # A span is right if both begin it, and the next end of one is that of both.
        ends = ops.cast(ops.logical_or(end, other_end), "int32")
        rows, steps = ops.shape(ends)[0], ops.shape(ends)[1]
        numbers = ops.cumsum(ends, axis=1) - ends
        numbers = numbers + ops.arange(rows, dtype="int32")[:, None] * steps
        both = ops.cast(ops.logical_and(end, other_end), "int32")
        is_right = ops.segment_sum(
            ops.reshape(both, (-1,)), ops.reshape(numbers, (-1,)), rows * steps
        )
        is_same = ops.logical_and(begin, other_begin) & ops.equal(labels, others)
        is_right = is_same & ops.cast(ops.take(is_right, numbers), "bool")
        for count, counted in (
            (self.right, is_right),
            (self.found, other_begin),
            (self.wanted, begin),
        ):
            count.assign_add(ops.sum(weights * ops.cast(counted, "float32")))

    def _find_spans(self, tags: Any) -> tuple:
        """Returns labels, and whether a span begins and ends at each step."""
        count = len(self.labels)
        # One tag more is outside, and stands for what is no tag.
        begins = np.zeros((count + 1, count + 1), bool)
        begins[:count, :count] = self.begins
        begins[count, :count] = np.array(self.labels) >= 0
        known = ops.convert_to_tensor(np.array([*self.labels, -1], "int32"))
        tags = ops.where(tags < 0, count, tags)
        padded = ops.pad(tags, [(0, 0), (1, 1)], constant_values=count)
        pairs = padded[:, :-1] * (count + 1) + padded[:, 1:]
        begin = ops.take(ops.convert_to_tensor(begins.reshape(-1)), pairs)
        labels = ops.take(known, padded)
        is_over = ops.logical_or(begin[:, 1:], labels[:, 2:] < 0)
        labels = labels[:, 1:-1]
        return labels, begin[:, :-1], ops.logical_and(labels >= 0, is_over)

    def result(self) -> Any:
        """Returns F1 of all spans counted so far; 0 if there are none."""
        return ops.divide_no_nan(2 * self.right, self.found + self.wanted)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("labels", "begins", "padding")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("rnnzoo")
class BitAccuracy(keras.metrics.Mean):
    """Fraction of bits that are right, masked steps left out.

    Targets and logits, of which positive ones are 1, are `[batch, time, bits]`.

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
        """Counts the right bits of a batch; weights are per row or per step."""
        mask = get_mask(y_pred)
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        right = ops.equal(ops.greater(y_true, 0.5), ops.greater(y_pred, 0.0))
        weights = ops.ones_like(right[..., 0]) if mask is None else mask
        weights = ops.cast(weights, "float32")
        if sample_weight is not None:
            sample_weight = expand_to_steps(sample_weight, y_pred)
            weights = weights * ops.cast(sample_weight, "float32")
        right = ops.mean(ops.cast(right, "float32"), axis=-1)
        super().update_state(right, weights)


def _compare_tokens(y_true: Any, y_pred: Any, padding: int) -> tuple:
    y_true = ops.cast(y_true, "int32")
    y_pred = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    return ops.equal(y_true, y_pred), ops.not_equal(y_true, padding)


@keras.saving.register_keras_serializable("rnnzoo")
class SmoothedCrossentropy(keras.losses.Loss):
    r"""Cross-entropy of tokens with label smoothing (arXiv:1512.00567).

    With $\epsilon$ the smoothing, $V$ the number of classes and $p$ the softmax of the
    logits, the loss of target $k$ is
    $-(1 - \epsilon) \log p_k - \frac{\epsilon}{V} \sum_j \log p_j$.
    Targets are `[batch, time]`, logits `[batch, time, classes]`.

    Args:
        smoothing: $\epsilon$, from 0 to below 1.
        padding: Target that marks padding.
        name: Name of the loss.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.metrics import SmoothedCrossentropy
        >>> loss = SmoothedCrossentropy(smoothing=0.1)
        >>> logits = np.log([[[0.1, 0.8, 0.1], [0.5, 0.4, 0.1]]])
        >>> round(float(loss([[1, 0]], logits)), 4)
        0.3618
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
        own = {"smoothing": self.smoothing, "padding": self.padding}
        return {**super().get_config(), **own}
