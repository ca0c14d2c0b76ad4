"""RecurrentStack against numbers worked out by hand, and its masks and states."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo.layers import fast_rnn, loops
from rnnzoo.layers.fast_rnn import GRU, LSTM, SimpleRNN
from rnnzoo.layers.minimal import MinimalRNN
from rnnzoo.layers.noise import NoisySimpleRNN
from rnnzoo.layers.recurrence import CELLS, ChronoBias, RecurrentStack

LOG3 = math.log(3)  # the logistic function of it is 3/4, and of minus it 1/4
ATOL = 1e-6


def run_one_unit(cell, weights, inputs):
    stack = RecurrentStack(1, cell=cell)
    inputs = np.reshape(np.array(inputs, "float32"), (1, -1, 1))
    stack(inputs)
    stack.set_weights([np.array(w, "float32") for w in weights])
    sequence, state = stack(inputs)
    return np.ravel(sequence), [float(np.ravel(s)[0]) for s in state[0]]


def test_simple_cell_by_hand():
    # W = 1, R = 2, b = 0: h1 = tanh(0.5) = 0.462117, h2 = tanh(2 * 0.462117)
    # = tanh(0.924234) = 0.727894
    weights = [[[1]], [[2]], [0]]
    sequence, state = run_one_unit("simple", weights, [0.5, 0])
    np.testing.assert_allclose(sequence, [0.46211716, 0.72789440], atol=ATOL)
    assert state == [pytest.approx(0.72789440, abs=ATOL)]


def test_gru_cell_by_hand():
    # Update gate always 1/2, reset gate always 3/4; candidate W = 1, R = 2, c = 1.
    # Step 1, x = 1: candidate tanh(1 + 3/4 * 1) = tanh(1.75) = 0.941376,
    #   h1 = 0 / 2 + 0.941376 / 2 = 0.470688.
    # Step 2, x = 0: candidate tanh(3/4 * (2 * 0.470688 + 1)) = tanh(1.456032)
    #   = 0.896879, h2 = 0.470688 / 2 + 0.896879 / 2 = 0.683783.
    weights = [[[0, 0, 1]], [[0, 0, 2]], [[0, LOG3, 0], [0, 0, 1]]]
    sequence, state = run_one_unit("gru", weights, [1, 0])
    np.testing.assert_allclose(sequence, [0.4706878, 0.6837834], atol=ATOL)
    assert state == [pytest.approx(0.6837834, abs=ATOL)]


def test_lstm_cell_by_hand():
    # Input gate 3/4, forget gate 1/2, output gate 1/4; block input W = 1, R = 2.
    # Step 1, x = 1: z = tanh(1) = 0.761594, c = 3/4 z = 0.571196,
    #   h = 1/4 tanh(0.571196) = 0.129059.
    # Step 2, x = 0: z = tanh(2 * 0.129059) = 0.252535, c = 0.571196 / 2 + 3/4 z
    #   = 0.474999, h = 1/4 tanh(0.474999) = 0.110557.
    # Keras orders the gates i, f, z, o.
    weights = [[[0, 0, 1, 0]], [[0, 0, 2, 0]], [LOG3, 0, 0, -LOG3]]
    sequence, state = run_one_unit("lstm", weights, [1, 0])
    np.testing.assert_allclose(sequence, [0.1290592, 0.1105574], atol=ATOL)
    assert state == [
        pytest.approx(0.1105574, abs=ATOL),
        pytest.approx(0.4749993, abs=ATOL),
    ]


ALL = list(itertools.product(CELLS, (False, True)))


@pytest.mark.parametrize(("cell", "bidirectional"), ALL)
@pytest.mark.parametrize("initial_state", ["zeros", "learned"])
def test_padding_changes_nothing(cell, bidirectional, initial_state):
    stack = RecurrentStack(
        4,
        num_layers=2,
        cell=cell,
        bidirectional=bidirectional,
        residual=True,
        initial_state=initial_state,
    )
    random = np.random.default_rng(0)
    real = random.normal(size=(2, 5, 3)).astype("float32")
    padding = random.normal(size=(2, 4, 3)).astype("float32")
    stack(real)
    stack.set_weights([w + 0.3 for w in stack.get_weights()])
    sequence, state = stack(real)
    mask = np.arange(9)[None] < np.array([[5], [5]])
    padded_sequence, padded_state = stack(np.concatenate([real, padding], 1), mask=mask)
    np.testing.assert_allclose(padded_sequence[:, :5], sequence, atol=1e-5)
    for layer, padded_layer in zip(state, padded_state, strict=True):
        for tensor, padded_tensor in zip(layer, padded_layer, strict=True):
            np.testing.assert_allclose(padded_tensor, tensor, atol=1e-5)


def test_outputs_at_padding_are_zero():
    stack = RecurrentStack(4, cell="gru")
    mask = np.array([[True, True, False]])
    sequence, _ = stack(np.ones((1, 3, 2), "float32"), mask=mask)
    assert np.all(np.array(sequence)[0, 2] == 0)
    assert np.all(np.array(sequence)[0, :2] != 0)


@pytest.mark.parametrize("cell", list(CELLS))
def test_a_sequence_can_be_read_in_pieces(cell):
    stack = RecurrentStack(4, num_layers=2, cell=cell, residual=True)
    inputs = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    whole, last = stack(inputs)
    first, state = stack(inputs[:, :3])
    second, state = stack(inputs[:, 3:], initial_state=state)
    both = np.concatenate([first, second], 1)
    np.testing.assert_allclose(both, whole, atol=1e-6)
    np.testing.assert_allclose(state[1][0], last[1][0], atol=1e-6)


def results(layer, inputs, state, mask, training):
    """Returns outputs, states, and the gradients of a loss that has all in it."""
    state = [tf.constant(part) for part in state]
    variables = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([inputs, *state])
        found = layer(inputs, initial_state=state, mask=mask, training=training)
        loss = sum(
            tf.reduce_sum(tf.sin(tf.cast(part, "float32") + i))
            for i, part in enumerate(found)
        )
    found = [*found, *tape.gradient(loss, [inputs, *state, *variables])]
    return [np.array(tf.cast(part, "float32")) for part in found]


def of_both(own, options, inputs, mask, training):
    """Returns the results of a layer and of Keras' layer with the same weights."""
    keras_class = getattr(keras.layers, own.__name__)
    random, weights, found = np.random.default_rng(0), None, []
    for layer_class in (own, keras_class):
        settings = {"return_sequences": True, "return_state": True, "seed": 1}
        layer = layer_class(3, **(settings | options))
        layer.build((None, None, inputs.shape[-1]))
        weights = weights or [
            random.normal(0, 0.7, one.shape) for one in layer.get_weights()
        ]
        layer.set_weights(weights)
        sizes = np.ravel(layer.cell.state_size)
        state = np.random.default_rng(1).normal(size=(len(sizes), 1, 3))
        state = np.repeat(state, len(inputs), axis=1).astype(layer.compute_dtype)
        x = tf.constant(inputs, layer.compute_dtype)
        found.append(results(layer, x, state, mask, training))
    return found


@settings(max_examples=30, deadline=None)
@given(
    own=st.sampled_from([SimpleRNN, GRU, LSTM]),
    rows=st.lists(
        st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=4
    ),
    is_masked=st.booleans(),
    training=st.booleans(),
    go_backwards=st.booleans(),
    dropout=st.sampled_from([0.0, 0.4]),
)
def test_own_loops_give_what_keras_gives(
    own, rows, is_masked, training, go_backwards, dropout
):
    mask = np.array(rows, bool).reshape(-1, 5)
    inputs = np.random.default_rng(0).normal(size=(*mask.shape, 2)).astype("float32")
    options = {
        "zero_output_for_mask": True,
        "go_backwards": go_backwards,
        "dropout": dropout,
    }
    ours, theirs = of_both(own, options, inputs, mask if is_masked else None, training)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("own", [SimpleRNN, GRU, LSTM])
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_own_loops_in_lower_precision(own, precision):
    # So many steps that sums over them in bfloat16 would be wrong by a tenth.
    inputs = np.random.default_rng(0).normal(size=(64, 50, 2)).astype("float32")
    mask = np.arange(50) < np.random.default_rng(1).integers(1, 51, (64, 1))
    options = {"zero_output_for_mask": True}
    exact, _ = of_both(own, options, inputs, mask, training=True)
    low, _ = of_both(own, options | {"dtype": precision}, inputs, mask, training=True)
    share = {"mixed_float16": 0.01, "mixed_bfloat16": 0.03}[precision]
    for one, other in zip(low, exact, strict=True):
        assert np.linalg.norm(one - other) < share * np.linalg.norm(other)


@pytest.mark.parametrize("own", [SimpleRNN, GRU, LSTM])
@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu", "zero_output_for_mask": True},
        {"recurrent_activation": "hard_sigmoid", "zero_output_for_mask": True},
        {"recurrent_dropout": 0.5, "zero_output_for_mask": True},
        {"use_bias": False, "zero_output_for_mask": True},
        {"reset_after": False, "zero_output_for_mask": True},
        {"unroll": True, "zero_output_for_mask": True},
        {},
        {"return_sequences": False, "zero_output_for_mask": True},
    ],
    ids=str,
)
def test_other_options_give_what_keras_gives(own, options):
    if "reset_after" in options and own is not GRU:
        pytest.skip("no reset gate")
    if "recurrent_activation" in options and own is SimpleRNN:
        pytest.skip("no gates")
    inputs = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")
    mask = np.arange(5) < np.array([[5], [2], [3]])
    ours, theirs = of_both(own, options, inputs, mask, training=True)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", list(CELLS))
@pytest.mark.parametrize("training", [False, True])
def test_padding_may_be_anything(cell, training):
    stack = RecurrentStack(4, cell=cell)
    inputs = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    mask = np.arange(6)[None] < np.array([[4], [6]])
    clean, _ = stack(np.where(mask[..., None], inputs, 0), mask=mask, training=training)
    for padding in (np.nan, np.inf, -1e30):
        padded = np.where(mask[..., None], inputs, np.float32(padding))
        sequence, _ = stack(padded, mask=mask, training=training)
        np.testing.assert_array_equal(sequence, clean)


@pytest.mark.parametrize("cell", list(CELLS))
def test_padding_leaves_a_state_exactly_as_it_was(cell):
    stack = RecurrentStack(4, cell=cell)
    inputs = np.random.default_rng(0).normal(size=(1, 9, 3)).astype("float32")
    for training in (False, True):
        _, state = stack(inputs[:, :2], training=training)
        mask = np.arange(9)[None] < 2
        _, padded = stack(inputs, mask=mask, training=training)
        for one, other in zip(state[0], padded[0], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cell", list(CELLS))
@pytest.mark.parametrize("training", [False, True])
def test_the_same_can_be_read_again_at_every_step(cell, training):
    stack = RecurrentStack(4, num_layers=2, cell=cell, initial_state="learned")
    inputs = np.random.default_rng(0).normal(size=(3, 2)).astype("float32")
    stack(inputs[:, None])
    found = []
    lengths = (5, np.int64(5), np.zeros((3, 5, 7), "float32"))
    for options in (*({"length": length} for length in lengths), None):
        with tf.GradientTape() as tape:
            x = tf.constant(inputs)
            tape.watch(x)
            if options is None:
                x_repeated = tf.repeat(x[:, None], 5, axis=1)
                sequence, state = stack(x_repeated, training=training)
            else:
                sequence, state = stack(x, training=training, **options)
            loss = tf.reduce_sum(tf.sin(sequence)) + tf.reduce_sum(state[0][0])
        weights = [variable.value for variable in stack.trainable_variables]
        found.append([sequence, *state[1], *tape.gradient(loss, [x, *weights])])
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "shape", "mask", "received"),
    [
        ({"bidirectional": True}, (2, 3), None, "bidirectional=True"),
        ({"cell": "simple", "state_noise": 0.1}, (2, 3), None, "state_noise=0.1"),
        ({}, (2, 3), np.ones((2, 5), bool), "a mask"),
        ({}, (2, 5, 3), None, "inputs of shape"),
    ],
)
def test_what_cannot_be_read_again(options, shape, mask, received):
    stack = RecurrentStack(4, **options)
    with pytest.raises(ValueError, match=f"Received: a length and {received}"):
        stack(np.zeros(shape, "float32"), length=5, mask=mask)


@pytest.mark.parametrize(
    "cell",
    ["simple", *(pytest.param(c, marks=pytest.mark.slow) for c in ("gru", "lstm"))],
)
@pytest.mark.parametrize(
    "precision",
    ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)],
)
def test_many_steps_add_up_in_lower_precision(cell, precision):
    inputs = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    weights, found = None, []
    for dtype in ("float32", precision):
        stack = RecurrentStack(4, cell=cell, dtype=dtype)
        stack(inputs, length=1)
        weights = weights or stack.get_weights()
        stack.set_weights(weights)
        with tf.GradientTape() as tape:
            sequence, _ = stack(inputs, length=3000, training=True)
            loss = 1000 * tf.reduce_mean(tf.cast(sequence, "float32"))
        variables = [variable.value for variable in stack.trainable_variables]
        found.append(tape.gradient(loss, variables))
    share = {"mixed_float16": 0.01, "mixed_bfloat16": 0.06}[precision]
    for exact, low in zip(*found, strict=True):
        assert np.linalg.norm(low - exact) < share * np.linalg.norm(exact)


@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
@pytest.mark.parametrize("is_masked", [False, True])
def test_slices_of_a_batch_give_what_the_whole_gives(cell, is_masked, monkeypatch):
    # As many rows as are cut in slices on two cores and more, and an odd number.
    rows = 2 * fast_rnn.ROWS_OF_A_SLICE + 1
    inputs = np.random.default_rng(0).normal(size=(rows, 5, 3)).astype("float32")
    lengths = np.random.default_rng(1).integers(1, 6, (rows, 1))
    mask = tf.constant(np.arange(5) < lengths) if is_masked else None
    stack = RecurrentStack(4, cell=cell)
    stack(inputs)
    found, slices = [], []
    monkeypatch.setattr("rnnzoo.layers.fast_rnn.count_threads", lambda: 2)
    read_in_slices = loops.read_in_slices
    monkeypatch.setattr(
        loops, "read_in_slices", lambda *a: slices.append(a[1]) or read_in_slices(*a)
    )
    for is_sliced in (False, True):
        stack.layers[0].is_sliced = is_sliced
        variables = [variable.value for variable in stack.trainable_variables]
        with tf.GradientTape() as tape:
            sequence, [state] = stack(inputs, mask=mask, training=True)
            loss = tf.reduce_sum(tf.sin(sequence)) + tf.reduce_sum(state[0])
        found.append([sequence, *state, *tape.gradient(loss, variables)])
    assert slices == [1, 2]
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_noise_on_the_state_is_before_the_product_with_it():
    # W = 1, R = 2, b = 0.5, and noise 0.1 and 0.3 on states of 0 and h1:
    # h1 = tanh(0.2 + 2 * 0.1 + 0.5) = 0.716298,
    # h2 = tanh(0.4 + 2 * (0.716298 + 0.3) + 0.5) = tanh(2.932596) = 0.994343.
    layer = NoisySimpleRNN(1, state_noise=0.1, return_sequences=True)
    layer.build((None, None, 1))
    layer.set_weights([np.array(w) for w in ([[1.0]], [[2.0]], [0.5])])
    inputs = tf.constant([[[0.2, 0.1], [0.4, 0.3]]])
    for mask in (None, tf.constant([[True, True]])):
        layer.zero_output_for_mask = True
        _, sequence, _ = layer.inner_loop(inputs, [tf.zeros((1, 1))], mask, True)
        np.testing.assert_allclose(np.ravel(sequence), [0.716298, 0.994343], atol=1e-5)


def test_final_state_is_the_last_output():
    stack = RecurrentStack(4, bidirectional=True)
    inputs = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    sequence, [[forward, backward]] = stack(inputs)
    np.testing.assert_allclose(sequence[:, -1, :4], forward, atol=1e-6)
    np.testing.assert_allclose(sequence[:, 0, 4:], backward, atol=1e-6)


def test_residual_adds_the_input_of_later_layers():
    plain = RecurrentStack(4, num_layers=2)
    residual = RecurrentStack(4, num_layers=2, residual=True)
    inputs = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    plain(inputs), residual(inputs)
    residual.set_weights(plain.get_weights())
    first, _ = plain.layers[0](inputs)[:2]
    difference = residual(inputs)[0] - plain(inputs)[0]
    np.testing.assert_allclose(difference, first, atol=1e-6)


def test_dropout_is_the_same_at_every_step():
    stack = RecurrentStack(1, cell="simple", dropout=0.5)
    inputs = np.ones((64, 6, 1), "float32")
    stack(inputs)
    # No recurrence: each output shows whether its input was dropped.
    stack.set_weights([np.array(w) for w in ([[1.0]], [[0.0]], [0.0])])
    outputs = np.array(stack(inputs, training=True)[0])[..., 0]
    assert np.all(outputs == outputs[:, :1])
    dropped = np.mean(outputs[:, 0] == 0)
    assert 0.2 < dropped < 0.8
    assert np.all(np.array(stack(inputs, training=False)[0]) > 0)


def test_learned_initial_state_is_used_and_trained():
    stack = RecurrentStack(2, cell="lstm", initial_state="learned")
    inputs = np.zeros((3, 4, 2), "float32")
    zero = np.array(stack(inputs)[0])
    stack.learned_state[0][1].assign([1.0, -1.0])
    assert np.all(np.array(stack(inputs)[0]) != zero)
    assert len(stack.trainable_weights) == 3 + 2


def test_chrono_bias():
    gru = np.array(ChronoBias(32)((2, 3 * 1000)))
    keep = gru[0, :1000]
    assert np.all((0 <= keep) & (keep <= math.log(31)))
    assert np.std(np.exp(keep)) > 5
    assert np.all(gru[0, 1000:] == 0) and np.all(gru[1] == 0)
    stack = RecurrentStack(8, cell="lstm", bidirectional=True, chrono_steps=10)
    stack(np.zeros((1, 2, 3), "float32"))
    bias = np.array(stack.layers[0].forward_layer.cell.bias)
    np.testing.assert_array_equal(bias[:8], -bias[8:16])
    assert np.all(bias[8:16] >= 0) and np.any(bias[8:16] > 0)
    assert np.all(bias[16:] == 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "units must be an integer of at least 1. Received: units=0"),
        (
            {"units": 4, "cell": "grru"},
            "cell must be one of 'simple', 'gru', 'lstm', 'minimal', "
            "'minimal_signed'. Did you mean 'gru'? "
            "Received: cell='grru'",
        ),
        (
            {"units": 4, "dropout": 1.0},
            "dropout must be a number of at least 0 and below 1. Received: dropout=1.0",
        ),
        (
            {"units": 4, "initial_state": "zero"},
            "initial_state must be one of 'zeros', 'learned'. Did you mean 'zeros'? "
            "Received: initial_state='zero'",
        ),
        (
            {"units": 4, "cell": "simple", "chrono_steps": 5},
            "chrono_steps sets the gates of a 'gru' or 'lstm': leave it out for "
            "cell='simple'. Received: chrono_steps=5",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError) as error:
        RecurrentStack(**arguments)
    assert str(error.value) == message


def test_wrong_type_and_wrong_state():
    with pytest.raises(TypeError, match="num_layers must be an integer"):
        RecurrentStack(4, num_layers=1.5)
    stack = RecurrentStack(4, num_layers=2)
    state = [[np.zeros((1, 4), "float32")]]
    with pytest.raises(ValueError, match="each of the 2 layers"):
        stack(np.zeros((1, 2, 3), "float32"), initial_state=state)


def test_config_round_trip():
    stack = RecurrentStack(
        4,
        num_layers=2,
        cell="lstm",
        bidirectional=True,
        residual=True,
        dropout=0.1,
        initial_state="learned",
        chrono_steps=9,
    )
    config = keras.saving.serialize_keras_object(stack)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == stack.get_config()


@pytest.mark.parametrize(("signed", "kept"), [(False, 0.75), (True, 0.5)])
def test_a_minimal_cell_by_hand(signed, kept):
    layer = MinimalRNN(1, signed=signed, return_sequences=True)
    layer.build((None, None, 1))
    # A gate of 0.75 whatever the input, and twice the input as the candidate.
    layer.set_weights([np.array([[0.0, 2.0]]), np.array([np.log(3.0), 0.0])])
    first = 0.25 * 2 * 1
    second = kept * first + 0.25 * 2 * 4
    found = layer(np.array([[[1.0], [4.0]]], "float32"))
    np.testing.assert_allclose(found[0, :, 0], [first, second], rtol=1e-6)


@pytest.mark.parametrize("go_backwards", [False, True])
def test_a_scan_gives_what_the_loop_gives(go_backwards, monkeypatch):
    inputs = np.random.default_rng(0).normal(size=(3, 9, 2)).astype("float32")
    mask = np.arange(9)[None] < np.array([[9], [4], [1]])
    layer = MinimalRNN(
        4,
        signed=True,
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        go_backwards=go_backwards,
    )
    state, found = np.ones((3, 4), "float32"), []
    layer(inputs)
    for is_on_cpu in (True, False):
        monkeypatch.setattr("rnnzoo.layers.minimal.is_on_cpu", lambda x=is_on_cpu: x)
        found.append(results(layer, tf.constant(inputs), [state], mask, True))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_minimal_cell_has_no_recurrent_weights_to_drop():
    with pytest.raises(ValueError, match="a minimal cell has none"):
        RecurrentStack(4, cell="minimal", weight_dropout=0.5)
    layer = MinimalRNN(4, dropout=0.25, signed=True)
    again = MinimalRNN.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
