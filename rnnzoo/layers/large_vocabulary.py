"""Output layers for many classes, whose training does not compute every logit.

Both give the exact log-probabilities of all classes when they are called, and a cheap
loss of given targets in `measure`. Classes must be in the order of their frequency, the
most frequent first, as vocabularies of `rnnzoo.tokens` are.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.errors import check_number, shorten
from rnnzoo.layers.keras_internals import get_mask, set_mask
from rnnzoo.layers.metrics import MeasuredLoss, expand_to_steps

# Logits of negative samples that are the target itself.
IMPOSSIBLE = -1e9


@keras.saving.register_keras_serializable("rnnzoo")
class AdaptiveSoftmax(keras.layers.Layer):
    """A softmax in two steps: first a frequent class or a cluster, then a rare class.

    Rare classes are in clusters, whose features are projected to fewer dimensions; a
    cluster is computed in training only for targets that are in it (Grave et al., 2017,
    arXiv:1609.04309).

    Inputs: features `[..., units]`. Outputs: the log-probabilities of all classes,
    `[..., num_classes]`, float32, which are also logits.

    Args:
        num_classes: How many classes there are.
        cutoffs: Where the clusters begin, ascending. Default: at a fifth of the
            classes, at most 4,000, and then at five times as many each.
        shrink: How much narrower each cluster is than the one before it.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.large_vocabulary import AdaptiveSoftmax
        >>> layer = AdaptiveSoftmax(10, cutoffs=[4, 6])
        >>> features = np.ones((1, 3, 8), "float32")
        >>> np.exp(layer(features)).sum(axis=-1).round(4).tolist()
        [[1.0, 1.0, 1.0]]
        >>> nats = layer.measure(features, np.array([[0, 5, 9]]))
        >>> np.allclose(-nats[0, 2], layer(features)[0, 2, 9], atol=1e-5)
        True
    """

    def __init__(
        self,
        num_classes: int,
        cutoffs: list[int] | None = None,
        shrink: int = 4,
        **options: Any,
    ):
        super().__init__(**options)
        check_number("num_classes", num_classes, minimum=2, whole=True)
        check_number("shrink", shrink, minimum=1, whole=True)
        found = choose_cutoffs(num_classes) if cutoffs is None else list(cutoffs)
        if found != sorted({cut for cut in found if 0 < cut < num_classes}):
            raise ValueError(
                f"cutoffs must be ascending integers between 1 and {num_classes - 1}. "
                f"Received: cutoffs={shorten(cutoffs)}"
            )
        self.num_classes, self.cutoffs, self.shrink = num_classes, found, shrink
        self.supports_masking = True
        self.supports_jit = False  # how many targets a cluster has is not known
        bounds = [*found, num_classes]
        self.clusters = list(zip(bounds[:-1], bounds[1:], strict=True))
        self.first = bounds[0]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        own = {"num_classes": self.num_classes, "cutoffs": self.cutoffs}
        return {**super().get_config(), **own, "shrink": self.shrink}

    def build(self, inputs_shape: tuple) -> None:
        """Creates the weights."""
        units = inputs_shape[-1]

        def dense(size: int, inputs: int, name: str, bias: bool = True) -> Any:
            layer = keras.layers.Dense(
                size, use_bias=bias, name=name, dtype=self.dtype_policy
            )
            layer.build((None, inputs))
            return layer

        self.head = dense(self.first + len(self.clusters), units, "head")
        self.projections, self.tails = [], []
        for number, (low, high) in enumerate(self.clusters):
            size = min(units, max(16, units // self.shrink ** (number + 1)))
            name = f"projection_{number}"
            self.projections.append(dense(size, units, name, bias=False))
            self.tails.append(dense(high - low, size, f"tail_{number}"))

    def call(self, inputs: Any) -> Any:
        """Returns the log-probabilities of all classes."""
        first = ops.log_softmax(ops.cast(self.head(inputs), "float32"))
        parts = [first[..., : self.first]]
        for number in range(len(self.clusters)):
            chosen = first[..., self.first + number : self.first + number + 1]
            logits = self.tails[number](self.projections[number](inputs))
            parts.append(chosen + ops.log_softmax(ops.cast(logits, "float32")))
        return ops.concatenate(parts, axis=-1)

    def measure(self, inputs: Any, targets: Any) -> Any:
        """Returns the negative log-probabilities of targets `[...]`, in nats."""
        shape = ops.shape(targets)
        targets = ops.reshape(ops.cast(targets, "int32"), (-1,))
        inputs = ops.reshape(inputs, (-1, inputs.shape[-1]))
        number = sum(
            (ops.cast(targets >= low, "int32") for low, _ in self.clusters),
            ops.zeros_like(targets),
        )
        chosen = ops.where(number > 0, self.first + number - 1, targets)
        nats = _cross_entropy(self.head(inputs), chosen)
        for place, (low, _) in enumerate(self.clusters):
            (rows,) = ops.nonzero(ops.equal(number, place + 1))
            rows = ops.cast(rows, "int32")
            features = self.projections[place](ops.take(inputs, rows, axis=0))
            logits = self.tails[place](features)
            more = _cross_entropy(logits, ops.take(targets, rows) - low)
            nats = nats + ops.scatter(rows[:, None], more, ops.shape(nats))
        return ops.reshape(nats, shape)


@keras.saving.register_keras_serializable("rnnzoo")
class SampledSoftmax(keras.layers.Layer):
    """A softmax over all classes that is trained against a sample of them.

    The loss estimates the sum over all other classes by `num_sampled` ones, drawn with
    a probability that falls with their rank, `log((k + 2) / (k + 1)) /
    log(num_classes + 1)` for class `k`, each weighted by how seldom it is drawn
    (importance sampling: Bengio and Senecal, 2008, doi:10.1109/TNN.2007.912312). It is
    in nats, as the loss of the full softmax is.

    Inputs: features `[..., units]`. Outputs: the logits of all classes,
    `[..., num_classes]`, float32.

    Args:
        num_classes: How many classes there are.
        num_sampled: How many classes are drawn for a batch.
        reader: A `SequenceReader` whose vectors of tokens are the weights, the first
            ones; `None` for weights of its own.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.large_vocabulary import SampledSoftmax
        >>> layer = SampledSoftmax(1000, num_sampled=64)
        >>> layer(np.ones((2, 3, 8), "float32")).shape
        TensorShape([2, 3, 1000])
        >>> layer.measure(np.ones((2, 3, 8), "float32"), np.ones((2, 3))).shape
        TensorShape([2, 3])
    """

    def __init__(
        self,
        num_classes: int,
        num_sampled: int = 2048,
        reader: Any = None,
        **options: Any,
    ):
        super().__init__(**options)
        check_number("num_classes", num_classes, minimum=2, whole=True)
        check_number("num_sampled", num_sampled, minimum=1, whole=True)
        self.num_classes, self.num_sampled = num_classes, num_sampled
        self.supports_masking = True
        self.seed_generator = keras.random.SeedGenerator()
        self.size = None if reader is None else reader.embedding_dim
        # The vectors belong to the reader: saved with it, and counted once.
        self.vectors = lambda: (
            self.kernel if reader is None else reader.embedding.embeddings
        )

    def build(self, inputs_shape: tuple) -> None:
        """Creates the weights."""
        units = inputs_shape[-1]
        self.projection = None
        if self.size is None:
            shape = (self.num_classes, units)
            self.kernel = self.add_weight(shape, "glorot_uniform", name="kernel")
        elif self.size != units:
            self.projection = keras.layers.Dense(
                self.size, use_bias=False, dtype=self.dtype_policy, name="projection"
            )
            self.projection.build(inputs_shape)
        self.bias = self.add_weight((self.num_classes,), "zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Returns the logits of all classes."""
        vectors = ops.convert_to_tensor(self.vectors())[: self.num_classes]
        vectors = ops.cast(vectors, self.compute_dtype)
        logits = ops.matmul(self._project(inputs), ops.transpose(vectors))
        return ops.cast(logits, "float32") + ops.cast(self.bias, "float32")

    def measure(self, inputs: Any, targets: Any) -> Any:
        """Returns the sampled loss of targets `[...]`, in nats."""
        shape = ops.shape(targets)
        targets = ops.reshape(ops.cast(targets, "int32"), (-1,))
        inputs = self._project(ops.reshape(inputs, (-1, inputs.shape[-1])))
        # Evenly spaced draws, which vary less than independent ones.
        span, count = math.log(self.num_classes + 1), self.num_sampled
        places = np.arange(count, dtype="float32") / count
        offset = keras.random.uniform((1,), seed=self.seed_generator) / count
        drawn = ops.cast(ops.exp((places + offset) * span), "int32") - 1
        drawn = ops.clip(drawn, 0, self.num_classes - 1)
        rank = ops.cast(drawn, "float32")
        expected = count / span * ops.log((rank + 2.0) / (rank + 1.0))

        weights, right = self._take(drawn), self._take(targets)
        others = ops.cast(ops.matmul(inputs, ops.transpose(weights[0])), "float32")
        others = others + weights[1] - ops.log(expected)
        hits = ops.equal(targets[:, None], drawn[None])
        others = ops.where(hits, IMPOSSIBLE, others)
        own = ops.cast(ops.sum(inputs * right[0], axis=-1), "float32") + right[1]
        logits = ops.concatenate([own[:, None], others], axis=-1)
        return ops.reshape(ops.logsumexp(logits, axis=-1) - own, shape)

    def _project(self, inputs: Any) -> Any:
        if self.projection is not None:
            inputs = self.projection(inputs)
        return ops.cast(inputs, self.compute_dtype)

    def _take(self, classes: Any) -> tuple:
        """Returns the vectors and biases of classes."""
        vectors = ops.cast(ops.take(self.vectors(), classes, 0), self.compute_dtype)
        return vectors, ops.cast(ops.take(self.bias, classes), "float32")


def measured_loss(
    head: Any, targets: Any, features: Any, padding: int | None, weights: Any = None
) -> Any:
    """Returns the mean loss that a layer measures for targets `[batch, time]`.

    Args:
        head: An `AdaptiveSoftmax` or `SampledSoftmax`.
        targets: Numbers of classes.
        features: What the layer takes, `[batch, time, units]`.
        padding: A target that does not count; `None` if all do.
        weights: A weight for each row, or for each step of each row.
    """
    mask = get_mask(features)
    nats = head.measure(features, targets)
    if mask is not None:
        set_mask(nats, mask)
    return MeasuredLoss(padding)(targets, nats, expand_to_steps(weights, features))


def choose_cutoffs(num_classes: int) -> list[int]:
    """Returns where the clusters of so many classes begin.

    Example:
        >>> from rnnzoo.layers.large_vocabulary import choose_cutoffs
        >>> choose_cutoffs(10_000), choose_cutoffs(200_000)
        ([2000], [4000, 20000, 100000])
    """
    cut, found = max(1, min(4000, num_classes // 5)), []
    while cut < num_classes:
        found.append(cut)
        cut *= 5
    return found


def _cross_entropy(logits: Any, targets: Any) -> Any:
    """Returns the loss of targets `[rows]` in nats, float32."""
    logits = ops.cast(logits, "float32")
    own = ops.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
    return ops.logsumexp(logits, axis=-1) - own
