"""What decoding remembers of a text."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf


class DecodingState(NamedTuple):
    """All that is kept of texts while they are read and written.

    Each array has a row per text; the state of a single text that `generate` returns
    has no first dimension. It can be pickled.

    Attributes:
        token: The last token, which the model has not read yet, int32 `[batch]`.
        state: The model's state before it reads that token.
        memory: What never changes while a text is written, such as an encoder's
            sequence; `()` if there is none.
        keys: Keys of the random numbers, uint64 `[batch]`; see `make_keys`.
        step: Number of tokens written, uint64 `[batch]`.
        recent: The tokens written last, int32 `[batch, STOP_LIMIT]`, -1 before them.
        seen: Which tokens have occurred, bool `[batch, vocabulary_size]`.
        ended: Whether the text has ended, bool `[batch]`.
    """

    token: Any
    state: Any
    memory: Any
    keys: Any
    step: Any
    recent: Any
    seen: Any
    ended: Any


def select_rows(state: DecodingState, rows: np.ndarray) -> DecodingState:
    """Returns the state of some rows, in increasing order."""
    if len(rows) == len(state.token):
        return state
    return tf.nest.map_structure(lambda array: np.asarray(array)[rows], state)


def replace_rows(
    state: DecodingState, rows: np.ndarray, part: DecodingState
) -> DecodingState:
    """Returns a state with that of some rows replaced."""

    def replace(array: Any, new: Any) -> np.ndarray:
        array = np.array(array)
        array[rows] = np.asarray(new)
        return array

    if len(rows) == len(state.token):
        return part
    return tf.nest.map_structure(replace, state, part)
