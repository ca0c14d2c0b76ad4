"""Series of one's own to classes: files in every form, odd ones, and a training."""

import itertools
import json

import numpy as np
import pytest

import rnnzoo
from rnnzoo.analysis.series_baselines import nearest_neighbour, random_kernels
from rnnzoo.command import main
from rnnzoo.data.series_files import read_series

TINY = ["--units=4", "--epochs=2", "--steps-per-epoch=4", "--batch-size=8"]


def write(path, *lines, encoding="utf-8"):
    """Writes lines into a file, and returns its path."""
    path.write_text("\n".join(lines), encoding=encoding)
    return path


def wide_rows(count=8, steps=6):
    """Rows of rising and of falling series, with noise."""
    random = np.random.default_rng(0)
    for number, name in itertools.product(range(count), ("up", "down")):
        slope = 1 if name == "up" else -1
        values = slope * np.arange(steps) + random.normal(0, 0.3, steps)
        cells = [f"{v:.3f}" for v in values]
        if number == 1:
            cells[2], cells[-1] = "", ""
        yield ",".join([name, *cells])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data in wide form, and a run that was trained on it."""
    folder = tmp_path_factory.mktemp("own series")
    header = "label," + ",".join(map(str, range(6)))
    data = write(folder / "data.csv", header, *wide_rows())
    words = ["train", "own_series", f"--data={data}", f"--run={folder / 'run'}", *TINY]
    assert main(words) == 0
    return folder


def test_a_run_has_its_confusion_matrix_and_scales(trained):
    assert (trained / "run" / "confusion.png").stat().st_size > 1000
    model = rnnzoo.load(trained / "run" / "best.keras")
    assert model.classes == ["down", "up"] and model.tokens.scales[0] > 0.5


def test_new_series_without_labels_are_answered(trained):
    new = write(trained / "new.csv", "0,1,2,3", "1,2,3,4", "4,,2,1")
    to = trained / "answers.csv"
    words = ["answer", str(trained / "run" / "best.keras"), f"--data={new}"]
    assert main([*words, f"--to={to}", "--probabilities"]) == 0
    header, *rows = to.read_text().splitlines()
    assert header == "series,answer,probability,probability_down,probability_up"
    assert [row.split(",")[0] for row in rows] == ["line 2", "line 3"]


def test_evaluate_reads_the_form_of_the_training(trained, capsys):
    best = str(trained / "run" / "best.keras")
    words = ["evaluate", best, f"--data={trained / 'data.csv'}", "--json"]
    assert main([*words, f"--plots={trained / 'plots'}"]) == 0
    assert 0 <= json.loads(capsys.readouterr().out)["accuracy"] <= 1
    assert (trained / "plots" / "confusion.png").exists()
    other = write(trained / "other.csv", "label,0,1", "sideways,1,2")
    assert main(["evaluate", best, f"--data={other}"]) != 0
    assert "sideways" in capsys.readouterr().err


def test_a_recording_is_answered_window_by_window(trained):
    model = rnnzoo.load(trained / "run" / "best.keras")
    steps = [0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0]
    found = list(model.stream(iter(steps), window=3, step=2))
    assert [end for end, *_ in found] == [3, 5, 7]
    assert [name for _, name, _ in found] == model.classify(
        [steps[:3], steps[2:5], steps[4:]]
    )
    with pytest.raises(ValueError, match="window"):
        model.stream(steps, window=0)


def test_long_form_is_sorted_by_time(tmp_path):
    lines = ["\ufeffid;t;x;label", "a;2;1,5;1", "b;2024-01-01;3;2", "a;1;2,5;1"]
    found = read_series(write(tmp_path / "long.csv", *lines))
    assert [one[:, 0].tolist() for one in found.series] == [[2.5, 1.5], [3.0]]
    assert found.labels == ["1", "2"] and found.form.startswith("long")


def test_a_folder_has_a_file_per_series(tmp_path):
    for name in ("walk_1", "walk_2", "run_1"):
        write(tmp_path / f"{name}.csv", "t,x,y", "1,2,3", "0,,5")
    found = read_series(tmp_path)
    assert found.labels == ["run", "walk", "walk"] and found.gaps == 3
    np.testing.assert_array_equal(found.fill([0, 0])[0], [[2, 5], [2, 3]])


def test_a_recording_is_cut_into_windows(tmp_path):
    rows = [f"{n},{'on' if n > 4 else 'off'}" for n in range(10)]
    path = write(tmp_path / "recording.csv", "x,label", *rows)
    found = read_series(path, window=4, step=2)
    assert found.labels == ["off", "off", "on", "on"]
    with pytest.raises(ValueError, match="longer than the recording.*10 steps"):
        read_series(path, window=11)


def test_ts_files_have_dimensions_gaps_and_other_lengths(tmp_path):
    head = ["#comment", "@univariate false", "@classLabel true a b", "@data"]
    path = write(tmp_path / "x_TRAIN.ts", *head, "1,?,3:4,5,6:a", "1:2:b")
    found = read_series(path)
    assert [one.shape for one in found.series] == [(3, 2), (1, 2)]
    assert found.labels == ["a", "b"] and found.gaps == 1
    write(path, *head, "1,2:4,5:a", "1,2:3:b", "1:2:c")
    with pytest.raises(
        ValueError, match=r"different lengths: 1 row, at line 6"
    ) as error:
        read_series(path)
    assert "@classLabel does not name: 1 row, at line 7" in str(error.value)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["label,0,1", "a,1,2", "b,1,two"], "not a number: 1 row, at line 3"),
        (["label,0,1", "a,1,2", "b,,"], "no number in the series: 1 row, at line 3"),
        (["label,0,1", "a,1,2", ",1,2"], "empty label: 1 row, at line 3"),
        (["label,0,1", "a,1,2", "b,1e300,2"], "too large.* at line 3"),
        (["label,0,1", "a,1,2", "b,1"], "wrong number of fields"),
        (["id,t,x,label", "1,1,2,a", "1,1,3,a"], "same time twice.* line 3"),
        (["id,t,x,label", "1,1,2,a", "1,2,3,b"], "another class.* line 3"),
        (["id,t,x,label", "1,1,2,a", "1,soon,3,a"], "neither a number.* line 3"),
        (["klass,0", "a,1"], "--label must name a column"),
        (["label,0"], "must have rows"),
    ],
)
def test_rows_that_cannot_be_used_are_named(lines, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_series(write(tmp_path / "bad.csv", *lines))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,1", "a,2"], "two classes"),
        (["a,1"], "two classes"),
        (["a,1", "b,2"], "two ex"),
    ],
)
def test_too_few_classes_or_series_are_refused(rows, message, tmp_path, capsys):
    path = write(tmp_path / "few.csv", "label,0", *rows)
    assert main(["train", "own_series", f"--data={path}", f"--run={tmp_path}/r"]) != 0
    assert message in capsys.readouterr().err


def test_a_class_of_one_series_and_constant_and_huge_features(tmp_path):
    rows = [
        f"{i},{t},7,{i * 1e30},{'a' if i < 4 else 'b'}"
        for i in range(5)
        for t in (1, 2)
    ]
    path = write(tmp_path / "odd.csv", "id,t,x,y,label", *rows)
    recipe = rnnzoo.training.recipe_class("own_series")(data=str(path), units=4)
    model = recipe.model()
    assert model.tokens.scales[0] == 1 and model.tokens.scales[1] > 1e29
    assert np.isfinite(model.probabilities(recipe.training[0])).all()


def test_baselines_tell_rising_from_falling():
    random = np.random.default_rng(0)
    labels = np.arange(40) % 2
    series = [(2 * k - 1) * np.arange(12) + random.normal(size=12) for k in labels]
    for baseline in (nearest_neighbour, random_kernels):
        assert (baseline(series[:20], labels[:20], series[20:]) == labels[20:]).all()
