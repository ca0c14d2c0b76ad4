"""Checkpoints: saving a run, and resuming it exactly."""

import contextlib
import dataclasses
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

from rnnzoo.architectures.distributed import scalar
from rnnzoo.errors import Interrupted
from rnnzoo.training.devices import Devices
from rnnzoo.training.recipe import Recipe


@dataclasses.dataclass
class RunProgress:
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
    that Keras does not save, such as states of dropout, and the counts of `RunProgress`.

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
        recipe: Recipe,
        devices: Devices,
    ):
        super().__init__()
        self.set_model(model)
        self.devices = devices
        self.last, self.best = run / "last.keras", run / "best.keras"
        self.previous = run / "previous.keras"
        self.recipe = recipe
        self.done = RunProgress()
        self.signal = None
        self.restored_metrics = None
        self.average = None
        optimizer = model.optimizer
        if getattr(optimizer, "inner_optimizer", optimizer).use_ema:
            self.average = keras.callbacks.SwapEMAWeights()
            self.average.set_model(model)

    def restore(self) -> RunProgress:
        """Restores the newest readable checkpoint, if there is one."""
        for path in (self.last, self.previous):
            if not path.exists():
                continue
            try:
                with zipfile.ZipFile(path) as archive:
                    state = np.load(io.BytesIO(archive.read("training.npz")))
                    done = RunProgress(**json.loads(str(state["done"])))
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
        return step == self.recipe.steps or (step % self.recipe.checkpoint_every == 0)

    def _interrupt(self) -> None:
        """Leaves the training, which is saved; the chief says so."""
        message = (
            f"Interrupted and saved at epoch {self.done.epoch + 1}, step "
            f"{self.done.step}: the same command with --run={self.last.parent} goes on "
            "from there"
        )
        raise Interrupted(message if self.devices.is_chief else "", self.signal)

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
