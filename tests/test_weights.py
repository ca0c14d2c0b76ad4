"""Finding, checking, loading and listing weight files."""

import json
import pickle
import subprocess
import sys
import zipfile

import keras
import pytest

import rnnzoo
from rnnzoo import weights


@pytest.mark.smoke
def test_lists():
    assert {"sorter", "adder", "accumulator"} <= set(rnnzoo.list_models())
    assert rnnzoo.list_models(by_hand=True) == [
        "accumulator",
        "comparer",
        "parity_by_hand",
    ]
    assert "accumulator" not in rnnzoo.list_models(by_hand=False)
    assert "sorter.naturals_32" in rnnzoo.list_weights()
    assert set(rnnzoo.list_weights("sorter")) < set(rnnzoo.list_weights())
    with pytest.raises(
        ValueError, match="Did you mean 'sorter'.*Received: model='sort'"
    ):
        rnnzoo.list_weights("sort")


def test_describe():
    assert rnnzoo.describe("sorter")["weights"] == rnnzoo.list_weights("sorter")
    assert rnnzoo.describe("sorter.naturals_32")["recipe"] == "sort_naturals"
    assert "rnnzoo train" in rnnzoo.describe("sort_naturals")["documentation"]
    with pytest.raises(ValueError, match="Did you mean 'sort_naturals'"):
        rnnzoo.describe("sort_natural")


def test_names_in_full_in_short_and_as_path():
    path = weights.find("naturals_32", "sorter")
    assert weights.find("sorter.naturals_32") == path
    assert weights.find(str(path)) == path
    with pytest.raises(ValueError, match="Did you mean 'naturals_32'"):
        weights.find("naturals32", "sorter")


def test_other_files_are_refused(tmp_path):
    text = tmp_path / "text.keras"
    text.write_text("hello")
    with pytest.raises(ValueError, match="A model file is a .keras archive"):
        rnnzoo.load(text)
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        archive.writestr("other", "x")
    with pytest.raises(ValueError, match="A model file is a .keras archive"):
        rnnzoo.load(tmp_path / "empty.keras")
    foreign = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    foreign.save(tmp_path / "foreign.keras")
    with pytest.raises(ValueError, match="must hold a model of rnnzoo"):
        rnnzoo.load(tmp_path / "foreign.keras")
    with pytest.raises(ValueError, match="There are no such weights"):
        rnnzoo.load(tmp_path / "nothing.keras")


def test_weights_of_another_model_are_refused(tmp_path):
    model = rnnzoo.many_to_one(features=2, num_classes=2, units=4)
    model.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="needs weights of a Sorter"):
        rnnzoo.sorter(str(tmp_path / "other.keras"))


@pytest.mark.smoke
def test_a_saved_model_loads_in_a_new_process(tmp_path):
    model = rnnzoo.sorter(weights=None, max_value=9, max_length=4, units=8)
    model.save(tmp_path / "mine.keras")
    code = (
        "import rnnzoo, sys; model = rnnzoo.load(sys.argv[1]); "
        "print(type(model).__name__, model.sort([3, 1, 2]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "mine.keras")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.strip() == f"Sorter {model.sort([3, 1, 2])}"


def test_public_names():
    for name in rnnzoo.__all__:
        assert callable(getattr(rnnzoo, name))
        assert name in dir(rnnzoo)
    with pytest.raises(AttributeError, match="it has sorter"):
        rnnzoo.sortr  # noqa: B018


@pytest.fixture
def rewritten(tmp_path):
    """Makes a model file with another configuration, or with more files in it."""
    rnnzoo.accumulator().save(tmp_path / "accumulator.keras")

    def rewrite(change, **files):
        path = tmp_path / "rewritten.keras"
        with (
            zipfile.ZipFile(tmp_path / "accumulator.keras") as before,
            zipfile.ZipFile(path, "w") as after,
        ):
            for name in before.namelist():
                content = before.read(name)
                if name == "config.json":
                    content = json.dumps(change(json.loads(content)))
                after.writestr(name, content)
            for name, content in files.items():
                after.writestr(name, content)
        return path

    return rewrite


def touching(path):
    """Code that would leave a trace if it ran."""
    name = str(path)
    return lambda x: [open(name, "w"), x][1]


def functional(layer):
    """The configuration of a model of one layer."""
    inputs = keras.Input((2,))
    return keras.Model(inputs, layer(inputs)).get_config()


@pytest.mark.filterwarnings("ignore:.*includes a `lambda`:UserWarning")
def test_code_in_a_file_is_refused_and_does_not_run(rewritten, tmp_path):
    trace = tmp_path / "trace"
    layer = keras.layers.Lambda(touching(trace), output_shape=(2,))
    config = functional(layer)
    trace.unlink(missing_ok=True)
    function = keras.saving.serialize_keras_object(touching(trace))
    for change in (
        lambda content: content | {"config": config},
        lambda content: content | {"compile_config": {"loss": function}},
    ):
        with pytest.raises(ValueError, match="no code and no path out of it"):
            rnnzoo.load(rewritten(change))
        with pytest.raises(ValueError, match="no code and no path out of it"):
            rnnzoo.sorter(str(rewritten(change)))
    assert not trace.exists()


@pytest.mark.parametrize("place", ["config", "compile_config"])
def test_modules_that_a_file_names_are_not_called(rewritten, tmp_path, place):
    trace = tmp_path / "trace"
    call = {
        "module": "os",
        "class_name": "system",
        "registered_name": None,
        "config": {"command": f"touch {trace}"},
    }
    with pytest.raises((TypeError, ValueError)):
        rnnzoo.load(rewritten(lambda content: content | {place: {"loss": call}}))
    assert not trace.exists()


def test_pickles_are_refused_and_not_read(tmp_path):
    class Touch:
        def __reduce__(self):
            return (open, (str(tmp_path / "trace"), "w"))

    path = tmp_path / "model.keras"
    path.write_bytes(pickle.dumps(Touch()))
    with pytest.raises(ValueError, match="A model file is a .keras archive"):
        rnnzoo.load(path)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    "name", ["../evil", "assets/../../evil", "/tmp/evil", "assets\\..\\evil", "C:evil"]
)
def test_paths_out_of_the_archive_are_refused(rewritten, tmp_path, name):
    path = rewritten(lambda content: content, **{name: "x"})
    with pytest.raises(ValueError, match="which holds the path"):
        rnnzoo.load(path)
    assert not list(tmp_path.parent.rglob("evil"))


def test_rewritten_files_load_if_nothing_is_wrong(rewritten):
    model = rnnzoo.load(rewritten(lambda content: content, other="x"))
    assert model.answer([1, 2]) == 3
