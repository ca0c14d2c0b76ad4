"""Runs Python programs of the size that Zaremba and Sutskever's have.

    rnnzoo train execute_long_programs

Numbers of up to nine digits, three operations, and two LSTMs of 400 units on either
side, in batches of 100, with gradients clipped at 5, as in the paper. There, one
network reads and writes, and gradient descent has a rate that begins at 0.5; here a
second network writes, and Adam's rate is like that of the other recipes.

No result is given: on one core this takes days, and no training was run to its end.
"""

import dataclasses

from rnnzoo.recipes.execute_programs import ExecutePrograms
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class ExecuteLongPrograms(ExecutePrograms):
    """Runs Python programs with numbers of nine digits and three operations."""

    epochs: int = option(100, "rounds of steps, validation and checkpoint")
    steps_per_epoch: int = option(2000, "batches per epoch")
    batch_size: int = option(100, "programs per batch, over all devices")
    learning_rate: float = option(1e-3, "highest learning rate, after warm-up")
    clip_norm: float = option(5.0, "largest global norm of the gradients")
    ema_momentum: float = option(
        0.0, "validate and keep a moving average of the weights with this momentum"
    )
    length: int = option(9, "numbers have at most this many digits")
    nesting: int = option(3, "programs have at most this many operations")
    curriculum_steps: int = option(120_000, "steps over which naive and combined grow")
    reverse_source: bool = option(False, "read programs from their end")
    units: int = option(400, "size of each layer's state")
    num_layers: int = option(2, "layers of the encoder, and of the decoder")
    cell: str = option("lstm", "simple, gru or lstm")


RECIPE = ExecuteLongPrograms
