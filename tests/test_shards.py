"""Shards of a file: every row exactly once, whatever its quotes and line ends."""

import io
import itertools
import json

import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import strategies

import rnnzoo
from rnnzoo.data import shards
from rnnzoo.data.files import LabelledFile
from rnnzoo.data.rows import csv_rows
from rnnzoo.data.shards import (
    LabelledShard,
    TableShard,
    find_range,
    read_range,
    stream_dataset,
    stream_rows,
)
from rnnzoo.data.tables import Table

ROWS = [
    ("A quiet triumph.", "good"),
    ('"So",\nso\r\n', "bad"),
    ("", ""),
    ('5" pipes', "good"),
    ("x" * 50, "bad"),
    ('a""b\n\n\n,c', "good"),
]


def quote(text):
    return '"' + text.replace('"', '""') + '"'


def write_csv(path, rows):
    lines = [f"{quote(text)},{label}" for text, label in rows]
    path.write_text("\n".join(["text,label", *lines, ""]), newline="")
    return path


@pytest.mark.parametrize("num_shards", [1, 2, 3, 7, 40])
def test_every_row_of_a_csv_exactly_once(tmp_path, num_shards):
    rows = [row for row in ROWS if row[0]] * 5
    path = write_csv(tmp_path / "a.csv", rows)
    parts = [list(stream_rows(path, k, num_shards)) for k in range(num_shards)]
    assert list(itertools.chain(*parts)) == rows
    if num_shards < 4:
        assert all(parts)


@pytest.mark.parametrize("suffix", ["jsonl", "txt", "tsv"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_other_formats_and_encodings(tmp_path, suffix, encoding):
    rows = [(f"Zu lang, é {i}", "gut" if i % 3 else "bad") for i in range(20)]
    lines = {
        "jsonl": [json.dumps({"text": t, "label": n}) for t, n in rows],
        "txt": [f"{n}\t{t}" for t, n in rows],
        "tsv": ["text\tlabel", *(f"{t}\t{n}" for t, n in rows)],
    }[suffix]
    path = tmp_path / f"a.{suffix}"
    path.write_text("\n".join(lines), encoding=encoding)
    parts = [stream_rows(path, k, 3, encoding=encoding) for k in range(3)]
    assert list(itertools.chain(*parts)) == rows


# Quotes where they should be and where not, in lines that csv has trouble with.
PARTS = strategies.sampled_from(
    ['"', '""', ",", "\n", "\r\n", "a", "b,c\n", '"x\ny",1\n', '5" z', "\0", "é"]
)


@hypothesis.given(strategies.lists(PARTS, max_size=40), strategies.integers(1, 6))
@hypothesis.settings(max_examples=400, deadline=None)
def test_shards_are_cut_where_rows_begin(parts, num_shards):
    content = "".join(parts).encode()
    file = io.BytesIO(content)
    expected = [row[1:] for row in csv_rows(file, "utf-8", ",")]
    for size in (8, 2**22):  # blocks that rows do not fit into, too
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shards, "BLOCK", size)
            found = []
            for number in range(num_shards):
                place = find_range(file, 0, number, num_shards, "utf-8", ",")
                found += [row[1:] for row in read_range(file, place, "utf-8", ",")]
            assert found == expected


def test_bad_rows_are_named_by_line_and_left_out_if_asked(tmp_path):
    rows = [(f"text\n{i}", "good") for i in range(20)]
    path = write_csv(tmp_path / "a.csv", [*rows[:15], ("", "good"), *rows[15:]])
    assert len(list(stream_rows(path, 0, 3))) > 5
    with pytest.raises(ValueError) as error:
        list(stream_rows(path, 2, 3))
    whole = pytest.raises(ValueError, LabelledFile, path)
    line = "empty text: 1 row, at line 32"
    assert line in str(error.value) and line in str(whole.value)
    parts = [LabelledShard(path, k, 3, skip_bad_rows=True) for k in range(3)]
    assert list(itertools.chain(*parts)) == rows
    assert [part.report is None for part in parts] == [True, True, False]
    assert line in parts[2].report
    unknown = LabelledShard(path, 0, 3, classes=["bad"])
    with pytest.raises(ValueError, match="label not among 'bad'"):
        list(unknown)


def test_tables_without_labels(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row for row in ROWS if row[0]] * 3)
    whole = list(itertools.chain(*Table(path).numbered_batches()))
    parts = [TableShard(path, number, 4) for number in range(4)]
    assert sum(map(len, parts)) == len(whole)
    found = itertools.chain(*(part.numbered_batches(2) for part in parts))
    assert list(itertools.chain(*found)) == whole
    with pytest.raises(ValueError, match="'review' is missing"):
        TableShard(path, 1, 2, text="review")


@pytest.mark.parametrize(
    ("shard", "num_shards", "message"),
    [
        (2, 2, "shard must be an integer of at least 0 and below 2"),
        (-1, 2, "shard must be an integer of at least 0"),
        (0, 0, "num_shards must be an integer of at least 1"),
    ],
)
def test_shards_that_are_not_there(tmp_path, shard, num_shards, message):
    path = write_csv(tmp_path / "a.csv", ROWS[:1])
    for kind in (LabelledShard, TableShard):
        with pytest.raises(ValueError, match=message):
            kind(path, shard, num_shards)


def test_a_dataset_of_a_shard_has_every_row_once_a_pass(tmp_path):
    path = write_csv(tmp_path / "a.csv", [(f"n{i:03}", str(i % 2)) for i in range(100)])

    def encode(texts, labels):
        numbers = np.array([[int(text[1:])] for text in texts], "int32")
        return numbers, np.array(labels, "int32")

    seen = []
    for number in range(2):
        rows = LabelledShard(path, number, 2)
        options = {"batch_size": 8, "shuffle_rows": 20, "seed": 1}
        data = stream_dataset(rows, encode, repeat=False, **options)
        batches = [(x.numpy(), y.numpy()) for x, y in data]
        numbers = np.concatenate([x for x, _ in batches])[:, 0]
        assert (numbers % 2 == np.concatenate([y for _, y in batches])).all()
        assert (np.sort(numbers) != numbers).any()
        seen.append(numbers)
        endless = stream_dataset(rows, encode, **options)
        twice = [x.numpy()[:, 0] for x, _ in endless.take(2 * len(batches))]
        first, second = np.split(np.concatenate(twice), 2)
        assert sorted(first) == sorted(second) and (first != second).any()
    assert sorted(np.concatenate(seen)) == list(range(100))
    empty = LabelledShard(path, 0, 2, classes=["x"], skip_bad_rows=True)
    with pytest.raises(ValueError, match="A shard must have a row"):
        stream_dataset(empty, encode, batch_size=2)


@pytest.mark.slow
def test_a_model_learns_from_a_stream(tmp_path):
    words = {"good": ["fine", "great"], "bad": ["dull", "slow"]}
    rows = [(f"{w} {i}", n) for i in range(40) for n in words for w in words[n]]
    path = write_csv(tmp_path / "a.csv", rows)
    vocabulary = [*words["good"], *words["bad"], "film"]
    model = rnnzoo.text_classifier(
        None, classes=["bad", "good"], vocabulary=vocabulary, units=8, ngrams=0
    )
    data = stream_dataset(LabelledShard(path), model.encode, batch_size=16)
    model.compile_with_defaults(keras.optimizers.Adam(0.02))
    model.fit(data, steps_per_epoch=40, verbose=0)
    assert model.classify(["great film", "slow film"]) == ["good", "bad"]
