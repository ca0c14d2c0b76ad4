"""Measures how many digits memorizers hold.

    python benchmarks/memorizing.py

It writes benchmarks/memorizing.csv, the table of docs/memorizing_and_executing.md and
its picture.

Every listed memorizer writes strings of many lengths on its own; an answer counts if
every digit is right. Their training had at most 64 digits.
"""

import numpy as np
from pages import DOCS, write_table

LENGTHS = (1, 5, 10, 20, 30, 40, 50, 55, 60, 70, 80, 100, 150, 200, 300, 400)
LONGEST = 64
STRINGS = 200


def main() -> None:
    """Measures, writes the table and draws it."""
    from matplotlib.figure import Figure

    from rnnzoo import describe, list_weights, memorizer
    from rnnzoo.data.synthetic import Memorization

    rows = []
    for name in list_weights("memorizer"):
        model, task = memorizer(name), describe(name)["options"]["task"]
        for length in LENGTHS:
            random = np.random.default_rng(length)
            texts, answers = Memorization(task).of_lengths([length] * STRINGS, random)
            pairs = zip(model.answer(texts), answers, strict=True)
            right = np.mean([written == answer for written, answer in pairs])
            rows.append((name, length, right))
            print(f"{name:20} {length:4} {right:.3f}", flush=True)

    names = list_weights("memorizer")
    table = [
        [length, *(f"{right:.3f}" for _, digits, right in rows if digits == length)]
        for length in LENGTHS
    ]
    header = ["digits", *names]
    write_table("memorizing", header, table, "memorizing_and_executing.md")

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axis = figure.subplots()
    for name in names:
        axis.plot(*zip(*(r[1:] for r in rows if r[0] == name), strict=True), "o-")
        axis.lines[-1].set(label=name, markersize=4)
    axis.axvline(LONGEST, color="grey", linewidth=1)
    axis.text(LONGEST * 1.05, 0.05, "longest in training")
    axis.set(
        xscale="log",
        xlabel="digits",
        ylabel="answers right in every digit",
        ylim=(-0.03, 1.05),
    )
    axis.legend(loc="center left")
    axis.grid(alpha=0.3)
    figure.savefig(DOCS / "memorizing.png", dpi=110)


if __name__ == "__main__":
    main()
