"""Recipes and the run folder, where the contract does not reach."""

import ast
import dataclasses
import inspect
import json
import shutil
import time
import zipfile

import keras
import numpy as np
import pytest
from test_run_folders import make_older

import rnnzoo
from rnnzoo import listing, training, weights
from rnnzoo.training.devices import choose_devices

SMALL = {"units": 8, "max_length": 4, "steps_per_epoch": 3, "batch_size": 4}


def recipe(**options):
    return training.recipe_class("sort_naturals")(**(SMALL | {"epochs": 2} | options))


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"epochs": 1.5},
            TypeError,
            "epochs must be of type int. Received: epochs=1.5",
        ),
        ({"epochs": True}, TypeError, "epochs must be of type int"),
        ({"cell": 3}, TypeError, "cell must be of type str. Received: cell=3"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer of at least 1"),
    ],
)
def test_bad_options(options, kind, message):
    with pytest.raises(kind, match=message):
        recipe(**options)


def test_whole_numbers_do_for_real_ones():
    assert recipe(learning_rate=1).learning_rate == 1.0


@pytest.mark.smoke
def test_more_epochs_continue_a_run(tmp_path):
    training.train(recipe(), tmp_path, "cpu")
    training.train(recipe(epochs=4), tmp_path, "cpu")
    assert [row["epoch"] for row in training.read_history(tmp_path)] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="epochs was 4 and is now 3"):
        training.train(recipe(epochs=3), tmp_path, "cpu")


@pytest.mark.slow
def test_a_run_folder_of_an_earlier_version_resumes(tmp_path):
    training.train(recipe(epochs=1), tmp_path, "cpu")
    path = tmp_path / "settings.json"
    settings = json.loads(path.read_text())
    names = {new: old for old, new in training.Recipe.RENAMED_OPTIONS.items()}
    names["curriculum_steps"] = "curriculum"
    options = {names.get(name, name): v for name, v in settings["options"].items()}
    assert {"averaging", "checkpoint_steps", "curriculum"} < set(options)
    del options["embedding_dim"]  # it was not an option
    path.write_text(json.dumps(settings | {"options": options}))
    make_older(tmp_path / "last.keras")
    training.train(recipe(), tmp_path, "cpu")
    assert [row["epoch"] for row in training.read_history(tmp_path)] == [1, 2]
    assert json.loads(path.read_text())["options"] == recipe().options()
    make_older(tmp_path / "last.keras")
    path.write_text(json.dumps(settings | {"options": options | {"unit": 8}}))
    with pytest.raises(ValueError, match="no option 'unit'.*Did you mean 'units'"):
        training.train(recipe(), tmp_path, "cpu")


@pytest.mark.parametrize("name", weights.records())
def test_recipes_have_the_options_of_their_published_weights(name):
    record = weights.records()[name]
    kind = training.recipe_class(record["recipe"])
    options = kind.from_options(record["options"]).options()
    assert options.items() >= record["options"].items()
    # The card in the file has the names of the version that wrote it.
    path = weights.find(name)
    with zipfile.ZipFile(path) as archive:
        card = json.loads(archive.read("assets/card.json"))
    assert kind.from_options(card["options"]).options() == options


@pytest.mark.parametrize("name", rnnzoo.list_recipes())
def test_recipes_declare_only_what_differs(name):
    kind = training.recipe_class(name)
    base = kind.__mro__[1]
    inherited = {f.name: f.default for f in dataclasses.fields(base)}
    if kind.model_name != base.model_name:
        options = listing.model_options(kind.model_name)
        inherited |= {option.name: option.default for option in options}
    (declaration,) = ast.parse(inspect.getsource(kind)).body
    for node in declaration.body:
        option = ast.unparse(getattr(node, "target", node))
        if option in inherited:
            assert getattr(kind, option) != inherited[option], option


def test_other_options_are_refused_with_the_differences(tmp_path):
    training.train(recipe(epochs=1), tmp_path, "cpu")
    with pytest.raises(ValueError) as error:
        training.train(recipe(epochs=1, units=9, seed=1), tmp_path, "cpu")
    message = str(error.value)
    assert "seed was 0 and is now 1; units was 8 and is now 9" in message
    assert "Repeat them to resume it, or choose another run folder" in message


@pytest.mark.smoke
def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path, capsys):
    training.train(recipe(epochs=2), tmp_path / "whole", "cpu")
    training.train(recipe(epochs=1), tmp_path / "run", "cpu")
    run = tmp_path / "run"
    # As if the process had died while writing the next checkpoint.
    (run / "last.keras").rename(run / "previous.keras")
    (run / "last.keras").write_bytes((run / "previous.keras").read_bytes()[:1000])
    capsys.readouterr()
    training.train(recipe(epochs=2), run, "cpu")
    assert "cannot be read" in capsys.readouterr().out
    assert [row["epoch"] for row in training.read_history(run)] == [1, 2]


def test_checkpoints_hold_all_that_resuming_needs(tmp_path):
    training.train(recipe(), tmp_path, "cpu")
    with zipfile.ZipFile(tmp_path / "last.keras") as archive:
        assert {"config.json", "training.npz"} <= set(archive.namelist())
    model = rnnzoo.load(tmp_path / "best.keras")
    assert model.card["recipe"] == "sort_naturals"
    assert model.card["options"] == json.loads(json.dumps(recipe().options()))


def test_averaging_is_what_is_validated_and_kept(tmp_path):
    # With momentum 1 - 1e-9 the average stays what it was at the first step.
    options = {"ema_momentum": 1 - 1e-9, "learning_rate": 0.1, "epochs": 3}
    training.train(recipe(**options), tmp_path, "cpu")
    history = training.read_history(tmp_path)
    losses = [row["val_loss"] for row in history]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-3)
    assert history[-1]["loss"] != pytest.approx(history[0]["loss"], rel=1e-3)
    best, last = (rnnzoo.load(tmp_path / f"{n}.keras") for n in ("best", "last"))
    differences = [
        np.abs(a - b).max()
        for a, b in zip(best.get_weights(), last.get_weights(), strict=True)
    ]
    assert max(differences) > 0.01


def test_optimizer_follows_the_recipe():
    adam = recipe(epochs=10, warmup_steps=5, learning_rate=0.5).optimizer(None)
    schedule = adam._learning_rate
    assert float(schedule(0)) == 0
    assert float(schedule(5)) == pytest.approx(0.5)
    assert float(schedule(30)) == pytest.approx(0.005, rel=0.01)
    assert adam.global_clipnorm == 1.0


def test_devices():
    line = "Devices: 1 CPU, as asked, float32, XLA off"
    assert choose_devices("cpu").description == line
    assert "1 CPU, there is no GPU" in choose_devices("auto").description
    assert choose_devices("2").strategy.num_replicas_in_sync == 2
    assert choose_devices("cpu", count=4).strategy.num_replicas_in_sync == 4
    assert "2 x CPU mirrored (virtual devices)" in choose_devices(2).description


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gpu",), "finds 0 GPUs.*Received: devices='gpu', count=None"),
        (("tpu",), "finds [0-9]+ CPU and 0 GPU, and no TPU"),
        (("multi_worker",), "needs the machines in TF_CONFIG.*Received: TF_CONFIG=''"),
        (("atuo",), "or a number. Did you mean 'auto'"),
        (("64",), "before TensorFlow is used.*Received: 64 devices"),
        (("0",), "at least 1. Received: count=0"),
        (("cpu", None, "float16"), "'mixed_float16'.*Received: precision='float16'"),
    ],
)
def test_absent_devices_are_refused(arguments, message, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match=message):
        choose_devices(*arguments)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "must be JSON, such as.*Received: TF_CONFIG='{'"),
        ('{"cluster": {"ps": ["a:1"]}}', "workers and a chief.*cluster with ps"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "task must be one of its cluster's",
        ),
        ('{"cluster": {"worker": ["a:1"]}}', "must say which machine.*Received"),
        (
            '{"cluster": {"chief": ["a:1"]}, "task": {"type": "chief", "index": "x"}}',
            "by type and an integer index",
        ),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": ["a"], "index": 0}}',
            "by type and an integer index",
        ),
        ('{"cluster": {"worker": ["a"]}}', "host and a port, not 'a'"),
        ('{"cluster": {"worker": ["a:0", 7]}}', "host and a port, not 'a:0'"),
        ('{"cluster": {"worker": "a:1"}}', "must be JSON, such as"),
        ('{"cluster": ["a:1"], "task": []}', "must be JSON, such as"),
        (
            '{"cluster": {"chief": ["a:1"], "worker": ["b:1", "a:1"]}, '
            '"task": {"type": "worker", "index": 0}}',
            "may be there once, unlike a:1",
        ),
    ],
)
def test_a_wrong_cluster_is_refused(config, message, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=message):
        choose_devices("auto")


def test_precision_is_that_of_the_scope_alone():
    with choose_devices("cpu", precision="mixed_bfloat16").scope():
        assert recipe().model().dtype_policy.name == "mixed_bfloat16"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    "precision",
    ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)],
)
def test_mixed_precision_trains_and_the_best_model_is_float32(precision, tmp_path):
    losses = {}
    for name in ("float32", precision):
        training.train(recipe(precision=name), tmp_path / name, "cpu")
        losses[name] = [r["loss"] for r in training.read_history(tmp_path / name)]
    assert losses[precision] == pytest.approx(losses["float32"], rel=0.02)
    best = rnnzoo.load(tmp_path / precision / "best.keras")
    assert best.dtype_policy.name == "float32"


@pytest.mark.parametrize("checkpoint_every", [1, 200])
def test_a_training_that_diverges_stops_and_keeps_the_checkpoint(
    checkpoint_every, tmp_path
):
    options = {"epochs": 3, "checkpoint_every": checkpoint_every}
    training.train(recipe(**options | {"epochs": 1}), tmp_path, "cpu")
    before = (tmp_path / "last.keras").read_bytes()

    @dataclasses.dataclass(kw_only=True)
    class Diverging(training.recipe_class("sort_naturals")):
        def optimizer(self, model):
            return keras.optimizers.Adam(
                keras.optimizers.schedules.ExponentialDecay(float("nan"), 1, 1),
                use_ema=True,
            )

    Diverging.__module__ = type(recipe()).__module__
    # The first step breaks the weights, and the second one shows it in the loss.
    step = 1 if checkpoint_every == 1 else 2
    message = f"diverged at epoch 2, step {step}: loss .*, learning rate nan, gradient"
    with pytest.raises(FloatingPointError, match=message):
        training.train(Diverging(**(SMALL | options)), tmp_path, "cpu")
    assert (tmp_path / "last.keras").read_bytes() == before


def test_a_run_folder_that_cannot_be_written_is_said_first(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="cannot be written.*Received: path="):
        training.train(recipe(), tmp_path / "file" / "run", "cpu")
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match="needs about .* MB.*which has 0.0 MB left"):
        training.train(recipe(), tmp_path / "run", "cpu")


def test_history_has_the_gradient_norm_and_logs_have_samples(tmp_path):
    training.train(recipe(), tmp_path, "cpu")
    assert all(row["gradient_norm"] > 0 for row in training.read_history(tmp_path))
    assert "tokens" not in training.read_history(tmp_path)[0]
    (events,) = (tmp_path / "logs" / "samples").iterdir()
    assert b"Samples after epoch 2" in events.read_bytes()
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["devices"] == "1 CPU, as asked, float32, XLA off"


@pytest.mark.slow
def test_drawing_takes_a_small_share_of_the_time(tmp_path, monkeypatch):
    drawn = []

    def draw(rows, path, units):
        drawn.append(len(rows))
        time.sleep(0.5)  # so that the next one comes after 25 seconds

    monkeypatch.setattr("rnnzoo.training.reports.draw_learning_curve", draw)
    training.train(recipe(epochs=4), tmp_path, "cpu")
    assert drawn == [1, 4]


def test_recipes_say_what_they_lack():
    @dataclasses.dataclass(kw_only=True)
    class Empty(training.Recipe):
        pass

    with pytest.raises(NotImplementedError, match="Empty must say which model"):
        Empty().model()
    with pytest.raises(ValueError, match="Did you mean 'sort_naturals'"):
        training.recipe_class("sort_natural")
