"""Truncated backpropagation through time: a state carried from batch to batch."""

import dataclasses
import functools
import itertools
from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.sequence_model import get_state_spec


@dataclasses.dataclass
class CarriedState:
    """The state that training carries from one batch to the next."""

    variables: list


class StatefulModel(ManyToMany):
    """Base of token models that can be trained with a state carried between batches.

    References:
        Williams and Peng, "An efficient gradient-based algorithm for on-line training
        of recurrent network trajectories", Neural Computation 2, 1990.
    """

    tokens: Any
    _carried: CarriedState | None = None

    @functools.cached_property
    def state_spec(self) -> list:
        """The state's structure, of `tf.TensorSpec` with any batch size."""
        return get_state_spec(self.recurrence.get_initial_state(1))

    def carry_state(self, batch_size: int) -> None:
        """Makes each training step start from the final state of the previous one.

        Row `r` of a batch must continue row `r` of the previous batch, as those of
        `rnnzoo.data.text.Streams`. A row that begins with the start symbol starts from
        the initial state.

        Args:
            batch_size: Rows of every batch; under `tf.distribute`, of a replica's part.
        """
        import tensorflow as tf

        # In an object that Keras does not look into: not weights, and not in files.
        self._carried = CarriedState(
            [
                tf.Variable(
                    np.zeros((batch_size, *spec.shape[1:]), "float32"),
                    trainable=False,
                    synchronization=tf.VariableSynchronization.ON_READ,
                    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
                )
                for spec in keras.tree.flatten(self.state_spec)
            ]
        )

    def compute_training_outputs(self, x: Any) -> Any:
        """Returns logits for the inputs of a training step, and carries the state."""
        if self._carried is None:
            return super().compute_training_outputs(x)
        is_first = keras.ops.equal(x[:, :1], self.tokens.start_id)
        initial = self.recurrence.get_initial_state(keras.ops.shape(x)[0])
        variables = self._carried.variables
        before = [
            keras.ops.where(is_first, new, keras.ops.cast(old, new.dtype))
            for new, old in zip(keras.tree.flatten(initial), variables, strict=True)
        ]
        before = keras.tree.pack_sequence_as(initial, before)
        logits, after = self.read(x, before, training=True)
        for variable, state in zip(variables, keras.tree.flatten(after), strict=True):
            variable.assign(keras.ops.cast(keras.ops.stop_gradient(state), "float32"))
        return logits

    def unsaved_variables(self) -> list:
        """Returns the states of dropout, and the state that is carried."""
        carried = [] if self._carried is None else self._carried.variables
        parts = [getattr(variable, "values", (variable,)) for variable in carried]
        return super().unsaved_variables() + list(itertools.chain(*parts))
