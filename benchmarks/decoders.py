"""Forecasts with the segment decoder and with the autoregressive one.

    python benchmarks/decoders.py --data=timeseries

The folder has `daily-min-temperatures.csv` and `monthly-sunspots.csv` of the Time
Series Data Library. `own_forecast` is trained with its defaults and each decoder; the
errors are those of its back-test on the last fifth. Writes benchmarks/decoders.csv.
"""

import pathlib
import tempfile

from harness import Benchmark

SERIES = {
    "lowest temperatures": "daily-min-temperatures.csv",
    "sunspots": "monthly-sunspots.csv",
}


def main() -> None:
    """Trains both decoders on both series, and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("--data", type=pathlib.Path, required=True)
    options = benchmark.parse()
    from rnnzoo.training import read_history, recipe_class, train

    rows = []
    for name, file in SERIES.items():
        for decoder in ("segments", "autoregressive"):
            recipe = recipe_class("own_forecast")(
                data=str(options.data / file), decoder=decoder
            )
            with tempfile.TemporaryDirectory() as folder:
                run = pathlib.Path(folder, "run")
                figures = recipe.evaluate(train(recipe, run))
                seconds = read_history(run)[-1]["seconds"]
            errors = [f"{figures[key]:.4f}" for key in ("mase", "pinball", "coverage")]
            rows.append([name, decoder, *errors, f"{seconds:.0f}"])
    header = ["series", "decoder", "mase", "pinball", "coverage", "seconds"]
    benchmark.write(header, rows, page="forecasting.md")


if __name__ == "__main__":
    main()
