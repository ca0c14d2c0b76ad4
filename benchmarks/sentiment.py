"""Times an epoch of the sentiment classifier on IMDB, beside PyTorch's layers.

    rnnzoo prepare imdb_reviews
    pip install -e ".[benchmark]"        # PyTorch, for the comparison alone
    python benchmarks/sentiment.py

The same batches of reviews go through the same architecture: word vectors, a
bidirectional layer, mean and maximum over the words, a linear head; Adam, clipped
gradients. One more row has the recipe's n-grams too. Batches are of similar length, as
the recipe makes them, or of any length. An epoch's seconds are the mean of some of its
batches, which are spread evenly over their lengths, times their number. Each row is a
process of its own. Prints a table and writes it to benchmarks/sentiment.csv and to
docs/devices.md.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

import numpy as np
from harness import Benchmark, run_in_process

from rnnzoo.layers.threads import count_cores

BATCHES, WARM_UP = 16, 2
CASES = {
    "rnnzoo, batches of similar length": ("keras", "gru", "similar"),
    "rnnzoo, batches of any length": ("keras", "gru", "any"),
    "rnnzoo with n-grams, similar length": ("n-grams", "gru", "similar"),
    "PyTorch nn.GRU, similar length, packed": ("packed", "gru", "similar"),
    "PyTorch nn.GRU, similar length, padding read too": ("padded", "gru", "similar"),
    "PyTorch nn.GRU, any length, packed": ("packed", "gru", "any"),
    "PyTorch nn.LSTM, similar length, packed": ("packed", "lstm", "similar"),
    "PyTorch nn.LSTM, similar length, padding read too": ("padded", "lstm", "similar"),
}


def recipe():
    """Returns the recipe, which says all sizes."""
    from rnnzoo.recipes.imdb_sentiment import ImdbSentiment

    return ImdbSentiment()


def write_batches(folder: str) -> dict:
    """Encodes batches of both kinds into files; returns sizes and padding."""
    from rnnzoo.data.pipeline import Shuffled, padding_share

    chosen = recipe()
    model = chosen.model()
    similar = chosen.examples()
    sizes = {"batches": similar.batches_per_epoch(chosen.batch_size)}
    sizes["words"] = model.tokens.vocabulary_size
    for kind, examples in {
        "similar": similar,
        "any": Shuffled(similar.source, pool=1),
    }.items():
        size = chosen.batch_size
        arrays = {}
        lengths = []
        for index in range(sizes["batches"]):
            texts, _ = examples.batch(size, 0, index)
            lengths.append(max(map(len, texts)))
        # Evenly over the lengths of an epoch: each stands for as many others.
        order = np.argsort(lengths)
        places = np.linspace(0, len(order) - 1, 2 * BATCHES + 1)[1::2].astype(int)
        for number, place in enumerate(places):
            ids, labels = model.encode(*examples.batch(size, 0, int(order[place])))
            arrays[f"x{number}"], arrays[f"y{number}"] = ids, labels
        np.savez(pathlib.Path(folder, f"{kind}.npz"), **arrays)
        sizes[f"{kind} padding"] = padding_share(examples, model.encode, size, 0)
    return sizes


def seconds_per_batch(step, folder: str, kind: str) -> float:
    """Returns the mean time of the batches, each run twice for the better time."""
    arrays = np.load(pathlib.Path(folder, f"{kind}.npz"))
    batches = [(arrays[f"x{i}"], arrays[f"y{i}"]) for i in range(BATCHES)]
    for x, y in batches[:WARM_UP]:
        step(x, y)
    times = []
    for x, y in batches:
        runs = []
        for _ in range(2):
            begin = time.perf_counter()
            step(x, y)
            runs.append(time.perf_counter() - begin)
        times.append(min(runs))
    return float(np.mean(times))


def keras_step(words: int, ngrams: bool):
    """Returns the training step of the recipe's model, or of its recurrent part."""
    import keras
    import tensorflow as tf

    from rnnzoo import sentiment_classifier

    chosen = recipe()
    settings = {name: getattr(chosen, name) for name in chosen.model_options}
    settings["ngrams"] *= ngrams
    vocabulary = [str(number) for number in range(words - 2)]
    model = sentiment_classifier(weights=None, vocabulary=vocabulary, **settings)
    model.compile_with_defaults(keras.optimizers.Adam(global_clipnorm=1.0))
    model.optimizer.build(model.trainable_variables)
    signature = [
        tf.TensorSpec((None, None), tf.int32),
        tf.TensorSpec((None,), tf.int32),
    ]
    step = tf.function(lambda x, y: model.train_step((x, y)), signature)
    return lambda x, y: float(step(x, y)["loss"])


def torch_step(words: int, cell: str, packed: bool):
    """Returns the training step of the same architecture in PyTorch."""
    import torch

    torch.set_num_threads(count_cores())
    chosen = recipe()
    layer = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(words, chosen.embedding_dim)
            self.recurrence = layer(
                chosen.embedding_dim,
                chosen.units,
                num_layers=chosen.num_layers,
                batch_first=True,
                bidirectional=True,
            )
            self.dropout = torch.nn.Dropout(chosen.dropout)
            self.head = torch.nn.Linear(4 * chosen.units, 2)

        def forward(self, ids):
            real = ids != 0
            steps = self.embedding(ids)
            steps = self.dropout(torch.ones_like(steps[:, :1])) * steps
            rnn = torch.nn.utils.rnn
            if packed:
                lengths = real.sum(1)
                steps = rnn.pack_padded_sequence(
                    steps, lengths, True, enforce_sorted=False
                )
            steps = self.recurrence(steps)[0]
            if packed:
                steps = rnn.pad_packed_sequence(steps, True)[0]
            real = real[:, :, None]
            mean = (steps * real).sum(1) / real.sum(1)
            highest = steps.masked_fill(~real, -1e4).amax(1)
            return self.head(self.dropout(torch.cat([mean, highest], 1)))

    model = Model()
    optimizer = torch.optim.Adam(model.parameters())

    def step(x, y):
        logits = model(torch.as_tensor(x).long())
        loss = torch.nn.functional.cross_entropy(logits, torch.as_tensor(y).long())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def in_a_process(*words) -> dict:
    """Runs a part of this file in a process of its own; returns what it prints."""
    return run_in_process(__file__, *map(str, words)) or sys.exit(1)


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("--write", help=argparse.SUPPRESS)
    benchmark.parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    parsed = benchmark.parse()
    if parsed.write:
        print(json.dumps(write_batches(parsed.write)))
        return
    if parsed.measure:
        framework, cell, kind, folder, words = parsed.measure
        if framework in ("keras", "n-grams"):
            step = keras_step(int(words), framework == "n-grams")
        else:
            step = torch_step(int(words), cell, framework == "packed")
        print(json.dumps({"seconds": seconds_per_batch(step, folder, kind)}))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sizes = in_a_process("--write", folder)
        for label, (framework, cell, kind) in CASES.items():
            figure = in_a_process(
                "--measure", framework, cell, kind, folder, sizes["words"]
            )
            seconds = figure["seconds"] * sizes["batches"]
            rows.append(
                {
                    "what": label,
                    "seconds per epoch": round(seconds),
                    "times rnnzoo": round(
                        seconds / (rows[0]["seconds per epoch"] if rows else seconds), 2
                    ),
                    "padding": round(sizes[f"{kind} padding"], 3),
                    "cores": count_cores(),
                }
            )
            print(rows[-1], flush=True)
    table = [list(row.values()) for row in rows]
    benchmark.write(list(rows[0]), table, "devices.md")


if __name__ == "__main__":
    main()
