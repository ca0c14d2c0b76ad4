"""Times the sorter as its users meet it: first answer, one list, ten thousand lists.

    python benchmarks/sorting.py

Prints medians of several runs and writes them to benchmarks/sorting.csv.
"""

import csv
import os
import pathlib
import statistics
import subprocess
import sys
import time

from rnnzoo.recipes._publish import hardware

RUNS = 3


def median_seconds(action) -> float:
    """Returns the median time of several runs of an action, in seconds."""
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def process(*words: str):
    """Returns an action that runs Python with the words given."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    options = {"check": True, "capture_output": True, "env": environment}
    return lambda: subprocess.run([sys.executable, *words], **options)


def main() -> None:
    """Measures, prints and writes the table."""
    answer = ("-m", "rnnzoo.command", "answer", "sorter", "31 4 15 9 26")
    process(*answer)()  # reads the files into the disk cache
    seconds = {
        "import tensorflow, whole process": median_seconds(
            process("-c", "import tensorflow")
        ),
        "import keras, whole process": median_seconds(process("-c", "import keras")),
        "rnnzoo answer sorter, whole process": median_seconds(process(*answer)),
        "rnnzoo list, whole process": median_seconds(
            process("-m", "rnnzoo.command", "list")
        ),
        "import rnnzoo, whole process": median_seconds(process("-c", "import rnnzoo")),
        "python, whole process": median_seconds(process("-c", "pass")),
    }
    from rnnzoo import sorter
    from rnnzoo.data.synthetic import uniform_lists

    begin = time.perf_counter()
    model = sorter()
    seconds["sorter()"] = time.perf_counter() - begin
    begin = time.perf_counter()
    model.sort([31, 4, 15, 9, 26])
    seconds["sort of 5 numbers, first call"] = time.perf_counter() - begin
    lists = uniform_lists(10_000, 32, 32, seed=0)
    seconds["sort of 32 numbers, later calls"] = median_seconds(
        lambda: model.sort(lists[0])
    )
    seconds["sort of 10,000 lists of 32"] = median_seconds(lambda: model.sort(lists))

    path = pathlib.Path(__file__).with_suffix(".csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["what", "seconds", "hardware"])
        for what, value in seconds.items():
            writer.writerow([what, f"{value:.4f}", hardware()])
            print(f"{what:40} {value:8.3f} s")


if __name__ == "__main__":
    main()
