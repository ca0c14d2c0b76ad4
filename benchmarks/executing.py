"""Measures the executors of all curricula: two tables and a picture.

    python benchmarks/executing.py

Of every length and nesting, the listed executors run programs that no training had:
benchmarks/executing.csv. benchmarks/executing_answers.csv has their answers to the same
few programs side by side, and docs/executing.png a heat map for each.
"""

import csv
import pathlib

PROGRAMS = 500
SHOWN = 3
MEASURES = ("accuracy", "accuracy_free_running", "exact_match")


def write(name: str, header: list, rows: list) -> None:
    """Writes a table beside this file."""
    path = pathlib.Path(__file__).with_name(name)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def measured(model, programs: list, targets: list) -> dict[str, float]:
    """Returns a model's figures on programs; see `MEASURES`."""
    from rnnzoo.metrics import character_accuracy

    answers = model.answer(programs)
    right = [one == other for one, other in zip(answers, targets, strict=True)]
    forced = model.evaluate(programs, targets, verbose=0, return_dict=True)
    return {
        "accuracy": forced["accuracy"],
        "accuracy_free_running": character_accuracy(answers, targets),
        "exact_match": sum(right) / len(right),
    }


def main() -> None:
    """Measures, writes the tables and draws them."""
    from matplotlib.figure import Figure

    from rnnzoo import describe, executor, list_weights
    from rnnzoo.recipes.execute_programs import ExecutePrograms

    rows, answers = [], {}
    for name in list_weights("executor"):
        model, recipe = executor(name), ExecutePrograms(**describe(name)["options"])
        examples = recipe.examples()
        for nesting in range(1, examples.nesting + 1):
            for length in range(1, examples.length + 1):
                cell = examples.held_out(PROGRAMS, 2, length, nesting)
                figures = measured(model, *cell)
                rows.append([name, recipe.task, length, nesting])
                rows[-1] += [f"{figures[measure]:.3f}" for measure in MEASURES]
                print(*rows[-1], flush=True)
                if recipe.task == "programs":
                    shown = [part[:SHOWN] for part in cell]
                    written = model.answer(shown[0])
                    for program, target, answer in zip(*shown, written, strict=True):
                        row = answers.setdefault(program, {"right": target})
                        row[name.split(".")[1]] = answer
    write("executing.csv", ["weights", "task", "length", "nesting", *MEASURES], rows)
    header = list(next(iter(answers.values())))
    table = [[program, *row.values()] for program, row in answers.items()]
    write("executing_answers.csv", ["program", *header], table)

    names = list(dict.fromkeys(row[0] for row in rows if row[1] == "programs"))
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    axes = figure.subplots(2, len(names), squeeze=False)
    for column, name in enumerate(names):
        for line, measure in enumerate(("accuracy", "exact_match")):
            axis = axes[line][column]
            cells = {
                (int(row[2]), int(row[3])): float(row[4 + MEASURES.index(measure)])
                for row in rows
                if row[0] == name
            }
            top, deepest = (max(cell[i] for cell in cells) for i in (0, 1))
            grid = [
                [cells[length, nesting] for length in range(1, top + 1)]
                for nesting in range(1, deepest + 1)
            ]
            picture = axis.imshow(grid, vmin=0, vmax=1, origin="lower", aspect="auto")
            for (length, nesting), value in cells.items():
                color = "black" if value > 0.6 else "white"
                place = {"ha": "center", "va": "center", "color": color}
                axis.text(length - 1, nesting - 1, f"{value:.2f}", **place)
            axis.set_title(f"{name.split('.')[1]}\n{measure.replace('_', ' ')}")
            axis.set_xticks(range(top), range(1, top + 1))
            axis.set_yticks(range(deepest), range(1, deepest + 1))
            axis.set_xlabel("length")
    for line in axes:
        line[0].set_ylabel("nesting")
    figure.colorbar(picture, ax=axes)
    folder = pathlib.Path(__file__).resolve().parent.parent / "docs"
    figure.savefig(folder / "executing.png", dpi=100)


if __name__ == "__main__":
    main()
