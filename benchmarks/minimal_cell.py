"""A minimal gated cell beside GRU and LSTM, at equal parameters and equal minutes.

    rnnzoo prepare tiny_shakespeare imdb_reviews
    python benchmarks/minimal_cell.py --ett=ett

For each task, every cell has as many units as give the parameters of the GRU, and as
many steps as take the same time on this machine: `--minutes` each, measured on a few
steps before; everything else is as the task's recipe has it. The tasks: characters of
Shakespeare (nats a character), sentiment of film reviews without n-grams (accuracy),
an hourly series (mean squared error of ETTh1, 96 hours), and the parity of bits,
trained on up to 40 of them (accuracy at 10,000). Prints a table, and writes it to
benchmarks/minimal_cell.csv; rows that are there already are not repeated.
"""

import tempfile
import time
from typing import Any

from harness import Benchmark

CELLS = ("gru", "lstm", "minimal", "minimal_signed")
TASKS = ("shakespeare", "sentiment", "forecasting", "parity")
WARM_UP, TIMED = 3, 12


def make_recipe(task: str, ett: str, **options: Any) -> tuple[Any, str, int]:
    """Returns a task's recipe, its figure, and the units of its GRU."""
    from rnnzoo.training import recipe_class

    kinds: dict[str, tuple] = {
        "shakespeare": ("shakespeare_language", "nats_per_character", 256, {}),
        "sentiment": ("imdb_sentiment", "accuracy", 128, {"ngrams": 0}),
        "forecasting": ("etth1", "mse", 64, {"data": ett}),
        "parity": ("parity_of_bits", "exact_match", 32, {}),
    }
    name, figure, units, more = kinds[task]
    return recipe_class(name)(**{"units": units, **more, **options}), figure, units


def match_units(task: str, ett: str, cell: str) -> tuple[int, int]:
    """Returns units and parameters of a cell that are closest to the GRU's."""
    base = make_recipe(task, ett, cell="gru")[0].model()
    goal, low, high = base.count_params(), 2, 4096

    def count(units: int) -> int:
        changes = {"cell": cell, "units": units}
        return type(base)(**{**base.arguments, **changes}).count_params()

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= goal else (low, middle)
    return low, count(low)


def measure_step(recipe: Any) -> float:
    """Returns the seconds of a training step."""
    import statistics

    model = recipe.model()
    model.compile_with_defaults(recipe.optimizer(model))
    model.optimizer.build(model.trainable_variables)
    examples, times = recipe.examples(), []
    for index in range(WARM_UP + TIMED):
        batch = model.encode(*examples.batch(recipe.batch_size, 0, 2000 + index))
        begin = time.perf_counter()
        model.train_on_batch(*batch)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[WARM_UP:])


def measure(task: str, cell: str, ett: str, minutes: float) -> dict[str, Any]:
    """Trains a cell on a task for some minutes; returns its figures."""
    from rnnzoo import train

    units, parameters = match_units(task, ett, cell)
    recipe, figure, _ = make_recipe(task, ett, cell=cell, units=units)
    seconds = measure_step(recipe)
    steps = max(int(60 * minutes / seconds), 10)
    options = {**recipe.options(), "epochs": 1, "steps_per_epoch": steps}
    recipe = type(recipe)(**options)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as run:
        model = train(recipe, run)
    spent = (time.monotonic() - begin) / 60
    return {
        "task": task,
        "cell": cell,
        "units": units,
        "parameters": parameters,
        "milliseconds_per_step": round(1000 * seconds, 1),
        "steps": steps,
        "minutes": round(spent, 1),
        "figure": figure,
        "value": round(recipe.evaluate(model)[figure], 4),
    }


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("--ett", default="ett", help="folder of ETTh1.csv")
    benchmark.parser.add_argument("--minutes", type=float, default=4)
    benchmark.parser.add_argument("--tasks", nargs="*", default=TASKS, choices=TASKS)
    parsed = benchmark.parse()
    rows: list[dict] = list(benchmark.read())
    done = {(row["task"], row["cell"]) for row in rows}
    for task in parsed.tasks:
        for cell in CELLS:
            if (task, cell) in done:
                continue
            rows.append(measure(task, cell, parsed.ett, parsed.minutes))
            print(rows[-1], flush=True)
            table = [list(row.values()) for row in rows]
            benchmark.write(list(rows[0]), table)


if __name__ == "__main__":
    main()
