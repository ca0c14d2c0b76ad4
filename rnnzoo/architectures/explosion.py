"""Trainings whose loss explodes are told apart from those that learn."""

import math
import warnings
from typing import Any

import keras
import numpy as np


class WarnOfExplosion(keras.callbacks.Callback):
    """Warns once if a training's loss is no number, or far above its first batch's.

    A learning rate that is too high can leave a loss that is finite, and useless.
    """

    FACTOR = 10
    # Keras need not wait for a batch to end: only the first one counts here.
    async_safe = True

    def __init__(self):
        super().__init__()
        self.first: float | None = None
        self.has_warned = False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keeps the loss of the first batch, which is that of the weights before."""
        if self.first is None:
            self.first = float(np.mean((logs or {}).get("loss", 0.0)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compares the epoch's loss with it."""
        loss, first = float(np.mean((logs or {}).get("loss", 0.0))), self.first or 0.0
        has_exploded = not math.isfinite(loss) or loss > self.FACTOR * (1 + abs(first))
        if has_exploded and math.isfinite(first) and not self.has_warned:
            self.has_warned = True
            rate = float(np.mean(self.model.optimizer.learning_rate))
            warnings.warn(
                f"The loss has exploded: it is {loss:.4g} in epoch {epoch + 1}, and "
                f"was {first:.4g} in the first batch. Train a new model with a lower "
                f"learning rate (now {rate:.3g}) or with clipped gradients.",
                stacklevel=2,
            )
