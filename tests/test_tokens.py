"""Numbers to tokens and back, for any list and any bad list."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo.tokens import Numbers, number_rows, parse_numbers

ranges = st.tuples(st.integers(-50, 50), st.integers(0, 60)).map(
    lambda r: (r[0], r[0] + r[1])
)


@st.composite
def tokens_and_rows(draw):
    low, high = draw(ranges)
    row = st.lists(st.integers(low, high), max_size=8)
    return Numbers(low, high), draw(st.lists(row, min_size=1, max_size=6))


@settings(deadline=None, max_examples=60)
@given(tokens_and_rows())
def test_encode_and_decode_are_inverse(case):
    tokens, rows = case
    ids = tokens.encode(rows)
    assert ids.dtype == np.int32
    assert ids.shape == (len(rows), max(map(len, rows)))
    for row, encoded in zip(rows, ids, strict=True):
        assert tokens.decode(encoded[: len(row)]).tolist() == row
        assert np.all(encoded[: len(row)] > 0) and np.all(encoded[len(row) :] == 0)
    assert ids.max(initial=0) < tokens.vocabulary_size


@settings(deadline=None, max_examples=30)
@given(tokens_and_rows(), st.sampled_from([" ", ",", ", ", "  "]))
def test_the_graph_reads_numbers_and_text_alike(case, separator):
    tokens, rows = case
    expected = tokens.encode(rows)
    ragged = tf.ragged.constant(rows, ragged_rank=1, dtype=tf.int64)
    np.testing.assert_array_equal(tokens(ragged), expected)
    text = tf.constant([separator.join(map(str, row)) for row in rows])
    np.testing.assert_array_equal(tokens(text), expected)


@given(st.lists(st.integers()), st.sampled_from([" ", ",", "; ", "\n"]))
def test_parse_numbers(numbers, separator):
    assert parse_numbers(separator.join(map(str, numbers))) == numbers
    assert parse_numbers(str(numbers)) == numbers


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 9), max_size=5), min_size=1))
def test_every_kind_comes_back_as_it_was(rows):
    def round_trip(numbers):
        split, restore = number_rows(numbers)
        return restore([np.asarray(row, "int64") for row in split])

    assert round_trip(rows) == rows
    assert round_trip(tuple(map(tuple, rows))) == tuple(map(tuple, rows))
    assert round_trip(rows[0]) == rows[0]
    one = np.array(rows[0], "int16")
    assert round_trip(one).dtype == np.int16
    np.testing.assert_array_equal(round_trip(one), one)
    ragged = tf.ragged.constant(rows, ragged_rank=1, dtype=tf.int32)
    again = round_trip(ragged)
    assert again.dtype == tf.int32 and again.to_list() == rows
    square = np.ones((3, 4), "uint8")
    np.testing.assert_array_equal(round_trip(square), square)
    assert round_trip(tf.constant(square)).dtype == tf.uint8


BAD = [
    (0, ValueError, "row 1, position 2: 0 is less than 1"),
    (33, ValueError, "row 1, position 2: 33 is more than 32"),
    (10**30, ValueError, f"row 1, position 2: {10**30} is more than 32"),
    (3.5, TypeError, "row 1, position 2: 3.5 is not an integer (float)"),
    (3.0, TypeError, "row 1, position 2: 3.0 is not an integer (float)"),
    ("a", TypeError, "row 1, position 2: 'a' is not an integer (str)"),
    (None, TypeError, "row 1, position 2: None is not an integer (None)"),
    (True, TypeError, "row 1, position 2: True is not an integer (bool)"),
    (np.int64(0), ValueError, "row 1, position 2: 0 is less than 1"),
    ([3], TypeError, "row 1, position 2: [3] is nested too deep"),
    (float("nan"), TypeError, "row 1, position 2: nan is not an integer (float)"),
]


@pytest.mark.parametrize(("value", "kind", "line"), BAD)
def test_bad_values_are_named(value, kind, line):
    with pytest.raises(kind) as error:
        Numbers(1, 32).encode([[1], [4, 5, value]], max_length=32)
    message = str(error.value)
    assert message.splitlines()[-1].strip() == line
    assert message.startswith(
        "numbers must be integers from 1 to 32, at most 32 in a row. Correct or remove "
        "1 of 2 rows"
    )


def test_every_bad_row_is_named():
    rows = [[0], [1], [2] * 33, 7, [5, "x", 40]]
    with pytest.raises(TypeError) as error:
        Numbers(1, 32).encode(rows, max_length=32)
    assert str(error.value).splitlines()[1:] == [
        "  row 0, position 0: 0 is less than 1",
        "  row 2, 33 numbers, more than 32",
        "  row 3, 7 is not a list (int)",
        "  row 4, position 1: 'x' is not an integer (str); "
        "position 2: 40 is more than 32",
    ]


@pytest.mark.parametrize(
    "numbers",
    [None, 5, "31 4", {1, 2}, {"a": 1}, 3.5, np.array(3), iter([1])],
)
def test_what_is_no_list_is_refused(numbers):
    with pytest.raises(TypeError, match="must be a list of integers or a list of such"):
        number_rows(numbers)


def test_the_graph_stops_at_numbers_out_of_range():
    for bad in ([[0]], [[33]]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="from 1 to 32"):
            Numbers(1, 32)(tf.constant(bad))
    with pytest.raises(tf.errors.InvalidArgumentError):
        Numbers(1, 32)(tf.constant(["3 x"]))


def test_a_range_without_numbers_is_refused():
    with pytest.raises(ValueError, match="maximum must be an integer of at least 5"):
        Numbers(5, 4)
