"""Times a training step of two models, beside PyTorch and beside the floor.

    pip install -e ".[benchmark]"        # PyTorch, for the comparison alone
    python benchmarks/training_step.py

The floor is the number of operations of the step's matrix products over the rate of
products with the shape of the recurrence, measured on the same machine. Each figure is
the median of several steps, each row a process of its own. Prints a table and writes it
to benchmarks/training_step.csv and to docs/devices.md.
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

from pages import write_table

from rnnzoo.devices import cores

STEPS, WARM_UP = 12, 3
# Gates of a cell, and the passes of a training step: forward, and two backward.
GATES, PASSES = 3, 3


class Sorter:
    """The model and the batch of the recipe sort_naturals."""

    name = "sorter, 32 numbers"
    units, embedding_dim, length = 192, 64, 32

    def __init__(self):
        """Draws the batch."""
        from rnnzoo.recipes.sort_naturals import SortNaturals

        self.recipe = SortNaturals(curriculum=0)
        self.batch_size = self.recipe.batch_size
        self.examples = self.recipe.examples()

    def model(self):
        """Returns the compiled model."""
        model = self.recipe.model()
        model.compile_with_defaults(self.recipe.optimizer(model))
        return model

    def batch(self):
        """Returns encoded inputs and targets."""
        import numpy as np

        # By hand, for TensorFlow cannot be in one process with PyTorch.
        def padded(lists):
            rows = [row + [0] * (self.length - len(row)) for row in lists]
            return np.array(rows, "int32")

        lists, answers = self.examples.batch(self.batch_size, 0, 0)
        return padded(lists), padded(answers)

    def operations(self) -> float:
        """Returns the floating-point operations of a step's matrix products."""
        units, rows = self.units, self.batch_size * self.length
        reader = (self.embedding_dim + units) * GATES * units
        writer = 2 * units * GATES * units + units * 33
        return PASSES * 2 * rows * (reader + writer)

    def torch_step(self, torch, x, y, packed):
        """Returns a function that makes one step of the same model in PyTorch."""
        nn = torch.nn

        class Model(nn.Module):
            def __init__(self, units, embedding_dim):
                super().__init__()
                self.embedding = nn.Embedding(33, embedding_dim)
                self.encoder = nn.GRU(embedding_dim, units, batch_first=True)
                self.decoder = nn.GRU(units, units, batch_first=True)
                self.head = nn.Linear(units, 33)

            def forward(self, ids):
                steps = self.embedding(ids)
                _, summary = _reading(torch, self.encoder, steps, ids, packed)
                steps = summary[0][:, None].expand(-1, ids.shape[1], -1)
                return self.head(self.decoder(steps.contiguous(), summary)[0])

        return _torch_step(torch, Model(self.units, self.embedding_dim), x, y)


class BidirectionalClassifier:
    """A bidirectional GRU over 400 words, as sentiment classifiers have it."""

    name = "bidirectional GRU, 400 words"
    units, embedding_dim, length, batch_size, words = 128, 128, 400, 32, 20_000

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

    def batch(self):
        """Returns encoded inputs and targets: lengths from 200 to 400."""
        import numpy as np

        random = np.random.default_rng(0)
        shape = (self.batch_size, self.length)
        lengths = random.integers(self.length // 2, self.length + 1, (shape[0], 1))
        lengths[0] = self.length
        ids = random.integers(1, self.words, shape)
        ids = np.where(np.arange(self.length) < lengths, ids, 0).astype("int32")
        return ids, random.integers(0, 2, self.batch_size).astype("int32")

    def operations(self) -> float:
        """Returns the floating-point operations of a step's matrix products."""
        rows = self.batch_size * self.length
        reader = 2 * (self.embedding_dim + self.units) * GATES * self.units
        return PASSES * 2 * rows * reader

    def torch_step(self, torch, x, y, packed):
        """Returns a function that makes one step of the same model in PyTorch."""
        nn = torch.nn

        class Model(nn.Module):
            def __init__(self, words, units, embedding_dim):
                super().__init__()
                self.embedding = nn.Embedding(words, embedding_dim)
                self.encoder = nn.GRU(
                    embedding_dim, units, batch_first=True, bidirectional=True
                )
                self.head = nn.Linear(2 * units, 2)

            def forward(self, ids):
                steps = self.embedding(ids)
                _, last = _reading(torch, self.encoder, steps, ids, packed)
                return self.head(torch.cat([last[0], last[1]], 1))

        model = Model(self.words, self.units, self.embedding_dim)
        return _torch_step(torch, model, x, y)


MODELS = {"sorter": Sorter, "classifier": BidirectionalClassifier}


def _reading(torch, layer, sequences, ids, packed):
    """Reads sequences with a PyTorch layer, padding left out or read too."""
    if packed:
        pack = torch.nn.utils.rnn.pack_padded_sequence
        sequences = pack(sequences, (ids != 0).sum(1), True, enforce_sorted=False)
    return layer(sequences)


def _torch_step(torch, model, x, y):
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x, y = torch.as_tensor(x).long(), torch.as_tensor(y).long()
    classes = 0 if y.ndim == 2 else -100  # padding has no part in the loss

    def step():
        logits = model(x)
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), y.reshape(-1), ignore_index=classes
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def median_ms(action, steps: int = STEPS) -> float:
    """Returns the median time of an action in milliseconds, after a few for warmth."""
    times = []
    for _ in range(WARM_UP + steps):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times[WARM_UP:])


def measure(case: str, what: str) -> dict:
    """Measures one thing in this process."""
    import numpy as np

    if what.startswith("torch"):
        import torch

    case = MODELS[case]()
    if what.startswith("torch"):
        torch.set_num_threads(cores())
        x, y = case.batch()
        step = case.torch_step(torch, x, y, packed=what == "torch, packed")
        return {"ms": median_ms(step)}
    import tensorflow as tf

    if what == "floor":
        product = tf.function(
            lambda state, kernel: [tf.matmul(state + i, kernel) for i in range(64)]
        )
        state = tf.random.normal((case.batch_size, case.units))
        kernel = tf.random.normal((case.units, GATES * case.units))
        ms = median_ms(lambda: product(state, kernel), 50)
        rate = 64 * 2 * case.batch_size * case.units * GATES * case.units / ms
        return {"ms": case.operations() / rate, "gflops": rate / 1e6}
    if what == "pipeline":
        from rnnzoo.data.pipeline import batches

        model = case.model()
        data = iter(
            batches(case.examples, model.encode, batch_size=case.batch_size, seed=0)
        )
        return {"ms": median_ms(lambda: next(data), 100)}

    import keras

    from rnnzoo.devices import strategy

    devices, precision, jit = what.split(",")
    chosen = strategy(devices, precision=precision)
    with chosen.scope():
        model = case.model()
    model.jit_compile = jit == "jit"
    x, y = case.batch()
    data = tf.data.Dataset.from_tensors((np.asarray(x), np.asarray(y))).repeat()
    times = []

    clock = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: times.append(time.perf_counter())
    )
    model.fit(
        data,
        steps_per_epoch=WARM_UP + STEPS + 1,
        verbose=0,
        shuffle=False,
        callbacks=[clock],
    )
    return {"ms": 1000 * statistics.median(np.diff(times[WARM_UP:]))}


def workers_ms(workers: int) -> float:
    """Returns the time of a step of the sorter's recipe with that many workers."""
    from rnnzoo.training import read_history

    steps = 60
    with tempfile.TemporaryDirectory() as run:
        options = [f"--run={run}", f"--workers={workers}", "--curriculum=0"]
        options += ["--epochs=3", f"--steps_per_epoch={steps}"]
        command = [sys.executable, "-m", "rnnzoo.command", "train", "sort_naturals"]
        subprocess.run([*command, *options], check=True, capture_output=True)
        seconds = [row["seconds"] for row in read_history(pathlib.Path(run))]
    return 1000 * (seconds[2] - seconds[1]) / steps


def in_a_process(case: str, what: str) -> dict | None:
    """Measures in a process of its own; `None` if it cannot be measured here."""
    command = [sys.executable, __file__, "--measure", case, what]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        print(f"{case} {what}: {result.stderr.splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(result.stdout.splitlines()[-1])


def main() -> None:
    """Measures everything, prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", nargs=2, metavar=("MODEL", "WHAT"))
    measured = parser.parse_args().measure
    if measured:
        print(json.dumps(measure(*measured)))
        return
    rows = []
    everything = {
        "rnnzoo": "cpu,float32,no",
        "PyTorch, packed sequences": "torch, packed",
        "PyTorch, padding read too": "torch, padded",
        "floor": "floor",
        "input pipeline": "pipeline",
        "2 replicas": "2,float32,no",
        "4 replicas": "4,float32,no",
        "XLA": "cpu,float32,jit",
        "mixed_bfloat16": "cpu,mixed_bfloat16,no",
    }
    for case, kind in MODELS.items():
        base = None
        for label, what in everything.items():
            if what == "pipeline" and case == "classifier":
                continue  # its batch is made up
            figure = in_a_process(case, what)
            if figure is None:
                continue
            base = base or figure["ms"]
            rows.append(
                {
                    "model": kind.name,
                    "what": label,
                    "ms": round(figure["ms"], 1),
                    "times rnnzoo": round(figure["ms"] / base, 2),
                    "gflops": round(figure.get("gflops", 0)) or "",
                    "cores": cores(),
                }
            )
            print(rows[-1], flush=True)
    base = None
    for workers in (1, 2, 4):
        ms = workers_ms(workers)
        base = base or ms
        rows.append(
            {
                "model": Sorter.name,
                "what": f"{workers} workers, validation and files included",
                "ms": round(ms, 1),
                "times rnnzoo": round(ms / base, 2),
                "gflops": "",
                "cores": cores(),
            }
        )
        print(rows[-1], flush=True)
    table = [list(row.values()) for row in rows]
    write_table("training_step", list(rows[0]), table, "devices.md")


if __name__ == "__main__":
    main()
