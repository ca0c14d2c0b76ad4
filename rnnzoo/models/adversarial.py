"""Adversarial training: noise on vectors of tokens that raises the loss the most."""

import contextlib
from typing import Any

import keras
import tensorflow as tf

from rnnzoo.errors import check_number
from rnnzoo.layers.keras_internals import replace_untracked, set_untracked
from rnnzoo.mixin import Mixin


class AdversarialTraining(Mixin):
    """Mixed into classifiers: they may also learn from examples with noise.

    The noise on the vectors of an example's tokens is along the gradient of its loss
    (Miyato et al., 2017, arXiv:1605.07725). The loss of training is the sum of those
    without noise and with it.
    """

    _noise = 0.0

    def set_adversarial_noise(self, noise: float) -> None:
        """Sets how large the noise is; 0 for none. Call it before `fit`.

        Args:
            noise: Norm of the noise on an example, by the root mean square of the norms
                of its tokens' vectors.

        Example:
            >>> from rnnzoo import text_classifier
            >>> model = text_classifier(classes=["angry", "calm"], units=16, ngrams=0)
            >>> model.set_adversarial_noise(0.3)
            >>> texts, labels = ["Get out!", "Never mind."], ["angry", "calm"]
            >>> history = model.fit(texts, labels, verbose=0)
        """
        check_number("noise", noise, minimum=0)
        self._noise = float(noise)
        self.compile_with_defaults(self.optimizer)

    def compute_training_outputs(self, x: Any) -> Any:
        """Returns the outputs; with noise, remembers how the vectors lead to them."""
        if not self._noise:
            return super().compute_training_outputs(x)
        shape = (*keras.ops.shape(x), self.get_layer("reader").embedding_dim)
        vectors = tf.zeros(shape, self.compute_dtype)
        tape = tf.GradientTape(watch_accessed_variables=False)
        with tape, self._add(vectors):
            tape.watch(vectors)
            outputs = super().compute_training_outputs(x)
        # For `compute_loss` of the same trace.
        set_untracked(self, "_perturbed", (tape, vectors))
        return outputs

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the loss; in training, that with noise too."""
        found = self.__dict__.pop("_perturbed", None)
        if found is None:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        tape, vectors = found
        with tape:
            loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        gradient = tf.cast(tape.gradient(loss, vectors), "float32")
        norm = tf.sqrt(tf.reduce_sum(gradient**2, axis=(1, 2), keepdims=True))
        gradient = tf.math.divide_no_nan(gradient, norm)
        noise = self._noise * self._measure_vectors(x) * gradient
        with self._add(tf.stop_gradient(tf.cast(noise, vectors.dtype))):
            noisy = super().compute_training_outputs(x)
        return loss + super().compute_loss(x, y, noisy, sample_weight, training)

    def _measure_vectors(self, x: Any) -> Any:
        """Returns the root mean square of the norms of vectors, `[batch, 1, 1]`."""
        reader = self.get_layer("reader")
        vectors = tf.cast(reader(x, training=False), "float32")
        real = tf.cast(reader.compute_mask(x), "float32")[..., None]
        total = tf.reduce_sum(vectors**2 * real, axis=(1, 2), keepdims=True)
        count = tf.reduce_sum(real, axis=1, keepdims=True)
        return tf.stop_gradient(tf.sqrt(tf.math.divide_no_nan(total, count)))

    def _add(self, noise: Any) -> contextlib.AbstractContextManager:
        """Adds noise to the vectors of tokens, within a block."""
        return replace_untracked(self.get_layer("reader"), "noise", noise)
