"""Training a recipe in a run folder that can be resumed."""

import contextlib
import pathlib
import platform
import shutil
from collections.abc import Callable, Iterator
from typing import Any

from rnnzoo.errors import shorten
from rnnzoo.training.history import (
    describe_units,
    read_history,
    read_settings,
    write_history,
    write_settings,
)
from rnnzoo.training.locks import lock_run
from rnnzoo.training.recipe import RENAMED_RECIPES, Recipe
from rnnzoo.writing import name_failures


def train(
    recipe: Recipe,
    run: str | pathlib.Path,
    devices: str = "auto",
    *,
    new_data: bool = False,
) -> Any:
    """Trains a recipe's model in a run folder; the same folder resumes the training.

    The folder holds `settings.json` (options and versions), `history.csv`,
    `learning_curve.png`, `samples.txt` (answers after every epoch), `logs/`
    (TensorBoard), `best.keras` (the weights with the lowest validation loss, for
    `rnnzoo.load`) and `last.keras` (all that resuming needs). A resumed training takes
    the same steps on the same batches as one that was never interrupted.

    Returns the model with the best weights. Raises `Interrupted` after Ctrl-C or
    SIGTERM, once the step is saved; `ValueError` if the folder holds a run with other
    options, except for more `epochs`, or with other data, or is in use; and `OSError`
    if it cannot be written. Whatever is refused, the folder stays as it was.

    Args:
        recipe: The recipe, with its options.
        run: The run folder; created if it does not exist. Several machines share it.
        devices: As `rnnzoo.training.devices.choose_devices` takes it.
        new_data: Whether a run may be resumed with other data than it began with. They
            must have the same classes and vocabulary.

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
    from rnnzoo.tokens.graphs import check_backend
    from rnnzoo.training.devices import choose_devices

    check_backend("Training a recipe")
    if not str(run):
        raise ValueError("run must name the run folder. Received: run=''")
    # Before TensorFlow is used.
    chosen = choose_devices(devices, precision=recipe.precision)
    if not chosen.is_chief:
        return _train(recipe, pathlib.Path(run), chosen, new_data, lambda text: None)
    print(chosen.description)
    with lock_run(pathlib.Path(run)):
        return _train(recipe, pathlib.Path(run), chosen, new_data, print)


def _train(
    recipe: Recipe, run: pathlib.Path, devices: Any, new_data: bool, say: Callable
) -> Any:
    import rnnzoo
    from rnnzoo.data.pipeline import evaluation_batches, padding_line
    from rnnzoo.training.checkpoints import Checkpoint, find_checkpoint

    settings = _make_settings(recipe, devices)
    saved = find_checkpoint(run)
    before = _find_settings(run, saved)
    _check_options(recipe, settings, before, run)
    model = _build_model(recipe, devices)
    settings["units"] = describe_units(model)
    examples = recipe.examples()
    inputs, targets = recipe.validation_examples()
    settings["data"] = recipe.fingerprint()
    _check_data(settings, before, run, new_data, say)
    length = recipe.static_length(model) if devices.needs_static_shapes else None
    size = max(recipe.batch_size, 256)
    validation = evaluation_batches(
        inputs, targets, model.encode, batch_size=size, length=length
    )
    # Keras creates metrics at their first use; resuming needs them before.
    model.evaluate(validation.take(1), verbose=0)
    checkpoint = Checkpoint(model, run, recipe, devices, settings)
    if saved:
        checkpoint.restore(saved)
    progress = checkpoint.progress
    is_complete = progress.epoch >= recipe.epochs or checkpoint.has_stalled()
    if not is_complete:
        with _keep_randomness(model):
            recipe.introduce(model, say)
        padding = padding_line(examples, model.encode, recipe.batch_size, recipe.seed)
        if padding:
            say(padding)
    # Nothing is written before everything that can be wrong is reported.
    if devices.is_chief:
        _check_disk_space(model, run)
        write_settings(run, settings)
        # A file that is missing or damaged is written again.
        if progress.epoch:
            progress.history = progress.history or _read_older_history(run, progress)
        if progress.history:
            write_history(run, progress.history)
    if is_complete:
        more = "--patience" if checkpoint.has_stalled() else "--epochs"
        say(
            f"This run is complete ({progress.epoch} epochs). Continue it with more "
            f"{more}, or start a new one with another --run."
        )
    else:
        if not saved:
            checkpoint.begin(validation)
        epoch, step = progress.epoch + 1, progress.step + 1
        if (epoch, step) != (1, 1):
            say(f"Resuming {run} at epoch {epoch}, step {step}")
        _fit(checkpoint, examples, validation, length, (inputs[:5], targets[:5]))
    if progress.best >= progress.untrained and not recipe.keeps_untrained:
        say(
            f"The training has not helped: its lowest validation loss, "
            f"{progress.best:.4g}, is not below that of the untrained model, "
            f"{progress.untrained:.4g}. Try a lower learning_rate, more epochs, or see "
            "whether the targets belong to the inputs."
        )
    best = rnnzoo.load(run / "best.keras")
    if not is_complete and devices.is_chief and recipe.finish(best):
        best.save(run / "best.keras")
    recipe.conclude(best, run, progress, say)
    return best


@contextlib.contextmanager
def _keep_randomness(model: Any) -> Iterator[None]:
    """Leaves random generators of a model as they are, whatever it answers.

    Keras' recurrent layers draw dropout masks even to answer.
    """
    from keras import ops

    variables = model.unsaved_variables()
    before = [ops.convert_to_numpy(variable) for variable in variables]
    yield
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)


def _build_model(recipe: Recipe, devices: Any) -> Any:
    import keras

    keras.utils.set_random_seed(recipe.seed)
    with devices.scope():
        model = recipe.model()
        model.compile_with_defaults(recipe.optimizer(model))
        model.optimizer.build(model.trainable_variables)
        recipe.prepare(model, devices)
    return model


def _fit(
    checkpoint: Any, examples: Any, validation: Any, length: int | None, samples: tuple
) -> None:
    import keras
    import tensorflow as tf

    from rnnzoo.data.pipeline import batches
    from rnnzoo.training import reports

    model, recipe, run = checkpoint.model, checkpoint.recipe, checkpoint.run
    devices = checkpoint.devices
    epoch, step = checkpoint.progress.epoch, checkpoint.progress.step
    progress, callbacks = reports.Progress(checkpoint), [checkpoint]
    if devices.is_chief:
        callbacks = [
            progress,
            reports.RunFolder(checkpoint),
            # Before the checkpoint, which saves random states: Keras' recurrent layers
            # draw dropout masks even to answer.
            reports.Samples(checkpoint, *samples),
            checkpoint,
            keras.callbacks.TensorBoard(run / "logs", write_graph=False),
        ]
    callbacks = [*recipe.callbacks(model, validation), *callbacks]
    # An interrupted epoch is finished first, as an epoch of fewer steps.
    stops = [epoch + 1, recipe.epochs] if step else [recipe.epochs]
    try:
        with name_failures(run), checkpoint.catch_signals():
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
                    callbacks=callbacks,
                    class_weight=recipe.class_weights(),
                    verbose=0,
                    shuffle=False,
                )
                epoch, step = stop, 0
                if checkpoint.has_stalled():
                    break
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        if not devices.has_several_machines:
            raise
        raise ConnectionError(
            f"Another machine was lost ({str(error).splitlines()[0]}). Start the same "
            "command on all of them again to resume from the last checkpoint in "
            f"{run}. Received: {devices.description}"
        ) from error
    finally:
        progress.stop()
    if devices.has_several_machines:
        devices.sum_over_machines(0.0)  # waits until the chief has written


def _make_settings(recipe: Recipe, devices: Any) -> dict:
    import keras
    import tensorflow as tf

    import rnnzoo

    return {
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


def _find_settings(run: pathlib.Path, saved: Any) -> dict | None:
    """Returns a run's settings: those that its checkpoint has are never damaged."""
    if saved and saved.settings:
        return saved.settings
    with contextlib.suppress(FileNotFoundError):
        return read_settings(run)
    return None


def _check_options(
    recipe: Recipe, settings: dict, before: dict | None, run: pathlib.Path
) -> None:
    """Refuses a run folder that holds a training with other options."""
    if not before:
        return
    options = before["options"]
    name = RENAMED_RECIPES.get(before["recipe"], before["recipe"])
    if name == settings["recipe"]:
        # An earlier version had other names, and not every option of today.
        options = type(recipe).from_options(options).options()
    old = {"recipe": name, **options}
    new = {"recipe": settings["recipe"], **settings["options"]}
    differences = [
        f"{key} was {shorten(old.get(key))} and is now {shorten(new.get(key))}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
        and not (key == "epochs" and new[key] > old[key])
        and key not in ("checkpoint_every", "patience")
    ]
    if differences:
        raise ValueError(
            f"The run folder {str(run)!r} holds a training with other options. "
            "Repeat them to resume it, or choose another run folder. Received: "
            f"{shorten('; '.join(differences), str, 1500)}"
        )


def _check_data(
    settings: dict,
    before: dict | None,
    run: pathlib.Path,
    new_data: bool,
    say: Callable,
) -> None:
    """Refuses a run folder that holds a training on other data."""
    if not before:
        return
    if "data" not in before:
        say(
            "This run is of an earlier version, which has not recorded its data: "
            "whether they are the same is not checked."
        )
        return
    from rnnzoo.data.fingerprints import list_changes

    changes = list_changes(before["data"], settings["data"])
    if changes and not new_data:
        raise ValueError(
            f"The run folder {str(run)!r} holds a training on other data. Train on "
            "these in another folder (--run=NEW), or continue that run with them "
            "(--new-data, in Python new_data=True) if they have the same classes and "
            "vocabulary. Nothing in the folder was changed. Received: "
            f"{shorten('; '.join(changes), str, 1200)}"
        )


def _read_older_history(run: pathlib.Path, progress: Any) -> list[dict]:
    """Returns the history of a run of an earlier version: its checkpoint lacks it."""
    return [row for row in read_history(run) if row["epoch"] <= progress.epoch]


def _check_disk_space(model: Any, run: pathlib.Path) -> None:
    # Three checkpoints of weights, Adam's two moments and an average; best and logs.
    needed = 3 * 4 * 4 * model.count_params() / 1e6 + 20
    free = shutil.disk_usage(run).free / 1e6
    if free < needed:
        raise OSError(
            f"This training needs about {needed:.0f} MB for its checkpoints. Make room "
            f"or choose another disk with --run. Received: run={str(run)!r}, which has "
            f"{free:.1f} MB left"
        )
