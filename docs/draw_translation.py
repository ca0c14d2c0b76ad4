"""Draws docs/translation.png and docs/alignment.png from trained translators.

    python docs/draw_translation.py runs/multi30k_en_de [runs/...]

The first is the run of a recipe with attention, others are runs of the same recipe with
other settings, such as `--attention=none`. On the left BLEU by the number of words of
the text, for all runs; on the right BLEU of the first by beam width; both on the
validation pairs of the recipe, and both also in docs/translation.csv. The other figure
shows the attention weights of the first translator for one sentence.
"""

import argparse
import csv
import json
import pathlib

import numpy as np
from matplotlib.figure import Figure

import rnnzoo
from rnnzoo import training
from rnnzoo.analysis import plot_attention
from rnnzoo.analysis.text_quality import translation_quality

FOLDER = pathlib.Path(__file__).parent
SENTENCE = "Two dogs are playing in the snow."
WIDTHS = range(1, 11)
PARTS = 6  # parts of about equal size, by length of the text
COLOURS = ("#2f6fb0", "#d55e00", "#009e73", "#1a1a1a")


def bleu_by_length(model, texts: list[str], references: list) -> list[tuple]:
    """Returns the mean number of words and BLEU of each part, from short to long."""
    words = np.array([len(text.split()) for text in texts])
    translations = model.translate(texts)
    found = []
    for rows in np.array_split(np.argsort(words, kind="stable"), PARTS):
        quality = translation_quality(
            [translations[i] for i in rows], [references[i] for i in rows]
        )
        found.append((float(words[rows].mean()), quality["bleu"]))
    return found


def recipe_of(run: pathlib.Path) -> training.Recipe:
    """Returns the recipe of a run, with its options."""
    settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
    return training.recipe_class(settings["recipe"]).from_options(settings["options"])


def main() -> None:
    """Measures, and draws the figures beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=pathlib.Path, help="folders of runs")
    runs = parser.parse_args().runs
    recipe = recipe_of(runs[0])
    texts, references = recipe.validation_examples()
    models = [rnnzoo.load(run / "best.keras") for run in runs]

    figure = Figure(figsize=(10, 4), layout="constrained")
    lengths, widths = figure.subplots(1, 2)
    rows = []
    for run, model, colour in zip(runs, models, COLOURS, strict=False):
        name = f"{recipe_of(run).attention} attention".replace("none", "no")
        found = bleu_by_length(model, texts, references)
        lengths.plot(*zip(*found, strict=True), "o-", color=colour, label=name)
        rows += [(name, "words", round(x, 2), round(y, 2)) for x, y in found]
    lengths.set(xlabel="words of the text", ylabel="BLEU", ylim=(0, None))
    lengths.legend()
    found = []
    for width in WIDTHS:
        quality = translation_quality(models[0].translate(texts, width), references)
        found.append((width, quality["bleu"]))
    widths.plot(*zip(*found, strict=True), "o-", color=COLOURS[0])
    widths.set(xlabel="width of the beam (1: greedy)", ylabel="BLEU")
    widths.set_xticks(WIDTHS)
    rows += [(rows[0][0], "beam", x, round(y, 2)) for x, y in found]
    figure.savefig(FOLDER / "translation.png", dpi=120)
    with (FOLDER / "translation.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("translator", "of", "value", "BLEU"))
        writer.writerows(rows)
    _, alignment = models[0].translate(SENTENCE, return_attention=True)
    plot_attention(alignment, FOLDER / "alignment.png")


if __name__ == "__main__":
    main()
