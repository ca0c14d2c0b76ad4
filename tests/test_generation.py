"""Choosing tokens: against counts, brute force, and in pieces."""

import dataclasses
import inspect
import itertools
import typing

import numpy as np
import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo import language_model
from rnnzoo.decoding import (
    DecodingKeywords,
    DecodingOptions,
    Writer,
    make_keys,
)
from rnnzoo.decoding.sampling import NO_TEXT
from rnnzoo.decoding.stops import truncate_texts

SIZE = 6
# What a token adds to a text, in which stops are found.
PIECES = list(map(str, range(SIZE)))
RANDOM = np.random.default_rng(0)
# Log-probabilities of what follows two tokens: the state is the one before.
TABLE = RANDOM.normal(size=(SIZE, SIZE, SIZE)).astype("float32") * 1.5


def step(ids, before):
    return tf.gather_nd(TABLE, tf.stack([before, ids], 1)), ids


def writer(**options):
    options = {"pieces": PIECES, **options}
    return Writer(step, tf.TensorSpec((None,), tf.int32), SIZE, **options)


def start(writer, tokens, seed=0):
    keys = make_keys([str(token) for token in tokens], seed)
    return writer.initial_state(tokens, np.zeros(len(tokens), "int32"), keys)


def options(stops=(), **changes):
    return DecodingOptions(**changes).to_tensors(stops)


def sample(writer, state, count, stops=(), **changes):
    tokens, state = writer.sample(state, options(stops, **changes), count)
    return tokens.numpy(), state


def search(writer, state, count, width, length_penalty=1.0, stops=(), **changes):
    found = writer.search(
        state, options(stops, **changes), count, width, length_penalty
    )
    return [part.numpy() for part in found]


def probabilities(logits):
    shares = np.exp(logits - logits.max())
    shares[0] = 0  # padding is never written
    return shares / shares.sum()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, lambda p: p),
        ({"temperature": 0.5}, lambda p: p**2),
        ({"top_k": 2}, lambda p: p * (p >= np.sort(p)[-2])),
        ({"top_p": 0.0}, lambda p: p * (p == p.max())),
        ({"temperature": 0.0}, lambda p: p * (p == p.max())),
        ({"top_k": 100}, lambda p: p),
    ],
)
def test_tokens_are_drawn_with_their_probabilities(changes, expected):
    write, count = writer(), 20_000
    state = write.initial_state(
        np.full(count, 3),
        np.full(count, 2, "int32"),
        make_keys(["x"] * count, seed=1),
    )
    tokens, _ = sample(write, state, 1, **changes)
    shares = expected(probabilities(TABLE[2, 3].astype("float64")))
    found = np.bincount(tokens[:, 0], minlength=SIZE) / count
    np.testing.assert_allclose(found, shares / shares.sum(), atol=0.015)


def test_top_p_keeps_the_fewest_that_make_the_share():
    write, count = writer(), 3000
    state = write.initial_state(
        np.full(count, 3),
        np.full(count, 2, "int32"),
        make_keys(["x"] * count, seed=1),
    )
    shares = probabilities(TABLE[2, 3])
    order = np.argsort(-shares)
    for number in range(1, SIZE):
        share = shares[order[:number]].sum() - 1e-4
        tokens, _ = sample(write, state, 1, top_p=float(share))
        assert set(tokens[:, 0]) == set(order[:number])


def test_a_batch_and_pieces_write_what_each_text_does_at_once():
    write, chosen = writer(), {"temperature": 1.3}
    together, _ = sample(write, start(write, [1, 2, 3, 1]), 40, **chosen)
    assert len({tuple(row) for row in together}) == 4
    for row, token in zip(together, [1, 2, 3], strict=False):
        alone, _ = sample(write, start(write, [token]), 40, **chosen)
        np.testing.assert_array_equal(alone[0], row)
    parts, state = [], start(write, [1, 2, 3, 1])
    for size in (1, 7, 0, 32):
        tokens, state = sample(write, state, size, **chosen)
        parts.append(tokens)
    np.testing.assert_array_equal(np.concatenate(parts, 1), together)


def test_greedy_is_a_beam_of_one_and_the_best_one_of_one():
    write = writer()
    state = start(write, [1, 2, 3, 4, 5])
    greedy, _ = sample(write, state, 12, temperature=0.0)
    beam, _ = search(write, state, 12, 1)
    one, _ = sample(write, state, 12, top_k=1)
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
    tokens, scores = search(write, start(write, [3, 5]), length, 5**4)
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
    tokens, scores = search(write, start(write, [3]), length, 5**4, penalty)
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
    assert (scores[0] > NO_TEXT).sum() == len(texts)


def test_texts_end_with_their_stop_and_only_there():
    write = writer()
    state = start(write, [1, 2, 3, 4])
    free, _ = sample(write, state, 60)
    stops = ["".join(map(str, free[0, 5:8])), "55"]
    tokens, _ = sample(write, state, 60, stops)
    for row, whole in zip(tokens, free, strict=True):
        text = "".join(map(str, whole))
        ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
        written = row[row > 0]
        assert written.tolist() == whole[: min(ends, default=60)].tolist()


def test_repetition_is_penalised():
    def flat(ids, state):
        return tf.tile([[9.0, 2.0, 1.9, 1.8, -1.0, -1.1]], [tf.size(ids), 1]), state

    write = Writer(flat, tf.TensorSpec((None,), tf.int32), SIZE)
    state = write.initial_state([1], np.zeros(1, "int32"), [0])
    tokens, _ = sample(write, state, 6, temperature=0.0, repetition_penalty=1.25)
    # Each once; then 2 / 1.25 is more than 1.9 / 1.25.
    assert tokens.tolist() == [[1, 2, 3, 1, 1, 1]]
    seen = np.zeros((1, SIZE), bool)
    seen[0, 1] = True
    state = write.initial_state([1], np.zeros(1, "int32"), [0], seen)
    tokens, _ = sample(write, state, 1, temperature=0.0, repetition_penalty=2.0)
    assert tokens.tolist() == [[2]]


def test_no_size_or_setting_traces_again():
    traced = []

    def counted(ids, state):
        traced.append(1)
        return step(ids, state)

    write = Writer(counted, tf.TensorSpec((None,), tf.int32), SIZE, pieces=PIECES)
    sample(write, start(write, [1]), 3)
    search(write, start(write, [1]), 3, 2)
    before = len(traced)
    for tokens, count in (([1, 2], 5), ([3] * 17, 1), ([2], 100)):
        changes = {"temperature": 0.5, "top_k": 3, "repetition_penalty": 1.2}
        sample(write, start(write, tokens), count, ["12"], top_p=0.9, **changes)
        search(write, start(write, tokens), count, count, stops=["1"] * count)
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
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        DecodingOptions(**options)


def test_options_are_written_once_more_for_type_checkers():
    fields = {field.name: field.type for field in dataclasses.fields(DecodingOptions)}
    assert typing.get_type_hints(DecodingKeywords) == fields
    for name in fields:
        assert f"    {name}: " in inspect.getdoc(DecodingOptions)


def test_options_of_a_wrong_type_or_name():
    with pytest.raises(TypeError, match="temperature must be a number of at least 0"):
        DecodingOptions(temperature=None)
    with pytest.raises(TypeError, match="Did you mean 'temperature'.*temperatur=1"):
        DecodingOptions().replace(temperatur=1)
    assert DecodingOptions(max_length=None).replace(seed=3).seed == 3


@pytest.mark.parametrize(
    ("name", "dtype", "good", "bad"),
    [
        ("temperature", tf.float32, [0.0, 2.0], [-0.1, np.inf, np.nan]),
        ("top_p", tf.float32, [0.0, 1.0], [1.1, -0.1]),
        ("top_k", tf.int32, [0, 2**31 - 1], [-1]),
        ("seed", tf.int64, [-(2**63), 2**63 - 1], []),
    ],
)
def test_a_graph_has_the_same_ranges(name, dtype, good, bad):
    @tf.function(input_signature=[tf.TensorSpec((), dtype)])
    def graph(value):
        return getattr(DecodingOptions(**{name: value}), name)

    for value in good:
        assert graph(tf.constant(value, dtype)).numpy() == value
        DecodingOptions(**{name: value})
    for value in bad:
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must be"):
            graph(tf.constant(value, dtype))
        with pytest.raises(ValueError, match=f"{name} must be"):
            DecodingOptions(**{name: value})


def test_texts_are_cut_before_the_stop_that_ends_first():
    texts = ["", "no", "xxabyy", "abcd", "é ab", "bcabc"]
    for stops, cut in (
        ([], texts),
        (["ab"], ["", "no", "xx", "", "é ", "bc"]),
        (["xxabyy", "ab"], ["", "no", "xx", "", "é ", "bc"]),
        (["bc", "abc", "é"], ["", "no", "xxabyy", "", "", ""]),
    ):
        assert truncate_texts(texts, tf.constant(stops, tf.string)) == cut


def test_nothing_is_infinite():
    tf.debugging.enable_check_numerics()
    try:
        write = writer(forbidden=[1], end=5)
        state = start(write, [1, 2])
        changes = {"top_k": 3, "top_p": 0.5, "repetition_penalty": 1.5}
        sample(write, state, 3, ["2"], temperature=1e-9, **changes)
        search(write, state, 3, 30, stops=["2"])
    finally:
        tf.debugging.disable_check_numerics()


def test_keys_are_the_same_in_a_graph():
    prompts = ["a", "b", "a", "", "a", "\N{GRINNING FACE}", ""]
    graph = tf.function(make_keys)
    for seed in (0, -1, 2**63 - 1):
        expected = make_keys(prompts, seed).numpy()
        assert len(set(expected.tolist())) == len(prompts)
        keys = graph(tf.constant(prompts), tf.constant(seed, tf.int64))
        np.testing.assert_array_equal(keys, expected)
    np.testing.assert_array_equal(
        make_keys(["ROMEO:"], seed=1), np.array([7537952830115136968], "uint64")
    )


def test_a_top_k_of_all_tokens_cuts_nothing_off():
    model = language_model(weights=None, vocabulary="abcd\n", units=8, num_layers=1)
    expected = model.generate("ab", max_length=40, seed=3)
    for top_k in (5, 6, 7, 8, 2**31 - 1):
        assert model.generate("ab", max_length=40, seed=3, top_k=top_k) == expected
    assert model.generate("ab", max_length=40, seed=3, top_k=1) != expected


@pytest.mark.parametrize("value", [2**31, 2**32 + 1, 2**63 - 1, 10**30])
def test_integers_that_no_graph_holds_are_refused(value):
    model = language_model(weights=None, vocabulary="ab\n", units=4, num_layers=1)
    pattern = rnnzoo.pattern_generator(weights=None)
    translate = rnnzoo.translator(weights=None, units=4, num_layers=1).translate
    calls = {
        "top_k": lambda: model.generate("a", top_k=value),
        "max_length": lambda: model.generate("a", max_length=value),
        "beam_width": lambda: translate("a", beam_width=value),
        "n_best": lambda: translate("a", n_best=value),
        "units": lambda: rnnzoo.sorter(weights=None, units=value),
    }
    for name, call in calls.items():
        with pytest.raises(ValueError, match=f"{name} must be an integer.* 2147483647"):
            call()
    with pytest.raises(ValueError, match="max_length must be an integer.* 2147483647"):
        pattern.generate("01", max_length=value)
