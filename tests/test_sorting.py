"""The shipped sorter: what it sorts, what it returns, what it refuses."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnzoo
from rnnzoo import sorter, training, weights
from rnnzoo.data.synthetic import (
    HistogramSorting,
    Sorting,
    list_families,
    structured_lists,
    uniform_lists,
)


@pytest.fixture(scope="module")
def model():
    return sorter()


@pytest.mark.smoke
def test_the_promise(model):
    assert model.sort([31, 4, 15, 9, 26]) == [4, 9, 15, 26, 31]
    assert model.answer("31 4 15 9 26") == "4 9 15 26 31"
    assert model.answer(["31 4", "[2, 1]"]) == ["4 31", "1 2"]
    assert model.answer([31, 4]) == [4, 31]


@pytest.mark.smoke
@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 13, 21, 32])
def test_sorts_random_lists(model, length):
    lists = np.array(uniform_lists(500, 32, length, seed=12345 + length))
    exact = np.all(model.sort(lists) == np.sort(lists, axis=1), axis=1)
    assert exact.mean() >= 0.995


def test_kinds(model):
    assert model.sort([]) == []
    assert model.sort([[]]) == [[]]
    assert model.sort([[], [2, 1], []]) == [[], [1, 2], []]
    assert model.sort(()) == ()
    assert model.sort((2, 1)) == (1, 2)
    assert model.sort(([2, 1], (3, 1))) == ([1, 2], (1, 3))
    assert model.sort(range(3, 0, -1)) == [1, 2, 3]
    assert all(type(value) is int for value in model.sort([np.int64(2), 1]))

    array = model.sort(np.array([3, 1, 2], "uint8"))
    assert array.dtype == np.uint8 and array.tolist() == [1, 2, 3]
    square = model.sort(np.array([[3, 1], [2, 9]]))
    assert isinstance(square, np.ndarray) and square.tolist() == [[1, 3], [2, 9]]
    assert model.sort(np.zeros((0, 5), int)).shape == (0, 5)
    assert model.sort(np.zeros((3, 0), int)).shape == (3, 0)
    assert model.sort(np.array([])).shape == (0,)

    ragged = model.sort(tf.ragged.constant([[3, 1], [], [2]], dtype=tf.int32))
    assert isinstance(ragged, tf.RaggedTensor) and ragged.dtype == tf.int32
    assert ragged.to_list() == [[1, 3], [], [2]]
    tensor = model.sort(tf.constant([[3, 1]]))
    assert tf.is_tensor(tensor) and tensor.numpy().tolist() == [[1, 3]]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.integers(1, 32), max_size=32), max_size=12))
def test_a_batch_is_answered_as_its_rows_are(model, rows):
    if rows:
        assert model.sort(rows) == [model.sort(row) for row in rows]
    for row, answer in zip(rows, model.sort(rows), strict=True):
        assert len(answer) == len(row)
        assert all(1 <= value <= 32 for value in answer)


@pytest.mark.smoke
def test_a_bad_row_refuses_the_batch_and_names_every_one(model):
    with pytest.raises(ValueError) as error:
        model.sort([[1, 2], [0, 5], [3], list(range(1, 33)) + [1]])
    message = str(error.value)
    assert "integers from 1 to 32, at most 32 in a row" in message
    assert "row 1, position 0: 0 is less than 1" in message
    assert "row 3, 33 numbers, more than 32" in message
    assert "row 2" not in message


@pytest.mark.parametrize(
    "bad",
    [
        [3.5],
        ["a"],
        [None],
        [True],
        [[[1]]],
        [1, [2]],
        [[1], 2],
        None,
        "31 4",
        7,
        np.array([1.5]),
        np.array([True]),
        np.ones((2, 2, 2), int),
        tf.ragged.constant([[[1]]]),
        tf.constant([1.5]),
    ],
)
def test_wrong_types(model, bad):
    with pytest.raises(TypeError, match="Received"):
        model.sort(bad)


def test_other_ranges_are_built_untrained():
    model = sorter(weights=None, max_value=64, max_length=5, units=8, cell="lstm")
    assert len(model.sort([64, 1, 2])) == 3
    with pytest.raises(ValueError, match="65 is more than 64"):
        model.sort([65])
    with pytest.raises(ValueError, match="6 numbers, more than 5"):
        model.sort([1] * 6)
    assert sorter(weights=None, max_value=1, max_length=1, units=2).sort([1]) == [1]


def test_targets_must_fit():
    model = sorter(weights=None, units=4)
    with pytest.raises(ValueError, match="one sorted list for each list"):
        model.fit([[1, 2], [3]], [[1, 2]])
    with pytest.raises(ValueError, match="targets must be integers from 1 to 32"):
        model.fit([[1, 2]], [[1, 99]])


def test_confidence_comes_in_the_shape_of_the_input(model):
    answer, confidence = model.sort([3, 1, 2], return_confidence=True)
    assert answer == [1, 2, 3] and type(confidence) is float
    assert 0.99 < confidence <= 1
    answers, confidence = model.sort([[3, 1], [], [2]], return_confidence=True)
    assert answers == [[1, 3], [], [2]]
    assert len(confidence) == 3 and confidence[1] == 1
    assert model.sort([], return_confidence=True) == ([], 1.0)
    array, confidence = model.sort(np.array([[3, 1]]), return_confidence=True)
    assert array.tolist() == [[1, 3]] and len(confidence) == 1
    text, confidence = model.answer("3 1", return_confidence=True)
    assert text == "1 3" and confidence > 0.99
    texts, confidence = model.answer(["3 1", "2"], return_confidence=True)
    assert texts == ["1 3", "2"] and len(confidence) == 2


def test_confidence_is_the_product_of_the_probabilities_of_the_steps():
    model = sorter(weights=None, max_value=5, max_length=4, units=8, temperature=2.0)
    rows = [[3], [1], [5]]
    logits = model.predict(rows, verbose=0)[:, 0, 1:] / 2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    answers, confidence = model.sort(rows, return_confidence=True)
    for row, answer, share, sure in zip(rows, answers, shares, confidence, strict=True):
        expected = share[answer[0] - 1]
        expected = expected if answer == row else min(expected, 0.01)
        assert sure == pytest.approx(expected, rel=1e-5)


def test_an_answer_that_is_no_permutation_is_never_sure():
    model = sorter("naturals_32")
    lists = list_families(32, 32, 500)["mirrored_zipf"]
    answers, confidence = model.sort(lists, return_confidence=True)
    wrong = [sorted(a) != sorted(r) for a, r in zip(answers, lists, strict=True)]
    assert 50 < sum(wrong) < 300
    assert max(np.array(confidence)[wrong]) <= 0.01
    with pytest.warns(UserWarning, match="unsure of .* of 500 answers"):
        model.sort(lists)


def test_calibration_raises_the_likelihood_and_changes_no_answer():
    model = sorter("naturals_32")
    families = list_families(32, 32, 100, seed=5)
    lists = sum(families.values(), [])

    def measure() -> tuple:
        answers, confidence = model.sort(lists, return_confidence=True)
        pairs = zip(answers, lists, strict=True)
        right = np.array([answer == sorted(row) for answer, row in pairs])
        share = np.clip(confidence, 1e-6, 1 - 1e-6)
        return answers, np.log(np.where(right, share, 1 - share)).mean()

    answers, likelihood = measure()
    assert model.calibrate(lists) != 1.0
    again, calibrated = measure()
    assert again == answers and calibrated > likelihood
    assert model.get_config()["temperature"] == model.temperature


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 40), st.integers(1, 12), st.integers(0, 10**6), st.integers(0, 10**6)
)
def test_generated_lists_are_in_range_and_sorted(top, longest, seed, index):
    for kind in (HistogramSorting, Sorting):
        lists, answers = kind(top, longest).batch(8, seed, index)
        assert answers == [sorted(row) for row in lists]
        assert all(1 <= len(row) <= longest for row in lists)
        assert all(1 <= value <= top for row in lists for value in row)
        assert kind(top, longest).batch(8, seed, index) == (lists, answers)


def test_generated_lists_cover_histograms_and_orders():
    lists, _ = HistogramSorting(full_length=1.0).batch(4000, 0, 10**6)
    counts = [len(set(row)) for row in lists]
    assert {*range(1, 26)} <= {*counts}
    peaks = [max(row.count(value) for value in set(row)) for row in lists]
    assert {*range(3, 33)} <= {*peaks}
    sortedness = [sum(np.diff(row) < 0) for row in lists]
    assert min(sortedness) == 0 and max(sortedness) > 20
    assert sum(row == sorted(row)[::-1] != sorted(row) for row in lists) > 50


@pytest.mark.parametrize("top, length", [(1, 1), (3, 7), (32, 32), (64, 5)])
def test_families_have_lists_of_their_length(top, length):
    found = {
        **list_families(top, length, 20),
        **list_families(top, length, 20, group="held_out"),
        **list_families(top, length, 20, group="invented"),
    }
    assert len(found) == 28
    for name, lists in {**found, **structured_lists(top, length)}.items():
        for row in lists:
            assert len(row) == length and 1 <= min(row) <= max(row) <= top, name
    with pytest.raises(ValueError, match="group must be one of"):
        list_families(top, length, 20, group="helt_out")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["sorter.integers_32", "sorter.naturals_32", "real_sorter.reals_32"]
)
def test_the_published_figures_hold(name):
    record = weights.records()[name]
    recipe = training.recipe_class(record["recipe"])(**record["options"])
    figures = recipe.evaluate(rnnzoo.load(name))
    assert set(figures) == set(record["score"])
    for metric, value in figures.items():
        assert value == pytest.approx(record["score"][metric], abs=2e-4), metric
