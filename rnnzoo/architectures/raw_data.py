"""Raw examples of every kind, as the arrays and data sets that Keras takes."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.architectures.checks import check_steps
from rnnzoo.architectures.row_weights import ClassWeights, reshape_weights
from rnnzoo.data.columns import to_rows
from rnnzoo.errors import shorten
from rnnzoo.tokens.reals import RealSteps
from rnnzoo.tokens.text import TextTokens

BATCH_SIZE = 32


class RawData:
    """Prepares the examples of one call of `fit`, `evaluate` or `predict`.

    As a context, it raises errors of examples that are encoded within a data set as
    they were: TensorFlow would wrap them in others.

    Args:
        model: The model.
        with_targets: Whether targets are needed.
        batch_size: Rows of a batch, of data sets that have none; `None` for 32.
        shuffle: Whether to shuffle the batches of a `keras.utils.PyDataset`.
    """

    def __init__(
        self,
        model: Any,
        with_targets: bool = True,
        batch_size: int | None = None,
        shuffle: Any = False,
    ):
        self.model, self.with_targets = model, with_targets
        self.batch_size, self.shuffle = batch_size or BATCH_SIZE, shuffle
        self.errors: list[Exception] = []

    def __enter__(self) -> "RawData":
        """Returns itself."""
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        """Raises the error of an example instead of TensorFlow's."""
        if isinstance(error, tf.errors.OpError) and self.errors:
            raise self.errors[0] from error

    def prepare(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: ClassWeights | None = None,
        encoded: bool = False,
    ) -> tuple:
        """Returns inputs, targets and weights for Keras.

        Args:
            x: Raw inputs in a list, array, column or iterator; or a data set, generator
                or `keras.utils.PyDataset` of batches `(x, y, sample_weight)`, raw or
                encoded; or a `tf.data.Dataset` of such examples.
            y: Raw targets.
            sample_weight: A weight per row `[rows]`, or per step `[rows, steps]`.
            class_weight: Weights of the classes.
            encoded: Whether `x` may be encoded already where it fits the model's input.
        """
        if isinstance(x, Iterator) and y is None:
            first = list(itertools.islice(x, 1))
            x = itertools.chain(first, x)
            # Rows of a tuple would be pairs, and those have targets.
            if isinstance(next(iter(first), None), (tuple, dict)):
                batches = x
                return self._read(lambda: batches, class_weight), None, sample_weight
        if isinstance(x, keras.utils.PyDataset):
            return self._read_indexed(x, class_weight), y, sample_weight
        if isinstance(x, tf.data.Dataset):
            return self._convert(x, class_weight), y, sample_weight
        if x is None or hasattr(x, "element_spec"):
            return x, y, sample_weight
        if not (encoded and is_encoded(self.model, x)):
            x = to_rows(x)
            if self.with_targets:
                y = self.model.complete_targets(x, y)
            x, y = self.model.encode(x, y if self.with_targets else None)
            check_steps(x)
        weights = reshape_weights(self.model, sample_weight, x, y)
        return x, y, class_weight(y, weights) if class_weight else weights

    def _prepare_batch(self, batch: Any, class_weight: ClassWeights | None) -> tuple:
        """Returns a batch as a tuple of two or three parts, or one without targets."""
        try:
            x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
            x, y, weight = self.prepare(x, y, weight, class_weight, encoded=True)
        except Exception as error:
            self.errors.append(error)
            raise
        if not self.with_targets or y is None:
            return (x,)
        return (x, y) if weight is None else (x, y, weight)

    def _read(self, batches: Any, class_weight: ClassWeights | None) -> tf.data.Dataset:
        """Returns the data set of an iterator's batches, which need not be encoded."""

        def read() -> Iterator[tuple]:
            for batch in batches():
                yield self._prepare_batch(batch, class_weight)

        encoded = read()
        first = next(encoded, None)
        if first is None:
            raise ValueError("There must be a batch at least. Received: none")
        signature = tf.nest.map_structure(
            lambda a: tf.TensorSpec(
                (None, None, *np.shape(a)[2:])[: np.ndim(a)], dtype_of(a)
            ),
            first,
        )
        parts = [itertools.chain([first], encoded)]
        data = tf.data.Dataset.from_generator(
            lambda: parts.pop() if parts else read(), output_signature=signature
        )
        return data.prefetch(2)

    def _read_indexed(self, data: Any, class_weight: ClassWeights | None) -> Any:
        count = data.num_batches
        if count and data.workers > 1 and class_weight is None:
            x, _, _ = keras.utils.unpack_x_y_sample_weight(data[0])
            if is_encoded(self.model, x):
                return data  # Keras reads it with that many workers

        def batches() -> Iterator[Any]:
            data.on_epoch_begin()
            places = itertools.count() if count is None else list(range(count))
            if self.shuffle and isinstance(places, list):
                random.shuffle(places)
            for place in places:
                yield data[place]
            data.on_epoch_end()

        found = self._read(batches, class_weight)
        if count is not None:
            found = found.apply(tf.data.experimental.assert_cardinality(count))
        return found

    def _convert(
        self, data: tf.data.Dataset, class_weight: ClassWeights | None
    ) -> tf.data.Dataset:
        """Returns a data set whose batches are encoded and weighted, in its graph."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data.element_spec)
        x = self._check_spec(x)
        if has_tokens(self.model) and not is_encoded(self.model, x):
            if self.with_targets and y is None:
                self.model.complete_targets((), None)  # or says that they are missing
            is_text = dtype_of(x) == tf.string
            if get_rank(x) == (0 if is_text else get_example_rank(self.model)):
                data = data.ragged_batch(self.batch_size)
            return data.map(
                lambda *batch: self._encode_in_graph(batch, weight, class_weight),
                num_parallel_calls=1,
            ).prefetch(2)
        if any(isinstance(s, tf.RaggedTensorSpec) for s in tf.nest.flatten((x, y))):
            data = data.map(lambda *batch: tf.nest.map_structure(self._pad, batch))
        if class_weight is None and weight is None:
            return data

        def weigh(*batch: Any) -> tuple:
            x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
            weight = reshape_weights(self.model, weight, x, y)
            return x, y, class_weight(y, weight) if class_weight else weight

        return data.map(weigh)

    def _encode_in_graph(
        self, batch: tuple, weight: Any, class_weight: ClassWeights | None
    ) -> tuple:
        specs = [keras.tree.map_structure(to_spec, self.model.input)]
        if self.with_targets:
            output, has_classes = self.model.output, self.model.has_classes
            specs.append(to_spec(output))
            if has_classes:
                specs[1] = tf.TensorSpec(output.shape[:-1], tf.int32)
            if weight is not None or class_weight is not None:
                places = (None,) * (len(output.shape) - 1)
                specs.append(tf.TensorSpec(places, keras.config.floatx()))
        flat = tf.nest.flatten(specs)

        def encode(*parts: Any) -> list:
            raw = tf.nest.pack_sequence_as(batch, parts)
            return tf.nest.flatten(self._prepare_batch(raw, class_weight))

        found = tf.py_function(
            encode, tf.nest.flatten(batch), [spec.dtype for spec in flat]
        )
        for part, spec in zip(found, flat, strict=True):
            part.set_shape(spec.shape)
        return tuple(tf.nest.pack_sequence_as(specs, found))

    def _check_spec(self, x: Any) -> Any:
        if (
            isinstance(x, dict)
            or isinstance(x, tf.TypeSpec)
            or not has_tokens(self.model)
        ):
            return x
        raise ValueError(
            "A data set must have tensors of raw examples, or batches that are encoded "
            f"by {type(self.model).__name__}.encode. Received: {shorten(x)}"
        )

    def _pad(self, part: Any) -> Any:
        if not isinstance(part, tf.RaggedTensor):
            return part
        value = self.model.arguments.get("padding_value") or 0
        return part.to_tensor(tf.cast(value, part.dtype))


def has_tokens(model: Any) -> bool:
    """Whether a model reads raw examples."""
    return hasattr(model, "tokens")


def is_raw(model: Any, x: Any) -> bool:
    """Whether inputs of a call are raw examples, and neither tensors nor arrays."""
    if not has_tokens(model) or isinstance(x, (dict, keras.KerasTensor)):
        return False
    if isinstance(x, tf.Tensor):
        return x.dtype == tf.string
    x = to_rows(x)
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "OUS"
    parts = keras.tree.flatten(x)
    if isinstance(model.tokens, TextTokens):
        return any(isinstance(part, (str, bytes)) for part in parts)
    is_list = isinstance(x, (list, tuple)) and not all(
        hasattr(part, "dtype") for part in parts
    )
    return is_list or isinstance(x, tf.RaggedTensor)


def is_encoded(model: Any, x: Any) -> bool:
    """Whether inputs, or their specifications, fit the input of a model's graph."""
    source = model.input
    if isinstance(source, dict):
        has_same = isinstance(x, dict) and {*x} == {*source}
        return has_same and all(_fits(x[name], source[name]) for name in source)
    if isinstance(x, (tf.RaggedTensor, tf.RaggedTensorSpec)) and has_tokens(model):
        # Ids of texts, or rows of numbers.
        return get_example_rank(model) == 0 and _fits(x, source)
    return _fits(x, source)


def get_example_rank(model: Any) -> int:
    """Returns the number of dimensions of a raw example that is no text in a string."""
    if isinstance(model.tokens, TextTokens):
        return 0
    is_real = isinstance(model.tokens, RealSteps)
    return 2 if is_real and model.tokens.features > 1 else 1


def _fits(array: Any, source: Any) -> bool:
    dtype = dtype_of(array)
    if dtype is None or not (dtype.is_floating or dtype.is_integer):
        return False
    rank = get_rank(array)
    if rank is None:
        return True
    last = array.shape[-1] if rank else None
    return rank == len(source.shape) and (
        rank < 3 or last is None or last == source.shape[-1]
    )


def dtype_of(array: Any) -> Any:
    """Returns the dtype of an array as TensorFlow's; `None` if it has none."""
    try:
        return tf.as_dtype(array.dtype)
    except (AttributeError, TypeError):
        return None


def get_rank(array: Any) -> int | None:
    """Returns the number of dimensions of an array or specification, if known."""
    return tf.TensorShape(array.shape).rank


def to_spec(tensor: Any) -> tf.TensorSpec:
    """Returns the specification of a Keras tensor."""
    return tf.TensorSpec(tensor.shape, tensor.dtype)
