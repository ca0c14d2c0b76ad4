"""Fine-tunes the classifier of film reviews on single sentences: SST-2.

    rnnzoo train sst2_from_imdb --data=sst2

The folder holds `stsa.binary.train`, `.dev` and `.test` (6,920, 872 and 1,821 sentences
of reviews, a label and a sentence a line), as many papers since Kim (2014) have used
them. `--sentences=100` trains on 100 of them, and `--weights=none` from scratch.
"""

import dataclasses
import functools
import pathlib
import re
from typing import Any

from rnnzoo.recipes._texts import FineTuningRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class Sst2FromImdb(FineTuningRecipe):
    """Classifies sentences of film reviews, from weights for whole reviews."""

    trained_on = "SST-2 (Socher et al., 2013), 6,920 sentences; and IMDB"
    licence = "Apache-2.0; none is stated for the texts"

    data: str = option("sst2", "folder with stsa.binary.train, .dev and .test")
    sentences: int = option(
        0,
        "train on as many sentences, and validate on a quarter as many; 0 for all",
        minimum=0,
    )

    @functools.cached_property
    def parts(self) -> tuple:
        """Training and validation sentences; SST-2 has its own."""
        import numpy as np

        from rnnzoo.data.pipeline import Subset

        training, validation = self._read("train"), self._read("dev")
        if self.sentences:
            order = np.random.default_rng(self.seed).permutation(len(training))
            training = Subset(training, order[: self.sentences])
            # Who has few labels to train on has fewer to validate on.
            count = min(len(validation), max(10, self.sentences // 4))
            order = np.random.default_rng(self.seed).permutation(len(validation))
            validation = Subset(validation, order[:count])
        return training, validation

    def data_files(self) -> list[pathlib.Path]:
        """Returns the files of training and validation."""
        return [self._path(part) for part in ("train", "dev")]

    def test_examples(self) -> tuple:
        """Returns the 1,821 sentences of the test set."""
        test = self._read("test")
        return test.inputs, test.targets

    def _path(self, part: str) -> pathlib.Path:
        return pathlib.Path(self.data, f"stsa.binary.{part}")

    def _read(self, part: str) -> Any:
        from rnnzoo.data.pipeline import Pairs

        path = self._path(part)
        if not path.is_file():
            raise FileNotFoundError(
                "The folder must hold the three files of SST-2 (stsa.binary.train, "
                ".dev and .test): say where it is with --data=FOLDER. Received: "
                f"data={self.data!r}, without {path.name!r}"
            )
        lines = path.read_text(encoding="utf-8").splitlines()
        labels, sentences = zip(*(line.split(" ", 1) for line in lines), strict=True)
        classes = self.class_names()
        return Pairs(
            [as_written(sentence) for sentence in sentences],
            [classes[int(label)] for label in labels],
        )


def as_written(sentence: str) -> str:
    """Returns a sentence of the Penn Treebank's tokens as people write it.

    Example:
        >>> from rnnzoo.recipes.sst2_from_imdb import as_written
        >>> as_written("it 's -lrb- almost -rrb- a film you wo n't forget .")
        "it's ( almost ) a film you won't forget ."
    """
    sentence = sentence.replace("-lrb-", "(").replace("-rrb-", ")")
    sentence = sentence.replace("``", '"').replace("''", '"')
    return re.sub(r" (n't|'(?:s|re|ve|ll|d|m))(?=\s|$)", r"\1", sentence)


RECIPE = Sst2FromImdb
