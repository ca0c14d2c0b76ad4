"""Classifies series of measurements of your own: gestures, machines, sound, sensors.

    rnnzoo train own_series --data=gestures.csv --id=sample --label=gesture
    rnnzoo train own_series --data=recording.csv --window=100 --step=50
    rnnzoo answer RUN/best.keras --data=new.csv --to=answers.csv

The file is a table with a row a step (`--id`), with a row a series, or of one recording
that is cut into windows; a folder of tables; or a `.ts` file of the UCR and UEA
archives, whose file that ends with `_TEST.ts` measures. Numbers are scaled inside the
model; where some are missing, it reads the mean and a mark.
"""

import dataclasses
import functools
import pathlib
import shlex
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnzoo.errors import shorten
from rnnzoo.recipes._series import AugmentedExamples
from rnnzoo.recipes.own_forecast import split_names
from rnnzoo.training.recipe import Recipe, option

# Steps that series are resampled to for the nearest neighbour.
RESAMPLED = 64


@dataclasses.dataclass(kw_only=True)
class OwnSeries(Recipe, model="series_classifier"):
    """Trains a classifier of series on series of a file."""

    trained_on = "series of a user's own"
    licence = "that of the series"

    epochs: int = option(60)
    patience: int = option(12)
    steps_per_epoch: int = option(0, "batches per epoch; 0 for what suits")
    batch_size: int = option(16, "series per batch, over all devices")
    learning_rate: float = option(3e-3)
    warmup_steps: int = option(50)
    dropout: float = option(0.3)
    ema_momentum: float = option(0.98)
    noise: float = option(
        0.05, "standard deviation of noise in training, in that of the data", minimum=0
    )
    data: str = option("", "a table, a folder of tables, or a .ts file")
    test: str = option("", "another such file that only measures")
    id: str = option("", "name of the column that says which series a row is of")
    time: str = option("", "name of the column that sorts the rows of a series")
    label: str = option("", "name of the column of the classes")
    columns: str = option("", "columns of numbers, separated by commas; none for all")
    window: int = option(0, "steps of the windows of a recording; 0 for none")
    step: int = option(0, "steps from one window to the next; 0 for a whole window")
    encoding: str = option("utf-8", "how the file's characters are encoded")
    separator: str = option("", "of columns: semicolon, tab, pipe or a character")

    def read(self, path: str) -> Any:
        """Returns the `LabelledSeries` of a file."""
        from rnnzoo.data.series_files import read_series_file

        return read_series_file(
            path,
            id=self.id or None,
            time=self.time or None,
            label=self.label or None,
            columns=split_names(self.columns),
            window=self.window,
            step=self.step,
            encoding=self.encoding,
            separator=self.separator or None,
        )

    @functools.cached_property
    def found(self) -> Any:
        """The labelled series of the file."""
        if not self.data:
            raise ValueError(
                "Say which file holds the series: --data=gestures.csv. Received: "
                f"data={self.data!r}"
            )
        found = self.read(self.data)
        kinds = sorted(set(found.labels))
        if len(kinds) < 2:
            raise ValueError(
                "A classifier needs series of two classes at least: name another "
                f"column with --label. Received: {len(found):,} series, all of the "
                f"class {kinds[0]!r}"
            )
        if len(kinds) == len(found) and len(kinds) > 2:
            raise ValueError(
                "Classes must have several series each: name their column with "
                f"--label. Received: {len(found):,} series of as many classes, such as "
                f"{shorten(kinds[:3])}"
            )
        return found

    @property
    def test_path(self) -> pathlib.Path | None:
        """The file that only measures; that of a `_TRAIN.ts` file, if it is there."""
        if self.test:
            return pathlib.Path(self.test)
        path = pathlib.Path(self.data)
        if path.stem.upper().endswith("_TRAIN"):
            other = path.with_name(f"{path.stem[:-6]}_TEST{path.suffix}")
            return other if other.is_file() else None
        return None

    @functools.cached_property
    def source(self) -> Any:
        """The series and classes of the file."""
        from rnnzoo.data.pipeline import Pairs

        return Pairs(self.found.series, self.found.labels)

    @functools.cached_property
    def class_names(self) -> list[str]:
        """The names of the classes, sorted; numbers by their size."""
        names = set(self.found.labels)
        try:
            return sorted(names, key=float)
        except ValueError:
            return sorted(names)

    @functools.cached_property
    def parts(self) -> tuple:
        """Training and validation parts: a fifth of each class, or the last windows.

        Windows of a recording overlap, or follow each other: its last fifth validates,
        unless a class would have no window to learn from.
        """
        from rnnzoo.data.pipeline import Subset, split_by_class

        names = {name: place for place, name in enumerate(self.class_names)}
        numbers = np.array([names[label] for label in self.found.labels])
        if self.window:
            cut = len(numbers) * 4 // 5
            overlap = -(-self.window // (self.step or self.window)) - 1
            first = np.arange(max(cut - overlap, 1))
            if set(numbers[first]) == set(numbers) and cut < len(numbers):
                last = np.arange(cut, len(numbers))
                return Subset(self.source, first), Subset(self.source, last)
        return split_by_class(self.source, numbers, 0.2, 5000)

    def model(self) -> Any:
        """Returns an untrained classifier, scaled for the training part."""
        indices = self.parts[0].indices
        steps = np.concatenate([self.found.series[index] for index in indices])
        with np.errstate(all="ignore"):
            empty = np.isnan(steps).all(axis=0)
            steps[:, empty] = 0.0
            means, scales = np.nanmean(steps, axis=0), np.nanstd(steps, axis=0)
        tiny = 1e-9 * np.maximum(np.abs(means), 1e-9)
        return self.build(
            classes=self.class_names,
            means=[float(f"{mean:.6g}") for mean in means],
            scales=[
                float(f"{s:.6g}") if s > t else 1.0
                for s, t in zip(scales, tiny, strict=True)
            ],
            gaps=any(np.isnan(one).any() for one in self.found.series),
            window=self.window or None,
            step=self.step or None,
        )

    def examples(self) -> Any:
        """Returns the training series, shuffled, with noise."""
        return AugmentedExamples(self.parts[0], self.augment)

    def augment(self, series: list, random: np.random.Generator) -> list:
        """Returns series with noise on them."""
        if not self.noise:
            return series
        scale = self.noise * self.spread
        return [one + scale * random.standard_normal(one.shape) for one in series]

    @functools.cached_property
    def spread(self) -> np.ndarray:
        """The standard deviation of each feature."""
        steps = np.concatenate(self.found.series)
        with np.errstate(all="ignore"):
            return np.nan_to_num(np.nanstd(steps, axis=0))

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: a pass over the series, within limits."""
        if self.steps_per_epoch:
            return self.steps_per_epoch
        return min(max(len(self.parts[0]) // self.batch_size, 20), 300)

    def validation_examples(self) -> tuple:
        """Returns the series to validate on, and their classes."""
        part = self.parts[1]
        return part.rows(range(len(part)))

    def golden_inputs(self) -> list:
        """Returns five series as text."""
        return [" ".join(map(str, one.reshape(-1))) for one in self.found.series[:5]]

    def static_length(self, model: Any) -> int:
        """Returns the length of the longest series."""
        return max(map(len, self.found.series))

    def data_files(self) -> list[Any]:
        """Returns the file or folder, and that of the test."""
        return [self.data, *([self.test_path] if self.test_path else [])]

    def introduce(self, model: Any, say: Callable[[str], None]) -> None:
        """Says what the file holds, and what simple methods reach."""
        found, (training, validation) = self.found, self.parts
        lengths = [len(one) for one in found.series]
        say(f"Read as {found.form}")
        say(
            f"Series: {min(lengths):,} to {max(lengths):,} steps of "
            f"{len(found.features)} numbers: {shorten(', '.join(found.features), str)}"
        )
        gaps = sum(int(np.isnan(one).sum()) for one in found.series)
        if gaps:
            say(f"Gaps: {gaps:,} numbers are missing, and read as the mean and a mark")
        counts = {name: found.labels.count(name) for name in self.class_names}
        listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        say(f"Classes: {shorten(listed, str, 500)}")
        say(f"Split: {len(training):,} to learn from, {len(validation):,} to validate")
        inputs, labels = self.validation_examples()
        for name, accuracy in self.measure_baselines(inputs, labels).items():
            say(f"Baseline, {name}: accuracy {accuracy:.3f}")

    def measure_baselines(self, series: Any, labels: Any) -> dict[str, float]:
        """Returns the accuracy of simple methods on series.

        These are the most frequent class, and the nearest neighbour of series that are
        resampled to 64 steps.
        """
        known, classes = self.parts[0].rows(range(len(self.parts[0])))
        classes = list(classes)
        most = max(set(classes), key=classes.count)
        reference, own = self._resample(known), self._resample(series)
        nearest = []
        for row in own:
            distance = ((reference - row) ** 2).sum(axis=1)
            nearest.append(classes[int(distance.argmin())])
        right = np.array(list(labels))
        return {
            "majority": float(np.mean(right == most)),
            "nearest neighbour": float(np.mean(np.array(nearest) == right)),
        }

    def _resample(self, series: Any) -> np.ndarray:
        rows = []
        for one in series:
            known = np.nan_to_num(one / np.where(self.spread > 0, self.spread, 1.0))
            place = np.linspace(0, len(known) - 1, RESAMPLED)
            columns = [np.interp(place, np.arange(len(known)), c) for c in known.T]
            rows.append(np.concatenate(columns))
        return np.array(rows)

    def measured(self) -> tuple[str, list, list]:
        """Returns what `evaluate` measures on: its name, series and classes."""
        if self.test_path:
            found = self.read(str(self.test_path))
            return "test file", found.series, found.labels
        series, labels = self.validation_examples()
        return "validation part", list(series), list(labels)

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, Any]:
        """Returns figures on the test file, or else on the validation part."""
        from rnnzoo.data.pipeline import Pairs

        _, series, labels = self.measured()
        return model.report(Pairs(series, labels), progress).figures()

    def conclude(
        self, model: Any, run: pathlib.Path, progress: Any, say: Callable[[str], None]
    ) -> None:
        """Says how good the best epoch is, and draws what is confused."""
        from rnnzoo import analysis
        from rnnzoo.data.pipeline import Pairs

        name, series, labels = self.measured()
        report = model.report(Pairs(series, labels))
        figures = report.figures()
        simple = self.measure_baselines(series, labels)
        beside = ", ".join(f"{key} {value:.3f}" for key, value in simple.items())
        say(str(report))
        say(
            f"best: epoch {progress.best_epoch} of {progress.epoch}; on the {name} "
            f"accuracy {figures['accuracy']:.3f} ({beside}), macro F1 "
            f"{figures.get('macro_f1', float('nan')):.3f}"
        )
        if figures["accuracy"] < max(simple.values()):
            best = max(simple, key=lambda key: simple[key])
            say(f"A simple method wins: {best}. Use it, or train with more series.")
        analysis.plot_confusion(report, run / "confusion.png")
        best = shlex.quote(str(run / "best.keras"))
        say(f"Picture: {run / 'confusion.png'}")
        say("Next:")
        say(f"  rnnzoo answer {best} --data={shlex.quote(self.data)} --to=answers.csv")
        say(f"  rnnzoo evaluate {best} --data=OTHER.csv")
        say(f"  rnnzoo export {best} --to={shlex.quote(f'served/{run.name}')}")


RECIPE = OwnSeries
