"""The picture of a confusion matrix."""

import os
from collections.abc import Sequence

import numpy as np

from rnnzoo.writing import save_figure


def draw_confusion(
    counts: np.ndarray,
    classes: Sequence[str],
    path: str | os.PathLike,
    kind: str = "class",
) -> None:
    """Draws counts `[true class, answered class]`, and shares of each true class.

    Args:
        counts: The counts.
        classes: Names of the classes.
        path: The PNG file to write; `OSError` if it cannot be written.
        kind: What classes are called.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.analysis.confusion import draw_confusion
        >>> draw_confusion(np.array([[2, 1], [0, 3]]), ["NOUN", "VERB"], "tags.png")
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    number = len(classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = list(map(fit_label, classes))
    widest = max(len(f"{counts.max():,}"), 4)
    side = number * (max(0.6, 0.085 * widest) if number > 4 else 1.2)
    # The matrix fills the figure; what is around it is added when saving.
    figure = Figure(figsize=(side, side))
    axis = figure.add_axes((0, 0, 1, 1))
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        percent = "<1%" if share < 0.005 else f"{share:.0%}"
        axis.text(
            column,
            row,
            f"{count:,}\n{percent}" if count else "0",
            ha="center",
            va="center",
            fontsize=11 if number <= 4 else 8,
            color="white" if share > 0.55 else "#1a1a1a" if count else "#757575",
        )
    # A dollar sign in a name begins no formula.
    axis.set_xticks(range(number), names, parse_math=False)
    axis.set_yticks(range(number), names, parse_math=False)
    if number > 4 or max(map(len, names)) > 12:
        for label in axis.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axis.set_xticks(np.arange(1, number) - 0.5, minor=True)
    axis.set_yticks(np.arange(1, number) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=1.5)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_visible(False)
    axis.set(xlabel=f"answered {kind}", ylabel=f"true {kind}")
    right = counts.trace() / max(counts.sum(), 1)
    axis.set_title(f"{right:.1%} of {counts.sum():,} right", pad=12)
    bar = figure.colorbar(
        image,
        cax=figure.add_axes((1 + 0.2 / side, 0, 0.16 / side, 1)),
        format=PercentFormatter(1),
        label=f"share of the true {kind}",
    )
    bar.outline.set_visible(False)
    save_figure(figure, path, bbox_inches="tight", pad_inches=0.15)


def fit_label(name: str) -> str:
    """Returns a name that fits beside a picture."""
    return name if len(name) <= 28 else name[:27] + "…"
