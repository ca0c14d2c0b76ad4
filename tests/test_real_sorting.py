"""The sorter of real numbers: a pointer network."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo import real_sorter
from rnnzoo.data.synthetic import RealSorting
from rnnzoo.layers.pointer import (
    NEVER,
    OrderAccuracy,
    OrderLoss,
    OrderMatch,
    PointerScores,
)
from rnnzoo.tokens import RangeSteps

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def small():
    return real_sorter(weights=None, max_length=8, units=8)


def test_kinds(small):
    assert small.sort([]) == [] and small.sort(()) == ()
    assert small.sort([[], [0.5]]) == [[], [0.5]]
    answer = small.sort((2.5, 1))
    assert type(answer) is tuple and {*map(type, answer)} == {int, float}
    array = small.sort(np.array([[3.0, 1.0], [2.0, 9.0]], "float32"))
    assert array.dtype == np.float32 and array.shape == (2, 2)
    assert small.sort(np.zeros((0, 5))).shape == (0, 5)
    assert small.sort(np.zeros((3, 0))).shape == (3, 0)
    ragged = small.sort(tf.ragged.constant([[3.0, 1.0], [], [2.0]]))
    assert ragged.row_lengths().numpy().tolist() == [2, 0, 1]
    assert small.answer(["", "7"]) == ["", "7"]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(NUMBERS, max_size=8), min_size=1, max_size=5))
def test_an_answer_has_the_numbers_of_its_list(small, rows):
    answers, confidence = small.sort(rows, return_confidence=True)
    assert [sorted(answer) for answer in answers] == [sorted(row) for row in rows]
    assert all(0 <= share <= 1 + 1e-6 for share in confidence)
    assert answers == [small.sort(row) for row in rows]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=8),
    st.sampled_from([0.5, 2.0, 1024.0, 2.0**-40]),
    st.integers(-(10**6), 10**6),
)
def test_unit_and_origin_change_no_answer(small, numbers, unit, origin):
    moved = [(number + origin) * unit for number in numbers]
    expected = [(number + origin) * unit for number in small.sort(numbers)]
    assert small.sort(moved) == expected


def test_text_keeps_its_words(small):
    answer = small.answer("0.50, -1e3 [7 +8.0]")
    assert sorted(answer.split()) == sorted(["0.50", "-1e3", "7", "+8.0"])
    found = small.answer_in_graph(tf.constant(["0.50, -1e3 [7 +8.0]", ""]))
    assert found["text"].numpy().tolist() == [answer.encode(), b""]
    text, confidence = small.answer("0.50, -1e3 [7 +8.0]", return_confidence=True)
    assert text == answer and confidence == pytest.approx(
        float(found["confidence"][0]), abs=1e-6
    )


@pytest.mark.parametrize(
    "bad, kind, parts",
    [
        ([True], TypeError, ["position 0: True is not a number (bool)"]),
        (["a"], TypeError, ["not a number (str)"]),
        (
            [[1], [float("nan"), 2]],
            ValueError,
            ["row 1, position 0: nan is not finite"],
        ),
        ([10**400], ValueError, ["is not finite in 64 bits"]),
        ([[[1]]], TypeError, ["nested too deep"]),
        ([[1], 2], TypeError, ["row 1, 2 is not a list (int)"]),
        ([1.5] * 9, ValueError, ["9 numbers, more than 8"]),
        (7, TypeError, ["must be a list of real numbers", "Received: numbers=7"]),
        ("1 x", TypeError, ["position 1: 'x' is not a number"]),
        (np.array([np.inf]), ValueError, ["inf is not finite"]),
        (np.array([1j]), TypeError, ["is not a number (complex)"]),
    ],
)
def test_what_is_refused(small, bad, kind, parts):
    with pytest.raises(kind) as error:
        small.answer(bad)
    assert "Received" in str(error.value)
    for part in parts:
        assert part in str(error.value)


def test_targets_are_the_numbers_in_any_order(small):
    steps, places = small.encode([[0.5, 9, -1], [2, 2]], [[9, 0.5, -1], [2, 2]])
    assert steps.shape == (2, 3, 4)
    assert places.tolist() == [[2, 1, 3], [1, 2, 0]]
    with pytest.raises(ValueError, match="in the order to learn.*targets=.1, 3."):
        small.encode([[1, 2]], [[1, 3]])
    with pytest.raises(ValueError, match="one sorted list for each list"):
        small.encode([[1, 2]], [[1]])


def test_equal_numbers_share_their_probability(small):
    assert small.sort([2.5] * 4, return_confidence=True) == ([2.5] * 4, 1.0)


def test_ranges_by_hand():
    steps = RangeSteps().encode([[10, 30, 10.002], [7, 7]])
    assert steps.shape == (2, 3, 4)
    share = 0.002 / 20
    expected = [share, 1 + np.log10(share) / 9, 1 + np.log10(1 - share) / 9, 1]
    np.testing.assert_allclose(steps[0, 2], expected, rtol=1e-5)
    np.testing.assert_allclose(steps[0, 0], [0, 0, 1, 1], atol=1e-6)
    np.testing.assert_allclose(steps[1], [[0, 0, 1, 1]] * 2 + [[0] * 4], atol=1e-6)
    wide = RangeSteps().encode([[1.7e308, -1.7e308, 0]])
    assert wide[0, :, 0].tolist() == [1, 0, 0.5]


def test_pointer_scores_by_hand():
    layer = PointerScores()
    query, memory = np.array([[[1.0, 2.0]]]), np.array([[[3.0], [5.0], [0.0]]])
    source = np.array([[[1.0, 1.0], [4.0, 1.0], [0.0, 0.0]]])
    layer.build(query.shape, memory.shape, source.shape)
    memory_kernel, source_kernel = [[1.0], [0.5]], [[1.0, 0.0], [0.0, 2.0]]
    weights = (memory_kernel, source_kernel, [np.log(10.0), 0.0])
    layer.set_weights(list(map(np.array, weights)))
    # The query gives 2 to the memory, and 1 and 4 to the features, of which the first
    # counts ten times: 2 * 3 + 10 * 1 + 4 * 1, and 2 * 5 + 10 * 4 + 4 * 1.
    scores = layer(query, memory, source).numpy()
    np.testing.assert_allclose(scores, [[[NEVER, 20, 54, NEVER]]], rtol=1e-6)


def test_loss_and_metrics_of_an_order_by_hand():
    scores = np.array(
        [[[NEVER, 0, np.log(3), 0], [NEVER, 0, 9, 0], [NEVER, 5, 9, 0]]], "float32"
    )
    targets = [[2, 1, 3]]
    # 3 of 5, then 1 of 2, then the last.
    expected = -(np.log(3 / 5) + np.log(1 / 2)) / 3
    assert float(OrderLoss()(targets, scores)) == pytest.approx(expected, rel=1e-5)
    padded = float(OrderLoss()([[2, 1, 0]], scores))
    assert padded == pytest.approx(expected * 3 / 2, rel=1e-5)
    for metric, first, second in (
        (OrderAccuracy(), 1.0, 5 / 6),
        (OrderMatch(), 1, 0.5),
    ):
        metric.update_state(targets, scores)
        assert float(metric.result()) == pytest.approx(first)
        metric.update_state([[2, 3, 1]], scores)
        # The second step prefers the first of two equal ones: wrong, here only there.
        assert float(metric.result()) == pytest.approx(second)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.integers(0, 10**6), st.integers(0, 10**6))
def test_generated_lists_are_finite_and_sorted(longest, seed, index):
    lists, answers = RealSorting(longest).batch(8, seed, index)
    assert answers == [sorted(row) for row in lists]
    assert all(1 <= len(row) <= longest for row in lists)
    assert np.isfinite(np.concatenate(lists)).all()
    assert RealSorting(longest).batch(8, seed, index) == (lists, answers)
