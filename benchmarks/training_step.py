"""Times a training step of the recipes' models, beside PyTorch and beside the floor.

    pip install -e ".[benchmark]"        # PyTorch, for the comparison alone
    python benchmarks/training_step.py

For every recipe: a step on one of its batches; a step of the same network in PyTorch
(`torch_networks.py`), with padding passed over in what is read, as ours passes it over,
and with padding read too; the floor, which is the number of operations of the step's
matrix products over the rate of products with the shape of the recurrence, one after
the other on the same machine; and the input pipeline alone. Recipes whose data are
missing are left out: TFDS_DATA_DIR is the folder of all data sets. Then, for the sorter
and a bidirectional GRU over 400 words: replicas, workers, XLA and precisions, where
there is more than one core.

Each figure is the median of several steps, and of the pipeline of means of 160 batches,
in a process of its own; of two such processes of each kind in turn, the quickest, for
what else a machine has to do comes and goes. Prints tables and writes them to
benchmarks/training_step.csv, benchmarks/training_devices.csv, and docs/devices.md. With
names of models (`sort_naturals`), only these are measured anew; rows of another number
of cores stay.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import numpy as np
from harness import Benchmark, median_seconds, run_in_process

from rnnzoo.layers.threads import count_cores

STEPS, WARM_UP, DRAWN = 12, 3, 160
ROUNDS = 2
# The passes of a training step: forward, and two backward.
PASSES = 3
# A batch that comes after every curriculum; of as many, the one of median length.
LATE, BATCHES = 100_000, 15
DATA = pathlib.Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets"))
# Recipes, one for each kind of model and data, and options they need here.
RECIPES = {
    "sort_naturals": {},
    "binary_addition": {},
    "parity_of_bits": {},
    "periodic_patterns": {},
    "memorize_digits": {},
    "execute_programs": {},
    "execute_long_programs": {},
    "pen_digits": {"data": str(DATA.expanduser() / "pendigits")},
    "japanese_vowels": {"data": str(DATA.expanduser() / "japanese_vowels")},
    "imdb_sentiment": {"ngrams": 0},  # which PyTorch's has not
    "shakespeare_language": {},
    "ptb_language": {},
    "cmudict_phonemes": {},
    "multi30k_en_de": {},
    "tatoeba_en_fr": {},
}
BIDIRECTIONAL = "bidirectional GRU, 400 words"
VARIED = ("sort_naturals", BIDIRECTIONAL)
VARIANTS = {
    "as it is": "cpu,float32,no",
    "2 replicas": "2,float32,no",
    "4 replicas": "4,float32,no",
    "XLA": "cpu,float32,jit",
    "mixed_bfloat16": "cpu,mixed_bfloat16,no",
}

STEP_HEADER = ["model", "padding %", "rnnzoo ms", "PyTorch packed ms"]
STEP_HEADER += ["packed / rnnzoo", "PyTorch padded ms", "padded / rnnzoo", "floor ms"]
STEP_HEADER += ["rnnzoo / floor", "gflops of the floor", "input pipeline / rnnzoo"]
STEP_HEADER += ["cores"]
DEVICES_HEADER = ["model", "what", "ms", "times as it is", "cores"]


class OfRecipe:
    """The model of a recipe, and one of its batches."""

    def __init__(self, name: str):
        """Makes the recipe."""
        from rnnzoo import training

        self.recipe = training.recipe_class(name)(**RECIPES[name])
        self.clip_norm = self.recipe.clip_norm

    def model(self):
        """Returns the compiled model."""
        model = self.recipe.model()
        model.compile_with_defaults(self.recipe.optimizer(model))
        return model

    def batch(self, model) -> tuple:
        """Returns encoded inputs and targets: those of median length of several."""
        examples, size = self.recipe.examples(), self.recipe.batch_size
        found = [
            model.encode(*examples.batch(size, 0, LATE + i)) for i in range(BATCHES)
        ]
        return sorted(found, key=lambda pair: _parts(pair[0])[0].shape[1])[BATCHES // 2]

    def pipeline(self, model):
        """Returns an iterator of encoded batches."""
        from rnnzoo.data.pipeline import batches

        examples, size = self.recipe.examples(), self.recipe.batch_size
        data = batches(examples, model.encode, batch_size=size, seed=0, first=LATE)
        return iter(data)


class Bidirectional:
    """A bidirectional GRU over 400 words, as sentiment classifiers have it."""

    units, embedding_dim, length, batch_size, words = 128, 128, 400, 32, 20_000
    clip_norm = 1.0

    def model(self):
        """Returns the compiled model."""
        import keras

        from rnnzoo import many_to_one

        model = many_to_one(
            vocabulary_size=self.words,
            num_classes=2,
            embedding_dim=self.embedding_dim,
            units=self.units,
            bidirectional=True,
        )
        model.compile_with_defaults(keras.optimizers.Adam(global_clipnorm=1.0))
        return model

    def batch(self, model) -> tuple:
        """Returns encoded inputs and targets: lengths from 200 to 400."""
        random = np.random.default_rng(0)
        shape = (self.batch_size, self.length)
        lengths = random.integers(self.length // 2, self.length + 1, (shape[0], 1))
        lengths[0] = self.length
        ids = random.integers(1, self.words, shape)
        ids = np.where(np.arange(self.length) < lengths, ids, 0).astype("int32")
        return ids, random.integers(0, 2, self.batch_size).astype("int32")


def case_of(name: str):
    """Returns what is measured under a name."""
    return Bidirectional() if name == BIDIRECTIONAL else OfRecipe(name)


def _parts(inputs) -> list:
    """Returns the source, and the target if there is one."""
    if isinstance(inputs, dict):
        return [inputs["source"], inputs["target"]]
    return [inputs]


def products(model, inputs, targets) -> tuple[float, tuple]:
    """Returns a step's floating-point operations in matrix products.

    And the shapes of the largest recurrence: rows, units, and units of all gates.
    """
    import keras

    from rnnzoo.layers.attention import SequenceAttention
    from rnnzoo.layers.recurrence import RecurrentStack

    parts = _parts(inputs)
    rows, read = parts[0].shape[:2]
    # A sorter's decoder writes as many steps as were read.
    written = parts[-1].shape[1] if len(model.output_shape) == 3 else 1
    total, largest = 0, (0, 0)
    for layer in model._flatten_layers(recursive=False):
        steps = read if layer.name in ("recurrence", "encoder") else written
        if isinstance(layer, RecurrentStack):
            for one in layer.layers:
                directions = [one]
                if layer.bidirectional:
                    directions = [one.forward_layer, one.backward_layer]
                for direction in directions:
                    kernels = direction.cell.kernel, direction.cell.recurrent_kernel
                    of_inputs, of_state = (int(np.prod(k.shape)) for k in kernels)
                    total += steps * of_state
                    # The same summary at every step has to be multiplied once.
                    is_same = layer.name == "decoder" and len(parts) == 1
                    total += of_inputs * (1 if is_same else steps)
                    largest = max(largest, tuple(kernels[1].shape))
        elif isinstance(layer, SequenceAttention):
            total += read * sum(int(np.prod(w.shape)) for w in layer.weights)
            total += 2 * read * written * layer.units
        elif layer.name in ("head", "attention_output"):
            is_dense = isinstance(layer, keras.layers.Dense)
            shape = layer.kernel.shape if is_dense else (layer.size, layer.num_classes)
            total += written * int(np.prod(shape))
    return PASSES * 2 * rows * total, (rows, *largest)


def share_of_padding(model, inputs) -> float:
    """Returns the share of padding among the steps that are read."""
    from rnnzoo.layers.reader import SequenceReader

    if inputs.ndim == 2:
        return float(np.mean(inputs == 0))
    readers = [x for x in model._flatten_layers() if isinstance(x, SequenceReader)]
    padding = readers[0].padding_value
    return 0.0 if padding is None else float(np.mean((inputs == padding).all(-1)))


def median_ms(action, steps: int = STEPS) -> float:
    """Returns the median time of an action in milliseconds, after a warm-up."""
    return 1000 * median_seconds(action, steps, WARM_UP)


def measure(name: str, what: str) -> dict:
    """Measures one thing in this process."""
    import keras
    import tensorflow as tf

    case = case_of(name)
    if what in ("packed", "padded"):
        import torch
        from torch_networks import Network, training_step

        torch.set_num_threads(count_cores())
        model = case.model()
        network = Network(model, what == "packed").train()
        step = training_step(network, *case.batch(model), case.clip_norm)
        return {"ms": median_ms(step)}
    if what == "floor":
        model = case.model()
        inputs, targets = case.batch(model)
        operations, (rows, units, gates) = products(model, inputs, targets)

        @tf.function
        def product(state, kernel):
            for _ in range(64):  # one after the other, as in a recurrence
                state = tf.matmul(state, kernel)[:, :units]
            return state

        shapes = (rows, units), (units, gates)
        values = [tf.random.normal(shape) / units**0.5 for shape in shapes]
        ms = median_ms(lambda: product(*values), 50)
        rate = 64 * 2 * rows * units * gates / ms
        padding = share_of_padding(model, _parts(inputs)[0])
        return {"ms": operations / rate, "gflops": rate / 1e6, "padding": padding}
    if what == "pipeline":
        data = case.pipeline(case.model())

        @tf.function
        def take(batches):
            for _ in tf.range(DRAWN):
                next(batches)  # in the graph, as a training step takes them

        # Means of many, as some batches are drawn together.
        return {"ms": median_ms(lambda: take(data), 5) / DRAWN}

    from rnnzoo.training.devices import choose_devices

    devices, precision, jit = what.split(",")
    chosen = choose_devices(devices, precision=precision)
    with chosen.scope():
        model = case.model()
    model.jit_compile = jit == "jit"
    data = tf.data.Dataset.from_tensors(case.batch(model)).repeat()
    times = []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: times.append(time.perf_counter())
    )
    steps = WARM_UP + STEPS + 1
    options = {"verbose": 0, "shuffle": False, "callbacks": [clock]}
    model.fit(data, steps_per_epoch=steps, **options)
    return {"ms": 1000 * statistics.median(np.diff(times[WARM_UP:]))}


def workers_ms(workers: int) -> float:
    """Returns the time of a step of the sorter's recipe with that many workers."""
    from rnnzoo.training.history import read_history

    steps = 60
    with tempfile.TemporaryDirectory() as run:
        options = [f"--run={run}", f"--workers={workers}", "--curriculum=0"]
        options += ["--epochs=3", f"--steps_per_epoch={steps}"]
        command = [sys.executable, "-m", "rnnzoo.command", "train", "sort_naturals"]
        subprocess.run([*command, *options], check=True, capture_output=True)
        seconds = [row["seconds"] for row in read_history(pathlib.Path(run))]
    return 1000 * (seconds[2] - seconds[1]) / steps


def in_a_process(name: str, what: str) -> dict | None:
    """Measures in a process of its own; `None` if it cannot be measured here."""
    return run_in_process(__file__, "--measure", name, what)


def in_rounds(name: str, kinds: Sequence[str]) -> list[dict | None]:
    """Measures several things in turn; each as it was in the quickest of the rounds."""
    best = [in_a_process(name, what) for what in kinds]
    for _ in range(ROUNDS - 1):
        for place, what in enumerate(kinds):
            found = best[place] and in_a_process(name, what)
            best[place] = found and min(best[place], found, key=lambda one: one["ms"])
    return best


def step_row(name: str) -> list | None:
    """Returns the row of a model in the first table; `None` if its data are missing."""
    kinds = ["cpu,float32,no", "packed", "padded", "floor"]
    if name != BIDIRECTIONAL:
        kinds.append("pipeline")
    ours, packed, padded, floor, *pipeline = in_rounds(name, kinds)
    if ours is None:
        return None
    ours = ours["ms"]
    row = [name, round(100 * floor["padding"]), round(ours, 1)]
    for theirs in (packed, padded):
        missing = ["", ""]  # if PyTorch is not there
        found = [round(theirs["ms"], 1), round(theirs["ms"] / ours, 2)] if theirs else 0
        row += found or missing
    row += [round(floor["ms"], 1), round(ours / floor["ms"], 2)]
    row += [round(floor["gflops"])]
    return [*row, round(pipeline[0]["ms"] / ours, 3) if pipeline else "", count_cores()]


def variant_rows(name: str) -> list[list]:
    """Returns the rows of a model in the second table."""
    rows = []
    figures = zip(VARIANTS, in_rounds(name, list(VARIANTS.values())), strict=True)
    figures = {label: one["ms"] for label, one in figures if one}
    base = figures["as it is"]
    for label, ms in figures.items():
        rows.append([name, label, round(ms, 1), round(ms / base, 2), count_cores()])
    if name == "sort_naturals":
        base = None
        for workers in (1, 2, 4):
            ms = workers_ms(workers)
            base = base or ms
            label = f"{workers} workers, validation and files included"
            rows.append([name, label, round(ms, 1), round(ms / base, 2), count_cores()])
    return rows


def main() -> None:
    """Measures everything, prints and writes the tables."""
    benchmark = Benchmark(__file__, __doc__, quick={"ROUNDS": 1})
    parser = benchmark.parser
    names = [*RECIPES, BIDIRECTIONAL]
    parser.add_argument("models", nargs="*", help=f"of {', '.join(names)}; default all")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    parsed = benchmark.parse()
    if parsed.measure:
        print(json.dumps(measure(*parsed.measure)))
        return
    unknown = set(parsed.models) - set(names)
    if unknown:
        parser.error(f"models must be of {', '.join(names)}. Received: {unknown}")
    chosen = parsed.models or names
    steps, variants = (
        [list(row.values()) for row in benchmark.read(name)]
        for name in ("training_step", "training_devices")
    )
    steps = {(row[0], row[-1]): row for row in steps}
    again = [(name, str(count_cores())) for name in chosen]
    variants = [row for row in variants if (row[0], row[-1]) not in again]
    for name in chosen:
        row = step_row(name)
        if row is not None:
            steps[name, str(count_cores())] = row
            print(*row, flush=True)
        if name in VARIED and count_cores() > 1:
            for row in variant_rows(name):
                variants.append(row)
                print(*row, flush=True)
        # After every model: it takes long, and may be interrupted.
        rows = [
            steps[key] for key in sorted(steps, key=lambda key: names.index(key[0]))
        ]
        benchmark.write(STEP_HEADER, rows, "devices.md")
        variants.sort(key=lambda row: VARIED.index(row[0]))
        benchmark.write(DEVICES_HEADER, variants, "devices.md", "training_devices")


if __name__ == "__main__":
    main()
