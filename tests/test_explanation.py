"""Which words made an answer, in numbers, in a terminal and in HTML."""

import html.parser
import io

import keras
import numpy as np
import pytest
import rich.console

import rnnzoo
from rnnzoo import series_classifier, text_classifier
from rnnzoo.analysis import Explanation, explain
from rnnzoo.analysis.attribution import BATCH_SIZE
from rnnzoo.analysis.explanation import METHODS
from rnnzoo.tokens import Subwords

VOCABULARY = "a the film was good great bad awful plot but . it".split()
TEXTS = (
    "a good film,a bad film,the plot was great,the plot was awful,great and good,"
    "bad and awful,it was good .,it was bad .,great,awful,good plot,bad plot"
).split(",")


def tiny(**settings):
    settings = {"vocabulary": VOCABULARY, "units": 8, "embedding_dim": 8} | settings
    return text_classifier(**settings)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    model = tiny(max_length=150)
    model.compile(keras.optimizers.Adam(0.02), model.loss)
    model.fit(TEXTS, ["positive", "negative"] * 6, epochs=30, verbose=0)
    return model


def log_odds(model, text, name):
    shares = model.classify(text, probabilities=True)
    return np.log(shares[name] / sum(v for k, v in shares.items() if k != name))


@pytest.mark.parametrize("method", METHODS)
def test_the_telling_words_are_found(model, method):
    for text, word in (("it was a good film .", "good"), ("the plot was bad", "bad")):
        found = explain(model, text, method)
        assert found.answer == model.classify(text)
        shares = model.classify(text, probabilities=True)
        assert found.probability == pytest.approx(shares[found.answer], abs=1e-6)
        assert found.method == method
        assert found.top(1)[0][0] == word and found.top(1)[0][1] > 0
        assert found.contributions.shape == (len(found.tokens),)
        other = "negative" if found.answer == "positive" else "positive"
        opposite = explain(model, text, method, target_class=other)
        np.testing.assert_allclose(
            opposite.contributions, -found.contributions, atol=1e-5
        )
        assert opposite.probability == pytest.approx(shares[other], abs=1e-6)


def test_occlusion_is_the_difference_without_the_word():
    model = tiny(classes=["angry", "calm", "happy"])
    text = "the good , bad plot"
    words = text.split()
    found = explain(model, text, target_class="calm")
    for index, word in enumerate(words):
        variant = " ".join([*words[:index], "zzz", *words[index + 1 :]])
        change = log_odds(model, text, "calm") - log_odds(model, variant, "calm")
        assert found.contributions[index] == pytest.approx(change, abs=1e-5)
        assert found.known[index] == (word in VOCABULARY)
    assert found.contributions[2] == 0


@pytest.mark.parametrize(
    "is_trainable", [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_gradient_is_the_slope_along_the_word_vector(is_trainable):
    model = tiny(classes=["angry", "calm", "happy"])
    reader = model.get_layer("reader")
    reader.trainable = is_trainable
    text = "the good , bad plot"
    vectors = 20 * reader.get_weights()[0]
    reader.set_weights([vectors])
    found = explain(model, text, "gradient", target_class="happy")
    assert np.abs(found.contributions).max() > 0.01
    for index, number in enumerate(model.tokens.encode([text])[0]):
        scaled = []
        for scale in (1.01, 0.99):
            changed = vectors.copy()
            changed[number] *= scale
            reader.set_weights([changed])
            scaled.append(log_odds(model, text, "happy"))
        slope = (scaled[0] - scaled[1]) / 0.02
        assert found.contributions[index] == pytest.approx(slope, rel=0.01, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_functions_are_traced_once_and_see_new_weights(method):
    model = tiny()
    first = explain(model, "good", method, target_class="positive")
    for count in (1, 2, 70, 130):
        explain(model, "good bad " * count, method)
    for function in vars(model)["_explanation_functions"].values():
        assert function.graph.experimental_get_tracing_count() == 1
    model.set_weights([2 * weight for weight in model.get_weights()])
    again = explain(model, "good", method, target_class="positive")
    assert again.contributions[0] != first.contributions[0]


@pytest.mark.slow
def test_explaining_leaves_the_model_as_it_was(model, tmp_path):
    text = "a good film"
    variables = len(model.variables)
    for method in METHODS:
        explain(model, text, method)
    assert len(model.variables) == variables
    model.save(tmp_path / "model.keras")
    loaded = rnnzoo.load(tmp_path / "model.keras")
    for method in METHODS:
        np.testing.assert_allclose(
            explain(loaded, text, method).contributions,
            explain(model, text, method).contributions,
            atol=1e-6,
        )


def test_long_texts_are_read_in_batches(model):
    text = "the plot was good but it was bad . " * 15
    found = explain(model, text)
    assert len(found.tokens) == 135 > 2 * BATCH_SIZE
    words = text.split()
    for index in (0, 63, 64, 127, 128, 134):
        variant = " ".join([*words[:index], "zzz", *words[index + 1 :]])
        change = log_odds(model, text, found.answer) - log_odds(
            model, variant, found.answer
        )
        assert found.contributions[index] == pytest.approx(change, abs=1e-4)


@pytest.mark.parametrize("length", [5, 6])
def test_words_that_were_not_read_are_a_gap(length):
    model = tiny(max_length=length)
    words = ["a", "the", "film", "was", "good", "great", "bad", "awful"]
    found = explain(model, " ".join(words))
    half = length - length // 2
    assert found.tokens == words[:half] + words[-(length // 2) :]
    assert found.left_out == 8 - length
    line = str(found).splitlines()[1]
    assert line == " ".join([*found.tokens[:half], "[...]", *found.tokens[half:]])
    note = f"[...]: {found.left_out} words that were not read"
    assert note in str(found) and note in found.to_html()
    whole = explain(model, " ".join(words[:length]))
    assert whole.left_out == 0 and "[...]" not in str(whole) + whole.to_html()


@pytest.mark.parametrize("method", METHODS)
def test_empty_texts_and_single_words(model, method):
    for text, words, known in (
        ("", ["[unknown]"], [False]),
        (" \n", ["[unknown]"], [False]),
        ("Good", ["good"], [True]),
        ("😀", ["😀"], [False]),
        (b"caf\xc3\xa9", ["café"], [False]),
    ):
        found = explain(model, text, method)
        assert (found.tokens, found.known) == (words, known)
        assert np.isfinite(found.contributions).all()
        assert words[0] in str(found) and words[0] in found.to_html()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("kind", "text", "tokens"),
    [
        ("characters", "a b\u00e9", ["a", " ", "b", "\u00e9"]),
        ("bytes", "a \u00e9", ["a", " ", "\\xc3", "\\xa9"]),
        ("subwords", "good plot", ["\u2581good", "\u2581plot"]),
        ("whitespace", "Good plot", ["Good", "plot"]),
    ],
)
def test_every_kind_of_tokens(kind, text, tokens, method):
    vocabulary = {
        "subwords": Subwords.learn(TEXTS, 40),
        "whitespace": ["plot"],
    }.get(kind)
    model = tiny(tokens=kind, vocabulary=vocabulary, classes=["a", "b", "c"])
    found = explain(model, text, method, target_class="b")
    assert found.tokens == tokens and found.unit == model.tokens.kind
    assert found.contributions.any()
    is_known = {"characters": [True] * 3 + [False], "whitespace": [False, True]}
    assert found.known == is_known.get(kind, [True] * len(tokens))
    shown = str(found).splitlines()[1]
    assert shown == ("" if found.separator == "" else " ").join(tokens)
    assert f"{found.unit.capitalize()}s that count most" in found.to_html()


def test_occlusion_of_a_step_is_the_difference_without_it():
    model = series_classifier(weights=None, units=8)
    series = [[0.0, 89.0], [27.0, 100.0], [42.0, 75.0]]
    found = explain(model, series, target_class="3")
    assert found.tokens == ["0:[0 89]", "1:[27 100]", "2:[42 75]"]
    for index in range(3):
        variant = [*series[:index], model.tokens.means, *series[index + 1 :]]
        change = log_odds(model, series, "3") - log_odds(model, variant, "3")
        assert found.contributions[index] == pytest.approx(change, abs=1e-5)
    as_text = model.explain("0 89, 27 100, 42 75", target_class="3")
    np.testing.assert_array_equal(as_text.contributions, found.contributions)
    assert "when the mean step takes its place" in str(found)
    with pytest.raises(TypeError, match="one by one. Received: a batch of 2 series"):
        explain(model, [series, series])


def test_gradient_of_a_step_is_the_slope_along_its_distance_from_the_mean():
    model = series_classifier(weights=None, units=8)
    series, means = np.array([[0.0, 89.0], [27.0, 100.0]]), model.tokens.means
    found = model.explain(series, "gradient", target_class="3")
    for index in range(2):
        scaled = []
        for scale in (1.01, 0.99):
            changed = series.copy()
            changed[index] = means + scale * (series[index] - means)
            scaled.append(log_odds(model, changed, "3"))
        slope = (scaled[0] - scaled[1]) / 0.02
        assert found.contributions[index] == pytest.approx(slope, rel=0.01, abs=1e-4)


@pytest.mark.slow
def test_low_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = tiny()
    for method in METHODS:
        found = explain(model, "the plot was good", method)
        assert found.contributions.dtype == np.float64
        assert found.contributions.any()


def test_bad_arguments(model):
    with pytest.raises(TypeError, match=r"text must be a string.*Received: text=\["):
        explain(model, ["good", "bad"])
    with pytest.raises(TypeError, match=r"Received: text=None \(NoneType\)"):
        explain(model, None)
    with pytest.raises(ValueError, match="Did you mean 'occlusion'.*method='oclusion'"):
        explain(model, "good", "oclusion")
    with pytest.raises(
        ValueError, match="Did you mean 'positive'.*target_class='positiv'"
    ):
        explain(model, "good", target_class="positiv")
    with pytest.raises(ValueError, match="Received: count=0"):
        explain(model, "good").top(0)


def made(words, contributions, known=None, answer="positive"):
    known = known or [True] * len(words)
    return Explanation(answer, 0.9, "occlusion", words, np.array(contributions), known)


def test_top_and_plain_text():
    found = made(["so", "good", "bad", "ok"], [0.5, 2.0, -1.0, -0.5], [1, 1, 1, 0])
    assert found.top() == [("good", 2.0), ("bad", -1.0), ("so", 0.5), ("ok", -0.5)]
    assert found.top(2) == [("good", 2.0), ("bad", -1.0)]
    lines = str(found).splitlines()
    assert lines[:2] == ["positive, probability 0.900", "so good bad ok"]
    assert lines[3:5] == ["   +2.000  good", "   -1.000  bad"]
    assert lines[-1] == "Unknown to the model: ok"
    many = made([f"w{i}" for i in range(30)], [0.0] * 30, [False] * 30)
    assert str(many).endswith("w19 and 10 more")


def shown(found, **options):
    file = io.StringIO()
    console = rich.console.Console(
        file=file, force_terminal=True, color_system="truecolor", width=80, **options
    )
    console.print(found.to_terminal())
    return file.getvalue()


def test_colours_of_the_terminal():
    found = made(["good", "bad", "[bold]", "so"], [2.0, -1.0, 0.01, 1.0])
    coloured = shown(found)
    assert "48;2;0;180;70mgood" in coloured  # bright green
    assert "48;2;0;117;45mso" in coloured  # darker green
    assert "48;2;172;60;55mbad" in coloured  # red
    assert "[bold]" in coloured
    plain = shown(found, no_color=True)
    assert "48;2" not in plain and "+2.000  good" in plain


class Page(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.attributes = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data


def test_html_is_harmless_and_whole(model, tmp_path):
    words = ["<script>alert('1')</script>", '"><img src=x onerror=alert(1)>', "&amp;"]
    found = made([*words, "Größe"], [1.0, -2.0, 0.0, 0.5], [1, 0, 1, 1], "<b>&")
    found.save_html(tmp_path / "page.html")
    raw = (tmp_path / "page.html").read_bytes()
    page = Page(raw.decode("utf-8"))
    assert b'<meta charset="utf-8">' in raw
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href")]
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for text in [
        *words,
        "Größe",
        "<b>&, probability 0.900",
        METHODS["occlusion"].format(unit="word"),
    ]:
        assert text in page.text
    assert ("title", "-2.0000 nats, unknown to the model") in page.attributes
    fragment = found._repr_html_()
    assert fragment in raw.decode("utf-8") and "<html" not in fragment
    read = Page(explain(model, "A <script>alert(1)</script> film").to_html())
    assert "script" not in read.tags and "alert ( 1 )" in read.text


def test_a_page_that_cannot_be_written(tmp_path):
    with pytest.raises(OSError):
        made(["good"], [1.0]).save_html(tmp_path / "nowhere" / "page.html")
