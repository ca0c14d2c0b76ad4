"""Tables of texts are read, answered and written row by row, whole or not at all."""

import functools
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rnnzoo
from rnnzoo.command import answering, main
from rnnzoo.data.table_writer import TableWriter
from rnnzoo.data.tables import Table
from rnnzoo.models.answering import RowAnswers, answer_columns

# No surrogates, which no file can hold.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
CELLS = TEXTS | st.sampled_from(['"', "a\r\nb", "\n", "\t", ",", " ", "\ufeff", "=1+1"])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(st.tuples(CELLS.filter(str.strip), CELLS), max_size=6),
    size=st.integers(1, 4),
)
def test_any_text_is_read_as_it_was_written(suffix, rows, size):
    rows = [{"text": text, "more, or less": more} for text, more in rows]
    with TableWriter(f"it{suffix}", ["text", "more, or less"], force=True) as writer:
        writer.write(rows)
    table = Table(f"it{suffix}")
    assert len(table) == len(rows) and table.text == "text"
    batches = list(table.batches(size))
    assert [row for batch in batches for row in batch] == rows
    assert all(len(batch) <= size for batch in batches)


class Echo:
    """A model that answers each text with itself, and refuses some by row."""

    tokens = None

    def answer(self, inputs):
        wrong = [row for row, text in enumerate(inputs) if "\n" in text]
        if wrong:
            raise ValueError(f"texts must be lines. Received: row {wrong[0]}: its end")
        return list(inputs)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=st.lists(CELLS.filter(str.strip), max_size=8), size=st.integers(1, 4))
def test_every_row_is_answered_or_named(texts, size):
    with TableWriter("in.csv", ["text"], force=True) as writer:
        writer.write({"text": text} for text in texts)
    answers = RowAnswers(Echo(), "text", skip_bad_rows=True)
    with TableWriter("out.tsv", ["text", "answer"], force=True) as writer:
        for batch in Table("in.csv").numbered_batches(size):
            writer.write(answers.answer(batch))
    rows = [row for rows in Table("out.tsv").batches() for row in rows]
    good = [text for text in texts if "\n" not in text]
    assert rows == [{"text": text, "answer": text} for text in good]
    assert answers.answered == len(good)
    assert bool(answers.report) == (len(good) < len(texts))
    if answers.report:
        bad = len(texts) - len(good)
        assert f"{bad} of {len(texts)} rows" in answers.report
        line = 2
        for text in texts:
            if "\n" in text:
                break
            line += 1  # csv's rows end at a line feed only
        assert f"{line} (its end)" in answers.report


def test_values_of_json_stay_as_they_are(folder):
    lines = [
        {"id": 7, "text": "A quiet triumph.", "more": {"a": [1, None, "\u2028"]}},
        {"text": "Dull.", "score": 0.5, "id": None, "seen": True},
    ]
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    table = Table("in.jsonl")
    assert table.columns == ["id", "text", "more", "score", "seen"]
    assert [*table.batches()] == [lines]
    for suffix in (".jsonl", ".csv"):
        with TableWriter(f"out{suffix}", table.columns) as writer:
            writer.write(lines)
    assert [*Table("out.jsonl").batches()] == [lines]
    (rows,) = Table("out.csv").batches()
    assert rows[0]["more"] == '{"a": [1, null, "\u2028"]}'
    assert rows[1] == {
        "id": "",
        "text": "Dull.",
        "more": "",
        "score": "0.5",
        "seen": "true",
    }


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-be", "latin-1"])
def test_encodings_line_ends_and_separators(encoding, folder):
    content = 'name;text\r\n\r\n\u00e9;"two\r\nlines; ""quoted"""\r\nb;fine\r\n'
    (folder / "in.csv").write_bytes(content.encode(encoding))
    table = Table("in.csv", encoding=encoding, separator="semicolon")
    (rows,) = table.numbered_batches()
    text = 'two\r\nlines; "quoted"'
    assert rows[0] == (3, {"name": "\u00e9", "text": text})
    assert rows[1] == (5, {"name": "b", "text": "fine"})


def test_names_of_columns_are_made_different(folder):
    (folder / "in.csv").write_text("a,a,a_2,text,,\n1,2,3,fine,4,5\n")
    table = Table("in.csv")
    assert table.columns == ["a", "a_3", "a_2", "text", "", "_2"]
    (rows,) = table.batches()
    assert list(rows[0].values()) == ["1", "2", "3", "fine", "4", "5"]


def test_the_column_of_the_texts(folder):
    (folder / "one.csv").write_text("review\nfine\n")
    assert Table("one.csv").text == "review"
    (folder / "two.csv").write_text("id,review\n1,fine\n")
    with pytest.raises(ValueError, match="The columns are 'id', 'review'"):
        Table("two.csv")
    with pytest.raises(ValueError, match="Did you mean 'review'"):
        Table("two.csv", text="reviews")
    (folder / "other.csv").write_text("id;text\n1;fine\n")
    for asked in (None, "text"):
        with pytest.raises(ValueError, match="separator='semicolon'"):
            Table("other.csv", text=asked)
    assert Table("other.csv", text="id;text").columns == ["id;text"]
    (folder / "it.jsonl").write_text('{"id": 1, "review": "fine"}\n')
    with pytest.raises(ValueError, match="The columns are 'id', 'review'"):
        Table("it.jsonl")
    assert Table("it.jsonl", text="review").columns == ["id", "review"]


def test_a_tab_in_a_line_of_text_is_never_guessed(folder):
    (folder / "in.txt").write_text("good\tA quiet\ttriumph.\nbad\tDull.\n")
    with pytest.raises(ValueError, match="The first line has a tab"):
        Table("in.txt")
    (rows,) = Table("in.txt", text="text").batches()
    assert rows[0] == {"label": "good", "text": "A quiet\ttriumph."}
    (rows,) = Table("in.txt", text="line").batches()
    assert rows[0] == {"line": "good\tA quiet\ttriumph."}


def test_bad_rows_are_named_by_line_and_can_be_left_out(folder):
    (folder / "in.csv").write_bytes(b'id,text\n1,"a\nb"\n2, \n3,x,y\n4,\xff\n5,fine\n')
    with pytest.raises(ValueError) as error:
        Table("in.csv")
    for part in (
        "Every row must have a text: 3 of 5 rows are bad.",
        "empty text: 1 row, at line 4",
        "wrong number of fields: 1 row, at line 5 (3 instead of 2)",
        "undecodable bytes: 1 row, at line 6",
        "--skip-bad-rows",
    ):
        assert part in str(error.value)
    table = Table("in.csv", skip_bad_rows=True)
    assert len(table) == 2 and "3 of 5 rows" in table.report
    assert [row["id"] for rows in table.batches() for row in rows] == ["1", "5"]
    lines = ['{"text": "fine"}', '{"text": 3}', "[1]", '{"text": "a", "b": "\\ud800"}']
    (folder / "in.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match="3 of 4 rows") as error:
        Table("in.jsonl")
    assert "half of a surrogate pair" in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "", "the file is empty"),
        ("in.csv", "text\n\n", None),
        ("in.jsonl", "", None),
        ("in.xlsx", "text", "known format: .csv, .tsv, .jsonl, .txt"),
        ("folder.csv", None, "must be a file on a disk"),
    ],
)
def test_empty_and_unknown_files(name, content, message, folder):
    if content is None:
        (folder / name).mkdir()
    else:
        (folder / name).write_text(content)
    if message is None:
        assert len(Table(name)) == 0 and not list(Table(name).batches())
        return
    with pytest.raises(ValueError, match=message):
        Table(name)


def test_a_file_that_changes_is_refused(folder):
    (folder / "in.csv").write_text("text\na\nb\n")
    table = Table("in.csv")
    (folder / "in.csv").write_text("text\na\nb\nc\n")
    with pytest.raises(ValueError, match="has changed"):
        list(table.batches())


def test_a_failure_leaves_nothing_and_loses_nothing(folder):
    (folder / "out.csv").write_text("before")
    with pytest.raises(FileExistsError, match="--force"):
        TableWriter("out.csv", ["a"])
    for error in (RuntimeError, KeyboardInterrupt):
        with (
            pytest.raises(error),
            TableWriter("out.csv", ["a"], force=True) as writer,
        ):
            writer.write([{"a": "x"}])
            raise error
    with (
        pytest.raises(ValueError, match="Received: 'b'"),
        TableWriter("out.csv", ["a"], force=True) as writer,
    ):
        writer.write([{"b": "x"}])
    assert os.listdir() == ["out.csv"]
    assert (folder / "out.csv").read_text() == "before"


LOADED = functools.cache(rnnzoo.load)


@pytest.fixture
def moods(moods_file, monkeypatch):
    """The file of a classifier, which the command loads once for all tests."""
    load = answering.load_model

    def load_once(parsed):
        return LOADED(moods_file) if parsed.model == moods_file else load(parsed)

    monkeypatch.setattr(answering, "load_model", load_once)
    return moods_file


@pytest.fixture(scope="module")
def moods_file(tmp_path_factory):
    """A file of a classifier that knows characters."""
    path = tmp_path_factory.mktemp("model") / "moods.keras"
    model = rnnzoo.text_classifier(
        tokens="characters", classes=["calm", "an,gry"], units=4, ngrams=0
    )
    model.save(path)
    return str(path)


@pytest.mark.smoke
@pytest.mark.parametrize("source", ["in.csv", "in.tsv", "in.jsonl", "in.txt"])
@pytest.mark.parametrize("target", ["out.csv", "out.tsv", "out.jsonl", "out.txt"])
def test_a_table_is_answered_in_every_format(source, target, moods, capsys, folder):
    texts = ["What a bore!", "\u00e9, \u2028 and", "more"]
    if source == "in.txt":
        (folder / source).write_text("\n".join(texts), encoding="utf-8")
    else:
        with TableWriter(source, ["id", "text"]) as writer:
            writer.write({"id": str(i), "text": t} for i, t in enumerate(texts))
    words = ["answer", moods, f"--data={source}", f"--to={target}", "--probabilities"]
    assert main(words) == 0
    assert capsys.readouterr() == ("", f"rnnzoo: 3 rows answered: {target}\n")
    columns = ["text"] if source == "in.txt" else ["id", "text"]
    columns += ["answer", "probability", "probability_calm", "probability_an,gry"]
    expected = LOADED(moods).classify(texts, probabilities=True)
    if target == "out.txt":
        lines = (folder / target).read_text("utf-8").split("\n")[:-1]
        rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]
    else:
        (rows,) = Table(target).batches()
        assert list(rows[0]) == columns
    for row, text, shares in zip(rows, texts, expected, strict=True):
        answer = max(shares, key=lambda name: shares[name])
        assert (row["text"], row["answer"]) == (text, answer)
        assert float(row["probability"]) == pytest.approx(shares[answer], abs=1e-5)
        for name, share in shares.items():
            assert float(row[f"probability_{name}"]) == pytest.approx(share, abs=1e-5)


def test_what_is_there_is_not_overwritten_and_names_do_not_clash(moods, capsys, folder):
    (folder / "in.csv").write_text("text,answer,probability\nfine,calm,1\n")
    (folder / "out.csv").write_text("before")
    words = ["answer", moods, "--data=in.csv"]
    assert main([*words, "--to=out.csv", "--prefix=model_"]) == 1
    assert "--force" in capsys.readouterr().err
    assert main([*words, "--to=new.csv"]) == 1
    assert "--prefix=model_" in capsys.readouterr().err
    assert main([*words, "--to=new.txts"]) == 1
    assert "Did you mean '.txt'?" in capsys.readouterr().err
    assert main([*words, "--to=in.csv", "--prefix=model_", "--force"]) == 0
    (rows,) = Table("in.csv").batches()
    added = ["model_answer", "model_probability"]
    assert list(rows[0]) == ["text", "answer", "probability", *added]
    assert sorted(os.listdir()) == ["in.csv", "out.csv"]
    assert (folder / "out.csv").read_text() == "before"


def test_rows_that_a_model_refuses_are_named_by_line(capsys, folder):
    (folder / "in.csv").write_text('id,text\n1,"3 1\n2"\n2,3 x\n3,40\n4,2 1\n')
    words = ["answer", "sorter", "--data=in.csv", "--to=out.jsonl"]
    assert main(words) == 1
    shown = capsys.readouterr().err
    assert "2 of 4 rows are bad" in shown and "--skip-bad-rows" in shown
    assert "4 (position 1: 'x' is not an integer" in shown
    assert "5 (position 0: 40 is more than" in shown
    assert os.listdir() == ["in.csv"]
    assert main([*words, "--skip-bad-rows"]) == 0
    assert "2 of 4 rows are bad" in capsys.readouterr().err
    (rows,) = Table("out.jsonl").batches()
    assert [row["answer"] for row in rows] == ["1 2 3", "1 2"]
    assert all(0 <= row["probability"] <= 1 for row in rows)
    (folder / "bad.csv").write_text("text\nx\n")
    assert main(["answer", "sorter", "--data=bad.csv", "--skip-bad-rows"]) == 1
    assert "No row is left" in capsys.readouterr().err


def test_json_lines_for_pipes(moods, capsys, folder, monkeypatch):
    assert main(["answer", moods, "a", "b", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(row) for row in rows] == [["text", "answer", "probability"]] * 2
    (folder / "in.txt").write_text("a\n\nb\n")
    assert main(["answer", moods, "--file=in.txt", "--json", "--probabilities"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["text"] for row in rows] == ["a", "", "b"]
    assert sum(rows[0][f"probability_{n}"] for n in ("calm", "an,gry")) == (
        pytest.approx(1, abs=1e-5)
    )
    with open("in.txt") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert main(["answer", moods, "--to=out.csv"]) == 0
    assert (folder / "out.csv").read_text().splitlines()[0] == "text,answer,probability"
    capsys.readouterr()
    assert main(["answer", moods, "--data=in.txt", "--json", "--to=o.csv"]) == 1
    assert main(["answer", moods, "--data=in.txt", "words"]) == 1
    assert main(["answer", moods, "words", "--text=a"]) == 1
    assert main(["answer", "sorter", "1", "--json", "--probabilities"]) == 1
    assert "Only classifiers" in capsys.readouterr().err


def test_columns_of_every_kind_of_model():
    adder = answer_columns(rnnzoo.adder(), ["5 + 3"], prefix="its_")
    assert adder == {"its_answer": ["8"]}
    lists = answer_columns(rnnzoo.sorter(), ["3 1 2"])
    assert list(lists) == ["answer", "probability"]
    series = answer_columns(rnnzoo.series_classifier(), ["0 89, 27 100"], True)
    assert len(series) == 12
    model = rnnzoo.language_model(weights=None, vocabulary="abc", units=4)
    answers = RowAnswers(model, "text", options={"max_length": 3})
    (row,) = answers.answer([(1, {"text": "ab"})])
    assert len(row["answer"]) == 3


def test_the_name_of_the_only_column_is_told(moods, folder, capsys):
    (folder / "in.csv").write_text("A first text?\nanother\n")
    assert main(["answer", moods, "--data=in.csv"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    assert "only column, 'A first text?'; names are not answered" in captured.err


@pytest.mark.slow
def test_a_pipe_is_answered_as_it_comes(moods):
    words = [sys.executable, "-m", "rnnzoo.command", "answer", moods, "--json"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, bufsize=1, **pipes) as process:
        for text in ("first", "second"):
            process.stdin.write(f"{text}\n")
            assert json.loads(process.stdout.readline())["text"] == text
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_warnings_are_given_once(folder, capsys, monkeypatch):
    monkeypatch.setattr(answering, "ROWS", 2)
    rnnzoo.text_classifier(tokens="characters", units=4, ngrams=0, max_length=4).save(
        "short.keras"
    )
    (folder / "in.txt").write_text("longer\nlonger\nlonger\nshort\nno\n")
    assert main(["answer", "short.keras", "--data=in.txt", "--to=out.csv"]) == 0
    shown = capsys.readouterr().err
    assert shown.count("have more than 4 characters") == 1
    assert "2 of 2 texts" in shown and "(and in 1 more batches of rows)" in shown


def test_memory_does_not_grow_with_the_table(folder):
    """Rows of 64 kB that memory is not to hold together."""
    with TableWriter("in.csv", ["text"]) as writer:
        writer.write({"text": "a" * 65536} for _ in range(1000))
    code = (
        "import resource\nfrom rnnzoo.data.tables import Table\n"
        "from rnnzoo.data.table_writer import TableWriter\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "table = Table('in.csv')\n"
        "with TableWriter('out.csv', ['text']) as writer:\n"
        "    for rows in table.batches():\n        writer.write(rows)\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert len(table) == 1000 and after - before < 40_000, after - before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_answer_leaves_nothing(moods, number, folder):
    with TableWriter("in.csv", ["text"]) as writer:
        writer.write({"text": "a fine film " * 50} for _ in range(20_000))
    words = ["answer", moods, "--data=in.csv", "--to=out.csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnzoo.command", *words], stderr=subprocess.PIPE
    )
    while process.poll() is None and len(os.listdir()) < 2:
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number and b"Traceback" not in errors
    assert os.listdir() == ["in.csv"]


def test_progress_is_shown_without_a_terminal(moods, capsys, folder, monkeypatch):
    monkeypatch.setattr("rnnzoo.command.loading.SECONDS_BETWEEN_LINES", 0)
    monkeypatch.setattr(answering, "ROWS", 2)
    (folder / "in.txt").write_text("a\nb\nc\n")
    assert main(["answer", moods, "--data=in.txt", "--to=out.csv"]) == 0
    assert "Answering 2 of 3 rows, about" in capsys.readouterr().err
