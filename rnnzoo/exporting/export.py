"""Exporting: a model as a folder that servers and other languages run."""

import contextlib
import logging
import os
import pathlib
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
from rnnzoo.exporting.serving import (
    read_examples,
    show_examples,
    write_json,
    write_serving_files,
)
from rnnzoo.exporting.streaming import add_stream_signatures, describe_initial_state
from rnnzoo.exporting.verification import TOLERANCE, verify
from rnnzoo.layers.keras_internals import list_layers
from rnnzoo.listing import list_models
from rnnzoo.tokens.graphs import check_backend
from rnnzoo.writing import replace_folder


def export(
    model: Any,
    path: str | os.PathLike,
    format: str = "savedmodel",
    *,
    precision: str = "float32",
    version: int = 1,
    overwrite: bool = False,
    examples: Any = None,
    text: str | None = None,
) -> pathlib.Path:
    """Writes a model as a folder that can be served without rnnzoo or Keras.

    The folder `path/1` (a version, as servers want it) holds:

    - with `"savedmodel"`: `saved_model.pb` with all signatures, from raw text to named
      answers; requests and responses, `requests.json`; and `assets.extra` for
      TensorFlow Serving to warm up with, if `tensorflow-serving-api` is installed.
      `python app.py` serves the folder, as its `Dockerfile` does, or `mlserver start`.
    - with `"onnx"`, a file `<signature>.onnx` for each signature without text, for ONNX
      Runtime; with `"litert"`, files `<signature>.tflite` for LiteRT, of batch 1.
    - `model.json`: the model card, settings, tokens, vocabulary, and signatures; for
      ONNX and LiteRT the operators of every file, and whether all are built in.

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
        precision: What the matrices of the weights are rounded to, in ONNX and LiteRT
            files: `"float32"`, not at all; `"float16"`, for half the space; or
            `"int8"`, for a quarter. docs/serving.md says what that costs.
        version: The number of the folder in `path`. Servers take the highest.
        overwrite: Whether to replace a folder of that version.
        examples: Your own inputs, to be shown in `requests.json` and verified with the
            others: texts; or the path of a `.txt` file with one on each line or of a
            table (`.csv`, `.tsv`, `.jsonl`), whose first four are taken; for models
            without tokens, arrays. Default: samples that the model makes up.
        text: Of a table of examples, the column of the texts; `None` for `"text"`.

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
    if examples is not None:
        examples = read_examples(model, examples, text)
    with (
        replace_folder(target) as draft,
        _use_portable_operations(model),
        round_weights(model, precision),
    ):
        signatures = add_stream_signatures(model, model.signatures())
        if examples is not None:
            signatures = show_examples(model, signatures, examples)
        if format != "savedmodel":
            signatures = {n: s for n, s in signatures.items() if not s.has_text}
        operators = WRITERS[format](model, signatures, draft, precision)
        answers = {
            name: verify(name, signature, format, draft)
            for name, signature in signatures.items()
        }
        card = _describe(model, signatures, answers)
        stored = {"format": format, "precision": precision}
        write_json(draft / "model.json", card | stored | operators)
        if format == "savedmodel":
            name = target.absolute().parent.name
            write_serving_files(name, signatures, answers, draft)
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


def _shorten_tokens(config: dict) -> dict:
    """Returns settings without vocabularies, which `tokens` of `model.json` has."""
    found = {k: v for k, v in config.items() if k != "vocabulary"}
    if isinstance(found.get("tokens"), dict):
        found["tokens"] = found["tokens"]["class_name"]
    return found


def _describe(model: Any, signatures: dict, answers: dict) -> dict:
    """Returns what `model.json` says of a model and its signatures."""
    tokens = getattr(model, "tokens", None)
    versions = {"rnnzoo": __version__, "keras": keras.__version__}
    initial = describe_initial_state(model)

    def describe_output(array: np.ndarray) -> dict:
        dtype = "string" if array.dtype == object else array.dtype.name
        return {"dimensions": array.ndim, "dtype": dtype}

    return {
        "model": type(model).__name__,
        "card": dict(model.card),
        "settings": _shorten_tokens(model.get_config()),
        "tokens": tokens and {"kind": type(tokens).__name__, **tokens.get_config()},
        "signatures": {
            name: {
                **({"initial_state": initial} if "state_0" in signature.inputs else {}),
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
