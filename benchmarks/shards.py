"""Measures how two workers read a csv together, each its shard: seconds and memory.

    python benchmarks/shards.py
    python benchmarks/shards.py --gigabytes=10

Writes a csv of a gigabyte to a temporary folder: reviews of random words, a fifth of
which have commas, quotes and line ends. Two processes then read their shards at the
same time: as rows; and, of a file of a tenth of that size, as encoded batches for
`fit`, with bytes as tokens. Each
row has a number, so that it is seen whether all were read once: `rows` and the sum of
the numbers must be those of the file. `cut s` is the time until a worker knows where
its shard begins. Peak memory is that of a worker, and before the first row. Prints a
table and writes it to benchmarks/shards.csv and to docs/large_data.md.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import resource
import sys
import tempfile
import time

import numpy as np
from harness import Benchmark, run_in_process

from rnnzoo.data.shards import LabelledShard, stream_dataset
from rnnzoo.layers.threads import count_cores

GIGABYTES, WORKERS = 1.0, 2
# What is read, and of which part of the size.
PARTS = {"rows": 1.0, "batches": 0.1}


def write_csv(path: pathlib.Path, size: float) -> int:
    """Writes rows until a file has a size in bytes; returns their number."""
    random = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(5000)])
    pool = [
        " ".join(random.choice(words, count)) for count in random.integers(5, 60, 997)
    ]
    pool = [
        f'"{text[:20]}, ""{text[20:40]}""\n{text[40:]}"' if number % 5 == 0 else text
        for number, text in enumerate(pool)
    ]
    number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        while file.tell() < size:
            rows = range(number, number + 10_000)
            file.writelines(f"{pool[row % len(pool)]},{row}\n" for row in rows)
            number += 10_000
    return number


def get_peak() -> float:
    """Returns the largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read(path: str, worker: int, what: str) -> dict:
    """Reads a shard, and returns what it took."""
    before, begin = get_peak(), time.perf_counter()
    shard = LabelledShard(path, worker, WORKERS)
    cut, count, total = time.perf_counter() - begin, 0, 0
    if what == "rows":
        for _, label in shard:
            count, total = count + 1, total + int(label)
    else:
        from rnnzoo.tokens import Bytes

        tokens = Bytes()

        def encode(texts: list, labels: list) -> tuple:
            return tokens.encode(texts), np.array(labels, "int64")

        data = stream_dataset(shard, encode, batch_size=256, repeat=False)
        for _, labels in data.as_numpy_iterator():
            count, total = count + len(labels), total + int(labels.sum())
    seconds = time.perf_counter() - begin
    found = {"worker": worker, "rows": count, "sum": total, "cut": cut}
    return found | {"seconds": seconds, "before": before, "peak": get_peak()}


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__, {"GIGABYTES": 0.01})
    benchmark.parser.add_argument("--gigabytes", type=float)
    benchmark.parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    parsed = benchmark.parse()
    if parsed.step:
        path, worker, what = parsed.step
        print(json.dumps(read(path, int(worker), what)))
        return
    table = []
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work, "reviews.csv")
        for what, part in PARTS.items():
            rows = write_csv(path, part * (parsed.gigabytes or GIGABYTES) * 1e9)
            gigabytes = path.stat().st_size / 1e9
            with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
                words = [(str(path), str(worker), what) for worker in range(WORKERS)]
                jobs = [
                    pool.submit(run_in_process, __file__, "--step", *w) for w in words
                ]
                found = [job.result() or sys.exit(1) for job in jobs]
            if sum(one["rows"] for one in found) != rows:
                sys.exit(f"There are {rows} rows. Received: {found}")
            if sum(one["sum"] for one in found) != rows * (rows - 1) // 2:
                sys.exit(f"Every row must be read once. Received: {found}")
            for one in found:
                row = {"GB": round(gigabytes, 2), "read as": what}
                row |= {"worker": one["worker"] + 1, "of": WORKERS, "rows": one["rows"]}
                row |= {"cut s": round(one["cut"], 1), "s": round(one["seconds"], 1)}
                row |= {"MB before": round(one["before"]), "MB": round(one["peak"])}
                table.append(row | {"cores": count_cores()})
                print(table[-1], flush=True)
    cells = [list(row.values()) for row in table]
    benchmark.write(list(table[0]), cells, "large_data.md")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
