"""Training: a recipe, its options, and the run folder that remembers it."""

import csv
import dataclasses
import functools
import json
import pathlib
import platform
import shutil
import typing
from typing import Any

from rnnzoo.errors import closest


def option(default: Any, help: str) -> Any:
    """Declares an option of a recipe: its default and what it means."""
    return dataclasses.field(default=default, metadata={"help": help})


@dataclasses.dataclass(kw_only=True)
class Recipe:
    """A preset training: one model on one data set, with every number that matters.

    Use it by writing a subclass in a file of `recipes/`: options are fields, and the
    methods say which model, which examples and which optimizer. `train` does the rest
    with `keras.Model.fit`. A recipe is imported without TensorFlow, so that
    `rnnzoo train NAME --help` answers at once: import what needs it inside methods.

    Example:
        >>> import dataclasses
        >>> from rnnzoo.training import Recipe, option
        >>> @dataclasses.dataclass(kw_only=True)
        ... class SortDigits(Recipe):
        ...     '''Sorts lists of up to four digits.'''
        ...     units: int = option(32, "size of both networks' states")
        ...     def model(self):
        ...         from rnnzoo import sorter
        ...         return sorter(weights=None, max_value=9, max_length=4,
        ...                       units=self.units)
        ...     def examples(self):
        ...         from rnnzoo.data.synthetic import Sorting
        ...         return Sorting(max_value=9, max_length=4)
        >>> SortDigits(units=16).options()["epochs"]
        10
    """

    # What a model card says of the data, the licence of weights trained on it, and
    # published figures to stand beside ours: metric -> (figure, source).
    trained_on: typing.ClassVar[str] = ""
    licence: typing.ClassVar[str] = ""
    published: typing.ClassVar[dict[str, tuple[float, str]]] = {}

    epochs: int = option(10, "rounds of steps, validation and checkpoint")
    steps_per_epoch: int = option(
        500, "batches per epoch; 0 for one pass over examples that are finite"
    )
    batch_size: int = option(64, "examples per batch, over all devices")
    learning_rate: float = option(1e-3, "highest learning rate, after warm-up")
    warmup_steps: int = option(200, "steps over which the learning rate rises from 0")
    clip_norm: float = option(1.0, "largest global norm of the gradients")
    averaging: float = option(
        0.0, "validate and keep a moving average of the weights with this momentum"
    )
    seed: int = option(0, "seed of weights, examples and dropout")
    precision: str = option(
        "auto", "auto, float32, mixed_bfloat16 or mixed_float16 (see rnnzoo.devices)"
    )
    checkpoint_steps: int = option(200, "steps between two checkpoints")

    def model(self) -> Any:
        """Returns the untrained model."""
        raise NotImplementedError(
            f"{type(self).__name__} must say which model it trains"
        )

    def examples(self) -> Any:
        """Returns the training examples: a `rnnzoo.data.pipeline.Examples`."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains on")

    def validation_examples(self) -> tuple:
        """Returns raw inputs and targets to validate on after every epoch.

        Default: 1,000 of `examples()`, drawn with a seed that training never uses.
        """
        return self.examples().batch(1000, self.seed + 2**32, 0)

    def golden_inputs(self) -> list:
        """Returns raw inputs whose answers the record of published weights keeps.

        Default: five of the validation examples. Data that may not be passed on need
        others.
        """
        return self.validation_examples()[0][:5]

    def static_length(self, model: Any) -> int:
        """Returns the steps that batches are padded to where shapes must be static.

        Default: the model's `max_length`. A model that reads sequences of any length
        has none; then no training or validation example may be longer than this.
        """
        return model.max_length

    def optimizer(self, model: Any) -> Any:
        """Returns the optimizer for a model that was just built.

        Default: Adam, clipped, with linear warm-up and cosine decay to 1 % of the
        highest learning rate over all steps of the training.
        """
        import keras

        return keras.optimizers.Adam(**self.optimizer_options())

    def optimizer_options(self) -> dict:
        """Returns the schedule, clipping and averaging, as Keras' optimizers take them.

        `optimizer` is the place for another optimizer; these are for all of them.
        """
        import keras

        total = self.epochs * self.steps
        warmup = min(self.warmup_steps, total // 2)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0,
            decay_steps=max(total - warmup, 1),
            warmup_target=self.learning_rate,
            warmup_steps=warmup,
            alpha=0.01,
        )
        return {
            "learning_rate": schedule,
            "global_clipnorm": self.clip_norm,
            "use_ema": self.averaging > 0,
            "ema_momentum": self.averaging,
        }

    def prepare(self, model: Any, devices: Any) -> None:
        """Makes a compiled model ready for training, on the devices that it has.

        Default: nothing needs to be done.

        Args:
            model: The compiled model.
            devices: What `rnnzoo.devices.strategy` returned.
        """

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns the figures of a trained model that `rnnzoo evaluate` prints.

        Args:
            model: The trained model.
            progress: Wraps an iterable to show progress, as `tqdm` would.
        """
        inputs, targets = self.validation_examples()
        return model.evaluate(inputs, targets, verbose=0, return_dict=True)

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: `steps_per_epoch`, or those of one pass over the data."""
        if self.steps_per_epoch:
            return self.steps_per_epoch
        return self.examples().batches_per_epoch(self.batch_size)

    def options(self) -> dict:
        """Returns every option and its value."""
        return dataclasses.asdict(self)

    def __post_init__(self):
        """Checks each option's type; whole numbers do for real ones."""
        types = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value, kind = getattr(self, field.name), types[field.name]
            if kind is float and isinstance(value, int) and not isinstance(value, bool):
                setattr(self, field.name, float(value))
            elif not isinstance(value, kind) or (kind is int and value is True):
                raise TypeError(
                    f"The option {field.name} must be of type {kind.__name__}. "
                    f"Received: {field.name}={value!r}"
                )
        endless = type(self).steps_per_epoch != 0
        minimums = {"epochs": 1, "batch_size": 1, "checkpoint_steps": 1}
        for name, minimum in {**minimums, "steps_per_epoch": int(endless)}.items():
            if getattr(self, name) < minimum:
                raise ValueError(
                    f"The option {name} must be at least {minimum}. "
                    f"Received: {name}={getattr(self, name)}"
                )


def recipe_class(name: str) -> type[Recipe]:
    """Returns the class of a preset recipe.

    Args:
        name: A name of `rnnzoo.list_recipes()`.

    Raises:
        ValueError: If there is no such recipe; names the closest.
    """
    import importlib

    from rnnzoo.listing import list_recipes

    if name not in list_recipes():
        raise ValueError(
            f"There is no such recipe: there are {', '.join(list_recipes())}."
            f"{closest(name, list_recipes())} Received: recipe={name!r}"
        )
    module = importlib.import_module(f"rnnzoo.recipes.{name}")
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__:
            if issubclass(value, Recipe):
                return value
    raise ValueError(f"The module {module.__name__} defines no Recipe")


class Interrupted(KeyboardInterrupt):
    """Training was interrupted and is saved; the message says how to go on.

    Attributes:
        signal: Number of the signal that interrupted it.
    """

    def __init__(self, message: str, signal: int):
        """Sets up; the class says what the arguments mean."""
        super().__init__(message)
        self.signal = signal


def train(recipe: Recipe, run: str | pathlib.Path, devices: str = "auto") -> Any:
    """Trains a recipe's model in a run folder; the same folder goes on where it was.

    The folder holds `settings.json` (options and versions), `history.csv`,
    `learning_curve.png`, `samples.txt` (answers after every epoch), `logs/`
    (TensorBoard), `best.keras` (the weights with the lowest validation loss, ready for
    `rnnzoo.load`) and `last.keras` (what resuming needs, optimizer included). Both are
    replaced as a whole, never half written.

    Ctrl-C and SIGTERM finish the step, save and raise `Interrupted`. A training that is
    resumed takes the same steps on the same batches as one that was never interrupted.
    Of several machines (see `rnnzoo.devices.strategy`) the first writes the run folder,
    and all read it: it must be on a file system that they share.

    Args:
        recipe: The recipe, with its options.
        run: The run folder; made if it does not exist.
        devices: What `rnnzoo.devices.strategy` takes.

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
    from rnnzoo import devices as device_choice

    chosen = device_choice.strategy(devices, precision=recipe.precision)
    say = print if chosen.is_chief else lambda text: None
    say(chosen.description)
    import keras
    import tensorflow as tf

    import rnnzoo
    from rnnzoo import callbacks
    from rnnzoo.data.pipeline import batches, evaluation_batches, padding_line

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
    checkpoint = callbacks.Checkpoint(model, run, recipe, chosen)
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
    progress = callbacks.Progress(recipe, done)
    watchers = [checkpoint]
    if chosen.is_chief:
        samples = (validation_inputs[:5], validation_targets[:5])
        watchers = [
            progress,
            # A history ahead of the checkpoint is cut; one behind would have a gap.
            callbacks.RunFolder(run, recipe, checkpoint),
            # Before the checkpoint, as Keras' recurrent layers draw dropout masks even
            # to answer, and the checkpoint keeps where the random numbers are.
            callbacks.Samples(run, checkpoint, *samples),
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
            and key != "checkpoint_steps"
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


def read_history(run: pathlib.Path) -> list[dict[str, float]]:
    """Reads `history.csv` of a run folder, one row per epoch."""
    path = pathlib.Path(run) / "history.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
