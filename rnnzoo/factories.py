"""The factories of the architectures: models of arrays, or of raw input with tokens."""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, cast

from rnnzoo.architectures.factory import builder, refuse_unknown
from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.many_to_one import ManyToOne
from rnnzoo.architectures.many_to_one_to_many import ManyToOneToMany
from rnnzoo.models.any_target_tokens import SequenceToSequence
from rnnzoo.models.any_tokens import (
    SequenceClassifier,
    SequenceRegressor,
    StepAnswerer,
)

TOKENS_HELP = """\
    tokens: What raw input is read with (`rnnzoo.tokens`), in place of
        `vocabulary_size` and `features`: the model then takes and answers raw
        input. One of texts (`Words`, `Characters`, `Bytes`, `Subwords`,
        `Whitespace`), `Numbers`, `Bits`, `RealSteps` or `ScaledSteps`.
"""
CLASSES_HELP = """\
    classes: With tokens: names of the classes, in place of `num_classes`.
"""
TARGET_HELP = """\
    target_tokens: With tokens: what the target is read and written with, by default
        `tokens`.
"""


def architecture_factory(
    model_class: type,
    name: str,
    choose: Callable[[dict], type],
    more: dict[str, str],
) -> Callable[..., Any]:
    """Creates the function that builds an architecture, of arrays or of raw input.

    Args:
        model_class: The class of models of arrays.
        name: The function's name.
        choose: Returns the class of models of raw input for the arguments given.
        more: Arguments of raw input, and their documentation.
    """
    make_plain: Any = builder(model_class, name)

    @functools.wraps(make_plain)
    def make(**given: Any) -> Any:
        if given.get("tokens") is not None:
            refuse_unknown(name, given, shown.__signature__)
            given = {key: value for key, value in given.items() if value is not None}
            return choose(given)(**given)
        extra = [key for key in more if given.pop(key, None) is not None]
        if extra:
            raise ValueError(
                f"{' and '.join(extra)} need tokens, which read raw input: give "
                "tokens, or num_classes for arrays. Received: tokens=None"
            )
        return make_plain(**given)

    plain, shown = inspect.signature(make_plain), cast(Any, make)
    added = [
        inspect.Parameter(
            key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any
        )
        for key in more
    ]
    parameters = [*added, *plain.parameters.values()]
    shown.__signature__ = plain.replace(parameters=parameters)
    shown.__doc__ = re.sub(
        r"(?<=\nArgs:\n)", lambda _: "".join(more.values()), make_plain.__doc__, count=1
    )
    shown.__module__ = __name__
    return shown


many_to_one = architecture_factory(
    ManyToOne,
    "many_to_one",
    lambda given: SequenceRegressor if "num_values" in given else SequenceClassifier,
    {"tokens": TOKENS_HELP, "classes": CLASSES_HELP},
)
many_to_many = architecture_factory(
    ManyToMany,
    "many_to_many",
    lambda given: StepAnswerer,
    {"tokens": TOKENS_HELP, "classes": CLASSES_HELP},
)
many_to_one_to_many = architecture_factory(
    ManyToOneToMany,
    "many_to_one_to_many",
    lambda given: SequenceToSequence,
    {"tokens": TOKENS_HELP, "target_tokens": TARGET_HELP},
)
