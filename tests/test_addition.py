"""The shipped adder: what it adds, what it returns, what it refuses."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo import adder, training, weights
from rnnzoo.data.synthetic import Addition, carry_chains, random_pairs
from rnnzoo.tokens import BinaryColumns, from_decimal, to_decimal


@pytest.fixture(scope="module")
def model():
    return adder()


def test_the_promise(model):
    assert model.add(5, 3) == 8
    assert model.add([5, 7], [3, 1]) == [8, 8]
    assert model.answer("5 + 3") == "8"
    assert model.answer(["5, 3", " 12 34 "]) == ["8", "46"]
    assert model.answer((5, 3)) == 8
    assert model.add(0, 0) == 0
    assert model.count_params() < 1000


def test_numbers_of_a_thousand_digits(model):
    pairs = [*random_pairs(500, 1000, seed=77), *carry_chains(1000)]
    assert model.answer(pairs) == [a + b for a, b in pairs]
    assert model.smallest_margin(pairs[:600]) > 1


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 2**200), st.integers(0, 2**200))))
def test_batches_of_any_numbers(model, pairs):
    assert model.answer(pairs) == [a + b for a, b in pairs]


def test_pieces_and_groups_change_nothing(model, monkeypatch):
    pairs = [*random_pairs(5, 300, seed=1), (1, 2), (0, 0), *random_pairs(3, 70, 2)]
    monkeypatch.setattr(type(model), "READ", 64)
    monkeypatch.setattr(type(model), "ENCODED", 700)
    assert model.answer(pairs) == [a + b for a, b in pairs]


def test_kinds(model):
    assert model.add([], []) == []
    assert model.add((1,), (2,)) == [3]
    assert model.add(np.int64(5), np.uint8(3)) == 8
    assert model.add(np.array([5, 7]), np.array([3, 1])) == [8, 8]
    assert model.add(np.array([2**63 - 1]), np.array([2**63 - 1])) == [2**64 - 2]
    assert model.add(tf.constant([5]), [3]) == [8]
    assert model.answer(np.array([[5, 3]])) == [8]
    assert type(model.add(np.int64(5), 3)) is int


def test_texts_of_very_many_digits(model):
    nines = "9" * 6000
    assert model.answer(f"{nines} + 1") == "1" + "0" * 6000
    assert from_decimal(to_decimal(3**20000)) == 3**20000


def test_the_graph_reads_numbers_of_any_size():
    columns = BinaryColumns(2, extra_steps=3)
    pairs = [*random_pairs(4, 500, seed=3), (0, 0), (1, 10**20)]
    texts = tf.constant([f"{a} + {b}" for a, b in pairs])
    np.testing.assert_array_equal(columns(texts), columns.encode(pairs))
    for bad in ("5", "1 2 3", "-1 2", "a b", ""):
        with pytest.raises(tf.errors.InvalidArgumentError):
            columns(tf.constant([bad]))


@pytest.mark.parametrize(
    ("first", "second", "kind", "message"),
    [
        (-1, 2, ValueError, "position 0: -1 is negative"),
        (True, 2, TypeError, "position 0: True is not an integer"),
        (1, 2.0, TypeError, "position 1: 2.0 is not an integer"),
        (None, 2, TypeError, "position 0: None is not an integer"),
        ("1", 2, TypeError, "position 0: '1' is not an integer"),
        ([1, 2], [3], ValueError, "2 numbers and 1 numbers"),
        ([1, 2], 3, TypeError, "2 numbers and a int"),
        ([1, -2, 3], [1, 1, 1.5], TypeError, "row 2, position 1: 1.5"),
        (np.array([1.5]), [1], TypeError, "row 0, position 0: 1.5"),
    ],
)
def test_wrong_input(model, first, second, kind, message):
    with pytest.raises(kind, match="Received") as error:
        model.add(first, second)
    assert message in str(error.value)


def test_a_number_too_long_to_print_is_refused_in_words(model):
    with pytest.raises(ValueError, match="position 1: a number too long to print is"):
        model.add(1, -(2**20_000))


@pytest.mark.parametrize("text", ["5", "5 + ", "-5 + 3", "5 - 3", "1 2 3", "1.5 2"])
def test_texts_that_are_no_sum(model, text):
    with pytest.raises(ValueError, match="two natural numbers.*\n.*row 1"):
        model.answer(["1 2", text])


def test_targets_must_fit():
    model = adder(weights=None, units=3, delay=0)
    with pytest.raises(ValueError, match="one sum for each pair"):
        model.fit([(1, 2), (3, 4)], [3])
    with pytest.raises(ValueError, match="one binary digit more"):
        model.fit([(1, 2)], [99])


def test_examples_have_all_lengths():
    pairs, _ = Addition(20).batch(1000, seed=0, index=0)
    lengths = {max(pair).bit_length() for pair in pairs}
    assert lengths >= set(range(1, 21)) and max(lengths) == 20


@pytest.mark.slow
def test_the_published_figures_hold():
    record = weights.records()["adder.binary"]
    recipe = training.recipe_class(record["recipe"])(**record["options"])
    figures = recipe.evaluate(adder("binary"))
    for name, value in figures.items():
        assert value == pytest.approx(record["score"][name], abs=1e-3), name
