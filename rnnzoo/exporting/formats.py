"""Writers of SavedModel, ONNX and LiteRT files."""

import contextlib
import functools
import importlib
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rnnzoo.architectures.signature import Signature


@contextlib.contextmanager
def rounded_weights(model: Any, precision: str) -> Iterator[None]:
    """Rounds the matrices of a model to what is stored of them, for a time."""
    kept = {}
    if precision != "float32":
        kept = {
            variable.path: (variable, variable.numpy())
            for variable in model.variables
            if variable.dtype == "float32" and variable.ndim > 1
        }
    try:
        for variable, value in kept.values():
            variable.assign(round_weights(value, precision))
        yield
    finally:
        for variable, value in kept.values():
            variable.assign(value)


def round_weights(matrix: np.ndarray, precision: str) -> np.ndarray:
    """Rounds a matrix to values that need less space, still float32.

    Args:
        matrix: Weights `[..., columns]`.
        precision: `"float16"`, or `"int8"` for multiples, from -127 to 127, of a scale
            that every column has for itself.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.exporting.formats import round_weights
        >>> round_weights(np.array([[127, 99], [1.4, 254]], "float32"), "int8")
        array([[127., 100.],
               [  1., 254.]], dtype=float32)
    """
    if precision == "float16":
        limit = np.finfo("float16").max
        return np.clip(matrix, -limit, limit).astype("float16").astype("float32")
    whole, scale = _scaled(matrix, matrix.ndim - 1)
    return whole * scale


def _scaled(matrix: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns whole numbers from -127 to 127, and what to multiply them with."""
    others = tuple(i for i in range(matrix.ndim) if i != axis)
    scale = np.abs(matrix).max(axis=others, keepdims=True) / np.float32(127)
    scale = np.where(scale > 0, scale, np.float32(1))
    return np.rint(matrix / scale), scale


def _function(signature: Signature, batch: int | None = None) -> tuple[Callable, list]:
    """Returns a signature's graph as a function of its inputs in order, and specs."""
    import tensorflow as tf

    names = list(signature.inputs)

    def graph(*tensors: tf.Tensor) -> dict:
        return signature.graph(**dict(zip(names, tensors, strict=True)))

    specs = [
        tf.TensorSpec((batch, *shape[1:]) if shape and batch else shape, dtype, name)
        for name, (shape, dtype) in signature.inputs.items()
    ]
    return graph, specs


def write_savedmodel(model: Any, signatures: dict, folder: pathlib.Path) -> None:
    """Writes a SavedModel."""
    import tensorflow as tf

    # Not the model itself, which would bring classes and settings of Keras along.
    root, functions = tf.Module(), {}
    root.weights = [weight.value for weight in model.variables]
    root.tables = [
        value
        for value in vars(model.tokens).values()
        if isinstance(value, tf.lookup.StaticHashTable)
    ]
    for name, signature in signatures.items():
        graph, specs = _function(signature)
        function = tf.function(graph, input_signature=specs, autograph=False)
        functions[name] = function.get_concrete_function()
    tf.saved_model.save(root, str(folder), functions)


def write_onnx(
    model: Any, signatures: dict, folder: pathlib.Path, precision: str
) -> None:
    """Writes an ONNX file for each signature."""
    import tensorflow as tf

    _imported("onnxruntime", "onnx")
    tf2onnx = _imported("tf2onnx", "onnx")
    onnx = _imported("onnx", "onnx")
    from rnnzoo.exporting import onnx_operators

    with onnx_operators.marked(model):
        for name, signature in signatures.items():
            graph, specs = _function(signature)
            content, _ = tf2onnx.convert.from_function(
                tf.function(graph, input_signature=specs, autograph=False),
                input_signature=specs,
                opset=17,
                custom_op_handlers=onnx_operators.HANDLERS,
            )
            _shrink(content.graph, precision)
            onnx.save(content, folder / f"{name}.onnx")


def _shrink(graph: Any, precision: str) -> None:
    """Stores the round_weights matrices of an ONNX graph in less space.

    When the file is loaded, they are made float32 once.
    """
    from onnx import TensorProto, helper, numpy_helper

    stored, nodes = [], []
    for tensor in graph.initializer:
        matrix, name = numpy_helper.to_array(tensor), tensor.name
        parts = _parts(matrix, precision)
        if not parts:
            stored.append(tensor)
            continue
        names = [f"{name}/stored", f"{name}/scale"]
        stored += map(
            numpy_helper.from_array, parts, names
        )  # the scale if there is one
        made = name if len(parts) == 1 else f"{name}/unscaled"
        nodes.append(helper.make_node("Cast", names[:1], [made], to=TensorProto.FLOAT))
        if len(parts) == 2:
            nodes.append(helper.make_node("Mul", [made, names[1]], [name]))
    nodes += graph.node
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(stored)
    graph.node.extend(nodes)


def _parts(matrix: np.ndarray, precision: str) -> list[np.ndarray]:
    """Returns what a matrix is stored as; nothing if it is stored as it is."""
    if precision == "float32" or matrix.dtype != "float32" or matrix.ndim < 2:
        return []
    if precision == "float16":
        half = matrix.astype("float16")
        return [half] if np.array_equal(half.astype("float32"), matrix) else []
    for axis in reversed(range(matrix.ndim)):  # converters transpose some
        whole, scale = _scaled(matrix, axis)
        if np.allclose(whole * scale, matrix, rtol=1e-6, atol=0):
            return [whole.astype("int8"), scale]
    return []


def write_litert(
    model: Any, signatures: dict, folder: pathlib.Path, precision: str
) -> None:
    """Writes a LiteRT file for each signature, for one row at a time."""
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    _imported("ai_edge_litert", "litert")
    root = tf.Module()
    for name, signature in signatures.items():
        graph, specs = _function(signature, batch=1)
        graph = tf.function(graph, input_signature=specs, autograph=False)
        graph = graph.get_concrete_function()
        names = sorted(graph.structured_outputs)
        frozen = convert_to_constants.convert_variables_to_constants_v2(graph)
        named = tf.function(
            functools.partial(_named, names, frozen),
            input_signature=specs,
            autograph=False,
        )
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [named.get_concrete_function()], root
        )
        # Of LiteRT's own operations only: loops have to be made of these as well.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter._experimental_lower_tensor_list_ops = True
        if precision == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        (folder / f"{name}.tflite").write_bytes(converter.convert())


def _named(names: list[str], function: Callable, *tensors: Any) -> dict:
    """Returns the outputs of a function by their names."""
    return dict(zip(names, function(*tensors), strict=True))


def _imported(module: str, extra: str) -> Any:
    """Imports what an extra of rnnzoo brings."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is missing: pip install 'rnnzoo[{extra}]'. Received: {error}"
        ) from error
