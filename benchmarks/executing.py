"""Measures executors, and has them answer the same programs.

    python benchmarks/executing.py

The listed executors run programs that no training had, of every length and nesting of
the training and one more. It writes benchmarks/executing.csv and executing_answers.csv,
the tables of docs/memorizing_and_executing.md and its heat maps.
"""

from pages import DOCS, write_table

PROGRAMS = 500
SHOWN = 3
MEASURES = ("accuracy", "accuracy_free_running", "exact_match")


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
        for nesting in range(1, examples.nesting + 2):
            for length in range(1, examples.length + 2):
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
    page = "memorizing_and_executing.md"
    header = ["weights", "task", "length", "nesting", *MEASURES]
    write_table("executing", header, rows, page)
    header = ["program", *next(iter(answers.values()))]
    table = [[program, *row.values()] for program, row in answers.items()]
    write_table("executing_answers", header, table, page)

    names = list(dict.fromkeys(row[0] for row in rows if row[1] == "programs"))
    figure = Figure(figsize=(3 * len(names) + 1.5, 5.6), layout="constrained")
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
    figure.savefig(DOCS / "executing.png", dpi=100)


if __name__ == "__main__":
    main()
