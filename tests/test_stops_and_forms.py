"""Stop strings whatever the tokens are, and texts that are the same in other forms."""

import numpy as np
import pytest
import tensorflow as tf

from rnnzoo import (
    language_model,
    sentiment_classifier,
    surname_classifier,
    text_classifier,
    translator,
)
from rnnzoo.decoding import DecodingOptions
from rnnzoo.tokens import Characters, Subwords, Whitespace, Words

TEXTS = ["the cat sat on the mat\n", "the dog sat at the tower\n", "a low row\n"] * 2
TINY = {"weights": None, "units": 8, "num_layers": 1}


def make_subwords(texts):
    return Subwords.learn(texts, 60, lossless=True)


def make_words(texts):
    return Words.learn(texts, 30)


@pytest.fixture(scope="module", params=["subwords", "words", "characters", "bytes"])
def model(request):
    vocabulary = {
        "subwords": make_subwords,
        "words": make_words,
        "characters": lambda texts: "abé\n ",
        "bytes": lambda texts: None,
    }[request.param](TEXTS)
    return language_model(tokens=request.param, vocabulary=vocabulary, **TINY)


def cut(text, stops):
    """What comes before the stop that ends first."""
    ends = [(text.find(s) + len(s), text.find(s)) for s in stops if s in text]
    return text[: min(ends)[1]] if ends else text


def test_texts_end_where_a_stop_first_appears(model):
    options = DecodingOptions(max_length=40, seed=3)
    whole = model.generate("the", options)
    for begin in (0, 5, 11, 20):
        for size in (1, 2, 7):
            stops = [stop for stop in (whole[begin : begin + size], "zzz") if stop]
            expected = cut(whole, stops)
            assert model.generate("the", options, stop=stops) == expected
            assert "".join(model.stream("the", options, stop=stops)) == expected
    for stop in (whole[3:6], whole[7:8], ""):
        changed = options.replace(stop=stop)
        graph = model.generate_graph(tf.constant(["the", ""]), changed)
        found = [text.decode() for text in graph["text"].numpy()]
        assert found == model.generate(["the", ""], changed)
    for text, _ in model.generate("a", beam_width=3, n_best=3, max_length=9, stop="a"):
        assert "a" not in text


def test_stops_of_words_are_written_as_the_model_writes():
    model = language_model(tokens="words", vocabulary=["the", "cat", ","], **TINY)
    whole = model.generate("the", max_length=60, seed=1)
    assert model.generate("the", max_length=60, seed=1, stop="The,") == cut(
        whole, ["the ,"]
    )
    assert model.generate("the", max_length=60, seed=1, stop=" cat ") == cut(
        whole, [" cat "]
    )


@pytest.mark.parametrize(
    ("tokens", "stop"),
    [("subwords", "é" * 65), ("bytes", "é" * 33), ("words", "a " * 65)],
)
def test_stops_have_a_limit(tokens, stop):
    vocabulary = {"subwords": make_subwords, "words": make_words}.get(tokens)
    vocabulary = vocabulary and vocabulary(TEXTS)
    model = language_model(tokens=tokens, vocabulary=vocabulary, **TINY)
    with pytest.raises(ValueError, match=r"at most 64 symbols. Received: one of 6[56]"):
        model.generate("a", stop=stop)


COMPOSED, DECOMPOSED = (
    "caf\u00e9 M\u00fcller \ud55c",
    "cafe\u0301 Mu\u0308ller \u1112\u1161\u11ab",
)


@pytest.mark.parametrize("tokens", ["words", "characters", "bytes"])
def test_new_models_read_one_text_in_one_way(tokens):
    vocabulary = {"words": ["cafe\u0301"], "characters": "éü\ud55c"}
    model = text_classifier(
        tokens=tokens, vocabulary=vocabulary.get(tokens), units=4, ngrams=0
    )
    one, two = model.tokens.encode([COMPOSED, DECOMPOSED])
    assert one.tolist() == two.tolist() and one.max() > 1
    in_graph = model.tokens(tf.constant([DECOMPOSED])).numpy()[0]
    assert in_graph.tolist() == one[: len(in_graph)].tolist()
    first, second = model.probabilities([COMPOSED, DECOMPOSED])
    np.testing.assert_array_equal(first, second)
    assert type(model).from_config(model.get_config()).tokens.normalize
    old = {k: v for k, v in model.get_config().items() if k != "normalize"}
    assert not type(model).from_config(old).tokens.normalize


def test_surnames_and_vocabularies_are_normalized():
    tokens = surname_classifier(weights=None, units=4).tokens
    one, two = tokens.encode(["Müller", "Mu\u0308ller"])
    assert one.tolist() == two.tolist() and tokens.count("Mu\u0308ller") == 6
    assert Characters.learn(["u\u0308"], 9, normalize=True) == ["ü"]
    assert Characters.learn(["u\u0308"], 9) == ["u", "\u0308"]


def test_old_files_and_language_models_keep_texts_as_they_are():
    assert not sentiment_classifier().tokens.normalize
    model = language_model(vocabulary="e\u0301é", **TINY)
    assert model.score("e\u0301")["symbols"] == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don&#39;t &quot;go&quot; &amp; stay", ["don't", '"', "go", '"', "&", "stay"]),
        ("it&#x27;s &apos;tis &rsquo;", ["it's", "'", "tis", "'"]),
        ("caf&eacute; e&#769; &nbsp;x &#128512;", ["café", "é", "x", "\U0001f600"]),
        ("&amp;quot; &nosuch; a&b; R&D", "& quot ; & nosuch ; a & b ; r & d".split()),
        ("&lt;br /&gt;&#0;&#9999999;", ["&", "#", "0", ";", "\ufffd"]),
        ("", []),
    ],
)
def test_references_are_the_characters_they_stand_for(text, words):
    assert Words.split(text, normalize=True) == words
    tokens = Words(sorted(set(words)), normalize=True)
    ids = tokens.encode([text, "&quot"])
    assert tokens.decode(ids)[0].split() == (words or ["[unknown]"])
    assert Words.learn([text], 99, normalize=True) == Words.learn([" ".join(words)], 99)


@pytest.mark.parametrize("space", "\u00a0\u2003\u3000\u2028\x85\x1c\t\n\x0b\x0c\u202f")
def test_white_space_is_white_space_to_the_translator(space):
    model = translator(weights=None, units=4)
    expected = model.tokens.encode(["a dog runs"]).tolist()
    assert (
        model.tokens.encode([f"{space}a{space}dog{space}runs{space}"]).tolist()
        == expected
    )
    if space != "\n":
        tokens = Whitespace(["a", "dog"], normalize=True)
        assert tokens.encode([f"a{space}dog"]).tolist() == [[2, 3]]
