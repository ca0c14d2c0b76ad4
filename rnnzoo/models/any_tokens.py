"""Models of any tokens: what `many_to_one` and `many_to_many` build with them."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.architectures.factory import keyword_defaults
from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.many_to_one import ManyToOne
from rnnzoo.errors import check_number, shorten
from rnnzoo.mixin import Mixin
from rnnzoo.models.classifier import Classifier
from rnnzoo.tokens import make_tokens
from rnnzoo.tokens.checks import (
    Problem,
    is_row,
    refuse_rows,
    to_sequence,
    type_name,
)
from rnnzoo.tokens.labels import check_classes, class_numbers, to_python
from rnnzoo.tokens.raw import make_raw_input, separate_zeros

# Arguments of architectures that tokens bring.
BROUGHT = ("vocabulary_size", "features", "padding_value")


class AnyTokens(Mixin):
    """Mixed into models whose tokens are an argument, and in the file."""

    def read_tokens(
        self, architecture_class: type, tokens: Any, architecture: dict, **own: Any
    ) -> dict[str, Any]:
        """Records the arguments, and returns those of the architecture.

        Args:
            architecture_class: The class whose arguments they are.
            tokens: What reads the input.
            architecture: Arguments of the architecture.
            **own: Arguments of the model, which may have the same names.

        Raises:
            ValueError: If an argument is one that tokens bring.
            TypeError: If `tokens` are none.
        """
        wrong = [name for name in BROUGHT if architecture.get(name) is not None]
        if wrong:
            raise ValueError(
                f"tokens bring {' and '.join(wrong)}: leave it out. Received: "
                f"{', '.join(f'{name}={architecture[name]!r}' for name in wrong)}, "
                f"tokens={shorten(tokens)}"
            )
        tokens = separate_zeros(load_tokens(tokens))
        raw = make_raw_input(tokens)
        known = keyword_defaults(architecture_class)
        named = {k: v for k, v in (known | architecture).items() if k not in BROUGHT}
        self.arguments.update({**named, **own, "tokens": tokens})
        return named | raw.architecture

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, tokens as their settings."""
        config = super().get_config()
        for name in ("tokens", "target_tokens"):
            if config.get(name) is not None:
                config[name] = keras.saving.serialize_keras_object(config[name])
        return config

    def match_targets(self, rows: list, targets: Any, name: str) -> list:
        """Returns targets as a list, as many as there are rows."""
        found = list(to_sequence(targets, name, f"a list of {name}"))
        if len(found) != len(rows):
            raise ValueError(
                f"There must be as many {name} as {self.raw.name}. Received: "
                f"{len(rows)} {self.raw.name} and {len(found)} {name}"
            )
        return found


def load_tokens(tokens: Any) -> Any:
    """Returns tokens for their settings in a file, for a name such as `"bytes"`."""
    if isinstance(tokens, dict):
        return keras.saving.deserialize_keras_object(tokens)
    return make_tokens(tokens, None) if isinstance(tokens, str) else tokens


def name_classes(classes: Any, num_classes: int | None) -> list[str]:
    """Returns names of classes, by default their numbers."""
    if classes is None and num_classes is None:
        raise ValueError(
            "Give names of classes in classes, their number in num_classes, or the "
            "number of values in num_values. Received: none of them"
        )
    if classes is None:
        check_number("num_classes", num_classes, minimum=2, whole=True)
        classes = range(num_classes or 0)
    elif num_classes is not None:
        raise ValueError(
            "Give classes or num_classes, not both. Received: "
            f"classes={shorten(classes)}, num_classes={num_classes!r}"
        )
    return check_classes(classes)


@keras.saving.register_keras_serializable("rnnzoo")
class SequenceClassifier(AnyTokens, Classifier):
    """A classifier of texts, numbers or series, as `many_to_one` builds it.

    Args:
        tokens: What reads the input: of `rnnzoo.tokens`.
        classes: Names of the classes.
        num_classes: Instead of names: how many there are, named by their numbers.
        **architecture: Other arguments of `many_to_one`.

    Example:
        >>> from rnnzoo import many_to_one
        >>> from rnnzoo.tokens import Numbers
        >>> model = many_to_one(tokens=Numbers(1, 9), classes=["odd", "even"], units=8)
        >>> history = model.fit([[3, 4], [2, 2]], ["odd", "even"], verbose=0)
        >>> model.answer([3, 4]) in model.classes
        True
    """

    def __init__(
        self,
        *,
        tokens: Any,
        classes: Iterable[Any] | None = None,
        num_classes: int | None = None,
        **architecture: Any,
    ):
        self.classes = name_classes(classes, num_classes)
        architecture = self.read_tokens(
            ManyToOne, tokens, architecture, classes=self.classes, num_classes=None
        )
        self.arguments.pop("num_values")
        architecture |= {"num_classes": len(self.classes), "num_values": None}
        super().__init__(**architecture)
        self.tokens = self.arguments["tokens"]

    def with_vocabulary(self, vocabulary: Sequence[str]) -> Any:
        """Returns a copy that knows other words or characters; see `Classifier`."""
        vocabulary, settings = list(vocabulary), self.tokens.get_config()
        if vocabulary == settings.get("vocabulary"):
            return self
        known = settings.get("vocabulary")
        old = {**self.arguments, "vocabulary": known, "tokens": self.tokens.name}
        adapt = self.weight_adapter(old, {"vocabulary": vocabulary})
        tokens = type(self.tokens).from_config(settings | {"vocabulary": vocabulary})
        return self.copy_with(adapt, tokens=tokens)


@keras.saving.register_keras_serializable("rnnzoo")
class SequenceRegressor(AnyTokens, ManyToOne):
    """A model that answers a text, numbers or a series with values, of `many_to_one`.

    Answers are a number, or a list of `num_values` of them.

    Args:
        tokens: What reads the input: of `rnnzoo.tokens`.
        num_values: How many values an answer has.
        **architecture: Other arguments of `many_to_one`.

    Example:
        >>> from rnnzoo import many_to_one
        >>> from rnnzoo.tokens import Numbers
        >>> model = many_to_one(tokens=Numbers(1, 9), num_values=1, units=8)
        >>> history = model.fit([[3, 4], [2]], [7.0, 2.0], verbose=0)
        >>> type(model.answer([3, 4]))
        <class 'float'>
    """

    def __init__(self, *, tokens: Any, num_values: int, **architecture: Any):
        architecture = self.read_tokens(
            ManyToOne, tokens, architecture, num_values=num_values
        )
        self.arguments.pop("num_classes")
        super().__init__(**architecture | {"num_values": num_values})
        self.tokens = self.arguments["tokens"]
        self.num_values = num_values

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts raw inputs to arrays, and targets to values `[rows, num_values]`."""
        rows, _ = self.raw.split(inputs)
        if targets is None:
            return self.raw.encode(rows), None
        found = self.match_targets(rows, targets, "targets")
        return self.raw.encode(rows), check_values(found, self.num_values)

    def answer(self, inputs: Any) -> Any:
        """Answers an input, or each of a batch, with a number or a list of numbers."""
        return answer_rows(self, inputs)

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings with `values`, `[batch, num_values]`, in the graph."""
        return {"values": self(self.raw.parse(text), training=False)}

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        rows, _ = self.raw.split(text)
        return {"values": self.run(self.raw.encode(rows))}


@keras.saving.register_keras_serializable("rnnzoo")
class StepAnswerer(AnyTokens, ManyToMany):
    """A model that answers every step of its input, as `many_to_many` builds it.

    Answers are lists: of names of classes, of numbers, or of lists of `num_values`
    numbers, one for each token, number or step.

    Args:
        tokens: What reads the input: of `rnnzoo.tokens`; of texts, without `start` and
            `max_length`.
        classes: Names of the classes.
        num_classes: Instead of names: how many there are, named by their numbers.
        num_values: Instead of classes: how many values each answer has.
        **architecture: Other arguments of `many_to_many`.

    Example:
        >>> from rnnzoo import many_to_many
        >>> from rnnzoo.tokens import Whitespace
        >>> words = Whitespace(["the", "cat", "sleeps"])
        >>> model = many_to_many(tokens=words, classes=["D", "N", "V"], units=8)
        >>> history = model.fit(["the cat"], [["D", "N"]], verbose=0)
        >>> len(model.answer("the cat sleeps"))
        3
    """

    def __init__(
        self,
        *,
        tokens: Any,
        classes: Iterable[Any] | None = None,
        num_classes: int | None = None,
        num_values: int | None = None,
        **architecture: Any,
    ):
        named = None
        if num_values is None:
            named = self.classes = name_classes(classes, num_classes)
        elif classes is not None or num_classes is not None:
            raise ValueError(
                "Give classes or num_values, not both. Received: "
                f"classes={shorten(classes)}, num_classes={num_classes!r}, "
                f"num_values={num_values!r}"
            )
        architecture = self.read_tokens(
            ManyToMany,
            tokens,
            architecture,
            classes=named,
            num_classes=None,
            num_values=num_values,
        )
        tokens = self.arguments["tokens"]
        if getattr(tokens, "start", False) or getattr(tokens, "max_length", None):
            raise ValueError(
                "many_to_many answers every token of a text: make the tokens with "
                "start=False and max_length=None. Received: "
                f"start={tokens.start}, max_length={tokens.max_length}"
            )
        if architecture.get("tied_weights"):
            raise ValueError(
                "tied_weights are for classes that are tokens: leave it out. Received: "
                "tied_weights=True, tokens"
            )
        count = None if named is None else len(named)
        super().__init__(
            **architecture | {"num_classes": count, "num_values": num_values}
        )
        self.tokens = tokens
        self.num_values = num_values

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts raw inputs to arrays, and the targets of all steps to arrays.

        Raises:
            ValueError: If a row has not as many targets as steps, or one is no class.
        """
        rows, _ = self.raw.split(inputs)
        arrays = self.raw.encode(rows)
        if targets is None:
            return arrays, None
        found = [to_list(row) for row in self.match_targets(rows, targets, "targets")]
        lengths = self.raw.count_steps(rows, arrays)
        self._check_lengths(found, lengths)
        shape, real = arrays.shape[:2], np.arange(arrays.shape[1]) < lengths[:, None]
        flat = [one for row in found for one in row]
        if self.num_values is None:
            encoded = np.zeros(shape, "int32")
            encoded[real] = class_numbers(flat, self.classes)
        else:
            encoded = np.zeros((*shape, self.num_values), "float32")
            encoded[real] = check_values(flat, self.num_values, "steps")
        return arrays, encoded

    def _check_lengths(self, targets: list, lengths: np.ndarray) -> None:
        counts = iter(lengths.tolist())

        def find_problems(row: Any) -> list[Problem]:
            steps = next(counts)
            if not is_row(row):
                return [(TypeError, f"{shorten(row)} is not a list ({type_name(row)})")]
            if not steps:
                return [(ValueError, "nothing to answer")]
            if len(row) != steps:
                return [(ValueError, f"{len(row)} targets for {steps} steps")]
            return []

        expected = "targets must be lists of a target for each step."
        refuse_rows(targets, expected, find_problems, have_positions=False)

    def answer(self, inputs: Any) -> Any:
        """Answers each step of an input, or of each input of a batch, with a list."""
        return answer_rows(self, inputs)

    def to_answers(self, outputs: np.ndarray, lengths: np.ndarray) -> list:
        """Returns the names of classes, or the values, of the real steps of rows."""
        rows = super().to_answers(outputs, lengths)
        if self.num_values is not None:
            return rows
        return [[self.classes[number] for number in row] for row in rows]

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with padded answers of steps, in the graph.

        Returns:
            `labels`, `[batch, time]`, which are empty at padding, and their
            `probabilities`, `[batch, time]`; or `values`, `[batch, time, num_values]`;
            and `lengths`, `[batch]`, the numbers of real steps.
        """
        outputs = self(self.raw.parse(text), training=False)
        lengths = tf.cast(self.raw.count_in_graph(text), tf.int32)
        real = tf.sequence_mask(lengths, tf.shape(outputs)[1])
        if self.num_values is not None:
            kept = tf.where(real[..., None], outputs, 0.0)
            return {"values": kept, "lengths": lengths}
        classes = tf.constant([name.encode() for name in self.classes])
        names = tf.gather(classes, tf.argmax(outputs, axis=-1))
        shares = tf.reduce_max(tf.nn.softmax(outputs), axis=-1)
        return {
            "labels": tf.where(real, names, ""),
            "probabilities": tf.where(real, shares, 0.0),
            "lengths": lengths,
        }

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        rows, _ = self.raw.split(text)
        arrays = self.raw.encode(rows)
        outputs, lengths = self.run(arrays), self.raw.count_steps(rows, arrays)
        real = np.arange(outputs.shape[1]) < lengths[:, None]
        if self.num_values is not None:
            kept = np.where(real[..., None], outputs, np.float32(0))
            return {"values": kept, "lengths": lengths.astype("int32")}
        shares = np.exp(outputs - np.logaddexp.reduce(outputs, -1, keepdims=True))
        names = np.array([*self.classes, ""], object)
        numbers = np.where(real, outputs.argmax(axis=-1), len(self.classes))
        return {
            "labels": names[numbers],
            "probabilities": np.where(real, shares.max(axis=-1), 0).astype("float32"),
            "lengths": lengths.astype("int32"),
        }


def answer_rows(model: Any, inputs: Any) -> Any:
    """Returns the answer of a model to raw input, or those to a batch."""
    rows, is_batch = model.raw.split(inputs)
    if not rows:
        return []
    answers: list = [None] * len(rows)
    order = np.argsort([len(row) for row in rows], kind="stable")
    size = model.raw.batch_size
    for chosen in np.split(order, range(size, len(order), size)):
        batch = [rows[row] for row in chosen]
        arrays = model.raw.encode(batch)
        lengths = model.raw.count_steps(batch, arrays)
        found = model.to_answers(model.run(arrays), lengths)
        for row, answer in zip(chosen, found, strict=True):
            answers[row] = answer
    return answers if is_batch else answers[0]


def to_list(row: Any) -> Any:
    """Returns the targets of a row: a list, or what it was if it is none."""
    row = row.numpy() if hasattr(row, "numpy") else row
    if isinstance(row, (str, bytes)):
        return str(to_python(row)).split()
    if isinstance(row, np.ndarray) and row.ndim:
        return list(row)
    return list(row) if isinstance(row, (tuple, range)) else row


def check_values(targets: list, count: int, name: str = "rows") -> np.ndarray:
    """Returns targets as values `[rows, count]`, float32; names bad rows.

    Example:
        >>> from rnnzoo.models.any_tokens import check_values
        >>> check_values([1, 2.5], 1).tolist()
        [[1.0], [2.5]]
    """

    def find_problems(target: Any) -> list[Problem]:
        try:
            if isinstance(target, (str, bytes)):
                raise ValueError
            values = np.asarray(target, "float64")
        except (TypeError, ValueError):
            return [(TypeError, f"{shorten(target)} ({type_name(target)})")]
        if values.size != count:
            return [(ValueError, f"{values.size} values, not {count}")]
        if not (np.abs(values) <= np.finfo("float32").max).all():
            return [(ValueError, f"{shorten(target)} is not finite")]
        return []

    expected = f"targets must be finite numbers, {count} for each of the {name}."
    refuse_rows(targets, expected, find_problems, have_positions=False)
    return np.array(targets, "float32").reshape(len(targets), count)
