"""N-grams: which count, where they are found, and what naive Bayes makes of them."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo.layers.ngrams import BranchDropout, NgramBag

IDS = np.array([[5, 6, 7, 0], [5, 6, 8, 9], [6, 5, 0, 0]])
LABELS = np.array([1, 0, 1])


def scores(bag, ids, **options):
    """Returns the sums over time, as NumPy."""
    return keras.ops.convert_to_numpy(bag(np.array(ids), **options)).sum(axis=1)


def adapted(units=1, max_n=2, rows=100, min_count=1, ids=IDS, labels=LABELS):
    bag = NgramBag(units, max_n=max_n, rows=rows)
    bag.adapt([(ids, labels)], min_count)
    return bag


def test_naive_bayes_by_hand():
    # Of single tokens alone: 5, 6 and 7 are in class 1; 5, 6, 8 and 9 in class 0.
    bag = adapted(max_n=1)
    # In how many texts of a class each token is, and one more.
    ones = {5: 3, 6: 3, 7: 2, 8: 1, 9: 1}
    zeros = {5: 2, 6: 2, 7: 1, 8: 2, 9: 2}
    ratios = {t: np.log(ones[t] / 10) - np.log(zeros[t] / 9) for t in ones}
    for token, ratio in ratios.items():
        assert scores(bag, [[token]])[0, 0] == pytest.approx(0.3 * ratio, abs=1e-5)
    expected = 0.3 * (ratios[5] + ratios[7]) / np.sqrt(2)
    assert scores(bag, [[5, 7, 0]])[0, 0] == pytest.approx(expected, abs=1e-5)


def test_n_grams_that_were_not_seen_count_for_nothing():
    bag = adapted(max_n=1)
    assert scores(bag, [[4, 3]])[0, 0] == 0
    once, more = scores(bag, [[7], [7]]), scores(bag, [[7, 4, 4, 4]])
    np.testing.assert_allclose(more, once[:1] / 2, rtol=1e-5)


def test_an_n_gram_counts_once():
    bag = adapted(max_n=1)
    once, thrice = scores(bag, [[7]]), scores(bag, [[7, 7, 7]])
    np.testing.assert_allclose(thrice * np.sqrt(3), once, rtol=1e-5)


def test_order_matters_to_longer_n_grams():
    bag = adapted(max_n=2)
    assert scores(bag, [[5, 6]])[0, 0] < scores(bag, [[6, 5]])[0, 0]


def test_rows_go_to_the_most_frequent():
    bag = NgramBag(1, max_n=1, rows=2)
    ids, labels = np.array([[5, 6, 7], [5, 8, 0], [6, 9, 0]]), np.array([1, 1, 0])
    assert bag.adapt([(ids, labels)], 1) == 2
    found = [token for token in range(1, 12) if scores(bag, [[token]])[0, 0]]
    assert found == [5, 6]
    assert NgramBag(1, max_n=3, rows=100).adapt([(IDS, LABELS)], 2) == 3


def test_each_class_has_its_evidence():
    ids, labels = np.array([[5], [6], [7]]), np.array([0, 1, 2])
    bag = adapted(units=2, max_n=1, ids=ids, labels=labels)
    five, six, seven = scores(bag, ids)
    assert (five < 0).all()  # speaks for class 0, whose score is 0
    assert six[0] > 0 == pytest.approx(six[1])
    assert seven[1] > 0 == pytest.approx(seven[0])


def test_batches_are_as_good_as_one():
    bags = [NgramBag(1, max_n=3, rows=50) for _ in range(2)]
    bags[0].adapt([(IDS, LABELS)])
    bags[1].adapt((IDS[row : row + 1], LABELS[row : row + 1]) for row in range(3))
    for one, other in zip(*[bag.get_weights() for bag in bags], strict=True):
        np.testing.assert_array_equal(one, other)


def test_classes_are_checked():
    with pytest.raises(ValueError) as error:
        adapted(labels=np.array([0, 1, 2]))
    assert str(error.value) == (
        "Classes must be in 0..1, as the layer has units=1. Received: 0..2"
    )


texts = st.lists(st.integers(1, 5), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(st.lists(texts, min_size=1, max_size=6), texts)
def test_score_is_what_python_finds(corpus, text):
    def ngrams(ids):
        return {tuple(ids[i : i + n]) for n in (1, 2) for i in range(len(ids) - n + 1)}

    length = max(map(len, [*corpus, text]))
    padded = np.array([row + [0] * (length - len(row)) for row in [*corpus, text]])
    labels = np.arange(len(corpus)) % 2
    bag = adapted(rows=64, ids=padded[:-1], labels=labels)
    counts = {g: np.ones(2) for row in corpus for g in ngrams(row)}
    for row, label in zip(corpus, labels, strict=True):
        for gram in ngrams(row):
            counts[gram][label] += 1
    total = np.sum(list(counts.values()), axis=0)
    known = [counts[gram] / total for gram in ngrams(text) & counts.keys()]
    expected = 0.3 * sum(np.log(p[1] / p[0]) for p in known) / np.sqrt(len(text))
    assert scores(bag, padded[-1:])[0, 0] == pytest.approx(expected, abs=1e-4)


def test_without_adapting_all_share_the_table():
    bag = NgramBag(1, max_n=2, rows=7)
    bag(IDS)
    bag.table.assign(np.arange(1.0, 8.0)[:, None])
    found = scores(bag, np.arange(1, 200)[:, None])
    assert set(np.unique(found.round())) == {10, 20, 30, 40, 50, 60, 70}


def test_shares_are_the_tokens_own():
    bag = adapted(max_n=2)
    shares = keras.ops.convert_to_numpy(bag(np.array([[5, 6, 0]])))[0, :, 0]
    five, six = (scores(bag, [[token]])[0, 0] / np.sqrt(2) for token in (5, 6))
    both = shares.sum() - five - six
    np.testing.assert_allclose(shares, [five + both / 2, six + both / 2, 0], atol=1e-6)


def test_padding_and_neighbours_change_nothing():
    bag = adapted(max_n=3)
    alone = scores(bag, [[5, 6, 7]])[0]
    wide = np.zeros((3, 9), int)
    wide[0, :3], wide[1] = [5, 6, 7], [6, 5, 8, 9, 5, 6, 7, 7, 7]
    np.testing.assert_allclose(scores(bag, wide)[0], alone, atol=1e-6)
    assert scores(bag, wide)[2] == 0


def test_dropout_drops_whole_n_grams_in_training_alone():
    keras.utils.set_random_seed(0)
    bag = NgramBag(1, max_n=1, rows=100, dropout=0.5)
    bag.adapt([(IDS, LABELS)], 1)
    whole = scores(bag, [[7]])[0, 0]
    trained = {
        round(scores(bag, [[7]], training=True)[0, 0] / whole) for _ in range(20)
    }
    assert trained == {0, 2}


def test_paths_are_drawn_per_example():
    keras.utils.set_random_seed(0)
    first, second = np.zeros((2000, 1)), np.ones((2000, 1))
    paths = BranchDropout(0.3)
    assert np.unique(paths([first, second])) == 0.5
    assert np.unique(BranchDropout(0.3, weight=0.75)([first, second])) == 0.75
    drawn = keras.ops.convert_to_numpy(paths([first, second], training=True))
    assert set(np.unique(drawn)) == {0, 1}
    assert drawn.mean() == pytest.approx(0.3, abs=0.04)
