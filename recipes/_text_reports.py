"""What a recipe for own texts says: what it found, what it has to beat, what it got."""

import dataclasses
import pathlib
import shlex
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnzoo.errors import shorten
from rnnzoo.recipes._texts import FineTuningRecipe


@dataclasses.dataclass(kw_only=True)
class ReportingRecipe(FineTuningRecipe):
    """Explains itself before the first step, and says at the end what to do next."""

    def count_classes(self, part: Any) -> dict[str, int]:
        """Returns how many rows of a part of the source are of each class."""
        labels = self.source.labels[part.indices]
        counts = np.bincount(labels, minlength=len(self.source.classes))
        found = dict(zip(self.source.classes, counts.tolist(), strict=True))
        return {name: found[name] for name in self.class_names()}

    def introduce(self, model: Any, say: Callable[[str], None]) -> None:
        """Says what the file holds, what baselines reach, and how long it takes."""
        from rnnzoo.training.mixtures import BothAnswers

        training, validation = self.parts
        counts, held_out = self.count_classes(training), self.count_classes(validation)
        total = len(training) + len(validation)
        listed = [f"{name} {counts[name] + held_out[name]:,}" for name in counts]
        if len(listed) > 50:
            listed = [*listed[:50], f"and {len(listed) - 50} more"]
        say(f"Rows: {total:,} of {len(counts)} classes: {', '.join(listed)}")
        line = f"Split: {len(training):,} rows to learn from, {len(validation):,} to "
        line += "validate, a tenth of each class"
        missing = [name for name, count in held_out.items() if not count]
        if missing:
            names = shorten(", ".join(missing), str, 300)
            line += f"; of one row, so none to validate: {names}"
        say(line)
        start, read = self.start, f"Read as: {self.start.tokens}"
        if start.head is not None:
            read += ", by a network that has read film reviews"
            if self.weights != "imdb":
                read = f"Read as: {start.tokens}, by the network of {self.weights}"
        if len(start.losses) > 1:
            figures = [f"{name} {loss:.2f}" for name, loss in start.losses.items()]
            read += f" (cross-validated loss: {', '.join(figures)})"
        say(read)
        answer = BothAnswers(model)
        figures = self._measure(model, answer)
        for name in ("majority", "linear"):
            if name in figures:
                accuracy, f1 = figures[name]
                what = name
                if name == "linear":
                    what += " (TF-IDF of n-grams, logistic regression)"
                say(f"Baseline, {what}: accuracy {accuracy:.3f}, macro F1 {f1:.3f}")
        seconds = self._estimate_seconds(model, answer)
        epochs = f"{self.epochs} epoch{'s' * (self.epochs > 1)} of {self.steps} steps, "
        epochs += f"about {max(seconds, 1):.0f} s each"
        if self.patience:
            epochs = f"At most {epochs}; fewer if {self.patience} in a row do not help"
        say(epochs)

    def _measure(self, model: Any, answer: Callable) -> dict[str, tuple[float, float]]:
        """Returns accuracy and macro F1 on validation, of the model and of baselines.

        These are the most frequent class; and the regression on n-grams alone, which
        the model has beside its network.
        """
        from rnnzoo.training.mixtures import macro_f1

        texts, names = self.validation_examples()
        labels, counts = model.class_numbers(names), self.count_classes(self.parts[0])
        majority = self.class_names().index(max(counts, key=lambda name: counts[name]))
        answers = {"majority": np.full(len(labels), majority)}
        found = answer(texts)
        answers |= dict(zip(("model", "linear"), found, strict=False))
        return {
            name: (float(np.mean(given == labels)), macro_f1(labels, given))
            for name, given in answers.items()
        }

    def _estimate_seconds(self, model: Any, answer: Callable) -> float:
        """Estimates the seconds of an epoch by a batch that is only read."""
        times = []
        texts, _ = self.examples().batch(self.batch_size, self.seed, 0)
        for _ in range(2):  # the first compiles
            begin = time.monotonic()
            answer(texts)
            times.append(time.monotonic() - begin)
        validation = len(self.parts[1]) / self.batch_size
        # Backwards, a step takes about twice as long as forwards.
        return times[-1] * (3 * self.steps + 2 * validation)

    def conclude(
        self, model: Any, run: pathlib.Path, progress: Any, say: Callable[[str], None]
    ) -> None:
        """Says how good the best epoch is, and what to do with it."""
        from rnnzoo.training.mixtures import BothAnswers

        found = self._measure(model, BothAnswers(model))
        accuracy, f1 = (
            [(name, f"{figures[place]:.2f}") for name, figures in found.items()]
            for place in (0, 1)
        )

        def beside(figures: list[tuple[str, str]]) -> str:
            """The model's own, and in brackets those of the baselines."""
            return "; ".join(f"{name} {f}" for name, f in figures if name != "model")

        say(
            f"best: val_loss {progress.best:.2f} at epoch {progress.best_epoch} of "
            f"{progress.epoch} (accuracy {dict(accuracy)['model']}; "
            f"{beside(accuracy)}), macro F1 {dict(f1)['model']} ({beside(f1)})"
        )
        if not progress.best_epoch:
            say("No epoch was better than what it began with, which is kept.")
        best = shlex.quote(str(run / "best.keras"))
        texts = self.validation_examples()[0]
        # Not one that looks like an option.
        text = next((text for text in texts if text.strip()[:1] != "-"), "a text")
        example = shlex.quote(" ".join(shorten(text, str, 60).split()))
        folder = shlex.quote(str(pathlib.Path("served") / run.name))
        say("Next:")
        say(f"  rnnzoo evaluate {best}")
        say(f"  rnnzoo answer {best} {example}")
        say(f"  rnnzoo export {best} --to={folder}")
