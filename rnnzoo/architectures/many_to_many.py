"""Many-to-many: a sequence in, one answer per step out."""

from typing import Any

import keras

from rnnzoo.architectures.factory import builder
from rnnzoo.architectures.sequence_model import (
    SequenceModel,
    check_exactly_one,
)
from rnnzoo.layers.reader import TIED_STDDEV, SequenceReader, sequence_input
from rnnzoo.layers.recurrence import RecurrentStack
from rnnzoo.layers.tied_head import TiedHead


@keras.saving.register_keras_serializable("rnnzoo")
class ManyToMany(SequenceModel):
    """A model that reads a sequence and answers at every step.

    Use it for labelling of steps (tagging, running sums and parities) and for
    predicting the next step (language models, series); a prediction must not be
    bidirectional, which would see its answer.

    The model takes token ids `[batch, time]` (int32, 0 = padding at the end) or real
    values `[batch, time, features]` (float32), and returns logits
    `[batch, time, num_classes]` or values `[batch, time, num_values]`, always float32.
    Padded steps have no part in the loss and change no other answer. It comes compiled
    (Adam; cross-entropy or mean squared error).

    Args:
        vocabulary_size: For token input: number of ids, padding included.
        features: For real-valued input: number of values per time step.
        num_classes: For a class per step: number of classes. At padded steps targets
            may be any class.
        num_values: For real-valued output: number of values per step.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each recurrent layer's state, per direction.
        num_layers: Number of recurrent layers.
        cell: `"simple"`, `"gru"` or `"lstm"`.
        bidirectional: Whether to read each sequence backwards too.
        residual: Whether layers from the second on add their input to their output.
        dropout: Fraction of features dropped in training, before each recurrent layer
            and before the head, the same at every time step.
        weight_dropout: Fraction of the weights from a state to the next that is dropped
            in training (Merity et al., 2018).
        tied_weights: Whether the head's weights are the tokens' vectors: for classes
            that are the first tokens of the input (Press and Wolf, 2017).
        initial_state: `"zeros"` or `"learned"`.
        chrono_steps: Chrono initialisation: how many steps the longest memory should
            reach at first; `None` for Keras' own initial biases.
        state_noise: For "simple": standard deviation of the noise on the state in
            training, which makes it keep its values apart.
        padding_value: For real-valued input: steps whose features all have this value
            are padding; `None` if there is no padding.

    Raises:
        ValueError: If not exactly one kind of input and one kind of output is given,
            or an argument is outside its range.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import many_to_many
        >>> model = many_to_many(features=2, num_values=1, units=8, cell="simple")
        >>> model.predict(np.zeros((4, 10, 2), "float32"), verbose=0).shape
        (4, 10, 1)

    References:
        - Elman, "Finding structure in time", Cognitive Science 14, 1990.
        - Merity, Keskar and Socher, "Regularizing and optimizing LSTM language models",
          ICLR 2018, arXiv:1708.02182.
        - Press and Wolf, "Using the output embedding to improve language models", EACL
          2017, arXiv:1608.05859.
    """

    def __init__(
        self,
        *,
        vocabulary_size: int | None = None,
        features: int | None = None,
        num_classes: int | None = None,
        num_values: int | None = None,
        embedding_dim: int = 64,
        units: int = 128,
        num_layers: int = 1,
        cell: str = "gru",
        bidirectional: bool = False,
        residual: bool = False,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
        tied_weights: bool = False,
        initial_state: str = "zeros",
        chrono_steps: int | None = None,
        state_noise: float = 0.0,
        padding_value: float | None = None,
    ):
        check_exactly_one(vocabulary_size=vocabulary_size, features=features)
        check_exactly_one(num_classes=num_classes, num_values=num_values)
        if tied_weights and (num_classes or 1) > (vocabulary_size or 0):
            raise ValueError(
                "tied_weights are for token input and classes that are the first of "
                "these tokens: leave them out, or give a vocabulary_size of at least "
                f"num_classes. Received: vocabulary_size={vocabulary_size!r}, "
                f"num_classes={num_classes!r}"
            )

        # === Layers ===
        self.reader = SequenceReader(
            vocabulary_size,
            embedding_dim,
            padding_value,
            stddev=TIED_STDDEV if tied_weights else None,
            name="reader",
        )
        self.recurrence = RecurrentStack(
            units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=bidirectional,
            residual=residual,
            dropout=dropout,
            weight_dropout=weight_dropout,
            initial_state=initial_state,
            chrono_steps=chrono_steps,
            state_noise=state_noise,
            name="recurrence",
        )
        self.head_dropout = keras.layers.SpatialDropout1D(dropout, name="head_dropout")
        if tied_weights:
            self.head = TiedHead(self.reader, num_classes, dtype="float32", name="head")
        else:
            self.head = keras.layers.Dense(
                num_classes or num_values, dtype="float32", name="head"
            )

        # === Graph ===
        inputs = sequence_input(features)
        outputs, _ = self.read(inputs)
        super().__init__(inputs=inputs, outputs=outputs)

        # === Config ===
        self.set_targets(classes=num_classes is not None)

    def read(
        self, inputs: Any, state: list | None = None, training: bool | None = None
    ) -> tuple:
        """Reads a sequence, or the next chunk of one.

        Chunks and single steps give the outputs of the whole sequence: pass the state
        that one call returns to the next.

        Args:
            inputs: Token ids `[batch, time]` or values `[batch, time, features]`.
            state: The state before it; `None` for the initial state.
            training: Whether features are dropped.

        Returns:
            Outputs `[batch, time, num_classes or num_values]` and the state after the
            last real step of each row.
        """
        # Keras passes a layer's mask on, but not beside a second argument.
        mask = None if state is None else self.reader.compute_mask(inputs)
        hidden, state = self.recurrence(
            self.reader(inputs), initial_state=state, mask=mask, training=training
        )
        return self.head(self.head_dropout(hidden, training=training)), state

    def step(self, inputs: Any, state: list) -> tuple:
        """Reads one step of each row; faster than `read` for that.

        Args:
            inputs: Token ids `[batch]` or values `[batch, features]`.
            state: The state before it: `recurrence.get_initial_state(batch)`, or what
                another call returned.

        Returns:
            Outputs `[batch, num_classes or num_values]` and the state after the step.
        """
        # Not through the layer's call, which attaches a mask.
        hidden, state = self.recurrence.step(self.reader.call(inputs), state)
        return self.head(hidden), state


many_to_many = builder(ManyToMany, "many_to_many")
