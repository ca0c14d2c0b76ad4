"""The three architectures as any user calls them."""

import itertools

import keras
import numpy as np
import pytest

from rnnzoo import load, many_to_many, many_to_one, many_to_one_to_many
from rnnzoo.decoding import decode_greedily

RANDOM = np.random.default_rng(0)
IDS = np.array([[5, 17, 3, 9], [8, 2, 0, 0], [1, 1, 1, 0]], "int32")
VALUES = RANDOM.normal(size=(3, 4, 2)).astype("float32")

ENCODINGS = [{"vocabulary_size": 20}, {"features": 2, "padding_value": -9.0}]
BODIES = [
    {},
    {"cell": "lstm", "num_layers": 2, "bidirectional": True, "residual": True},
    {"cell": "simple", "initial_state": "learned", "dropout": 0.3},
    {"cell": "gru", "chrono_steps": 8},
]


def inputs_of(encoding):
    if "vocabulary_size" in encoding:
        return IDS
    values = VALUES.copy()
    values[1, 2:] = values[2, 3:] = -9.0
    return values


def padded(inputs):
    filling = np.zeros_like(inputs[:, :3]) - (9.0 if inputs.ndim == 3 else 0)
    return np.concatenate([inputs, filling.astype(inputs.dtype)], 1)


def combinations(*axes):
    """All combinations of values; those outside of a Latin square are slow tests."""
    places = itertools.product(*map(range, map(len, axes)))
    return [
        pytest.param(
            *(axis[place] for axis, place in zip(axes, where, strict=True)),
            marks=[] if sum(where) % max(map(len, axes)) == 0 else pytest.mark.slow,
        )
        for where in places
    ]


@pytest.mark.parametrize(
    ("body", "encoding", "pooling"),
    combinations(BODIES, ENCODINGS, ["last", "mean", "max", "attention"]),
)
def test_many_to_one(encoding, body, pooling):
    model = many_to_one(**encoding, **body, num_classes=3, units=8, pooling=pooling)
    inputs = inputs_of(encoding)
    logits = np.array(model(inputs))
    assert logits.shape == (3, 3)
    np.testing.assert_allclose(model(padded(inputs)), logits, atol=1e-5)
    for row in range(3):  # neighbours in the batch change nothing
        alone = model(inputs[row : row + 1])
        np.testing.assert_allclose(alone, logits[row : row + 1], atol=1e-5)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_many_to_many(encoding, body):
    model = many_to_many(**encoding, **body, num_classes=3, units=8)
    inputs = inputs_of(encoding)
    logits = np.array(model(inputs))
    assert logits.shape == (3, 4, 3)
    np.testing.assert_allclose(model(padded(inputs))[:, :4], logits, atol=1e-5)


def test_many_to_many_leaves_padding_out_of_the_loss():
    model = many_to_many(vocabulary_size=20, num_classes=3, units=8)
    targets = np.array([[0, 1, 2, 0], [1, 2, 0, 0], [2, 0, 1, 0]])
    other = targets.copy()
    other[1, 2:], other[2, 3:] = 2, 1
    loss = model.evaluate(IDS, targets, verbose=0)[0]
    assert loss == pytest.approx(model.evaluate(IDS, other, verbose=0)[0])
    longer = np.pad(IDS, ((0, 0), (0, 5))), np.pad(targets, ((0, 0), (0, 5)))
    assert loss == pytest.approx(model.evaluate(*longer, verbose=0)[0], rel=1e-5)


@pytest.mark.parametrize(
    ("decoder", "attention", "body"),
    combinations(
        ("summary", "autoregressive"),
        (None, "additive", "multiplicative"),
        (
            {},
            {"bidirectional": True, "num_layers": 2, "cell": "lstm"},
            {"initial_state": "learned", "cell": "simple"},
        ),
    ),
)
def test_many_to_one_to_many(decoder, attention, body):
    model = many_to_one_to_many(
        vocabulary_size=20,
        target_vocabulary_size=7,
        decoder=decoder,
        attention=attention,
        units=8,
        **body,
    )
    target = np.array([[1, 4, 2], [1, 5, 0], [1, 3, 6]], "int32")

    def outputs(source, target):
        if decoder == "summary":
            return np.array(model(source))
        return np.array(model({"source": source, "target": target}))

    logits = outputs(IDS, target)
    assert logits.shape == (3, 4 if decoder == "summary" else 3, 7)
    more = outputs(padded(IDS), np.pad(target, ((0, 0), (0, 2))))
    np.testing.assert_allclose(more[:, : logits.shape[1]], logits, atol=1e-5)
    alone = outputs(IDS[1:2], target[1:2])
    np.testing.assert_allclose(alone, logits[1:2], atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "attention"),
    combinations(("simple", "gru", "lstm"), (None, "additive", "multiplicative")),
)
def test_writing_step_by_step_equals_writing_at_once(cell, attention):
    model = many_to_one_to_many(
        vocabulary_size=20,
        target_vocabulary_size=7,
        decoder="autoregressive",
        attention=attention,
        units=8,
        num_layers=2,
        cell=cell,
    )
    target = np.array([[1, 4, 2, 5], [1, 5, 3, 3], [1, 3, 6, 2]], "int32")
    whole = np.array(model({"source": IDS, "target": target}))
    memory, mask, state = model.run_encoder(IDS)
    for step in range(4):
        embedded = model.target_reader(target[:, step : step + 1])
        outputs, state, _ = model.run_decoder(embedded, state, memory, mask)
        np.testing.assert_allclose(outputs[:, 0], whole[:, step], atol=1e-5)


def test_autoregressive_decoder_learns_to_reverse():
    model = many_to_one_to_many(
        vocabulary_size=6,
        target_vocabulary_size=7,
        decoder="autoregressive",
        attention="additive",
        units=32,
        embedding_dim=16,
    )
    model.compile(keras.optimizers.Adam(1e-2), model.loss)
    start, end = 5, 6
    source = np.array(list(itertools.product((1, 2, 3), repeat=3)), "int32")
    target = np.concatenate([source[:, ::-1], np.full((27, 1), end, "int32")], 1)
    delayed = np.concatenate([np.full((27, 1), start, "int32"), target[:, :-1]], 1)
    inputs = {"source": source, "target": delayed}
    model.fit(inputs, target, epochs=60, batch_size=27, verbose=0)
    written = decode_greedily(model, source, start=start, end=end, max_length=10)
    np.testing.assert_array_equal(written, target)


def test_real_valued_targets_and_a_fixed_number_of_steps():
    model = many_to_one_to_many(features=2, target_features=3, output_length=6, units=8)
    assert model(VALUES).shape == (3, 6, 3)
    model.fit(VALUES, np.zeros((3, 6, 3)), verbose=0)
    one = many_to_one(features=2, num_values=2, units=8)
    one.fit(VALUES, np.zeros((3, 2)), verbose=0)
    many = many_to_many(features=2, num_values=1, units=8)
    many.fit(VALUES, np.zeros((3, 4, 1)), verbose=0)


@pytest.mark.parametrize(
    ("factory", "arguments"),
    [
        (many_to_one, {"vocabulary_size": 20, "num_classes": 2, "pooling": "max"}),
        (many_to_many, {"vocabulary_size": 20, "num_values": 2, "residual": True}),
        (
            many_to_one_to_many,
            {
                "vocabulary_size": 20,
                "target_vocabulary_size": 9,
                "attention": "additive",
            },
        ),
    ],
)
def test_saved_models_are_the_same(factory, arguments, tmp_path):
    model = factory(**arguments, units=8)
    model.save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    assert type(again) is type(model)
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again(IDS), model(IDS))


@pytest.mark.parametrize(
    ("factory", "arguments", "message"),
    [
        (
            many_to_one,
            {"num_classes": 2},
            "Give exactly one of vocabulary_size and features. "
            "Received: vocabulary_size=None, features=None",
        ),
        (
            many_to_many,
            {"features": 2, "num_classes": 2, "num_values": 1},
            "Give exactly one of num_classes and num_values. "
            "Received: num_classes=2, num_values=1",
        ),
        (
            many_to_one,
            {"features": 2, "num_classes": 2, "pooling": "maximum"},
            "pooling must be one of 'last', 'mean', 'max', 'mean_max', 'attention'. "
            "Did you mean 'max'? Received: pooling='maximum'",
        ),
        (
            many_to_one_to_many,
            {"features": 2, "target_features": 2, "decoder": "greedy"},
            "decoder must be one of 'summary', 'autoregressive'. "
            "Received: decoder='greedy'",
        ),
        (
            many_to_one_to_many,
            {
                "features": 2,
                "target_features": 2,
                "decoder": "autoregressive",
                "output_length": 3,
            },
            "output_length is for decoder='summary': an autoregressive decoder writes "
            "as many steps as its target has. Leave it out. Received: output_length=3",
        ),
    ],
)
def test_bad_arguments(factory, arguments, message):
    with pytest.raises(ValueError) as error:
        factory(**arguments)
    assert str(error.value) == message


def test_an_architecture_says_that_it_has_no_tokens():
    model = many_to_one(features=2, num_classes=2, units=4)
    with pytest.raises(TypeError, match="'hello' is not a number"):
        model.answer("hello")
    with pytest.raises(ValueError, match="has no tokens, and answers arrays"):
        model.answer(np.zeros(3))
    decoder = many_to_one_to_many(features=2, target_features=2, units=4)
    with pytest.raises(ValueError, match="decoder='autoregressive'"):
        decode_greedily(decoder, VALUES, start=1, end=2, max_length=3)
