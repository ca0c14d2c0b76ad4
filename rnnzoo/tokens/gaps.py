"""Real numbers as steps with gaps, which are NaN."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.errors import shorten
from rnnzoo.tokens.checks import Problem, check_in_graph, refuse_rows, type_name
from rnnzoo.tokens.numbers import parse_number_strings
from rnnzoo.tokens.reals import REAL, RealSteps, split_words

# A number, or a gap.
REAL_OR_GAP = f"{REAL}|[nN][aA][nN]"


class GapSteps(RealSteps):
    """Base of tokens for steps in which numbers may be missing: NaN or `None`.

    The first number of a step may be missing, and others as `allows_gap` says; a series
    has one known number at least before its last `unknown_end` steps.
    """

    number_type = "float64"
    unknown_end = 0

    @property
    def largest(self) -> float:
        """The largest number of a step."""
        return float(np.finfo("float32").max) / 1e6  # room for differences

    @property
    def value_columns(self) -> int:
        """How many of the first numbers of a step are values, which may be gaps."""
        return self.features

    @property
    def gap_columns(self) -> int:
        """How many of the first numbers of a step may be gaps."""
        return self.features

    def parse(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Parses strings `[batch]` into numbers `[batch, (numbers)]`, NaN for gaps."""
        numbers = parse_number_strings(texts, REAL_OR_GAP, tf.float64)
        message = f"Numbers must be finite or nan, {self.features} a step."
        flat, is_whole = numbers.values, numbers.row_lengths() % self.features == 0
        flat = check_in_graph(flat, is_whole, message)
        steps = tf.reshape(flat, [-1, self.features])
        gap = tf.math.is_nan(steps)
        may = tf.range(self.features) < self.gap_columns
        is_right = tf.where(gap, may, tf.abs(steps) <= self.largest)
        flat = check_in_graph(flat, tf.reshape(is_right, [-1]), message)
        lengths = numbers.row_lengths() // self.features
        place = tf.ragged.range(lengths).flat_values
        is_past = place < tf.repeat(lengths - self.unknown_end, lengths)
        known = tf.reduce_any(~gap[:, : self.value_columns], axis=1) & is_past
        is_known = tf.reduce_any(
            tf.RaggedTensor.from_row_lengths(known, lengths), axis=1
        )
        message = "A series must have a known value to begin with."
        return numbers.with_values(check_in_graph(flat, is_known, message))

    def _parse(self, text: str) -> list:
        words = split_words(text)
        gaps = [word.lower() == "nan" for word in words]
        if not any(gaps):
            return super()._parse(text)
        words = ["0" if gap else word for word, gap in zip(words, gaps, strict=True)]
        numbers = [
            np.nan if gap else value
            for gap, value in zip(gaps, map(float, words), strict=True)
        ]
        size = self.features
        if size == 1:
            return numbers
        return [numbers[i : i + size] for i in range(0, len(numbers), size)]

    def check(self, rows: Sequence, name: str = "series") -> list[np.ndarray]:
        """Returns series as arrays `[time, features]`, float64, with NaN for gaps.

        Raises `TypeError` or `ValueError` (infinite, empty, no known value), naming
        every bad row.
        """
        expected = f"{name} must be steps of {self.features} numbers, NaN for gaps."
        if self.features == 1:
            expected = f"{name} must be numbers, NaN for gaps."
        refuse_rows(rows, expected, self._find_problems, have_positions=False)
        return [self._to_array(row) for row in rows]

    def _to_array(self, row: Any) -> np.ndarray:
        if isinstance(row, (list, tuple)):
            row = [_to_gap(value) for value in row]
        return np.asarray(row, self.number_type).reshape(-1, self.features)

    def _find_problems(self, row: Any) -> list[Problem]:
        if not isinstance(row, (list, tuple, np.ndarray)):
            return [(TypeError, f"{shorten(row)} is not a list ({type_name(row)})")]
        try:
            if isinstance(row, np.ndarray) and row.dtype.kind not in "iuf":
                row = row.tolist()
            if not isinstance(row, np.ndarray):
                for value in _flatten(row):
                    if isinstance(value, (str, bytes, bool)):
                        kind = type_name(value)
                        return [(TypeError, f"{shorten(value)} is no number ({kind})")]
            array = self._to_array(row)
        except (TypeError, ValueError, OverflowError, RecursionError):
            wrong = f"not one or more steps of {self.features} numbers"
            return [(ValueError, wrong)]
        shape = np.shape(row)
        if len(shape) > 2 or (self.features > 1 and shape[1:] != (self.features,)):
            return [(ValueError, f"not one or more steps of {self.features} numbers")]
        is_wrong = np.abs(array) > self.largest
        exact = self.gap_columns
        is_wrong[:, exact:] |= np.isnan(array[:, exact:])
        if is_wrong.any():
            step, place = np.argwhere(is_wrong)[0].tolist()
            return [(ValueError, f"step {step}: {array[step, place]} is not finite")]
        past = array[: len(array) - self.unknown_end, : self.value_columns]
        if not len(past) or np.isnan(past).all():
            return [(ValueError, "no known value to begin with")]
        return []

    def _is_good(self, row: Any) -> bool:
        return not self._find_problems(row)


def _to_gap(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [np.nan if one is None else one for one in value]
    return np.nan if value is None else value


def _flatten(row: Any, depth: int = 0) -> Iterator[Any]:
    for value in row:
        if isinstance(value, (list, tuple)) and depth < 3:
            yield from _flatten(value, depth + 1)
        else:
            yield value
