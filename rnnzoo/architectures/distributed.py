"""One training step that means the same on one replica and on many.

Under `tf.distribute`, Keras averages the averages of replicas, which may hold different
numbers of real tokens; clips gradients before it adds them up; and its `fit` fails with
several machines (keras#20585). The step here averages over the whole batch and clips
the whole gradient.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.layers.keras_internals import TrainingHooks, get_mask, list_layers
from rnnzoo.layers.metrics import expand_to_steps


class DistributedModel(TrainingHooks):
    """A Keras model whose training step does not depend on the number of replicas.

    `fit` and `evaluate` report the mean loss over all real targets. Training logs have
    `gradient_norm`, the global norm before clipping, and those of a step `tokens`, the
    real input steps of the batch. On other backends it is an ordinary Keras model.
    """

    if keras.backend.backend() == "tensorflow":

        def compute_loss(
            self,
            x: Any = None,
            y: Any = None,
            y_pred: Any = None,
            sample_weight: Any = None,
            training: bool = True,
        ) -> Any:
            """Returns the loss; a weight of a row is that of each of its steps."""
            weights = expand_to_steps(sample_weight, y_pred)
            return super().compute_loss(x, y, y_pred, weights, training)

        def compute_metrics(
            self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
        ) -> dict:
            """Updates the metrics; a weight of a row is that of each of its steps."""
            weights = expand_to_steps(sample_weight, y_pred)
            return super().compute_metrics(x, y, y_pred, weights)

        def train_step(self, data: Any) -> dict:
            """Makes a step on a replica's share of a batch, and returns its logs."""
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
            x = self._trim_for_device(x)
            context = tf.distribute.get_replica_context()
            replicas = context.num_replicas_in_sync
            with tf.GradientTape() as tape:
                y_pred = self.compute_training_outputs(x)
                loss, count = self._track_loss(x, y, y_pred, sample_weight, True)
                # Replicas' losses add up to the mean over the whole batch.
                total, tokens = _sum_over_replicas([count, self._count_tokens(x)])
                share = tf.math.divide_no_nan(count * replicas, total)
                loss = loss * tf.cast(share, loss.dtype)
                loss = self.optimizer.scale_loss(loss)
            weights = self.trainable_weights
            gradients = tape.gradient(loss, weights)
            known = [tf.convert_to_tensor(g) for g in gradients if g is not None]
            summed = _sum_over_replicas(known)
            scale = self.optimizer.scale_loss(tf.ones(()))
            norm = tf.linalg.global_norm([tf.cast(g, tf.float32) for g in summed])
            norm = norm / tf.cast(scale, tf.float32)
            # The optimizer adds the replicas' gradients up once more.
            factor = _clipping_factor(norm, self.optimizer) / replicas
            summed = iter([g * tf.cast(factor, g.dtype) for g in summed])
            gradients = [None if g is None else next(summed) for g in gradients]
            self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
            logs = self.compute_metrics(x, y, y_pred, sample_weight)
            return self._add_axis({**logs, "gradient_norm": norm, "tokens": tokens})

        def test_step(self, data: Any) -> dict:
            """Evaluates a replica's share of a batch, and returns its logs."""
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
            x = self._trim_for_device(x)
            y_pred = self(x, training=False)
            self._track_loss(x, y, y_pred, sample_weight, False)
            return self._add_axis(self.compute_metrics(x, y, y_pred, sample_weight))

        def _track_loss(
            self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool
        ) -> tuple:
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=training)
            count = tf.cast(self.count_targets(y, y_pred), tf.float32)
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            self.update_loss(loss * replicas, tf.cast(count, loss.dtype))
            return loss, count

        def _trim_for_device(self, x: Any) -> Any:
            # XLA needs one shape.
            on_tpu = isinstance(tf.distribute.get_strategy(), tf.distribute.TPUStrategy)
            return x if on_tpu or self.jit_compile else self.trim_padding(x)

        def _count_tokens(self, x: Any) -> Any:
            source = keras.tree.flatten(x)[0]
            mask = self.get_layer("reader").compute_mask(source)
            if mask is None:
                return tf.cast(tf.reduce_prod(tf.shape(source)[:2]), tf.float32)
            return tf.cast(tf.math.count_nonzero(mask), tf.float32)

        def _add_axis(self, logs: dict) -> dict:
            """Gives logs the rank that Keras needs with several machines."""
            if has_several_machines(tf.distribute.get_strategy()):
                return {name: tf.reshape(value, [1]) for name, value in logs.items()}
            return logs

        def summarize_logs(self, logs: dict) -> dict:
            """Returns an epoch's logs: metrics over all replicas, and the last norm."""
            others = {k: keras.ops.mean(v) for k, v in logs.items() if k != "tokens"}
            return {**others, **self.get_metrics_result()}

        def choose_example(self, iterator: Any, batch: Any) -> tuple:
            """Returns the first replica's share where there are several."""
            # Keras adds up the shares, which may have unequal shapes (keras#20585).
            strategy = self.distribute_strategy
            if iterator is None or strategy.num_replicas_in_sync == 1:
                return iterator, batch
            for _, _, batches in iterator:
                batch = tf.nest.map_structure(
                    lambda value: strategy.experimental_local_results(value)[0],
                    next(batches),
                )
                break
            return None, batch

        def compile(self, *arguments: Any, **options: Any) -> None:
            """Compiles as `keras.Model.compile`."""
            for layer in list_layers(self):
                generator = getattr(layer, "seed_generator", None)
                if generator is not None:
                    _draw_differently_in_replicas(generator)
            super().compile(*arguments, **options)

    def compute_training_outputs(self, x: Any) -> Any:
        """Returns the outputs for the inputs of a training step."""
        return self(x, training=True)

    def unsaved_variables(self) -> list:
        """Returns the states of dropout, which Keras does not save."""
        saved = {id(v) for v in [*self.weights, *self.metrics_variables]}
        return [v for v in self.variables if id(v) not in saved]

    def trim_padding(self, x: Any) -> Any:
        """Returns inputs without the steps that are padding in every row.

        A model whose outputs have no time axis can drop them; this drops none.
        """
        return x

    def count_targets(self, y: Any, y_pred: Any) -> Any:
        """Returns how many targets of a batch the loss is a mean of."""
        real = tf.ones(tf.shape(y_pred)[:-1], tf.bool)
        if self.has_classes and self.padding is not None:
            real = tf.not_equal(y, tf.cast(self.padding, y.dtype))
        mask = get_mask(y_pred)
        if mask is not None:
            real = tf.logical_and(real, mask)
        return tf.math.count_nonzero(real)


def _draw_differently_in_replicas(generator: Any) -> None:
    """Gives every replica random numbers of its own; Keras gives all the same."""
    if "next" in vars(generator):
        return
    draw = generator.next

    def draw_for_this_replica(ordered: bool = True) -> Any:
        seed = draw(ordered)
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return seed
        replica = tf.cast(context.replica_id_in_sync_group, seed.dtype)
        return seed + tf.stack([replica, tf.zeros_like(replica)])

    generator.next = draw_for_this_replica


def to_scalar(log: Any) -> float:
    """Returns a value of a step's logs; with several machines they have one each."""
    return float(np.mean(log))


def has_several_machines(strategy: Any) -> bool:
    """Returns whether a strategy spans several processes."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def _sum_over_replicas(values: Any) -> Any:
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def _clipping_factor(norm: Any, optimizer: Any) -> Any:
    # A norm that is not finite stays: it is for the loss scale, or the user, to see.
    limit = getattr(optimizer, "inner_optimizer", optimizer).global_clipnorm
    if limit is None:
        return tf.ones(())
    factor = tf.minimum(1.0, limit / tf.maximum(norm, 1e-12))
    return tf.where(tf.math.is_finite(norm), factor, 1.0)
