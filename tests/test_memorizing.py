"""The memorizer: its examples, what it reads and writes, and how well."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo import list_weights, memorizer
from rnnzoo.data.synthetic import Memorization
from rnnzoo.layers.bridge import DoubledTokens
from rnnzoo.recipes.memorize_digits import MemorizeDigits


@given(st.integers(1, 60), st.integers(0, 2**31), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_examples_are_digits_and_what_is_asked_of_them(longest, seed, index):
    made = {
        task: Memorization(task, longest, curriculum_steps=50).batch(20, seed, index)
        for task in ("copy", "reverse", "double")
    }
    texts = made["copy"][0]
    assert all(part[0] == texts for part in made.values())
    assert all(set(text) <= set("0123456789") for text in texts)
    assert 1 <= min(map(len, texts)) and max(map(len, texts)) <= longest
    if index == 0:
        assert max(map(len, texts)) <= 4
    assert made["copy"][1] == texts
    assert made["reverse"][1] == ["".join(reversed(text)) for text in texts]
    assert made["double"][1] == [text + text for text in texts]


def test_examples_refuse_unknown_tasks():
    with pytest.raises(ValueError, match="Did you mean 'reverse'.*task='revers'"):
        Memorization("revers")


def test_doubled_tokens():
    tokens = np.array([[7, 2, 3, 0], [7, 4, 0, 0], [7, 1, 2, 3]], "int32")
    doubled = np.array(DoubledTokens()(tokens))
    assert doubled.tolist() == [
        [7, 2, 3, 7, 2, 3, 0, 0],
        [7, 4, 7, 4, 0, 0, 0, 0],
        [7, 1, 2, 3, 7, 1, 2, 3],
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "none", "cell": "lstm", "num_layers": 2, "double_source": True},
        {"attention": "multiplicative", "reverse_source": True},
    ],
)
def test_every_character_is_the_likeliest_after_those_before(options):
    model = memorizer(weights=None, units=12, embedding_dim=6, **options)
    # Larger than at first, so that characters depend on those before them.
    model.set_weights([4 * weight for weight in model.get_weights()])
    end = model.tokens.start_id
    model.head.bias.assign(-4.0 * np.eye(13)[end])
    texts = ["3", "314", "31415926535"]
    answers = model.answer(texts)
    assert len(set("".join(answers))) > 1
    for text, answer in zip(texts, answers, strict=True):
        inputs, following = model.encode([text], [answer])
        logits = np.array(model(inputs))[0]
        logits[:, [0, model.tokens.UNKNOWN]] = -np.inf
        limit = 2 * len(text) + 1
        np.testing.assert_array_equal(
            logits.argmax(axis=1)[:limit], following[0][:limit]
        )


def test_answers_are_at_most_twice_as_long():
    model = memorizer(weights=None, units=4)
    model.get_layer("head").bias.assign(np.eye(13)[5] * 100)  # always a 3
    assert model.answer(["12", "1", ""]) == ["33333", "333", ""]


def test_sources_can_be_reversed_and_doubled():
    options = {"weights": None, "units": 6, "attention": "none"}
    plain = memorizer(**options)
    turned = memorizer(**options, reverse_source=True, double_source=True)
    turned.set_weights(plain.get_weights())
    start = plain.tokens.start_id
    source = np.array([[start, 2, 3, 4, 0]], "int32")
    as_read = np.array([[4, 3, 2, start, 4, 3, 2, start]], "int32")
    target = np.array([[start, 5]], "int32")
    np.testing.assert_allclose(
        np.array(turned({"source": source, "target": target})),
        np.array(plain({"source": as_read, "target": target})),
        atol=1e-6,
    )


def test_other_characters_are_refused():
    model = memorizer(weights=None, units=4)
    with pytest.raises(ValueError) as caught:
        model.answer(["12", "1 2", "\u0663"])
    assert str(caught.value) == (
        "texts must be of digits, such as '3141'. Correct or remove 2 of 3 rows (rows "
        "count from 0); nothing was answered. Received:\n"
        "  row 1: '1 2'\n  row 2: '\u0663'"
    )
    with pytest.raises(TypeError, match="row 0: 12"):
        model.answer([12])
    with pytest.raises(ValueError, match="2 texts and 1 targets"):
        model.fit(["1", "2"], ["1"])
    with pytest.raises(ValueError, match="Did you mean 'additive'.*='additiv'"):
        memorizer(weights=None, attention="additiv")


@pytest.mark.parametrize("name", list_weights("memorizer"))
def test_weights_hold_strings_of_the_length_of_the_training(name):
    task = name.split(".")[1]
    texts, answers = Memorization(task).sample_lengths(
        [1, 2, 3, 10, 25, 40] * 4, np.random.default_rng(9)
    )
    assert memorizer(name).answer(texts) == answers


def test_recipe_measures_whole_answers():
    recipe = MemorizeDigits(task="reverse", max_length=3, units=4)
    assert recipe.published["exact_match"][0] == 0.32
    model = recipe.model()
    model.answer = lambda texts: [text[::-1] for text in texts]
    assert set(recipe.evaluate(model).values()) == {1.0}
    model.answer = lambda texts: ["0" + text[::-1][1:] for text in texts]
    assert 0 < recipe.evaluate(model)["exact_match"] < 0.2
