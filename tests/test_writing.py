"""All writing: a draft, then the file; and errors that say where and what to do."""

import contextlib
import errno
import os
import resource
import shutil
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo import demo, many_to_one, training
from rnnzoo.command import main
from rnnzoo.writing import name_failures, replace_file, replace_folder, write_text

# Keras warns of the shuffling that it does not do.
PLAIN = {"shuffle": False}
# Nothing can be made there, not even by root.
NOWHERE = "/proc/rnnzoo/new"


@contextlib.contextmanager
def small_disk(size=1000):
    """Files cannot grow beyond a size, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


class Batches(keras.utils.PyDataset):
    """A single batch."""

    def __init__(self, x, y):
        super().__init__()
        self.batch = x, y

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


@pytest.fixture(scope="module")
def model():
    return many_to_one(vocabulary_size=9, num_classes=2, units=8)


def test_a_file_is_whole_or_as_before(tmp_path):
    path = tmp_path / "words.txt"
    write_text(path, "before")
    path.chmod(0o640)
    with pytest.raises(KeyboardInterrupt), replace_file(path) as draft:
        draft.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    write_text(path, "after\r\n")
    assert path.read_bytes() == b"after\r\n" and path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["words.txt"]


def test_a_link_stays_one_and_a_pipe_is_written(tmp_path):
    write_text(tmp_path / "words.txt", "before")
    (tmp_path / "link").symlink_to("words.txt")
    write_text(tmp_path / "link", "after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "words.txt").read_text() == "after"
    write_text("/dev/null", "nothing")
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize("name", ["folder", "file/below", "no/folder", "a" * 300])
def test_places_that_cannot_be_written_are_named(name, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be written.*TMPDIR.*path='.*") as error:
        write_text(tmp_path / name, "text")
    assert repr(str(tmp_path / name)) in str(error.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


@pytest.mark.parametrize(
    "cause",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Can't write (file write failed: error message = 'No space left on "
                "device')"),
        RuntimeError("errno = 30, error message = 'Read-only file system'"),
        tf.errors.ResourceExhaustedError(None, None, "a; No space left on device"),
        FileNotFoundError(2, "No usable temporary directory found in ['/x']"),
    ],
)  # fmt: skip
def test_every_library_s_words_for_a_full_disk_are_known(cause):
    with pytest.raises(OSError, match="cannot be written.*TMPDIR.*path='a.png'"):
        with name_failures("b.png"), name_failures("a.png"):
            raise cause


def test_other_errors_stay_as_they_are():
    for cause in (ValueError("wrong"), ConnectionError("lost"), OSError("our own")):
        with pytest.raises(type(cause)) as error, name_failures("a"):
            raise cause
        assert error.value is cause


def test_a_model_that_cannot_be_saved_leaves_what_was_there(model, tmp_path):
    model.save(tmp_path / "model.keras")
    before = (tmp_path / "model.keras").read_bytes()
    for name in ("model.keras", "new.keras"):
        with small_disk(), pytest.raises(OSError, match=f"cannot be.*{name}"):
            model.save(tmp_path / name)
    assert os.listdir(tmp_path) == ["model.keras"]
    assert (tmp_path / "model.keras").read_bytes() == before
    with pytest.raises(OSError, match="cannot be written.*path='/proc"):
        model.save(f"{NOWHERE}.keras")


def test_temporary_files_that_cannot_be_written_are_named(model, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(OSError, match="TMPDIR names the one.*model.keras"):
        model.save(tmp_path / "model.keras")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_is_whole_or_as_before(is_there, tmp_path):
    target = tmp_path / "a" / "b"
    if is_there:
        target.mkdir(parents=True)
        (target / "old.txt").touch()
    with small_disk(), pytest.raises(OSError, match="cannot be written.*a/b"):
        with replace_folder(target) as draft:
            (draft / "new.txt").write_text("x" * 2000)
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*"))
    assert found == (["a", "a/b", "a/b/old.txt"] if is_there else [])


@pytest.mark.parametrize("target", [NOWHERE, f"{NOWHERE}/a"])
def test_exports_demos_pages_and_pictures_name_their_targets(
    target, model, monkeypatch, tmp_path
):
    match = "cannot be written.*path='/proc"
    with pytest.raises(OSError, match=match):
        rnnzoo.export(model, target)
    with pytest.raises(OSError, match=match):
        demo.write(target, lambda text: None)
    cache = tmp_path / "demo"
    cache.mkdir()
    monkeypatch.setattr(demo, "get_cache_folder", lambda: cache)
    with pytest.raises(OSError, match=match):
        main_raising(["demo", f"--to={target}"])
    rows = [{"epoch": 1, "loss": 1.0, "val_loss": 1.0}]
    with pytest.raises(OSError, match=match):
        training.history.draw_learning_curve(rows, f"{target}.png")


def main_raising(words):
    """Runs a command whose message is raised."""
    from rnnzoo.command.parser import make_parser

    parsed = make_parser(words).parse_args(words)
    return parsed.action(parsed)


def test_a_page_on_a_full_disk_is_named():
    explanation = rnnzoo.sentiment_classifier().explain("A quiet triumph.")
    with pytest.raises(OSError, match="No space left.*path='/dev/full'"):
        explanation.save_html("/dev/full")


@pytest.mark.slow
def test_a_disk_that_fills_in_mid_run_keeps_the_checkpoint(tmp_path, capsys):
    small = {"units": 8, "max_length": 4, "steps_per_epoch": 3, "batch_size": 4}
    parity = training.recipe_class("parity_of_bits")
    training.train(parity(epochs=1, **small), tmp_path, "cpu")
    before = {
        p.name: p.read_bytes()
        for p in tmp_path.iterdir()
        if p.suffix in (".keras", ".csv")
    }
    with small_disk(8_000), pytest.raises(OSError, match="cannot be written.*path="):
        training.train(parity(epochs=2, **small), tmp_path, "cpu")
    for name in ("last.keras", "best.keras", "previous.keras"):
        assert (tmp_path / name).read_bytes() == before[name]
    assert main(["train", "parity_of_bits", "--epochs=2", f"--run={tmp_path}"]) == 1
    assert "other options" in capsys.readouterr().err


def test_the_disk_of_a_new_run_is_asked_before_it_is_written(tmp_path, monkeypatch):
    asked = []

    def ask(path):
        asked.append(path)
        assert not (path / "settings.json").exists()
        return usage

    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", ask)
    with pytest.raises(OSError, match="MB for its checkpoints"):
        training.train(training.recipe_class("parity_of_bits")(), tmp_path / "a", "cpu")
    assert asked and not os.listdir(tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: ((x, y), {}),
        lambda x, y: ((tf.data.Dataset.from_tensor_slices((x, y)).batch(2),), PLAIN),
        lambda x, y: ((iter([(x, y)]),), PLAIN),
        lambda x, y: ((Batches(x, y),), PLAIN),
        lambda x, y: ((np.zeros_like(x), y), {"validation_data": (x, y)}),
    ],
    ids=["arrays", "data set", "generator", "PyDataset", "validation"],
)
def test_values_that_are_not_finite_are_refused(make):
    network = many_to_one(features=2, num_values=1, units=4)
    x, y = np.zeros((4, 3, 2), "float32"), np.zeros((4, 1), "float32")
    x[3, 1, 0] = np.nan
    arguments, options = make(x, y)
    with pytest.raises(ValueError, match="must be finite numbers.*row [13], step 1"):
        network.fit(*arguments, verbose=0, **options)
    with pytest.raises(ValueError, match="y must be finite.*row 2"):
        network.fit(np.zeros_like(x), np.array([[0], [0], [1e39], [0]]), verbose=0)


def test_checkpoints_of_keras_are_whole_or_as_before(model, tmp_path):
    saved = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras")
    saved.set_model(model)
    saved.on_epoch_end(0, {})
    before = (tmp_path / "best.keras").read_bytes()
    with small_disk(), pytest.raises(OSError, match="cannot be written.*best.keras"):
        saved.on_epoch_end(1, {})
    assert os.listdir(tmp_path) == ["best.keras"]
    assert (tmp_path / "best.keras").read_bytes() == before
