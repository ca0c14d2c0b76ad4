"""Exporting: a model as a folder that servers and other languages run."""

import contextlib
import json
import logging
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo import __version__
from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.errors import check_choice, check_number
from rnnzoo.exporting.formats import WRITERS
from rnnzoo.exporting.precision import PRECISIONS, round_weights
from rnnzoo.exporting.verification import TOLERANCE, to_array, verify
from rnnzoo.layers.keras_internals import list_layers
from rnnzoo.listing import list_models
from rnnzoo.tokens.graphs import check_backend
from rnnzoo.writing import replace_folder

# The program that MLServer runs; it knows nothing of rnnzoo.
RUNTIME = pathlib.Path(__file__).parent.parent / "served" / "runtime.py"


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

    - with `"savedmodel"`: `saved_model.pb` with all signatures, from raw text to named
      answers; requests and responses for TensorFlow Serving, `requests.json`; and
      `assets.extra` to warm up with, if `tensorflow-serving-api` is installed.
      `mlserver start path/1` serves the folder too.
    - with `"onnx"`, a file `<signature>.onnx` for each signature without text, for ONNX
      Runtime; with `"litert"`, files `<signature>.tflite` for LiteRT, of batch 1.
    - `model.json`: the model card, settings, tokens, vocabulary, and signatures.

    Before the call returns, a process that can import neither rnnzoo nor Keras answers
    the examples of every signature. Text, labels and integers must be Python's; other
    numbers may differ by 1e-4 of the largest in a tensor. Otherwise a `ValueError` is
    raised and nothing written, as for an unknown format or an existing folder;
    `ImportError` says how to get a missing package.

    Args:
        model: A model of the zoo, trained or not, or one of an architecture, such as
            `many_to_one`: without tokens, it takes arrays instead of texts.
        path: The folder to make; the folder of the version is returned.
        format: `"savedmodel"`, `"onnx"` or `"litert"`.
        precision: What the matrices of the weights are rounded to: `"float32"`, not at
            all; `"float16"`, for half the space (ONNX and LiteRT); or `"int8"`, for a
            quarter (ONNX). docs/serving.md says what that costs.
        version: The number of the folder in `path`. Servers take the highest.
        overwrite: Whether to replace a folder of that version.

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
    check_choice("format", format, WRITERS)
    check_choice("precision", precision, PRECISIONS["onnx"])
    if precision not in PRECISIONS[format]:
        able = [name for name, known in PRECISIONS.items() if precision in known]
        raise ValueError(
            f"Of the formats, only {' and '.join(able)} can store that precision. "
            f"Received: format={format!r}, precision={precision!r}"
        )
    if not isinstance(model, SequenceModel):
        raise TypeError(
            f"model must be a model of the zoo: one of {', '.join(list_models())}, or "
            "of an architecture such as many_to_one. Received: a "
            f"{type(model).__name__}"
        )
    check_backend("Exporting")
    target = _check_target(path, version, overwrite)
    with (
        replace_folder(target) as draft,
        _use_portable_operations(model),
        round_weights(model, precision),
    ):
        signatures = model.signatures()
        if format != "savedmodel":
            signatures = {n: s for n, s in signatures.items() if not s.has_text}
        WRITERS[format](model, signatures, draft, precision)
        answers = {
            name: verify(name, signature, format, draft)
            for name, signature in signatures.items()
        }
        card = _describe(model, signatures, answers)
        stored = {"format": format, "precision": precision}
        _write_json(draft / "model.json", card | stored)
        if format == "savedmodel":
            name = target.absolute().parent.name
            _write_serving_files(name, signatures, answers, draft)
    return target


def _check_target(
    path: str | os.PathLike, version: int, overwrite: bool
) -> pathlib.Path:
    """Returns the folder of a version, and refuses one that cannot be written."""
    check_number("version", version, minimum=1, whole=True)
    if not path and isinstance(path, (str, bytes)):
        raise ValueError(
            "path must name the folder to make; '.' is the current one. Received: "
            f"path={path!r}"
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
    return target


@contextlib.contextmanager
def _use_portable_operations(model: Any) -> Iterator[None]:
    """Makes graphs without cuDNN and unused random numbers, and converters silent."""
    with contextlib.ExitStack() as stack:
        precision = tf.config.experimental
        was_enabled = precision.tensor_float_32_execution_enabled()
        stack.callback(precision.enable_tensor_float_32_execution, was_enabled)
        precision.enable_tensor_float_32_execution(False)
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.WARNING)
        for layer in list_layers(model):
            for name, value in (("use_cudnn", False), ("dropout", 0.0)):
                if name in vars(layer):
                    stack.callback(setattr, layer, name, getattr(layer, name))
                    setattr(layer, name, value)
        yield


def _describe(model: Any, signatures: dict, answers: dict) -> dict:
    """Returns what `model.json` says of a model and its signatures."""
    tokens = getattr(model, "tokens", None)
    versions = {"rnnzoo": __version__, "keras": keras.__version__}

    def describe_output(array: np.ndarray) -> dict:
        dtype = "string" if array.dtype == object else array.dtype.name
        return {"dimensions": array.ndim, "dtype": dtype}

    return {
        "model": type(model).__name__,
        "card": dict(model.card),
        "settings": {k: v for k, v in model.get_config().items() if k != "vocabulary"},
        "tokens": tokens and {"kind": type(tokens).__name__, **tokens.get_config()},
        "signatures": {
            name: {
                "inputs": {
                    key: {"shape": list(shape), "dtype": str(dtype)}
                    for key, (shape, dtype) in signature.inputs.items()
                },
                "outputs": {
                    key: describe_output(array)
                    for key, array in answers[name][1].items()
                },
            }
            for name, signature in signatures.items()
        },
        "tolerance": TOLERANCE,
        "versions": versions | {"tensorflow": tf.__version__},
    }


def _write_serving_files(
    model: str, signatures: dict, answers: dict, folder: pathlib.Path
) -> None:
    """Writes requests and warm-up for TensorFlow Serving, and what MLServer needs."""
    requests = {name: _make_request(model, name, *answers[name]) for name in signatures}
    _write_json(folder / "requests.json", requests)
    _write_warmup(model, signatures, folder)
    shutil.copy(RUNTIME, folder)
    settings = {"name": model, "implementation": "runtime.SavedModel"}
    _write_json(folder / "model-settings.json", settings)
    # Requests have threads; TensorFlow uses all cores in one process. Of an error that
    # nobody expected, clients get no traceback.
    _write_json(folder / "settings.json", {"parallel_workers": 0, "debug": False})


def _make_request(model: str, signature: str, inputs: dict, outputs: dict) -> dict:
    """Returns a request to TensorFlow Serving's REST interface, and the response."""
    named = {} if signature == "serving_default" else {"signature_name": signature}
    # The interface leaves the name of a single output out.
    response = outputs if len(outputs) > 1 else next(iter(outputs.values()))
    return {
        "method": "POST",
        "url": f"/v1/models/{model}:predict",
        "request": {**named, "inputs": inputs},
        "response": {"outputs": response},
    }


def _write_warmup(model: str, signatures: dict, folder: pathlib.Path) -> None:
    """Writes requests for TensorFlow Serving to warm up with, if its API is there."""
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
                value = to_array(signature.examples[0][key], dtype)
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value, dtype))
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())


def _write_json(path: pathlib.Path, content: dict) -> None:
    """Writes JSON; NaN and infinities are written as Python and servers write them."""

    def to_plain(value: Any) -> Any:
        return value.tolist() if hasattr(value, "tolist") else str(value)

    text = json.dumps(content, indent=2, ensure_ascii=False, default=to_plain)
    path.write_text(text + "\n", encoding="utf-8")
