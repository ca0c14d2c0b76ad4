"""Writers of SavedModel, ONNX and LiteRT files."""

import importlib
import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rnnzoo.architectures.signature import Signature
from rnnzoo.exporting.operators import (
    describe_operators,
    list_litert_operators,
    list_onnx_operators,
)
from rnnzoo.exporting.precision import shrink_litert, shrink_onnx


def write_savedmodel(
    model: Any, signatures: dict, folder: pathlib.Path, precision: str
) -> dict:
    """Writes a SavedModel, in float32."""
    # Not the model itself, which would bring classes and settings of Keras along.
    root = tf.Module()
    root.weights = [weight.value for weight in model.variables]
    held = vars(getattr(model, "tokens", root)).values()
    root.tables = [one for one in held if isinstance(one, tf.lookup.StaticHashTable)]
    functions = {
        name: _make_function(signature).get_concrete_function()
        for name, signature in signatures.items()
    }
    # Servers call it where a request names no signature.
    functions.setdefault("serving_default", next(iter(functions.values())))
    tf.saved_model.save(root, str(folder), functions)
    return {}


def write_onnx(
    model: Any, signatures: dict, folder: pathlib.Path, precision: str
) -> dict:
    """Writes an ONNX file for each signature; returns what to say of operators."""
    _import_extra("onnxruntime", "onnx")
    tf2onnx = _import_extra("tf2onnx", "onnx")
    onnx = _import_extra("onnx", "onnx")
    from rnnzoo.exporting import onnx_operators

    found = {}
    with onnx_operators.mark_recurrent_layers(model):
        for name, signature in signatures.items():
            function = _make_function(signature)
            content, _ = tf2onnx.convert.from_function(
                function,
                input_signature=function.input_signature,
                opset=17,
                custom_op_handlers=onnx_operators.HANDLERS,
            )
            shrink_onnx(content.graph, precision)
            onnx.save(content, folder / f"{name}.onnx")
            found[name] = list_onnx_operators(content.graph)
    return describe_operators(found)


def write_litert(
    model: Any, signatures: dict, folder: pathlib.Path, precision: str
) -> dict:
    """Writes a LiteRT file for each signature, for one row at a time."""
    from tensorflow.python.framework import convert_to_constants

    _import_extra("ai_edge_litert", "litert")
    root, found = tf.Module(), {}
    for name, signature in signatures.items():
        function = _make_function(signature, batch=1)
        concrete = function.get_concrete_function()
        frozen = convert_to_constants.convert_variables_to_constants_v2(concrete)
        frozen = _name_outputs(frozen, sorted(concrete.structured_outputs))
        frozen = tf.function(
            frozen, input_signature=function.input_signature, autograph=False
        )
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [frozen.get_concrete_function()], root
        )
        # Of LiteRT's own operations only: loops must be made of these as well.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter._experimental_lower_tensor_list_ops = True
        if precision == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        content = shrink_litert(converter.convert(), precision)
        (folder / f"{name}.tflite").write_bytes(content)
        found[name] = list_litert_operators(content)
    return describe_operators(found)


WRITERS = {"savedmodel": write_savedmodel, "onnx": write_onnx, "litert": write_litert}


def _make_function(signature: Signature, batch: int | None = None) -> Any:
    """Returns a signature's graph as a `tf.function`, with a fixed `batch` if given."""

    def graph(*tensors: tf.Tensor) -> dict:
        return signature.graph(**dict(zip(signature.inputs, tensors, strict=True)))

    specs = [
        tf.TensorSpec((batch, *shape[1:]) if shape and batch else shape, dtype, name)
        for name, (shape, dtype) in signature.inputs.items()
    ]
    return tf.function(graph, input_signature=specs, autograph=False)


def _name_outputs(function: Callable, names: list[str]) -> Callable:
    """Returns a function with names for its outputs, which freezing drops."""
    return lambda *tensors: dict(zip(names, function(*tensors), strict=True))


def _import_extra(module: str, extra: str) -> Any:
    """Imports what an extra of rnnzoo installs, or says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is missing: pip install 'rnnzoo[{extra}]'. Received: {error}"
        ) from error
