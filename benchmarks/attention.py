"""Measures translators of one recipe that differ in their attention, or otherwise.

    rnnzoo train multi30k_en_de
    rnnzoo train multi30k_en_de --attention=none --run=runs/multi30k_none
    python benchmarks/attention.py runs/multi30k_en_de runs/multi30k_none ...

Every run has the same budget: the same pairs, epochs and sizes. BLEU is of the recipe's
test pairs, by its `evaluate`; the weights are those of lowest loss in validation, as
they are. Prints a table, and writes it to benchmarks/attention.csv and to
docs/translation.md; what these have of other settings stays.
"""

import json
import pathlib

from harness import Benchmark

import rnnzoo
from rnnzoo import training

SETTINGS = ("recipe", "attention", "source", "cell")


def measure(run: pathlib.Path) -> dict:
    """Returns what a run is, how long it took, and how well it translates."""
    settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
    options = settings["options"]
    recipe = training.recipe_class(settings["recipe"]).from_options(options)
    figures = recipe.evaluate(rnnzoo.load(run / "best.keras"))
    history = training.read_history(run)
    return {
        "recipe": settings["recipe"],
        "attention": options["attention"],
        "source": "reversed" if options["reverse_source"] else "as it is",
        "cell": options["cell"],
        "minutes": round(history[-1]["seconds"] / 60, 1),
        "BLEU greedy": round(figures["bleu_greedy"], 2),
        "BLEU beam 5": round(figures["bleu"], 2),
        "chrF": round(figures["chrf"], 2),
    }


def main() -> None:
    """Measures all runs, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument(
        "runs", nargs="+", type=pathlib.Path, help="folders of runs"
    )
    runs = benchmark.parse().runs
    rows = {tuple(row[name] for name in SETTINGS): row for row in benchmark.read()}
    for run in runs:
        row = measure(run)
        rows[tuple(row[name] for name in SETTINGS)] = row
        print(row, flush=True)
    cells = [list(row.values()) for row in rows.values()]
    benchmark.write(list(row), cells, "translation.md")


if __name__ == "__main__":
    main()
