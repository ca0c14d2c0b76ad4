"""Raw input of any kind to every model: an answer, or one short sentence."""

import datetime
import fractions
import warnings

import numpy as np
import pytest
import tensorflow as tf
from faults_of_input import SMALL
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnzoo
from rnnzoo.errors import shorten

METHODS = ("answer", "classify", "sort", "translate", "score", "rank", "generate")


@pytest.fixture(scope="module")
def models():
    return {name: getattr(rnnzoo, name)(**small) for name, small in SMALL.items()}


def test_no_model_is_left_out():
    assert {*rnnzoo.list_models()} - {*SMALL} == {"sentiment_classifier"}


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no representation")

    __len__ = __iter__ = __repr__


def nest(value, depth):
    for _ in range(depth):
        value = [value]
    return value


ENDLESS = [1]
ENDLESS.append(ENDLESS)
ODD = {
    "endless": ENDLESS,
    "nothing deep": nest([], 2000),
    "deep": nest(1, 2000),
    "endless array": np.array([ENDLESS, 1], object),
    "none": None,
    "nones": [None],
    "bool": True,
    "bools": [True, False],
    "number": 5,
    "numbers": [5],
    "digits": 10**5000,
    "long digits": [10**5000],
    "nested digits": [[10**5000, 1]],
    "real": 2.5,
    "reals": [2.5],
    "beyond 32 bits": [[1e39, 1], [1, 1e39]],
    "nan": [float("nan")],
    "infinity": [[float("inf"), 1]],
    "bytes": b"\xff\xfe",
    "some bytes": [b"\xff"],
    "text": "\ud800",
    "long text": "x" * 10**4,
    "long digits and x": "1" * 30_000 + "x",
    "mixed": [1, "a"],
    "mixed rows": [[1], 2],
    "mixed depth": [1, [2]],
    "three levels": [[[1]]],
    "set": {1, 2},
    "dict": {"a": 1},
    "rows of dicts": [[{}]],
    "generator": (one for one in "ab"),
    "range": range(10**9),
    "object": Unprintable(),
    "objects": [Unprintable()],
    "rows of objects": [[Unprintable()]],
    "many": [object()] * 10**4,
    "many in a row": [["x"] * 10**4],
    "many rows": [[-1] * 50] * 10**3,
    "large": [["x" * 10**6]],
    "complex": [1j],
    "fraction": [fractions.Fraction(1, 3)],
    "date": datetime.date(2000, 1, 1),
    "no dimension": np.array(5),
    "scalar": np.int64(3),
    "no steps": np.zeros((2, 0)),
    "no steps of two": np.zeros((2, 0, 2)),
    "four dimensions": np.zeros((1, 1, 1, 1)),
    "masked": np.ma.array([1, 2], mask=[0, 1]),
    "dates": np.array(["2020"], "datetime64"),
    "unsigned": np.array([[2**63]], "uint64"),
    "ragged": tf.ragged.constant([[[1]], []]),
    "type": int,
}


def check(call):
    """A call answers, or raises one short sentence that says what was received."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call()
        except (TypeError, ValueError) as error:
            assert "Received" in str(error) and len(str(error)) < 2000, str(error)


@pytest.mark.parametrize("name", SMALL)
def test_odd_input_is_answered_or_refused_in_a_sentence(name, models):
    for kind, value in ODD.items():
        if name == "memorizer" and kind == "long digits":
            continue
        print(kind)  # shown if it fails
        check(lambda value=value: models[name].answer(value))


inputs = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["0110", "3 1 2", "5 + 3", b"a", 0, 1, 5, np.float32(1)]),
    lambda values: (
        st.lists(values, max_size=4)
        | st.tuples(values, values)
        | st.lists(values, max_size=3).map(lambda rows: np.array([*rows, None], object))
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("name", SMALL)
@settings(max_examples=25, deadline=None)
@given(value=inputs)
def test_any_input_is_answered_or_refused_in_a_sentence(name, models, value):
    for method in METHODS:
        if hasattr(models[name], method):
            options = {"max_length": 3} if method == "generate" else {}
            check(lambda m=method, o=options: getattr(models[name], m)(value, **o))


@given(st.recursive(st.integers() | st.text(), st.lists, max_leaves=300))
def test_representations_are_cut_where_python_would_write_more(value):
    text = repr(value)
    expected = text if len(text) <= 80 else text[:77] + "..."
    assert len(shorten(value)) <= 80
    if "'" not in text and '"' not in text:
        assert shorten(value) == expected


@pytest.mark.parametrize("ids", [[[1, 2], [3, -1]], [[9, 1], [2, 2]], [[1, 2**40]]])
def test_ids_outside_the_vocabulary_are_refused(ids):
    ids = np.array(ids)
    place = "row 0, step 0" if ids[0, 0] == 9 else f"row {len(ids) - 1}, step 1"
    message = f"Token ids must be from 0 to 8.* correct {place} .*Received: "
    model = rnnzoo.many_to_one(vocabulary_size=9, num_classes=2, units=4)
    labels = np.zeros(len(ids), int)
    for call in (
        lambda: model.predict(ids, verbose=0),
        lambda: model.fit(ids, labels, verbose=0),
        lambda: model.evaluate(ids, labels, verbose=0),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    model = rnnzoo.many_to_one_to_many(
        vocabulary_size=99,
        target_vocabulary_size=9,
        decoder="autoregressive",
        units=4,
    )
    inputs = {"source": np.ones_like(ids), "target": ids}
    with pytest.raises(ValueError, match=message):
        model.predict(inputs, verbose=0)


def test_arrays_without_rows_or_steps_are_refused():
    tokens = rnnzoo.many_to_one(vocabulary_size=9, num_classes=2, units=4)
    values = rnnzoo.many_to_many(features=2, num_values=1, units=4)
    for model, shape in (
        (tokens, (2, 0)),
        (tokens, (0, 3)),
        (values, (2, 0, 2)),
        (values, (0, 3, 2)),
    ):
        with pytest.raises(ValueError, match="a row and a step at least. Received: "):
            model.predict(np.zeros(shape), verbose=0)
        with pytest.raises(ValueError, match="a row and a step at least. Received: "):
            model.fit(np.zeros(shape), np.zeros(shape[0]), verbose=0)
    with pytest.raises(ValueError, match="a row and a step at least. Received: "):
        rnnzoo.sorter(weights=None, units=4).predict([], verbose=0)
