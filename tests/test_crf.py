"""The conditional random field against brute force, and against finite differences."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo.layers.crf import FORBIDDEN, LinearChainCRF


def make_crf(tags, forbidden=(), seed=0, scale=1.0):
    crf = LinearChainCRF(tags, forbidden)
    crf.build((None, None, tags))
    random = np.random.default_rng(seed)
    for weight in crf.weights:
        weight.assign(scale * random.standard_normal(weight.shape))
    return crf


@functools.cache
def compile_crf(tags):
    """A layer, and a graph of all that it computes, n-best sequences among it."""
    crf = make_crf(tags)

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, tags)),
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None, None), tf.bool),
        ]
    )
    def run(emissions, labels, mask):
        likelihood = crf.log_likelihood(emissions, labels, mask)
        best = crf.decode(emissions, mask), crf.decode(emissions, mask, n_best=5)
        return likelihood, crf.marginals(emissions, mask), *best

    return crf, run


def enumerate_paths(crf, emissions):
    """All sequences of tags of one sequence with their scores, the best first."""
    transitions, ends = (np.array(x, "float64") for x in crf.get_scores())
    found = []
    for path in itertools.product(range(crf.num_tags), repeat=len(emissions)):
        score = transitions[-1, path[0]] + ends[path[-1]]
        score += sum(emissions[t, tag] for t, tag in enumerate(path))
        score += sum(transitions[pair] for pair in itertools.pairwise(path))
        found.append((score, path))
    return sorted(found, reverse=True)


@st.composite
def problems(draw):
    tags = draw(st.integers(1, 4))
    pairs = [*itertools.product([None, *range(tags)], [None, *range(tags)])]
    forbidden = draw(st.lists(st.sampled_from(pairs), max_size=4, unique=True))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    scale = draw(st.sampled_from([0.1, 1.0, 10.0, 100.0]))
    return tags, forbidden, lengths, scale, draw(st.integers(0, 2**32 - 1))


@settings(max_examples=20, deadline=None)
@given(problems())
def test_brute_force(problem):
    tags, forbidden, lengths, scale, seed = problem
    random = np.random.default_rng(seed)
    crf, run = compile_crf(tags)
    penalties = LinearChainCRF(tags, forbidden).penalties
    for weight, penalty in zip(
        crf.weights, (penalties[:, :-1], penalties[:-1, -1]), strict=True
    ):
        weight.assign(scale * random.standard_normal(weight.shape) + penalty)
    emissions = scale * random.standard_normal((len(lengths), max(lengths) + 1, tags))
    emissions = emissions.astype("float32")
    mask = np.arange(max(lengths) + 1) < np.array(lengths)[:, None]
    labels = random.integers(0, tags, mask.shape, "int32")
    likelihood, marginals, best, ways = run(emissions, labels, mask)
    likelihood, marginals = likelihood.numpy(), marginals.numpy()
    (best, score), (several, scores) = map(np.array, best), map(np.array, ways)
    for row, length in enumerate(lengths):
        paths = enumerate_paths(crf, emissions[row, :length].astype("float64"))
        values = np.array([value for value, _ in paths])
        shares = np.exp(values - values[0])
        total = values[0] + np.log(shares.sum())
        shares /= shares.sum()
        tolerance = 1e-4 * max(1.0, np.abs(values).max())
        own = next(v for v, p in paths if p == tuple(labels[row, :length]))
        np.testing.assert_allclose(likelihood[row], own - total, atol=tolerance)
        expected = np.zeros((length, tags))
        for share, (_, path) in zip(shares, paths, strict=True):
            expected[np.arange(length), list(path)] += share
        np.testing.assert_allclose(marginals[row, :length], expected, atol=2e-3)
        assert not marginals[row, length:].any()
        # Several may be best, but for rounding.
        found = dict((path, value) for value, path in paths)
        np.testing.assert_allclose(score[row], values[0], atol=tolerance)
        chosen = tuple(best[row, :length].tolist())
        np.testing.assert_allclose(found[chosen], values[0], atol=tolerance)
        assert not best[row, length:].any()
        count = min(5, len(paths))
        np.testing.assert_allclose(scores[row, :count], values[:count], atol=tolerance)
        assert (scores[row, count:] < -1e8).all()
        ways = [tuple(path) for path in several[row, :count, :length].tolist()]
        assert len(set(ways)) == count
        for way, value in zip(ways, values, strict=False):
            np.testing.assert_allclose(found[way], value, atol=tolerance)


def test_gradient_equals_finite_differences():
    tags, lengths = 3, [4, 1, 3]
    crf = make_crf(tags, [(0, 1), (None, 2), (1, None)])
    random = np.random.default_rng(1)
    emissions = tf.Variable(random.standard_normal((3, 5, tags)).astype("float32"))
    mask = np.arange(5) < np.array(lengths)[:, None]
    # Tags that are allowed: the score of others is too large for differences.
    labels = np.array([[0, 0, 2, 2, 0], [0, 1, 1, 1, 1], [1, 1, 2, 0, 0]])
    values = [emissions, *(weight.value for weight in crf.trainable_weights)]

    @tf.function
    def loss():
        return -tf.reduce_sum(crf.log_likelihood(emissions, labels, mask))

    @tf.function
    def differentiate():
        with tf.GradientTape() as tape:
            outcome = loss()
        return tape.gradient(outcome, values)

    gradients = differentiate()
    for value, gradient in zip(values, gradients, strict=True):
        gradient, start = tf.convert_to_tensor(gradient).numpy(), value.numpy()
        for place in np.ndindex(start.shape):
            ends = []
            for sign in (1, -1):
                moved = start.copy()
                moved[place] += sign * 1e-2
                value.assign(moved)
                ends.append(float(loss()))
            value.assign(start)
            difference = (ends[0] - ends[1]) / 2e-2
            assert abs(gradient[place] - difference) < 2e-3, (place, difference)
    assert not gradients[0].numpy()[~mask].any()


def test_forbidden_transitions_are_never_taken():
    forbidden = [(None, 1), (0, 1), (2, None)]
    crf = make_crf(3, forbidden)
    emissions = np.random.default_rng(0).standard_normal((50, 8, 3)) * 20
    paths = np.array(crf.decode(emissions)[0])
    assert not (paths[:, 0] == 1).any() and not (paths[:, -1] == 2).any()
    pairs = set(zip(paths[:, :-1].ravel(), paths[:, 1:].ravel(), strict=True))
    assert (0, 1) not in pairs
    marginals = np.array(crf.marginals(emissions))
    assert marginals[:, 0, 1].max() < 1e-30 and marginals[:, -1, 2].max() < 1e-30
    assert FORBIDDEN < -1000


def test_long_sequences_have_exact_marginals():
    crf = make_crf(5)
    random = np.random.default_rng(0)
    emissions = random.standard_normal((1, 10_000, 5)).astype("float32") + 30
    measure = tf.function(crf.marginals, reduce_retracing=True)
    marginals = np.array(measure(emissions))
    np.testing.assert_allclose(marginals.sum(axis=-1), 1, atol=1e-4)
    # Far from its end, what comes behind a part of a sequence is forgotten.
    part = np.array(measure(emissions[:, :200]))
    np.testing.assert_allclose(marginals[:, :100], part[:, :100], atol=1e-5)


def test_long_sequences_have_their_best_tags():
    crf = make_crf(5)
    emissions = np.random.default_rng(1).standard_normal((1, 3000, 5)) + 30
    tags, score = tf.function(crf.decode)(emissions.astype("float32"))
    transitions, ends = (np.array(x, "float64") for x in crf.get_scores())
    best, pointers = transitions[-1] + emissions[0, 0], []
    for step in emissions[0, 1:]:
        paths = best[:, None] + transitions[:-1]
        pointers.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + step
    path = [int((best + ends).argmax())]
    for pointer in reversed(pointers):
        path.append(int(pointer[path[-1]]))
    assert np.mean(np.array(tags)[0] == path[::-1]) > 0.999  # rounding may tie
    np.testing.assert_allclose(score, (best + ends).max(), rtol=1e-5)


def test_padding_and_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    crf = make_crf(4)
    assert crf.compute_dtype == "float32"
    emissions = np.random.default_rng(0).standard_normal((2, 6, 4)).astype("float32")
    mask = np.array([[1] * 6, [1] * 3 + [0] * 3], bool)
    labels = np.ones((2, 6), "int32")
    whole = np.array(crf.log_likelihood(emissions, labels, mask))
    part = np.array(crf.log_likelihood(emissions[1:, :3], labels[1:, :3]))
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole[1:], part, rtol=1e-6)
    half = tf.cast(emissions, tf.bfloat16)
    outputs = crf.marginals(half, mask)
    assert outputs.dtype == tf.float32


def test_bad_arguments():
    message = r"pairs of tags from 0 to 2, or of None .* Received: \(0, 4\)"
    with pytest.raises(ValueError, match=message):
        LinearChainCRF(3, forbidden=[(0, 4)])
    with pytest.raises(ValueError, match="num_tags must be an integer of at least 1"):
        LinearChainCRF(0)


def test_config_round_trip():
    crf = LinearChainCRF(3, forbidden=[(0, 1), (None, 2)])
    again = LinearChainCRF.from_config(crf.get_config())
    np.testing.assert_array_equal(again.penalties, crf.penalties)
