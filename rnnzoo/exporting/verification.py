"""Comparing an export with Python, in a process that does not know rnnzoo."""

import atexit
import contextlib
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings
from typing import Any

import numpy as np

from rnnzoo.architectures.signature import Signature
from rnnzoo.exporting import replay

# Numbers of an export may differ from Python's by this share of the largest of them.
TOLERANCE = 1e-4
# Texts that every export is tried on: it answers as Python does, or refuses as it does.
ODD_TEXTS = ["", " ", "\0", "\N{GRINNING FACE}", "-1 0 99999999999999999999", "\u0661"]
ODD_TEXTS += ["+1", "1.5", "0x1", "nan", "1,,2", "1\u00a02", "1 " * 1000]
ODD_TEXTS += ["<script>alert(1)</script>"]


def verify(
    name: str, signature: Signature, format: str, folder: pathlib.Path
) -> tuple[dict, dict]:
    """Compares an export with Python on all examples of a signature.

    Returns the first example and its answer; raises `ValueError` if answers differ.
    """
    examples = list(signature.examples)
    if format == "litert":
        examples = [
            {
                key: np.asarray(example[key])[:1] if shape else example[key]
                for key, (shape, _) in signature.inputs.items()
            }
            for example in examples
        ]
    if name == "serving_default":
        examples += [{**examples[0], "text": [odd]} for odd in ODD_TEXTS]
    found = []
    for example in examples:
        example = {
            key: to_array(example[key], dtype)
            for key, (_, dtype) in signature.inputs.items()
        }
        # As a caller in Python has them: lists of strings, and numbers.
        given = {
            key: value.tolist() if value.dtype == object or not value.ndim else value
            for key, value in example.items()
        }
        expected, refusal = None, ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of texts that are cut
                expected = signature.answers(**given)
        except (TypeError, ValueError) as error:
            refusal = str(error)
        received = _start_process(format).answer(folder, name, example)
        problem = find_difference(expected, refusal, received)
        rule = "An export must answer as Python does"
        if not problem and refusal and not found:
            problem = f"which Python and the export refuse: {refusal}"
            rule = "A signature's first example must have an answer"
        if problem:
            shown = {key: str(value)[:200] for key, value in example.items()}
            raise ValueError(
                f"{rule}; nothing was written. Please report this. Received: "
                f"signature={name!r}, inputs={shown}, {problem}"
            )
        found.append((example, received.get("outputs")))
    return found[0]


def find_difference(expected: dict | None, refusal: str, received: dict) -> str:
    """Describes how an export's answer differs from Python's; empty if it does not.

    If Python refused the inputs, `expected` is `None` and `refusal` its message.
    """
    outputs, refused = received.get("outputs"), received.get("refused", "")
    if expected is None:
        if outputs is not None:
            return f"which the export answers and Python refuses: {refusal}"
        if refused.startswith("InvalidArgumentError"):
            return ""
        return f"which the export should refuse as bad, not with {refused}"
    if outputs is None:
        return f"which Python answers and the export refuses: {refused}"
    if sorted(expected) != sorted(outputs):
        return f"outputs {sorted(outputs)} in place of {sorted(expected)}"
    for key, value in expected.items():
        value, output = np.asarray(value), outputs[key]
        if value.dtype.kind in "OUS":
            value = np.vectorize(str, otypes=[object])(value)
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


class CleanProcess:
    """A process that loads exports and answers, and knows neither rnnzoo nor Keras."""

    def __init__(self, format: str):
        self.errors = tempfile.TemporaryFile()
        self.process: Any = subprocess.Popen(
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
            # The current folder may have changed meanwhile.
            "folder": str(folder.absolute()),
            "signature": signature,
            "inputs": {key: replay.to_json(value) for key, value in example.items()},
        }
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            reply = self.process.stdout.readline()
        except BrokenPipeError:
            reply = ""
        if not reply:
            status = self.process.wait()
            _start_process.cache_clear()
            self.errors.seek(0)
            said = self.errors.read().decode("utf-8", "replace")[-2000:]
            self.close()
            raise ValueError(
                "The process that tries exports has ended; nothing was written. "
                f"Received: exit status {status}, {said}"
            )
        reply = json.loads(reply)
        if "outputs" in reply:
            outputs = reply["outputs"].items()
            reply["outputs"] = {key: replay.from_json(value) for key, value in outputs}
        return reply

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            with contextlib.suppress(BrokenPipeError):
                file.close()


@functools.cache
def _start_process(format: str) -> CleanProcess:
    process = CleanProcess(format)
    atexit.register(process.close)
    return process


def to_array(value: Any, dtype: str) -> np.ndarray:
    """Returns an input as an array; strings as objects."""
    return np.array(value, object if dtype == "string" else dtype)
