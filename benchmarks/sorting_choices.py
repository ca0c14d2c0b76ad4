"""Compares choices of the recipe sort_naturals over the same short training.

    python benchmarks/sorting_choices.py

Each row trains from scratch with one option changed and reports, on 1,000 uniform
random lists of 32 numbers, the accuracy per element and of whole lists, and the
minutes. Takes about a quarter of an hour on 4 cores; writes
benchmarks/sorting_choices.csv.
"""

import contextlib
import csv
import io
import pathlib
import tempfile

from rnnzoo.recipes.sort_naturals import SortNaturals

from rnnzoo import train
from rnnzoo.training import read_history

# 4 epochs of 500 batches of 64 lists; the learning rate decays over these.
BUDGET = {"epochs": 4, "steps_per_epoch": 500, "batch_size": 64}
CHOICES = {
    "the recipe": {},
    "no curriculum": {"curriculum": 0},
    "no average of the weights": {"averaging": 0.0},
    "learning rate 3e-3": {"learning_rate": 3e-3},
    "learning rate 1e-3": {"learning_rate": 1e-3},
    "128 units": {"units": 128},
    "256 units": {"units": 256},
    "4 times larger batches, as many lists": {
        "batch_size": 256,
        "steps_per_epoch": 125,
    },
    "lstm": {"cell": "lstm"},
}


def main() -> None:
    """Trains every choice, and prints and writes the table."""
    path = pathlib.Path(__file__).with_suffix(".csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["choice", "val_accuracy", "val_exact_match", "minutes"])
        for choice, options in CHOICES.items():
            options = BUDGET | options
            if "batch_size" in CHOICES[choice]:
                options["curriculum"] = 1500 // 4
                options["warmup_steps"] = 300 // 4
            with tempfile.TemporaryDirectory() as run:
                with contextlib.redirect_stdout(io.StringIO()):
                    train(SortNaturals(**options), run)
                last = read_history(run)[-1]
            row = [f"{last[key]:.4f}" for key in ("val_accuracy", "val_exact_match")]
            row.append(f"{last['seconds'] / 60:.2f}")
            writer.writerow([choice, *row])
            file.flush()
            print(f"{choice:40} {'  '.join(row)}", flush=True)


if __name__ == "__main__":
    main()
