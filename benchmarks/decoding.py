"""Times writing: characters per second of `generate`, beside loops and the floor.

    pip install -e ".[benchmark]"        # PyTorch, for the comparison alone
    python benchmarks/decoding.py

All models have the same random weights: two LSTMs of 512 units over characters. The
Keras loop calls `predict` on the whole text for each character, as many tutorials do,
or on one character with the state as input and output; the PyTorch loop calls `nn.LSTM`
or `nn.LSTMCell` on one character in inference mode, and the table has the quicker of
the two. The floor is the time to read the weights once a step,
at the rate of matrix-vector products over all of them. Each figure is the median of
several texts, each row a process of its own. Prints a table and writes it to
benchmarks/decoding.csv and to docs/language.md.
"""

import argparse
import json

from harness import Benchmark, median_seconds, run_in_process

from rnnzoo.layers.threads import count_cores

UNITS, LAYERS, EMBEDDING, SYMBOLS = 512, 2, 128, 99
BATCHES = (1, 8, 64)
LENGTH, REPEATS = 200, 5


def language_model():
    """Returns the model, with random weights."""
    import keras

    from rnnzoo import language_model

    keras.utils.set_random_seed(0)
    return language_model(
        weights=None, units=UNITS, num_layers=LAYERS, embedding_dim=EMBEDDING
    )


def rnnzoo(batch: int) -> dict:
    """Measures `generate`."""
    model, prompts = language_model(), ["ROMEO:"] * batch
    seconds = median_seconds(
        lambda: model.generate(prompts, max_length=LENGTH, seed=0), REPEATS
    )
    return {"rate": batch * LENGTH / seconds}


def first_chunk(batch: int) -> dict:
    """Measures the time to the first chunk of `stream`."""
    model = language_model()
    return {"ms": 1000 * median_seconds(lambda: next(model.stream("ROMEO:")), 20)}


def predict_whole(batch: int) -> dict:
    """Measures `predict` on the whole text so far, for each character."""
    import keras
    import numpy as np

    model, length = language_model(), 20
    ids = model.encode(["ROMEO:"] * batch)[0]
    plain = keras.Model(model.inputs, model.outputs)

    def write():
        text = ids
        for _ in range(length):
            logits = plain.predict(text, verbose=0)[:, -1]
            text = np.concatenate([text, logits.argmax(axis=-1)[:, None]], axis=1)

    return {"rate": batch * length / median_seconds(write, 2)}


def predict_step(batch: int) -> dict:
    """Measures `predict` on one character, with the state as input and output."""
    import keras
    import numpy as np

    model, length = language_model(), 50
    shapes = keras.tree.map_structure(
        lambda tensor: keras.Input((UNITS,)), model.recurrence.get_initial_state(1)
    )
    character = keras.Input((1,), dtype="int32")
    logits, after = model.read(character, shapes)
    step = keras.Model([character, shapes], [logits, after])

    def write():
        ids = np.ones((batch, 1), "int32")
        state = [[np.zeros((batch, UNITS), "float32")] * 2] * LAYERS
        for _ in range(length):
            logits, state = step.predict([ids, state], verbose=0)
            ids = logits.argmax(axis=-1)

    return {"rate": batch * length / median_seconds(write, 2)}


def pytorch(batch: int) -> dict:
    """Measures loops with `nn.LSTM` and `nn.LSTMCell`; returns the quicker one."""
    import torch

    torch.set_num_threads(count_cores())
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(SYMBOLS, EMBEDDING)
    lstm = torch.nn.LSTM(EMBEDDING, UNITS, LAYERS, batch_first=True)
    sizes = [EMBEDDING, *[UNITS] * (LAYERS - 1)]
    cells = [torch.nn.LSTMCell(size, UNITS) for size in sizes]
    head = torch.nn.Linear(UNITS, SYMBOLS)

    def step_lstm(steps, state):
        hidden, state = lstm(steps[:, None], state)
        return hidden[:, 0], state

    def step_cells(steps, state):
        after = []
        for cell, before in zip(cells, state or [None] * LAYERS, strict=True):
            after.append(cell(steps, before))
            steps = after[-1][0]
        return steps, after

    def measure(step) -> float:
        @torch.inference_mode()
        def write():
            ids = torch.ones(batch, 1, dtype=torch.long)
            state, text = None, []
            for _ in range(LENGTH):
                hidden, state = step(embedding(ids[:, 0]), state)
                ids = torch.multinomial(torch.softmax(head(hidden), dim=-1), 1)
                text.append(ids)
            return torch.cat(text, dim=1).tolist()

        return batch * LENGTH / median_seconds(write, REPEATS)

    rates = {"nn.LSTM": measure(step_lstm), "nn.LSTMCell": measure(step_cells)}
    way = max(rates, key=rates.get)
    return {"rate": rates[way], "what": f"PyTorch {way}"}


def floor(batch: int) -> dict:
    """Measures how fast the weights can be read."""
    import tensorflow as tf

    inputs = [EMBEDDING, *[UNITS] * (2 * LAYERS - 1)]
    kernels = [tf.random.normal((size, 4 * UNITS)) for size in inputs]
    kernels.append(tf.random.normal((UNITS, SYMBOLS)))
    vectors = [tf.random.normal((batch, kernel.shape[0])) for kernel in kernels]
    size = sum(4 * int(tf.size(kernel)) for kernel in kernels)

    @tf.function
    def products():
        def step(index, total):
            for kernel, vector in zip(kernels, vectors, strict=True):
                total += tf.matmul(vector + total, kernel)[0, 0]
            return index + 1, total

        return tf.while_loop(lambda i, t: i < LENGTH, step, (0, 0.0))[1]

    seconds = median_seconds(lambda: products().numpy(), REPEATS)
    return {
        "rate": batch * LENGTH / seconds,
        "gigabytes_per_second": LENGTH * size / seconds / 1e9,
    }


MEASURES = {
    "rnnzoo generate": rnnzoo,
    "Keras predict, one character": predict_step,
    "Keras predict, whole text": predict_whole,
    "PyTorch": pytorch,
    "floor: reading the weights": floor,
}


def in_a_process(what: str, batch: int) -> dict | None:
    """Measures in a process of its own; `None` if it cannot be measured here."""
    return run_in_process(__file__, "--measure", what, str(batch))


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__, quick={"BATCHES": (1,)})
    benchmark.parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    measured = benchmark.parse().measure
    measures = {**MEASURES, "first chunk of a stream": first_chunk}
    if measured:
        print(json.dumps(measures[measured[0]](int(measured[1]))))
        return
    rows = []
    for batch in BATCHES:
        base = None
        for what in MEASURES:
            figure = in_a_process(what, batch)
            if figure is None:
                continue
            base = base or figure["rate"]
            rows.append(
                {
                    "batch": batch,
                    "what": figure.get("what", what),
                    "characters per second": round(figure["rate"]),
                    "rnnzoo is faster by": round(base / figure["rate"], 2),
                    "ms to the first chunk": "",
                    "GB/s": round(figure.get("gigabytes_per_second", 0), 1) or "",
                }
            )
            report(benchmark, rows)
    figure = in_a_process("first chunk of a stream", 1)
    if figure:
        row = dict.fromkeys(rows[0], "") | {"batch": 1, "what": "rnnzoo stream"}
        rows.append({**row, "ms to the first chunk": round(figure["ms"], 1)})
        report(benchmark, rows)


def report(benchmark: Benchmark, rows: list[dict]) -> None:
    """Prints the last row and writes all so far."""
    print(rows[-1], flush=True)
    cells = [[*row.values(), count_cores()] for row in rows]
    benchmark.write([*rows[0], "cores"], cells, "language.md")


if __name__ == "__main__":
    main()
