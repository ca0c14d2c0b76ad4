"""Strings that end a text, wherever they begin and end among its tokens."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rnnzoo.decoding.options import STOP_LIMIT, is_symbolic
from rnnzoo.tokens.checks import check_in_graph, check_texts, to_utf8
from rnnzoo.tokens.graphs import compile_for_python
from rnnzoo.tokens.text import join_words

# More bytes than any text has, with which two numbers are kept in one.
FAR = 2**31


def encode_stops(tokens: Any, stop: Any) -> Any:
    """Returns the strings that end a text as the model would write them, `[stops]`.

    Args:
        tokens: The model's tokens.
        stop: A string or several, in Python; a tensor in a graph.

    Raises:
        ValueError: If one may have more than `STOP_LIMIT` tokens.
    """
    if not is_symbolic(stop):
        texts = check_texts([stop] if isinstance(stop, (str, bytes)) else stop, "stop")
        stop = [to_utf8(text) for text in texts if text]
        if not stop:
            return tf.constant([], tf.string)
    stops = tf.reshape(tf.convert_to_tensor(stop, tf.string), [-1])
    stops = tokens.standardize(tf.boolean_mask(stops, tf.not_equal(stops, "")))
    sizes = tokens.count_at_most(stops)
    message = f"A stop string must have at most {STOP_LIMIT} symbols."
    if is_symbolic(stops):
        return check_in_graph(stops, sizes <= STOP_LIMIT, message)
    if (longest := int(tf.reduce_max(sizes))) > STOP_LIMIT:
        raise ValueError(f"{message} Received: one of {longest}")
    return stops


def find_stop(recent: Any, stops: Any, pieces: Any, separator: str) -> Any:
    """Returns whether a stop ends within what the last token adds, bool `[batch]`.

    Args:
        recent: The last tokens `[batch, STOP_LIMIT]`, -1 before them.
        stops: What `encode_stops` returned.
        pieces: What each token adds to a text, strings `[vocabulary_size]`.
        separator: What stands between two of them.
    """
    words = tf.gather(pieces, tf.maximum(recent, 0))
    texts = join_words(words, recent >= 0, separator)
    sizes = tf.strings.length(texts)
    added = tf.strings.length(words[:, -1]) + len(separator.encode())

    def find_another(found: Any, stop: Any) -> Any:
        begin = tf.maximum(sizes - added - tf.strings.length(stop) + 1, 0)
        rest = tf.strings.substr(texts, begin, sizes - begin)
        return found | (tf.strings.split(rest, stop).row_lengths() > 1)

    return tf.foldl(find_another, stops, tf.zeros_like(sizes, tf.bool))


def truncate_at_stop(texts: Any, stops: Any) -> Any:
    """Cuts strings `[batch]` before the stop that ends first: the longest of those."""
    sizes = tf.strings.length(texts)

    def find_earlier(best: Any, stop: Any) -> Any:
        parts = tf.strings.split(texts, stop)
        before = tf.strings.length(tf.gather(parts.values, parts.row_starts()))
        begin = tf.cast(before, tf.int64)
        end = begin + tf.cast(tf.strings.length(stop), tf.int64)
        found = tf.where(parts.row_lengths() > 1, end * FAR + begin, tf.int64.max)
        return tf.minimum(best, found)

    none = tf.fill(tf.shape(texts), tf.int64.max)
    # Of none, the remainder is more than any size.
    begin = tf.foldl(find_earlier, stops, none) % FAR
    kept = tf.minimum(tf.cast(begin, tf.int32), sizes)
    return tf.strings.substr(texts, tf.zeros_like(kept), kept)


_truncate = compile_for_python(
    truncate_at_stop,
    tf.TensorSpec((None,), tf.string),
    tf.TensorSpec((None,), tf.string),
)


def truncate_texts(texts: Sequence[str], stops: Any) -> list[str]:
    """Cuts Python strings as `truncate_at_stop`."""
    if not len(stops):
        return list(texts)
    found = _truncate(tf.constant([to_utf8(text) for text in texts], tf.string), stops)
    return [text.decode() for text in found.numpy()]


def count_partial_stop(text: str, stops: Any) -> int:
    """Returns how many characters at the end of a text may be the begin of a stop."""
    return max(
        (
            size
            for stop in map(
                bytes.decode, tf.convert_to_tensor(stops, tf.string).numpy()
            )
            for size in range(1, min(len(stop), len(text) + 1))
            if text.endswith(stop[:size])
        ),
        default=0,
    )
