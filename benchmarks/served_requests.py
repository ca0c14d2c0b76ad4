"""Requests to the program that MLServer runs, without MLServer: right and wrong ones.

`open_folder` loads `runtime.py` with stand-ins for MLServer's classes, whose attributes
it uses; `tests/test_serving.py` sends requests to the real server, if it is installed.
"""

import asyncio
import importlib.util
import json
import pathlib
import sys
import types
from typing import Any

import tensorflow as tf
from numpy.random import Generator

RUNTIME = pathlib.Path(__file__).parents[1] / "rnnzoo" / "served" / "runtime.py"
# What no message may hold: traces, places in files, and names of TensorFlow's nodes.
LEAKS = ("Traceback", 'File "', ".py", "{{", "node ", "function_", "tensorflow")
ODD = [None, True, 0, -1, 1.5, 2**70, "", "a", "\0", [], [[]], [["a", "b"]], {"a": 1}]
ODD += [["a", 1], [1, 2, 3], ["3 1 2"], [2, 1], [-1], [0], "INT64", "BYTES", "\ud800"]


class Refusal(Exception):
    """Stands in for `mlserver.errors.InferenceError`, which has the status 400."""


class Record(types.SimpleNamespace):
    """Stands in for MLServer's data classes."""


def open_folder(folder: pathlib.Path) -> Any:
    """Returns what answers requests with the SavedModel of a folder."""
    names = ("InferenceRequest", "InferenceResponse", "MetadataTensor", "RequestInput")
    record = dict.fromkeys((*names, "ResponseOutput"), Record)
    modules = {
        "mlserver": types.SimpleNamespace(MLModel=object),
        "mlserver.errors": types.SimpleNamespace(InferenceError=Refusal),
        "mlserver.types": types.SimpleNamespace(**record),
    }
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        (folder / "runtime.py").write_bytes(RUNTIME.read_bytes())
        spec = importlib.util.spec_from_file_location("runtime", folder / "runtime.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.modules.update({name: one for name, one in before.items() if one})
        for name in [name for name, one in before.items() if not one]:
            del sys.modules[name]
    served = module.SavedModel()
    served.name = "model"
    asyncio.run(served.load())
    return served


def write_sorter(folder: pathlib.Path) -> pathlib.Path:
    """Writes a SavedModel that sorts numbers, as quick as it is small."""
    module, texts = tf.Module(), tf.TensorSpec((None,), tf.string, name="text")
    numbers = tf.TensorSpec((None, 3), tf.int32, name="numbers")
    scale = tf.TensorSpec((), tf.float32, name="scale")

    @tf.function(input_signature=[texts])
    def default(text: Any) -> dict:
        is_right = tf.strings.regex_full_match(text, "[0-9 ]*")
        check = tf.debugging.Assert(tf.reduce_all(is_right), ["A text has numbers."])
        with tf.control_dependencies([check]):
            return {"text": tf.identity(text), "sizes": tf.strings.length(text)}

    @tf.function(input_signature=[numbers, scale])
    def lists(numbers: Any, scale: Any) -> dict:
        return {"sorted": tf.sort(tf.cast(numbers, tf.float32) * tf.ones_like(scale))}

    module.default, module.lists = default, lists
    signatures = {"serving_default": default, "lists": lists}
    tf.saved_model.save(module, str(folder), signatures)
    return folder


def ask(served: Any, body: dict) -> dict:
    """Returns outputs by name; `Refusal` as the status 400."""
    inputs = [
        Record(**{**one, "parameters": list((one.get("parameters") or {}).items())})
        for one in body["inputs"]
    ]
    outputs = [
        Record(name=one["name"], parameters=list((one.get("parameters") or {}).items()))
        for one in body.get("outputs") or ()
    ]
    parameters = list((body.get("parameters") or {}).items())
    payload = Record(inputs=inputs, outputs=outputs, parameters=parameters)
    answer = asyncio.run(served.predict(payload))
    return {output.name: output for output in answer.outputs}


def right_request(random: Generator) -> dict:
    """Returns a request that has an answer."""
    rows = int(random.integers(1, 4))
    if random.random() < 0.5:
        texts = [str(number) for number in random.integers(0, 99, rows)]
        text = {"name": "text", "shape": [rows], "datatype": "BYTES", "data": texts}
        return {"inputs": [text]}
    values = random.integers(0, 99, (rows, 3))
    data = values.tolist() if random.random() < 0.5 else values.ravel().tolist()
    numbers = {"name": "numbers", "shape": [rows, 3], "datatype": "INT32", "data": data}
    scale = {"name": "scale", "shape": [], "datatype": "FP32", "data": [2]}
    return {"parameters": {"signature": "lists"}, "inputs": [scale, numbers]}


def change_request(random: Generator, body: dict) -> dict:
    """Returns a request with one thing changed at random."""
    body = json.loads(json.dumps(body))
    one = body["inputs"][random.integers(len(body["inputs"]))]
    odd = ODD[random.integers(len(ODD))]
    kind = random.integers(9)
    if kind == 0:
        body["parameters"] = {"signature": odd}
    elif kind == 1:
        body["parameters"] = {"signatur": "lists"}
    elif kind == 2:
        body["inputs"] = body["inputs"] * 2
    elif kind == 3:
        body["inputs"] = body["inputs"][1:]
    elif kind == 4:
        body["outputs"] = [{"name": "nothing"}]
    elif kind == 5:
        one["data"] = odd
    elif kind == 6:  # MLServer itself refuses what is no list of integers
        one["shape"] = random.integers(-2, 4, random.integers(0, 4)).tolist()
    elif kind == 7:
        one["datatype"] = random.choice(["INT64", "FP64", "BOOL", "UINT8"]).item()
    elif isinstance(one["data"], list) and one["data"]:
        one["data"][random.integers(len(one["data"]))] = odd
    return body


def find_fault(served: Any, body: dict) -> str:
    """Says what is wrong with the answer to a request; nothing if all is right."""
    try:
        outputs = ask(served, body)
    except Refusal as refusal:
        text = str(refusal)
        leaks = [leak for leak in LEAKS if leak in text]
        if leaks or "Received: " not in text or len(text) > 2000:
            return f"{body}: not a plain sentence: {text[:300]}"
        return ""
    except Exception as error:
        return f"{body}: {type(error).__name__}: {str(error)[:200]}"
    inputs = {one["name"]: one for one in body["inputs"]}
    text, numbers = inputs.get("text"), inputs.get("numbers")
    if text and outputs["text"].data != text["data"]:
        return f"{body}: answered with {outputs['text'].data}"
    if numbers:
        found = outputs["sorted"]
        values = numbers["data"]
        if isinstance(values[0], list):
            values = [value for row in values for value in row]
        rows = [sorted(values[i : i + 3]) for i in range(0, len(values), 3)]
        if found.data != [value for row in rows for value in row]:
            return f"{body}: answered with {found.data}"
    return ""
