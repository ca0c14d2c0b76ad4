"""Callbacks that report on a run: progress, history, learning curve, samples."""

import datetime
import math
import sys
import time
from typing import Any

import keras
import numpy as np
import rich.progress
import tensorflow as tf

from rnnzoo.architectures.distributed import to_scalar
from rnnzoo.errors import shorten
from rnnzoo.tokens.raw import spell
from rnnzoo.training.checkpoints import Checkpoint
from rnnzoo.training.history import (
    describe_units,
    draw_learning_curve,
    read_samples,
    write_history,
)
from rnnzoo.writing import write_text

# Drawing learning curves may take this fraction of the time.
DRAWING_FRACTION = 0.02


class RunFolder(keras.callbacks.Callback):
    """Writes `history.csv` after every epoch, and draws `learning_curve.png`."""

    def __init__(self, checkpoint: Checkpoint):
        super().__init__()
        self.run, self.checkpoint = checkpoint.run, checkpoint
        # Of the checkpoint, which saves them too.
        self.rows = checkpoint.progress.history
        # End and duration of the last drawing, and the number of epochs in it.
        self.drawing_end, self.drawing_seconds, self.drawn_epochs = -math.inf, 0.0, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Adds a row to the history and draws it."""
        seconds = round(self.checkpoint.elapsed_seconds(), 1)
        norms = self.checkpoint.progress.gradient_norms
        row = {
            "epoch": epoch + 1,
            "seconds": seconds,
            "learning_rate": float(self.model.optimizer.learning_rate),
            **{name: float(value) for name, value in logs.items()},
            "gradient_norm": norms / self.checkpoint.recipe.steps,
        }
        self.rows.append(row)
        write_history(self.run, self.rows)
        pause = time.monotonic() - self.drawing_end
        if pause > self.drawing_seconds / DRAWING_FRACTION:
            self._draw()

    def on_train_end(self, logs: Any = None) -> None:
        """Draws the epochs that are not drawn yet."""
        if len(self.rows) > self.drawn_epochs:
            self._draw()

    def _draw(self) -> None:
        start = time.monotonic()
        units = describe_units(self.model)
        draw_learning_curve(self.rows, self.run / "learning_curve.png", units)
        self.drawing_end, self.drawn_epochs = time.monotonic(), len(self.rows)
        self.drawing_seconds = self.drawing_end - start


class Samples(keras.callbacks.Callback):
    """Shows answers to a few raw inputs after each epoch, and writes `samples.txt`."""

    def __init__(self, checkpoint: Checkpoint, inputs: list, targets: list):
        super().__init__()
        run = checkpoint.run
        self.checkpoint, self.inputs, self.targets = checkpoint, inputs, targets
        self.path = run / "samples.txt"
        self.text = read_samples(run, checkpoint.progress.epoch)
        self.writer = tf.summary.create_file_writer(str(run / "logs" / "samples"))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Answers the examples, prints them and adds them to the file."""
        with self.checkpoint.use_average():
            answers = self.model.answer(self.inputs)
        lines = [f"Samples after epoch {epoch + 1}:"]
        show = getattr(self.model, "show_input", lambda given: given)
        rows = zip(self.inputs, self.targets, answers, strict=True)
        for given, target, answer in rows:
            lines.append(f"  given  {_to_line(show(given))}")
            if isinstance(target, np.ndarray):  # values, which are never quite right
                lines.append(f"  answer {_to_line(spell(answer))}")
                lines.append(f"  came   {_to_line(spell(target))}")
                continue
            if not self.model.has_unique_target:
                lines += [f"  | {line}" for line in answer.splitlines()]
                continue
            verdict = "right" if answer == target else "wrong"
            lines.append(f"  {verdict}  {_to_line(answer)}")
            if answer != target:
                lines.append(f"  right  {_to_line(target)}")
        text = "\n".join(lines)
        with self.writer.as_default():
            tf.summary.text("samples", f"```\n{text}\n```", step=epoch + 1)
        if self.checkpoint.recipe.shows_samples:
            console = rich.get_console()
            console.print(text, highlight=False, markup=False, soft_wrap=True)
        self.text += text + "\n\n"
        write_text(self.path, self.text)


def _to_line(value: Any) -> str:
    """Returns an input or an answer as one line of at most 300 characters."""
    is_row = isinstance(value, (list, tuple, np.ndarray))
    text = " ".join(map(str, value)) if is_row else str(value)
    return shorten(" ".join(text.split()), str, 300)


class Progress(keras.callbacks.Callback):
    """A progress bar with remaining time, rate and metrics; lines without terminal."""

    SECONDS_BETWEEN_LINES = 30.0

    def __init__(self, checkpoint: Checkpoint):
        super().__init__()
        self.recipe = recipe = checkpoint.recipe
        progress = checkpoint.progress
        self.total = recipe.epochs * recipe.steps
        self.step = self.first = progress.epoch * recipe.steps + progress.step
        self.bar = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock, and in a terminal the bar."""
        self.start_time = self.last_update = time.monotonic()
        self.tokens = 0.0
        self.first = self.step
        if sys.stdout.isatty():
            self.bar = rich.progress.Progress(
                "{task.description}",
                rich.progress.BarColumn(bar_width=None),
                "{task.completed}/{task.total}",
                rich.progress.TimeRemainingColumn(elapsed_when_finished=True),
                "{task.fields[figures]}",
                console=rich.get_console(),
            )
            self.task = self.bar.add_task(
                "Training", total=self.total, completed=self.step, figures=""
            )
            self.bar.start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Shows the step, at most four times a second."""
        self.step += 1
        self.tokens += to_scalar(logs["tokens"])
        now = time.monotonic()
        pause = 0.25 if self.bar else self.SECONDS_BETWEEN_LINES
        if now - self.last_update < pause:
            return
        self.last_update = now
        seconds = now - self.start_time
        epoch = 1 + (self.step - 1) // self.recipe.steps
        where = f"epoch {epoch}/{self.recipe.epochs}"
        rate = (self.step - self.first) / seconds
        figures = f"{rate * self.recipe.batch_size:,.0f} examples/s, "
        figures += f"{self.tokens / seconds:,.0f} tokens/s"
        for name, value in logs.items():
            if name != "tokens":
                figures += f", {name} {to_scalar(value):.4f}"
        if self.bar:
            state = {"completed": self.step, "description": where, "figures": figures}
            self.bar.update(self.task, **state)
        else:
            left = datetime.timedelta(seconds=int((self.total - self.step) / rate))
            where += f", step {self.step}/{self.total}, {left} left"
            print(f"{where}, {figures}", flush=True)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Prints the metrics of the epoch."""
        hidden = () if self.recipe.shows_samples else ("gradient_norm", "tokens")
        shown = {k: float(v) for k, v in logs.items() if k not in hidden}
        figures = ", ".join(f"{k} {v:.4f}" for k, v in shown.items())
        text = f"Epoch {epoch + 1}/{self.recipe.epochs}: {figures}"
        rich.get_console().print(text, highlight=False, soft_wrap=True)

    def on_train_end(self, logs: Any = None) -> None:
        """Stops the bar."""
        self.stop()

    def stop(self) -> None:
        """Stops the bar and restores the terminal, also after an early end."""
        if self.bar:
            self.bar.stop()
            self.bar = None
