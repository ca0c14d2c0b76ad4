"""Checks of how a model learns: on one device and on several, at once or resumed."""

import contextlib
import functools
import io
import pathlib
import signal
import zipfile
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from rnnzoo.data.pipeline import batches
from rnnzoo.errors import Interrupted
from rnnzoo.testing.answering import NO_TOKENS
from rnnzoo.testing.expectations import expect, expect_close, expect_same, require
from rnnzoo.testing.subject import LATE, Subject, outputs
from rnnzoo.training.devices import choose_devices
from rnnzoo.training.history import read_history
from rnnzoo.training.runs import train

BY_HAND = "the weights are set by hand"
# What a run folder must hold.
RUN_FILES = {
    "settings.json",
    "history.csv",
    "learning_curve.png",
    "samples.txt",
    "logs",
    "best.keras",
    "last.keras",
}


def check_one_step_moves_every_weight(subject: Subject) -> None:
    """One step of training changes every trainable weight."""
    require(subject.is_trainable, BY_HAND)
    model = subject.small
    before = model.get_weights()
    model.fit(*subject.batch(32, LATE), batch_size=32, verbose=0)
    pairs = zip(model.weights, before, model.get_weights(), strict=True)
    still = [
        weight.path
        for weight, old, new in pairs
        if weight.trainable and np.array_equal(old, new)
    ]
    message = "A step must move every trainable weight: what is not used is not needed."
    expect(not still, message, f"no move of {', '.join(still)}")


def check_memorises_eight_examples(subject: Subject) -> None:
    """A small model learns eight examples by heart."""
    require(subject.is_trainable, BY_HAND)
    # As long as its examples: some models answer as much as they learned to.
    model = subject.tiny(units=64)
    rate = getattr(model, "largest_learning_rate", 1e-2)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), model.loss)
    inputs, targets = subject.distinct(8)
    for _ in range(20):
        history = model.fit(inputs, targets, epochs=40, batch_size=8, verbose=0).history
        if subject.reads_raw_input:
            answers = model.answer(inputs)
        elif model.has_classes:
            answers = outputs(model, inputs).argmax(axis=-1)
        else:
            expect(
                history["loss"][-1] < max(0.05 * history["loss"][0], 1e-2),
                "A model must learn eight examples by heart.",
                f"losses from {history['loss'][0]} to {history['loss'][-1]}",
            )
            return
        if _is_learned(answers, targets):
            return
    expect_same(answers, targets, "A model must learn eight examples by heart.")


def _is_learned(answers: Any, targets: Any) -> bool:
    """Tells whether all answers are the targets."""
    if isinstance(answers, np.ndarray):
        return np.array_equal(np.ravel(answers), np.ravel(targets))
    targets = [t.tolist() if isinstance(t, np.ndarray) else t for t in targets]
    found, wanted = keras.tree.flatten(list(answers)), keras.tree.flatten(targets)
    if found and all(isinstance(value, float) for value in found):
        close = 0.02 * np.abs(wanted).max()
        return len(found) == len(wanted) and np.allclose(found, wanted, atol=close)
    # Numbers of classes are their names.
    return list(map(str, found)) == list(map(str, wanted))


def check_mixed_precision(subject: Subject, policy: str) -> None:
    """Half of the precision in the layers gives nearly the same outputs, and learns."""
    inputs, targets = subject.batch(8)
    whole = outputs(subject.model, inputs)
    with _dtype_policy(policy):
        model = subject.build()
        model.set_weights(subject.model.get_weights())
        mixed = outputs(model, inputs)
        message = "Outputs must be float32 whatever the layers compute in."
        expect(mixed.dtype == np.float32, message, str(mixed.dtype))
        scale = np.abs(whole).max()
        message = f"Outputs must be nearly the same in {policy}."
        expect_close(mixed / scale, whole / scale, message, atol=0.15)
        if subject.is_trainable:
            loss = model.fit(inputs, targets, verbose=0).history["loss"][0]
            expect(np.isfinite(loss), f"A step in {policy} must have a loss.", loss)


def check_mixed_bfloat16(subject: Subject) -> None:
    """Layers may compute in bfloat16."""
    check_mixed_precision(subject, "mixed_bfloat16")


def check_mixed_float16(subject: Subject) -> None:
    """Layers may compute in float16."""
    check_mixed_precision(subject, "mixed_float16")


@contextlib.contextmanager
def _dtype_policy(policy: str) -> Iterator[None]:
    """Sets the precision that layers are built in."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def check_same_seed_same_weights(subject: Subject) -> None:
    """The same seed gives the same weights after training."""
    require(subject.is_trainable, BY_HAND)

    def train_once() -> list[np.ndarray]:
        keras.utils.set_random_seed(1)
        model = subject.tiny()
        model.fit(*subject.batch(8), batch_size=4, shuffle=False, verbose=0)
        return model.get_weights()

    for first, second in zip(train_once(), train_once(), strict=True):
        expect_close(second, first, "The same seed must give the same weights.")


class PlainTraining:
    """A short training without dropout and noise: what others are compared with.

    Args:
        subject: The model under test.
        devices: Where it is trained.
        jit_compile: Whether the step is compiled with XLA.
        is_static: Whether batches are padded to one length, as XLA wants them; steps
            of padding count where a model has no mask.
    """

    def __init__(
        self,
        subject: Subject,
        devices: Any,
        jit_compile: bool = False,
        is_static: bool = False,
    ):
        import tensorflow as tf

        recipe = subject.shorten_recipe(**subject.without_randomness())
        keras.utils.set_random_seed(0)
        with devices.scope():
            model = recipe.model()
            model.compile_with_defaults(recipe.optimizer(model))
        if jit_compile:
            model.jit_compile = True
        data = batches(
            recipe.examples(),
            model.encode,
            batch_size=8,
            seed=0,
            first=LATE,
            length=recipe.static_length(model) if is_static else None,
        )
        specs = tf.nest.flatten(data.element_spec)
        self.is_static = all(spec.shape.is_fully_defined() for spec in specs)
        fitted = model.fit(data, steps_per_epoch=4, epochs=2, verbose=0, shuffle=False)
        self.history, self.weights = fitted.history, model.get_weights()


@functools.lru_cache(1)
def _train_plainly(subject: Subject) -> PlainTraining:
    """Trains on one device, once for all checks of a model."""
    return PlainTraining(subject, choose_devices("cpu"))


def check_replicas(subject: Subject, count: int) -> None:
    """Several devices that share each batch train as one does."""
    require(subject.is_trainable, BY_HAND)
    try:
        devices = choose_devices(count)
    except ValueError as error:
        require(False, str(error))
    one, several = _train_plainly(subject), PlainTraining(subject, devices)
    for key in ("loss", "gradient_norm"):
        message = f"{count} replicas must have the {key} of one device."
        expect_close(several.history[key], one.history[key], message, rtol=1e-4)
    for found, wanted in zip(several.weights, one.weights, strict=True):
        message = f"{count} replicas must have the weights of one device."
        expect_close(found, wanted, message, atol=1e-5)


def check_two_replicas(subject: Subject) -> None:
    """Two virtual CPU devices train as one."""
    check_replicas(subject, 2)


def check_four_replicas(subject: Subject) -> None:
    """Four virtual CPU devices train as one."""
    check_replicas(subject, 4)


def check_xla_step_has_the_same_loss(subject: Subject) -> None:
    """The training step compiles with XLA, to the same loss.

    That is as near to a TPU as a machine without one comes: static shapes, no strings.
    """
    require(subject.is_trainable, BY_HAND)
    require(
        subject.model.has_classes or np.ndim(subject.batch(1)[1]) != 2,
        "targets [batch, values] have no length that could be static",
    )
    cpu = choose_devices("cpu")
    compiled = PlainTraining(subject, cpu, jit_compile=True, is_static=True)
    message = "With static_length, all shapes of a batch must be static."
    expect(compiled.is_static, message, "shapes that vary")
    message = "A step compiled with XLA must have the loss of the plain one."
    plain = PlainTraining(subject, cpu, is_static=True).history["loss"]
    expect_close(compiled.history["loss"], plain, message, rtol=1e-4)


@functools.lru_cache(1)
def _train_at_once(subject: Subject) -> Any:
    """Trains in a run folder without an interruption, once for all checks."""
    recipe = subject.shorten_recipe(epochs=3)
    with contextlib.redirect_stdout(io.StringIO()):
        return train(recipe, subject.folder / "whole", "cpu")


def check_resumed_run(subject: Subject, step: int) -> None:
    """A training that is interrupted after a step and resumed equals one that is not.

    Args:
        subject: The model under test.
        step: The step after which a signal comes.
    """
    from rnnzoo.training import reports

    require(subject.is_trainable, BY_HAND)
    require(subject.reads_raw_input, NO_TOKENS)
    _train_at_once(subject)
    whole, parts = subject.folder / "whole", subject.folder / f"parts_{step}"
    recipe = subject.shorten_recipe(epochs=3)
    original = reports.Progress.on_train_batch_end

    def interrupt(self: Any, batch: int, logs: dict | None = None) -> None:
        original(self, batch, logs)
        if self.step == step:
            signal.raise_signal(signal.SIGINT)

    message = ""
    with contextlib.redirect_stdout(io.StringIO()):
        reports.Progress.on_train_batch_end = interrupt
        try:
            train(recipe, parts, "cpu")
        except Interrupted as interruption:
            message = str(interruption)
        finally:
            reports.Progress.on_train_batch_end = original
        expect("saved at epoch" in message, "Ctrl-C must save and stop.", message)
        train(recipe, parts, "cpu")
    for file in ("best.keras", "last.keras"):
        found, wanted = read_arrays(parts / file), read_arrays(whole / file)
        expect_same(sorted(found), sorted(wanted), f"{file} must have the same arrays.")
        for name, array in wanted.items():
            message = f"{file} of a resumed run must have the uninterrupted {name}."
            expect_close(found[name], array, message)
    histories = [read_history(run) for run in (parts, whole)]
    for history in histories:
        for row in history:
            del row["seconds"]
    resumed, uninterrupted = histories
    message = "A resumed run must have the uninterrupted history."
    expect_same(resumed, uninterrupted, message)


def read_arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads weights, and the optimizer's state, from a model's file."""
    import h5py

    found = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.array(item)

    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(keep)
    return found


def check_interrupted_and_resumed_equals_uninterrupted(subject: Subject) -> None:
    """A run is interrupted in the middle of its first epoch, and resumed."""
    check_resumed_run(subject, 2)


def check_resumed_at_other_steps(subject: Subject) -> None:
    """A run is interrupted at the end of an epoch, and in the middle of the last."""
    for step in (4, 7):
        check_resumed_run(subject, step)


def check_run_folder_is_complete(subject: Subject) -> None:
    """A run leaves settings, history, pictures, samples and both models."""
    require(subject.is_trainable, BY_HAND)
    require(subject.reads_raw_input, NO_TOKENS)
    model = _train_at_once(subject)
    expect(
        type(model) is type(subject.model),
        f"The recipe must train a {type(subject.model).__name__}.",
        type(model).__name__,
    )
    run = subject.folder / "whole"
    files = {path.name for path in run.iterdir()}
    expect(files >= RUN_FILES, f"A run folder must hold {sorted(RUN_FILES)}.", files)
    drafts = [file for file in files if "draft" in file]
    expect(not drafts, "No draft may be left in a run folder.", drafts)
    size = (run / "learning_curve.png").stat().st_size
    expect(size > 5000, "The learning curve must be a picture.", f"{size} bytes")
    recipe = subject.shorten_recipe(epochs=3)
    shown = (run / "samples.txt").read_text(encoding="utf-8").count("given  ")
    message = "Five samples must be shown after every epoch."
    expect(shown == 5 * recipe.epochs, message, shown)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        train(recipe, run, "cpu")
    message = "The same command must say that the run is complete."
    expect(f"complete ({recipe.epochs} epochs)" in said.getvalue(), message, said)


CHECKS = (
    check_one_step_moves_every_weight,
    check_memorises_eight_examples,
    check_mixed_bfloat16,
    check_mixed_float16,
    check_same_seed_same_weights,
    check_two_replicas,
    check_four_replicas,
    check_xla_step_has_the_same_loss,
    check_interrupted_and_resumed_equals_uninterrupted,
    check_resumed_at_other_steps,
    check_run_folder_is_complete,
)
