"""A model under test: its examples, small copies of it, and what checks share."""

import dataclasses
import functools
import inspect
import pathlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo.training.recipe import Recipe

# Small copies have at most this much of what a model is built with.
TINY = {"units": 8, "embedding_dim": 8, "ngram_rows": 1000}
# And small versions of a recipe train for at most this long.
SHORT = {"epochs": 2, "steps_per_epoch": 4, "batch_size": 4, "max_length": 32, **TINY}
# Number of the first batch of a late stage, past every curriculum.
LATE = 10**6


class GivenExamples:
    """Inputs and targets in memory as endless `Examples`, each drawn at random.

    Args:
        inputs: Raw inputs; or arrays, whose first dimension is the example.
        targets: As many targets.
    """

    def __init__(self, inputs: Any, targets: Any):
        self.inputs, self.targets = inputs, targets
        self.count = _count(inputs)
        if self.count != _count(targets) or self.count < 8:
            raise ValueError(
                "examples must be inputs and as many targets, eight or more. Received: "
                f"{self.count} inputs and {_count(targets)} targets"
            )

    def batch(self, size: int, seed: int, index: int) -> tuple[Any, Any]:
        """Returns `size` inputs and targets, the same for the same arguments."""
        random = np.random.default_rng((seed, index))
        # Every example once before one comes again.
        rounds = range(-(-size // self.count))
        order = np.concatenate([random.permutation(self.count) for _ in rounds])
        return take(self.inputs, order[:size]), take(self.targets, order[:size])


class Subject:
    """A model under test.

    Args:
        model: A built model; or the factory or class that builds it.
        examples: `(inputs, targets)` of eight examples or more, or an object with
            `batch(size, seed, index)`; by default those of the recipe, or of a model
            that brings `examples`.
        factory: The function that builds the model.
        recipe: A recipe that trains it.
    """

    def __init__(
        self,
        model: Any,
        examples: Any = None,
        *,
        factory: Callable | None = None,
        recipe: Recipe | None = None,
    ):
        if not isinstance(model, keras.Model):
            if not callable(model):
                raise TypeError(
                    "model must be a built model, or the function or class that builds "
                    f"one. Received: model={model!r}"
                )
            factory = model if factory is None else factory
            model = model()
        self.model, self.factory = model, factory
        self.own_recipe = recipe
        if examples is None:
            examples = getattr(model, "examples", None)
            if recipe is not None:
                examples = self.shorten_recipe().examples()
        if isinstance(examples, (tuple, list)) and len(examples) == 2:
            examples = GivenExamples(*examples)
        if not hasattr(examples, "batch"):
            raise TypeError(
                "examples must be (inputs, targets), or have batch(size, seed, index). "
                f"Received: examples={examples!r}"
            )
        self.examples: Any = examples

    @property
    def name(self) -> str:
        """Name of the factory, or else of the class."""
        return getattr(self.factory, "__name__", type(self.model).__name__)

    @property
    def is_trainable(self) -> bool:
        """Whether there are weights to train: there are none that are set by hand."""
        return bool(self.model.trainable_weights)

    @property
    def reads_raw_input(self) -> bool:
        """Whether the model has tokens, and so answers raw input."""
        return hasattr(self.model, "tokens")

    @property
    def answer_options(self) -> set[str]:
        """Names of what `answer` can be told."""
        return set(inspect.signature(self.model.answer).parameters) - {"inputs"}

    def batch(self, size: int, index: int = 0) -> tuple[Any, Any]:
        """Returns inputs and targets, the same for the same arguments."""
        return self.examples.batch(size, seed=0, index=index)

    def distinct(self, size: int) -> tuple[Any, Any]:
        """Returns examples of which no two have the same input."""
        inputs, targets = self.batch(8 * size)
        first = {repr(take(inputs, [i])): i for i in reversed(range(8 * size))}
        chosen = sorted(first.values())[:size]
        return take(inputs, chosen), take(targets, chosen)

    def answer(self, inputs: Any, model: Any = None) -> Any:
        """Returns answers to a batch: the graph's outputs of a model without tokens."""
        model = self.model if model is None else model
        return model.answer(inputs) if self.reads_raw_input else outputs(model, inputs)

    def build(self, **settings: Any) -> Any:
        """Builds an untrained model with the subject's settings, or others."""
        config = self.model.get_config()
        return type(self.model)(**{**config, **settings})

    def tiny(self, **settings: Any) -> Any:
        """Builds a small untrained model; one without weights to train as it is.

        Args:
            **settings: Settings of the model or, if there is one, options of its
                recipe; those that it has not are ignored.
        """
        if not self.is_trainable:
            return self.build()
        if self.own_recipe is not None:
            return self.shorten_recipe(**settings).model()
        config = self.model.get_config()
        return self.build(**_smaller(config, TINY) | _known(config, settings))

    @functools.cached_property
    def small(self) -> Any:
        """A tiny model that several checks share."""
        return self.tiny()

    def shorten_recipe(self, **options: Any) -> Recipe:
        """Returns the model's recipe for a training of seconds.

        A model without a recipe gets one that trains it on its examples.

        Args:
            **options: Other options; those that the recipe has not are ignored.
        """
        if self.own_recipe is None:
            return _recipe_of(self, options)
        known = self.own_recipe.options()
        changes = _smaller(known, SHORT) | _known(known, options)
        return dataclasses.replace(self.own_recipe, **changes)

    def without_randomness(self) -> dict[str, float]:
        """Returns settings, or options of the recipe, without dropout and noise."""
        recipe = self.own_recipe
        known = self.model.get_config() if recipe is None else recipe.options()
        words = ("dropout", "noise")
        return {name: 0.0 for name in known if any(word in name for word in words)}

    @functools.cached_property
    def folder(self) -> pathlib.Path:
        """A folder for files, which is removed with the subject."""
        folder = tempfile.mkdtemp(prefix="rnnzoo-check-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return pathlib.Path(folder)


def _recipe_of(subject: Subject, settings: dict[str, Any]) -> Recipe:
    """Returns a recipe that trains a small copy of a model on its examples."""

    @dataclasses.dataclass(kw_only=True)
    class ExamplesRecipe(Recipe):
        def model(self) -> Any:
            return subject.tiny(**settings)

        def examples(self) -> Any:
            return subject.examples

        def validation_examples(self) -> tuple:
            return subject.examples.batch(40, 2**32, 0)

        def static_length(self, model: Any) -> int:
            encoded = [
                model.encode(*subject.batch(8, index))
                for index in (*range(20), *range(LATE, LATE + 20))
            ]
            arrays = [a for a in keras.tree.flatten(encoded) if np.ndim(a) > 1]
            return max(array.shape[1] for array in arrays)

    known = {field.name for field in dataclasses.fields(Recipe)}
    options = {k: v for k, v in {**SHORT, **settings}.items() if k in known}
    return ExamplesRecipe(**options)


def _smaller(settings: dict[str, Any], limits: dict[str, int]) -> dict[str, int]:
    """Returns the settings that are larger than their limits, as small as these.

    What is 0 for none or all stays, but for a recipe's steps.
    """
    return {
        name: limit
        for name, limit in limits.items()
        if name in settings
        and (settings[name] > limit or name == "steps_per_epoch" and not settings[name])
    }


def _known(settings: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Returns those of other settings whose names are known."""
    return {name: value for name, value in others.items() if name in settings}


def take(rows: Any, indices: Sequence[int] | np.ndarray) -> Any:
    """Returns rows of a list, or of arrays whose first dimension is the example."""
    if isinstance(rows, (list, tuple)):
        return [rows[int(index)] for index in indices]
    indices = np.asarray(indices, int)
    return keras.tree.map_structure(lambda array: np.asarray(array)[indices], rows)


def _count(rows: Any) -> int:
    """Returns how many examples there are."""
    if isinstance(rows, (list, tuple)):
        return len(rows)
    return min(len(array) for array in keras.tree.flatten(rows))


def outputs(model: Any, inputs: Any) -> np.ndarray:
    """Returns what a model's graph gives for raw inputs."""
    return np.array(model(model.encode(inputs)[0]))
