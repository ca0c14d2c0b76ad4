"""Generated and labelled examples, and the batches made of them."""

import concurrent.futures
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo import sorter
from rnnzoo.data.fingerprints import (
    fingerprint_examples,
    fingerprint_path,
    list_changes,
)
from rnnzoo.data.pipeline import (
    Pairs,
    Shuffled,
    Subset,
    batches,
    evaluation_batches,
    padding_line,
    padding_share,
    split,
)
from rnnzoo.data.synthetic import Sorting, structured_lists, uniform_lists


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Takes the place of every test's: nothing here is random, and it is slow."""


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
    examples = Sorting(curriculum_steps=100)
    longest = [max(map(len, examples.batch(50, 0, i)[0])) for i in (0, 50, 100)]
    assert longest == [4, 18, 32]


def test_structured_lists_are_complete():
    lists = structured_lists(max_value=32, length=32)
    assert len(lists["all_equal"]) == 32
    assert len(lists["two_values"]) == 32 * 31 // 2 * 31
    assert len({tuple(sorted(row)) for row in lists["two_values"]}) == 32 * 31 // 2 * 31
    assert len(lists["one_different"]) == 32 * 31 * 32
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
    examples = Sorting(9, 6, full_length=0)

    def numbers(**options):
        data = batches(examples, model.encode, batch_size=4, seed=3, **options)
        return [(x.numpy().tolist(), y.numpy().tolist()) for x, y in data]

    whole = numbers(count=40)
    assert len(whole) == 40 and whole[0] != whole[1]
    assert len({len(x[0]) for x, _ in whole}) > 1
    assert numbers(first=2, count=38) == whole[2:]
    for index, batch in enumerate(whole):
        x, y = model.encode(*examples.batch(4, 3, index))
        assert batch == (x.tolist(), y.tolist())
    spec = batches(examples, model.encode, batch_size=4, seed=3).element_spec
    assert spec[0].shape.as_list() == [4, None]
    with pytest.raises(ValueError, match="length=1 and a sequence of . steps"):
        batches(examples, model.encode, batch_size=4, seed=3, length=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_value": 0}, "max_value must be an integer of at least 1. Received: "),
        (
            {"full_length": 1.5},
            "full_length must be a number of at least 0 and at most 1",
        ),
        ({"curriculum_steps": -1}, "curriculum_steps must be an integer of at least 0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Sorting(**arguments)


# Labelled examples

LENGTHS = np.random.default_rng(7).integers(1, 30, 103)
INPUTS = ["x" * length for length in LENGTHS]
PAIRS = Pairs(INPUTS, list(range(103)))


def as_ids(inputs, targets):
    """Encodes a text as as many ones as it has characters."""
    lengths = np.array([len(text) for text in inputs])
    real = np.arange(lengths.max()) < lengths[:, None]
    return real.astype("int32"), np.array(targets, "int32")


def epoch(examples, size, seed, number=0):
    """Returns the targets of each batch of an epoch."""
    count = examples.batches_per_epoch(size)
    first = number * count
    return [examples.batch(size, seed, first + index)[1] for index in range(count)]


@pytest.mark.parametrize("number", [0, 1, 5])
@pytest.mark.parametrize(("size", "pool"), [(10, 50), (10, 1), (7, 4), (103, 2)])
def test_an_epoch_has_every_example_once_but_for_the_remainder(size, pool, number):
    drawn = epoch(Shuffled(PAIRS, pool), size, seed=3, number=number)
    assert [len(batch) for batch in drawn] == [size] * (103 // size)
    flat = list(itertools.chain(*drawn))
    assert len(set(flat)) == len(flat) and set(flat) <= set(range(103))


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(0, 2**40),
    st.integers(0, 9),
)
def test_epochs_of_any_size(count, size, pool, seed, number):
    examples = Shuffled(Pairs(INPUTS[:count], range(count)), pool)
    flat = list(itertools.chain(*epoch(examples, size, seed, number)))
    assert len(flat) == max(1, count // size) * size
    if size <= count:
        assert len(set(flat)) == len(flat) > count - size


def test_inputs_keep_their_targets():
    examples = Shuffled(PAIRS)
    for index in range(30):
        inputs, targets = examples.batch(10, 0, index)
        assert inputs == [INPUTS[target] for target in targets]


def test_a_batch_does_not_depend_on_what_was_drawn_before():
    keys = [
        (size, seed, index) for size in (4, 9) for seed in (0, 1) for index in range(60)
    ]
    # The first batch of a fresh source each time.
    expected = {key: Shuffled(PAIRS, 3).batch(*key)[1] for key in keys}
    order = np.random.default_rng(0).permutation(len(keys))
    keys = [keys[index] for index in order] * 3
    examples = Shuffled(PAIRS, 3)
    for key in keys:
        assert examples.batch(*key)[1] == expected[key]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        shared = Shuffled(PAIRS, 3)
        for key, (_, targets) in zip(
            keys, threads.map(lambda key: shared.batch(*key), keys), strict=True
        ):
            assert targets == expected[key]


def test_other_epochs_and_seeds_have_other_batches():
    examples = Shuffled(PAIRS)

    def sets(**options):
        return {frozenset(batch) for batch in epoch(examples, 10, **options)}

    first = sets(seed=0)
    assert first == sets(seed=0)
    # The same texts beside one another would be the same batches in another order.
    assert len(first & sets(seed=0, number=1)) <= 2
    assert len(first & sets(seed=1)) <= 2
    left_out = [
        set(range(103)) - set(itertools.chain(*epoch(examples, 10, 0, number)))
        for number in range(4)
    ]
    assert len({frozenset(rest) for rest in left_out}) > 1


def test_batches_of_similar_length_come_in_any_order():
    longest = [
        max(LENGTHS[batch]) for batch in epoch(Shuffled(PAIRS), 10, seed=0, number=1)
    ]
    assert longest != sorted(longest) and longest != sorted(longest)[::-1]


def test_buckets_leave_less_padding():
    share, plain = (
        padding_share(Shuffled(PAIRS, pool), as_ids, size=10, seed=0)
        for pool in (50, 1)
    )
    assert 0 < share < 0.2 < 0.3 < plain
    line = padding_line(Shuffled(PAIRS), as_ids, size=10, seed=0)
    assert line == (
        f"Padding: {share:.1%} of the steps in batches of similar length; "
        f"{plain:.1%} in batches of any"
    )


def test_padding_share_by_hand():
    class Three:
        def batch(self, size, seed, index):
            assert (size, seed) == (3, 5) and index < 20
            texts = ["aaaa", "a", "aa"] if index % 2 else ["a", "a", "a"]
            return texts, [0, 0, 0]

    # Ten batches of 12 steps, 5 of them padding, and ten of 3 steps without any.
    assert padding_share(Three(), as_ids, 3, 5) == 50 / 150
    assert padding_line(Three(), as_ids, 3, 5) == "Padding: 33.3% of the steps"


def test_fewer_examples_than_a_batch():
    examples = Shuffled(Pairs(["a", "bb", "ccc"], [0, 1, 2]))
    assert examples.batches_per_epoch(8) == 1
    for index in range(5):
        targets = examples.batch(8, 0, index)[1]
        # Each example twice or three times: nothing is left out.
        assert len(targets) == 8
        assert set(np.bincount(targets, minlength=3)) == {2, 3}


def test_pairs():
    assert len(PAIRS) == 103 and PAIRS.lengths.tolist() == LENGTHS.tolist()
    assert PAIRS.rows([5, 0, 5]) == ([INPUTS[5], INPUTS[0], INPUTS[5]], [5, 0, 5])
    assert PAIRS.rows([]) == ([], [])
    assert Pairs(("a",), np.array([3])).rows(np.array([0])) == (["a"], [3])


@pytest.mark.parametrize(
    ("inputs", "targets"), [([], []), (["a"], []), (["a"], ["x", "y"])]
)
def test_pairs_need_a_target_each(inputs, targets):
    with pytest.raises(ValueError) as error:
        Pairs(inputs, targets)
    assert str(error.value) == (
        "There must be one target for each input, and at least one of them. Received: "
        f"{len(inputs)} inputs and {len(targets)} targets"
    )


def test_subsets_of_subsets():
    part = Subset(PAIRS, [10, 20, 30, 40])
    assert len(part) == 4
    assert part.lengths.tolist() == LENGTHS[[10, 20, 30, 40]].tolist()
    assert part.rows([3, 0]) == ([INPUTS[40], INPUTS[10]], [40, 10])
    assert part.rows([]) == ([], [])
    assert Subset(part, np.array([2, 1])).rows(range(2))[1] == [30, 20]


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 103), st.data())
def test_split_is_disjoint_and_complete(count, data):
    source = Pairs(INPUTS[:count], range(count))
    size = data.draw(st.integers(1, count - 1))
    seed = data.draw(st.integers(0, 2**32))
    rest, part = split(source, size, seed)
    assert (len(rest), len(part)) == (count - size, size)
    numbers = rest.rows(range(len(rest)))[1] + part.rows(range(len(part)))[1]
    assert sorted(numbers) == list(range(count))
    again = split(source, size, seed)[1]
    assert again.rows(range(size)) == part.rows(range(size))


def test_split_is_random():
    parts = [split(PAIRS, 10, seed)[1].rows(range(10))[1] for seed in (0, 1)]
    assert parts[0] != parts[1]
    # Neither the beginning nor the end, as texts are often sorted by label.
    assert min(parts[0]) < 50 < max(parts[0])


@pytest.mark.parametrize("count", [0, -1, 103, 104])
def test_split_leaves_something_for_both_parts(count):
    with pytest.raises(ValueError) as error:
        split(PAIRS, count)
    assert str(error.value) == (
        f"A part must have from 1 to 102 of the 103 examples. Received: count={count}"
    )


def test_evaluation_batches_cover_every_example_once():
    data = evaluation_batches(INPUTS, range(103), as_ids, batch_size=25)
    assert int(data.cardinality()) == 5
    for _ in range(2):  # a validation is repeated every epoch
        seen = list(data.as_numpy_iterator())
        assert [len(ids) for ids, _ in seen] == [25, 25, 25, 25, 3]
        widths = [ids.shape[1] for ids, _ in seen]
        assert widths == sorted(widths)
        targets = np.concatenate([targets for _, targets in seen])
        assert sorted(targets) == list(range(103))
        for ids, targets in seen:
            assert ids.sum(axis=1).tolist() == LENGTHS[targets].tolist()
            assert ids.shape[1] == LENGTHS[targets].max()
    ids, targets = data.element_spec
    assert ids.shape.as_list() == [None, None] and ids.dtype == "int32"
    assert targets.shape.as_list() == [None]


def test_evaluation_batches_of_one_shape():
    data = evaluation_batches(INPUTS, range(103), as_ids, batch_size=40, length=32)
    assert data.element_spec[0].shape.as_list() == [None, 32]
    seen = list(data.as_numpy_iterator())
    assert [ids.shape for ids, _ in seen] == [(40, 32), (40, 32), (23, 32)]
    for ids, targets in seen:
        expected = np.arange(32) < LENGTHS[targets][:, None]
        np.testing.assert_array_equal(ids, expected)


def test_batches_of_a_finite_source():
    data = batches(Shuffled(PAIRS), as_ids, batch_size=10, seed=0, count=12, length=32)
    assert data.element_spec[0].shape.as_list() == [10, 32]
    drawn = [targets.tolist() for _, targets in data.as_numpy_iterator()]
    assert drawn == [Shuffled(PAIRS).batch(10, 0, index)[1] for index in range(12)]


def test_the_fingerprint_of_a_folder_is_of_names_and_content(tmp_path):
    (tmp_path / "happy").mkdir()
    (tmp_path / "happy" / "1.txt").write_text("a quiet triumph")
    (tmp_path / "happy" / "2.txt").write_text("dull")
    first = fingerprint_path(tmp_path)
    assert first["files"] == 2 and first["bytes"] == 19
    (tmp_path / "happy" / ".hidden").write_text("of a file manager")
    assert fingerprint_path(tmp_path)["hash"] == first["hash"]
    (tmp_path / "happy").rename(tmp_path / "calm")
    assert list_changes([first], [fingerprint_path(tmp_path)])


@pytest.mark.parametrize(
    "other",
    [
        Pairs(["a", "b"], ["x", "z"]),
        Pairs(["ab", ""], ["x", "y"]),
        Pairs(["b", "a"], ["x", "y"]),
        Pairs(["a", "b", "c"], ["x", "y", "y"]),
        Subset(Pairs(["a", "b"], ["x", "y"]), [1, 0]),
    ],
)
def test_fingerprints_of_examples_in_memory_are_of_all_of_them(other):
    pairs = Pairs(["a", "b"], ["x", "y"])
    one, same, another = map(fingerprint_examples, (pairs, pairs, other))
    assert list_changes([one], [same]) == [] and list_changes([one], [another])
    assert fingerprint_examples(Shuffled(pairs)) == one
