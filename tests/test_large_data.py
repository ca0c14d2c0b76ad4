"""Tables that no machine holds: the examples for Ray Data and Spark, as documented."""

import csv
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import rnnzoo
from rnnzoo.data.tables import Table
from rnnzoo.models.answering import answer_columns

DOCUMENT = (
    pathlib.Path(__file__).parent.parent.joinpath("docs", "large_data.md").read_text()
)


def block(word):
    """The code block of the document that has a word."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    (found,) = [one for one in blocks if word in one]
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a model, a table with a bad row, and what one process answers."""
    folder = tmp_path_factory.mktemp("data")
    model = rnnzoo.text_classifier(
        None,
        classes=["calm", "angry"],
        vocabulary=["get", "out", "of", "here", "now"],
        units=4,
        ngrams=0,
    )
    model.save(folder / "moods.keras")
    texts = ["get out", 'of "here",\nnow', "out of here, now", "here"]
    rows = [(str(i), f"{texts[i % 4]} {'now ' * (i % 7)}") for i in range(300)]
    with (folder / "new.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("id", "text"), *rows[:200], ("x", ""), *rows[200:]])
    table = Table(folder / "new.csv", skip_bad_rows=True)
    (whole,) = table.batches(1000)
    assert len(whole) == 300 and "empty text: 1 row" in table.report
    expected = answer_columns(model, [row["text"] for row in whole], True)
    return folder, whole, expected


def run(code, folder, to):
    """Runs an example; returns what it has printed, and the rows written."""
    code = code.replace("/data/answers", str(to)).replace("/data", str(folder))
    path = to.parent / "example.py"
    path.write_text(f'if __name__ == "__main__":\n{indent(code)}', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-5000:]
    rows = []
    for part in sorted(to.glob("*.csv")):
        with part.open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    return done.stdout + done.stderr, sorted(rows, key=lambda row: int(row["id"]))


def indent(code):
    return "".join(f"    {line}" for line in code.splitlines(keepends=True))


def check(rows, whole, expected, names):
    assert [row["id"] for row in rows] == [row["id"] for row in whole]
    assert [row["text"] for row in rows] == [row["text"] for row in whole]
    assert [row["answer"] for row in rows] == expected["answer"]
    for name in names:
        found = [float(row[name]) for row in rows]
        assert found == pytest.approx(expected[name], abs=1e-5)


@pytest.mark.slow
def test_ray_answers_as_one_process(data, tmp_path):
    pytest.importorskip("ray")
    folder, whole, expected = data
    said, rows = run(block("import ray"), folder, tmp_path / "ray")
    check(rows, whole, expected, ["probability", "probability_calm"])
    assert "empty text: 1 row, at line" in said


@pytest.mark.slow
def test_spark_answers_as_one_process(data, tmp_path):
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    folder, whole, expected = data
    said, rows = run(block("import pandas"), folder, tmp_path / "spark")
    check(rows, whole, expected, ["probability"])
    assert "empty text: 1 row, at line" in said


def test_the_documented_shards(data, tmp_path):
    folder, *_ = data
    lines = ["text,label", "get out,angry", "here,calm"]
    (tmp_path / "reviews.csv").write_text("\n".join(lines), encoding="utf-8")
    code = block("for text, label in").replace("/data/reviews", f"{tmp_path}/reviews")
    lines = (folder / "new.csv").read_text("utf-8").split("\n")
    text = "\n".join(line for line in lines if not line.startswith("x,"))
    (tmp_path / "new.csv").write_text(text, encoding="utf-8")
    names = {}
    exec(code.replace("/data/new", f"{tmp_path}/new"), names)
    assert (names["text"], names["label"]) == ("get out", "angry")
    assert 0 < int(names["rows"][-1]["id"]) < 299
    model = rnnzoo.load(folder / "moods.keras")
    training = block("stream_dataset").replace("/data/reviews", f"{tmp_path}/reviews")
    training = training.replace("steps_per_epoch=1000, epochs=3", "steps_per_epoch=2")
    exec(training, {"model": model})
