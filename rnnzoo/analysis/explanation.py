"""What models looked at: explanations in colours and HTML, attention as a picture."""

import dataclasses
import html
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnzoo.analysis.confusion import fit_label
from rnnzoo.errors import check_number
from rnnzoo.writing import save_figure, write_text

if TYPE_CHECKING:
    from rich.text import Text

GAP = "[...]"
# What the number of a token says, by method; of a step of a series it is another.
METHODS = {
    "occlusion": "how much the log-odds fall when the unknown {unit} takes its place",
    "gradient": "the gradient of the log-odds times the {unit}'s vector",
}
STEP_METHODS = {
    "occlusion": "how much the log-odds fall when the mean step takes its place",
    "gradient": "the gradient of the log-odds times the distance from the mean step",
}
# Bluish green and vermilion, which colour-blind people tell apart too (Okabe and Ito).
_FOR, _AGAINST = "0, 158, 115", "213, 94, 0"


@dataclasses.dataclass(frozen=True, eq=False)
class Explanation:
    """What each token contributed to an answer: `print` it, or show it in a notebook.

    Attributes:
        answer: The class that is explained.
        probability: The model's probability of that class.
        method: `"occlusion"` or `"gradient"`.
        tokens: The tokens that the model read (unknown ones as they are written), or
            the steps of a series.
        contributions: Nats of log-odds that each token adds, float64 `[tokens]`;
            negative ones speak against the class.
        known: Whether each token is in the model's vocabulary.
        left_out: How many tokens in the middle of a long text were not read.
        unit: What a token is called, such as `"word"` or `"step"`.
        separator: What stands between two tokens.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.analysis import Explanation
        >>> explanation = Explanation(
        ...     "positive", 0.9, "occlusion", ["a", "quiet", "triumph"],
        ...     np.array([-0.1, 0.5, 2.0]), [True, True, True])
        >>> explanation.top(2)
        [('triumph', 2.0), ('quiet', 0.5)]
        >>> print(explanation)
        positive, probability 0.900
        a quiet triumph
        Words that count most: how much the log-odds fall when the unknown word takes
        its place (nats; + speaks for 'positive', - against it)
           +2.000  triumph
           +0.500  quiet
           -0.100  a
        >>> explanation.save_html("explanation.html")
    """

    answer: str
    probability: float
    method: str
    tokens: list[str]
    contributions: np.ndarray
    known: list[bool]
    left_out: int = 0
    unit: str = "word"
    separator: str = " "

    def top(self, count: int = 10) -> list[tuple[str, float]]:
        """Returns at most `count` tokens and contributions, largest absolute first.

        Raises:
            ValueError: If `count` is less than 1; `TypeError` if not an integer.
        """
        check_number("count", count, minimum=1, whole=True)
        order = np.argsort(-np.abs(self.contributions), kind="stable")[:count]
        return [(self.tokens[i], float(self.contributions[i])) for i in order]

    def __str__(self) -> str:
        """Returns the explanation as plain text."""
        return self.to_terminal().plain

    def to_terminal(self) -> "Text":
        """Returns text for `rich.print`: tokens on green speak for the class."""
        from rich.text import Text

        text = Text(f"{self.answer}, probability {self.probability:.3f}\n")
        for place, (index, share) in enumerate(self._parts()):
            if place:
                text.append(self.separator)
            if index is None:
                text.append(GAP, style="dim")
            else:
                text.append(self.tokens[index], style=_terminal_style(share))
        text.append(
            f"\n{self._title}: {self._meaning} (nats; + speaks for {self.answer!r}, - "
            "against it)"
        )
        for word, contribution in self.top():
            text.append(f"\n{contribution:+9.3f}  {word}")
        return text.append("".join(f"\n{note}" for note in self._notes()))

    def to_html(self) -> str:
        """Returns an HTML page, without scripts, with a colour for each token."""
        title = html.escape(f"{self.answer}, probability {self.probability:.3f}")
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n</head>\n"
            '<body style="margin: 2rem auto; max-width: 50rem; padding: 0 1rem; '
            'background: #fff">\n'
            f"{self._repr_html_()}\n</body>\n</html>\n"
        )

    def save_html(self, path: str | os.PathLike) -> None:
        """Writes the page of `to_html`, UTF-8; `OSError` if it cannot be written."""
        write_text(path, self.to_html())

    def _repr_html_(self) -> str:
        tokens, dotted = [], "border-bottom: 2px dotted #595959"
        for index, share in self._parts():
            if index is None:
                style = f'style="color: #595959" title="{self._note}"'
                tokens.append(f"<span {style}>{GAP}</span>")
                continue
            tip = f"{self.contributions[index]:+.4f} nats"
            style = _html_background(share)
            if not self.known[index]:
                tip += ", unknown to the model"
                style += f"; {dotted}"
            token = html.escape(self.tokens[index])
            tokens.append(f'<span style="{style}" title="{tip}">{token}</span>')
        rows = [
            '<tr><td style="padding: 0 1em 0 0; text-align: right">'
            f'{number:+.3f}</td><td style="text-align: left">{html.escape(token)}</td>'
            "</tr>"
            for token, number in self.top()
        ]
        answer = html.escape(self.answer)
        legend = [
            f'<span style="{_html_background(sign)}">speaks {word} {answer}</span>'
            for sign, word in ((1, "for"), (-1, "against"))
        ]
        if not all(self.known):
            legend.append(f'<span style="{dotted}">unknown to the model</span>')
        notes = "".join(f"<p>{html.escape(note)}</p>\n" for note in self._notes())
        return (
            # Notebooks would take what is between two dollar signs for a formula.
            '<div class="tex2jax_ignore mathjax_ignore" style="font: 16px/1.7 '
            "system-ui, sans-serif; color: #1a1a1a; background: #fff; padding: 0.5em; "
            'overflow-wrap: anywhere">\n'
            f'<p style="font-size: 1.3em; margin: 0"><b>{answer}</b>, probability '
            f"{self.probability:.3f}</p>\n"
            f'<p style="color: #595959; margin: 0">The number of a {self.unit} '
            f"({self.method}): {self._meaning}, in nats. The stronger the colour, the "
            "larger the number.</p>\n"
            f"<p>{' &nbsp; '.join(legend)}</p>\n"
            '<p dir="auto" style="font-size: 1.1em">'
            f"{self.separator.join(tokens)}</p>\n"
            f'<p style="margin: 0"><b>{self._title}</b></p>\n'
            '<table style="border-collapse: collapse; '
            'font-variant-numeric: tabular-nums">\n'
            + "\n".join(rows)
            + f"\n</table>\n{notes}</div>"
        )

    @property
    def _title(self) -> str:
        return f"{self.unit.capitalize()}s that count most"

    @property
    def _meaning(self) -> str:
        methods = STEP_METHODS if self.unit == "step" else METHODS
        return methods[self.method].format(unit=self.unit)

    @property
    def _note(self) -> str:
        return f"{self.left_out} {self.unit}s that were not read"

    def _parts(self) -> Iterator[tuple[int | None, float]]:
        """Yields each token's index and share of the largest; no index for a gap."""
        largest = np.abs(self.contributions).max(initial=0) or 1.0
        half = len(self.tokens) - len(self.tokens) // 2
        for index, contribution in enumerate(self.contributions):
            if self.left_out and index == half:
                yield None, 0.0
            yield index, float(contribution / largest)

    def _notes(self) -> list[str]:
        """Lists unknown tokens, each once and at most twenty, and what is left out."""
        pairs = zip(self.tokens, self.known, strict=True)
        unknown = list(dict.fromkeys(token for token, known in pairs if not known))
        more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
        listed = f"Unknown to the model: {', '.join(unknown[:20])}{more}"
        gap = f"{GAP}: {self._note}"
        return [listed] * bool(unknown) + [gap] * bool(self.left_out)


def _terminal_style(share: float) -> Any:
    from rich.color import Color
    from rich.style import Style

    size = abs(share)
    if size < 0.05:
        return Style()
    dark, bright = ((0, 55, 20), (0, 180, 70))
    if share < 0:
        dark, bright = ((90, 10, 10), (255, 110, 100))
    rgb = [low + (high - low) * size for low, high in zip(dark, bright, strict=True)]
    # At 0.65, black and white are equally readable on either colour.
    foreground = "#000000" if size > 0.65 else "#ffffff"
    return Style(color=foreground, bgcolor=Color.from_rgb(*rgb))


def _html_background(share: float) -> str:
    colour = _FOR if share > 0 else _AGAINST
    return (
        f"background: rgba({colour}, {0.8 * abs(share):.3f}); color: #1a1a1a; "
        "padding: 0.1em 0.2em; border-radius: 0.2em"
    )


def plot_attention(alignment: Any, path: str | os.PathLike) -> None:
    """Draws what a translator looked at: a row for each token that it wrote.

    Darker cells are larger weights (Bahdanau et al., 2015, arXiv:1409.0473, figure 3).

    Args:
        alignment: An `Alignment` of `Translator.translate(..., return_attention=True)`.
        path: The PNG file to write; `OSError` if it cannot be written.

    Example:
        >>> from rnnzoo import translator
        >>> from rnnzoo.analysis import plot_attention
        >>> model = translator(weights=None, units=8)
        >>> text, alignment = model.translate("a dog", return_attention=True)
        >>> plot_attention(alignment, "attention.png")
    """
    from matplotlib.figure import Figure

    if not all(hasattr(alignment, name) for name in ("source", "target", "weights")):
        raise TypeError(
            "alignment must be what translate(..., return_attention=True) of a "
            f"translator returns second. Received: a {type(alignment).__name__}"
        )
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
    save_figure(figure, path, bbox_inches="tight", pad_inches=0.15)
