"""Sentiment: what a text says of what it is about."""

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo import analysis
from rnnzoo import weights as weight_files
from rnnzoo.architectures.many_to_one import ManyToOne, NamedClasses
from rnnzoo.architectures.sequence_model import compile_graph
from rnnzoo.data.pipeline import Source
from rnnzoo.errors import check_number
from rnnzoo.tokens import Words, check_texts
from rnnzoo.tokens.labels import check_classes, plain
from rnnzoo.weights import factory

DEFAULT_WEIGHTS = "imdb"


@keras.saving.register_keras_serializable("rnnzoo")
class SentimentClassifier(NamedClasses, ManyToOne):
    """A classifier of texts that reads them in both directions.

    Word vectors go through a bidirectional recurrent network; the mean and the maximum
    of its outputs over all words go to a linear head. A linear model of n-grams answers
    beside it (`rnnzoo.layers.ngrams.NgramBag`). Use it as it is on English reviews, or
    fine-tune it on texts and classes of your own (`rnnzoo.training.finetuning`).

    Shapes of the graph: token ids `[batch, time]`, 0 = padding at the end, to logits
    `[batch, classes]`. `classify` and `answer` take texts and return names of classes;
    `fit`, `evaluate` and `predict` take texts too.

    Args:
        classes: Names of the classes. With weights for other classes, the model gets a
            fresh head.
        vocabulary: The words to know, most frequent first. With weights, the vectors of
            words that they know are carried over. Default: the words of the default
            weights, 30,000 of English film reviews.
        max_length: Words that are read of a text; of a longer one its first half of
            that many and its last half.
        embedding_dim: Size of the vector that stands for a word.
        units: Size of each direction's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"` or `"lstm"`.
        dropout: Share of features dropped in training.
        token_dropout: Share of words dropped in training.
        ngrams: Longest n-gram of the linear model beside the network; 0 for none.
        ngram_rows: Number of n-grams that have a vector.

    Attributes:
        classes: Names of the classes, in the order of the graph's outputs.
        tokens: The words that it knows.

    Raises:
        ValueError: If there are no such weights, they contradict an argument, or an
            argument is outside its range.

    Example:
        >>> from rnnzoo import sentiment_classifier
        >>> sentiment_classifier().classify("A quiet triumph.")
        'positive'
        >>> model = sentiment_classifier(classes=["angry", "calm", "happy"])
        >>> texts, labels = ["Get out!", "Never mind.", "Hooray"], model.classes
        >>> history = model.fit(texts, labels, verbose=0)

    References:
        Maas et al., "Learning word vectors for sentiment analysis", ACL 2011: the data.
    """

    REPLACEABLE = ("classes", "vocabulary")

    def __init__(
        self,
        *,
        classes: Sequence[str] = ("negative", "positive"),
        vocabulary: Sequence[str] | None = None,
        max_length: int = 800,
        embedding_dim: int = 128,
        units: int = 128,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.4,
        token_dropout: float = 0.1,
        ngrams: int = 3,
        ngram_rows: int = 524_288,
    ):
        self.classes = self.arguments["classes"] = check_classes(classes)
        if vocabulary is None:
            listed = weight_files.find(DEFAULT_WEIGHTS, "sentiment_classifier")
            vocabulary = weight_files.read_config(listed)["vocabulary"]
        self.arguments["vocabulary"] = list(vocabulary)
        check_number("max_length", max_length, minimum=2, whole=True)
        tokens = Words(vocabulary, max_length=max_length)
        super().__init__(
            vocabulary_size=tokens.vocabulary_size,
            num_classes=len(classes),
            embedding_dim=embedding_dim,
            units=units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=True,
            dropout=dropout,
            token_dropout=token_dropout,
            pooling="mean_max",
            ngrams=ngrams,
            ngram_rows=ngram_rows,
        )
        self.tokens = tokens
        self.max_length = max_length

    @classmethod
    def from_file(cls, path: Any, config: dict, changes: dict) -> Any:
        """Builds a model for other classes or words with what fits of a file's weights.

        Args:
            path: The file.
            config: The file's arguments.
            changes: `classes` or `vocabulary`, or both.
        """
        known = config["vocabulary"]
        words = list(changes.get("vocabulary", known))
        if config["ngrams"] and words[: len(known)] != known:
            # N-grams are known by the numbers of their words.
            raise ValueError(
                "The vocabulary of a model with n-grams can be added to, and not "
                "changed: begin with model.tokens.vocabulary. Received: vocabulary "
                f"with {len(words)} words, which begins otherwise"
            )
        model = cls(**{**config, **changes})
        places = {word: index for index, word in enumerate(known, 2)}
        rows = [0, 1, *(places.get(word, 1) for word in words)]

        def adapt(layer: str, old: np.ndarray, new: np.ndarray) -> np.ndarray:
            if layer in ("head", "ngrams") and "classes" in changes:
                return new
            return old[rows] if layer == "reader" else old

        weight_files.copy_weights(path, model, adapt)
        return model

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Turns texts into token ids `[batch, time]`, and class names into numbers."""
        texts = check_texts(inputs)
        if targets is None:
            return self.tokens.encode(texts), None
        numbers = self.numbers_for(targets, len(texts), "texts")
        return self.tokens.encode(texts), numbers

    def adapt(self, source: Source, limit: int = 25_000) -> int:
        """Weighs n-grams by the classes of the texts that they are in; before `fit`.

        See `rnnzoo.layers.ngrams.NgramBag.adapt`: what n-grams had learned is
        forgotten, and those that two texts or more have get a vector of their own.

        Args:
            source: The texts to train on, and the names of their classes, such as
                `rnnzoo.data.pipeline.Pairs`.
            limit: How many of them to read at most, at equal distances.

        Returns:
            How many n-grams have a vector; 0 if the model has no n-grams.

        Raises:
            ValueError: If a label is no class of the model.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> from rnnzoo.data.pipeline import Pairs
            >>> model = sentiment_classifier(weights=None, units=16)
            >>> texts = ["not bad", "so bad", "not bad at all", "it is so bad"]
            >>> model.adapt(Pairs(texts, ["positive", "negative"] * 2))
            5
        """
        if not self.arguments["ngrams"]:
            return 0
        step = -(-len(source) // limit)
        chosen = np.arange(0, len(source), step)
        # In the order of a file, and of similar length within each part of it.
        parts = [
            part[np.argsort(source.lengths[part], kind="stable")]
            for part in np.split(chosen, range(2048, len(chosen), 2048))
        ]
        batches = (
            self.encode(*source.rows(part[start : start + 64]))
            for part in parts
            for start in range(0, len(part), 64)
        )
        return self.get_layer("ngrams").adapt(batches)

    def classify(self, texts: Any, probabilities: bool = False) -> Any:
        """Names the class of a text, or of each text of a batch.

        Of a text of more than `max_length` words, the first half of that many and the
        last half are read, and a warning says of how many texts that is true. Memory
        does not grow with the number of texts. An empty text is answered as one unknown
        word.

        Args:
            texts: A string, or a list, tuple, array or tensor of strings.
            probabilities: Whether to return each class's probability.

        Returns:
            The name of the likeliest class, or a dict from every class to its
            probability; a list of these for a batch.

        Raises:
            TypeError: If something is not a string; names every such row. Nothing is
                answered then.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> model = sentiment_classifier()
            >>> model.classify("A quiet triumph.")
            'positive'
            >>> model.classify(["What a bore!", "Go and see it."])
            ['negative', 'positive']
        """
        if isinstance(texts, (str, bytes)) or getattr(texts, "shape", None) == ():
            return self.classify([plain(texts)], probabilities)[0]
        shares = self.probabilities(texts)
        if not probabilities:
            return [self.classes[number] for number in shares.argmax(axis=1)]
        return [dict(zip(self.classes, map(float, row), strict=True)) for row in shares]

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the probability of each class, `[texts, classes]`, float32."""
        texts = check_texts(texts)
        shares, cut = self._read(texts)
        self._warn_of_long(cut, len(texts))
        return shares

    def _read(self, texts: Sequence[str]) -> tuple:
        """Returns the probabilities, and how many texts are too long to read whole."""
        order = np.argsort([len(text) for text in texts], kind="stable")
        shares = np.zeros((len(texts), len(self.classes)), "float32")
        cut = 0
        for start in range(0, len(texts), 64):
            part = order[start : start + 64]
            batch = [texts[index] for index in part]
            ids = self.tokens.encode(batch)
            if ids.shape[1] == self.max_length:
                full = [text for text, row in zip(batch, ids, strict=True) if row[-1]]
                cut += sum(len(self.tokens.split(t)) > self.max_length for t in full)
            shares[part] = self._probabilities(ids)
        return shares, cut

    def _warn_of_long(self, cut: int, count: int) -> None:
        """Warns if `cut` of `count` texts were not read whole."""
        if cut:
            half = self.max_length // 2
            warnings.warn(
                f"{cut} of {count} texts have more than {self.max_length} words: "
                f"their first {self.max_length - half} and last {half} were read",
                stacklevel=3,
            )

    @functools.cached_property
    def _probabilities(self) -> Any:
        def probabilities(ids: Any) -> Any:
            return keras.ops.softmax(self(ids, training=False))

        return compile_graph(probabilities, ((None, None), "int32"))

    def report(self, source: Source, progress: Callable = iter) -> Any:
        """Measures the model on labelled texts, which memory need not hold.

        Args:
            source: The texts and the names of their classes, such as
                `rnnzoo.data.pipeline.Pairs` or `rnnzoo.data.files.LabelledFile`.
            progress: Wraps an iterable to show progress, as `tqdm` would.

        Returns:
            A `rnnzoo.analysis.ClassificationReport`.

        Raises:
            ValueError: If a label is no class of the model.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> from rnnzoo.data.pipeline import Pairs
            >>> reviews = Pairs(["Superb.", "What a bore!"], ["positive", "negative"])
            >>> sentiment_classifier().report(reviews).accuracy
            1.0
        """
        order = np.argsort(source.lengths, kind="stable")
        numbers = np.zeros(len(source), "int32")
        shares = np.zeros((len(source), len(self.classes)), "float32")
        cut = 0
        for start in progress(range(0, len(source), 1024)):
            part = order[start : start + 1024]
            texts, labels = source.rows(part)
            numbers[part] = self.class_numbers(labels)
            shares[part], long = self._read(check_texts(texts))
            cut += long
        self._warn_of_long(cut, len(source))
        return analysis.classification_report(numbers, shares, self.classes)

    def explain(
        self, text: str, method: str = "occlusion", of: str | None = None
    ) -> analysis.Explanation:
        """Says which words of a text made the answer; see `rnnzoo.analysis.explain`.

        Args:
            text: One text.
            method: `"occlusion"`, or `"gradient"`: quicker, and less exact.
            of: Name of the class to explain; `None` for the one answered.

        Returns:
            An `Explanation`: it prints, colours a terminal (`to_terminal`), shows in
            notebooks, and writes HTML (`save_html`).

        Raises:
            TypeError: If `text` is not a string.
            ValueError: If `method` or `of` is none of those there are.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> sentiment_classifier().explain("What a bore!").top(1)[0][0]
            'bore'
        """
        return analysis.explain(self, text, method, of)

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        words = [*self.tokens.vocabulary, "zweihundert", ".", "\N{GRINNING FACE}"]
        lengths = [1, 7, 30, 200, self.max_length + 1, 2 * self.max_length]
        drawn = [" ".join(random.choice(words, length)) for length in lengths]
        return ["A quiet triumph.", "What a bore!<br />It's long.", *drawn]

    def answer_in_graph(self, text: Any) -> dict:
        """Names the class of strings `[batch]`, in the graph: see `named_classes`."""
        return self.named_classes(self(self.tokens(text), training=False))

    def answer(self, inputs: Any) -> Any:
        """Names the class of a text, or of each text of a batch, as `classify`.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> sentiment_classifier().answer("A quiet triumph.")
            'positive'
        """
        return self.classify(inputs)


sentiment_classifier = factory(
    SentimentClassifier, "sentiment_classifier", weights="imdb"
)
