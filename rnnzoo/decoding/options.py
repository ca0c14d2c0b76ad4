"""The options of decoding: names, types, defaults, ranges and documentation."""

import dataclasses
import inspect
import math
import re
import textwrap
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import tensorflow as tf

from rnnzoo.errors import check_number, closest
from rnnzoo.tokens.checks import check_in_graph

# Tokens that are remembered to find stop strings in.
STOP_LIMIT = 64
# Options that only a beam search has.
BEAM_OPTIONS = ("beam_width", "n_best", "length_penalty")


def _option(
    default: Any,
    dtype: str,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    is_sampling: bool = False,
) -> Any:
    metadata = {"dtype": dtype, "minimum": minimum, "maximum": maximum}
    metadata["is_sampling"] = is_sampling
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecodingOptions:
    """How a model decodes: sampling, greedy or beam search, and when it stops.

    Inside a graph, as in an export, numbers and `stop` may be scalar tensors; one that
    is out of range then stops the graph with `InvalidArgumentError`.

    Args:
        max_length: Maximum number of tokens to write; `None` for half of the model's
            `max_length`.
        temperature: Divisor of the logits: below 1 likely tokens become likelier, above
            1 less so; 0 for greedy decoding.
        top_k: Samples from the `top_k` most likely tokens (Fan et al., 2018,
            arXiv:1805.04833); 0 disables it.
        top_p: Samples from the fewest most likely tokens whose probabilities sum to
            `top_p` (Holtzman et al., 2020, arXiv:1904.09751); 1 disables it.
        beam_width: Beam search with this many hypotheses; sampling options are ignored.
            0 for sampling.
        n_best: With a beam, how many texts to return, each with its score.
        repetition_penalty: Above 1, tokens that occurred become less likely: positive
            logits are divided by it, negative ones multiplied (Keskar et al., 2019,
            arXiv:1909.05858).
        length_penalty: With a beam, a text's score is its log-probability over its
            length to this power: 0 prefers short texts (Wu et al., 2016,
            arXiv:1609.08144).
        stop: A string that ends the text where it first appears, also within a word or
            a token, and is not part of it; in Python, also several strings.
        seed: Random seed; `None` for a new one each time, from NumPy's global
            generator.

    Raises:
        TypeError, ValueError: If an option has the wrong type or is out of its range.

    Example:
        >>> from rnnzoo.decoding import DecodingOptions
        >>> options = DecodingOptions(top_k=5, seed=1)
        >>> options.replace(top_k=0).seed
        1
        >>> DecodingOptions(top_p=2)
        Traceback (most recent call last):
        ValueError: top_p must be a number of at least 0 and at most 1. Received:
        top_p=2
    """

    max_length: int | None = _option(200, "int32", 0)
    temperature: float = _option(1.0, "float32", 0, is_sampling=True)
    top_k: int = _option(0, "int32", 0, is_sampling=True)
    top_p: float = _option(1.0, "float32", 0, 1, is_sampling=True)
    beam_width: int = _option(0, "int32", 0)
    n_best: int = _option(1, "int32", 1)
    repetition_penalty: float = _option(1.0, "float32", 1e-3, is_sampling=True)
    length_penalty: float = _option(1.0, "float32", 0)
    stop: str | Sequence[str] = _option("", "string")
    seed: int | None = _option(None, "int64", -(2**63), 2**64 - 1)

    def __post_init__(self) -> None:
        """Checks every option."""
        for field in dataclasses.fields(self):
            name, value = field.name, getattr(self, field.name)
            dtype, low, high, _ = field.metadata.values()
            is_none = value is None and type(None) in typing.get_args(field.type)
            if is_none or dtype == "string":
                continue
            if is_symbolic(value):
                object.__setattr__(self, name, check_limit(name, value, low, high))
            else:
                is_whole = dtype.startswith("int")
                check_number(name, value, minimum=low, maximum=high, whole=is_whole)
        widths = self.n_best, self.beam_width
        if not any(map(is_symbolic, widths)) and self.n_best > max(self.beam_width, 1):
            raise ValueError(
                "n_best answers need a beam at least as wide: give beam_width too. "
                f"Received: n_best={self.n_best}, beam_width={self.beam_width}"
            )

    def replace(self, **changes: Any) -> "DecodingOptions":
        """Returns the options with changes; `TypeError` names the closest option."""
        known = [field.name for field in dataclasses.fields(self)]
        for name, value in changes.items():
            if name not in known:
                raise TypeError(
                    f"There is no option of decoding {name!r}: there are "
                    f"{', '.join(known)}.{closest(name, known)} "
                    f"Received: {name}={value!r}"
                )
        return dataclasses.replace(self, **changes)

    def to_tensors(self, stops: Any = ()) -> dict[str, tf.Tensor]:
        """Returns what `Writer` takes; `stops` are what `encode_stops` returned."""
        found = {
            field.name: tf.convert_to_tensor(
                getattr(self, field.name), field.metadata["dtype"]
            )
            for field in dataclasses.fields(self)
            if field.metadata["is_sampling"]
        }
        return {**found, "stops": tf.convert_to_tensor(stops, tf.string)}


class DecodingKeywords(TypedDict, total=False):
    """The same as keywords, for type checkers and editors; a test compares both."""

    max_length: int | None
    temperature: float
    top_k: int
    top_p: float
    beam_width: int
    n_best: int
    repetition_penalty: float
    length_penalty: float
    stop: str | Sequence[str]
    seed: int | None


def with_options(defaults: DecodingOptions) -> Callable:
    """Shows and documents a method's `**changes` one by one, with their defaults."""

    def decorate(method: Any) -> Any:
        signature = inspect.signature(method)
        shown = [p for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
        shown += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=getattr(defaults, field.name),
                annotation=field.type,
            )
            for field in dataclasses.fields(defaults)
        ]
        method.__signature__ = signature.replace(parameters=shown)
        texts = re.search(r"(?s)Args:\n(.*?)\n\n", inspect.getdoc(defaults) or "")
        texts = textwrap.indent(textwrap.dedent(texts[1]), 12 * " ") if texts else ""
        pattern = r"(?m)^ *\*\*changes: .*(\n {16}.*)*"
        method.__doc__ = re.sub(pattern, lambda _: texts, method.__doc__ or "")
        return method

    return decorate


def graph_inputs(*names: str) -> dict[str, tuple]:
    """Returns shape and dtype of options that are inputs of an exported graph."""
    fields = {field.name: field for field in dataclasses.fields(DecodingOptions)}
    return {name: ((), fields[name].metadata["dtype"]) for name in names}


def is_symbolic(value: Any) -> bool:
    """Whether a value is known only when a graph runs."""
    return tf.is_tensor(value) and not tf.executing_eagerly()


def check_limit(name: str, value: Any, minimum: float, maximum: float) -> Any:
    """Returns a tensor, or stops the graph if it is out of a range."""
    upper = "" if maximum == math.inf else f" and at most {maximum}"
    minimum = max(minimum, value.dtype.min)
    is_right = (minimum <= value) & (value <= min(maximum, value.dtype.max))
    message = f"{name} must be at least {minimum}{upper}."
    return check_in_graph(value, is_right, message)


GREEDY = DecodingOptions(temperature=0)
