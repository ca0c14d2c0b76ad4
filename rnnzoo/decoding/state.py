"""What decoding remembers of a text, and the strings that end it."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnnzoo.decoding.options import NO_STOPS, STOP_LIMIT, is_symbolic
from rnnzoo.tokens.checks import check_in_graph, check_texts


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


def encode_stops(tokens: Any, stop: Any) -> Any:
    """Converts strings that end a text to token ids.

    Returns:
        Token ids `[stops, STOP_LIMIT]`, int32, each at the end of its row, -1 before.

    Raises:
        ValueError: If one has more than `STOP_LIMIT` tokens.
    """
    if is_symbolic(stop):
        return align_stops(tokens(tf.reshape(stop, [-1]))[:, 1:])
    texts = check_texts([stop] if isinstance(stop, (str, bytes)) else stop, "stop")
    texts = [text for text in texts if text]
    return align_stops(tokens.encode(texts)[:, 1:]) if texts else NO_STOPS


def align_stops(ids: Any) -> tf.Tensor:
    """Moves stops `[stops, time]`, padded with 0, to the ends of rows."""
    lengths = tf.math.count_nonzero(ids, axis=1, dtype=tf.int32)
    message = f"A stop string must have at most {STOP_LIMIT} symbols."
    if is_symbolic(lengths):
        lengths = check_in_graph(lengths, lengths <= STOP_LIMIT, message)
    elif (longest := int(tf.reduce_max(lengths))) > STOP_LIMIT:
        raise ValueError(f"{message} Received: one of {longest}")
    return tf.boolean_mask(last_tokens(ids), lengths > 0)


def last_tokens(ids: Any) -> tf.Tensor:
    """Returns the last tokens `[rows, STOP_LIMIT]` of padded rows, -1 before them."""
    lengths = tf.math.count_nonzero(ids, axis=1, dtype=tf.int32)
    place = lengths[:, None] - STOP_LIMIT + tf.range(STOP_LIMIT)
    padded = tf.pad(ids, [[0, 0], [0, 1]])  # at least one column
    found = tf.gather(padded, tf.maximum(place, 0), batch_dims=1)
    return tf.where(place < 0, -1, found)


def match_stops(recent: Any, stops: Any) -> Any:
    """Returns whether each row ends with each stop, bool `[rows, stops]`."""
    same = tf.equal(stops, recent[:, None]) | (stops < 0)
    return tf.reduce_all(same, axis=2)


def remove_stops(ids: Any, stops: Any) -> Any:
    """Sets the longest stop at the end of each padded row to 0."""
    if stops.shape[0] == 0:
        return ids
    found = match_stops(last_tokens(ids), stops)
    sizes = tf.math.count_nonzero(stops >= 0, axis=1, dtype=tf.int32)
    cut = tf.maximum(tf.reduce_max(tf.where(found, sizes, 0), axis=1), 0)
    left = tf.math.count_nonzero(ids, axis=1, dtype=tf.int32) - cut
    return tf.where(tf.range(tf.shape(ids)[1]) < left[:, None], ids, 0)
