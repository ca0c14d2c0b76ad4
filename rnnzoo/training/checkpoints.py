"""Checkpoints: saving a run, and resuming it exactly."""

import contextlib
import dataclasses
import functools
import io
import json
import pathlib
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from rnnzoo.architectures.distributed import to_scalar
from rnnzoo.errors import Interrupted, shorten
from rnnzoo.training.devices import Devices
from rnnzoo.training.recipe import Recipe
from rnnzoo.writing import replace_file

# Fraction by which a validation loss must be lower for patience to begin again.
GAIN = 0.005


@dataclasses.dataclass
class RunProgress:
    """How far a run has come."""

    epoch: int = 0  # complete epochs
    step: int = 0  # steps of the epoch after these
    best: float = float("inf")  # lowest validation loss
    seconds: float = 0.0  # of training, validation and files, over all starts
    gradient_norms: float = 0.0  # sum over the steps of that epoch
    untrained: float = float("inf")  # validation loss before the first step
    best_epoch: int = 0  # that of best.keras; 0 for the untrained model
    gain_epoch: int = 0  # the last one of a clearly lower validation loss
    best_score: float = -1.0  # highest value of the metric that judges, if one does
    history: list[dict] = dataclasses.field(default_factory=list)  # a row per epoch


class SavedCheckpoint(NamedTuple):
    """A checkpoint that was read, and found whole."""

    path: pathlib.Path
    progress: RunProgress
    state: dict[str, np.ndarray]
    settings: dict  # of the run; empty in earlier versions
    config: dict  # of the model


def find_checkpoint(run: pathlib.Path) -> SavedCheckpoint | None:
    """Returns the newest whole checkpoint of a run folder; `None` for a new run.

    Only a damaged one falls back to the one before it. Raises `ValueError` if none is
    whole, or the folder has results but no checkpoint: they would be overwritten.
    """
    paths = [run / "last.keras", run / "previous.keras"]
    paths = [path for path in paths if path.exists()]
    results = [n for n in ("best.keras", "history.csv") if (run / n).exists()]
    if "best.keras" in results:
        _check_best(run / "best.keras")
    for path in paths:
        try:
            saved = _read_checkpoint(path)
        except ValueError as error:
            print(f"{path} cannot be read ({error})")
            continue
        is_fallback, progress = path != paths[0], saved.progress
        # From the untrained model, the run would start again.
        if is_fallback and results and not (progress.epoch or progress.step):
            continue
        return saved
    if paths:
        raise ValueError(
            "A checkpoint of this run must be readable. Choose another run folder, or "
            f"delete this one; nothing in it was changed. Received: run={str(run)!r}"
        )
    if results:
        raise ValueError(
            "The run folder has no checkpoint to resume from, and a training that "
            f"starts again would replace its {' and '.join(results)}. Choose another "
            f"run folder. Received: run={str(run)!r}, without last.keras"
        )
    return None


def _check_best(path: pathlib.Path) -> None:
    """Refuses a damaged file, which the next best epoch would replace."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:  # whatever zip makes of damage
        damaged = shorten(error, str)
    if damaged:
        raise ValueError(
            "The best weights of this run cannot be read. Restore the file, or move it "
            "away: the best of the epochs to come will then be there. Received: "
            f"{str(path)!r}, which is damaged ({damaged})"
        )


def _read_checkpoint(path: pathlib.Path) -> SavedCheckpoint:
    """Reads a checkpoint; `ValueError` if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is damaged")
            state = dict(np.load(io.BytesIO(archive.read("training.npz"))))
            config = json.loads(archive.read("config.json"))["config"]
        progress = RunProgress(**json.loads(str(state.pop("done"))))
        settings = json.loads(str(state.pop("settings", "{}")))
    except Exception as error:  # whatever zip, NumPy and JSON make of damage
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of what it holds
        raise ValueError(shorten(error, str)) from error
    return SavedCheckpoint(path, progress, state, settings, config)


class Checkpoint(keras.callbacks.Callback):
    """Keeps `last.keras` and `best.keras`, and resumes from the former exactly.

    `last.keras` also has the metrics' state, the `RunProgress`, and the variables that
    Keras does not save, such as dropout seeds. Only the chief writes to the run folder.
    """

    # Several machines decide together, at this interval, whether to stop.
    AGREEMENT_STEPS = 10

    def __init__(
        self,
        model: keras.Model,
        run: pathlib.Path,
        recipe: Recipe,
        devices: Devices,
        settings: dict,
    ):
        super().__init__()
        self.set_model(model)
        self.run, self.recipe, self.devices = run, recipe, devices
        self.settings = settings
        self.last, self.best = run / "last.keras", run / "best.keras"
        self.previous = run / "previous.keras"
        self.progress = RunProgress()
        self.last_is_whole = True
        self.signal: Any = None
        self.metrics_to_restore = None
        self.average = None
        self.start_time = time.monotonic()
        optimizer = model.optimizer
        if getattr(optimizer, "inner_optimizer", optimizer).use_ema:
            self.average = keras.callbacks.SwapEMAWeights()
            self.average.set_model(model)

    def restore(self, saved: SavedCheckpoint) -> None:
        """Restores a checkpoint; `ValueError` if it is of another model."""
        received = f"Received: {str(saved.path)!r}"
        changes = self._list_changes(saved.config)
        if changes:
            raise ValueError(
                "The checkpoint is of another model than the options and the data make "
                "now. Repeat the options and data of this run, or choose another run "
                f"folder; nothing in it was changed. {received}, of which "
                f"{'; '.join(changes)}"
            )
        try:
            self.model.load_weights(saved.path)
            for index, variable in enumerate(self.model.unsaved_variables()):
                variable.assign(saved.state[f"unsaved_{index}"])
        except Exception as error:  # Keras has no kind of its own for this
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(
                "The checkpoint is whole, but its weights do not fit this model: they "
                "are of another version or another run. Choose another run folder. "
                f"{received} ({shorten(error, str, 300)})"
            ) from error
        self.metrics_to_restore = saved.state if saved.progress.step else None
        self.progress = saved.progress
        self.last_is_whole = saved.path == self.last
        if np.isfinite(self.progress.best) and not self.best.exists():
            print(f"{self.best} is gone: the best of the epochs to come will be there")
            self.progress.best = float("inf")

    def _list_changes(self, config: dict) -> list[str]:
        """Returns how settings of the model differ from a checkpoint's, in words."""
        now = keras.saving.serialize_keras_object(self.model)["config"]
        now = json.loads(json.dumps(now))

        def describe(value: Any) -> str:
            count = f"{len(value)} entries, " if isinstance(value, list) else ""
            return count + shorten(value)

        return [
            f"{name} was {describe(value)} and is now {describe(now.get(name))}"
            for name, value in self.model.current_config(config).items()
            if now.get(name) != value
        ]

    def begin(self, validation: Any) -> None:
        """Measures the untrained model, and saves it as the first checkpoint."""
        variables = self.model.unsaved_variables()
        before = [np.array(variable) for variable in variables]
        logs = self.model.evaluate(validation, verbose=0, return_dict=True)
        # Keras' recurrent layers draw dropout masks even to answer.
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        self.progress.untrained = float(logs["loss"])
        if self.recipe.keeps_untrained:
            self.progress.best = self.progress.untrained
            self.model.card = self._make_card(0, {"val_loss": self.progress.untrained})
        self._save()
        if self.recipe.keeps_untrained:
            self._save_best()

    def has_stalled(self) -> bool:
        """Returns whether patience is at its end."""
        epochs = self.progress.epoch - self.progress.gain_epoch
        return 0 < self.recipe.patience <= epochs

    def _make_card(self, epoch: int, logs: dict) -> dict:
        return {
            "recipe": self.recipe.__module__.rsplit(".", 1)[-1],
            "options": self.recipe.options(),
            "epoch": epoch,
            "validation": {k: float(v) for k, v in logs.items() if "val_" in k},
        }

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
        if self.average and self._is_trained():
            self.average.on_test_begin()

    def on_test_end(self, logs: Any = None) -> None:
        """Swaps the trained weights back."""
        if self.average and self._is_trained():
            self.average.on_test_end()

    def _is_trained(self) -> bool:
        """Whether there was a step: before it, Keras' average is all zeros."""
        return int(keras.ops.convert_to_numpy(self.model.optimizer.iterations)) > 0

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
        is_gain, is_best = self._judge(logs)
        if is_gain:
            self.progress.gain_epoch = epoch + 1
        if is_best:
            self.progress.best_epoch = epoch + 1
            self.model.card = self._make_card(epoch + 1, logs)
            self._save_best()
        self._save()
        if self.average:
            self.trained_weights = self.model.get_weights()
        if self.has_stalled():
            self.model.stop_training = True

    def _judge(self, logs: dict) -> tuple[bool, bool]:
        """Returns whether an epoch is clearly better, and the best; notes its loss."""
        loss, progress = float(logs["val_loss"]), self.progress
        is_gain, is_best = loss < progress.best * (1 - GAIN), loss <= progress.best
        if self.recipe.keeps_untrained:
            is_best = is_gain
        if self.recipe.judge:
            score = float(logs[f"val_{self.recipe.judge}"])
            is_gain = is_gain or score > progress.best_score + GAIN
            is_best = (score, is_best) > (progress.best_score, False)
            progress.best_score = max(score, progress.best_score)
            progress.best = min(loss, progress.best)
        elif is_best:
            progress.best = loss
        return is_gain, is_best

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
        raise FloatingPointError(
            f"The training has diverged at epoch {self.progress.epoch + 1}, step "
            f"{self.progress.step}: loss {to_scalar(logs['loss'])}, learning rate "
            f"{float(self.model.optimizer.learning_rate):.3g}, gradient norm "
            f"{to_scalar(logs['gradient_norm']):.3g}; {self.last} "
            "holds the last checkpoint before. Try a lower learning_rate or clip_norm "
            "in another run folder. Received: "
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
        self._best_model.save(self.best)

    def _save(self) -> None:
        """Writes `last.keras`; the one before it is kept as `previous.keras`."""
        progress = dataclasses.replace(self.progress, seconds=self.elapsed_seconds())
        # Reading the metrics adds up those of all machines: all must take part.
        metrics = [np.asarray(v) for v in self.model.metrics_variables]
        unsaved = self.model.unsaved_variables()
        if not self.devices.is_chief:
            return
        state = {
            "done": json.dumps(dataclasses.asdict(progress)),
            "settings": json.dumps(self.settings),
            **{f"metric_{i}": v for i, v in enumerate(metrics)},
            **{f"unsaved_{i}": np.asarray(v) for i, v in enumerate(unsaved)},
        }
        buffer = io.BytesIO()
        np.savez(buffer, **state)
        with replace_file(self.last) as draft:
            self.model.save(draft)
            with zipfile.ZipFile(draft, "a") as archive:
                archive.writestr("training.npz", buffer.getvalue())
            # A damaged one must not take the place of the whole one before it.
            if self.last.exists() and self.last_is_whole:
                self.last.replace(self.previous)
        self.last_is_whole = True
