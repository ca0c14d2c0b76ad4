"""Measures what smaller weights cost: size, score and time of files by precision.

    pip install -e ".[onnx,litert]"
    python benchmarks/precision.py --pendigits=../shared/data/pendigits

The sorter sorts 2,000 random lists of 32 numbers; the sentiment classifier names the
class of every twenty-fifth review of IMDB's test set; the series classifier reads the
3,498 digits of pen digits' test file; the language model predicts the last 50,000
characters of tiny Shakespeare. All are run by ONNX Runtime and by LiteRT from the
exported files, as a server, a phone or a device would; LiteRT takes a row at a time.
Milliseconds are the median of one list, of the first review or digit, or of a
character. Prints a table and writes it to benchmarks/precision.csv and to
docs/serving.md.
"""

import functools
import json
import os
import tempfile
from collections.abc import Callable

import numpy as np
from harness import Benchmark, median_seconds

import rnnzoo
from rnnzoo.exporting import replay
from rnnzoo.exporting.precision import PRECISIONS
from rnnzoo.layers.threads import count_cores

# The file that is measured, of each model, and its score.
MODELS = {
    "sorter": ("lists", "exact match"),
    "sentiment_classifier": ("tokens", "accuracy"),
    "series_classifier": ("tokens", "accuracy"),
    "language_model": ("stream", "nats per character"),
}
FORMATS = {"ONNX Runtime": ("onnx", "onnx"), "LiteRT": ("litert", "tflite")}
LISTS, EVERY, CHARACTERS = 2000, 25, 50_000
BATCH, PIECE, REPEATS = 64, 200, 30


@functools.cache
def lists() -> np.ndarray:
    """Returns random lists of 32 numbers."""
    from rnnzoo.data.synthetic import uniform_lists

    return np.array(uniform_lists(LISTS, 32, 32, seed=1), "int64")


@functools.cache
def reviews() -> tuple[list, list]:
    """Returns reviews of IMDB's test set and their classes."""
    from rnnzoo.data import catalog

    texts, labels = catalog.load("imdb_reviews", "test")
    return list(texts)[::EVERY], list(labels)[::EVERY]


@functools.cache
def digits() -> tuple[list, list]:
    """Returns the digits of the test file and their names."""
    from rnnzoo.recipes.pen_digits import PenDigits

    return PenDigits(data=os.environ["PENDIGITS"]).read("test")


def score_of_sorter(call: Callable, model: object, card: dict) -> tuple[float, dict]:
    """Returns the share of lists that come out in order, and the inputs to time."""
    parts = np.split(lists(), 10)
    found = [call("lists", {"numbers": part})["sorted"] for part in parts]
    right = np.concatenate(found) == np.sort(lists(), axis=1)
    return float(right.all(axis=1).mean()), {"numbers": lists()[:1]}


def score_of_classifier(
    call: Callable, model: object, card: dict, texts: list, labels: list
) -> tuple[float, dict]:
    """Returns the share of inputs whose class is right, and the inputs to time."""
    order = np.argsort([len(text) for text in texts])
    right = 0
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        tokens, _ = model.encode([texts[row] for row in rows])
        numbers = call("tokens", {"tokens": tokens})["outputs"].argmax(axis=1)
        names = [model.classes[number] for number in numbers]
        right += sum(name == labels[row] for name, row in zip(names, rows, strict=True))
    return right / len(order), {"tokens": model.encode(texts[:1])[0]}


def score_of_sentiment_classifier(call: Callable, model: object, card: dict) -> tuple:
    """Returns the share of reviews whose class is right, and the inputs to time."""
    return score_of_classifier(call, model, card, *reviews())


def score_of_series_classifier(call: Callable, model: object, card: dict) -> tuple:
    """Returns the share of digits whose class is right, and the inputs to time."""
    return score_of_classifier(call, model, card, *digits())


def score_of_language_model(call: Callable, model: object, card: dict) -> tuple:
    """Returns what a character costs, with the state carried over the whole text."""
    from rnnzoo.recipes.shakespeare_language import ShakespeareLanguage

    ids = model.tokens.encode([ShakespeareLanguage().texts[1][-CHARACTERS:]])
    inputs = card["signatures"]["stream"]["inputs"]
    state = {
        name: np.zeros([size or 1 for size in spec["shape"]], "float32")
        for name, spec in inputs.items()
        if name != "tokens"
    }
    nats = 0.0
    for start in range(0, ids.shape[1] - 1, PIECE):
        targets = ids[0, start + 1 : start + 1 + PIECE]
        read = ids[:, start : start + len(targets)]
        answer = call("stream", {"tokens": read, **state})
        state = {name: answer[f"next_{name}"] for name in state}
        logits = answer["outputs"][0].astype("float64")
        logits -= np.logaddexp.reduce(logits, axis=1, keepdims=True)
        nats -= logits[np.arange(len(targets)), targets].sum()
    return float(nats / (ids.shape[1] - 1)), {"tokens": ids[:, :1], **state}


def row_by_row(call: Callable) -> Callable:
    """Returns what calls a file of one row with a batch."""

    def call_rows(signature: str, inputs: dict) -> dict:
        count = len(next(iter(inputs.values())))
        rows = [
            call(
                signature,
                {name: value[row : row + 1] for name, value in inputs.items()},
            )
            for row in range(count)
        ]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    return call_rows


def measure(name: str, runtime: str, precision: str, model: object) -> dict:
    """Returns size, score and time of a file."""
    file, _ = MODELS[name]
    format, suffix = FORMATS[runtime]
    with tempfile.TemporaryDirectory() as work:
        folder = rnnzoo.export(model, work, format, precision=precision)
        card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        plain = getattr(replay, format)(str(folder))
        call = row_by_row(plain) if format == "litert" else plain
        score, inputs = globals()[f"score_of_{name}"](call, model, card)
        seconds = median_seconds(lambda: plain(file, inputs), REPEATS, 5)
        size = (folder / f"{file}.{suffix}").stat().st_size
    return {"MB": size / 1e6, "score": score, "ms": 1000 * seconds}


def main() -> None:
    """Measures everything, prints and writes the table."""
    quick = {"LISTS": 100, "EVERY": 2500, "CHARACTERS": 1000, "REPEATS": 3}
    benchmark = Benchmark(__file__, __doc__, quick)
    benchmark.parser.add_argument("--models", default=",".join(MODELS))
    benchmark.parser.add_argument("--pendigits", default="../shared/data/pendigits")
    parsed = benchmark.parse()
    os.environ["PENDIGITS"] = parsed.pendigits
    table = []
    for name in parsed.models.split(","):
        model = getattr(rnnzoo, name)()
        for runtime in FORMATS:
            before = None
            for precision in PRECISIONS["onnx"]:
                found = measure(name, runtime, precision, model)
                before = found["score"] if before is None else before
                row = {"model": name, "runtime": runtime, "precision": precision}
                row |= {"MB": round(found["MB"], 2), "metric": MODELS[name][1]}
                row |= {"score": round(found["score"], 5)}
                row |= {"change": round(found["score"] - before, 5) + 0.0}
                row |= {"ms": round(found["ms"], 3), "cores": count_cores()}
                table.append(row)
                print(table[-1], flush=True)
    cells = [list(row.values()) for row in table]
    benchmark.write(list(table[0]), cells, "serving.md")


if __name__ == "__main__":
    main()
