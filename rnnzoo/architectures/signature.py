"""One way to call an exported model."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Signature:
    """One way to call an exported model.

    Attributes:
        graph: From tensors, passed by name, to a dict of named tensors. It stops with
            `InvalidArgumentError` at input that Python refuses.
        inputs: Shape, `None` for sizes that vary, and dtype of each input by its name.
        answers: What Python gives for the same inputs, arrays or lists of strings: a
            dict of values by the names of the outputs.
        examples: Inputs by name to compare the two on; the first is small, and shown.
    """

    graph: Callable[..., dict]
    inputs: dict[str, tuple]
    answers: Callable[..., dict]
    examples: list[dict]

    @property
    def has_text(self) -> bool:
        """Whether texts go in, for which only TensorFlow has operations."""
        return any(dtype == "string" for _, dtype in self.inputs.values())
