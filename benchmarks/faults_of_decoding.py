"""Trials of stop strings, and of texts that are the same in other forms."""

import unicodedata

import numpy as np
from numpy.random import Generator

from rnnzoo import language_model, text_classifier
from rnnzoo.tokens import Subwords, Words

Outcome = tuple[int, list[str]]
TEXTS = ["the cat sat on the mat\n", "the dog sat at the tower\n", "a low row\n"] * 2
LETTERS = "aé ñü한\u0327o\u0302\u0323ẛ\u1ee3 \u00a0'&;"
REFERENCES = {"'": "&#39;", "&": "&amp;", "é": "&eacute;", "ü": "&#252;", "ñ": "&#xf1;"}


def stop_texts(random: Generator, count: int) -> Outcome:
    """A text ends where a stop first appears, whatever the tokens, as a stream does."""
    vocabularies = {
        "subwords": Subwords.learn(TEXTS, 60, lossless=True),
        "words": Words.learn(TEXTS, 30),
        "characters": "abé\n ",
        "bytes": None,
    }
    models = {
        kind: language_model(
            weights=None, tokens=kind, vocabulary=vocabulary, units=8, num_layers=1
        )
        for kind, vocabulary in vocabularies.items()
    }
    wrong = []
    for case in range(count):
        kind, model = list(models.items())[case % len(models)]
        options = {"max_length": int(random.integers(1, 50)), "seed": case}
        whole = model.generate("the", **options)
        stops = []
        for _ in range(random.integers(1, 4)):
            begin = int(random.integers(len(whole) + 1))
            stops.append(whole[begin : begin + int(random.integers(1, 9))])
        ends = [(whole.find(s) + len(s), whole.find(s)) for s in filter(None, stops)]
        expected = whole[: min(ends)[1]] if ends else whole
        found = model.generate("the", stop=stops, **options)
        streamed = "".join(model.stream("the", stop=stops, **options))
        if not found == streamed == expected:
            wrong.append(f"{kind}, {stops}: {found!r}, {streamed!r}, not {expected!r}")
    return count, wrong


def read_forms(random: Generator, count: int) -> Outcome:
    """A text is read in one way, in NFC, in NFD, and with HTML's references."""
    vocabulary = [*"aéñüo'&;", "한", "ợ"]
    models = [
        text_classifier(tokens=kind, vocabulary=words, units=4, ngrams=0)
        for kind, words in (
            ("words", vocabulary),
            ("characters", vocabulary),
            ("bytes", None),
        )
    ]
    wrong = []
    for _ in range(count):
        text = "".join(random.choice(list(LETTERS), random.integers(0, 12)))
        forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
        for model in models:
            first, second = model.tokens.encode(forms)
            if not np.array_equal(first, second):
                wrong.append(f"{model.tokens.kind}: {text!r} in two ways")
        composed = forms[0].replace(";", "")
        written = "".join(REFERENCES.get(letter, letter) for letter in composed)
        first, second = models[0].tokens.encode([composed, written])
        if not np.array_equal(first, second):
            wrong.append(f"words: {written!r} is not read as {composed!r}")
    return 4 * count, wrong
