"""How good the tags of words are: F1 of spans, accuracy of words, worst sentences."""

import collections
import dataclasses
import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnzoo.analysis.confusion import draw_confusion
from rnnzoo.data.schemes import OUTSIDE, split_tag, tags_to_spans
from rnnzoo.errors import shorten

# Labels of a confusion picture; rarer ones are drawn as one.
DRAWN = 30


class Score(NamedTuple):
    """Precision, recall and F1, and the number of true spans."""

    precision: float
    recall: float
    f1: float
    support: int


class WorstSentence(NamedTuple):
    """A sentence: its place in the data, its loss, its words, true and given tags."""

    place: int
    loss: float
    words: Sequence[str]
    true: Sequence[str]
    answered: Sequence[str]


@dataclasses.dataclass(frozen=True, eq=False)
class TaggingReport:
    """How good a tagger's answers are; `print` shows it as a table.

    A span is right if its label and both its ends are, as `conlleval` and `seqeval`
    count; with plain tags every word is a span.

    Attributes:
        scheme: The scheme of the tags.
        by_label: Precision, recall and F1 of each label.
        micro: Those of all spans together.
        macro: Their means over labels.
        token_accuracy: Fraction of the words whose tag is right.
        sentence_accuracy: Fraction of the sentences whose tags are all right, and their
            intent.
        intent_accuracy: Fraction of the sentences whose intent is right; `None` if they
            have none.
        labels: Labels of words, with `O` first for schemes of spans.
        confusion: Counts `[true label, answered label]` of words, int64.
        words: Number of words.
        worst: The sentences with the largest loss, the worst first.
        baseline: Figures of a baseline, by name.
        notes: What else is to be said of the data.
    """

    scheme: str
    by_label: dict[str, Score]
    micro: Score
    macro: Score
    token_accuracy: float
    sentence_accuracy: float
    intent_accuracy: float | None
    labels: list[str]
    confusion: np.ndarray
    words: int
    worst: list[WorstSentence]
    baseline: dict[str, float] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Returns the figures by name, ready for `json.dumps`."""
        found: dict[str, float] = {
            "span_precision": self.micro.precision,
            "span_recall": self.micro.recall,
            "span_f1": self.micro.f1,
            "macro_f1": self.macro.f1,
            "token_accuracy": self.token_accuracy,
            "sentence_accuracy": self.sentence_accuracy,
        }
        if self.scheme == "plain":
            found = {k: v for k, v in found.items() if not k.startswith("span")}
        if self.intent_accuracy is not None:
            found["intent_accuracy"] = self.intent_accuracy
        found |= {f"f1_{name}": score.f1 for name, score in self.by_label.items()}
        return found | {f"baseline_{k}": v for k, v in self.baseline.items()}

    def __str__(self) -> str:
        """Returns the report as tables."""
        from rich.cells import cell_len

        kind = "words" if self.scheme == "plain" else "spans"
        rows = {
            **self.by_label,
            f"all {kind} (micro)": self.micro,
            "mean of labels (macro)": self.macro,
        }
        width = max(map(cell_len, ["label", *rows]))
        lines = [f"label{' ' * (width - 5)}  precision  recall     f1  {kind:>8}"]
        for name, score in rows.items():
            lines.append(
                f"{name}{' ' * (width - cell_len(name))}  {score.precision:9.3f}"
                f"  {score.recall:6.3f}  {score.f1:5.3f}  {score.support:8,}"
            )
        figures = {"token accuracy": self.token_accuracy}
        if self.intent_accuracy is not None:
            figures["intent accuracy"] = self.intent_accuracy
        figures["whole sentences right"] = self.sentence_accuracy
        figures |= {
            f"baseline: {name.replace('_', ' ')}": value
            for name, value in self.baseline.items()
        }
        width = max(map(len, figures))
        lines += [f"{name:{width}}  {value:9.3f}" for name, value in figures.items()]
        if self.worst:
            lines.append("Sentences with the largest loss (true tag > answered tag):")
            lines += [f"  {_show_sentence(one)}" for one in self.worst]
        return "\n".join([*lines, *self.notes])


def _show_sentence(worst: WorstSentence) -> str:
    parts = []
    for word, true, answered in zip(
        worst.words, worst.true, worst.answered, strict=True
    ):
        mark = f"{true} > {answered}" if true != answered else true
        parts.append(word if mark == OUTSIDE else f"{word}[{mark}]")
    return f"{worst.loss:8.2f}  {worst.place + 1}: {shorten(' '.join(parts), str, 400)}"


def score_spans(
    true: Iterable[Sequence[str]], answered: Iterable[Sequence[str]], scheme: str
) -> tuple[dict[str, Score], Score, Score]:
    """Returns scores of each label, of all spans (micro), and their means (macro).

    Example:
        >>> from rnnzoo.analysis.tagging import score_spans
        >>> true, answered = [["B-LOC", "O", "B-PER"]], [["B-LOC", "O", "O"]]
        >>> by_label, micro, macro = score_spans(true, answered, "iob2")
        >>> by_label["LOC"].f1, round(micro.f1, 3), macro.f1
        (1.0, 0.667, 0.5)
    """
    counts = [collections.Counter[str]() for _ in range(3)]
    for row, other in zip(true, answered, strict=True):
        one = set(tags_to_spans(row, scheme))
        two = set(tags_to_spans(other, scheme))
        for counter, spans in zip(counts, (one & two, one, two), strict=True):
            counter.update(span.label for span in spans)
    right, present, found = counts
    labels = sorted(set(present) | set(found))
    by_label = {
        name: _score(right[name], present[name], found[name]) for name in labels
    }
    micro = _score(*(counter.total() for counter in (right, present, found)))
    means = np.mean([score[:3] for score in by_label.values()] or [[0.0] * 3], axis=0)
    precision, recall, f1 = means.tolist()
    macro = Score(precision, recall, f1, micro.support)
    return by_label, micro, macro


def _score(right: int, present: int, found: int) -> Score:
    return Score(
        right / max(found, 1),
        right / max(present, 1),
        2 * right / max(present + found, 1),
        present,
    )


def tagging_report(
    words: Sequence[Sequence[str]],
    true: Sequence[Sequence[str]],
    answered: Sequence[Sequence[str]],
    scheme: str = "iob2",
    *,
    losses: Any = None,
    intents: tuple[Sequence[str], Sequence[str]] | None = None,
    baseline: Sequence[Sequence[str]] | None = None,
    num_worst: int = 10,
) -> TaggingReport:
    """Measures the tags that a model gives to the words of sentences.

    Args:
        words: The words of each sentence.
        true: Their true tags.
        answered: The tags that the model gives.
        scheme: The scheme of both.
        losses: The loss of each sentence, to show the worst; NaN for an unknown one.
        intents: True and answered intents.
        baseline: The tags that a baseline gives.
        num_worst: Sentences that are shown.

    Example:
        >>> from rnnzoo.analysis.tagging import tagging_report
        >>> report = tagging_report(
        ...     [["Ada", "smiles"]], [["B-PER", "O"]], [["O", "O"]], losses=[2.5])
        >>> report.micro.recall, report.token_accuracy
        (0.0, 0.5)
        >>> print(report)
        label                   precision  recall     f1     spans
        PER                         0.000   0.000  0.000         1
        all spans (micro)           0.000   0.000  0.000         1
        mean of labels (macro)      0.000   0.000  0.000         1
        token accuracy             0.500
        whole sentences right      0.000
        Sentences with the largest loss (true tag > answered tag):
              2.50  1: Ada[B-PER > O] smiles
    """
    for place, rows in enumerate(zip(words, true, answered, strict=True)):
        if len(set(map(len, rows))) > 1 or not len(rows[0]):
            raise ValueError(
                "Each sentence must have words, and a true and an answered tag for "
                f"each. Received: {[len(row) for row in rows]} in sentence {place}"
            )
    if not len(words):
        raise ValueError("There must be a sentence to measure. Received: none")
    by_label, micro, macro = score_spans(true, answered, scheme)
    pairs = [
        (_label(one, scheme), _label(two, scheme), one == two)
        for row, other in zip(true, answered, strict=True)
        for one, two in zip(row, other, strict=True)
    ]
    found = {name for pair in pairs for name in pair[:2]}
    labels = sorted(found, key=lambda name: (name != OUTSIDE, name))
    numbers = {name: number for number, name in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels)), "int64")
    places = [[numbers[one], numbers[two]] for one, two, _ in pairs]
    np.add.at(confusion, tuple(np.array(places).T), 1)
    is_right = np.array(
        [list(one) == list(two) for one, two in zip(true, answered, strict=True)]
    )
    intent_accuracy = None
    if intents is not None:
        same = np.array([a == b for a, b in zip(*intents, strict=True)])
        intent_accuracy, is_right = float(same.mean()), is_right & same
    beside = {}
    if baseline is not None:
        if scheme != "plain":
            beside["span_f1"] = score_spans(true, baseline, scheme)[1].f1
        same_tags = [
            a == b
            for row, other in zip(true, baseline, strict=True)
            for a, b in zip(row, other, strict=True)
        ]
        beside["token_accuracy"] = float(np.mean(same_tags))
    worst = []
    if losses is not None:
        losses = np.asarray(losses, "float64")
        order = np.argsort(-np.nan_to_num(losses, nan=-np.inf), kind="stable")
        worst = [
            WorstSentence(
                at,
                float(losses[at]),
                words[int(at)],
                true[int(at)],
                answered[int(at)],
            )
            for at in order[:num_worst].tolist()
            if losses[at] == losses[at]
        ]
    return TaggingReport(
        scheme=scheme,
        by_label=by_label,
        micro=micro,
        macro=macro,
        token_accuracy=float(np.mean([right for *_, right in pairs])),
        sentence_accuracy=float(is_right.mean()),
        intent_accuracy=intent_accuracy,
        labels=labels,
        confusion=confusion,
        words=len(pairs),
        worst=worst,
        baseline=beside,
    )


def _label(tag: str, scheme: str) -> str:
    return tag if scheme == "plain" or tag == OUTSIDE else split_tag(tag)[1]


def plot_tag_confusion(report: TaggingReport, path: str | os.PathLike) -> None:
    """Draws which labels of words are taken for which; of many, the most frequent.

    Args:
        report: What `tagging_report` returned.
        path: The PNG file to write; `OSError` if it cannot be written.

    Example:
        >>> from rnnzoo.analysis.tagging import plot_tag_confusion, tagging_report
        >>> report = tagging_report([["Go", "!"]], [["VERB", "X"]], [["VERB", "VERB"]],
        ...                         "plain")
        >>> plot_tag_confusion(report, "confusion.png")
    """
    labels, counts = report.labels, report.confusion
    if len(labels) > DRAWN:
        frequent = np.argsort(-counts.sum(axis=1), kind="stable")[: DRAWN - 1]
        groups = np.full(len(labels), DRAWN - 1)
        groups[np.sort(frequent)] = np.arange(DRAWN - 1)
        merged = np.zeros((DRAWN, DRAWN), "int64")
        np.add.at(merged, (groups[:, None], groups[None]), counts)
        labels = [*(labels[at] for at in np.sort(frequent)), "(others)"]
        counts = merged
    kind = "tag" if report.scheme == "plain" else "label"
    draw_confusion(counts, labels, path, kind)
