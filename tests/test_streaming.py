"""Exports that carry a state from step to step, and the operators of their files."""

import json
import pathlib
import re

import numpy as np
import pytest

import rnnzoo
from rnnzoo.exporting import replay
from rnnzoo.exporting.operators import list_litert_operators, list_onnx_operators
from rnnzoo.exporting.streaming import add_stream_signatures

DOCUMENT = (
    pathlib.Path(__file__).parent.parent.joinpath("docs", "serving.md").read_text()
)
PACKAGES = {"onnx": "onnxruntime", "litert": "ai_edge_litert"}
MODELS = {
    "values of every step": (
        rnnzoo.many_to_many,
        {"features": 3, "num_values": 2, "cell": "lstm", "num_layers": 2},
    ),
    "a class, with a residual": (
        rnnzoo.many_to_one,
        {"features": 3, "num_classes": 4, "num_layers": 2, "residual": True},
    ),
    "a learned state": (
        rnnzoo.many_to_one,
        {"features": 3, "num_values": 1, "initial_state": "learned", "cell": "simple"},
    ),
    "tokens": (rnnzoo.many_to_many, {"vocabulary_size": 9, "num_classes": 3}),
    "a minimal cell": (
        rnnzoo.many_to_many,
        {"features": 3, "num_values": 1, "cell": "minimal"},
    ),
}
QUICK = ("values of every step", "a learned state")


def export(model, folder, format, **options):
    pytest.importorskip(PACKAGES[format])
    pytest.importorskip("tf2onnx")
    folder = rnnzoo.export(model, folder, format, **options)
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return card, getattr(replay, format)(str(folder)), folder


def make(factory, options):
    model = factory(units=4, **options)
    random = np.random.default_rng(1)
    model.set_weights([random.normal(size=w.shape) * 0.5 for w in model.get_weights()])
    return model


def initial_state(card):
    """The state that model.json describes."""
    signature = card["signatures"]["step"]
    specs = {k: v["shape"] for k, v in signature["inputs"].items() if k != "token"}
    initial = signature["initial_state"]
    return {
        name: np.zeros((1, *shape[1:]), "float32")
        if initial == "zeros"
        else np.array([initial[name]], "float32")
        for name, shape in specs.items()
    }


@pytest.mark.parametrize("format", PACKAGES)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
        for name in MODELS
    ],
)
def test_step_by_step_is_as_the_whole_sequence(name, format, tmp_path):
    model = make(*MODELS[name])
    card, call, _ = export(model, tmp_path / "model", format)
    assert card["built_in_only"] and set(card["operators"]) == set(card["signatures"])
    random = np.random.default_rng(2)
    tokens = random.normal(size=(1, 7, 3)).astype("float32")
    if "vocabulary_size" in model.arguments and model.arguments["vocabulary_size"]:
        tokens = random.integers(1, 9, (1, 7)).astype("int32")
    expected = model.predict(tokens, verbose=0)
    found, state = [], initial_state(card)
    for step in range(7):
        outputs = call("step", {"token": tokens[:, step], **state})
        found.append(outputs.pop("outputs"))
        state = {name.removeprefix("next_"): part for name, part in outputs.items()}
    last = found[-1]
    if expected.ndim == 3:
        np.testing.assert_allclose(np.stack(found, 1), expected, atol=1e-5)
        expected = expected[:, -1]
    np.testing.assert_allclose(last, expected, atol=1e-5)
    # And in two pieces.
    outputs = call("stream", {"tokens": tokens[:, :3], **initial_state(card)})
    state = {f"state_{i}": outputs[f"next_state_{i}"] for i in range(len(state))}
    outputs = call("stream", {"tokens": tokens[:, 3:], **state})["outputs"]
    last = outputs[:, -1] if outputs.ndim == 3 else outputs
    np.testing.assert_allclose(last, expected, atol=1e-5)
    if format == "litert":
        # What a microcontroller can run: nothing that loops or asks for a size.
        assert not {"WHILE", "SHAPE"} & set(card["operators"]["step"])


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        (rnnzoo.many_to_one, {"features": 2, "num_values": 1, "bidirectional": True}),
        (rnnzoo.many_to_one, {"features": 2, "num_values": 1, "pooling": "max"}),
        (rnnzoo.many_to_one, {"vocabulary_size": 9, "num_classes": 2, "ngrams": 2}),
        (rnnzoo.many_to_many, {"features": 2, "num_values": 1, "bidirectional": True}),
    ],
)
def test_what_looks_at_a_whole_sequence_is_not_streamed(factory, options):
    options |= {"ngram_rows": 16} if options.get("ngrams") else {}
    model = factory(units=4, **options)
    assert list(add_stream_signatures(model, model.signatures())) == ["tokens"]


def test_operators_that_are_not_built_in_are_named():
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    inner = helper.make_graph([helper.make_node("Erf", ["x"], ["y"])], "inner", [], [])
    nodes = [
        helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner),
        helper.make_node("Fast", ["z"], ["w"], domain="com.example"),
    ]
    graph = helper.make_graph(nodes, "outer", [], [])
    assert list_onnx_operators(graph) == ["Erf", "If", "com.example.Fast"]
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((2, 2), tf.float32)])
    def function(x):
        return tf.linalg.inv(x) + tf.exp(x)

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], tf.Module()
    )
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    found = list_litert_operators(converter.convert())
    assert found == ["ADD", "EXP", "tensorflow.MatrixInverse"]


def test_the_documented_streams(tmp_path, monkeypatch):
    pytest.importorskip("ai_edge_litert")
    pytest.importorskip("tf2onnx")
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    names = {}
    for block in [block for block in code if "step." in block]:
        exec(block, names)
    model, values = names["model"], names["values"]
    expected = model.predict(values[None], verbose=0)[0, :, 0]
    np.testing.assert_allclose(names["found_by_litert"], expected, atol=1e-5)
    np.testing.assert_allclose(names["found_by_onnx"], expected, atol=1e-5)
