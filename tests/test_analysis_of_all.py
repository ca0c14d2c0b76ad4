"""The tools of analysis, given any model: they work, or say which models they take."""

import inspect
import pathlib

import numpy as np
import pytest

import rnnzoo
from rnnzoo import analysis
from rnnzoo.training.history import describe_units

SMALL = {"weights": None, "units": 4, "vocabulary_size": None, "features": 1}
SMALL |= {"num_values": 1, "target_features": 1, "ngrams": 0}
NAMES = [*rnnzoo.list_models(), "many_to_one", "many_to_many", "many_to_one_to_many"]
# What a tool needs beside a model, by the names of its arguments.
GIVEN = {
    "labels": [0],
    "probabilities": [[1.0]],
    "classes": ["a"],
    "method": "occlusion",
}


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    factory = getattr(rnnzoo, request.param)
    known = inspect.signature(factory).parameters
    return factory(**{name: SMALL[name] for name in SMALL if name in known})


def find_tools():
    functions = (getattr(analysis, name) for name in analysis.__all__)
    return [one for one in functions if inspect.isfunction(one)]


def test_every_tool_takes_a_model_or_says_which(model, tmp_path):
    inputs = model.sample_inputs(2)
    texts = model.sample_texts() if hasattr(model, "tokens") else None
    for tool in find_tools():
        first, *others = inspect.signature(tool).parameters
        given = {"path": tmp_path / "picture.png", "inputs": inputs, "targets": inputs}
        given |= {"example": texts[0] if texts else inputs[0], "target_class": None}
        given |= GIVEN
        for changed in (
            {},
            {"inputs": texts},
            {"inputs": inputs[0]},
            {"targets": None},
        ):
            words = {name: (given | changed)[name] for name in others}
            try:
                tool(model, **words)
            except (TypeError, ValueError) as error:
                assert "Received" in str(error) and len(str(error)) < 2000, tool


def test_what_can_be_drawn_is_drawn(tmp_path):
    path = tmp_path / "unrolled.png"
    analysis.plot_unrolled(rnnzoo.parity(weights=None, units=4), np.ones((3, 1)), path)
    assert pathlib.Path(path).stat().st_size > 1000
    with pytest.raises(ValueError, match="that reads real values.*tokens in place of"):
        analysis.plot_unrolled(
            rnnzoo.language_model(weights=None, units=4), np.ones((3, 1)), path
        )


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("surname_classifier", {"loss": "nats per example"}),
        ("language_model", {"loss": "nats per character"}),
        ("language_model", {"perplexity": "perplexity per character"}),
        ("memorizer", {"exact_match": "fraction of answers that are right"}),
        ("parity", {"loss": "nats per bit"}),
        ("pattern_generator", {}),
    ],
)
def test_learning_curves_have_the_units_of_a_model(name, units):
    found = describe_units(getattr(rnnzoo, name)(weights=None, units=4))
    assert found.items() >= units.items() and bool(found) == bool(units)


def test_an_alignment_ends_with_the_end():
    text, alignment = rnnzoo.translator().translate("a dog", return_attention=True)
    assert alignment.source[0] == "[start]" and alignment.target[-1] == "[end]"
    assert "[start]" not in alignment.target and len(text)


def test_models_and_weights_are_listed_by_patterns():
    assert rnnzoo.list_models("sorter") == ["sorter"]
    assert rnnzoo.list_models("trans*") == ["translator"]
    listed = rnnzoo.list_weights("sorter")
    assert rnnzoo.list_weights("sort*") == rnnzoo.list_weights("sorter.*") == listed
    assert rnnzoo.list_weights("*") == rnnzoo.list_weights() and listed
    with pytest.raises(ValueError, match="Did you mean 'sorter'"):
        rnnzoo.list_weights("sortr")
    for function in (rnnzoo.list_models, rnnzoo.list_weights):
        with pytest.raises(TypeError, match="must be a name or wildcards"):
            function(True)
