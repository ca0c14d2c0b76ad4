"""Many-to-many: a sequence in, one answer per step out."""

import keras

from rnnzoo.architectures.sequence_model import (
    SequenceModel,
    SequenceReader,
    constructor_arguments,
    one_of,
    sequence_input,
)
from rnnzoo.layers.recurrence import RecurrentStack


@keras.saving.register_keras_serializable("rnnzoo")
class ManyToMany(SequenceModel):
    """Reads a sequence and answers at every step; made by `many_to_many`."""

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
        initial_state: str = "zeros",
        chrono_steps: int | None = None,
        state_noise: float = 0.0,
        padding_value: float | None = None,
    ):
        """Sets up; the class says what the arguments mean."""
        arguments = constructor_arguments(locals())
        one_of(vocabulary_size=vocabulary_size, features=features)
        one_of(num_classes=num_classes, num_values=num_values)

        # === Layers ===
        reader = SequenceReader(
            vocabulary_size, embedding_dim, padding_value, name="reader"
        )
        recurrence = RecurrentStack(
            units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=bidirectional,
            residual=residual,
            dropout=dropout,
            initial_state=initial_state,
            chrono_steps=chrono_steps,
            state_noise=state_noise,
            name="recurrence",
        )
        head_dropout = keras.layers.SpatialDropout1D(dropout, name="head_dropout")
        head = keras.layers.Dense(
            num_classes or num_values, dtype="float32", name="head"
        )

        # === Graph ===
        inputs = sequence_input(features)
        sequence, _ = recurrence(reader(inputs))
        super().__init__(inputs=inputs, outputs=head(head_dropout(sequence)))

        # === Config ===
        self.arguments = arguments
        self.set_targets(classes=num_classes is not None)


def many_to_many(
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
    initial_state: str = "zeros",
    chrono_steps: int | None = None,
    state_noise: float = 0.0,
    padding_value: float | None = None,
) -> ManyToMany:
    """Builds a model that reads a sequence and answers at every step.

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
        dropout: Share of features dropped in training, before each recurrent layer and
            before the head, the same at every time step.
        initial_state: `"zeros"` or `"learned"`.
        chrono_steps: Chrono initialisation: how many steps the longest memory should
            reach at first; `None` for Keras' own initial biases.
        state_noise: For "simple": standard deviation of the noise on the state in
            training, which makes it keep its values apart.
        padding_value: For real-valued input: steps whose features all have this value
            are padding; `None` if there is no padding.

    Returns:
        An untrained, compiled `keras.Model`.

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
        Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """
    return ManyToMany(**locals())
