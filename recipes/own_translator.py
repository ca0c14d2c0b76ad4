"""Trains a translator on your own pairs, from scratch or from pretrained weights.

    rnnzoo train own_translator --data=pairs.tsv
    rnnzoo train own_translator --data=texts.en --targets=texts.de
    rnnzoo answer runs/own_translator/best.keras "A text."

The data are a file with a text, a tab and its translation on every line, or two files
with the same number of lines. Before training, bad pairs are counted, shown and left
out (`rnnzoo.data.parallel.clean_pairs`): an empty side, two equal sides, one side many
times as long as the other. If more than a tenth are bad, or over 5 % of the tokens are
outside the vocabulary, training is refused. A tenth of the texts is kept for
validation, and `rnnzoo evaluate runs/own_translator/best.keras` measures on it.

With few pairs, start from weights for the same languages with a low learning rate:

    rnnzoo train own_translator --data=pairs.tsv --weights=my.keras \
        --learning-rate=3e-4 --warmup-steps=20 --batch-size=16 --ema-momentum=0
"""

import dataclasses
import functools
from typing import Any

from rnnzoo.recipes._translation import TranslationRecipe
from rnnzoo.training.recipe import option

# Largest fraction of unknown tokens; with more, translations cannot be right.
UNKNOWN_SHARE = 0.05


@dataclasses.dataclass(kw_only=True)
class OwnTranslator(TranslationRecipe):
    """Trains a translator on pairs of a tsv file or of two parallel files."""

    trained_on = "pairs of the user"
    licence = "that of the pairs, and of the weights that it started from"

    epochs: int = option(20)
    data: str = option("", "a file of tab-separated pairs, or one of texts")
    targets: str = option("", "a file of translations, if data has only texts")
    encoding: str = option("utf-8", "character encoding of the files")
    weights: str = option("none", "listed weights or a .keras file to start from")

    @functools.cached_property
    def parts(self) -> tuple:
        """Nine tenths of the texts with their translations, and the last tenth."""
        import numpy as np

        from rnnzoo.data.parallel import clean_pairs, read_pairs

        if not self.data:
            raise ValueError(
                "Say which file holds the pairs: --data=pairs.tsv, or --data=texts.en "
                f"--targets=texts.de. Received: data={self.data!r}"
            )
        pairs = read_pairs(self.data, self.targets or None, self.encoding)
        *pairs, report = clean_pairs(*pairs)
        if report:
            print(report)
        texts = sorted(set(pairs[0]))
        if len(texts) < 10:
            raise ValueError(
                "There must be at least ten different texts to learn from. Received: "
                f"data={self.data!r} with {len(texts)}"
            )
        order = np.random.default_rng(0).permutation(len(texts))
        # All translations of a text are in the same part.
        held = {texts[i] for i in order[: min(len(texts) // 10, 2000)]}
        parts = ([], []), ([], [])
        for source, target in zip(*pairs, strict=True):
            part = parts[source in held]
            part[0].append(source)
            part[1].append(target)
        return parts

    def data_files(self) -> list[str]:
        """Returns the file of the pairs, or the two of the texts."""
        return [path for path in (self.data, self.targets) if path]

    def model(self) -> Any:
        """Returns the pretrained translator, or an untrained one."""
        from rnnzoo import translator

        if self.weights == "none":
            self._check_unknown()
            return super().model()
        # Weights bring their own settings: contradictions are refused, not ignored.
        model = translator(self.weights, **self.changed_settings())
        self._check_unknown()
        return model

    @functools.cached_property
    def symbols(self) -> Any:
        """The token layer of the weights, or one learned from the training pairs."""
        from rnnzoo import weights
        from rnnzoo.models.translation import TOKENS, Translator

        if self.weights == "none":
            return super().symbols
        path = weights.find(self.weights, "translator")
        config = Translator.current_config(weights.read_config(path))
        return TOKENS[config["tokens"]](config["vocabulary"], start=True)

    def _check_unknown(self) -> None:
        """Refuses a vocabulary that does not fit the validation texts."""
        import numpy as np

        for side, texts in zip(("texts", "translations"), self.parts[1], strict=True):
            ids = self.symbols.encode(texts[:2000])
            share = np.mean(ids[ids > 0] == self.symbols.UNKNOWN)
            if share > UNKNOWN_SHARE:
                raise ValueError(
                    f"At most {UNKNOWN_SHARE:.0%} of the tokens may be unknown: give a "
                    "larger --vocabulary-size, --tokens=subwords, or no --weights, "
                    f"which bring their own. Received: {share:.1%} of the tokens of "
                    f"the {side}"
                )


RECIPE = OwnTranslator
