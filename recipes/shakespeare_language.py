"""Writes like Shakespeare: tiny Shakespeare, a million characters of plays.

    rnnzoo prepare tiny_shakespeare
    rnnzoo train shakespeare_language

Two LSTMs of 512 units read characters. They train on the first 90 % of the text and are
measured on the last 10 %, the published split.

Result (weights `language_model.shakespeare`, seed 0, 113.5 minutes on one core of those
that results.csv names, shared with other work): 1.41883 nats per character over the
whole of the last 10 %, with the state carried, which is 2.04693 bits and a perplexity
of 4.13227. In windows of 256 characters, each of which resets the state, it is 1.45983
nats.

With batches of 64, 18 epochs and no dropout of the recurrent weights, which is fewer
than a third of the steps, it was 1.44788 and 1.50890.
"""

import dataclasses
import functools

from rnnzoo.recipes._language import LanguageRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class ShakespeareLanguage(LanguageRecipe):
    """Models Shakespeare's plays with two LSTMs over characters."""

    trained_on = "tiny Shakespeare (A. Karpathy, 2015), its first 90 %"
    licence = "Apache-2.0; the plays are in the public domain"
    published = {
        "nats_per_character": (
            1.47,
            "nanoGPT, github.com/karpathy/nanoGPT issue 234: a Transformer of 10.7 M "
            "parameters, context 256",
        )
    }

    epochs: int = option(30)
    batch_size: int = option(32)
    weight_dropout: float = option(0.2)

    @functools.cached_property
    def texts(self) -> tuple[str, str]:
        """The first 90 % of the plays and the last 10 %."""
        from rnnzoo.data import catalog

        # TFDS splits the last tenth in two.
        parts = {}
        for split in ("train", "validation", "test"):
            (parts[split],), _ = catalog.load("tiny_shakespeare", split)
        return parts["train"], parts["validation"] + parts["test"]

    def data_files(self) -> list:
        """Returns the folder of the prepared data set."""
        from rnnzoo.data import catalog

        return [catalog.find_folder("tiny_shakespeare")]

    def golden_inputs(self) -> list:
        """Returns prompts of our own."""
        return ["ROMEO:", "KING RICHARD III:\nNow is", "To be, or not to be", "", "Ğ"]


RECIPE = ShakespeareLanguage
