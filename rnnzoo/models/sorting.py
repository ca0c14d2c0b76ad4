"""Sorting lists of integers."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.batching import group_by_length
from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.architectures.many_to_one_to_many import ManyToOneToMany
from rnnzoo.architectures.signature import Signature
from rnnzoo.errors import check_number
from rnnzoo.models.list_sorting import (
    NO_PERMUTATION,
    ROWS,
    STEPS,
    ListSorter,
    check_target_rows,
)
from rnnzoo.tokens import Numbers, check_in_graph, parse_numbers
from rnnzoo.weights import factory


@keras.saving.register_keras_serializable("rnnzoo")
class Sorter(ListSorter, ManyToOneToMany):
    """A model that sorts lists of integers.

    An encoder reads the list into one vector of `units` numbers; a decoder gets that
    vector at every step, and outputs the list in increasing order (J.-M. Albert,
    "Recurrent neural networks", lecture, section 5.3).

    Shapes of the graph: token ids `[batch, time]`, 0 = padding at the end, to logits
    `[batch, time, max_value + 1]`. `sort` and `answer` take and return numbers.

    Args:
        max_value: Numbers are from 1 to this.
        max_length: Maximum length of a list.
        embedding_dim: Size of the embeddings of numbers.
        units: Size of each network's state.
        num_layers: Layers in each of the two networks.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        temperature: By how much logits are divided to calculate the confidence.

    Example:
        >>> from rnnzoo import sorter
        >>> sorter().sort([31, 4, 15, 9, 26])
        [4, 9, 15, 26, 31]
        >>> model = sorter(weights=None, max_value=64, max_length=8, units=16)
        >>> history = model.fit([[64, 1], [5, 5]], [[1, 64], [5, 5]], verbose=0)
    """

    def __init__(
        self,
        *,
        max_value: int = 32,
        max_length: int = 32,
        embedding_dim: int = 64,
        units: int = 192,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.0,
        temperature: float = 1.0,
    ):
        check_number("temperature", temperature, above=0)
        check_number("max_value", max_value, minimum=1, whole=True)
        check_number("max_length", max_length, minimum=1, whole=True)
        tokens = Numbers(1, max_value)
        super().__init__(
            vocabulary_size=tokens.vocabulary_size,
            target_vocabulary_size=tokens.vocabulary_size,
            embedding_dim=embedding_dim,
            units=units,
            num_layers=num_layers,
            cell=cell,
            dropout=dropout,
            # Numbers must be remembered over the whole list.
            chrono_steps=None if cell == "simple" else max(max_length, 2),
        )
        self.tokens = tokens
        self.max_length, self.temperature = max_length, temperature

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts lists, and sorted lists, to token ids `[batch, time]`, int32."""
        rows, *_ = self.split(inputs)
        ids = self.tokens.encode(rows, self.max_length)
        if targets is None:
            return ids, None
        target_rows = check_target_rows(rows, self.split(targets, "targets")[0])
        return ids, self.tokens.encode(target_rows, self.max_length, name="targets")

    def sort_rows(self, rows: Sequence, temperature: float) -> tuple[list, np.ndarray]:
        """Returns the sorted rows, and the confidence of each, `[rows]`."""
        # Checked as one, so that a bad row is found before anything is sorted.
        ids, confidence = self._sort_tokens(
            self.tokens.encode(rows, self.max_length), temperature
        )
        answers = self.tokens.decode(ids)
        return [answers[i, : len(row)] for i, row in enumerate(rows)], confidence

    def sort_texts(
        self, texts: list[str], temperature: float
    ) -> tuple[list[str], np.ndarray]:
        """Returns texts of the sorted numbers of texts, and the confidence of each."""
        answers, confidence = self.sort_rows(
            [parse_numbers(text) for text in texts], temperature
        )
        return [" ".join(map(str, answer)) for answer in answers], confidence

    def signatures(self) -> dict[str, Signature]:
        """Adds lists of integers to what every model's export can be called with."""
        lists = [parse_numbers(text) for text in self.sample_texts()]
        rows = self.tokens.decode(self.tokens.encode(lists)).astype("int64")
        return super().signatures() | {
            "lists": Signature(
                graph=self._sort_lists,
                inputs={"numbers": ((None, None), "int64")},
                answers=self._answer_lists,
                examples=[{"numbers": rows[:2, :5]}, {"numbers": rows}],
            )
        }

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        lengths = [5, 1, *random.integers(0, self.max_length + 1, 6), self.max_length]
        highest = self.tokens.maximum + 1
        rows = [random.integers(1, highest, min(n, self.max_length)) for n in lengths]
        return [" ".join(map(str, row)) for row in rows]

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        answers, confidence = self._sort_in_graph(self.tokens(text), self.temperature)
        return {"text": self.tokens.format(answers), "confidence": confidence}

    def _sort_lists(self, numbers: Any) -> dict:
        import tensorflow as tf

        real = tf.not_equal(numbers, 0)
        highest = self.tokens.maximum
        message = f"Numbers must be from 1 to {highest}; 0 may fill the end of a list."
        in_range = (numbers >= 0) & (numbers <= highest)
        numbers = check_in_graph(numbers, in_range, message)
        numbers = check_in_graph(numbers, real[:, :-1] | ~real[:, 1:], message)
        ids = tf.cast(numbers, tf.int32)
        answers, confidence = self._sort_in_graph(ids, self.temperature)
        return {"sorted": tf.cast(answers, tf.int64), "confidence": confidence}

    def _answer_lists(self, numbers: np.ndarray) -> dict:
        # The tokens of the numbers from 1 on are the numbers.
        answers, confidence = self._sort_tokens(numbers, self.temperature)
        return {"sorted": answers, "confidence": confidence}

    def _sort_tokens(
        self, ids: np.ndarray, temperature: float
    ) -> tuple[np.ndarray, np.ndarray]:
        answers, lengths = np.zeros_like(ids), np.count_nonzero(ids, axis=1)
        confidence = np.zeros(len(ids), "float32")
        for rows in group_by_length(lengths, max_steps=STEPS, max_rows=ROWS):
            length = lengths[rows[0]]
            found, sure = self._sort(
                ids[rows, :length].astype("int32"), np.float32(temperature)
            )
            answers[rows, :length] = keras.ops.convert_to_numpy(found)
            confidence[rows] = keras.ops.convert_to_numpy(sure)
        return answers, confidence

    @functools.cached_property
    def _sort(self) -> Callable:
        inputs = (((None, None), "int32"), ((), "float32"))
        return compile_graph(self._sort_in_graph, *inputs)

    def _sort_in_graph(self, ids: Any, temperature: Any) -> tuple:
        """Returns sorted ids `[batch, time]`, and the confidence of each list."""
        import tensorflow as tf

        real = tf.not_equal(ids, 0)
        lengths = tf.math.count_nonzero(real, axis=1, dtype=tf.int32)
        message = f"A list must have at most {self.max_length} numbers."
        ids = check_in_graph(ids, lengths <= self.max_length, message)
        # Every list needs a number to read.
        source = tf.pad(ids, [[0, 0], [0, 1]])[:, : tf.maximum(tf.shape(ids)[1], 1)]
        source = tf.concat([tf.maximum(source[:, :1], 1), source[:, 1:]], axis=1)
        logits = self(source, training=False)[:, : tf.shape(ids)[1], 1:]
        answers = tf.argmax(logits, axis=-1, output_type=tf.int32) + 1
        answers = tf.where(real, answers, 0)
        # The probability that every step is right.
        logits = logits / temperature
        surest = tf.reduce_max(logits, axis=-1) - tf.reduce_logsumexp(logits, axis=-1)
        confidence = tf.exp(tf.reduce_sum(tf.where(real, surest, 0.0), axis=1))
        is_permutation = tf.reduce_all(tf.sort(ids) == tf.sort(answers), axis=1)
        lowest = tf.minimum(confidence, NO_PERMUTATION)
        return answers, tf.where(is_permutation, confidence, lowest)


sorter = factory(Sorter, "sorter", weights="integers_32")
