"""Serves the SavedModel of this folder with MLServer; it needs TensorFlow, not rnnzoo.

    pip install mlserver tensorflow
    pip install tensorflow-text  # if the model reads subwords, or normalizes texts
    mlserver start .

The parameter `signature` of a request names another signature than the default.
"""

import asyncio
import contextlib
import math
import pathlib
import re
import reprlib
from typing import Any

import mlserver
import numpy as np
import tensorflow as tf
from mlserver.errors import InferenceError
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataTensor,
    RequestInput,
    ResponseOutput,
)

with contextlib.suppress(ImportError):
    import tensorflow_text  # noqa: F401 (operations for texts)

DEFAULT = "serving_default"
# What the protocol calls TensorFlow's types, and what JSON has for them.
DATATYPES = {"string": "BYTES", "bool": "BOOL"}
DATATYPES |= {f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)}
DATATYPES |= {f"int{bits}": f"INT{bits}" for bits in (8, 16, 32, 64)}
DATATYPES |= {f"uint{bits}": f"UINT{bits}" for bits in (8, 16, 32, 64)}
VALUES = {"BYTES": ("strings", str, bytes), "BOOL": ("true or false", bool)}
# How parameters say what is the case anyway.
CONTENT_TYPES = ("str", "np")


class SavedModel(mlserver.MLModel):
    """Calls the signatures of the SavedModel that lies beside this file."""

    async def load(self) -> bool:
        """Loads the model; MLServer calls it once."""
        self.loaded = tf.saved_model.load(str(pathlib.Path(__file__).parent))
        function = self.loaded.signatures[DEFAULT]
        self.inputs = _describe(function.structured_input_signature[1])
        self.outputs = _describe(function.structured_outputs)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answers a request of the Open Inference Protocol.

        Raises:
            InferenceError: If the request does not fit the signature, or the model
                refuses the inputs: the status is 400.
        """
        # MLServer adds the headers of HTTP.
        found = _check_parameters("the request", payload, ["signature", "headers"])
        name = found.get("signature", DEFAULT)
        if not isinstance(name, str) or name not in self.loaded.signatures:
            known = ", ".join(self.loaded.signatures)
            _refuse(f"The parameter signature must be one of {known}.", signature=name)
        function = self.loaded.signatures[name]
        specs = function.structured_input_signature[1]
        names = [given.name for given in payload.inputs]
        if sorted(names) != sorted(specs):
            _refuse(f"inputs must be {', '.join(specs)}, each once.", inputs=names)
        known = sorted(function.structured_outputs)
        asked = [output.name for output in payload.outputs or ()] or known
        if not set(asked) <= set(known) or len(set(asked)) < len(asked):
            _refuse(f"outputs must be some of {', '.join(known)}.", outputs=asked)
        for output in payload.outputs or ():
            _check_parameters("an output", output, ["content_type"])
        tensors = {
            given.name: _read(given, specs[given.name]) for given in payload.inputs
        }
        try:
            # In a thread, so that others are answered meanwhile.
            outputs = await asyncio.to_thread(function, **tensors)
        except tf.errors.OpError as error:
            reason = re.search(r"assertion failed: \[(.*)\]", error.message)
            _refuse(
                reason[1] if reason else "The model must be able to read the inputs.",
                **{given.name: given.data for given in payload.inputs},
            )
        return InferenceResponse(
            model_name=self.name,
            outputs=[_write(key, outputs[key].numpy()) for key in asked],
        )


def _refuse(expected: str, **received: Any) -> None:
    """Raises what gets the status 400, without the place where it happened."""
    shown = ", ".join(f"{key}={_shorten(value)}" for key, value in received.items())
    raise InferenceError(f"{expected} Received: {shown}"[:1900]) from None


def _shorten(value: Any) -> str:
    text = reprlib.repr(getattr(value, "root", value))
    return text if len(text) <= 80 else f"{text[:77]}..."


def _describe(specs: dict[str, Any]) -> list[MetadataTensor]:
    """Returns what metadata say of tensors; -1 is any size."""
    return [
        MetadataTensor(
            name=name,
            datatype=DATATYPES.get(spec.dtype.name, "FP32"),
            shape=_shape(spec),
        )
        for name, spec in sorted(specs.items())
    ]


def _shape(spec: Any) -> list[int]:
    sizes = [None] if spec.shape.rank is None else spec.shape.as_list()
    return [-1 if size is None else size for size in sizes]


def _check_parameters(owner: str, given: Any, known: list[str]) -> dict[str, Any]:
    """Returns the parameters of a part of a request, and refuses unknown ones."""
    known = [*known, "content_type"]
    found = {key: value for key, value in given.parameters or () if value is not None}
    if unknown := [name for name in found if name not in known]:
        expected = f"The parameters of {owner} must be some of {', '.join(known)}."
        _refuse(expected, parameters=unknown)
    content_type = found.get("content_type", "str")
    if content_type not in CONTENT_TYPES:
        kinds = " or ".join(CONTENT_TYPES)
        _refuse(f"content_type of {owner} must be {kinds}.", content_type=content_type)
    return found


def _read(given: RequestInput, spec: tf.TensorSpec) -> tf.Tensor:
    """Returns an input as the tensor that a signature takes."""
    owner = f"the input {given.name}"
    _check_parameters(owner, given, [])
    datatype = DATATYPES[spec.dtype.name]
    if given.datatype != datatype:
        _refuse(f"The datatype of {owner} must be {datatype}.", datatype=given.datatype)
    expected = _shape(spec)
    fits = len(given.shape) == len(expected) and all(
        size > 0 and wanted in (-1, size)
        for size, wanted in zip(given.shape, expected, strict=True)
    )
    # The protocol has no numbers without a dimension; some clients do.
    if not fits and (expected or given.shape != [1]):
        sizes = ", and a positive size where that has -1" if -1 in expected else ""
        _refuse(f"The shape of {owner} must be {expected}{sizes}.", shape=given.shape)
    values = _flatten(getattr(given.data, "root", given.data), given.shape)
    if values is None:
        _refuse(
            f"The data of {owner} must be a list of as many values as its shape says: "
            "row by row, or nested as the shape is.",
            data=given.data,
            shape=given.shape,
        )
    _check_values(owner, values, datatype, spec.dtype)
    if datatype == "BYTES":
        values = [v.encode("utf-8", "replace") if type(v) is str else v for v in values]
    array = np.array(values, spec.dtype.as_numpy_dtype)
    return tf.constant(array.reshape(given.shape if expected else []), spec.dtype)


def _check_values(owner: str, values: list, datatype: str, dtype: tf.DType) -> None:
    """Refuses values of another type, or out of the range of a type."""
    if datatype in VALUES:
        kind, *types = VALUES[datatype]
        wrong = [value for value in values if type(value) not in types]
    else:
        whole = dtype.is_integer
        low, high = map(int if whole else float, (dtype.min, dtype.max))
        kind = f"integers from {low} to {high}" if whole else "finite numbers"
        types = (int,) if whole else (int, float)
        wrong = [v for v in values if type(v) not in types or not low <= v <= high]
    if wrong:
        _refuse(f"The data of {owner} must be {kind}.", value=wrong[0])


def _flatten(data: Any, shape: list[int]) -> list | None:
    """Returns the values of data that are flat, or nested as a shape; `None` else."""
    if not isinstance(data, list):
        return None
    if any(isinstance(part, list) for part in data):
        for size in shape[1:]:
            if any(not isinstance(part, list) or len(part) != size for part in data):
                return None
            data = [value for part in data for value in part]
    return data if len(data) == math.prod(shape) else None


def _write(name: str, value: np.ndarray) -> ResponseOutput:
    """Returns an output as MLServer takes it; JSON has no infinity and no NaN."""
    values, datatype, content_type = value.ravel().tolist(), "BYTES", "str"
    if value.dtype == object:
        values = [text.decode("utf-8", "replace") for text in values]
    else:
        datatype, content_type = DATATYPES.get(value.dtype.name, "FP32"), "np"
        values = [number if math.isfinite(number) else None for number in values]
    return ResponseOutput(
        name=name,
        shape=list(value.shape),
        datatype=datatype,
        parameters={"content_type": content_type},
        data=values,
    )
