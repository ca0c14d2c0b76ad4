"""Metrics that Keras lacks."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("rnnzoo")
class TokenAccuracy(keras.metrics.Mean):
    """Share of tokens that are right, padding left out.

    Use it for sequences padded with a class of their own; it is a mean over tokens,
    not over sequences.

    Args:
        padding: Target that marks padding.
        name: Name in logs.

    Shapes: targets `[batch, time]`, logits or probabilities `[batch, time, classes]`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.metrics import TokenAccuracy
        >>> metric = TokenAccuracy(padding=0)
        >>> metric.update_state([[1, 2, 0]], np.eye(3)[[[1, 1, 1]]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, padding: int = 0, name: str = "accuracy", **options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(name=name, **options)
        self.padding = padding

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right tokens of a batch."""
        right, real = _right(y_true, y_pred, self.padding)
        weights = ops.cast(real, "float32")
        if sample_weight is not None:
            weights = weights * ops.cast(sample_weight, "float32")
        super().update_state(ops.cast(right, "float32"), weights)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable("rnnzoo")
class ExactMatch(keras.metrics.Mean):
    """Share of sequences that are right in every token, padding left out.

    Use it where an answer with one wrong token is a wrong answer.

    Args:
        padding: Target that marks padding.
        name: Name in logs.

    Shapes: targets `[batch, time]`, logits or probabilities `[batch, time, classes]`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.metrics import ExactMatch
        >>> metric = ExactMatch(padding=0)
        >>> metric.update_state([[1, 2], [1, 0]], np.eye(3)[[[1, 1], [1, 1]]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, padding: int = 0, name: str = "exact_match", **options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(name=name, **options)
        self.padding = padding

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right sequences of a batch; weights, per token, have no part."""
        right, real = _right(y_true, y_pred, self.padding)
        wrong = ops.logical_and(real, ops.logical_not(right))
        super().update_state(ops.logical_not(ops.any(wrong, axis=1)))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable("rnnzoo")
class BitAccuracy(keras.metrics.Mean):
    """Share of bits that are right, steps that are masked left out.

    Use it for logits of bits: a positive one is a 1.

    Args:
        name: Name in logs.

    Shapes: targets and logits `[batch, time, bits]`.

    Example:
        >>> from rnnzoo.metrics import BitAccuracy
        >>> metric = BitAccuracy()
        >>> metric.update_state([[[1.0], [0.0]]], [[[2.5], [0.1]]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, name: str = "accuracy", **options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(name=name, **options)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right bits of a batch; weights are per step."""
        mask = keras.src.backend.get_keras_mask(y_pred)
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        right = ops.equal(ops.greater(y_true, 0.5), ops.greater(y_pred, 0.0))
        weights = ops.ones_like(right[..., 0], "float32")
        if mask is not None:
            weights = ops.cast(mask, "float32")
        if sample_weight is not None:
            weights = weights * ops.cast(sample_weight, "float32")
        right = ops.mean(ops.cast(right, "float32"), axis=-1)
        super().update_state(right, weights)


def character_accuracy(answers: Sequence[str], targets: Sequence[str]) -> float:
    """Returns the share of the targets' characters that answers have in their places.

    The end of a text counts as a character. Of answers that a model writes on its own,
    one that leaves out a character is wrong from there on.

    Args:
        answers: The answers.
        targets: As many right ones.

    Raises:
        ValueError: If there are not as many of one as of the other, or none.

    Example:
        >>> from rnnzoo.metrics import character_accuracy
        >>> character_accuracy(["120", "7"], ["123", "7"])
        0.8333333333333334
    """
    if len(answers) != len(targets) or not len(targets):
        raise ValueError(
            "There must be one target for each answer, and at least one of them. "
            f"Received: {len(answers)} answers and {len(targets)} targets"
        )
    right = total = 0
    for answer, target in zip(answers, targets, strict=True):
        # No character of a text is the end's.
        pairs = itertools.zip_longest(answer[: len(target) + 1], target)
        right += sum(one == other for one, other in pairs)
        right += len(answer) == len(target)
        total += len(target) + 1
    return right / total


def translation_quality(
    translations: Sequence[str], references: Sequence[str | Sequence[str]]
) -> dict[str, float]:
    """Measures translations against references, by sacreBLEU.

    Texts are given as they are written: sacreBLEU cuts them into words. Figures of
    tokenised texts cannot be compared with these; `bleu_signature` says what was done.

    Args:
        translations: The translations.
        references: For each of them a right one, or a list of right ones.

    Returns:
        `bleu` and `chrf`, from 0 to 100, of the texts as they are; and
        `bleu_lower_case`, to compare with figures of texts in lower case.

    Raises:
        ValueError: If there are not as many references as translations, or none.

    Example:
        >>> from rnnzoo.metrics import translation_quality
        >>> right = [["Ein Hund läuft im Schnee.", "Ein Hund rennt im Schnee."]]
        >>> quality = translation_quality(["ein Hund rennt im Schnee."], right)
        >>> round(quality["bleu"], 1), round(quality["bleu_lower_case"], 1)
        (76.0, 100.0)

    References:
        - Post, "A call for clarity in reporting BLEU scores", WMT 2018,
          arXiv:1804.08771.
        - Papineni et al., "BLEU: a method for automatic evaluation of machine
          translation", ACL 2002.
        - Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT
          2015.
    """
    from sacrebleu.metrics import BLEU, CHRF

    streams = _reference_streams(translations, references)
    measures = {
        "bleu": BLEU(),
        "bleu_lower_case": BLEU(lowercase=True),
        "chrf": CHRF(),
    }
    return {
        name: float(measure.corpus_score(list(translations), streams).score)
        for name, measure in measures.items()
    }


def bleu_signature(references: Sequence[str | Sequence[str]]) -> str:
    """Returns sacreBLEU's signature of the `bleu` of `translation_quality`.

    Args:
        references: As `translation_quality`.

    Example:
        >>> from rnnzoo.metrics import bleu_signature
        >>> bleu_signature(["Ein Hund."])
        'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:...'
    """
    from sacrebleu.metrics import BLEU

    bleu = BLEU()
    empty = [""] * len(references)
    bleu.corpus_score(empty, _reference_streams(empty, references))
    return str(bleu.get_signature())


def _reference_streams(translations: Sequence, references: Sequence) -> list[list]:
    """Returns the first reference of each, the second of each, and so on."""
    if len(translations) != len(references) or not len(references):
        raise ValueError(
            "There must be one reference, or one list of them, for each translation, "
            f"and at least one. Received: {len(translations)} translations and "
            f"{len(references)} references"
        )
    rows = [[row] if isinstance(row, str) else list(row) for row in references]
    return list(map(list, itertools.zip_longest(*rows)))


def _right(y_true: Any, y_pred: Any, padding: int) -> tuple:
    """Returns which tokens are right, and which are real."""
    y_true = ops.cast(y_true, "int32")
    y_pred = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    return ops.equal(y_true, y_pred), ops.not_equal(y_true, padding)
