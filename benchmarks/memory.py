"""How many bits hidden Markov models and recurrent networks remember.

    python benchmarks/memory.py

A row of bits, each 1 or -1, is shown at the first step. Two rows of zeros come after
it, and then the bits have to be told. A model says how probable each row of bits is as
an answer; the measures are the mean probability of the right row, which is the share of
right answers if they are drawn as the model says, and the bits remembered: those shown
less those still missing, the cross-entropy of the right row in bits.

A hidden Markov model's answer depends on the past through its hidden state alone. Over
all rows of B bits, N states give no more than a mean probability of N / 2^B to the
right ones, and cannot remember more than log2 N bits. Beside each is a simple recurrent
network with as many weights or fewer. Both are trained by gradient descent from three
beginnings, of which the one with the lowest loss in training counts. Hidden Markov
models with weights set by hand, which reach the bound, are measured too.

Measured over all rows of up to 12 bits, and over 4,096 random ones of more. Writes
benchmarks/memory.csv and draws docs/memory.png. About a quarter of an hour on one core.
"""

import itertools
from typing import Any

import numpy as np
from harness import Benchmark, make_figure

STATES = (2, 4, 8, 16, 32, 64)
# Networks are asked for more and more bits, until they tell almost no row.
MORE_BITS, ALMOST_NONE = (8, 16, 32, 64), 0.02
PAUSE, BEGINNINGS, STEPS, BATCH = 2, 3, 800, 64
BY_HAND, TRAINED, NETWORK = "set by hand", "hidden Markov model", "recurrent network"
RATES = {TRAINED: 0.03, NETWORK: 0.01}


def random_rows(count: int, bits: int, seed: int) -> np.ndarray:
    """Returns rows of bits `[count, bits]`, each 1 or -1."""
    random = np.random.default_rng(seed)
    return random.choice([-1.0, 1.0], (count, bits)).astype("float32")


def tested_rows(bits: int) -> np.ndarray:
    """Returns all rows of so many bits, or some of them."""
    if bits > 12:
        return random_rows(4096, bits, seed=1)
    return np.array(list(itertools.product([-1.0, 1.0], repeat=bits)), "float32")


def shown(rows: np.ndarray) -> np.ndarray:
    """Returns what models see of rows: the bits, and then zeros."""
    return np.pad(rows[:, None], [(0, 0), (0, PAUSE), (0, 0)])


def hidden_markov_model(states: int, bits: int):
    """Returns an untrained hidden Markov model."""
    from rnnzoo import hidden_markov

    return hidden_markov(states=states, features=bits)


def model_by_hand(states: int, bits: int):
    """Returns a hidden Markov model whose states stand for the first bits.

    They are never left, and draw the bits that they do not stand for at random.
    """
    model = hidden_markov_model(states, bits)
    known = min(bits, int(np.log2(states)))
    means, scales = np.zeros((states, bits)), np.zeros((states, bits))
    means[:, :known] = np.resize(tested_rows(known), (states, known))
    scales[:, :known] = -3
    first, stays = np.zeros(states), 40 * np.eye(states)
    values = {"first": first, "means": means, "scales": scales, "transitions": stays}
    model.set_weights([values[weight.name] for weight in model.weights])
    return model


def network(states: int, bits: int):
    """Returns a simple network with at most the weights of such a model."""
    from rnnzoo import many_to_many

    most = states**2 + states + 2 * states * bits
    units = 1
    while (units + 1) ** 2 + (2 * bits + 1) * (units + 1) + bits <= most:
        units += 1
    return many_to_many(features=bits, num_values=bits, units=units, cell="simple")


def trained(kind: str, states: int, bits: int):
    """Returns a model that learned to remember, from the best of its beginnings."""
    import keras

    make = {TRAINED: hidden_markov_model, NETWORK: network}[kind]
    keras.utils.set_random_seed(0)
    rows = random_rows(STEPS * BATCH, bits, seed=0)
    targets = np.pad(rows[:, None], [(0, 0), (PAUSE, 0), (0, 0)])
    loss = None
    if kind == NETWORK:
        targets = (targets > 0).astype("float32")
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
    asked = np.tile(np.float32([0] * PAUSE + [1]), (len(rows), 1))
    schedule = keras.optimizers.schedules.CosineDecay(RATES[kind], STEPS)
    model = make(states, bits)
    optimizer = keras.optimizers.Adam(schedule, global_clipnorm=1)
    model.compile(optimizer, loss, steps_per_execution=50)
    optimizer.build(model.trainable_variables)
    fresh = [keras.ops.convert_to_numpy(value) for value in optimizer.variables]
    found = []
    for _ in range(BEGINNINGS):
        model.set_weights(make(states, bits).get_weights())
        for variable, value in zip(optimizer.variables, fresh, strict=True):
            variable.assign(value)
        history = model.fit(
            shown(rows), targets, sample_weight=asked, batch_size=BATCH, verbose=0
        )
        found.append((history.history["loss"][-1], model.get_weights()))
    model.set_weights(min(found, key=lambda one: one[0])[1])
    return model


def log_probabilities(model, rows: np.ndarray) -> np.ndarray:
    """Returns the logarithm of the probability of each right row, `[count]`."""
    from keras import ops

    from rnnzoo.layers.hidden_markov import SMALLEST_SCALE

    said = model.predict(shown(rows), batch_size=len(rows), verbose=0)[:, -1]
    if not hasattr(model, "chain"):
        return -np.logaddexp(0, -said * rows).sum(axis=1)
    # A state draws values from normal distributions, and their signs are the bits.
    scales = ops.exp(model.chain.scales) + SMALLEST_SCALE
    ratios = ops.convert_to_numpy(model.chain.means / scales)
    chances = (1 + ops.convert_to_numpy(ops.erf(ratios / 2**0.5))) / 2  # of a 1
    ones = (rows[:, None] + 1) / 2
    logs = np.log(np.maximum(ones * chances + (1 - ones) * (1 - chances), 1e-30))
    return np.logaddexp.reduce(said + logs.sum(axis=-1), axis=1)


def measure() -> list[list]:
    """Returns rows of kind, states, weights, bits, mean probability, remembered."""
    import keras

    table = []

    def add(kind: str, model, states: int, bits: int) -> float:
        logs = log_probabilities(model, tested_rows(bits))
        right, remembered = np.exp(logs).mean(), bits + logs.mean() / np.log(2)
        table.append([kind, states, model.count_params(), bits, right, remembered])
        print(*table[-1], flush=True)
        keras.backend.clear_session()
        return right

    for states in STATES:
        most = int(np.log2(states))
        bits_near = range(max(1, most - 1), most + 3)
        for bits in bits_near:
            add(BY_HAND, model_by_hand(states, bits), states, bits)
            add(TRAINED, trained(TRAINED, states, bits), states, bits)
        for bits in sorted({*bits_near, *(b for b in MORE_BITS if b > most)}):
            if add(NETWORK, trained(NETWORK, states, bits), states, bits) < ALMOST_NONE:
                break
    return table


def draw(table: list[list]) -> Any:
    """Returns a picture of right answers, and of bits remembered, by size."""
    figure = make_figure(12, 7.6)
    top, bottom = figure.subfigures(2, 1, height_ratios=[1.25, 1])
    styles = {
        BY_HAND: {"marker": "x", "color": "#444", "ls": "none"},
        TRAINED: {"marker": "o", "color": "#2f6fb0"},
        NETWORK: {"marker": "s", "color": "#d55e00"},
    }
    for axis, states in zip(top.subplots(2, 3).flat, STATES, strict=True):
        fine = np.linspace(1, 64, 1000)
        axis.plot(fine, np.minimum(1, states / 2**fine), "--", color="#9a9a9a", lw=1)
        for kind, style in styles.items():
            own = [row for row in table if row[:2] == [kind, states]]
            label = f"hidden Markov model {kind}" if kind == BY_HAND else kind
            points = [row[3] for row in own], [row[4] for row in own]
            axis.plot(*points, **style, ms=4, label=label)
        axis.set(xscale="log", ylim=(-0.03, 1.05), xlabel="bits shown")
        axis.set_xticks([1, 2, 4, 8, 16, 32, 64], [1, 2, 4, 8, 16, 32, 64])
        axis.set_xticks([], minor=True)
        axis.set_title(f"{states} states", fontsize=10)
        axis.set_ylabel("right answers")
    top.axes[0].legend(fontsize="small")
    axis = bottom.subplots()
    for kind, style in styles.items():
        best = [
            max(row[5] for row in table if row[:2] == [kind, states])
            for states in STATES
        ]
        axis.plot(STATES, best, **style, label=kind)
    axis.plot(STATES, np.log2(STATES), "--", color="#9a9a9a", lw=1, label="log2 N")
    axis.set(xscale="log", yscale="log")
    axis.set_xticks(STATES, STATES)
    axis.set_xticks([], minor=True)
    axis.set_yticks([1, 2, 4, 8, 16, 32, 64], [1, 2, 4, 8, 16, 32, 64])
    axis.set_yticks([], minor=True)
    axis.set_xlabel("N states, or a network of as many weights")
    axis.set_ylabel("most bits remembered")
    axis.legend(fontsize="small")
    return figure


def main() -> None:
    """Measures, writes the table and draws it."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parse()
    table = measure()
    header = ["model", "states", "weights", "bits", "right_answers", "bits_remembered"]
    rows = [
        [*labels, f"{right:.4f}", f"{remembered:.3f}"]
        for *labels, right, remembered in table
    ]
    benchmark.write(header, rows)
    benchmark.save(draw(table))


if __name__ == "__main__":
    main()
