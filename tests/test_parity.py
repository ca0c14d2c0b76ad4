"""The shipped parity network: what it answers, and what it refuses."""

import numpy as np
import pytest
import tensorflow as tf

from rnnzoo import parity, training, weights


@pytest.fixture(scope="module")
def model():
    return parity()


def test_the_promise(model):
    assert model.answer([0, 1, 1, 1]) == 1
    assert model.answer("0111") == "1"
    assert model.answer(["0 1 1 1", "1,1", "0"]) == ["1", "0", "0"]
    assert model.answer([[0, 1], (1, 1)]) == [1, 0]
    assert model.answer(np.eye(3, dtype=int)) == [1, 1, 1]
    assert model.answer(np.array([1, 1])) == 0
    assert model.answer(tf.ragged.constant([[1], [1, 1]])) == [1, 0]
    assert model.answer([]) == []


def test_long_rows(model):
    rows = np.random.default_rng(5).integers(0, 2, (50, 10_000))
    assert model.answer(rows) == (rows.sum(axis=1) % 2).tolist()
    assert model.smallest_margin(np.eye(300, dtype=int)) > 1


def test_pieces_and_groups_change_nothing(model, monkeypatch):
    random = np.random.default_rng(6)
    rows = [random.integers(0, 2, n).tolist() for n in (1, 300, 7, 299, 64, 300, 2)]
    monkeypatch.setattr(type(model), "READ", 64)
    monkeypatch.setattr(type(model), "ENCODED", 700)
    assert model.answer(rows) == [sum(row) % 2 for row in rows]


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        ([0, 2], ValueError, "position 1: 2 is more than 1"),
        ([[1], [-1]], ValueError, "row 1, position 0: -1 is less than 0"),
        ([True], TypeError, "True is not an integer"),
        ([1.0], TypeError, "1.0 is not an integer"),
        ([[1], []], ValueError, "nothing in row 1"),
        ("", ValueError, "nothing in row 0"),
        ("01x", TypeError, "position 2: 'x' is not an integer"),
        (None, TypeError, "bits=None"),
    ],
)
def test_wrong_input(model, bad, kind, message):
    with pytest.raises(kind, match="Received") as error:
        model.answer(bad)
    assert message in str(error.value)


def test_the_target_of_every_step_is_the_parity_so_far():
    model = parity(weights=None, units=4)
    source, targets = model.encode([[0, 1, 1, 1, 0], [1, 0]], [1, 1])
    assert source[1, :, 0].tolist() == [1, -1, 0, 0, 0]
    assert targets[0, :, 0].tolist() == [0, 1, 0, 1, 1]
    assert targets[1, :2, 0].tolist() == [1, 1]
    with pytest.raises(ValueError, match="one bit for each row"):
        model.fit([[1], [0]], [1])
    with pytest.raises(ValueError, match="targets must be integers from 0 to 1"):
        model.fit([[1]], [2])


@pytest.mark.slow
def test_the_published_figures_hold():
    record = weights.records()["parity.bits"]
    recipe = training.recipe_class(record["recipe"])(**record["options"])
    figures = recipe.evaluate(parity("bits"))
    for name, value in figures.items():
        assert value == pytest.approx(record["score"][name], abs=1e-3), name
