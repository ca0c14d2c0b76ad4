"""Everything that the zoo uses of Keras beyond its public interface.

All of it is in Keras 3.12 to 3.15; check each function before allowing others.
"""

import contextlib
import contextvars
import inspect
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from rnnzoo.mixin import Mixin


def get_mask(tensor: Any) -> Any:
    """Returns the mask that Keras attached to a layer's output; `None` without one."""
    return keras.src.backend.get_keras_mask(tensor)


def set_mask(tensor: Any, mask: Any) -> None:
    """Attaches a mask, by which Keras' losses divide: it has no other way in."""
    keras.src.backend.set_keras_mask(tensor, mask=mask)


def run_steps(
    step: Callable, inputs: Any, states: list, backwards: bool = False
) -> tuple:
    """Runs a function for each step of a sequence, as recurrent layers run a cell.

    Args:
        step: From the inputs of a step `[batch, ...]` and the states to an output and
            the states after it, all of the same sizes at every step.
        inputs: Sequences `[batch, time, ...]`.
        states: Initial states `[batch, ...]`.
        backwards: Whether to begin with the last step.

    Returns:
        The outputs `[batch, time, ...]` in the order of the inputs, and last states.
    """
    _, outputs, states = keras.src.backend.rnn(
        lambda now, before: step(now, list(before)),
        inputs,
        states,
        go_backwards=backwards,
    )
    return keras.ops.flip(outputs, 1) if backwards else outputs, states


def list_layers(model: Any) -> list:
    """Returns a model and all layers inside it, those inside layers too."""
    return list(model._flatten_layers())


def can_quantize(layer: Any) -> bool:
    """Whether Keras quantizes the weights of a layer, which has them already."""
    own = type(layer).quantize is not keras.Layer.quantize
    return layer.built and own and len(list_layers(layer)) == 1


def clone_by_config(kind: type) -> None:
    """Makes `keras.models.clone_model` clone models of a kind by their settings.

    Keras clones layer by layer into an ordinary functional model, which cannot answer.
    """
    cloning = keras.src.models.cloning
    clone_layers = cloning._clone_functional_model

    def clone(model: Any, clone_function: Any, **options: Any) -> Any:
        if not isinstance(model, kind):
            return clone_layers(model, clone_function=clone_function, **options)
        given = inspect.getclosurevars(clone_function).nonlocals.get("clone_function")
        options["clone_function"] = given
        if getattr(given, "__name__", "_clone_layer") == "_clone_layer":
            del options["clone_function"]  # Keras' own
        named = [name for name, value in options.items() if value is not None]
        if named:
            raise ValueError(
                f"A {type(model).__name__} is cloned by its settings: leave out "
                f"{' and '.join(named)}. Received: {', '.join(named)}"
            )
        new = model.from_config(model.get_config())
        if model.compiled and (config := model.get_compile_config()):
            new.compile_from_config(config)
        return new

    cloning._clone_functional_model = clone


def set_untracked(target: Any, name: str, value: Any) -> None:
    """Sets an attribute of a layer or model that Keras would track, save or convert."""
    object.__setattr__(target, name, value)


@contextlib.contextmanager
def replace_untracked(target: Any, name: str, value: Any) -> Iterator[None]:
    """Replaces an attribute for a time, hidden from what Keras tracks and saves."""
    was_set, old = name in vars(target), getattr(target, name)
    set_untracked(target, name, value)
    try:
        yield
    finally:
        if was_set:
            set_untracked(target, name, old)
        else:
            object.__delattr__(target, name)


# How many numbers a thread's variables may still have; `None` for any.
_room: contextvars.ContextVar[Any] = contextvars.ContextVar("room", default=None)
_counting, _counted = threading.Lock(), []
# What a variable counts beside its numbers: in a file it also has a name.
NAME_SIZE = 512


def _count_numbers(kind: Any) -> None:
    """Makes variables take the room that they need, before they are allocated."""
    validate = kind._validate_shape

    def take_room(variable: Any, shape: Any) -> Any:
        shape = validate(variable, shape)
        if (room := _room.get()) is not None:
            room[0] -= NAME_SIZE + math.prod(shape)
            if room[0] < 0:
                raise MemoryError(
                    "its settings are those of a model with more weights than it "
                    f"holds: {variable.path} would have the shape {tuple(shape)}"
                )
        return shape

    kind._validate_shape = take_room


@contextlib.contextmanager
def limit_variables(limit: int) -> Iterator[Callable[[], int]]:
    """Refuses, with `MemoryError`, to create variables of more numbers than `limit`.

    Nothing is allocated for those. Yields a function that returns how many numbers
    have been created so far. Other threads are not concerned.
    """
    with _counting:
        if keras.Variable not in _counted:
            _counted.append(keras.Variable)
            _count_numbers(keras.Variable)
    room = [limit]
    token = _room.set(room)
    try:
        yield lambda: limit - room[0]
    finally:
        _room.reset(token)


@contextlib.contextmanager
def keep_dropout_masks(layer: Any, inputs: Any, state: list) -> Iterator[None]:
    """Uses the same dropout masks at every step, as a recurrent layer's call does."""
    layer._maybe_config_dropout_masks(layer.cell, inputs, state)
    yield
    layer._maybe_reset_dropout_masks(layer.cell)


def is_validation_in_fit(options: dict) -> bool:
    """Whether `evaluate` got these options from `fit`, which has encoded the data."""
    return bool(options.get("_use_cached_eval_dataset"))


class TrainingHooks(keras.Model):
    """What `fit` does around training steps, for models that do it differently."""

    def update_loss(self, loss: Any, count: Any) -> None:
        """Counts a batch's mean loss with a weight; Keras counts all batches alike."""
        self._loss_tracker.update_state(loss, sample_weight=count)

    def summarize_logs(self, logs: dict) -> dict:
        """Returns the logs that `fit` reports of a step; by default unchanged."""
        return super()._get_metrics_result_or_logs(logs)

    def choose_example(self, iterator: Any, batch: Any) -> tuple:
        """Returns the iterator or batch by which metrics and optimizer are built."""
        return iterator, batch

    def _get_metrics_result_or_logs(self, logs: dict) -> dict:
        return self.summarize_logs(logs)

    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ) -> None:
        iterator, data_batch = self.choose_example(iterator, data_batch)
        # Keras' TensorFlow trainer does not enter the strategy's scope by itself.
        with self.distribute_strategy.scope():
            super()._maybe_symbolic_build(iterator, data_batch)


class OwnAverage(Mixin):
    """Mixed into optimizers that keep averages of the weights in their own way."""

    @property
    def averages(self) -> list:
        """The averages of the weights; `None` for one without."""
        return self._model_variables_moving_average

    def _update_model_variables_moving_average(self, variables: Any) -> None:
        self.update_averages(variables)

    def add_state(self, value: Any, name: str) -> Any:
        """Returns a variable that begins with a value, and is saved."""
        value = np.asarray(value)
        variable = keras.Variable(
            value,
            dtype=value.dtype.name,
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )
        self._track_variable(variable)
        return variable


class OwnWeightDecay(Mixin):
    """Mixed into optimizers that decay weights in `update_step`, each at its rate."""

    def _apply_weight_decay(self, variables: Any) -> None:
        pass  # Keras decays all weights at one rate.

    def decays(self, variable: Any) -> bool:
        """Whether a variable is decayed, as `exclude_from_weight_decay` has it."""
        return self.weight_decay is not None and self._use_weight_decay(variable)

    def find_path(self, variable: Any) -> str:
        """Returns a variable's path; `update_step` gets values without it."""
        return self._trainable_variables[self._get_variable_index(variable)].path
