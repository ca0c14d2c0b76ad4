"""Exports: what is in the folder, what it answers, and when nothing is written."""

import json
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo.command import main
from rnnzoo.exporting import precision as precisions
from rnnzoo.exporting import replay, verification


@pytest.fixture(scope="module")
def sorter_folder(tmp_path_factory):
    """The sorter with its weights, as a SavedModel."""
    return rnnzoo.export(rnnzoo.sorter(), tmp_path_factory.mktemp("served") / "sorter")


@pytest.fixture(scope="module")
def served(sorter_folder):
    loaded = tf.saved_model.load(sorter_folder)

    def call(signature, **inputs):
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        outputs = loaded.signatures[signature](**tensors)
        return {
            key: replay.decode_texts(value.numpy()) for key, value in outputs.items()
        }

    return call


@pytest.fixture(scope="module", params=["onnx", "litert"])
def parity_folder(request, tmp_path_factory):
    """The parity network that is set by hand, in a format without texts."""
    pytest.importorskip(
        {"onnx": "onnxruntime", "litert": "ai_edge_litert"}[request.param]
    )
    pytest.importorskip("tf2onnx")
    path = tmp_path_factory.mktemp(request.param) / "parity"
    return rnnzoo.export(rnnzoo.parity_by_hand(), path, request.param)


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.smoke
def test_text_in_and_text_out(served):
    texts = ["31 4 15 9 26", "[2, 1]", "", "7"]
    answers = served("serving_default", text=texts)
    assert answers["text"].tolist() == ["4 9 15 26 31", "1 2", "", "7"]
    answers = served("serving_default", text=np.zeros(0, object))
    assert answers["text"].shape == (0,)


def test_lists_of_integers(served):
    numbers = np.array([[31, 4, 15], [2, 1, 0], [0, 0, 0]])
    answers = served("lists", numbers=numbers)
    assert answers["sorted"].tolist() == [[4, 15, 31], [1, 2, 0], [0, 0, 0]]


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("serving_default", {"text": ["3 1", "3 x"]}, "A text must be numbers"),
        ("serving_default", {"text": ["0"]}, "Every number must be from 1 to 32"),
        ("serving_default", {"text": ["1 " * 33]}, "at most 32 numbers"),
        ("lists", {"numbers": [[1, 33]]}, "Numbers must be from 1 to 32"),
        ("lists", {"numbers": [[1, 0, 2]]}, "0 may fill the end of a list"),
    ],
)
def test_bad_input_is_refused_and_the_next_is_answered(
    served, signature, inputs, message
):
    inputs = {key: np.array(value) for key, value in inputs.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served(signature, **inputs)
    assert served("serving_default", text=["2 1"])["text"].tolist() == ["1 2"]


def test_the_folder_says_what_is_in_it(sorter_folder):
    card = read_json(sorter_folder / "model.json")
    assert (card["model"], card["format"]) == ("Sorter", "savedmodel")
    assert card["card"]["name"] == "sorter.integers_32"
    assert card["tokens"] == {"kind": "Numbers", "minimum": 1, "maximum": 32}
    assert card["signatures"]["serving_default"] == {
        "inputs": {"text": {"shape": [None], "dtype": "string"}},
        "outputs": {
            "text": {"dimensions": 1, "dtype": "string"},
            "confidence": {"dimensions": 1, "dtype": "float32"},
        },
    }
    assert sorter_folder.parts[-2:] == ("sorter", "1")
    assert [file.name for file in sorter_folder.parent.iterdir()] == ["1"]


def test_documented_requests_get_the_documented_responses(sorter_folder, served):
    requests = read_json(sorter_folder / "requests.json")
    assert set(requests) == {"serving_default", "tokens", "lists"}
    for signature, example in requests.items():
        assert example["url"] == "/v1/models/sorter:predict"
        assert example["request"].get("signature_name", "serving_default") == signature
        specs = read_json(sorter_folder / "model.json")["signatures"][signature]
        inputs = {
            key: tf.constant(value, specs["inputs"][key]["dtype"])
            for key, value in example["request"]["inputs"].items()
        }
        found, response = served(signature, **inputs), example["response"]["outputs"]
        # A response with one output is not named.
        response = response if isinstance(response, dict) else {min(found): response}
        assert set(found) == set(response)
        for name, outputs in found.items():
            if outputs.dtype.kind == "f":
                np.testing.assert_allclose(outputs, response[name], atol=1e-3)
            else:
                assert outputs.tolist() == np.array(response[name]).tolist()


def test_the_warm_up_file_has_every_signature(sorter_folder, served):
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    path = str(sorter_folder / "assets.extra" / "tf_serving_warmup_requests")
    seen = []
    for record in tf.data.TFRecordDataset(path):
        log = logs.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        assert request.model_spec.name == "sorter"
        inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
        assert served(request.model_spec.signature_name, **inputs)
        seen.append(request.model_spec.signature_name)
    assert seen == ["serving_default", "tokens", "lists"]


def test_tokens_in_other_formats(parity_folder):
    card = read_json(parity_folder / "model.json")
    call = getattr(replay, card["format"])(str(parity_folder))
    state = np.zeros((1, 1), "float32")
    for bits in ("0111", "01", "1" * 99):  # in one go, and in two pieces
        tokens = np.array([[[float(bit)] for bit in bits]], "float32")
        expected = bits.count("1") % 2 - 0.5
        whole = call("tokens", {"tokens": tokens})["outputs"]
        assert whole.shape == tokens.shape and whole[0, -1, 0] == expected
        first = call("stream", {"tokens": tokens[:, :1], "state_0": state})
        after = first["next_state_0"]
        rest = call("stream", {"tokens": tokens[:, 1:], "state_0": after})
        assert rest["outputs"][0, -1, 0] == expected
    assert card["tokens"]["kind"] == "Bits"
    assert set(card["signatures"]) == {"tokens", "stream"}


@pytest.mark.parametrize(
    ("cell", "operator"), [("simple", "RNN"), ("gru", "GRU"), ("lstm", "LSTM")]
)
def test_recurrent_layers_are_operators_of_onnx(cell, operator, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("tf2onnx")
    model = rnnzoo.series_classifier(weights=None, cell=cell, units=4, num_layers=2)
    random = np.random.default_rng(0)
    model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
    folder = rnnzoo.export(model, tmp_path / "series", "onnx")
    made = [node.op_type for node in onnx.load(folder / "tokens.onnx").graph.node]
    assert made.count(operator) == 4 and "Loop" not in made and "Scan" not in made
    tokens, _ = model.encode([random.normal(50, 35, (n, 2)) for n in (1, 5, 9)])
    tokens = np.concatenate([tokens, np.zeros_like(tokens[:1])])  # and an empty row
    answers = replay.onnx(str(folder))("tokens", {"tokens": tokens})["outputs"]
    np.testing.assert_allclose(answers, model(tokens), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", rnnzoo.list_models())
@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_every_model_in_other_formats(format, name, tmp_path):
    pytest.importorskip("tf2onnx")
    factory = getattr(rnnzoo, name)
    by_hand = name in rnnzoo.list_models(by_hand=True)
    model = factory() if by_hand else factory(weights=None, units=8)
    folder = rnnzoo.export(model, tmp_path / name, format)
    card = read_json(folder / "model.json")
    assert len(list(folder.glob("*.*"))) == 1 + len(card["signatures"])
    assert card["built_in_only"]
    assert set(card["operators"]) == set(card["signatures"])


class Wrong(type(rnnzoo.accumulator())):
    """A model whose graph answers otherwise than Python."""

    def answer_in_python(self, text):
        return {"text": ["1" for _ in self.answer(text)]}


def test_a_wrong_export_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError) as error:
        rnnzoo.export(Wrong(), tmp_path / "new" / "accumulator")
    assert str(error.value).startswith(
        "An export must answer as Python does; nothing was written. Please report this."
        " Received: signature='serving_default', inputs={'text':"
    )
    assert "in place of ['1', '1']" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_first_example_that_is_refused_is_named(tmp_path):
    texts = {"sample_texts": lambda model: [""]}
    refusing = type("Refusing", (type(rnnzoo.accumulator()),), texts)
    with pytest.raises(ValueError) as error:
        rnnzoo.export(refusing(), tmp_path / "accumulator")
    assert str(error.value).startswith(
        "A signature's first example must have an answer; nothing was written. "
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_requests_are_of_the_model_and_of_a_users_data_only_if_asked(tmp_path):
    texts = ["wo ist der bahnhof", "das wetter ist schön", "bonjour tristesse"]
    model = rnnzoo.text_classifier(
        classes=["de", "fr"],
        vocabulary=["wo", "ist", "der", "das", "wetter"],
        units=4,
        embedding_dim=4,
        ngrams=0,
        num_layers=1,
    )
    folder = rnnzoo.export(model, tmp_path / "model")
    requests = read_json(folder / "requests.json")
    shown = requests["serving_default"]["request"]["inputs"]["text"]
    known = {"wo", "ist", "der", "das", "wetter"}
    assert shown and set(" ".join(shown).split()) <= known
    assert shown[0] not in texts
    folder = rnnzoo.export(model, tmp_path / "mine", examples=texts)
    requests = read_json(folder / "requests.json")
    example = requests["serving_default"]
    assert example["request"]["inputs"]["text"] == texts
    assert example["response"]["outputs"]["label"] == model.classify(texts)
    tokens = np.array(requests["tokens"]["request"]["inputs"]["tokens"])
    np.testing.assert_array_equal(tokens, model.encode(texts)[0])
    (tmp_path / "texts.txt").write_text("\n".join(texts * 2), encoding="utf-8")
    words = ["export", str(tmp_path / "mine.keras"), f"--to={tmp_path / 'file'}"]
    model.save(words[1])
    assert main([*words, f"--examples={tmp_path / 'texts.txt'}"]) == 0
    requests = read_json(tmp_path / "file" / "1" / "requests.json")
    shown = requests["serving_default"]["request"]["inputs"]["text"]
    assert shown == [*texts, texts[0]]
    lines = ["id,phrase", *(f"7,{text}" for text in texts)]
    (tmp_path / "texts.csv").write_text("\n".join(lines), encoding="utf-8")
    words += [f"--examples={tmp_path / 'texts.csv'}", "--overwrite"]
    assert main([*words, "--text=phrase"]) == 0
    requests = read_json(tmp_path / "file" / "1" / "requests.json")
    assert requests["serving_default"]["request"]["inputs"]["text"] == texts
    assert main(words) == 1  # which of the columns?
    for wrong in ([], [1, 2], "", 5):
        with pytest.raises((TypeError, ValueError, OSError)):
            rnnzoo.export(model, tmp_path / "wrong", examples=wrong)
    with pytest.raises(ValueError, match="from 1 to 32"):
        rnnzoo.export(rnnzoo.sorter(), tmp_path / "wrong", examples=["33"])
    assert not (tmp_path / "wrong").exists()
    arrays = rnnzoo.many_to_one(features=2, num_values=1, units=4)
    folder = rnnzoo.export(arrays, tmp_path / "arrays", examples=[[[1.0, 2.0]]])
    request = read_json(folder / "requests.json")["tokens"]["request"]
    assert request["inputs"] == {"tokens": [[[1.0, 2.0]]]}


def test_nothing_is_replaced_unasked(tmp_path):
    path = tmp_path / "accumulator"
    folder = rnnzoo.export(rnnzoo.accumulator(), path)
    (folder / "mine").touch()
    with pytest.raises(ValueError) as error:
        rnnzoo.export(rnnzoo.accumulator(), path)
    assert str(error.value) == (
        "There is such a version already: give another path or version, or "
        "overwrite=True (--overwrite) to replace it. Received: "
        f"path={str(path)!r}, version=1"
    )
    with pytest.raises(ValueError, match="must answer as Python does"):
        rnnzoo.export(Wrong(), path, overwrite=True)
    assert (folder / "mine").exists()
    rnnzoo.export(rnnzoo.accumulator(), path, version=2)
    rnnzoo.export(rnnzoo.comparer(), path, overwrite=True)
    assert not (folder / "mine").exists()
    assert sorted(file.name for file in path.iterdir()) == ["1", "2"]
    assert read_json(folder / "model.json")["model"] == "Comparer"


def test_a_path_that_no_folder_can_have(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for path in (file, file / "inside"):
        with pytest.raises(
            ValueError, match="There is a file where a folder has to be"
        ):
            rnnzoo.export(rnnzoo.accumulator(), path)
    with pytest.raises(TypeError, match="path must name the folder.*Received: path=3"):
        rnnzoo.export(rnnzoo.accumulator(), 3)
    assert file.read_text() == "mine"


def test_on_the_command_line(tmp_path, capsys):
    words = ["export", "accumulator", f"--to={tmp_path / 'accumulator'}"]
    assert main(words) == 0
    folder = tmp_path / "accumulator" / "1"
    assert capsys.readouterr().out.endswith(f"as in Python: {folder}\n")
    assert main(words) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite", "--format=onyx"]) == 1
    assert "Did you mean 'onnx'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("format", "package"), [("onnx", "tf2onnx"), ("litert", "ai_edge_litert")]
)
def test_packages_that_are_missing_are_named(format, package, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as error:
        rnnzoo.export(rnnzoo.accumulator(), tmp_path / "accumulator", format)
    message = f"{package} is missing: pip install 'rnnzoo[{format}]'. Received: "
    assert str(error.value).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_only_models_of_the_zoo(tmp_path):
    with pytest.raises(TypeError) as error:
        rnnzoo.export(keras.Sequential(), tmp_path / "x")
    assert str(error.value) == (
        f"model must be a model of the zoo: one of {', '.join(rnnzoo.list_models())}, "
        "or of an architecture such as many_to_one. Received: a Sequential"
    )


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (rnnzoo.many_to_one, {"features": 2, "num_values": 1}),
        (rnnzoo.many_to_many, {"vocabulary_size": 9, "num_classes": 3}),
        (rnnzoo.hidden_markov, {"vocabulary_size": 9}),
    ],
)
def test_models_without_tokens_take_arrays(make, options, tmp_path):
    model = (
        make(**options) if make is rnnzoo.hidden_markov else make(units=4, **options)
    )
    folder = rnnzoo.export(model, tmp_path / "model")
    card = read_json(folder / "model.json")
    known = ["tokens"] if make is rnnzoo.hidden_markov else ["tokens", "stream", "step"]
    assert card["tokens"] is None and list(card["signatures"]) == known
    source = model.sample_inputs(3)
    loaded = tf.saved_model.load(folder).signatures
    for name in ("tokens", "serving_default"):
        outputs = loaded[name](tokens=tf.constant(source))["outputs"]
        np.testing.assert_allclose(outputs, model(source), atol=1e-5)


@pytest.mark.parametrize("source", [{"vocabulary_size": 9}, {"features": 2}])
def test_an_encoder_decoder_without_tokens_takes_arrays(source, tmp_path):
    options = {"target_vocabulary_size": 7, "decoder": "autoregressive", "units": 4}
    model = rnnzoo.many_to_one_to_many(**source, **options)
    folder = rnnzoo.export(model, tmp_path / "model")
    card = read_json(folder / "model.json")
    assert list(card["signatures"]) == ["tokens", "begin", "step"]


def test_the_process_that_tries_exports_cannot_import_rnnzoo():
    importer = replay.ImportBlocker("rnnzoo", "keras")
    for name in ("rnnzoo", "rnnzoo.tokens", "keras.layers"):
        with pytest.raises(ImportError, match="must not be imported here"):
            importer.find_spec(name)
    assert importer.find_spec("numpy") is None


def test_a_process_that_ends_is_an_error(tmp_path):
    process = verification.CleanProcess("onnx")
    process.process.kill()
    with pytest.raises(ValueError, match="Received: exit status -9"):
        process.answer(tmp_path, "tokens", {})


@pytest.mark.parametrize(
    ("expected", "received", "problem"),
    [
        ({"a": ["x"]}, {"a": np.array(["x"], object)}, ""),
        ({"a": ["x"]}, {"a": np.array(["y"], object)}, "a=['y'] in place of ['x']"),
        ({"a": [1]}, {"a": np.array([2])}, "a=[2] in place of [1]"),
        ({"a": [1.0]}, {"a": np.array([1.00009])}, ""),
        ({"a": [1.0]}, {"a": np.array([1.0002])}, "a=[1.0002] in place of [1.0]"),
        ({"a": [100.0, 1]}, {"a": np.array([100.0, 1.009])}, ""),
        ({"a": [np.nan]}, {"a": np.array([np.nan])}, ""),
        ({"a": [1.0]}, {"a": np.array([np.nan])}, "a=[nan] in place of [1.0]"),
        ({"a": [1]}, {"a": np.array([[1]])}, "a of shape (1, 1) in place of (1,)"),
        ({"a": [1]}, {"b": np.array([1])}, "outputs ['b'] in place of ['a']"),
    ],
)
def test_differences(expected, received, problem):
    assert verification.find_difference(expected, "", {"outputs": received}) == problem


def test_refusals_must_agree():
    refused = {"refused": "InvalidArgumentError: no"}
    answered = {"outputs": {"a": np.array([1])}}
    difference = verification.find_difference
    assert difference(None, "bad", refused) == ""
    assert "not with InternalError" in difference(
        None, "bad", {"refused": "InternalError: no"}
    )
    assert "refuses: InvalidArgumentError: no" in difference({"a": [1]}, "", refused)
    assert "Python refuses: bad" in difference(None, "bad", answered)


def test_signatures_of_a_language_model():
    model = rnnzoo.language_model(weights=None, vocabulary="abc\n", units=4)
    signatures = model.signatures()
    assert list(signatures) == [
        "serving_default",
        "tokens",
        "generate",
        "search",
        "score",
        "stream",
        "begin",
        "write",
    ]
    call = signatures["generate"]
    first = call.examples[0]
    again = {key: tf.constant(value) for key, value in first.items()}
    again["seed"] = tf.cast(again["seed"], tf.int64)
    texts = [text.decode() for text in tf.function(call.graph)(**again)["text"].numpy()]
    assert texts == model.generate(first.pop("text"), **first)


@pytest.mark.parametrize(
    ("format", "precision", "share"),
    [
        ("onnx", "float16", 0.7),
        ("onnx", "int8", 0.5),
        ("litert", "float16", 0.7),
        ("litert", "int8", 0.5),
    ],
)
def test_smaller_weights(format, precision, share, tmp_path):
    pytest.importorskip("tf2onnx")
    model = rnnzoo.parity(weights=None, units=256)
    before = model.get_weights()
    folder = rnnzoo.export(model, tmp_path / "parity", format, precision=precision)
    file = folder / f"tokens.{'onnx' if format == 'onnx' else 'tflite'}"
    assert file.stat().st_size < share * 4 * model.count_params()
    assert read_json(folder / "model.json")["precision"] == precision
    for weights, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)
    # What the file answers is what the rounded weights do.
    tokens = model.tokens.encode([[0, 1, 1, 1, 0]])
    found = getattr(replay, format)(str(folder))("tokens", {"tokens": tokens})
    model.set_weights(
        [precisions.round_matrix(w, precision) if w.ndim > 1 else w for w in before]
    )
    expected = model.predict_on_batch(tokens)
    np.testing.assert_allclose(found["outputs"], expected, atol=1e-4)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_rounding_again_changes_nothing(precision):
    random = np.random.default_rng(0)
    matrix = random.normal(size=(50, 20)).astype("float32") * np.float32(1e-3)
    matrix[:, 3] = 0
    once = precisions.round_matrix(matrix, precision)
    largest = (
        np.abs(matrix).max(axis=0) * {"float16": 2**-11, "int8": 1 / 253}[precision]
    )
    assert (np.abs(once - matrix) <= largest).all()
    np.testing.assert_allclose(
        precisions.round_matrix(once, precision), once, rtol=1e-6
    )
    assert precisions.round_matrix(np.float32([[1e9]]), "float16") == 65504


def test_precisions_that_a_format_has_not(tmp_path):
    with pytest.raises(ValueError) as error:
        rnnzoo.export(rnnzoo.accumulator(), tmp_path / "x", precision="int8")
    assert str(error.value) == (
        "Of the formats, only onnx and litert can store that precision. Received: "
        "format='savedmodel', precision='int8'"
    )
    with pytest.raises(ValueError, match="Did you mean 'float16'"):
        rnnzoo.export(rnnzoo.accumulator(), tmp_path / "x", precision="float1")
    assert list(tmp_path.iterdir()) == []


def test_paths_from_another_folder(tmp_path, monkeypatch):
    for name in ("first", "second"):  # the process that tries them is the same
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        rnnzoo.export(rnnzoo.accumulator(), "accumulator")
        assert (tmp_path / name / "accumulator" / "1" / "model.json").is_file()


def test_a_folder_of_no_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = rnnzoo.parity(weights=None, units=4)
    with pytest.raises(ValueError, match="must name the folder to make"):
        rnnzoo.export(model, "")
    assert not list(tmp_path.iterdir())
