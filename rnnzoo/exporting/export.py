"""Exporting: a model as a folder that servers and other languages run.

A model says in `signatures()` how its export can be called, and brings examples, on
which `export` compares the files with Python in a process that does not know rnnzoo.
"""

import contextlib
import logging
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from rnnzoo import __version__, listing
from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.errors import check_choice, check_number
from rnnzoo.exporting.formats import WRITERS
from rnnzoo.exporting.precision import PRECISIONS, round_weights
from rnnzoo.exporting.serving import write_json, write_serving_files
from rnnzoo.exporting.verification import TOLERANCE, verify
from rnnzoo.layers.keras_internals import list_layers


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
      signatures, from raw text to named answers. `requests.json` has an exact request
      and response of each for TensorFlow Serving; if `tensorflow-serving-api` is
      installed, `assets.extra` has them to warm up with. `mlserver start path/1` serves
      the folder too.
    - with `"onnx"`, a file `<signature>.onnx` for each signature without text, for ONNX
      Runtime; with `"litert"`, files `<signature>.tflite` for LiteRT, of batch 1.
      Neither knows texts: `model.json` has the vocabulary.
    - `model.json`: the model card, settings, tokens, and the inputs and outputs of
      every signature.

    Before the call returns, the files are loaded in a process that can import neither
    rnnzoo nor Keras. It answers the examples of every signature, and odd texts one by
    one. Text, labels and integers must be Python's; other numbers may differ by
    1e-4 of the largest in a tensor. What Python refuses the SavedModel must refuse.

    Args:
        model: A model of the zoo, trained or not, or one of an architecture, such as
            `many_to_one`: without tokens, it takes arrays instead of texts.
        path: The folder to make.
        format: `"savedmodel"`, `"onnx"` or `"litert"`.
        precision: What the matrices of the weights are rounded to: `"float32"`, not at
            all; `"float16"`, for half the space (ONNX and LiteRT); or `"int8"`, for a
            quarter (ONNX). Answers are Python's with the rounded weights;
            docs/serving.md says what that costs.
        version: The number of the folder in `path`. Servers take the highest.
        overwrite: Whether to replace a folder of that version.

    Returns:
        The folder that was written, with the version.

    Raises:
        TypeError: If `model` is neither, or `path` no path.
        ValueError: If `format` or `precision` is not one of those, the folder exists,
            or the export does not answer as Python does. Nothing is written then.
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
            "model must be a model of the zoo: one of "
            f"{', '.join(listing.list_models())}, or of an architecture such as "
            f"many_to_one. Received: a {type(model).__name__}"
        )
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
        write_json(draft / "model.json", card | stored)
        if format == "savedmodel":
            name = target.absolute().parent.name
            write_serving_files(name, signatures, answers, draft)
    return target


def _check_target(
    path: str | os.PathLike, version: int, overwrite: bool
) -> pathlib.Path:
    """Returns the folder of a version, and refuses one that cannot be written."""
    check_number("version", version, minimum=1, whole=True)
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
    """Has graphs made of operations that run everywhere, and converters silent.

    That is, without cuDNN's, and without the random numbers that recurrent layers draw
    for dropout even when they do not use them. Python answers in full precision
    meanwhile, as exports do on CPUs.
    """
    with contextlib.ExitStack() as stack:
        precision = tf.config.experimental
        stack.callback(
            precision.enable_tensor_float_32_execution,
            precision.tensor_float_32_execution_enabled(),
        )
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
                    key: {
                        "dimensions": array.ndim,
                        "dtype": "string"
                        if array.dtype == object
                        else str(array.dtype),
                    }
                    for key, array in answers[name][1].items()
                },
            }
            for name, signature in signatures.items()
        },
        "tolerance": TOLERANCE,
        "versions": {
            "rnnzoo": __version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
    }


@contextlib.contextmanager
def replace_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
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
