"""Signatures that carry a state: the next steps of a sequence, or only the next one."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.signature import Signature
from rnnzoo.layers.recurrence import RecurrentStack

# The layers of a network that needs nothing but a state of what it has read.
LAYERS = ("reader", "recurrence", "head_dropout", "head")


def add_stream_signatures(model: Any, signatures: dict) -> dict:
    """Adds `stream` and `step` to the signatures of a model that can be streamed.

    `stream` reads any number of tokens, or of rows of values, and a state, and returns
    outputs and the next state; `step` reads one, without any loop. They are for models
    of one recurrence that reads forwards, and nothing that looks at a sequence as a
    whole: no pooling, no n-grams, no decoder.
    """
    layers: dict[str, Any] = {layer.name: layer for layer in model.layers}
    names = [n for n, x in layers.items() if not isinstance(x, keras.layers.InputLayer)]
    if set(names) - set(LAYERS) or not {"reader", "recurrence", "head"} <= set(names):
        return signatures
    reader, recurrence, head = (layers[n] for n in ("reader", "recurrence", "head"))
    if not isinstance(recurrence, RecurrentStack) or recurrence.bidirectional:
        return signatures
    # One answer for a sequence is that of the top layer's state.
    is_last = len(model.output_shape) == 2
    state = recurrence.get_initial_state(1)

    def read(tokens: Any, before: list) -> tuple:
        hidden, after = recurrence(
            reader(tokens),
            initial_state=before,
            mask=reader.compute_mask(tokens),
            training=False,
        )
        return head(after[-1][0] if is_last else hidden), after

    def step(token: Any, before: list) -> tuple:
        hidden, after = recurrence.step(reader.call(token), before)
        return head(after[-1][0] if is_last else hidden), after

    found = dict(signatures)
    if "stream" not in found:
        found["stream"] = model.stream_signature(read, state)
    if "step" not in found:
        found["step"] = _step_signature(model, step, state)
    return found


def _step_signature(model: Any, step: Callable, state: list) -> Signature:
    """Returns the signature of a step: a token, or the values of one time step."""
    parts = {f"state_{i}": one for i, one in enumerate(keras.tree.flatten(state))}
    specs = {
        name: ((None, *part.shape[1:]), keras.backend.standardize_dtype(part.dtype))
        for name, part in parts.items()
    }

    def graph(token: Any, **before: Any) -> dict:
        flat = [ops.convert_to_tensor(before[name]) for name in parts]
        before = keras.tree.pack_sequence_as(state, flat)
        outputs, after = step(ops.convert_to_tensor(token), before)
        after = zip(parts, keras.tree.flatten(after), strict=True)
        return {"outputs": outputs, **{f"next_{name}": part for name, part in after}}

    dtype, tokens = model.inputs[0].dtype, model.sample_inputs(2)
    return Signature(
        graph=graph,
        inputs={"token": ((None, *model.input_shape[2:]), dtype), **specs},
        answers=graph,
        examples=[
            {"token": np.asarray(tokens)[:, 0]}
            | {
                name: np.full((len(tokens), *shape[1:]), value, kind)
                for name, (shape, kind) in specs.items()
            }
            for value in (0.0, 0.5)
        ],
    )


def describe_initial_state(model: Any) -> Any:
    """Returns what the state of `stream` and `step` is at first: zeros, or lists."""
    recurrence: Any = next((x for x in model.layers if x.name == "recurrence"), None)
    if getattr(recurrence, "initial_state", "zeros") != "learned":
        return "zeros"
    state = keras.tree.flatten(recurrence.get_initial_state(1))
    found = (ops.convert_to_numpy(ops.cast(one, "float32")) for one in state)
    return {f"state_{i}": values[0].tolist() for i, values in enumerate(found)}
