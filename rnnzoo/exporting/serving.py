"""Files for servers of a SavedModel: requests, warm-up, MLServer."""

import json
import pathlib
import shutil
from typing import Any

from rnnzoo.exporting.verification import to_array

# The program that MLServer runs; it knows nothing of rnnzoo.
RUNTIME = pathlib.Path(__file__).parent.parent / "served" / "runtime.py"


def write_serving_files(
    model: str, signatures: dict, answers: dict, folder: pathlib.Path
) -> None:
    """Writes requests and warm-up for TensorFlow Serving, and what MLServer needs.

    `answers` has the inputs and outputs of an example of each signature.
    """
    requests = {name: _make_request(model, name, *answers[name]) for name in signatures}
    write_json(folder / "requests.json", requests)
    _write_warmup(model, signatures, folder)
    shutil.copy(RUNTIME, folder)
    settings = {"name": model, "implementation": "runtime.SavedModel"}
    write_json(folder / "model-settings.json", settings)
    # Requests have threads; TensorFlow uses all cores in one process.
    write_json(folder / "settings.json", {"parallel_workers": 0})


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


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes JSON; NaN and infinities are written as Python and servers write them."""

    def to_plain(value: Any) -> Any:
        return value.tolist() if hasattr(value, "tolist") else str(value)

    text = json.dumps(content, indent=2, ensure_ascii=False, default=to_plain)
    path.write_text(text + "\n", encoding="utf-8")
