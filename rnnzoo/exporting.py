"""Exporting: a model as a folder that servers and other languages run.

A model says in `signatures()` how its export can be called. Each signature brings the
graph, what Python answers to the same inputs, and examples, on which `export` compares
the two in a process that does not know rnnzoo (`rnnzoo.replay`).
"""

import contextlib
import dataclasses
import functools
import importlib
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import rnnzoo
from rnnzoo import replay
from rnnzoo.errors import check_choice, check_number

FORMATS = ("savedmodel", "onnx", "litert")
# What a format can store the weights as.
PRECISIONS = {
    "savedmodel": ("float32",),
    "onnx": ("float32", "float16", "int8"),
    "litert": ("float32", "float16"),
}
# What is copied into the folder of a SavedModel, for MLServer.
SERVED = pathlib.Path(__file__).parent / "served"
# Numbers of an export may differ from Python's by this share of the largest of them.
TOLERANCE = 1e-4
# Texts that every export is tried on: it answers as Python does, or refuses as it does.
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "\N{GRINNING FACE}",
    "-1 0 99999999999999999999",
    "\u0661",
    "+1",
    "1.5",
    "0x1",
    "nan",
    "1,,2",
    "1\u00a02",
    "<script>alert(1)</script>",
    "1 " * 1000,
)


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


def export(
    model: Any,
    path: str | os.PathLike,
    format: str = "savedmodel",
    *,
    precision: str = "float32",
    version: int = 1,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a model as a folder that can be served without rnnzoo or Keras.

    The folder `path/1` (a version, as servers want it) holds:

    - with `"savedmodel"`, for TensorFlow and what serves it: `saved_model.pb` with all
      signatures. Raw text goes in, and named answers come out; vocabulary and labels
      are inside, and texts are written inside the graph too. `requests.json` has an
      exact request and response of each for TensorFlow Serving. If the package
      `tensorflow-serving-api` is there, `assets.extra` has them to warm up with.
      `mlserver start path/1` serves the folder too, with the files `runtime.py`,
      `settings.json` and `model-settings.json`.
    - with `"onnx"`, a file `<signature>.onnx` for each signature without text, for ONNX
      Runtime; with `"litert"`, files `<signature>.tflite` for LiteRT, of batch 1.
      Neither knows texts: `model.json` has the vocabulary.
    - `model.json`: the model card, settings, tokens, and the inputs and outputs of
      every signature.

    Before the call returns, the files are loaded in a process that can import neither
    rnnzoo nor Keras. It answers the examples of every signature, and odd texts one by
    one. Text, labels and whole numbers must be Python's; other numbers may differ by
    1e-4 of the largest in a tensor. What Python refuses the SavedModel must refuse.

    With a `precision` below float32 the matrices of the weights are rounded, which
    makes the files smaller and may cost some of the score (docs/serving.md says how
    much). The export then answers as Python does with the rounded weights, in float32.

    Args:
        model: A model of the zoo, trained or not.
        path: The folder to make.
        format: `"savedmodel"`, `"onnx"` or `"litert"`.
        precision: What the matrices of the weights are stored as: `"float32"`, as they
            are; `"float16"`, in half the space (ONNX and LiteRT); or `"int8"`, in a
            quarter, with a scale for each of the last dimension (ONNX).
        version: The number of the folder in `path`. Servers take the highest.
        overwrite: Whether to replace a folder of that version.

    Returns:
        The folder that was written, with the version.

    Raises:
        TypeError: If `model` is no model of the zoo, or `path` no path.
        ValueError: If `format` or `precision` is none of those, something is there
            already, or the export does not answer as Python does. Nothing is written
            then.
        ImportError: If a package is missing that a format needs; says how to get it.

    Example:
        >>> import rnnzoo, tempfile
        >>> import tensorflow as tf
        >>> path = rnnzoo.export(rnnzoo.sorter(), tempfile.mkdtemp() + "/sorter")
        >>> path.name
        '1'
        >>> loaded = tf.saved_model.load(path)
        >>> answer = loaded.signatures["serving_default"](text=tf.constant(["3 1 2"]))
        >>> answer["text"].numpy().tolist()
        [b'1 2 3']
    """
    check_choice("format", format, FORMATS)
    check_choice("precision", precision, PRECISIONS["onnx"])
    if precision not in PRECISIONS[format]:
        able = [name for name, known in PRECISIONS.items() if precision in known]
        raise ValueError(
            f"Of the formats, only {' and '.join(able)} can store that precision. "
            f"Received: format={format!r}, precision={precision!r}"
        )
    check_number("version", version, minimum=1, whole=True)
    if not hasattr(model, "signatures") or not hasattr(model, "tokens"):
        raise TypeError(
            "model must be a model of the zoo, which reads raw input: one of "
            f"{', '.join(rnnzoo.list_models())}. Received: a {type(model).__name__}"
        )
    try:
        path = pathlib.Path(path)
    except TypeError as error:
        raise TypeError(
            f"path must name the folder to make. Received: path={path!r}"
        ) from error
    blocking = [p for p in (path, *path.parents) if p.exists() and not p.is_dir()]
    if blocking:
        raise ValueError(
            "There is a file where a folder has to be: give another path. Received: "
            f"path={str(path)!r}, where {str(blocking[0])!r} is a file"
        )
    target = path / str(version)
    if target.exists() and not overwrite:
        raise ValueError(
            "There is such a version already: give another path or version, or "
            "overwrite=True (--overwrite) to replace it. Received: "
            f"path={str(path)!r}, version={version}"
        )
    write = {
        "savedmodel": _write_savedmodel,
        "onnx": functools.partial(_write_onnx, precision=precision),
        "litert": functools.partial(_write_litert, precision=precision),
    }
    with draft_of(target) as draft, _portable(model), _rounded(model, precision):
        signatures = model.signatures()
        if format != "savedmodel":
            signatures = {n: s for n, s in signatures.items() if not s.has_text}
        with _quietly():
            write[format](model, signatures, draft)
        answered = {
            name: _verified(name, signature, format, draft)
            for name, signature in signatures.items()
        }
        card = _card(model, format, precision, signatures, answered)
        _write_json(draft / "model.json", card)
        if format == "savedmodel":
            called = path.absolute().name
            requests = {
                name: _requests(called, name, *first)
                for name, first in answered.items()
            }
            _write_json(draft / "requests.json", requests)
            _write_warmup(called, signatures, draft)
            _write_mlserver(called, draft)
    return target


@contextlib.contextmanager
def draft_of(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder to write in, which takes the place of `target` at the end.

    After an error nothing is left of it, and what was there stays.
    """
    made = [p for p in (target.parent, *target.parent.parents) if not p.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    try:
        draft = work / "new"
        draft.mkdir()
        yield draft
        if target.exists():
            target.rename(work / "old")
        try:
            draft.rename(target)
        except OSError:
            if (work / "old").exists():
                (work / "old").rename(target)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):  # not empty: it holds the export
                folder.rmdir()


@contextlib.contextmanager
def _portable(model: Any) -> Iterator[None]:
    """Has a model's graphs made of operations that run everywhere.

    That is, without cuDNN's, and without the random numbers that recurrent layers draw
    for dropout even when they do not use them. Python answers in full precision
    meanwhile, as exports do on CPUs.
    """
    import tensorflow as tf

    with contextlib.ExitStack() as stack:
        precision = tf.config.experimental
        stack.callback(
            precision.enable_tensor_float_32_execution,
            precision.tensor_float_32_execution_enabled(),
        )
        precision.enable_tensor_float_32_execution(False)
        for layer in model._flatten_layers():
            for name, value in (("use_cudnn", False), ("dropout", 0.0)):
                if name in vars(layer):
                    stack.callback(setattr, layer, name, getattr(layer, name))
                    setattr(layer, name, value)
        yield


@contextlib.contextmanager
def _rounded(model: Any, precision: str) -> Iterator[None]:
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
            variable.assign(rounded(value, precision))
        yield
    finally:
        for variable, value in kept.values():
            variable.assign(value)


def rounded(matrix: np.ndarray, precision: str) -> np.ndarray:
    """Rounds a matrix to values that need less space, still float32.

    Args:
        matrix: Weights `[..., columns]`.
        precision: `"float16"`, or `"int8"` for multiples, from -127 to 127, of a scale
            that every column has for itself.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.exporting import rounded
        >>> rounded(np.array([[127, 99], [1.4, 254]], "float32"), "int8")
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


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keeps converters from telling what they do."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "tf2onnx")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


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


def _write_savedmodel(model: Any, signatures: dict, folder: pathlib.Path) -> None:
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


def _write_onnx(
    model: Any, signatures: dict, folder: pathlib.Path, precision: str
) -> None:
    """Writes an ONNX file for each signature."""
    import tensorflow as tf

    _imported("onnxruntime", "onnx")
    tf2onnx = _imported("tf2onnx", "onnx")
    onnx = _imported("onnx", "onnx")
    from rnnzoo import onnx_operators

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
    """Stores the rounded matrices of an ONNX graph in less space.

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


def _write_litert(
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


def _verified(
    name: str, signature: Signature, format: str, folder: pathlib.Path
) -> tuple[dict, dict]:
    """Compares an export with Python on all examples of a signature.

    Returns:
        The first example, and the answer to it.

    Raises:
        ValueError: If they differ.
    """
    examples = list(signature.examples)
    if format == "litert":
        examples = [_first_row(signature, example) for example in examples]
    first = None
    if name == "serving_default":
        examples += [{**examples[0], "text": [odd]} for odd in ODD_TEXTS]
    for example in examples:
        example = {
            key: _array(example[key], dtype)
            for key, (_, dtype) in signature.inputs.items()
        }
        expected, refusal = None, ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of texts that are cut
                expected = signature.answers(**_plain(example))
        except (TypeError, ValueError) as error:
            refusal = str(error)
        received = _clean_process(format).answer(folder, name, example)
        problem = _difference(expected, refusal, received)
        if problem:
            shown = {key: str(value)[:200] for key, value in example.items()}
            raise ValueError(
                "An export must answer as Python does; nothing was written. Please "
                f"report this. Received: signature={name!r}, inputs={shown}, {problem}"
            )
        if first is None:
            first = example, received["outputs"]
    return first


def _difference(expected: dict | None, refusal: str, received: dict) -> str:
    """Says how an export's answer differs from Python's; empty if it does not."""
    outputs = received.get("outputs")
    if expected is None or outputs is None:
        if outputs is None and expected is not None:
            return f"which Python answers and the export refuses: {received['refused']}"
        if outputs is not None:
            return f"which the export answers and Python refuses: {refusal}"
        if received["refused"].startswith("InvalidArgumentError"):
            return ""
        return f"which the export should refuse as bad, not with {received['refused']}"
    if sorted(expected) != sorted(outputs):
        return f"outputs {sorted(outputs)} in place of {sorted(expected)}"
    for key, value in expected.items():
        value, output = np.asarray(value), outputs[key]
        if value.dtype.kind in "OUS":
            value = np.array([str(v) for v in value.ravel()], object).reshape(
                value.shape
            )
        if value.shape != output.shape:
            return f"{key} of shape {output.shape} in place of {value.shape}"
        if value.dtype.kind == "f":
            finite = np.abs(value[np.isfinite(value)])
            allowed = TOLERANCE * max(1.0, finite.max(initial=0.0))
            same = np.allclose(output, value, rtol=0, atol=allowed, equal_nan=True)
        else:
            same = np.array_equal(value, output)
        if not same:
            return f"{key}={output.tolist()!r:.500} in place of {value.tolist()!r:.500}"
    return ""


class _CleanProcess:
    """A process that loads exports and answers, and knows neither rnnzoo nor Keras."""

    def __init__(self, format: str):
        """Starts it; it ends with this one."""
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-I", replay.__file__, format],
            # This process may have all the memory of a GPU.
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def answer(self, folder: pathlib.Path, signature: str, example: dict) -> dict:
        """Returns `outputs`, arrays by name, or why the inputs were `refused`."""
        request = {
            # This process may have gone to another folder meanwhile.
            "folder": str(folder.absolute()),
            "signature": signature,
            "inputs": {key: replay.packed(value) for key, value in example.items()},
        }
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            reply = self.process.stdout.readline()
        except BrokenPipeError:
            reply = ""
        if not reply:
            status = self.process.wait()
            _clean_process.cache_clear()
            self.errors.seek(0)
            said = self.errors.read().decode("utf-8", "replace")[-2000:]
            raise ValueError(
                "The process that tries exports must go on; nothing was written. "
                f"Received: exit status {status}, {said}"
            )
        reply = json.loads(reply)
        if "outputs" in reply:
            outputs = reply["outputs"].items()
            reply["outputs"] = {key: replay.unpacked(value) for key, value in outputs}
        return reply


@functools.cache
def _clean_process(format: str) -> _CleanProcess:
    """Returns the process that tries all exports of a format."""
    return _CleanProcess(format)


def _array(value: Any, dtype: str) -> np.ndarray:
    """Returns an input as an array; strings as objects."""
    return np.array(value, object if dtype == "string" else dtype)


def _plain(example: dict) -> dict:
    """Returns inputs as a caller in Python has them: lists of strings, numbers."""
    return {
        key: value.tolist() if value.dtype == object or not value.ndim else value
        for key, value in example.items()
    }


def _first_row(signature: Signature, example: dict) -> dict:
    """Returns the first row of the inputs that have a batch."""
    return {
        key: np.asarray(example[key])[:1] if shape else example[key]
        for key, (shape, _) in signature.inputs.items()
    }


def _card(
    model: Any, format: str, precision: str, signatures: dict, answered: dict
) -> dict:
    """Returns what is written of a model beside it."""
    import keras

    settings = model.get_config()
    settings.pop("vocabulary", None)
    return {
        "model": type(model).__name__,
        "format": format,
        "precision": precision,
        "card": dict(model.card),
        "settings": settings,
        "tokens": {"kind": type(model.tokens).__name__, **model.tokens.get_config()},
        "signatures": {
            name: {
                "inputs": {
                    key: {"shape": list(shape), "dtype": str(dtype)}
                    for key, (shape, dtype) in signature.inputs.items()
                },
                "outputs": {
                    key: {"dimensions": value.ndim, "dtype": _dtype(value)}
                    for key, value in answered[name][1].items()
                },
            }
            for name, signature in signatures.items()
        },
        "tolerance": TOLERANCE,
        "versions": {
            "rnnzoo": rnnzoo.__version__,
            "keras": keras.__version__,
            "tensorflow": importlib.import_module("tensorflow").__version__,
        },
    }


def _dtype(array: np.ndarray) -> str:
    return "string" if array.dtype == object else array.dtype.name


def _requests(model: str, signature: str, inputs: dict, outputs: dict) -> dict:
    """Returns a request to TensorFlow Serving's REST interface, and the response."""
    body = {"inputs": {key: value.tolist() for key, value in inputs.items()}}
    if signature != "serving_default":
        body = {"signature_name": signature, **body}
    response = {key: value.tolist() for key, value in outputs.items()}
    if len(response) == 1:  # then the interface leaves its name out
        (response,) = response.values()
    return {
        "method": "POST",
        "url": f"/v1/models/{model}:predict",
        "request": body,
        "response": {"outputs": response},
    }


def _write_warmup(model: str, signatures: dict, folder: pathlib.Path) -> None:
    """Writes the requests that TensorFlow Serving warms up with, if it can be done."""
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        return
    import tensorflow as tf

    extra = folder / "assets.extra"
    extra.mkdir()
    with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
        for name, signature in signatures.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model
            request.model_spec.signature_name = name
            for key, (_, dtype) in signature.inputs.items():
                value = _array(signature.examples[0][key], dtype)
                tensor = tf.make_tensor_proto(value, dtype)
                request.inputs[key].CopyFrom(tensor)
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())


def _write_mlserver(model: str, folder: pathlib.Path) -> None:
    """Writes what MLServer needs to serve a SavedModel."""
    shutil.copy(SERVED / "runtime.py", folder)
    settings = {"name": model, "implementation": "runtime.SavedModel"}
    _write_json(folder / "model-settings.json", settings)
    # Requests have threads; TensorFlow uses all cores in one process.
    _write_json(folder / "settings.json", {"parallel_workers": 0})


def _write_json(path: pathlib.Path, content: dict) -> None:
    """Writes JSON; numbers that JSON has not are written as Python and servers do."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=_listed)
    path.write_text(text + "\n", encoding="utf-8")


def _listed(value: Any) -> Any:
    """Returns NumPy's values as JSON has them."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
