"""Fine-tuning: what is carried over, what learns, how fast, and from which step on."""

import json
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import rnnzoo
from rnnzoo import many_to_one, sentiment_classifier
from rnnzoo.data.pipeline import Pairs
from rnnzoo.training import finetuning
from rnnzoo.training.devices import choose_devices

VOCABULARY = "dull warm the film a awful fine . plot cast".split()
TEXTS = ["The film, dull.", "A warm film", "awful plot", "fine cast"] * 2
LABELS = ["negative", "positive"] * 4
GROUPS = [
    "head",
    "recurrence/bidirectional_simple_1",
    "recurrence/bidirectional_simple_0",
    "reader",
]


def classifier(**changes):
    settings = {
        "vocabulary": VOCABULARY,
        "units": 8,
        "embedding_dim": 8,
        "max_length": 20,
        "num_layers": 2,
        "cell": "simple",  # quicker than a GRU
        "ngrams": 0,
        "dropout": 0.0,
        "token_dropout": 0.0,
    }
    return sentiment_classifier(weights=None, **{**settings, **changes})


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Takes the place of every test's, which clears more and is slow."""
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def body():
    """A trained model; no test may change it."""
    keras.utils.set_random_seed(1)
    model = classifier()
    model.compile_with_defaults(keras.optimizers.Adam(0.1))
    for _ in range(4):
        step(model)
    model.card = {"name": "sentiment_classifier.made_up"}
    return model


@pytest.fixture(scope="module")
def trained_weights(body):
    return body.get_weights()


@pytest.fixture(autouse=True)
def the_body_stays_as_it_is(body, trained_weights):
    yield
    for weight, before in zip(body.get_weights(), trained_weights, strict=True):
        np.testing.assert_array_equal(weight, before)
    assert body.classes == ["negative", "positive"]
    assert body.tokens.vocabulary == VOCABULARY
    assert all(layer.trainable for layer in body.layers)


def copy_of(body):
    """A model with the same weights, to be changed."""
    model = classifier()
    model.set_weights(body.get_weights())
    return model


def moved(model, before, groups=GROUPS):
    """The layer groups of which any weight has changed."""
    paths = [
        weight.path
        for weight, after, was in zip(
            model.weights, model.get_weights(), before, strict=True
        )
        if np.any(after != was)
    ]
    return [g for g in groups if any(path.startswith(g + "/") for path in paths)]


def step(model, texts=TEXTS, labels=LABELS):
    """Makes one training step."""
    model.run_eagerly = True  # tracing a graph takes longer than a few steps
    return model.train_on_batch(*model.encode(texts, labels), return_dict=True)


def shares(model, texts):
    """The probabilities of classes, from the graph that is trained."""
    logits = model(model.tokens.encode(texts), training=False)
    return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


# Other classes, other words


def test_other_classes_get_a_fresh_head_on_the_same_body(body):
    model = body.with_classes(["angry", "calm", "happy"])
    assert model.classes == ["angry", "calm", "happy"]
    for weight, old in zip(model.weights, body.weights, strict=True):
        if weight.path.startswith("head/"):
            assert weight.shape[-1] == 3
        else:
            np.testing.assert_array_equal(weight, old)
    expected = {**body.get_config(), "classes": ["angry", "calm", "happy"]}
    assert model.get_config() == expected
    assert model.card == {"body": "sentiment_classifier.made_up"}
    before = model.get_weights()
    step(model, TEXTS[:3], ["calm", "angry", "happy"])
    assert moved(model, before) == GROUPS
    assert body.card == {"name": "sentiment_classifier.made_up"}


def test_as_many_classes_of_other_names_get_a_fresh_head_too(body):
    model = body.with_classes(["sad", "glad"])
    head = model.get_layer("head")
    assert not np.any(head.bias) and np.any(body.get_layer("head").bias)
    assert not np.allclose(head.kernel, body.get_layer("head").kernel)


def test_the_classes_and_words_that_a_model_has_already(body):
    assert body.with_classes(("negative", "positive")) is body
    assert body.with_vocabulary(tuple(VOCABULARY)) is body
    swapped = body.with_classes(["positive", "negative"])
    assert swapped is not body and swapped.classes == ["positive", "negative"]


@pytest.mark.parametrize(
    ("classes", "kind", "message"),
    [
        (
            ["a"],
            ValueError,
            "classes must be at least two different names. Received: classes=['a']",
        ),
        (
            ["a", "b", "a"],
            ValueError,
            "classes must be at least two different names. Received: "
            "classes=['a', 'b', 'a']",
        ),
        ("ab", TypeError, "classes must be a list of names. Received: classes='ab'"),
    ],
)
def test_classes_that_cannot_be(body, classes, kind, message):
    with pytest.raises(kind) as error:
        body.with_classes(classes)
    assert str(error.value) == message


def test_words_carry_their_vectors_over(body):
    model = body.with_vocabulary(["new", *VOCABULARY[::-1], "newer"])
    assert model.tokens.vocabulary == ["new", *VOCABULARY[::-1], "newer"]
    assert model.classes == body.classes
    known = ["Dull, the plot", "A warm film.", "awful cast", "fine", ""]
    np.testing.assert_allclose(shares(model, known), shares(body, known), atol=1e-6)
    with_new = ["the new film", "newer", "dull new cast newer"]
    np.testing.assert_allclose(
        shares(model, with_new), shares(body, with_new), atol=1e-6
    )
    # They can be told apart from now on.
    vectors = model.get_layer("reader").get_weights()[0]
    assert vectors.shape == (14, 8)
    vectors[2] += 1
    model.get_layer("reader").set_weights([vectors])
    new, newer, unheard = shares(model, ["new", "newer", "unheard"])
    assert not np.allclose(new, newer, atol=1e-4)
    np.testing.assert_allclose(newer, unheard, atol=1e-6)


def test_words_that_are_left_out_are_unknown(body):
    model = body.with_vocabulary(["film", "dull"])
    texts = ["a dull film", "warm film", "dull dull"]
    unknown = ["[] dull film", "[] film", "dull dull"]
    unknown = [text.replace("[]", "unheard") for text in unknown]
    expected = shares(body, unknown)
    np.testing.assert_allclose(shares(model, texts), expected, atol=1e-6)


def test_a_vocabulary_cannot_have_a_word_twice(body):
    with pytest.raises(ValueError, match="1 words more than once, such as 'film'"):
        body.with_vocabulary(["film", "dull", "film"])


def test_n_grams_are_of_the_head_and_of_known_words():
    body = classifier(ngrams=2)
    labels = [body.classes[row % 2] for row in range(len(TEXTS))]
    before = shares(body, TEXTS)
    assert body.adapt(Pairs(TEXTS * 2, labels * 2)) > 0
    assert np.abs(shares(body, TEXTS) - before).max() > 0.01
    model = body.with_classes(["sad", "glad"])
    assert not model.get_layer("ngrams").adapted.numpy()
    more = body.with_vocabulary([*VOCABULARY, "new"])
    np.testing.assert_allclose(shares(more, TEXTS), shares(body, TEXTS), atol=1e-6)
    for words in (VOCABULARY[:-1], ["new", *VOCABULARY], VOCABULARY[::-1]):
        with pytest.raises(ValueError) as error:
            body.with_vocabulary(words)
        assert str(error.value) == (
            "The vocabulary of a model with n-grams can be added to, and not changed: "
            "begin with model.tokens.vocabulary. Received: vocabulary with "
            f"{len(words)} words, which begins otherwise"
        )


def test_a_frozen_model_gives_one_that_learns(body):
    frozen = copy_of(body)
    finetuning.freeze(frozen, ["reader", "recurrence"])
    model = frozen.with_classes(["a", "b", "c"])
    assert finetuning.layer_groups(model) == GROUPS
    np.testing.assert_array_equal(
        model.get_layer("reader").get_weights()[0],
        body.get_layer("reader").get_weights()[0],
    )
    assert finetuning.layer_groups(frozen) == ["head"]


def test_layer_groups(body):
    assert finetuning.layer_groups(body) == GROUPS
    assert finetuning.layer_groups(
        many_to_one(features=2, num_values=1, units=2, pooling="attention", cell="lstm")
    ) == ["head", "pooling", "recurrence/lstm_0"]


# Frozen layers


@pytest.mark.parametrize(
    ("frozen", "learning"),
    [
        (["reader"], GROUPS[:3]),
        (["recurrence"], ["head", "reader"]),
        (["reader", "recurrence"], ["head"]),
        (["head"], GROUPS[1:]),
    ],
)
def test_frozen_layers_stay_and_others_learn(body, frozen, learning):
    model = copy_of(body)
    finetuning.freeze(model, frozen)
    before = model.get_weights()
    step(model)
    assert moved(model, before) == learning
    assert finetuning.layer_groups(model) == learning


def test_nothing_frozen_lets_all_learn(body):
    model = copy_of(body)
    finetuning.freeze(model, ["reader", "recurrence"])
    step(model)
    finetuning.freeze(model, [])
    before = model.get_weights()
    step(model)
    assert moved(model, before) == GROUPS


def test_the_optimizer_keeps_its_settings(body):
    model = copy_of(body)
    optimizer = finetuning.layerwise_adam(
        model, 0.02, decay=3.0, unfreeze_steps=7, global_clipnorm=0.5, beta_1=0.8
    )
    model.compile_with_defaults(optimizer)
    finetuning.freeze(model, ["reader"])
    assert model.optimizer is not optimizer
    assert model.optimizer.get_config() == optimizer.get_config()
    step(model)
    assert int(model.optimizer.iterations) == 1


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            ["redaer"],
            "layers must be one of 'reader', 'recurrence', 'head'. Did you mean "
            "'reader'? Received: layers='redaer'",
        ),
        (
            ["reader", "recurrence", "head"],
            "One layer at least must learn: leave out 'head'. Received: "
            "layers=['reader', 'recurrence', 'head']",
        ),
    ],
)
def test_layers_that_cannot_be_frozen(body, layers, message):
    model = copy_of(body)
    with pytest.raises(ValueError) as error:
        finetuning.freeze(model, layers)
    assert str(error.value) == message
    assert finetuning.layer_groups(model) == GROUPS


# A rate for each layer


def step_changes(model, optimizer):
    before = model.get_weights()
    model.compile_with_defaults(optimizer)
    step(model)
    return {
        # A name that Keras chose may have a number, of how many there were before.
        re.sub("embedding_[0-9]+", "embedding", weight.path): after - was
        for weight, after, was in zip(
            model.weights, model.get_weights(), before, strict=True
        )
    }


def depth(path):
    return next(d for d, group in enumerate(GROUPS) if path.startswith(group + "/"))


@pytest.mark.parametrize("decay", [1, 2.6])
def test_each_layer_takes_a_step_of_its_own_size(body, decay):
    plain = step_changes(copy_of(body), keras.optimizers.Adam(0.01))
    model = copy_of(body)
    optimizer = finetuning.layerwise_adam(model, 0.01, decay=decay)
    layerwise = step_changes(model, optimizer)
    assert {depth(path) for path in plain} == {0, 1, 2, 3}
    for path, change in plain.items():
        assert np.abs(change).max() > 1e-3
        expected = change / decay ** depth(path)
        np.testing.assert_allclose(layerwise[path], expected, atol=1e-6, err_msg=path)


def test_weights_of_layers_that_are_not_named_have_the_full_rate(body):
    plain = step_changes(copy_of(body), keras.optimizers.Adam(0.01))
    optimizer = finetuning.LayerwiseAdam(0.01, layers=["head", "reader"], decay=2.0)
    named = step_changes(copy_of(body), optimizer)
    for path, change in plain.items():
        factor = 2 if path.startswith("reader/") else 1
        np.testing.assert_allclose(named[path], change / factor, atol=1e-6)


def test_rates_follow_a_schedule(body):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.01, 0.0])
    model = copy_of(body)
    model.compile_with_defaults(finetuning.layerwise_adam(model, schedule))
    before = model.get_weights()
    step(model)
    assert moved(model, before) == GROUPS
    before = model.get_weights()
    step(model)
    assert moved(model, before) == []


@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1}])
def test_layers_begin_to_learn_at_exactly_their_step(body, options):
    model = copy_of(body)
    optimizer = finetuning.layerwise_adam(model, 0.01, unfreeze_steps=2, **options)
    model.compile_with_defaults(optimizer)
    learning = []
    for _ in range(7):
        before = model.get_weights()
        step(model)
        learning.append(len(moved(model, before)))
    assert learning == [1, 1, 2, 2, 3, 3, 4]
    assert moved(model, before) == GROUPS


def test_weight_decay_is_that_of_the_layer(body):
    """A weight without a gradient only decays: here, that of a word never read."""

    def shrinking(decay):
        model = copy_of(body)
        vectors = model.get_layer("reader").get_weights()[0]
        optimizer = finetuning.layerwise_adam(
            model, 0.01, decay=decay, weight_decay=0.5
        )
        model.compile_with_defaults(optimizer)
        step(model, ["dull", "warm"], LABELS[:2])
        after = model.get_layer("reader").get_weights()[0]
        return (after / vectors)[VOCABULARY.index("plot") + 2]

    np.testing.assert_allclose(shrinking(1), 1 - 0.01 * 0.5, rtol=1e-5)
    np.testing.assert_allclose(shrinking(2), 1 - 0.01 * 0.5 / 2**3, rtol=1e-5)


def test_an_optimizer_from_its_config(body):
    optimizer = finetuning.layerwise_adam(
        body, 0.02, decay=3, unfreeze_steps=4, clipnorm=1.0, epsilon=1e-6
    )
    config = optimizer.get_config()
    assert config["layers"] == GROUPS
    assert (config["decay"], config["unfreeze_steps"]) == (3, 4)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is finetuning.LayerwiseAdam
    assert again.get_config() == config
    assert type(optimizer).from_config(config).get_config() == config
    json.dumps(config)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"decay": 0.5},
            ValueError,
            "decay must be a number of at least 1. Received: decay=0.5",
        ),
        (
            {"unfreeze_steps": -1},
            ValueError,
            "unfreeze_steps must be an integer of at least 0. Received: "
            "unfreeze_steps=-1",
        ),
        (
            {"unfreeze_steps": 1.5},
            TypeError,
            "unfreeze_steps must be an integer of at least 0. Received: "
            "unfreeze_steps=1.5",
        ),
    ],
)
def test_bad_options_of_the_optimizer(body, options, kind, message):
    with pytest.raises(kind) as error:
        finetuning.layerwise_adam(body, **options)
    assert str(error.value) == message


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(body, precision):
    keras.config.set_dtype_policy(precision)
    model = copy_of(body)
    optimizer = finetuning.layerwise_adam(model, 0.01, decay=2, unfreeze_steps=1)
    model.compile_with_defaults(optimizer)
    finetuning.freeze(model, ["reader"])
    learning = []
    for _ in range(3):
        before = model.get_weights()
        assert np.isfinite(step(model)["loss"])
        learning.append(moved(model, before))
    assert learning == [GROUPS[:1], GROUPS[:2], GROUPS[:3]]
    assert finetuning.layer_groups(model) == GROUPS[:3]


@pytest.mark.slow
def test_replicas_learn_as_one_device_does():
    groups = ["head", "recurrence/simple_0", "reader"]
    random = np.random.default_rng(0)
    x, y = random.integers(1, 9, (12, 3)), random.integers(0, 2, 12)

    def trained(count):
        keras.utils.set_random_seed(0)
        with choose_devices(count).scope():
            model = many_to_one(
                vocabulary_size=9, num_classes=2, units=4, cell="simple"
            )
            optimizer = finetuning.layerwise_adam(
                model, 0.01, unfreeze_steps=1, global_clipnorm=0.1
            )
            model.compile_with_defaults(optimizer)
        assert optimizer.layers == groups
        begun = []
        for _ in range(3):
            before = model.get_weights()
            model.fit(x, y, batch_size=12, verbose=0, shuffle=False)
            begun.append(moved(model, before, groups))
        return begun, model.get_weights()

    one, two = trained(1), trained(2)
    assert one[0] == two[0] == [groups[:1], groups[:2], groups]
    for a, b in zip(one[1], two[1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


# Files


@pytest.fixture(scope="module")
def fine_tuned(body, tmp_path_factory):
    """A fine-tuned, frozen, compiled model and the file that holds it."""
    keras.utils.set_random_seed(2)
    model = body.with_vocabulary([*VOCABULARY, "superb", "d\u00e9j\u00e0"])
    model = model.with_classes(["bad", "good", "3"])
    model.compile_with_defaults(
        finetuning.layerwise_adam(model, 0.01, unfreeze_steps=2, decay=2)
    )
    finetuning.freeze(model, ["reader"])
    labels = ["bad", "good", "3", 3] * 2
    for _ in range(4):
        step(model, TEXTS, labels)
    path = tmp_path_factory.mktemp("models") / "mine.keras"
    model.save(path)
    return model, path


def test_a_loaded_model_goes_on_where_the_saved_one_was(fine_tuned):
    model, path = fine_tuned
    loaded = rnnzoo.load(path)
    assert [layer.trainable for layer in loaded.layers] == [
        layer.name != "reader" for layer in loaded.layers
    ]
    assert loaded.card == {"body": {"body": "sentiment_classifier.made_up"}}
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert int(loaded.optimizer.iterations) == 4
    for new, old in zip(
        loaded.optimizer.variables, model.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(new, old)
    before = loaded.get_weights()
    again = rnnzoo.load(path)
    for one in (loaded, again):
        step(one, TEXTS, ["bad", "good"] * 4)
    for a, b in zip(loaded.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # Four steps were made: the third of the layers begins with the next.
    assert moved(loaded, before) == GROUPS[:3]


@pytest.mark.slow
def test_a_new_process_answers_the_same(fine_tuned):
    model, path = fine_tuned
    texts = ["A superb film.", "d\u00e9j\u00e0 vu", "", "dull " * 30, "\U0001f600 warm"]
    code = (
        "import json, sys, warnings\n"
        "import rnnzoo\n"
        "warnings.simplefilter('ignore')\n"
        "model = rnnzoo.load(sys.argv[1])\n"
        "texts = json.loads(sys.argv[2])\n"
        "frozen = [layer.name for layer in model.layers if not layer.trainable]\n"
        "answers = model.classify(texts), model.classify(texts, probabilities=True)\n"
        "print(json.dumps([answers, model.classes, frozen]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(path), json.dumps(texts)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    (names, shares), classes, frozen = json.loads(result.stdout.splitlines()[-1])
    assert classes == ["bad", "good", "3"] and frozen == ["reader"]
    with pytest.warns(UserWarning, match="1 of 5 texts have more than 20 words"):
        expected = model.classify(texts, probabilities=True)
    assert names == [max(one, key=one.get) for one in expected]
    for got, one in zip(shares, expected, strict=True):
        assert got == pytest.approx(one, abs=1e-6)
