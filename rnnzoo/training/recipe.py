"""A recipe: a model, its data, and every number of its training."""

import dataclasses
import functools
import importlib
import math
import pathlib
import typing
from collections.abc import Callable
from typing import Any

from rnnzoo import listing
from rnnzoo.errors import check_choice, check_number, closest, shorten

# Recipes of earlier versions, and their names of today.
RENAMED_RECIPES = {"own_sentiment": "own_texts"}


# Ranges of numbers that are settings of models, by name. Their layers check them too,
# but only once the data are read.
SIZE: dict[str, Any] = {"minimum": 1}
SHARE: dict[str, Any] = {"minimum": 0, "below": 1}
MODEL_RANGES: dict[str, dict[str, Any]] = {
    "activation_penalty": {"minimum": 0},
    "character_dim": SIZE,
    "character_units": {"minimum": 2},
    "context": {"minimum": 1, "maximum": 100_000},
    "delay": {"minimum": 0, "maximum": 1000},
    "dropout": SHARE,
    "embedding_dim": SIZE,
    "embedding_dropout": SHARE,
    "horizon": {"minimum": 1, "maximum": 100_000},
    "label_smoothing": SHARE,
    "max_length": SIZE,
    "max_value": SIZE,
    "ngram_rows": {"minimum": 2},
    "ngrams": {"minimum": 0},
    "num_layers": SIZE,
    "season": SIZE,
    "segment": SIZE,
    "state_noise": {"minimum": 0},
    "temperature": {"above": 0},
    "temporal_penalty": {"minimum": 0},
    "token_dropout": SHARE,
    "unit": {"above": 0},
    "units": SIZE,
    "weight_dropout": SHARE,
    "word_length": {"minimum": 2},
}


def option(default: Any, help: str = "", **limits: float) -> Any:
    """Declares an option of a recipe: default, help, and for a number its range.

    An option that a recipe declares again keeps what it does not state.

    Args:
        default: The value if none is given; its type is the annotation's.
        help: What the command line says of it.
        **limits: `minimum`, `above`, `below` and `maximum`, as `check_number` takes
            them. Without any of them, a number must be finite.
    """
    return dataclasses.field(default=default, metadata={"help": help, "limits": limits})


@dataclasses.dataclass(kw_only=True)
class Recipe:
    """A preset training: one model on one data set, with every number that matters.

    Subclass it in a file of `recipes/` that ends with `RECIPE = CLASS`. The class names
    its model (`model="sorter"`) and inherits the model's settings as options. Declare
    only options whose defaults differ and options of your own; the methods provide the
    data. Options such as `units` go from the command line to the model. Import
    TensorFlow inside the methods, so that `rnnzoo train NAME --help` is instant.

    Example:
        >>> import dataclasses
        >>> from rnnzoo.training import Recipe, option
        >>> @dataclasses.dataclass(kw_only=True)
        ... class SortDigits(Recipe, model="sorter"):
        ...     '''Sorts lists of up to four digits.'''
        ...     max_value: int = option(9)
        ...     max_length: int = option(4)
        ...     def examples(self):
        ...         from rnnzoo.data.synthetic import Sorting
        ...         return Sorting(self.max_value, self.max_length)
        >>> recipe = SortDigits(units=16)
        >>> recipe.options()["epochs"], recipe.options()["cell"]
        (10, 'gru')
        >>> recipe.model().arguments["units"]
        16
    """

    # The factory of the model that is trained, and the names of its settings.
    model_name: typing.ClassVar[str] = ""
    model_options: typing.ClassVar[tuple[str, ...]] = ()
    # Names of options in model cards and run folders of earlier versions. They apply
    # where the recipe has no option of the old name.
    RENAMED_OPTIONS: typing.ClassVar[dict[str, str]] = {
        "averaging": "ema_momentum",
        "checkpoint_steps": "checkpoint_every",
        "curriculum": "curriculum_steps",
        "growing_steps": "curriculum_steps",
        "held_out": "num_validation",
        "carried": "stateful",
        "piece": "bptt_steps",
    }
    # For the model card: the data, the licence of weights trained on them, and
    # published figures to compare with: metric -> (figure, source).
    trained_on: typing.ClassVar[str] = ""
    licence: typing.ClassVar[str] = ""
    published: typing.ClassVar[dict[str, tuple[float, str]]] = {}

    epochs: int = option(10, "number of epochs; each ends with validation", minimum=1)
    steps_per_epoch: int = option(
        500, "batches per epoch; 0 for one pass over a finite data set", minimum=0
    )
    batch_size: int = option(64, "examples per batch, over all devices", minimum=1)
    learning_rate: float = option(1e-3, "peak learning rate, after warm-up", above=0)
    warmup_steps: int = option(
        200, "steps over which the learning rate rises from 0", minimum=0
    )
    clip_norm: float = option(1.0, "largest global norm of the gradients", above=0)
    ema_momentum: float = option(
        0.0,
        "momentum of an exponential moving average of the weights, which is validated "
        "and kept; 0 disables it",
        **SHARE,
    )
    seed: int = option(
        0, "random seed of weights, examples and dropout", minimum=0, below=2**32
    )
    precision: str = option(
        "auto",
        "auto, float32, mixed_bfloat16 or mixed_float16 (see rnnzoo.training.devices)",
    )
    checkpoint_every: int = option(200, "steps between two checkpoints", minimum=1)
    patience: int = option(
        0,
        "training ends after as many epochs without a lower validation loss; 0: never",
        minimum=0,
    )

    # Whether the untrained model is kept as the best until an epoch is better; which
    # metric is highest at the best epoch, instead of the lowest validation loss; and
    # whether sample answers are printed after every epoch: a file has them too.
    keeps_untrained: typing.ClassVar[bool] = False
    judge: typing.ClassVar[str] = ""
    shows_samples: typing.ClassVar[bool] = True

    if typing.TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Returns an option of the model."""

    def __init_subclass__(cls, model: str = "", **options: Any):
        """Adds the options of the model, and help to options that state none."""
        super().__init_subclass__(**options)
        own = vars(cls).get("__annotations__", {})
        inherited = dict(getattr(cls, "__dataclass_fields__", {}))
        if model:
            cls.model_name = model
            found = listing.model_options(model)
            cls.model_options = tuple(one.name for one in found)
            for one in found:
                limits = MODEL_RANGES.get(one.name, {})
                inherited[one.name] = option(one.default, one.help, **limits)
                if one.name not in own:
                    cls.__annotations__[one.name] = one.type
                    setattr(cls, one.name, inherited[one.name])
        for name in own:
            declared = vars(cls).get(name)
            if isinstance(declared, dataclasses.Field) and name in inherited:
                before = inherited[name].metadata
                help = declared.metadata["help"] or before["help"]
                limits = declared.metadata["limits"] or before["limits"]
                setattr(cls, name, option(declared.default, help, **limits))

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Any:
        """Creates a recipe from a card's options; `ValueError` if one is unknown."""
        known = [field.name for field in dataclasses.fields(cls)]
        renamed = {}
        for name, value in options.items():
            new = name if name in known else cls.RENAMED_OPTIONS.get(name, name)
            if new not in known:
                raise ValueError(
                    f"{cls.__name__} has no option {name!r}: another version has "
                    f"written it.{closest(name, known)} Received: {name}={value!r}"
                )
            renamed[new] = value
        return cls(**renamed)

    def model(self) -> Any:
        """Returns the untrained model."""
        return self.build()

    def build(self, **settings: Any) -> Any:
        """Builds the untrained model, with `settings` from the data (a vocabulary)."""
        import rnnzoo

        if not self.model_name:
            raise NotImplementedError(
                f"{type(self).__name__} must say which model it trains: "
                f'class {type(self).__name__}(Recipe, model="sorter")'
            )
        options = {name: getattr(self, name) for name in self.model_options}
        model_class = getattr(rnnzoo, self.model_name).model_class
        return model_class(**{**options, **settings})

    def changed_settings(self) -> dict[str, Any]:
        """Returns the model's settings that differ from the recipe's defaults."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name in self.model_options
            and getattr(self, field.name) != field.default
        }

    def examples(self) -> Any:
        """Returns the training examples: a `rnnzoo.data.pipeline.Examples`."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains on")

    def validation_examples(self) -> tuple:
        """Returns raw inputs and targets to validate on after every epoch.

        Default: 1,000 of `examples()`, drawn with a seed that training never uses.
        """
        return self.examples().batch(1000, self.seed + 2**32, 0)

    def data_files(self) -> list[Any]:
        """Returns paths of the files and folders that training reads. Default: none.

        A run resumes only if they have not changed. Without any, the examples
        themselves are compared: generated ones need no file.
        """
        return []

    def fingerprint(self) -> list[dict[str, Any]]:
        """Returns what identifies the data that this recipe trains on."""
        from rnnzoo.data import fingerprints

        if paths := self.data_files():
            return [fingerprints.fingerprint_path(path) for path in paths]
        found = fingerprints.fingerprint_examples(self.examples())
        if "generator" in found:
            return [found]
        validation = self.validation_examples()
        part = {"validation": len(validation[0])}
        return [found, part | {"hash": fingerprints.digest(*validation)}]

    def golden_inputs(self) -> list:
        """Returns raw inputs whose answers the record of published weights keeps.

        Default: five validation examples, unless they may not be redistributed.
        """
        return self.validation_examples()[0][:5]

    def static_length(self, model: Any) -> int:
        """Returns the length that batches are padded to where shapes must be static.

        Default: the model's `max_length`. No example may be longer.
        """
        return model.max_length

    def optimizer(self, model: Any) -> Any:
        """Returns the optimizer for a model that was just built. Default: Adam."""
        import keras

        return keras.optimizers.Adam(**self.optimizer_options())

    def optimizer_options(self) -> dict:
        """Returns schedule (warm-up, then cosine), clipping and averaging for Keras."""
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
            "use_ema": self.ema_momentum > 0,
            "ema_momentum": self.ema_momentum,
        }

    def prepare(self, model: Any, devices: Any) -> None:
        """Prepares a compiled model for training. Default: does nothing."""

    def class_weights(self) -> dict[str, float] | None:
        """Returns the weight of each class in the loss, by name. Default: the same."""
        return None

    def callbacks(self, model: Any, validation: Any) -> list:
        """Returns callbacks for `fit`; `validation` are encoded batches. Default: none.

        They run first: what they add to the logs of an epoch is printed and written.
        """
        return []

    def introduce(self, model: Any, say: Callable[[str], None]) -> None:
        """Says what is going to be learned of what. Default: nothing."""

    def conclude(
        self, model: Any, run: pathlib.Path, progress: Any, say: Callable[[str], None]
    ) -> None:
        """Says what was learned, and what to do next. Default: nothing.

        Args:
            model: The model with the best weights.
            run: The run folder.
            progress: `rnnzoo.training.checkpoints.RunProgress`.
            say: Prints a line.
        """

    def finish(self, model: Any) -> bool:
        """Finishes the model with the best weights, such as by calibrating it.

        Returns whether it was changed, and is to be saved again. Default: no.
        """
        return False

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns the figures of a trained model that `rnnzoo evaluate` prints.

        `progress` wraps an iterable to show progress, as `tqdm` does.
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
        """Checks every option; an integer is converted where a float is expected."""
        types = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value, kind = getattr(self, field.name), types[field.name]
            if value is None and field.default is None:
                continue
            if kind is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value) if abs(value) < 1e300 else math.inf
                setattr(self, field.name, value)
            elif not isinstance(value, kind) or (kind is int and value is True):
                raise TypeError(
                    f"The option {field.name} must be of type {kind.__name__}. "
                    f"Received: {field.name}={shorten(value)}"
                )
            if kind in (int, float):
                limits = field.metadata.get("limits", {})
                check_number(field.name, value, whole=kind is int, **limits)
        # 0 steps are for finite data sets: their recipes have it as the default.
        fewest = int(type(self).steps_per_epoch != 0)
        check_number("steps_per_epoch", self.steps_per_epoch, minimum=fewest)


def recipe_class(name: str) -> type[Recipe]:
    """Returns a preset recipe's class; `ValueError` if there is no such recipe."""
    name = RENAMED_RECIPES.get(name, name)
    check_choice("recipe", name, listing.list_recipes())
    module = importlib.import_module(f"rnnzoo.recipes.{name}")
    if not hasattr(module, "RECIPE"):
        raise ValueError(
            f"The module {module.__name__} must declare its recipe: RECIPE = CLASS. "
            "Received: no RECIPE"
        )
    return module.RECIPE
