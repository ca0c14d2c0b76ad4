"""Figures by hand, properties of any report, gradients by hand, and pictures."""

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo import analysis, many_to_many, many_to_one
from rnnzoo.analysis import classification_report, plot_calibration, plot_confusion

# Six examples of three classes: answers 0, 0, 1, 1, 1, 0.
LABELS = [0, 0, 0, 1, 1, 2]
PROBABILITIES = [
    [0.9, 0.1, 0.0],
    [0.7, 0.2, 0.1],
    [0.2, 0.7, 0.1],
    [0.1, 0.7, 0.2],
    [0.0, 0.9, 0.1],
    [0.4, 0.3, 0.3],
]
CLASSES = ["a", "b", "c"]


@pytest.fixture
def report():
    return classification_report(LABELS, PROBABILITIES, CLASSES)


def test_figures_by_hand(report):
    assert report.accuracy == pytest.approx(4 / 6)
    assert report.confusion.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert report.precision == pytest.approx({"a": 2 / 3, "b": 2 / 3, "c": 0})
    assert report.recall == pytest.approx({"a": 2 / 3, "b": 1, "c": 0})
    assert report.f1 == pytest.approx({"a": 2 / 3, "b": 0.8, "c": 0})
    assert report.macro_f1 == pytest.approx((2 / 3 + 0.8) / 3)
    # 0.4: one answer, wrong; 0.7: three, two right; 0.9: two, both right.
    error = (1 * 0.4 + 3 * abs(2 / 3 - 0.7) + 2 * 0.1) / 6
    assert report.calibration_error == pytest.approx(error)
    product = 0.9 * 0.7 * 0.2 * 0.7 * 0.9 * 0.3
    assert report.negative_log_likelihood == pytest.approx(-math.log(product) / 6)


def test_bins_by_hand(report):
    assert len(report.bins) == 15
    filled = {i: b for i, b in enumerate(report.bins) if b.count}
    # Intervals of 1/15, each with its upper end: 0.4 is 6/15.
    assert list(filled) == [5, 10, 13]
    assert [b.count for b in filled.values()] == [1, 3, 2]
    assert filled[10].confidence == pytest.approx(0.7)
    assert filled[10].accuracy == pytest.approx(2 / 3)
    assert math.isnan(report.bins[0].confidence)
    assert math.isnan(report.bins[0].accuracy)


def test_figures_are_for_json(report):
    figures = json.loads(json.dumps(report.figures(), allow_nan=False))
    assert figures == report.figures()
    assert list(figures) == [
        "accuracy",
        "f1_a",
        "f1_b",
        "f1_c",
        "macro_f1",
        "calibration_error",
        "negative_log_likelihood",
    ]


def test_certain_and_wrong_is_not_infinite():
    report = classification_report([0], [[0.0, 1.0]], ["a", "b"])
    assert report.negative_log_likelihood == pytest.approx(87.3365, abs=1e-3)
    assert report.calibration_error == 1


def test_table_is_aligned():
    report = classification_report([0, 1], [[1, 0], [0, 1]], ["good", "日本"])
    lines = str(report).splitlines()
    assert lines[0] == "class  precision  recall     f1  examples"
    assert lines[1] == "good       1.000   1.000  1.000         1"
    assert lines[2] == "日本       1.000   1.000  1.000         1"
    assert lines[3] == "accuracy                     1.000"


@st.composite
def answered(draw):
    num_classes = draw(st.integers(2, 6))
    labels = draw(st.lists(st.integers(0, num_classes - 1), min_size=1, max_size=40))
    seed = draw(st.integers(0, 2**32 - 1))
    logits = np.random.default_rng(seed).normal(size=(len(labels), num_classes))
    scaled = np.exp(logits * draw(st.sampled_from([0.0, 0.1, 1.0, 10.0])))
    kind = draw(st.sampled_from(["float32", "float64"]))
    return labels, (scaled / scaled.sum(axis=1, keepdims=True)).astype(kind)


@settings(deadline=None, max_examples=100)
@given(answered())
def test_any_report(case):
    labels, probabilities = case
    number = probabilities.shape[1]
    classes = [f"c{i}" for i in range(number)]
    report = classification_report(np.array(labels), probabilities, classes)
    assert report.accuracy == pytest.approx(report.confusion.trace() / len(labels))
    counts = np.bincount(labels, minlength=number)
    np.testing.assert_array_equal(report.confusion.sum(axis=1), counts)
    assert 0 <= report.calibration_error <= 1
    assert sum(b.count for b in report.bins) == len(labels)
    for index, b in enumerate(report.bins):
        if b.count:
            assert index / 15 - 1e-9 <= b.confidence <= (index + 1) / 15 + 1e-9
            assert 0 <= b.accuracy <= 1
    assert all(0 <= value <= 1 for value in report.f1.values())
    assert report.negative_log_likelihood >= 0
    np.testing.assert_allclose(
        report.negative_log_likelihood,
        -np.log(probabilities[np.arange(len(labels)), labels].astype(float)).mean(),
        rtol=1e-6,
        atol=1e-12,
    )


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_perfect_answers(labels):
    report = classification_report(labels, np.eye(4)[labels], list("abcd"))
    assert report.accuracy == 1
    assert report.calibration_error == 0
    assert report.negative_log_likelihood == 0
    assert {name for name, f1 in report.f1.items() if f1 == 1} == {
        "abcd"[label] for label in labels
    }


GOOD = [[0.5, 0.5], [0.1, 0.9]]
BAD = [
    ([0, 1], [[0.5, 0.5]], "ab", ValueError, r"Received: shape \(2,\) for 1 rows"),
    ([0, 1], [0.5, 0.5], "ab", ValueError, r"Received: shape \(2,\)"),
    ([0, 1], GOOD, "abc", ValueError, r"3 classes\].*Received: shape \(2, 2\)"),
    ([], np.zeros((0, 2)), "ab", ValueError, r"one or more.*shape \(0, 2\)"),
    ([0, 1], [[0.5, 0.5], [1.0]], "ab", ValueError, "as many in each row. Received"),
    ([0, 1], [[0.5, 0.5], ["x", "y"]], "ab", ValueError, "must be numbers"),
    ([0, 1], [[0.5, 0.5], [math.nan, 1]], "ab", ValueError, "1 of 2 rows.*row 1 is"),
    ([0, 1], [[2.5, -1.0], [0.1, 0.9]], "ab", ValueError, "softmax.*row 0 is"),
    ([0, 1], [[1.5, -0.5], [0.1, 0.9]], "ab", ValueError, "none below 0"),
    ([0, 1], [[math.inf, 0], [0.1, 0.9]], "ab", ValueError, "row 0 is"),
    ([0, 2], GOOD, "ab", ValueError, "from 0 to 1.*1 others; row 1 is 2"),
    ([0, -1], GOOD, "ab", ValueError, "row 1 is -1"),
    ([0.0, 1.0], GOOD, "ab", TypeError, r"Received: 0.0 \(float64\)"),
    (["a", "b"], GOOD, "ab", TypeError, "class_numbers.*Received: 'a'"),
    ([[0], [1, 0]], GOOD, "ab", ValueError, "labels must be class numbers"),
    ([0, 1], GOOD, "aa", ValueError, r"different names.*\['a', 'a'\]"),
]


@pytest.mark.parametrize("labels, probabilities, classes, kind, message", BAD)
def test_bad_arguments(labels, probabilities, classes, kind, message):
    with pytest.raises(kind, match=message):
        classification_report(labels, probabilities, list(classes))


@pytest.mark.parametrize("classes", ["ab", [1, 2], None])
def test_classes_are_names(classes):
    with pytest.raises(TypeError, match="classes must be a list of names. Received"):
        classification_report([0, 1], GOOD, classes)


@pytest.mark.parametrize("number", [2, 15])
def test_pictures(number, tmp_path):
    generator = np.random.default_rng(0)
    labels = generator.integers(number - 1, size=200)  # none of the last class
    probabilities = generator.dirichlet(np.ones(number), 200)
    names = [f"$a_rather long {i}" * (1 + i % 3) + "$ <name>" for i in range(number)]
    report = classification_report(labels, probabilities, names)
    for plot in (plot_confusion, plot_calibration):
        path = tmp_path / f"{plot.__name__}.png"
        plot(report, path)
        data = path.read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", data[16:24])
        assert 200 < width < 3000 and 200 < height < 3000
        with pytest.raises(OSError):
            plot(report, tmp_path / "nowhere" / "picture.png")


@pytest.mark.filterwarnings("error")
def test_pictures_of_one_example(tmp_path):
    report = classification_report([0], [[1.0, 0.0]], ["a", "b"])
    plot_confusion(report, str(tmp_path / "confusion.png"))
    plot_calibration(report, str(tmp_path / "calibration.png"))


def test_gradient_norms_are_those_of_the_equations():
    """Backwards by hand, through tanh: h' = h W (1 - h ** 2) at each step."""
    model = many_to_one(features=2, num_values=1, units=3, cell="simple")
    kernel, recurrent, bias, head, head_bias = map(np.array, model.get_weights())
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(4, 6, 2)), random.normal(size=(4, 1))
    states = [np.zeros((4, 3))]
    for step in range(6):
        states.append(np.tanh(inputs[:, step] @ kernel + states[-1] @ recurrent + bias))
    gradient = 2 * (states[-1] @ head + head_bias - targets) @ head.T
    norms = [np.linalg.norm(gradient, axis=1).mean()]
    for state in states[:0:-1]:
        gradient = gradient * (1 - state**2) @ recurrent.T
        norms.insert(0, np.linalg.norm(gradient, axis=1).mean())
    found = analysis.gradient_norms(model, inputs, targets)
    np.testing.assert_allclose(found, norms, rtol=1e-4)


@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
def test_gradient_norms_agree_with_finite_differences(cell):
    model = many_to_many(
        features=1, num_classes=3, units=2, cell=cell, initial_state="learned"
    )
    inputs = np.random.default_rng(0).normal(size=(1, 5, 1)).astype("float32")
    targets = np.array([[0, 0, 0, 0, 2]])
    found = analysis.gradient_norms(model, inputs, targets)
    assert found.shape == (6,)
    slopes = []
    for vector in model.get_layer("recurrence").learned_state[0]:
        for unit in np.eye(2, dtype="float32"):
            losses = []
            for sign in (-1, 1):
                vector.assign(sign * 1e-2 * unit)
                logits = np.array(model(inputs))[0, -1].astype("float64")
                losses.append(np.log(np.exp(logits).sum()) - logits[2])
            vector.assign(np.zeros(2))
            slopes.append((losses[1] - losses[0]) / 2e-2)
    np.testing.assert_allclose(found[0], np.linalg.norm(slopes), rtol=1e-2)


@pytest.mark.parametrize(
    "options", [{"pooling": "max"}, {"bidirectional": True}, {"residual": True}]
)
def test_gradient_norms_need_the_state_to_be_the_only_way(options):
    model = many_to_one(features=1, num_values=1, units=2, **options)
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"Received: {name}={value!r}"):
        analysis.gradient_norms(model, np.zeros((1, 3, 1)), [[0.0]])


def test_gradient_norms_refuse_padding_and_other_models():
    model = many_to_one(vocabulary_size=9, num_classes=2, units=2)
    with pytest.raises(ValueError, match="Received: padding among 3 steps"):
        analysis.gradient_norms(model, np.array([[1, 2, 0]]), np.array([1]))
    with pytest.raises(TypeError, match="Received: model="):
        analysis.gradient_norms(None, None, None)


@pytest.mark.parametrize("factory", [many_to_one, many_to_many])
def test_a_network_unrolled(factory, tmp_path):
    model = factory(features=2, num_values=1, units=3, cell="simple")
    path = tmp_path / "unrolled.png"
    analysis.plot_unrolled(model, [[1, 0], [0, 1], [1, 1]], path)
    assert path.stat().st_size > 5000


def test_what_cannot_be_drawn_unrolled(tmp_path):
    path = tmp_path / "unrolled.png"
    model = many_to_many(features=2, num_values=1, units=9, cell="simple")
    with pytest.raises(ValueError, match="Received: 9 units, 2 inputs, 1 outputs"):
        analysis.plot_unrolled(model, [[1, 0]], path)
    model = many_to_many(features=2, num_values=1, units=2, cell="gru")
    with pytest.raises(ValueError, match="Received: cell='gru'"):
        analysis.plot_unrolled(model, [[1, 0]], path)
    model = many_to_many(features=2, num_values=1, units=2, cell="simple")
    with pytest.raises(ValueError, match=r"Received: shape \(1, 1\)"):
        analysis.plot_unrolled(model, [[1]], path)
    with pytest.raises(TypeError, match="Received: model=3"):
        analysis.plot_unrolled(3, [[1]], path)
    assert not path.exists()
