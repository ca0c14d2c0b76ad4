"""The history of a run, and its learning curve."""

import csv
import pathlib


def read_history(run: pathlib.Path) -> list[dict[str, float]]:
    """Reads `history.csv` of a run folder, one row per epoch."""
    path = pathlib.Path(run) / "history.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def draw_learning_curve(rows: list[dict], path: pathlib.Path) -> None:
    """Draws the rows of `read_history` as a PNG file: training beside validation."""
    from matplotlib.figure import Figure

    names = [n.removeprefix("val_") for n in rows[0] if n.startswith("val_")]
    figure = Figure(figsize=(5 * len(names), 4), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    epochs = [row["epoch"] for row in rows]
    for axis, name in zip(axes, names, strict=True):
        mark = "o" if len(rows) < 30 else None
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            axis.plot(epochs, [row[key] for row in rows], label=label, marker=mark)
        axis.set(xlabel="epoch", title=name.replace("_", " "))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        if name == "loss":
            axis.set_yscale("log")
            axis.set_ylabel("nats per token" if "accuracy" in names else None)
    axes[0].legend()
    figure.savefig(path, dpi=120)
