"""Answers: raw input or arrays in, names of classes or values out."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnnzoo.architectures.checks import check_ids
from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.data.columns import to_rows
from rnnzoo.errors import shorten
from rnnzoo.mixin import Mixin
from rnnzoo.tokens import Numbers, RealSteps
from rnnzoo.tokens.raw import RawInput, are_texts, make_raw_input

# Steps of the inputs that an export of a model without tokens is tried on.
SAMPLE_STEPS = 5


class ArrayAnswers(Mixin):
    """Mixed into all models: answers of what has no tokens, and raw input of any."""

    @functools.cached_property
    def raw(self) -> RawInput:
        """How raw input becomes arrays; that of `tokens`, or else of ids or values."""
        if hasattr(self, "tokens"):
            return make_raw_input(self.tokens)
        source = keras.tree.flatten(self.inputs)[0]
        if source.dtype != "int32":
            return make_raw_input(RealSteps(source.shape[-1]))
        size = self.get_layer("reader").vocabulary_size
        return make_raw_input(Numbers(1, max(size - 1, 1)))

    def answer(self, inputs: Any) -> Any:
        """Answers raw input with raw output; without tokens, arrays with arrays.

        Args:
            inputs: Raw input, or a batch of it. Without tokens: token ids
                `[batch, time]` or values `[batch, time, features]`, or one row of
                them; or numbers in a text, or a list of texts.

        Returns:
            Without tokens, for arrays: numbers of classes `[batch]`, or values
            `[batch, num_values]`, of each step `[batch, time, ...]` if there are steps;
            for texts, lists.

        Example:
            >>> from rnnzoo import many_to_one
            >>> model = many_to_one(vocabulary_size=9, num_classes=1, units=4)
            >>> model.answer([[5, 3, 0], [2, 0, 0]]).tolist(), model.answer("5 3")
            ([0, 0], 0)
        """
        if isinstance(inputs, str) or are_texts(inputs):
            rows, is_batch = self.raw.split(inputs)
            arrays = self.raw.encode(rows)
            lengths = self.raw.count_steps(rows, arrays)
            answers = self.to_answers(self.run(arrays), lengths)
            return answers if is_batch else answers[0]
        rank = len(keras.tree.flatten(self.inputs)[0].shape)
        arrays = np.asarray(to_rows(inputs))
        if arrays.ndim not in (rank - 1, rank) or arrays.dtype.kind not in "iuf":
            raise ValueError(
                f"{type(self).__name__} has no tokens, and answers arrays of numbers: "
                f"{rank} dimensions, or {rank - 1} for one row. Received: "
                f"{shorten(inputs)}"
            )
        is_batch = arrays.ndim == rank
        arrays = arrays if is_batch else arrays[None]
        check_ids(self, arrays)
        outputs = self.run(arrays)
        outputs = outputs.argmax(axis=-1) if self.has_classes else outputs
        return outputs if is_batch else outputs[0]

    def to_answers(self, outputs: np.ndarray, lengths: np.ndarray) -> list:
        """Returns the answer that each row of outputs is, of as many real steps."""
        found = outputs.argmax(axis=-1) if self.has_classes else outputs
        is_single = not self.has_classes and outputs.shape[-1] == 1
        found = found[..., 0] if is_single else found
        if outputs.ndim == 2:
            return found.tolist()
        return [row[:n].tolist() for row, n in zip(found, lengths, strict=True)]

    def run(self, arrays: np.ndarray) -> np.ndarray:
        """Returns the graph's outputs for arrays of any number of rows."""
        rows = self.raw.batch_size
        shape = (
            0,
            *arrays.shape[1 : len(self.output_shape) - 1],
            *self.output_shape[-1:],
        )
        parts = [np.zeros(shape, "float32")]
        for start in range(0, len(arrays), rows):
            batch = ops.convert_to_tensor(
                arrays[start : start + rows], self.inputs[0].dtype
            )
            parts.append(ops.convert_to_numpy(self._run(batch)))
        return np.concatenate(parts)

    @functools.cached_property
    def _run(self) -> Callable:
        if isinstance(self.input, dict):
            raise ValueError(
                f"{type(self).__name__} has an autoregressive decoder and no tokens: "
                "write answers with rnnzoo.decoding.decode_greedily, or build it with "
                f"tokens. Received: inputs {', '.join(self.input)}"
            )

        def run(inputs: Any) -> Any:
            return self(inputs, training=False)

        return compile_graph(run, (self.input_shape, self.inputs[0].dtype))

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with named tensors, or `InvalidArgumentError`."""
        raise NotImplementedError

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        return {"text": self.answer(text)}

    def sample_texts(self) -> list[str]:
        """Returns raw inputs as text, the first of them short, to try an export on."""
        return self.raw.sample_texts()

    def sample_inputs(self, rows: int) -> np.ndarray:
        """Returns what the reader takes for sample texts; random without tokens."""
        if hasattr(self, "tokens"):
            return self.tokens(tf.constant(self.sample_texts()[:rows])).numpy()
        random, source = np.random.default_rng(0), keras.tree.flatten(self.inputs)[0]
        if source.dtype != "int32":
            shape = (rows, SAMPLE_STEPS, source.shape[-1])
            return random.normal(size=shape).astype(source.dtype)
        size = getattr(self.get_layer("reader"), "vocabulary_size", 2)
        return random.integers(1, size, (rows, SAMPLE_STEPS), "int32")
