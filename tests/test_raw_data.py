"""Raw examples of every kind in `fit`, `evaluate`, `predict` and the answers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo.training.devices import choose_devices

# Keras says so of any data whose number of batches it does not know.
pytestmark = pytest.mark.filterwarnings("ignore:Your input ran out of data")

TEXTS = ["good", "bad", "so good", "so bad", "fine"]
LABELS = ["yes", "no", "yes", "no", "yes"]
WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0, 0.0], "float32")


def classifier():
    return rnnzoo.text_classifier(
        weights=None, classes=["no", "yes"], tokens="bytes", ngrams=0, units=4
    )


@pytest.fixture(scope="module")
def model():
    return classifier()


def figures(model, *data, **options):
    return model.evaluate(*data, verbose=0, return_dict=True, **options)


def raw(*parts):
    return tf.data.Dataset.from_tensor_slices(parts)


class Batches(keras.utils.PyDataset):
    def __init__(self, *parts, size=2):
        super().__init__()
        self.parts, self.size, self.ends = parts, size, 0

    def __len__(self):
        return -(-len(self.parts[0]) // self.size)

    def __getitem__(self, index):
        rows = slice(index * self.size, (index + 1) * self.size)
        return tuple(part[rows] for part in self.parts)

    def on_epoch_end(self):
        self.ends += 1


def batches(*parts, size=2):
    data = Batches(*parts, size=size)
    return (data[index] for index in range(len(data)))


def test_data_sets_of_raw_strings_and_labels(model):
    expected = figures(model, TEXTS, LABELS)
    weighted = figures(model, TEXTS, LABELS, sample_weight=WEIGHTS)
    logits = model.predict(TEXTS, verbose=0)
    kinds = {
        "batched": raw(TEXTS, LABELS).batch(2),
        "unbatched": raw(TEXTS, LABELS),
        "generator": batches(TEXTS, LABELS),
        "PyDataset": Batches(TEXTS, LABELS),
        "encoded PyDataset": Batches(*model.encode(TEXTS, LABELS)),
        "encoded generator": batches(*model.encode(TEXTS, LABELS)),
    }
    for kind, data in kinds.items():
        assert figures(model, data) == pytest.approx(expected, rel=1e-4), kind
    for data in (
        raw(TEXTS, LABELS, WEIGHTS).batch(2),
        raw(TEXTS, LABELS, WEIGHTS),
        batches(TEXTS, LABELS, WEIGHTS),
        Batches(TEXTS, LABELS, WEIGHTS[:, None]),
    ):
        assert figures(model, data) == pytest.approx(weighted, rel=1e-4)
    for data in (
        raw(TEXTS).batch(2),
        tf.data.Dataset.from_tensor_slices(TEXTS),
        raw(TEXTS, LABELS).batch(2),
        batches(TEXTS),
        Batches(TEXTS),
        iter(TEXTS),
    ):
        found = model.predict(data, verbose=0)
        np.testing.assert_allclose(found, logits, atol=1e-5)


def test_fit_on_data_sets_of_raw_strings():
    found, data = {}, Batches(TEXTS, LABELS)
    kinds = {
        "arrays": (TEXTS, LABELS),
        "data set": (raw(TEXTS, LABELS).batch(2),),
        "generator": (batches(TEXTS, LABELS),),
        "PyDataset": (data,),
    }
    for kind, parts in kinds.items():
        keras.utils.set_random_seed(0)
        model = classifier()
        model.compile(keras.optimizers.SGD(0.0), model.loss)
        validation = parts if len(parts) > 1 else raw(TEXTS, LABELS).batch(2)
        history = model.fit(
            *parts,
            batch_size=2,
            validation_data=validation,
            class_weight={"yes": 0, "no": 0},
            verbose=0,
        ).history
        assert history["loss"] == [0.0], kind
        found[kind] = history["val_loss"]
        assert history["val_loss"] == pytest.approx(found["arrays"], rel=1e-4), kind
    assert data.ends == 1


def test_errors_within_data_sets_are_those_of_lists(model):
    for data in (
        raw(TEXTS, ["yes", "no", "maybe", "no", "yes"]).batch(5),
        batches(TEXTS, ["yes", "no", "maybe", "no", "yes"], size=5),
        Batches(TEXTS, ["yes", "no", "maybe", "no", "yes"], size=5),
    ):
        with pytest.raises(ValueError, match="Received: row 2: 'maybe'"):
            model.fit(data, verbose=0)
    for missing in (TEXTS, raw(TEXTS).batch(2), batches(TEXTS)):
        with pytest.raises(ValueError, match="Received: inputs without labels"):
            model.fit(missing, verbose=0)


def test_ragged_rows_of_numbers():
    model = rnnzoo.sorter(weights=None, max_value=9, max_length=4, units=4)
    x, y = [[3, 1, 2], [5]], [[1, 2, 3], [5]]
    expected = figures(model, x, y)
    rows = tf.data.Dataset.from_generator(
        lambda: zip(x, y, strict=True),
        output_signature=(tf.TensorSpec((None,), tf.int32),) * 2,
    )
    for data in (rows, rows.ragged_batch(2)):
        assert figures(model, data) == pytest.approx(expected, rel=1e-4)
    bits = rnnzoo.parity(weights=None, units=4)
    expected = figures(bits, [[0, 1], [1, 1]], [1, 0])
    found = figures(bits, raw([[0, 1], [1, 1]], [1, 0]).batch(2))
    assert found == pytest.approx(expected, rel=1e-4)
    ids = tf.ragged.constant([[5, 6, 7], [8]], dtype=tf.int32)
    one = rnnzoo.many_to_one(vocabulary_size=9, num_classes=2, units=4)
    dense = np.array([[5, 6, 7], [8, 0, 0]])
    found = figures(one, raw(ids, [0, 1]).batch(2))
    assert found == pytest.approx(figures(one, dense, np.array([0, 1])), rel=1e-4)


def test_batches_of_raw_examples(model):
    encoded = model.encode(TEXTS, LABELS)
    for weights in (None, WEIGHTS):
        raw_loss = model.test_on_batch(TEXTS, LABELS, weights)[0]
        assert raw_loss == pytest.approx(model.test_on_batch(*encoded, weights)[0])
    np.testing.assert_allclose(
        model.predict_on_batch(TEXTS), model.predict_on_batch(encoded[0]), atol=1e-6
    )
    for x, y in ((TEXTS, LABELS), encoded):
        model.train_on_batch(x, y, class_weight={"yes": 2})


def test_language_models_need_no_targets():
    model = rnnzoo.language_model(
        weights=None, vocabulary="ab", units=4, num_layers=1, dropout=0
    )
    texts = ["ab", "abb", "ba"]
    expected = figures(model, texts)
    data = tf.data.Dataset.from_tensor_slices(texts)
    for one in (data, data.batch(2), iter(texts), batches(texts)):
        assert figures(model, one)["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    for validation in ((texts, None), (texts,), data):
        history = model.fit(texts, validation_data=validation, verbose=0).history
        assert np.isfinite(history["val_loss"]).all()
    assert "val_loss" in model.fit(texts, validation_split=0.4, verbose=0).history


@pytest.mark.slow
def test_raw_data_sets_on_several_replicas():
    found = []
    for devices in (choose_devices("cpu"), choose_devices(2)):
        keras.utils.set_random_seed(0)
        with devices.scope():
            model = classifier()
            model.compile(keras.optimizers.SGD(0.0), model.loss)
        data = raw(TEXTS, LABELS, WEIGHTS).batch(4)
        model.fit(data, verbose=0)
        found.append(
            [
                model.evaluate(data, verbose=0),
                model.evaluate(Batches(TEXTS, LABELS), verbose=0),
            ]
        )
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)


@pytest.mark.parametrize("before", [True, False])
def test_float64(before):
    try:
        if before:
            keras.config.set_floatx("float64")
        model = classifier()
        keras.config.set_floatx("float64")
        history = model.fit(TEXTS, LABELS, sample_weight=list(WEIGHTS), verbose=0)
        assert np.isfinite(history.history["loss"]).all()
        assert model.classify("good") in ("no", "yes")
    finally:
        keras.config.set_floatx("float32")


def columns(values):
    pandas = pytest.importorskip("pandas")
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    series = pandas.Series(values, index=range(7, 7 + len(values)))
    yield from (series, polars.Series(values), arrow.array(values), series.values)
    yield arrow.chunked_array([values[:1], values[1:]])
    yield from (iter(values), map(lambda x: x, values))
    yield dict(enumerate(values)).values()
    if isinstance(values[0], str):
        yield from (series.astype("string"), series.astype("category"))
        yield from (series.astype(object), np.array(values), series.unique())


def test_columns_are_taken_wherever_raw_input_is(model):
    assert all(model.classify(c) == model.classify(TEXTS) for c in columns(TEXTS))
    for c in columns(LABELS[:2]):
        classes = rnnzoo.text_classifier(
            weights=None, classes=c, tokens="bytes", ngrams=0, units=1
        ).classes
        assert classes == ["yes", "no"]
        break
    expected = model.encode(TEXTS[:2], LABELS[:2])
    for x, y in zip(columns(TEXTS[:2]), columns(LABELS[:2]), strict=True):
        for part, same in zip(model.encode(x, y), expected, strict=True):
            np.testing.assert_array_equal(part, same)
    sorter = rnnzoo.sorter()
    for c in columns([[3, 1], [2, 9, 4]]):
        assert sorter.sort(c) == [[1, 3], [2, 4, 9]]
    for c in columns([3, 1, 2]):
        assert list(sorter.sort(c)) == [1, 2, 3]
    adder = rnnzoo.adder()
    for c in columns([5, 7]):
        assert adder.add(c, [3, 1]) == [8, 8]
    for c in columns(["0111", "11"]):
        if not isinstance(c, np.ndarray):
            assert rnnzoo.parity().answer(c) == ["1", "0"]
            break


def test_missing_values_are_refused_by_row(model):
    pandas = pytest.importorskip("pandas")
    for missing in (None, np.nan, pandas.NA):
        texts = pandas.Series(["good", missing], dtype=object)
        with pytest.raises(TypeError, match="row 1: a missing value"):
            model.classify(texts)
        with pytest.raises(ValueError, match="NaN or NA in row 1"):
            model.fit(TEXTS[:2], pandas.Series(["yes", missing], dtype=object))
        with pytest.raises(ValueError, match="NaN or NA in row 0"):
            rnnzoo.text_classifier(classes=[missing, "no"], tokens="bytes")
