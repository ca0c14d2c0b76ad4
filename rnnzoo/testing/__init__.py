"""The contract that every model passes: `check_model` tries it on any model.

    >>> import rnnzoo
    >>> from rnnzoo.testing import CHECKS
    >>> CHECKS["check_padding_and_neighbours"].__doc__
    'Extra padding and the neighbours in a batch change no output.'

`answering` holds what is checked of answers, `learning` what is checked of training,
and `publishing` what is checked of factories, exports and weight files.
"""

import functools
import unittest
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rnnzoo.errors import closest
from rnnzoo.testing import answering, learning, publishing
from rnnzoo.testing.subject import GivenExamples, Subject
from rnnzoo.training.recipe import Recipe

__all__ = [
    "CHECKS",
    "SLOW",
    "GivenExamples",
    "Subject",
    "check_model",
    "run_check",
    "yield_checks",
]

CHECKS: dict[str, Callable[[Subject], None]] = {
    check.__name__: check
    for check in (*publishing.CHECKS, *answering.CHECKS, *learning.CHECKS)
}
# They start a process that imports TensorFlow, or train again and again.
SLOW = {
    "check_export_answers_as_python_does",
    "check_four_replicas",
    "check_resumed_at_other_steps",
}


def check_model(
    model: Any,
    examples: Any = None,
    *,
    factory: Callable | None = None,
    recipe: Recipe | None = None,
    skip: Sequence[str] = (),
    slow: bool = False,
) -> dict[str, str]:
    """Checks that a model keeps the contract of the zoo's models.

    Padding and neighbours change nothing, files give back what was saved, a step moves
    every weight, several devices train as one, an interrupted training goes on where it
    was, and so on: `CHECKS` has them all. No network, no GPU and no test framework is
    needed; it takes about a minute. Training is tried on small copies of the model.

    Args:
        model: A built model, or the factory or class that builds it. Also a model of
            your own, and one without tokens, such as `many_to_one` makes: what such a
            model cannot do is skipped.
        examples: Inputs and targets `(inputs, targets)`, eight or more; or an object
            with `batch(size, seed, index)`, such as `rnnzoo.data.synthetic.Sorting`. By
            default those of the recipe.
        factory: The function that builds the model, if `model` is built.
        recipe: A recipe that trains the model; by default one is made of the examples.
        skip: Names of checks to leave out.
        slow: Whether to make the checks of `SLOW` too, such as exporting: several
            minutes.

    Returns:
        For each check by name, an empty string, or the reason why it was skipped.

    Raises:
        AssertionError: If a check fails; says which, what was expected and what was
            received.
        ValueError: If there are fewer than eight examples, or no such check to skip.

    Example:
        >>> from rnnzoo import parity
        >>> from rnnzoo.data.synthetic import Parity
        >>> from rnnzoo.testing import CHECKS, check_model
        >>> few = ["check_config_round_trip", "check_padding_and_neighbours"]
        >>> others = [name for name in CHECKS if name not in few]
        >>> done = check_model(parity(), Parity(), skip=others)
        >>> done["check_padding_and_neighbours"]
        ''
    """
    subject = Subject(model, examples, factory=factory, recipe=recipe)
    for name in skip:
        if name not in CHECKS:
            raise ValueError(
                "skip must name checks of rnnzoo.testing.CHECKS."
                f"{closest(name, CHECKS)} Received: skip={name!r}"
            )
    done = dict.fromkeys(skip, "left out as asked")
    done |= {} if slow else {name: "slow: pass slow=True" for name in SLOW}
    for name, check in yield_checks(subject):
        if name in done:
            continue
        try:
            check()
            done[name] = ""
        except unittest.SkipTest as reason:
            done[name] = str(reason)
        except Exception as error:
            message = f"{subject.name} fails {name}: {CHECKS[name].__doc__}"
            message = f"{message.splitlines()[0]} {type(error).__name__}: {error}"
            raise AssertionError(message) from error
    return done


def yield_checks(subject: Subject) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yields the checks of a model one by one, for test frameworks.

    Args:
        subject: The model, its examples, factory and recipe.

    Returns:
        The name of each check, and a function that makes it. That raises
        `unittest.SkipTest`, which pytest knows too, if the model has not what it needs,
        and an error if the check fails.

    Example:
        >>> from rnnzoo import accumulator
        >>> from rnnzoo.testing import Subject, yield_checks
        >>> checks = dict(yield_checks(Subject(accumulator)))
        >>> checks["check_fixed_weights_answer_rightly"]()
    """
    for name in CHECKS:
        yield name, functools.partial(run_check, name, subject)


def run_check(name: str, subject: Subject) -> None:
    """Makes one check of a model.

    Args:
        name: One of `CHECKS`.
        subject: The model, its examples, factory and recipe.

    Raises:
        unittest.SkipTest: If the model has not what the check needs.
        AssertionError: If the check fails.

    Example:
        >>> from rnnzoo import accumulator
        >>> from rnnzoo.testing import Subject, run_check
        >>> run_check("check_config_round_trip", Subject(accumulator))
    """
    with warnings.catch_warnings():
        # Small copies read less of a text than the examples have, and say so.
        warnings.filterwarnings("ignore", ".* were read", UserWarning)
        # And odd input is unlike what a model was trained on.
        warnings.filterwarnings("ignore", ".* are unlike those", UserWarning)
        CHECKS[name](subject)
