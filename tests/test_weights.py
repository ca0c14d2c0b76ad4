"""Finding, checking, loading and listing weight files."""

import io
import json
import pickle
import random
import subprocess
import sys
import tracemalloc
import zipfile

import h5py
import keras
import pytest

import rnnzoo
from rnnzoo import weights
from rnnzoo.command import main


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
        archive.writestr("metadata.json", "{}")
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
    model = rnnzoo.load(rewritten(lambda content: content, **{"assets/note.txt": "x"}))
    assert model.answer([1, 2]) == 3


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The members of a small trained model's file, by name."""
    model = rnnzoo.sorter(weights=None, max_value=9, max_length=4, units=4)
    model.fit([[3, 1]], [[1, 3]], verbose=0)
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_file(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def expect_refusal(path, reason):
    """Every way to load a file refuses it in one short sentence with its path."""
    for load in (rnnzoo.load, lambda name: rnnzoo.sorter(str(name))):
        with pytest.raises(ValueError, match=reason) as caught:
            load(path)
        message = str(caught.value)
        assert str(path) in message and "Received: " in message
        assert len(message) < 2000


def change_settings(members, **settings):
    content = json.loads(members["config.json"])
    content["config"] |= settings
    return members | {"config.json": json.dumps(content)}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"units": 10**9}, "more weights than it holds"),
        ({"units": 3000}, "more weights than it holds"),
        ({"max_value": 2**31 - 2}, "more weights than it holds"),
        ({"units": -1}, "units must be an integer of at least 1"),
        ({"units": "4"}, "units must be an integer"),
        ({"units": 5}, "damaged or something else"),
        ({"unts": 4}, "argument 'unts'"),
        ({"cell": {"class_name": "GRU", "config": {}}}, "cell must be one of"),
        ({"max_length": None}, "max_length must be an integer"),
    ],
)
@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_settings_that_do_not_fit_the_weights_are_refused(
    saved, tmp_path, settings, reason
):
    path = write_file(tmp_path / "x.keras", change_settings(saved, **settings))
    expect_refusal(path, reason)


def change_weights(members, change):
    content = io.BytesIO(members["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        change(file)
    return members | {"model.weights.h5": content.getvalue()}


def put(value):
    def change(file):
        file["layers/dense/vars/0"][0, 0] = value

    return change


def add_huge(file):
    file.create_dataset("more", (10**6, 10**6), chunks=(1000, 1000), compression=9)


def replace_by_text(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = "text"


def remove(file):
    del file["layers/dense"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put(float("nan")), "head/kernel has numbers that are not finite"),
        (put(float("-inf")), "head/kernel has numbers that are not finite"),
        (add_huge, "more than a model of its settings has"),
        (replace_by_text, "no numbers of its own"),
        (remove, "expected 2 variables, but received 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_that_are_not_a_models_are_refused(saved, tmp_path, change, reason):
    expect_refusal(
        write_file(tmp_path / "x.keras", change_weights(saved, change)), reason
    )


def test_a_bomb_is_refused_before_it_is_read(saved, tmp_path):
    blanks = b" " * 2**26
    for name in ("config.json", "model.weights.h5", "assets/card.json"):
        members = saved | {name: saved[name] + blanks}
        path = write_file(tmp_path / "x.keras", members, zipfile.ZIP_DEFLATED)
        tracemalloc.start()
        with pytest.raises(ValueError, match="bytes, of which"):
            rnnzoo.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
        tracemalloc.stop()
    path = write_file(tmp_path / "x.keras", members | {"config.json": blanks})
    with pytest.raises(ValueError, match="config.json has"):
        rnnzoo.load(path)
    weights = saved["model.weights.h5"] + bytes(2**22)
    path = write_file(tmp_path / "x.keras", saved | {"model.weights.h5": weights})
    with pytest.raises(ValueError, match="more than a model of its settings"):
        rnnzoo.load(path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("config.json", b'{"a":' + b"[" * 60 + b"]" * 60 + b"}", "nested too deep"),
        ("config.json", b"\xff\xfe{", "codec can't decode"),
        ("config.json", b"[]", "holds no object"),
        ("config.json", b'{"registered_name": 1}', "no class_name"),
        ("model.weights.h5", b"x" * 100, "file signature not found"),
        ("assets/card.json", b"[1]", "card.json holds no object"),
        ("model.pkl", b"x", "the file 'model.pkl'"),
        ("code.py", b"x", "the file 'code.py'"),
    ],
)
def test_damaged_and_foreign_members_are_refused(
    saved, tmp_path, name, content, reason
):
    path = write_file(tmp_path / "x.keras", saved | {name: content})
    expect_refusal(path, reason)


def test_settings_nested_without_end_are_refused(saved, tmp_path):
    members = saved | {"config.json": b"[" * 10**5}
    expect_refusal(write_file(tmp_path / "x.keras", members), "nested too deep")


def test_files_of_any_kind_of_damage_are_refused(saved, tmp_path, capfd):
    path = write_file(tmp_path / "x.keras", saved)
    good = path.read_bytes()
    draw = random.Random(0)
    for _ in range(30):
        content = bytearray(good)
        for _ in range(draw.choice([1, 20])):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content[: draw.choice([None, draw.randrange(len(content))])])
        try:
            rnnzoo.load(path)  # what is flipped may mean nothing
        except ValueError as error:
            assert str(path) in str(error) and len(str(error)) < 2000
    assert "Traceback" not in "".join(capfd.readouterr())


def test_the_command_refuses_a_damaged_file_in_one_sentence(saved, tmp_path, capsys):
    weights = bytearray(saved["model.weights.h5"])
    path = write_file(tmp_path / "x.keras", saved)
    content = path.read_bytes()
    at = content.index(bytes(weights[:100])) + 2000
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    assert main(["answer", str(path), "1"]) == 1
    shown = capsys.readouterr().err
    assert "Bad CRC-32" in shown and str(path) in shown and "Traceback" not in shown


def test_a_registered_layer_is_no_model(saved, tmp_path):
    content = {
        "class_name": "Numbers",
        "registered_name": "rnnzoo>Numbers",
        "config": {"minimum": 1, "maximum": 3},
    }
    members = saved | {"config.json": json.dumps(content)}
    path = write_file(tmp_path / "x.keras", members)
    with pytest.raises(ValueError, match="must hold a model of rnnzoo"):
        rnnzoo.load(path)


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "model", "model.tf"])
def test_models_are_saved_with_one_suffix(tmp_path, name):
    with pytest.raises(ValueError, match=r"use '.*model[^/]*\.keras'\. Received: "):
        rnnzoo.accumulator().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_names_of_any_length_are_refused(tmp_path):
    for name in ("x" * 10**6, f"{tmp_path}", "", "a\0b"):
        with pytest.raises(ValueError, match="There are no such weights") as caught:
            rnnzoo.load(name)
        assert len(str(caught.value)) < 2000
