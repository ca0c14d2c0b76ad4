"""Checks of raw input, in Python and in the graph."""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.errors import shorten

PADDING = 0
# The error that something in a row raises, and what is wrong with it.
Problem = tuple[type[Exception], str]


def type_name(value: Any) -> str:
    """Returns the name of a value's type; `None` is its own."""
    return "None" if value is None else type(value).__name__


def check_in_graph(value: Any, is_right: tf.Tensor, message: str) -> Any:
    """Returns a tensor whose use raises `InvalidArgumentError` unless all are right.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.tokens import check_in_graph
        >>> int(check_in_graph(tf.constant(3), tf.constant(True), "It must be 3."))
        3
    """
    check = tf.debugging.Assert(tf.reduce_all(is_right), [message])
    with tf.control_dependencies([check]):
        return tf.identity(value)


def is_row(value: Any) -> bool:
    """Whether a value is a sequence that can hold numbers."""
    return isinstance(value, (list, tuple, range, np.ndarray))


def refuse_rows(
    rows: Sequence | np.ndarray,
    expected: str,
    find_problems: Callable[[Any], list[Problem]],
    *,
    have_positions: bool = True,
) -> None:
    """Raises one error that names every bad row: `TypeError` if a type is wrong.

    Args:
        rows: The rows.
        expected: What they must be, a sentence.
        find_problems: Returns the problems of a row.
        have_positions: Whether the problems name positions within the row.
    """
    found = {i: wrong for i, row in enumerate(rows) if (wrong := find_problems(row))}
    if not found:
        return
    counted, mark = ("rows and positions", ",") if have_positions else ("rows", ":")
    lines = [
        f"  row {index}{mark} {'; '.join(text for _, text in wrong)}"
        for index, wrong in found.items()
    ]
    kinds = {kind for wrong in found.values() for kind, _ in wrong}
    raise (TypeError if TypeError in kinds else ValueError)(
        f"{expected} Correct or remove {len(found)} of {len(rows)} rows ({counted} "
        "count from 0); nothing was answered. Received:\n" + "\n".join(lines)
    )


def find_integer_problems(
    row: Any, find_range_problem: Callable[[Any], str | None]
) -> list[Problem]:
    """Returns the problems of a row of integers; a range problem is "is negative"."""
    if not is_row(row):
        return [(TypeError, f"{shorten(row)} is not a list ({type_name(row)})")]
    problems = []
    for position, value in enumerate(row):
        value = value.item() if isinstance(value, np.generic) else value
        kind, wrong = TypeError, None
        if is_row(value):
            wrong = "is nested too deep"
        elif isinstance(value, bool) or not isinstance(value, Integral):
            wrong = f"is not an integer ({type_name(value)})"
        else:
            kind, wrong = ValueError, find_range_problem(value)
        if wrong:
            problems.append((kind, f"position {position}: {shorten(value)} {wrong}"))
    return problems


def check_texts(texts: Any, name: str = "texts") -> list[str]:
    """Returns strings, or bytes of UTF-8, as a list of strings; or names bad rows."""
    if isinstance(texts, tf.Tensor):
        texts = texts.numpy()
    # np.ndim would copy a list to an array, with each text as long as the longest.
    if not is_row(texts) or (isinstance(texts, np.ndarray) and texts.ndim == 0):
        raise TypeError(
            f"{name} must be a list of strings. Received: {name}={shorten(texts)}"
        )

    def find_problems(text: Any) -> list[Problem]:
        if isinstance(text, (str, bytes)):
            return []
        return [(TypeError, f"{shorten(text)} ({type_name(text)})")]

    refuse_rows(texts, f"{name} must be strings.", find_problems, have_positions=False)
    return [
        text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        for text in texts
    ]


def to_utf8(text: str) -> bytes:
    """Returns a text's bytes; halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace")
