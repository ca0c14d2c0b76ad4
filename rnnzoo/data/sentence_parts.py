"""Parts of annotated sentences: those held out, and pieces of long ones."""

import collections
from typing import Any

import numpy as np

from rnnzoo.data.pipeline import Pairs
from rnnzoo.data.tagged import TaggedSentences


def hold_out(
    source: TaggedSentences, fraction: float = 0.1, limit: int = 2000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    r"""Returns places of sentences to learn from, and of those held out.

    No tag and no intent is only in those held out. Both are all sentences if there are
    too few.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.sentence_parts import hold_out
        >>> from rnnzoo.data.tagged import TaggedSentences
        >>> _ = pathlib.Path("few.conll").write_text("a X\n\nb X\n\nc Y")
        >>> rest, part = hold_out(TaggedSentences("few.conll"))
        >>> len(rest), len(part)
        (2, 1)
    """
    names = [set(tags) for tags in source.tags]
    if source.intents is not None:
        names = [
            {*tags, ("intent", intent)}
            for tags, intent in zip(names, source.intents, strict=True)
        ]
    counts = collections.Counter(name for found in names for name in found)
    order = np.random.default_rng(seed).permutation(len(source))
    wanted = min(max(round(fraction * len(source)), 1), limit)
    part: list[int] = []
    for place in order.tolist():
        if len(part) == wanted:
            break
        if all(counts[name] > 1 for name in names[place]):
            counts.subtract(names[place])
            part.append(place)
    if not part:
        return order, order
    held = set(part)
    return np.array([at for at in order.tolist() if at not in held]), np.array(part)


def cut_sentences(source: Any, longest: int) -> Any:
    """Returns a source whose sentences have at most `longest` words.

    A sentence is cut where no span is cut, if the second half of a piece has such a
    place.

    Example:
        >>> from rnnzoo.data.pipeline import Pairs
        >>> from rnnzoo.data.sentence_parts import cut_sentences
        >>> source = Pairs([["a", "b", "c"]], [["O", "B-X", "I-X"]])
        >>> cut_sentences(source, 2).rows([0, 1])
        ([['a'], ['b', 'c']], [['O'], ['B-X', 'I-X']])
    """
    if not len(source) or max(source.lengths) <= longest:
        return source
    words, targets = source.rows(np.arange(len(source)))
    pieces, parts = [], []
    for row, target in zip(words, targets, strict=True):
        tags = target[0] if isinstance(target, tuple) else target
        begin = 0
        while begin < len(row):
            end = min(begin + longest, len(row))
            if end < len(row):
                free = (
                    at
                    for at in range(end, begin + longest // 2 - 1, -1)
                    if at > begin and tags[at][:2] not in ("I-", "E-")
                )
                end = next(free, end)
            part = tags[begin:end]
            pieces.append(row[begin:end])
            parts.append((part, target[1]) if isinstance(target, tuple) else part)
            begin = end
    return Pairs(pieces, parts)
