"""Language models that see the last K characters, beside one that has a memory.

    rnnzoo prepare tiny_shakespeare
    python benchmarks/ngrams.py

A feed-forward language model (`neural_ngram`) and counted n-grams with Witten-Bell
smoothing predict the next character from the last K; a GRU of as many units predicts it
from all before it in a window of 96, which are at least 32. All know the first 90 % of
tiny Shakespeare and are measured on the same characters of the last 10 %, the published
split. The networks are trained on the same 3,000 batches of 64 windows, far less than
they could use: it compares them at the same small budget, with seed 0.

Writes benchmarks/ngrams.csv and draws docs/ngrams.png. Less than an hour on one core.
"""

from typing import Any

import numpy as np
from harness import Benchmark, make_figure

CONTEXTS = (1, 2, 4, 8, 16, 32)
# The first steps of a window do not count: there the longest context is not yet full.
WARM_UP, WINDOW, STEPS, BATCH, UNITS, RATE = 32, 96, 3_000, 64, 128, 4e-3
NEURAL, COUNTED, RECURRENT = "neural n-gram", "counted n-gram", "GRU"


def read_texts() -> tuple[np.ndarray, np.ndarray, int]:
    """Returns both texts as token ids, and the number of ids with that of padding."""
    from rnnzoo.recipes.shakespeare_language import ShakespeareLanguage
    from rnnzoo.tokens import Characters

    texts = ShakespeareLanguage().texts
    tokens = Characters(Characters.learn(texts[:1], 1000))
    train, validation = (tokens.encode([text])[0] for text in texts)
    return train, validation, tokens.vocabulary_size


def counted_nats(train: np.ndarray, validation: np.ndarray, size: int) -> dict:
    """Returns nats per character of counted n-grams, by the length of the context.

    With $n(hc)$ the times that $c$ came after the context $h$, and $t(h)$ the number of
    different characters that did, Witten-Bell smoothing mixes the shares of $h$ with
    the probability after $h'$, the context without its first character:
    $P(c | h) = (n(hc) + t(h) P(c | h')) / (n(h) + t(h))$.
    """
    ids = np.concatenate([train, validation]).astype("int64")
    known, asked = slice(0, len(train)), slice(len(train), None)
    # The context of every character, as a number; at first it is empty.
    contexts = np.zeros(len(ids), "int64")
    probabilities = np.full(len(validation), 1 / (size - 1))
    found = {}
    for length in range(max(CONTEXTS) + 1):
        grams, which = np.unique(contexts * size + ids, return_inverse=True)
        times = np.bincount(which[known], minlength=len(grams))
        totals = np.bincount(contexts[known], minlength=contexts.max() + 1)
        kinds = np.bincount(grams[times > 0] // size, minlength=len(totals))
        here = contexts[asked]
        mixed = times[which[asked]] + kinds[here] * probabilities
        weight = totals[here] + kinds[here]
        probabilities = np.where(
            weight > 0, mixed / np.maximum(weight, 1), probabilities
        )
        found[length] = float(-np.log(probabilities[counted(validation)]).mean())
        # One character more, of before the context.
        before = np.concatenate([np.zeros(length + 1, "int64"), ids[: -length - 1]])
        _, contexts = np.unique(contexts * size + before, return_inverse=True)
    return {context: found[context] for context in CONTEXTS}


def counted(text: np.ndarray) -> slice:
    """Returns which characters of a text are predicted: those of whole windows."""
    pieces = (len(text) - WARM_UP - 1) // (WINDOW - WARM_UP)
    return slice(WARM_UP + 1, WARM_UP + 1 + pieces * (WINDOW - WARM_UP))


def network_nats(model, train: np.ndarray, validation: np.ndarray) -> float:
    """Trains a network, and returns its nats per character."""
    import keras

    begins = np.random.default_rng(0).integers(0, len(train) - WINDOW, STEPS * BATCH)
    windows = train[begins[:, None] + np.arange(WINDOW + 1)]
    asked = np.tile(np.arange(WINDOW) >= WARM_UP, (len(begins), 1)).astype("float32")
    schedule = keras.optimizers.schedules.CosineDecay(RATE, STEPS)
    model.compile_with_defaults(keras.optimizers.Adam(schedule, global_clipnorm=1))
    model.fit(
        windows[:, :-1],
        windows[:, 1:],
        sample_weight=asked,
        batch_size=BATCH,
        verbose=0,
    )
    place = counted(validation)
    begins = np.arange(place.start - 1 - WARM_UP, place.stop - WINDOW, WINDOW - WARM_UP)
    windows = validation[begins[:, None] + np.arange(WINDOW + 1)]
    logits = model.predict(windows[:, :-1], batch_size=BATCH, verbose=0)[:, WARM_UP:]
    logits -= np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    after = windows[:, 1 + WARM_UP :]
    nats = -np.take_along_axis(logits, after[..., None].astype(int), axis=-1)
    return float(nats.mean())


def measure() -> list[list]:
    """Returns rows of model, context, weights, nats per character."""
    import keras

    from rnnzoo import many_to_many, neural_ngram

    train, validation, size = read_texts()
    rows = [
        [COUNTED, context, "", nats]
        for context, nats in counted_nats(train, validation, size).items()
    ]
    networks = {
        (NEURAL, context): lambda context=context: neural_ngram(
            context=context, vocabulary_size=size, units=UNITS
        )
        for context in CONTEXTS
    }
    networks[RECURRENT, ""] = lambda: many_to_many(
        vocabulary_size=size, num_classes=size, embedding_dim=16, units=UNITS
    )
    for (name, context), make in networks.items():
        keras.utils.set_random_seed(0)
        model = make()
        nats = network_nats(model, train, validation)
        rows.append([name, context, model.count_params(), nats])
        print(*rows[-1], flush=True)
        keras.backend.clear_session()
    return rows


def draw(rows: list[list]) -> Any:
    """Returns a picture of nats per character by the length of the context."""
    figure = make_figure(8, 4.2)
    axis = figure.subplots()
    for name, mark in ((COUNTED, "s-"), (NEURAL, "o-")):
        own = [row for row in rows if row[0] == name]
        axis.plot([row[1] for row in own], [row[3] for row in own], mark, label=name)
    memory = next(row[3] for row in rows if row[0] == RECURRENT)
    axis.axhline(memory, color="#d55e00", ls="--", label=f"{RECURRENT}, all before")
    axis.set(xscale="log", xlabel="characters seen", ylabel="nats per character")
    axis.set_xticks(CONTEXTS, CONTEXTS)
    axis.set_xticks([], minor=True)
    axis.legend()
    return figure


def main() -> None:
    """Measures, writes the table and draws it."""
    benchmark = Benchmark(__file__, __doc__, quick={"STEPS": 20})
    benchmark.parse()
    rows = measure()
    table = [[*labels, f"{nats:.4f}"] for *labels, nats in rows]
    benchmark.write(["model", "context", "weights", "nats_per_character"], table)
    benchmark.save(draw(rows))


if __name__ == "__main__":
    main()
