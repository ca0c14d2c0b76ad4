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

    Args:
        model: Name by which the model is served.
        signatures: Signatures by name.
        answers: For each signature, the inputs and outputs of an example.
        folder: The folder of the SavedModel.
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
                value = to_array(signature.examples[0][key], dtype)
                tensor = tf.make_tensor_proto(value, dtype)
                request.inputs[key].CopyFrom(tensor)
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes JSON; NaN and infinities are written as Python and servers write them."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=_to_plain)
    path.write_text(text + "\n", encoding="utf-8")


def _to_plain(value: Any) -> Any:
    """Returns NumPy's values as JSON has them."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
