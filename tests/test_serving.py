"""A real server on a SavedModel, over HTTP; the examples of docs/serving.md."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

import rnnzoo
from rnnzoo import demo

DOCUMENT = (
    pathlib.Path(__file__).parent.parent.joinpath("docs", "serving.md").read_text()
)


def blocks(language):
    """The code blocks of the document in a language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, flags=re.DOTALL)


def send(url, body):
    """Posts a body; returns the status and the answer."""
    request = urllib.request.Request(
        url, body.encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def free_port():
    with contextlib.closing(socket.socket()) as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of a sorter that MLServer serves, started as the document says."""
    if shutil.which("mlserver") is None:
        pytest.skip("MLServer is not installed")
    folder = rnnzoo.export(rnnzoo.sorter(), tmp_path_factory.mktemp("m") / "sorter")
    port = free_port()
    settings = {"HTTP": port, "GRPC": free_port(), "METRICS": free_port()}
    ports = {f"MLSERVER_{name}_PORT": str(value) for name, value in settings.items()}
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            ["mlserver", "start", folder],
            env={**os.environ, **ports},
            stdout=log,
            stderr=log,
        )
    try:
        ready = f"http://127.0.0.1:{port}/v2/models/sorter/ready"
        for _ in range(300):
            with contextlib.suppress(OSError):
                if urllib.request.urlopen(ready, timeout=5).status == 200:
                    break
            assert process.poll() is None, (folder / "log.txt").read_text()
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v2/models/sorter/infer"
    finally:
        process.terminate()
        process.wait(timeout=60)


def request_of(texts):
    text = {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": texts}
    return json.dumps({"inputs": [text]})


@pytest.mark.slow
def test_the_documented_requests_get_the_documented_answers(url):
    (shell,) = [block for block in blocks("sh") if "/infer" in block]
    (response,) = [block for block in blocks("json") if "outputs" in block]
    body = re.search(r"-d '(.*?)'", shell, flags=re.DOTALL).group(1)
    status, answer = send(url, body)
    assert status == 200
    del answer["id"]
    assert answer == json.loads(response)


@pytest.mark.slow
def test_fifty_clients_at_once(url):
    model = rnnzoo.sorter()
    bad = [request_of(["3 x"]), request_of(["33"]), "{", "{}", '{"inputs": [1]}']
    bad += [request_of(["1"]).replace("text", "texts")]
    bad += [request_of(["1"]).replace('"shape": [1]', '"shape": [7]')]

    def client(number):
        random = np.random.default_rng(number)
        for _ in range(4):
            count = int(random.integers(1, 6))
            rows = [
                random.integers(1, 33, random.integers(0, 33)) for _ in range(count)
            ]
            texts = [" ".join(map(str, row)) for row in rows]
            status, answer = send(url, request_of(texts))
            assert status == 200, answer
            (output,) = answer["outputs"]
            yield texts, output["data"]
            status, answer = send(url, bad[random.integers(len(bad))])
            assert 400 <= status < 500, answer

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answered = list(pool.map(lambda number: list(client(number)), range(50)))
    assert len(answered) == 50 and all(len(rounds) == 4 for rounds in answered)
    for rounds in answered:
        for texts, answers in rounds:
            assert answers == model.answer(texts)


@pytest.mark.slow
def test_other_signatures(url):
    numbers = {"name": "numbers", "shape": [2, 3], "datatype": "INT64"}
    body = {
        "parameters": {"signature": "lists"},
        "inputs": [{**numbers, "data": [3, 1, 2, 32, 1, 0]}],
    }
    status, answer = send(url, json.dumps(body))
    assert status == 200
    assert answer["outputs"][0]["data"] == [1, 2, 3, 1, 32, 0]
    body["parameters"]["signature"] = "list"
    status, answer = send(url, json.dumps(body))
    assert status == 400 and "signature must be one of" in answer["error"]


def test_the_examples_in_other_languages(tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx")
    monkeypatch.chdir(tmp_path)
    rnnzoo.export(rnnzoo.sorter(), "served/sorter_onnx", "onnx")
    code = next(block for block in blocks("python") if "onnxruntime" in block)
    names = {}
    exec(code, names)
    assert names["answer"] == [4, 9, 15, 26, 31]
    if shutil.which("node"):
        (code,) = blocks("js")
        (tmp_path / "sort.mjs").write_text(code)
        words = ["node", "--import", runtime(tmp_path), "sort.mjs"]
        output = subprocess.run(words, capture_output=True, text=True, timeout=120)
        assert output.stdout.split() == ["4", "9", "15", "26", "31"], output.stderr


@pytest.mark.slow
def test_the_processes_of_the_document_answer(tmp_path):
    code = next(block for block in blocks("python") if "spawn" in block)
    (tmp_path / "answer.py").write_text(code, encoding="utf-8")
    output = subprocess.check_output([sys.executable, "answer.py"], cwd=tmp_path)
    assert output.decode().strip() == "['sorter']"


def runtime(folder):
    """Gives Node the onnxruntime-web that is in rnnzoo; returns what sets it up."""
    package = folder / "node_modules" / "onnxruntime-web"
    shutil.copytree(demo.BROWSER / "onnxruntime", package)
    (package / "package.json").write_text(
        '{"name": "onnxruntime-web", "exports": "./ort.wasm.bundle.min.mjs"}'
    )
    # The files are those for browsers, which find the rest of them by themselves.
    (folder / "runtime.mjs").write_text(
        'import { readFile } from "node:fs/promises";\n'
        'import * as ort from "onnxruntime-web";\n'
        "ort.env.wasm.numThreads = 1;\n"
        "ort.env.wasm.wasmBinary = await readFile(\n"
        '  "node_modules/onnxruntime-web/ort-wasm-simd-threaded.wasm");\n'
    )
    return "./runtime.mjs"
