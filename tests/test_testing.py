"""The contract's checks see what they are there to see."""

import unittest

import keras
import numpy as np
import pytest
from keras import ops

import rnnzoo
from rnnzoo.architectures.many_to_one import ManyToOne
from rnnzoo.data.synthetic import Parity, Sorting
from rnnzoo.models.parity import ParityReader
from rnnzoo.testing import CHECKS, SLOW, Subject, check_model, learning, yield_checks
from rnnzoo.testing.expectations import expect_close, expect_raises, is_same

IDS = np.random.default_rng(0).integers(1, 20, (16, 6))
LABELS = np.arange(16) % 3
SETTINGS = {"vocabulary_size": 20, "num_classes": 3, "units": 8, "embedding_dim": 8}
TRAINING = [check.__name__ for check in learning.CHECKS]


@keras.saving.register_keras_serializable("tests")
class SeesNeighbours(ManyToOne):
    def call(self, inputs, training=None, mask=None):
        outputs = super().call(inputs, training=training)
        return outputs + ops.mean(outputs, axis=0) + 1 / ops.shape(outputs)[0]


@keras.saving.register_keras_serializable("tests")
class ReadsPadding(ManyToOne):
    def call(self, inputs, training=None, mask=None):
        return super().call(inputs) + ops.cast(ops.shape(inputs)[1], "float32")


@keras.saving.register_keras_serializable("tests")
class ForgetsSettings(ManyToOne):
    def get_config(self):
        return {k: v for k, v in super().get_config().items() if k != "cell"}


@keras.saving.register_keras_serializable("tests")
class HasUnusedWeights(ManyToOne):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.unused = self.add_weight(shape=(1,), name="unused")


class IsNotRegistered(ManyToOne):
    pass


@keras.saving.register_keras_serializable("tests")
class AnswersOddly(ParityReader):
    def answer(self, inputs):
        try:
            return super().answer(inputs)
        except ValueError as error:
            raise ValueError("no") from error


@keras.saving.register_keras_serializable("tests")
class ForgetsNeighbours(ParityReader):
    def answer(self, inputs):
        answers = super().answer(inputs)
        return answers[:1] if isinstance(answers, list) else answers


def fails(check, model, examples, match):
    with pytest.raises(AssertionError, match=match) as error:
        CHECKS[check](Subject(model, examples))
    assert "Received: " in str(error.value)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize(
    ("model_class", "check", "match"),
    [
        (SeesNeighbours, "check_padding_and_neighbours", "neighbours in a batch"),
        (ReadsPadding, "check_padding_and_neighbours", "pass the mask on"),
        (ForgetsSettings, "check_config_round_trip", "constructor's arguments"),
        (HasUnusedWeights, "check_one_step_moves_every_weight", "no move of .*unused"),
        (SeesNeighbours, "check_batch_sizes_and_lengths", "size of the batch"),
    ],
)
def test_broken_models_fail(model_class, check, match):
    settings = SETTINGS
    if check == "check_config_round_trip":
        settings = {**SETTINGS, "cell": "lstm"}
    if model_class is HasUnusedWeights:
        # Its arguments are those of the base.
        model = model_class(**settings)
        object.__setattr__(model, "arguments", settings)
    else:
        model = model_class(**settings)
    fails(check, model, (IDS, LABELS), match)


@pytest.mark.parametrize(
    ("model_class", "check", "match"),
    [
        (AnswersOddly, "check_odd_input_is_answered_or_refused", "'Received: ...'"),
        (ForgetsNeighbours, "check_batch_sizes_and_lengths", "three answers"),
    ],
)
def test_broken_answers_fail(model_class, check, match):
    fails(check, model_class(units=4), Parity(), match)


def test_a_class_that_a_file_cannot_find_is_said():
    with pytest.raises(Exception, match="model of rnnzoo|locate class|registered"):
        check_model(
            IsNotRegistered(**SETTINGS),
            (IDS, LABELS),
            skip=[name for name in CHECKS if name != "check_saving_and_loading"],
        )


def test_the_failing_check_is_named():
    others = [name for name in CHECKS if name != "check_padding_and_neighbours"]
    with pytest.raises(AssertionError) as error:
        check_model(ReadsPadding(**SETTINGS), (IDS, LABELS), skip=others)
    assert str(error.value).startswith(
        "ReadsPadding fails check_padding_and_neighbours: Extra padding and the "
        "neighbours in a batch change no output. AssertionError: Padding at the end "
        "must change no output: pass the mask on. Received: "
    )


def test_any_model_is_checked_and_what_it_lacks_is_said():
    done = check_model(
        rnnzoo.many_to_one(**SETTINGS, bidirectional=True, pooling="max"),
        (IDS, LABELS),
        skip=TRAINING,
    )
    assert set(done) == set(CHECKS)
    assert done["check_padding_and_neighbours"] == ""
    assert done["check_saving_and_loading"] == ""
    assert "no tokens" in done["check_odd_input_is_answered_or_refused"]
    assert done["check_memorises_eight_examples"] == "left out as asked"
    assert done["check_defaults_are_the_best_known"] == "no weights are listed"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classes", "values", "steps", "raw"])
def test_own_models_keep_the_whole_contract(kind):
    random = np.random.default_rng(0)
    values = random.normal(size=(16, 6, 2)).astype("float32")
    model, examples = {
        "classes": (rnnzoo.many_to_one(**SETTINGS, dropout=0.1), (IDS, LABELS)),
        "values": (
            rnnzoo.many_to_one(features=2, num_values=1, units=8),
            (values, values[:, -1, :1]),
        ),
        "steps": (rnnzoo.many_to_many(**SETTINGS), (IDS, IDS % 3)),
        "raw": (rnnzoo.sorter(weights=None, max_value=9, max_length=5), Sorting(9, 5)),
    }[kind]
    done = check_model(model, examples, slow=kind == "raw")
    assert done["check_two_replicas"] == ""
    if kind == "raw":
        assert done["check_interrupted_and_resumed_equals_uninterrupted"] == ""
        assert done["check_export_answers_as_python_does"] == ""


def test_a_factory_is_built():
    checks = dict(yield_checks(Subject(rnnzoo.accumulator)))
    checks["check_fixed_weights_answer_rightly"]()
    with pytest.raises(unittest.SkipTest, match="set by hand"):
        checks["check_one_step_moves_every_weight"]()


def test_arguments():
    model = rnnzoo.many_to_one(**SETTINGS)
    with pytest.raises(ValueError, match="eight or more. Received: 7 inputs and 16"):
        check_model(model, (IDS[:7], LABELS))
    with pytest.raises(TypeError, match="examples must be .*Received: examples=None"):
        check_model(model)
    with pytest.raises(TypeError, match="model must be a built model.*model=3"):
        check_model(3)
    with pytest.raises(ValueError, match="Did you mean 'check_bad_arguments'"):
        check_model(model, (IDS, LABELS), skip=["bad_arguments"])
    assert set(CHECKS) >= SLOW


def test_expectations():
    assert is_same({"a": [1, "x"]}, {"a": [1, "x"]})
    assert is_same(np.ones(2) + 1e-6, np.ones(2))
    assert not is_same([1, 2], [1]) and not is_same({"a": 1}, {"b": 1})
    with pytest.raises(AssertionError, match=r"Same. Received: 2 in place of 3 at \(1"):
        expect_close([1, 2], [1, 3], "Same.")
    with pytest.raises(AssertionError, match=r"shape \(1,\) in place of \(2,\)"):
        expect_close([1], [1, 3], "Same.")
    with pytest.raises(AssertionError, match="should say 'a b'.*Received: b"):
        with expect_raises(ValueError, "a b"):
            raise ValueError("b")
    with pytest.raises(AssertionError, match="Received: no error"):
        with expect_raises(ValueError, "a"):
            pass
