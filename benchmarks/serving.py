"""Times what an exported model takes beside the model in Python.

    pip install -e ".[onnx,litert]"
    python benchmarks/serving.py

The sorter answers lists of 32 numbers; a sentiment classifier of the default size
reviews of 200 words; a language model of the default size writes 100 characters, the
likeliest each. The last two have random weights, which take as long as others. Python
and the SavedModel are given text; ONNX Runtime and LiteRT, which know no text, tokens,
and the loop that chooses characters is one of NumPy around them. LiteRT takes a batch
row by row. Loading includes the imports, and every row of the table is a process of its
own, so that nothing is warm. Prints a table and writes it to benchmarks/serving.csv and
to docs/serving.md.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from harness import Benchmark, run_in_process

from rnnzoo.layers.threads import count_cores

MODELS = ("sorter", "sentiment_classifier", "language_model")
RUNTIMES = {
    "Python": "keras",
    "SavedModel": "savedmodel",
    "ONNX Runtime": "onnx",
    "LiteRT": "litert",
}
BATCH, WRITTEN, FILE = 64, 100, "model.keras"


def export(model: str, folder: pathlib.Path) -> None:
    """Writes a model in all formats."""
    import keras

    import rnnzoo

    keras.utils.set_random_seed(0)
    factory = getattr(rnnzoo, model)
    built = factory() if model == "sorter" else factory(weights=None)
    (folder / "keras").mkdir(parents=True)
    built.save(folder / "keras" / FILE)
    for format in list(RUNTIMES.values())[1:]:
        rnnzoo.export(built, folder / format, format)


def rows(model: str) -> list:
    """Returns inputs: lists of numbers, or rows of token ids."""
    random = np.random.default_rng(0)
    length, highest = {"sorter": (32, 32), "language_model": (20, 97)}.get(
        model, (200, 9_999)
    )
    lowest = 1 if model == "sorter" else 2
    return random.integers(lowest, highest + 1, (BATCH, length)).tolist()


def texts(model: str, tokens: dict) -> list[str]:
    """Returns the same inputs as texts."""
    if model == "sorter":
        return [" ".join(map(str, row)) for row in rows(model)]
    joint = " " if tokens["kind"] == "Words" else ""
    symbols = ["", "", *tokens["vocabulary"], ""]
    return [joint.join(symbols[index] for index in row) for row in rows(model)]


def caller(model: str, format: str, folder: pathlib.Path) -> Callable:
    """Loads a model and returns what answers a number of its inputs."""
    if format == "keras":
        import rnnzoo

        loaded = rnnzoo.load(folder / "keras" / FILE)
        kind, config = type(loaded.tokens).__name__, loaded.tokens.get_config()
        given = texts(model, {"kind": kind, **config})
        if model == "language_model":
            return lambda n: loaded.generate(
                given[:n], max_length=WRITTEN, temperature=0.0
            )
        return lambda n: loaded.answer(given[:n])
    # As a person without rnnzoo would load them.
    from rnnzoo.exporting import replay

    path = folder / format / "1"
    call = getattr(replay, format)(str(path))
    if format == "savedmodel":
        card = json.loads((path / "model.json").read_text("utf-8"))
        given = np.array(texts(model, card["tokens"]), object)
        if model != "language_model":
            return lambda n: call("serving_default", {"text": given[:n]})
        settings = {"max_length": WRITTEN, "temperature": 0.0, "top_k": 0, "top_p": 1.0}
        settings |= {"repetition_penalty": 1.0, "stop": "", "seed": 0}
        settings = {key: np.array(value) for key, value in settings.items()}
        settings["stop"] = np.array("", object)
        return lambda n: call("generate", {"text": given[:n], **settings})
    one = {
        "sorter": lambda ids: call("lists", {"numbers": ids.astype("int64")}),
        "sentiment_classifier": lambda ids: call("tokens", {"tokens": ids}),
        "language_model": lambda ids: written(call, ids),
    }[model]
    ids = np.array(rows(model), "int32")
    if format == "litert":
        return lambda n: [one(ids[row : row + 1]) for row in range(n)]
    return lambda n: one(ids[:n])


def written(call: Callable, ids: np.ndarray) -> np.ndarray:
    """Goes on with token ids `[batch, time]`, the likeliest of each step."""
    state = {f"state_{i}": np.zeros((len(ids), 512), "float32") for i in range(4)}
    found = []
    for _ in range(WRITTEN):
        outputs = call("stream", {"tokens": ids, **state})
        state = {name: outputs[f"next_{name}"] for name in state}
        # Padding and unknown characters are never written.
        ids = outputs["outputs"][:, -1:, 2:].argmax(axis=-1).astype("int32") + 2
        found.append(ids)
    return np.concatenate(found, axis=1)


def measure(model: str, format: str, folder: pathlib.Path, repeats: int) -> dict:
    """Measures one row of the table."""
    begin = time.perf_counter()
    answer = caller(model, format, folder)
    loaded = time.perf_counter()
    answer(1)
    first = time.perf_counter()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer(1)
        times.append(time.perf_counter() - start)
    answer(BATCH)
    start = time.perf_counter()
    answer(BATCH)
    together = time.perf_counter() - start
    part = folder / format
    size = sum(file.stat().st_size for file in part.rglob("*") if file.is_file())
    return {
        "size MB": round(size / 1e6, 2),
        "load s": round(loaded - begin, 2),
        "first answer ms": round(1000 * (first - loaded), 1),
        "median ms": round(1000 * float(np.median(times)), 2),
        "99 % under ms": round(1000 * float(np.quantile(times, 0.99)), 2),
        f"answers a second at batch {BATCH}": round(BATCH / together, 1),
    }


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("--models", default=",".join(MODELS))
    benchmark.parser.add_argument("--repeats", type=int, default=100)
    benchmark.parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    parsed = benchmark.parse()
    if parsed.step:
        model, format, folder = parsed.step
        if format == "export":
            export(model, pathlib.Path(folder))
            print(json.dumps({"exported": model}))
        else:
            row = measure(model, format, pathlib.Path(folder), parsed.repeats)
            print(json.dumps(row))
        return
    table = []
    with tempfile.TemporaryDirectory() as work:
        for model in parsed.models.split(","):
            folder = os.path.join(work, model)
            options = ["--repeats", str(parsed.repeats), "--step", model]
            run(*options, "export", folder)
            for runtime, format in RUNTIMES.items():
                row = run(*options, format, folder)
                table.append({"model": model, "runtime": runtime, **row})
                print(table[-1], flush=True)
    cells = [[*row.values(), count_cores()] for row in table]
    benchmark.write([*table[0], "cores"], cells, "serving.md")


def run(*words: str) -> dict:
    """Runs a step of this file in a process of its own."""
    return run_in_process(__file__, *words) or sys.exit(1)


if __name__ == "__main__":
    main()
