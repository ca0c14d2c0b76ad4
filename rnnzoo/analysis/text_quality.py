"""Quality of generated texts: character accuracy, BLEU, chrF."""

import itertools
import operator
from collections.abc import Sequence


def character_accuracy(answers: Sequence[str], targets: Sequence[str]) -> float:
    """Returns the fraction of target characters that are right, place by place.

    The end of a text counts as a character.

    Raises:
        ValueError: If the numbers of answers and targets differ, or there are none.

    Example:
        >>> from rnnzoo.analysis.text_quality import character_accuracy
        >>> character_accuracy(["120", "7"], ["123", "7"])
        0.8333333333333334
    """
    if len(answers) != len(targets) or not len(targets):
        raise ValueError(
            "There must be one target for each answer, and at least one of them. "
            f"Received: {len(answers)} answers and {len(targets)} targets"
        )
    right = 0
    for answer, target in zip(answers, targets, strict=True):
        right += sum(map(operator.eq, answer, target)) + (len(answer) == len(target))
    return right / sum(len(target) + 1 for target in targets)


def translation_quality(
    translations: Sequence[str], references: Sequence[str | Sequence[str]]
) -> dict[str, float]:
    """Measures translations with sacreBLEU (Post, 2018, arXiv:1804.08771).

    Args:
        translations: Detokenized texts: sacreBLEU tokenizes them.
        references: For each of them a reference, or a list of references.

    Returns:
        `bleu`, `bleu_lower_case` and `chrf`, from 0 to 100.

    Raises:
        ValueError: If there are not as many references as translations, or none.

    Example:
        >>> from rnnzoo.analysis.text_quality import translation_quality
        >>> right = [["Ein Hund läuft im Schnee.", "Ein Hund rennt im Schnee."]]
        >>> quality = translation_quality(["ein Hund rennt im Schnee."], right)
        >>> round(quality["bleu"], 1), round(quality["bleu_lower_case"], 1)
        (76.0, 100.0)
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    streams = _reference_streams(translations, references)
    lower_case = BLEU(lowercase=True)
    measures = {"bleu": BLEU(), "bleu_lower_case": lower_case, "chrf": CHRF()}
    return {
        name: float(measure.corpus_score(list(translations), streams).score)
        for name, measure in measures.items()
    }


def bleu_signature(references: Sequence[str | Sequence[str]]) -> str:
    """Returns sacreBLEU's signature, its settings, for these references.

    Example:
        >>> from rnnzoo.analysis.text_quality import bleu_signature
        >>> bleu_signature(["Ein Hund."])
        'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:...'
    """
    from sacrebleu.metrics.bleu import BLEU

    bleu = BLEU()
    empty = [""] * len(references)
    bleu.corpus_score(empty, _reference_streams(empty, references))
    return str(bleu.get_signature())


def _reference_streams(translations: Sequence, references: Sequence) -> list[list]:
    if len(translations) != len(references) or not len(references):
        raise ValueError(
            "There must be one reference, or one list of them, for each translation, "
            f"and at least one. Received: {len(translations)} translations and "
            f"{len(references)} references"
        )
    rows = [[row] if isinstance(row, str) else list(row) for row in references]
    return list(map(list, itertools.zip_longest(*rows)))
