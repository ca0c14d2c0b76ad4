"""Checks of raw input, in Python and in the graph."""

from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.errors import shorten

PADDING = 0


def type_name(value: Any) -> str:
    """Names a value's type as people say it."""
    return "None" if value is None else type(value).__name__


def check_in_graph(value: Any, is_right: tf.Tensor, message: str) -> Any:
    """Returns a tensor, or stops the graph before anything is made of it.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import check_in_graph
        >>> int(check_in_graph(tf.constant(3), tf.constant(True), "It must be 3."))
        3
    """
    with tf.control_dependencies(
        [tf.debugging.Assert(tf.reduce_all(is_right), [message])]
    ):
        return tf.identity(value)


def is_row(value: Any) -> bool:
    """Whether a value is a sequence that can hold numbers."""
    return isinstance(value, (list, tuple, range, np.ndarray))


def is_surrogate(character: str) -> bool:
    """Tells whether a character is half of a surrogate pair, which UTF-8 has not."""
    return "\ud800" <= character <= "\udfff"


def check_texts(texts: Any, name: str = "texts") -> list[str]:
    """Returns a batch of texts as a list of Python strings.

    Args:
        texts: A list, tuple, array or tensor of strings (bytes are UTF-8).
        name: What messages call them.

    Raises:
        TypeError: If it is none of these, or holds something else; names every row.
    """
    if isinstance(texts, tf.Tensor):
        texts = texts.numpy()
    # Not np.ndim: it would make an array of a list, each text as long as the longest.
    if not is_row(texts) or (isinstance(texts, np.ndarray) and texts.ndim == 0):
        raise TypeError(
            f"{name} must be a list of strings. Received: {name}={shorten(texts)}"
        )
    problems = [
        f"  row {row}: {shorten(text)} ({type_name(text)})"
        for row, text in enumerate(texts)
        if not isinstance(text, (str, bytes))
    ]
    if problems:
        raise TypeError(
            f"{name} must be strings. Correct or remove {len(problems)} of "
            f"{len(texts)} rows (rows count from 0); nothing was answered. Received:\n"
            + "\n".join(problems)
        )
    return [
        text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        for text in texts
    ]


def to_utf8(text: str) -> bytes:
    """Returns a text's bytes; halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace")
