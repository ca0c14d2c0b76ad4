"""Exporting: a model as a folder that servers and other languages run.

A model says in `signatures()` how its export can be called. Each signature brings the
graph, what Python answers to the same inputs, and examples, on which `export` compares
the two in a process that does not know rnnzoo (`rnnzoo.exporting.replay`).
"""

import contextlib
import functools
import importlib
import logging
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

import rnnzoo
from rnnzoo.errors import check_choice, check_number
from rnnzoo.exporting.formats import (
    rounded_weights,
    write_litert,
    write_onnx,
    write_savedmodel,
)
from rnnzoo.exporting.serving import (
    example_requests,
    write_json,
    write_mlserver,
    write_warmup,
)
from rnnzoo.exporting.verification import TOLERANCE, verify

FORMATS = ("savedmodel", "onnx", "litert")
# What a format can store the weights as.
PRECISIONS = {
    "savedmodel": ("float32",),
    "onnx": ("float32", "float16", "int8"),
    "litert": ("float32", "float16"),
}


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

    With a `precision` below float32 the matrices of the weights are round_weights, which
    makes the files smaller and may cost some of the score (docs/serving.md says how
    much). The export then answers as Python does with the round_weights weights, in float32.

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
        "savedmodel": write_savedmodel,
        "onnx": functools.partial(write_onnx, precision=precision),
        "litert": functools.partial(write_litert, precision=precision),
    }
    with draft_of(target) as draft, _portable(model), rounded_weights(model, precision):
        signatures = model.signatures()
        if format != "savedmodel":
            signatures = {n: s for n, s in signatures.items() if not s.has_text}
        with _quietly():
            write[format](model, signatures, draft)
        answered = {
            name: verify(name, signature, format, draft)
            for name, signature in signatures.items()
        }
        card = _card(model, format, precision, signatures, answered)
        write_json(draft / "model.json", card)
        if format == "savedmodel":
            called = path.absolute().name
            requests = {
                name: example_requests(called, name, *first)
                for name, first in answered.items()
            }
            write_json(draft / "requests.json", requests)
            write_warmup(called, signatures, draft)
            write_mlserver(called, draft)
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
