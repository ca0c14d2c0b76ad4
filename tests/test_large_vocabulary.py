"""Output layers for many classes: exact answers, and a cheaper loss in training."""

import numpy as np
import pytest

import rnnzoo
from rnnzoo import language_model, many_to_many, text_classifier, train
from rnnzoo.layers.large_vocabulary import (
    AdaptiveSoftmax,
    SampledSoftmax,
    choose_cutoffs,
)

WORDS = [f"w{number}" for number in range(60)]


def test_an_adaptive_softmax_is_a_distribution_and_measures_it():
    random = np.random.default_rng(0)
    layer = AdaptiveSoftmax(10, cutoffs=[4, 6])
    features = random.standard_normal((2, 5, 8)).astype("float32")
    targets = random.integers(0, 10, (2, 5))
    scores = np.array(layer(features))
    np.testing.assert_allclose(np.exp(scores).sum(axis=-1), 1, rtol=1e-5)
    own = np.take_along_axis(scores, targets[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(layer.measure(features, targets), -own, atol=1e-5)


def test_a_sampled_softmax_compares_with_all_logits_when_it_answers():
    layer = SampledSoftmax(50, num_sampled=8)
    features = np.ones((1, 2, 4), "float32")
    logits = np.array(layer(features))
    kernel, bias = np.array(layer.kernel), np.array(layer.bias)
    np.testing.assert_allclose(logits, features @ kernel.T + bias, rtol=1e-5)
    assert np.isfinite(layer.measure(features, np.array([[3, 49]]))).all()


def test_a_sampled_loss_estimates_that_of_the_full_softmax():
    layer = SampledSoftmax(50, num_sampled=2000)
    random = np.random.default_rng(0)
    features = random.standard_normal((1, 50, 8)).astype("float32")
    targets = np.arange(50)[None]  # frequent and rare ones
    logits = np.array(layer(features))
    own = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    exact = np.log(np.exp(logits).sum(axis=-1)) - own
    np.testing.assert_allclose(layer.measure(features, targets), exact, atol=0.02)


@pytest.mark.parametrize(
    ("size", "cuts"), [(10, [2]), (200_000, [4000, 20000, 100000])]
)
def test_cutoffs_follow_the_number_of_classes(size, cuts):
    assert choose_cutoffs(size) == cuts


@pytest.mark.parametrize(
    ("output", "tied"), [("adaptive", False), ("sampled", False), ("sampled", True)]
)
def test_language_models_learn_save_and_write_with_each(output, tied, tmp_path):
    model = language_model(
        weights=None,
        vocabulary=WORDS,
        tokens="whitespace",
        units=16,
        embedding_dim=16,
        num_layers=1,
        output=output,
        tied_weights=tied,
        dropout=0.0,
    )
    texts = ["w1 w2 w3 w4 w5 w6"] * 32
    before = model.evaluate(texts, verbose=0, return_dict=True)["loss"]
    model.fit(texts, epochs=30, batch_size=4, verbose=0)
    after = model.evaluate(texts, verbose=0, return_dict=True)["loss"]
    assert after < before - 0.5
    model.save(tmp_path / "model.keras")
    again = rnnzoo.load(tmp_path / "model.keras")
    assert again.generate("w1", max_length=4, seed=1) == model.generate(
        "w1", max_length=4, seed=1
    )


def test_outputs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="output must be one of"):
        many_to_many(vocabulary_size=9, num_classes=9, output="hierarchical")
    with pytest.raises(ValueError, match="leave it out for values"):
        many_to_many(vocabulary_size=9, num_values=1, output="sampled")
    with pytest.raises(ValueError, match="output='sampled' or 'full'"):
        many_to_many(
            vocabulary_size=9, num_classes=8, output="adaptive", tied_weights=True
        )


@pytest.mark.slow
def test_a_language_model_backwards_shares_the_vectors_of_words(tmp_path, monkeypatch):
    from rnnzoo.data import catalog
    from rnnzoo.recipes.reviews_language import ReviewsLanguage

    texts = {"train": ["a good film", "a bad film"] * 20, "test": ["never seen"]}
    texts["unsupervised"] = [f"film number {n} is it" for n in range(20)]
    texts["unsupervised"] += texts["test"]
    monkeypatch.setattr(
        catalog, "load", lambda name, split, **options: (texts[split], None)
    )
    monkeypatch.setattr(catalog, "find_folder", lambda name: tmp_path)
    options = {"units": 8, "embedding_dim": 8, "epochs": 1, "batch_size": 2}
    options |= {"max_length": 8, "bptt_steps": 8, "num_validation": 4}
    forwards = train(ReviewsLanguage(**options), tmp_path / "forwards")
    assert "never" not in forwards.tokens.vocabulary
    path = str(tmp_path / "forwards" / "best.keras")
    recipe = ReviewsLanguage(**options, backwards=True, vectors=path)
    assert recipe.symbols[0] == ReviewsLanguage(**options).symbols[0][::-1]
    backwards = train(recipe, tmp_path / "backwards")
    for name, same in (("reader", True), ("recurrence", False)):
        one, other = (
            model.get_layer(name).get_weights()[0] for model in (forwards, backwards)
        )
        assert np.array_equal(one, other) == same
    settings = {**backwards.arguments, "ngrams": 0}
    names = ("tokens", "vocabulary", "embedding_dim", "units", "num_layers", "cell")
    model = text_classifier(None, ngrams=0, **{name: settings[name] for name in names})
    model.copy_languages(forwards, backwards)
    ids = np.array([[2, 3, 4]])
    outputs = model.get_layer("recurrence")(model.get_layer("reader")(ids))[0]
    both = (forwards, 1, slice(8)), (backwards, -1, slice(8, 16))
    for language, order, part in both:
        read = language.get_layer("recurrence")
        found = read(language.get_layer("reader")(ids[:, ::order]))[0][:, ::order]
        np.testing.assert_allclose(outputs[..., part], found, atol=1e-5)
    other = rnnzoo.load(tmp_path / "backwards" / "best.keras")
    reader = other.get_layer("reader")
    reader.set_weights([reader.get_weights()[0] + 1])
    with pytest.raises(ValueError, match="the same vectors"):
        model.copy_languages(forwards, other)
    with pytest.raises(ValueError, match="the same units"):
        small = {**{name: settings[name] for name in names}, "units": 4}
        text_classifier(None, ngrams=0, **small).copy_languages(forwards, backwards)
    with pytest.raises(ValueError, match="the same tokens and embedding_dim"):
        ReviewsLanguage(**{**options, "embedding_dim": 4}, vectors=path).model()
