"""Many-to-many on bits: a bit per step out, sequences of any length in pieces."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.sequence_model import compile_graph
from rnnzoo.architectures.signature import Signature
from rnnzoo.layers.metrics import BitAccuracy


class ChunkedReader:
    """Mixed into models that read rows of any number and length in bounded memory.

    Rows of similar length are read together, a piece after the other: the state after
    one is the state before the next.
    """

    # Steps times rows that are encoded, and that are read, at a time.
    ENCODED, READ = 2**24, 2**20

    def groups(self, lengths: Sequence[int]) -> Iterator[np.ndarray]:
        """Yields the numbers of the rows to read together, the longest first.

        Args:
            lengths: The number of steps of every row.
        """
        lengths = np.asarray(lengths, "int64")
        order = np.argsort(-lengths, kind="stable")
        begin = 0
        while begin < len(order):
            size = max(1, self.ENCODED // max(1, lengths[order[begin]]))
            yield order[begin : begin + size]
            begin += size

    def read_in_chunks(
        self, source: np.ndarray, lengths: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """Yields the outputs `[rows, steps, values]` of one piece after another.

        Args:
            source: What the graph takes, `[rows, time, features]`.
            lengths: How many steps of each row to read, the longest first: pieces hold
                the rows only that have not ended. `None` for all steps of all rows.
        """
        state, begin = self.get_initial_state(len(source)), 0
        while begin < source.shape[1]:
            rows = len(source) if lengths is None else int(np.sum(lengths > begin))
            end = begin + max(1, self.READ // max(1, rows))
            state = [tensor[:rows] for tensor in state]
            piece, *state = self._read(source[:rows, begin:end], *state)
            yield ops.convert_to_numpy(piece)
            begin = end

    def get_initial_state(self, rows: int) -> list:
        """Returns the tensors `[rows, units]` of the state before the first step."""
        recurrence = self.get_layer("recurrence")
        return [
            ops.zeros((rows, recurrence.units), recurrence.compute_dtype)
            for _ in range(recurrence.num_layers * recurrence.states_per_layer)
        ]

    def read_chunk(self, inputs: Any, state: list) -> tuple[Any, list]:
        """Reads the next piece of each row.

        Args:
            inputs: `[batch, time, features]`.
            state: The state's tensors before the first step.

        Returns:
            Outputs `[batch, time, values]`, and the state after the last real step.
        """
        reader, recurrence = self.get_layer("reader"), self.get_layer("recurrence")
        count = recurrence.states_per_layer
        hidden, state = recurrence(
            reader(inputs),
            initial_state=[state[i : i + count] for i in range(0, len(state), count)],
            mask=reader.compute_mask(inputs),
        )
        return self.get_layer("head")(hidden), keras.tree.flatten(state)

    def signatures(self) -> dict[str, Signature]:
        """Adds reading in pieces to what every model's export can be called with."""
        stream = self.stream_signature(self.read_chunk, self.get_initial_state(1))
        return super().signatures() | {"stream": stream}

    @functools.cached_property
    def _read(self) -> Callable:
        """The compiled graph from a piece and a state to outputs and the next state."""

        def read(inputs: Any, *state: Any) -> tuple:
            outputs, state = self.read_chunk(inputs, list(state))
            return (outputs, *state)

        state = self.get_initial_state(1)
        dtype = keras.backend.standardize_dtype(state[0].dtype)
        shapes = [((None, tensor.shape[1]), dtype) for tensor in state]
        return compile_graph(
            read, ((None, None, self.input_shape[-1]), "float32"), *shapes
        )


class BitModel(ChunkedReader, ManyToMany):
    """Base of models that write a bit at every step: a logit, positive for 1."""

    def compile_with_defaults(self, optimizer: Any = "adam") -> None:
        """Compiles with cross-entropy and the share of bits that are right.

        Args:
            optimizer: What `keras.Model.compile` takes.
        """
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        self.compile(optimizer, loss, metrics=[BitAccuracy()])
        self.default_optimizer = id(self.optimizer) if optimizer == "adam" else None

    def smallest_margin(self, inputs: Any) -> float:
        """Returns how near to 0, where a bit flips, a logit comes at any real step.

        Args:
            inputs: A batch of raw inputs.

        Example:
            >>> from rnnzoo import adder
            >>> adder().smallest_margin([(5, 3), (2**20 - 1, 1)]) > 1
            True
        """
        source = self.encode(inputs)[0]
        smallest = float("inf")
        for group in self.groups([source.shape[1]] * len(source)):
            mask = self.get_layer("reader").compute_mask(source[group])
            logits = list(self.read_in_chunks(source[group]))
            sizes = np.abs(np.concatenate(logits, axis=1))[..., 0]
            if mask is not None:
                sizes = sizes[ops.convert_to_numpy(mask)]
            smallest = min(smallest, float(sizes.min()))
        return smallest
