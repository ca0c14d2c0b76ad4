"""Error messages: what was expected, how to fix it, what was received."""

import difflib
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any


def closest(name: str, choices: Iterable[str]) -> str:
    """Returns a sentence naming the choice most like `name`, or an empty string."""
    choices = list(choices)
    matches = difflib.get_close_matches(str(name), choices, n=1, cutoff=0.5)
    matches += [choice for choice in choices if name and choice.startswith(str(name))]
    return f" Did you mean {matches[0]!r}?" if matches else ""


def check_choice(argument: str, value: Any, choices: Iterable[str]) -> None:
    """Refuses a value that is none of the choices; a `ValueError` names the closest."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(
            f"{argument} must be one of {', '.join(map(repr, choices))}."
            f"{closest(value, choices)} Received: {argument}={value!r}"
        )


def check_number(
    argument: str,
    value: Any,
    *,
    minimum: float,
    below: float = float("inf"),
    maximum: float = float("inf"),
    whole: bool = False,
) -> None:
    """Refuses a value that is not a number in `[minimum, below)`, at most `maximum`.

    Raises `TypeError` (no number, or no integer where `whole`) or `ValueError`.
    """
    kind = "an integer" if whole else "a number"
    upper = "" if below == float("inf") else f" and below {below}"
    upper += "" if maximum == float("inf") else f" and at most {maximum}"
    expected = f"{argument} must be {kind} of at least {minimum}{upper}."
    number: Any = Integral if whole else Real
    if isinstance(value, bool) or not isinstance(value, number):
        raise TypeError(f"{expected} Received: {argument}={value!r}")
    if not minimum <= value < below or value > maximum:
        raise ValueError(f"{expected} Received: {argument}={value!r}")


def shorten(value: Any, write: Callable[[Any], str] = repr, limit: int = 80) -> str:
    """Returns a value's representation, cut to `limit` characters."""
    try:
        text = write(value)
    except ValueError:  # Python refuses to print integers of very many digits
        kind = "number" if isinstance(value, int) else type(value).__name__
        return f"a {kind} too long to print"
    return text if len(text) <= limit else text[: limit - 3] + "..."


class Interrupted(KeyboardInterrupt):
    """Training was stopped by `signal` and saved; the message says how to resume it."""

    def __init__(self, message: str, signal: int):
        super().__init__(message)
        self.signal = signal
