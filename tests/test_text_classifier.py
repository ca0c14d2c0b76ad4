"""The classifier of texts for every kind of tokens, and how often it is built."""

import csv
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo import sentiment_classifier, text_classifier
from rnnzoo.command import main
from rnnzoo.data.categorical import Categorical
from rnnzoo.data.pipeline import Pairs
from rnnzoo.layers.keras_internals import replace_untracked
from rnnzoo.models.text_classification import TextClassifier
from rnnzoo.tokens import Subwords, labels, text
from rnnzoo.training import recipe_class

TEXTS = ["Get out of here!", "Never mind, dear.", "Hooray, hooray!", "Oh dear."] * 2
LABELS = ["angry", "calm", "happy", "calm"] * 2
# One kind by default: what differs between them, tests of the tokens cover.
KINDS = ["characters"] + [
    pytest.param(kind, marks=pytest.mark.slow)
    for kind in ("words", "bytes", "subwords", "whitespace")
]
SMALL = {"units": 8, "embedding_dim": 8, "max_length": 10, "cell": "simple"}
SMALL |= {"ngram_rows": 1000, "classes": ["angry", "calm", "happy"]}


def classifier(kind, **changes):
    vocabulary = {
        "words": ["dear", "out", "hooray", "!"],
        "subwords": Subwords.learn(TEXTS, 60),
        "whitespace": ["Get", "dear."],
    }.get(kind)
    return text_classifier(tokens=kind, vocabulary=vocabulary, **SMALL | changes)


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    """A trained model; no test may change it."""
    keras.utils.set_random_seed(1)
    model = classifier(request.param)
    model.adapt(Pairs(TEXTS, LABELS))
    model.compile_with_defaults(keras.optimizers.Adam(0.02))
    model.fit(TEXTS, LABELS, batch_size=8, epochs=40, verbose=0)
    return model


@pytest.mark.filterwarnings("ignore:.*have more than 10 (characters|bytes)")
def test_it_learns_is_saved_and_measured(model, tmp_path):
    with pytest.warns(UserWarning, match="have more than 10 "):
        long = model.classify(["x y " * 500, "Oh dear."])
    assert long[1] == "calm"
    report = model.report(Pairs(TEXTS, LABELS))
    assert report.accuracy > 0.8
    model.save(tmp_path / "model.keras")
    loaded = rnnzoo.load(tmp_path / "model.keras")
    assert type(loaded) is TextClassifier
    assert loaded.get_config() == model.get_config()
    assert loaded.tokens.get_config() == model.tokens.get_config()
    texts = [*TEXTS, "", "\N{GRINNING FACE}"]
    np.testing.assert_allclose(
        loaded.probabilities(texts), model.probabilities(texts), atol=1e-6
    )
    other = text_classifier(str(tmp_path / "model.keras"), classes=["a", "b"])
    assert other.classes == ["a", "b"]
    for weight, old in zip(other.weights, model.weights, strict=True):
        if weight.path.startswith(("reader/", "recurrence/")):
            np.testing.assert_array_equal(weight, old)


def test_of_long_texts_both_ends_are_read(model):
    unit = f"more than 10 {model.tokens.kind}s: their first 5 and last 5 were read"
    tokens = model.tokens
    whole = type(tokens).from_config(tokens.get_config() | {"max_length": None})
    long = "Get out, dear dear dear dear dear dear dear. Never mind, hooray!"
    ids = whole.encode([long])[0]
    np.testing.assert_array_equal(tokens.encode([long])[0], [*ids[:5], *ids[-5:]])
    np.testing.assert_array_equal(tokens(tf.constant([long]))[0], [*ids[:5], *ids[-5:]])
    assert tokens.count(long) == len(ids)
    with pytest.warns(UserWarning, match=unit):
        model.probabilities([long])


@pytest.mark.slow
def test_exports_of_every_kind_answer_as_python_does(model, tmp_path):
    assert rnnzoo.export(model, tmp_path / "served").exists()


@pytest.mark.parametrize("kind", ["bytes", "subwords"])
def test_a_vocabulary_that_cannot_change(kind):
    with pytest.raises(ValueError, match="of subwords and bytes cannot change"):
        classifier(kind).with_vocabulary(["a"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokens": "word"}, "tokens must be one of 'words'.*Did you mean 'words'?"),
        ({"tokens": "subwords"}, r"such as Subwords.learn\(texts, 10_000\)"),
        ({"tokens": "whitespace"}, r"such as Whitespace.learn\(texts, 10_000\)"),
        ({"tokens": "bytes", "vocabulary": "ab"}, "leave out vocabulary"),
        ({"max_length": 1}, "max_length must be an integer of at least 2"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        text_classifier(**settings)


def test_weights_of_film_reviews_by_any_name():
    for name in ("imdb", "sentiment_classifier.imdb"):
        model = text_classifier(name, tokens="words")
        assert type(model) is type(sentiment_classifier()) is TextClassifier
        assert model.classify("A quiet triumph.") == "positive"
    assert rnnzoo.list_weights("text_classifier") == []
    with pytest.raises(ValueError, match="tokens='bytes' where the weights have"):
        text_classifier("imdb", tokens="bytes")


def test_labels_of_a_file_stay_numbers(monkeypatch):
    model = classifier("bytes")
    codes = Categorical([2, 0], model.classes)
    assert model.class_numbers(codes) is codes.codes
    # Other categories, or numbers of a user's, are compared as names.
    swapped = Categorical([0, 1], model.classes[::-1])
    assert model.class_numbers(swapped).tolist() == [2, 1]
    with pytest.raises(ValueError, match="Received: row 0: '2', row 1: '0'"):
        model.class_numbers([2, 0])


class Stop(Exception):
    """Ends a training at its first step."""


@pytest.fixture
def moods(tmp_path):
    """A csv file of 40 rows."""
    path = tmp_path / "moods.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows(list(zip(TEXTS, LABELS, strict=True)) * 5)
    return path


def test_from_a_file_to_the_first_step_a_model_is_built_once(
    moods, tmp_path, monkeypatch
):
    body = tmp_path / "body.keras"
    classifier("words", classes=["bad", "good"]).save(body)
    built, checked, named = [], [], []
    build, check = TextClassifier.__init__, text.check_texts
    to_numbers = labels.class_numbers

    @functools.wraps(build)
    def init(self, **settings):
        built.append(settings["classes"])
        build(self, **settings)

    def count_checks(texts, *name):
        checked.append(texts)
        return check(texts, *name)

    def count_names(given, classes):
        named.append(not isinstance(given, Categorical))
        return to_numbers(given, classes)

    def stop(*arguments, **options):
        data = arguments[1]
        checked.clear()
        next(iter(data))
        raise Stop

    monkeypatch.setattr(TextClassifier, "__init__", init)
    monkeypatch.setattr("rnnzoo.tokens.raw.check_texts", count_checks)
    monkeypatch.setattr("rnnzoo.tokens.text.check_texts", count_checks)
    monkeypatch.setattr("rnnzoo.models.classifier.class_numbers", count_names)
    monkeypatch.setattr(TextClassifier, "fit", stop)
    recipe = recipe_class("own_texts")(
        data=str(moods), weights=str(body), batch_size=4, epochs=1
    )
    with pytest.raises(Stop):
        rnnzoo.train(recipe, tmp_path / "run", "cpu")
    # The body that is begun with; the model, and what is saved as the best one.
    moods = ["angry", "calm", "happy"]
    assert built == [["bad", "good"], moods, moods]
    assert named and not any(named)
    assert len(checked) == len({id(texts) for texts in checked}) > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["characters", "subwords"])
def test_own_texts_of_other_tokens(kind, moods, tmp_path, capsys):
    words = ["train", "own_sentiment", f"--data={moods}", f"--tokens={kind}"]
    words += ["--units=8", "--embedding_dim=8", "--epochs=1", "--cell=simple"]
    words += ["--vocabulary-size=60", "--ngram_rows=1000", f"--run={tmp_path}/run"]
    assert main([*words, "--steps_per_epoch=4"]) == 0
    model = rnnzoo.load(tmp_path / "run" / "best.keras")
    assert model.arguments["tokens"] == kind and model.card["recipe"] == "own_texts"
    # An earlier version called the recipe otherwise; its run folders go on.
    settings = tmp_path / "run" / "settings.json"
    content = settings.read_text().replace('"own_texts"', '"own_sentiment"')
    settings.write_text(content)
    assert main([*words, "--steps_per_epoch=4"]) == 0
    assert "This run is complete (1 epoch" in capsys.readouterr().out


def test_calibration_divides_the_logits_of_every_part():
    words = [f"w{number}" for number in range(6)]
    model = text_classifier(None, classes=["a", "b"], vocabulary=words, units=4)
    texts = [" ".join(words[n % 6 :]) for n in range(12)]
    head = model.get_layer("head")
    head.set_weights([np.full((16, 2), 9.0) * [1, -1], np.array([3.0, 0.0])])
    before = model.probabilities(texts)
    logits = np.log(before)
    # One in four is not what the model is sure of.
    labels = [model.classes[row.argmax()] for row in before]
    for place in range(0, 12, 4):
        labels[place] = {"a": "b", "b": "a"}[labels[place]]
    temperature = model.calibrate(Pairs(texts, labels))
    assert temperature > 1
    after = model.probabilities(texts)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
    differences = [np.diff(one, axis=1) for one in (logits, np.log(after))]
    np.testing.assert_allclose(differences[0], temperature * differences[1], rtol=1e-2)
    with pytest.raises(ValueError, match="ngram_scores='solved'"):
        text_classifier(None, vocabulary=words, ngram_scores="solved").calibrate(
            Pairs(texts, labels)
        )


def test_adversarial_noise_raises_the_loss_and_is_of_training_alone():
    keras.utils.set_random_seed(0)
    options = {"units": 8, "embedding_dim": 8, "dropout": 0.0, "token_dropout": 0.0}
    model = text_classifier(None, classes=["a", "b"], ngrams=0, **options)
    texts, labels = ["one two", "two", "three of all", "four"], ["a", "b", "a", "b"]
    clean = model.evaluate(texts, labels, verbose=0, return_dict=True)["loss"]
    ids, numbers = model.encode(texts, labels)
    vectors = model.get_layer("reader")(ids).numpy()
    real = (ids > 0)[..., None]
    norms = np.sqrt((vectors**2 * real).sum((1, 2)) / real.sum((1, 2)))

    def measure(noise):
        with replace_untracked(model.get_layer("reader"), "noise", noise):
            return keras.ops.mean(model.loss(numbers, model(ids, training=False)))

    noise = tf.zeros(vectors.shape)
    with tf.GradientTape() as tape:
        tape.watch(noise)
        loss = measure(noise)
    gradient = tape.gradient(loss, noise).numpy()
    gradient /= np.sqrt((gradient**2).sum((1, 2), keepdims=True))
    noisy = float(measure(0.3 * norms[:, None, None] * gradient))
    assert noisy > clean + 1e-3
    model.set_adversarial_noise(0.3)
    model.optimizer.learning_rate = 0.0
    history = model.fit(texts, labels, verbose=0).history
    assert history["loss"][0] == pytest.approx(clean + noisy, rel=1e-4)
    found = model.evaluate(texts, labels, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(clean, rel=1e-5)
