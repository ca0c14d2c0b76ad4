"""Trains a translator on pairs of your own, from scratch or from pretrained weights.

    rnnzoo train own_translator --data=pairs.tsv
    rnnzoo train own_translator --data=texts.en --targets=texts.de
    rnnzoo answer runs/own_translator/best.keras "A text."

The data are a file with a text, a tab and its translation in every line, or two files
with as many lines. Before the training, pairs that are wrong are counted, shown and
left out (`rnnzoo.data.parallel.checked_pairs`): an empty side, two equal sides, one
side many times as long as the other. Of more than a tenth of them, nothing is trained;
nor if over 5 % of the tokens are unknown to the vocabulary. A tenth of the texts is
kept for validation, on which `rnnzoo evaluate runs/own_translator/best.keras` measures.

With few pairs, begin with weights of the same languages, and learn slowly:

    rnnzoo train own_translator --data=pairs.tsv --weights=my.keras \
        --learning_rate=3e-4 --warmup_steps=20 --batch_size=16 --ema_momentum=0
"""

import dataclasses
import functools
from typing import Any

from rnnzoo.recipes._translation import SETTINGS, TranslationRecipe
from rnnzoo.training.recipe import option

# More unknown tokens than this share, and a translation cannot be right.
UNKNOWN_SHARE = 0.05


@dataclasses.dataclass(kw_only=True)
class OwnTranslator(TranslationRecipe):
    """Trains a translator on pairs of a tsv file or of two parallel files."""

    trained_on = "pairs of a user's own"
    licence = "that of the pairs, and of the weights that it began with"

    epochs: int = option(20, "rounds of steps, validation and checkpoint")
    data: str = option("", "a file of pairs with a tab between, or one of texts")
    targets: str = option("", "a file of translations, if data has only texts")
    encoding: str = option("utf-8", "how the files' characters are encoded")
    weights: str = option("none", "listed weights or a .keras file to begin with")

    @functools.cached_property
    def parts(self) -> tuple:
        """Nine tenths of the texts with their translations, and the last tenth."""
        import numpy as np

        from rnnzoo.data.parallel import checked_pairs, read_pairs

        if not self.data:
            raise ValueError(
                "Say which file holds the pairs: --data=pairs.tsv, or --data=texts.en "
                f"--targets=texts.de. Received: data={self.data!r}"
            )
        pairs = read_pairs(self.data, self.targets or None, self.encoding)
        *pairs, report = checked_pairs(*pairs)
        if report:
            print(report)
        texts = sorted(set(pairs[0]))
        if len(texts) < 10:
            raise ValueError(
                "There must be at least ten different texts to learn from. Received: "
                f"data={self.data!r} with {len(texts)}"
            )
        order = np.random.default_rng(0).permutation(len(texts))
        # A text with several translations is on one side only.
        held = {texts[i] for i in order[: min(len(texts) // 10, 2000)]}
        parts = ([], []), ([], [])
        for source, target in zip(*pairs, strict=True):
            part = parts[source in held]
            part[0].append(source)
            part[1].append(target)
        return parts

    def model(self) -> Any:
        """Returns the pretrained translator, or an untrained one."""
        from rnnzoo import translator

        self._check_unknown()
        if self.weights == "none":
            return super().model()
        defaults = {f.name: f.default for f in dataclasses.fields(self)}
        # Weights bring settings of their own: others are refused, not forgotten.
        asked = {
            name: getattr(self, name)
            for name in SETTINGS
            if getattr(self, name) != defaults[name]
        }
        return translator(self.weights, **asked)

    @functools.cached_property
    def symbols(self) -> Any:
        """The tokens of the weights, or those learned of the training pairs."""
        from rnnzoo import translator

        return (
            super().symbols
            if self.weights == "none"
            else translator(self.weights).tokens
        )

    def _check_unknown(self) -> None:
        """Refuses a vocabulary that does not know the texts held out."""
        import numpy as np

        for side, texts in zip(("texts", "translations"), self.parts[1], strict=True):
            ids = self.symbols.encode(texts[:2000])
            share = np.mean(ids[ids > 0] == self.symbols.UNKNOWN)
            if share > UNKNOWN_SHARE:
                raise ValueError(
                    f"At most {UNKNOWN_SHARE:.0%} of the tokens may be unknown: give a "
                    "larger --vocabulary_size, --tokens=subwords, or no --weights, "
                    f"which bring their own. Received: {share:.1%} of the tokens of "
                    f"the {side}"
                )


RECIPE = OwnTranslator
