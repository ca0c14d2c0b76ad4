"""Measures what a language model has learned after minutes on one core.

    rnnzoo prepare tiny_shakespeare
    python benchmarks/first_minutes.py

The recipe `shakespeare_language` with one LSTM of 256 units trains for 3,600 steps on
one core, once on pieces of streams whose state is carried from batch to batch, and once
on as many windows at random places. Figures are of the whole last tenth of tiny
Shakespeare, with the state carried over it, and in windows of 256 characters. nanoGPT's
Transformer for CPUs reaches 1.88 on the same characters, after about three minutes.

Prints a table and writes it to benchmarks/first_minutes.csv and to docs/language.md.
"""

import tempfile

from harness import Benchmark

from rnnzoo.data.text import windows

# About three minutes of a core, and what texts are cut into to measure on.
STEPS, WINDOW = 3600, 256
OPTIONS = {
    "units": 256,
    "num_layers": 1,
    "batch_size": 16,
    "bptt_steps": 64,
    "learning_rate": 4e-3,
    "dropout": 0.1,
    "weight_dropout": 0.0,
    "epochs": 1,
}


def measure(**options: object) -> list:
    """Trains; returns the minutes that it took, and the figures."""
    import rnnzoo
    from rnnzoo import training
    from rnnzoo.recipes.shakespeare_language import ShakespeareLanguage

    recipe = ShakespeareLanguage(steps_per_epoch=STEPS, **OPTIONS, **options)
    with tempfile.TemporaryDirectory() as run:
        model = rnnzoo.train(recipe, run, devices="cpu")
        minutes = training.read_history(run)[-1]["seconds"] / 60
    text = recipe.test_text
    parts = list(map("".join, zip(*windows(text, WINDOW), strict=True)))
    figures = [nats(model.score([text])), nats(model.score(parts))]
    return [f"{minutes:.1f}", *(f"{figure:.3f}" for figure in figures)]


def nats(scores: list[dict]) -> float:
    """Returns what a character costs."""
    return sum(s["nats"] for s in scores) / sum(s["symbols"] for s in scores)


def main() -> None:
    """Measures both ways of training, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__, quick={"STEPS": 20})
    benchmark.parser.set_defaults(cores=1)
    benchmark.parse()
    # A window is as long as a piece, so that batches are equal.
    rows = [
        ["state carried", *measure(stateful=True)],
        ["random windows", *measure(stateful=False, max_length=OPTIONS["bptt_steps"])],
    ]
    header = [
        "training",
        "minutes",
        "nats a character",
        f"in windows of {WINDOW}",
    ]
    for row in rows:
        print(*row, sep="  ")
    benchmark.write(header, rows, "language.md")


if __name__ == "__main__":
    main()
