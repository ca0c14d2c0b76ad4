"""Fine-tuning a translator on 200 pairs of a domain, against training from scratch.

    python benchmarks/few_pairs.py

The domain are captions of pictures, whose sentences are unlike the everyday ones that
`translator.tatoeba_en_fr` learned from: English and French captions of Multi30k, in the
folder `multi30k` of that of all data sets (see `recipes/multi30k_en_de.py`). 200 pairs
of its training part, drawn by each seed, are written to a file, and `rnnzoo train
own_translator` learns from it, with the weights and without. BLEU and chrF, of a beam
of 5, are on the 1,000 captions of test_2016_flickr. Prints a table, and writes it to
benchmarks/few_pairs.csv and to docs/translation.md.
"""

import pathlib
import tempfile
import time

from harness import Benchmark

PAIRS = 200
WEIGHTS = "tatoeba_en_fr"
# As the recipe's documentation advises; and its default from scratch.
RATES = {WEIGHTS: 3e-4, "none": 2e-3}


def pairs_of(split: str) -> tuple[list[str], list[str]]:
    """Reads English and French captions."""
    from rnnzoo.recipes.multi30k_en_de import read_captions

    return read_captions(split, ("en", "fr"))


def trained(weights: str, seed: int) -> object:
    """Trains on 200 pairs by the recipe for pairs of one's own."""
    import numpy as np

    from rnnzoo import train
    from rnnzoo.recipes.own_translator import OwnTranslator

    sources, targets = pairs_of("train")
    drawn = np.random.default_rng(seed).permutation(len(sources))[:PAIRS]
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder, "pairs.tsv")
        lines = [f"{sources[i]}\t{targets[i]}\n" for i in drawn]
        data.write_text("".join(lines), encoding="utf-8")
        recipe = OwnTranslator(
            data=str(data),
            weights=weights,
            # From scratch, 180 pairs cannot teach a large vocabulary.
            vocabulary_size=1000 if weights == "none" else 4000,
            batch_size=16,
            warmup_steps=20,
            ema_momentum=0.0,
            learning_rate=RATES[weights],
            seed=seed,
        )
        return train(recipe, pathlib.Path(folder, "run"), "cpu")


def measured(model: object) -> dict[str, float]:
    """Returns BLEU and chrF of a model's translations of the test captions."""
    from rnnzoo.analysis.text_quality import translation_quality

    sources, targets = pairs_of("test_2016_flickr")
    quality = translation_quality(model.translate(sources), targets)
    return {metric: round(value, 2) for metric, value in quality.items()}


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("--seeds", type=int, default=2)
    seeds = benchmark.parse().seeds
    from rnnzoo import translator

    rows = [{"weights": WEIGHTS, "pairs": 0, **measured(translator(WEIGHTS))}]
    print(rows[0], flush=True)
    for weights in RATES:
        for seed in range(seeds):
            begin = time.monotonic()
            model = trained(weights, seed)
            minutes = round((time.monotonic() - begin) / 60, 1)
            row = {"weights": weights, "pairs": PAIRS, "seed": seed}
            rows.append(row | {"minutes": minutes, **measured(model)})
            print(rows[-1], flush=True)
    header = list(max(rows, key=len))
    cells = [[row.get(column, "") for column in header] for row in rows]
    benchmark.write(header, cells, "translation.md")


if __name__ == "__main__":
    main()
