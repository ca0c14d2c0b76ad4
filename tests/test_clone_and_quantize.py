"""What Keras makes of whole models: clones, and models of integers."""

import keras
import numpy as np
import pytest

import rnnzoo

TINY = {"weights": None, "units": 4}


def classifier():
    return rnnzoo.text_classifier(
        classes=["no", "yes"], tokens="bytes", ngrams=0, **TINY
    )


def test_clones_are_fresh_fit_and_answer():
    model = classifier()
    model.fit(["a", "b"], ["yes", "no"], verbose=0)
    for one in (model, rnnzoo.adder()):
        assert_fresh(keras.models.clone_model(one), one)
    clone = keras.models.clone_model(model)
    clone.fit(["a", "b"], ["yes", "no"], verbose=0)
    assert clone.classify("a") in model.classes
    with pytest.raises(ValueError, match="leave out clone_function"):
        keras.models.clone_model(model, clone_function=lambda layer: layer)


def assert_fresh(clone, one):
    assert type(clone) is type(one) and clone.get_config() == one.get_config()
    assert type(clone.optimizer) is type(one.optimizer)
    both = zip(clone.get_weights(), one.get_weights(), strict=True)
    assert any(not np.allclose(a, b) for a, b in both)


@pytest.mark.slow
def test_clones_of_translators():
    translator = rnnzoo.translator(num_layers=1, **TINY)
    translator.compile(keras.optimizers.SGD(0.5), translator.loss)
    clone = keras.models.clone_model(translator)
    assert_fresh(clone, translator)
    clone.fit(["a"], ["b"], verbose=0)
    assert isinstance(clone.translate("a"), str)


def test_clones_of_other_models_are_those_of_keras():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    functional = keras.Model(model.inputs, model.outputs)
    assert type(keras.models.clone_model(functional)) is type(functional)


@pytest.mark.slow
def test_quantized_models_answer_save_and_load(tmp_path):
    path = tmp_path / "int8.keras"
    sorter = rnnzoo.sorter()
    numbers = [[31, 4, 15, 9, 26], [2, 1]]
    expected = sorter.sort(numbers)  # compiles a graph of the old weights
    size = sum(weight.nbytes for weight in sorter.get_weights())
    sorter.quantize("int8")
    assert sum(weight.nbytes for weight in sorter.get_weights()) < size
    assert sorter.sort(numbers) == expected
    sorter.save(path)
    logits = sorter.predict(numbers[:1], verbose=0)
    for loaded in (rnnzoo.load(path), rnnzoo.sorter(path)):
        assert loaded.sort(numbers) == expected
        np.testing.assert_array_equal(loaded.predict(numbers[:1], verbose=0), logits)
    with pytest.raises(ValueError, match="can be quantized once"):
        sorter.quantize("int8")
    with pytest.raises(ValueError, match="mode must be one of 'int8', 'int4'"):
        rnnzoo.adder().quantize("float8")


@pytest.mark.slow
def test_quantized_tied_weights_and_fitted_models(tmp_path):
    path = tmp_path / "int8.keras"
    model = rnnzoo.language_model(
        vocabulary="abc", num_layers=1, tied_weights=True, embedding_dim=4, **TINY
    )
    before = model.predict(["abc"], verbose=0)
    model.quantize("int8")
    np.testing.assert_allclose(model.predict(["abc"], verbose=0), before, atol=0.05)
    text = model.generate("a", max_length=3, seed=0)
    model.save(path)
    assert rnnzoo.load(path).generate("a", max_length=3, seed=0) == text
    model = classifier()
    model.fit(["a", "b"], ["yes", "no"], verbose=0)
    model.quantize("int8")
    model.save(path)
    assert rnnzoo.load(path).probabilities(["a"]) == pytest.approx(
        model.probabilities(["a"])
    )
    for other in (
        lambda: model.with_classes(["a", "b"]),
        lambda: rnnzoo.text_classifier(str(path), classes=["a", "b"]),
    ):
        with pytest.raises(ValueError, match="not quantized"):
            other()
