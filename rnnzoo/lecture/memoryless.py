"""Memoryless models: predictions from the last few steps only."""

import keras

from rnnzoo.architectures.factory import builder
from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.errors import check_number
from rnnzoo.layers.reader import SequenceReader, sequence_input


@keras.saving.register_keras_serializable("rnnzoo")
class DelayTaps(SequenceModel):
    """Predicts from the last few values only; earlier versions saved this class."""

    def __init__(
        self, *, taps: int, features: int = 1, num_values: int = 1, units: int = 0
    ):
        for name, value in self.arguments.items():
            check_number(name, value, minimum=int(name != "units"), whole=True)

        # === Layers ===
        reader = SequenceReader(name="reader")
        # One column of its kernel per tap: the last values, and zeros before the first.
        delays = keras.layers.Conv1D(
            units or num_values,
            taps,
            padding="causal",
            activation="relu" if units else None,
            name="taps",
        )
        head = keras.layers.Dense(num_values, dtype="float32", name="head")

        # === Graph ===
        inputs = sequence_input(features)
        outputs = delays(reader(inputs))
        super().__init__(inputs=inputs, outputs=head(outputs) if units else outputs)

        # === Config ===
        self.set_targets(classes=False)


@keras.saving.register_keras_serializable("rnnzoo")
class FeedForward(DelayTaps):
    """A feed-forward network of the last few values.

    It generalizes `autoregressive`: a hidden layer of rectified linear units on the
    last `taps` values, and a linear output layer (Hinton, "Neural networks for machine
    learning", 2012, lecture 7a). Shapes are those of `autoregressive`. It is compiled
    (Adam; mean squared error).

    Args:
        taps: How many steps it sees: this one and `taps - 1` before it.
        features: Number of values per step.
        num_values: Number of values to answer with at each step.
        units: Number of hidden units.

    Raises:
        ValueError: If a number is below 1.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import feed_forward
        >>> model = feed_forward(taps=3, units=8)
        >>> wave = np.sin(np.arange(101) / 5)[None, :, None]
        >>> history = model.fit(wave[:, :-1], wave[:, 1:], epochs=2, verbose=0)
        >>> model.predict(wave, verbose=0).shape
        (1, 101, 1)
    """

    def __init__(
        self, *, taps: int, features: int = 1, num_values: int = 1, units: int = 64
    ):
        check_number("units", units, minimum=1, whole=True)
        super().__init__(
            taps=taps, features=features, num_values=num_values, units=units
        )


@keras.saving.register_keras_serializable("rnnzoo")
class Autoregressive(DelayTaps):
    """A linear model of the last few values: an autoregressive model.

    Use it as the first baseline of a recurrent network: each answer is a weighted sum
    of the last `taps` values of the input, plus a bias (Hinton, "Neural networks for
    machine learning", 2012, lecture 7a).

    The model takes real values `[batch, time, features]` and returns values
    `[batch, time, num_values]`, float32. Before the first step the taps see zeros. It
    comes compiled (Adam; mean squared error).

    Args:
        taps: How many steps it sees: this one and `taps - 1` before it.
        features: Number of values per step.
        num_values: Number of values to answer with at each step.

    Raises:
        ValueError: If a number is below 1.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import autoregressive
        >>> model = autoregressive(taps=2)
        >>> model.set_weights([np.array([[[-1.0]], [[2.0]]]), np.zeros(1)])
        >>> line = np.array([[[1.0], [2.0], [3.0]]])
        >>> model.predict(line, verbose=0)[0, 1:, 0].tolist()  # extrapolates
        [3.0, 4.0]
    """

    def __init__(self, *, taps: int, features: int = 1, num_values: int = 1):
        super().__init__(taps=taps, features=features, num_values=num_values)


@keras.saving.register_keras_serializable("rnnzoo")
class NeuralNgram(SequenceModel):
    """A feed-forward language model of the last few tokens.

    Use it as a baseline of a recurrent language model: the embeddings of the last
    `context` tokens, a hidden layer with tanh, and the logits of the next token (Bengio
    et al., "A neural probabilistic language model", JMLR 3, 2003).

    The model takes token ids `[batch, time]` (int32, 0 = padding at the end) and
    returns logits of the next token `[batch, time, vocabulary_size]`, float32. Before
    the first token it sees vectors of zeros. Targets of 0 are masked. It is compiled
    (Adam; cross-entropy).

    Args:
        context: Number of tokens it sees: this one and `context - 1` before it.
        vocabulary_size: Number of token ids, padding included.
        embedding_dim: Size of the vector that stands for a token.
        units: Number of hidden units.

    Raises:
        ValueError: If a number is below 1.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import neural_ngram
        >>> model = neural_ngram(context=2, vocabulary_size=4, units=8)
        >>> cycle = np.tile([1, 2, 3], (8, 5))
        >>> history = model.fit(cycle[:, :-1], cycle[:, 1:], epochs=2, verbose=0)
        >>> model.predict(cycle, verbose=0).shape
        (8, 15, 4)
    """

    has_unique_target = False

    def __init__(
        self,
        *,
        context: int,
        vocabulary_size: int,
        embedding_dim: int = 16,
        units: int = 128,
    ):
        for name, value in self.arguments.items():
            check_number(name, value, minimum=1, whole=True)

        # === Layers ===
        reader = keras.layers.Embedding(vocabulary_size, embedding_dim, name="reader")
        # One column of its kernel per token of the context, all with the same vectors.
        hidden = keras.layers.Conv1D(
            units, context, padding="causal", activation="tanh", name="context"
        )
        head = keras.layers.Dense(vocabulary_size, dtype="float32", name="head")

        # === Graph ===
        inputs = sequence_input(features=None)
        super().__init__(inputs=inputs, outputs=head(hidden(reader(inputs))))

        # === Config ===
        self.set_targets(classes=True, padding=0)


autoregressive = builder(Autoregressive, "autoregressive")
feed_forward = builder(FeedForward, "feed_forward")
neural_ngram = builder(NeuralNgram, "neural_ngram")
