"""Labelled files: every good row comes back, and every bad one is named."""

import codecs
import concurrent.futures
import csv
import gc
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo.data import files
from rnnzoo.data.files import LabelledFile

ROWS = [("A quiet triumph.", "good"), ("Zu lang, é.", "bad"), ('"So\nso"', "good")]


def as_csv(rows, delimiter=",", header=("text", "label")):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows([header, *rows])
    return buffer.getvalue()


def as_jsonl(rows):
    return "".join(json.dumps({"text": t, "label": v}) + "\n" for t, v in rows)


def all_rows(source):
    return list(zip(*source.rows(range(len(source))), strict=True))


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Takes the place of every test's: nothing here uses Keras, and it is slow."""


@pytest.fixture
def write(tmp_path):
    def write(name, content, encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        is_text = isinstance(content, str)
        path.write_bytes(content.encode(encoding) if is_text else content)
        return path

    return write


def refusal(path, kind=ValueError, **options):
    """The message of an error, checked for what every message says."""
    with pytest.raises(kind) as error:
        LabelledFile(path, **options)
    message = str(error.value)
    name, value = message.rpartition("Received: ")[2].split("=", 1)
    assert name in ("path", "encoding", "classes", "text") and value
    return message


# Formats


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", as_csv(ROWS)),
        ("a.CSV", as_csv(ROWS)),
        ("a.tsv", as_csv(ROWS, "\t")),
        ("a.jsonl", as_jsonl(ROWS)),
        ("a.csv", as_csv(ROWS).replace("\r\n", "\n").rstrip("\n")),
        ("a.csv", "\n \n" + as_csv(ROWS).replace("bad\r\n", "bad\r\n\r\n\n  \n")),
        ("a.jsonl", as_jsonl(ROWS).replace("\n", "\r\n\r\n").strip()),
    ],
)
def test_formats(write, name, content):
    source = LabelledFile(write(name, content))
    assert len(source) == 3 and source.report is None
    assert source.classes == ["bad", "good"]
    assert source.labels.dtype == np.int32 and source.labels.tolist() == [1, 0, 1]
    assert source.lengths.tolist() == [len(text) for text, _ in ROWS]
    assert all_rows(source) == ROWS
    assert source.rows([2, 0, -1]) == (
        [ROWS[2][0], ROWS[0][0], ROWS[2][0]],
        ["good"] * 3,
    )
    assert source.rows(np.array([], "int64")) == ([], []) == source.rows([])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("pos\tfine film\nneg\tdull\n", [("fine film", "pos"), ("dull", "neg")]),
        ("very good\tfine\r\nbad\ta\tb", [("fine", "very good"), ("a\tb", "bad")]),
        (
            "1 a stirring , funny\n\n0 dull\n",
            [("a stirring , funny", "1"), ("dull", "0")],
        ),
        ("1 fine\n0 a\tb\n1\tc d\n", [("fine", "1"), ("a\tb", "0"), ("c d", "1")]),
    ],
)
def test_txt(write, content, expected):
    assert all_rows(LabelledFile(write("a.txt", content))) == expected


def test_folder_per_label(write, tmp_path):
    write("data/pos/2.txt", "\ufeffé\nfine\n")
    write("data/pos/1.TXT", "good", "utf-16")
    write("data/neg/a.txt", "dull")
    write("data/neg/notes.md", "not a text")
    write("data/README.txt", "not a text")
    write("data/.cache/a.txt", "not a text")
    source = LabelledFile(tmp_path / "data")
    assert source.classes == ["neg", "pos"]
    assert all_rows(source) == [("dull", "neg"), ("good", "pos"), ("é\nfine\n", "pos")]
    assert source.rows([2, 0])[0] == ["é\nfine\n", "dull"]


def test_other_columns_are_passed_over(write):
    path = write("a.csv", "id, stars ,review\n1, 5,fine\n2,1 ,dull\n")
    source = LabelledFile(path, text="review", label="stars")
    assert all_rows(source) == [("fine", "5"), ("dull", "1")]


def test_labels_of_json(write):
    labels = [3, "3", True, 1.0, -2, " a "]
    path = write("a.jsonl", as_jsonl([("x", label) for label in labels]))
    names = [name for _, name in all_rows(LabelledFile(path))]
    assert names == ["3", "3", "true", "1.0", "-2", " a "]


def test_classes(write):
    path = write("a.csv", as_csv([("x", name) for name in ("10", "2", "b1", "2")]))
    assert LabelledFile(path).classes == ["2", "10", "b1"]
    source = LabelledFile(path, classes=("b1", "10", "2", "other"))
    assert source.classes == ["b1", "10", "2", "other"]
    assert source.labels.tolist() == [1, 2, 0, 2]
    assert source.rows([0, 2]) == (["x", "x"], ["10", "b1"])


# Encodings


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.txt"])
@pytest.mark.parametrize(
    ("written", "stated", "mark"),
    [
        ("utf-8", "utf-8", b""),
        ("utf-8", "utf-8", codecs.BOM_UTF8),
        ("utf-8", "utf-8-sig", codecs.BOM_UTF8),
        ("utf-8", "UTF_8_SIG", b""),
        ("utf-16-le", "utf-16", codecs.BOM_UTF16_LE),
        ("utf-16-be", "utf-16", codecs.BOM_UTF16_BE),
        ("utf-16-le", "utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", "utf-16-be", b""),
        ("utf-16-le", "utf-8", codecs.BOM_UTF16_LE),
        ("utf-32-be", "utf-32", codecs.BOM_UTF32_BE),
        ("utf-32-le", "utf_32", codecs.BOM_UTF32_LE),
        ("latin-1", "latin-1", b""),
        ("latin-1", "L1", codecs.BOM_UTF8),
        ("cp037", "cp037", b""),
    ],
)
def test_encodings(write, name, written, stated, mark):
    rows = [("fine é", "à"), ("Ċ" if "utf" in written else "Ê", "b")]
    content = {
        "a.csv": as_csv(rows),
        "a.tsv": as_csv(rows, "\t"),
        "a.jsonl": as_jsonl(rows),
        "a.txt": "".join(f"{label}\t{text}\n" for text, label in rows),
    }[name]
    path = write(name, mark + content.encode(written))
    assert all_rows(LabelledFile(path, encoding=stated)) == rows


def test_the_copy_is_removed(write, tmp_path, monkeypatch):
    # A folder of its own: other tests may be making copies at the same time.
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    path = write("a.csv", as_csv(ROWS), "utf-16")
    source = LabelledFile(path, encoding="utf-16")
    assert len(list(folder.iterdir())) == 1
    del source
    gc.collect()
    assert not list(folder.iterdir())
    code = (
        "import sys, tempfile; from rnnzoo.data.files import LabelledFile\n"
        f"source = LabelledFile({str(path)!r}, encoding='utf-16')\n"
        "print(len(source), 'tensorflow' in sys.modules, tempfile.gettempdir())"
    )
    output = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
    )
    assert output.stdout.split() == ["3", "False", str(folder)]
    assert not list(folder.iterdir())


# Bad rows


def report(path, **options):
    """The report, which is the same whether it stops everything or not."""
    message = refusal(path, **options)
    source = LabelledFile(path, skip_bad_rows=True, **options)
    assert message.startswith(source.report + "\nCorrect them, state another `enc")
    assert "skip_bad_rows=True" in message and "--skip-bad-rows" in message
    assert message.endswith(f"Received: path={str(path)!r}")
    return source, source.report.splitlines()


QUOTE = '  an unclosed or misplaced quote (one inside quotes is written ""): 1 row, '
JSON = '{"text": "fine", "label": "a"}\n'
BAD = [
    ("a.csv", "text,label\nx,a\n,a\ny,a\n", "  empty text: 1 row, at line 3"),
    ("a.csv", "text,label\nx,a\n\n \t,a\n", "  empty text: 1 row, at line 4"),
    ("a.csv", "text,label\nx,a\ny, \n", "  empty or missing label: 1 row, at line 3"),
    (
        "a.csv",
        'text,label\n"x\ny",a\nz\n',
        "  wrong number of fields: 1 row, at line 4 (1 instead of 2)",
    ),
    (
        "a.tsv",
        "text\tlabel\nx\ta\nz\ta\tb\n",
        "  wrong number of fields: 1 row, at line 3 (3 instead of 2)",
    ),
    ("a.csv", 'text,label\nx,a\n"y,a\nz,a\n', QUOTE + "at line 3"),
    ("a.csv", 'text,label\nx,a\n"y,a\n"z",a\n', QUOTE + "at line 3"),
    ("a.csv", 'text,label\nx,a\n"y"z,a\n', QUOTE + "at line 3"),
    ("a.csv", 'text,label\nx,a\ny,"a', QUOTE + "at line 3"),
    (
        "a.csv",
        "text,label\nx,a\ny\rz,a\n",
        "  a carriage return or NUL outside quotes: 1 row, at line 3",
    ),
    ("a.csv", b"text,label\nx,a\n\xe9,a\n", "  undecodable bytes: 1 row, at line 3"),
    (
        "a.jsonl",
        JSON + '{"text": ',
        "  no JSON object in one line: 1 row, at line 2 (Expecting value)",
    ),
    ("a.jsonl", JSON + "[" * 10**5, "  no JSON object in one line: 1 row, at line 2 ("),
    (
        "a.jsonl",
        JSON + '\n["x", "a"]\n',
        '  JSON that is not an object: 1 row, at line 3 (["x", "a"])',
    ),
    (
        "a.jsonl",
        JSON + '{"Text": "x", "label": 1}\n',
        "  no key 'text': 1 row, at line 2 (only 'Text', 'label')",
    ),
    (
        "a.jsonl",
        JSON + '{"text": null, "label": 1}\n',
        "  text that is not a string: 1 row, at line 2 (null)",
    ),
    (
        "a.jsonl",
        JSON + '{"text": "x", "label": [1]}\n',
        "  label that is no string or number: 1 row, at line 2 ([1])",
    ),
    (
        "a.jsonl",
        JSON + '{"text": "x", "label": null}\n',
        "  empty or missing label: 1 row, at line 2",
    ),
    (
        "a.jsonl",
        JSON + '{"text": "x", "label": NaN}\n',
        "  empty or missing label: 1 row, at line 2",
    ),
    (
        "a.jsonl",
        JSON + '{"text": "\\ud83d", "label": "a"}\n',
        "  half of a surrogate pair, which is no character: 1 row, at line 2",
    ),
    (
        "a.jsonl",
        JSON.encode() + b'{"\xff": 1}',
        "  undecodable bytes: 1 row, at line 2",
    ),
    ("a.txt", "1 x\n0\n", "  empty text: 1 row, at line 2"),
    ("a.txt", "a\tx\n\ty\n", "  empty or missing label: 1 row, at line 2"),
    (
        "a.txt",
        "a\tx\nand so on\n",
        "  no tab after the label, as there is in the first line: 1 row, at line 2",
    ),
    ("a.txt", b"a x\nb \x80\n", "  undecodable bytes: 1 row, at line 2"),
]


@pytest.mark.parametrize(("name", "content", "line"), BAD)
def test_bad_rows_are_named(write, name, content, line):
    source, lines = report(write(name, content))
    assert lines[0].startswith("Every row must be a text with a label: 1 of ")
    assert lines[0].endswith(" rows is bad.")
    assert len(lines) == 2 and lines[1].startswith(line)
    assert len(source) >= 1 and len(all_rows(source)) == len(source)


def test_labels_that_are_no_classes(write):
    content = as_csv([("x", "good"), ("y", "goood"), ("z", "bad")])
    source, lines = report(write("a.csv", content), classes=["bad", "good"])
    assert lines[1] == "  label not among 'bad', 'good': 1 row, at line 3 ('goood')"
    assert all_rows(source) == [("x", "good"), ("z", "bad")]


def test_many_bad_rows_are_counted(write):
    content = as_csv([("x", "a"), *[("", "a")] * 8, ("y", ""), ("z", "a")])
    source, lines = report(write("a.csv", content))
    assert lines == [
        "Every row must be a text with a label: 9 of 11 rows are bad.",
        "  empty text: 8 rows, at lines 3, 4, 5, 6, 7 and 3 more",
        "  empty or missing label: 1 row, at line 11",
    ]
    assert all_rows(source) == [("x", "a"), ("z", "a")]


def test_bad_files_of_a_folder(write, tmp_path):
    write("data/pos/1.txt", "fine")
    write("data/pos/2.txt", " \n")
    write("data/neg/3.txt", b"\xff")
    (tmp_path / "data" / "none").mkdir()
    source, lines = report(tmp_path / "data")
    assert lines == [
        "Every row must be a text with a label: 3 of 4 rows are bad.",
        "  undecodable bytes: 1 row, at file 'neg/3.txt'",
        "  sub-folder without .txt files: 1 row, at file 'none/'",
        "  empty text: 1 row, at file 'pos/2.txt'",
    ]
    assert all_rows(source) == [("fine", "pos")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be"])
def test_undecodable_bytes_of_wide_encodings(write, encoding):
    half = "\ud800".encode(encoding, "surrogatepass")[-4 if "32" in encoding else -2 :]
    lines = [line.encode(encoding) for line in ("1 fine\n", "0 ", "\n", "1 good\n")]
    if encoding == "utf-16":
        lines[1:] = [line[2:] for line in lines[1:]]
    content = b"".join([lines[0], lines[1], half, *lines[2:], b"\n"])
    source, found = report(write("a.txt", content), encoding=encoding)
    assert found[1] == "  undecodable bytes: 2 rows, at lines 2, 4"
    assert all_rows(source) == [("fine", "1"), ("good", "1")]


def test_an_unclosed_quote_swallows_nothing(write):
    good = [(f"text {number}, and\n\nmore", "a") for number in range(100)]
    head, tail = as_csv(good[:50]), as_csv(good[50:]).split("\r\n", 1)[1]
    plain = "".join(f"plain {number},b\r\n" for number in range(100))
    source, lines = report(write("a.csv", head + '"never closed,a\r\n' + plain + tail))
    assert lines[1] == QUOTE + "at line 152"
    expected = [*good[:50], *((f"plain {n}", "b") for n in range(100)), *good[50:]]
    assert all_rows(source) == expected
    # Many of them take no longer than few.
    many = head + '"never closed,a\r\n' * 20_000 + plain
    assert len(LabelledFile(write("b.csv", many), skip_bad_rows=True)) == 150


def test_large_rows(write, monkeypatch):
    csv.field_size_limit(1000)
    text = ('a "long", text' * 20 + "\n") * 18_000
    assert len(text) > 5e6
    for name, content in (("a.csv", as_csv), ("a.jsonl", as_jsonl)):
        source = LabelledFile(write(name, content([(text, "a"), ("x", "b")])))
        assert source.lengths.tolist() == [len(text), 1]
        assert all_rows(source) == [(text, "a"), ("x", "b")]
    monkeypatch.setattr("rnnzoo.data.rows.ROW_LIMIT", 2**20)
    long = "x" * 2**21
    for name, rows in (
        ("a.csv", f'text,label\n{long},a\n"{long}",a\n"{"x," * 1000}\n'),
        ("a.txt", f"a {long}\na {long}\nb {long}\n"),
    ):
        rows += (
            "b good\n" if name == "a.txt" else "good,b\n" + f"{long[:1000]},b\n" * 2000
        )
        source, lines = report(write(name, rows))
        assert lines[1].startswith("  longer than 1 MB: ")
        assert lines[1].endswith("at lines 2, 3" if name == "a.csv" else " 1, 2, 3")
        assert source.rows([0]) == (["good"], ["b"])
        if name == "a.csv":
            assert lines[2] == QUOTE + "at line 4" and len(source) == 2001


def test_nul_characters(write):
    rows = [("\0a\0", "x\0"), ("b", "\0")]
    assert all_rows(LabelledFile(write("a.jsonl", as_jsonl(rows)))) == rows
    assert all_rows(LabelledFile(write("a.txt", "x\0\t\0a\0"))) == [("\0a\0", "x\0")]
    source = LabelledFile(
        write("a.csv", "text,label\na\0,x\nb,y\n"), skip_bad_rows=True
    )
    assert source.rows([-1]) == (["b"], ["y"])


# What stops everything


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "a.csv",
            "Text,lable,id\nx,a,1\n",
            "The first line must name the columns 'text' and 'label', separated by "
            "commas. 'text' is missing. Did you mean 'Text'? 'label' is missing. Did "
            "you mean 'lable'? The columns are 'Text', 'lable', 'id'. ",
        ),
        ("a.csv", "text;label\nx;a\n", "The columns are 'text;label'. "),
        ("a.tsv", "text,label\nx,a\n", "separated by tabs. 'text' is missing."),
        ("a.csv", "text,label,text\nx,a,y\n", "'text' is there more than once."),
        ("a.csv", '"text,label\nx,a\n', "; it has an unclosed or misplaced quote"),
        ("a.csv", "text,label\rx,a\ry,b\r", "; it has a carriage return"),
        ("a.csv", b"text,\xff\nx,a\n", "; it has undecodable bytes. "),
        ("a.csv", "text,label\n", "must hold at least one labelled text; it is empty."),
        ("a.csv", "", "it is empty."),
        ("a.txt", " \n\n", "it is empty."),
        ("a.jsonl", codecs.BOM_UTF8, "it is empty."),
        ("a.jsonl", codecs.BOM_UTF16_LE, "it is empty."),
        ("a.jsonl", "[1]\n[2]\n", "2 of 2 rows are bad."),
        ("a.jsonl", "[1]\n[2]\n", "No row is left: correct them, or state another"),
        ("a.docx", "x", "known format: .csv, .tsv, .jsonl, .txt, or a folder with"),
        ("a.json", "[]", "Did you mean '.jsonl'?"),
    ],
)
def test_files_without_rows(write, name, content, expected):
    for skip_bad_rows in (False, True):
        path = write(name, content)
        assert expected in refusal(path, skip_bad_rows=skip_bad_rows)


def test_paths(write, tmp_path):
    write("reviews.csv", as_csv(ROWS))
    message = refusal(tmp_path / "revews.csv", FileNotFoundError)
    assert "Did you mean 'reviews.csv'?" in message
    for path in ("no/such/x.csv", ""):
        assert "must be a file that is there" in refusal(path, FileNotFoundError)
    assert "sub-folder for each label" in refusal(tmp_path)
    assert "must be a string or a path" in refusal(5, TypeError)


def test_arguments(write):
    path = write("a.csv", as_csv(ROWS))
    assert "Did you mean 'utf-8'?" in refusal(path, encoding="uft-8")
    assert "text encoding" in refusal(path, encoding="base64")
    assert "text encoding" in refusal(path, TypeError, encoding=None)
    assert "two columns" in refusal(path, text="label")
    assert "once" in refusal(path, classes=["a", "a"])
    for classes in ("good", [], [0, 1], {"a", "b"}, 2):
        assert "list of label names" in refusal(path, TypeError, classes=classes)


def test_labels_without_end(write, monkeypatch):
    monkeypatch.setattr(files, "CLASS_LIMIT", 10)
    path = write("a.csv", as_csv([(f"{n}", f"{n}") for n in range(20)]))
    assert "exchanged" in refusal(path, skip_bad_rows=True)


@pytest.mark.parametrize(
    ("indices", "kind"),
    [([3], ValueError), ([-4], ValueError), ([0.5], TypeError), (1, TypeError)],
)
def test_indices(write, indices, kind):
    source = LabelledFile(write("a.csv", as_csv(ROWS)))
    with pytest.raises(kind, match="indices must be .* Received: indices="):
        source.rows(indices)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_changed_file_is_refused(write, encoding):
    path = write("a.csv", as_csv(ROWS), encoding)
    source = LabelledFile(path, encoding=encoding)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    with pytest.raises(ValueError, match="has changed since .* Received: path="):
        source.rows([0])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert source.rows([1]) == ([ROWS[1][0]], ["bad"])
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(ValueError, match="has changed"):
        source.rows([0])
    path.unlink()
    with pytest.raises(ValueError, match="or is gone"):
        source.rows([0])


def test_a_changed_folder_is_refused(write, tmp_path):
    write("data/pos/1.txt", "fine")
    changed = write("data/pos/2.txt", "good")
    source = LabelledFile(tmp_path / "data")
    changed.write_text("better")
    assert source.rows([0]) == (["fine"], ["pos"])
    with pytest.raises(ValueError, match="has changed"):
        source.rows([0, 1])


# Use


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_threads_and_pickles(write, encoding):
    rows = [(f"text {number}\n" * (number % 7 + 1), "a") for number in range(2000)]
    path = write("a.csv", as_csv(rows), encoding)
    source = LabelledFile(path, encoding=encoding)
    again = pickle.loads(pickle.dumps(source))
    orders = [np.random.default_rng(seed).permutation(2000) for seed in range(8)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for order, found in zip(orders, pool.map(source.rows, orders), strict=True):
            assert found[0] == [rows[number][0] for number in order]
    assert again.rows(orders[0]) == source.rows(orders[0])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_progress(write, encoding):
    path = write("a.csv", as_csv(ROWS * 5_000), encoding)
    calls = []
    LabelledFile(path, encoding=encoding, progress=lambda *call: calls.append(call))
    done, totals = zip(*calls, strict=True)
    assert 10 < len(calls) < 500 and set(totals) == {path.stat().st_size}
    assert list(done) == sorted(done) and done[-1] == totals[-1]


def test_progress_of_a_folder(write, tmp_path):
    for number in range(5):
        write(f"data/a/{number}.txt", "fine")
    calls = []
    LabelledFile(tmp_path / "data", progress=lambda *call: calls.append(call))
    assert calls[0] == (4, 20) and calls[-1] == (20, 20)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_memory_stays_small(write, encoding):
    row = "word, " * 200
    count = 25_000 if encoding == "utf-8" else 12_500
    header, rows = as_csv([(row, "a"), (row + '"\n', "b")] * 50).split("\n", 1)
    path = write("a.csv", header + "\n" + rows * (count // 100), encoding)
    assert path.stat().st_size > 29e6
    gc.collect()
    tracemalloc.start()
    try:
        source = LabelledFile(path, encoding=encoding)
        source.rows(range(100))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(source) == count and peak < 8e6


characters = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
texts = characters.filter(str.strip)
labels = texts.map(str.strip)
WRITERS = {
    ".csv": as_csv,
    ".tsv": lambda rows: as_csv(rows, "\t"),
    ".jsonl": as_jsonl,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rows")


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(texts, labels), min_size=1, max_size=8),
    st.sampled_from(sorted(WRITERS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le"]),
    st.randoms(),
)
def test_any_row_comes_back(folder, rows, suffix, encoding, random):
    path = folder / f"rows{suffix}"
    path.write_bytes(WRITERS[suffix](rows).encode(encoding))
    source = LabelledFile(path, encoding=encoding)
    order = random.sample(range(len(rows)), len(rows))
    assert list(zip(*source.rows(order), strict=True)) == [rows[n] for n in order]
    assert source.lengths.tolist() == [len(text) for text, _ in rows]
    assert [source.classes[n] for n in source.labels] == [label for _, label in rows]


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200), st.sampled_from(files.SUFFIXES))
def test_any_bytes_give_rows_or_a_sentence(folder, content, suffix):
    path = folder / f"bytes{suffix}"
    head = b"text,label\n" if suffix == ".csv" else b"text\tlabel\n"
    path.write_bytes((head if suffix in files.DELIMITERS else b"") + content)
    try:
        source = LabelledFile(path, skip_bad_rows=True)
    except ValueError as error:
        assert str(error).endswith(f"Received: path={str(path)!r}")
    else:
        assert len(all_rows(source)) == len(source) > 0


@pytest.mark.parametrize(
    ("mark", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "pipe")]
)
def test_separators_are_named_and_can_be_stated(write, mark, name):
    lines = [["text", "label"], ["fine, really", "a"], [f'"x{mark}y"', "b"]]
    path = write("a.csv", "\n".join(map(mark.join, lines)))
    with pytest.raises(ValueError, match=f"state separator='{name}'") as error:
        LabelledFile(path)
    assert f"--separator={name}" in str(error.value)
    for separator in (mark, name):
        source = LabelledFile(path, separator=separator)
        assert all_rows(source) == [("fine, really", "a"), (f"x{mark}y", "b")]


@pytest.mark.parametrize("separator", ["", ";;", "\n", '"', 3])
def test_what_separates_no_columns_is_refused(write, separator):
    with pytest.raises(ValueError, match="separator is a character.*Received: "):
        LabelledFile(write("a.csv", "text,label\na,b"), separator=separator)
    with pytest.raises(ValueError, match="for .csv and .tsv files only"):
        LabelledFile(write("a.txt", "a b"), separator=";")


@pytest.mark.parametrize(
    "encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
def test_wide_encodings_need_no_mark(write, encoding):
    path = write("a.csv", "")
    path.write_bytes("text,label\nf\xefne,a\n".encode(encoding))
    source = LabelledFile(path, encoding=encoding[:6])
    assert all_rows(source) == [("f\xefne", "a")]


def test_an_unclosed_quote_needs_little_memory(write, monkeypatch):
    monkeypatch.setattr("rnnzoo.data.rows.QUOTE_LIMIT", 2**14)
    path = write("a.csv", 'text,label\n"open,a\n' + "a fine text,b\n" * 20_000)
    tracemalloc.start()
    source, lines = report(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines[1] == QUOTE + "at line 2" and len(source) == 20_000
    assert peak < 2**21
