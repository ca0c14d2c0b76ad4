"""Checks of raw input, in Python and in the graph."""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.data.columns import is_missing, to_rows
from rnnzoo.errors import shorten

PADDING = 0
# More of anything fill the memory.
LONGEST = 10**8
# How many rows a message names, and how much it says of each.
LISTED, LINE = 10, 140
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
    is_list = isinstance(value, (list, tuple, range, np.ndarray))
    return is_list and getattr(value, "ndim", 1) > 0


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
    counted, mark = ("rows and positions", ",") if have_positions else ("rows", ":")
    kinds, lines, bad = set(), [], 0
    for index, row in enumerate(rows):
        wrong = find_problems(row)
        kinds |= {kind for kind, _ in wrong}
        bad += bool(wrong)
        if wrong and len(lines) < LISTED:
            text = shorten("; ".join(text for _, text in wrong), str, LINE)
            lines.append(f"  row {index}{mark} {text}")
    if not bad:
        return
    more = [f"  ... and {bad - len(lines)} more"] if bad > len(lines) else []
    raise (TypeError if TypeError in kinds else ValueError)(
        f"{expected} Correct or remove {bad} of {len(rows)} rows ({counted} count from "
        "0); nothing was answered. Received:\n" + "\n".join(lines + more)
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
        if len(problems) == LISTED:
            break
    return problems


def to_sequence(values: Any, name: str, expected: str) -> Any:
    """Returns a list, tuple or array of at least one dimension; a tensor as an array.

    Columns of data frames and iterators are lists then; else it is a `TypeError`.
    """
    values = values.numpy() if hasattr(values, "numpy") else to_rows(values)
    if not is_row(values):
        raise TypeError(
            f"{name} must be {expected}. Received: {name}={shorten(values)}"
        )
    if len(values) > LONGEST:
        raise ValueError(
            f"{name} must be {expected}, of at most {LONGEST}. Received: {len(values)}"
        )
    return values


def check_texts(texts: Any, name: str = "texts") -> list[str]:
    """Returns strings, or bytes of UTF-8, as a list of strings; or names bad rows."""
    texts = to_sequence(texts, name, "a list of strings")

    def find_problems(text: Any) -> list[Problem]:
        if isinstance(text, (str, bytes)):
            return []
        if is_missing(text):
            return [(TypeError, f"a missing value ({shorten(text)})")]
        return [(TypeError, f"{shorten(text)} ({type_name(text)})")]

    refuse_rows(texts, f"{name} must be strings.", find_problems, have_positions=False)
    return [
        text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        for text in texts
    ]


def to_utf8(text: str) -> bytes:
    """Returns a text's bytes; halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace")
