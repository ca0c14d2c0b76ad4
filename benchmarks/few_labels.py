"""Fine-tuning against training from scratch, on 50, 100, 500 and all labels of SST-2.

    python benchmarks/few_labels.py --data=sst2

The folder is that of `rnnzoo train sst2_from_imdb`. Every training is that recipe, with
weights of IMDB or with `--weights=none`, for several seeds: they choose the sentences,
too. Accuracy is on the 1,821 test sentences. Prints a table, and writes it to
benchmarks/few_labels.csv and a picture of it to benchmarks/few_labels.png; trainings
that are in the table already are not repeated (remove it to begin anew).
"""

import statistics
import tempfile
import time
from typing import Any

from harness import FOLDER, Benchmark, make_figure

LABELS, ALL = (50, 100, 500, 0), 6920
STARTS = {"imdb": "fine-tuned from IMDB", "none": "from scratch"}


def measure(data: str, weights: str, sentences: int, seed: int) -> dict:
    """Trains once; returns the accuracy on the test sentences and the minutes."""
    from rnnzoo import train
    from rnnzoo.recipes.sst2_from_imdb import Sst2FromImdb

    recipe = Sst2FromImdb(data=data, weights=weights, sentences=sentences, seed=seed)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as run:
        model = train(recipe, run)
    minutes = (time.monotonic() - begin) / 60
    return {"accuracy": recipe.report(model).accuracy, "minutes": minutes}


def draw(rows: list[dict]) -> Any:
    """Returns a picture of accuracy by number of labels, with each seed's."""
    figure = make_figure(6.4, 4.0)
    axis = figure.add_subplot()
    for weights, label in STARTS.items():
        chosen = [row for row in rows if row["weights"] == weights]
        counts = sorted({row["labels"] for row in chosen})
        means = [
            statistics.mean(r["accuracy"] for r in chosen if r["labels"] == count)
            for count in counts
        ]
        (line,) = axis.plot(counts, means, marker="o", label=label)
        axis.plot(
            [row["labels"] for row in chosen],
            [row["accuracy"] for row in chosen],
            ".",
            color=line.get_color(),
            alpha=0.4,
        )
    axis.set_xscale("log")
    ticks = sorted({row["labels"] for row in rows})
    axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.minorticks_off()
    axis.set_xlabel("labelled sentences for training")
    axis.set_ylabel("accuracy on the test set of SST-2")
    axis.set_title("SST-2: mean of the seeds (line) and each of them (dots)")
    axis.legend()
    return figure


def main() -> None:
    """Measures everything, prints and writes the table and the picture."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("--data", default="sst2", help="folder of the files")
    benchmark.parser.add_argument("--seeds", type=int, default=3)
    parsed = benchmark.parse()
    numbers = {"labels": int, "seed": int, "accuracy": float, "minutes": float}
    rows = [
        {key: numbers.get(key, str)(value) for key, value in row.items()}
        for row in benchmark.read()
    ]
    done = {(row["labels"], row["weights"], row["seed"]) for row in rows}
    for seed in range(parsed.seeds):
        for sentences in LABELS:
            for weights in STARTS:
                if (sentences or ALL, weights, seed) in done:
                    continue
                figures = measure(parsed.data, weights, sentences, seed)
                rows.append(
                    {
                        "labels": sentences or ALL,
                        "weights": weights,
                        "seed": seed,
                        "accuracy": round(figures["accuracy"], 4),
                        "minutes": round(figures["minutes"], 1),
                    }
                )
                print(rows[-1], flush=True)
                benchmark.write(list(rows[0]), [list(row.values()) for row in rows])
                benchmark.save(draw(rows), FOLDER)


if __name__ == "__main__":
    main()
