"""Classifies series with `own_series`, and with peers that are hard to beat.

    python benchmarks/series_classes.py --data=FOLDER [--peers=PYTHON]

The folder has a sub-folder per set with `SET_TRAIN.ts` and `SET_TEST.ts`, such as
`aeon/datasets/data` of an installed aeon. Each network is trained by the defaults of
`rnnzoo train own_series`, whose choices are made on a fifth of the training file; the
test file is measured once. PYTHON is an interpreter that has aeon (in an environment of
its own): 1-NN with dynamic time warping and MiniRocket are then measured on the same
files, where series have equal lengths; without it their columns are empty.

Writes benchmarks/series_classes.csv.
"""

import json
import pathlib
import subprocess
import tempfile
import time

from harness import Benchmark

PEERS = """
import json, sys
from aeon.datasets import load_from_ts_file
from aeon.classification.convolution_based import MiniRocketClassifier
from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier
(x, y), (u, v) = map(load_from_ts_file, sys.argv[1:])
nearest = KNeighborsTimeSeriesClassifier(distance="dtw")
rocket, found = MiniRocketClassifier(random_state=0), {}
for name, one in {"dtw": nearest, "rocket": rocket}.items():
    found[name] = float((one.fit(x, y).predict(u) == v).mean())
print(json.dumps(found))
"""


def measure_peers(python: str | None, train: pathlib.Path, test: pathlib.Path) -> dict:
    """Returns the accuracies of aeon's classifiers; none without an interpreter."""
    if python is None:
        return {}
    words = [python, "-c", PEERS, str(train), str(test)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"No peers for {train.name}: {done.stderr.strip().splitlines()[-1:]}")
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measures all sets of the folder, and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    parser = benchmark.parser
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder")
    parser.add_argument("--peers", help="a Python interpreter that has aeon")
    parser.add_argument("--sets", default="", help="names of sets; default: all")
    options = benchmark.parse()
    if not options.peers:
        print("Without --peers, DTW and MiniRocket of aeon are left out.")
    from rnnzoo.training import recipe_class, train

    rows = []
    for path in sorted(options.data.glob("*/*_TRAIN.ts")):
        name = path.name.removesuffix("_TRAIN.ts")
        test = path.with_name(f"{name}_TEST.ts")
        if not test.is_file() or (options.sets and name not in options.sets.split(",")):
            continue
        recipe = recipe_class("own_series")(data=str(path))
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            model = train(recipe, pathlib.Path(folder, "run"))
        seconds = time.monotonic() - begin
        baselines = recipe.measure_baselines(*recipe.test)
        peers = measure_peers(options.peers, path, test)
        accuracy = recipe.evaluate(model)["accuracy"]
        others = {**{one: f[0] for one, f in baselines.items()}, **peers}
        lost = [one for one, figure in others.items() if figure > accuracy]
        figures = [
            accuracy,
            *(others.get(one) for one in (*baselines, "dtw", "rocket")),
        ]
        shown = ["" if one is None else f"{one:.4f}" for one in figures]
        rows.append([name, len(recipe.found.series), *shown, f"{seconds:.0f}"])
        rows[-1].append("; ".join(lost))
    header = ["set", "training_series", "gru", "majority", "nearest", "random_kernels"]
    header += ["dtw", "minirocket", "seconds", "better_than_the_gru"]
    benchmark.write(header, rows, page="series.md")


if __name__ == "__main__":
    main()
