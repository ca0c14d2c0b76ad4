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

    @functools.cached_property
    def source(self) -> Any:
        """The training reviews, in an order that does not depend on their files'."""
        from rnnzoo.data import catalog
        from rnnzoo.data.pipeline import Pairs

        reviews = sorted(zip(*catalog.load("imdb_reviews"), strict=True))
        return Pairs(*zip(*reviews, strict=True))
