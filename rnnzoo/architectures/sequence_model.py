"""What every model of the zoo has beside what Keras gives it."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.distribution import DistributedModel
from rnnzoo.errors import check_number
from rnnzoo.exporting import Signature
from rnnzoo.metrics import ExactMatch, TokenAccuracy


class SequenceModel(DistributedModel):
    """Base of the three architectures: raw examples in, and a model card in the file.

    A model of the zoo sets `tokens`, which turn raw examples into arrays; then `fit`,
    `evaluate` and `predict` take lists and arrays of raw examples. A
    `tf.data.Dataset` is passed on as it is: it holds batches that are encoded
    already. A model without tokens takes arrays as every Keras model does.

    Attributes:
        card: What is known of the weights (name, data, licence, score, recipe, seed);
            saved in the model's file and empty for an untrained model.
    """

    arguments: dict
    card: dict = {}
    # Whether an input has one right answer: whole answers are then judged too.
    has_one_answer = True

    def get_config(self) -> dict:
        """Returns the constructor's arguments, and nothing else."""
        return dict(self.arguments)

    def set_targets(self, classes: bool, padding: int | None = None) -> None:
        """Says what the targets are, and compiles for them: `fit` works at once.

        Args:
            classes: Whether outputs are logits of classes; else they are real values.
            padding: The class that stands for padding and does not count, if any.
        """
        self.has_classes, self.padding = classes, padding
        self.compile_with_defaults()

    def compile_with_defaults(self, optimizer: Any = "adam") -> None:
        """Compiles with the loss and metrics that suit the targets.

        Args:
            optimizer: What `keras.Model.compile` takes.
        """
        if self.has_classes:
            loss = keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=self.padding
            )
            metrics = ["accuracy"]
            if self.padding is not None:
                metrics = [TokenAccuracy(self.padding)]
                metrics += [ExactMatch(self.padding)] * self.has_one_answer
        else:
            loss, metrics = "mse", ["mae"]
        self.compile(optimizer, loss, metrics=metrics)
        self.default_optimizer = id(self.optimizer) if optimizer == "adam" else None

    def get_compile_config(self) -> dict | None:
        """Returns what to compile a loaded model with; Keras calls it when saving.

        An optimizer that has not made a step has no state to save: loading then
        compiles with the defaults again, without a warning of missing variables.
        """
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

    def answer(self, inputs: Any) -> Any:
        """Answers raw input with raw output; each model of the zoo says how."""
        raise NotImplementedError(
            f"{type(self).__name__} has no tokens to read raw input with: use "
            "predict() on arrays, or a model of rnnzoo.list_models()"
        )

    def sample_texts(self) -> list[str]:
        """Returns raw inputs as text, the first of them short, to try an export on.

        A model of the zoo says which.
        """
        raise NotImplementedError

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with named tensors, in the graph.

        A model of the zoo says how. What `answer` refuses stops the graph with
        `InvalidArgumentError`.
        """
        raise NotImplementedError

    def named_answers(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        return {"text": self.answer(text)}

    def signatures(self) -> dict[str, Signature]:
        """Returns the ways to call an export of the model; the first is the default.

        Each is text to answers (`serving_default`), and what the graph takes to what
        it gives (`tokens`), for callers with tokens of their own. Models add others.
        """
        texts = self.sample_texts()
        return {
            "serving_default": Signature(
                graph=self.answer_in_graph,
                inputs={"text": ((None,), "string")},
                answers=self.named_answers,
                examples=[{"text": texts[:2]}, {"text": texts}],
            ),
            "tokens": self.tokens_signature(),
        }

    def tokens_signature(self) -> Signature:
        """Returns the way to call the graph as it is."""

        def outputs(tokens: Any) -> dict:
            return {"outputs": self(tokens, training=False)}

        texts = self.sample_texts()
        return Signature(
            graph=outputs,
            inputs={"tokens": (self.input_shape, self.inputs[0].dtype)},
            answers=outputs,
            examples=[
                {"tokens": self._tokens_of(texts[:2])},
                {"tokens": self._tokens_of(texts[:4])},
            ],
        )

    def _tokens_of(self, texts: list[str]) -> np.ndarray:
        """Returns what the graph takes for texts."""
        import tensorflow as tf

        return self.tokens(tf.constant(texts)).numpy()

    def stream_signature(self, read: Callable, state: Any) -> Signature:
        """Returns the way to read a sequence in pieces, with the state in and out.

        Args:
            read: From tokens and a state to outputs and the next state.
            state: The state before the first step of one row.
        """
        names = [f"state_{i}" for i in range(len(keras.tree.flatten(state)))]
        specs = [
            ((None, *tensor.shape[1:]), keras.backend.standardize_dtype(tensor.dtype))
            for tensor in keras.tree.flatten(state)
        ]
        tokens = self._tokens_of(self.sample_texts()[:2])

        def stream(tokens: Any, **before: Any) -> dict:
            before = [ops.convert_to_tensor(before[name]) for name in names]
            outputs, after = read(tokens, keras.tree.pack_sequence_as(state, before))
            # An ONNX graph has every name once.
            after = zip(names, keras.tree.flatten(after), strict=True)
            return {"outputs": outputs, **{f"next_{n}": t for n, t in after}}

        def example(value: float) -> dict:
            rows = len(tokens)
            before = [np.full((rows, *s[1:]), value, dtype) for s, dtype in specs]
            return {"tokens": tokens, **dict(zip(names, before, strict=True))}

        return Signature(
            graph=stream,
            inputs={
                "tokens": (self.input_shape, self.inputs[0].dtype),
                **dict(zip(names, specs, strict=True)),
            },
            answers=stream,
            examples=[example(0.0), example(0.5)],
        )

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Turns raw inputs and targets into the arrays that the graph takes.

        An architecture without tokens returns them as they are.
        """
        return inputs, targets

    def fit(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Trains on raw examples; options are those of `keras.Model.fit`."""
        if _is_raw(x):
            x, y = self.encode(x, y)
        validation = options.get("validation_data")
        if isinstance(validation, (tuple, list)):
            inputs, targets, *sample_weight = validation
            encoded = self.encode(inputs, targets)
            options["validation_data"] = (*encoded, *sample_weight)
        return super().fit(x, y, **options)

    def evaluate(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Evaluates raw examples; options are those of `keras.Model.evaluate`."""
        # What `fit` validates on is encoded already.
        if _is_raw(x) and not options.get("_use_cached_eval_dataset"):
            x, y = self.encode(x, y)
        return super().evaluate(x, y, **options)

    def predict(self, x: Any, **options: Any) -> Any:
        """Returns the graph's outputs for raw examples, as `keras.Model.predict`."""
        if _is_raw(x):
            x, _ = self.encode(x)
        return super().predict(x, **options)

    def save_assets(self, folder: str) -> None:
        """Writes the card into the model's file; Keras calls it when saving."""
        card = json.dumps(dict(self.card), indent=2, ensure_ascii=False)
        pathlib.Path(folder, "card.json").write_text(card, encoding="utf-8")

    def load_assets(self, folder: str) -> None:
        """Reads the card from the model's file; Keras calls it when loading."""
        path = pathlib.Path(folder, "card.json")
        self.card = json.loads(path.read_text(encoding="utf-8"))


def compiled(function: Callable, *inputs: Any) -> Callable:
    """Compiles a function once, for inputs of all sizes.

    `keras.Model.predict_on_batch` traces anew for the first few shapes that it meets;
    this never does. Backends other than TensorFlow run the function as it is.

    Args:
        function: Takes and returns tensors.
        inputs: A shape (`None` for sizes that vary) and a dtype per argument; or, for
            an argument with a structure, that structure of `tf.TensorSpec`.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    signature = [
        tf.TensorSpec(*spec) if isinstance(spec, tuple) else spec for spec in inputs
    ]
    return tf.function(function, input_signature=signature, autograph=False)


def constructor_arguments(local_variables: dict) -> dict:
    """Returns `locals()` of a constructor without what is not an argument."""
    hidden = ("self", "__class__")
    return {k: v for k, v in local_variables.items() if k not in hidden}


def _is_raw(examples: Any) -> bool:
    """Whether examples are lists or arrays, not a data set of encoded batches."""
    return examples is not None and not hasattr(examples, "element_spec")


def one_of(**arguments: Any) -> None:
    """Refuses anything but exactly one given argument, a positive integer.

    Raises:
        ValueError: If none or several of the arguments are given.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    received = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    if len(given) != 1:
        raise ValueError(
            f"Give exactly one of {' and '.join(arguments)}. Received: {received}"
        )
    for name, value in given.items():
        check_number(name, value, minimum=1, whole=True)


# Of tokens' vectors that are the head's weights too, before training: with smaller ones
# a model learns how frequent tokens are, and for long nothing else.
TIED_DEVIATION = 0.2


@keras.saving.register_keras_serializable("rnnzoo")
class SequenceReader(keras.layers.Layer):
    """The front of every architecture: tokens or real values to masked features.

    Inputs: token ids `[batch, time]`, 0 for padding, if there is a
    `vocabulary_size`; else real values `[batch, time, features]`, of which a step
    is padding if all its features equal `padding_value`.

    Outputs: `[batch, time, embedding_dim]` or `[batch, time, features]`, masked.

    Args:
        vocabulary_size: Number of token ids, padding included; or `None`.
        embedding_dim: Size of the vector that stands for a token.
        padding_value: For real values: what fills the steps of padding; `None` if
            every step is real.
        token_dropout: Share of steps whose whole vector is set to zero in training
            (Iyyer et al., 2015).
        deviation: Standard deviation of the tokens' vectors before training; `None` for
            Keras' own, which are from -0.05 to 0.05 in each feature.

    References:
        Iyyer et al., "Deep unordered composition rivals syntactic methods for text
        classification", ACL 2015.
    """

    def __init__(
        self,
        vocabulary_size: int | None = None,
        embedding_dim: int = 64,
        padding_value: float | None = None,
        token_dropout: float = 0.0,
        deviation: float | None = None,
        **layer_options: Any,
    ):
        """Sets up; the class says what the arguments mean."""
        super().__init__(**layer_options)
        check_number("token_dropout", token_dropout, minimum=0, below=1)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.padding_value = padding_value
        self.token_dropout = token_dropout
        self.deviation = deviation
        if token_dropout:
            self.seed_generator = keras.random.SeedGenerator()
        if vocabulary_size is not None:
            check_number("embedding_dim", embedding_dim, minimum=1, whole=True)
            initializer = "uniform"
            if deviation is not None:
                initializer = keras.initializers.RandomNormal(stddev=deviation)
            self.embedding = keras.layers.Embedding(
                vocabulary_size, embedding_dim, initializer, dtype=self.dtype_policy
            )

    def build(self, inputs_shape: tuple) -> None:
        """Creates the embedding where there are tokens."""
        if self.vocabulary_size is not None:
            self.embedding.build(inputs_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns one feature vector per step."""
        steps = inputs if self.vocabulary_size is None else self.embedding(inputs)
        if not (self.token_dropout and training):
            return steps
        shape = (*ops.shape(steps)[:2], 1)
        return keras.random.dropout(
            steps, self.token_dropout, noise_shape=shape, seed=self.seed_generator
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns `[batch, time]`, true for real steps, or `None` if all are."""
        if self.vocabulary_size is not None:
            return ops.not_equal(inputs, 0)
        if self.padding_value is not None:
            return ops.any(ops.not_equal(inputs, self.padding_value), axis=-1)
        return mask

    def compute_output_shape(self, inputs_shape: tuple) -> tuple:
        """Returns the shape of the features."""
        if self.vocabulary_size is None:
            return inputs_shape
        return (*inputs_shape, self.embedding_dim)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_dim": self.embedding_dim,
            "padding_value": self.padding_value,
            "token_dropout": self.token_dropout,
            "deviation": self.deviation,
        }


def sequence_input(features: int | None, name: str = "inputs") -> Any:
    """Returns the Keras input of token ids, or of real values with `features`."""
    if features is None:
        return keras.Input((None,), dtype="int32", name=name)
    return keras.Input((None, features), dtype="float32", name=name)
