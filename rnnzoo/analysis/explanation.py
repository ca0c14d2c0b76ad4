"""Explanations as text, in colours and as HTML."""

import dataclasses
import html
import os
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnzoo.errors import check_number

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
    """What each token of an input contributed to an answer; made by `explain`.

    `print` shows it as plain text, a notebook in colours.

    Attributes:
        answer: The class that is explained.
        probability: The model's probability of that class.
        method: `"occlusion"` or `"gradient"`.
        tokens: The tokens that the model read, such as words in lower case; unknown
            ones as they are. For a series, its steps.
        contributions: A number per token, in nats of log-odds; positive ones speak for
            the class, negative ones against it. Float64 `[tokens]`.
        known: Whether each token is in the model's vocabulary.
        left_out: How many tokens in the middle of a long text were not read; they
            were after the first half of `tokens` (which has one more if uneven).
        unit: What a token is called: `"word"`, `"character"`, `"byte"`, `"subword"` or
            `"step"`.
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
        """Returns the tokens that count most, with their contributions.

        Args:
            count: How many at most.

        Returns:
            Pairs of token and contribution, largest absolute value first; a token
            that occurs twice may be there twice.

        Raises:
            TypeError: If `count` is not an integer.
            ValueError: If it is less than 1.
        """
        check_number("count", count, minimum=1, whole=True)
        order = np.argsort(-np.abs(self.contributions), kind="stable")[:count]
        return [(self.tokens[i], float(self.contributions[i])) for i in order]

    def __str__(self) -> str:
        """Returns the explanation as plain text."""
        return self.to_terminal().plain

    def to_terminal(self) -> "Text":
        """Returns the explanation for `rich.print`, coloured token by token.

        Tokens on green speak for the class, those on red against it, bright ones more
        than dark ones. The list of the tokens that count most says the same without
        colours, as where `NO_COLOR` is set.

        Returns:
            A `rich.text.Text`.
        """
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
        if not all(self.known):
            text.append(f"\nUnknown to the model: {self._unknown()}")
        if self.left_out:
            text.append(f"\n{GAP}: {self._note}")
        return text

    def to_html(self) -> str:
        """Returns a page that shows the text with a colour for each token.

        It needs no other file and runs no script; whatever the text holds is shown, not
        obeyed. Pointing at a token shows its number.

        Returns:
            HTML, to be written as UTF-8.
        """
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
        """Writes the page of `to_html` to a file.

        Args:
            path: The file; one that is there is replaced.

        Raises:
            OSError: If it cannot be written.
        """
        pathlib.Path(path).write_text(self.to_html(), encoding="utf-8")

    def _repr_html_(self) -> str:
        """Returns the body of the page; notebooks call it."""
        tokens = []
        for index, share in self._parts():
            if index is None:
                style = f'style="color: #595959" title="{self._note}"'
                tokens.append(f"<span {style}>{GAP}</span>")
                continue
            tip = f"{self.contributions[index]:+.4f} nats"
            style = _html_background(share)
            if not self.known[index]:
                tip += ", unknown to the model"
                style += "; border-bottom: 2px dotted #595959"
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
            f'<span style="{_html_background(1)}">speaks for {answer}</span>',
            f'<span style="{_html_background(-1)}">speaks against {answer}</span>',
        ]
        notes = ""
        if not all(self.known):
            legend.append(
                '<span style="border-bottom: 2px dotted #595959">unknown to the model'
                "</span>"
            )
            notes += f"<p>Unknown to the model: {html.escape(self._unknown())}</p>\n"
        if self.left_out:
            notes += f"<p>{GAP}: {self._note}</p>\n"
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
        """What the number of a token says."""
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

    def _unknown(self) -> str:
        """Lists each unknown token once, or the first twenty."""
        pairs = zip(self.tokens, self.known, strict=True)
        unknown = list(dict.fromkeys(token for token, known in pairs if not known))
        more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
        return ", ".join(unknown[:20]) + more


def _terminal_style(share: float) -> Any:
    """Returns the rich style of a token with a fraction of the largest contribution."""
    from rich.color import Color
    from rich.style import Style

    size = abs(share)
    if size < 0.05:
        return Style()
    dark, bright = ((0, 55, 20), (0, 180, 70))
    if share < 0:
        dark, bright = ((90, 10, 10), (255, 110, 100))
    rgb = [low + (high - low) * size for low, high in zip(dark, bright, strict=True)]
    # Where black and white are equally readable on either colour.
    foreground = "#000000" if size > 0.65 else "#ffffff"
    return Style(color=foreground, bgcolor=Color.from_rgb(*rgb))


def _html_background(share: float) -> str:
    """Returns the CSS of a token with a fraction of the largest contribution."""
    colour = _FOR if share > 0 else _AGAINST
    return (
        f"background: rgba({colour}, {0.8 * abs(share):.3f}); color: #1a1a1a; "
        "padding: 0.1em 0.2em; border-radius: 0.2em"
    )
