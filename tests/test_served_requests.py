"""Requests to the program of served exports, and to the demo's server, at random."""

import faults_of_servers
import numpy as np
import pytest
import served_requests
from served_requests import Refusal, ask

TEXT = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["1", "2"]}
NUMBERS = {"name": "numbers", "shape": [1, 3], "datatype": "INT32", "data": [3, 1, 2]}
SCALE = {"name": "scale", "shape": [1], "datatype": "FP32", "data": [1]}
LISTS = {"parameters": {"signature": "lists"}, "inputs": [NUMBERS, SCALE]}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = served_requests.write_sorter(tmp_path_factory.mktemp("served"))
    return served_requests.open_folder(folder)


def test_metadata_name_inputs_and_outputs(served):
    def shown(tensors):
        return [(one.name, one.datatype, one.shape) for one in tensors]

    assert shown(served.inputs) == [("text", "BYTES", [-1])]
    assert shown(served.outputs) == [("sizes", "INT32", [-1]), ("text", "BYTES", [-1])]


def test_right_requests_are_answered(served):
    outputs = ask(served, {"inputs": [TEXT]})
    assert outputs["text"].data == ["1", "2"] and outputs["text"].shape == [2]
    assert list(ask(served, {"inputs": [TEXT], "outputs": [{"name": "sizes"}]})) == [
        "sizes"
    ]
    nested = {**LISTS, "inputs": [{**NUMBERS, "data": [[3, 1, 2]]}, SCALE]}
    for body in (LISTS, nested):
        assert ask(served, body)["sorted"].data == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"datatype": "INT64"}, "The datatype of the input text must be BYTES."),
        ({"data": [{"a": 1}, "b"]}, "must be strings. Received: value={'a': 1}"),
        ({"data": ["a", 5]}, "must be strings. Received: value=5"),
        ({"data": [["1", "2"]]}, "must be a list of as many values as its shape says"),
        ({"data": "a"}, "must be a list of as many values as its shape says"),
        ({"data": None}, "must be a list of as many values as its shape says"),
        ({"data": ["1"]}, "must be a list of as many values as its shape says"),
        ({"shape": [-1]}, "The shape of the input text must be [-1], and a positive"),
        ({"shape": [0], "data": []}, "Received: shape=[0]"),
        ({"shape": [2, 1]}, "Received: shape=[2, 1]"),
        ({"parameters": {"content_type": "base64"}}, "must be str or np. Received"),
        ({"parameters": {"a": 1}}, "Received: parameters=['a']"),
        ({"name": "texts"}, "inputs must be text, each once. Received: inputs=['texts"),
        ({"data": ["1", "x"]}, "A text has numbers. Received: text=['1', 'x']"),
    ],
)
def test_wrong_inputs_get_one_sentence(served, change, message):
    with pytest.raises(Refusal) as refusal:
        ask(served, {"inputs": [{**TEXT, **change}]})
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parameters": {"signature": ["x"]}}, "must be one of serving_default, lists"),
        ({"parameters": {"signatur": "lists"}}, "Received: parameters=['signatur']"),
        ({"outputs": [{"name": "x"}]}, "outputs must be some of sizes, text. Received"),
        ({"inputs": [TEXT, TEXT]}, "each once"),
        ({"inputs": []}, "inputs must be text, each once. Received: inputs=[]"),
    ],
)
def test_wrong_requests_get_one_sentence(served, change, message):
    with pytest.raises(Refusal) as refusal:
        ask(served, {"inputs": [TEXT], **change})
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2, 2**31], "must be integers from -2147483648 to 2147483647"),
        ([1, 2, 1.0], "must be integers from"),
        ([1, 2, True], "must be integers from"),
    ],
)
def test_numbers_have_their_type_and_range(served, data, message):
    with pytest.raises(Refusal, match=message):
        ask(served, {**LISTS, "inputs": [{**NUMBERS, "data": data}, SCALE]})
    with pytest.raises(Refusal, match="must be finite numbers"):
        ask(served, {**LISTS, "inputs": [NUMBERS, {**SCALE, "data": [1e39]}]})


@pytest.mark.parametrize(
    "trial", [faults_of_servers.send_requests, faults_of_servers.visit_demo]
)
def test_nothing_goes_wrong_at_random(trial):
    assert trial(np.random.default_rng(1), 100)[1] == []
