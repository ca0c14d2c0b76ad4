"""`rnnzoo train own_texts` beside scikit-learn's TF-IDF and logistic regression.

    python benchmarks/own_texts.py --data=../shared/data

The folder holds sst2/ (sentences of film reviews, two classes), snips/ (commands, seven
intents), names/ (surnames, 18 origins) and tatoeba_fra_eng/ (English or French), with
the files of the data sets. Of each, 50, 600, 5,000 and all labelled texts are learned
from, at most 50,000; the figures are of a part that neither is trained on, and that is
another than those with which the recipe's defaults were settled: sst2's development
part, the validation part of snips, or 3,000 texts drawn with another seed.
Both have their defaults: the command no options but the data, and scikit-learn
`TfidfVectorizer()` and `LogisticRegression(max_iter=1000)`; `best` is the
best of four settings of it *on the test part*, which flatters it: words or characters,
`C=10` and `class_weight="balanced"`.

Seconds are of the processor, whatever else the machine does, and of learning, from
texts to model; size is of the file, pickled for scikit-learn; milliseconds, of the
processor too, are of a text answered alone. Needs the extra `benchmark`. A
row that is in benchmarks/own_texts.csv is not measured again; remove it to do so.
"""

import csv
import operator
import pathlib
import pickle
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Benchmark

COUNTS: tuple[int, ...] = (50, 600, 5_000, 50_000)
TEST_TEXTS = 3_000
# Defaults were settled on the parts of another seed.
SPLIT_SEED = 3
SEEDS = {50: 3, 600: 2}
HEADER = (
    "data rows seed learner accuracy macro_f1 seconds megabytes milliseconds".split()
)

Texts = tuple[list[str], list[str]]


def read_sst2(folder: pathlib.Path) -> tuple[Texts, Texts]:
    """Returns training and test part of the sentences."""

    def read(name: str) -> Texts:
        lines = (folder / "sst2" / name).read_text(encoding="utf-8").splitlines()
        rows = [line.partition(" ") for line in lines if line.strip()]
        return [row[2] for row in rows], [row[0] for row in rows]

    return read("stsa.binary.train"), read("stsa.binary.dev")


def read_snips(folder: pathlib.Path) -> tuple[Texts, Texts]:
    """Returns training and test part of the commands."""

    def read(part: str) -> Texts:
        names = ("seq.in", "label")
        files = [folder / "snips" / part / name for name in names]
        texts, labels = (f.read_text(encoding="utf-8").splitlines() for f in files)
        return [text.strip() for text in texts], [label.strip() for label in labels]

    return read("train"), read("valid")


def read_names(folder: pathlib.Path) -> tuple[Texts, Texts]:
    """Returns training and test part of the surnames; each is once in an origin."""
    rows = []
    for path in sorted((folder / "names").glob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        names = dict.fromkeys(line.strip() for line in lines if line.strip())
        rows += [(name, path.stem) for name in names]
    return split_rows(rows)


def read_tatoeba(folder: pathlib.Path) -> tuple[Texts, Texts]:
    """Returns training and test part of the sentences; no pair is in both."""
    path = folder / "tatoeba_fra_eng" / "fra.txt"
    pairs = [line.split("\t")[:2] for line in path.read_text("utf-8").splitlines()]
    english = sorted({pair[0] for pair in pairs})
    chosen = np.random.default_rng(SPLIT_SEED).permutation(len(english))[:TEST_TEXTS]
    held_out = {english[place] for place in chosen}
    parts: list[dict[str, str]] = [{}, {}]
    for own, other in pairs:
        parts[own in held_out] |= {own: "English"}
        parts[own in held_out].setdefault(other, "French")
    training = list(parts[0].items())
    test = [row for row in parts[1].items() if row[0] not in parts[0]]
    order = np.random.default_rng(2).permutation(len(test))[:TEST_TEXTS]
    return unzip(training), unzip([test[place] for place in order])


def split_rows(rows: list[tuple[str, str]]) -> tuple[Texts, Texts]:
    """Splits rows into a training and a test part."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(rows))
    test, training = order[:TEST_TEXTS], order[TEST_TEXTS:]
    return unzip([rows[i] for i in training]), unzip([rows[i] for i in test])


def unzip(rows: list[tuple[str, str]]) -> Texts:
    """Returns texts and labels."""
    return [row[0] for row in rows], [row[1] for row in rows]


DATA = {
    "snips": read_snips,
    "sst2": read_sst2,
    "names": read_names,
    "tatoeba": read_tatoeba,
}


def make_linear(**options: Any) -> Any:
    """Returns scikit-learn's pipeline; options are of its two steps."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = {name: options.pop(name) for name in list(options) if name in WORD_OPTIONS}
    classifier = LogisticRegression(max_iter=1000, **options)
    return make_pipeline(TfidfVectorizer(**words), classifier)


WORD_OPTIONS = ("analyzer", "ngram_range")
CHARACTERS = {"analyzer": "char_wb", "ngram_range": (2, 5)}
BALANCED = {"C": 10, "class_weight": "balanced"}
OTHERS: list[dict[str, Any]] = [
    {"C": 10, "ngram_range": (1, 2)},
    {**BALANCED, "ngram_range": (1, 2)},
    {"C": 10, **CHARACTERS},
    {**BALANCED, **CHARACTERS},
]


def score(answers: Any, labels: list[str]) -> tuple[float, float]:
    """Returns accuracy and macro F1."""
    from sklearn.metrics import accuracy_score, f1_score

    names = sorted(set(labels))
    f1 = f1_score(labels, answers, average="macro", labels=names, zero_division=0.0)
    return float(accuracy_score(labels, answers)), float(f1)


def time_answers(answer: Callable[[list[str]], Any], texts: list[str]) -> float:
    """Returns the median milliseconds of a text answered alone."""
    answer(texts[:1])
    found = []
    for text in texts[:100]:
        begin = time.process_time()
        answer([text])
        found.append(1000 * (time.process_time() - begin))
    return float(np.median(found))


def measure_linear(training: Texts, test: Texts, **options: Any) -> list[float]:
    """Learns by scikit-learn; returns the figures of a row."""
    begin = time.process_time()
    model = make_linear(**options).fit(*training)
    seconds = time.process_time() - begin
    size = len(pickle.dumps(model)) / 1e6
    milliseconds = time_answers(model.predict, test[0])
    return [*score(model.predict(test[0]), test[1]), seconds, size, milliseconds]


def measure_ours(training: Texts, test: Texts) -> list[float]:
    """Learns by the recipe; returns the figures of a row."""
    from rnnzoo import train
    from rnnzoo.recipes.own_texts import OwnTexts

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "texts.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(
                [("text", "label"), *zip(*training, strict=True)]
            )
        begin = time.process_time()
        model = train(OwnTexts(data=str(path)), pathlib.Path(folder) / "run")
        seconds = time.process_time() - begin
        size = (pathlib.Path(folder) / "run" / "best.keras").stat().st_size / 1e6
    milliseconds = time_answers(model.classify, test[0])
    return [*score(model.classify(test[0]), test[1]), seconds, size, milliseconds]


def choose_rows(training: Texts, count: int, seed: int) -> Texts:
    """Returns as many rows at random."""
    order = np.random.default_rng(seed).permutation(len(training[0]))[:count]
    texts, labels = training
    return [texts[place] for place in order], [labels[place] for place in order]


def main() -> None:
    """Measures what is not measured, and writes the table and the page."""
    quick = {"COUNTS": (50,), "SEEDS": {50: 1}, "TEST_TEXTS": 300}
    benchmark = Benchmark(__file__, __doc__, quick)
    benchmark.parser.add_argument(
        "--data", type=pathlib.Path, required=True, help="folder of the data sets"
    )
    parsed = benchmark.parse()
    rows = [tuple(row.values()) for row in benchmark.read()]
    done = {row[:4] for row in rows}
    parts = {name: read(parsed.data) for name, read in DATA.items()}
    for limit in COUNTS:
        for name, (training, test) in parts.items():
            count = min(limit, len(training[0]))
            for seed in range(SEEDS.get(limit, 1)):
                chosen = choose_rows(training, count, seed)
                learners: dict[str, Callable[[], list[float]]] = {
                    "scikit-learn": lambda c=chosen, t=test: measure_linear(c, t),
                    "scikit-learn, best": lambda c=chosen, t=test: max(
                        (measure_linear(c, t, **options) for options in OTHERS),
                        key=operator.itemgetter(1),
                    ),
                    "rnnzoo": lambda c=chosen, t=test: measure_ours(c, t),
                }
                for learner, measure in learners.items():
                    key = (name, str(count), str(seed), learner)
                    if key in done:
                        continue
                    figures = measure()
                    digits = (3, 3, 1, 2, 2)
                    shown = [f"{f:.{d}f}" for f, d in zip(figures, digits, strict=True)]
                    rows.append((*key, *shown))
                    done.add(key)
                    print(*rows[-1], flush=True)
                    benchmark.write(HEADER, rows)
                    benchmark.write(*summarize(rows), "texts.md", "own_texts_summary")


def summarize(rows: list[tuple]) -> tuple[list[str], list[list]]:
    """Returns header and rows of means over the seeds."""
    found: dict[tuple, list] = {}
    for row in rows:
        key = row[0], int(row[1]), row[3]
        found.setdefault(key, []).append([float(figure) for figure in row[4:]])
    header = ["data", "rows", "learner", *HEADER[4:]]
    shown = []
    for key, figures in found.items():
        means = np.mean(figures, axis=0)
        digits = (3, 3, 1, 1, 1)
        texts = [f"{mean:.{d}f}" for mean, d in zip(means, digits, strict=True)]
        shown.append([*key, *texts])
    return [name.replace("_", " ") for name in header], shown


if __name__ == "__main__":
    main()
