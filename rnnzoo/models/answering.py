"""Answers of any model as columns of a table, row by row in bounded memory."""

import dataclasses
import inspect
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from rnnzoo.data.rows import add_problem, describe_problems, list_places
from rnnzoo.errors import shorten


def answer_columns(
    model: Any,
    texts: Sequence[str],
    probabilities: bool = False,
    *,
    prefix: str = "",
    **options: Any,
) -> dict[str, list]:
    """Returns what a model answers to texts as columns.

    They are `answer`, and for a model that has it `probability`: that of the class that
    is answered, or that a list is sorted right.

    Args:
        model: A model that takes text.
        texts: One or more texts.
        probabilities: Whether a classifier adds the probability of each of its classes:
            columns `probability_CLASS`.
        prefix: Stands before the names of all columns.
        **options: Those of the model's `answer`.

    Raises:
        TypeError, ValueError: If a text cannot be answered, or an option is none.

    Example:
        >>> from rnnzoo import sentiment_classifier, sorter
        >>> from rnnzoo.models.answering import answer_columns
        >>> answer_columns(sorter(), ["3 1 2"])
        {'answer': ['1 2 3'], 'probability': [1.0]}
        >>> list(answer_columns(sentiment_classifier(), ["A quiet triumph."], True))
        ['answer', 'probability', 'probability_negative', 'probability_positive']
    """
    columns: dict[str, list]
    if probabilities:
        refuse_probabilities(model)
    if is_classifier(model):
        shares = np.asarray(model.probabilities(list(texts)))
        numbers = shares.argmax(axis=1)
        columns = {
            "answer": [model.classes[number] for number in numbers],
            "probability": to_shares(shares.max(axis=1)),
        }
        if probabilities:
            names = map(name_probability, model.classes)
            columns |= zip(names, map(to_shares, shares.T), strict=True)
    elif has_confidence(model):
        options["return_confidence"] = True
        answers, confidence = model.answer(list(texts), **options)
        columns = {"answer": answers, "probability": to_shares(confidence)}
    else:
        columns = {"answer": answer_texts(model, texts, **options)}
    return {f"{prefix}{name}": values for name, values in columns.items()}


def answer_texts(model: Any, texts: Sequence[str], **options: Any) -> list:
    """Returns what a model answers to texts: texts, or what JSON can hold.

    Example:
        >>> from rnnzoo import adder, many_to_one
        >>> from rnnzoo.models.answering import answer_texts
        >>> answer_texts(adder(), ["5 + 3"])
        ['8']
        >>> model = many_to_one(vocabulary_size=9, num_classes=1, units=4)
        >>> answer_texts(model, ["5 3"])
        [0]
    """
    return [
        answer
        if isinstance(answer, str)
        else json.loads(json.dumps(answer, default=_to_list))
        for answer in model.answer(list(texts), **options)
    ]


def _to_list(value: Any) -> Any:
    return np.asarray(value).tolist()


def name_columns(model: Any, probabilities: bool = False, prefix: str = "") -> list:
    """Returns the names of what `answer_columns` returns."""
    names = ["answer"]
    if is_classifier(model) or has_confidence(model):
        names.append("probability")
    if probabilities:
        refuse_probabilities(model)
        names += map(name_probability, model.classes)
    return [f"{prefix}{name}" for name in names]


def is_classifier(model: Any) -> bool:
    """Whether a model gives a probability to each of its classes."""
    return hasattr(model, "classes") and hasattr(model, "probabilities")


def has_confidence(model: Any) -> bool:
    """Whether a model says how probable it is that an answer is right."""
    return "return_confidence" in inspect.signature(model.answer).parameters


def name_probability(name: str) -> str:
    """Returns the name of the column with the probability of a class."""
    return f"probability_{name}"


def to_shares(shares: Any) -> list[float]:
    """Returns probabilities as floats with six digits."""
    return [float(f"{share:.6g}") for share in np.asarray(shares, "float64")]


def refuse_probabilities(model: Any) -> None:
    """Refuses a model that has no probability for each class."""
    if not is_classifier(model):
        raise ValueError(
            "Only classifiers have a probability for each class: leave `probabilities` "
            f"(--probabilities) out. Received: a {type(model).__name__}"
        )


def refuse_clashes(columns: Iterable[str], added: Iterable[str]) -> None:
    """Refuses to add columns to a table that has columns of these names."""
    columns, added = list(columns), list(added)
    clashing = [name for name in added if name in columns]
    if clashing:
        raise ValueError(
            f"Columns of answers are added to the table: {list_places(added)}. It has "
            f"{list_places(clashing)} already: state how the new names begin with "
            "`prefix` (on the command line --prefix=model_). Received: columns "
            f"{list_places(columns)}"
        )


@dataclasses.dataclass
class RowAnswers:
    """Answers rows of a table batch by batch, and keeps account of what was refused.

    Args:
        model: A model that takes text.
        text: Name of the column of the texts.
        probabilities: As `answer_columns` has it.
        prefix: As `answer_columns` has it.
        skip_bad_rows: Whether rows that the model refuses are left out.
        options: Those of the model's `answer`.

    Attributes:
        answered: Number of rows that have an answer.
        report: The rows that the model refused, and why; empty if there are none.
        warnings: Each kind of warning once, and how many batches had others of it.

    Example:
        >>> from rnnzoo import sorter
        >>> from rnnzoo.models.answering import RowAnswers
        >>> rows = [(2, {"id": "a", "text": "3 1 2"})]
        >>> RowAnswers(sorter(), "text").answer(rows)
        [{'id': 'a', 'text': '3 1 2', 'answer': '1 2 3', 'probability': 1.0}]
    """

    model: Any
    text: str
    probabilities: bool = False
    prefix: str = ""
    skip_bad_rows: bool = False
    options: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        """Begins with no row."""
        self.answered = 0
        self._problems: dict = {}
        # By their texts without numbers: the first, and how many batches had one.
        self._warnings: dict[str, tuple[str, int]] = {}

    @property
    def warnings(self) -> list[str]:
        """Each kind of warning once, and how many batches had others of it."""
        return [
            text if count == 1 else f"{text} (and in {count - 1} more batches of rows)"
            for text, count in self._warnings.values()
        ]

    @property
    def report(self) -> str:
        """The rows that the model refused, and why."""
        if not self._problems:
            return ""
        expected = "Every row must have a text that the model can answer"
        return describe_problems(self._problems, self.answered, expected, "line")

    def answer(self, rows: list[tuple[int, dict]]) -> list[dict]:
        """Returns rows with their answers.

        Args:
            rows: Pairs of the line that a row is on, and the row: a dict from columns
                to values.

        Raises:
            ValueError: If the model refuses rows; names the lines of those among them.
        """
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always", UserWarning)
            answered = self._answer(rows)
        self.answered += len(answered)
        texts = {re.sub("[0-9]+", "", str(one.message)): one for one in found}
        for kind, one in texts.items():
            first, count = self._warnings.get(kind, (str(one.message), 0))
            self._warnings[kind] = first, count + 1
        if self._problems and not self.skip_bad_rows:
            raise ValueError(
                f"{self.report}\nCorrect them, or leave them out with "
                "`skip_bad_rows=True` (on the command line --skip-bad-rows)."
            )
        return answered

    def _answer(self, rows: list[tuple[int, dict]]) -> list[dict]:
        texts = [row[self.text] for _, row in rows]
        try:
            columns = answer_columns(
                self.model,
                texts,
                self.probabilities,
                prefix=self.prefix,
                **self.options,
            )
        except (ValueError, TypeError) as error:
            if "row " not in str(error):  # an option, or the model
                raise
            if len(rows) > 1:
                half = len(rows) // 2
                return self._answer(rows[:half]) + self._answer(rows[half:])
            add_problem(self._problems, rows[0][0], *_split_refusal(str(error)))
            return []
        added = zip(*columns.values(), strict=True)
        return [
            row | dict(zip(columns, values, strict=True))
            for (_, row), values in zip(rows, added, strict=True)
        ]


def answer_rows(
    answers: RowAnswers,
    batches: Iterable[list[tuple[int, dict]]],
    write: Callable[[list[dict]], Any],
) -> Iterator[int]:
    """Answers and writes batches of rows; yields the number of rows read so far."""
    count = 0
    for batch in batches:
        write(answers.answer(batch))
        count += len(batch)
        yield count


def _split_refusal(message: str) -> tuple[str, str]:
    """Returns what a refusal of one row says that rows must be, and what it was."""
    kind, _, received = message.partition("Received:")
    kind = re.split(r"[.;]? Correct or remove", kind)[0].strip().rstrip(".")
    detail = re.sub(r"(^\s*row 0(: |, )|\s+in row 0\b)", "", received).strip()
    return kind, shorten(" ".join(detail.split()), str, 100)
