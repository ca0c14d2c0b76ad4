"""Attention and pooling against numbers worked out by hand, and their masks."""

import numpy as np
import pytest

from rnnzoo.layers.attention import SequenceAttention, SequencePooling

MEMORY = np.array([[[1.0, 0.0], [0.0, 2.0], [5.0, 5.0]]], "float32")


def arrays(*lists):
    return [np.array(values) for values in lists]


def test_multiplicative_attention_by_hand():
    attention = SequenceAttention(units=1, score="multiplicative")
    query = np.array([[[np.log(3.0), 0.0]]], "float32")
    attention(query, MEMORY)
    attention.set_weights([np.eye(2)])
    # Scores log 3 and 0, the third step is padding: weights 3/4 and 1/4,
    # context 3/4 (1, 0) + 1/4 (0, 2).
    mask = np.array([[True, True, False]])
    context, weights = attention(query, MEMORY, memory_mask=mask)
    np.testing.assert_allclose(weights, [[[0.75, 0.25, 0.0]]], atol=1e-6)
    np.testing.assert_allclose(context, [[[0.75, 0.5]]], atol=1e-6)


def test_additive_attention_by_hand():
    attention = SequenceAttention(units=1, score="additive")
    query = np.array([[[1.0]]], "float32")
    attention(query, MEMORY)
    attention.set_weights(arrays([[0.5]], [[0.5], [0.0]], [[2.0]]))
    # Scores 2 tanh(0.5 + 0.5) = 1.523188 and 2 tanh(0.5) = 0.924234:
    # weights 1 / (1 + exp(-0.598954)) = 0.645417 and 0.354583.
    mask = np.array([[True, True, False]])
    context, weights = attention(query, MEMORY, memory_mask=mask)
    np.testing.assert_allclose(weights, [[[0.645417, 0.354583, 0.0]]], atol=1e-5)
    np.testing.assert_allclose(context, [[[0.645417, 0.709166]]], atol=1e-5)


@pytest.mark.parametrize("score", ["additive", "multiplicative"])
def test_attention_to_nothing_is_zero(score):
    attention = SequenceAttention(units=3, score=score)
    query = np.ones((1, 2, 4), "float32")
    context, weights = attention(query, MEMORY, memory_mask=np.zeros((1, 3), bool))
    assert np.all(np.array(weights) == 0) and np.all(np.array(context) == 0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("mean", [0.5, 1.0]), ("max", [1.0, 2.0])],
)
def test_pooling_by_hand(kind, expected):
    mask = np.array([[True, True, False]])
    pooled = SequencePooling(kind)(MEMORY, mask=mask)
    np.testing.assert_allclose(pooled, [expected], atol=1e-6)


def test_attention_pooling_by_hand():
    pooling = SequencePooling("attention")
    mask = np.array([[True, True, False]])
    pooling(MEMORY)
    # Scores log 3 and 0.
    pooling.set_weights(arrays([[np.log(3.0)], [0.0]], [0.0]))
    pooled = pooling(MEMORY, mask=mask)
    np.testing.assert_allclose(pooled, [[0.75, 0.5]], atol=1e-6)


@pytest.mark.parametrize("kind", ["mean", "max", "attention"])
def test_pooling_without_real_steps_is_zero(kind):
    pooled = SequencePooling(kind)(MEMORY, mask=np.zeros((1, 3), bool))
    assert np.all(np.array(pooled) == 0)


@pytest.mark.parametrize("kind", ["mean", "max", "attention"])
def test_pooling_ignores_padding(kind):
    pooling = SequencePooling(kind)
    alone = pooling(MEMORY[:, :2])
    mask = np.array([[True, True, False]])
    np.testing.assert_allclose(pooling(MEMORY, mask=mask), alone, atol=1e-6)
