"""What the recipes for texts share: data, vocabulary, model, measures."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from rnnzoo.training.recipe import Recipe, option


@dataclasses.dataclass(kw_only=True)
class TextRecipe(Recipe, model="text_classifier"):
    """Trains a classifier on labelled texts; subclasses say on which."""

    steps_per_epoch: int = option(0, "batches per epoch; 0 for one pass over the texts")
    vocabulary_size: int = option(
        30_000, "most frequent tokens that are known", minimum=1
    )

    @functools.cached_property
    def source(self) -> Any:
        """The labelled texts: a `rnnzoo.data.pipeline.Source`."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains on")

    def class_names(self) -> list[str]:
        """Returns the names of the classes."""
        return ["negative", "positive"]

    @functools.cached_property
    def parts(self) -> tuple:
        """Training and validation parts of the source, the same for every seed."""
        from rnnzoo.data.pipeline import split

        return split(self.source, min(max(1, len(self.source) // 10), 10_000))

    def training_texts(self) -> Iterator[str]:
        """Yields the texts of the training part, of which memory may not hold all."""
        import numpy as np

        training, _ = self.parts
        # In the order of a file, which is the quickest to read.
        order = np.argsort(getattr(training, "indices", np.arange(len(training))))
        for start in range(0, len(order), 1000):
            yield from training.rows(order[start : start + 1000])[0]

    def model(self) -> Any:
        """Returns an untrained classifier for the tokens of the training part."""
        from rnnzoo.tokens import TOKENS

        vocabulary = None
        if self.tokens in TOKENS and self.tokens != "bytes":
            learn = TOKENS[self.tokens].learn
            # SentencePiece normalizes by itself.
            options = {} if self.tokens == "subwords" else {"normalize": True}
            vocabulary = learn(self.training_texts(), self.vocabulary_size, **options)
        model = self.build(classes=self.class_names(), vocabulary=vocabulary)
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
class FineTuningRecipe(TextRecipe):
    """Trains a classifier on few texts, from pretrained weights."""

    epochs: int = option(8)
    batch_size: int = option(16, "texts per batch, over all devices")
    learning_rate: float = option(2e-3, "highest learning rate of the head")
    warmup_steps: int = option(20)
    weights: str = option(
        "imdb",
        "listed weights, a .keras file, or none; other tokens than words have no "
        "listed weights, and need none",
    )
    layer_decay: float = option(
        2.6, "how much slower each layer before another learns", minimum=1
    )
    unfreeze: bool = option(True, "let one more layer learn each epoch, the head first")
    new_words: int = option(5_000, "at most this many new words are added", minimum=0)

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: one pass over the texts, or several over very few."""
        return self.steps_per_epoch or max(super().steps, 40)

    @property
    def is_pretrained(self) -> bool:
        """Whether training starts from weights."""
        is_default = self.weights == "imdb" and self.tokens != "words"
        return self.weights != "none" and not is_default

    def model(self) -> Any:
        """Returns the pretrained classifier for these texts, or an untrained one."""
        from rnnzoo import text_classifier
        from rnnzoo.tokens import TOKENS
        from rnnzoo.weights import read_settings

        if not self.is_pretrained:
            return super().model()
        asked = self.changed_settings()
        # The settings say what is known: the model is built once, with all it needs.
        _, known, _ = read_settings(text_classifier, self.weights, asked)
        if isinstance(known["vocabulary"], list):
            learn, words = TOKENS[known["tokens"]].learn, set(known["vocabulary"])
            options = {"min_count": 2, "normalize": known["normalize"]}
            found = learn(self.training_texts(), self.vocabulary_size, **options)
            new = [word for word in found if word not in words][: self.new_words]
            asked["vocabulary"] = [*known["vocabulary"], *new]
        model = text_classifier(self.weights, classes=self.class_names(), **asked)
        if model.classes != known["classes"]:  # else what n-grams learned is kept
            model.adapt(self.parts[0])
        return model

    def optimizer(self, model: Any) -> Any:
        """Returns Adam with a rate per layer; as the base otherwise."""
        from rnnzoo.training import finetuning

        if not self.is_pretrained:
            return super().optimizer(model)
        return finetuning.layerwise_adam(
            model,
            decay=self.layer_decay,
            unfreeze_steps=self.steps if self.unfreeze else 0,
            **self.optimizer_options(),
        )
