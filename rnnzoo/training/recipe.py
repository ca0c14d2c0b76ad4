"""A recipe: a model, its data, and every number of its training."""

import dataclasses
import functools
import importlib
import typing
from typing import Any

from rnnzoo import listing
from rnnzoo.errors import check_choice, closest

# Recipes of earlier versions, and their names of today.
RENAMED_RECIPES = {"own_sentiment": "own_texts"}


def option(default: Any, help: str = "") -> Any:
    """Declares an option of a recipe: its default and its help."""
    return dataclasses.field(default=default, metadata={"help": help})


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

    epochs: int = option(10, "number of epochs; each ends with validation")
    steps_per_epoch: int = option(
        500, "batches per epoch; 0 for one pass over a finite data set"
    )
    batch_size: int = option(64, "examples per batch, over all devices")
    learning_rate: float = option(1e-3, "peak learning rate, after warm-up")
    warmup_steps: int = option(200, "steps over which the learning rate rises from 0")
    clip_norm: float = option(1.0, "largest global norm of the gradients")
    ema_momentum: float = option(
        0.0,
        "momentum of an exponential moving average of the weights, which is validated "
        "and kept; 0 disables it",
    )
    seed: int = option(0, "random seed of weights, examples and dropout")
    precision: str = option(
        "auto",
        "auto, float32, mixed_bfloat16 or mixed_float16 (see rnnzoo.training.devices)",
    )
    checkpoint_every: int = option(200, "steps between two checkpoints")

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
                inherited[one.name] = option(one.default, one.help)
                if one.name not in own:
                    cls.__annotations__[one.name] = one.type
                    setattr(cls, one.name, inherited[one.name])
        for name in own:
            declared = vars(cls).get(name)
            if isinstance(declared, dataclasses.Field) and name in inherited:
                help = declared.metadata["help"] or inherited[name].metadata["help"]
                setattr(cls, name, option(declared.default, help))

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
                setattr(self, field.name, float(value))
            elif not isinstance(value, kind) or (kind is int and value is True):
                raise TypeError(
                    f"The option {field.name} must be of type {kind.__name__}. "
                    f"Received: {field.name}={value!r}"
                )
        minimums = {"epochs": 1, "batch_size": 1, "checkpoint_every": 1}
        # 0 steps are for finite data sets: their recipes have it as the default.
        minimums["steps_per_epoch"] = int(type(self).steps_per_epoch != 0)
        for name, minimum in minimums.items():
            if getattr(self, name) < minimum:
                raise ValueError(
                    f"The option {name} must be at least {minimum}. "
                    f"Received: {name}={getattr(self, name)}"
                )


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
