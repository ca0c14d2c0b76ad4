"""Many-to-many on bits: a bit per step out, sequences of any length in chunks."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.batching import group_by_length
from rnnzoo.architectures.graphs import compile_graph, get_state_spec
from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.signature import Signature
from rnnzoo.layers.metrics import BitAccuracy
from rnnzoo.mixin import Mixin


class ChunkedReader(Mixin):
    """Mixed into models that read rows of any number and length in bounded memory.

    They have a layer "recurrence", and `read(inputs, state)`, as `ManyToMany`.
    """

    # Steps times rows that are encoded, and that are read, at a time.
    ENCODED, READ = 2**24, 2**20

    def group_rows(self, lengths: Sequence[int] | np.ndarray) -> Iterator[np.ndarray]:
        """Yields the indices of rows to encode together."""
        return group_by_length(lengths, self.ENCODED)

    def read_in_chunks(self, source: np.ndarray) -> np.ndarray:
        """Returns outputs `[rows, time, n]` of a source `[rows, time, features]`."""
        lengths = np.full(len(source), source.shape[1])
        outputs = [outputs for _, outputs, _ in self._read_chunks(source, lengths)]
        return np.concatenate(outputs or [np.zeros((len(source), 0, 1))], axis=1)

    def read_to_end(self, source: np.ndarray, lengths: np.ndarray) -> tuple:
        """Returns outputs `[rows, values]` and the state after each row's last step.

        Rows `[rows, time, features]` have `lengths` of at least 1, the longest first.
        """
        last = np.zeros((len(source), self.output_shape[-1]), "float32")
        state = None
        for begin, outputs, after in self._read_chunks(source, lengths):
            at = lengths[: len(outputs)] - 1 - begin
            ends = np.flatnonzero(at < outputs.shape[1])
            last[ends], state = outputs[ends, at[ends]], after
        return last, state

    def _read_chunks(self, source: np.ndarray, lengths: np.ndarray) -> Iterator[tuple]:
        """Yields where a chunk begins, its outputs, and the state of all rows after."""
        initial = self.get_initial_state(len(source))
        state, begin = keras.tree.flatten(initial), 0
        while begin < source.shape[1]:
            rows = int(np.sum(lengths > begin))
            end = begin + max(1, self.READ // rows)
            before = keras.tree.pack_sequence_as(initial, [s[:rows] for s in state])
            outputs, after = self._read(source[:rows, begin:end], before)
            state = [
                ops.concatenate([new, old[rows:]])
                for new, old in zip(keras.tree.flatten(after), state, strict=True)
            ]
            outputs = ops.convert_to_numpy(outputs)
            yield begin, outputs, keras.tree.pack_sequence_as(initial, state)
            begin = end

    def get_initial_state(self, rows: int) -> list:
        """Returns the initial state for `rows` sequences."""
        return self.get_layer("recurrence").get_initial_state(rows)

    def signatures(self) -> dict[str, Signature]:
        """Adds reading in chunks to what every model's export can be called with."""
        stream = self.stream_signature(self.read, self.get_initial_state(1))
        return super().signatures() | {"stream": stream}

    @functools.cached_property
    def _read(self) -> Callable:
        inputs = ((None, None, self.input_shape[-1]), "float32")
        state = get_state_spec(self.get_initial_state(1))
        return compile_graph(lambda *both: self.read(*both), inputs, state)


class BitModel(ChunkedReader, ManyToMany):
    """Base of models that write a bit at every step: a logit, positive for 1."""

    def choose_objective(self) -> tuple:
        """Returns cross-entropy, and the fraction of bits that are right."""
        return keras.losses.BinaryCrossentropy(from_logits=True), [BitAccuracy()]

    def smallest_margin(self, inputs: Any) -> float:
        """Returns how near to 0, where a bit flips, a logit of raw inputs comes.

        Example:
            >>> from rnnzoo import adder
            >>> adder().smallest_margin([(5, 3), (2**20 - 1, 1)]) > 1
            True
        """
        source = self.encode(inputs)[0]
        smallest = float("inf")
        for group in self.group_rows([source.shape[1]] * len(source)):
            mask = self.get_layer("reader").compute_mask(source[group])
            sizes = np.abs(self.read_in_chunks(source[group]))[..., 0]
            if mask is not None:
                sizes = sizes[ops.convert_to_numpy(mask)]
            smallest = min(smallest, float(sizes.min()))
        return smallest
