"""The language model: what it writes and scores, and how it is trained."""

import inspect
import pathlib
import pickle
import signal

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnzoo
from rnnzoo import command, language_model, training
from rnnzoo.data.text import Segment, Streams, Windows, read_text, windows
from rnnzoo.decoding import DecodingOptions
from rnnzoo.errors import Interrupted
from rnnzoo.models.adapted_scores import DynamicEvaluation, NeuralCache
from rnnzoo.models.language import ANSWER_OPTIONS
from rnnzoo.recipes.own_language import OwnLanguage
from rnnzoo.tokens import Subwords
from rnnzoo.training import reports
from rnnzoo.training.averaging import AveragedSGD

PROMPTS = ["ROMEO:", "ab", "", "x" * 1300, "\N{GRINNING FACE}ç\0"]
TEXT = "Gül ağacı\nve ıtır; İğde, ölü şişe.\n" * 40
VERSES = "Of arms and the man I sing,\nwho first from the shores of Troy\n" * 40


def with_large_weights(**options):
    """An untrained model that is not indifferent to what it reads."""
    keras.utils.set_random_seed(3)
    model = language_model(weights=None, **{"units": 16, **options})
    for weight in model.weights:
        weight.assign(np.random.normal(0, 0.4, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return with_large_weights()


@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
@pytest.mark.parametrize("tied_weights", [False, True])
def test_steps_give_what_the_whole_sequence_gives(cell, tied_weights):
    model = with_large_weights(cell=cell, tied_weights=tied_weights)
    ids = model.encode(["To be, or not", "to"])[0]
    whole = np.array(model(ids))
    state = model.recurrence.get_initial_state(len(ids))
    for time in range(3):
        logits, state = model.step(ids[:, time], state)
        np.testing.assert_allclose(logits, whole[:, time], atol=1e-4)


def test_a_batch_gives_what_one_by_one_gives(model):
    texts = model.generate(PROMPTS, seed=1, max_length=50)
    for prompt, text in zip(PROMPTS, texts, strict=True):
        assert model.generate(prompt, seed=1, max_length=50) == text
        assert len(text) == 50
    assert len(set(model.generate(["a"] * 70, seed=1, max_length=9))) == 70
    assert model.generate("a", seed=1) != model.generate("a", seed=2)
    assert model.generate([]) == []


def test_a_seed_is_drawn_from_numpys(model):
    keras.utils.set_random_seed(5)
    first, second = model.generate("a"), model.generate("a")
    keras.utils.set_random_seed(5)
    assert model.generate("a") == first != second


def test_continuing_from_a_state_gives_the_uninterrupted_text(model):
    first, state = model.generate(PROMPTS, seed=2, max_length=20, return_state=True)
    state = pickle.loads(pickle.dumps(state))
    rest, state = model.generate(state=state, max_length=5, return_state=True)
    last = model.generate(state=state, max_length=15)
    whole = model.generate(PROMPTS, seed=2, max_length=40)
    assert ["".join(parts) for parts in zip(first, rest, last, strict=True)] == whole
    # A prompt in two pieces is the prompt.
    _, state = model.generate("To be, ", max_length=0, return_state=True)
    pieces = model.generate("or", state=state, temperature=0)
    assert pieces == model.generate("To be, or", temperature=0)
    with pytest.raises(ValueError, match="2 prompts and a state of 1"):
        model.generate(["a", "b"], state=state)
    # The state of a batch of one continues as a batch, that of a text as a text.
    _, state = model.generate(["ab"], seed=2, max_length=3, return_state=True)
    (text,) = model.generate(state=state, max_length=4)
    _, state = model.generate("ab", seed=2, max_length=3, return_state=True)
    assert model.generate(state=state, max_length=4) == text


def test_options_are_an_object_or_keywords(model):
    options = DecodingOptions(max_length=9, seed=4, top_k=5)
    text = model.generate("ab", options)
    assert text == model.generate("ab", max_length=9, seed=4, top_k=5)
    assert text == "".join(model.stream("ab", options))
    assert model.generate("ab", options, max_length=4) == text[:4]
    assert model.answer("ab") == model.generate("ab", ANSWER_OPTIONS)
    assert len(model.generate("ab", max_length=None)) == model.max_length // 2
    shown = inspect.signature(model.answer).parameters
    assert shown["temperature"].default == 0.7 and shown["seed"].default == 0
    assert "temperature: Divisor of the logits" in model.generate.__doc__
    with pytest.raises(TypeError, match="Did you mean 'temperature'"):
        model.generate("ab", temperatur=1)
    with pytest.raises(ValueError, match="use generate, or leave out beam_width"):
        model.stream("ab", beam_width=2)


def test_a_stop_string_is_not_one_with_a_prompt_inside(model):
    whole = model.generate("ab", seed=1, max_length=9)
    _, state = model.generate("ab", seed=1, max_length=5, return_state=True)
    stop = whole[4] + model.generate("x", state=state, max_length=1)
    assert model.generate("x", state=state, max_length=1, stop=stop) == stop[1:]


def test_greedy_is_a_beam_of_one_and_the_best_of_one(model):
    greedy = model.generate(PROMPTS, temperature=0, max_length=20)
    assert model.generate(PROMPTS, beam_width=1, max_length=20) == greedy
    assert model.generate(PROMPTS, top_k=1, max_length=20) == greedy


def test_a_beam_returns_the_best_with_their_scores(model):
    found = model.generate("To be", beam_width=6, n_best=4, max_length=8)
    assert len(found) == 4 and found == sorted(found, key=lambda pair: -pair[1])
    assert model.generate("To be", beam_width=6, max_length=8) == found[0][0]
    before = model.score("To be")["nats"]
    for text, score in found:
        nats = model.score("To be" + text)["nats"] - before
        # What cannot be written has no part in the scores of a beam.
        assert -score == pytest.approx(nats / len(text), abs=0.1)
    with pytest.raises(ValueError, match="n_best=4, beam_width=2"):
        model.generate("a", beam_width=2, n_best=4)
    with pytest.raises(ValueError, match="A beam has no one state"):
        model.generate("a", beam_width=2, return_state=True)


def test_streams_and_stops(model):
    whole = model.generate("ab", seed=1, max_length=60)
    assert "".join(model.stream("ab", seed=1, max_length=60)) == whole
    stop = whole[20:23]
    cut = whole[: whole.index(stop)]
    assert model.generate("ab", seed=1, max_length=60, stop=stop) == cut
    pieces = list(model.stream("ab", seed=1, max_length=60, stop=[stop, "\0\0"]))
    assert "".join(pieces) == cut and len(pieces) > 1
    assert model.generate(["ab", "q"], seed=1, max_length=60, stop=stop)[0] == cut
    with pytest.raises(ValueError, match="temperature must be a number of at least 0"):
        model.stream("a", temperature=-1)  # at once, not with the first piece
    with pytest.raises(ValueError, match="top_p must be .* and at most 1. Received"):
        model.generate("a", top_p=1.01)
    for prompts in (5, None, {"a": 1}):
        with pytest.raises(TypeError, match="prompts must be a list of strings"):
            model.generate(prompts)


def test_scores(model):
    texts = ["To be", "", "é" * 1500, "x" * 513]
    scores = model.score(texts)
    assert [score["symbols"] for score in scores] == [5, 0, 1500, 513]
    for text, score in zip(texts, scores, strict=True):
        alone = model.score(text)
        assert alone["nats"] == pytest.approx(score["nats"])
        ids = model.encode([text])[0]
        logits = keras.ops.log_softmax(model.predict_on_batch(ids), axis=-1)
        logits = np.array(logits)[0, np.arange(len(text)), ids[0, 1:]]
        assert score["nats"] == pytest.approx(-logits.sum(), rel=1e-4)
    assert scores[0]["perplexity"] == pytest.approx(2 ** scores[0]["bits_per_symbol"])
    assert np.isnan(scores[1]["perplexity"]) and scores[1]["nats"] == 0
    inputs, targets = ["To be", "x" * 50], [", or", ""]
    loss = model.evaluate(inputs, targets, verbose=0, return_dict=True)["loss"]
    whole = model.score(["To be, or", "x" * 50])
    nats = sum(score["nats"] for score in whole) / sum(s["symbols"] for s in whole)
    assert loss == pytest.approx(nats, rel=1e-4)


def test_no_prompt_or_setting_traces_again():
    model = with_large_weights()
    model.generate("a", max_length=2)
    model.generate("a", max_length=2, beam_width=2)
    model.score("a")

    def traced(*arguments, **options):
        raise AssertionError("retraced")

    for layer in (model, *model.layers):
        object.__setattr__(layer, "call", traced)
    model.generate(PROMPTS, max_length=7, top_p=0.5, top_k=3, stop=["a", "bc"])
    model.generate(["a"] * 3, beam_width=4, max_length=3, repetition_penalty=1.2)
    assert list(model.stream("abc", max_length=30))
    model.score(PROMPTS)


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=30))
def test_any_prompt_is_continued(model, prompt):
    text = model.generate(prompt, max_length=5, seed=0)
    assert len(text) == 5 and "\ufffd" not in text
    assert text == "".join(model.stream(prompt, max_length=5, seed=0))


def test_words():
    model = with_large_weights(tokens="words", vocabulary="to be or not .".split())
    text = model.generate("To be", max_length=20, seed=0)
    assert len(text.split()) == 20 and set(text.split()) <= set(
        "to be or not .".split()
    )
    assert "".join(model.stream("To be", max_length=20, seed=0)) == text
    assert model.score("To be, or not.")["symbols"] == 6
    long = "to be or not . " * 150
    ids = model.encode([long])[0]
    whole = np.array(keras.ops.log_softmax(model.predict_on_batch(ids), axis=-1))
    ids = ids[0, 1:]
    nats = -whole[0, np.arange(len(ids)), ids].sum()
    assert model.score(long)["nats"] == pytest.approx(nats, rel=1e-4)
    with pytest.raises(ValueError, match="A model of words needs to know them"):
        language_model(weights=None, tokens="words")
    with pytest.raises(ValueError, match="Did you mean 'characters'"):
        language_model(weights=None, tokens="character")


def test_turkish_letters_come_back_in_lower_and_upper_case():
    tokens = language_model("turkish").tokens
    lower, upper = "çğıiöşü", "ÇĞIİÖŞÜ"
    assert [tokens.decode(tokens.encode([t])) for t in (lower, upper)] == [
        [lower],
        [upper],
    ]
    assert len(set(tokens.encode([lower + upper])[0])) == 15  # and the start symbol


def test_windows_begin_with_a_line_and_are_the_same_again():
    examples = Windows(VERSES, 80)
    assert examples.batch(9, 1, 2) == examples.batch(9, 1, 2) != examples.batch(9, 1, 3)
    for first, rest in zip(*examples.batch(50, 0, 0), strict=True):
        assert first + rest in VERSES and len(first) == len(rest) == 40
        assert first.startswith(("Of arms", "who first"))
    inputs, targets = windows(VERSES, 70)
    joined = [first + rest for first, rest in zip(inputs, targets, strict=True)]
    assert "".join(joined) == VERSES and max(map(len, joined)) <= 70
    assert all(text.endswith("\n") for text in joined)


@pytest.mark.parametrize("text", [VERSES, VERSES.split()])
def test_streams_go_on_and_cover_the_text(text):
    streams, rows = Streams(text, 16), 4
    steps = streams.batches_per_epoch(rows)
    joint = "" if isinstance(text, str) else " "
    read = [[] for _ in range(rows)]
    for index in range(3 * steps, 4 * steps):  # the fourth epoch
        inputs, targets = streams.batch(rows, 0, index)
        for row, (first, rest) in enumerate(zip(inputs, targets, strict=True)):
            assert isinstance(first, Segment) == (index > 3 * steps)
            piece = first + joint + rest if joint else first + rest
            piece = piece if isinstance(text, str) else piece.split()
            if index > 3 * steps:
                assert piece[0] == read[row][-1]
                piece = piece[1:]
            assert len(piece) == 16
            read[row] += piece
    assert sum(map(len, read)) == steps * rows * 16 > 0.9 * len(text)


def test_streams_of_random_lengths_go_on():
    streams, rows = Streams(VERSES, 40, random_lengths=True), 2
    steps = streams.batches_per_epoch(rows)
    read, lengths = ["", ""], []
    for index in range(steps, 2 * steps):  # the second epoch
        inputs, targets = streams.batch(rows, 0, index)
        assert (inputs, targets) == streams.batch(rows, 0, index)
        for row, (first, rest) in enumerate(zip(inputs, targets, strict=True)):
            piece = first + rest
            if index > steps:
                assert piece[0] == read[row][-1] == first.first
                piece = piece[1:]
            read[row] += piece
            lengths.append(len(piece))
    assert all(part in VERSES + VERSES for part in read)
    assert len(set(lengths)) > 2 and 5 <= min(lengths) <= max(lengths) <= 50


def test_penalties_and_embedding_dropout_are_of_training_alone():
    options = {"dropout": 0.0, "units": 8, "num_layers": 1}
    texts = ["ab ab ab", "abcab"]
    plain, other = (
        language_model(None, vocabulary="abc ", **options, **more)
        for more in ({}, {"activation_penalty": 3.0, "temporal_penalty": 2.0})
    )
    other.set_weights(plain.get_weights())
    inputs, targets = plain.encode(texts, ["", ""])
    features = plain.read_features(inputs)[0].numpy()
    real = np.asarray(inputs > 0)
    steps, changes = features[real], (features[:, 1:] - features[:, :-1])[real[:, 1:]]
    penalty = 3 * np.mean(steps**2) + 2 * np.mean(changes**2)
    expected = plain.evaluate(texts, verbose=0, return_dict=True)["loss"]
    found = other.evaluate(texts, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(expected)
    found = other.train_on_batch(inputs, targets, return_dict=True)["loss"]
    assert found == pytest.approx(expected + penalty, rel=1e-4)
    model = language_model(None, vocabulary="abc ", **options, embedding_dropout=0.5)
    whole, dropped = (
        model.reader(np.arange(1, 6)[None].repeat(2, 0), training=training).numpy()
        for training in (False, True)
    )
    is_zero = (dropped == 0).all(axis=-1)
    assert (is_zero[0] == is_zero[1]).all()  # a symbol is dropped everywhere
    np.testing.assert_allclose(dropped[~is_zero], 2 * whole[~is_zero], rtol=1e-6)


def test_a_cache_is_a_mixture_with_what_came_after_similar_features():
    text, cache = "abcabdabc" * 3, NeuralCache(size=7, theta=0.4, share=0.3)
    model = with_large_weights(vocabulary="abcd")
    ids = model.tokens.encode([text])
    features = model.read_features(ids[:, :-1])[0].numpy()[0].astype("float64")
    logits = model.head(features[None]).numpy()[0].astype("float64")
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    nats = 0.0
    for place, word in enumerate(ids[0, 1:]):
        share = shares[place, word]
        past = range(max(0, place - 7), place)
        if past:
            weights = np.exp([0.4 * features[place] @ features[one] for one in past])
            same = np.array([ids[0, 1 + one] == word for one in past])
            share = 0.7 * share + 0.3 * (weights * same).sum() / weights.sum()
        nats -= np.log(share)
    found = model.score([text, "", text], adapt=cache)
    assert found[0]["nats"] == pytest.approx(nats, rel=1e-4)
    assert found[0] == found[2] and found[1]["symbols"] == 0


def test_dynamic_evaluation_leaves_the_weights_and_knows_new_ones():
    model = with_large_weights(vocabulary="abcd", dropout=0.0)
    text, adapt = "abcabd" * 20, DynamicEvaluation(0.3, segment=10, decay=0.1)
    weights = model.get_weights()
    before = model.score(text, adapt=adapt)["nats"]
    assert before < model.score(text)["nats"]
    for one, other in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # The first segment is measured before anything is learned of it.
    assert model.score("abcabd", adapt=adapt) == pytest.approx(model.score("abcabd"))
    changed = [0.5 * weight for weight in weights]
    model.set_weights(changed)
    other = with_large_weights(vocabulary="abcd", dropout=0.0)
    other.set_weights(changed)
    found = model.score(text, adapt=adapt)["nats"]
    assert found == pytest.approx(other.score(text, adapt=adapt)["nats"], rel=1e-5)


@pytest.mark.parametrize(
    ("adapt", "message"),
    [("cash", "adapt must be one of.*'cache'"), (3, "adapt must be 'dynamic'")],
)
def test_ways_to_adapt_that_are_none(adapt, message):
    with pytest.raises((TypeError, ValueError), match=message):
        with_large_weights(vocabulary="ab").score("ab", adapt=adapt)
    with pytest.raises(ValueError, match="share must be"):
        NeuralCache(share=1.0)


def test_averaging_begins_when_validation_gets_worse():
    optimizer = AveragedSGD(0.5, window=2)
    weight = keras.Variable([1.0])
    optimizer.build([weight])
    seen = []
    for loss in (3.0, 2.0, 2.5, 2.2, 2.1, 2.0):
        optimizer.apply([keras.ops.ones(1)], [weight])
        if optimizer.is_averaging:
            seen.append(float(weight[0]))
        np.testing.assert_allclose(
            optimizer.averages[0], np.mean(seen) if seen else float(weight[0])
        )
        optimizer.judge(loss)
    # 2.1 is the first that is above one from before the last two: 2.0.
    assert len(seen) == 1


@pytest.mark.parametrize("tokens", ["characters", "bytes", "subwords"])
def test_a_carried_state_is_that_of_the_whole_text(tokens):
    """Pieces with a carried state give the loss of the text in one piece."""
    vocabulary = {
        "characters": sorted(set(TEXT)),
        "bytes": None,
        "subwords": Subwords.learn([TEXT], 50, lossless=True),
    }[tokens]
    model = with_large_weights(dropout=0.0, tokens=tokens, vocabulary=vocabulary)
    model.compile(keras.optimizers.SGD(0.0), model.loss)
    text = Subwords.split(TEXT) if tokens == "subwords" else TEXT
    streams = Streams(text, 16, separator="")
    model.carry_state(2)
    nats, symbols, texts = 0.0, 0, ["", ""]
    for index in range(4):
        inputs, targets = streams.batch(2, 0, index)
        history = model.fit(inputs, targets, batch_size=2, verbose=0, shuffle=False)
        count = np.count_nonzero(model.encode(inputs, targets)[1])
        nats, symbols = nats + history.history["loss"][0] * count, symbols + count
        for row in range(2):
            begin = len(inputs[row].first) if index else 0
            texts[row] += (inputs[row] + targets[row])[begin:]
    scores = model.score(texts)
    assert symbols == sum(score["symbols"] for score in scores)
    assert nats == pytest.approx(sum(score["nats"] for score in scores), rel=1e-4)


def test_subwords():
    vocabulary = Subwords.learn([TEXT], 50, lossless=True)
    model = with_large_weights(tokens="subwords", vocabulary=vocabulary)
    whole = model.generate(["Gül", ""], max_length=60, seed=2)
    assert any("\n" in text or " " in text for text in whole)
    for prompt, text in zip(["Gül", ""], whole, strict=True):
        assert "".join(model.stream(prompt, max_length=60, seed=2)) == text
        first, state = model.generate(prompt, max_length=7, seed=2, return_state=True)
        assert first + model.generate(state=state, max_length=53) == text
    assert model.score(TEXT)["symbols"] == np.count_nonzero(
        model.tokens.encode([TEXT])[0, 1:]
    )
    with pytest.raises(ValueError, match="Subwords.learn.*lossless=True"):
        language_model(weights=None, tokens="subwords")
    with pytest.raises(ValueError, match="a vocabulary without ends of lines"):
        lossy = Subwords.learn([TEXT], 50)
        language_model(weights=None, tokens="subwords", vocabulary=lossy)


def test_bytes():
    model = with_large_weights(tokens="bytes")
    assert model.score(TEXT)["symbols"] == len(TEXT.encode())
    # Likely to write letters of two bytes and of four, and halves of them.
    head = model.get_layer("head")
    bias = np.zeros(258)
    bias[np.frombuffer("ğüşİ\N{GRINNING FACE}".encode(), "uint8") + 2] = 9
    head.bias.assign(bias)
    prompts = ["Gül", "", "\N{GRINNING FACE}"]
    whole = model.generate(prompts, max_length=120, seed=2)
    assert any(len(c.encode()) > 1 for text in whole for c in text)
    assert [model.generate(p, max_length=120, seed=2) for p in prompts] == whole
    for prompt, text in zip(prompts, whole, strict=True):
        pieces = list(model.stream(prompt, max_length=120, seed=2))
        assert "".join(pieces) == text and all(pieces)
    # Wherever it is interrupted, what comes then is the rest.
    texts, state = model.generate(prompts, max_length=0, seed=2, return_state=True)
    for _ in range(120):
        more, state = model.generate(state=state, max_length=1, return_state=True)
        texts = [text + one for text, one in zip(texts, more, strict=True)]
    assert texts == whole
    with pytest.raises(ValueError, match="leave out vocabulary"):
        language_model(weights=None, tokens="bytes", vocabulary="abc")


AVERAGED = {"averaged_sgd": True, "random_lengths": True, "learning_rate": 1.0}
AVERAGED |= {"ema_momentum": 0.0, "activation_penalty": 2.0, "temporal_penalty": 1.0}


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"stateful": False}, {}, AVERAGED])
def test_own_text_interrupted_and_resumed(tmp_path, monkeypatch, options, capsys):
    path = tmp_path / "book.txt"
    path.write_text(TEXT, encoding="utf-8")
    recipe = OwnLanguage(
        data=str(path),
        **options,
        weight_dropout=0.2,
        embedding_dropout=0.2,
        epochs=2,
        batch_size=4,
        max_length=32,
        bptt_steps=16,
        units=8,
        checkpoint_every=5,
    )
    training.train(recipe, tmp_path / "whole", "cpu")
    original = reports.Progress.on_train_batch_end

    def interrupting(self, batch, logs=None):
        original(self, batch, logs)
        if self.step == 7:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(reports.Progress, "on_train_batch_end", interrupting)
    with pytest.raises(Interrupted):
        training.train(recipe, tmp_path / "parts", "cpu")
    monkeypatch.undo()
    training.train(recipe, tmp_path / "parts", "cpu")
    models = [rnnzoo.load(tmp_path / run / "last.keras") for run in ("whole", "parts")]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)
    best = str(tmp_path / "parts" / "best.keras")
    capsys.readouterr()
    assert command.main(["answer", best, "Gül", "--max_length=30", "--seed=1"]) == 0
    printed = capsys.readouterr().out
    answer = rnnzoo.load(best).answer("Gül", max_length=30, seed=1)
    assert printed == answer + "\n" and set(answer) <= set(TEXT)
    assert command.main(["evaluate", best]) == 0
    assert "nats_per_character_in_windows_of_32" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tokens", "unit"),
    [("bytes", "byte"), ("subwords", "subword"), ("words", "word")],
)
def test_a_text_of_other_tokens(tmp_path, tokens, unit):
    path = tmp_path / "book.txt"
    path.write_text(TEXT, encoding="utf-8")
    options = {"data": str(path), "tokens": tokens, "vocabulary_size": 50, "units": 8}
    options |= {"max_length": 32, "bptt_steps": 16}
    recipe = OwnLanguage(**options, epochs=1, batch_size=2)
    model = training.train(recipe, tmp_path / "run", "cpu")
    figures = recipe.evaluate(model)
    assert 0 < figures[f"nats_per_{unit}"] < 6
    assert f"nats_per_{unit}_in_windows_of_32" in figures


@pytest.mark.slow
def test_several_replicas_carry_their_states(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(VERSES)
    options = {"data": str(path), "epochs": 1, "batch_size": 4, "dropout": 0.0}
    options |= {"max_length": 32, "bptt_steps": 16, "ema_momentum": 0.0}
    recipe = OwnLanguage(**options, units=8)
    rows = []
    for devices in ("cpu", "2"):
        training.train(recipe, tmp_path / devices, devices)
        rows.append(training.read_history(tmp_path / devices)[0])
    assert rows[0]["loss"] == pytest.approx(rows[1]["loss"], rel=1e-4)


def test_options_of_answers_on_the_command_line(capsys):
    with pytest.raises(SystemExit):
        command.main(["answer", "language_model", "--help"])
    output = capsys.readouterr().out
    assert "--temperature" in output and "(default: 0.7)" in output
    with pytest.raises(SystemExit):
        command.main(["answer", "sorter", "--help"])
    assert "--temperature" not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["answer", "language_model", "a", "--temperatur=1"])
    assert "Did you mean '--temperature'" in capsys.readouterr().err


def test_files_that_are_no_text_of_the_encoding(tmp_path):
    path = pathlib.Path(tmp_path, "book.txt")
    path.write_bytes("ağ\r\nacı".encode("iso8859-9"))
    assert read_text(path, "iso8859-9") == "ağ\nacı"
    with pytest.raises(ValueError, match="state another with --encoding"):
        read_text(path)
    with pytest.raises(ValueError, match="one that Python knows"):
        read_text(path, "utf-99")
    with pytest.raises(FileNotFoundError, match="Received: path="):
        read_text(tmp_path / "none.txt")
    with pytest.raises(ValueError, match="--data=book.txt"):
        OwnLanguage().model()
