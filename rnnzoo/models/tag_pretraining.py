"""What a tagger learns from texts without tags: the words beside each word."""

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.layers.keras_internals import set_mask
from rnnzoo.layers.large_vocabulary import SampledSoftmax
from rnnzoo.layers.metrics import MeasuredLoss
from rnnzoo.models.tagging import Tagger
from rnnzoo.tokens.text import VocabularyTokens


@keras.saving.register_keras_serializable("rnnzoo")
class NeighbourTagger(Tagger):
    """A tagger that learns from sentences without tags: the words beside each word.

    Its forward network predicts the next word in lower case, and the backward one the
    word before, each from what it has read so far (Peters et al., 2017,
    arXiv:1705.00108; Rei, 2017, arXiv:1704.07156). `fit` takes texts or lists of words
    alone. `to_tagger` returns a tagger that reads as this one has learned to, but knows
    no tags yet.

    Args:
        num_sampled: Words that those of a batch are compared with in training.
        **architecture: Settings of a tagger without intents. `lowered` are the words
            that are predicted, the most frequent first.

    Example:
        >>> from rnnzoo.models.tag_pretraining import NeighbourTagger
        >>> words = "the dog sees the cat and the cat sees the dog".split()
        >>> lowered = NeighbourTagger.learn_vocabulary([words])
        >>> model = NeighbourTagger(num_sampled=2, lowered=lowered, units=8)
        >>> history = model.fit([words], epochs=1, verbose=0)
        >>> len(model.answer("the dog").split())
        2
        >>> type(model.to_tagger()).__name__
        'Tagger'
    """

    def __init__(self, *, num_sampled: int = 2048, **architecture: Any):
        super().__init__(**architecture)
        size = self.words.output_dim
        self.projections = [keras.layers.Dense(size, name=n) for n in ("next", "last")]
        for projection in self.projections:
            projection.build((None, None, self.recurrence.units))
        self.neighbours = SampledSoftmax(
            len(self.tokens.lowered) + 2, num_sampled, name="neighbours"
        )
        self.neighbours.build((None, None, size))
        self.head.trainable = self.crf.trainable = False  # they are for tags
        self.compile_with_defaults()

    def choose_objective(self) -> tuple:
        """Returns no loss, for `compute_loss` is the model's own; and no metric."""
        return None, None

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts texts or lists of words to arrays, and the words to predict."""
        arrays, _ = super().encode(inputs)
        return arrays, arrays[..., 1]

    def complete_targets(self, inputs: Any, targets: Any) -> Any:
        """Returns the inputs, of which `encode` makes targets."""
        return inputs

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Returns what is read of each word, `[batch, words, 2 * units]`."""
        features = self.read_words(ops.convert_to_tensor(inputs), training)
        return self.recurrence(features, training=training)[0]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the mean loss of the next and of the last word, in nats."""
        following, before = ops.split(y_pred, 2, axis=-1)
        features = ops.concatenate(
            [
                self.projections[0](following[:, :-1]),
                self.projections[1](before[:, 1:]),
            ],
            axis=1,
        )
        words = self._neighbours_of(y)
        nats = self.neighbours.measure(features, words)
        set_mask(nats, ops.greater(words, VocabularyTokens.UNKNOWN))
        return MeasuredLoss()(words, nats)

    def count_targets(self, y: Any, y_pred: Any) -> Any:
        """Returns how many words of a batch are predicted."""
        known = ops.greater(self._neighbours_of(y), VocabularyTokens.UNKNOWN)
        return ops.sum(ops.cast(known, "int32"))

    def _neighbours_of(self, words: Any) -> Any:
        """Returns the next words, and then the last ones."""
        return ops.concatenate([words[:, 1:], words[:, :-1]], axis=1)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict:
        """Returns the loss alone."""
        return self.get_metrics_result()

    def answer(self, inputs: Any, **options: Any) -> Any:
        """Returns, for each word of a text or of texts, the likeliest next one."""
        rows, is_batch = self.raw.split(inputs)
        words = [sentence.words for sentence in self.raw.read(rows)]
        arrays = self.tokens.encode_words(words)
        following, _ = ops.split(self(arrays, training=False), 2, axis=-1)
        scores = self.neighbours(self.projections[0](following))
        names = ["", "?", *self.tokens.lowered]
        found = [
            " ".join(names[number] for number in numbers[: len(row)])
            for numbers, row in zip(
                ops.convert_to_numpy(ops.argmax(scores, axis=-1)), words, strict=True
            )
        ]
        return found if is_batch else found[0]

    def to_tagger(self) -> Tagger:
        """Returns a tagger with the weights that both have."""
        config = self.get_config()
        del config["num_sampled"]
        model = Tagger(**config)
        known = {weight.path: weight for weight in self.weights}
        for weight in model.weights:
            weight.assign(np.asarray(known[weight.path]))
        return model
