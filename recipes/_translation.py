"""What the recipes for translation share: pairs, vocabulary, model, measures."""

import dataclasses
import functools
import unicodedata
from collections.abc import Sequence
from typing import Any

from rnnzoo.training.recipe import Recipe, option

# Options that are arguments of the model.
SETTINGS = (
    "tokens",
    "attention",
    "reverse_source",
    "embedding_dim",
    "units",
    "num_layers",
    "cell",
    "dropout",
    "token_dropout",
    "label_smoothing",
)


@dataclasses.dataclass(kw_only=True)
class TranslationRecipe(Recipe):
    """Trains a translator on texts and their translations; subclasses say on which."""

    steps_per_epoch: int = option(0, "batches per epoch; 0 for one pass over the pairs")
    batch_size: int = option(128, "pairs per batch, over all devices")
    learning_rate: float = option(2e-3, "highest learning rate, after warm-up")
    warmup_steps: int = option(500, "steps over which the learning rate rises from 0")
    ema_momentum: float = option(0.998, "momentum of the average of the weights")
    max_length: int = option(300, "characters of a text; longer ones are left out")
    tokens: str = option("subwords", "subwords, words or whitespace")
    vocabulary_size: int = option(4_000, "tokens that both languages have together")
    attention: str = option("multiplicative", "additive, multiplicative or none")
    reverse_source: bool = option(False, "read texts from their end")
    embedding_dim: int = option(256, "size of the vector that stands for a token")
    units: int = option(256, "size of each layer's state, and of each direction's")
    num_layers: int = option(2, "layers of the encoder, and of the decoder")
    cell: str = option("gru", "simple, gru or lstm")
    dropout: float = option(0.3, "share of features dropped in training")
    token_dropout: float = option(0.1, "share of tokens dropped in training")
    label_smoothing: float = option(
        0.1, "share of the probability that targets give to all tokens alike"
    )

    @functools.cached_property
    def parts(self) -> tuple:
        """Texts and translations to train on, and those to validate on."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains on")

    @functools.cached_property
    def short_parts(self) -> tuple:
        """The pairs of `parts` that are not too long."""
        return tuple(self._short(*part) for part in self.parts)

    def _short(self, sources: Sequence[str], targets: Sequence[str]) -> tuple:
        """Returns the pairs that are not too long, with room for what tokens add."""
        longest = self.max_length - 2

        def is_short(text: str) -> bool:
            return len(unicodedata.normalize("NFKC", text)) <= longest

        pairs = zip(sources, targets, strict=True)
        short = [pair for pair in pairs if all(map(is_short, pair))]
        if not short:
            raise ValueError(
                "There must be pairs of at most max_length characters: give a larger "
                f"--max_length. Received: max_length={self.max_length}"
            )
        return tuple(map(list, zip(*short, strict=True)))

    @functools.cached_property
    def symbols(self) -> Any:
        """The tokens, learned of the training pairs."""
        from rnnzoo.errors import check_choice
        from rnnzoo.models.translation import TOKENS

        check_choice("tokens", self.tokens, TOKENS)
        sources, targets = self.short_parts[0]
        kind = TOKENS[self.tokens]
        return kind(kind.learn([*sources, *targets], self.vocabulary_size), start=True)

    def model(self) -> Any:
        """Returns an untrained translator with a vocabulary of the training pairs."""
        from rnnzoo import translator

        return translator(
            weights=None,
            vocabulary=self.symbols.vocabulary,
            **{name: getattr(self, name) for name in SETTINGS},
        )

    def examples(self) -> Any:
        """Returns the training pairs, shuffled, in batches of similar length."""
        import numpy as np

        from rnnzoo.data.pipeline import Pairs, Shuffled

        def counts(texts: list[str]) -> np.ndarray:
            """Returns the numbers of tokens, of a thousand texts at a time."""
            parts = [texts[i : i + 1000] for i in range(0, len(texts), 1000)]
            encoded = [self.symbols.encode(part) for part in parts]
            return np.concatenate([np.count_nonzero(ids, axis=1) for ids in encoded])

        sources, targets = self.short_parts[0]
        # In the order of targets, which cost more, and of sources among equal ones.
        lengths = counts(targets) * 2**20 + counts(sources)
        return Shuffled(Pairs(sources, targets, lengths))

    def validation_examples(self) -> tuple:
        """Returns the pairs to validate on."""
        return self.short_parts[1]

    def static_length(self, model: Any) -> int:
        """Returns the largest number of tokens that a text may have."""
        return self.max_length

    def test_examples(self) -> tuple:
        """Returns texts to measure a finished model on, and references of each."""
        return self.parts[1]

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns BLEU and chrF of translations with a beam of 5, and greedy ones.

        They are sacreBLEU's, of texts as they are: `rnnzoo.analysis.text_quality.bleu_signature`.
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
