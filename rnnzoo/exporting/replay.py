"""Answers with an exported model, in a process that knows neither rnnzoo nor Keras.

    python -I replay.py savedmodel|onnx|litert

It reads requests from standard input and writes answers, a line of JSON each. It is run
as a file: importing rnnzoo or Keras fails in it. TensorFlow imports `keras`, and gets
an empty package.
"""

import functools
import importlib.util
import json
import pathlib
import sys
import types
from collections.abc import Callable

import numpy as np


def to_json(array: np.ndarray) -> dict:
    """Returns an array as JSON has it; strings are in arrays of objects."""
    values = array.ravel().tolist()
    return {"shape": list(array.shape), "dtype": array.dtype.name, "values": values}


def from_json(content: dict) -> np.ndarray:
    """Returns the array that `to_json` was given."""
    return np.array(content["values"], content["dtype"]).reshape(content["shape"])


@functools.lru_cache(maxsize=1)
def savedmodel(folder: str) -> Callable:
    """Returns what calls the signatures of a SavedModel."""
    import tensorflow as tf

    # Operations of tensorflow-text, without its Python, which asks for Keras.
    package = importlib.util.find_spec("tensorflow_text")
    for place in (package and package.submodule_search_locations) or ():
        for name in ("*_sentencepiece_*.so", "_normalize_ops.so"):
            for library in pathlib.Path(place, "python/ops").glob(name):
                tf.load_op_library(str(library))
    loaded = tf.saved_model.load(folder)

    def call(signature: str, inputs: dict) -> dict:
        function = loaded.signatures[signature]
        specs = function.structured_input_signature[1]
        tensors = {
            name: tf.constant(value, specs[name].dtype, value.shape)
            for name, value in inputs.items()
        }
        outputs = function(**tensors)
        return {name: decode_texts(tensor.numpy()) for name, tensor in outputs.items()}

    return call


@functools.lru_cache(maxsize=1)
def onnx(folder: str) -> Callable:
    """Returns what calls the signatures of ONNX files."""
    import onnxruntime

    sessions = {
        file.stem: onnxruntime.InferenceSession(
            file, providers=["CPUExecutionProvider"]
        )
        for file in pathlib.Path(folder).glob("*.onnx")
    }

    def call(signature: str, inputs: dict) -> dict:
        session = sessions[signature]
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))

    return call


@functools.lru_cache(maxsize=1)
def litert(folder: str) -> Callable:
    """Returns what calls the signatures of LiteRT files."""
    from ai_edge_litert.interpreter import Interpreter

    runners = {
        file.stem: Interpreter(str(file)).get_signature_runner()
        for file in pathlib.Path(folder).glob("*.tflite")
    }
    return lambda signature, inputs: runners[signature](**inputs)


def decode_texts(array: np.ndarray) -> np.ndarray:
    """Returns an array with strings in place of UTF-8."""
    if array.dtype != object:
        return array
    flat = [value.decode("utf-8", "replace") for value in array.ravel()]
    return np.array(flat, object).reshape(array.shape)


class ImportBlocker:
    """An importer that refuses packages with these names."""

    def __init__(self, *names: str):
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Refuses a name; Python calls it before its own importers."""
        if name.split(".")[0] in self.names:
            raise ImportError(f"{name} must not be imported here")


def main(format: str) -> None:
    """Answers requests in a format until there are no more."""
    hidden = ["rnnzoo", "tf_keras"]
    hidden += ["keras"] if format == "savedmodel" else ["keras", "tensorflow"]
    sys.modules["keras"] = types.ModuleType("keras")
    sys.meta_path.insert(0, ImportBlocker(*hidden))
    open_folder = {"savedmodel": savedmodel, "onnx": onnx, "litert": litert}[format]
    for line in sys.stdin:
        request = json.loads(line)
        inputs = {name: from_json(value) for name, value in request["inputs"].items()}
        call = open_folder(request["folder"])
        try:
            outputs = call(request["signature"], inputs)
            reply = {"outputs": {name: to_json(v) for name, v in outputs.items()}}
        except Exception as error:
            reply = {"refused": f"{type(error).__name__}: {error}"[:2000]}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
