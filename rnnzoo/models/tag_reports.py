"""Measures a tagger on annotated sentences, beside the most frequent tag of a word."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rnnzoo.analysis.tag_baseline import MostFrequentTag
from rnnzoo.analysis.tagging import TaggingReport, tagging_report
from rnnzoo.errors import shorten

# Sentences that are tagged at a time.
ROWS = 256


def report_tags(
    model: Any,
    source: Any,
    progress: Callable[[Iterable], Iterable] = iter,
    training: Any = None,
) -> TaggingReport:
    """Returns how good a tagger's answers to annotated sentences are.

    Tags and intents that the model does not know count as wrong.

    Args:
        model: A tagger.
        source: Sentences: a `rnnzoo.data.tagged.TaggedSentences`, or a part of one.
        progress: Wraps an iterable to show progress, as `tqdm` does.
        training: Sentences that the baseline learns from; `None` for no baseline.
    """
    order = np.argsort(source.lengths, kind="stable")
    words, targets = source.rows(np.arange(len(source)))
    true, intents = split_targets(targets)
    answered: list = [None] * len(order)
    said: list = [None] * len(order)
    losses = np.full(len(order), np.nan)
    known, names = set(model.tags), set(model.intents or ())
    for start in progress(range(0, len(order), ROWS)):
        part = order[start : start + ROWS]
        rows = [words[at] for at in part]
        for at, (tags, intent) in zip(part, model.label(rows), strict=True):
            answered[at], said[at] = tags, intent
        good = [
            at
            for at in part
            if known.issuperset(true[at])
            and (intents is None or not names or intents[at] in names)
        ]
        if good:
            chosen = [targets[at] if names else true[at] for at in good]
            losses[good] = model.sentence_losses([words[at] for at in good], chosen)
    baseline = None
    if training is not None:
        there, tagged = training.rows(np.arange(len(training)))
        tagged, _ = split_targets(tagged)
        baseline = MostFrequentTag(there, tagged, model.scheme).tag(words)
    report = tagging_report(
        words,
        true,
        answered,
        model.scheme,
        losses=losses,
        intents=(intents, said) if intents is not None and names else None,
        baseline=baseline,
    )
    unknown = sorted({tag for row in true for tag in row} - known)
    if unknown:
        count = sum(tag not in known for row in true for tag in row)
        report.notes.append(
            f"Tags that the model does not know, which count as wrong: "
            f"{shorten(', '.join(unknown), str, 300)} ({count:,} words)"
        )
    others = sorted(set(intents or ()) - names) if names else []
    if others:
        report.notes.append(
            f"Intents that the model does not know: {shorten(', '.join(others), str)}"
        )
    return report


def split_targets(targets: list) -> tuple[list, list | None]:
    """Returns the tags of sentences, and their intents if they have any."""
    if targets and isinstance(targets[0], tuple):
        return [tags for tags, _ in targets], [intent for _, intent in targets]
    return targets, None
