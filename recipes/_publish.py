"""Publishes the weights of a finished run: measures, packs and records them.

    python -m rnnzoo.recipes._publish runs/sort_integers sorter.integers_32

It rounds the weights to the eight binary digits of bfloat16, evaluates the rounded
model as its recipe says, and writes the weight file, its record in weights.json, the
rows of results.csv, and the tables of the two README files that are made of these. Run
it in a checkout; a name that is taken is refused, for weight files never change.
"""

import argparse
import csv
import datetime
import hashlib
import io
import json
import os
import pathlib
import platform
import statistics
import tempfile
import zipfile
from collections.abc import Sequence

from rnnzoo import training, weights
from rnnzoo.training.history import read_settings
from rnnzoo.writing import replace_file, write_text

FOLDER = pathlib.Path(__file__).resolve().parent
RESULTS = FOLDER / "results.csv"
COLUMNS = (
    "recipe",
    "weights",
    "metric",
    "value",
    "published",
    "source",
    "seed",
    "minutes",
    "hardware",
    "date",
)


def publish(
    run: pathlib.Path, name: str, summary: str, others: Sequence[pathlib.Path] = ()
) -> None:
    """Measures, packs and records the best weights of a run.

    Args:
        run: The run folder.
        name: Full name of the weights, such as `"sorter.integers_32"`.
        summary: One line for lists.
        others: Runs of the same recipe with other seeds; the mean and the standard
            deviation of the recipe's first figure over all of them is recorded too.

    Raises:
        ValueError: If the name is taken.
    """
    import numpy as np
    import rich.progress

    import rnnzoo

    if name in weights.records():
        raise ValueError(
            f"Weight files never change: take a new name. Received: {name}"
        )
    settings = read_settings(run)
    recipe = training.recipe_class(settings["recipe"]).from_options(settings["options"])
    trained = rnnzoo.load(run / "best.keras")
    # A new model has no optimizer to save.
    model = type(trained).from_config(trained.get_config())
    model.set_weights(
        [
            _round_to_bfloat16(values) if values.dtype == np.float32 else values
            for values in trained.get_weights()
        ]
    )
    figures = recipe.evaluate(model, rich.progress.track)
    figures |= measure_spread(recipe, figures, others)
    history = read_stages(run, settings["options"])
    minutes = round(history[-1]["seconds"] / 60, 1)
    score = {key: round(value, 6) for key, value in figures.items()}
    record = {
        "summary": summary,
        "file": f"{name}.keras",
        "parameters": model.count_params(),
        # The vocabulary is in the weight file, and too long for a record.
        "settings": {
            key: value
            for key, value in model.get_config().items()
            if key not in ("vocabulary", "lowered")
        },
        "score": score,
        "data": recipe.trained_on,
        "licence": recipe.licence,
        "recipe": settings["recipe"],
        "options": settings["options"],
        "seed": recipe.seed,
    }
    model.card = {"name": name, "versions": settings["versions"], **record}
    path = weights.FOLDER / "pretrained" / record["file"]
    _save_as_float16(model, path)
    record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    record["bytes"] = path.stat().st_size
    inputs = recipe.golden_inputs()
    answers = rnnzoo.load(path).answer(inputs)
    record["golden"] = [
        {"input": given, "answer": answer}
        for given, answer in zip(inputs, answers, strict=True)
    ]
    catalog = {**weights.records(), name: record}
    text = json.dumps(catalog, indent=1, ensure_ascii=False) + "\n"
    write_text(weights.CATALOG, text)

    rows = [
        {
            "recipe": settings["recipe"],
            "weights": name,
            "metric": metric,
            "value": value,
            "published": recipe.published.get(metric, ("", ""))[0],
            "source": recipe.published.get(metric, ("", ""))[1],
            "seed": recipe.seed,
            "minutes": minutes,
            "hardware": describe_hardware(),
            "date": datetime.date.today().isoformat(),
        }
        for metric, value in (score | find_times(history)).items()
    ]
    write_results([*read_results(), *rows])


def read_stages(run: pathlib.Path, options: dict) -> list[dict]:
    """Returns the history of a run, after that of a run whose weights it began with."""
    history = training.read_history(run)
    before = pathlib.Path(str(options.get("weights") or "")).parent
    if not (before / "history.csv").is_file():
        return history
    first = training.read_history(before)
    start = first[-1]["seconds"]
    return [*first, *(row | {"seconds": row["seconds"] + start} for row in history)]


def measure_spread(
    recipe: training.Recipe, figures: dict, others: Sequence[pathlib.Path]
) -> dict[str, float]:
    """Returns mean and standard deviation of the first figure over several runs."""
    import rich.progress

    import rnnzoo

    if not others:
        return {}
    metric = next(iter(figures))
    values = [figures[metric]]
    for run in others:
        model = rnnzoo.load(run / "best.keras")
        values.append(recipe.evaluate(model, rich.progress.track)[metric])
    return {
        f"{metric}_mean_of_{len(values)}_seeds": statistics.mean(values),
        f"{metric}_standard_deviation": statistics.stdev(values),
    }


def find_times(history: list[dict]) -> dict[str, float]:
    """Returns the minutes until validation accuracy reached 95 %, if it did."""
    for row in history:
        if row.get("val_accuracy", 0) >= 0.95:
            return {"minutes_to_95_percent": round(row["seconds"] / 60, 1)}
    return {}


def describe_hardware() -> str:
    """Names the processor, and how many of its cores this process may use."""
    cpu = platform.processor()
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        names = [line.split(": ", 1)[1] for line in lines if "model name" in line]
        cpu = names[0] if names else cpu
    count = len(os.sched_getaffinity(0))
    return f"{count} core{'s' if count > 1 else ''} of {cpu}"


def read_results() -> list[dict]:
    """Reads results.csv."""
    with RESULTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_results(rows: list[dict]) -> None:
    """Writes results.csv and the table that is made of it."""
    with (
        replace_file(RESULTS) as draft,
        draft.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for path, lines in render_tables(rows).items():
        write_text(path, insert_table(path, lines))


def render_tables(rows: list[dict]) -> dict[pathlib.Path, str]:
    """Returns the tables of the documents that have one: all rows, or the main ones."""
    first = {}
    for row in rows:
        first.setdefault(row["weights"], row)
    return {
        FOLDER / "README.md": render_table(rows),
        FOLDER.parent / "README.md": render_table(list(first.values())),
    }


def insert_table(path: pathlib.Path, lines: str) -> str:
    """Returns a document with a table between its two marks."""
    begin, end = "<!-- results.csv -->", "<!-- end of results.csv -->"
    head, rest = path.read_text(encoding="utf-8").split(begin)
    return f"{head}{begin}\n{lines}{end}{rest.split(end)[1]}"


def render_table(rows: list[dict]) -> str:
    """Returns rows of results.csv as a Markdown table."""
    lines = [
        "| weights | figure | ours | published | seed | minutes | trained on |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        published = f"{row['published']} ({row['source']})" if row["published"] else ""
        lines.append(
            f"| `{row['weights']}` | {row['metric'].replace('_', ' ')} | "
            f"{float(row['value']):g} | {published} | {row['seed']} | "
            f"{row['minutes']} | {row['hardware']} |"
        )
    return "\n".join(lines) + "\n"


def _round_to_bfloat16(values):
    """Rounds weights to the precision of bfloat16, and to the range of float16."""
    import numpy as np
    import tensorflow as tf

    values = values.astype(tf.bfloat16.as_numpy_dtype)
    return values.astype(np.float16).astype(np.float32)


def _save_as_float16(model, path: pathlib.Path) -> None:
    """Saves a model with its weights stored as float16; it loads as float32."""
    import h5py
    import numpy as np

    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder, "model.keras")
        model.save(whole)
        with zipfile.ZipFile(whole) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        buffer = io.BytesIO(members["model.weights.h5"])
        packed = io.BytesIO()

        def copy(name: str, item) -> None:
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
            else:
                values = item[()]
                if values.dtype == np.float32:
                    values = values.astype(np.float16)
                # First bytes and second ones apart, of which the first compress well.
                large = {"chunks": values.shape, "shuffle": True, "compression": 9}
                new = target.create_dataset(
                    name, data=values, **(large if values.size > 4096 else {})
                )
                new.attrs.update(item.attrs)

        with h5py.File(buffer) as source, h5py.File(packed, "w") as target:
            target.attrs.update(source.attrs)
            source.visititems(copy)
        members["model.weights.h5"] = packed.getvalue()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                # A fixed date makes the file the same whenever it is written.
                archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)


def main() -> None:
    """Runs the command that the module's documentation shows."""
    parser = argparse.ArgumentParser(
        description="Publishes the weights of a finished run."
    )
    parser.add_argument("run", type=pathlib.Path, help="a finished run folder")
    parser.add_argument("name", help="full name, such as sorter.integers_32")
    parser.add_argument("--summary", required=True, help="one line for lists")
    parser.add_argument(
        "--others",
        type=pathlib.Path,
        nargs="*",
        default=[],
        help="runs of the recipe with other seeds, for mean and spread",
    )
    parsed = parser.parse_args()
    publish(parsed.run, parsed.name, parsed.summary, parsed.others)


if __name__ == "__main__":
    main()
