"""What all sorters share: raw lists in, sorted lists and their confidence out."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnzoo.data.columns import to_rows
from rnnzoo.errors import shorten
from rnnzoo.mixin import Mixin
from rnnzoo.models.familiarity import is_published
from rnnzoo.tokens import split_rows

# Rows, and steps of all rows, that are sorted at a time.
ROWS, STEPS = 1024, 2**20
# Confidence below which published weights are said to be unsure, and above which no
# answer comes that is not a permutation of its list.
SURE, NO_PERMUTATION = 0.9, 0.01
# Temperatures that a calibration chooses from.
TEMPERATURES = tuple(2 ** (step / 5) for step in range(-10, 11))


class ListSorter(Mixin):
    """Mixed into models that sort lists and have `sort_rows` and `sort_texts`.

    Args:
        temperature: By how much scores are divided to calculate the confidence; above
            0. `calibrate` chooses it.
    """

    TASK = "sorting"

    # What lists hold, for error messages; and how to make a Python number of an answer.
    KIND = "integers"
    temperature: float
    max_length: int

    @staticmethod
    def to_number(value: Any) -> Any:
        """Returns a number of an answer as Python's."""
        return int(value)

    def sort_rows(self, rows: Sequence, temperature: float) -> tuple[list, np.ndarray]:
        """Returns the sorted rows, and the confidence of each, `[rows]`."""
        raise NotImplementedError

    def sort_texts(
        self, texts: list[str], temperature: float
    ) -> tuple[list[str], np.ndarray]:
        """Returns texts of the sorted numbers of texts, and the confidence of each."""
        raise NotImplementedError

    def split(self, numbers: Any, name: str = "numbers") -> tuple[list, Callable, bool]:
        """Returns rows, how to make an answer of them, and whether they are a batch."""
        return split_rows(numbers, name, self.KIND, self.to_number)

    def sort(self, numbers: Any, *, return_confidence: bool = False) -> Any:
        """Sorts a list of numbers, or each list of a batch, in increasing order.

        Args:
            numbers: A list, tuple or 1-D array of numbers; or a batch: a list or tuple
                of these, a 2-D array or tensor, or a ragged tensor. A list may be
                empty, and has at most `max_length` numbers.
            return_confidence: Whether to return the probability that the whole list is
                right too: a float, or one for each list of a batch. Of an answer that
                is not a permutation of its list it is at most 0.01.

        Raises:
            TypeError: If something is not such a number, or nested too deep.
            ValueError: If a number is out of range, or a list too long; names each.

        Warns:
            UserWarning: Where the confidence of published weights is below 0.9, unless
                it is returned.

        Example:
            >>> from rnnzoo import sorter
            >>> sorter().sort([31, 4, 15, 9, 26])
            [4, 9, 15, 26, 31]
            >>> answers, confidence = sorter().sort([[3, 1, 2], [32, 1]],
            ...                                         return_confidence=True)
            >>> answers, min(confidence) > 0.99
            ([[1, 2, 3], [1, 32]], True)
        """
        rows, restore, is_batch = self.split(numbers)
        answers, confidence = self.sort_rows(rows, self.temperature)
        found = restore(answers)
        if return_confidence:
            return found, confidence.tolist() if is_batch else float(confidence[0])
        self.warn_unsure(rows, confidence)
        return found

    def answer(self, inputs: Any, *, return_confidence: bool = False) -> Any:
        """Sorts text as well as lists: text in gives text out.

        Args:
            inputs: Numbers in a string such as `"31 4 15"` (commas and brackets may
                stand between), a list of such strings, or what `sort` takes.
            return_confidence: Whether to return, behind the answers, how probable it is
                that each is right.

        Raises:
            TypeError, ValueError: As `sort`, which also warns.

        Example:
            >>> from rnnzoo import sorter
            >>> sorter().answer("31 4 15 9 26")
            '4 9 15 26 31'
        """
        if isinstance(inputs, str):
            found = self.answer([inputs], return_confidence=return_confidence)
            return (found[0][0], found[1][0]) if return_confidence else found[0]
        inputs = to_rows(inputs)
        is_text = isinstance(inputs, (list, tuple)) and len(inputs)
        if not is_text or not all(isinstance(text, str) for text in inputs):
            return self.sort(inputs, return_confidence=return_confidence)
        answers, confidence = self.sort_texts(list(inputs), self.temperature)
        if return_confidence:
            return answers, confidence.tolist()
        self.warn_unsure(inputs, confidence)
        return answers

    def warn_unsure(self, rows: Sequence, confidence: np.ndarray) -> None:
        """Warns of answers that published weights are not sure of."""
        unsure = np.flatnonzero(confidence < SURE)
        if len(unsure) and is_published(self):
            row = unsure[confidence[unsure].argmin()]
            warnings.warn(
                f"The model is unsure of {len(unsure)} of {len(rows)} answers: see "
                "their probabilities with return_confidence=True. Received: "
                f"{shorten(rows[row])}, whose answer is right with a probability of "
                f"{confidence[row]:.2g}",
                stacklevel=3,
            )

    def calibrate(self, numbers: Any) -> float:
        """Chooses the temperature with which confidence says how often one is right.

        Of several temperatures it is that with the lowest mean negative log-likelihood
        of what is right and what is wrong (Guo et al., arXiv:1706.04599). Answers stay
        as they are.

        Args:
            numbers: A batch of lists, thousands of them, unlike those of the training
                if the model is to be honest about unfamiliar ones.

        Example:
            >>> from rnnzoo import sorter
            >>> from rnnzoo.data.synthetic import uniform_lists
            >>> model = sorter(weights=None, max_value=9, max_length=4, units=8)
            >>> model.calibrate(uniform_lists(20, max_value=9, length=4, seed=0)) > 0
            True
        """
        rows, *_ = self.split(numbers)
        losses = {}
        for temperature in TEMPERATURES:
            answers, confidence = self.sort_rows(rows, temperature)
            pairs = zip(answers, rows, strict=True)
            right = [list(answer) == sorted(row) for answer, row in pairs]
            share = np.clip(confidence, 1e-6, 1 - 1e-6)
            losses[temperature] = -np.log(np.where(right, share, 1 - share)).mean()
        self.temperature = min(losses, key=lambda temperature: losses[temperature])
        self.arguments["temperature"] = self.temperature
        return self.temperature

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        answers, confidence = self.sort_texts(text, self.temperature)
        return {"text": answers, "confidence": confidence}


def check_target_rows(rows: list, targets: list) -> list:
    """Returns targets, one list of the same length for each row; refuses others."""
    if list(map(len, targets)) != list(map(len, rows)):
        raise ValueError(
            "targets must hold one sorted list for each list, of the same length. "
            f"Received: {len(rows)} lists and {len(targets)} targets"
        )
    return targets
