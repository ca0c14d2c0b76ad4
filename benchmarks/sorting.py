"""Times the sorter as its users meet it: first answer, one list, ten thousand lists.

    python benchmarks/sorting.py

Prints medians of several runs and writes them to benchmarks/sorting.csv.
"""

import os
import subprocess
import sys
import time

from harness import Benchmark, median_seconds

from rnnzoo.recipes._publish import describe_hardware

RUNS = 3


def measure(action) -> float:
    """Returns the median time of several runs of an action, in seconds."""
    return median_seconds(action, RUNS, warm_up=0)


def process(*words: str):
    """Returns an action that runs Python with the words given."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    options = {"check": True, "capture_output": True, "env": environment}
    return lambda: subprocess.run([sys.executable, *words], **options)


def main() -> None:
    """Measures, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__, quick={"RUNS": 1})
    benchmark.parse()
    answer = ("-m", "rnnzoo.command", "answer", "sorter", "31 4 15 9 26")
    process(*answer)()  # reads the files into the disk cache
    seconds = {
        "import tensorflow, whole process": measure(process("-c", "import tensorflow")),
        "import keras, whole process": measure(process("-c", "import keras")),
        "rnnzoo answer sorter, whole process": measure(process(*answer)),
        "rnnzoo list, whole process": measure(process("-m", "rnnzoo.command", "list")),
        "import rnnzoo, whole process": measure(process("-c", "import rnnzoo")),
        "python, whole process": measure(process("-c", "pass")),
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
    seconds["sort of 32 numbers, later calls"] = measure(lambda: model.sort(lists[0]))
    seconds["sort of 10,000 lists of 32"] = measure(lambda: model.sort(lists))

    for what, value in seconds.items():
        print(f"{what:40} {value:8.3f} s")
    rows = [
        [what, f"{value:.4f}", describe_hardware()] for what, value in seconds.items()
    ]
    benchmark.write(["what", "seconds", "hardware"], rows)


if __name__ == "__main__":
    main()
