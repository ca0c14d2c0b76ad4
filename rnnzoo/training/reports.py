"""What a run shows: progress, history, learning curves, samples."""

import csv
import datetime
import math
import pathlib
import sys
import time
from typing import Any

import keras
import numpy as np
import rich.progress
import tensorflow as tf

from rnnzoo.architectures.distributed import scalar
from rnnzoo.training.checkpoints import Checkpoint, RunProgress
from rnnzoo.training.history import draw_learning_curve, read_history
from rnnzoo.training.recipe import Recipe

# Drawing learning curves may take this share of the time.
DRAWING_SHARE = 0.02


class RunFolder(keras.callbacks.Callback):
    """Writes `history.csv` after every epoch, and draws `learning_curve.png`.

    Of short epochs, not every one is drawn, but always the last: drawing takes about a
    second.

    Args:
        run: The run folder.
        recipe: The recipe that is trained.
        checkpoint: The run's checkpoint, which knows the time spent.
    """

    def __init__(self, run: pathlib.Path, recipe: Recipe, checkpoint: Checkpoint):
        super().__init__()
        self.run, self.recipe, self.checkpoint = run, recipe, checkpoint
        # A later epoch can be there: written just before its checkpoint was lost.
        epochs = checkpoint.done.epoch
        self.rows = [r for r in read_history(run) if r["epoch"] <= epochs]
        # When the last drawing ended, how long it took, and of how many epochs it is.
        self.drawn, self.duration, self.epochs = -math.inf, 0.0, 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Adds a row to the history and draws it."""
        row = {"epoch": epoch + 1, "seconds": round(self.checkpoint.seconds(), 1)}
        row["learning_rate"] = float(self.model.optimizer.learning_rate)
        row |= {name: float(value) for name, value in logs.items()}
        norms = self.checkpoint.done.gradient_norms
        row["gradient_norm"] = norms / self.recipe.steps
        self.rows.append(row)
        draft = self.run / "history.draft"
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        draft.replace(self.run / "history.csv")
        if time.monotonic() - self.drawn > self.duration / DRAWING_SHARE:
            self._draw()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Draws what has not been drawn yet."""
        if len(self.rows) > self.epochs:
            self._draw()

    def _draw(self) -> None:
        """Draws the learning curve, and takes the time."""
        begin = time.monotonic()
        draw_learning_curve(self.rows, self.run / "learning_curve.png")
        self.drawn, self.epochs = time.monotonic(), len(self.rows)
        self.duration = self.drawn - begin


class Samples(keras.callbacks.Callback):
    """Shows the model's answers to a few examples after every epoch.

    Args:
        run: The run folder; answers go to its `samples.txt` and its TensorBoard
            logs too.
        checkpoint: The run's checkpoint, which knows the weights to answer with.
        inputs: Raw inputs.
        targets: The right answers.
    """

    def __init__(
        self,
        run: pathlib.Path,
        checkpoint: Checkpoint,
        inputs: list,
        targets: list,
    ):
        super().__init__()
        self.checkpoint = checkpoint
        self.path = run / "samples.txt"
        self.writer = tf.summary.create_file_writer(str(run / "logs" / "samples"))
        self.inputs, self.targets = inputs, targets

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Answers the examples, prints them and appends them to the file."""
        with self.checkpoint.averaged():
            answers = self.model.answer(self.inputs)
        lines = [f"Samples after epoch {epoch + 1}:"]
        for given, target, answer in zip(
            self.inputs, self.targets, answers, strict=True
        ):
            lines.append(f"  given  {_text(given)}")
            if not self.model.has_unique_target:
                lines += [f"  | {line}" for line in answer.splitlines()]
                continue
            verdict = "right" if answer == target else "wrong"
            lines.append(f"  {verdict}  {_text(answer)}")
            if answer != target:
                lines.append(f"  right  {_text(target)}")
        text = "\n".join(lines)
        with self.writer.as_default():
            tf.summary.text("samples", f"```\n{text}\n```", step=epoch + 1)
        rich.get_console().print(text, highlight=False, markup=False, soft_wrap=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text + "\n\n")


def _text(value: Any) -> str:
    """Returns an input or an answer as one line of text."""
    is_row = isinstance(value, (list, tuple, np.ndarray))
    text = " ".join(map(str, value)) if is_row else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:297] + "..."


class Progress(keras.callbacks.Callback):
    """A bar with the time left, the rate and the metrics; plain lines without terminal.

    Args:
        recipe: The recipe that is trained.
        done: How far the run had come before.
        seconds_between_lines: How often a line comes where there is no terminal.
    """

    def __init__(
        self,
        recipe: Recipe,
        done: RunProgress,
        seconds_between_lines: float = 30.0,
    ):
        super().__init__()
        self.recipe = recipe
        self.total = recipe.epochs * recipe.steps
        self.step = self.first = done.epoch * recipe.steps + done.step
        self.seconds_between_lines = seconds_between_lines
        self.bar = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts the clock, and the bar in a terminal."""
        self.begun = self.shown = time.monotonic()
        self.tokens = 0.0
        self.first = self.step
        if sys.stdout.isatty():
            self.bar = rich.progress.Progress(
                rich.progress.TextColumn("{task.description}"),
                rich.progress.BarColumn(bar_width=None),
                rich.progress.TextColumn("{task.completed}/{task.total}"),
                rich.progress.TimeRemainingColumn(elapsed_when_finished=True),
                rich.progress.TextColumn("{task.fields[figures]}"),
                console=rich.get_console(),
            )
            self.task = self.bar.add_task(
                "Training", total=self.total, completed=self.step, figures=""
            )
            self.bar.start()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Shows a step, a few times a second at most."""
        self.step += 1
        self.tokens += scalar(logs["tokens"])
        now = time.monotonic()
        pause = 0.25 if self.bar else self.seconds_between_lines
        if now - self.shown < pause:
            return
        self.shown = now
        epoch = 1 + (self.step - 1) // self.recipe.steps
        where = f"epoch {epoch}/{self.recipe.epochs}"
        rate = (self.step - self.first) / (now - self.begun)
        figures = f"{rate * self.recipe.batch_size:,.0f} examples/s, "
        figures += f"{self.tokens / (now - self.begun):,.0f} tokens/s"
        for name, value in logs.items():
            if name != "tokens":
                figures += f", {name} {scalar(value):.4f}"
        if self.bar:
            self.bar.update(
                self.task, completed=self.step, description=where, figures=figures
            )
        else:
            left = datetime.timedelta(seconds=int((self.total - self.step) / rate))
            print(
                f"{where}, step {self.step}/{self.total}, {left} left, {figures}",
                flush=True,
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Says what the epoch gave."""
        figures = ", ".join(f"{k} {float(v):.4f}" for k, v in logs.items())
        text = f"Epoch {epoch + 1}/{self.recipe.epochs}: {figures}"
        rich.get_console().print(text, highlight=False, soft_wrap=True)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Stops the bar."""
        self.stop()

    def stop(self) -> None:
        """Leaves the terminal as it was; for trainings that end early too."""
        if self.bar:
            self.bar.stop()
            self.bar = None
