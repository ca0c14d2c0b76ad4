"""Learning-rate schedules that Keras lacks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("rnnzoo")
class CosineCycles(keras.optimizers.schedules.LearningRateSchedule):
    """Cosine decays one after another, each from its own peak, the first after warm-up.

    Use it to train in stages, a long one and then shorter, gentler ones. What a stage
    does not depend on those after it, so that a training can be lengthened by one.
    (`keras.optimizers.schedules.CosineDecayRestarts` has no warm-up, and its cycles
    follow from one another.)

    Args:
        peaks: Highest learning rate of each cycle.
        lengths: Number of steps of each cycle, warm-up included.
        warmup_steps: Steps over which the first cycle's rate rises from 0.
        alpha: Share of the peak at which a cycle ends.

    Example:
        >>> from rnnzoo.schedules import CosineCycles
        >>> rate = CosineCycles([1.0, 0.5], [100, 50], warmup_steps=10)
        >>> [round(float(rate(step)), 3) for step in (0, 10, 100, 150)]
        [0.0, 1.0, 0.5, 0.005]

    References:
        Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts",
        ICLR 2017, arXiv:1608.03983.
    """

    def __init__(
        self,
        peaks: list[float],
        lengths: list[int],
        warmup_steps: int = 0,
        alpha: float = 0.01,
    ):
        """Sets up; the class says what the arguments mean."""
        super().__init__()
        self.peaks, self.lengths = list(peaks), list(lengths)
        self.warmup_steps, self.alpha = warmup_steps, alpha
        self.cycles = []
        for peak, length in zip(peaks, lengths, strict=True):
            warmup = 0 if self.cycles else min(warmup_steps, length // 2)
            self.cycles.append(
                keras.optimizers.schedules.CosineDecay(
                    0.0 if warmup else peak,
                    decay_steps=max(length - warmup, 1),
                    warmup_target=peak if warmup else None,
                    warmup_steps=warmup,
                    alpha=alpha,
                )
            )

    def __call__(self, step):
        """Returns the learning rate of a step."""
        step = ops.cast(step, "float32")
        begin, rate = self.lengths[0], self.cycles[0](step)
        for cycle, length in zip(self.cycles[1:], self.lengths[1:], strict=True):
            later = cycle(ops.maximum(step - begin, 0.0))
            rate = ops.where(step < begin, rate, later)
            begin += length
        return rate

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "peaks": self.peaks,
            "lengths": self.lengths,
            "warmup_steps": self.warmup_steps,
            "alpha": self.alpha,
        }
