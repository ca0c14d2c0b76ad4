"""Error messages: what was expected, how to fix it, what was received."""

import contextlib
import difflib
from collections.abc import Callable, Iterable, Iterator
from numbers import Integral, Real
from typing import Any

# The largest integer that a graph holds: 32 bits.
LARGEST = 2**31 - 1
# How deep `shorten` looks, and how many bytes of an array it writes.
DEPTH, ARRAY_BYTES = 20, 10_000
BRACKETS = {list: "[]", tuple: "()", set: "{}", dict: "{}"}


def closest(name: str, choices: Iterable[str]) -> str:
    """Returns a sentence naming the choice most like `name`, or an empty string."""
    choices, name = list(choices), shorten(name, str)
    matches = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    matches += [choice for choice in choices if name and choice.startswith(name)]
    return f" Did you mean {matches[0]!r}?" if matches else ""


def check_choice(argument: str, value: Any, choices: Iterable[str]) -> None:
    """Refuses a value that is none of the choices; a `ValueError` names the closest."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{argument} must be one of {', '.join(map(repr, choices))}."
            f"{closest(value, choices)} Received: {argument}={shorten(value)}"
        )


def check_number(
    argument: str,
    value: Any,
    *,
    minimum: float = float("-inf"),
    above: float = float("-inf"),
    below: float = float("inf"),
    maximum: float = float("inf"),
    whole: bool = False,
) -> None:
    """Refuses a value that is not a number in `[minimum, below)`, at most `maximum`.

    It must also be larger than `above`; NaN and infinity are in no range. An integer is
    at most `LARGEST` if there is no other limit. Raises `TypeError` (no number, or no
    integer where `whole`) or `ValueError`.
    """
    number: Any = Integral if whole else Real
    is_number = isinstance(value, number) and not isinstance(value, bool)
    if whole and below == maximum:  # both infinite
        maximum = LARGEST
    if is_number and minimum <= value < below and above < value <= maximum:
        return
    kind = "an integer" if whole else "a number"
    upper = "" if below == float("inf") else f" and below {below}"
    if maximum < LARGEST or (is_number and LARGEST <= maximum < value):
        upper += f" and at most {maximum}"
    lower = f" of at least {minimum}" if minimum > above else f" above {above}"
    lower = ", and finite" if minimum == above else lower
    raise (ValueError if is_number else TypeError)(
        f"{argument} must be {kind}{lower}{upper}. Received: "
        f"{argument}={shorten(value)}"
    )


def shorten(value: Any, write: Callable[[Any], str] = repr, limit: int = 80) -> str:
    """Returns a value's representation, cut to `limit` characters.

    By default no more of it is written than that, however large, deep or recursive the
    value is.
    """
    try:
        text = ""
        for part in _write(value, limit) if write is repr else [write(value)]:
            text += part
            if len(text) > limit:
                return text[: limit - 3] + "..."
        return text
    except ValueError:  # Python refuses to print integers of very many digits
        kind = "number" if isinstance(value, int) else type(value).__name__
        return f"a {kind} too long to print"
    except Exception:  # whatever its own `__repr__` raises, and recursion
        return f"a {type(value).__name__} that cannot be printed"


def _write(value: Any, limit: int, depth: int = 0) -> Iterator[str]:
    """Yields the representation of a value in parts, each bounded."""
    if (brackets := BRACKETS.get(type(value))) and depth == DEPTH:
        yield "...".join(brackets)
    elif brackets:
        yield brackets[0]
        for index, one in enumerate(value):
            yield ", " if index else ""
            yield from _write(one, limit, depth + 1)
            if isinstance(value, dict):
                yield ": "
                yield from _write(value[one], limit, depth + 1)
        yield ("," if isinstance(value, tuple) and len(value) == 1 else "") + brackets[
            1
        ]
    elif isinstance(value, (str, bytes, bytearray)):
        yield repr(value[: limit + 1])
    elif hasattr(value, "dtype") and hasattr(value, "tolist") and value.dtype == object:
        yield "array("
        yield from _write(value.tolist(), limit, depth + 1)
        yield ")"
    elif getattr(value, "nbytes", 0) > ARRAY_BYTES:
        yield f"{type(value).__name__} of shape {tuple(value.shape)}"
    else:
        yield repr(value)


@contextlib.contextmanager
def explain_missing_backend() -> Iterator[None]:
    """Says what to do where Keras is to use a backend that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in ("jax", "torch", "openvino"):
            raise
        raise ImportError(
            "KERAS_BACKEND or ~/.keras/keras.json asks for a backend of Keras that is "
            "not installed: install it, or set KERAS_BACKEND=tensorflow. Received: no "
            f"module {error.name!r}"
        ) from error


class Interrupted(KeyboardInterrupt):
    """Training was stopped by `signal` and saved; the message says how to resume it."""

    def __init__(self, message: str, signal: int):
        super().__init__(message)
        self.signal = signal
