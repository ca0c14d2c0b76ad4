"""Measures how long one answer takes with each of the published weights.

    python benchmarks/answering.py

The example that `rnnzoo describe` shows is answered by itself, again and again after a
first time, on one core; the median of 15 answers counts. Command lines and servers add
the time to start and to load the model, which depends on TensorFlow and not on it.

Prints a table and writes it to benchmarks/answering.csv; and writes the milliseconds
into rnnzoo/weights.json, where `rnnzoo list` and `rnnzoo describe` find them.
"""

import json

from harness import Benchmark

REPEATS = 15


def measure(name: str) -> float:
    """Returns the milliseconds of an answer of listed weights."""
    import rnnzoo
    from rnnzoo.describing import describe, measure_milliseconds

    model, text = rnnzoo.load(name), describe(name)["example"]
    return measure_milliseconds(lambda: model.answer([text]), REPEATS)


def main() -> None:
    """Measures all weights, prints and writes the table and the records."""
    benchmark = Benchmark(__file__, __doc__, quick={"REPEATS": 1})
    benchmark.parser.set_defaults(cores=1)
    benchmark.parse()
    from rnnzoo import weights
    from rnnzoo.writing import write_text

    records = weights.records()
    rows = []
    for name in records:
        rows.append([name, measure(name)])
        print(*rows[-1], sep="  ", flush=True)
    benchmark.write(["weights", "milliseconds"], rows)
    if benchmark.folder is None:
        found = dict(rows)
        catalog = {n: one | {"milliseconds": found[n]} for n, one in records.items()}
        text = json.dumps(catalog, indent=1, ensure_ascii=False) + "\n"
        write_text(weights.CATALOG, text)


if __name__ == "__main__":
    main()
