"""Figures of answers of any kind: names, texts, numbers or values."""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo.errors import shorten
from rnnzoo.tokens.raw import spell
from rnnzoo.tokens.reals import REAL


def compare_answers(answers: Sequence, targets: Sequence) -> dict[str, Any]:
    """Returns how well answers agree with the right ones, as text or as values.

    Args:
        answers: The answers of a model.
        targets: The right ones, or these as text; as many.

    Returns:
        `rows`; and for values `mae` and `rmse`, else `exact_match`, the fraction of
        answers that are the targets up to white space.

    Raises:
        ValueError: If a target is not as many numbers as the values of the answer.

    Example:
        >>> from rnnzoo.analysis.answers import compare_answers
        >>> compare_answers(["1 2", "3"], ["1  2", "4"])
        {'rows': 2, 'exact_match': 0.5}
        >>> compare_answers([[1.0, 2.0]], ["1, 4"])
        {'rows': 1, 'mae': 1.0, 'rmse': 1.4142135623730951}
    """
    flat = keras.tree.flatten(list(answers))
    if not flat or not all(isinstance(value, float) for value in flat):
        right = [
            spell(answer).split() == spell(target).split()
            for answer, target in zip(answers, targets, strict=True)
        ]
        return {"rows": len(right), "exact_match": float(np.mean(right or [0.0]))}
    errors = []
    for row, (answer, target) in enumerate(zip(answers, targets, strict=True)):
        values = np.array(keras.tree.flatten(answer))
        words = re.split(r"[\s,;()\[\]]+", spell(target).strip(" ,;()[]"))
        if len(words) != len(values) or not all(re.fullmatch(REAL, w) for w in words):
            raise ValueError(
                f"A right answer must be {len(values)} numbers, as in '1.5 2'. "
                f"Received: {shorten(target)} in row {row} (rows count from 0)"
            )
        errors.append(np.array(list(map(float, words))) - values)
    flat = np.concatenate(errors)
    mae, rmse = np.abs(flat).mean(), np.sqrt((flat**2).mean())
    return {"rows": len(errors), "mae": float(mae), "rmse": float(rmse)}
