"""Training a recipe in a run folder that remembers it."""

import json
import pathlib
import platform
import shutil
from typing import Any

from rnnzoo.training.recipe import Recipe


def train(recipe: Recipe, run: str | pathlib.Path, devices: str = "auto") -> Any:
    """Trains a recipe's model in a run folder; the same folder goes on where it was.

    The folder holds `settings.json` (options and versions), `history.csv`,
    `learning_curve.png`, `samples.txt` (answers after every epoch), `logs/`
    (TensorBoard), `best.keras` (the weights with the lowest validation loss, ready for
    `rnnzoo.load`) and `last.keras` (what resuming needs, optimizer included). Both are
    replaced as a whole, never half written.

    Ctrl-C and SIGTERM finish the step, save and raise `Interrupted`. A training that is
    resumed takes the same steps on the same batches as one that was never interrupted.
    Of several machines (see `rnnzoo.training.devices.strategy`) the first writes the run folder,
    and all read it: it must be on a file system that they share.

    Args:
        recipe: The recipe, with its options.
        run: The run folder; made if it does not exist.
        devices: What `rnnzoo.training.devices.strategy` takes.

    Returns:
        The model with the best weights.

    Raises:
        Interrupted: If it was interrupted; everything is saved.
        ValueError: If the folder holds a run with other options. More `epochs` are
            allowed: the learning rate then follows the longer schedule.

    Example:
        >>> import tempfile
        >>> from rnnzoo import train
        >>> from rnnzoo.recipes.sort_naturals import SortNaturals
        >>> small = SortNaturals(max_length=4, units=8, epochs=1, steps_per_epoch=2)
        >>> model = train(small, tempfile.mkdtemp(), devices="cpu")
        Devices: ...
        >>> len(model.sort([3, 1, 2]))
        3
    """
    from rnnzoo.training import devices as device_choice

    chosen = device_choice.strategy(devices, precision=recipe.precision)
    say = print if chosen.is_chief else lambda text: None
    say(chosen.description)
    import keras
    import tensorflow as tf

    import rnnzoo
    from rnnzoo.data.pipeline import batches, evaluation_batches, padding_line
    from rnnzoo.training import checkpoints, reports

    run = pathlib.Path(run)
    settings = _checked_settings(recipe, run, chosen)
    keras.utils.set_random_seed(recipe.seed)
    with chosen.scope():
        model = recipe.model()
        model.compile_with_defaults(recipe.optimizer(model))
        model.optimizer.build(model.trainable_variables)
        recipe.prepare(model, chosen)
    examples = recipe.examples()
    validation_inputs, validation_targets = recipe.validation_examples()
    # Nothing is written before all that can be wrong with the data has been said.
    if chosen.is_chief:
        _write_settings(settings, run)
        _check_space(model, run)
    length = recipe.static_length(model) if chosen.needs_static_shapes else None
    validation = evaluation_batches(
        validation_inputs,
        validation_targets,
        model.encode,
        batch_size=max(recipe.batch_size, 256),
        length=length,
    )

    # Keras makes a model's metrics at their first use; resuming needs them before.
    model.evaluate(validation.take(1), verbose=0)
    checkpoint = checkpoints.Checkpoint(model, run, recipe, chosen)
    done = checkpoint.restore()
    if done.epoch >= recipe.epochs:
        say(
            f"This run is complete ({done.epoch} epochs). More --epochs continue it; "
            "another --run begins a new one."
        )
        return rnnzoo.load(run / "best.keras")
    padding = padding_line(examples, model.encode, recipe.batch_size, recipe.seed)
    if padding:
        say(padding)
    if done.step or done.epoch:
        say(f"Resuming {run} at epoch {done.epoch + 1}, step {done.step + 1}")
    progress = reports.Progress(recipe, done)
    watchers = [checkpoint]
    if chosen.is_chief:
        samples = (validation_inputs[:5], validation_targets[:5])
        watchers = [
            progress,
            # A history ahead of the checkpoint is cut; one behind would have a gap.
            reports.RunFolder(run, recipe, checkpoint),
            # Before the checkpoint, as Keras' recurrent layers draw dropout masks even
            # to answer, and the checkpoint keeps where the random numbers are.
            reports.Samples(run, checkpoint, *samples),
            checkpoint,
            keras.callbacks.TensorBoard(run / "logs", write_graph=False),
        ]
    # An epoch that was interrupted is finished first, as one of fewer steps.
    stops = [done.epoch + 1, recipe.epochs] if done.step else [recipe.epochs]
    epoch, step = done.epoch, done.step
    try:
        with checkpoint.catching_signals():
            for stop in stops:
                data = batches(
                    examples,
                    model.encode,
                    batch_size=recipe.batch_size,
                    seed=recipe.seed,
                    first=epoch * recipe.steps + step,
                    length=length,
                )
                model.fit(
                    data,
                    initial_epoch=epoch,
                    epochs=stop,
                    steps_per_epoch=recipe.steps - step,
                    validation_data=validation,
                    callbacks=watchers,
                    verbose=0,
                    shuffle=False,
                )
                epoch, step = stop, 0
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        if not chosen.has_several_machines:
            raise
        raise ConnectionError(
            f"Another machine was lost ({str(error).splitlines()[0]}). Start the same "
            f"command on all of them again: it goes on from the last checkpoint in "
            f"{run}. Received: {chosen.description}"
        ) from error
    finally:
        progress.stop()
    if chosen.has_several_machines:
        chosen.sum_over_machines(0.0)  # the chief has written
    return rnnzoo.load(run / "best.keras")


def _checked_settings(recipe: Recipe, run: pathlib.Path, devices: Any) -> dict:
    """Returns a run's settings; refuses others than those of the run that is there."""
    import keras
    import tensorflow as tf

    import rnnzoo

    path = run / "settings.json"
    settings = {
        "recipe": type(recipe).__module__.rsplit(".", 1)[-1],
        "options": recipe.options(),
        "devices": devices.description.removeprefix("Devices: "),
        "versions": {
            "rnnzoo": rnnzoo.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "python": platform.python_version(),
        },
    }
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        old = {"recipe": before["recipe"], **before["options"]}
        new = {"recipe": settings["recipe"], **settings["options"]}
        differences = [
            f"{key} was {old.get(key)!r} and is now {new.get(key)!r}"
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
            and not (key == "epochs" and new[key] > old[key])
            and key != "checkpoint_every"
        ]
        if differences:
            raise ValueError(
                f"The run folder {str(run)!r} holds a training with other options. "
                "Repeat them to resume it, or choose another run folder. Received: "
                f"{'; '.join(differences)}"
            )
    return settings


def _write_settings(settings: dict, run: pathlib.Path) -> None:
    """Makes the run folder, with the settings in it."""
    path = run / "settings.json"
    try:
        run.mkdir(parents=True, exist_ok=True)
        draft = run / "settings.draft"
        draft.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)  # other machines may be reading it
    except OSError as error:
        raise OSError(
            f"The run folder cannot be written ({error.strerror}). Choose another with "
            f"--run. Received: run={str(run)!r}"
        ) from error


def _check_space(model: Any, run: pathlib.Path) -> None:
    """Refuses a disk that is too full for the files of a run."""
    # Three checkpoints of weights, Adam's two moments and an average; best and logs.
    needed = 3 * 4 * 4 * model.count_params() / 1e6 + 20
    free = shutil.disk_usage(run).free / 1e6
    if free < needed:
        raise OSError(
            f"This training needs about {needed:.0f} MB for its checkpoints. Make room "
            f"or choose another disk with --run. Received: run={str(run)!r}, which has "
            f"{free:.1f} MB left"
        )
