"""Draws docs/shapes.png: the three architectures, unrolled over time.

python docs/draw_shapes.py
"""

import pathlib

from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

INPUT, STATE, OUTPUT = "#7aa6d8", "#8fbf8f", "#e0a070"


def circle(axis, x: float, y: float, text: str, color: str) -> None:
    """Draws an input or an output."""
    axis.add_patch(Circle((x, y), 0.3, facecolor=color, edgecolor="black"))
    axis.text(x, y, text, ha="center", va="center", fontsize=12)


def box(axis, x: float, y: float, text: str = "", dashed: bool = False) -> None:
    """Draws a recurrent layer at one time step."""
    axis.add_patch(
        FancyBboxPatch(
            (x - 0.3, y - 0.3),
            0.6,
            0.6,
            boxstyle="round,pad=0.02",
            facecolor=STATE,
            edgecolor="black",
            linestyle="--" if dashed else "-",
        )
    )
    axis.text(x, y, text, ha="center", va="center", fontsize=12)


def arrow(axis, begin: tuple, end: tuple, color: str = "black", **style) -> None:
    """Draws the flow of values."""
    properties = {"arrowstyle": "-|>", "color": color, **style}
    axis.annotate("", end, begin, arrowprops=properties)


def steps(
    axis, first: int, count: int, inputs: bool, outputs: bool, last: bool
) -> None:
    """Draws a recurrent layer unrolled over `count` steps, from step `first`."""
    for step in range(first, first + count):
        box(axis, step, 1)
        if inputs:
            circle(axis, step, 0, f"$x_{step - first + 1}$", INPUT)
            arrow(axis, (step, 0.3), (step, 0.68))
        if outputs or (last and step == first + count - 1):
            name = f"$y_{step - first + 1}$" if outputs else "$y$"
            circle(axis, step, 2, name, OUTPUT)
            arrow(axis, (step, 1.32), (step, 1.7))
        if step > first:
            arrow(axis, (step - 0.68, 1), (step - 0.32, 1))


def main() -> None:
    """Draws the figure beside this file."""
    figure = Figure(figsize=(13, 3.4), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[4, 4, 7.4])
    for axis in axes:
        axis.set_aspect("equal")
        axis.axis("off")
        axis.set_ylim(-0.5, 2.5)
    axes[0].set_title("many_to_one")
    steps(axes[0], 0, 4, inputs=True, outputs=False, last=True)
    axes[1].set_title("many_to_many")
    steps(axes[1], 0, 4, inputs=True, outputs=True, last=False)
    axes[2].set_title("many_to_one_to_many")
    steps(axes[2], 0, 3, inputs=True, outputs=False, last=False)
    steps(axes[2], 4, 3, inputs=False, outputs=True, last=False)
    box(axes[2], 3, 1, "$s$", dashed=True)
    arrow(axes[2], (2.32, 1), (2.68, 1))
    arrow(axes[2], (3.32, 1), (3.68, 1))
    for step in (4, 5, 6):
        curve = "arc3,rad=0.25"
        arrow(axes[2], (3, 0.66), (step, 0.66), "dimgray", connectionstyle=curve)
    axes[2].text(
        4.6, -0.35, "context at every step,\nor the previous output", ha="center"
    )
    for axis, width in zip(axes, (3, 3, 6), strict=True):
        axis.set_xlim(-0.5, width + 0.5)
    figure.savefig(pathlib.Path(__file__).with_name("shapes.png"), dpi=110)


if __name__ == "__main__":
    main()
