"""Classification of texts: what a text is about, or says of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo import weights as weight_files
from rnnzoo.data.pipeline import Source
from rnnzoo.errors import shorten
from rnnzoo.layers.logistic import cross_entropy
from rnnzoo.models.adversarial import AdversarialTraining
from rnnzoo.models.classifier import Classifier
from rnnzoo.tokens import check_classes, make_tokens
from rnnzoo.tokens.characters import ASCII
from rnnzoo.weights import factory


@keras.saving.register_keras_serializable("rnnzoo")
@keras.saving.register_keras_serializable("rnnzoo", name="SentimentClassifier")
class TextClassifier(AdversarialTraining, Classifier):
    """A classifier of texts that reads them in both directions.

    Token vectors go through a bidirectional recurrent network; the mean and the maximum
    of its outputs over all tokens go to a linear head. A linear model of n-grams
    answers beside it (`rnnzoo.layers.ngrams.NgramBag`). `sentiment_classifier` is this
    model with the weights of film reviews (Maas et al., ACL 2011).

    Shapes of the graph: token ids `[batch, time]`, int32, 0 = padding at the end, to
    logits `[batch, classes]`. `classify`, `answer`, `fit`, `evaluate` and `predict`
    take texts.

    Args:
        classes: Names of the classes. With weights for other classes, the model gets a
            fresh head.
        vocabulary: The tokens to know, most frequent first: words, characters, or what
            `Subwords.learn` returned. With weights, the vectors of words and characters
            that they know are carried over. Default: the 30,000 words of
            `sentiment_classifier`, or ASCII's characters. Bytes have none; others need
            one.
        tokens: What texts are read as: `"words"`, in lower case; `"characters"`;
            `"bytes"` of UTF-8; `"subwords"`; or `"whitespace"`, for texts that are
            split into words already (see `rnnzoo.tokens`).
        max_length: Tokens that are read of a text; of a longer one its first half of
            that many and its last half.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each direction's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        token_dropout: Fraction of tokens dropped in training.
        normalize: Whether `&quot;` and other references of HTML (in words) and accented
            letters written as two characters are read as what they stand for.
        ngrams: Longest n-gram of the linear model beside the network; 0 for none.
        ngram_rows: Number of n-grams that have a vector.
        ngram_scores: `"learned"` with the network, or `"solved"` before it, as
            `rnnzoo train own_texts` does: see `rnnzoo.layers.ngram_regression`.

    Example:
        >>> from rnnzoo import sentiment_classifier, text_classifier
        >>> sentiment_classifier().classify("A quiet triumph.")
        'positive'
        >>> model = sentiment_classifier(classes=["angry", "calm", "happy"])
        >>> texts, labels = ["Get out!", "Never mind.", "Hooray"], model.classes
        >>> history = model.fit(texts, labels, verbose=0)
        >>> model = text_classifier(tokens="characters", classes=labels, units=16)
        >>> history = model.fit(texts, labels, verbose=0)
        >>> model.classify("Get out!") in labels
        True
    """

    TASK = "text-classification"
    REPLACEABLE = ("classes", "vocabulary")

    def __init__(
        self,
        *,
        classes: Iterable[Any] = ("negative", "positive"),
        vocabulary: Sequence[str] | None = None,
        tokens: str = "words",
        max_length: int = 800,
        embedding_dim: int = 128,
        units: int = 128,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.4,
        token_dropout: float = 0.1,
        normalize: bool = True,
        ngrams: int = 3,
        ngram_rows: int = 524_288,
        ngram_scores: str = "learned",
    ):
        self.classes = self.arguments["classes"] = check_classes(classes)
        if vocabulary is None and tokens == "words":
            listed = weight_files.find("sentiment_classifier.imdb")
            vocabulary = weight_files.read_config(listed)["vocabulary"]
        elif vocabulary is None and tokens == "characters":
            vocabulary = ASCII
        symbols = make_tokens(
            tokens, vocabulary, max_length=max_length, normalize=normalize
        )
        if tokens not in ("bytes", "subwords"):
            vocabulary = symbols.vocabulary
        self.arguments["vocabulary"] = vocabulary
        super().__init__(
            vocabulary_size=symbols.vocabulary_size,
            num_classes=len(self.classes),
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
            ngram_scores=ngram_scores,
        )
        self.tokens = symbols
        self.max_length = max_length

    @classmethod
    def current_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns a file's arguments; those of old files that have not all of them."""
        old = {"tokens": "words", "normalize": False, "ngram_scores": "learned"}
        return old | super().current_config(config)

    def adapt(self, source: Source, limit: int = 25_000) -> int:
        """Weights n-grams by the classes of the texts that they are in; before `fit`.

        As `rnnzoo.layers.ngrams.NgramBag.adapt`, which forgets what was learned.

        Args:
            source: Texts and names of their classes, such as
                `rnnzoo.data.pipeline.Pairs`.
            limit: How many of them to read at most, at equal distances.

        Returns:
            How many n-grams have a vector.

        Example:
            >>> from rnnzoo import text_classifier
            >>> from rnnzoo.data.pipeline import Pairs
            >>> model = text_classifier(units=16)
            >>> texts = ["not bad", "so bad", "not bad at all", "it is so bad"]
            >>> model.adapt(Pairs(texts, ["positive", "negative"] * 2))
            5
        """
        if not self.arguments["ngrams"] or self.arguments["ngram_scores"] == "solved":
            return 0
        chosen = np.arange(0, len(source), -(-len(source) // limit))

        def batches() -> Iterator[tuple]:
            # In the order of a file, and of similar length within each part of it.
            for part in np.split(chosen, range(2048, len(chosen), 2048)):
                part = part[np.argsort(source.lengths[part], kind="stable")]
                for batch in np.split(part, range(64, len(part), 64)):
                    yield self.encode(*source.rows(batch))

        return self.get_layer("ngrams").adapt(batches())

    def copy_body(self, body: "TextClassifier") -> None:
        """Copies the vectors and the recurrent layers of a classifier of these sizes.

        A word that it does not know gets the vector of its unknown word.
        """
        vectors = body.get_layer("reader").embedding.get_weights()[0]
        rows = list(range(len(vectors)))
        if isinstance(known := body.arguments["vocabulary"], list):
            places = {word: row for row, word in enumerate(known, 2)}
            words = self.tokens.vocabulary
            rows = [0, 1, *(places.get(word, 1) for word in words)]
        self.get_layer("reader").embedding.set_weights([vectors[rows]])
        weights = body.get_layer("recurrence").get_weights()
        self.get_layer("recurrence").set_weights(weights)

    def copy_languages(self, forwards: Any, backwards: Any) -> None:
        """Copies the vectors and the recurrent layers of two language models.

        They read the same words with the same vectors, `backwards` from the end of a
        text to its beginning (Howard and Ruder, 2018, arXiv:1801.06146).

        Raises:
            ValueError: If they are of other tokens, words or sizes.
        """
        for model in (forwards, backwards):
            names = ("tokens", "vocabulary", "embedding_dim", "units", "num_layers")
            for name in (*names, "cell"):
                own, other = self.arguments[name], model.arguments[name]
                if own != other:
                    raise ValueError(
                        f"Language models and classifier must have the same {name}. "
                        f"Received: {shorten(other)} where the classifier has "
                        f"{shorten(own)}"
                    )
        vectors = [
            model.get_layer("reader").embedding.get_weights()[0]
            for model in (forwards, backwards)
        ]
        reader = self.get_layer("reader").embedding
        size = len(reader.get_weights()[0])  # without the start symbol
        if not np.array_equal(*(one[:size] for one in vectors)):
            raise ValueError(
                "Both language models must have the same vectors of words: train the "
                "second one with --vectors. Received: two that differ"
            )
        reader.set_weights([vectors[0][:size]])
        pairs = zip(
            *(m.get_layer("recurrence").layers for m in (self, forwards, backwards)),
            strict=True,
        )
        for layer, *known in pairs:
            weights = [weight for one in known for weight in one.get_weights()]
            layer.set_weights(weights)

    def calibrate(self, source: Source) -> float:
        """Divides all logits by a temperature, so that the probabilities are right.

        It has the lowest negative log-likelihood of texts that were not learned (Guo et
        al., 2017, arXiv:1706.04599). No answer changes.

        Args:
            source: Texts and names of their classes.

        Returns:
            The temperature.

        Raises:
            ValueError: If the n-grams' scores are solved: they are calibrated already.
        """
        if self.arguments["ngrams"] and self.arguments["ngram_scores"] == "solved":
            raise ValueError(
                "Solved scores of n-grams are calibrated: calibrate a model whose "
                "scores are learned. Received: ngram_scores='solved'"
            )
        texts, names = source.rows(range(len(source)))
        labels = self.class_numbers(names)
        logits = np.log(np.maximum(self.probabilities(texts), 1e-30))
        found = np.exp(np.linspace(-1.5, 2.0, 701))
        losses = [cross_entropy(labels, logits / one) for one in found]
        temperature = float(found[int(np.argmin(losses))])
        layers = ["head", "ngrams"] if self.arguments["ngrams"] else ["head"]
        for layer in map(self.get_layer, layers):
            for weight in layer.trainable_weights:
                weight.assign(weight / temperature)
        return temperature


text_classifier = factory(
    TextClassifier, "text_classifier", also="sentiment_classifier"
)
sentiment_classifier = factory(TextClassifier, "sentiment_classifier", weights="imdb")
