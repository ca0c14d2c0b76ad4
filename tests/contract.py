"""What every model of `rnnzoo.list_models()` must satisfy.

What takes long, and depends on the architecture more than on the model, is among the
slow tests but for the smallest model of each architecture.

A new model needs no test code here: examples come from the recipe that its weights
record names. A model whose weights are set by hand takes no `weights`, has no recipe
and is not trained: it brings examples, and must answer all of them rightly.
"""

import dataclasses
import functools
import inspect
import json
import os
import pathlib
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_data

import rnnzoo
from rnnzoo import training, weights
from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.data.pipeline import batches
from rnnzoo.errors import Interrupted
from rnnzoo.training import reports
from rnnzoo.training.devices import strategy

EVERY_MODEL = rnnzoo.list_models()
BY_HAND = rnnzoo.list_models(by_hand=True)
MODELS = [name for name in EVERY_MODEL if name not in BY_HAND]
WEIGHTS = rnnzoo.list_weights()
TINY = {"units": 8}
EMOJI = "\N{GRINNING FACE}"


def slow_but_smallest_of_its_architecture(names):
    """Marks models as slow unless no other of their architecture has fewer weights."""

    def architecture(name):
        line = getattr(rnnzoo, name).model_class.__mro__
        return line[line.index(SequenceModel) - 1]

    def size(name):
        first = rnnzoo.list_weights(name)[:1]
        return weights.records()[first[0]]["parameters"] if first else 0

    smallest = {architecture(n): n for n in sorted(names, key=size, reverse=True)}
    return [
        pytest.param(
            name, marks=[] if name in smallest.values() else [pytest.mark.slow]
        )
        for name in names
    ]


every_model = pytest.mark.parametrize("name", EVERY_MODEL)
every_trained_model = pytest.mark.parametrize("name", MODELS)
every_architecture = pytest.mark.parametrize(
    "name", slow_but_smallest_of_its_architecture(EVERY_MODEL)
)
every_trained_architecture = pytest.mark.parametrize(
    "name", slow_but_smallest_of_its_architecture(MODELS)
)
every_model_by_hand = pytest.mark.parametrize("name", BY_HAND)
every_weights = pytest.mark.parametrize("name", WEIGHTS)


def factory(name):
    return getattr(rnnzoo, name)


@pytest.fixture(autouse=True, scope="module")
def small_data_sets(tmp_path_factory):
    """Puts small data sets in the places of the public ones."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # all processes share it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(tiny_data.prepare(folder / "data_sets")))
        yield


def recipe_of(name, **options):
    """A small version of the recipe behind a model's first weights."""
    record = weights.records()[rnnzoo.list_weights(name)[0]]
    recipe = training.recipe_class(record["recipe"])
    small = {"epochs": 2, "steps_per_epoch": 4, "batch_size": 4, **TINY}
    small |= {"max_length": 32, "embedding_dim": 8, "ngram_rows": 1000}
    # Where the small data sets are, and how many examples to validate on.
    small |= {"data": os.environ["TFDS_DATA_DIR"], "held_out": 40}
    fields = {field.name for field in dataclasses.fields(recipe)}
    return recipe(**{k: v for k, v in small.items() if k in fields} | options)


def recipe_without_dropout(name):
    """Such a recipe without what is random in training."""
    random = ("dropout", "noise")
    options = [
        o for o in recipe_of(name).options() if any(word in o for word in random)
    ]
    return recipe_of(name, **dict.fromkeys(options, 0.0))


def examples_of(name, size, index=0):
    if name in BY_HAND:
        return trained(name).examples.batch(size, seed=0, index=index)
    return recipe_of(name).examples().batch(size, seed=0, index=index)


@functools.cache
def trained(name):
    return factory(name)()


def tiny(name):
    """A small untrained model, or the one that is set by hand."""
    if name in BY_HAND:
        return factory(name)()
    return factory(name)(weights=None, **TINY)


def outputs(model, inputs):
    return np.array(model(model.encode(inputs)[0]))


@every_trained_model
def test_builds_with_defaults_and_with_tiny_settings(name):
    assert trained(name).count_params() > 0
    assert factory(name)(weights=None).count_params() > 0
    assert factory(name)(weights=None, **TINY).arguments["units"] == 8


@every_model_by_hand
def test_a_model_by_hand_answers_rightly(name):
    assert "weights" not in inspect.signature(factory(name)).parameters
    assert trained(name).count_params() > 0
    assert not trained(name).trainable_weights
    inputs, targets = examples_of(name, 500)
    assert trained(name).answer(inputs) == targets


@every_trained_model
def test_every_default_is_the_best_known(name):
    signature = inspect.signature(factory(name))
    first, *others = signature.parameters.values()
    assert first.name == "weights" and f"{name}.{first.default}" in WEIGHTS
    assert all(p.kind is p.KEYWORD_ONLY for p in others)
    settings = trained(name).arguments
    assert set(settings) == {p.name for p in others}


@every_model
def test_config_round_trip(name):
    model = tiny(name)
    arguments = set(inspect.signature(type(model).__init__).parameters) - {"self"}
    assert set(model.get_config()) == arguments
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()


@every_model
def test_saving_and_loading(name, tmp_path):
    model, inputs = trained(name), examples_of(name, 5)[0]
    model.save(tmp_path / "model.keras")
    again = rnnzoo.load(tmp_path / "model.keras")
    assert type(again) is type(model)
    assert again.answer(inputs) == model.answer(inputs)
    assert again.tokens.get_config() == model.tokens.get_config()
    assert again.card == model.card and model.card
    if name in BY_HAND:
        return
    by_path = factory(name)(str(tmp_path / "model.keras"))
    assert by_path.answer(inputs) == model.answer(inputs)


@every_model
def test_batches_of_one_and_three_and_of_any_length(name):
    model = trained(name)
    rows = sorted(examples_of(name, 200, index=10**6)[0], key=len)
    rows = [rows[0], rows[100], rows[-1]]
    together = model.answer(rows)
    assert len(together) == 3
    for row, answer in zip(rows, together, strict=True):
        assert model.answer([row]) == [answer]
        assert model.answer(row) == answer


@every_model
def test_padding_and_neighbours_change_nothing(name):
    model, inputs = trained(name), examples_of(name, 4, index=10**6)[0]
    ids = model.encode(inputs)[0]
    together = np.array(model(ids))

    def with_more_steps(array):
        return np.pad(array, [(0, 0), (0, 5)] + [(0, 0)] * (array.ndim - 2))

    padded = np.array(model(tf.nest.map_structure(with_more_steps, ids)))
    padded = padded[:, : together.shape[1]]
    for row, example in enumerate(inputs):
        alone = outputs(model, [example])[0]
        steps = alone.shape[0]
        np.testing.assert_allclose(together[row][:steps], alone, atol=1e-3)
        np.testing.assert_allclose(padded[row][:steps], alone, atol=1e-3)


@every_trained_model
def test_one_step_moves_every_weight(name):
    model = factory(name)(weights=None, **TINY)
    inputs, targets = examples_of(name, 32, index=10**6)
    before = [weight.copy() for weight in map(np.array, model.trainable_weights)]
    model.fit(inputs, targets, batch_size=32, verbose=0)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.any(np.array(weight) != old), weight.path


@every_trained_architecture
def test_memorises_eight_examples(name):
    # As long as its examples: some models answer as much as they learned to.
    model = recipe_of(name, units=64).model()
    model.compile(keras.optimizers.Adam(1e-2, clipnorm=1.0), model.loss)
    inputs, targets = examples_of(name, 8)
    for _ in range(20):
        model.fit(inputs, targets, epochs=40, batch_size=8, verbose=0)
        if model.answer(inputs) == targets:
            break
    assert model.answer(inputs) == targets


@every_architecture
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(name, policy):
    inputs, targets = examples_of(name, 8)
    whole = outputs(trained(name), inputs)
    keras.config.set_dtype_policy(policy)
    model = factory(name)()
    mixed = outputs(model, inputs)
    assert mixed.dtype == np.float32
    scale = np.abs(whole).max()
    np.testing.assert_allclose(mixed / scale, whole / scale, atol=0.15)
    if name in BY_HAND:
        return
    assert np.isfinite(model.fit(inputs, targets, verbose=0).history["loss"][0])


@every_model
def test_eager_equals_graph(name):
    model, inputs = trained(name), examples_of(name, 4)[0]
    ids = model.encode(inputs)[0]
    graph = model.predict_on_batch(ids)
    np.testing.assert_allclose(np.array(model(ids)), graph, atol=1e-3)


@every_model
def test_raw_examples_through_tf_data(name):
    model, inputs = trained(name), examples_of(name, 6)[0]
    text = [x if isinstance(x, str) else " ".join(map(str, x)) for x in inputs]
    data = tf.data.Dataset.from_tensors(text).map(model.tokens)
    # What is read comes first where a model has several inputs.
    read = tf.nest.flatten(model.encode(inputs)[0])[0]
    np.testing.assert_array_equal(next(iter(data)), read)


@every_model
def test_odd_input_is_answered_or_refused(name):
    model = trained(name)
    assert model.answer([]) == []
    for odd in ("", " ", EMOJI, "\0", "-1 0 99999999999999999999", "\u0661"):
        try:
            assert isinstance(model.answer(odd), str)
        except (TypeError, ValueError) as error:
            assert "Received:" in str(error)


@every_trained_architecture
def test_same_seed_same_weights(name):
    def train():
        keras.utils.set_random_seed(1)
        model = factory(name)(weights=None, **TINY)
        model.fit(*examples_of(name, 8), batch_size=4, shuffle=False, verbose=0)
        return model.get_weights()

    for first, second in zip(train(), train(), strict=True):
        np.testing.assert_array_equal(first, second)


@every_model
def test_calls_do_not_retrace(name):
    model = tiny(name)
    inputs = sorted(examples_of(name, 40, index=10**6)[0], key=len)
    model.answer(inputs[:2])

    def traced(*arguments, **options):
        raise AssertionError("Python runs the model again: the graph was retraced")

    # Some models answer with their layers, not with their whole graph.
    for layer in (model, *model.layers):
        object.__setattr__(layer, "call", traced)
    for size in (1, 3, 17, 40):
        model.answer(inputs[:size])
        model.answer(inputs[-size:])
    with pytest.raises(AssertionError):  # the trap works
        model(model.encode(inputs)[0])


@every_trained_architecture
@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_replicas_train_as_one_device_does(name, count):
    recipe = recipe_without_dropout(name)

    def trained(devices):
        keras.utils.set_random_seed(0)
        with devices.scope():
            model = recipe.model()
            model.compile_with_defaults(recipe.optimizer(model))
        data = batches(
            recipe.examples(), model.encode, batch_size=8, seed=0, first=10**6
        )
        history = model.fit(data, steps_per_epoch=5, epochs=2, verbose=0, shuffle=False)
        return history.history, model.get_weights()

    one, one_weights = trained(strategy("cpu"))
    several, several_weights = trained(strategy(count))
    for key in ("loss", "gradient_norm"):
        np.testing.assert_allclose(several[key], one[key], rtol=1e-4)
    for a, b in zip(several_weights, one_weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@every_trained_architecture
def test_the_training_step_compiles_with_xla_to_the_same_loss(name):
    """As near to a TPU as a machine without one comes: static shapes, no strings."""
    recipe = recipe_without_dropout(name)

    def losses(jit_compile):
        keras.utils.set_random_seed(0)
        model = recipe.model()
        model.compile_with_defaults(recipe.optimizer(model))
        model.jit_compile = jit_compile
        data = batches(
            recipe.examples(),
            model.encode,
            batch_size=8,
            seed=0,
            first=10**6,
            length=recipe.static_length(model),
        )
        specs = tf.nest.flatten(data.element_spec)
        assert all(spec.shape.is_fully_defined() for spec in specs)
        history = model.fit(data, steps_per_epoch=2, epochs=2, verbose=0, shuffle=False)
        return history.history["loss"]

    np.testing.assert_allclose(losses(True), losses(False), rtol=1e-4)


@every_trained_architecture
@pytest.mark.parametrize(
    "step", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 7))]
)
def test_interrupted_and_resumed_equals_uninterrupted(
    name, step, tmp_path, monkeypatch
):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    recipe = recipe_of(name, epochs=3)
    training.train(recipe, whole, "cpu")

    original = reports.Progress.on_train_batch_end

    def interrupting(self, batch, logs=None):
        original(self, batch, logs)
        if self.step == step:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(reports.Progress, "on_train_batch_end", interrupting)
    with pytest.raises(Interrupted, match="saved at epoch"):
        training.train(recipe, parts, "cpu")
    monkeypatch.undo()
    training.train(recipe, parts, "cpu")

    for file in ("best.keras", "last.keras"):
        first, second = rnnzoo.load(whole / file), rnnzoo.load(parts / file)
        for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    one, other = training.read_history(whole), training.read_history(parts)
    for row in (*one, *other):
        del row["seconds"]
    assert one == other


@every_trained_architecture
def test_a_run_folder_is_complete(name, tmp_path, capsys):
    model = training.train(recipe_of(name), tmp_path / "run", "cpu")
    assert type(model) is type(trained(name))
    files = {path.name for path in pathlib.Path(tmp_path / "run").iterdir()}
    assert files >= {
        "settings.json",
        "history.csv",
        "learning_curve.png",
        "samples.txt",
        "logs",
        "best.keras",
        "last.keras",
    }
    assert not [file for file in files if "draft" in file]
    assert os.path.getsize(tmp_path / "run" / "learning_curve.png") > 5000
    assert (tmp_path / "run" / "samples.txt").read_text().count("given  ") == 2 * 5
    training.train(recipe_of(name), tmp_path / "run", "cpu")
    assert "This run is complete (2 epochs)" in capsys.readouterr().out


@every_trained_model
def test_bad_arguments(name):
    make = factory(name)
    with pytest.raises(ValueError) as error:
        make(weights=None, units=0)
    message = "units must be an integer of at least 1. Received: units=0"
    assert str(error.value) == message
    with pytest.raises(ValueError) as error:
        make(weights=None, cell="gro")
    assert str(error.value) == (
        "cell must be one of 'simple', 'gru', 'lstm'. Did you mean 'gru'? "
        "Received: cell='gro'"
    )
    listed = rnnzoo.list_weights(name)
    with pytest.raises(ValueError) as error:
        make("no_such")
    assert str(error.value).startswith("There are no such weights: neither a listed")
    assert listed[0] in str(error.value)
    with pytest.raises(ValueError) as error:
        make(units=7)
    units = trained(name).arguments["units"]
    assert f"Received: units=7 where the weights have {units}" in str(error.value)
    with pytest.raises(TypeError):
        make(None, 7)
    with pytest.raises(TypeError):
        make(unit=7)


@pytest.mark.slow
def test_exports_answer_as_python_does(tmp_path):
    """One test, not one per model: they share the process that tries exports."""
    small = {"weights": None, **TINY, "max_length": 16, "num_layers": 1}
    small |= {"ngram_rows": 1000}
    for name in EVERY_MODEL:
        known = inspect.signature(factory(name)).parameters
        model = factory(name)(**{k: v for k, v in small.items() if k in known})
        folder = rnnzoo.export(model, tmp_path / name)
        requests = json.loads((folder / "requests.json").read_text("utf-8"))
        request, response = (
            requests["serving_default"][part] for part in ("request", "response")
        )
        answers = response["outputs"]
        if isinstance(answers, dict):
            answers = answers["label" if "label" in answers else "text"]
        assert answers == model.answer(request["inputs"]["text"])


@every_weights
def test_golden_answers(name):
    model = factory(name.split(".")[0])(name)
    golden = weights.records()[name]["golden"]
    assert len(golden) >= 3
    assert model.answer([g["input"] for g in golden]) == [g["answer"] for g in golden]


@every_weights
def test_records_are_complete(name):
    record = weights.records()[name]
    wanted = {"summary", "file", "sha256", "bytes", "parameters", "settings", "score"}
    wanted |= {"data", "licence", "recipe", "options", "seed", "golden"}
    assert set(record) == wanted
    path = weights.find(name)
    assert path.stat().st_size == record["bytes"] <= 20 * 10**6
    model = rnnzoo.load(name)
    assert model.count_params() == record["parameters"]
    settings = model.get_config()
    settings.pop("vocabulary", None)  # too long for a record
    assert settings == record["settings"]
    assert record["recipe"] in rnnzoo.list_recipes()


@every_weights
def test_a_damaged_file_is_refused(name, tmp_path, monkeypatch):
    path = weights.find(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained" / path.name).write_bytes(content)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="is damaged: reinstall rnnzoo"):
        rnnzoo.load(name)
