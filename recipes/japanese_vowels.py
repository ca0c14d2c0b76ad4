"""Says which of nine men spoke, from two Japanese vowels.

    rnnzoo train japanese_vowels --data=japanese_vowels

The folder has the files `ae.train` and `ae.test` of the data set "Japanese vowels" of
the UCI machine learning repository: 7 to 29 frames of twelve cepstrum coefficients.

Result (weights `series_classifier.japanese_vowels`, seed 0, 9.8 minutes on a core that
was shared with other work): accuracy 0.97838 on the 370 utterances of the test file. Of
the 270 of the training file, 54 select the best epoch.
"""

import dataclasses
import pathlib

import numpy as np

from rnnzoo.recipes._series import SeriesRecipe
from rnnzoo.training.recipe import option

# How many utterances of each speaker a file has, in the order of the speakers.
UTTERANCES = {
    "train": (30,) * 9,
    "test": (31, 35, 88, 44, 29, 24, 40, 50, 29),
}


@dataclasses.dataclass(kw_only=True)
class JapaneseVowels(SeriesRecipe):
    """Names speakers with a bidirectional GRU."""

    trained_on = "Japanese vowels (UCI)"
    licence = "CC BY 4.0 (the data), Apache-2.0"

    steps_per_epoch: int = option(200)
    warmup_steps: int = option(100)
    learning_rate: float = option(4e-3)
    dropout: float = option(0.4)
    ema_momentum: float = option(0.99)
    num_validation: int = option(
        54, "utterances of the training file kept for validation"
    )
    noise: float = option(
        0.1, "standard deviation of noise on the coefficients", minimum=0
    )

    def read(self, part: str) -> tuple[list, list]:
        """Returns utterances `[frames, 12]`, and the speakers' names, 1 to 9."""
        text = self.file(f"ae.{part}").read_text(encoding="utf-8")
        utterances, frames = [], []
        for line in [*text.splitlines(), ""]:
            values = [float(word) for word in line.split()]
            if values and set(values) != {1.0}:  # ones end an utterance
                frames.append(values)
            elif frames:
                utterances.append(np.array(frames))
                frames = []
        speakers = np.repeat(np.arange(1, 10), UTTERANCES[part])
        if len(utterances) != len(speakers):
            raise ValueError(
                f"ae.{part} must have {len(speakers)} utterances. Received: "
                f"{len(utterances)} in data={self.data!r}"
            )
        return utterances, [str(speaker) for speaker in speakers]

    def data_files(self) -> list[pathlib.Path]:
        """Returns the training file."""
        return [self.file("ae.train")]

    def augment(self, series: list, random: np.random.Generator) -> list:
        """Returns utterances with noise on them."""
        return [one + random.normal(0, self.noise, one.shape) for one in series]


RECIPE = JapaneseVowels
