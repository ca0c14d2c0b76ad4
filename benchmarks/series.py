"""Predicts two series with memoryless models, a hidden Markov model and a GRU.

    python benchmarks/series.py --data=FOLDER

The folder has `monthly-sunspots.csv` (monthly sunspot numbers, Zurich, 1749 to 1983)
and `daily-min-temperatures.csv` (the lowest temperature of each day in degrees Celsius,
Melbourne, 1981 to 1990) of the Time Series Data Library: a header, and then a date and
a value a row. Both are in the repository jbrownlee/Datasets on GitHub.

A model reads a series value by value, and predicts the next one each time. The first
70 % of a series is to train on. On the tenth after it, training is stopped where the
loss is lowest, and each kind of model gets its size: the one with the lowest error
there, a mean of three seeds. The error on the last fifth is then measured once, as the
root of the mean squared error, in the unit of the series. The last value, said again,
and the mean of all values of the training are there to compare with.

Writes benchmarks/series.csv, with all sizes, and draws docs/series.png. About a quarter
of an hour on one core.
"""

import csv
import pathlib
from typing import Any

import numpy as np
from harness import Benchmark, make_figure

SERIES = {
    "sunspots": "monthly-sunspots.csv",
    "degrees Celsius": "daily-min-temperatures.csv",
}
# Taps, states or units, the sizes to choose from, and the learning rate.
KINDS = {
    "autoregressive": ("taps", (3, 12, 24), 2e-2),
    "feed-forward": ("taps", (3, 12, 24), 5e-3),
    "hidden Markov": ("states", (8, 32), 3e-2),
    "GRU": ("units", (8, 32), 1e-2),
}
SEEDS, WINDOW, WARM_UP, BATCH, BATCHES, EPOCHS = range(3), 48, 24, 64, 20, 40
SHOWN = 120
AGAIN, MEAN = "the last value again", "the mean"
COLORS = ("#9a9a9a", "#c9c9c9", "#009e73", "#cc79a7", "#2f6fb0", "#d55e00")


def read_series(path: pathlib.Path) -> np.ndarray:
    """Returns the values of a series, float32."""
    with path.open(encoding="utf-8", newline="") as file:
        return np.array([row[1] for row in list(csv.reader(file))[1:]], "float32")


def untrained(kind: str, size: int):
    """Returns a model of a kind and a size."""
    from rnnzoo import autoregressive, feed_forward, hidden_markov, many_to_many

    return {
        "autoregressive": lambda: autoregressive(taps=size),
        "feed-forward": lambda: feed_forward(taps=size, units=32),
        "hidden Markov": lambda: hidden_markov(states=size, features=1),
        "GRU": lambda: many_to_many(features=1, num_values=1, units=size),
    }[kind]()


def predictions(kind: str, size: int, values: np.ndarray, seed: int) -> tuple:
    """Returns a trained model's predictions of all values but the first, and weights.

    Args:
        kind: Kind of model.
        size: Its size.
        values: The series, standardised.
        seed: Seed of weights and windows.
    """
    import keras

    keras.utils.set_random_seed(seed)
    train, known = int(0.7 * len(values)), int(0.8 * len(values))
    begins = np.random.default_rng(seed).integers(0, train - WINDOW, BATCH * BATCHES)
    windows = values[begins[:, None] + np.arange(WINDOW + 1)][..., None]
    # No model is asked before it has seen as much as the longest taps reach.
    asked = np.tile(np.arange(WINDOW) >= WARM_UP, (len(begins), 1)).astype("float32")
    past = values[None, :known, None]
    validated = (np.arange(1, known) >= train)[None].astype("float32")
    rate = KINDS[kind][2]
    model = untrained(kind, size)
    model.compile_with_defaults(keras.optimizers.Adam(rate, global_clipnorm=1))
    model.fit(
        windows[:, :-1],
        windows[:, 1:],
        sample_weight=asked,
        validation_data=(past[:, :-1], past[:, 1:], validated),
        batch_size=BATCH,
        epochs=EPOCHS,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True)
        ],
        verbose=0,
    )
    source = values[None, :-1, None]
    if kind == "hidden Markov":
        return model.expect(source)[0, :, 0], model.count_params()
    return model.predict(source, verbose=0)[0, :, 0], model.count_params()


def measure(unit: str, values: np.ndarray) -> tuple[list[list], dict]:
    """Measures all models on a series.

    Args:
        unit: What it is a series of.
        values: The series.

    Returns:
        Rows of the table, and the held-out predictions of seed 0 of those that were
        chosen, by name.
    """
    import keras

    train, known = int(0.7 * len(values)), int(0.8 * len(values))
    mean, spread = values[:train].mean(), values[:train].std()
    standardised, truth = (values - mean) / spread, values[1:]

    def errors(said: np.ndarray) -> tuple[float, float]:
        """Returns the roots of the mean squared errors in validation and held-out."""
        squares = (said - truth) ** 2
        parts = squares[train - 1 : known - 1], squares[known - 1 :]
        return tuple(float(np.sqrt(part.mean())) for part in parts)

    again = values[:-1], np.full_like(truth, mean)
    rows, drawn = [], {}
    for name, said in zip((AGAIN, MEAN), again, strict=True):
        validation, held_out = errors(said)
        rows.append([unit, name, "", 0, validation, held_out, 0.0, "chosen"])
        drawn[name] = said[known - 1 :]
    for kind, (_, sizes, _) in KINDS.items():
        found = []
        for size in sizes:
            results = []
            for seed in SEEDS:
                said, weights = predictions(kind, size, standardised, seed)
                results.append((said * spread + mean, *errors(said * spread + mean)))
                keras.backend.clear_session()
            _, validation, held_out = zip(*results, strict=True)
            spread_of_seeds = np.std(held_out, ddof=1)
            row = [unit, kind, size, weights, np.mean(validation), np.mean(held_out)]
            found.append(([*row, spread_of_seeds, ""], results[0][0][known - 1 :]))
            print(*found[-1][0], flush=True)
        best, drawn[kind] = min(found, key=lambda one: one[0][4])
        best[-1] = "chosen"
        rows += [row for row, _ in found]
    return rows, drawn


def draw(rows: list[list], series: dict, drawn: dict) -> Any:
    """Returns a picture of held-out values with their predictions, and of errors."""
    figure = make_figure(12, 6.6)
    axes = figure.subplots(2, 2, width_ratios=[2, 1])
    for (left, right), unit in zip(axes, SERIES, strict=True):
        truth = series[unit][int(0.8 * len(series[unit])) :]
        left.plot(truth[:SHOWN], color="black", lw=1.6, label="series")
        for (name, said), color in zip(drawn[unit].items(), COLORS, strict=True):
            if name not in (AGAIN, MEAN):
                left.plot(said[:SHOWN], color=color, lw=1, label=name)
        left.set(xlabel="held-out steps", ylabel=unit, xlim=(0, SHOWN - 1))
        chosen = [row for row in rows if row[0] == unit and row[-1]]
        labels = [
            f"{name}, {size} {KINDS[name][0]}" if size else name
            for _, name, size, *_ in chosen
        ]
        right.barh(
            labels,
            [row[5] for row in chosen],
            xerr=[row[6] for row in chosen],
            color=COLORS,
        )
        right.invert_yaxis()
        right.set(xlabel=f"root mean squared error, {unit}")
    axes[0, 0].legend(fontsize="small", ncols=2)
    return figure


def main() -> None:
    """Measures, writes the table and draws it."""
    benchmark = Benchmark(__file__, __doc__, {"SEEDS": range(2), "EPOCHS": 1})
    benchmark.parser.add_argument(
        "--data", type=pathlib.Path, required=True, help="the folder"
    )
    folder = benchmark.parse().data
    missing = [name for name in SERIES.values() if not (folder / name).is_file()]
    if missing:
        benchmark.parser.error(
            f"The folder must hold {' and '.join(SERIES.values())}. Received: "
            f"data={str(folder)!r} without {' and '.join(missing)}"
        )
    series = {unit: read_series(folder / name) for unit, name in SERIES.items()}
    rows, drawn = [], {}
    for unit, values in series.items():
        more, drawn[unit] = measure(unit, values)
        rows += more
    header = ["series", "model", "size", "weights", "validation_error"]
    header += ["held_out_error", "standard_deviation", "chosen"]
    table = [
        [*row[:4], *(f"{value:.4g}" for value in row[4:7]), row[7]] for row in rows
    ]
    benchmark.write(header, table)
    benchmark.save(draw(rows, series, drawn))


if __name__ == "__main__":
    main()
