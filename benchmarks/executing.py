"""Measures executors, and has them answer the same programs.

    rnnzoo train execute_programs --scrambled --run=runs/scrambled
    python benchmarks/executing.py runs/scrambled

The listed executors, and those of runs, run programs that no training had, of every
length and nesting of the training and one more; what adds, adds numbers of so many
digits and three more. It writes benchmarks/executing.csv, executing_answers.csv and
adding.csv, which are the tables of docs/memorizing_and_executing.md, and its heat maps.
"""

import json
import pathlib

from harness import Benchmark, make_figure

PROGRAMS = 500
SHOWN = 3
MEASURES = ("accuracy", "accuracy_free_running", "exact_match")


def measured(model, programs: list, targets: list) -> dict[str, float]:
    """Returns a model's figures on programs; see `MEASURES`."""
    from rnnzoo.analysis.text_quality import character_accuracy

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
    benchmark = Benchmark(__file__, __doc__, quick={"PROGRAMS": 5})
    benchmark.parser.add_argument(
        "runs", nargs="*", type=pathlib.Path, help="folders of runs"
    )
    runs = benchmark.parse().runs
    from rnnzoo import describe, executor, list_weights
    from rnnzoo.recipes.execute_programs import ExecutePrograms

    models = {
        name: (executor(name), describe(name)["options"])
        for name in list_weights("executor")
    }
    for run in runs:
        settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
        models[run.name] = executor(str(run / "best.keras")), settings["options"]

    rows, sums, answers = [], [], {}
    for name, (model, options) in models.items():
        recipe = ExecutePrograms(**options)
        examples = recipe.examples()
        if recipe.task == "addition":
            for length in range(1, examples.length + 4):
                cell = examples.sample_unseen(PROGRAMS, 2, length)
                figures = measured(model, *cell)
                sums.append([name, length])
                sums[-1] += [f"{figures[measure]:.3f}" for measure in MEASURES]
                print(*sums[-1], flush=True)
            continue
        for nesting in range(1, examples.nesting + 2):
            for length in range(1, examples.length + 2):
                cell = examples.sample_unseen(PROGRAMS, 2, length, nesting)
                figures = measured(model, *cell)
                rows.append([name, length, nesting])
                rows[-1] += [f"{figures[measure]:.3f}" for measure in MEASURES]
                print(*rows[-1], flush=True)
                if options["scrambled"]:
                    continue
                shown = [part[:SHOWN] for part in cell]
                written = model.answer(shown[0])
                for program, target, answer in zip(*shown, written, strict=True):
                    row = answers.setdefault(program, {"right": target})
                    row[name.split(".")[-1]] = answer
    page = "memorizing_and_executing.md"
    benchmark.write(["weights", "length", "nesting", *MEASURES], rows, page)
    benchmark.write(["weights", "digits", *MEASURES], sums, page, "adding")
    header = list(dict.fromkeys(name for row in answers.values() for name in row))
    table = [
        [program, *(row.get(name, "") for name in header)]
        for program, row in answers.items()
    ]
    benchmark.write(["program", *header], table, page, "executing_answers")

    names = list(dict.fromkeys(row[0] for row in rows))
    figure = make_figure(3 * len(names) + 1.5, 5.6)
    axes = figure.subplots(2, len(names), squeeze=False)
    for column, name in enumerate(names):
        for line, measure in enumerate(("accuracy", "exact_match")):
            axis = axes[line][column]
            cells = {
                (row[1], row[2]): float(row[3 + MEASURES.index(measure)])
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
            axis.set_title(f"{name.split('.')[-1]}\n{measure.replace('_', ' ')}")
            axis.set_xticks(range(top), range(1, top + 1))
            axis.set_yticks(range(deepest), range(1, deepest + 1))
            axis.set_xlabel("length")
            axis.grid(False)
    for line in axes:
        line[0].set_ylabel("nesting")
    figure.colorbar(picture, ax=axes)
    benchmark.save(figure)


if __name__ == "__main__":
    main()
