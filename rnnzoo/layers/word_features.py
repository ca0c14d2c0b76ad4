"""What a tagger sees of a word: its vectors, and what its letters spell."""

from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.recurrence import RecurrentStack

READERS = ("convolution", "gru", "lstm")


@keras.saving.register_keras_serializable("rnnzoo")
class CharacterReader(keras.layers.Layer):
    """Reads the characters of each word.

    Inputs: numbers `[batch, words, 2 + characters]`, int32, of which the first is 0 for
    padding, and 0 pads the characters (`rnnzoo.tokens.spelled`).

    Outputs: features `[batch, words, features]`, masked.

    Args:
        vocabulary_size: Numbers of characters, padding included.
        embedding_dim: Size of the vector that stands for a character.
        units: Number of features; of a recurrent reader, half of them each direction.
        kind: `"convolution"` over three characters, of which the maximum over the word
            is taken; or `"gru"` or `"lstm"`, read in both directions.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int = 24,
        units: int = 48,
        kind: str = "convolution",
        **options: Any,
    ):
        super().__init__(**options)
        check_choice("character_reader", kind, READERS)
        check_number("character_dim", embedding_dim, minimum=1, whole=True)
        check_number("character_units", units, minimum=2, whole=True)
        self.vocabulary_size, self.units, self.kind = vocabulary_size, units, kind
        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(
            vocabulary_size, embedding_dim, dtype=policy, name="characters"
        )
        if kind == "convolution":
            self.spelling = keras.layers.Conv1D(
                units, 3, padding="same", activation="relu", dtype=policy, name="conv"
            )
        else:
            self.spelling = RecurrentStack(
                units // 2, cell=kind, bidirectional=True, dtype=policy, name="spelling"
            )

    def build(self, inputs_shape: tuple) -> None:
        """Creates the weights."""
        shape = (None, inputs_shape[-1] - 2)
        self.embedding.build(shape)
        self.spelling.build((*shape, self.embedding.output_dim))

    def call(self, inputs: Any) -> Any:
        """Returns features of each word."""
        size = inputs.shape[-1] - 2
        letters = ops.reshape(inputs[..., 2:], (-1, size))
        steps = self.embedding(letters)
        real = ops.not_equal(letters, 0)
        if self.kind == "convolution":
            real = ops.cast(real, self.compute_dtype)[..., None]
            # Not below zero, which is also what padding gets.
            found = ops.max(self.spelling(steps * real) * real, axis=1)
        else:
            # A word has a character at least: cuDNN needs one.
            first = ops.zeros_like(letters[:, :1], dtype="bool")
            real = ops.concatenate([ops.logical_not(first), real[:, 1:]], axis=1)
            _, state = self.spelling(steps, mask=real)
            outputs = state[-1][:: len(state[-1]) // 2]
            found = ops.concatenate(outputs, axis=-1)
        batch, words = ops.shape(inputs)[0], ops.shape(inputs)[1]
        return ops.reshape(found, (batch, words, found.shape[-1]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns `[batch, words]`, true for words."""
        return ops.not_equal(inputs[..., 0], 0)


@keras.saving.register_keras_serializable("rnnzoo")
class WordDropout(keras.layers.Layer):
    """Takes words for unknown ones in training, by their numbers.

    Inputs and outputs: numbers of words `[batch, words, 2]`: as written, and in lower
    case. Both are 1 where a word is unknown; the first alone is where only this is.

    Args:
        rate: Fraction of the words.
    """

    def __init__(self, rate: float, **options: Any):
        super().__init__(**options)
        check_number("token_dropout", rate, minimum=0, below=1)
        self.rate = rate
        if rate:
            self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns the numbers, in training those of some words replaced."""
        if not (self.rate and training):
            return inputs
        shape = ops.shape(inputs)
        drawn = keras.random.uniform((shape[0], shape[1], 1), seed=self.seed_generator)
        # Half of them keep what they are in lower case.
        limits = ops.convert_to_tensor([self.rate, self.rate / 2], drawn.dtype)
        is_dropped = ops.logical_and(drawn < limits, inputs > 1)
        return ops.where(is_dropped, ops.ones_like(inputs), inputs)


@keras.saving.register_keras_serializable("rnnzoo")
class JoinFeatures(keras.layers.Concatenate):
    """Puts features of words side by side, with the mask of those that have one.

    Keras' own layer takes for real whatever one of its inputs has no mask for.
    """

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the first mask, or `None`."""
        return next((one for one in mask or () if one is not None), None)


@keras.saving.register_keras_serializable("rnnzoo")
class SummaryStep(keras.layers.Layer):
    """Makes the first step a summary of all steps.

    It is made of the largest value of each feature over the steps, and of their sum,
    divided by the square root of the number of steps.

    Inputs: features `[batch, steps, features]` of the steps in their context, and
    `[batch, steps, others]` of each step alone, both with the same mask `[batch,
    steps]` if there is padding.

    Outputs: the features in context, with another first step.

    Args:
        dropout: Fraction of what the summary is made of that is dropped in training.
    """

    def __init__(self, dropout: float = 0.0, **options: Any):
        super().__init__(**options)
        self.supports_masking = True
        self.feature_dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy)

    def build(self, inputs_shape: list) -> None:
        """Creates the weights."""
        size, others = (shape[-1] for shape in inputs_shape)
        self.projection = keras.layers.Dense(
            size, activation="tanh", dtype=self.dtype_policy, name="projection"
        )
        self.projection.build((None, size + 2 * others))

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Returns the features in context, with another first step."""
        contexts, words = inputs
        real = mask[0] if mask else None
        if real is None:
            real = ops.ones_like(contexts[..., 0], dtype="bool")
        real = ops.cast(real, "bool")[..., None]
        lowest = ops.cast(-1e4, contexts.dtype)  # also in float16
        largest = [
            ops.max(ops.where(real, part, lowest), axis=1, keepdims=True)
            for part in inputs
        ]
        shares = ops.cast(real, words.dtype)
        count = ops.maximum(ops.sum(shares, axis=1, keepdims=True), 1)
        total = ops.sum(words * shares, axis=1, keepdims=True) / ops.sqrt(count)
        found = ops.concatenate([*largest, total], axis=-1)
        first = self.projection(self.feature_dropout(found, training=training))
        return ops.concatenate([first, contexts[:, 1:]], axis=1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the mask of the features in context."""
        return mask and mask[0]

    def compute_output_shape(self, inputs_shape: list) -> tuple:
        """Returns the shape of the features in context."""
        return tuple(inputs_shape[0])
