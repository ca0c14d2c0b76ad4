"""Measures what smaller weights cost: the size and score of ONNX exports by precision.

    pip install -e ".[onnx]"
    python benchmarks/precision.py

The sorter sorts 10,000 random lists of 32 numbers; the sentiment classifier names the
class of every fifth review of IMDB's test set; the language model predicts the last
tenth of tiny Shakespeare, character by character. All of them are run by ONNX Runtime
from the exported files, as a server would. Prints a table and writes it to
benchmarks/precision.csv.
"""

import json
import tempfile
from collections.abc import Callable

import numpy as np
from harness import Benchmark

import rnnzoo
from rnnzoo.exporting import replay
from rnnzoo.exporting.precision import PRECISIONS

# The file that is measured, of each model, and its score.
MODELS = {
    "sorter": ("lists", "exact match"),
    "sentiment_classifier": ("tokens", "accuracy"),
    "language_model": ("stream", "nats per character"),
}
BATCH, PIECE = 64, 2000


def score_of_sorter(call: Callable, model: object, card: dict) -> float:
    """Returns the share of lists that come out in order."""
    from rnnzoo.data.synthetic import uniform_lists

    lists = np.array(uniform_lists(10_000, 32, 32, seed=1), "int64")
    parts = np.split(lists, 10)
    found = [call("lists", {"numbers": part})["sorted"] for part in parts]
    right = np.concatenate(found) == np.sort(lists, axis=1)
    return float(right.all(axis=1).mean())


def score_of_sentiment_classifier(call: Callable, model: object, card: dict) -> float:
    """Returns the share of reviews whose class is right."""
    from rnnzoo.data import catalog

    texts, labels = catalog.load("imdb_reviews", "test")
    texts, labels = list(texts)[::5], list(labels)[::5]
    order = np.argsort([len(text) for text in texts])
    right = 0
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        tokens = model.tokens.encode([texts[row] for row in rows])
        numbers = call("tokens", {"tokens": tokens})["outputs"].argmax(axis=1)
        names = [model.classes[number] for number in numbers]
        right += sum(name == labels[row] for name, row in zip(names, rows, strict=True))
    return right / len(order)


def score_of_language_model(call: Callable, model: object, card: dict) -> float:
    """Returns what a character costs, with the state carried over the whole text."""
    from rnnzoo.recipes.shakespeare_language import ShakespeareLanguage

    ids = model.tokens.encode([ShakespeareLanguage().texts[1]])
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
    return float(nats / (ids.shape[1] - 1))


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("--models", default=",".join(MODELS))
    table = []
    for name in benchmark.parse().models.split(","):
        file, metric = MODELS[name]
        model, before = getattr(rnnzoo, name)(), None
        for precision in PRECISIONS["onnx"]:
            with tempfile.TemporaryDirectory() as work:
                folder = rnnzoo.export(model, work, "onnx", precision=precision)
                card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
                call = replay.onnx(str(folder))
                score = globals()[f"score_of_{name}"](call, model, card)
                size = (folder / f"{file}.onnx").stat().st_size
            before = score if before is None else before
            row = {"model": name, "precision": precision, "MB": round(size / 1e6, 2)}
            row |= {"metric": metric, "score": round(score, 5)}
            table.append(row | {"change": round(score - before, 5)})
            print(table[-1], flush=True)
    benchmark.write(list(table[0]), [list(row.values()) for row in table])


if __name__ == "__main__":
    main()
