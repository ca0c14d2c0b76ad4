"""Delay taps and hidden Markov models, against sums by hand and over all paths."""

import itertools

import keras
import numpy as np
import pytest

import rnnzoo
from rnnzoo import autoregressive, feed_forward, hidden_markov, neural_ngram


def softmax(logits):
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def exact(weight):
    return keras.ops.convert_to_numpy(weight).astype("float64")


def probabilities(model):
    """Those of the first state, and of going from one to another."""
    chain = model.chain
    return softmax(exact(chain.first)), softmax(exact(chain.forward.cell.transitions))


def randomize(model):
    random = np.random.default_rng(0)
    model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
    return model


def path_sums(first, transitions, given):
    """Sums over every path of states: likelihood, and the next state's probability."""
    states, total, after = len(first), 0.0, np.zeros(len(first))
    for path in itertools.product(range(states), repeat=len(given)):
        chance = first[path[0]]
        for before, now in itertools.pairwise(path):
            chance *= transitions[before, now]
        chance *= np.prod([given[step][state] for step, state in enumerate(path)])
        total += chance
        after += chance * transitions[path[-1]]
    return total, after / total


def test_autoregressive_is_the_weighted_sum():
    model = autoregressive(taps=3, features=2, num_values=1)
    kernel = np.arange(1.0, 7.0).reshape(3, 2, 1)  # the last row is for this step
    model.set_weights([kernel, np.array([0.5])])
    source = np.array([[[1, 10], [2, 20], [3, 30], [4, 40]]], "float32")
    answers = model.predict(source, verbose=0)[0, :, 0]
    by_hand = [65, 3 + 40 + 130, 1 + 20 + 6 + 80 + 195, 2 + 40 + 9 + 120 + 260]
    np.testing.assert_allclose(answers, np.array(by_hand) + 0.5)


@pytest.mark.parametrize("make", [autoregressive, feed_forward])
def test_nothing_before_the_taps_has_influence(make, tmp_path):
    model = make(taps=4)
    source = np.random.default_rng(0).normal(size=(2, 12, 1)).astype("float32")
    other = source.copy()
    other[:, 5] += 1
    changed = np.array(model(source) != model(other)).any(axis=(0, 2))
    assert changed.tolist() == [5 <= step < 9 for step in range(12)]
    model.save(tmp_path / "model.keras")
    again = rnnzoo.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(source), model(source))


@pytest.mark.parametrize("make", [autoregressive, feed_forward])
def test_taps_that_are_none(make):
    with pytest.raises(ValueError, match="taps must be an integer of at least 1"):
        make(taps=0)


def test_neural_ngram_is_two_layers_over_the_last_vectors(tmp_path):
    model = randomize(neural_ngram(context=2, vocabulary_size=5, units=4))
    vectors, kernel, bias, head, head_bias = map(exact, model.weights)
    ids = [3, 1, 4]
    seen = np.concatenate([np.zeros((1, 16)), vectors[ids]])  # nothing before
    hidden = np.tanh(seen[:-1] @ kernel[0] + seen[1:] @ kernel[1] + bias)
    logits = model.predict(np.array([[*ids, 0]]), verbose=0)[0, :3]
    np.testing.assert_allclose(logits, hidden @ head + head_bias, rtol=1e-4)
    model.save(tmp_path / "model.keras")
    again = rnnzoo.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(np.array([ids])), model(np.array([ids])))
    with pytest.raises(ValueError, match="context must be an integer of at least 1"):
        neural_ngram(context=0, vocabulary_size=5)


def test_forward_algorithm_sums_over_all_paths_of_tokens():
    model = randomize(hidden_markov(states=3, vocabulary_size=5))
    first, transitions = probabilities(model)
    symbols = softmax(exact(model.chain.symbols))
    ids = [2, 4, 1, 1]
    total, after = path_sums(first, transitions, [symbols[:, i - 1] for i in ids])
    padded = np.array([ids + [0, 0], [3, 1, 2, 4, 4, 2]])
    likelihood = model.log_likelihood(padded)
    np.testing.assert_allclose(likelihood[0], np.log(total), rtol=1e-5)
    beliefs = model.predict(padded, verbose=0)
    np.testing.assert_allclose(np.exp(beliefs[0, 3]), after, rtol=1e-5)
    expected = model.expect(padded)[0, 3]
    np.testing.assert_allclose(expected, [0, *(after @ symbols)], rtol=1e-5)


def test_forward_algorithm_sums_over_all_paths_of_real_values():
    model = randomize(hidden_markov(states=3, features=2))
    first, transitions = probabilities(model)
    means = exact(model.chain.means)
    scales = np.exp(exact(model.chain.scales)) + 0.05
    values = np.random.default_rng(1).normal(size=(1, 5, 2))
    given = [
        np.prod(
            np.exp(-(((v - means) / scales) ** 2) / 2) / scales / np.sqrt(2 * np.pi),
            axis=1,
        )
        for v in values[0]
    ]
    total, after = path_sums(first, transitions, given)
    np.testing.assert_allclose(model.log_likelihood(values), [np.log(total)], rtol=1e-4)
    np.testing.assert_allclose(model.expect(values)[0, -1], after @ means, rtol=1e-3)


def test_the_loss_is_the_likelihood_of_the_next_values():
    model = randomize(hidden_markov(states=3, vocabulary_size=5))
    ids = np.array([[2, 4, 1, 1, 3]])
    whole = model.log_likelihood(ids)[0]
    first = model.log_likelihood(ids[:, :1])[0]
    loss = model.evaluate(ids[:, :-1], ids[:, 1:], verbose=0)
    np.testing.assert_allclose(loss, (first - whole) / 4, rtol=1e-5)
    weights = np.array([[0.0, 0, 0, 1]])
    last = model.evaluate(ids[:, :-1], ids[:, 1:], sample_weight=weights, verbose=0)
    before = model.log_likelihood(ids[:, :-1])[0]
    np.testing.assert_allclose(last, (before - whole) / 4, rtol=1e-5)


def test_training_finds_a_cycle_and_is_saved(tmp_path):
    model = hidden_markov(states=3, vocabulary_size=4)
    model.compile_with_defaults(keras.optimizers.Adam(0.3))
    ids = np.tile([1, 2, 3], (8, 5))
    model.fit(ids[:, :-1], ids[:, 1:], epochs=40, batch_size=8, verbose=0)
    assert model.expect(ids)[0, -1].argmax() == 1
    assert model.evaluate(ids[:, :-1], ids[:, 1:], verbose=0) < 0.2
    model.save(tmp_path / "model.keras")
    again = rnnzoo.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.expect(ids), model.expect(ids))
    assert again.optimizer.iterations == 40


def test_four_states_remember_two_bits_and_no_third():
    """States that are never left: one for each value of the first two bits."""
    rows = np.array(list(itertools.product([-1.0, 1.0], repeat=3)), "float32")
    model = hidden_markov(states=4, features=3)
    means = np.concatenate([rows[::2, :2], np.zeros((4, 1))], axis=1)
    values = {"first": np.zeros(4), "means": means, "scales": np.full((4, 3), -1.0)}
    values["transitions"] = 40 * np.eye(4)
    model.set_weights([values[weight.name] for weight in model.weights])
    shown = np.pad(rows[:, None], [(0, 0), (0, 9), (0, 0)])  # nothing comes after
    told = model.expect(shown)[:, -1]
    np.testing.assert_allclose(told, rows * [1, 1, 0], atol=1e-4)


def test_hidden_markov_needs_one_kind_of_input():
    with pytest.raises(ValueError, match="exactly one of vocabulary_size and features"):
        hidden_markov(states=3)
    with pytest.raises(ValueError, match="states must be an integer of at least 1"):
        hidden_markov(states=0, features=1)
