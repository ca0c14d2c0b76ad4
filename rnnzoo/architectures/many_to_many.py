"""Many-to-many: a sequence in, one answer per step out."""

from typing import Any

import keras

from rnnzoo.architectures.sequence_model import SequenceModel, check_exactly_one
from rnnzoo.errors import check_choice
from rnnzoo.layers.large_vocabulary import (
    AdaptiveSoftmax,
    SampledSoftmax,
    measured_loss,
)
from rnnzoo.layers.penalties import ActivationPenalties
from rnnzoo.layers.reader import (
    TIED_STDDEV,
    SequenceReader,
    TiedHead,
    sequence_input,
)
from rnnzoo.layers.recurrence import RecurrentStack

# How many classes training compares: see `ManyToMany`.
OUTPUTS = ("full", "adaptive", "sampled")


@keras.saving.register_keras_serializable("rnnzoo")
class ManyToMany(SequenceModel):
    """A model that reads a sequence and answers at every step.

    Use it for labelling of steps (tagging, running sums and parities) and for
    predicting the next step (language models, series); a prediction must not be
    bidirectional, which would see its answer.

    The model takes token ids `[batch, time]` (int32, 0 = padding at the end) or real
    values `[batch, time, features]` (float32), and returns logits
    `[batch, time, num_classes]` or values `[batch, time, num_values]`, always float32.
    Padded steps have no part in the loss and change no other answer. It is compiled
    (Adam; cross-entropy or mean squared error).

    Args:
        num_classes: For a class per step: number of classes. At padded steps targets
            may be any class.
        weight_dropout: Fraction of the weights from a state to the next that is dropped
            in training (Merity et al., arXiv:1708.02182).
        embedding_dropout: Fraction of the tokens whose vectors are zero in training,
            wherever they are in a batch (Gal and Ghahramani, arXiv:1512.05287).
        activation_penalty: What is added to the loss of a training step for each unit
            of the mean square of what the head takes (Merity et al., arXiv:1708.01009).
        temporal_penalty: The same for what changes from each step to the next.
        tied_weights: Whether the head's weights are the tokens' vectors: for classes
            that are the first tokens of the input (Press and Wolf, arXiv:1608.05859).
        output: How many classes are compared in training: `"full"` for all;
            `"adaptive"`, for more than 10,000, in clusters of rare ones (Grave et al.,
            2017, arXiv:1609.04309); or `"sampled"`, against a sample (Jean et al.,
            2015, arXiv:1412.2007). Classes are in the order of their frequency.
            Answers, and the loss of `evaluate`, are of all classes with each.
        state_noise: For "simple": standard deviation of the noise on the state in
            training, which makes it keep its values apart.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import many_to_many
        >>> model = many_to_many(features=2, num_values=1, units=8, cell="simple")
        >>> model.predict(np.zeros((4, 10, 2), "float32"), verbose=0).shape
        (4, 10, 1)
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
        embedding_dropout: float = 0.0,
        activation_penalty: float = 0.0,
        temporal_penalty: float = 0.0,
        tied_weights: bool = False,
        output: str = "full",
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
        check_output(output, num_classes, tied_weights)
        if embedding_dropout and vocabulary_size is None:
            raise ValueError(
                "embedding_dropout is for tokens, which have vectors: leave it out for "
                f"values. Received: embedding_dropout={embedding_dropout!r}, "
                f"features={features!r}"
            )

        # === Layers ===
        self.reader = SequenceReader(
            vocabulary_size,
            embedding_dim,
            padding_value,
            stddev=TIED_STDDEV if tied_weights else None,
            embedding_dropout=embedding_dropout,
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
        size, options = num_classes or num_values, {"dtype": "float32", "name": "head"}
        if output == "adaptive":
            self.head = AdaptiveSoftmax(size, **options)
        elif output == "sampled":
            reader = self.reader if tied_weights else None
            self.head = SampledSoftmax(size, reader=reader, **options)
        elif tied_weights:
            self.head = TiedHead(self.reader, size, **options)
        else:
            self.head = keras.layers.Dense(size, **options)

        # === Graph ===
        inputs = sequence_input(features)
        outputs, _ = self.read(inputs)
        super().__init__(inputs=inputs, outputs=outputs)

        # === Config ===
        self.penalties = ActivationPenalties(activation_penalty, temporal_penalty)
        self.output_kind = output
        self.set_targets(classes=num_classes is not None)

    def read(
        self, inputs: Any, state: list | None = None, training: bool | None = None
    ) -> tuple:
        """Reads a sequence, or the next chunk with the state after the last one.

        Takes token ids `[batch, time]` or values `[batch, time, features]`; returns
        outputs `[batch, time, ...]` and the state after each row's last real step.
        """
        hidden, state = self.read_features(inputs, state, training)
        return self.head(hidden), state

    def read_features(
        self, inputs: Any, state: list | None = None, training: bool | None = None
    ) -> tuple:
        """Reads as `read`; returns what the head takes, `[batch, time, units]`."""
        # Keras passes a layer's mask on, but not beside a second argument.
        mask = None if state is None else self.reader.compute_mask(inputs)
        hidden, state = self.recurrence(
            self.reader(inputs), initial_state=state, mask=mask, training=training
        )
        return self.head_dropout(hidden, training=training), state

    def compute_training_outputs(self, x: Any) -> Any:
        """Returns the outputs; features, where the loss is more than theirs."""
        if not self.learns_from_features:
            return super().compute_training_outputs(x)
        return self.read_features(x, training=True)[0]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the loss; in training, of features where these are needed."""
        if not (self.learns_from_features and training):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        penalty = self.penalties.measure(y_pred)
        if self.output_kind != "full":
            loss = measured_loss(self.head, y, y_pred, self.padding, sample_weight)
        else:
            logits = self.head(y_pred)
            loss = super().compute_loss(x, y, logits, sample_weight, training)
        return loss + penalty

    def choose_objective(self) -> tuple:
        """Returns the loss and the metrics; with features, none can be computed."""
        loss, metrics = super().choose_objective()
        return loss, [] if self.learns_from_features else metrics

    @property
    def learns_from_features(self) -> bool:
        """Whether training takes what is before the head, and not the outputs."""
        return self.output_kind != "full" or self.penalties.is_used

    def step(self, inputs: Any, state: list) -> tuple:
        """Reads one step, token ids `[batch]` or values `[batch, features]`.

        Begins with `recurrence.get_initial_state(batch)`; returns outputs and state.
        """
        # Not through the layer's call, which attaches a mask.
        hidden, state = self.recurrence.step(self.reader.call(inputs), state)
        return self.head(hidden), state


def check_output(output: str, num_classes: int | None, tied_weights: bool) -> None:
    """Refuses an `output` that is unknown, or that does not fit the classes."""
    check_choice("output", output, OUTPUTS)
    if output != "full" and num_classes is None:
        raise ValueError(
            "output chooses how classes are compared: leave it out for values, or give "
            f"num_classes. Received: output={output!r}, num_classes=None"
        )
    if output == "adaptive" and tied_weights:
        raise ValueError(
            "The clusters of output='adaptive' have vectors of other sizes than the "
            "tokens: use output='sampled' or 'full' with tied_weights. Received: "
            "output='adaptive', tied_weights=True"
        )
