"""Base of the translation recipes: pairs, vocabulary, examples, figures."""

import dataclasses
import functools
import unicodedata
from collections.abc import Sequence
from typing import Any

from rnnzoo.training.recipe import Recipe, option


@dataclasses.dataclass(kw_only=True)
class TranslationRecipe(Recipe, model="translator"):
    """Trains a translator on pairs of texts, which subclasses provide."""

    steps_per_epoch: int = option(0, "batches per epoch; 0 for one pass over the pairs")
    batch_size: int = option(128)
    learning_rate: float = option(2e-3)
    warmup_steps: int = option(500)
    ema_momentum: float = option(0.998)
    max_length: int = option(
        300, "characters per text; longer texts are left out", minimum=3
    )
    vocabulary_size: int = option(
        4_000, "size of the vocabulary of both languages", minimum=1
    )

    @functools.cached_property
    def parts(self) -> tuple:
        """Sources and targets to train on, and those to validate on."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains on")

    @functools.cached_property
    def short_parts(self) -> tuple:
        """The pairs of `parts` that are not too long."""
        return tuple(self._select_short(*part) for part in self.parts)

    def _select_short(self, sources: Sequence[str], targets: Sequence[str]) -> tuple:
        """Returns the pairs within `max_length`, with room for two special tokens."""
        longest = self.max_length - 2

        def is_short(text: str) -> bool:
            return len(unicodedata.normalize("NFKC", text)) <= longest

        pairs = zip(sources, targets, strict=True)
        short = [pair for pair in pairs if all(map(is_short, pair))]
        if not short:
            raise ValueError(
                "There must be pairs of at most max_length characters: give a larger "
                f"--max-length. Received: max_length={self.max_length}"
            )
        return tuple(map(list, zip(*short, strict=True)))

    @functools.cached_property
    def symbols(self) -> Any:
        """The token layer, with a vocabulary learned from the training pairs."""
        from rnnzoo.errors import check_choice
        from rnnzoo.models.translation import TOKENS

        check_choice("tokens", self.tokens, TOKENS)
        sources, targets = self.short_parts[0]
        kind = TOKENS[self.tokens]
        return kind(kind.learn([*sources, *targets], self.vocabulary_size), start=True)

    def model(self) -> Any:
        """Returns an untrained translator with a vocabulary of the training pairs."""
        return self.build(vocabulary=self.symbols.vocabulary)

    def examples(self) -> Any:
        """Returns the training pairs, shuffled, in batches of similar length."""
        import numpy as np

        from rnnzoo.data.pipeline import Pairs, Shuffled

        def count_tokens(texts: list[str]) -> np.ndarray:
            """Counts the tokens of each text, a thousand texts at a time."""
            parts = [texts[i : i + 1000] for i in range(0, len(texts), 1000)]
            encoded = [self.symbols.encode(part) for part in parts]
            return np.concatenate([np.count_nonzero(ids, axis=1) for ids in encoded])

        sources, targets = self.short_parts[0]
        # Sorted by target, whose tokens cost more, then by source.
        lengths = count_tokens(targets) * 2**20 + count_tokens(sources)
        return Shuffled(Pairs(sources, targets, lengths))

    def validation_examples(self) -> tuple:
        """Returns the pairs to validate on."""
        return self.short_parts[1]

    def static_length(self, model: Any) -> int:
        """Returns the largest number of tokens of a text."""
        return self.max_length

    def test_examples(self) -> tuple:
        """Returns sources to measure a finished model on, and their references."""
        return self.parts[1]

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns BLEU and chrF, with a beam of 5 and greedy.

        They are computed by sacreBLEU on the texts as they are
        (`rnnzoo.analysis.text_quality.bleu_signature`).
        """
        from rnnzoo.analysis.text_quality import translation_quality

        sets = {"": (self.test_examples(), 5), "_greedy": (self.test_examples(), 1)}
        if self.test_examples() is not self.parts[1]:
            sets["_on_validation"] = (self.parts[1], 5)
        figures = {}
        for name in progress(list(sets)):
            (sources, references), width = sets[name]
            quality = translation_quality(model.translate(sources, width), references)
            figures |= {metric + name: value for metric, value in quality.items()}
        return figures
