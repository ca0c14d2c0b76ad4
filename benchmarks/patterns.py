"""Which cell with how many units learns which periodic pattern.

    python benchmarks/patterns.py

For each kind of cell and number of units this trains five networks, of five seeds, on
each of seven patterns, as the recipe `periodic_patterns` does: its examples, loss,
optimizer, schedule, curriculum, and choice of the best of several beginnings. All
networks of a kind are trained at the same time, as one batch of networks, which takes
seconds where the recipe would take a minute for each. Then each goes on with its
pattern for 500 bits from every phase, as a model of the package.

It writes benchmarks/patterns.csv, the number of seeds of five that make no error, and
draws the loss of the single LSTM cells, and the weights of the listed ones.
"""

import csv
import pathlib

import numpy as np

CELLS = ("simple", "gru", "lstm")
UNITS = (1, 2, 4, 8)
SEEDS = 5
PATTERNS = {
    "1_1": "0 1",
    "3_1": "3 zeros, a one",
    "5_1": "5 zeros, a one",
    "10_1": "10 zeros, a one",
    "20_1": "20 zeros, a one",
    "5_5": "5 zeros, 5 ones",
    "10_10": "10 zeros, 10 ones",
}


def recipes() -> list:
    """Returns the recipe of each pattern."""
    from rnnzoo.recipes.periodic_patterns import PeriodicPatterns

    counts = [map(int, name.split("_")) for name in PATTERNS]
    return [PeriodicPatterns(zeros=zeros, ones=ones) for zeros, ones in counts]


def batches() -> tuple:
    """Returns sources and targets `[steps, patterns, batch, time]` of all trainings."""
    from rnnzoo import pattern_generator

    model = pattern_generator(weights=None)
    encoded = [
        [
            model.encode(*recipe.examples().batch(recipe.batch_size, 0, step))
            for recipe in recipes()
        ]
        for step in range(recipes()[0].epochs * recipes()[0].steps)
    ]
    return tuple(
        np.array([[pair[side][..., 0] for pair in row] for row in encoded])
        for side in (0, 1)
    )


def read_step(cell: str, weights: list, value, state: tuple) -> tuple:
    """Returns the state after a step; equations as in `RecurrentStack`.

    Args:
        cell: Kind of cell.
        weights: Keras' weights, each with the networks as a first axis.
        value: Inputs `[networks, batch, 1]`.
        state: Tensors `[networks, batch, units]`.
    """
    import tensorflow as tf

    kernel, recurrent, bias = weights[:3]
    units = recurrent.shape[1]
    if cell == "gru":
        given = value * kernel + bias[:, :1]
        kept = state[0] @ recurrent + bias[:, 1:]
        update, reset = (
            tf.sigmoid((given + kept)[..., i * units : (i + 1) * units]) for i in (0, 1)
        )
        new = tf.tanh(given[..., 2 * units :] + reset * kept[..., 2 * units :])
        return (update * state[0] + (1 - update) * new,)
    total = value * kernel + state[0] @ recurrent + bias[:, None]
    if cell == "simple":
        return (tf.tanh(total),)
    i, f, z, o = tf.split(total, 4, axis=-1)
    memory = tf.sigmoid(f) * state[1] + tf.sigmoid(i) * tf.tanh(z)
    return tf.sigmoid(o) * tf.tanh(memory), memory


def train(cell: str, start: list, data: tuple, rates: np.ndarray, steps: int) -> tuple:
    """Trains networks at the same time, with Adam and clipping for each.

    Args:
        cell: Kind of cell.
        start: Initial weights `[networks, ...]`, in Keras' order.
        data: What `batches` returned, with a pattern for each network.
        rates: Learning rate of every step.
        steps: Number of steps.

    Returns:
        Weights, and losses `[steps, networks]`.
    """
    import tensorflow as tf

    weights = [tf.Variable(values) for values in start]
    means = [tf.Variable(tf.zeros_like(values)) for values in start]
    squares = [tf.Variable(tf.zeros_like(values)) for values in start]
    networks, units = start[1].shape[:2]
    batch, time = data[0].shape[2:]
    states = 2 if cell == "lstm" else 1

    def per_network(factor, like):
        return tf.reshape(factor, [-1] + [1] * (len(like.shape) - 1))

    @tf.function(jit_compile=True, autograph=False)
    def step(source, target, rate, count):
        source, target = (
            tf.transpose(x, [2, 0, 1])[..., None] for x in (source, target)
        )

        def body(t, state, loss):
            state = read_step(cell, weights, source[t], state)
            logit = state[0] @ weights[3] + weights[4][:, None]
            errors = tf.abs(target[t]) * tf.nn.softplus(-tf.sign(target[t]) * logit)
            return t + 1, state, loss + tf.reduce_mean(errors, [1, 2]) / time

        with tf.GradientTape() as tape:
            state = (tf.zeros((networks, batch, units)),) * states
            loss = tf.while_loop(
                lambda t, *others: t < time,
                body,
                (0, state, tf.zeros(networks)),
                maximum_iterations=time,
            )[-1]
        gradients = tape.gradient(loss, weights)
        norm = tf.sqrt(
            sum(tf.reduce_sum(tf.reshape(g, (networks, -1)) ** 2, 1) for g in gradients)
        )
        factor = tf.minimum(1.0, 1.0 / tf.maximum(norm, 1e-12))
        for weight, gradient, mean, square in zip(
            weights, gradients, means, squares, strict=True
        ):
            gradient *= per_network(factor, gradient)
            mean.assign(0.9 * mean + 0.1 * gradient)
            square.assign(0.95 * square + 0.05 * gradient**2)
            scale = tf.sqrt(1 - 0.95**count) / (1 - 0.9**count)
            weight.assign_sub(rate * scale * mean / (tf.sqrt(square) + 1e-7))
        return loss

    losses = [
        step(
            tf.constant(data[0][index]),
            tf.constant(data[1][index]),
            tf.constant(rates[index], tf.float32),
            tf.constant(index + 1.0),
        ).numpy()
        for index in range(steps)
    ]
    return [weight.numpy() for weight in weights], np.array(losses)


def measure(cell: str, units: int, data: tuple) -> tuple[list[int], np.ndarray]:
    """Returns how many seeds learn each pattern, and the losses of all steps."""
    import keras

    from rnnzoo import pattern_generator

    recipe, total = recipes()[0], len(data[0])
    rates = np.array(
        [float(recipe.optimizer_options()["learning_rate"](s)) for s in range(total)]
    )
    # The same beginnings for all patterns: [seeds, beginnings] of each weight.
    started: list = []
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed)
        for _ in range(recipe.beginnings):
            model = pattern_generator(weights=None, cell=cell, units=units)
            started.append(model.get_weights())
    started = [np.array(values) for values in zip(*started, strict=True)]
    candidates = SEEDS * recipe.beginnings
    start = [np.tile(v, (len(PATTERNS),) + (1,) * (v.ndim - 1)) for v in started]
    trial = total // 10
    first = [np.repeat(side[:trial], candidates, axis=1) for side in data]
    _, losses = train(cell, start, first, rates, trial)
    score = losses[trial // 2 :].mean(axis=0).reshape(-1, recipe.beginnings)
    best = np.arange(len(score)) * recipe.beginnings + score.argmin(axis=1)
    weights, losses = train(
        cell,
        [values[best] for values in start],
        [np.repeat(side, SEEDS, axis=1) for side in data],
        rates,
        total,
    )
    right = np.zeros(len(best), bool)
    for network in range(len(best)):
        model.set_weights([values[network] for values in weights])
        figures = recipes()[network // SEEDS].evaluate(model)
        right[network] = figures["exact_match"] == 1
    return right.reshape(-1, SEEDS).sum(axis=1).tolist(), losses


def draw(losses: np.ndarray, path: pathlib.Path) -> None:
    """Draws losses of the single LSTM cells and the weights of the listed ones."""
    from matplotlib.figure import Figure

    from rnnzoo import pattern_generator

    figure = Figure(figsize=(12, 7), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 0.9))
    axis = top.subplots()
    curves = np.median(losses.reshape(len(losses), -1, SEEDS), axis=2)
    for curve, label in zip(curves.T, PATTERNS.values(), strict=True):
        axis.plot(np.arange(1, len(curve) + 1), curve, label=label, linewidth=1)
    axis.set(
        yscale="log",
        xlabel="steps; runs of the pattern grow from 3 bits on between 240 and 720",
        ylabel="loss in training, median of five seeds",
    )
    axis.legend(fontsize="small", loc="lower left", ncols=2)
    axis.grid(alpha=0.3)
    axes = bottom.subplots(1, len(PATTERNS), sharey=True)
    for axis, (name, label) in zip(axes, PATTERNS.items(), strict=True):
        kernel, recurrent, bias, head, head_bias = pattern_generator(name).get_weights()
        head_column = np.array([[np.nan], head[0], head_bias])
        table = np.hstack([np.stack([kernel[0], recurrent[0], bias]), head_column])
        axis.imshow(np.sign(table) * np.log1p(np.abs(table)), "RdBu", vmin=-4, vmax=4)
        for (row, column), value in np.ndenumerate(table):
            if np.isfinite(value):
                color = "white" if abs(value) > 12 else "black"
                axis.text(
                    column,
                    row,
                    f"{value:.1f}",
                    color=color,
                    ha="center",
                    va="center",
                    fontsize=5.5,
                )
        axis.set_title(label, fontsize="small")
        axis.set_xticks(range(5), ["i", "f", "z", "o", "out"], fontsize="small")
        axis.set_yticks(range(3), ["input", "state", "bias"])
    bottom.suptitle(
        "weights of input, forget, block input and output gate, and of the output unit",
        fontsize="medium",
    )
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measures, prints and writes the table, and draws it."""
    data = batches()
    path = pathlib.Path(__file__).resolve().with_suffix(".csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["cell", "units", *PATTERNS])
        for units in UNITS:
            for cell in CELLS:
                seeds, losses = measure(cell, units, data)
                writer.writerow([cell, units, *seeds])
                file.flush()
                print(cell, units, *seeds, flush=True)
                if (cell, units) == ("lstm", 1):
                    single = losses
    draw(single, path.parent.parent / "docs" / "patterns.png")


if __name__ == "__main__":
    main()
