"""Anomalies: thresholds of scores, and how events that are known were found."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnzoo.errors import check_number


def find_threshold(normal: Sequence[float], false_alarms: float) -> float:
    """Returns the score that a fraction of normal steps exceed.

    Below one in the number of normal steps, the tail is taken to be exponential beyond
    its highest twentieth (peaks over a threshold).

    Args:
        normal: How many normal steps there were, and then their highest scores,
            ascending.
        false_alarms: The fraction.

    Example:
        >>> from rnnzoo.analysis.anomalies import find_threshold
        >>> find_threshold([4, 1.0, 2.0, 3.0, 4.0], false_alarms=0.5)
        2.0
    """
    check_number("false_alarms", false_alarms, above=0, below=1)
    count, scores = int(normal[0]), np.asarray(normal[1:], "float64")
    allowed = false_alarms * count
    if allowed >= 1 and int(allowed) < len(scores):
        return float(scores[len(scores) - 1 - int(allowed)])
    if allowed >= 1:
        return float(scores[0])
    size = max(min(len(scores), count // 20), 1)
    tail = scores[len(scores) - size :]
    excess = max(float((tail - tail[0]).mean()), 0.05 * abs(float(tail[-1])) + 1e-12)
    return float(max(tail[-1], tail[0] + excess * np.log(size / max(allowed, 1e-12))))


def report_events(flags: Any, labels: Any, slack: int = 0) -> dict[str, float]:
    """Returns how well flags find the events that labels mark.

    An event is a run of labelled steps. It is found if a step of it, or of the `slack`
    steps behind it, is flagged; a run of flags that touches no event is a false alarm.

    Args:
        flags: Whether each step is flagged.
        labels: Whether each step is part of an event; as many.
        slack: Steps behind an event in which a flag still counts for it.

    Returns:
        `events`, `precision` (of the runs of flags), `recall` (of the events), `f1`,
        `delay`, the mean steps from the beginning of an event that is found to its
        first flag, and `false_alarms`, the fraction of other steps that are flagged.

    Example:
        >>> from rnnzoo.analysis.anomalies import report_events
        >>> report = report_events([0, 0, 1, 0, 1, 0], [0, 1, 1, 0, 0, 0])
        >>> report["recall"], report["precision"], report["delay"]
        (1.0, 0.5, 1.0)
    """
    flags, labels = np.asarray(flags, bool), np.asarray(labels, bool)
    if flags.shape != labels.shape or flags.ndim != 1:
        raise ValueError(
            "There must be a label for each step. Received: flags of shape "
            f"{flags.shape} and labels of shape {labels.shape}"
        )
    events, runs = _find_runs(labels), _find_runs(flags)
    wide = [(begin, min(end + slack, len(flags))) for begin, end in events]
    found, delays = 0, []
    for begin, end in wide:
        places = np.flatnonzero(flags[begin:end])
        if len(places):
            found += 1
            delays.append(int(places[0]))
    right = sum(
        any(begin < stop and start < end for begin, end in wide) for start, stop in runs
    )
    precision = right / len(runs) if runs else float("nan")
    recall = found / len(events) if events else float("nan")
    both = precision + recall
    others = ~labels
    return {
        "events": len(events),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / both if both > 0 else float("nan"),
        "delay": float(np.mean(delays)) if delays else float("nan"),
        "false_alarms": float(flags[others].mean()) if others.any() else float("nan"),
    }


def _find_runs(marks: np.ndarray) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[0], marks.astype(int), [0]]))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(begins.tolist(), ends.tolist(), strict=True))
