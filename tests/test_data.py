"""Generated examples and the batches made of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo import sorter
from rnnzoo.data.pipeline import batches
from rnnzoo.data.synthetic import Sorting, structured_lists, uniform_lists


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**40), st.integers(0, 99)
)
def test_sorting_examples_are_right_for_any_size(top, longest, seed, index):
    examples = Sorting(top, longest)
    lists, answers = examples.batch(20, seed, index)
    assert [sorted(row) for row in lists] == answers
    assert all(1 <= len(row) <= longest for row in lists)
    assert all(1 <= value <= top for row in lists for value in row)
    assert examples.batch(20, seed, index) == (lists, answers)
    if top * longest > 60:
        assert examples.batch(20, seed, index + 1)[0] != lists
        assert examples.batch(20, seed + 1, index)[0] != lists


def test_sorting_examples_have_the_kinds_they_promise():
    lists = Sorting().batch(20_000, seed=0, index=0)[0]
    share_full = np.mean([len(row) == 32 for row in lists])
    assert 0.58 < share_full < 0.63
    full = [row for row in lists if len(row) == 32]
    two = np.mean([len(set(row)) == 2 for row in full])
    distinct = np.mean([len(set(row)) == 32 for row in full])
    increasing = np.mean([row == sorted(row) for row in full if len(set(row)) > 9])
    assert 0.43 < two < 0.53
    assert 0.03 < distinct < 0.05
    assert 0.04 < increasing < 0.07
    assert {len(row) for row in lists} == set(range(1, 33))


def test_curriculum_grows():
    examples = Sorting(growing_batches=100)
    longest = [max(map(len, examples.batch(50, 0, i)[0])) for i in (0, 50, 100)]
    assert longest == [4, 18, 32]


def test_structured_lists_are_complete():
    lists = structured_lists(max_value=32, length=32)
    assert len(lists["all_equal"]) == 32
    assert len(lists["two_values"]) == 32 * 31 // 2 * 31
    assert len({tuple(sorted(row)) for row in lists["two_values"]}) == 32 * 31 // 2 * 31
    assert len(lists["one_different"]) == 32 * 31 * 3
    assert len({tuple(row) for row in lists["rotations"]}) == 32
    assert all(sorted(row) == list(range(1, 33)) for row in lists["rotations"])
    assert all(row == sorted(row) for row in lists["sorted"])
    assert all(row == sorted(row, reverse=True) for row in lists["reversed"])
    assert all(len(row) == 32 for kind in lists.values() for row in kind)


def test_uniform_lists():
    lists = np.array(uniform_lists(5000, max_value=4, length=3, seed=0))
    assert lists.shape == (5000, 3)
    shares = np.bincount(lists.ravel(), minlength=5)[1:] / lists.size
    np.testing.assert_allclose(shares, 0.25, atol=0.02)


def test_batches_begin_anywhere():
    model = sorter(weights=None, max_value=9, max_length=6, units=4)
    examples = Sorting(9, 6)

    def numbers(**options):
        data = batches(examples, model.encode, batch_size=4, seed=3, **options)
        return [(x.numpy().tolist(), y.numpy().tolist()) for x, y in data]

    whole = numbers(count=6)
    assert len(whole) == 6 and whole[0] != whole[1]
    assert numbers(first=2, count=4) == whole[2:]
    inputs, targets = examples.batch(4, 3, 5)
    x, y = model.encode(inputs, targets)
    assert whole[5] == (x.tolist(), y.tolist())
    spec = batches(examples, model.encode, batch_size=4, seed=3).element_spec
    assert spec[0].shape.as_list() == [4, None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_value": 0}, "max_value must be an integer of at least 1. Received: "),
        ({"full_length": 1.5}, "full_length must be a number of at least 0 and below"),
        ({"growing_batches": -1}, "growing_batches must be an integer of at least 0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Sorting(**arguments)
