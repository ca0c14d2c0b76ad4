"""What the recipes for series of measurements share."""

import dataclasses
import functools
import pathlib
from typing import Any

import numpy as np

from rnnzoo.training.recipe import Recipe, option


@dataclasses.dataclass(kw_only=True)
class SeriesRecipe(Recipe, model="series_classifier"):
    """Trains a `series_classifier`; a subclass reads its files."""

    steps_per_epoch: int = option(0, "batches per epoch; 0 for one pass over the data")
    batch_size: int = option(32, "series per batch, over all devices")
    data: str = option("", "the file or folder of the series")
    num_validation: int = option(
        1, "series of the training file kept for validation", minimum=1
    )

    def read(self, part: str) -> tuple[list, list]:
        """Returns the series and labels of a part: `"train"` or `"test"`."""
        raise NotImplementedError(f"{type(self).__name__} must read its files")

    def augment(self, series: list, random: np.random.Generator) -> list:
        """Returns series as training sees them; default: as they are."""
        return series

    def file(self, name: str) -> pathlib.Path:
        """Returns a file of the data set."""
        path = pathlib.Path(self.data, name)
        if not self.data or not path.is_file():
            raise ValueError(
                f"Say which folder holds the file {name}: --data=FOLDER. Received: "
                f"data={self.data!r}"
            )
        return path

    @functools.cached_property
    def training(self) -> tuple[list, list]:
        """The series and labels of the training file."""
        return self.read("train")

    @functools.cached_property
    def parts(self) -> tuple[Any, Any]:
        """Sources to train on and to validate on, of the training file."""
        from rnnzoo.data.pipeline import Pairs, split

        return split(Pairs(*self.training), self.num_validation)

    def model(self) -> Any:
        """Returns an untrained classifier, scaled for the training file."""
        series, labels = self.training
        steps = np.concatenate([np.asarray(one) for one in series])
        return self.build(
            classes=sorted(set(labels)),
            means=np.round(steps.mean(axis=0), 4).tolist(),
            scales=np.round(steps.std(axis=0), 4).tolist(),
        )

    def examples(self) -> Any:
        """Returns the training series, shuffled and augmented."""
        return AugmentedExamples(self.parts[0], self.augment)

    def validation_examples(self) -> tuple:
        """Returns the series to validate on."""
        source = self.parts[1]
        return source.rows(range(len(source)))

    def golden_inputs(self) -> list:
        """Returns five series of the training file, as text."""
        series = self.training[0]
        return [str(one.tolist()) for one in series[:: len(series) // 5][:5]]

    def static_length(self, model: Any) -> int:
        """Returns the length of the longest series of the training file."""
        return max(map(len, self.training[0]))

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns the accuracy on the test file, of the test split of its owners."""
        series, labels = self.read("test")
        answers = []
        for start in progress(range(0, len(series), 256)):
            answers += model.classify(series[start : start + 256])
        return {"accuracy": float(np.mean(np.array(answers) == np.array(labels)))}


class AugmentedExamples:
    """Examples of a source that are augmented each time they are drawn.

    Args:
        source: Where they come from.
        augment: From series and a random generator to other series.
    """

    def __init__(self, source: Any, augment: Any):
        from rnnzoo.data.pipeline import Shuffled

        self.examples, self.augment = Shuffled(source), augment
        self.batches_per_epoch = self.examples.batches_per_epoch
        self.fingerprint = self.examples.fingerprint

    def batch(self, size: int, seed: int, index: int) -> tuple:
        """Returns `size` series and labels, the same for the same arguments."""
        series, labels = self.examples.batch(size, seed, index)
        return self.augment(series, np.random.default_rng((seed, index))), labels
