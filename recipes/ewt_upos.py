"""Tells the part of speech of each word of an English text: 17 tags.

    rnnzoo prepare imdb_reviews
    rnnzoo train word_neighbours
    rnnzoo train ewt_upos --data=ud_ewt --weights=runs/word_neighbours/tagger.keras

The folder holds `train.conllu`, `dev.conllu` and `test.conllu` of the English Web
Treebank (Silveira et al., LREC 2014) of Universal Dependencies: 12,544, 2,001 and 2,077
sentences of weblogs, newsgroups, mails, reviews and answers. Tags are the column UPOS,
words those of the treebank. What words are like, and what comes next, is learned before
from 49,000 film reviews (`word_neighbours`).

Result (weights `tagger.ewt_upos`, seed 0, 29 minutes on one core, `word_neighbours`
included): 0.95613 of the words of the test part have their tag, and 0.690 of the
sentences are right as a whole; the mean of three seeds, which all begin with the same
`word_neighbours`, is 0.9558. A CRF on features made by hand has 0.9466, BiLSTM taggers
with pretrained vectors 0.954 to 0.963.

What was tried (one training each; accuracy on the development part, where choices were
made):

- Without other texts: 0.9418; with vectors of words by their neighbours alone: 0.9482,
  and with a GRU instead of a convolution over letters 0.9477.
- With networks that have learned the next and the last words: 0.9443 at a learning rate
  of 0.002 in 6 epochs, 0.9526 at one of 0.005 in 8 epochs, which is the recipe.
- 20 epochs without vectors: the loss rises from the sixth epoch on.
"""

import dataclasses
import functools
import pathlib
from typing import Any

from rnnzoo.recipes._tagging import TaggingRecipe, find_folder
from rnnzoo.training.recipe import option

FILES = {"train": "train.conllu", "valid": "dev.conllu", "test": "test.conllu"}


@dataclasses.dataclass(kw_only=True)
class EwtUpos(TaggingRecipe):
    """Tags words with their part of speech, learned from the English Web Treebank."""

    trained_on = (
        "English Web Treebank, Universal Dependencies (Silveira et al., 2014), and the "
        "reviews without a label of imdb_reviews (Maas et al., ACL 2011)"
    )
    licence = "CC BY-SA 4.0; the owners of the reviews state none"
    published = {
        "accuracy": (0.954, "BiLSTM taggers with word vectors: 0.954 to 0.963")
    }

    epochs: int = option(8)
    learning_rate: float = option(5e-3)
    character_units: int = option(64)
    units: int = option(192)
    dropout: float = option(0.4)
    token_dropout: float = option(0.2)
    data: str = option("ud_ewt", "folder with train.conllu, dev.conllu, test.conllu")

    @functools.cached_property
    def folder(self) -> pathlib.Path:
        """The folder of the treebank."""
        return find_folder(self.data, "the treebank", tuple(FILES.values()))

    def data_files(self) -> list[pathlib.Path]:
        """Returns the files of training and validation."""
        return [self.folder / FILES[part] for part in ("train", "valid")]

    def read_part(self, part: str) -> Any:
        """Returns the sentences of a part of the data."""
        from rnnzoo.data.tagged import TaggedSentences

        return TaggedSentences(self.folder / FILES[part], column="upos", scheme="plain")

    def golden_inputs(self) -> list:
        """Returns sentences that are of no data set."""
        return [
            "I don't know what they will do.",
            "The quick brown fox jumps over the lazy dog!",
            "Email me at ada@example.org :)",
            "We can can the can.",
        ]


RECIPE = EwtUpos
