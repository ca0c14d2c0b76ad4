"""The classifier of texts: raw texts in, names of classes out, on the command line too.

None of its tests needs pretrained weights.
"""

import csv
import random
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo import sentiment_classifier
from rnnzoo.command import main
from rnnzoo.data.pipeline import Pairs

GOOD, BAD = ["warm", "superb", "fresh"], ["dull", "awful", "stale"]
OTHERS = ["the", "film", "plot", "is", "cast", "a", "."]
# The simple cell is quicker than a GRU.
SMALL = {"units": 8, "embedding_dim": 8, "max_length": 20, "cell": "simple"}
SMALL["ngrams"] = 0


def classifier(**changes):
    settings = {"vocabulary": [*GOOD, *BAD, *OTHERS], **SMALL, **changes}
    return sentiment_classifier(weights=None, **settings)


def made_up(count, seed=0):
    """Texts of 1 to 12 words, one of them telling the label."""
    draw = random.Random(seed)
    texts, labels = [], []
    for index in range(count):
        words = draw.choices(OTHERS, k=draw.randint(0, 11))
        words.insert(
            draw.randint(0, len(words)), draw.choice(GOOD if index % 2 else BAD)
        )
        texts.append(" ".join(words).capitalize())
        labels.append("positive" if index % 2 else "negative")
    return texts, labels


TEXTS, LABELS = made_up(64)


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Takes the place of every test's, which clears more and is slow."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def model():
    """A trained model; no test may change it."""
    keras.utils.set_random_seed(1)
    model = classifier()
    model.compile_with_defaults(keras.optimizers.Adam(0.03))
    model.fit(TEXTS, LABELS, batch_size=16, epochs=8, verbose=0)
    return model


# Answers


def test_it_learns_and_answers_texts_of_any_kind(model):
    texts = ["A superb cast.", "The plot is dull", "", "\U0001f600 fresh"]
    answers = model.classify(texts)
    assert answers[:2] == ["positive", "negative"] and answers[3] == "positive"
    assert [model.classify(text) for text in texts] == answers
    assert model.classify(tuple(texts)) == answers
    assert model.classify(np.array(texts)) == answers
    assert model.classify(np.array(texts, object)) == answers
    assert model.classify(tf.constant(texts)) == answers
    assert model.classify([text.encode() for text in texts]) == answers
    assert model.classify(texts[0].encode()) == "positive"
    assert model.classify(np.str_(texts[1])) == "negative"
    assert model.answer(texts) == answers and model.answer(texts[0]) == "positive"
    assert all(type(answer) is str for answer in answers)


def test_no_texts_have_no_answers(model):
    assert model.classify([]) == [] == model.classify(())
    assert model.classify(np.array([], object), probabilities=True) == []
    assert model.probabilities([]).shape == (0, 2)


def test_probabilities(model):
    shares = model.probabilities(TEXTS)
    assert shares.shape == (64, 2) and shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert shares.min() >= 0
    answers = model.classify(TEXTS, probabilities=True)
    assert [list(answer) for answer in answers] == [["negative", "positive"]] * 64
    np.testing.assert_allclose([list(a.values()) for a in answers], shares, atol=1e-5)
    assert model.classify(TEXTS) == [max(one, key=one.get) for one in answers]
    one = model.classify("Superb.", probabilities=True)
    assert one["positive"] > 0.5 and type(one["positive"]) is float
    logits = model.predict(TEXTS, verbose=0)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, expected, atol=1e-5)


def test_a_batch_is_answered_as_its_texts_are(model):
    texts, _ = made_up(70, seed=3)  # more than one batch
    texts += ["", "dull " * 19, "unheard of"]
    alone = np.concatenate([model.probabilities([text]) for text in texts])
    np.testing.assert_allclose(model.probabilities(texts), alone, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = model.probabilities([texts[index] for index in order])
    np.testing.assert_allclose(shuffled, alone[order], atol=1e-5)


def test_of_long_texts_the_head_and_the_tail_are_read(model):
    head, tail = "superb film . " * 3 + "fresh", "dull plot . " * 3 + "awful"
    long = f"{head} {'stale ' * 500} {tail}"
    exact = f"{head} {tail}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = model.classify([exact, "warm"], probabilities=True)
    message = (
        "2 of 3 texts have more than 20 words: their first 10 and last 10 were read"
    )
    with pytest.warns(UserWarning) as caught:
        got = model.classify([long, "warm", long], probabilities=True)
    assert [str(one.message) for one in caught] == [message]
    assert got[0] == pytest.approx(expected[0], abs=1e-5) == got[2]
    assert got[1] == pytest.approx(expected[1], abs=1e-5)


@pytest.mark.slow
def test_a_report_warns_once_of_long_texts(model):
    reviews = Pairs(["dull " * 30] * 1100 + ["warm"], ["negative"] * 1101)
    with pytest.warns(UserWarning) as caught:
        model.report(reviews)
    assert len(caught) == 1
    assert str(caught[0].message).startswith("1100 of 1101 texts have more than 20")


@pytest.mark.parametrize("kind", [np.array, np.str_, tf.constant, str.encode])
def test_one_text_of_any_kind_is_one_text(model, kind):
    assert model.classify(kind("superb film")) == "positive"
    assert model.answer(kind("dull plot")) == "negative"


def test_a_megabyte_of_text_is_answered(model):
    text = "superb " * 150_000
    with pytest.warns(UserWarning, match="1 of 1 texts have more than 20 words"):
        assert model.classify(text) == "positive"
    assert model.classify("x" * 10**6) == model.classify("unheard")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "texts must be a list of strings. Received: texts=None"),
        (
            ["fine", 3, None],
            "texts must be strings. Correct or remove 2 of 3 rows (rows count from 0); "
            "nothing was answered. Received:\n  row 1: 3 (int)\n"
            "  row 2: a missing value (None)",
        ),
    ],
)
def test_what_is_no_text_is_refused(model, texts, message):
    with pytest.raises(TypeError) as error:
        model.classify(texts)
    assert str(error.value) == message


# Labels


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["negative", "positve"],
            "labels must be among 'negative', 'positive'. Did you mean 'positive'? "
            "Correct them, or build a model for other classes with classes=[...]. "
            "Received: row 1: 'positve'",
        ),
        (
            [1, 0],
            "labels must be among 'negative', 'positive'. Correct them, or build a "
            "model for other classes with classes=[...]. Received: row 0: '1', "
            "row 1: '0'",
        ),
        (
            ["?"] * 8,
            "labels must be among 'negative', 'positive'. Correct them, or build a "
            "model for other classes with classes=[...]. Received: row 0: '?', "
            "row 1: '?', row 2: '?', row 3: '?', row 4: '?' and 3 more",
        ),
        (
            ["negative"],
            "There must be as many labels as texts. Received: {count} texts and 1 "
            "labels",
        ),
    ],
)
def test_labels_that_are_no_class(model, labels, message):
    count = len(labels) + (labels == ["negative"])
    before = model.get_weights()
    for learn in (model.fit, model.evaluate):
        with pytest.raises(ValueError) as error:
            learn(["dull"] * count, labels, verbose=0)
        assert str(error.value) == message.format(count=count)
    assert all(map(np.array_equal, before, model.get_weights()))


def test_labels_are_compared_as_text():
    model = classifier(classes=[1, 2, 3])
    assert model.classes == ["1", "2", "3"]
    expected = [2, 0, 1]
    for labels in (
        [3, 1, 2],
        ["3", "1", "2"],
        [b"3", np.int64(1), np.str_("2")],
        np.array([3, 1, 2], "uint8"),
        np.array(["3", "1", "2"]),
        np.array([b"3", b"1", b"2"]),
        tf.constant([3, 1, 2]),
        tf.constant(["3", "1", "2"]),
    ):
        numbers = model.class_numbers(labels)
        assert numbers.dtype == np.int32 and numbers.tolist() == expected
    assert model.class_numbers([]).shape == (0,)
    assert model.classify("dull") in ("1", "2", "3")


@pytest.mark.parametrize(
    ("classes", "kind", "message"),
    [
        (
            ["a"],
            ValueError,
            "classes must be at least two different names. Received: classes=['a']",
        ),
        (
            [3, "3"],
            ValueError,
            "classes must be at least two different names. Received: classes=[3, '3']",
        ),
        ("ab", TypeError, "classes must be a list of names. Received: classes='ab'"),
        (3, TypeError, "classes must be a list of names. Received: classes=3"),
    ],
)
def test_classes_that_cannot_be(classes, kind, message):
    with pytest.raises(kind) as error:
        classifier(classes=classes)
    assert str(error.value) == message


# Training


def test_fit_takes_texts_and_names(model):
    model = rnnzoo.load(saved(model, "fit"))
    model.run_eagerly = True  # tracing a graph takes longer than a few steps
    validation = (TEXTS[:8], LABELS[:8])
    history = model.fit(
        np.array(TEXTS[:32]),
        np.array(LABELS[:32]),
        batch_size=16,
        validation_data=validation,
        sample_weight=np.ones(32, "float32"),
        verbose=0,
    ).history
    loss, accuracy = model.evaluate(*validation, verbose=0)
    assert history["val_loss"] == [pytest.approx(loss, rel=1e-5)]
    assert history["val_accuracy"] == [pytest.approx(accuracy)]
    nothing = (*validation, np.zeros(8, "float32"))
    history = model.fit(
        TEXTS[:16], LABELS[:16], batch_size=16, validation_data=nothing, verbose=0
    ).history
    assert history["val_loss"] == [0]


def test_an_example_of_no_weight_changes_nothing():
    def trained(labels, weights):
        keras.utils.set_random_seed(4)
        model = classifier(dropout=0.0, token_dropout=0.0)
        model.compile_with_defaults(keras.optimizers.SGD(0.5))
        model.run_eagerly = True
        model.fit(TEXTS[:4], labels, sample_weight=np.array(weights), verbose=0)
        return model.get_weights()

    one = trained(["positive"] * 3 + ["negative"], [1.0, 1, 2, 0])
    other = trained(["positive"] * 4, [1.0, 1, 2, 0])
    every = trained(["positive"] * 3 + ["negative"], [1.0, 1, 2, 1])
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert any(
        not np.allclose(a, b, atol=1e-6) for a, b in zip(one, every, strict=True)
    )


def test_padding_that_every_row_has_changes_nothing():
    ids = classifier().tokens.encode(TEXTS[:16])
    numbers = classifier().class_numbers(LABELS[:16])

    def trained(extra):
        keras.utils.set_random_seed(4)
        model = classifier(dropout=0.0, token_dropout=0.0)
        model.compile_with_defaults(keras.optimizers.SGD(0.5))
        model.run_eagerly = True
        x = np.pad(ids, [(0, 0), (0, extra)])
        steps = [model.train_on_batch(x, numbers, return_dict=True) for _ in range(2)]
        steps.append(model.test_on_batch(x, numbers, return_dict=True))
        return [step["loss"] for step in steps], model.get_weights()

    plain, padded = trained(0), trained(23)
    np.testing.assert_allclose(plain[0], padded[0], rtol=1e-5)
    for a, b in zip(plain[1], padded[1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_batches_are_trimmed_to_their_longest_row(model):
    ids = np.array([[5, 2, 0, 0, 0], [3, 0, 0, 0, 0]])
    assert np.asarray(model.trim_padding(ids)).tolist() == [[5, 2], [3, 0]]
    assert np.asarray(model.trim_padding(ids[:, :2])).tolist() == [[5, 2], [3, 0]]
    assert np.asarray(model.trim_padding(np.zeros((2, 4), int))).tolist() == [[0], [0]]


def test_the_report_counts_as_by_hand(model):
    texts, labels = made_up(40, seed=9)
    labels[:10] = labels[:10][::-1]  # ten of them wrong
    answers = model.classify(texts)
    report = model.report(Pairs(texts, labels))
    right = sum(map(str.__eq__, answers, labels))
    assert 0 < right < 40
    assert report.accuracy == pytest.approx(right / 40)
    one = model.report(Pairs(texts[:1], answers[:1]))
    assert one.accuracy == 1
    with pytest.raises(ValueError, match="labels must be among 'negative'"):
        model.report(Pairs(["dull"], ["bad"]))


# Files


def saved(model, name):
    path = FOLDER / f"{name}.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    global FOLDER
    FOLDER = tmp_path_factory.mktemp("models")
    return FOLDER


def test_a_file_holds_vocabulary_labels_and_answers(model):
    loaded = rnnzoo.load(saved(model, "mine"))
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    assert loaded.tokens.vocabulary == [*GOOD, *BAD, *OTHERS]
    assert loaded.tokens.max_length == 20 and loaded.classes == model.classes
    np.testing.assert_allclose(
        loaded.probabilities(TEXTS), model.probabilities(TEXTS), atol=1e-6
    )


def test_weights_of_a_file(model):
    path = str(saved(model, "weights"))
    same = sentiment_classifier(path)
    assert all(map(np.array_equal, same.get_weights(), model.get_weights()))
    assert sentiment_classifier(path, units=8).get_config() == model.get_config()
    other = sentiment_classifier(
        path, classes=["sad", "glad", "mad"], vocabulary=["dull", "warm", "new"]
    )
    assert other.classes == ["sad", "glad", "mad"]
    assert other.tokens.vocabulary == ["dull", "warm", "new"]
    vectors, old = (one.get_layer("reader").get_weights()[0] for one in (other, model))
    places = [0, 1, 2 + GOOD.index("warm"), 1]
    places[2:2] = [2 + len(GOOD) + BAD.index("dull")]
    np.testing.assert_array_equal(vectors, old[places])
    with pytest.raises(ValueError) as error:
        sentiment_classifier(path, units=16, cell="lstm", classes=["a", "b"])
    assert str(error.value).endswith(
        "Received: units=16 where the weights have 8; cell='lstm' where the weights "
        "have 'simple'"
    )
    with pytest.raises(ValueError, match="There are no such weights"):
        sentiment_classifier("/no/such.keras")


# The command line

OPTIONS = ["--text=review", "--label=stars"]
TINY = ["--units=8", "--embedding_dim=8", "--max_length=20", "--cell=simple"]
TINY += ["--ngrams=0", "--epochs=2", "--tokens=words"]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A csv file of 60 rows."""
    path = tmp_path_factory.mktemp("data") / "x.csv"
    texts, labels = made_up(60, seed=5)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "review", "stars"])
        for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
            rows.writerow([number, text, 5 if label == "positive" else 1])
    return path


@pytest.fixture(scope="module")
def words(reviews, tmp_path_factory):
    """What was typed to train the model of `run`."""
    run = tmp_path_factory.mktemp("runs") / "a"
    words = ["train", "own_texts", f"--data={reviews}", *OPTIONS, *TINY]
    return [*words, "--weights=none", "--batch_size=8", f"--run={run}"], run


@pytest.fixture(scope="module")
def run(words):
    typed, run = words
    assert main(typed) == 0
    return run


def test_a_run_that_is_complete_says_so(words, run, capsys):
    history = (run / "history.csv").read_text()
    assert len(history.splitlines()) == 3
    assert main(words[0]) == 0
    assert "This run is complete (2 epochs)" in capsys.readouterr().out
    assert (run / "history.csv").read_text() == history


def test_the_trained_model_knows_words_and_labels_of_the_file(run, capsys):
    model = rnnzoo.load(run / "best.keras")
    assert model.classes == ["1", "5"]
    assert set(model.tokens.vocabulary) == {*GOOD, *BAD, *OTHERS}
    assert model.card["recipe"] == "own_texts"
    assert main(["answer", f"{run}/best.keras", "Superb, fresh.", "awful"]) == 0
    captured = capsys.readouterr()
    assert captured.out.split() == model.classify(["Superb, fresh.", "awful"])
    assert captured.err == ""


def test_evaluate_on_a_file_of_ones_own(run, reviews, tmp_path, capsys):
    words = ["evaluate", f"{run}/best.keras", f"--data={reviews}", *OPTIONS]
    plots = tmp_path / "new" / "plots"
    assert main([*words, f"--plots={plots}"]) == 0
    captured = capsys.readouterr()
    assert "accuracy" in captured.out.lower()
    names = ["calibration.png", "confusion.png"]
    assert sorted(path.name for path in plots.iterdir()) == names
    for name in names:
        assert (plots / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert f"Written: {plots / name}" in captured.err


def test_evaluate_on_what_was_held_out(run, words, capsys):
    assert main(["evaluate", f"{run}/best.keras"]) == 0
    figures = dict(line.split() for line in capsys.readouterr().out.splitlines())
    recipe = rnnzoo.training.recipe_class("own_texts")(
        data=words[0][2].removeprefix("--data="), text="review", label="stars"
    )
    texts, labels = recipe.test_examples()
    assert len(texts) == 6
    answers = rnnzoo.load(run / "best.keras").classify(texts)
    expected = np.mean([a == b for a, b in zip(answers, labels, strict=True)])
    assert float(figures["accuracy"]) == pytest.approx(expected, abs=1e-5)


@pytest.fixture(scope="module")
def bad_reviews(reviews):
    """The same rows and two that cannot be used."""
    lines = reviews.read_text().splitlines()
    lines[3:3] = ["too few", "9,,5"]
    path = reviews.with_name("bad.csv")
    path.write_text("\n".join(lines) + "\n")
    return path


def refused_or_skipped(words, capsys):
    """Runs a command on bad rows, and then as the message says that it should be."""
    assert main(words) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("rnnzoo: ") and "2 of 62 rows are bad" in errors
    assert "line 4" in errors and "line 5" in errors
    assert "--skip-bad-rows" in errors and "Traceback" not in errors
    assert main([*words, "--skip-bad-rows"]) == 0
    captured = capsys.readouterr()
    assert "2 of 62 rows are bad" in captured.out + captured.err


def test_bad_rows_are_named_or_skipped(run, bad_reviews, tmp_path, capsys):
    words = ["evaluate", f"{run}/best.keras", f"--plots={tmp_path}/plots"]
    refused_or_skipped([*words, f"--data={bad_reviews}", *OPTIONS], capsys)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            [],
            "Say which file or folder holds the texts: --data=reviews.csv. Received: "
            "data=''",
        ),
        (["--data={data}", "--text=reviews"], "Did you mean 'review'?"),
        (["--data={data}.gone"], "x.csv.gone"),
        (["--data={data}", *OPTIONS, "--units=0"], "units must be"),
    ],
)
def test_what_cannot_be_trained_on(words, message, reviews, tmp_path, capsys):
    words = [word.format(data=reviews) for word in words]
    begin = ["train", "own_texts", "--weights=none", f"--run={tmp_path}/run"]
    assert main([*begin, *words]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("rnnzoo: ") and message in captured.err
    assert not (tmp_path / "run" / "best.keras").exists()


def test_fine_tuning_from_a_file(model, bad_reviews, tmp_path, capsys):
    path = saved(model, "body")
    words = ["train", "own_texts", f"--data={bad_reviews}", *OPTIONS]
    words += ["--epochs=1", "--batch_size=8", f"--weights={path}", "--no-unfreeze"]
    assert main([*words, f"--run={tmp_path}/no", "--units=16"]) == 1
    assert "units=16 where the weights have 8" in capsys.readouterr().err
    refused_or_skipped([*words, f"--run={tmp_path}/yes"], capsys)
    tuned = rnnzoo.load(tmp_path / "yes" / "best.keras")
    assert tuned.classes == ["1", "5"]
    assert tuned.tokens.vocabulary == model.tokens.vocabulary
    assert tuned.get_config()["units"] == 8
    # The body has moved, and not far.
    vectors, old = (one.get_layer("reader").get_weights()[0] for one in (tuned, model))
    assert 0 < np.abs(vectors - old).max() < 0.1
