"""Trains a classifier on labelled series of measurements of your own.

    rnnzoo train own_series --data=steps.csv --id=device --time=date --label=state
    rnnzoo train own_series --data=recording.csv --window=100 --step=50 --label=state
    rnnzoo train own_series --data=GunPoint_TRAIN.ts

The forms of the data, of which the recipe finds the right one, are in
`rnnzoo.data.series_files`: a row a step, a row a series, a recording to cut into
windows, a folder with a file per series, or `.ts` files. If `X_TEST.ts` lies beside
`X_TRAIN.ts`, its series are measured once, at the end. A fifth of each class is kept
for validation.

The model subtracts means and divides by standard deviations, which it has learned of
the training series. Values that are missing are filled, by straight lines between their
neighbours. Training sees series with noise on them, of other sizes.
"""

import dataclasses
import functools
import pathlib
import shlex
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnzoo.errors import shorten
from rnnzoo.recipes._series import SeriesRecipe
from rnnzoo.training.recipe import option

# Of few series, an epoch has this many steps at least; of many, at most.
FEWEST_STEPS, MOST_STEPS = 25, 400
# Neighbours are not looked for among more series.
MOST_NEIGHBOURS = 5000


@dataclasses.dataclass(kw_only=True)
class OwnSeries(SeriesRecipe):
    """Trains a classifier of series on labelled series of a file or a folder."""

    trained_on = "series of a user's own"
    licence = "that of the series"
    shows_samples = False

    epochs: int = option(40)
    patience: int = option(10)
    warmup_steps: int = option(50)
    learning_rate: float = option(4e-3)
    dropout: float = option(0.3)
    num_validation: int = option(
        0, "series kept for validation, about; 0 for a fifth", minimum=0
    )
    id: str = option("", "column that says which series a step is of, in long form")
    time: str = option("", "column that steps are sorted by: numbers or dates")
    label: str = option("label", "column of the classes")
    values: str = option("", "columns of numbers, separated by commas; empty: others")
    window: int = option(0, "steps of a window of a long recording", minimum=0)
    step: int = option(0, "steps from window to window; 0: as a window has", minimum=0)
    noise: float = option(
        0.1, "standard deviation of noise and sizes in training", minimum=0
    )
    encoding: str = option("utf-8", "how the file's characters are encoded")
    separator: str = option("", "of columns: semicolon, tab, pipe or a character")
    skip_bad_rows: bool = option(False, "report and skip rows that cannot be used")

    @functools.cached_property
    def found(self) -> Any:
        """The series of the file, with gaps."""
        from rnnzoo.data.series_files import read_series

        if not self.data:
            raise ValueError(
                "Say which file or folder holds the series: --data=steps.csv. "
                f"Received: data={self.data!r}"
            )
        found = read_series(
            self.data,
            id=self.id,
            time=self.time,
            label=self.label,
            values=self.values,
            window=self.window,
            step=self.step,
            encoding=self.encoding,
            separator=self.separator,
            skip_bad_rows=self.skip_bad_rows,
        )
        if found.report:
            print(found.report)
        names = sorted(set(found.labels))
        if len(names) < 2:
            raise ValueError(
                "A classifier needs series of two classes at least: add series with "
                "another label, or name another column with --label. Received: "
                f"data={self.data!r}, in which all {len(found.series)} labels are "
                f"{shorten(names[0])}"
            )
        return found

    def data_files(self) -> list[pathlib.Path]:
        """Returns the file or the folder of the series."""
        return [pathlib.Path(self.data)]

    @functools.cached_property
    def scaling(self) -> tuple[list[float], list[float]]:
        """The mean and standard deviation of each feature of the training series."""
        training = self.split_numbers[0]
        steps = np.concatenate([self.found.series[number] for number in training])
        means, scales = [], []
        for column in steps.T:
            column = column[~np.isnan(column)]
            mean = float(column.mean()) if len(column) else 0.0
            scale = float(column.std()) if len(column) else 1.0
            # A constant feature is only shifted.
            is_constant = scale <= 1e-7 * abs(mean) or scale < 1e-30
            means.append(mean)
            scales.append(1.0 if is_constant else scale)
        return means, scales

    @functools.cached_property
    def split_numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the series to train on and to validate on."""
        from rnnzoo.data.pipeline import Pairs, split_by_class

        labels = np.array(self.found.labels)
        source = Pairs(
            list(range(len(labels))), self.found.labels, np.ones(len(labels), int)
        )
        share = self.num_validation / len(labels) if self.num_validation else 0.2
        if share >= 1:
            raise ValueError(
                f"num_validation must be below the number of series, {len(labels)}. "
                f"Received: num_validation={self.num_validation}"
            )
        if self.window and (parts := self._split_windows(labels, share)):
            return parts
        parts = split_by_class(source, labels, share, 10_000, self.seed)
        return parts[0].indices, parts[1].indices

    def _split_windows(self, labels: np.ndarray, share: float) -> tuple | None:
        """Returns the first and the last windows of a recording, without overlap.

        `None` if a class has no window among the first.
        """
        cut = int(len(labels) * (1 - share))
        overlap = -(-self.window // (self.step or self.window)) - 1
        first, last = np.arange(max(cut - overlap, 1)), np.arange(cut, len(labels))
        is_whole = set(labels[first]) == set(labels) and len(last)
        return (first, last) if is_whole else None

    @functools.cached_property
    def training(self) -> tuple[list, list]:
        """All series of the file, with gaps filled, and their labels."""
        return self.found.fill(self.scaling[0]), self.found.labels

    @functools.cached_property
    def parts(self) -> tuple[Any, Any]:
        """Sources to train on and to validate on: a fifth of each class."""
        from rnnzoo.data.pipeline import Pairs, Subset

        source = Pairs(*self.training)
        first, second = self.split_numbers
        return Subset(source, first), Subset(source, second)

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: one pass over the series, within limits."""
        if self.steps_per_epoch:
            return self.steps_per_epoch
        steps = -(-len(self.parts[0]) // self.batch_size)
        return min(max(steps, FEWEST_STEPS), MOST_STEPS)

    def model(self) -> Any:
        """Returns an untrained classifier, scaled for the training series."""
        means, scales = self.scaling
        return self.build(
            classes=sorted(set(self.found.labels)), means=means, scales=scales
        )

    def golden_inputs(self) -> list:
        """Returns five series at most, as text."""
        return [str(one.tolist()) for one in self.training[0][:5]]

    def augment(self, series: list, random: np.random.Generator) -> list:
        """Returns series with noise on them, and of other sizes."""
        means, scales = map(np.array, self.scaling)
        return [
            means
            + (one - means) * random.normal(1, self.noise)
            + random.normal(0, self.noise, one.shape) * scales
            for one in series
        ]

    def introduce(self, model: Any, say: Callable[[str], None]) -> None:
        """Says what the file holds, what baselines reach, and how long it takes."""
        found, (training, validation) = self.found, self.parts
        lengths = sorted({len(one) for one in found.series})
        span = f"{lengths[0]:,}" + (f" to {lengths[-1]:,}" if lengths[1:] else "")
        features = found.series[0].shape[1]
        say(f"Form: {found.form}")
        names, counts = np.unique(found.labels, return_counts=True)
        listed = [
            f"{name} {count:,}" for name, count in zip(names, counts, strict=True)
        ]
        listed = [
            *listed[:50],
            *([f"and {len(listed) - 50} more"] * (len(listed) > 50)),
        ]
        say(f"Series: {len(found.series):,} of {span} steps, {features} values a step")
        say(f"Classes: {len(names)}: {', '.join(listed)}")
        if found.gaps:
            say(
                f"Gaps: {found.gaps:,} values are missing, and filled by straight lines"
            )
        say(
            f"Split: {len(training):,} series to learn from, {len(validation):,} to "
            + ("validate" if self.window else "validate, a fifth of each class")
        )
        for name, (accuracy, f1) in self.baselines.items():
            say(f"Baseline, {name}: accuracy {accuracy:.3f}, macro F1 {f1:.3f}")
        inputs = self.examples().batch(self.batch_size, self.seed, 0)[0]
        seconds = 0.0
        for _ in range(2):  # the first compiles
            begin = time.monotonic()
            model.classify(inputs)
            seconds = (time.monotonic() - begin) * 3 * self.steps
        say(
            f"At most {self.epochs} epochs of {self.steps} steps, about "
            f"{max(seconds, 1):.0f} s each; fewer if {self.patience} in a row do not "
            "help"
        )

    def measure_baselines(self, series: list, labels: list) -> dict[str, tuple]:
        """Returns accuracy and macro F1 of baselines on series."""
        from rnnzoo.analysis import series_baselines
        from rnnzoo.training.mixtures import macro_f1

        training = self.parts[0]
        known, truth = training.rows(range(min(len(training), MOST_NEIGHBOURS)))
        truth, right = np.array(truth), np.array(labels)
        names, counts = np.unique(truth, return_counts=True)
        answers = {
            "majority": np.full(len(right), names[counts.argmax()]),
            "nearest series (1-NN)": series_baselines.nearest_neighbour(
                known, truth, series
            ),
            "random kernels and ridge": series_baselines.random_kernels(
                known, truth, series
            ),
        }
        return {
            name: (float(np.mean(given == right)), float(macro_f1(right, given)))
            for name, given in answers.items()
        }

    @functools.cached_property
    def baselines(self) -> dict[str, tuple]:
        """Accuracy and macro F1 of baselines on validation."""
        return self.measure_baselines(*self.validation_examples())

    @functools.cached_property
    def test(self) -> tuple[list, list] | None:
        """The series of `X_TEST.ts` beside `X_TRAIN.ts`, and labels; or `None`."""
        from rnnzoo.data.series_files import read_series

        path = pathlib.Path(self.data)
        if path.is_dir() and self.found.form == ".ts file":
            path = next(path.glob("*_TRAIN.ts"))
        other = path.with_name(path.name.replace("_TRAIN.ts", "_TEST.ts"))
        if other == path or not other.is_file():
            return None
        found = read_series(other, encoding=self.encoding)
        return found.fill(self.scaling[0]), found.labels

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns accuracy and macro F1 on the test file, if any, or on validation."""
        from rnnzoo.data.pipeline import Pairs

        return model.report(
            Pairs(*(self.test or self.validation_examples())), progress
        ).figures()

    def finish(self, model: Any) -> bool:
        """Writes into the model's card which columns it reads."""
        model.card["layout"] = self.found.layout
        return True

    def conclude(
        self, model: Any, run: pathlib.Path, progress: Any, say: Callable[[str], None]
    ) -> None:
        """Says how good the best epoch is beside baselines, and what to do next."""
        from rnnzoo.analysis import plot_confusion
        from rnnzoo.data.pipeline import Pairs

        held_out = {"validation": (self.validation_examples(), self.baselines)}
        if self.test:
            held_out["test"] = self.test, self.measure_baselines(*self.test)
        for name, (pairs, baselines) in held_out.items():
            report = model.report(Pairs(*pairs))
            say(
                f"{name}: accuracy {report.accuracy:.3f}, macro F1 "
                f"{report.macro_f1:.3f} on {len(pairs[0]):,} series"
            )
            for other, (accuracy, f1) in baselines.items():
                say(f"  {other}: accuracy {accuracy:.3f}, macro F1 {f1:.3f}")
            better = [one for one, f in baselines.items() if f[0] > report.accuracy]
            if better:
                say(f"  The network is worse here than: {', '.join(better)}.")
            plot_confusion(report, run / "confusion.png")
        say(f"best: epoch {progress.best_epoch} of {progress.epoch}")
        say(f"Written: {run / 'confusion.png'}")
        best, data = shlex.quote(str(run / "best.keras")), shlex.quote(self.data)
        folder = shlex.quote(str(pathlib.Path("served") / run.name))
        say("Next:")
        say(f"  rnnzoo evaluate {best}")
        say(f"  rnnzoo answer {best} --data={data} --to=answers.csv")
        say(f"  rnnzoo export {best} --to={folder}")


RECIPE = OwnSeries
