"""Executes Python programs of the size in Zaremba and Sutskever's paper.

    rnnzoo train execute_long_programs

Numbers of up to nine digits, three operations, and an encoder and a decoder of two
LSTMs of 400 units, in batches of 100, with gradients clipped at 5, as in the paper.
There, one network reads and writes, trained by gradient descent with a rate that starts
at 0.5; here the decoder is a second network, trained with Adam at the learning rate of
the other recipes.

No result is given: on one core this takes days, and no training was run to its end.
"""

import dataclasses

from rnnzoo.recipes.execute_programs import ExecutePrograms
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class ExecuteLongPrograms(ExecutePrograms):
    """Executes Python programs with numbers of nine digits and three operations."""

    epochs: int = option(100)
    steps_per_epoch: int = option(2000)
    batch_size: int = option(100)
    learning_rate: float = option(1e-3)
    clip_norm: float = option(5.0)
    ema_momentum: float = option(0.0)
    length: int = option(9)
    nesting: int = option(3)
    curriculum_steps: int = option(120_000)
    reverse_source: bool = option(False)
    units: int = option(400)
    num_layers: int = option(2)
    cell: str = option("lstm")


RECIPE = ExecuteLongPrograms
