"""Hidden Markov models of sequences, to stand beside recurrent networks."""

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.factory import builder
from rnnzoo.architectures.sequence_model import SequenceModel, check_exactly_one
from rnnzoo.layers.hidden_markov import HiddenMarkov
from rnnzoo.layers.reader import sequence_input


@keras.saving.register_keras_serializable("rnnzoo")
class HiddenMarkovModel(SequenceModel):
    """A hidden Markov model that predicts the next value of a sequence.

    Use it to compare with a recurrent network: all that it can remember of the past are
    `log2(states)` bits (Hinton, "Neural networks for machine learning", 2012, lecture
    7a). `fit` with the next value as the target of each step maximises the likelihood
    (`rnnzoo.layers.hidden_markov.HiddenMarkov`).

    The model takes token ids `[batch, time]` (int32, 0 = padding at the end) or real
    values `[batch, time, features]` (float32, best with mean 0 and variance 1), and
    returns log-probabilities of the hidden state at the next step,
    `[batch, time, states]`; `expect` turns them into values. Losses are in nats per
    step.

    Args:
        states: Number of hidden states.
        vocabulary_size: For token input: number of ids, padding included.
        features: For real-valued input: number of values per step.

    Raises:
        ValueError: If not exactly one kind of input is given, or a number is below 1.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import hidden_markov
        >>> wave = np.sin(np.arange(101) / 5)[None, :, None]
        >>> model = hidden_markov(states=8, features=1)
        >>> history = model.fit(wave[:, :-1], wave[:, 1:], epochs=2, verbose=0)
        >>> model.expect(wave).shape
        (1, 101, 1)
    """

    def __init__(
        self,
        *,
        states: int = 16,
        vocabulary_size: int | None = None,
        features: int | None = None,
    ):
        check_exactly_one(vocabulary_size=vocabulary_size, features=features)

        # === Layers ===
        # What reads the inputs is called the reader in every model.
        self.chain = HiddenMarkov(states, vocabulary_size, features, name="reader")

        # === Graph ===
        inputs = sequence_input(features)
        super().__init__(inputs=inputs, outputs=self.chain(inputs))

        # === Config ===
        self.set_targets(vocabulary_size is not None, 0 if vocabulary_size else None)

    def choose_objective(self) -> tuple:
        """Returns nothing: `compute_loss` is the model's own, maximum likelihood."""
        return None, None

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns minus the log-likelihood of the next values `y`, per real step."""
        losses = -ops.logsumexp(y_pred + self.chain.log_probabilities(y), axis=-1)
        real = ops.ones_like(losses)
        if self.has_classes:
            real = ops.cast(ops.not_equal(y, 0), losses.dtype)
        weights = real if sample_weight is None else real * sample_weight
        return ops.sum(losses * weights) / ops.maximum(ops.sum(real), 1)

    def expect(self, inputs: Any) -> np.ndarray:
        """Returns what to expect after each step of what the graph takes.

        That is the next value `[batch, time, features]`, or the probability of each
        next token `[batch, time, vocabulary_size]`; float32.

        Example:
            >>> from rnnzoo import hidden_markov
            >>> model = hidden_markov(states=4, vocabulary_size=6)
            >>> model.expect([[1, 5, 2]]).shape
            (1, 3, 6)
        """
        beliefs = self.predict(np.asarray(inputs), verbose=0)
        return ops.convert_to_numpy(self.chain.expect(beliefs))

    def log_likelihood(self, inputs: Any) -> np.ndarray:
        """Returns the log-probability or log-density `[batch]` of whole sequences.

        In nats, without padding; inputs are those of the graph.

        Example:
            >>> import numpy as np
            >>> from rnnzoo import hidden_markov
            >>> model = hidden_markov(states=4, vocabulary_size=3)
            >>> total = np.exp(model.log_likelihood([[1, 1], [1, 2], [2, 1], [2, 2]]))
            >>> bool(np.isclose(total.sum(), 1))
            True
        """
        inputs = np.asarray(inputs)
        # The belief before each step: before the first, that of the model alone.
        before = np.roll(self.predict(inputs, verbose=0), 1, axis=1)
        before[:, 0] = ops.convert_to_numpy(self.chain.first_state())
        values = before + ops.convert_to_numpy(self.chain.log_probabilities(inputs))
        steps = ops.convert_to_numpy(ops.logsumexp(values, axis=-1))
        if self.has_classes:
            steps = np.where(inputs > 0, steps, 0)
        return steps.sum(axis=1)


hidden_markov = builder(HiddenMarkovModel, "hidden_markov")
