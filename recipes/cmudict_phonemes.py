"""Pronounces English words: from letters to phonemes, with the CMU dictionary.

    rnnzoo train cmudict_phonemes

The folder `cmudict` in that of all data sets (TFDS_DATA_DIR, or else
`~/tensorflow_datasets`) must hold `cmudict.dict` of github.com/cmusphinx/cmudict.

A new many-to-one-to-many task in one file: letters are one language and phonemes the
other, and a small translator reads `h e l l o` and writes `HH AH L OW`. Its tokens are
separated by white space.

There is no official split. Of the words of letters and apostrophes a twentieth, drawn
with seed 0, is held out for the figures and another for validation, each with all its
pronunciations; stress is left out, which leaves 39 phonemes. An answer is right if it
is one of the pronunciations: `word_error_rate` is the fraction of words that are wrong,
and `phoneme_error_rate` the number of substitutions, insertions and deletions to the
nearest pronunciation, divided by its number of phonemes.

Result (weights `translator.cmudict`, seed 0, 57.7 minutes on one core of those that
results.csv names, shared with other work): of 6,246 words a fraction of 0.292 is wrong,
and of their phonemes 0.070.
"""

import collections
import dataclasses
import functools
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from rnnzoo.recipes._translation import TranslationRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class CmudictPhonemes(TranslationRecipe):
    """Writes the phonemes of a word, with GRUs and attention."""

    trained_on = "CMUdict, the pronouncing dictionary of Carnegie Mellon University"
    licence = "BSD-2-Clause, as the dictionary"
    published = {
        "word_error_rate": (
            0.2355,
            "Yao and Zweig, Interspeech 2015, arXiv:1506.00196: bidirectional LSTMs of "
            "three layers; another split",
        ),
        "phoneme_error_rate": (
            0.0545,
            "Yao and Zweig, Interspeech 2015, arXiv:1506.00196: bidirectional LSTMs of "
            "three layers; another split",
        ),
    }

    batch_size: int = option(256)
    tokens: str = option("whitespace")
    embedding_dim: int = option(64)
    num_layers: int = option(1)
    dropout: float = option(0.2)
    token_dropout: float = option(0.0)
    label_smoothing: float = option(0.05)

    def data_files(self) -> list[pathlib.Path]:
        """Returns the file of the dictionary."""
        from rnnzoo.data.text import original_file

        source = "github.com/cmusphinx/cmudict"
        return [original_file("cmudict", "cmudict.dict", source)]

    @functools.cached_property
    def _words(self) -> tuple[list, list, list]:
        """Training, validation and test words, each with its pronunciations."""
        import numpy as np

        from rnnzoo.data.text import read_text

        found = collections.defaultdict(list)
        for line in read_text(self.data_files()[0]).splitlines():
            entry = re.match(r"([a-z']+)(?:\([0-9]+\))? ([A-Z0-9 ]+)", line)
            if entry:
                phonemes = re.sub("[0-9]", "", entry[2]).strip()
                if phonemes not in found[entry[1]]:
                    found[entry[1]].append(phonemes)
        words = sorted(found)
        order = np.random.default_rng(0).permutation(len(words))
        entries = [(" ".join(words[i]), found[words[i]]) for i in order]
        part = len(entries) // 20
        return entries[2 * part :], entries[:part], entries[part : 2 * part]

    @functools.cached_property
    def parts(self) -> tuple:
        """All pronunciations to train on, and the first ones to validate on."""
        training, validation, _ = self._words
        pairs = [(word, one) for word, found in training for one in found]
        firsts = [(word, found[0]) for word, found in validation]
        return tuple(
            tuple(map(list, zip(*part, strict=True))) for part in (pairs, firsts)
        )

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns the error rates of words and of phonemes, with a beam of 5."""
        words, found = zip(*self._words[2], strict=True)
        answers = []
        for begin in progress(range(0, len(words), 1000)):
            answers += model.translate(list(words[begin : begin + 1000]))
        errors = [
            min(
                (edit_distance(answer.split(), one.split()), len(one.split()))
                for one in ones
            )
            for answer, ones in zip(answers, found, strict=True)
        ]
        wrong, lengths = map(sum, zip(*errors, strict=True))
        return {
            "word_error_rate": sum(count > 0 for count, _ in errors) / len(errors),
            "phoneme_error_rate": wrong / lengths,
        }

    def golden_inputs(self) -> list:
        """Returns words of our own."""
        words = ["hello", "recurrent", "pterodactyl", "networkish", "don't", ""]
        return [" ".join(word) for word in words]


def edit_distance(one: Sequence, other: Sequence) -> int:
    """Counts substitutions, insertions and deletions (Levenshtein, 1966)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


RECIPE = CmudictPhonemes
