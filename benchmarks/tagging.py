"""Measures taggers: words per second beside flair, the CRF layer, hand-made features.

    python benchmarks/tagging.py --corpora=FOLDER --peers=PYTHON

FOLDER has the folders ud_ewt, snips and wnut17 with their original files. PYTHON is the
interpreter of an environment with flair, pytorch-crf and sklearn-crfsuite; everything
of ours runs in that of this script. Each process uses one core, and they take turns, so
that other work on the machine slows all of them.

Writes benchmarks/tagging.csv (words per second, learned and answered at batches of 32,
and milliseconds of a sentence alone, after a warm-up; and milliseconds of a step of the
CRF layers alone), and benchmarks/tagging_features.csv (a CRF on hand-made features,
measured on the test parts of three corpora beside the most frequent tag of a word).
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from harness import FOLDER, Benchmark

TURNS, BATCHES, ITERATIONS = 3, 20, 100
PAIRS = (("rnnzoo", "flair"), ("crf", "torchcrf"))
CORPORA = {
    "ud_ewt": ("train.conllu", "test.conllu"),
    "snips": ("train", "test"),
    "wnut17": ("wnut17train.conll", "emerging.test.annotated"),
}


def run(python: str, *words: str) -> dict:
    """Runs a measurement in a process with one thread; returns its figures."""
    one = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **dict.fromkeys(one, "1")}
    command = [python, "-c", "import tagging_peers; tagging_peers.main()", *words]
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=FOLDER
    )
    if result.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def measure_speed(corpora: pathlib.Path, peers: str) -> list[list]:
    """Returns rows of what is measured, ours, the other's, and how many times."""
    rows = []
    for ours, theirs in PAIRS:
        found: dict[str, list] = {ours: [], theirs: []}
        for _ in range(TURNS):
            for name, python in ((ours, sys.executable), (theirs, peers)):
                found[name].append(run(python, name, str(corpora), str(BATCHES)))
                print(name, found[name][-1], flush=True)
        for figure in found[ours][0]:
            one, two = (
                statistics.median(turn[figure] for turn in found[name])
                for name in (ours, theirs)
            )
            if figure == "loss":
                if abs(one - two) > 1e-3 * abs(two):
                    raise RuntimeError(f"The layers disagree: {one} and {two}")
                continue
            times = two / one if figure.endswith("milliseconds") else one / two
            what = figure if ours == "rnnzoo" else "crf_layer_step_milliseconds"
            other = "flair" if theirs == "flair" else "pytorch-crf"
            rows.append([what, f"{one:.4g}", other, f"{two:.4g}", f"{times:.2f}"])
    return rows


def measure_features(corpora: pathlib.Path, peers: str) -> list[list]:
    """Returns rows of figures of baselines on the test parts of three corpora."""
    from rnnzoo.analysis.tag_baseline import MostFrequentTag
    from rnnzoo.analysis.tagging import tagging_report
    from rnnzoo.data.tagged import TaggedSentences

    rows = []
    for name, files in CORPORA.items():
        parts = [TaggedSentences(corpora / name / file) for file in files]
        train, test = parts
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "corpus.json")
            content = {
                key: list(zip(part.words, part.tags, strict=True))
                for key, part in zip(("train", "test"), parts, strict=True)
            }
            path.write_text(json.dumps(content), encoding="utf-8")
            found = run(peers, "crfsuite", str(path), str(ITERATIONS))
        frequent = MostFrequentTag(train.words, train.tags, train.scheme)
        baselines = {
            "most frequent tag of the word": (frequent.tag(test.words), ""),
            "CRF on features": (found["answers"], f"{found['seconds']:.0f}"),
        }
        for kind, (answers, seconds) in baselines.items():
            report = tagging_report(test.words, test.tags, answers, test.scheme)
            f1 = "" if test.scheme == "plain" else f"{100 * report.micro.f1:.2f}"
            accuracy = f"{100 * report.token_accuracy:.2f}"
            rows.append([name, kind, f1, accuracy, seconds])
            print(*rows[-1], sep="  ", flush=True)
    return rows


def main() -> None:
    """Measures, prints and writes the tables."""
    quick = {"TURNS": 1, "BATCHES": 2, "ITERATIONS": 2}
    benchmark = Benchmark(__file__, __doc__, quick=quick)
    benchmark.parser.add_argument(
        "--corpora",
        type=pathlib.Path,
        default=os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets"),
        help="folder of the corpora; default: TFDS_DATA_DIR",
    )
    benchmark.parser.add_argument(
        "--peers", default=sys.executable, help="Python that has the other packages"
    )
    benchmark.parser.add_argument(
        "--only", choices=["speed", "features"], help="measure only one of the tables"
    )
    benchmark.parser.set_defaults(cores=1)
    options = benchmark.parse()
    corpora = pathlib.Path(options.corpora).expanduser().resolve()
    if options.only != "features":
        header = ["measured", "rnnzoo", "other", "other_figure", "times_as_fast"]
        rows = measure_speed(corpora, options.peers)
        benchmark.write(header, rows, page="tagging.md")
    if options.only != "speed":
        header = ["corpus", "baseline", "span_f1", "token_accuracy", "training_seconds"]
        rows = measure_features(corpora, options.peers)
        benchmark.write(header, rows, page="tagging.md", name="tagging_features")


if __name__ == "__main__":
    main()
