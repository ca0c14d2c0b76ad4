"""Tries to break rnnzoo, and counts how often it answers wrongly or loses something.

    python benchmarks/faults.py                  # every trial
    python benchmarks/faults.py --seed=7 --count=20 kill_trainings

A trial gets a random generator and how many cases to try, and returns how many it tried
and a line for each that went wrong: an answer that is silently wrong, lost work, a
message that does not say what to do, or a crash. Those that start processes or train
take a tenth of the cases. Writes benchmarks/faults.csv and the table of
docs/reliability.md; exits with status 1 if anything went wrong.
"""

import os
import sys
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import faults_of_decoding
import faults_of_input
import faults_of_runs
import faults_of_servers
from harness import Benchmark
from numpy.random import Generator, default_rng

# How many cases were tried, and a line for each that went wrong.
Outcome = tuple[int, list[str]]
HEADER = ["trial", "what", "seed", "tried", "wrong"]

# The trials, one function each: its name, and the first line of its docstring, are what
# the table says.
TRIALS: list[Callable[[Generator, int], Outcome]] = [
    faults_of_runs.kill_trainings,
    faults_of_runs.damage_run_folders,
    faults_of_runs.change_data,
    faults_of_runs.fill_disks,
    faults_of_runs.fit_bad_numbers,
    faults_of_runs.set_bad_options,
    faults_of_input.fuzz_raw_input,
    faults_of_input.damage_model_files,
    faults_of_input.read_tables,
    faults_of_decoding.stop_texts,
    faults_of_decoding.read_forms,
    faults_of_servers.send_requests,
    faults_of_servers.visit_demo,
]


def main() -> int:
    """Runs the trials named, prints what went wrong, and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("names", nargs="*", help="trials; default: all")
    benchmark.parser.add_argument("--seed", type=int, default=0, help="random seed")
    benchmark.parser.add_argument(
        "--count", type=int, default=100, help="cases of each trial"
    )
    options = benchmark.parse()
    known = {trial.__name__: trial for trial in TRIALS}
    if unknown := set(options.names) - set(known):
        names = ", ".join(known)
        benchmark.parser.error(f"there is no trial {unknown.pop()!r}, only {names}")
    # Trials that are left out keep their rows.
    rows = {row["trial"]: list(row.values()) for row in benchmark.read()}
    failed = 0
    for name in options.names or known:
        tried, wrong = known[name](default_rng(options.seed), options.count)
        what = (known[name].__doc__ or "").splitlines()[0].rstrip(".")
        rows[name] = [name, what, options.seed, tried, len(wrong)]
        print(f"{name}: {tried} tried, {len(wrong)} wrong", *wrong, sep="\n  ")
        sys.stdout.flush()
        failed += len(wrong)
    ordered = [rows[name] for name in known if name in rows]
    benchmark.write(HEADER, ordered, "reliability.md")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
