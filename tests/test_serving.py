"""A real server on a SavedModel, over HTTP; the examples of docs/serving.md."""

import concurrent.futures
import contextlib
import functools
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
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


def send(url, body=None):
    """Posts a body, or gets; returns the status and the answer."""
    content = None if body is None else body.encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
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
        (code,) = [block for block in blocks("js") if "onnxruntime-web" in block]
        (tmp_path / "sort.mjs").write_text(code)
        words = ["node", "--import", runtime(tmp_path), "sort.mjs"]
        output = subprocess.run(words, capture_output=True, text=True, timeout=120)
        assert output.stdout.split() == ["4", "9", "15", "26", "31"], output.stderr


@contextlib.contextmanager
def serve(command, folder, **environment):
    """Runs a command that serves a model; yields the address, once it is ready."""
    port = free_port()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PORT": str(port), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for _ in range(400):
            assert process.poll() is None, process.stdout.read()
            with contextlib.suppress(OSError):
                if send(f"http://127.0.0.1:{port}/health")[0] == 200:
                    break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=60)


def run_in_node(code, folder):
    (folder / "ask.mjs").write_text(code, encoding="utf-8")
    words = ["node", "ask.mjs"]
    output = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert output.returncode == 0, output.stderr
    return [json.loads(line) for line in output.stdout.splitlines()]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A sorter's folder, exported with two examples of a user."""
    path = tmp_path_factory.mktemp("app") / "sorter"
    return rnnzoo.export(rnnzoo.sorter(), path, examples=["31 4 15 9 26", "2 1"])


@pytest.mark.slow
def test_the_documented_application(exported, tmp_path):
    pytest.importorskip("fastapi")
    (curl,) = [block for block in blocks("sh") if "/answer" in block]
    body = re.search(r"-d '(.*?)'", curl).group(1)
    with serve([sys.executable, exported / "app.py"], tmp_path) as address:
        status, answer = send(f"{address}/answer", body)
        assert status == 200 and answer["text"] == ["4 9 15 26 31", "1 2"]
        assert send(f"{address}/answer", '{"text": ["x"]}')[0] == 400
        requests = json.loads((exported / "requests.json").read_text("utf-8"))
        assert requests["serving_default"]["request"]["inputs"]["text"][1] == "2 1"
        for example in requests.values():
            url = address + example["url"]
            assert send(url, json.dumps(example["request"]))[0] == 200
        # For this machine only.
        port = int(address.rpartition(":")[2])
        own = socket.gethostbyname(socket.gethostname())
        for host in {own} - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError), socket.create_connection((host, port), 5):
                pass
        if shutil.which("node"):
            (code,) = [block for block in blocks("js") if "/answer" in block]
            code = code.replace("http://127.0.0.1:8000", address)
            assert run_in_node(code, tmp_path) == [["4 9 15 26 31", "1 2"]]


@pytest.mark.slow
def test_the_documented_stream(tmp_path):
    pytest.importorskip("fastapi")
    if not shutil.which("node"):
        pytest.skip("Node is not installed")
    model = rnnzoo.language_model(weights=None, units=8, num_layers=1)
    folder = rnnzoo.export(model, tmp_path / "language_model")
    (code,) = [block for block in blocks("js") if "/stream" in block]
    with serve([sys.executable, "app.py"], folder) as address:
        code = code.replace("http://127.0.0.1:8000", address)
        texts = run_in_node(code, tmp_path)
    assert texts[-1] == model.generate("To be", max_length=100, seed=1)
    assert len(texts) > 1 and all(texts[-1].startswith(text) for text in texts)


@pytest.mark.slow
def test_a_page_of_another_site_asks(exported, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    (code,) = [block for block in blocks("js") if "/answer" in block]
    (tmp_path / "index.html").write_text("<!doctype html><title>Mine</title>")
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=tmp_path
    )
    found = {}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        page_address = f"http://127.0.0.1:{site.server_port}"
        for origins in (page_address, "https://example.org"):
            command = [sys.executable, exported / "app.py", f"--origins={origins}"]
            with serve(command, tmp_path) as address, playwright.sync_playwright() as p:
                browser = p.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                page = browser.new_page()
                page.goto(page_address)
                said = code.replace("http://127.0.0.1:8000", address)
                said = said.replace("console.log(", "return (")
                with contextlib.suppress(playwright.Error):
                    found[origins] = page.evaluate(f"(async () => {{{said}}})()")
                browser.close()
        site.shutdown()
    assert found == {page_address: '["4 9 15 26 31","1 2"]'}


def has_docker():
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


@pytest.mark.slow
def test_the_image_of_a_folder_answers(exported):
    if not has_docker():
        pytest.skip("Docker does not run here")
    name = f"rnnzoo-test-{os.getpid()}"
    subprocess.run(["docker", "build", "-t", name, exported], check=True)
    port = free_port()
    words = f"docker run -d --rm -p 127.0.0.1:{port}:8000 --name {name} {name}"
    subprocess.run(words.split(), check=True)
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                status, answer = send(
                    f"http://127.0.0.1:{port}/answer", '{"text": ["2 1"]}'
                )
                break
            time.sleep(0.5)
        assert (status, answer["text"]) == (200, ["1 2"])
    finally:
        subprocess.run(["docker", "rm", "-f", name])
        subprocess.run(["docker", "rmi", "-f", name])


@pytest.mark.slow
def test_the_commands_of_the_dockerfile(exported, tmp_path):
    """As the image is built, but in an empty folder, and a virtual environment."""
    pytest.importorskip("fastapi")
    python, root = tmp_path / "venv" / "bin" / "python", tmp_path / "image"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    # What is installed here need not be downloaded again; rnnzoo is not on this path
    # where it is installed in place.
    installed = [path for path in sys.path if path.endswith("-packages")]
    paths = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    )
    pathlib.Path(paths.decode().strip(), "more.pth").write_text("\n".join(installed))
    text = (exported / "Dockerfile").read_text(encoding="utf-8")
    environment = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    folder, seen = root, []
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        seen.append(word)
        if word == "WORKDIR":
            folder = root / rest.lstrip("/")
            folder.mkdir(parents=True)
        elif word == "COPY":
            source, target = rest.split()
            if source == ".":
                shutil.copytree(exported, folder / target, dirs_exist_ok=True)
            else:
                shutil.copy(exported / source, folder / target)
        elif word == "RUN":
            subprocess.run(
                rest, shell=True, check=True, cwd=folder, env=os.environ | environment
            )
        elif word == "CMD":
            command = json.loads(rest)
            assert command[:2] == ["python", "app.py"]
            with serve(command, folder, **environment) as address:
                status, answer = send(f"{address}/answer", '{"text": ["2 1"]}')
                assert (status, answer["text"]) == (200, ["1 2"])
                check = re.search(r"HEALTHCHECK.*? CMD python -c \"(.*)\"", text)[1]
                port = address.rpartition(":")[2]
                subprocess.run(
                    [python, "-c", check], check=True, env=os.environ | {"PORT": port}
                )
        else:
            known = ("#", "FROM", "USER", "ENV", "EXPOSE", "HEALTHCHECK")
            assert word in known, line
    assert {"FROM", "WORKDIR", "COPY", "RUN", "CMD"} <= set(seen)


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
