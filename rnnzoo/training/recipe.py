"""Training: a recipe, its options, and the run folder that remembers it."""

import dataclasses
import functools
import importlib
import typing
from typing import Any

from rnnzoo import listing
from rnnzoo.errors import closest

# Options of recipes in model cards of earlier versions, and their names of today.
RENAMED_OPTIONS = {
    "averaging": "ema_momentum",
    "checkpoint_steps": "checkpoint_every",
    "growing_steps": "curriculum_steps",
    "held_out": "num_validation",
    "carried": "stateful",
    "piece": "bptt_steps",
}


def option(default: Any, help: str = "") -> Any:
    """Declares an option of a recipe.

    Args:
        default: Its default.
        help: What it means; by default what the model or the base recipe says of it.
    """
    return dataclasses.field(default=default, metadata={"help": help})


@dataclasses.dataclass(kw_only=True)
class Recipe:
    """A preset training: one model on one data set, with every number that matters.

    Use it by writing a subclass in a file of `recipes/`, declared there by
    `RECIPE = CLASS`. The class says which model it trains (`model="sorter"`), whose
    settings then are options of the recipe with the model's defaults; options that
    differ from these, or that the recipe adds, are fields. Its methods say which
    examples there are. `train` does the rest with `keras.Model.fit`. A recipe is
    imported without TensorFlow, so that `rnnzoo train NAME --help` answers at once:
    import what needs it inside methods.

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
    ema_momentum: float = option(
        0.0, "validate and keep a moving average of the weights with this momentum"
    )
    seed: int = option(0, "seed of weights, examples and dropout")
    precision: str = option(
        "auto",
        "auto, float32, mixed_bfloat16 or mixed_float16 (see rnnzoo.training.devices)",
    )
    checkpoint_every: int = option(200, "steps between two checkpoints")

    def __init_subclass__(cls, model: str = "", **options: Any):
        """Gives a recipe the options of its model, and help to those without.

        Args:
            model: Name of the model's factory; by default the base recipe's.
            **options: For other base classes.
        """
        super().__init_subclass__(**options)
        own = vars(cls).get("__annotations__", {})
        known = dict(getattr(cls, "__dataclass_fields__", {}))
        if model:
            cls.model_name = model
            found = listing.model_options(model)
            cls.model_options = tuple(one.name for one in found)
            for one in found:
                known[one.name] = option(one.default, one.help)
                if one.name not in own:
                    cls.__annotations__[one.name] = one.type
                    setattr(cls, one.name, known[one.name])
        for name in own:
            declared = vars(cls).get(name)
            if isinstance(declared, dataclasses.Field) and name in known:
                help = declared.metadata["help"] or known[name].metadata["help"]
                setattr(cls, name, option(declared.default, help))

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Any:
        """Makes a recipe of the options in a model card, also of earlier versions."""
        return cls(**{RENAMED_OPTIONS.get(key, key): v for key, v in options.items()})

    def model(self) -> Any:
        """Returns the untrained model."""
        return self.build()

    def build(self, **settings: Any) -> Any:
        """Builds the untrained model with the recipe's options.

        Args:
            **settings: What the data say, such as the vocabulary.
        """
        import rnnzoo

        if not self.model_name:
            raise NotImplementedError(
                f"{type(self).__name__} must say which model it trains: "
                f'class {type(self).__name__}(Recipe, model="sorter")'
            )
        options = {name: getattr(self, name) for name in self.model_options}
        factory = getattr(rnnzoo, self.model_name)
        return factory(weights=None, **{**options, **settings})

    def changed_settings(self) -> dict[str, Any]:
        """Returns the model's settings that are not as the recipe has them."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        return {
            name: getattr(self, name)
            for name in self.model_options
            if getattr(self, name) != defaults[name]
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
            "use_ema": self.ema_momentum > 0,
            "ema_momentum": self.ema_momentum,
        }

    def prepare(self, model: Any, devices: Any) -> None:
        """Makes a compiled model ready for training, on the devices that it has.

        Default: nothing needs to be done.

        Args:
            model: The compiled model.
            devices: What `rnnzoo.training.devices.strategy` returned.
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
        minimums = {"epochs": 1, "batch_size": 1, "checkpoint_every": 1}
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
    list_recipes = listing.list_recipes
    if name not in list_recipes():
        raise ValueError(
            f"There is no such recipe: there are {', '.join(list_recipes())}."
            f"{closest(name, list_recipes())} Received: recipe={name!r}"
        )
    module = importlib.import_module(f"rnnzoo.recipes.{name}")
    if not hasattr(module, "RECIPE"):
        raise ValueError(
            f"The module {module.__name__} must declare its recipe: RECIPE = CLASS. "
            "Received: no RECIPE"
        )
    return module.RECIPE
