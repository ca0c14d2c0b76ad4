"""Tagging: a label for each word of a text, or for spans of words."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
from keras import ops

from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.data.schemes import (
    OUTSIDE,
    check_tags,
    is_allowed,
    is_begin,
    split_tag,
)
from rnnzoo.layers.crf import LinearChainCRF
from rnnzoo.layers.keras_internals import get_mask, set_mask
from rnnzoo.layers.metrics import MeasuredLoss, SpanF1, TokenAccuracy, expand_to_steps
from rnnzoo.layers.recurrence import RecurrentStack
from rnnzoo.layers.word_features import (
    CharacterReader,
    JoinFeatures,
    SummaryStep,
    WordDropout,
)
from rnnzoo.models.adaptation import Adaptable
from rnnzoo.models.tag_adaptation import adapt_weights
from rnnzoo.models.tag_answers import TagAnswers
from rnnzoo.tokens.labels import check_classes
from rnnzoo.tokens.sentences import RawSentences
from rnnzoo.tokens.spelled import SpelledWords
from rnnzoo.tokens.tags import TagTargets
from rnnzoo.weights import factory

# The parts of speech of Universal Dependencies.
UPOS = (
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
).split()
# What a step is that is no word, for metrics.
NO_WORD = -1
LETTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)


@keras.saving.register_keras_serializable("rnnzoo")
class Tagger(TagAnswers, Adaptable, SequenceModel):
    """A tagger: a bidirectional LSTM over words and their letters, and a CRF.

    Each word is a vector for how it is written, one for how it is in lower case, and
    what a small network reads in its letters. A bidirectional recurrent network reads
    these, and a conditional random field finds the best sequence of tags, in which no
    tag stands where its scheme forbids it (Lample et al., arXiv:1603.01360; Ma and
    Hovy, arXiv:1603.01354). With `intents`, a step before the words gets one of them:
    the same network says what a sentence as a whole is.

    Texts are split in the graph, exports included, by the rule of
    `rnnzoo.tokens.spelled.SpelledWords`; lists of words are taken as they are.

    Shapes of the graph: numbers `[batch, words, 2 + letters]`, int32, 0 = padding at
    the end, to the scores of tags and intents `[batch, words, tags + intents]`; of
    these, `crf` makes probabilities and answers. With intents, the first step is not a
    word. `tag`, `fit`, `evaluate` and `predict` take texts or lists of words.

    Args:
        tags: Names of the tags, such as `"B-city"` and `"O"`. With weights for other
            ones, what was learned of names that stay is kept.
        scheme: What tags mean: `"plain"`, each stands for itself; or `"iob1"`,
            `"iob2"` or `"iobes"`, they mark spans (`rnnzoo.data.schemes`).
        intents: Names of what a whole sentence can be; none by default.
        vocabulary: The words to know, as they are written: `learn_vocabulary`.
        lowered: More words that are known in lower case, such as those of texts without
            tags.
        characters: The characters to know: `learn_characters`.
        word_length: Characters that are read of a word: its first and last half.
        embedding_dim: Size of each of the two vectors that stand for a word.
        character_dim: Size of the vector that stands for a character.
        character_units: Features that are read in a word's characters.
        character_reader: `"convolution"`, `"gru"` or `"lstm"`.
        units: Size of each direction's state.
        num_layers: Recurrent layers over the words.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        token_dropout: Fraction of words that are taken for unknown ones in training.

    Example:
        >>> import keras
        >>> from rnnzoo import tagger
        >>> words = "Book a table for two in Paris".split()
        >>> tags = ["O", "O", "O", "O", "B-people", "O", "B-city"]
        >>> model = tagger(None, tags=sorted({*tags}), scheme="iob2", vocabulary=words,
        ...                units=16)
        >>> model.compile(keras.optimizers.Adam(0.02))
        >>> history = model.fit([words], [tags], epochs=60, verbose=0)
        >>> model.tag("Book a table for two in Paris")[1]
        Span(text='Paris', label='city', start=24, end=29)
    """

    TASK = "tagging"
    REPLACEABLE = (
        "tags",
        "scheme",
        "intents",
        "vocabulary",
        "lowered",
        "dropout",
        "token_dropout",
    )

    def __init__(
        self,
        *,
        tags: Iterable[str] = UPOS,
        scheme: str = "plain",
        intents: Iterable[str] = (),
        vocabulary: Sequence[str] = (),
        lowered: Sequence[str] = (),
        characters: Sequence[str] = LETTERS,
        word_length: int = 16,
        embedding_dim: int = 64,
        character_dim: int = 24,
        character_units: int = 48,
        character_reader: str = "convolution",
        units: int = 128,
        num_layers: int = 1,
        cell: str = "lstm",
        dropout: float = 0.5,
        token_dropout: float = 0.1,
    ):
        self.tags = check_classes(tags)
        check_tags(self.tags, scheme)
        intents = list(intents)
        self.intents = check_classes(intents) if intents else []
        self.scheme, self.classes = scheme, [*self.tags, *self.intents]
        tokens = SpelledWords(
            vocabulary,
            characters,
            lowered=lowered,
            start=bool(intents),
            word_length=word_length,
        )
        self.arguments.update(
            tags=self.tags,
            intents=self.intents,
            vocabulary=tokens.vocabulary,
            lowered=tokens.more_lowered,
            characters=tokens.characters,
        )

        # === Layers ===
        self.reader = CharacterReader(
            len(tokens.characters) + 2,
            character_dim,
            character_units,
            character_reader,
            name="reader",
        )
        self.word_dropout = WordDropout(token_dropout, name="word_dropout")
        self.words, self.lowered = (
            keras.layers.Embedding(size, embedding_dim, name=name)
            for size, name in (
                (tokens.vocabulary_size, "words"),
                (len(tokens.lowered) + 2, "lowered"),
            )
        )
        self.features = JoinFeatures(name="features")
        self.recurrence = RecurrentStack(
            units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=True,
            dropout=dropout,
            name="recurrence",
        )
        self.head_dropout = keras.layers.SpatialDropout1D(dropout, name="head_dropout")
        self.head = keras.layers.Dense(len(self.classes), dtype="float32", name="head")
        self.crf = LinearChainCRF(len(self.classes), self._find_forbidden(), name="crf")

        # === Graph ===
        inputs = keras.Input((None, 2 + word_length), dtype="int32", name="inputs")
        features = self.read_words(inputs)
        hidden = self.recurrence(features)[0]
        if intents:
            hidden = SummaryStep(dropout, name="summary")([hidden, features])
        outputs = self.crf(self.head(self.head_dropout(hidden)))
        super().__init__(inputs=inputs, outputs=outputs)

        # === Config ===
        self.tokens = tokens
        self.max_length = None
        self.set_targets(classes=True)

    def read_words(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns what is seen of each word alone, `[batch, words, features]`."""
        spelling = self.reader(inputs)
        numbers = self.word_dropout(inputs[..., :2], training=training)
        vectors = self.words(numbers[..., 0]), self.lowered(numbers[..., 1])
        return self.features([*vectors, spelling])

    def _find_forbidden(self) -> list[tuple]:
        """Returns pairs of classes of which the second must not follow the first."""
        tags, count = self.tags, len(self.tags)
        numbers = [*enumerate(tags), (None, None)]
        if not self.intents:
            return [
                (i, j)
                for i, one in numbers
                for j, other in numbers
                if not is_allowed(one, other, self.scheme)
                and not (i is None and j is None)
            ]
        # First an intent, and then a sentence of tags.
        others = range(count, count + len(self.intents))
        found: list[tuple] = [(None, tag) for tag in range(count)]
        found += [(one, two) for one in (*range(count), *others) for two in others]
        for i, one in numbers:
            for j, other in numbers:
                if (i, j) == (None, None) or is_allowed(one, other, self.scheme):
                    continue
                found += [(k, j) for k in (others if i is None else [i])]
        return found

    @functools.cached_property
    def raw(self) -> RawSentences:
        """How raw input becomes arrays."""
        return RawSentences(self.tokens)

    @staticmethod
    def learn_vocabulary(
        sentences: Iterable[Sequence[str]], size: int = 30_000, min_count: int = 2
    ) -> list[str]:
        """Returns the words of sentences to know; see `SpelledWords.learn`.

        Words that are there once are left out, so that what unknown words mean is
        learned of them.

        Example:
            >>> from rnnzoo import tagger
            >>> tagger.model_class.learn_vocabulary([["a", "b"], ["a"]])
            ['a']
        """
        return SpelledWords.learn(sentences, size, min_count)

    @staticmethod
    def learn_characters(
        sentences: Iterable[Sequence[str]], size: int = 300
    ) -> list[str]:
        """Returns the characters of sentences to know.

        Example:
            >>> from rnnzoo import tagger
            >>> tagger.model_class.learn_characters([["see", "bee"]])
            ['e']
        """
        return SpelledWords.learn_characters(sentences, size)

    def choose_objective(self) -> tuple:
        """Returns no loss, for `compute_loss` is the model's own; and the metrics."""
        metrics: list = [TokenAccuracy(NO_WORD)]
        if self.scheme != "plain":
            # What is no tag of a word is outside.
            names = [*self.tags, *[OUTSIDE] * len(self.intents)]
            labels = [split_tag(name)[1] for name in names]
            numbers = {name: place for place, name in enumerate(sorted({*labels}))}
            begins = [[is_begin(one, two) for two in names] for one in names]
            places = [numbers[name] if name else -1 for name in labels]
            metrics.append(SpanF1(places, begins, NO_WORD))
        return None, metrics

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns minus the log-likelihood of the tags, per word."""
        real = self.reader.compute_mask(x)
        losses = -self.crf.log_likelihood(y_pred, y, real)
        # Each word has an equal share of what its sentence costs.
        words = ops.sum(ops.cast(real, losses.dtype), axis=1, keepdims=True)
        shares = ops.where(real, losses[:, None] / ops.maximum(words, 1.0), 0.0)
        set_mask(shares, real)
        return MeasuredLoss()(y, shares, expand_to_steps(sample_weight, y_pred))

    def count_targets(self, y: Any, y_pred: Any) -> Any:
        """Returns how many words and intents a batch has."""
        return ops.sum(ops.cast(get_mask(y_pred), "int32"))

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict:
        """Updates the metrics, of words alone, with the best sequence of tags."""
        real = self.reader.compute_mask(x)
        tags, _ = self.crf.decode(y_pred, real)
        if self.intents:
            real = ops.logical_and(real, ops.not_equal(x[..., 1], 0))
        y = ops.where(real, ops.cast(y, "int32"), NO_WORD)
        best = ops.one_hot(tags, len(self.classes))
        return super().compute_metrics(x, y, best, sample_weight)

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts texts or lists of words to arrays, and tags to numbers.

        Targets are a list of tags for each input, or a string of them with spaces in
        between; with intents, pairs of such tags and an intent.

        Raises:
            ValueError: If an input has not as many tags as words, or one is not known.
        """
        rows, _ = self.raw.split(inputs)
        sentences = [one.words for one in self.raw.read(rows)]
        arrays = self.tokens.encode_words(sentences)
        if targets is None:
            return arrays, None
        return arrays, self.targets.encode(targets, [len(one) for one in sentences])

    @functools.cached_property
    def targets(self) -> TagTargets:
        """How tags become arrays."""
        return TagTargets(self.tags, self.intents)

    def complete_targets(self, inputs: Any, targets: Any) -> Any:
        """Returns the raw targets of raw inputs; `ValueError` if they are missing."""
        if targets is None:
            raise ValueError(
                "A Tagger learns from tags, a list for each text: give "
                "fit(texts, tags). Received: texts without tags"
            )
        return targets

    def with_tags(
        self, tags: Iterable[str], scheme: str | None = None, intents: Any = None
    ) -> Any:
        """Returns a copy for other tags or intents; itself, if it has these.

        What was learned of those that stay is kept.

        Example:
            >>> from rnnzoo import tagger
            >>> model = tagger(None, units=8)
            >>> model.with_tags(["O", "B-city", "I-city"], "iob2").tags
            ['O', 'B-city', 'I-city']
        """
        changes: dict[str, Any] = {"tags": list(tags)}
        changes["scheme"] = self.scheme if scheme is None else scheme
        changes["intents"] = self.intents if intents is None else list(intents)
        if all(self.arguments[name] == value for name, value in changes.items()):
            return self
        return self.copy_with(self.weight_adapter(self.arguments, changes), **changes)

    def with_vocabulary(self, vocabulary: Sequence[str]) -> Any:
        """Returns a copy that knows other words; a new one starts as unknown.

        Example:
            >>> from rnnzoo import tagger
            >>> tagger(None, units=8).with_vocabulary(["zoo"]).tokens.vocabulary
            ['zoo']
        """
        changes = {"vocabulary": list(vocabulary)}
        if changes["vocabulary"] == self.tokens.vocabulary:
            return self
        return self.copy_with(self.weight_adapter(self.arguments, changes), **changes)

    @classmethod
    def weight_adapter(cls, config: dict, changes: dict) -> Callable:
        """Returns a function of a layer's name, old and new weights: those it gets."""
        return adapt_weights(config, {**config, **changes})


tagger = factory(Tagger, "tagger", weights="ewt_upos")
