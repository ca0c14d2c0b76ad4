"""Weights in less space: float16, or int8 with a scale for every column."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

# What a format can store the weights as.
PRECISIONS = {
    "savedmodel": ("float32",),
    "onnx": ("float32", "float16", "int8"),
    "litert": ("float32", "float16", "int8"),
}


@contextlib.contextmanager
def round_weights(model: Any, precision: str) -> Iterator[None]:
    """Rounds the matrices of a model, for a time, to what is stored of them."""
    exact = [
        (variable, variable.numpy())
        for variable in model.variables
        if precision != "float32" and variable.dtype == "float32" and variable.ndim > 1
    ]
    try:
        for variable, value in exact:
            variable.assign(round_matrix(value, precision))
        yield
    finally:
        for variable, value in exact:
            variable.assign(value)


def round_matrix(matrix: np.ndarray, precision: str) -> np.ndarray:
    """Rounds a matrix `[..., columns]` to values that need less space, still float32.

    Those of `"int8"` are the multiples, from -127 to 127, of a scale for each column.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.exporting.precision import round_matrix
        >>> round_matrix(np.array([[127, 99], [1.4, 254]], "float32"), "int8")
        array([[127., 100.],
               [  1., 254.]], dtype=float32)
    """
    if precision == "float16":
        limit = np.finfo("float16").max
        return np.clip(matrix, -limit, limit).astype("float16").astype("float32")
    integers, scale = _quantize(matrix, matrix.ndim - 1)
    return integers * scale


def _quantize(matrix: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns integers from -127 to 127, and the scales to multiply them with."""
    others = tuple(i for i in range(matrix.ndim) if i != axis)
    scale = np.abs(matrix).max(axis=others, keepdims=True) / np.float32(127)
    scale = np.where(scale > 0, scale, np.float32(1))
    return np.rint(matrix / scale), scale


def shrink_onnx(graph: Any, precision: str) -> None:
    """Stores the rounded matrices of an ONNX graph in less space."""
    from onnx import TensorProto, helper, numpy_helper

    stored, nodes = [], []
    for tensor in graph.initializer:
        matrix, name = numpy_helper.to_array(tensor), tensor.name
        parts = _split_matrix(matrix, precision)
        if not parts:
            stored.append(tensor)
            continue
        names = [f"{name}/stored", f"{name}/scale"]
        # The second name is left over where there is no scale.
        stored += map(numpy_helper.from_array, parts, names)
        made = name if len(parts) == 1 else f"{name}/unscaled"
        nodes.append(helper.make_node("Cast", names[:1], [made], to=TensorProto.FLOAT))
        if len(parts) == 2:
            nodes.append(helper.make_node("Mul", [made, names[1]], [name]))
    nodes += graph.node
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(stored)
    graph.node.extend(nodes)


def _split_matrix(matrix: np.ndarray, precision: str) -> list[np.ndarray]:
    """Returns what a matrix is stored as; nothing if it is stored as it is."""
    if precision == "float32" or matrix.dtype != "float32" or matrix.ndim < 2:
        return []
    if precision == "float16":
        with np.errstate(over="ignore"):  # what is too large differs, and stays
            half = matrix.astype("float16")
        return [half] if np.array_equal(half.astype("float32"), matrix) else []
    for axis in reversed(range(matrix.ndim)):  # converters transpose some
        integers, scale = _quantize(matrix, axis)
        if np.allclose(integers * scale, matrix, rtol=1e-6, atol=0):
            return [integers.astype("int8"), scale]
    return []


def shrink_litert(content: bytes, precision: str) -> bytes:
    """Stores the rounded matrices of a LiteRT file as int8, with a scale per column.

    The operator DEQUANTIZE makes them float32 again, once, when the file is loaded.
    """
    if precision != "int8":
        return content  # the converter itself has stored float16
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated

    schema: Any = schema_py_generated
    file = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    code = schema.OperatorCodeT()
    code.builtinCode = schema.BuiltinOperator.DEQUANTIZE
    code.deprecatedBuiltinCode, code.version = code.builtinCode, 5
    file.operatorCodes.append(code)
    made: dict[int, int] = {}  # the new buffer of each old one
    for graph in file.subgraphs:
        added = []
        for index, tensor in enumerate(list(graph.tensors)):
            data = file.buffers[tensor.buffer].data
            if data is None or tensor.type != schema.TensorType.FLOAT32:
                continue
            matrix = np.frombuffer(bytes(data), "<f4").reshape(tensor.shape)
            if not (parts := _split_matrix(matrix, precision)):
                continue
            integers, scale = parts
            if tensor.buffer not in made:
                buffer = schema.BufferT()
                buffer.data = np.frombuffer(integers.tobytes(), "uint8")
                made[tensor.buffer] = len(file.buffers)
                file.buffers.append(buffer)
            stored, quantization = schema.TensorT(), schema.QuantizationParametersT()
            quantization.scale = scale.ravel()
            quantization.zeroPoint = np.zeros(scale.size, "int64")
            quantization.quantizedDimension = int(np.argmax(scale.shape))
            stored.name, stored.shape = tensor.name + b"/stored", tensor.shape
            stored.type, stored.buffer = schema.TensorType.INT8, made[tensor.buffer]
            stored.quantization, stored.hasRank = quantization, True
            operator = schema.OperatorT()
            operator.opcodeIndex = len(file.operatorCodes) - 1
            operator.inputs = np.array([len(graph.tensors)], "int32")
            operator.outputs = np.array([index], "int32")
            graph.tensors.append(stored)
            added.append(operator)
            tensor.buffer = 0  # of what is computed
        graph.operators = [*added, *(graph.operators or ())]
    for old in made:
        file.buffers[old].data = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(file.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
