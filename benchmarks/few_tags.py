"""Fine-tuning against training from scratch, on 50, 100, 500, all sentences of Snips.

    python benchmarks/few_tags.py --data=snips

The folder is that of `rnnzoo train snips`. Every training is that recipe, from the
weights of a tagger of parts of speech or with `--weights=none`, for several seeds: they
choose the sentences, too. Few sentences are read 20 times, all of them as often as the
recipe does, by one seed. Validation is on the 700 sentences of that part, and F1 of the
slots and accuracy of the intents on the 700 of the test part. Prints a table, and
writes it to benchmarks/few_tags.csv; trainings that are in the table already are not
repeated (remove it to begin anew).
"""

import tempfile

from harness import Benchmark

SENTENCES, ALL = (50, 100, 500, 0), 13_084
STARTS, PAGE = ("ewt_upos", "none"), "tagging.md"


def measure(data: str, weights: str, sentences: int, seed: int, epochs: int) -> dict:
    """Trains once; returns the figures on the test sentences."""
    from rnnzoo import train
    from rnnzoo.recipes.snips import Snips

    options: dict = {"epochs": epochs} if sentences else {}
    recipe = Snips(
        data=data, weights=weights, sentences=sentences, seed=seed, **options
    )
    with tempfile.TemporaryDirectory() as run:
        model = train(recipe, run)
    return recipe.evaluate(model)


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("--data", default="snips", help="folder of the files")
    benchmark.parser.add_argument("--seeds", type=int, default=3)
    benchmark.parser.add_argument("--epochs", type=int, default=20)
    benchmark.parser.add_argument(
        "--sentences", type=int, nargs="*", default=SENTENCES, help="0 for all"
    )
    parsed = benchmark.parse()
    names = ("sentences", "weights", "seed")
    rows = benchmark.read()
    done = {tuple(str(row[name]) for name in names) for row in rows}
    for seed in range(parsed.seeds):
        for sentences in parsed.sentences:
            for weights in STARTS:
                key = {"sentences": sentences or ALL, "weights": weights, "seed": seed}
                if tuple(map(str, key.values())) in done or (seed and not sentences):
                    continue
                found = measure(parsed.data, weights, sentences, seed, parsed.epochs)
                figures = {
                    name: round(found[name], 4)
                    for name in ("span_f1", "intent_accuracy", "sentence_accuracy")
                }
                rows.append({**key, **figures})
                print(rows[-1], flush=True)
                benchmark.write(
                    list(rows[0]), [list(row.values()) for row in rows], page=PAGE
                )


if __name__ == "__main__":
    main()
