"""Draws docs/by_hand.png: the networks of `rnnzoo.lecture.by_hand` and their weights.

python docs/draw_by_hand.py
"""

import pathlib

from draw_shapes import INPUT, OUTPUT, STATE, arrow, circle
from matplotlib.figure import Figure


def weight(axis, x: float, y: float, text: str) -> None:
    """Writes the weight of an arrow."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axis.text(x, y, text, ha="center", va="center", fontsize=10, bbox=box)


def edge(axis, begin: tuple, end: tuple, text: str, at: float = 0.5, **style) -> None:
    """Draws an arrow between two units, labelled with its weight."""
    length = ((end[0] - begin[0]) ** 2 + (end[1] - begin[1]) ** 2) ** 0.5
    x, y = (0.32 * (e - b) / length for b, e in zip(begin, end, strict=True))
    arrow(axis, (begin[0] + x, begin[1] + y), (end[0] - x, end[1] - y), **style)
    place = [b + at * (e - b) for b, e in zip(begin, end, strict=True)]
    weight(axis, *place, text)


def loop(axis, x: float, y: float, text: str) -> None:
    """Draws the recurrent connection of a unit to itself."""
    curve = "arc3,rad=-1.6"
    arrow(axis, (x + 0.25, y + 0.2), (x + 0.25, y - 0.2), connectionstyle=curve)
    weight(axis, x + 0.86, y, text)


def main() -> None:
    """Draws the figure beside this file."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[2.6, 2.6, 4])
    for axis in axes:
        axis.set_aspect("equal")
        axis.axis("off")
        axis.set_ylim(-0.9, 3.5)
    accumulator, comparer, parity = axes
    accumulator.set_title("accumulator: linear units")
    circle(accumulator, 0, 0, "$x$", INPUT)
    circle(accumulator, 0, 1.5, "sum", STATE)
    circle(accumulator, 0, 3, "$y$", OUTPUT)
    edge(accumulator, (0, 0), (0, 1.5), "1")
    edge(accumulator, (0, 1.5), (0, 3), "1")
    loop(accumulator, 0, 1.5, "1")
    accumulator.set_xlim(-0.9, 1.3)

    comparer.set_title("comparer: linear, logistic")
    circle(comparer, -0.7, 0, "$x_1$", INPUT)
    circle(comparer, 0.7, 0, "$x_2$", INPUT)
    circle(comparer, 0, 1.5, "diff", STATE)
    circle(comparer, 0, 3, "$y$", OUTPUT)
    edge(comparer, (-0.7, 0), (0, 1.5), "1")
    edge(comparer, (0.7, 0), (0, 1.5), "-1")
    edge(comparer, (0, 1.5), (0, 3), "5")
    loop(comparer, 0, 1.5, "1")
    comparer.set_xlim(-1.2, 1.3)

    parity.set_title("parity_by_hand: threshold or logistic, all times weight")
    before, bit, either, both, after = (-1, 0), (1, 0), (-1, 1.5), (1, 1.5), (0, 3)
    circle(parity, *before, "$y_{t-1}$", OUTPUT)
    circle(parity, *bit, "$x_t$", INPUT)
    circle(parity, *either, "or", STATE)
    circle(parity, *both, "and", STATE)
    circle(parity, *after, "$y_t$", OUTPUT)
    edge(parity, before, either, "1")
    edge(parity, before, both, "1", at=0.3)
    edge(parity, bit, either, "1", at=0.3)
    edge(parity, bit, both, "1")
    edge(parity, either, after, "1")
    edge(parity, both, after, "-1")
    for (x, y), bias in ((either, "-0.5"), (both, "-1.5"), (after, "-0.5")):
        parity.text(x + 0.36, y, f"bias {bias}", ha="left", va="center", fontsize=10)
    parity.text(0, -0.7, "bit, and the output of the previous step", ha="center")
    parity.set_xlim(-1.6, 2.2)
    figure.savefig(pathlib.Path(__file__).with_name("by_hand.png"), dpi=110)


if __name__ == "__main__":
    main()
