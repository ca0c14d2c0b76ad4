"""Models the news of 1989: the Penn Treebank, ten thousand words.

    rnnzoo train ptb_language

The folder `ptb` in that of all data sets (TFDS_DATA_DIR, or else
`~/tensorflow_datasets`) must hold `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`
as T. Mikolov prepared them, in his `simple-examples`: words separated by spaces, 10,000
types including the end of a line, numbers as N and rare words as <unk>. The text
belongs to the Linguistic Data Consortium and does not come with this package.

Two LSTMs read words, and the output layer shares the weights of the word embeddings.
Choices were made on the validation text; the figures are of the test text, with the
state carried from start to end, counting every end of a line and every <unk>.

Result (weights `language_model.ptb`, seed 0, 89.8 minutes on one core of those that
results.csv names, shared with other work): a perplexity of 86.11 on the test text
(4.45565 nats per word); in windows of 70 words, each of which resets the state, 95.96.
Zaremba et al. (2014) have 82.7 with three times as many parameters.
"""

import dataclasses
import functools
import pathlib

from rnnzoo.recipes._language import LanguageRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class PtbLanguage(LanguageRecipe):
    """Models the words of the Penn Treebank's news with two LSTMs."""

    trained_on = (
        "Penn Treebank (Marcus et al., 1993) as prepared by Mikolov et al. (2010)"
    )
    licence = "Apache-2.0; the text is the Linguistic Data Consortium's"
    published = {
        "perplexity": (
            82.7,
            "Zaremba et al., 2014, arXiv:1409.2329: two LSTMs of 650, 20 M parameters",
        )
    }

    epochs: int = option(14)
    batch_size: int = option(32)
    max_length: int = option(70)
    bptt_steps: int = option(35)
    tokens: str = option("whitespace")
    embedding_dim: int = option(400)
    units: int = option(400)
    tied_weights: bool = option(True)

    @functools.cached_property
    def texts(self) -> tuple[str, str]:
        """The training text and the validation text."""
        return self._read("train"), self._read("valid")

    @functools.cached_property
    def test_text(self) -> str:
        """The test text."""
        return self._read("test")

    def data_files(self) -> list:
        """Returns the files of training and validation."""
        return [self._path(part) for part in ("train", "valid")]

    def golden_inputs(self) -> list:
        """Returns prompts of our own."""
        return ["the company said", "new york", "mr. <unk> is", "", "\n"]

    def _read(self, part: str) -> str:
        """Reads a part of the Treebank."""
        from rnnzoo.data.text import read_text

        return read_text(self._path(part))

    def _path(self, part: str) -> pathlib.Path:
        from rnnzoo.data.text import original_file

        source = "simple-examples, folder data, of T. Mikolov's RNNLM toolkit"
        return original_file("ptb", f"ptb.{part}.txt", source)


RECIPE = PtbLanguage
