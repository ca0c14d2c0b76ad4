"""Trains a language model on a text of your own, from scratch.

    rnnzoo train own_language --data=book.txt
    rnnzoo answer runs/own_language/best.keras "Once upon a time" --temperature=0.8

Any language and script works: the characters of the text are the vocabulary, and with
`--tokens=words` its most frequent words. The last tenth of the text is kept for
validation, and `rnnzoo evaluate runs/own_language/best.keras` measures on it. A short
text needs a small model: `--units=256` and more `--dropout`.
"""

import dataclasses
import functools

from rnnzoo.recipes._language import LanguageRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class OwnLanguage(LanguageRecipe):
    """Trains a language model of two LSTMs on a text file."""

    trained_on = "a text of the user"
    licence = "that of the text"

    epochs: int = option(20)
    data: str = option("", "a text file")
    encoding: str = option("utf-8", "character encoding of the file")

    @functools.cached_property
    def texts(self) -> tuple[str, str]:
        """The file's first nine tenths and its last."""
        from rnnzoo.data.text import read_text

        if not self.data:
            raise ValueError(
                "Say which file holds the text: --data=book.txt. "
                f"Received: data={self.data!r}"
            )
        text = read_text(self.data, self.encoding)
        cut = len(text) * 9 // 10
        if len(text) - cut < 2:
            raise ValueError(
                "A text to learn from must have at least twenty characters. Received: "
                f"data={self.data!r} with {len(text)}"
            )
        return text[:cut], text[cut:]

    def data_files(self) -> list[str]:
        """Returns the file of the text."""
        return [self.data]


RECIPE = OwnLanguage
