"""The networks whose weights are set by hand."""

import csv
import pathlib
import zipfile

import h5py
import numpy as np
import pytest

import rnnzoo
from rnnzoo import accumulator, comparer, parity_by_hand

ROOT = pathlib.Path(__file__).parent.parent


def test_accumulator():
    model = accumulator()
    assert model.answer([2, -0.5, 1, 1]) == 3.5
    assert model.answer("2 -0.5 1 1") == "3.5"
    assert model.answer([[1, 2], (0.1, 0.2)]) == [3.0, 0.3]
    assert model.answer(np.array([[1.0, 2.0]])) == [3.0]
    sums = model.predict([[2, -0.5, 1, 1]], verbose=0)
    assert sums.ravel().tolist() == [2, 1.5, 2.5, 3.5]
    assert model.answer([1] * 100_000) == 100_000


def test_files_of_earlier_versions_have_other_names_of_classes(tmp_path):
    """The accumulator was a `Summer`, and its output unit a `_HandMadeHead`."""
    path, old = tmp_path / "new.keras", tmp_path / "old.keras"
    accumulator().save(path)
    with zipfile.ZipFile(path) as new, zipfile.ZipFile(old, "w") as file:
        for name in new.namelist():
            content = new.read(name)
            if name == "config.json":
                content = content.replace(b"rnnzoo>Accumulator", b"rnnzoo>Summer")
                assert b"Summer" in content
            if name == "model.weights.h5":
                (tmp_path / name).write_bytes(content)
                with h5py.File(tmp_path / name, "r+") as weights:
                    weights.move("layers/fixed_weight_head", "layers/__hand_made_head")
                content = (tmp_path / name).read_bytes()
            file.writestr(name, content)
    assert rnnzoo.load(old).answer([2, -0.5, 1, 1]) == 3.5


def test_comparer():
    model, pairs = comparer(), [(2, -2), (0, 3.5), (1, 2.2)]
    assert model.answer(pairs) == [1, 1, 0]
    assert model.answer([pairs, [(1, 1)]]) == [[1, 1, 0], [0]]
    assert model.answer(np.array(pairs)) == [1, 1, 0]
    assert model.answer("2 -2, 0 3.5, 1 2.2") == "1 1 0"
    outputs = model.predict([pairs], verbose=0).ravel().tolist()
    assert outputs == pytest.approx([1.0, 0.92, 0.03], abs=5e-3)


@pytest.mark.parametrize("hidden", ["hard", "logistic"])
def test_the_truth_table_and_long_rows(hidden):
    model = parity_by_hand(hidden)
    assert model.answer(["00", "01", "10", "11"]) == ["0", "1", "1", "0"]
    rows = np.random.default_rng(0).integers(0, 2, (20, 3000))
    assert model.answer(rows) == (rows.sum(axis=1) % 2).tolist()


@pytest.mark.slow
def test_how_large_logistic_weights_must_be():
    with (ROOT / "benchmarks" / "by_hand.csv").open(encoding="utf-8") as file:
        rows = {float(row["weight"]): row for row in csv.DictReader(file)}
    rows_of_bits = np.random.default_rng(1).integers(0, 2, (50, 500))
    parities = np.cumsum(rows_of_bits, axis=1) % 2
    for weight, row in rows.items():
        model = parity_by_hand("logistic", weight=weight)
        outputs = model.predict(rows_of_bits, verbose=0)[..., 0] + 0.5
        distance = np.abs(outputs - parities).max()
        if int(row["wrong_after_steps"]) < 0:
            assert distance <= float(row["largest_distance"]) * 1.01 + 1e-6
        else:
            assert distance > 0.5
    stable = [w for w, row in rows.items() if int(row["wrong_after_steps"]) < 0]
    text = " ".join(parity_by_hand.__doc__.split())
    assert f"from {round(min(stable), 2)} on" in text
    for weight in (10, 20):
        assert (
            f"{float(rows[weight]['largest_distance']):.3g} for {weight}" in text
            or (f"{float(rows[weight]['largest_distance']):.7f} for {weight}" in text)
        )


@pytest.mark.parametrize(
    ("make", "bad", "kind"),
    [
        (accumulator, [True], TypeError),
        (accumulator, "1 x", TypeError),
        (accumulator, [float("nan")], ValueError),
        (accumulator, "", ValueError),
        (accumulator, [[1], 2], TypeError),
        (accumulator, None, TypeError),
        (comparer, [1, 2], TypeError),
        (comparer, "1 2 3", ValueError),
        (comparer, [[(1, 2)], [(1, 2, 3)]], ValueError),
        (parity_by_hand, [2], ValueError),
    ],
)
def test_wrong_input(make, bad, kind):
    with pytest.raises(kind, match="Received"):
        make().answer(bad)


def test_bad_arguments():
    with pytest.raises(ValueError, match="Did you mean 'hard'"):
        parity_by_hand("hrd")
    with pytest.raises(ValueError, match="weight must be a number of at least 0"):
        parity_by_hand(weight=-1)
