"""The base of all models of the zoo: raw examples, configs, cards and signatures."""

import contextlib
import functools
import inspect
import json
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.answering import ArrayAnswers
from rnnzoo.architectures.batching import check_finite, name_bad_batches
from rnnzoo.architectures.checks import check_ids
from rnnzoo.architectures.explosion import WarnOfExplosion
from rnnzoo.architectures.quantization import QuantizableModel
from rnnzoo.architectures.raw_data import RawData, is_raw
from rnnzoo.architectures.row_weights import ClassWeights
from rnnzoo.architectures.signature import Signature
from rnnzoo.errors import check_number, shorten
from rnnzoo.layers.keras_internals import (
    clone_by_config,
    is_validation_in_fit,
    list_layers,
    set_untracked,
)
from rnnzoo.layers.metrics import ExactMatch, TokenAccuracy
from rnnzoo.tokens import ScaledSteps
from rnnzoo.tokens.graphs import check_process
from rnnzoo.writing import replace_file


class SequenceModel(ArrayAnswers, QuantizableModel):
    """Base of the three architectures: raw examples in, and a model card in the file.

    A model of the zoo sets `tokens`, which turn raw examples into arrays; then `fit`,
    `evaluate` and `predict` take lists and arrays of raw examples, or a
    `tf.data.Dataset` of encoded batches. Without tokens it takes arrays, as every Keras
    model.

    Args:
        vocabulary_size: For token input: number of ids, padding included.
        features: For real-valued input: number of values per time step.
        num_classes: For classes: number of classes.
        num_values: For real-valued output: number of values.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each recurrent layer's state, per direction.
        num_layers: Number of recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        bidirectional: Whether to read each sequence backwards too.
        residual: Whether layers from the second on add their input to their output.
        dropout: Fraction of features dropped in training, before each recurrent layer
            and before the head, the same at every time step.
        token_dropout: Fraction of time steps dropped as a whole in training.
        initial_state: `"zeros"` or `"learned"`.
        chrono_steps: Chrono initialization: how many steps the longest memory should
            reach at first; `None` for Keras' own initial biases.
        padding_value: For real-valued input: steps whose features all have this value
            are padding; `None` if there is no padding.

    Attributes:
        card: The model card of the weights (name, data, licence, score, recipe, seed).
    """

    arguments: dict[str, Any]
    card: dict[str, Any] = {}
    # Arguments that may differ from those of a weight file: see `from_file`.
    REPLACEABLE: tuple[str, ...] = ()
    # Names of arguments in files of earlier versions, and those of today.
    RENAMED_ARGUMENTS: dict[str, str] = {}
    # With Adam, a small model learns a few examples by heart at this rate.
    largest_learning_rate = 1e-2
    # Whether an input has one right answer: whole answers are then judged too.
    has_unique_target = True

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        """Records the constructor's arguments for `get_config`."""
        check_process()
        model = super().__new__(cls, *arguments, **named)
        # Keras calls this without arguments too; the constructor refuses wrong ones.
        with contextlib.suppress(TypeError):
            given = inspect.signature(cls.__init__).bind(model, *arguments, **named)
            given.apply_defaults()
            named = dict(list(given.arguments.items())[1:])
            named |= named.pop("architecture", {})  # those of a base class
            set_untracked(model, "arguments", named)
        return model

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, and the mode of a quantized model."""
        quantized = {"quantized": self.quantized} if self.quantized else {}
        return {**self.arguments, **quantized}

    @classmethod
    def current_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns a file's arguments with the names of today."""
        config = {key: v for key, v in config.items() if key != "quantized"}
        return {cls.RENAMED_ARGUMENTS.get(key, key): v for key, v in config.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Builds a model of a file's arguments; Keras calls it when loading."""
        model = cls(**cls.current_config(config))
        if quantized := config.get("quantized"):
            config = keras.saving.deserialize_keras_object(quantized["config"])
            model.quantize(config=config)
        return model

    def set_targets(self, classes: bool, padding: int | None = None) -> None:
        """Sets the kind of the targets, and compiles for them: `fit` works at once.

        Outputs are logits of `classes`, of which `padding` does not count; or values.
        """
        self.has_classes, self.padding = classes, padding
        self.compile_with_defaults()

    def compile_with_defaults(self, optimizer: Any = "adam") -> None:
        """Compiles with the loss and metrics that suit the targets."""
        loss, metrics = self.choose_objective()
        self.compile(optimizer, loss, metrics=metrics)
        self.default_optimizer = id(self.optimizer) if optimizer == "adam" else None

    def choose_objective(self) -> tuple:
        """Returns the loss and the metrics that suit the targets."""
        if not self.has_classes:
            return "mse", ["mae"]
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=self.padding
        )
        if self.padding is None:
            return loss, ["accuracy"]
        metrics = [ExactMatch(self.padding)] if self.has_unique_target else []
        return loss, [TokenAccuracy(self.padding), *metrics]

    def get_compile_config(self) -> dict | None:
        """Returns what to compile a loaded model with; Keras calls it when saving."""
        if any(getattr(one, "lora_enabled", False) for one in list_layers(self)):
            return None  # the file has the product, and an optimizer for other weights
        if not self.optimizer.built:
            if id(self.optimizer) == self.default_optimizer:
                return None
            self.optimizer.build(self.trainable_variables)
        frozen = [layer.name for layer in self.layers if not layer.trainable]
        return {**super().get_compile_config(), "frozen": frozen}

    def compile_from_config(self, config: dict) -> None:
        """Compiles a loaded model as the saved one was; Keras calls it when loading."""
        config = keras.saving.deserialize_keras_object(config)
        frozen = config.pop("frozen", ())
        for layer in self.layers:
            layer.trainable = layer.name not in frozen
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)

    def compile(self, *arguments: Any, **options: Any) -> None:
        """Compiles the model, as `keras.Model.compile`."""
        # Graphs that were compiled for answers have the variables of then.
        for kind in type(self).__mro__:
            for name, value in vars(kind).items():
                if isinstance(value, functools.cached_property):
                    self.__dict__.pop(name, None)
        super().compile(*arguments, **options)

    def signatures(self) -> dict[str, Signature]:
        """Returns the ways to call an export of the model; the first is the default.

        `serving_default`, for models with tokens, is from text to answers; `tokens`
        from what the graph takes to what it gives; and `values`, where numbers are
        scaled, from these as they are.
        """
        found = {"tokens": self.tokens_signature()}
        if not hasattr(self, "tokens"):
            return found
        texts = self.sample_texts()
        answers = Signature(
            graph=self.answer_in_graph,
            inputs={"text": ((None,), "string")},
            answers=self.answer_in_python,
            examples=[{"text": texts[:2]}, {"text": texts}],
        )
        if isinstance(self.tokens, ScaledSteps) and not isinstance(self.input, dict):
            found["values"] = self.values_signature()
        return {"serving_default": answers, **found}

    def values_signature(self) -> Signature:
        """Returns the signature from numbers as they are, scaled in the graph."""
        features = self.tokens.features
        random = np.random.default_rng(0)

        def run(values: Any, lengths: Any) -> dict:
            steps = self.tokens.scale_values(values, lengths)
            return {"outputs": self(steps, training=False)}

        def draw(*lengths: int) -> dict:
            shape = (len(lengths), max(lengths), features)
            noise = random.standard_normal(shape).astype("float32")
            values = np.float32(self.tokens.means) + noise * self.tokens.scales
            return {
                "values": values.astype("float32"),
                "lengths": np.array(lengths, "int32"),
            }

        return Signature(
            graph=run,
            inputs={
                "values": ((None, None, features), "float32"),
                "lengths": ((None,), "int32"),
            },
            answers=run,
            examples=[draw(3, 5), draw(7, 1, 4)],
        )

    def tokens_signature(self) -> Signature:
        """Returns the signature of the graph, from tokens to outputs."""

        def run(tokens: Any) -> dict:
            return {"outputs": self(tokens, training=False)}

        return Signature(
            graph=run,
            inputs={"tokens": (self.input_shape, self.inputs[0].dtype)},
            answers=run,
            examples=[{"tokens": self.sample_inputs(rows)} for rows in (2, 4)],
        )

    def stream_signature(self, read: Callable, state: Any) -> Signature:
        """Returns the signature of `read`; `state` is the initial one, for one row."""
        parts = {f"state_{i}": s for i, s in enumerate(keras.tree.flatten(state))}
        specs = {
            name: ((None, *part.shape[1:]), keras.backend.standardize_dtype(part.dtype))
            for name, part in parts.items()
        }

        def stream(tokens: Any, **before: Any) -> dict:
            flat = [ops.convert_to_tensor(before[name]) for name in parts]
            outputs, after = read(tokens, keras.tree.pack_sequence_as(state, flat))
            # An ONNX graph has every name once.
            after = zip(parts, keras.tree.flatten(after), strict=True)
            return {"outputs": outputs, **{f"next_{n}": t for n, t in after}}

        tokens = self.sample_inputs(2)
        return Signature(
            graph=stream,
            inputs={"tokens": (self.input_shape, self.inputs[0].dtype), **specs},
            answers=stream,
            examples=[
                {"tokens": tokens}
                | {
                    name: np.full((len(tokens), *shape[1:]), value, dtype)
                    for name, (shape, dtype) in specs.items()
                }
                for value in (0.0, 0.5)
            ],
        )

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts raw inputs and targets to arrays, which the graph takes.

        Without tokens they are such arrays; ids outside the vocabulary are refused.
        """
        check_ids(self, inputs)
        return inputs, targets

    def complete_targets(self, inputs: Any, targets: Any) -> Any:
        """Returns the raw targets of raw inputs; `ValueError` if they are missing."""
        if targets is None and hasattr(self, "tokens"):
            name = "labels" if hasattr(self, "classes") else "targets"
            raise ValueError(
                f"{type(self).__name__} learns from {name}, one for each input: give "
                f"fit(inputs, {name}), or a data set of both. Received: inputs without "
                f"{name}"
            )
        return targets

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Returns the graph's outputs for raw or encoded examples."""
        if inputs and is_raw(self, inputs[0]):
            raw = RawData(self, with_targets=False)
            inputs = (raw.prepare(inputs[0])[0], *inputs[1:])
        return super().__call__(*inputs, **options)

    def fit(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Trains on raw examples; options are those of `keras.Model.fit`.

        Args:
            x: Raw inputs in a list, array, column of a data frame or iterator; or a
                `tf.data.Dataset`, generator or `keras.utils.PyDataset` of batches, raw
                or encoded, with targets and weights; or a data set of raw examples.
            y: Raw targets, unless `x` has them.
            **options: `class_weight` is a dict from names or numbers of classes;
                `sample_weight` has a weight for each row (1-D, whatever the sizes), or
                for each step of each row. `validation_data` is a pair, or as `x`.
        """
        check_process()
        size, split = options.get("batch_size"), options.get("validation_split", 0.0)
        classes = options.pop("class_weight", None)
        weights = None if classes is None else ClassWeights(self, classes, split)
        with RawData(self, True, size, options.get("shuffle", True)) as raw:
            rows = options.pop("sample_weight", None)
            x, y, rows = raw.prepare(x, y, rows, weights)
            validation = options.get("validation_data")
            if isinstance(validation, (tuple, list)):
                parts = keras.utils.unpack_x_y_sample_weight(tuple(validation))
                validation = tuple(raw.prepare(*parts))
            elif validation is not None:
                validation = raw.prepare(validation)[0]
            x, y = check_finite("x", x), check_finite("y", y)
            options["sample_weight"] = check_finite("sample_weight", rows)
            options["validation_data"] = check_finite("validation_data", validation)
            if hasattr(x, "element_spec"):
                options["shuffle"] = False  # Keras would warn of its own default
            callbacks = options.get("callbacks") or []
            if isinstance(callbacks, (list, tuple)):
                options["callbacks"] = [*callbacks, WarnOfExplosion()]
            with name_bad_batches():
                return super().fit(x, y, **options)

    def evaluate(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Evaluates raw examples, as `fit` takes them; options as `keras.Model`'s."""
        check_process()
        if is_validation_in_fit(options):
            return super().evaluate(x, y, **options)
        with RawData(self, True, options.get("batch_size")) as raw:
            rows = options.pop("sample_weight", None)
            x, y, options["sample_weight"] = raw.prepare(x, y, rows)
            return super().evaluate(x, y, **options)

    def predict(self, x: Any, **options: Any) -> Any:
        """Returns the graph's outputs for raw examples, as `keras.Model.predict`."""
        check_process()
        with RawData(self, False, options.get("batch_size")) as raw:
            return super().predict(raw.prepare(x)[0], **options)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Trains on a batch, raw or encoded, as `keras.Model.train_on_batch`."""
        weights = class_weight and ClassWeights(self, class_weight)
        batch = RawData(self).prepare(x, y, sample_weight, weights, encoded=True)
        return super().train_on_batch(*batch, return_dict=return_dict)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Evaluates a batch, raw or encoded, as `keras.Model.test_on_batch`."""
        batch = RawData(self).prepare(x, y, sample_weight, encoded=True)
        return super().test_on_batch(*batch, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Returns the outputs for a batch, as `keras.Model.predict_on_batch`."""
        raw = RawData(self, with_targets=False)
        return super().predict_on_batch(raw.prepare(x, encoded=True)[0])

    def save(self, filepath: Any, overwrite: bool = True, **options: Any) -> None:
        """Saves the model as a `.keras` file; `ValueError` for another suffix.

        Arguments are those of `keras.Model.save`. What was there is replaced once the
        new file is complete; `OSError` says why it cannot be written.
        """
        name = str(filepath)
        if not name.endswith(".keras") and not name.startswith("hf://"):
            stem = name.removesuffix(".h5").removesuffix(".hdf5")
            raise ValueError(
                "A model is saved as a .keras file, with its settings, vocabulary and "
                f"card: use {shorten(stem + '.keras', limit=500)}. "
                f"Received: filepath={shorten(name, limit=500)}"
            )
        if "://" in name or options or not overwrite:  # elsewhere, or asking the user
            super().save(filepath, overwrite=overwrite, **options)
            return
        with replace_file(filepath) as draft:
            super().save(draft)

    def save_assets(self, folder: str) -> None:
        """Writes the card into the model's file; Keras calls it when saving."""
        card = json.dumps(dict(self.card), indent=2, ensure_ascii=False)
        pathlib.Path(folder, "card.json").write_text(card, encoding="utf-8")

    def load_assets(self, folder: str) -> None:
        """Reads the card from the model's file; Keras calls it when loading."""
        path = pathlib.Path(folder, "card.json")
        card = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(card, dict):
            raise ValueError("card.json holds no object")
        self.card = card


clone_by_config(SequenceModel)


def check_exactly_one(**arguments: Any) -> None:
    """Refuses anything but exactly one given argument, a positive integer."""
    given = {name: value for name, value in arguments.items() if value is not None}
    received = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    if len(given) != 1:
        raise ValueError(
            f"Give exactly one of {' and '.join(arguments)}. Received: {received}"
        )
    for name, value in given.items():
        check_number(name, value, minimum=1, whole=True)
