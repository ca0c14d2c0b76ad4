"""Many-to-many on bits: a bit per step out, sequences of any length in pieces."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.sequence_model import compiled
from rnnzoo.metrics import BitAccuracy


class PieceReader:
    """Mixed into models that read rows of any number and length in bounded memory.

    Rows of similar length are read together, at most `CELLS` steps at a time. A row of
    more steps is read in pieces: the state after one is the state before the next.
    They have `reader`, `recurrence` and `head` among their layers.
    """

    CELLS = 2**20  # steps times rows that are in memory at a time

    def groups(self, lengths: Sequence[int]) -> Iterator[np.ndarray]:
        """Yields the numbers of the rows to read together.

        Args:
            lengths: The number of steps of every row.
        """
        lengths = np.asarray(lengths, "int64")
        order = np.argsort(-lengths, kind="stable")
        begin = 0
        while begin < len(order):
            size = max(1, self.CELLS // max(1, lengths[order[begin]]))
            yield order[begin : begin + size]
            begin += size

    def read_in_pieces(self, source: np.ndarray) -> Iterator[np.ndarray]:
        """Yields the outputs `[rows, steps, values]` of one piece after another.

        Args:
            source: What the graph takes, `[rows, time, features]`.
        """
        steps = max(1, self.CELLS // max(1, len(source)))
        state = self.start_state(len(source))
        for begin in range(0, source.shape[1], steps):
            piece, *state = self._read(source[:, begin : begin + steps], *state)
            yield ops.convert_to_numpy(piece)

    def start_state(self, rows: int) -> list:
        """Returns the state's tensors `[rows, units]` before the first step."""
        recurrence = self.get_layer("recurrence")
        return [
            ops.zeros((rows, recurrence.units), recurrence.compute_dtype)
            for _ in range(recurrence.num_layers * recurrence.states_per_layer)
        ]

    def read(self, inputs: Any, state: list | None = None) -> tuple:
        """Reads a sequence, or the next piece of one.

        Args:
            inputs: `[batch, time, features]`.
            state: A list per layer of the tensors of its state before the first step;
                `None` for the initial one.

        Returns:
            Outputs `[batch, time, values]`, and the state after the last real step.
        """
        reader = self.get_layer("reader")
        hidden, state = self.get_layer("recurrence")(
            reader(inputs), initial_state=state, mask=reader.compute_mask(inputs)
        )
        return self.get_layer("head")(hidden), state

    @functools.cached_property
    def _read(self) -> Callable:
        """The compiled graph from a piece and a state to outputs and the next state."""
        states = self.start_state(1)
        per_layer = self.get_layer("recurrence").states_per_layer

        def read(inputs: Any, *flat: Any) -> tuple:
            layers = range(0, len(flat), per_layer)
            outputs, state = self.read(
                inputs, [flat[i : i + per_layer] for i in layers]
            )
            return (outputs, *keras.tree.flatten(state))

        dtype = keras.backend.standardize_dtype(states[0].dtype)
        shapes = [((None, state.shape[1]), dtype) for state in states]
        return compiled(read, ((None, None, self.input_shape[-1]), "float32"), *shapes)


class BitMachine(PieceReader, ManyToMany):
    """Base of models that write a bit at every step: a logit, positive for 1."""

    def compile_with_defaults(self, optimizer: Any = "adam") -> None:
        """Compiles with cross-entropy and the share of bits that are right.

        Args:
            optimizer: What `keras.Model.compile` takes.
        """
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        self.compile(optimizer, loss, metrics=[BitAccuracy()])
        self.default_optimizer = id(self.optimizer) if optimizer == "adam" else None
