"""The application that serves an exported folder: answers, refusals, streams."""

import ast
import json
import pathlib

import pytest
import served_requests

import rnnzoo
from rnnzoo.exporting import serving

testclient = pytest.importorskip("fastapi.testclient")
pytest.importorskip("httpx")
SERVED = pathlib.Path(rnnzoo.__file__).parent / "served"
ORIGIN = "https://example.org"
# What `write_sorter` takes, as an export describes it.
TEXT = {"inputs": {"text": ["2 1"]}}
LISTS = {
    "signature_name": "lists",
    "inputs": {"numbers": [[3, 1, 2]], "scale": 1.0},
}


def start(folder, origins=()):
    """Opens a client of the application of an exported folder."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("served_app", SERVED / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return testclient.TestClient(module.create_app(folder, origins))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = served_requests.write_sorter(tmp_path_factory.mktemp("served"))
    serving.write_json(folder / "model-settings.json", {"name": "sorter"})
    serving.write_json(folder / "model.json", {"model": "Sorter", "card": {}})
    requests = {"serving_default": {"request": TEXT}, "lists": {"request": LISTS}}
    serving.write_json(folder / "requests.json", requests)
    with start(folder, (ORIGIN,)) as client:
        yield client


def predict(client, **body):
    return client.post("/v1/models/sorter:predict", json=body)


def test_answers(client):
    assert client.get("/health").json() == {"ready": True}
    assert client.get("/").json() == {"name": "sorter", "model": "Sorter", "card": {}}
    response = client.post("/answer", json={"text": ["12", ""]})
    assert response.json() == {"text": ["12", ""], "sizes": [2, 0]}
    assert predict(client, **TEXT).json() == {
        "outputs": {"text": ["2 1"], "sizes": [3]}
    }
    assert predict(client, **LISTS).json() == {"outputs": [[1.0, 2.0, 3.0]]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": ["1", "x"]}, "A text has numbers. Received: text=['1', 'x']"),
        ({"text": "1"}, "The input text must be nested lists of the shape [-1]; -1 is"),
        ({"text": []}, "-1 is any size above 0. Received: value=[]"),
        ({"text": [["1"]]}, "of the shape [-1]; -1 is any size above 0. Received"),
        ({"text": [["1"], "2"]}, "The input text must be"),
        ({"text": ["1", 5]}, "The input text must be strings. Received: value=5"),
        ({"text": [None]}, "The input text must be strings. Received: value=None"),
        ({"texts": ["1"]}, "The inputs must be an object with text. Received: inputs="),
        (["1"], "The inputs must be an object with text. Received: inputs=['1']"),
    ],
)
def test_wrong_texts_get_one_sentence(client, body, message):
    response = client.post("/answer", json=body)
    assert response.status_code == 400
    assert message in response.json()["error"]
    for leak in served_requests.LEAKS:
        assert leak not in response.text


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([[1, 2]], "nested lists of the shape [-1, 3]; -1 is any size"),
        ([[1, 2, 3], [1, 2]], "all parts of one size. Received: value=[[1, 2, 3], [1,"),
        ([[1, 2, 2**31]], "must be integers from -2147483648 to 2147483647. Received:"),
        ([[1, 2, 2**70]], "must be integers from"),
        ([[1, 2, 1.0]], "must be integers from"),
        ([[1, True, 2]], "must be integers from"),
        ([["1", 2, 3]], "must be integers from"),
        ({"a": 1}, "nested lists of the shape [-1, 3]"),
    ],
)
def test_wrong_numbers_get_one_sentence(client, numbers, message):
    inputs = {**LISTS["inputs"], "numbers": numbers}
    response = predict(client, **{**LISTS, "inputs": inputs})
    assert response.status_code == 400
    assert message in response.json()["error"]
    content = json.dumps({**LISTS, "inputs": {**LISTS["inputs"], "scale": 1e39}})
    for text in (content, content.replace("1e+39", "NaN")):
        response = client.post("/v1/models/sorter:predict", content=text)
        assert "The input scale must be finite numbers." in response.json()["error"]


def test_wrong_requests_get_one_sentence(client):
    def error(response, status=400):
        assert response.status_code == status
        (key,) = response.json()
        return response.json()[key]

    assert "must be JSON. Received: body=b'{'" in error(
        client.post("/answer", content="{")
    )
    assert "must be JSON" in error(client.post("/answer", content="[" * 100_000))
    assert "must be JSON" in error(client.post("/answer", content=b"\xff"))
    assert "Only language models stream: use /answer." in error(
        client.post("/stream", json={"text": ""})
    )
    found = error(predict(client, **TEXT, signature_name="list"))
    assert found.startswith("signature_name must be one of serving_default, lists.")
    assert "with inputs and, if not" in error(predict(client, instances=[]))
    response = client.post("/v1/models/other:predict", json=TEXT)
    assert error(response) == "The model's name must be sorter. Received: name='other'"
    assert error(client.get("/x"), 404).endswith("Received: 'GET /x'")
    assert error(client.get("/answer"), 405).endswith("Received: 'GET /answer'")
    large = error(client.post("/answer", content=b" " * (2**24 + 1)), 413)
    assert large.startswith("A body may have at most 16777216 bytes.")


def test_only_pages_of_the_named_sites_may_ask(client):
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    allowed = client.options("/answer", headers={"Origin": ORIGIN, **preflight})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    other = client.options("/answer", headers={"Origin": "https://x.org", **preflight})
    assert "access-control-allow-origin" not in other.headers
    for body in ({"text": ["1"]}, {"text": 1}):  # refusals, too
        response = client.post("/answer", json=body, headers={"Origin": ORIGIN})
        assert response.headers["access-control-allow-origin"] == ORIGIN


def test_the_programs_of_a_folder_need_no_rnnzoo():
    for program in ("app.py", "runtime.py"):
        tree = ast.parse((SERVED / program).read_text(encoding="utf-8"))
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names = [node.module for node in imported]
        names += [
            one.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for one in node.names
        ]
        assert not any(name.split(".")[0] in ("rnnzoo", "keras") for name in names)


@pytest.fixture(scope="module", params=["characters", "bytes", "words"])
def writer(request, tmp_path_factory):
    """A language model with random weights, and a client of its export."""
    known = {"words": ["the", "end", "is", "near"], "characters": "abcé \n"}
    model = rnnzoo.language_model(
        weights=None,
        tokens=request.param,
        vocabulary=known.get(request.param),
        units=8,
        num_layers=1,
    )
    folder = rnnzoo.export(model, tmp_path_factory.mktemp("lm") / "writer")
    with start(folder) as client:
        yield model, client, folder


@pytest.mark.slow
def test_text_is_streamed_as_generate_writes_it(writer):
    model, client, folder = writer
    for options in (
        {},
        {"temperature": 0.5, "top_k": 3},
        {"max_length": 0},
        {"max_length": 1},
        {"stop": "e"},
        {"stop": "\N{LATIN SMALL LETTER E WITH ACUTE}a", "max_length": 400},
        {"stop": "is near", "max_length": 300},
        {"repetition_penalty": 1.5, "top_p": 0.9, "max_length": 70},
    ):
        body = {"text": "a", "max_length": 100, "seed": 3, **options}
        with client.stream("POST", "/stream", json=body) as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/plain; charset=utf-8"
            text = "".join(response.iter_text())
        body.pop("text")
        assert text == model.generate("a", **body), options
    texts = {client.post("/stream", json={"text": "a"}).text for _ in range(3)}
    assert len(texts) > 1  # a new seed each time


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": -1.0}, "temperature must be at least 0. Received: "),
        ({"top_p": 2.0}, "top_p must be at least 0"),
        ({"top_k": 1.5}, "The input top_k must be integers from"),
        ({"max_length": 10_001}, "max_length must be an integer from 0 to 10000."),
        ({"max_length": True}, "max_length must be an integer"),
        ({"stop": 1}, "stop must be a string. Received: stop=1"),
        ({"stop": "e" * 65}, "A stop string must have at most 64 symbols."),
        ({"text": 1}, "The input text must be strings. Received: value=1"),
        ({"beam_width": 2}, "A stream takes an object with some of"),
    ],
)
def test_a_stream_that_is_refused_says_why(writer, change, message):
    if writer[0].tokens.kind == "word" and "stop" in change:
        pytest.skip("words of a stop are unknown")
    response = writer[1].post("/stream", json={"text": "a", **change})
    assert response.status_code == 400
    assert message in response.json()["error"]


@pytest.mark.slow
def test_requests_of_the_folder_get_its_responses(writer):
    _, client, folder = writer
    requests = json.loads((folder / "requests.json").read_text(encoding="utf-8"))
    assert {"serving_default", "begin", "write", "generate"} <= set(requests)
    for example in requests.values():
        response = client.post(example["url"], json=example["request"])
        assert response.status_code == 200
        shown, given = example["response"]["outputs"], response.json()["outputs"]
        for name in shown if isinstance(shown, dict) else ():
            if isinstance(shown[name][0], (int, str, bool)):
                assert shown[name] == given[name], name
