"""Trains a classifier on labelled texts of your own, from pretrained weights.

    rnnzoo train own_texts --data=reviews.csv --text=review --label=stars

The data are a .csv, .tsv, .jsonl or .txt file or a folder with a sub-folder per label
(`rnnzoo.data.files`); classes are the labels in it. A tenth is kept for validation, on
which `rnnzoo evaluate runs/own_texts/best.keras` measures.

The body of the weights is kept and its head is new, unless the labels are the classes
of the weights. Words that occur twice or more in your texts and are unknown to the
weights are added. The head learns first; every epoch the next layer begins to learn,
each at a lower rate than the one after it (Howard and Ruder, 2018, arXiv:1801.06146).
With `--weights=none` everything is trained from scratch, and so it is where texts are
read as other tokens than English words: `--tokens=characters`, `bytes`, `subwords` or
`whitespace`.
"""

import dataclasses
import functools
from typing import Any

from rnnzoo.recipes._texts import FineTuningRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class OwnTexts(FineTuningRecipe):
    """Fine-tunes a classifier of texts on labelled texts of a file."""

    trained_on = "texts of a user's own"
    licence = "that of the texts, and of the weights that it began with"

    data: str = option("", "a .csv, .tsv, .jsonl or .txt file, or a folder per label")
    text: str = option("text", "name of the texts' column")
    label: str = option("label", "name of the labels' column")
    encoding: str = option("utf-8", "how the file's characters are encoded")
    separator: str = option("", "of columns: semicolon, tab, pipe or a character")
    skip_bad_rows: bool = option(False, "report and skip rows that cannot be used")

    @functools.cached_property
    def source(self) -> Any:
        """The labelled texts of the file."""
        from rnnzoo.data.files import open_with_bar

        if not self.data:
            raise ValueError(
                "Say which file or folder holds the texts: --data=reviews.csv. "
                f"Received: data={self.data!r}"
            )
        source = open_with_bar(
            self.data,
            text=self.text,
            label=self.label,
            encoding=self.encoding,
            separator=self.separator or None,
            skip_bad_rows=self.skip_bad_rows,
        )
        if source.report:
            print(source.report)
        return source

    def data_files(self) -> list[str]:
        """Returns the file or the folder of the texts."""
        return [self.data]

    def classes(self) -> list[str]:
        """Returns the labels of the file."""
        return self.source.classes


RECIPE = OwnTexts
