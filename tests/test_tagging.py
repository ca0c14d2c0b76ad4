"""The tagger: how it splits texts, what it answers, how it learns and is exported."""

import keras
import numpy as np
import pytest
import tiny_data
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo import export, tagger, train
from rnnzoo.data.schemes import PREFIXES, tags_to_spans
from rnnzoo.layers.word_features import SummaryStep
from rnnzoo.tokens.spelled import SpelledWords, word_offsets

WORDS = "Book a table for two in Paris".split()
TAGS = ["O", "O", "O", "O", "B-people", "O", "B-city"]
SCHEME = ["O", "B-people", "I-people", "B-city", "I-city"]


def small(**options):
    return tagger(
        None, **{"units": 8, "embedding_dim": 8, "vocabulary": WORDS} | options
    )


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    model = small(tags=SCHEME, scheme="iob2", intents=["book", "ask"], units=16)
    model.compile(keras.optimizers.Adam(0.02))
    rows = [WORDS, "What is New York".split()]
    targets = [(TAGS, "book"), (["O", "O", "B-city", "I-city"], "ask")]
    model.fit(rows, targets, epochs=80, verbose=0)
    return model


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't, it’s O'Brien's", "I do n't , it ’s O'Brien 's"),
        ("3.5 of 10,000 at 5:30, 1/2.", "3.5 of 10,000 at 5:30 , 1/2 ."),
        ("a@b.org e-mail _x_y_ ...!!", "a@b.org e - mail _ x_y _ ... !!"),
        ("(U.S. 'quoted')", "( U.S . ' quoted ' )"),
        ("a\u0301b\u00a0👩\u200d🚀👍🏽😀x", "a\u0301b 👩\u200d🚀 👍🏽 😀 x"),
        ("東京で会う\u3000дом", "東京で会う дом"),
        ("", ""),
        (" \t\n", ""),
    ],
)
def test_texts_are_split_into_words(text, words):
    assert [text[i:j] for i, j in word_offsets(text)] == words.split(
        " " if words else None
    )


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=30))
def test_offsets_of_any_text_are_those_of_its_words(text):
    offsets = word_offsets(text)
    ends = [0, *(end for _, end in offsets)]
    covered = [False] * len(text)
    for (start, end), before in zip(offsets, ends, strict=False):
        assert before <= start < end <= len(text)
        covered[start:end] = [True] * (end - start)
        assert not any(letter.isspace() for letter in text[start:end])
    assert all(c or letter.isspace() for c, letter in zip(covered, text, strict=True))


def test_numbers_of_words_and_letters():
    tokens = SpelledWords(["Paris", "in"], "Paris", word_length=4)
    assert tokens.lowered == ["paris", "in"]
    rows = tokens.encode_words([["PARIS", "in"], []])
    assert rows[0].tolist() == [[1, 2, 2, 1, 1, 1], [3, 3, 5, 1, 0, 0]]
    assert rows[1].tolist() == [[1, 1, 0, 0, 0, 0], [0] * 6]
    np.testing.assert_array_equal(tokens.encode(["PARIS in", ""]), rows)


def test_spans_have_places_in_the_text(trained):
    text = "Book a  table for two in Paris"
    spans = trained.tag(text)
    assert spans == [("two", "people", 18, 21), ("Paris", "city", 25, 30)]
    assert all(text[span.start : span.end] == span.text for span in spans)
    assert trained.classify([text, "What is New York"]) == ["book", "ask"]
    assert trained.answer("What is New York") == (
        [("New York", "city", 8, 16)],
        "ask",
    )
    assert trained.tag([["What", "is", "New", "York"]]) == [
        [("New York", "city", 8, 16)]
    ]
    assert trained.tag_words(text) == TAGS
    assert trained.tag(["", text])[0] == []


def test_probabilities_and_several_answers(trained):
    text = "What is New York"
    (span, share), *others = trained.tag(text, probabilities=True)
    assert span.text == "New York" and 0.5 < share <= 1 and not others
    marginals = trained.marginals(text)
    assert marginals.shape == (4, len(SCHEME))
    np.testing.assert_allclose(marginals.sum(axis=1), 1, atol=1e-4)
    assert marginals[0, SCHEME.index("I-city")] < 1e-6  # nothing begins so
    ways = trained.tag(text, n_best=3)
    assert ways[0][0] == [span] and len(ways) == 3
    shares = [share for _, share in ways]
    assert shares == sorted(shares, reverse=True) and sum(shares) <= 1 + 1e-5
    loss = trained.sentence_losses([text], [(["O", "O", "B-city", "I-city"], "ask")])
    np.testing.assert_allclose(np.exp(-loss[0]), shares[0], atol=1e-4)
    # Of one word there are no more answers than tags.
    assert len(small(tags=["A", "B"]).tag("one", n_best=5)) == 2


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "iobes"])
def test_no_answer_breaks_its_scheme(scheme):
    from rnnzoo.data.schemes import is_allowed, spans_to_tags

    letters = {"iob1": "BI", "iob2": "BI", "iobes": "BIES"}[scheme]
    tags = ["O", *(f"{letter}-{name}" for letter in letters for name in "xy")]
    model = small(tags=tags, scheme=scheme)
    model.head.kernel.assign(20 * np.random.default_rng(0).normal(size=(16, len(tags))))
    for found in model.tag_words([WORDS * 3, WORDS[:1], ["😀"] * 9]):
        pairs = zip([None, *found], [*found, None], strict=True)
        assert all(is_allowed(one, other, scheme) for one, other in pairs)
    assert spans_to_tags([("x", 0, 1)], 1, scheme)[0] in tags


def test_long_texts_and_many(trained):
    text = "What is New York " * 2500
    spans = trained.tag(text)
    assert all(text[span.start : span.end] == span.text for span in spans)
    assert len(trained.tag_words([text, "Paris"])[0]) == 10_000


def test_accuracy_and_loss_are_of_words_alone(trained):
    rows, targets = [WORDS, ["Paris"]], [(TAGS, "book"), (["O"], "ask")]
    found = trained.evaluate(rows, targets, verbose=0, return_dict=True)
    right = sum(
        one == other
        for (tags, _), answers in zip(targets, trained.tag_words(rows), strict=True)
        for one, other in zip(tags, answers, strict=True)
    )
    assert found["accuracy"] == pytest.approx(right / 8)
    losses = trained.sentence_losses(rows, targets)
    assert found["loss"] == pytest.approx(losses.sum() / 10, rel=1e-4)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_span_f1_is_that_of_the_spans(data):
    scheme = data.draw(st.sampled_from(sorted(PREFIXES)))
    tags = ["O", *(f"{one}-{name}" for name in "xy" for one in PREFIXES[scheme])]
    pairs = st.tuples(st.sampled_from(tags), st.sampled_from(tags))
    rows = data.draw(st.lists(st.lists(pairs, max_size=7), min_size=1, max_size=4))
    model = small(tags=tags, scheme=scheme, intents=["a", "b"])
    (metric,) = (one for one in model.choose_objective()[1] if one.name == "span_f1")
    true, mine = np.full((len(rows), 7), -1), np.zeros((len(rows), 7), int)
    spans: list[set] = [set(), set()]
    for number, row in enumerate(rows):
        for side, numbers in enumerate((true, mine)):
            numbers[number, : len(row)] = [tags.index(pair[side]) for pair in row]
            found = tags_to_spans([pair[side] for pair in row], scheme)
            spans[side] |= {(number, *span) for span in found}
    for part in (slice(0, 1), slice(1, None)):
        metric.update_state(true[part], np.eye(len(model.classes))[mine[part]])
    right, count = len(spans[0] & spans[1]), len(spans[0]) + len(spans[1])
    assert float(metric.result()) == pytest.approx(2 * right / max(count, 1))


def test_a_summary_leaves_padding_out():
    layer = SummaryStep()
    contexts, words = np.random.default_rng(0).normal(size=(2, 2, 5, 3))
    short = layer([contexts[:, :3], words[:, :3]])
    mask = np.arange(5) < np.array([[3], [3]])
    padded = layer([contexts, words], mask=[mask, mask])
    np.testing.assert_allclose(padded[:, :3], short, rtol=1e-5)
    parts = [contexts[:, :3].max(1), words[:, :3].max(1), words[:, :3].sum(1) / 3**0.5]
    kernel, bias = layer.get_weights()
    first = np.tanh(np.concatenate(parts, axis=1) @ kernel + bias)
    np.testing.assert_allclose(short[:, 0], first, rtol=1e-4)
    np.testing.assert_array_equal(short[:, 1:], contexts[:, 1:3].astype("float32"))


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (["a b"], [(["O"], "ask")], "row 0: 1 tags for 2 words"),
        (["a"], [(["B-city"], "aks")], "'aks' is no intent.* mean 'ask'"),
        (["a"], [(["B-ctiy"], "ask")], "'B-ctiy' is no tag.* mean 'B-city'"),
        ([""], [([], "ask")], "without words"),
        (["a", "b"], [(["O"], "ask")], "2 texts and 1 targets"),
    ],
)
def test_bad_targets(trained, inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        trained.fit(inputs, targets)


def test_bad_arguments(trained):
    with pytest.raises(ValueError, match="Tags of the scheme iob2 are O"):
        small(tags=["NOUN", "O"], scheme="iob2")
    with pytest.raises(ValueError, match="has no intents"):
        small().classify("a")
    with pytest.raises(TypeError, match="row 1: 3 is no word"):
        trained.tag([["a"], ["b", 3]])
    with pytest.raises(ValueError, match="learns from tags"):
        trained.fit(["a"])


def test_other_tags_and_words_keep_what_was_learned(trained, tmp_path):
    path = tmp_path / "tagger.keras"
    trained.save(path)
    more = [*WORDS, "Oslo"]
    for model in (
        trained.with_vocabulary(more),
        tagger(str(path), vocabulary=more),
        trained.with_tags([*SCHEME, "B-x", "I-x"]),
    ):
        assert model.tag(" ".join(WORDS)) == trained.tag(" ".join(WORDS))
    model = tagger(str(path), tags=["NOUN", "VERB"], scheme="plain", intents=[])
    assert model.answer("Oslo") in (["NOUN"], ["VERB"])
    plain = tagger(str(path), intents=[])
    plain.save(tmp_path / "plain.keras")
    for model in (
        plain.with_tags(SCHEME, intents=["a", "b"]),
        tagger(str(tmp_path / "plain.keras"), intents=["a", "b"]),
    ):
        assert model.classify("Oslo") in ("a", "b")
        for name in ("reader", "words", "recurrence"):
            known, found = (one.get_layer(name).get_weights() for one in (plain, model))
            if name == "words":  # and a vector of the step before the words
                found = [found[0][: len(known[0])]]
            for one, other in zip(known, found, strict=True):
                np.testing.assert_array_equal(one, other)
    assert trained.with_vocabulary(WORDS) is trained
    assert trained.with_tags(SCHEME) is trained


@pytest.mark.parametrize("reader", ["convolution", "gru", "lstm"])
def test_readers_of_letters(reader):
    model = small(character_reader=reader, tags=["A", "B"], vocabulary=[])
    model.compile(keras.optimizers.Adam(0.02))
    texts = ["xa ya", "yb xb", "ab ba"]
    model.fit(texts * 8, ["A A", "B B", "B A"] * 8, epochs=20, verbose=0)
    assert model.tag("za zb") == ["A", "B"]


ANIMALS, DEEDS = "cat dog cow pig".split(), "runs sits eats".split()


def test_vectors_of_words_by_their_neighbours():
    from rnnzoo.recipes._word_vectors import Sentences, count_neighbours

    texts = [f"The {a} {d} . It {d} there!" for a in ANIMALS for d in DEEDS] * 8
    sentences = Sentences(texts)
    assert len(sentences) == 2 * len(texts) and sentences.lengths[:2].tolist() == [4, 4]
    assert sentences.rows([1])[0] == [["It", "runs", "there", "!"]]
    words, vectors = count_neighbours(sentences, 100, 4)
    assert {*ANIMALS, *DEEDS, "the", "it", "there", ".", "!"} == {*words}
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = {word: vectors[place] for place, word in enumerate(words)}
    assert rows["cat"] @ rows["dog"] > rows["cat"] @ rows["eats"] + 0.5


def test_a_tagger_begins_with_texts_without_tags(tmp_path):
    from rnnzoo.recipes.ewt_upos import EwtUpos
    from rnnzoo.recipes.word_neighbours import WordNeighbours

    path = tmp_path / "texts.txt"
    texts = [f"The {a} {d} well." for a in ANIMALS for d in DEEDS] * 8
    path.write_text("\n".join(texts))
    options: dict = {"data": str(path), "units": 8, "num_sampled": 4}
    options |= {"num_validation": 8, "epochs": 2, "steps_per_epoch": 20}
    recipe = WordNeighbours(**options, learning_rate=0.02, warmup_steps=5)
    reader = train(recipe, tmp_path / "run")
    history = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert len(history) == 3
    # Words that stand in the same places are about as good as each other.
    nats = reader.evaluate([["The", "cow", "sits", "well", "."]], verbose=0)
    assert nats < 1.2
    tiny_data.write_treebank(tmp_path)
    start = str(tmp_path / "run" / "tagger.keras")
    tagging = EwtUpos(data=str(tmp_path), weights=start, dropout=0.4)
    model = tagging.model()
    assert model.arguments["dropout"] == 0.4 and "VERB" in model.tags
    np.testing.assert_array_equal(
        model.recurrence.get_weights()[0], reader.recurrence.get_weights()[0]
    )
    assert {"pig", "cats"} <= {*model.tokens.lowered}


def test_more_words_in_lower_case(tmp_path):
    model = small(lowered=["oslo", "paris"])
    assert model.tokens.lowered[-1] == "oslo" and len(model.tokens.lowered) == 8
    path = tmp_path / "model.keras"
    model.save(path)
    more = tagger(str(path), vocabulary=[*WORDS, "Oslo", "Rome"])
    assert more.tag("Oslo paris") == model.tag("Oslo paris")


def test_recipe_of_a_treebank(tmp_path):
    from rnnzoo.recipes.ewt_upos import EwtUpos

    tiny_data.write_treebank(tmp_path)
    options: dict = {"units": 16, "epochs": 4, "learning_rate": 0.01}
    recipe = EwtUpos(data=str(tmp_path), **options)
    model = train(recipe, tmp_path / "run")
    assert recipe.evaluate(model)["accuracy"] > 0.9
    again = EwtUpos(
        data=str(tmp_path),
        sentences=20,
        weights=str(tmp_path / "run" / "best.keras"),
        layer_decay=2.0,
    )
    assert len(again.training) == 20
    assert again.model().tag_words(["the cats"]) == model.tag_words(["the cats"])
    with pytest.raises(FileNotFoundError, match=r"without 'train\.conllu'"):
        EwtUpos(data=str(tmp_path / "run")).data_files()


def test_recipe_of_requests(tmp_path):
    from rnnzoo.recipes.snips import Snips

    rows = [
        ("play jazz by ada", "O B-genre O B-artist", "PlayMusic"),
        ("add new wave to it", "O B-genre I-genre O O", "AddToPlaylist"),
        ("play it", "O O", "PlayMusic"),
    ] * 8
    for part in ("train", "valid", "test"):
        (tmp_path / part).mkdir()
        for name, lines in zip(
            ("seq.in", "seq.out", "label"), zip(*rows, strict=True), strict=True
        ):
            (tmp_path / part / name).write_text("\n".join(lines) + "\n")
    options: dict = {"data": str(tmp_path), "units": 8, "epochs": 4, "copies": 2}
    recipe = Snips(**options, weights="none", learning_rate=0.02)
    assert len(recipe.training) == 24 + 2 * 16
    assert "wave" in recipe.words
    figures = recipe.evaluate(train(recipe, tmp_path / "run"))
    assert figures["span_f1"] > 0.9 and figures["sentence_accuracy"] > 0.9
    few = Snips(data=str(tmp_path), sentences=5)
    model = few.model()
    assert len(few.annotated) == 5 and model.tokens.vocabulary == few.words
    assert model.intents == ["AddToPlaylist", "PlayMusic"]


def test_spans_are_exchanged_for_others_with_the_same_label():
    from rnnzoo.recipes.snips import exchange_spans

    words = [WORDS, "What is New York".split(), ["Yes"]]
    targets = [(TAGS, "book"), (["O", "O", "B-city", "I-city"], "ask"), (["O"], "ask")]
    random = np.random.default_rng(0)
    more, tagged = exchange_spans(words, targets, 30, random)
    assert len(more) == len(tagged) == 60  # nothing of the sentence without spans
    pairs = {
        (" ".join(row), " ".join(tags))
        for row, (tags, _) in zip(more, tagged, strict=True)
    }
    assert pairs == {
        ("Book a table for two in Paris", "O O O O B-people O B-city"),
        ("Book a table for two in New York", "O O O O B-people O B-city I-city"),
        ("What is Paris", "O O B-city"),
        ("What is New York", "O O B-city I-city"),
    }


def test_some_sentences_have_capitals():
    from rnnzoo.recipes.snips import capitalize

    rows = [["book", "in", "paris"]] * 400
    found = capitalize(rows, np.random.default_rng(0))
    assert 170 < found.count(rows[0]) < 230
    assert ["Book", "in", "Paris"] in found and ["Book", "in", "paris"] in found


@pytest.mark.slow
@pytest.mark.parametrize("format", ["savedmodel", "onnx", "litert"])
@pytest.mark.parametrize("reader", ["convolution", "gru"])
def test_exports(format, reader, tmp_path):
    model = small(
        tags=SCHEME, scheme="iob2", intents=["book", "ask"], character_reader=reader
    )
    folder = export(model, tmp_path / "tagger", format)
    assert (folder / "model.json").is_file()
