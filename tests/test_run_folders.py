"""Run folders: nothing in them is lost, and no other data continue a run."""

import contextlib
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import rnnzoo
from rnnzoo import training
from rnnzoo.data.synthetic import Parity
from rnnzoo.training.history import read_settings
from rnnzoo.training.locks import lock_run

SMALL = {"units": 8, "max_length": 4, "steps_per_epoch": 3, "batch_size": 4}
TEXTS = ["superb and fresh", "awful and dull", "fresh indeed", "dull indeed"] * 10


def recipe(**options):
    return training.recipe_class("parity_of_bits")(**(SMALL | {"epochs": 2} | options))


def texts_recipe(path, **options):
    small = {"units": 4, "embedding_dim": 4, "ngrams": 0, "steps_per_epoch": 2}
    small |= {"cell": "simple", "weights": "none", "tokens": "bytes", "epochs": 1}
    return training.recipe_class("own_texts")(data=str(path), **(small | options))


def write_csv(path, texts=TEXTS, labels=("pos", "neg")):
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows((text, labels[i % len(labels)]) for i, text in enumerate(texts))


def read_files(folder):
    """The content of every file, but for TensorBoard's."""
    paths = [p for p in folder.rglob("*") if p.is_file() and "logs" not in p.parts]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


@contextlib.contextmanager
def unchanged(folder):
    before = read_files(folder)
    yield
    assert read_files(folder) == before


def test_a_run_folder_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="run must name the run folder"):
        rnnzoo.train(recipe(), "", devices="cpu")
    assert not list(tmp_path.iterdir())


def make_older(path):
    """Rewrites a checkpoint as earlier versions wrote it: without history, settings."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    state = dict(np.load(io.BytesIO(members["training.npz"])))
    done = json.loads(str(state.pop("done")))
    del state["settings"], done["history"], done["untrained"]
    buffer = io.BytesIO()
    np.savez(buffer, done=json.dumps(done), **state)
    members["training.npz"] = buffer.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """A finished run; not to be changed."""
    run = tmp_path_factory.mktemp("whole") / "run"
    training.train(recipe(), run, "cpu")
    return run


@pytest.fixture
def run(whole_run, tmp_path):
    return shutil.copytree(whole_run, tmp_path / "run")


@pytest.fixture(scope="module")
def texts_run(tmp_path_factory):
    """A finished run on a csv file, and the file; neither is to be changed."""
    folder = tmp_path_factory.mktemp("texts")
    write_csv(folder / "texts.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        training.train(texts_recipe("texts.csv"), folder / "run", "cpu")
    return folder


@pytest.fixture
def texts(texts_run, tmp_path, monkeypatch):
    """The same, to be changed, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(texts_run, tmp_path, dirs_exist_ok=True)


def test_settings_describe_the_file(texts_run):
    (data,) = read_settings(texts_run / "run")["data"]
    size = (texts_run / "texts.csv").stat().st_size
    assert data["bytes"] == size and len(data["hash"]) == 32 and data["modified"]


@pytest.mark.parametrize(
    ("texts_now", "labels", "message"),
    [
        ([*TEXTS, "a word more", "and another"], ("pos", "neg"), "bytes was"),
        ([t.replace("dull", "bleh") for t in TEXTS], ("pos", "neg"), "hash was"),
        (TEXTS, ("A", "Z"), "bytes was"),
        (TEXTS[:30], ("pos", "neg", "odd"), "bytes was"),
    ],
    ids=["rows appended", "same size", "labels renamed", "a class more, rows fewer"],
)
def test_other_data_are_refused(texts, texts_now, labels, message):
    write_csv(texts / "texts.csv", texts_now, labels)
    with (
        unchanged(texts / "run"),
        pytest.raises(ValueError, match=f"other data.*--run=NEW.*{message}"),
    ):
        training.train(texts_recipe("texts.csv", epochs=2), texts / "run", "cpu")


def test_a_file_that_was_only_touched_is_the_same(texts, capsys):
    os.utime(texts / "texts.csv", (1, 1))
    training.train(texts_recipe("texts.csv"), texts / "run", "cpu")
    assert "This run is complete" in capsys.readouterr().out


def test_new_data_continue_a_run_if_asked_and_if_they_fit(texts):
    path, run = texts / "texts.csv", texts / "run"
    write_csv(path, labels=("A", "Z"))
    with (
        unchanged(run),
        pytest.raises(ValueError, match="another model.*classes was .*'neg', 'pos'"),
    ):
        training.train(texts_recipe(path.name, epochs=2), run, "cpu", new_data=True)
    write_csv(path, ["quite new words"] * 40)
    training.train(texts_recipe(path.name, epochs=2), run, "cpu", new_data=True)
    assert [row["epoch"] for row in training.read_history(run)] == [1, 2]
    # From now on, these are the data of the run.
    training.train(texts_recipe(path.name, epochs=2), run, "cpu")


def test_another_version_of_a_generator_is_other_data(run, monkeypatch):
    assert read_settings(run)["data"][0]["generator"] == "Parity"
    monkeypatch.setattr(Parity, "version", 2, raising=False)
    with unchanged(run), pytest.raises(ValueError, match="version was 1 and is now 2"):
        training.train(recipe(epochs=3), run, "cpu")


def test_a_run_of_an_earlier_version_says_that_data_are_not_compared(run, capsys):
    settings, history = read_settings(run), (run / "history.csv").read_bytes()
    del settings["data"]
    (run / "settings.json").write_text(json.dumps(settings))
    make_older(run / "last.keras")
    older = history.replace(b"\n1,", b"\n1.0,").replace(b"\n2,", b"\n2.0,")
    (run / "history.csv").write_bytes(older)
    training.train(recipe(), run, "cpu")
    assert "has not recorded its data" in capsys.readouterr().out
    assert read_settings(run)["data"]
    assert (run / "history.csv").read_bytes() == history


def test_a_whole_checkpoint_of_another_model_ends_the_command(run, tmp_path):
    training.train(recipe(units=9, epochs=1), tmp_path / "other", "cpu")
    make_older(tmp_path / "other" / "last.keras")
    shutil.copy(tmp_path / "other" / "last.keras", run)
    with (
        unchanged(run),
        pytest.raises(ValueError, match="another model.*units was 9 and is now 8"),
    ):
        training.train(recipe(epochs=3), run, "cpu")


def edit_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(
        path.read_bytes()[: -path.stat().st_size // 3]
    ),
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 9),
    "bit": edit_bit,
    "deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", ["empty", "bit"])
def test_both_checkpoints_damaged_are_refused(run, damage):
    for name in ("last.keras", "previous.keras"):
        DAMAGES[damage](run / name)
    with unchanged(run), pytest.raises(ValueError, match="must be readable"):
        training.train(recipe(epochs=3), run, "cpu")


def test_results_without_a_checkpoint_are_not_replaced(run):
    for name in ("last.keras", "previous.keras"):
        (run / name).unlink()
    with unchanged(run), pytest.raises(ValueError, match="no checkpoint.*best.keras"):
        training.train(recipe(), run, "cpu")


@pytest.mark.slow
def test_a_damaged_checkpoint_never_replaces_the_whole_one_before(run, whole_run):
    edit_bit(run / "last.keras")
    training.train(recipe(), run, "cpu")
    for name in ("last.keras", "previous.keras"):
        with zipfile.ZipFile(run / name) as archive:
            assert archive.testzip() is None
    whole, mended = (rnnzoo.load(r / "last.keras") for r in (whole_run, run))
    for one, other in zip(whole.get_weights(), mended.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("damage", DAMAGES)
def test_history_and_settings_are_rebuilt(run, whole_run, damage):
    for name in ("history.csv", "settings.json"):
        DAMAGES[damage](run / name)
    if damage in ("empty", "garbage"):
        for read in (training.read_history, read_settings):
            with pytest.raises(ValueError, match="Received: path=.*run/"):
                read(run)
    training.train(recipe(), run, "cpu")
    for name in ("history.csv", "settings.json"):
        assert (run / name).read_bytes() == (whole_run / name).read_bytes()
    assert all(type(row["epoch"]) is int for row in training.read_history(run))


def test_lost_settings_are_compared_all_the_same(run):
    (run / "settings.json").unlink()
    with unchanged(run), pytest.raises(ValueError, match="seed was 0 and is now 1"):
        training.train(recipe(seed=1), run, "cpu")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch,loss\n1,x\n",
        "epoch,loss\n1\n3,0.5\n",
        "loss\n1\n",
        "epoch\n",
        "a,\0b",
    ],
)
def test_a_damaged_history_is_named(text, tmp_path):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(ValueError, match="history.csv must.*Received: path="):
        training.read_history(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"recipe": 1, "options": {}}', "[" * 5000]
)
def test_damaged_settings_are_named(text, run):
    (run / "settings.json").write_text(text)
    with pytest.raises(ValueError, match="settings.json must.*Received: path="):
        read_settings(run)


def test_epochs_stay_integers_and_samples_stand_once(run, whole_run):
    # As if the process had died after the samples, before the checkpoint.
    with (run / "samples.txt").open("a") as file:
        file.write("Samples after epoch 3:\n  given  1\n")
    training.train(recipe(epochs=3), run, "cpu")
    lines = (run / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2", "3"]
    samples = (run / "samples.txt").read_text()
    assert samples.startswith((whole_run / "samples.txt").read_text())
    assert [samples.count(f"after epoch {i}:") for i in (1, 2, 3)] == [1, 1, 1]


def test_one_training_at_a_time_writes_in_a_run(run):
    holder = f"process {os.getpid()} on {socket.gethostname()}"
    with lock_run(run), unchanged(run):
        with pytest.raises(ValueError, match=f"Another training.*{holder}.*--run"):
            training.train(recipe(epochs=3), run, "cpu")
    assert not (run / "lock.json").exists()


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    code = "import os, pathlib, sys; from rnnzoo.training.locks import lock_run\n"
    code += "with lock_run(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, tmp_path / "run"])
    assert json.loads((tmp_path / "run" / "lock.json").read_text())["process"]
    draft = tmp_path / "run" / ".draft-1.keras"
    draft.write_text("half a file")
    with lock_run(tmp_path / "run"):
        assert not draft.exists()
    assert not (tmp_path / "run" / "lock.json").exists()


def test_a_refused_run_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "texts.csv"
    path.write_text("text,label\nsome text,\n")
    run = tmp_path / "runs" / "a"
    with pytest.raises(ValueError, match="rows? (is|are) bad"):
        training.train(texts_recipe(path), run, "cpu")
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match="MB left"):
        training.train(recipe(), run, "cpu")
    assert os.listdir(tmp_path) == ["texts.csv"]


def test_a_training_that_does_not_help_says_so(tmp_path, capsys):
    with pytest.warns(UserWarning, match="The loss has exploded: .* learning rate"):
        training.train(recipe(learning_rate=1e9, warmup_steps=0), tmp_path, "cpu")
    output = capsys.readouterr().out
    assert "The training has not helped: its lowest validation loss" in output


def test_a_training_that_helps_does_not(whole_run, capsys):
    training.train(recipe(), whole_run, "cpu")
    assert "not helped" not in capsys.readouterr().out


def numeric_options():
    for name in rnnzoo.list_recipes():
        kind = training.recipe_class(name)
        for option, default in kind().options().items():
            if isinstance(default, (int, float)) and not isinstance(default, bool):
                yield kind, option, default


def test_every_number_has_a_range():
    assert len(list(numeric_options())) > 200
    for kind, option, default in numeric_options():
        # -1 is an option where it says that the recipe chooses.
        below = min(default - 1, -1)
        wrong = [float("nan"), float("inf"), below, -float("inf"), 10**400]
        if isinstance(default, float):
            wrong += [-1e-9]
        else:
            wrong += [2**32]
        for value in wrong:
            with pytest.raises((ValueError, TypeError), match=option) as error:
                kind(**{option: value})
            assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": 0.0},
        {"clip_norm": 0},
        {"ema_momentum": 1.0},
        {"dropout": 1.0},
        {"units": 0},
    ],
)
def test_the_ends_of_ranges(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        recipe(**options)
