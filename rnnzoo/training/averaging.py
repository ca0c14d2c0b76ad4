"""Averaged stochastic gradient descent, begun when validation stops improving."""

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.layers.keras_internals import OwnAverage

# Stands for the losses of before the first validation: above all others, but finite.
NO_LOSS = np.finfo("float32").max
# The step that is never reached.
NEVER = 2**31 - 1


@keras.saving.register_keras_serializable("rnnzoo")
class AveragedSGD(OwnAverage, keras.optimizers.SGD):
    """Gradient descent that keeps the mean of the weights, once it is told to begin.

    What is validated and kept is the mean of the weights of all steps since
    `begin_average` (Polyak and Juditsky, 1992, doi:10.1137/0330046); before it, the
    weights of the last step.

    Args:
        learning_rate: Rate, or a schedule.
        window: How many validations back a lower loss must be for the average to begin
            (Merity et al., 2017, arXiv:1708.02182).
        **options: Others of `keras.optimizers.SGD`.

    Example:
        >>> import keras
        >>> from rnnzoo.training.averaging import AveragedSGD
        >>> weight, gradient = keras.Variable(0.0), keras.ops.convert_to_tensor(-1.0)
        >>> optimizer = AveragedSGD(1.0)
        >>> optimizer.apply([gradient], [weight])
        >>> optimizer.begin_average()
        >>> for _ in range(2):
        ...     optimizer.apply([gradient], [weight])
        >>> float(weight), float(optimizer.averages[0])
        (3.0, 2.5)
    """

    def __init__(
        self, learning_rate: Any = 30.0, window: int = 5, **options: Any
    ) -> None:
        options["use_ema"] = True
        super().__init__(learning_rate, **options)
        self.window = window

    def build(self, variables: list) -> None:
        """Creates the averages, and what decides when they begin."""
        if self.built:
            return
        super().build(variables)
        self.first_step = self.add_state(np.int32(NEVER), "first_step")
        # The lowest loss of before the window, and those in it.
        self.losses = self.add_state(np.full(self.window + 1, NO_LOSS), "losses")

    @property
    def is_averaging(self) -> bool:
        """Whether the average has begun."""
        return int(self.first_step) < NEVER

    def begin_average(self) -> None:
        """Begins the average with the next step, unless it has begun."""
        if not self.is_averaging:
            self.first_step.assign(ops.cast(self.iterations, "int32"))

    def judge(self, loss: float) -> None:
        """Begins the average if a validation loss is above one long before."""
        losses = np.asarray(self.losses)
        if loss > losses[0]:
            self.begin_average()
        lowest = min(losses[:2])
        self.losses.assign(np.array([lowest, *losses[2:], loss], "float32"))

    def update_averages(self, variables: Any) -> None:
        """Updates the averages, after each step."""
        count = ops.cast(self.iterations, "int32") - self.first_step + 1
        share = 1.0 / ops.cast(ops.maximum(count, 1), "float32")
        for variable, average in zip(variables, self.averages, strict=True):
            if average is not None:
                rate = ops.cast(share, variable.dtype)
                average.assign(average + rate * (variable - average))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        found = {**super().get_config(), "window": self.window}
        return {key: value for key, value in found.items() if key != "use_ema"}


class BeginAverage(keras.callbacks.Callback):
    """Lets an `AveragedSGD` judge the validation loss of each epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Passes the validation loss on."""
        optimizer = self.model.optimizer
        getattr(optimizer, "inner_optimizer", optimizer).judge(logs["val_loss"])
