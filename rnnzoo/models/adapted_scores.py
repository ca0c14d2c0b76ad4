"""Scores of language models that adapt to the text that they measure, as they read."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_choice, check_number
from rnnzoo.models.language_graphs import IDS, LanguageGraphs
from rnnzoo.tokens.graphs import compile_for_python


@dataclasses.dataclass(frozen=True)
class DynamicEvaluation:
    """Learns each segment of a text once it is measured (Krause et al., 2018).

    The weights take a step of gradient descent after every segment, and are drawn back
    to what they were (arXiv:1709.07432). When the text is over, they are as before.

    Args:
        learning_rate: Of the steps.
        segment: Symbols between two steps.
        decay: Fraction of the way back to the weights of before, at every step.
        clip_norm: Largest global norm of the gradients.

    Example:
        >>> from rnnzoo import language_model
        >>> from rnnzoo.models.adapted_scores import DynamicEvaluation
        >>> model = language_model(weights=None, vocabulary="abc", units=8)
        >>> static = model.score("abc" * 40)["nats"]
        >>> adapted = model.score("abc" * 40, adapt=DynamicEvaluation(0.5))["nats"]
        >>> adapted < static
        True
    """

    learning_rate: float = 0.05
    segment: int = 20
    decay: float = 0.001
    clip_norm: float = 1.0

    def __post_init__(self):
        """Checks the settings."""
        check_number("learning_rate", self.learning_rate, above=0)
        check_number("segment", self.segment, minimum=1, whole=True)
        check_number("decay", self.decay, minimum=0, below=1)
        check_number("clip_norm", self.clip_norm, above=0)

    def measure(self, model: Any, text: str) -> tuple[float, int]:
        """Returns the loss of a text in nats, and its symbols."""
        step, before = model.find_adapted(self, self._make_step)
        weights = model.get_weights()
        for old, variable in zip(before, model.trainable_variables, strict=True):
            old.assign(variable.value)
        nats, symbols = 0.0, 0
        try:
            state = model.start(np.zeros(1, "uint64"))
            for ids in _cut(model, text, self.segment):
                lost, state = step(state, ids)
                nats, symbols = nats + float(lost), symbols + ids.shape[1]
        finally:
            model.set_weights(weights)
        return nats, symbols

    def _make_step(self, model: Any) -> tuple[Callable, list]:
        """Returns the graph of a step, and variables for the weights of before."""
        variables = [variable.value for variable in model.trainable_variables]
        before = [tf.Variable(value, trainable=False) for value in variables]

        def step(state: Any, ids: Any) -> tuple:
            with tf.GradientTape() as tape:
                nats, state = model.measure_tokens(state, ids)
                loss = tf.reduce_sum(nats) / tf.cast(tf.size(ids), nats.dtype)
            gradients = tape.gradient(loss, variables)
            gradients = [tf.convert_to_tensor(one) for one in gradients]
            gradients, _ = tf.clip_by_global_norm(gradients, self.clip_norm)
            for variable, gradient, old in zip(
                variables, gradients, before, strict=True
            ):
                back = self.decay * (old - variable)
                variable.assign_add(back - self.learning_rate * gradient)
            return tf.reduce_sum(nats), state

        return compile_for_python(step, model.writer.state_spec, IDS), before


@dataclasses.dataclass(frozen=True)
class NeuralCache:
    r"""Remembers which symbol came after which features (Grave et al., 2017).

    Of the features $h_i$ before each of the last symbols $w_i$, the cache makes
    $p(w) \propto \sum_i [w = w_i] \exp(\theta \, h \cdot h_i)$, mixed with what
    the model predicts (arXiv:1612.04426).

    Args:
        size: How many of the last symbols are remembered.
        theta: $\theta$, from 0 for all alike.
        share: How much of the mixture is the cache's.

    Example:
        >>> from rnnzoo import language_model
        >>> from rnnzoo.models.adapted_scores import NeuralCache
        >>> model = language_model(weights=None, vocabulary="abc", units=8)
        >>> static = model.score("a" * 40)["nats"]
        >>> model.score("a" * 40, adapt=NeuralCache(share=0.5))["nats"] < static
        True
    """

    size: int = 500
    theta: float = 0.3
    share: float = 0.1

    def __post_init__(self):
        """Checks the settings."""
        check_number("size", self.size, minimum=1, whole=True)
        check_number("theta", self.theta, minimum=0)
        check_number("share", self.share, minimum=0, below=1)

    def measure(self, model: Any, text: str) -> tuple[float, int]:
        """Returns the loss of a text in nats, and its symbols."""
        step = model.find_adapted(self, self._make_step)
        state = model.start(np.zeros(1, "uint64"))
        keys = tf.zeros((0, model.recurrence.units))
        words = tf.zeros((0,), tf.int32)
        nats, symbols = 0.0, 0
        for ids in _cut(model, text, min(self.size, 256)):
            lost, state, keys, words = step(state, ids, keys, words)
            nats, symbols = nats + float(lost), symbols + ids.shape[1]
        return nats, symbols

    def _make_step(self, model: Any) -> Callable:
        def step(state: Any, ids: Any, keys: Any, words: Any) -> tuple:
            features, state = model.read_token_features(state, ids)
            shares = tf.nn.log_softmax(tf.cast(model.head(features)[0], tf.float32))
            own = tf.gather(shares, ids[0], batch_dims=1)
            new = tf.cast(features[0], tf.float32)
            keys, words = tf.concat([keys, new], 0), tf.concat([words, ids[0]], 0)
            # What is before each symbol, and not too long ago.
            places = tf.range(tf.size(words))
            here = places[tf.size(words) - tf.size(ids) :, None]
            is_seen = (places < here) & (places >= here - self.size)
            scores = self.theta * tf.matmul(new, keys, transpose_b=True)
            scores = tf.where(is_seen, scores, -np.inf)
            total = tf.reduce_logsumexp(scores, axis=1)
            is_same = tf.equal(words, ids[0][:, None])
            same = tf.reduce_logsumexp(tf.where(is_same, scores, -np.inf), axis=1)
            cached = tf.where(total > -np.inf, tf.exp(same - total), 0.0)
            mixed = (1 - self.share) * tf.exp(own) + self.share * cached
            # The first symbol has nothing before it.
            mixed = tf.where(total > -np.inf, mixed, tf.exp(own))
            lost = -tf.reduce_sum(tf.cast(tf.math.log(mixed), tf.float64))
            return lost, state, keys[-self.size :], words[-self.size :]

        return compile_for_python(
            step,
            model.writer.state_spec,
            IDS,
            tf.TensorSpec((None, model.recurrence.units)),
            tf.TensorSpec((None,), tf.int32),
        )


ADAPTATIONS = {"dynamic": DynamicEvaluation, "cache": NeuralCache}


class AdaptedScores(LanguageGraphs):
    """Base of language models: measures texts, and may adapt to each."""

    @functools.cached_property
    def _adapted(self) -> dict:
        return {}

    def find_adapted(self, adapt: Any, make: Callable) -> Any:
        """Returns what `make(model)` makes for these settings, once."""
        if adapt not in self._adapted:
            self._adapted[adapt] = make(self)
        return self._adapted[adapt]

    def score_adapted(self, texts: list[str], adapt: Any) -> tuple:
        """Returns the losses of texts in nats, and their symbols, each `[texts]`."""
        if isinstance(adapt, str):
            check_choice("adapt", adapt, ADAPTATIONS)
            adapt = ADAPTATIONS[adapt]()
        if not isinstance(adapt, tuple(ADAPTATIONS.values())):
            raise TypeError(
                "adapt must be 'dynamic', 'cache', or one of "
                "rnnzoo.models.adapted_scores with settings. Received: "
                f"adapt={adapt!r}"
            )
        if isinstance(adapt, DynamicEvaluation):
            self.refuse_quantized("Dynamic evaluation")
        found = [adapt.measure(self, text) for text in texts]
        nats, symbols = np.array(found, "float64").reshape(-1, 2).T
        return nats, symbols.astype(int)


def _cut(model: Any, text: str, length: int) -> Iterator[np.ndarray]:
    """Yields the numbers of the symbols of a text, `[1, symbols]`, in segments."""
    for chunk in model.tokens.chunks(text, length):
        ids = model.tokens.encode([chunk])[:, 1:]
        if ids.shape[1]:
            yield ids
