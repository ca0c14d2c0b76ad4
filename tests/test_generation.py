"""Choosing tokens: against counts, brute force, and in pieces."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rnnzoo import decoding
from rnnzoo.decoding import Writer, settings

SIZE = 6
RANDOM = np.random.default_rng(0)
# Log-probabilities of what follows two tokens: the state is the one before.
TABLE = RANDOM.normal(size=(SIZE, SIZE, SIZE)).astype("float32") * 1.5


def step(ids, before):
    return tf.gather_nd(TABLE, tf.stack([before, ids], 1)), ids


def writer(**options):
    return Writer(step, tf.TensorSpec((None,), tf.int32), SIZE, **options)


def begin(writer, tokens, seed=0):
    keys = decoding.keys([str(token) for token in tokens], seed)
    return writer.begin(tokens, np.zeros(len(tokens), "int32"), keys)


def probabilities(logits):
    shares = np.exp(logits - logits.max())
    shares[0] = 0  # padding is never written
    return shares / shares.sum()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, lambda p: p),
        ({"temperature": 0.5}, lambda p: p**2),
        ({"top_k": 2}, lambda p: p * (p >= np.sort(p)[-2])),
        ({"top_p": 0.0}, lambda p: p * (p == p.max())),
        ({"temperature": 0.0}, lambda p: p * (p == p.max())),
        ({"top_k": 100}, lambda p: p),
    ],
)
def test_tokens_are_drawn_with_their_probabilities(options, expected):
    write, count = writer(), 20_000
    begun = write.begin(
        np.full(count, 3),
        np.full(count, 2, "int32"),
        decoding.keys(["x"] * count, seed=1),
    )
    tokens, _ = write.write(begun, 1, settings(**options))
    shares = expected(probabilities(TABLE[2, 3].astype("float64")))
    found = np.bincount(tokens[:, 0], minlength=SIZE) / count
    np.testing.assert_allclose(found, shares / shares.sum(), atol=0.015)


def test_top_p_keeps_the_fewest_that_make_the_share():
    write, count = writer(), 3000
    begun = write.begin(
        np.full(count, 3),
        np.full(count, 2, "int32"),
        decoding.keys(["x"] * count, seed=1),
    )
    shares = probabilities(TABLE[2, 3])
    order = np.argsort(-shares)
    for number in range(1, SIZE):
        share = shares[order[:number]].sum() - 1e-4
        tokens, _ = write.write(begun, 1, settings(top_p=float(share)))
        assert set(tokens[:, 0]) == set(order[:number])


def test_a_batch_and_pieces_write_what_each_text_does_at_once():
    write, chosen = writer(), settings(temperature=1.3)
    together, _ = write.write(begin(write, [1, 2, 3, 1]), 40, chosen)
    assert len({tuple(row) for row in together}) == 4
    for row, token in zip(together, [1, 2, 3], strict=False):
        alone, _ = write.write(begin(write, [token]), 40, chosen)
        np.testing.assert_array_equal(alone[0], row)
    parts, begun = [], begin(write, [1, 2, 3, 1])
    for size in (1, 7, 0, 32):
        tokens, begun = write.write(begun, size, chosen)
        parts.append(tokens)
    np.testing.assert_array_equal(np.concatenate(parts, 1), together)


def test_greedy_is_a_beam_of_one_and_the_best_one_of_one():
    write = writer()
    begun = begin(write, [1, 2, 3, 4, 5])
    greedy, _ = write.write(begun, 12, settings(temperature=0.0))
    beam, _ = write.search(begun, 12, settings(), 1)
    one, _ = write.write(begun, 12, settings(top_k=1))
    np.testing.assert_array_equal(beam[:, 0], greedy)
    np.testing.assert_array_equal(one, greedy)


def log_probability(tokens, first, logits=TABLE):
    total, before, last = 0.0, 0, first
    for token in tokens:
        total += np.log(probabilities(logits[before, last].astype("float64"))[token])
        before, last = last, token
    return total


def test_a_wide_beam_finds_the_likeliest_texts():
    write, length = writer(), 4
    tokens, scores = write.search(begin(write, [3, 5]), length, settings(), 5**4)
    for row, first in enumerate([3, 5]):
        texts = itertools.product(range(1, SIZE), repeat=length)
        ranking = sorted(texts, key=lambda t: -log_probability(t, first))[:20]
        assert [tuple(text) for text in tokens[row][:20]] == ranking
        best = log_probability(ranking[0], first) / length
        assert scores[row][0] == pytest.approx(best, rel=1e-5)
        assert np.all(np.diff(scores[row]) <= 0)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0])
def test_a_beam_with_an_end_ranks_texts_of_any_length(penalty):
    write, length = writer(end=1), 4
    tokens, scores = write.search(begin(write, [3]), length, settings(), 5**4, penalty)
    texts = {
        text[: text.index(1) + 1] if 1 in text else text
        for text in itertools.product(range(1, SIZE), repeat=length)
    }
    score = {t: log_probability(t, 3) / len(t) ** penalty for t in texts}
    ranking = sorted(texts, key=lambda text: -score[text])
    # All texts fit into the beam, so that nothing is lost on the way.
    found = [tuple(int(token) for token in text if token) for text in tokens[0]]
    assert found[:10] == ranking[:10]
    np.testing.assert_allclose(
        scores[0][:10], [score[text] for text in ranking[:10]], rtol=1e-4
    )
    assert np.isfinite(scores[0]).sum() == len(texts)


def test_texts_end_with_their_stop_and_only_there():
    write = writer()
    begun = begin(write, [1, 2, 3, 4])
    free, _ = write.write(begun, 60, settings())
    stops = [free[0, 5:8].tolist(), [5, 5]]
    tokens, _ = write.write(begun, 60, settings(stop=stops))
    for row, whole in zip(tokens, free, strict=True):
        text = "".join(map(str, whole))
        ends = [text.find("".join(map(str, stop))) + len(stop) for stop in stops]
        ends = [end for end, s in zip(ends, stops, strict=True) if end >= len(s)]
        written = row[row > 0]
        assert written.tolist() == whole[: min(ends, default=60)].tolist()
    with pytest.raises(ValueError, match="at most 64 symbols. Received: one of 65"):
        settings(stop=[[1] * 65])


def test_repetition_is_penalised():
    def flat(ids, state):
        return tf.tile([[9.0, 2.0, 1.9, 1.8, -1.0, -1.1]], [tf.size(ids), 1]), state

    write = Writer(flat, tf.TensorSpec((None,), tf.int32), SIZE)
    begun = write.begin([1], np.zeros(1, "int32"), [0])
    tokens, _ = write.write(
        begun, 6, settings(temperature=0.0, repetition_penalty=1.25)
    )
    # Each once; then 2 / 1.25 is more than 1.9 / 1.25.
    assert tokens.tolist() == [[1, 2, 3, 1, 1, 1]]
    seen = np.zeros((1, SIZE), bool)
    seen[0, 1] = True
    begun = write.begin([1], np.zeros(1, "int32"), [0], seen)
    tokens, _ = write.write(begun, 1, settings(temperature=0.0, repetition_penalty=2.0))
    assert tokens.tolist() == [[2]]


def test_no_size_or_setting_traces_again():
    traced = []

    def counted(ids, state):
        traced.append(1)
        return step(ids, state)

    write = Writer(counted, tf.TensorSpec((None,), tf.int32), SIZE)
    write.write(begin(write, [1]), 3, settings())
    write.search(begin(write, [1]), 3, settings(), 2)
    before = len(traced)
    for tokens, count in (([1, 2], 5), ([3] * 17, 1), ([2], 100)):
        write.write(begin(write, tokens), count, settings(0.5, 3, 0.9, 1.2, [[1, 2]]))
        write.search(begin(write, tokens), count, settings(stop=[[1]] * count), count)
    assert len(traced) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1}, "temperature must be a number of at least 0"),
        ({"top_p": 1.5}, "top_p must be a number of at least 0"),
        ({"top_k": -1}, "top_k must be an integer of at least 0"),
        ({"max_length": -1}, "max_length must be an integer of at least 0"),
        ({"repetition_penalty": 0}, "repetition_penalty must be a number"),
        ({"n_best": 3, "beam_width": 2}, "Received: n_best=3, beam_width=2"),
    ],
)
def test_bad_settings(options, message):
    good = {"max_length": 1, "temperature": 1, "top_k": 0, "top_p": 1}
    with pytest.raises(ValueError, match=message):
        decoding.check_settings(**{**good, "repetition_penalty": 1, **options})


def test_keys_are_the_same_in_a_graph():
    prompts = ["a", "b", "a", "", "a", "\N{GRINNING FACE}", ""]
    graph = tf.function(decoding.keys_in_graph)
    for seed in (0, -1, 2**63 - 1):
        expected = decoding.keys(prompts, seed)
        assert len(set(expected.tolist())) == len(prompts)
        keys = graph(tf.constant(prompts), tf.constant(seed, tf.int64))
        np.testing.assert_array_equal(keys, expected)
    np.testing.assert_array_equal(
        decoding.keys(["ROMEO:"], seed=1), np.array([7537952830115136968], "uint64")
    )
