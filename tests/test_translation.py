"""The translator: what it reads and writes, and how it is trained."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnzoo
from rnnzoo import command, training, translator
from rnnzoo.analysis import plot_attention, text_quality
from rnnzoo.data import parallel
from rnnzoo.decoding import decode_greedily
from rnnzoo.layers.metrics import SmoothedCrossentropy
from rnnzoo.recipes import multi30k_en_de
from rnnzoo.recipes.own_translator import OwnTranslator
from rnnzoo.tokens import Subwords, Words

ENGLISH = ["a dog runs", "a cat sleeps", "the dog sleeps", "the cat runs", "a man sees"]
GERMAN = ["ein Hund rennt", "eine Katze schläft", "der Hund schläft"]
GERMAN += ["die Katze rennt", "ein Mann sieht"]
ODD = ["", " \t", "\0", "\N{GRINNING FACE}", "Ğülşen ıslık çaldı", "dog " * 120]


@pytest.fixture(scope="module")
def vocabulary():
    return Subwords.learn(ENGLISH + GERMAN, size=70)


def with_large_weights(vocabulary, **options):
    """An untrained model that is not indifferent to what it reads."""
    keras.utils.set_random_seed(3)
    options = {"units": 12, "embedding_dim": 8, **options}
    model = translator(weights=None, vocabulary=vocabulary, **options)
    for weight in model.weights:
        weight.assign(np.random.normal(0, 0.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def model(vocabulary):
    return with_large_weights(vocabulary)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"attention": "none", "cell": "lstm"},
        {"attention": "additive", "cell": "simple", "num_layers": 3},
        {"attention": "additive", "num_layers": 1, "reverse_source": True},
    ],
)
def test_steps_give_what_the_whole_sequence_gives(vocabulary, options):
    model = with_large_weights(vocabulary, **options)
    inputs, _ = model.encode(ENGLISH[:2], GERMAN[:2])
    whole = np.array(model(inputs))
    state = model.begin(inputs["source"])
    for time in range(4):
        logits, state = model.step(inputs["target"][:, time], state)
        np.testing.assert_allclose(logits, whole[:, time], atol=1e-4)


def test_callers_with_their_own_loop_write_what_the_model_writes(model):
    begin, step = (model.signatures()[name].graph for name in ("begin", "step"))
    for text in ENGLISH:
        source = model.tokens.encode([text])
        state = begin(source=source)
        token, written = np.array([model.tokens.start_id], "int32"), []
        while len(written) < 8:
            found = step(token=token, **state)
            logits = np.array(found.pop("outputs"))
            logits[:, [0, model.tokens.UNKNOWN]] = -np.inf
            token = logits.argmax(axis=1).astype("int32")
            if token == model.tokens.start_id:
                break
            written.append(token[0])
            state |= {name.removeprefix("next_"): part for name, part in found.items()}
        expected = model.translate(text, beam_width=1, return_attention=True)[1].target
        symbols = model.tokens.symbols_of(written)
        assert symbols == expected[: len(symbols)]
        assert len(symbols) in (8, len(expected) - 1)
        start = model.tokens.start_id
        greedy = decode_greedily(model, source, start=start, end=start, max_length=1)
        assert model.tokens.symbols_of(greedy[0]) == expected[:1]


def test_targets_are_one_step_ahead_and_end(model):
    inputs, targets = model.encode(["a", "a dog"], ["eine Katze", ""])
    start = model.tokens.start_id
    assert np.all(inputs["source"][:, 0] == start)
    assert np.all(inputs["target"][:, 0] == start)
    length = np.count_nonzero(inputs["target"][0])
    np.testing.assert_array_equal(inputs["target"][0, 1:length], targets[0, :-1])
    assert targets[0, length - 1] == start
    assert targets[1].tolist() == [start] + [0] * (length - 1)
    alone, nothing = model.encode(["a", "a dog"])
    assert alone["target"].tolist() == [[start], [start]] and nothing is None
    np.testing.assert_array_equal(alone["source"], inputs["source"])


def test_a_batch_gives_what_one_by_one_gives(model):
    texts = [*ENGLISH, *ODD]
    together = model.translate(texts, n_best=3, return_scores=True)
    for text, found in zip(texts, together, strict=True):
        alone = model.translate(text, n_best=3, return_scores=True)
        assert [answer for answer, _ in alone] == [answer for answer, _ in found]
        np.testing.assert_allclose(
            [score for _, score in alone], [score for _, score in found], atol=1e-3
        )
    assert model.translate(texts) == [found[0][0] for found in together]
    assert model.answer(texts) == model.translate(tuple(texts))
    assert together[5] == together[6] == [("", 0.0)]
    assert model.translate([]) == []


def test_unknown_characters_are_never_written(model):
    for text in model.translate(["\N{GRINNING FACE}" * 5, "ğ"], beam_width=3):
        assert "\u2047" not in text and "\N{GRINNING FACE}" not in text


def test_a_translation_has_a_largest_length(model):
    for text in ENGLISH:
        source = np.count_nonzero(model.encode([text])[0]["source"])
        for beam in model.translate(text, 4, n_best=4, return_attention=True):
            # Twice the tokens of the text, ten, and the end.
            assert len(beam[1].target) <= 2 * (source - 1) + 11


def test_wider_beams_find_likelier_translations_and_greedy_is_the_likeliest_step(model):
    source = model.encode(ENGLISH)[0]["source"]
    greedy = model.translate(ENGLISH, 1, return_scores=True, length_penalty=0.0)
    for row, (text, score) in enumerate(greedy[:2]):
        state, token, total = (
            model.begin(source[row : row + 1]),
            model.tokens.start_id,
            0,
        )
        ids = []
        for _ in range(60):
            logits, state = model.step(np.array([token], "int32"), state)
            logits = np.array(logits[0], "float64")
            logits[:2] = -np.inf
            token = int(np.argmax(logits))
            total += logits[token] - np.log(np.sum(np.exp(logits)))
            ids.append(token)
            if token == model.tokens.start_id:
                break
        limit = 2 * np.count_nonzero(source[row]) + 8
        if len(ids) <= limit:
            assert text == model.tokens.decode([ids])[0].strip()
            assert score == pytest.approx(total, abs=1e-3)
    wide = model.translate(ENGLISH, 40, return_scores=True, length_penalty=0.0)
    assert np.mean([s for _, s in wide]) >= np.mean([s for _, s in greedy])


def test_alignments(vocabulary, tmp_path):
    model = with_large_weights(vocabulary, attention="additive", reverse_source=True)
    text, score, alignment = model.translate(
        "the dog runs", return_scores=True, return_attention=True
    )
    assert alignment.source[:2] == ["[start]", "▁the"]
    assert alignment.weights.shape == (len(alignment.target), len(alignment.source))
    np.testing.assert_allclose(alignment.weights.sum(axis=1), 1, atol=1e-5)
    parts = alignment.target
    written = parts[:-1] if parts[-1] == "[end]" else parts
    assert "".join(written).replace("▁", " ").strip() == text
    # In the order of the source, though that was read from its end.
    other = model.translate("the dog runs dog", return_attention=True)[1]
    assert other.source[: len(alignment.source)] == alignment.source
    plot_attention(alignment, tmp_path / "attention.png")
    assert (tmp_path / "attention.png").stat().st_size > 5000
    without = with_large_weights(vocabulary, attention="none")
    with pytest.raises(ValueError, match="Received: return_attention=True, attention"):
        without.translate("a", return_attention=True)


def test_reversing_the_source_is_reading_it_from_its_end(vocabulary):
    plain = with_large_weights(vocabulary, attention="none")
    turned = translator(weights=None, **{**plain.get_config(), "reverse_source": True})
    turned.set_weights(plain.get_weights())
    ids = plain.encode(ENGLISH)[0]["source"]
    backwards = np.zeros_like(ids)
    for row, values in zip(backwards, ids, strict=True):
        values = values[values > 0][::-1]
        row[: len(values)] = values
    for one, other in zip(
        keras.tree.flatten(turned.begin(ids)),
        keras.tree.flatten(plain.begin(backwards)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
def test_it_learns_and_one_file_is_the_model(vocabulary, tmp_path):
    keras.utils.set_random_seed(1)
    model = translator(
        weights=None, vocabulary=vocabulary, units=32, dropout=0.0, token_dropout=0.0
    )
    model.compile(keras.optimizers.Adam(1e-2, clipnorm=1.0), model.loss)
    for _ in range(20):
        model.fit(ENGLISH, GERMAN, epochs=15, verbose=0)
        if model.translate(ENGLISH) == GERMAN:
            break
    assert model.translate(ENGLISH) == GERMAN
    model.save(tmp_path / "mine.keras")
    again = rnnzoo.load(tmp_path / "mine.keras")
    assert again.translate(ENGLISH, 1) == GERMAN
    assert again.tokens.get_config() == model.tokens.get_config()
    by_path = translator(str(tmp_path / "mine.keras"))
    assert by_path.translate(ENGLISH[0]) == GERMAN[0]


def test_words(tmp_path):
    words = Words.learn(ENGLISH + GERMAN, 50)
    model = with_large_weights(words, tokens="words")
    text, alignment = model.translate("The dog, runs", return_attention=True)
    assert alignment.source == ["[start]", "the", "dog", "[unknown]", "runs"]
    assert set(text.split()) <= set(words)
    with pytest.raises(ValueError, match="needs to know them"):
        translator(weights=None, tokens="words")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_width": 0}, "beam_width must be an integer of at least 1"),
        ({"beam_width": 2, "n_best": 3}, "Received: n_best=3, beam_width=2"),
        ({"length_penalty": -1}, "length_penalty must be"),
    ],
)
def test_bad_options(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.translate("a", **options)


def test_bad_inputs(model):
    with pytest.raises(TypeError, match="row 1: 7"):
        model.translate(["a", 7])
    with pytest.raises(ValueError, match="2 texts and 1 targets"):
        model.encode(["a", "b"], ["c"])
    with pytest.raises(ValueError, match="attention must be one of"):
        translator(weights=None, attention="additiv")


def test_subwords_give_back_what_they_read(vocabulary):
    subwords = Subwords(vocabulary, start=True)
    texts = ["der Hund rennt", "Katze", "", "the man sleeps"]
    ids = subwords.encode(texts)
    assert np.all(ids[:, 0] == subwords.vocabulary_size - 1)
    assert subwords.decode(ids) == texts
    assert subwords.symbols_of(ids[1][ids[1] > 0])[0] == "[start]"
    assert subwords.encode(["\N{GRINNING FACE}"])[0, -1] == Subwords.UNKNOWN
    assert Subwords(vocabulary).encode([""]).tolist() == [[Subwords.UNKNOWN]]
    assert Subwords.learn(ENGLISH + GERMAN, size=70) == vocabulary
    keras.utils.clear_session()
    assert subwords.decode(subwords.encode(texts)) == texts
    with pytest.raises(ValueError, match="SentencePiece model in base64"):
        Subwords("no model")
    with pytest.raises(TypeError, match="SentencePiece model in base64"):
        Subwords(["a"])
    with pytest.raises(ValueError, match="size must be more"):
        Subwords.learn(ENGLISH, size=5)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet="adogcteruns h", max_size=30))
def test_subwords_keep_every_known_character(text):
    subwords = Subwords(_VOCABULARY, start=True)
    assert subwords.decode(subwords.encode([text])) == [" ".join(text.split())]


_VOCABULARY = Subwords.learn(ENGLISH, size=40)


def test_smoothed_crossentropy_by_hand():
    probabilities = np.array([[[0.1, 0.7, 0.2], [0.5, 0.25, 0.25], [0.3, 0.3, 0.4]]])
    targets = np.array([[1, 2, 0]])
    loss = SmoothedCrossentropy(0.3)
    by_hand = [
        0.7 * -np.log(0.7) + 0.1 * -np.log([0.1, 0.7, 0.2]).sum(),
        0.7 * -np.log(0.25) + 0.1 * -np.log([0.5, 0.25, 0.25]).sum(),
    ]
    result = float(loss(targets, np.log(probabilities)))
    assert result == pytest.approx(np.mean(by_hand), abs=1e-6)
    plain = keras.losses.SparseCategoricalCrossentropy(True, ignore_class=0)
    assert float(SmoothedCrossentropy(0.0)(targets, np.log(probabilities))) == (
        pytest.approx(float(plain(targets, np.log(probabilities))), abs=1e-6)
    )


def test_quality_is_of_sacrebleu():
    right = ["The cat sat on the mat.", ["A dog ran.", "The dog ran off."]]
    figures = text_quality.translation_quality(
        ["The cat sat on the mat.", "A dog ran."], right
    )
    assert figures == pytest.approx({"bleu": 100, "bleu_lower_case": 100, "chrf": 100})
    worse = text_quality.translation_quality(["the cat sat on the mat.", "dog"], right)
    assert worse["bleu"] < worse["bleu_lower_case"] < 100
    signature = text_quality.bleu_signature(["Ein Hund."])
    assert signature.rsplit("|", 1)[0] in multi30k_en_de.__doc__
    with pytest.raises(ValueError, match="1 translations and 2 references"):
        text_quality.translation_quality(["a"], ["a", "b"])


def test_reading_pairs(tmp_path):
    one, other = tmp_path / "a.en", tmp_path / "a.de"
    one.write_text("a dog\n\na cat \n")
    other.write_text("ein Hund\n\neine Katze\n")
    assert parallel.read_pairs(one, other) == (
        ["a dog", "a cat"],
        ["ein Hund", "eine Katze"],
    )
    other.write_text("ein Hund\n")
    with pytest.raises(ValueError, match="Received: 3 lines of .* and 1 of"):
        parallel.read_pairs(one, other)
    one.write_text("a dog\tein Hund\tCC BY\n\na cat\n")
    with pytest.raises(ValueError, match="1 lines without a tab, such as line 3"):
        parallel.read_pairs(one)
    one.write_text("a dog\tein Hund\tCC BY\n")
    assert parallel.read_pairs(one) == (["a dog"], ["ein Hund"])


def test_bad_pairs_are_counted_shown_and_left_out():
    sources, targets = (
        [f"text {n}" for n in range(50)],
        [f"Text {n}" for n in range(50)],
    )
    bad = [("empty", ""), ("same", "same"), ("long", "lang " * 20)]
    good = parallel.clean_pairs(sources, targets)
    assert good == (sources, targets, "")
    found = parallel.clean_pairs(
        sources + [s for s, _ in bad], targets + [t for _, t in bad]
    )
    assert found[:2] == (sources, targets)
    assert found[2].startswith("3 of 53 pairs are left out:")
    for line in ("'empty' -> ''", "'same' -> 'same'", "over 3 times as long"):
        assert line in found[2]
    with pytest.raises(ValueError, match="columns are mixed up"):
        parallel.clean_pairs(sources, sources)


def test_what_is_held_out_is_like_nothing_that_remains():
    alike = ["I like it.", "i like her", "I really like it!", "Go.", "Run!"]
    sources = [*alike, "Where is it?"]
    sources += ["The red car is very fast.", "The red car is very fast."]
    targets = list("abcdefgh")
    (rest, others), held = parallel.hold_out(sources, targets, 2)
    assert held == {"Where is it?": ["f"], "The red car is very fast.": ["g", "h"]}
    assert rest == alike and others == list("abcde")
    with pytest.raises(ValueError, match="count must be from 1 to 2"):
        parallel.hold_out(sources, targets, 3)


def own_pairs(tmp_path, **options):
    """Pairs of a user's own, and a small recipe for them."""
    path = tmp_path / "pairs.tsv"
    numbers = [f"{a} {b}" for a in range(8) for b in range(8)]
    lines = [f"the dog saw {n} cats\tder Hund sah {n} Katzen" for n in numbers]
    path.write_text("\n".join([*lines, "nothing\t"]) + "\n", encoding="utf-8")
    small = {"units": 8, "embedding_dim": 8, "vocabulary_size": 60, "epochs": 1}
    return OwnTranslator(**{"data": str(path), **small, "batch_size": 16, **options})


@pytest.mark.slow
def test_pairs_of_ones_own(tmp_path, capsys):
    recipe = own_pairs(tmp_path)
    model = training.train(recipe, tmp_path / "run", "cpu")
    assert "1 of 65 pairs is left out" in capsys.readouterr().out
    text = (tmp_path / "run" / "samples.txt").read_text()
    assert text.count("given  the dog saw") == 5
    training_texts, validation = recipe.parts
    assert not set(training_texts[0]) & set(validation[0])
    figures = recipe.evaluate(model)
    assert set(figures) == {
        metric + name
        for metric in ("bleu", "bleu_lower_case", "chrf")
        for name in ("", "_greedy")
    }
    best = str(tmp_path / "run" / "best.keras")
    assert command.main(["answer", best, "the dog saw", ""]) == 0
    assert capsys.readouterr().out.endswith("\n\n")
    tuned = own_pairs(tmp_path, weights=best)
    np.testing.assert_array_equal(
        tuned.model().get_weights()[0], model.get_weights()[0]
    )
    with pytest.raises(ValueError, match="Received: units=9 where the weights have 8"):
        own_pairs(tmp_path, weights=best, units=9).model()


def test_pairs_that_cannot_be_trained_on_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: data=''"):
        OwnTranslator().model()
    with pytest.raises(ValueError, match="tokens may be unknown.* of the texts"):
        own_pairs(tmp_path, tokens="words", vocabulary_size=3).model()
    with pytest.raises(ValueError, match="Received: max_length=5"):
        own_pairs(tmp_path, max_length=5).model()
    other = own_pairs(tmp_path, data=str(tmp_path / "swapped.tsv"))
    (tmp_path / "swapped.tsv").write_text("a\ta\nb\tb\nc\tC\n")
    with pytest.raises(ValueError, match="columns are mixed up.*2 of 3 pairs"):
        other.model()
