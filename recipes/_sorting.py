"""What the recipes of sorters share: figures by family and by length."""

from typing import Any

import numpy as np

from rnnzoo.analysis.classification import calibration_bins, calibration_error


def measure_families(
    model: Any, families: dict[str, list], lengths: dict[int, list], progress: Any
) -> dict[str, float]:
    """Returns the fractions of lists that are right as a whole, and of sure answers.

    Args:
        model: A sorter.
        families: Lists of one length by name; the first family is the main one.
        lengths: Lists of every length, of which the worst is reported.
        progress: Wraps an iterable to show progress, as `tqdm` does.

    Returns:
        `element_accuracy` of the main family; `exact_match` of each family, and of the
        lists of the worst length. Over all families: the fraction of answers with a
        confidence of 0.99 or more (`sure`), what fraction of these is right, and the
        expected calibration error over 15 intervals.
    """
    figures, sure, right = {}, [], []
    for name, lists in [(name, families[name]) for name in progress(list(families))]:
        answers, confidence = model.sort(lists, return_confidence=True)
        is_right = np.array(
            [a == sorted(r) for a, r in zip(answers, lists, strict=True)]
        )
        if not figures:
            same = np.array(answers) == np.sort(lists, axis=1)
            figures["element_accuracy"] = same.mean()
        figures[f"exact_match_{name}".rstrip("_")] = is_right.mean()
        sure.append(np.array(confidence))
        right.append(is_right)
    exact = []
    for lists in lengths.values():
        answers = model.sort(lists, return_confidence=True)[0]
        pairs = zip(answers, lists, strict=True)
        exact.append(np.mean([answer == sorted(row) for answer, row in pairs]))
    figures["exact_match_at_the_worst_length"] = min(exact)
    confidence, is_right = np.concatenate(sure), np.concatenate(right)
    is_sure = confidence >= 0.99
    figures["sure"] = is_sure.mean()
    figures["exact_match_of_sure"] = is_right[is_sure].mean() if is_sure.any() else 1.0
    bins = calibration_bins(confidence, is_right)
    figures["calibration_error"] = calibration_error(bins)
    return {name: float(value) for name, value in figures.items()}
