"""Learns how English words are used from texts without tags: where taggers begin.

    rnnzoo prepare imdb_reviews
    rnnzoo train word_neighbours
    rnnzoo train ewt_upos --weights=runs/word_neighbours/tagger.keras

A tagger's networks read the sentences of 50,000 film reviews without a label, or of
`--data`; the forward one learns to predict the next word, and the backward one the word
before (Peters et al., 2017, arXiv:1705.00108). Vectors of words begin with what the
words beside them say. `tagger.keras` in the run folder reads as this model has learned
to, and can be given any tags.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any

from rnnzoo.training.recipe import Recipe, option

# Of vectors of words made by counting; larger than what training begins with otherwise.
VECTOR_SCALE = 0.3


@dataclasses.dataclass(kw_only=True)
class WordNeighbours(Recipe, model="tagger"):
    """Learns the use of words from sentences without tags."""

    trained_on = "imdb_reviews (Maas et al., ACL 2011): the reviews without a label"
    licence = "Apache-2.0; the owners of the reviews state none"
    shows_samples = False

    steps_per_epoch: int = option(900)
    learning_rate: float = option(3e-3)
    warmup_steps: int = option(500)
    data: str = option(
        "", "csv, jsonl or txt file of texts; empty for the reviews of IMDB"
    )
    vocabulary_size: int = option(
        18_000, "most frequent words in lower case that are known", minimum=1
    )
    num_sampled: int = option(
        1024, "words that those of a batch are compared with", minimum=1
    )
    num_validation: int = option(2000, "sentences kept for validation", minimum=1)
    character_units: int = option(64)
    units: int = option(192)
    dropout: float = option(0.2)

    @functools.cached_property
    def sentences(self) -> Any:
        """The sentences of the texts, in the order of the texts."""
        import tqdm

        from rnnzoo.data.tables import Table
        from rnnzoo.recipes._word_vectors import Sentences, read_reviews

        if self.data:
            table = Table(self.data)
            texts = [row[table.text] for rows in table.batches() for row in rows]
        else:
            texts = read_reviews()
        found = Sentences(texts, functools.partial(tqdm.tqdm, desc="Sentences"))
        if len(found) <= self.num_validation:
            raise ValueError(
                "num_validation must leave sentences to learn from. Received: "
                f"num_validation={self.num_validation} of {len(found)} sentences"
            )
        return found

    def model(self) -> Any:
        """Returns the untrained model, whose vectors of words are counted ones."""
        from rnnzoo.models.tag_pretraining import NeighbourTagger
        from rnnzoo.recipes._word_vectors import count_neighbours

        words, vectors = count_neighbours(
            self.sentences, self.vocabulary_size, self.embedding_dim, self.seed
        )
        options = {name: getattr(self, name) for name in self.model_options}
        options["lowered"] = words
        options["characters"] = NeighbourTagger.learn_characters([self.sentences.names])
        model = NeighbourTagger(num_sampled=self.num_sampled, **options)
        table = model.lowered.get_weights()[0]
        table[2:, : vectors.shape[1]] = VECTOR_SCALE * vectors
        model.lowered.set_weights([table])
        return model

    @functools.cached_property
    def parts(self) -> tuple:
        """The sentences to learn from, and those to validate on."""
        from rnnzoo.data.pipeline import split

        return split(self.sentences, self.num_validation, seed=0)

    def examples(self) -> Any:
        """Returns the sentences, shuffled, in batches of similar length."""
        from rnnzoo.data.pipeline import Shuffled

        return Shuffled(self.parts[0])

    def validation_examples(self) -> tuple:
        """Returns the sentences to validate on."""
        return self.parts[1].rows(range(self.num_validation))

    def fingerprint(self) -> list[dict[str, Any]]:
        """Returns what identifies the sentences."""
        return [self.sentences.fingerprint()]

    def static_length(self, model: Any) -> int:
        """Returns the number of words of the longest sentence."""
        return int(self.sentences.lengths.max())

    def conclude(
        self, model: Any, run: pathlib.Path, progress: Any, say: Callable[[str], None]
    ) -> None:
        """Writes the tagger that knows what was learned."""
        model.to_tagger().save(run / "tagger.keras")
        say(f"Written: {run / 'tagger.keras'}, which can be given tags")


RECIPE = WordNeighbours
