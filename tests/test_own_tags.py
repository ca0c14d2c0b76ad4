"""Own tags: training, measuring and answering with files of annotated sentences."""

import contextlib
import csv
import io
import json

import pytest

from rnnzoo.command import main

TINY = ["--units=8", "--embedding_dim=8", "--character_units=8", "--devices=cpu"]


def run_command(words):
    """Runs a command; returns its status and output."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = main(list(map(str, words)))
    return status, output.getvalue()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run in it, and what was printed."""
    folder = tmp_path_factory.mktemp("own tags")
    lines = []
    for number in range(20):
        lines += [f"Ada{number % 3} I-PER", "Lovelace I-PER", "smiles O", ""]
        lines += ["In O", f"Oslo{number % 3} I-LOC", ". O", ""]
    path = folder / "train.conll"
    path.write_text("\n".join(lines))
    words = ["train", "own_tags", f"--data={path}", *TINY, "--epochs=2"]
    words += ["--learning_rate=0.05", f"--run={folder / 'run'}"]
    status, output = run_command(words)
    assert status == 0, output
    return folder, output


def test_it_explains_itself(trained):
    folder, output = trained
    for line in (
        "Sentences: 40 of 120 words, 2 labels of spans: LOC, PER",
        "Scheme: iob2, converted from iob1",
        "Split: 36 sentences to learn from, 4 to validate",
        "Baseline, most frequent tag of the word: span F1 1.000, token accuracy 1.000",
        "On the validation sentences:",
    ):
        assert line in output.splitlines()
    assert (folder / "run" / "report.txt").read_text() in output
    assert (folder / "run" / "confusion.png").exists()


def test_it_is_measured_and_answers(trained, tmp_path):
    folder, _ = trained
    best = folder / "run" / "best.keras"
    test = tmp_path / "test.conll"
    test.write_text("Ada1 B-PER\nLovelace I-PER\n\nOslo2 B-NEW\n")
    words = ["evaluate", best, f"--data={test}", f"--plots={tmp_path}"]
    status, output = run_command(words)
    assert status == 0, output
    assert "Tags that the model does not know" in output and "B-NEW" in output
    assert "baseline: span f1" in output and (tmp_path / "confusion.png").exists()
    status, output = run_command([*words, "--json", "--force"])
    figures = json.loads(output[output.index("{") : output.rindex("}") + 1])
    assert figures["f1_NEW"] == 0
    answers = tmp_path / "answers.conll"
    status, output = run_command(["answer", best, f"--data={test}", f"--to={answers}"])
    assert status == 0, output
    rows = answers.read_text().split("\n")
    assert [row.split("\t")[0] for row in rows if row] == ["Ada1", "Lovelace", "Oslo2"]


def test_the_best_epoch_has_the_highest_f1(tmp_path):
    lines = []
    for number in range(40):
        lines += [f"Ada{number % 7} B-PER", "sees O", f"Oslo{number % 5} B-LOC", ""]
    path = tmp_path / "train.conll"
    path.write_text("\n".join(lines))
    words = ["train", "own_tags", f"--data={path}", *TINY, "--epochs=4"]
    status, output = run_command([*words, f"--run={tmp_path / 'run'}"])
    assert status == 0, output
    history = (tmp_path / "run" / "history.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(history)))
    scores = [(float(row["val_span_f1"]), -float(row["val_loss"])) for row in rows]
    assert scores[0] < max(scores)
    assert f"Best epoch: {scores.index(max(scores)) + 1} of 4" in output


def test_one_tag_is_refused(tmp_path):
    (tmp_path / "x.conll").write_text("a NOUN\n\nb NOUN\n")
    words = ["train", "own_tags", f"--data={tmp_path / 'x.conll'}", *TINY]
    status, output = run_command([*words, f"--run={tmp_path / 'run'}"])
    assert status == 1 and "two different tags" in output


def test_training_starts_from_weights_that_know_the_words(tmp_path):
    from rnnzoo.recipes.own_tags import OwnTags

    english, other = tmp_path / "english.conll", tmp_path / "other.conll"
    rows = "The O\ndog B-PET\nsleeps O\n\nHer O\nold O\ncats B-PET\nate O\n\n"
    english.write_text(rows * 5)
    other.write_text("Koira B-PET\nnukkuu O\n\nKissat B-PET\nsöivät O\n\n" * 5)
    recipe = OwnTags(data=str(english))
    assert recipe.start == "ewt_upos"
    model = recipe.model()
    assert model.tags == ["O", "B-PET", "I-PET"] and model.scheme == "iob2"
    assert model.arguments["dropout"] == recipe.dropout
    for options in ({"data": str(other)}, {"weights": "none"}, {"units": 8}):
        assert OwnTags(**{"data": str(english)} | options).start is None
    path = tmp_path / "old.keras"
    model.save(path)
    again = OwnTags(data=str(other), weights=str(path)).model()
    known = again.tokens.vocabulary
    assert {"Koira", "dog"} <= {*known} and len(known) == len(set(known))
