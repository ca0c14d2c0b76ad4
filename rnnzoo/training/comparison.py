"""Runs beside each other: what differs in their settings, and how well they did."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from rnnzoo.errors import closest, shorten
from rnnzoo.training.history import (
    add_perplexity,
    make_curves,
    read_history,
    read_settings,
)
from rnnzoo.training.recipe import RENAMED_RECIPES, recipe_class
from rnnzoo.writing import save_figure

# What a cell of the table says of a setting or a figure that a run does not have.
NOTHING = "-"


@dataclasses.dataclass(frozen=True)
class RunComparison:
    """Settings that differ between runs, and their figures; `print` shows a table.

    Attributes:
        runs: Names of the folders.
        settings: For each setting that differs, its value in each run, or `None`.
        figures: For each figure its value in each run, or `None`: of the epoch with the
            lowest validation loss, whose weights are in `best.keras`.
        histories: For each run its rows of `read_history`.
        units: For each run what its figures count.
    """

    runs: list[str]
    settings: dict[str, list]
    figures: dict[str, list]
    histories: list[list[dict[str, Any]]]
    units: list[dict[str, str]]

    def to_dict(self) -> dict[str, Any]:
        """Returns settings and figures of each run, ready for `json.dumps`."""
        return {
            run: {
                "settings": {key: row[i] for key, row in self.settings.items()},
                "figures": {key: row[i] for key, row in self.figures.items()},
            }
            for i, run in enumerate(self.runs)
        }

    def __str__(self) -> str:
        """Returns the table: a column for each run."""
        from rich.cells import cell_len

        rows = [["", *self.runs]]
        for title, part in (("settings", self.settings), ("figures", self.figures)):
            empty = "none differ" if title == "settings" else "no epoch is complete"
            rows.append([title if part else f"{title}: {empty}"])
            rows += [
                [
                    # Options are spelled as on the command line.
                    f"  {name if part is self.figures else name.replace('_', '-')}",
                    *(_to_cell(value, name) for value in values),
                ]
                for name, values in part.items()
            ]
        full = [row for row in rows if len(row) > 1]
        widths = [max(map(cell_len, column)) for column in zip(*full, strict=True)]
        lines = [
            "  ".join(
                cell + " " * (width - cell_len(cell))
                for cell, width in zip(row, widths, strict=False)
            )
            if len(row) > 1
            else row[0]
            for row in rows
        ]
        return "\n".join(line.rstrip() for line in lines)

    def plot(self, path: str | os.PathLike) -> bool:
        """Draws loss and metrics of the validation of all runs over their epochs.

        Args:
            path: The PNG file to write.

        Returns:
            Whether there was something to draw: a complete epoch of a run.
        """
        histories = [
            add_perplexity(rows, units)
            for rows, units in zip(self.histories, self.units, strict=True)
        ]
        found = (name for rows in histories for row in rows for name in row)
        names = [n for n in dict.fromkeys(found) if n.startswith("val_")]
        if not names:
            return False
        metrics = [name.removeprefix("val_") for name in names]
        shared = {name: self._shared_unit(name) for name in metrics}
        titled = {name: unit for name, unit in shared.items() if unit}
        figure, axes = make_curves(metrics, titled)
        for axis, name in zip(axes, metrics, strict=True):
            for number, (run, rows) in enumerate(
                zip(self.runs, histories, strict=True)
            ):
                points = [
                    (r["epoch"], r[f"val_{name}"]) for r in rows if f"val_{name}" in r
                ]
                if not points:
                    continue
                unit = self.units[number].get(name)
                label = run if shared[name] or not unit else f"{run} ({unit})"
                mark = "o" if len(points) < 30 else None
                axis.plot(
                    *zip(*points, strict=True),
                    label=label.replace("$", r"\$"),
                    marker=mark,
                    color=f"C{number % 10}",
                    linestyle=("-", "--", ":")[number // 10 % 3],
                )
            axis.set_title(f"{axis.get_title()}, validation")
            axis.legend(fontsize="small")
        save_figure(figure, path)
        return True

    def _shared_unit(self, name: str) -> str | None:
        """Returns the unit of a metric, unless runs have different ones."""
        found = {
            units.get(name)
            for units, rows in zip(self.units, self.histories, strict=True)
            if any(f"val_{name}" in row for row in add_perplexity(rows, units))
        }
        return found.pop() if len(found) == 1 else None


def compare_runs(runs: Sequence[str | os.PathLike]) -> RunComparison:
    """Reads the settings and the histories of run folders.

    Args:
        runs: Two or more folders of `rnnzoo.train`.

    Raises:
        ValueError: If there are fewer, or a folder holds no run or a damaged one.

    Example:
        >>> import tempfile
        >>> from rnnzoo import train
        >>> from rnnzoo.recipes.sort_naturals import SortNaturals
        >>> from rnnzoo.training.comparison import compare_runs
        >>> runs = [tempfile.mkdtemp() for _ in range(2)]
        >>> for run, units in zip(runs, (8, 16)):
        ...     small = dict(max_length=4, epochs=1, steps_per_epoch=2)
        ...     model = train(SortNaturals(units=units, **small), run, devices="cpu")
        Devices: ...
        >>> compare_runs(runs).settings
        {'units': [8, 16]}
    """
    folders = [pathlib.Path(run) for run in runs]
    if len(folders) < 2:
        raise ValueError(
            "Give two or more run folders to compare, as runs/a runs/b. Received: "
            f"{', '.join(map(str, folders)) or 'none'}"
        )
    for folder in folders:
        _check_run(folder)
    settings = [read_settings(folder) for folder in folders]
    options = list(map(_current_options, settings))
    names = dict.fromkeys(name for one in options for name in one)
    columns = {name: [one.get(name) for one in options] for name in names}
    histories = [read_history(folder) for folder in folders]
    return RunComparison(
        runs=list(map(str, folders)),
        settings={
            name: values
            for name, values in columns.items()
            if any(value != values[0] for value in values)
        },
        figures=_collect_figures(histories, settings),
        histories=histories,
        units=[one.get("units", {}) for one in settings],
    )


def _check_run(folder: pathlib.Path) -> None:
    if (folder / "settings.json").is_file():
        return
    is_inside = (folder.parent / "settings.json").is_file()
    hint = f" Did you mean {str(folder.parent)!r}?" if is_inside else ""
    if not folder.exists() and not is_inside and folder.parent.is_dir():
        runs = [one.parent.name for one in folder.parent.glob("*/settings.json")]
        hint = closest(folder.name, runs)
    what = "holds none" if folder.is_dir() else "is no folder"
    raise ValueError(
        "A run folder is what `rnnzoo train` writes, with settings.json and "
        f"history.csv.{hint} Received: run={str(folder)!r}, which {what}"
    )


def _current_options(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns recipe, options, data, devices and versions, with names of today."""
    name = str(RENAMED_RECIPES.get(settings["recipe"], settings["recipe"]))
    options = settings["options"]
    try:
        options = recipe_class(name).from_options(options).options()
    except (ValueError, TypeError):  # of a recipe that is not here, or another version
        pass
    data = [
        {key: one[key] for key in one if key not in ("path", "modified")}
        for one in settings.get("data", [])
    ]
    versions = settings.get("versions", {})
    return {
        "recipe": name,
        **options,
        **({"content of the data": data} if data else {}),
        "devices": settings.get("devices"),
        **{f"version of {key}": value for key, value in versions.items()},
    }


def _collect_figures(histories: list, settings: list[dict]) -> dict[str, list]:
    """Returns the figures of the best epoch of each run."""
    columns = []
    for rows, one in zip(histories, settings, strict=True):
        if not rows:
            columns.append({})
            continue
        rows = add_perplexity(rows, one.get("units", {}))
        best = min(rows, key=lambda row: row.get("val_loss", float("inf")))
        columns.append(
            {
                "epochs": rows[-1]["epoch"],
                "best epoch": best["epoch"],
                **{key: best[key] for key in best if key.startswith("val_")},
                "seconds": rows[-1].get("seconds"),
            }
        )
    names = dict.fromkeys(name for column in columns for name in column)
    ordered = [name for name in names if name != "seconds"]
    ordered += ["seconds"] if "seconds" in names else []
    return {name: [column.get(name) for column in columns] for name in ordered}


def _to_cell(value: Any, name: str) -> str:
    if value is None:
        return NOTHING
    if name == "content of the data":
        hashes = [str(one.get("hash") or one.get("generator", "")) for one in value]
        return shorten(" ".join(text[:8] for text in hashes), str, 40)
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return shorten(value, str, 40)
