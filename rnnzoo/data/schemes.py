"""Schemes of tags, such as IOB2: spans of words from tags, tags from spans, repairs."""

import collections
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rnnzoo.errors import check_choice, shorten

# "plain" tags stand for themselves, as parts of speech do. The others mark spans: a tag
# is O, or a prefix, a hyphen and a label.
SCHEMES = ("plain", "iob1", "iob2", "iobes")
PREFIXES = {"iob1": "BI", "iob2": "BI", "iobes": "BIES"}
# Other names of the letters: BILOU has L and U; BMEWO has M and W; BMESO has M.
LETTERS = {"L": "E", "U": "S", "W": "S", "M": "I"}
OUTSIDE = "O"
# Of the tags of a scheme, a larger fraction of others means that there is none.
TYPO_SHARE = 0.05


class WordSpan(NamedTuple):
    """A label of the words from `start` to before `end`."""

    label: str
    start: int
    end: int


def split_tag(tag: str) -> tuple[str, str]:
    """Returns the prefix of a tag, and its label.

    The prefix is before the first hyphen. The letters of BILOU and BMES become those
    of IOBES.

    Example:
        >>> from rnnzoo.data.schemes import split_tag
        >>> split_tag("B-film-title"), split_tag("O"), split_tag("U-LOC")
        (('B', 'film-title'), ('O', ''), ('S', 'LOC'))
    """
    prefix, _, label = tag.partition("-")
    return LETTERS.get(prefix, prefix), label


def is_scheme_tag(tag: str) -> bool:
    """Whether a tag is `O`, or a letter of a scheme, a hyphen and a label."""
    prefix, label = split_tag(tag)
    return tag == OUTSIDE or (prefix in ("B", "I", "E", "S") and bool(label))


def detect_scheme(sentences: Iterable[Sequence[str]]) -> str:
    """Returns the scheme that tags of sentences follow.

    Tags are plain if more than a few are neither `O` nor a letter, a hyphen and a
    label; IOBES (or BILOU) if spans of several words end with a letter of their own;
    IOB2 if most spans begin with `B`; and IOB1 if `B` only separates spans of a label.

    Example:
        >>> from rnnzoo.data.schemes import detect_scheme
        >>> detect_scheme([["I-LOC", "O"], ["I-PER", "B-PER"]])
        'iob1'
        >>> detect_scheme([["B-LOC", "I-LOC", "O"]]), detect_scheme([["NOUN", "."]])
        ('iob2', 'plain')
        >>> detect_scheme([["U-LOC", "O", "B-PER", "L-PER"]])
        'iobes'
    """
    begun_by: collections.Counter = collections.Counter()
    is_iobes, others, marked = False, 0, 0
    for tags in sentences:
        before = OUTSIDE, ""
        for tag in tags:
            prefix, label = split_tag(tag)
            marked += prefix != OUTSIDE
            others += not is_scheme_tag(tag)
            is_iobes = is_iobes or prefix in ("E", "S")
            is_next = before[0] != OUTSIDE and before[1] == label
            if prefix in ("B", "I") and not is_next:
                begun_by[prefix] += 1
            before = prefix, label
    if others > TYPO_SHARE * marked:
        return "plain"
    if is_iobes:
        return "iobes"
    return "iob1" if begun_by["I"] > begun_by["B"] else "iob2"


def tags_to_spans(tags: Sequence[str], scheme: str = "iob2") -> list[WordSpan]:
    """Returns the spans of the tags of a sentence.

    Broken tags are read as `conlleval` and `seqeval` (in its default mode) read them:
    a span that nothing has begun begins where its label is first.

    Args:
        tags: The tags of a sentence.
        scheme: One of `SCHEMES`; with `"plain"`, each word is a span.

    Example:
        >>> from rnnzoo.data.schemes import tags_to_spans
        >>> tags_to_spans(["B-LOC", "I-LOC", "O", "I-PER"])[1]
        WordSpan(label='PER', start=3, end=4)
    """
    check_choice("scheme", scheme, SCHEMES)
    if scheme == "plain":
        return [WordSpan(tag, place, place + 1) for place, tag in enumerate(tags)]
    spans, begin, last = [], 0, OUTSIDE
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, label = split_tag(last)
        begins = is_begin(last, tag)
        if prefix != OUTSIDE and (begins or split_tag(tag)[0] == OUTSIDE):
            spans.append(WordSpan(label, begin, place))
        if begins:
            begin = place
        last = tag
    return spans


def is_begin(before: str, tag: str) -> bool:
    """Whether a span begins with a tag behind another one.

    Example:
        >>> from rnnzoo.data.schemes import is_begin
        >>> is_begin("O", "I-LOC"), is_begin("B-LOC", "I-LOC")
        (True, False)
    """
    (last, known), (prefix, label) = split_tag(before), split_tag(tag)
    return prefix != OUTSIDE and (
        label != known or prefix in ("B", "S") or last in ("E", "S", OUTSIDE)
    )


def spans_to_tags(
    spans: Iterable[tuple[str, int, int]], length: int, scheme: str = "iob2"
) -> list[str]:
    """Returns the tags of a sentence of `length` words with these spans.

    Spans must not overlap. With `"plain"`, each word has the label of its span.

    Example:
        >>> from rnnzoo.data.schemes import spans_to_tags
        >>> spans_to_tags([("LOC", 0, 2)], 3)
        ['B-LOC', 'I-LOC', 'O']
        >>> spans_to_tags([("LOC", 0, 2), ("PER", 2, 3)], 3, "iobes")
        ['B-LOC', 'E-LOC', 'S-PER']
    """
    check_choice("scheme", scheme, SCHEMES)
    tags, last = [OUTSIDE] * length, ("", 0, 0)
    for label, start, end in sorted(spans, key=lambda span: tuple(span)[1:]):
        if not last[2] <= start < end <= length:
            raise ValueError(
                f"Spans must be within the {length} words, not empty, and not overlap. "
                f"Received: {(label, start, end)} behind {last}"
            )
        for place in range(start, end):
            tags[place] = f"I-{label}"
        if scheme == "plain":
            tags[start:end] = [label] * (end - start)
        elif scheme == "iobes" and end == start + 1:
            tags[start] = f"S-{label}"
        elif scheme == "iobes":
            tags[start], tags[end - 1] = f"B-{label}", f"E-{label}"
        elif scheme == "iob2" or (last[0] == label and last[2] == start):
            tags[start] = f"B-{label}"
        last = label, start, end
    return tags


def convert_tags(tags: Sequence[str], old: str, new: str) -> list[str]:
    """Returns tags of one scheme in another one.

    Example:
        >>> from rnnzoo.data.schemes import convert_tags
        >>> convert_tags(["I-LOC", "I-LOC", "B-LOC"], "iob1", "iobes")
        ['B-LOC', 'E-LOC', 'S-LOC']
    """
    for scheme in (old, new):
        check_choice("scheme", scheme, SCHEMES)
    if "plain" in (old, new):
        if old != new:
            raise ValueError(
                "Plain tags mark no spans, so they cannot be converted to or from "
                f"another scheme. Received: old={old!r}, new={new!r}"
            )
        return list(tags)
    return spans_to_tags(tags_to_spans(tags, old), len(tags), new)


def repair_tags(tags: Sequence[str], scheme: str) -> tuple[list[str], int]:
    """Returns tags as the scheme has them, and how many had to be changed.

    The spans stay those that `tags_to_spans` finds.

    Example:
        >>> from rnnzoo.data.schemes import repair_tags
        >>> repair_tags(["O", "I-LOC", "I-LOC"], "iob2")
        (['O', 'B-LOC', 'I-LOC'], 1)
    """
    good = convert_tags(tags, scheme, scheme)
    before = [OUTSIDE if tag == OUTSIDE else "-".join(split_tag(tag)) for tag in tags]
    if scheme == "plain":
        return good, 0
    return good, sum(one != other for one, other in zip(good, before, strict=True))


def is_allowed(before: str | None, tag: str | None, scheme: str) -> bool:
    """Whether a tag may follow another one.

    Args:
        before: The tag before; `None` for the start of a sentence.
        tag: The tag; `None` for the end of a sentence.
        scheme: One of `SCHEMES`.

    Example:
        >>> from rnnzoo.data.schemes import is_allowed
        >>> is_allowed("O", "I-LOC", "iob2"), is_allowed("B-LOC", "I-LOC", "iob2")
        (False, True)
        >>> is_allowed("B-LOC", None, "iobes")
        False
    """
    check_choice("scheme", scheme, SCHEMES)
    if scheme == "plain":
        return True
    (first, one), (second, other) = (split_tag(t or OUTSIDE) for t in (before, tag))
    continues = first in ("B", "I") and one == other
    if scheme == "iob1":
        # B only behind a span of the same label.
        return second != "B" or (first != OUTSIDE and one == other)
    if scheme == "iob2":
        return second != "I" or continues
    is_open = first in ("B", "I")
    return (
        continues
        if is_open and second in ("I", "E")
        else (not is_open and second not in ("I", "E"))
    )


def check_tags(names: Iterable[str], scheme: str) -> None:
    """Refuses names of tags that a scheme cannot have, with a `ValueError`."""
    check_choice("scheme", scheme, SCHEMES)
    if scheme == "plain":
        return
    letters = (*PREFIXES[scheme], OUTSIDE)
    wrong = [
        name
        for name in names
        if not is_scheme_tag(name) or split_tag(name)[0] not in letters
    ]
    if wrong:
        raise ValueError(
            f"Tags of the scheme {scheme} are O, or one of {', '.join(letters[:-1])}, "
            "a hyphen and a label, as B-LOC; state another scheme, or plain for tags "
            f"that mark no spans. Received: {shorten(', '.join(wrong), str, 300)}"
        )
