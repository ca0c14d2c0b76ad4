"""Translates everyday English sentences into French: pairs of Tatoeba.

    rnnzoo train tatoeba_en_fr

The folder `tatoeba_fra_eng` in that of all data sets (TFDS_DATA_DIR, or else
`~/tensorflow_datasets`) must hold `fra.txt` of manythings.org/anki: a sentence, a tab
and its translation in a line.

There is no official split. Of the English sentences that are like no other (they differ
from each in more than one word, `rnnzoo.data.parallel.hold_out`) 2,000 are held out for
the final figures and 1,000 for validation, each with all its French translations.

Result (weights `translator.tatoeba_en_fr`, seed 0, 106.7 minutes on one core of those
that results.csv names, beside other work): BLEU 40.79 and chrF 59.37 with a beam of 5,
and 39.59 and 58.24 without one (greedy), against all translations of each of the 2,000
sentences. The loss of validation still fell in the last of four epochs.
"""

import dataclasses
import functools

from rnnzoo.recipes._translation import TranslationRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class TatoebaEnFr(TranslationRecipe):
    """Translates sentences from English into French with GRUs and attention."""

    trained_on = "pairs of tatoeba.org, as manythings.org/anki selects them"
    licence = "CC BY 2.0 FR, as the sentences (tatoeba.org, manythings.org/anki)"

    epochs: int = option(4, "rounds of steps, validation and checkpoint")
    vocabulary_size: int = option(6_000, "tokens that both languages have together")
    held_out: int = option(2_000, "English sentences for the final figures")

    @functools.cached_property
    def _split(self) -> tuple:
        """The training pairs, and the translations of each text that is held out."""
        from rnnzoo.data import parallel
        from rnnzoo.data.text import original_file

        source = "fra-eng.zip of manythings.org/anki"
        path = original_file("tatoeba_fra_eng", "fra.txt", source)
        return parallel.hold_out(*parallel.read_pairs(path), self.held_out * 3 // 2)

    @functools.cached_property
    def _held_out(self) -> tuple[list, list]:
        """The texts of the final figures, and those of validation, with translations.

        Each is a list of a text and its translations.
        """
        import numpy as np

        held = list(self._split[1].items())
        order = np.random.default_rng(1).permutation(len(held))
        held = [held[i] for i in order]
        return held[: self.held_out], held[self.held_out :]

    @functools.cached_property
    def parts(self) -> tuple:
        """The training pairs, and the sentences of validation with one translation."""
        validation = [(text, found[0]) for text, found in self._held_out[1]]
        return self._split[0], tuple(map(list, zip(*validation, strict=True)))

    def test_examples(self) -> tuple:
        """Returns the sentences held out, and all translations of each."""
        return tuple(map(list, zip(*self._held_out[0], strict=True)))

    def golden_inputs(self) -> list:
        """Returns sentences of our own."""
        return [
            "Two dogs are playing in the snow.",
            "Where did you put my keys?",
            "I have never been to Ankara.",
            "",
        ]


RECIPE = TatoebaEnFr
