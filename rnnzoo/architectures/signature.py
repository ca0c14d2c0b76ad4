"""Ways to call an exported model, and those of autoregressive encoder-decoders."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class Signature:
    """One way to call an exported model.

    Attributes:
        graph: From tensors, passed by name, to a dict of named tensors. It stops with
            `InvalidArgumentError` at input that Python refuses.
        inputs: Shape, `None` for sizes that vary, and dtype of each input by its name.
        answers: As `graph` in Python, from arrays or lists of strings.
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


def graph_signature(model: Any) -> Signature:
    """Returns the signature of the graph as it is, from source and target."""

    def outputs(source: Any, target: Any) -> dict:
        inputs = {"source": source, "target": target}
        return {"outputs": model(inputs, training=False)}

    sources = [model.sample_inputs(rows) for rows in (2, 4)]
    return Signature(
        graph=outputs,
        inputs={name: (x.shape, x.dtype) for name, x in model.input.items()},
        answers=outputs,
        examples=[{"source": x, "target": _make_target(model, x)} for x in sources],
    )


def step_signatures(model: Any) -> dict[str, Signature]:
    """Returns the signatures `begin` and `step` of the methods of these names."""

    def by_name(state: dict, prefix: str = "") -> dict:
        parts = keras.tree.flatten_with_path(state)
        return {prefix + "_".join(map(str, path)): part for path, part in parts}

    def begin(source: Any) -> dict:
        return by_name(model.begin(source))

    def step(token: Any, **before: Any) -> dict:
        parts = [ops.convert_to_tensor(before[name]) for name in specs]
        state = keras.tree.pack_sequence_as(structure, parts)
        outputs, after = model.step(ops.convert_to_tensor(token), state)
        after = {"decoder": after["decoder"]}  # the rest stays as it is
        return {"outputs": outputs, **by_name(after, "next_")}

    source, target = model.input["source"], model.input["target"]
    sources = [model.sample_inputs(rows) for rows in (2, 4)]
    structure = model.state_spec()
    specs = {
        name: (tuple(spec.shape), spec.dtype.name)
        for name, spec in by_name(structure).items()
    }
    states = [
        {name: ops.convert_to_numpy(part) for name, part in begin(rows).items()}
        for rows in map(ops.convert_to_tensor, sources)
    ]
    return {
        "begin": Signature(
            graph=begin,
            inputs={"source": (source.shape, source.dtype)},
            answers=begin,
            examples=[{"source": rows} for rows in sources],
        ),
        "step": Signature(
            graph=step,
            inputs={"token": ((None, *target.shape[2:]), target.dtype), **specs},
            answers=step,
            examples=[
                {"token": _make_target(model, rows)[:, 0], **state}
                for rows, state in zip(sources, states, strict=True)
            ],
        ),
    }


def _make_target(model: Any, source: np.ndarray) -> np.ndarray:
    # Any target will do, with the padding at the end.
    target = model.input["target"]
    if hasattr(model, "tokens") and source.ndim == 2:
        last = model.output_shape[-1] - 1
        return np.minimum(source[::-1], last).astype(target.dtype)
    return np.ones((*source.shape[:2], *target.shape[2:]), target.dtype)
