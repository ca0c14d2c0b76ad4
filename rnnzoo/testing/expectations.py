"""What checks are written with: they expect, and say what was received."""

import contextlib
import unittest
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnnzoo.errors import shorten


def expect(condition: Any, message: str, received: Any) -> None:
    """Fails a check unless a condition holds.

    Args:
        condition: What must be true.
        message: What was expected and, where that helps, how to fix it.
        received: What came instead.

    Raises:
        AssertionError: If it is false.
    """
    if not condition:
        text = received if isinstance(received, str) else shorten(received, limit=300)
        raise AssertionError(f"{message} Received: {text}")


def expect_close(
    received: Any, expected: Any, message: str, **tolerance: float
) -> None:
    """Fails a check unless arrays are equal but for `atol` and `rtol`."""
    received, expected = np.asarray(received), np.asarray(expected)
    expect(
        received.shape == expected.shape,
        message,
        f"shape {received.shape} in place of {expected.shape}",
    )
    wrong = ~np.isclose(received, expected, **{"rtol": 0, "atol": 0, **tolerance})
    if np.any(wrong):
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{message} Received: {received[place]} in place of {expected[place]} at "
            f"{place}, and {np.sum(wrong) - 1} other differences"
        )


def expect_same(received: Any, expected: Any, message: str) -> None:
    """Fails a check unless two answers are equal, whatever they are made of."""
    expect(
        is_same(received, expected),
        message,
        f"{shorten(received, limit=200)} in place of {shorten(expected, limit=200)}",
    )


def is_same(one: Any, other: Any) -> bool:
    """Tells whether two answers are equal; real numbers may differ a little."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            is_same(one[key], other[key]) for key in one
        )
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
        if one.dtype.kind == "f" and one.shape == other.shape:
            return np.allclose(one, other, rtol=1e-4, atol=1e-4)
        return np.array_equal(one, other)
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-4, atol=1e-4))
    return bool(one == other)


@contextlib.contextmanager
def expect_raises(kind: type[Exception], *parts: str) -> Iterator[None]:
    """Fails a check unless the block raises an error with a sentence.

    Args:
        kind: The error's class.
        parts: The whole sentence; or several parts of it, in any order.
    """
    try:
        yield
    except kind as error:
        found = str(error)
        right = found == parts[0] if len(parts) == 1 else all(p in found for p in parts)
        expect(right, f"The error should say {' ... '.join(parts)!r}.", found)
    else:
        raise AssertionError(
            f"A {kind.__name__} should be raised that says {' ... '.join(parts)!r}. "
            "Received: no error"
        )


def require(condition: Any, reason: str) -> None:
    """Skips a check unless the model has what the check needs.

    Raises:
        unittest.SkipTest: With the reason; pytest reports it as a skipped test.
    """
    if not condition:
        raise unittest.SkipTest(reason)
