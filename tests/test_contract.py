"""What every model of `rnnzoo.list_models()` must satisfy: `rnnzoo.testing`.

A new model needs no test code here: examples come from the recipe that its weights
record names, and the checks from `rnnzoo.testing.CHECKS`. A model whose weights are set
by hand takes no `weights`, has no recipe and is not trained: it brings examples, and
must answer all of them rightly.

What takes long, and depends on the architecture more than on the model, is among the
slow tests but for the smallest model of each architecture; and so is what depends on
the class, for a model whose class another has weights of.
"""

import dataclasses
import functools
import os
import pathlib
from inspect import signature

import pytest
import tiny_data

import rnnzoo
from rnnzoo import testing, training, weights
from rnnzoo.architectures.sequence_model import SequenceModel
from rnnzoo.testing import Subject, learning, publishing

BY_HAND = rnnzoo.list_models(by_hand=True)
MODELS = rnnzoo.list_models()
WEIGHTS = rnnzoo.list_weights()
# They train for seconds.
HEAVY = {check.__name__ for check in learning.CHECKS}
HEAVY -= {"check_one_step_moves_every_weight"}
# Of these, which train or compile several times, one model's are enough.
COSTLY = {
    "check_interrupted_and_resumed_equals_uninterrupted",
    "check_xla_step_has_the_same_loss",
    "check_two_replicas",
    "check_same_seed_same_weights",
    "check_mixed_bfloat16",
    "check_mixed_float16",
    "check_memorises_eight_examples",
    "check_run_folder_is_complete",
}
PUBLIC = {check.__name__ for check in publishing.CHECKS}


def architecture(name):
    line = getattr(rnnzoo, name).model_class.__mro__
    return line[line.index(SequenceModel) - 1]


def size(name):
    if name in BY_HAND:
        return 0
    first = rnnzoo.list_weights(name)[:1]
    return weights.records()[first[0]]["parameters"] if first else float("inf")


SMALLEST = {architecture(n): n for n in sorted(MODELS, key=size, reverse=True)}
SMALLEST_OF_ALL = min((n for n in MODELS if n not in BY_HAND), key=size)


def cases():
    """Pairs of a model and a check, the checks of a model together."""
    for name in MODELS:
        for check in testing.CHECKS:
            if check == publishing.check_listed_weights.__name__:
                continue  # one test for each file, below
            is_slow = check in testing.SLOW
            is_slow |= check in HEAVY and name not in SMALLEST.values()
            is_slow |= check in COSTLY and name != SMALLEST_OF_ALL
            is_slow |= check not in PUBLIC and size(name) == float("inf")
            marks = [pytest.mark.slow] if is_slow else []
            yield pytest.param(name, check, marks=marks)


@pytest.fixture(autouse=True, scope="module")
def small_data_sets(tmp_path_factory):
    """Puts small data sets in the places of the public ones."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # all processes share it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(tiny_data.prepare(folder / "data_sets")))
        yield


@functools.cache
def subject(name):
    """A model with its first weights, its recipe and a small data set."""
    factory = getattr(rnnzoo, name)
    if name in BY_HAND:
        return keep_files(Subject(factory))
    # A model without weights has the recipe of one of the same class that has some.
    alike = [n for n in MODELS if getattr(rnnzoo, n).model_class is factory.model_class]
    listed = [w for model in [name, *alike] for w in rnnzoo.list_weights(model)]
    recipe = training.recipe_class(weights.records()[listed[0]]["recipe"])
    # Where the small data sets are, and how much of them and of time is enough.
    options = {"data": os.environ["TFDS_DATA_DIR"], "num_validation": 40}
    options |= {"num_test": 40, "restarts": 2}
    known = {field.name for field in dataclasses.fields(recipe)}
    recipe = recipe(**{k: v for k, v in options.items() if k in known})
    return keep_files(Subject(factory, recipe=recipe))


def keep_files(found):
    """Has files among those of the tests: processes of pytest-xdist end at once."""
    data_sets = pathlib.Path(os.environ["TFDS_DATA_DIR"])
    found.folder = data_sets.with_name(f"contract_{os.getpid()}_{found.name}")
    found.folder.mkdir()
    return found


@pytest.mark.parametrize(("name", "check"), list(cases()))
def test_contract(name, check):
    testing.run_check(check, subject(name))


@pytest.mark.smoke
@pytest.mark.parametrize("name", WEIGHTS)
def test_golden_answers(name):
    model = name.split(".")[0]
    default = signature(getattr(rnnzoo, model)).parameters["weights"].default
    default = name == f"{model}.{default}"
    publishing.check_golden_answers(name, subject(model).model if default else None)


@pytest.mark.parametrize("name", WEIGHTS)
def test_records_are_complete(name):
    publishing.check_record(name)


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_damaged_file_is_refused(name):
    publishing.check_damaged_file_is_refused(name)
