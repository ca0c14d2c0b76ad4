"""Tells whether a film review is negative or positive: IMDB, 25,000 reviews.

rnnzoo prepare imdb_reviews
rnnzoo train imdb_sentiment
"""

import dataclasses
import functools
from typing import Any

from rnnzoo.recipes._sentiment import SentimentRecipe
from rnnzoo.training import option


@dataclasses.dataclass(kw_only=True)
class ImdbSentiment(SentimentRecipe):
    """Classifies film reviews with a bidirectional GRU."""

    epochs: int = option(5, "rounds over the reviews, validation and checkpoint")
    batch_size: int = option(64, "reviews per batch, over all devices")
    learning_rate: float = option(1.5e-3, "highest learning rate, after warm-up")
    averaging: float = option(0.99, "momentum of the average of the weights")

    @functools.cached_property
    def source(self) -> Any:
        """The training reviews, in an order that does not depend on their files'."""
        from rnnzoo.data import catalog
        from rnnzoo.data.pipeline import Pairs

        reviews = sorted(zip(*catalog.load("imdb_reviews"), strict=True))
        return Pairs(*zip(*reviews, strict=True))

    def test_examples(self) -> tuple:
        """Returns the 25,000 reviews of the original test set."""
        from rnnzoo.data import catalog

        return catalog.load("imdb_reviews", "test")

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns figures on the whole test set, and without texts of the training."""
        from rnnzoo.data.pipeline import Pairs, Subset

        test = Pairs(*self.test_examples())
        figures = model.report(test, progress).figures()
        trained = set(self.source.inputs)
        twice = [row for row, text in enumerate(test.inputs) if text in trained]
        right, others = figures["accuracy"] * len(test), len(test) - len(twice)
        if twice:
            right -= model.report(Subset(test, twice)).accuracy * len(twice)
        figures["accuracy_without_texts_of_the_training"] = right / others
        return figures

    def golden_inputs(self) -> list:
        """Returns sentences of our own: the reviews may not be passed on."""
        return [
            "A quiet triumph.",
            "What a bore!",
            "I wanted to like it, but the story goes nowhere and the jokes are stale.",
            "Not a great film by any means, yet I could not stop smiling.",
            "",
        ]
