"""Runs are compared in a table and one picture; learning curves say what they show."""

import json
import os
import subprocess
import sys

import matplotlib.figure
import pytest

from rnnzoo.command import main
from rnnzoo.training import history
from rnnzoo.training.comparison import compare_runs

UNITS = {"loss": "nats per character", "perplexity": "perplexity per character"}


def write_run(folder, rows=2, recipe="own_language", units=UNITS, **options):
    """Writes what a training leaves, without training."""
    folder.mkdir(parents=True)
    settings = {
        "recipe": recipe,
        "options": {"units": 8, "data": "a.txt", **options},
        "devices": "1 CPU",
        "units": units,
        "versions": {"keras": "3.12"},
    }
    history.write_settings(folder, settings)
    # The second epoch is the best.
    losses = [2.0, 1.0, 1.5, 1.25][:rows]
    found = [
        {"epoch": n, "seconds": 3.0 * n, "loss": loss, "val_loss": loss + 0.5}
        for n, loss in enumerate(losses, 1)
    ]
    if found:
        history.write_history(folder, found)
    return str(folder)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def drawn(monkeypatch):
    """Figures that are saved."""
    figures = []
    save = matplotlib.figure.Figure.savefig

    def keep(figure, *arguments, **options):
        figures.append(figure)
        return save(figure, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return figures


@pytest.mark.smoke
def test_a_table_of_what_differs_and_a_picture(folder, capsys, drawn):
    runs = [write_run(folder / "a"), write_run(folder / "b", rows=3, batch_size=13)]
    assert main(["compare", *runs]) == 0
    captured = capsys.readouterr()
    lines = [line.split() for line in captured.out.splitlines()]
    assert lines[0] == runs and ["settings"] in lines and ["figures"] in lines
    assert "units" not in [line[0] for line in lines]
    assert ["batch-size", "64", "13"] in lines
    assert ["best", "epoch", "2", "2"] in lines and ["epochs", "2", "3"] in lines
    assert ["val_loss", "1.5", "1.5"] in lines
    assert ["val_perplexity", "4.482", "4.482"] in lines
    assert captured.err == "Written: compare.png\n"
    (figure,) = drawn
    assert [axis.get_ylabel() for axis in figure.axes] == list(UNITS.values())
    for axis in figure.axes:
        assert [line.get_label() for line in axis.lines] == runs
        assert [len(line.get_xdata()) for line in axis.lines] == [2, 3]


def test_pictures_are_not_overwritten(folder, capsys):
    runs = [write_run(folder / "a"), write_run(folder / "b")]
    for _ in range(2):
        assert main(["compare", *runs]) == 0
    assert "none differ" in capsys.readouterr().out
    assert {"compare.png", "compare-2.png"} < set(os.listdir())
    (folder / "mine.png").write_text("before")
    assert main(["compare", *runs, "--plot=mine.png"]) == 1
    assert "--force" in capsys.readouterr().err
    assert (folder / "mine.png").read_text() == "before"
    assert main(["compare", *runs, "--plot=mine.png", "--force", "--json"]) == 0
    assert (folder / "mine.png").read_bytes()[:4] == b"\x89PNG"
    found = json.loads(capsys.readouterr().out)
    assert found[runs[0]]["figures"]["val_loss"] == 1.5


def test_runs_of_several_kinds_and_without_epochs(folder, capsys, drawn):
    units = {"loss": "nats per bit"}
    runs = [
        write_run(folder / "a"),
        write_run(folder / "b", recipe="of another version", units=units),
        write_run(folder / "c", rows=0),
    ]
    assert main(["compare", *runs]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["val_perplexity", "4.482", "-", "-"] in lines
    loss, perplexity = drawn[0].axes
    labels = [line.get_label() for line in loss.lines]
    assert labels == [f"{runs[0]} (nats per character)", f"{runs[1]} (nats per bit)"]
    assert [line.get_label() for line in perplexity.lines] == runs[:1]
    assert main(["compare", runs[2], runs[2]]) == 0
    captured = capsys.readouterr()
    assert "no epoch is complete" in captured.out
    assert "no curves to draw" in captured.err


def test_what_is_no_run_is_refused(folder, capsys):
    run = write_run(folder / "runs" / "first")
    (folder / "runs" / "first" / "best.keras").write_text("")
    for words, message in {
        (run,): "two or more run folders",
        (run, str(folder)): "which holds none",
        (run, str(folder / "runs" / "frist")): "Did you mean 'first'?",
        (run, f"{run}/best.keras"): f"Did you mean {run!r}?",
    }.items():
        assert main(["compare", *words]) == 1
        assert message in capsys.readouterr().err
    (folder / "runs" / "first" / "settings.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        compare_runs([run, run])
    assert "compare.png" not in os.listdir()


def test_comparing_needs_no_tensorflow(folder):
    runs = [write_run(folder / name) for name in "ab"]
    code = (
        "import sys\nfrom rnnzoo.command import main\n"
        f"assert main(['compare', *{runs!r}]) == 0\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_learning_curves_show_the_perplexity_of_a_language_model(folder, drawn):
    rows = [
        {"epoch": 1, "loss": 2.0, "val_loss": 800.0, "accuracy": 0.1, "val_accuracy": 0}
    ]
    history.draw_learning_curve(rows, folder / "curve.png", UNITS)
    names = [axis.get_title() for axis in drawn[0].axes]
    assert names == ["loss", "accuracy", "perplexity"]
    assert drawn[0].axes[2].get_ylabel() == "perplexity per character"
    assert drawn[0].axes[2].lines[0].get_ydata()[0] == pytest.approx(7.389, abs=1e-3)
    history.draw_learning_curve(rows, folder / "plain.png", {})
    assert len(drawn[1].axes) == 2
