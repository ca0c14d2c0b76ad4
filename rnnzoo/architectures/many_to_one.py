"""Many-to-one: a sequence in, one answer out."""

from typing import Any

import keras
from keras import ops

from rnnzoo.architectures.sequence_model import SequenceModel, check_exactly_one
from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.attention import POOLINGS, SequencePooling
from rnnzoo.layers.ngram_regression import LogitMixture, NgramRegression
from rnnzoo.layers.ngrams import BranchDropout, NgramBag
from rnnzoo.layers.reader import SequenceReader, sequence_input
from rnnzoo.layers.recurrence import CELLS, RecurrentStack

# Fraction of the training examples that n-grams answer alone: they learn faster.
NGRAM_SHARE = 0.3
# Their weight in the answer, selected on held-out film reviews of the training set.
NGRAM_WEIGHT = 0.8


@keras.saving.register_keras_serializable("rnnzoo")
class ManyToOne(SequenceModel):
    """A model that reads a sequence and gives one answer.

    Use it for classification of, or regression on, whole sequences: sentiment,
    speaker, activity, the next value of a series (Graves, "Supervised sequence
    labelling with recurrent neural networks", 2012).

    The model takes token ids `[batch, time]` (int32, 0 = padding at the end) or real
    values `[batch, time, features]` (float32), and returns logits
    `[batch, num_classes]` or values `[batch, num_values]`, always float32. Padding
    changes no answer. It is compiled (Adam; cross-entropy or mean squared error): call
    `fit`, or `compile` it again.

    Args:
        dropout: Fraction of features dropped in training, before each recurrent layer
            (the same at every time step) and before the head; and of n-grams.
        pooling: Input of the head: `"last"`, the state after the last step of each
            direction; or the `"mean"`, `"max"`, both (`"mean_max"`), or `"attention"`-
            weighted mean of all steps.
        ngrams: For token input: maximum length of n-grams, which are scored beside the
            recurrence and averaged with it (`rnnzoo.layers.ngrams`); 0 for none.
        ngram_rows: Number of n-grams with their own vectors, after
            `get_layer("ngrams").adapt`; before, all n-grams share them by a hash.
        ngram_scores: How n-grams get their scores: `"learned"` with the network, or
            `"solved"` before it and fixed (`rnnzoo.layers.ngram_regression`).

    Example:
        >>> import numpy as np
        >>> from rnnzoo import many_to_one
        >>> model = many_to_one(vocabulary_size=100, num_classes=2, units=16,
        ...                     bidirectional=True, pooling="max")
        >>> reviews = np.array([[5, 17, 3], [8, 2, 0]])
        >>> model.predict(reviews, verbose=0).shape
        (2, 2)
        >>> history = model.fit(reviews, np.array([1, 0]), verbose=0)
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
        token_dropout: float = 0.0,
        initial_state: str = "zeros",
        chrono_steps: int | None = None,
        pooling: str = "last",
        ngrams: int = 0,
        ngram_rows: int = 524_288,
        ngram_scores: str = "learned",
        padding_value: float | None = None,
    ):
        check_exactly_one(vocabulary_size=vocabulary_size, features=features)
        check_exactly_one(num_classes=num_classes, num_values=num_values)
        check_choice("pooling", pooling, ("last", *POOLINGS))
        check_number("ngrams", ngrams, minimum=0, whole=True)
        check_choice("ngram_scores", ngram_scores, ("learned", "solved"))
        if ngrams and vocabulary_size is None:
            raise ValueError(
                "ngrams are of tokens: give a vocabulary_size, or leave them out. "
                f"Received: ngrams={ngrams!r}, vocabulary_size=None"
            )

        # === Layers ===
        reader = SequenceReader(
            vocabulary_size, embedding_dim, padding_value, token_dropout, name="reader"
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
            name="recurrence",
        )
        head_dropout = keras.layers.Dropout(dropout, name="head_dropout")
        head = keras.layers.Dense(
            num_classes or num_values, dtype="float32", name="head"
        )
        is_solved = bool(ngrams) and ngram_scores == "solved"
        if is_solved and not num_classes:
            raise ValueError(
                "N-grams are solved for classes: give num_classes, or ngram_scores="
                f"'learned'. Received: num_classes=None, ngram_scores={ngram_scores!r}"
            )
        if is_solved:
            phrases = NgramRegression(
                num_classes,
                max_n=ngrams,
                rows=ngram_rows,
                vocabulary_size=vocabulary_size,
                dtype="float32",
                name="ngrams",
            )
            paths = LogitMixture(dtype="float32", name="paths")
        else:
            phrases = NgramBag(
                num_values or max((num_classes or 0) - 1, 1),
                max_n=max(ngrams, 1),
                rows=ngram_rows,
                dropout=dropout,
                name="ngrams",
            )
            share = NGRAM_SHARE if dropout else 0.0
            paths = BranchDropout(share, NGRAM_WEIGHT, dtype="float32", name="paths")

        # === Graph ===
        inputs = sequence_input(features)
        sequence, state = recurrence(reader(inputs))
        if pooling == "last":
            # The output h of each direction after the last step that it read.
            outputs = state[-1][:: CELLS[cell][1]]
            pooled = keras.layers.concatenate(outputs) if bidirectional else outputs[0]
        else:
            pooled = SequencePooling(pooling, name="pooling")(sequence)
        outputs = head(head_dropout(pooled))
        if ngrams:
            scores = ops.sum(phrases(inputs), axis=1)
            # That of the first class is 0.
            if num_classes and num_classes > 1 and not is_solved:
                scores = ops.pad(scores, ((0, 0), (1, 0)))
            outputs = paths([outputs, scores])
        super().__init__(inputs=inputs, outputs=outputs)

        # === Config ===
        self.set_targets(classes=num_classes is not None)

    def trim_padding(self, x: Any) -> Any:
        """Returns token ids without the columns that are padding in every row."""
        if len(x.shape) == 3:
            return x  # real values
        length = ops.max(ops.sum(ops.cast(ops.not_equal(x, 0), "int32"), axis=1))
        return x[:, : ops.maximum(length, 1)]
