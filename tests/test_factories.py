"""Models that the factories of the architectures build, with tokens and without."""

import functools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo import many_to_many, many_to_one, many_to_one_to_many, testing
from rnnzoo.tokens import (
    Bits,
    Characters,
    Numbers,
    RealSteps,
    ScaledSteps,
    Whitespace,
    Words,
)
from rnnzoo.tokens.raw import spell

# === Models with tokens, and examples ===
TEXTS = ["a b", "c d e", "a", "b b", "c a", "a c b", "b a", "c c c"]
BITS = [format(number, "03b") for number in range(8)]
LETTERS = ["a", "b", "c", "ab", "ba", "ca", "cb", "abc"]
WORDS = functools.partial(Words, ["a", "b", "c"])
STARTED = functools.partial(Characters, "abc", start=True)
CASES = {
    "classes of texts": (
        lambda: many_to_one(
            tokens=WORDS(), classes=["x", "y"], units=8, ngrams=2, pooling="mean_max"
        ),
        (TEXTS, list("xyxxyyxy")),
    ),
    "classes of numbers": (
        lambda: many_to_one(tokens=Numbers(1, 9), num_classes=3, units=8),
        ([[i + 1, 9 - i] for i in range(8)], [i % 3 for i in range(8)]),
    ),
    "classes of bits": (
        lambda: many_to_one(tokens=Bits(), classes=["even", "odd"], units=8),
        (BITS, [["even", "odd"][bits.count("1") % 2] for bits in BITS]),
    ),
    "values of texts": (
        lambda: many_to_one(tokens="bytes", num_values=1, units=8),
        (TEXTS, [float(len(text)) for text in TEXTS]),
    ),
    "values of series": (
        lambda: many_to_one(tokens=RealSteps(2), num_values=2, units=8),
        ([[[i, 2.0 * i], [3, i]] for i in range(8)], [[i, -i] for i in range(8)]),
    ),
    "classes of steps": (
        lambda: many_to_many(
            tokens=Whitespace(["a", "b"]), classes=["N", "V"], units=8
        ),
        (
            [" ".join("ab"[int(bit)] for bit in bits) for bits in BITS],
            [["NV"[int(bit)] for bit in bits] for bits in BITS],
        ),
    ),
    "values of steps": (
        lambda: many_to_many(tokens=ScaledSteps([2], [3]), num_values=1, units=8),
        ([[i, i + 1.0, 0.5] for i in range(8)], [[1.0, 0.0, i] for i in range(8)]),
    ),
    "texts of texts": (
        lambda: many_to_one_to_many(
            tokens=STARTED(), decoder="autoregressive", attention="additive", units=8
        ),
        (LETTERS, [text[::-1] for text in LETTERS]),
    ),
    "numbers of numbers": (
        lambda: many_to_one_to_many(tokens=Numbers(0, 9), units=8),
        ([[i, i + 1] for i in range(8)], [[i + 1, i] for i in range(8)]),
    ),
    "texts of series": (
        lambda: many_to_one_to_many(
            tokens=ScaledSteps([0], [1]),
            target_tokens=STARTED(),
            decoder="autoregressive",
            output_length=4,
            units=8,
        ),
        ([[float(i)] * 2 for i in range(8)], LETTERS),
    ),
    "numbers written one by one": (
        lambda: many_to_one_to_many(
            tokens=Numbers(0, 9), decoder="autoregressive", units=8
        ),
        ([[i, 9] for i in range(8)], [[9, i, i] for i in range(8)]),
    ),
}


# One of each class, and of each kind of input.
QUICK = ["classes of numbers", "values of series", "classes of steps", "texts of texts"]


def mark_slow(quick):
    """Cases, of which all but the quick ones are slow tests."""
    return [
        pytest.param(case, marks=[] if case in quick else pytest.mark.slow)
        for case in CASES
    ]


@functools.cache
def built(case):
    keras.utils.set_random_seed(0)
    return CASES[case][0]()


@pytest.fixture(params=CASES)
def case(request):
    return request.param


def same(one, other):
    flat = [keras.tree.flatten(answers) for answers in (one, other)]
    if isinstance(flat[0][0], float):
        return np.allclose(*flat, atol=1e-5)
    return one == other


def test_a_model_with_tokens_is_complete(case, tmp_path):
    model, (inputs, targets) = built(case), CASES[case][1]
    model.fit(inputs, targets, batch_size=4, verbose=0)
    answers = model.answer(inputs)
    assert len(answers) == 8 and model.answer([]) == []
    assert all(
        same(model.answer(row), answer)
        for row, answer in zip(inputs, answers, strict=True)
    )
    texts = model.sample_texts()
    assert all(isinstance(spell(answer), str) for answer in model.answer(texts))
    path = tmp_path / "mine.keras"
    model.save(path)
    loaded = rnnzoo.load(path)
    assert same(loaded.answer(inputs), answers)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert same(clone.answer(inputs), answers)


# Those that what the whole contract needs of the answers depends on.
CHECKS = {
    "check_config_round_trip",
    "check_saving_and_loading",
    "check_batch_sizes_and_lengths",
    "check_padding_and_neighbours",
    "check_eager_equals_graph",
    "check_raw_examples_through_tf_data",
    "check_odd_input_is_answered_or_refused",
    "check_calls_do_not_retrace",
    "check_one_step_moves_every_weight",
}


def check_contract(case, names):
    make, examples = CASES[case]
    factory = {
        "SequenceClassifier": many_to_one,
        "SequenceRegressor": many_to_one,
        "StepAnswerer": many_to_many,
        "SequenceToSequence": many_to_one_to_many,
    }[type(make()).__name__]
    skip = [name for name in testing.CHECKS if name not in names]
    done = testing.check_model(make(), examples, factory=factory, skip=skip)
    assert done


@pytest.mark.parametrize("case", mark_slow(QUICK))
def test_the_contract(case):
    check_contract(case, CHECKS)


@pytest.mark.slow
def test_the_rest_of_the_contract(case):
    check_contract(case, set(testing.CHECKS) - CHECKS)


@pytest.mark.parametrize("case", mark_slow(["classes of steps", "values of series"]))
def test_exports(case, tmp_path):
    path = rnnzoo.export(built(case), tmp_path / "served")
    loaded = tf.saved_model.load(path)
    texts = built(case).sample_texts()
    found = loaded.signatures["serving_default"](text=tf.constant(texts))
    for name, wanted in built(case).answer_in_python(texts).items():
        got = found[name].numpy()
        if got.dtype.kind == "f":
            np.testing.assert_allclose(got, wanted, atol=1e-4)
        else:
            wanted = np.array(wanted, object)
            shown = [
                one.decode() if isinstance(one, bytes) else one for one in got.flat
            ]
            assert shown == wanted.ravel().tolist()


def test_values_are_scaled_in_the_graph(tmp_path):
    model = many_to_one(
        tokens=ScaledSteps([10.0, 0.0], [5.0, 2.0]), num_values=1, units=4
    )
    path = rnnzoo.export(model, tmp_path / "served", "litert")
    names = {p.stem for p in path.glob("*.tflite")}
    assert names == {"tokens", "values", "stream", "step"}
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(str(path / "values.tflite")).get_signature_runner()
    series = np.array([[[12.0, 1.0], [8.0, -3.0], [0.0, 0.0]]], "float32")
    (found,) = run(values=series, lengths=np.array([2], "int32")).values()
    assert found.item() == pytest.approx(model.answer(series[0, :2]), abs=1e-5)


def test_a_step_of_zeros_is_no_padding():
    model = many_to_one(tokens=RealSteps(1), num_values=1, units=4)
    assert model.answer([0.0, 0.0, 1.0]) != model.answer([1.0])


def test_labels_of_steps():
    model = built("classes of steps")
    assert model.answer("") == [] and len(model.answer("a b a")) == 3
    found = model.answer_in_python(["a b", ""])
    assert found["lengths"].tolist() == [2, 0]
    assert found["labels"][1].tolist() == ["", ""]
    for inputs, targets, message in [
        (["a b"], [["N"]], "row 0: 1 targets for 2 steps"),
        (["a b", ""], [["N", "V"], []], "row 1: nothing to answer"),
        (["a b"], [["N", "X"]], "labels must be among"),
        (["a b"], [None], "row 0: None is not a list"),
        (["a b"], [["N", "V"], ["N"]], "as many targets as texts"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            model.fit(inputs, targets, verbose=0)
    history = model.fit(["a b"], ["N V"], verbose=0)  # in a string, as in a column
    assert np.isfinite(history.history["loss"][0])


def test_wrong_values_are_refused_by_row():
    model = built("values of texts")
    for targets, message in [
        ([1.0, float("nan")], "row 1: nan is not finite"),
        ([1.0, None], "row 1: None"),
        ([1.0, "x"], "row 1: 'x'"),
        ([1.0, [1, 2]], "row 1: 2 values, not 1"),
        ([1.0], "as many targets as texts"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            model.fit(["a", "b"], targets, verbose=0)


def test_lengths_of_a_summary_decoder():
    model = built("numbers of numbers")
    with pytest.raises(ValueError, match="row 1: 1 tokens in the target, 2 in the"):
        model.fit([[1, 2], [3, 4]], [[2, 1], [3]], verbose=0)


def test_other_classes_and_words():
    model = many_to_one(tokens=WORDS(), classes=["x", "y"], units=4)
    before = model.get_layer("recurrence").get_weights()
    more = model.with_vocabulary(["a", "b", "c", "d"]).with_classes(["x", "y", "z"])
    assert more.classes == ["x", "y", "z"]
    assert more.tokens.vocabulary == ["a", "b", "c", "d"]
    after = more.get_layer("recurrence").get_weights()
    assert all(map(np.array_equal, before, after))


def test_explanations():
    words = built("classes of texts").explain("a b c")
    assert words.tokens == ["a", "b", "c"]
    numbers = built("classes of numbers").explain([3, 1, 2])
    assert numbers.tokens == ["3", "1", "2"]
    assert numbers.answer in built("classes of numbers").classes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: many_to_one(tokens=WORDS()), "names of classes in classes"),
        (lambda: many_to_one(classes=["a", "b"], features=2), "classes need tokens"),
        (
            lambda: many_to_one(tokens=WORDS(), classes=["a", "b"], features=2),
            "tokens bring features",
        ),
        (
            lambda: many_to_one(tokens=WORDS(), classes=["a", "b"], num_classes=2),
            "classes or num_classes, not both",
        ),
        (lambda: many_to_one(tokens=3, num_classes=2), "tokens must be Words"),
        (lambda: many_to_one(tokens="wrods", num_classes=2), "Did you mean 'words'"),
        (lambda: many_to_one(tokens=WORDS(), num_classes=2, untis=2), "'units'"),
        (
            lambda: many_to_many(tokens=WORDS(max_length=9), num_classes=2),
            "answers every token",
        ),
        (
            lambda: many_to_many(tokens=WORDS(), num_classes=2, num_values=1),
            "classes or num_values, not both",
        ),
        (
            lambda: many_to_one_to_many(tokens=WORDS(), decoder="autoregressive"),
            "start=True for decoder='autoregressive'",
        ),
        (
            lambda: many_to_one_to_many(tokens=RealSteps(1)),
            "target_tokens must be tokens of texts, or Numbers",
        ),
        (
            lambda: many_to_one_to_many(tokens=WORDS(), target_features=2),
            "target_tokens bring target_features",
        ),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# === Models without tokens ===
def test_arrays_are_answered_with_arrays(tmp_path):
    ids, values = np.array([[5, 3, 0], [2, 1, 1]]), np.ones((2, 4, 3), "float32")
    classes = many_to_one(vocabulary_size=9, num_classes=3, units=4)
    assert classes.answer(ids).tolist() == [
        int(row.argmax()) for row in classes.predict(ids, verbose=0)
    ]
    assert classes.answer("5 3") == classes.answer(ids)[0] == classes.answer(ids[0])
    steps = many_to_many(features=3, num_values=2, units=4)
    np.testing.assert_allclose(
        steps.answer(values), steps.predict(values, verbose=0), atol=1e-6
    )
    assert np.shape(steps.answer("1 2 3, 4 5 6")) == (2, 2)
    summary = many_to_one_to_many(vocabulary_size=9, target_vocabulary_size=9, units=4)
    assert summary.answer(ids).shape == (2, 3)
    for model, array in ((classes, ids), (steps, values), (summary, ids)):
        path = pathlib.Path(tmp_path, f"{type(model).__name__}.keras")
        model.save(path)
        np.testing.assert_allclose(
            rnnzoo.load(path).answer(array), model.answer(array), atol=1e-6
        )
    with pytest.raises(ValueError, match="Token ids must be from 0 to 8"):
        classes.answer([[5, 99]])
    decoder = many_to_one_to_many(
        vocabulary_size=9, target_vocabulary_size=9, decoder="autoregressive", units=4
    )
    with pytest.raises(ValueError, match="decode_greedily"):
        decoder.answer(ids)
