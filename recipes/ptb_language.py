"""Writes the news of 1989: the Penn Treebank, ten thousand words.

    rnnzoo train ptb_language

The folder `ptb` in that of all data sets (TFDS_DATA_DIR, or else
`~/tensorflow_datasets`) must hold `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt`
as T. Mikolov prepared them, in his `simple-examples`: words separated by spaces, 10,000
kinds with the end of a line, numbers as N and rare words as <unk>. The text belongs to
the Linguistic Data Consortium and does not come with this package.

Two LSTMs read words, and the head's weights are the words' vectors. What is chosen is
chosen on the text of validation; the figures are of that of the test, its state carried
from its beginning to its end, every end of a line and every <unk> counted.

Result (weights `language_model.ptb`, seed 0, 89.8 minutes on one core of those that
results.csv names, beside other work): a perplexity of 86.11 on the text of the test
(4.45565 nats a word); in windows of 70 words, each of which begins anew, 95.96. Zaremba
et al. (2014) have 82.7 with three times as many parameters.
"""

import dataclasses
import functools

from rnnzoo.recipes._language import LanguageRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class PtbLanguage(LanguageRecipe):
    """Learns the words of the Penn Treebank's news with two LSTMs."""

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

    epochs: int = option(14, "rounds of steps, validation and checkpoint")
    batch_size: int = option(32, "pieces per batch, over all devices")
    max_length: int = option(70, "symbols of a window in validation, or elsewhere")
    piece: int = option(35, "symbols of a piece where the state is carried")
    tokens: str = option("whitespace", "characters, words or whitespace")
    embedding_dim: int = option(400, "size of the vector that stands for a symbol")
    units: int = option(400, "size of each layer's state")
    dropout: float = option(0.4, "share of features dropped in training")
    tied_weights: bool = option(True, "the head's weights are the symbols' vectors")

    @functools.cached_property
    def texts(self) -> tuple[str, str]:
        """The text to train on, and that of validation."""
        return self._text("train"), self._text("valid")

    @functools.cached_property
    def test_text(self) -> str:
        """The text that the figures are of."""
        return self._text("test")

    def golden_inputs(self) -> list:
        """Returns beginnings of our own."""
        return ["the company said", "new york", "mr. <unk> is", "", "\n"]

    def _text(self, part: str) -> str:
        """Reads a part of the Treebank."""
        from rnnzoo.data.text import original_file, read_text

        source = "simple-examples, folder data, of T. Mikolov's RNNLM toolkit"
        return read_text(original_file("ptb", f"ptb.{part}.txt", source))


RECIPE = PtbLanguage
