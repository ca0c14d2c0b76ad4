"""The shipped generators of periodic patterns: what they write and refuse."""

import pathlib
import runpy

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import rnnzoo
from rnnzoo import pattern_generator, training
from rnnzoo.data.synthetic import Patterns
from rnnzoo.models.patterns import CHANGE, SignedCrossentropy

WEIGHTS = rnnzoo.list_weights("pattern_generator")


@pytest.fixture(scope="module")
def model():
    return pattern_generator()


def test_the_patterns_of_the_poster_that_are_listed():
    patterns = {name.split(".")[1] for name in WEIGHTS}
    assert patterns >= {"3_1", "5_1", "10_1", "20_1", "5_5", "10_10"}


@pytest.mark.parametrize("name", WEIGHTS)
def test_500_bits_without_an_error_from_every_phase(name):
    model = pattern_generator(name)
    assert model.count_params() == 14
    zeros, ones = (int(count) for count in name.split(".")[1].split("_"))
    period = [0] * zeros + [1] * ones
    long = period * 600
    for length in (32, 61):
        prompts = [long[phase : phase + length] for phase in range(len(period))]
        wanted = [
            long[phase + length : phase + length + 500] for phase in range(len(period))
        ]
        assert model.generate(prompts) == wanted


def test_the_promise(model):
    period = "0000011111"
    assert model.generate(period * 4, max_length=12) == "000001111100"
    bits = [int(bit) for bit in period[3:] + period * 3]
    assert model.generate(bits, 7) == [0, 0, 0, 0, 0, 1, 1]
    prompts = [period * 4, "11, " + "00000 11111 " * 4]
    assert model.answer(prompts, max_length=4) == ["0000", "0000"]
    assert len(model.answer(prompts[0])) == model.max_length // 2
    array = np.array([[1, 1, 1, 1, 1, 0, 0, 0, 0, 0] * 4] * 2)
    assert model.generate(array, 3) == [[1, 1, 1]] * 2
    assert model.generate(tf.constant(array), 3) == [[1, 1, 1]] * 2
    assert model.answer([]) == []


def test_rows_of_other_lengths_pieces_and_groups_change_nothing(model, monkeypatch):
    long = ([0] * 5 + [1] * 5) * 60
    rows = [long[:n] for n in (1, 300, 23, 299, 64, 2)]
    alone = [model.generate(row, 40) for row in rows]
    assert model.generate(rows, 40) == alone
    monkeypatch.setattr(type(model), "READ", 64)
    monkeypatch.setattr(type(model), "ENCODED", 700)
    assert model.generate(rows, 40) == alone


def test_what_is_written_is_read_next():
    """Written at once or bit by bit, with the whole text read anew each time."""
    model = pattern_generator(weights=None, units=5, cell="gru")
    row = [0, 1, 1]
    for _ in range(12):
        row.append(model.generate(row, 1)[0])
    assert model.generate(row[:3], 12) == row[3:]


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        ([0, 2], ValueError, "position 1: 2 is more than 1"),
        ([[1], [-1]], ValueError, "row 1, position 0: -1 is less than 0"),
        ([True], TypeError, "True is not an integer"),
        ([[1], []], ValueError, "nothing in row 1"),
        ("", ValueError, "nothing in row 0"),
        ("01x", TypeError, "position 2: 'x' is not an integer"),
    ],
)
def test_wrong_input(model, bad, kind, message):
    with pytest.raises(kind, match="Received") as error:
        model.generate(bad)
    assert message in str(error.value)


def test_wrong_settings(model):
    with pytest.raises(ValueError, match="max_length must be an integer of at least 1"):
        model.generate("01", max_length=0)
    with pytest.raises(ValueError, match="max_length must be an integer of at least 4"):
        pattern_generator(weights=None, max_length=3)
    with pytest.raises(ValueError, match="one continuation for each row"):
        model.encode([[0, 1]], [[0], [1]])


def test_only_what_was_not_shown_counts_and_changes_count_more(model):
    source, target = model.encode([[0, 0, 1], [1]], [[1, 0], [1, 1]])
    np.testing.assert_array_equal(source[..., 0], [[-1, -1, 1, 1], [1, 1, 0, 0]])
    wanted = [[0, 0, 1, -CHANGE], [1, 1, 0, 0]]
    np.testing.assert_array_equal(target[..., 0], wanted)


def test_the_loss_by_hand():
    targets = np.array([[[5.0], [-1.0], [0.0]]])
    logits = np.array([[[np.log(3.0)], [np.log(3.0)], [7.0]]])
    wanted = (5 * np.log(4 / 3) + np.log(4.0) + 0) / 3
    np.testing.assert_allclose(SignedCrossentropy()(targets, logits), wanted, 1e-5)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_examples_are_the_pattern(zeros, ones, index):
    examples = Patterns(zeros, ones, max_length=40, curriculum_steps=100)
    inputs, targets = examples.batch(3, seed=1, index=index)
    longest = max(zeros, ones) if index >= 100 else 6
    for row, rest in zip(inputs, targets, strict=True):
        text = "".join(map(str, row + rest))
        assert len(row) == len(rest) == 20
        runs = [run for run in text.replace("01", "0 1").replace("10", "1 0").split()]
        assert max(map(len, runs)) <= longest
        if index >= 100:
            assert {len(run) for run in runs[1:-1] if run[0] == "0"} <= {zeros}
            assert {len(run) for run in runs[1:-1] if run[0] == "1"} <= {ones}


def test_the_curriculum_begins_with_short_runs():
    examples = Patterns(zeros=20, ones=1, curriculum_steps=90)
    for index, wanted in ((0, 3), (30, 3), (60, 11), (90, 20), (10**6, 20)):
        inputs, _ = examples.batch(8, seed=0, index=index)
        runs = "".join(map(str, inputs[0])).split("1")[1:-1]
        assert {len(run) for run in runs} <= {wanted}


@pytest.mark.slow
def test_the_best_beginning_goes_on(tmp_path):
    recipe = training.recipe_class("periodic_patterns")(
        epochs=1, steps_per_epoch=12, restarts=3, max_length=16
    )
    model = training.train(recipe, tmp_path / "run", "cpu")
    assert model.count_params() == 14
    assert recipe.evaluate(model)["exact_match"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
def test_the_benchmark_trains_networks_at_once_as_keras_trains_one(cell, monkeypatch):
    monkeypatch.syspath_prepend(pathlib.Path(__file__).parent.parent / "benchmarks")
    path = pathlib.Path(__file__).parent.parent / "benchmarks" / "patterns.py"
    benchmark = runpy.run_path(str(path))
    recipe, other = benchmark["recipe_of"]("5_5"), benchmark["recipe_of"]("3_1")
    models = [
        pattern_generator(weights=None, cell=cell, units=2, max_length=16)
        for _ in range(2)
    ]
    start = [
        np.stack(pair) for pair in zip(*(m.get_weights() for m in models), strict=True)
    ]
    batches = [
        [models[0].encode(*r.examples().batch(4, 0, index)) for r in (recipe, other)]
        for index in range(3)
    ]
    data = [
        np.array([[pair[side][..., 0] for pair in row] for row in batches])
        for side in (0, 1)
    ]
    weights, losses = benchmark["train"](cell, start, data)
    for network, model in enumerate(models):
        model.compile_with_defaults(recipe.optimizer(model))
        alone = [
            model.train_on_batch(*row[network], return_dict=True)["loss"]
            for row in batches
        ]
        np.testing.assert_allclose(losses[:, network], alone, rtol=1e-5)
        for found, wanted in zip(weights, model.get_weights(), strict=True):
            np.testing.assert_allclose(found[network], wanted, atol=1e-5)


def test_listed_weights_warn_of_other_patterns():
    model = pattern_generator("3_1")
    model.generate(["0001" * 5, "1000", "0"], 3)
    model.generate(np.array([[0, 0, 1, 0]]), 3)
    known = "trained on: the bits 3 zeros, 1 ones.*Received: "
    with pytest.warns(UserWarning, match=f"2 of 3 inputs.*{known}"):
        model.generate(["0001", "0011", "00001"], 3)
    with pytest.warns(UserWarning, match=f"1 of 1 inputs.*{known}"):
        model.answer([1, 1])
    assert model.answer_in_python(["0110"])["text"]
    model = pattern_generator(weights=None)
    model.generate("0110", 3)  # trained on nothing
