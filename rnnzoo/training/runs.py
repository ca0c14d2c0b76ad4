"""Training a recipe in a run folder that can be resumed."""

import json
import pathlib
import platform
import shutil
from typing import Any

from rnnzoo.training.recipe import RENAMED_RECIPES, Recipe


def train(recipe: Recipe, run: str | pathlib.Path, devices: str = "auto") -> Any:
    """Trains a recipe's model in a run folder; the same folder resumes the training.

    The folder holds `settings.json` (options and versions), `history.csv`,
    `learning_curve.png`, `samples.txt` (answers after every epoch), `logs/`
    (TensorBoard), `best.keras` (the weights with the lowest validation loss, for
    `rnnzoo.load`) and `last.keras` (all that resuming needs). A resumed training takes
    the same steps on the same batches as one that was never interrupted.

    Returns the model with the best weights. Raises `Interrupted` after Ctrl-C or
    SIGTERM, once the step is saved, and `ValueError` if the folder holds a run with
    other options, except for more `epochs`.

    Args:
        recipe: The recipe, with its options.
        run: The run folder; created if it does not exist. Several machines share it.
        devices: As `rnnzoo.training.devices.choose_devices` takes it.

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
    from rnnzoo.training.devices import choose_devices

    # Before TensorFlow is used.
    chosen = choose_devices(devices, precision=recipe.precision)
    say = print if chosen.is_chief else lambda text: None
    say(chosen.description)
    import rnnzoo
    from rnnzoo.data.pipeline import evaluation_batches, padding_line
    from rnnzoo.training.checkpoints import Checkpoint

    run = pathlib.Path(run)
    settings = _make_settings(recipe, chosen)
    _check_settings(recipe, settings, run)
    model = _build_model(recipe, chosen)
    examples = recipe.examples()
    inputs, targets = recipe.validation_examples()
    # Nothing is written before everything that can be wrong with the data is reported.
    if chosen.is_chief:
        _write_settings(settings, run)
        _check_disk_space(model, run)
    length = recipe.static_length(model) if chosen.needs_static_shapes else None
    size = max(recipe.batch_size, 256)
    validation = evaluation_batches(
        inputs, targets, model.encode, batch_size=size, length=length
    )
    # Keras creates metrics at their first use; resuming needs them before.
    model.evaluate(validation.take(1), verbose=0)
    checkpoint = Checkpoint(model, run, recipe, chosen)
    progress = checkpoint.restore()
    if progress.epoch >= recipe.epochs:
        say(
            f"This run is complete ({progress.epoch} epochs). Continue it with more "
            "--epochs, or start a new one with another --run."
        )
        return rnnzoo.load(run / "best.keras")
    padding = padding_line(examples, model.encode, recipe.batch_size, recipe.seed)
    if padding:
        say(padding)
    if progress.step or progress.epoch:
        say(f"Resuming {run} at epoch {progress.epoch + 1}, step {progress.step + 1}")
    _fit(checkpoint, examples, validation, length, (inputs[:5], targets[:5]))
    return rnnzoo.load(run / "best.keras")


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
            # A history ahead of the checkpoint is cut; one behind would have a gap.
            reports.RunFolder(checkpoint),
            # Before the checkpoint, which saves random states: Keras' recurrent layers
            # draw dropout masks even to answer.
            reports.Samples(checkpoint, *samples),
            checkpoint,
            keras.callbacks.TensorBoard(run / "logs", write_graph=False),
        ]
    # An interrupted epoch is finished first, as an epoch of fewer steps.
    stops = [epoch + 1, recipe.epochs] if step else [recipe.epochs]
    try:
        with checkpoint.catch_signals():
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
                    verbose=0,
                    shuffle=False,
                )
                epoch, step = stop, 0
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


def _check_settings(recipe: Recipe, settings: dict, run: pathlib.Path) -> None:
    """Refuses a run folder that holds a training with other options."""
    path = run / "settings.json"
    if not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    options = before["options"]
    before["recipe"] = RENAMED_RECIPES.get(before["recipe"], before["recipe"])
    if before["recipe"] == settings["recipe"]:
        # An earlier version had other names, and not every option of today.
        options = type(recipe).from_options(options).options()
    old = {"recipe": before["recipe"], **options}
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


def _write_settings(settings: dict, run: pathlib.Path) -> None:
    try:
        run.mkdir(parents=True, exist_ok=True)
        draft = run / "settings.draft"
        draft.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        draft.replace(run / "settings.json")  # other machines may be reading it
    except OSError as error:
        raise OSError(
            f"The run folder cannot be written ({error.strerror}). Choose another with "
            f"--run. Received: run={str(run)!r}"
        ) from error


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
