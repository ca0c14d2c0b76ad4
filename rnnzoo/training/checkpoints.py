"""Checkpoints: saving a run, and resuming it exactly."""

import contextlib
import dataclasses
import functools
import io
import json
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

from rnnzoo.architectures.distributed import to_scalar
from rnnzoo.errors import Interrupted
from rnnzoo.training.devices import Devices
from rnnzoo.training.recipe import Recipe


@dataclasses.dataclass
class RunProgress:
    """How far a run has come."""

    epoch: int = 0  # complete epochs
    step: int = 0  # steps of the epoch after these
    best: float = float("inf")  # lowest validation loss
    seconds: float = 0.0  # of training, validation and files, over all starts
    gradient_norms: float = 0.0  # sum over the steps of that epoch


class Checkpoint(keras.callbacks.Callback):
    """Keeps `last.keras` and `best.keras`, and resumes from the former exactly.

    `last.keras` also has the metrics' state, the `RunProgress`, and the variables that
    Keras does not save, such as dropout seeds. Only the chief writes to the run folder.
    """

    # Several machines decide together, at this interval, whether to stop.
    AGREEMENT_STEPS = 10

    def __init__(
        self, model: keras.Model, run: pathlib.Path, recipe: Recipe, devices: Devices
    ):
        super().__init__()
        self.set_model(model)
        self.run, self.recipe, self.devices = run, recipe, devices
        self.last, self.best = run / "last.keras", run / "best.keras"
        self.previous = run / "previous.keras"
        self.progress = RunProgress()
        self.signal: Any = None
        self.metrics_to_restore = None
        self.average = None
        optimizer = model.optimizer
        if getattr(optimizer, "inner_optimizer", optimizer).use_ema:
            self.average = keras.callbacks.SwapEMAWeights()
            self.average.set_model(model)

    def restore(self) -> RunProgress:
        """Restores the newest readable checkpoint; `ValueError` if none is readable."""
        paths = [path for path in (self.last, self.previous) if path.exists()]
        for path in paths:
            try:
                self._read(path)
                break
            except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
                print(f"{path} cannot be read ({error}); trying the one before it")
        else:
            if paths:
                raise ValueError(
                    "A checkpoint of this run must be readable. Choose another run "
                    f"folder, or delete this one. Received: run={str(self.run)!r}"
                )
        self.start_time = time.monotonic()
        return dataclasses.replace(self.progress)

    def _read(self, path: pathlib.Path) -> None:
        with zipfile.ZipFile(path) as archive:
            state = np.load(io.BytesIO(archive.read("training.npz")))
            progress = RunProgress(**json.loads(str(state["done"])))
        self.model.load_weights(path)
        for index, variable in enumerate(self.model.unsaved_variables()):
            variable.assign(state[f"unsaved_{index}"])
        self.metrics_to_restore = state if progress.step else None
        self.progress = progress

    def must_stop(self) -> bool:
        """Returns whether this machine, or another one, has received a signal."""
        if not self.devices.has_several_machines:
            return self.signal is not None
        # The sum tells which signal was received, by any number of machines.
        values = {None: 0.0, signal.SIGINT: 1.0, signal.SIGTERM: 1e6}
        received = self.devices.sum_over_machines(values[self.signal])
        if received:
            self.signal = signal.SIGTERM if received >= 1e6 else signal.SIGINT
        return bool(received)

    @contextlib.contextmanager
    def catch_signals(self) -> Iterator[None]:
        """Makes Ctrl-C and SIGTERM end training after the current step."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def remember(number: int, frame: Any) -> None:
            if self.signal is not None:
                raise KeyboardInterrupt  # the second signal stops immediately
            self.signal = number
            if self.devices.is_chief:
                print("\nFinishing the step and saving; repeat to stop immediately")
                sys.stdout.flush()

        numbers = (signal.SIGINT, signal.SIGTERM)
        handlers = {number: signal.signal(number, remember) for number in numbers}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def use_average(self) -> Iterator[None]:
        """Swaps the moving average of the weights into the model, if one is kept."""
        self.on_test_begin()
        try:
            yield
        finally:
            self.on_test_end()

    def on_test_begin(self, logs: Any = None) -> None:
        """Validates the moving average of the weights, if one is kept."""
        if self.average:
            self.average.on_test_begin()

    def on_test_end(self, logs: Any = None) -> None:
        """Swaps the trained weights back."""
        if self.average:
            self.average.on_test_end()

    def on_train_end(self, logs: Any = None) -> None:
        """Reverts what `fit` does last: it replaces the weights by their average."""
        if self.average:
            self.model.set_weights(self.trained_weights)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Restores the metrics of an interrupted epoch."""
        if self.must_stop():
            self._raise_interrupted()
        if self.metrics_to_restore is not None:
            for index, variable in enumerate(self.model.metrics_variables):
                variable.assign(self.metrics_to_restore[f"metric_{index}"])
            self.metrics_to_restore = None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves if a checkpoint is due or a signal was received."""
        self.progress.step += 1
        step = self.progress.step
        self._check_finite(logs)
        self.progress.gradient_norms += to_scalar(logs["gradient_norm"])
        if step == self.recipe.steps:
            return  # on_epoch_end saves
        is_alone = not self.devices.has_several_machines
        if (is_alone or step % self.AGREEMENT_STEPS == 0) and self.must_stop():
            self._save()
            self._raise_interrupted()
        if self._is_due():
            self._save()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves the epoch, and the model if it is the best so far."""
        self.progress.epoch, self.progress.step = epoch + 1, 0
        self.progress.gradient_norms = 0.0
        if logs["val_loss"] <= self.progress.best:
            self.progress.best = float(logs["val_loss"])
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

    def elapsed_seconds(self) -> float:
        """Returns the time spent on this run so far, over all starts."""
        return self.progress.seconds + time.monotonic() - self.start_time

    def _check_finite(self, logs: dict) -> None:
        """Stops a training whose loss or weights are not finite, without saving it."""
        values = [logs["loss"]]
        if self._is_due():
            values += self.model.get_weights()
        if all(np.isfinite(value).all() for value in values):
            return
        kept = f"{self.last} holds the last checkpoint before"
        if not self.last.exists():
            kept = "there is no checkpoint yet"
        raise FloatingPointError(
            f"The training has diverged at epoch {self.progress.epoch + 1}, step "
            f"{self.progress.step}: loss {to_scalar(logs['loss'])}, learning rate "
            f"{float(self.model.optimizer.learning_rate):.3g}, gradient norm "
            f"{to_scalar(logs['gradient_norm']):.3g}; {kept}. Try a lower "
            "learning_rate or clip_norm in another run folder. Received: "
            f"learning_rate={self.recipe.learning_rate}, "
            f"clip_norm={self.recipe.clip_norm}"
        )

    def _is_due(self) -> bool:
        step = self.progress.step
        return step == self.recipe.steps or step % self.recipe.checkpoint_every == 0

    def _raise_interrupted(self) -> None:
        message = (
            f"Interrupted and saved at epoch {self.progress.epoch + 1}, step "
            f"{self.progress.step}: the same command with --run={self.run} resumes "
            "from there"
        )
        # Only the chief has a message.
        raise Interrupted(message if self.devices.is_chief else "", self.signal)

    @functools.cached_property
    def _best_model(self) -> keras.Model:
        """A copy of the model without optimizer, in the precision of its weights."""
        return type(self.model).from_config(self.model.get_config())

    def _save_best(self) -> None:
        """Writes `best.keras`: the averaged weights, without the optimizer."""
        if not self.devices.is_chief:
            return
        with self.use_average():
            self._best_model.set_weights(self.model.get_weights())
        self._best_model.card = self.model.card
        draft = self.run / "draft.keras"
        self._best_model.save(draft)
        _replace(draft, self.best)

    def _save(self) -> None:
        """Writes `last.keras`; the one before it is kept as `previous.keras`."""
        progress = dataclasses.replace(self.progress, seconds=self.elapsed_seconds())
        # Reading the metrics adds up those of all machines: all must take part.
        metrics = [np.asarray(v) for v in self.model.metrics_variables]
        unsaved = self.model.unsaved_variables()
        if not self.devices.is_chief:
            return
        draft = self.run / "draft.keras"
        self.model.save(draft)
        state = {
            "done": json.dumps(dataclasses.asdict(progress)),
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
    # What is written is on the disk before it has the name: never a half file.
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)
