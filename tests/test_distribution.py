"""The training step: the same on one replica and on several."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnzoo import many_to_many, many_to_one, many_to_one_to_many
from rnnzoo.training.devices import choose_devices

ROWS, TIME = 22, 6  # three batches of 8, 8 and 6: some replicas get less, or nothing
TOKENS = {"vocabulary_size": 9, "units": 4, "embedding_dim": 3}
VALUES = {"features": 2, "units": 4}


def data(masked):
    random = np.random.default_rng(0)
    lengths = random.integers(1, TIME + 1, ROWS) if masked else np.full(ROWS, TIME)
    real = np.arange(TIME) < lengths[:, None]
    ids = np.where(real, random.integers(1, 9, (ROWS, TIME)), 0)
    values = np.where(real[..., None], random.normal(size=(ROWS, TIME, 2)), 0)
    return random, ids.astype("int32"), values.astype("float32")


def case(architecture, masked):
    """Returns a function that makes the model, and its inputs and targets."""
    random, ids, values = data(masked)
    padding = 0.0 if masked else None
    classes = random.integers(0, 3, ROWS)
    reals = random.normal(size=(ROWS, TIME, 3)).astype("float32")
    written = {"source": ids, "target": ids}
    return {
        "many_to_one of tokens": (
            lambda: many_to_one(**TOKENS, num_classes=3, bidirectional=True),
            ids,
            classes,
        ),
        "many_to_one of values": (
            lambda: many_to_one(**VALUES, num_values=3, padding_value=padding),
            values,
            reals[:, 0],
        ),
        "many_to_many of tokens": (
            lambda: many_to_many(**TOKENS, num_classes=9, cell="lstm"),
            ids,
            ids,
        ),
        "many_to_many of values": (
            lambda: many_to_many(**VALUES, num_values=3, padding_value=padding),
            values,
            reals,
        ),
        "many_to_one_to_many": (
            lambda: many_to_one_to_many(**TOKENS, target_vocabulary_size=9),
            ids,
            ids[:, ::-1] if not masked else ids,
        ),
        "many_to_one_to_many, autoregressive with attention": (
            lambda: many_to_one_to_many(
                **TOKENS,
                target_vocabulary_size=9,
                decoder="autoregressive",
                attention="additive",
            ),
            written,
            ids,
        ),
    }[architecture]


ARCHITECTURES = [
    "many_to_one of tokens",
    "many_to_one of values",
    "many_to_many of tokens",
    "many_to_many of values",
    "many_to_one_to_many",
    "many_to_one_to_many, autoregressive with attention",
]


def trained(devices, make, x, y, optimizer, sample_weight=None):
    keras.utils.set_random_seed(0)
    with devices.scope():
        model = make()
        model.compile_with_defaults(optimizer())
    parts = (x, y) if sample_weight is None else (x, y, sample_weight)
    batches = tf.data.Dataset.from_tensor_slices(parts).batch(8)
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False).history
    return history, model.evaluate(batches, verbose=0), model.get_weights()


def assert_same(one, other):
    for key in one[0]:
        np.testing.assert_allclose(other[0][key], one[0][key], rtol=1e-4, err_msg=key)
    np.testing.assert_allclose(other[1], one[1], rtol=1e-4, atol=1e-6)
    for a, b in zip(one[2], other[2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.slow  # the contract has the same for models of the zoo
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_replicas_compute_the_gradient_of_one_device(architecture, masked):
    def optimizer():  # clips nearly every step
        return keras.optimizers.SGD(0.5, momentum=0.9, global_clipnorm=0.1)

    make, x, y = case(architecture, masked)
    one = trained(choose_devices(1), make, x, y, optimizer)
    for count in (2, 4):
        assert_same(one, trained(choose_devices(count), make, x, y, optimizer))


@pytest.mark.slow
def test_sample_weights_and_averages_on_replicas():
    def optimizer():
        return keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9)

    make, x, y = case("many_to_one of tokens", masked=True)
    weights = np.linspace(0, 2, ROWS).astype("float32")
    one = trained(choose_devices("cpu"), make, x, y, optimizer, weights)
    assert_same(one, trained(choose_devices(2), make, x, y, optimizer, weights))


def test_one_device_trains_as_keras_does():
    """Batches of equal numbers of targets: Keras' mean of means is the same."""
    make, x, y = case("many_to_many of tokens", masked=False)

    def losses(base):
        keras.utils.set_random_seed(0)
        model = make()
        model.compile_with_defaults(keras.optimizers.Adam(0.01, global_clipnorm=0.1))
        if base is not None:
            model = keras.Model(model.inputs, model.outputs)
            model.compile(
                keras.optimizers.Adam(0.01, global_clipnorm=0.1),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            )
        fit = {"batch_size": 11, "epochs": 3, "verbose": 0, "shuffle": False}
        return model.fit(x, y, **fit).history["loss"]

    np.testing.assert_allclose(losses(keras.Model), losses(None), rtol=1e-5)


def test_the_loss_is_the_mean_over_real_targets():
    make, x, y = case("many_to_one_to_many", masked=True)
    model = make()
    logits = model.predict(x, verbose=0)
    shifted = logits - logits.max(-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    nats = -np.take_along_axis(log_probabilities, y[..., None], -1)[..., 0]
    expected = nats[y != 0].mean()
    for batch_size in (3, 22):
        loss = model.evaluate(x, y, batch_size=batch_size, verbose=0)[0]
        assert loss == pytest.approx(expected, rel=1e-5)


def test_the_gradient_norm_is_that_before_clipping():
    model = many_to_one(**VALUES, num_values=1)
    x = np.ones((2, 3, 2), "float32")
    y = np.full((2, 1), 5, "float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
    expected = tf.linalg.global_norm(tape.gradient(loss, model.trainable_weights))
    for optimizer in (
        keras.optimizers.SGD(0.0),
        keras.optimizers.SGD(0.0, clipnorm=1e-3),
    ):
        model.compile_with_defaults(optimizer)
        logs = model.train_on_batch(x, y, return_dict=True)
        assert logs["gradient_norm"] == pytest.approx(float(expected), rel=1e-5)
        assert logs["tokens"] == 6


def test_replicas_drop_other_features():
    with choose_devices(4).scope():
        model = many_to_many(features=64, num_values=1, units=2, dropout=0.5)
    generator = model.get_layer("head_dropout").seed_generator

    def draw():
        return keras.random.dropout(tf.ones((1, 64)), 0.5, seed=generator)

    run = tf.function(lambda: model.distribute_strategy.run(draw))
    masks = [value.numpy() for value in run().values]
    masks += [value.numpy() for value in run().values]
    assert len({mask.tobytes() for mask in masks}) == 8


def test_tokens_are_counted_without_padding():
    model = many_to_one(**TOKENS, num_classes=2)
    x, y = np.array([[1, 2, 0], [3, 0, 0]]), np.array([0, 1])
    assert model.train_on_batch(x, y, return_dict=True)["tokens"] == 3
