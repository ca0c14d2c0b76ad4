r"""Measures how many digits memorizers hold.

    rnnzoo train memorize_digits --max-length=40 --epochs=18 --run=runs/copy_40
    rnnzoo train memorize_digits --max-length=40 --epochs=18 --attention=none \
        --run=runs/copy_40_alone
    python benchmarks/memorizing.py runs/copy_40 runs/copy_40_alone ...

It writes benchmarks/memorizing.csv, the table of docs/memorizing_and_executing.md and
its picture.

Every listed memorizer, whose training had at most 64 digits, and the runs of the recipe
that are named write strings of many lengths on their own; an answer counts if every
digit is right.
"""

import json
import pathlib

import numpy as np
from harness import Benchmark, make_figure

LENGTHS = (1, 5, 10, 20, 30, 40, 50, 55, 60, 70, 80, 100, 150, 200, 300, 400)
STRINGS = 200


def memorizers(runs: list[pathlib.Path]) -> dict:
    """Returns the model and the task of every weights file and run, by its name."""
    import rnnzoo

    found = {}
    for name in rnnzoo.list_weights("memorizer"):
        found[name] = rnnzoo.memorizer(name), rnnzoo.describe(name)["options"]["task"]
    for run in runs:
        settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
        found[run.name] = rnnzoo.load(run / "best.keras"), settings["options"]["task"]
    return found


def shares(model: object, task: str) -> list[float]:
    """Returns the share of strings that are right as a whole, at each length."""
    from rnnzoo.data.synthetic import Memorization

    found = []
    for length in LENGTHS:
        random = np.random.default_rng(length)
        texts, answers = Memorization(task).sample_lengths([length] * STRINGS, random)
        pairs = zip(model.answer(texts), answers, strict=True)
        found.append(float(np.mean([written == answer for written, answer in pairs])))
    return found


def main() -> None:
    """Measures, writes the table and draws it."""
    quick = {"LENGTHS": (1, 5, 10), "STRINGS": 5}
    benchmark = Benchmark(__file__, __doc__, quick)
    benchmark.parser.add_argument(
        "runs", nargs="*", type=pathlib.Path, help="folders of runs"
    )
    runs = benchmark.parse().runs
    right = {}
    for name, (model, task) in memorizers(runs).items():
        right[name] = shares(model, task)
        print(name, *(f"{share:.3f}" for share in right[name]), flush=True)
    columns = [[f"{share:.3f}" for share in found] for found in right.values()]
    table = [[length, *row] for length, *row in zip(LENGTHS, *columns, strict=True)]
    benchmark.write(["digits", *right], table, "memorizing_and_executing.md")

    figure = make_figure(7, 3.6)
    axis = figure.subplots()
    for name, found in right.items():
        style = "o--" if name in {run.name for run in runs} else "o-"
        axis.plot(LENGTHS, found, style, label=name)
    axis.set(
        xscale="log",
        xlabel="digits",
        ylabel="answers right in every digit",
        ylim=(-0.03, 1.05),
    )
    axis.legend(loc="center left", fontsize="small")
    benchmark.save(figure)


if __name__ == "__main__":
    main()
