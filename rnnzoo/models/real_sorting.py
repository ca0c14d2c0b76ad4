"""Sorting lists of real numbers."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.architectures.batching import group_by_length
from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.architectures.signature import Signature
from rnnzoo.errors import check_number, shorten
from rnnzoo.layers.bridge import StateBridge
from rnnzoo.layers.pointer import (
    NEVER,
    OrderAccuracy,
    OrderLoss,
    OrderMatch,
    PointerScores,
)
from rnnzoo.layers.reader import SequenceReader, sequence_input
from rnnzoo.layers.recurrence import CELLS, RecurrentStack
from rnnzoo.models.list_sorting import ROWS, STEPS, ListSorter, check_target_rows
from rnnzoo.tokens import RangeSteps, check_in_graph
from rnnzoo.tokens.numbers import split_in_graph
from rnnzoo.tokens.reals import parse_real, scale_to_range, split_words
from rnnzoo.tokens.text import join_words
from rnnzoo.weights import factory


@keras.saving.register_keras_serializable("rnnzoo")
class RealSorter(ListSorter, SequenceModel):
    """A model that sorts lists of real numbers, by pointing at them.

    A pointer network (Vinyals et al., 2015, arXiv:1506.03134; sorting: Vinyals et al.,
    "Order matters", 2016, arXiv:1511.06391): a bidirectional network reads the list; a
    second one starts from its final state, and at every step scores the numbers that
    have not been pointed at yet. So the answer has exactly the numbers of the list.
    Every list is scaled to its own range: negative, large and small numbers are alike.

    Numbers are compared as scaled 32-bit floats. Where two are too close, in relation
    to the range of their list, the model may be wrong, and its confidence says so.

    Shapes of the graph: scaled steps `[batch, time, 4]` of `rnnzoo.tokens.RangeSteps`,
    zeros = padding at the end, to scores `[batch, time, time + 1]` of the numbers, from
    1, at each step. `sort` and `answer` take and return numbers.

    Args:
        max_length: Maximum length of a list.
        units: Size of the decoder's state, and of each direction's of the encoder.
        num_layers: Layers in each of the two networks.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        temperature: By how much scores are divided to calculate the confidence.

    Example:
        >>> from rnnzoo import real_sorter
        >>> model = real_sorter(weights=None, max_length=8, units=16)
        >>> history = model.fit([[0.5, -1e6], [2.5, 2]], [[-1e6, 0.5], [2, 2.5]],
        ...                     verbose=0)
        >>> sorted(model.sort([0.25, -3, 0.5]))
        [-3, 0.25, 0.5]
    """

    KIND = "real numbers"

    def __init__(
        self,
        *,
        max_length: int = 32,
        units: int = 96,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.0,
        temperature: float = 1.0,
    ):
        check_number("max_length", max_length, minimum=1, whole=True)
        check_number("temperature", temperature, above=0)
        stack: dict[str, Any] = {
            "num_layers": num_layers,
            "cell": cell,
            "dropout": dropout,
            # Numbers must be remembered over the whole list.
            "chrono_steps": None if cell == "simple" else max(max_length, 2),
        }
        reader = SequenceReader(padding_value=0.0, name="reader")
        encoder = RecurrentStack(units, bidirectional=True, name="encoder", **stack)
        bridge = StateBridge(units, CELLS[cell][1], True, num_layers, name="bridge")
        decoder = RecurrentStack(units, name="decoder", **stack)

        source = sequence_input(RangeSteps.width, name="source")
        memory, state = encoder(reader(source), mask=reader.compute_mask(source))
        state = bridge(state)
        summary = state[-1][0]
        query, _ = decoder(summary, initial_state=state, length=source)
        scores = PointerScores(name="head")(query, memory, source)
        super().__init__(inputs=source, outputs=scores)
        self.tokens = RangeSteps()
        self.max_length, self.temperature = max_length, temperature
        self.set_targets(classes=True, padding=0)

    def choose_objective(self) -> tuple:
        """Returns the loss of an order, and its accuracy."""
        return OrderLoss(), [OrderAccuracy(), OrderMatch()]

    @staticmethod
    def to_number(value: Any) -> Any:
        """Returns a number of a list as it is."""
        return value

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts lists to steps, and sorted lists to the numbers of their places.

        Targets may have the numbers of each list in any order that is to be learned.
        """
        rows, *_ = self.split(inputs)
        arrays = self.tokens.check(rows, max_length=self.max_length)
        steps = self.tokens.encode_checked(arrays)
        if targets is None:
            return steps, None
        target_rows = check_target_rows(rows, self.split(targets, "targets")[0])
        wanted = self.tokens.check(target_rows, "targets", self.max_length)
        places, wrong = np.zeros(steps.shape[:2], "int32"), []
        for row, (given, answer) in enumerate(zip(arrays, wanted, strict=True)):
            given_order, order = (
                np.argsort(numbers[:, 0], kind="stable") for numbers in (given, answer)
            )
            if not np.array_equal(given[given_order], answer[order]):
                wrong.append(row)
            places[row, order] = given_order + 1
        if wrong:
            raise ValueError(
                "targets must hold the numbers of each list, in the order to learn. "
                f"Correct {len(wrong)} of {len(rows)} rows (they count from 0). "
                f"Received: in row {wrong[0]}, targets={shorten(target_rows[wrong[0]])}"
            )
        return steps, places

    def sort_rows(self, rows: Sequence, temperature: float) -> tuple[list, np.ndarray]:
        """Returns the sorted rows, and the confidence of each, `[rows]`."""
        arrays = self.tokens.check(rows, max_length=self.max_length)
        numbers, lengths = self.tokens.pad(arrays)
        orders, confidence = self._sort_numbers(numbers, lengths, temperature)
        answers = [
            row[order[: len(row)]]
            if isinstance(row, np.ndarray)
            else [row[place] for place in order[: len(row)]]
            for row, order in zip(rows, orders, strict=True)
        ]
        return answers, confidence

    def sort_texts(
        self, texts: list[str], temperature: float
    ) -> tuple[list[str], np.ndarray]:
        """Returns the words of texts in the order of their numbers, and confidence."""
        words = list(map(split_words, texts))
        rows = [list(map(parse_real, row)) for row in words]
        arrays = self.tokens.check(rows, max_length=self.max_length)
        numbers, lengths = self.tokens.pad(arrays)
        orders, confidence = self._sort_numbers(numbers, lengths, temperature)
        answers = [
            " ".join(row[place] for place in order[: len(row)])
            for row, order in zip(words, orders, strict=True)
        ]
        return answers, confidence

    def signatures(self) -> dict[str, Signature]:
        """Adds lists of numbers to what every model's export can be called with."""
        texts = self.sample_texts()
        rows = [list(map(float, text.split())) for text in texts]
        numbers, lengths = self.tokens.pad(self.tokens.check(rows))
        # LiteRT has no operators for 64 bits.
        numbers, lengths = numbers.astype("float32"), lengths.astype("int32")
        return super().signatures() | {
            "lists": Signature(
                graph=self._sort_lists,
                inputs={
                    "numbers": ((None, None), "float32"),
                    "lengths": ((None,), "int32"),
                },
                answers=self._answer_lists,
                examples=[
                    {
                        "numbers": numbers[:2, :5],
                        "lengths": lengths[:2].astype("int32"),
                    },
                    {"numbers": numbers, "lengths": lengths},
                ],
            )
        }

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        lengths = [5, 1, 3, 0, *random.integers(0, self.max_length + 1, 3)]
        rows = [random.normal(0, 100, min(n, self.max_length)) for n in lengths]
        return [" ".join(f"{value:.2f}" for value in row) for row in rows]

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        numbers = self.tokens.parse(text)
        words = numbers.with_values(split_in_graph(text).values)
        lengths = tf.cast(numbers.row_lengths(), tf.int32)
        order, confidence = self._sort_in_graph(
            numbers.to_tensor(), lengths, self.temperature
        )
        chosen = tf.gather(words.to_tensor(), order, batch_dims=1)
        real = tf.sequence_mask(lengths, tf.shape(order)[1])
        return {"text": join_words(chosen, real, " "), "confidence": confidence}

    def _sort_lists(self, numbers: Any, lengths: Any) -> dict:
        message = "Numbers must be finite, and lengths at most their number."
        lengths = check_in_graph(lengths, lengths >= 0, message)
        lengths = check_in_graph(lengths, lengths <= tf.shape(numbers)[1], message)
        numbers = check_in_graph(numbers, tf.math.is_finite(numbers), message)
        order, confidence = self._sort_in_graph(numbers, lengths, self.temperature)
        found = tf.gather(numbers, order, batch_dims=1)
        return {"sorted": found, "confidence": confidence}

    def _answer_lists(self, numbers: np.ndarray, lengths: np.ndarray) -> dict:
        orders, confidence = self._sort_numbers(numbers, lengths, self.temperature)
        found = np.take_along_axis(numbers, orders, axis=1)
        return {"sorted": found, "confidence": confidence}

    def _sort_numbers(
        self, numbers: np.ndarray, lengths: np.ndarray, temperature: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the places of sorted numbers `[rows, time]`; padding stays."""
        orders = np.tile(np.arange(numbers.shape[1]), (len(numbers), 1))
        confidence = np.zeros(len(numbers), "float32")
        for rows in group_by_length(lengths, max_steps=STEPS, max_rows=ROWS):
            length = lengths[rows[0]]
            order, sure = self._sort(
                numbers[rows, :length],
                lengths[rows].astype("int32"),
                np.float32(temperature),
            )
            orders[rows, :length] = keras.ops.convert_to_numpy(order)
            confidence[rows] = keras.ops.convert_to_numpy(sure)
        return orders, confidence

    @functools.cached_property
    def _sort(self) -> Callable:
        inputs = (((None, None), "float64"), ((None,), "int32"), ((), "float32"))
        return compile_graph(self._sort_in_graph, *inputs)

    def _sort_in_graph(self, numbers: Any, lengths: Any, temperature: Any) -> tuple:
        """Points at one number after the other.

        Returns the places of the sorted numbers, from 0, `[batch, time]` (those of
        padding stay), and the confidence of each list.
        """
        message = f"A list must have at most {self.max_length} numbers."
        lengths = check_in_graph(lengths, lengths <= self.max_length, message)
        count = tf.shape(numbers)[1]
        # Every list needs a number to read.
        padded = tf.pad(numbers, [[0, 0], [0, 1]])[:, : tf.maximum(count, 1)]
        real = tf.sequence_mask(tf.maximum(lengths, 1), tf.shape(padded)[1])
        steps = scale_to_range(padded, real)
        scores = self(tf.cast(steps, tf.float32), training=False)
        scores = scores[:, :count, 1 : count + 1] / temperature
        places = tf.range(count)

        def point(step: Any, met: Any, order: Any, logarithm: Any) -> tuple:
            left = tf.where(met, NEVER, scores[:, step])
            place = tf.argmax(left, axis=1, output_type=tf.int32)
            is_real = step < lengths
            chosen = places == place[:, None]
            # Equal numbers are equally right.
            value = tf.gather(numbers, place, batch_dims=1)
            equal = tf.where(numbers == value[:, None], left, NEVER)
            share = tf.reduce_logsumexp(equal, 1) - tf.reduce_logsumexp(left, 1)
            is_now = (places == step) & is_real[:, None]
            return (
                step + 1,
                met | chosen,
                tf.where(is_now, place[:, None], order),
                logarithm + tf.where(is_real, share, 0.0),
            )

        rows = tf.shape(numbers)[0]
        state = (
            0,
            tf.zeros((rows, count), tf.bool),
            tf.tile(places[None], (rows, 1)),
            tf.zeros(rows),
        )
        state = tf.while_loop(lambda step, *_: step < count, point, state)
        return state[2], tf.exp(state[3])


real_sorter = factory(RealSorter, "real_sorter", weights="reals_32")
