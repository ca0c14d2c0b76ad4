"""The classifier of series: kinds of input, what it refuses, and its data files."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_data

from rnnzoo import series_classifier
from rnnzoo.command import main
from rnnzoo.models.series_classification import SeriesClassifier
from rnnzoo.recipes.japanese_vowels import UTTERANCES, JapaneseVowels
from rnnzoo.recipes.pen_digits import PenDigits

TWO = [[0, 89], [27, 100], [42, 75], [29, 45], [15, 15], [37, 0], [69, 2], [100, 6]]


@pytest.fixture(scope="module")
def model():
    return series_classifier()


def test_every_kind_of_input(model):
    assert model.classify(TWO) == "2"
    assert model.classify(tuple(map(tuple, TWO))) == "2"
    assert model.classify(np.array(TWO)) == "2"
    assert model.classify(tf.constant(TWO)) == "2"
    assert model.classify([TWO, TWO[:5], np.array(TWO)])[::2] == ["2", "2"]
    assert model.classify(np.array([TWO, TWO])) == ["2", "2"]
    assert model.answer(str(TWO)) == "2"
    assert model.answer([str(TWO)] * 3) == ["2"] * 3
    assert model.classify([]) == []
    shares = model.classify(TWO, probabilities=True)
    assert list(shares) == model.classes
    assert max(shares, key=shares.get) == "2" and abs(sum(shares.values()) - 1) < 1e-5


def test_series_of_one_number_a_step():
    model = SeriesClassifier(classes=["a", "b"], means=[1.0], scales=[2.0], units=4)
    answer = model.classify([1.0, 2.0, 3.0])
    assert answer in ("a", "b") and model.answer("1 2 3") == answer
    assert model.classify(np.array([[1, 2, 3]] * 2)) == [answer] * 2
    assert model.classify([[1, 2, 3], np.array([1.0, 2.0, 3.0])]) == [answer] * 2


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ([[1, 2, 3]], ValueError, "row 0: not one or more steps of 2 numbers"),
        (
            [TWO, [[1, float("nan")]]],
            ValueError,
            "row 1: step 0: a number is not finite",
        ),
        ([TWO, [[True, 1]]], TypeError, "row 1: True is not a number"),
        ("1 2 three", TypeError, "'three' is not a number"),
        (7, TypeError, "Received: series=7"),
    ],
)
def test_wrong_input(model, wrong, kind, message):
    with pytest.raises(kind, match="Received") as error:
        model.answer(wrong)
    assert message in str(error.value)


def test_a_step_of_zeros_is_no_padding(model):
    zeros = model.tokens.encode([[list(model.tokens.means)], TWO])
    assert zeros[0, 0].tolist() == [0, 0, 1] and not zeros[0, 1:].any()


def test_files_of_the_recipes(tmp_path):
    data = tiny_data.prepare(tmp_path / "data")
    series, labels = PenDigits(data=str(data)).read("test")
    assert len(series) == 40 and series[0].shape == (8, 2)
    assert labels[:11] == [*"0123456789", "0"]
    frame = " ".join(["0.5"] * 12)
    blocks = (f"{frame}\n" * (2 + index % 3) for index in range(270))
    text = f"{' '.join(['1.0'] * 12)}\n".join(blocks)
    (tmp_path / "ae.train").write_text(text, encoding="utf-8")
    series, labels = JapaneseVowels(data=str(tmp_path)).read("train")
    assert [len(one) for one in series[:4]] == [2, 3, 4, 2]
    assert labels == [str(1 + index // 30) for index in range(270)]
    assert sum(UTTERANCES["test"]) == 370
    with pytest.raises(ValueError, match="--data=FOLDER. Received: data=''"):
        PenDigits().read("train")


def test_changed_digits_fill_the_square_again():
    recipe = PenDigits(data="unused")
    digits = recipe.augment([np.array(TWO)] * 3, np.random.default_rng(0))
    for digit in digits:
        assert np.allclose(digit.min(axis=0), 0) and np.allclose(digit.max(axis=0), 100)
    assert not np.allclose(digits[0], digits[1], atol=1)


def test_other_classes_get_a_fresh_head(model):
    other = series_classifier(classes=["left", "right"])
    assert other.classes == ["left", "right"]
    assert other.classify(TWO) in other.classes
    copy = model.with_classes(["left", "right"])
    for one in (other, copy):
        for weight, old in zip(one.weights, model.weights, strict=True):
            if not weight.path.startswith("head/"):
                np.testing.assert_array_equal(weight, old)
    assert one.card == {"body": "series_classifier.pen_digits"}
    assert model.with_classes(model.classes) is model


def test_a_file_of_an_earlier_version_has_other_names(model, tmp_path):
    config = model.get_config()
    assert (
        SeriesClassifier.from_config(
            {"spreads" if key == "scales" else key: v for key, v in config.items()}
        ).get_config()
        == config
    )
    assert series_classifier("pen_digits", scales=config["scales"]).classes
    with pytest.raises(ValueError, match="scales=.* where the weights have"):
        series_classifier("pen_digits", scales=[1.0, 2.0])


def test_evaluate_and_explain_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "digits.csv"
    text = " ".join(f"{x} {y}" for x, y in TWO)
    path.write_text(f"points,digit\n{text},2\n{text},3\n")
    words = ["evaluate", "series_classifier", f"--data={path}", "--text=points"]
    assert main([*words, "--label=digit", f"--plots={tmp_path}", "--json"]) == 0
    assert '"accuracy": 0.5' in capsys.readouterr().out
    assert (tmp_path / "confusion.png").exists()
    for option in ("--target-class", "--of"):
        words = ["explain", "series_classifier", text, f"{option}=3"]
        assert main([*words, "--method=gradient"]) == 0
        assert capsys.readouterr().out.startswith("3, probability 0.0")
