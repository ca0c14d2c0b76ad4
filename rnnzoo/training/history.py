"""What a run folder holds beside its models: settings, history, learning curve."""

import csv
import io
import json
import math
import pathlib
from typing import Any

from rnnzoo.errors import shorten
from rnnzoo.writing import save_figure, write_text


def read_history(run: str | pathlib.Path) -> list[dict[str, Any]]:
    """Reads `history.csv` of a run folder, one row per epoch; none if there is no file.

    Epochs are integers, all else numbers. Raises `ValueError` if the file is damaged.
    """
    path = pathlib.Path(run) / "history.csv"
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        history = [{k: float(v) for k, v in row.items() if v} for row in rows]
        epochs = [row["epoch"] for row in history]
        if any(b - a != 1 for a, b in zip(epochs, epochs[1:], strict=False)):
            raise ValueError("its epochs are not 1, 2, ...")
        for row in history:  # earlier versions have written 1.0, 2.0, ...
            row["epoch"] = int(row["epoch"])
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise ValueError(
            "history.csv must be as training has written it, a table with a row per "
            "epoch: resuming the run writes it again, of what its checkpoint holds. "
            f"Received: path={str(path)!r}, which is damaged ({shorten(error, str)})"
        ) from error
    if not history:
        raise ValueError(
            "history.csv must have a row per epoch. Resuming the run writes it again. "
            f"Received: path={str(path)!r}, which has none"
        )
    return history


def write_history(run: pathlib.Path, rows: list[dict[str, Any]]) -> None:
    """Writes `history.csv`, unless it has the same content."""
    names = dict.fromkeys(name for row in rows for name in row)
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(names))
    writer.writeheader()
    writer.writerows(rows)
    path, text = run / "history.csv", buffer.getvalue()
    if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
        write_text(path, text)


def read_settings(run: str | pathlib.Path) -> dict[str, Any]:
    """Reads `settings.json` of a run folder: recipe, options, data, devices, versions.

    Raises `FileNotFoundError` if there is none, and `ValueError` if it is damaged.
    """
    path = pathlib.Path(run) / "settings.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(settings["recipe"], str):
            raise ValueError("its recipe is no name")
        if not isinstance(settings["options"], dict):
            raise ValueError("its options are no object")
        if not isinstance(settings.get("data", []), list):
            raise ValueError("its data are no list")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(
            "settings.json must be as training has written it: an object with recipe "
            "and options. Restore it, or choose another run folder. Received: "
            f"path={str(path)!r}, which is damaged ({shorten(error, str)})"
        ) from error
    return settings


def write_settings(run: pathlib.Path, settings: dict[str, Any]) -> None:
    """Writes `settings.json`."""
    write_text(run / "settings.json", json.dumps(settings, indent=2) + "\n")


def read_samples(run: pathlib.Path, epochs: int) -> str:
    """Reads `samples.txt` up to an epoch; the file may be ahead of the checkpoint."""
    path = run / "samples.txt"
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8", errors="replace")
    return text.partition(f"Samples after epoch {epochs + 1}:")[0]


def describe_units(model: Any) -> dict[str, str]:
    """Returns what the figures of a model's history count, by their names.

    A language model has a `perplexity` too, which `add_perplexity` computes.
    """
    loss = type(model.loss).__name__ if model.loss is not None else ""
    if loss == "BinaryCrossentropy":
        return {"loss": "nats per bit", "accuracy": "fraction of bits that are right"}
    if model.loss == "mse":
        return {
            "loss": "mean squared error",
            **dict.fromkeys(("mae", "mean_absolute_error"), "mean absolute error"),
        }
    if not getattr(model, "has_classes", False):
        return {}
    tokens = getattr(model, "tokens", None)
    unit = getattr(tokens, "kind", "token") if model.padding is not None else "example"
    units = {
        "loss": f"nats per {unit}",
        "accuracy": f"fraction of {unit}s that are right",
        "exact_match": "fraction of answers that are right",
        "macro_f1": "F1, mean over the classes",
    }
    if getattr(model, "TASK", "") == "language-modeling":
        units["perplexity"] = f"perplexity per {unit}"
    return units


def add_perplexity(rows: list[dict[str, Any]], units: dict[str, str]) -> list[dict]:
    """Returns rows of a history, with perplexity if the units have it.

    It is the exponential of the loss in nats.

    Example:
        >>> from rnnzoo.training.history import add_perplexity
        >>> add_perplexity([{"epoch": 1, "loss": 0.0}], {"perplexity": "per word"})
        [{'epoch': 1, 'loss': 0.0, 'perplexity': 1.0}]
    """
    if "perplexity" not in units:
        return rows
    return [
        row
        | {
            key.replace("loss", "perplexity"): math.exp(min(row[key], 100))
            for key in ("loss", "val_loss")
            if key in row
        }
        for row in rows
    ]


def draw_learning_curve(
    rows: list[dict], path: pathlib.Path, units: dict[str, str] | None = None
) -> None:
    """Draws the rows of `read_history` as a PNG file: training beside validation.

    `units` are what `describe_units` returns of the model.
    """
    units = units or {}
    rows = add_perplexity(rows, units)
    names = [n.removeprefix("val_") for n in rows[0] if n.startswith("val_")]
    figure, axes = make_curves(names, units)
    epochs = [row["epoch"] for row in rows]
    mark = "o" if len(rows) < 30 else None
    for axis, name in zip(axes, names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in rows[0]:
                values = [row[key] for row in rows]
                axis.plot(epochs, values, label=label, marker=mark)
    axes[0].legend()
    save_figure(figure, path)


def make_curves(names: list[str], units: dict[str, str]) -> tuple[Any, Any]:
    """Returns a figure with an axis for each name of a metric, over epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(names), 4), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, name in zip(axes, names, strict=True):
        axis.set(xlabel="epoch", title=name.replace("_", " "))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        axis.set_ylabel(units.get(name))
        if name in ("loss", "perplexity"):
            axis.set_yscale("log")
    return figure, axes
