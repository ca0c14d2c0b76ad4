"""What attention looks at, as a picture."""

import os
from typing import Any

from rnnzoo.analysis.classification import fit_label


def plot_attention(alignment: Any, path: str | os.PathLike) -> None:
    """Draws what a translator looked at: a row for each token that it wrote.

    The darker a cell, the more the column's token of the source weighed when the row's
    token was written (Bahdanau et al., 2015, figure 3).

    Args:
        alignment: An `Alignment`, as `Translator.translate` returns it with
            `return_attention=True`.
        path: The PNG file to write.

    Raises:
        OSError: If the file cannot be written.

    Example:
        >>> from rnnzoo import translator
        >>> from rnnzoo.analysis import plot_attention
        >>> model = translator(weights=None, units=8)
        >>> text, alignment = model.translate("a dog", return_attention=True)
        >>> plot_attention(alignment, "attention.png")

    References:
        Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to
        align and translate", ICLR 2015, arXiv:1409.0473.
    """
    from matplotlib.figure import Figure

    rows, columns = alignment.weights.shape
    figure = Figure(figsize=(0.4 * columns, 0.3 * rows))
    # The cells fill the figure; what is around them is added when saving.
    axis = figure.add_axes((0, 0, 1, 1))
    axis.imshow(alignment.weights, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    # A dollar sign in a token begins no formula.
    axis.set_xticks(range(columns), map(fit_label, alignment.source), parse_math=False)
    axis.set_yticks(range(rows), map(fit_label, alignment.target), parse_math=False)
    axis.xaxis.tick_top()
    for label in axis.get_xticklabels():
        label.set(rotation=45, ha="left", rotation_mode="anchor")
    axis.tick_params(length=0)
    figure.savefig(path, dpi=120, bbox_inches="tight", pad_inches=0.15)
