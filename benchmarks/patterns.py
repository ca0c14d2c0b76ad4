"""Which cell with how many units learns which periodic pattern.

    python benchmarks/patterns.py

Networks with each kind of cell and 1, 2 or 4 units are trained on seven patterns, with
five seeds, and then have to go on with their pattern for 500 bits from every phase. To
do the trainings in minutes, all networks of a kind are trained at the same time, as one
batch of networks: with the examples of the recipe `periodic_patterns` and its seed 0,
its loss, schedule, clipping and curriculum, and the best of as many restarts.

The recipe itself trains a single LSTM cell with five seeds too, in folders of
runs/patterns: runs that are complete are loaded only. Its seed 0 is that of the listed
weights.

It writes benchmarks/patterns.csv, the number of seeds of five that make no error, and
draws docs/patterns.png: losses of single LSTM cells, and the listed weights. About half
an hour on one core.
"""

from typing import Any

import numpy as np
from harness import FOLDER, Benchmark, make_figure

CELLS, UNITS, SEEDS = ("simple", "gru", "lstm"), (1, 2, 4), range(5)
PATTERNS = {
    "1_1": "0 1",
    "3_1": "3 zeros, a one",
    "5_1": "5 zeros, a one",
    "10_1": "10 zeros, a one",
    "20_1": "20 zeros, a one",
    "5_5": "5 zeros, 5 ones",
    "10_10": "10 zeros, 10 ones",
}
ROOT = FOLDER.parent


def recipe_of(pattern: str, seed: int = 0):
    """Returns the recipe of a pattern."""
    from rnnzoo.recipes.periodic_patterns import PeriodicPatterns

    zeros, ones = map(int, pattern.split("_"))
    return PeriodicPatterns(zeros=zeros, ones=ones, seed=seed)


def makes_no_error(pattern: str, model) -> bool:
    """Returns whether a model writes 500 bits without an error from every phase."""
    return recipe_of(pattern).evaluate(model)["exact_match"] == 1


def of_the_recipe(pattern: str) -> int:
    """Returns how many seeds of the recipe make no error."""
    import keras

    import rnnzoo
    from rnnzoo import pattern_generator, training

    right = int(makes_no_error(pattern, pattern_generator(pattern)))
    for seed in SEEDS[1:]:
        run, recipe = ROOT / f"runs/patterns/{pattern}_{seed}", recipe_of(pattern, seed)
        if len(training.read_history(run)) < recipe.epochs:
            training.train(recipe, run, devices="cpu")
        right += makes_no_error(pattern, rnnzoo.load(run / "best.keras"))
        keras.backend.clear_session()
    return right


def examples() -> list[np.ndarray]:
    """Returns sources and targets `[steps, patterns, batch, time]` of all trainings."""
    from rnnzoo import pattern_generator

    model, recipes = pattern_generator("5_5"), [recipe_of(name) for name in PATTERNS]
    drawn = [
        [
            model.encode(*recipe.examples().batch(recipe.batch_size, 0, index))
            for recipe in recipes
        ]
        for index in range(recipes[0].epochs * recipes[0].steps)
    ]
    return [
        np.array([[pair[side][..., 0] for pair in row] for row in drawn])
        for side in (0, 1)
    ]


def read_step(cell: str, weights: list, value, state: list) -> list:
    """Returns the state of all networks after a step, by Keras' equations of a cell.

    Args:
        cell: Kind of cell.
        weights: A layer's weights, each with the networks as a first axis.
        value: Inputs `[networks, batch, 1]`.
        state: Tensors `[networks, batch, units]`.
    """
    from keras import ops

    kernel, recurrent, bias = weights[:3]
    if cell == "gru":
        given = ops.split(value * kernel + bias[:, :1], 3, axis=-1)
        kept = ops.split(ops.matmul(state[0], recurrent) + bias[:, 1:], 3, axis=-1)
        update, reset = (ops.sigmoid(given[i] + kept[i]) for i in (0, 1))
        new = ops.tanh(given[2] + reset * kept[2])
        return [update * state[0] + (1 - update) * new]
    total = value * kernel + ops.matmul(state[0], recurrent) + bias[:, None]
    if cell == "simple":
        return [ops.tanh(total)]
    i, f, z, o = ops.split(total, 4, axis=-1)
    memory = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(z)
    return [ops.sigmoid(o) * ops.tanh(memory), memory]


def train(cell: str, start: list, data: list) -> tuple[list, np.ndarray]:
    """Trains networks at the same time.

    Args:
        cell: Kind of cell.
        start: Initial weights `[networks, ...]`, in the order of a model's.
        data: Sources and targets `[steps, networks, batch, time]`.

    Returns:
        Weights, and losses `[steps, networks]`.
    """
    import keras
    import tensorflow as tf
    from keras import ops

    weights = [keras.Variable(values) for values in start]
    recipe = recipe_of("5_5")
    rate = recipe.optimizer_options()["learning_rate"]
    optimizer = keras.optimizers.Adam(rate, beta_2=0.95)
    optimizer.build(weights)
    networks, units = start[1].shape[:2]
    batch, time = data[0].shape[2:]
    states = 2 if cell == "lstm" else 1

    @tf.function(jit_compile=True, autograph=False)
    def step(source, target):
        source, target = (
            tf.transpose(x, [2, 0, 1])[..., None] for x in (source, target)
        )
        values = [weight.value for weight in weights]

        def body(t, state, loss):
            state = read_step(cell, values, source[t], state)
            logit = ops.matmul(state[0], values[3]) + values[4][:, None]
            errors = tf.abs(target[t]) * tf.nn.softplus(-tf.sign(target[t]) * logit)
            return t + 1, state, loss + tf.reduce_mean(errors, [1, 2]) / time

        with tf.GradientTape() as tape:
            state = [tf.zeros((networks, batch, units))] * states
            loss = tf.while_loop(
                lambda t, *others: t < time,
                body,
                (0, state, tf.zeros(networks)),
                maximum_iterations=time,
            )[-1]
        # Each network's gradient is clipped on its own.
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, values)]
        squares = [
            tf.reduce_sum(tf.reshape(g, (networks, -1)) ** 2, 1) for g in gradients
        ]
        factor = recipe.clip_norm / tf.maximum(tf.sqrt(sum(squares)), recipe.clip_norm)
        optimizer.apply_gradients(
            [
                (g * tf.reshape(factor, [-1] + [1] * (len(g.shape) - 1)), weight)
                for g, weight in zip(gradients, weights, strict=True)
            ]
        )
        return loss

    losses = [step(*map(tf.constant, pair)).numpy() for pair in zip(*data, strict=True)]
    return [weight.numpy() for weight in weights], np.array(losses)


def of_all_at_once(cell: str, units: int, data: list) -> tuple[list[int], np.ndarray]:
    """Returns how many seeds make no error with each pattern, and their losses."""
    import keras

    from rnnzoo import pattern_generator

    recipe = recipe_of("5_5")
    # The same initial weights for all patterns.
    drawn = []
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        for _ in range(recipe.restarts):
            model = pattern_generator(weights=None, cell=cell, units=units)
            drawn.append(model.get_weights())
    begun = [
        np.tile(values, (len(PATTERNS),) + (1,) * (np.ndim(values) - 1))
        for values in map(np.array, zip(*drawn, strict=True))
    ]
    trial = len(data[0]) // 10
    first = [np.repeat(side[:trial], len(drawn), axis=1) for side in data]
    _, losses = train(cell, begun, first)
    score = losses[trial // 2 :].mean(axis=0).reshape(-1, recipe.restarts)
    best = np.arange(len(score)) * recipe.restarts + score.argmin(axis=1)
    weights, losses = train(
        cell,
        [values[best] for values in begun],
        [np.repeat(side, len(SEEDS), axis=1) for side in data],
    )
    right = dict.fromkeys(PATTERNS, 0)
    for network in range(len(best)):
        pattern = list(PATTERNS)[network // len(SEEDS)]
        model.set_weights([values[network] for values in weights])
        right[pattern] += makes_no_error(pattern, model)
    keras.backend.clear_session()
    return list(right.values()), losses


def draw(losses: np.ndarray) -> Any:
    """Returns a picture of losses of single LSTM cells, and of the listed weights."""
    from rnnzoo import pattern_generator

    figure = make_figure(12, 7)
    top, bottom = figure.subfigures(2, 1, height_ratios=(2.2, 1))
    upper = top.subplots(2, 4, sharex=True, sharey=True)
    curves = losses.T.reshape(len(PATTERNS), len(SEEDS), -1)
    for axis, own, label in zip(upper.flat, curves, PATTERNS.values(), strict=False):
        for seed, curve in zip(SEEDS, own, strict=True):
            axis.plot(np.arange(1, len(curve) + 1), curve, lw=0.8, label=f"seed {seed}")
        axis.set_title(label, fontsize="small")
        axis.set(yscale="log")
    legend = upper[0, 0].get_legend_handles_labels()
    upper[-1, -1].axis("off")
    upper[-1, -1].legend(*legend, loc="center")
    top.supxlabel("steps of training", fontsize="small")
    top.supylabel("loss", fontsize="small")
    lower = bottom.subplots(1, len(PATTERNS), sharey=True)
    for axis, (name, label) in zip(lower, PATTERNS.items(), strict=True):
        kernel, recurrent, bias, head, head_bias = pattern_generator(name).get_weights()
        last = np.array([[np.nan], head[0], head_bias])
        table = np.hstack([np.stack([kernel[0], recurrent[0], bias]), last])
        colors = np.sign(table) * np.log1p(np.abs(table))
        axis.imshow(colors, "RdBu", vmin=-4, vmax=4)
        for (row, column), value in np.ndenumerate(table):
            if np.isfinite(value):
                color = "white" if abs(value) > 12 else "black"
                style = {"color": color, "ha": "center", "va": "center"}
                axis.text(column, row, f"{value:.1f}", fontsize=5.5, **style)
        axis.set_title(label, fontsize="small")
        axis.set_xticks(range(5), ["i", "f", "z", "o", "out"], fontsize="small")
        axis.set_yticks(range(3), ["input", "state", "bias"])
        axis.grid(False)
    bottom.suptitle(
        "weights of input gate, forget gate, block input, output gate and output unit",
        fontsize="medium",
    )
    return figure


def main() -> None:
    """Measures, writes the table and draws it."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parse()
    data, rows = examples(), []

    def add(trained: str, cell: str, units: int, seeds: list[int]) -> None:
        rows.append([trained, cell, units, *seeds])
        print(*rows[-1], flush=True)

    for units in UNITS:
        for cell in CELLS:
            seeds, losses = of_all_at_once(cell, units, data)
            add("all at once", cell, units, seeds)
            if (cell, units) == ("lstm", 1):
                benchmark.save(draw(losses))
    add("recipe", "lstm", 1, [of_the_recipe(pattern) for pattern in PATTERNS])
    benchmark.write(["trained", "cell", "units", *PATTERNS], rows)


if __name__ == "__main__":
    main()
