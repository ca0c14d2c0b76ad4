"""Ways to call an export of an autoregressive encoder-decoder."""

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.signature import Signature


def graph_signature(model: Any) -> Signature:
    """Returns the signature of the graph as it is, from source and target."""

    def outputs(source: Any, target: Any) -> dict:
        inputs = {"source": source, "target": target}
        return {"outputs": model(inputs, training=False)}

    sources = [model.sample_inputs(rows) for rows in (2, 4)]
    return Signature(
        graph=outputs,
        inputs={
            name: (model.input[name].shape, model.input[name].dtype)
            for name in ("source", "target")
        },
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
    """Returns a target for a source: any will do, with the padding at the end."""
    target = model.input["target"]
    if hasattr(model, "tokens"):
        return source[::-1]
    return np.ones((*source.shape[:2], *target.shape[2:]), target.dtype)
