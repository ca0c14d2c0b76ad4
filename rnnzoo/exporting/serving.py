"""What servers need beside a SavedModel: requests, warm-up, programs, a Dockerfile."""

import dataclasses
import json
import os
import pathlib
import shutil
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.architectures.signature import Signature
from rnnzoo.data.tables import Table
from rnnzoo.errors import shorten
from rnnzoo.exporting.verification import to_array
from rnnzoo.layers.keras_internals import replace_untracked

SERVED = pathlib.Path(__file__).parent.parent / "served"
# Programs that know nothing of rnnzoo: MLServer runs the first one.
PROGRAMS = ("runtime.py", "app.py", "Dockerfile")
# Inputs of a file that are shown in requests.
SHOWN = 4
# How the names of tensorflow-text's operations begin.
TEXT_OPERATORS = ("Sentencepiece", "NormalizeUTF8", "CaseFoldUTF8")


def read_examples(model: Any, examples: Any, column: str | None) -> Any:
    """Returns a user's raw inputs, which the model must be able to answer.

    Args:
        model: The model that is exported.
        examples: Texts; the path of a file of them, whose first four are taken; for a
            model without tokens, arrays as it takes them.
        column: Of a table, the column of the texts; `None` for `"text"`.
    """
    if isinstance(examples, (str, os.PathLike)):
        if not hasattr(model, "tokens"):
            raise TypeError(
                "A model without tokens takes arrays: give examples in an array. "
                f"Received: examples={os.fspath(examples)!r}"
            )
        table = Table(examples, text=column)
        examples = [row[table.text] for row in next(table.batches(SHOWN), [])]
    if not hasattr(model, "tokens"):
        source = np.asarray(examples, model.inputs[0].dtype)
        model.predict(source, verbose=0)
        return source
    is_list = isinstance(examples, Sequence) or hasattr(examples, "tolist")
    texts = list(examples) if is_list else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise TypeError(
            "examples must be raw inputs as texts, at least one, or the path of a file "
            f"with one on each line. Received: examples={shorten(examples)}"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of texts that are cut
        model.answer_in_python(texts)  # refuses them by row
    return [str(text) for text in texts]


def show_examples(model: Any, signatures: dict, examples: Any) -> dict:
    """Returns signatures whose first examples are a user's inputs, where they can."""

    def show(name: str, signature: Signature) -> Signature:
        first = signature.examples[0]
        if "text" in signature.inputs:
            first = {**first, "text": examples}
        elif list(signature.inputs) == ["tokens"]:
            first = {"tokens": examples}
            if hasattr(model, "tokens"):
                # As those of samples are made, whatever the model's raw input is.
                with replace_untracked(model, "sample_texts", lambda: examples):
                    first = {"tokens": model.sample_inputs(len(examples))}
        return dataclasses.replace(signature, examples=[first, *signature.examples])

    return {name: show(name, signature) for name, signature in signatures.items()}


def write_serving_files(
    model: str, signatures: dict, answers: dict, folder: pathlib.Path
) -> None:
    """Writes requests, warm-up and programs into the folder of a SavedModel."""
    requests = {name: _make_request(model, name, *answers[name]) for name in signatures}
    write_json(folder / "requests.json", requests)
    _write_warmup(model, signatures, folder)
    for program in PROGRAMS:
        shutil.copyfile(SERVED / program, folder / program)
    lines = "\n".join([*_list_requirements(folder), ""])
    (folder / "requirements.txt").write_text(lines, encoding="utf-8")
    settings = {"name": model, "implementation": "runtime.SavedModel"}
    write_json(folder / "model-settings.json", settings)
    # Requests have threads; TensorFlow uses all cores in one process. Of an error that
    # nobody expected, clients get no traceback. Other machines are served if asked.
    settings = {"parallel_workers": 0, "debug": False, "host": "127.0.0.1"}
    write_json(folder / "settings.json", settings)


def _list_requirements(folder: pathlib.Path) -> list[str]:
    """Returns the packages that `app.py` needs to serve a folder."""
    from tensorflow.core.protobuf import saved_model_pb2

    content = (folder / "saved_model.pb").read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    names = [one.name for one in graph.meta_info_def.stripped_op_list.op]
    major, minor, *_ = tf.__version__.split(".")
    packages = ["tensorflow"]
    if any(name.startswith(TEXT_OPERATORS) for name in names):
        packages.append("tensorflow-text")
    pinned = [f"{package}=={major}.{minor}.*" for package in packages]
    return [*pinned, "fastapi>=0.115", "uvicorn>=0.30"]


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


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes JSON; NaN and infinities are written as Python and servers write them."""

    def to_plain(value: Any) -> Any:
        return value.tolist() if hasattr(value, "tolist") else str(value)

    text = json.dumps(content, indent=2, ensure_ascii=False, default=to_plain)
    path.write_text(text + "\n", encoding="utf-8")
