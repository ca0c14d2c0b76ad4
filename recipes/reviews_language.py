"""Predicts the words of film reviews: the start of a classifier of them.

    rnnzoo prepare imdb_reviews
    rnnzoo train reviews_language
    rnnzoo train reviews_language --backwards \
        --vectors=runs/reviews_language/best.keras --run=runs/reviews_backwards

A GRU reads the 25,000 training reviews of IMDB and the 49,000 without a label as
parallel streams, with its state carried from batch to batch; a mark stands between two
reviews. `--backwards` learns to read from the end to the beginning, with the vectors of
words of the first model, so that both can read for one classifier. What they know of
words and their order is where `imdb_sentiment` starts from (Dai and Le, 2015,
arXiv:1511.01432; Howard and Ruder, 2018, arXiv:1801.06146).
"""

import dataclasses
import functools
import sys
from typing import Any

from rnnzoo.recipes._language import LanguageRecipe
from rnnzoo.training.recipe import option

# A word of its own, which stands between two reviews.
MARK = "¶"


@dataclasses.dataclass(kw_only=True)
class ReviewsLanguage(LanguageRecipe):
    """Models the words of film reviews with a GRU."""

    trained_on = (
        "imdb_reviews (Maas et al., ACL 2011): the training reviews, and those without "
        "a label"
    )
    licence = "Apache-2.0; the owners of the reviews state none"

    epochs: int = option(6)
    bptt_steps: int = option(70)
    max_length: int = option(70)
    tokens: str = option("words")
    vocabulary_size: int = option(30_000)
    units: int = option(256)
    num_layers: int = option(1)
    cell: str = option("gru")
    dropout: float = option(0.2)
    tied_weights: bool = option(True)
    output: str = option("sampled")
    backwards: bool = option(False, "read reviews from their end to their beginning")
    vectors: str = option(
        "",
        "a .keras file of another such model, whose vectors of words stay as they are",
    )
    num_validation: int = option(1000, "reviews kept for validation", minimum=1)

    @functools.cached_property
    def reviews(self) -> tuple[list[str], list[str]]:
        """The training reviews and the validation reviews, in a fixed order."""
        import numpy as np

        from rnnzoo.data import catalog

        def load(split: str) -> list[str]:
            return catalog.load("imdb_reviews", split, with_targets=False)[0]

        training = load("train")
        known = {*training, *load("test")}  # nothing of the test reviews is learned
        reviews = sorted([*training, *(set(load("unsupervised")) - known)])
        order = np.random.default_rng(0).permutation(len(reviews))
        if len(reviews) <= self.num_validation:
            raise ValueError(
                "num_validation must leave reviews to train on. Received: "
                f"num_validation={self.num_validation} of {len(reviews)} reviews"
            )
        chosen = [reviews[place] for place in order.tolist()]
        return chosen[self.num_validation :], chosen[: self.num_validation]

    @functools.cached_property
    def symbols(self) -> tuple:
        """The words of both parts, in the order of reading."""
        return tuple(map(self.split, self.reviews))

    def split(self, reviews: list[str]) -> list[str]:
        """Returns the words of reviews in the order of reading, with marks between."""
        from rnnzoo.tokens import TOKENS

        separator, words = TOKENS[self.tokens].separator, []
        for review in reviews:
            # Each word is in memory once.
            found = [sys.intern(w) for w in TOKENS[self.tokens].split(review)]
            words += [*found, MARK] if separator else [*found, "\n"]
        return words[::-1] if self.backwards else words

    @functools.cached_property
    def texts(self) -> tuple[str, str]:
        """Both parts as one text each, in the order of reading."""
        training, validation = self.symbols
        return self.separator.join(training), self.separator.join(validation)

    def model(self) -> Any:
        """Returns an untrained model, or one that has the vectors of another."""
        from rnnzoo.training import finetuning

        model = super().model()
        if self.vectors:
            reader = model.get_layer("reader")
            reader.set_weights(self.known.get_layer("reader").get_weights())
            finetuning.freeze(model, ["reader"])
        return model

    @functools.cached_property
    def known(self) -> Any:
        """The model that has the vectors."""
        import rnnzoo

        model = rnnzoo.load(self.vectors)
        size = model.arguments.get("embedding_dim")
        if model.arguments.get("tokens") != self.tokens or size != self.embedding_dim:
            raise ValueError(
                "vectors must be of a language model with the same tokens and "
                f"embedding_dim. Received: vectors={self.vectors!r}, of "
                f"{type(model).__name__} with {size} where this one has "
                f"{self.embedding_dim}"
            )
        return model

    def vocabulary(self) -> Any:
        """Returns the most frequent tokens of the training reviews."""
        import collections

        if self.vectors:
            return self.known.arguments["vocabulary"]

        if self.tokens == "words":
            counts = collections.Counter(self.symbols[0])
            return [word for word, _ in counts.most_common(self.vocabulary_size)]
        return super().vocabulary()

    def data_files(self) -> list:
        """Returns the folder of the prepared data set, and the file of vectors."""
        from rnnzoo.data import catalog

        return [catalog.find_folder("imdb_reviews"), *filter(None, [self.vectors])]

    def golden_inputs(self) -> list:
        """Returns prompts of our own."""
        return ["this film is", "the worst", "i have never", "", "¶"]


RECIPE = ReviewsLanguage
