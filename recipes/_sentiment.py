"""What the recipes for sentiment share: data, vocabulary, model, measures."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from rnnzoo.training.recipe import Recipe, option

# Options that are arguments of the model.
SETTINGS = (
    "max_length",
    "embedding_dim",
    "units",
    "num_layers",
    "cell",
    "dropout",
    "token_dropout",
    "ngrams",
    "ngram_rows",
)


@dataclasses.dataclass(kw_only=True)
class SentimentRecipe(Recipe):
    """Trains a sentiment classifier on labelled texts; subclasses say on which."""

    steps_per_epoch: int = option(0, "batches per epoch; 0 for one pass over the texts")
    units: int = option(128, "size of each direction's state")
    embedding_dim: int = option(128, "size of the vector that stands for a word")
    num_layers: int = option(1, "recurrent layers")
    cell: str = option("gru", "simple, gru or lstm")
    dropout: float = option(0.4, "share of features dropped in training")
    token_dropout: float = option(0.1, "share of words dropped in training")
    ngrams: int = option(3, "longest n-gram beside the network; 0 for none")
    ngram_rows: int = option(2**19, "n-grams that have a vector")
    max_length: int = option(800, "words read of a text")
    vocabulary_size: int = option(30_000, "most frequent words that are known")

    @functools.cached_property
    def source(self) -> Any:
        """The labelled texts: a `rnnzoo.data.pipeline.Source`."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains on")

    def classes(self) -> list[str]:
        """Returns the names of the classes."""
        return ["negative", "positive"]

    def held_out(self) -> int:
        """Returns how many texts of the source are for validation."""
        return min(max(1, len(self.source) // 10), 10_000)

    @functools.cached_property
    def parts(self) -> tuple:
        """Training and validation parts of the source, the same for every seed."""
        from rnnzoo.data.pipeline import split

        return split(self.source, self.held_out())

    def training_texts(self) -> Iterator[str]:
        """Yields the texts of the training part, of which memory may not hold all."""
        import numpy as np

        training, _ = self.parts
        # In the order of a file, which is the quickest to read.
        order = np.argsort(getattr(training, "indices", np.arange(len(training))))
        for start in range(0, len(order), 1000):
            yield from training.rows(order[start : start + 1000])[0]

    def model(self) -> Any:
        """Returns an untrained classifier that knows the words of the training part."""
        from rnnzoo import sentiment_classifier
        from rnnzoo.tokens import Words

        model = sentiment_classifier(
            weights=None,
            classes=self.classes(),
            vocabulary=Words.learn(self.training_texts(), self.vocabulary_size),
            **{name: getattr(self, name) for name in SETTINGS},
        )
        model.adapt(self.parts[0])
        return model

    def examples(self) -> Any:
        """Returns the training part, shuffled, in batches of similar length."""
        from rnnzoo.data.pipeline import Shuffled

        return Shuffled(self.parts[0])

    def validation_examples(self) -> tuple:
        """Returns the validation part."""
        validation = self.parts[1]
        return validation.rows(range(len(validation)))

    def test_examples(self) -> tuple:
        """Returns texts and labels to measure a finished model on."""
        return self.validation_examples()

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns accuracy, F1 of each class and calibration on the test examples."""
        return self.report(model, progress).figures()

    def report(self, model: Any, progress: Any = iter) -> Any:
        """Returns the `analysis.ClassificationReport` of the test examples."""
        from rnnzoo.data.pipeline import Pairs

        return model.report(Pairs(*self.test_examples()), progress)


@dataclasses.dataclass(kw_only=True)
class FineTuningRecipe(SentimentRecipe):
    """Trains a sentiment classifier on few texts, from pretrained weights."""

    epochs: int = option(8, "rounds over the texts, validation and checkpoint")
    batch_size: int = option(16, "texts per batch, over all devices")
    learning_rate: float = option(2e-3, "highest learning rate of the head")
    warmup_steps: int = option(20, "steps over which the learning rate rises from 0")
    weights: str = option("imdb", "listed weights, a .keras file, or none")
    layer_decay: float = option(2.6, "how much slower each layer before another learns")
    unfreeze: bool = option(True, "let one more layer learn each epoch, the head first")
    new_words: int = option(5_000, "at most this many new words are added")

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: one pass over the texts, or several over very few."""
        return self.steps_per_epoch or max(super().steps, 40)

    def model(self) -> Any:
        """Returns the pretrained classifier for these texts, or an untrained one."""
        from rnnzoo import sentiment_classifier
        from rnnzoo.tokens import Words

        if self.weights == "none":
            return super().model()
        fields = {field.name: field.default for field in dataclasses.fields(self)}
        # Weights bring settings of their own: others are refused, not forgotten.
        asked = {
            name: getattr(self, name)
            for name in SETTINGS
            if getattr(self, name) != fields[name]
        }
        body = sentiment_classifier(self.weights, **asked)
        known = body.tokens.vocabulary
        found = Words.learn(self.training_texts(), self.vocabulary_size, min_count=2)
        new = [word for word in found if word not in set(known)]
        model = sentiment_classifier(
            self.weights,
            classes=self.classes(),
            vocabulary=[*known, *new[: self.new_words]],
        )
        if model.classes != body.classes:  # else what n-grams learned is kept
            model.adapt(self.parts[0])
        return model

    def optimizer(self, model: Any) -> Any:
        """Returns Adam with a rate per layer; as the base otherwise."""
        from rnnzoo.training import finetuning

        if self.weights == "none":
            return super().optimizer(model)
        return finetuning.layerwise_adam(
            model,
            decay=self.layer_decay,
            unfreeze_steps=self.steps if self.unfreeze else 0,
            **self.optimizer_options(),
        )
