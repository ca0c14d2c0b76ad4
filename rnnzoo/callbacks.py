"""What happens beside a training's steps: progress, samples, files, checkpoints."""

import contextlib
import csv
import dataclasses
import datetime
import io
import json
import math
import os
import pathlib
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import rich.progress
import tensorflow as tf

from rnnzoo import training
from rnnzoo.devices import Devices
from rnnzoo.distribution import scalar

# Drawing learning curves may take this share of the time.
DRAWING_SHARE = 0.02


@dataclasses.dataclass
class Done:
    """How far a run has come.

    Attributes:
        epoch: Epochs that are complete.
        step: Steps of the next epoch that are done.
        best: Lowest validation loss so far.
        seconds: Time spent in training, validation and files, over all its starts.
        gradient_norms: Sum of the gradient norms of the next epoch's steps.
    """

    epoch: int = 0
    step: int = 0
    best: float = float("inf")
    seconds: float = 0.0
    gradient_norms: float = 0.0


class Checkpoint(keras.callbacks.Callback):
    """Keeps `last.keras` and `best.keras`, and resumes from the former exactly.

    Beside what Keras saves of a compiled model (weights, optimizer), `last.keras` holds
    a member `training.npz`: what the epoch's metrics have counted so far, the variables
    that Keras does not save, such as states of dropout, and the counts of `Done`.

    Args:
        model: The compiled model.
        run: The run folder.
        recipe: The recipe that is trained.
        devices: What it is trained on. Of several machines the chief alone writes;
            all must see the same run folder.
    """

    # Several machines agree every so many steps whether one of them has to stop.
    AGREEMENT_STEPS = 10

    def __init__(
        self,
        model: keras.Model,
        run: pathlib.Path,
        recipe: "training.Recipe",
        devices: Devices,
    ):
        """Sets up; the class says what the arguments mean."""
        super().__init__()
        self.set_model(model)
        self.devices = devices
        self.last, self.best = run / "last.keras", run / "best.keras"
        self.previous = run / "previous.keras"
        self.recipe = recipe
        self.done = Done()
        self.signal = None
        self.restored_metrics = None
        self.average = None
        optimizer = model.optimizer
        if getattr(optimizer, "inner_optimizer", optimizer).use_ema:
            self.average = keras.callbacks.SwapEMAWeights()
            self.average.set_model(model)

    def restore(self) -> Done:
        """Restores the newest readable checkpoint, if there is one."""
        for path in (self.last, self.previous):
            if not path.exists():
                continue
            try:
                with zipfile.ZipFile(path) as archive:
                    state = np.load(io.BytesIO(archive.read("training.npz")))
                    done = Done(**json.loads(str(state["done"])))
                self.model.load_weights(path)
            except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
                print(f"{path} cannot be read ({error}); trying the one before it")
                continue
            for index, variable in enumerate(self.model.unsaved_variables()):
                variable.assign(state[f"unsaved_{index}"])
            if done.step:
                self.restored_metrics = state
            self.done = done
            break
        self.begun_at = time.monotonic()
        return dataclasses.replace(self.done)

    def must_stop(self) -> bool:
        """Tells whether a signal has come, to this machine or another one."""
        if not self.devices.has_several_machines:
            return self.signal is not None
        # A sum says which signal has come, to however many machines.
        values = {None: 0.0, signal.SIGINT: 1.0, signal.SIGTERM: 1e6}
        received = self.devices.sum_over_machines(values[self.signal])
        if received:
            self.signal = signal.SIGTERM if received >= 1e6 else signal.SIGINT
        return bool(received)

    @contextlib.contextmanager
    def catching_signals(self) -> Iterator[None]:
        """Lets Ctrl-C and SIGTERM end training after the step at hand."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def remember(number: int, frame: Any) -> None:
            if self.signal is not None:
                raise KeyboardInterrupt  # the second time, at once
            self.signal = number
            if self.devices.is_chief:
                print("\nFinishing the step and saving; once more ends at once")
                sys.stdout.flush()

        numbers = (signal.SIGINT, signal.SIGTERM)
        handlers = {number: signal.signal(number, remember) for number in numbers}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Puts the average of the weights into the model, where one is kept."""
        self.on_test_begin()
        try:
            yield
        finally:
            self.on_test_end()

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Validates the average of the weights, where one is kept."""
        if self.average:
            self.average.on_test_begin()

    def on_test_end(self, logs: dict | None = None) -> None:
        """Goes back to the weights that are trained."""
        if self.average:
            self.average.on_test_end()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Undoes that `fit` ends by overwriting the weights with their average."""
        if self.average:
            self.model.set_weights(self.trained_weights)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Goes on counting where an interrupted epoch stopped."""
        if self.must_stop():
            self._interrupt()
        if self.restored_metrics is not None:
            for index, variable in enumerate(self.model.metrics_variables):
                variable.assign(self.restored_metrics[f"metric_{index}"])
            self.restored_metrics = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Saves when it is time to, or when a signal has come."""
        self.done.step += 1
        self._stop_if_diverged(logs)
        self.done.gradient_norms += scalar(logs["gradient_norm"])
        if self.done.step == self.recipe.steps:
            return  # the epoch's end saves
        alone = not self.devices.has_several_machines
        if alone or self.done.step % self.AGREEMENT_STEPS == 0:
            if self.must_stop():
                self._save()
                self._interrupt()
        if self._saves():
            self._save()

    def _stop_if_diverged(self, logs: dict) -> None:
        """Leaves a training whose loss or weights are no numbers any more, unsaved."""
        numbers = [logs["loss"]]
        if self._saves():
            numbers += self.model.get_weights()
        if all(np.isfinite(number).all() for number in numbers):
            return
        kept = "there is no checkpoint yet"
        if self.last.exists():
            kept = f"{self.last} holds the last checkpoint before"
        raise FloatingPointError(
            f"The training has diverged at epoch {self.done.epoch + 1}, step "
            f"{self.done.step}: loss {scalar(logs['loss'])}, learning rate "
            f"{float(self.model.optimizer.learning_rate):.3g}, gradient norm "
            f"{scalar(logs['gradient_norm']):.3g}; {kept}. Try a lower learning_rate "
            "or clip_norm in another run folder. Received: "
            f"learning_rate={self.recipe.learning_rate}, "
            f"clip_norm={self.recipe.clip_norm}"
        )

    def _saves(self) -> bool:
        """Tells whether a checkpoint is due after this step."""
        step = self.done.step
        return step == self.recipe.steps or (step % self.recipe.checkpoint_steps == 0)

    def _interrupt(self) -> None:
        """Leaves the training, which is saved; the chief says so."""
        message = (
            f"Interrupted and saved at epoch {self.done.epoch + 1}, step "
            f"{self.done.step}: the same command with --run={self.last.parent} goes on "
            "from there"
        )
        raise training.Interrupted(
            message if self.devices.is_chief else "", self.signal
        )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Saves the epoch, and the weights if they are the best so far."""
        self.done.epoch, self.done.step = epoch + 1, 0
        self.done.gradient_norms = 0.0
        if logs["val_loss"] <= self.done.best:
            self.done.best = float(logs["val_loss"])
            self.model.card = {
                "recipe": self.recipe.__module__.rsplit(".", 1)[-1],
                "options": self.recipe.options(),
                "epoch": epoch + 1,
                "validation": {k: float(v) for k, v in logs.items() if "val_" in k},
            }
            self._save_best()
        self._save()
        if self.average:
            self.trained_weights = self.model.get_weights()

    def seconds(self) -> float:
        """Returns the time spent on this run so far."""
        return self.done.seconds + time.monotonic() - self.begun_at

    def _save_best(self) -> None:
        """Writes the model without its optimizer, in the precision of its weights."""
        if not self.devices.is_chief:
            return
        model = type(self.model).from_config(self.model.get_config())
        with self.averaged():
            model.set_weights(self.model.get_weights())
        model.card = self.model.card
        draft = self.best.with_name("draft.keras")
        model.save(draft)
        _replace(draft, self.best)

    def _save(self) -> None:
        """Writes a checkpoint; the one before it is kept."""
        done = dataclasses.replace(self.done, seconds=self.seconds())
        # All machines take part in adding up what each of them has counted.
        metrics = [np.asarray(v) for v in self.model.metrics_variables]
        unsaved = self.model.unsaved_variables()
        if not self.devices.is_chief:
            return
        draft = self.last.with_name("draft.keras")
        self.model.save(draft)
        state = {
            "done": json.dumps(dataclasses.asdict(done)),
            **{f"metric_{i}": v for i, v in enumerate(metrics)},
            **{f"unsaved_{i}": np.asarray(v) for i, v in enumerate(unsaved)},
        }
        buffer = io.BytesIO()
        np.savez(buffer, **state)
        with zipfile.ZipFile(draft, "a") as archive:
            archive.writestr("training.npz", buffer.getvalue())
        if self.last.exists():
            self.last.replace(self.previous)
        _replace(draft, self.last)


def _replace(draft: pathlib.Path, path: pathlib.Path) -> None:
    """Puts a finished file in the place of another, so that one is always whole."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


class RunFolder(keras.callbacks.Callback):
    """Writes `history.csv` after every epoch, and draws `learning_curve.png`.

    Of short epochs, not every one is drawn, but always the last: drawing takes about a
    second.

    Args:
        run: The run folder.
        recipe: The recipe that is trained.
        checkpoint: The run's checkpoint, which knows the time spent.
    """

    def __init__(
        self, run: pathlib.Path, recipe: "training.Recipe", checkpoint: Checkpoint
    ):
        """Sets up; the class says what the arguments mean."""
        super().__init__()
        self.run, self.recipe, self.checkpoint = run, recipe, checkpoint
        # A later epoch can be there: written just before its checkpoint was lost.
        epochs = checkpoint.done.epoch
        self.rows = [r for r in training.read_history(run) if r["epoch"] <= epochs]
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


def draw_learning_curve(rows: list[dict], path: pathlib.Path) -> None:
    """Draws loss and metrics against epochs, training beside validation.

    Args:
        rows: Rows of `history.csv`, as `rnnzoo.training.read_history` returns them.
        path: The PNG file to write.
    """
    from matplotlib.figure import Figure

    names = [n.removeprefix("val_") for n in rows[0] if n.startswith("val_")]
    figure = Figure(figsize=(5 * len(names), 4), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    epochs = [row["epoch"] for row in rows]
    for axis, name in zip(axes, names, strict=True):
        mark = "o" if len(rows) < 30 else None
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            axis.plot(epochs, [row[key] for row in rows], label=label, marker=mark)
        axis.set(xlabel="epoch", title=name.replace("_", " "))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        if name == "loss":
            axis.set_yscale("log")
            axis.set_ylabel("nats per token" if "accuracy" in names else None)
    axes[0].legend()
    figure.savefig(path, dpi=120)


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
        """Sets up; the class says what the arguments mean."""
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
            if not self.model.has_one_answer:
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
        recipe: "training.Recipe",
        done: Done,
        seconds_between_lines: float = 30.0,
    ):
        """Sets up; the class says what the arguments mean."""
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
