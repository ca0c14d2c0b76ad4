"""Own texts: what the command says, the split, baselines, the page, odd files."""

import contextlib
import csv
import io
import pathlib
import re
import shlex
import signal

import keras
import numpy as np
import pytest

import rnnzoo
from rnnzoo.command import main
from rnnzoo.data.pipeline import Pairs, split_by_class
from rnnzoo.errors import Interrupted
from rnnzoo.layers.logistic import balance, choose_strength, solve_logistic
from rnnzoo.layers.ngram_regression import EDGE, NgramFeatures, NgramRegression
from rnnzoo.training import recipe_class, reports
from rnnzoo.training.history import read_history
from rnnzoo.training.mixtures import BothAnswers, macro_f1

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "texts.md"
TINY = ["--units=8", "--embedding_dim=8", "--cell=simple", "--devices=cpu"]
PHRASES = {
    "angry": ["get out", "i hate it", "what a bad day"],
    "calm": ["never mind", "as you like", "let it be"],
    "happy": ["hooray", "i love it", "what a fine day"],
}


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def make_rows(counts, seed=0):
    """As many rows of each label, each of a phrase and two random words."""
    random = np.random.default_rng(seed)
    words = ["today", "dear", "friend", "well", "then", "so", "now"]
    return [
        (" ".join([random.choice(PHRASES[label]), *random.choice(words, 2)]), label)
        for label, count in counts.items()
        for _ in range(count)
    ]


def run_command(words):
    """Runs a command; returns its status and output."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = main(words)
    return status, output.getvalue()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a space in its name, the run in it, and what was printed."""
    folder = tmp_path_factory.mktemp("own texts")
    path = write(folder / "moods.csv", make_rows({"angry": 40, "calm": 20, "happy": 4}))
    words = ["train", "own_texts", f"--data={path}", *TINY, "--epochs=2"]
    words += ["--classes=happy,calm,angry", f"--run={folder / 'my run'}"]
    words += ["--weights=none", "--balance"]
    status, output = run_command(words)
    assert status == 0
    return folder, output, words


def test_it_explains_itself(trained):
    _, output, _ = trained
    lines = output.splitlines()
    assert "Rows: 64 of 3 classes: happy 4, calm 20, angry 40" in lines
    assert "Split: 57 rows to learn from, 7 to validate, a tenth of each class" in lines
    assert any(re.match(r"Read as: (words|characters) \(cross", line) for line in lines)
    assert "Baseline, majority: accuracy 0.571, macro F1 0.242" in lines
    figures = r": accuracy \d\.\d{3}, macro F1 \d\.\d{3}$"
    (linear,) = [line for line in lines if line.startswith("Baseline, linear")]
    assert re.search(figures, linear)
    assert any(
        re.match(r"At most 2 epochs of \d+ steps, about \d+ s each", s) for s in lines
    )
    first_epoch = next(
        n for n, line in enumerate(lines) if line.startswith("Epoch 1/2")
    )
    assert first_epoch > lines.index(linear)
    assert "val_macro_f1" in lines[first_epoch]
    assert sum(line.startswith("Epoch ") for line in lines) == 2
    assert "Samples" not in output
    number = r"\d\.\d\d"
    assert re.search(
        rf"^best: val_loss {number} at epoch \d of 2 \(accuracy {number}; majority "
        rf"0\.57; linear {number}\), macro F1 {number} \(majority 0\.24; linear "
        rf"{number}\)$",
        output,
        re.MULTILINE,
    )


@pytest.mark.slow
def test_the_model_is_one(trained, tmp_path):
    folder, _, _ = trained
    model = rnnzoo.load(folder / "my run" / "best.keras")
    assert model.classes == ["happy", "calm", "angry"]
    assert model.classify("i hate it so") == "angry"
    before = model.probabilities(["hooray", "let it be now", "qqq"])
    model.save(tmp_path / "copy.keras")
    copy = rnnzoo.load(tmp_path / "copy.keras")
    np.testing.assert_array_equal(
        copy.probabilities(["hooray", "let it be now", "qqq"]), before
    )
    alone = model.probabilities(["hooray"])
    np.testing.assert_allclose(alone[0], before[0], atol=1e-5)
    assert model.explain("i hate it").answer == "angry"
    more = model.with_vocabulary([*model.tokens.vocabulary, "qqq"[:1], "§"])
    np.testing.assert_allclose(more.probabilities(["hooray"]), alone, atol=1e-5)
    assert model.with_classes(["a", "b"]).classify("hooray") in "ab"
    assert model.explain("i hate it", method="gradient").answer == "angry"
    answers, by_regression = BothAnswers(model)(["i hate it", "let it be"])
    assert answers.tolist() == [2, 1] == by_regression.tolist()


def test_the_next_commands_work_as_printed(trained, tmp_path, monkeypatch):
    _, output, _ = trained
    monkeypatch.chdir(tmp_path)
    commands = [line for line in output.splitlines() if line.startswith("  rnnzoo ")]
    verbs = [shlex.split(command)[1] for command in commands]
    assert verbs == ["evaluate", "answer", "export"]
    for command in commands[:2]:
        status, printed = run_command(shlex.split(command)[1:])
        assert status == 0 and printed
    assert shlex.split(commands[2])[3] == "--to=served/my run"
    assert (trained[0] / "my run" / "learning_curve.png").exists()


@pytest.mark.slow
def test_the_printed_export_answers_as_the_model(trained, tmp_path, monkeypatch):
    folder, output, _ = trained
    monkeypatch.chdir(tmp_path)
    (command,) = [line for line in output.splitlines() if " export " in line]
    assert run_command(shlex.split(command)[1:])[0] == 0
    model = rnnzoo.load(folder / "my run" / "best.keras")
    for format in ("onnx", "litert"):
        rnnzoo.export(model, tmp_path / format, format)


@pytest.mark.slow
def test_a_run_that_is_complete_says_the_same(trained):
    _, output, words = trained
    status, again = run_command(words)
    assert status == 0 and "This run is complete (2 epochs)" in again
    (line,) = [line for line in output.splitlines() if line.startswith("best: ")]
    assert line in again.splitlines()


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (make_rows({"calm": 9}), {}, "texts of two classes at least"),
        ([("a", "x"), ("b", "y"), ("c", "z")], {}, "must have two examples"),
        (make_rows({"calm": 5, "happy": 5}), {"classes": "calm"}, "without happy"),
        (
            make_rows({"calm": 5, "happy": 5}),
            {"classes": "calm,happy,hapy"},
            "'hapy' is no label of the file. Did you mean 'happy'?",
        ),
        (make_rows({"calm": 5, "happy": 5}), {"classes": "calm,calm,happy"}, "twice"),
        (
            make_rows({"calm": 5, "happy": 5}),
            {"tokens": "character"},
            "Did you mean 'characters'?",
        ),
    ],
)
def test_what_cannot_be_learned_from(rows, options, message, tmp_path):
    path = write(tmp_path / "x.csv", rows)
    recipe = recipe_class("own_texts")(data=str(path), weights="none", **options)
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        recipe.model()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "rows",
    [
        make_rows({"calm": 3, "happy": 2}),  # five rows in all
        [*make_rows({"calm": 60}), ("hooray hooray", "happy")],  # a class of one
        [(text, len(text) % 3) for text, _ in make_rows({"calm": 30})],  # numbers
        [("東京は今日も雨です", "ja"), ("今天北京下雨了", "zh")] * 6,  # no spaces
    ],
)
def test_odd_files_are_learned_from(rows, tmp_path):
    path = write(tmp_path / "x.csv", rows)
    small = {"units": 4, "embedding_dim": 4, "cell": "simple", "weights": "none"}
    recipe = recipe_class("own_texts")(data=str(path), **small)
    model = recipe.model()
    assert sorted(model.classes) == sorted({str(label) for _, label in rows})
    shares = model.probabilities([text for text, _ in rows])
    assert np.isfinite(shares).all()
    training, validation = recipe.parts
    assert len(training) + len(validation) == len(rows)
    assert recipe.class_weights() is None


def test_every_class_is_validated_and_learned():
    labels = np.repeat([0, 1, 2, 3], [100, 20, 2, 1])
    rest, part = split_by_class(Pairs("x" * len(labels), labels), labels, 0.1, 1000)
    counts = [
        np.bincount(labels[x.indices], minlength=4).tolist() for x in (rest, part)
    ]
    assert counts == [[90, 18, 1, 1], [10, 2, 1, 0]]
    again = split_by_class(Pairs("x" * len(labels), labels), labels, 0.1, 1000)
    assert again[1].indices.tolist() == part.indices.tolist()
    _, few = split_by_class(Pairs("x" * len(labels), labels), labels, 0.1, 6)
    assert len(few) <= 8


def test_few_rows_are_not_worse_than_the_majority(tmp_path):
    path = write(tmp_path / "x.csv", make_rows({"angry": 30, "calm": 12, "happy": 8}))
    recipe = recipe_class("own_texts")(data=str(path), weights="none", units=8)
    model = recipe.model()
    texts, names = zip(
        *make_rows({"angry": 20, "calm": 20, "happy": 20}, 1), strict=True
    )
    answers = model.probabilities(list(texts)).argmax(axis=1)
    assert macro_f1(model.class_numbers(names), answers) > 0.8


def test_the_regression_is_that_of_its_definition():
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(60, 4)), random.integers(0, 3, 60)
    kernel, bias = solve_logistic(features, labels, 3, weights=np.ones(60))
    logits = features @ kernel + bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error = shares - np.eye(3)[labels]
    np.testing.assert_allclose(features.T @ error + kernel, 0, atol=0.02)
    np.testing.assert_allclose(error.sum(axis=0), 0, atol=0.02)
    assert balance(labels, 3).mean() == pytest.approx(1)
    strength, logits = choose_strength(features, labels, 3, (1.0, 10.0))
    assert strength == 1.0 and logits.shape == (60, 3)


def test_the_layer_scores_as_its_features_do():
    layer = NgramRegression(3, max_n=4, rows=2000, vocabulary_size=30)
    folds = np.arange(30)
    folds[7], folds[8] = EDGE, 9  # a space, and a capital letter
    layer.set_folds(folds)
    random = np.random.default_rng(0)
    rows = [random.integers(1, 30, size) for size in (1, 2, 5, 9, 30)]
    rows.append(np.array([5, 5, 5, 5]))
    features = NgramFeatures(layer, rows, 2000)
    kernel = random.normal(size=(len(features.codes), 3)).astype("float32")
    layer.set_table(features.codes, features.rarity, kernel)
    ids = np.zeros((len(rows), 33), "int32")
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    expected = features.matrix @ kernel
    found = keras.ops.convert_to_numpy(layer(ids)).sum(axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    alone = keras.ops.convert_to_numpy(layer(ids[1:2, :2])).sum(axis=1)
    np.testing.assert_allclose(alone[0], expected[1], atol=1e-5)
    same = np.where(ids == 8, 9, ids)
    folded = keras.ops.convert_to_numpy(layer(same)).sum(axis=1)
    np.testing.assert_allclose(folded, found, atol=1e-6)


@pytest.mark.slow
def test_the_page_runs_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names, outputs = {}, []
    for kind, block in blocks:
        if kind == "python":
            exec(compile(block, PAGE.name, "exec"), names)
        for line in [] if kind else block.splitlines():
            status, output = run_command(shlex.split(line)[1:])
            assert status == 0, line
            outputs.append(output)
    (shown,) = [block for kind, block in blocks if kind == "text"]
    said = outputs[0].splitlines()
    for line in shown.splitlines():
        beginning = re.split(r"[\d.]+", line)[0]
        assert any(other.startswith(beginning) for other in said), line
    assert names["model"].classify("the parcel is late") == "delivery"


@pytest.mark.slow
def test_better_than_a_bag_of_words_on_sentiment(tmp_path):
    good = ["a gem", "superb acting", "moving and warm", "great fun", "brilliant"]
    bad = ["a bore", "awful acting", "cold and dull", "no fun at all", "a mess"]
    rows = [(text, 1) for text in good] + [(text, 0) for text in bad]
    path = write(tmp_path / "x.csv", rows * 2)
    model = recipe_class("own_texts")(data=str(path), tokens="words").model()
    answers = model.classify(["wonderful", "terrible", "a masterpiece", "boring"])
    assert answers == ["1", "0", "1", "0"]


@pytest.mark.slow
def test_an_interrupted_run_has_the_history_of_a_whole_one(tmp_path, monkeypatch):
    path = write(tmp_path / "moods.csv", make_rows({"angry": 40, "calm": 20}))
    recipe = recipe_class("own_texts")(
        data=str(path),
        tokens="characters",
        units=8,
        embedding_dim=8,
        epochs=2,
        patience=0,
        steps_per_epoch=5,
    )
    rnnzoo.train(recipe, tmp_path / "whole", "cpu")
    original = reports.Progress.on_train_batch_end

    def interrupt(self, batch, logs=None):
        original(self, batch, logs)
        if self.step == 7:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(reports.Progress, "on_train_batch_end", interrupt)
        with pytest.raises(Interrupted):
            rnnzoo.train(recipe, tmp_path / "parts", "cpu")
    rnnzoo.train(recipe, tmp_path / "parts", "cpu")
    whole, parts = (
        [{k: v for k, v in row.items() if k != "seconds"} for row in read_history(run)]
        for run in (tmp_path / "whole", tmp_path / "parts")
    )
    assert parts == whole
