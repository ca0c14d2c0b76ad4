"""Weights of rows, steps and classes: losses that are computed by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo.training.devices import choose_devices

TINY = {"units": 4, "weights": None}
# Two rows of two steps: a weight per row must not become one per step.
WEIGHTS = np.array([2.0, 5.0], "float32")
CASES = {
    "sorter": (
        lambda: rnnzoo.sorter(max_value=9, max_length=4, **TINY),
        [[3, 1], [9, 4]],
        [[1, 3], [4, 9]],
    ),
    "adder": (lambda: rnnzoo.adder(delay=0, **TINY), [(1, 0), (0, 1)], [1, 1]),
    "parity": (lambda: rnnzoo.parity(**TINY), [[0, 1], [1, 1]], [1, 0]),
    "memorizer": (lambda: rnnzoo.memorizer(**TINY), ["1", "2"], ["1", "2"]),
    "language_model": (
        lambda: rnnzoo.language_model(vocabulary="ab", num_layers=1, dropout=0, **TINY),
        ["ab", "bb"],
        None,
    ),
    "translator": (
        lambda: rnnzoo.translator(
            vocabulary=["a", "b"], tokens="whitespace", num_layers=1, **TINY
        ),
        ["a", "b"],
        ["b", "a"],
    ),
    "text_classifier": (
        lambda: rnnzoo.text_classifier(
            classes=["no", "yes"], tokens="bytes", ngrams=0, **TINY
        ),
        ["a", "b"],
        ["yes", "no"],
    ),
    "series_classifier": (
        lambda: rnnzoo.series_classifier(**TINY),
        [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
        ["1", "7"],
    ),
    "pattern_generator": (
        lambda: rnnzoo.pattern_generator(**TINY),
        [[0, 1], [1, 1]],
        [[1], [0]],
    ),
    "many_to_many of values": (
        lambda: rnnzoo.many_to_many(features=1, num_values=3, units=4),
        np.ones((2, 2, 1), "float32"),
        np.arange(12, dtype="float32").reshape(2, 2, 3),
    ),
    "many_to_one of values": (
        lambda: rnnzoo.many_to_one(features=1, num_values=2, units=4),
        np.ones((2, 3, 1), "float32"),
        np.arange(4, dtype="float32").reshape(2, 2),
    ),
}


def loss(model, x, y, weights=None):
    return model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)[
        "loss"
    ]


# The others compile for longer.
QUICK = ("sorter", "parity", "text_classifier", "many_to_many of values")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in CASES],
)
def test_a_weight_per_row_weighs_that_row(name):
    make, x, y = CASES[name]
    model = make()
    rows = [
        loss(model, x[i : i + 1], None if y is None else y[i : i + 1]) for i in (0, 1)
    ]
    plain = loss(model, x, y)
    weighted = loss(model, x, y, WEIGHTS)
    # Rows of equal length: the loss is the mean of the rows', each times its weight.
    assert plain == pytest.approx(np.mean(rows), rel=1e-4)
    assert weighted == pytest.approx(np.mean(WEIGHTS * rows), rel=1e-4)
    for same in (WEIGHTS.tolist(), WEIGHTS[:, None], tf.constant(WEIGHTS)):
        assert loss(model, x, y, same) == pytest.approx(weighted, rel=1e-5)
    fitted = model.fit(
        x,
        y,
        sample_weight=list(WEIGHTS),
        validation_data=(x, y, WEIGHTS[:, None]),
        verbose=0,
    ).history
    if name not in ("translator", "text_classifier", "series_classifier", "memorizer"):
        assert fitted["loss"][0] == pytest.approx(weighted, rel=1e-4)
    assert fitted["val_loss"][0] == pytest.approx(loss(model, x, y, WEIGHTS), rel=1e-4)


def test_a_weight_per_step_weighs_that_step():
    make, x, y = CASES["sorter"]
    model, steps = make(), np.array([[1.0, 0.0], [0.0, 7.0]])
    logits = model.predict(x, verbose=0)
    nats = -np.take_along_axis(
        np.log(np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)),
        np.array(y)[..., None],
        -1,
    )[..., 0]
    assert loss(model, x, y, steps) == pytest.approx((nats * steps).mean(), rel=1e-4)
    assert loss(model, x, y, WEIGHTS) == pytest.approx(
        (nats * WEIGHTS[:, None]).mean(), rel=1e-4
    )
    with pytest.raises(ValueError, match="each step of each row. Received: weights of"):
        loss(model, x, y, np.ones((2, 5)))
    with pytest.raises(ValueError, match="Received: weights of shape"):
        loss(model, x, y, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="sample_weight must be a list or array"):
        loss(model, x, y, ["heavy", "light"])


def test_rows_of_several_lengths_count_by_their_steps():
    model = CASES["sorter"][0]()
    x, y = [[3, 1, 2], [5]], [[1, 2, 3], [5]]
    one, other = loss(model, x[:1], y[:1]), loss(model, x[1:], y[1:])
    expected = (2 * 3 * one + 5 * 1 * other) / 4
    assert loss(model, x, y, WEIGHTS) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_weights_on_several_replicas():
    make, x, y = CASES["sorter"]
    x, y, weights = x * 3, y * 3, np.arange(6.0)
    found = []
    for devices in (choose_devices("cpu"), choose_devices(2)):
        keras.utils.set_random_seed(0)
        with devices.scope():
            model = make()
            model.compile_with_defaults(keras.optimizers.SGD(0.1))
        data = tf.data.Dataset.from_tensor_slices(
            (np.array(x, "int32"), np.array(y, "int32"), weights)
        ).batch(4)
        model.fit(data, verbose=0)
        found.append([loss(model, x, y, weights), *model.evaluate(data, verbose=0)])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)
    assert found[0][0] == pytest.approx(found[0][1], rel=1e-4)


def test_metrics_are_weighted_by_rows():
    model = CASES["sorter"][0]()
    loss_, metrics = model.choose_objective()
    model.compile("sgd", loss_, weighted_metrics=metrics)
    x, y = [[3, 1], [9, 4]], [[1, 3], [4, 9]]
    answers = np.argmax(model.predict(x, verbose=0), -1)
    right = (answers == y).astype(float)
    found = model.evaluate(x, y, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    shares = WEIGHTS / WEIGHTS.sum()
    assert found["accuracy"] == pytest.approx((right.mean(1) * shares).sum())
    assert found["exact_match"] == pytest.approx((right.all(1) * shares).sum())


def classifier():
    return CASES["text_classifier"][0]()


def test_class_weights_by_name_and_by_number():
    model = classifier()
    model.compile(keras.optimizers.SGD(0.0), *model.choose_objective()[:1])
    x, y = ["a", "b", "c", "d"], ["yes", "no", "no", "no"]
    rows = [loss(model, x[i : i + 1], y[i : i + 1]) for i in range(4)]
    expected = np.mean(np.array([100.0, 1, 1, 1]) * rows)

    def fit(**options):
        history = model.fit(x, y, verbose=0, shuffle=False, batch_size=4, **options)
        return history.history["loss"][0]

    for weights in ({"yes": 100, "no": 1}, {1: 100}, {np.int64(1): 100.0, 0: 1}):
        assert fit(class_weight=weights) == pytest.approx(expected, rel=0.5)
        assert fit(class_weight=weights) > 5 * fit()
    both = fit(class_weight={"yes": 100}, sample_weight=[0, 1, 1, 1])
    assert both == pytest.approx(fit(sample_weight=[0, 1, 1, 1]), rel=0.5)
    for wrong in ({"yse": 2}, {2: 1.0}, {-1: 1.0}, {"yes": 1, 0: 2}, {True: 3}):
        with pytest.raises(ValueError, match="the classes are 'no', 'yes'"):
            fit(class_weight=wrong)
    with pytest.raises(ValueError, match="class_weight of 'yes' must be a number"):
        fit(class_weight={"yes": -1})
    with pytest.raises(TypeError, match="must be a dict"):
        fit(class_weight=[1, 2])


def test_class_weights_are_not_those_of_validation():
    model = classifier()
    model.compile(keras.optimizers.SGD(0.0), *model.choose_objective()[:1])
    x, y = ["a", "b", "c", "d"], ["yes", "no", "no", "yes"]
    history = model.fit(x, y, class_weight={"yes": 9}, validation_split=0.5, verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(loss(model, x[2:], y[2:]))


def test_class_weights_of_steps_and_of_bits():
    steps = rnnzoo.many_to_many(features=1, num_classes=3, units=4)
    x, y = np.ones((2, 2, 1), "float32"), np.array([[0, 1], [2, 1]])
    steps.compile(keras.optimizers.SGD(0.0), steps.loss)
    table = np.array([0.0, 0.0, 6.0])
    history = steps.fit(x, y, class_weight={0: 0, 1: 0, 2: 6}, verbose=0).history
    assert history["loss"][0] == pytest.approx(loss(steps, x, y, table[y]), rel=1e-5)
    bits = rnnzoo.parity(**TINY)
    zero = bits.fit([[1, 0]], [1], class_weight={0: 0, 1: 0}, verbose=0).history
    assert zero["loss"] == [0.0]
    values = rnnzoo.many_to_one(features=1, num_values=1, units=4)
    with pytest.raises(ValueError, match="here 0 or 1"):
        values.fit(x, np.array([0.5, 2.0]), class_weight={0: 1}, verbose=0)


def test_shapes_of_weights_may_follow_each_other():
    make, x, y = CASES["sorter"]
    model = make()
    expected = loss(model, x, y, WEIGHTS)
    for weights in (WEIGHTS[:, None], np.tile(WEIGHTS[:, None], 2), WEIGHTS):
        assert loss(model, x, y, weights) == pytest.approx(expected, rel=1e-5)
        assert model.test_on_batch(x, y, weights)[0] == pytest.approx(
            expected, rel=1e-5
        )
