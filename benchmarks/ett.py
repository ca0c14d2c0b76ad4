"""Forecasts ETTh1 at six horizons, beside ridge regression and the day before.

    python benchmarks/ett.py --data=ett [--runs=FOLDER]

The folder has `ETTh1.csv`. For each horizon a network is trained by the recipe
`etth1`, or taken from `FOLDER/etth1_HORIZON`, a finished run of it. The protocol is
that of the papers (see the recipe): the mean square and absolute error over the seven
standardized series and all windows of the last four months, which nothing was chosen
on. The ridge regression reads 336 steps relative to the last one, one for all series;
its penalty is chosen on the four months before.

Writes benchmarks/ett.csv.
"""

import pathlib

import numpy as np
from harness import Benchmark

HORIZONS = (24, 48, 96, 192, 336, 720)
STEPS = 336
# Settings that are not the recipe's.
OPTIONS = {
    24: {"segment": 24, "epochs": 4},
    48: {"epochs": 4},
    96: {"epochs": 6},
    # Chosen by the loss on the months of validation.
    720: {"linear": True, "learning_rate": 3e-4, "epochs": 3},
}


def measure_simple(values: np.ndarray, parts: tuple, horizon: int) -> dict[str, float]:
    """Returns the mean square error of ridge, and of the same hour yesterday.

    Args:
        values: Standardized values `[hours, series]`.
        parts: Hours to train, validate and test on.
        horizon: Hours to forecast.
    """
    first, second, third = np.cumsum(parts)

    def windows(begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        origins = np.arange(max(begin, STEPS), end - horizon + 1)
        past = values[origins[:, None] + np.arange(-STEPS, 0)]
        future = values[origins[:, None] + np.arange(horizon)]
        last = past[:, -1:]
        join = (0, 2, 1)
        return (
            (past - last).transpose(join).reshape(-1, STEPS),
            (future - last).transpose(join).reshape(-1, horizon),
        )

    inputs, targets = windows(0, first)
    inputs = np.pad(inputs, ((0, 0), (0, 1)), constant_values=1.0)
    gram, product = inputs.T @ inputs, inputs.T @ targets
    best, chosen = np.inf, None
    unit = np.eye(STEPS + 1)
    unit[-1, -1] = 0.0
    held, truth = windows(first, second)
    held = np.pad(held, ((0, 0), (0, 1)), constant_values=1.0)
    for penalty in (1e1, 1e2, 1e3, 1e4, 1e5):
        kernel = np.linalg.solve(gram + penalty * unit, product)
        error = float(((held @ kernel - truth) ** 2).mean())
        if error < best:
            best, chosen = error, kernel
    inputs, targets = windows(second, third)
    ridge = np.pad(inputs, ((0, 0), (0, 1)), constant_values=1.0) @ chosen
    day = np.resize(np.arange(STEPS - 24, STEPS), horizon)
    return {
        "ridge": float(((ridge - targets) ** 2).mean()),
        "yesterday": float(((inputs[:, day] - targets) ** 2).mean()),
    }


def main() -> None:
    """Measures all horizons, and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    parser = benchmark.parser
    parser.add_argument("--data", required=True, help="the folder of ETTh1.csv")
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path("runs"))
    parser.add_argument("--horizons", help="some of the horizons, with commas")
    options = benchmark.parse()
    import rnnzoo
    from rnnzoo.recipes.etth1 import PARTS, Etth1
    from rnnzoo.training import read_history, train

    asked = map(int, options.horizons.split(",")) if options.horizons else HORIZONS
    rows = []
    for horizon in asked:
        recipe = Etth1(
            data=options.data, horizon=horizon, **OPTIONS.get(horizon, {"epochs": 3})
        )
        run = options.runs / f"etth1_{horizon}"
        if not (run / "best.keras").is_file():
            train(recipe, run)
        model = rnnzoo.load(run / "best.keras")
        figures = recipe.evaluate(model)
        simple = measure_simple(recipe.table[1], PARTS, horizon)
        names = ("mse", "mae", "coverage")
        minutes = read_history(run)[-1]["seconds"] / 60
        rows.append(
            [
                horizon,
                *(f"{figures[name]:.4f}" for name in names),
                *(f"{simple[name]:.4f}" for name in ("ridge", "yesterday")),
                model.count_params(),
                f"{minutes:.1f}",
            ]
        )
        print(*rows[-1])
    header = ["horizon", "mse", "mae", "coverage_80"]
    header += ["ridge_mse", "yesterday_mse", "parameters", "minutes"]
    benchmark.write(header, rows, page="forecasting.md")


if __name__ == "__main__":
    main()
