"""Texts with spans in JSON lines, as doccano, spaCy and prodigy write them."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from rnnzoo.data.conll import RawSentence
from rnnzoo.data.rows import BadRow, parse_object
from rnnzoo.data.schemes import spans_to_tags
from rnnzoo.errors import shorten

# Keys that hold spans, and keys of what a span has.
SPANS = ("spans", "entities", "ents", "labels", "label", "annotations")
STARTS = ("start", "start_offset", "begin", "from")
ENDS = ("end", "end_offset", "to")
LABELS = ("label", "tag", "type", "entity", "labels", "class")
# Keys of words and their tags.
WORDS, TAGS = ("tokens", "words"), ("tags", "ner_tags", "pos_tags", "labels", "ner")

Split = Callable[[str], Sequence[tuple[int, int]]]


def split_words(text: str) -> list[tuple[int, int]]:
    """Returns where words and other characters of a text begin and end.

    Example:
        >>> from rnnzoo.data.span_rows import split_words
        >>> split_words("Hi, Ada")
        [(0, 2), (2, 3), (4, 7)]
    """
    return [found.span() for found in re.finditer(r"\w+|[^\w\s]", text)]


def read_spans(
    lines: Sequence[str],
    text: str = "text",
    intent: str = "",
    split: Split = split_words,
) -> tuple[list[RawSentence], dict[str, list[int]]]:
    """Reads a JSON object per line: a text with spans, or words with tags.

    Spans are `[start, end, label]`, or objects with these; offsets count characters
    from 0, the end excluded. A span that cuts a word is widened to the word; of spans
    that overlap, the longest is kept. Rows that prodigy's user has not accepted are
    left out.

    Args:
        lines: The lines.
        text: Key of the texts.
        intent: Key of the intents; default: `intent`, if rows have it.
        split: Returns where the words of a text begin and end.

    Returns:
        The sentences, with tags of the scheme IOB2 for spans; and the lines of what was
        changed, by kind.

    Example:
        >>> from rnnzoo.data.span_rows import read_spans
        >>> line = '{"text": "Ada Lovelace smiles", "spans": [[0, 12, "PER"]]}'
        >>> (sentence,), changes = read_spans([line])
        >>> sentence.tags, changes
        (['B-PER', 'I-PER', 'O'], {})
    """
    found, changes = [], {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _parse_row(line)
            if row.get("answer", "accept") not in ("accept", None):
                changes.setdefault("rows that were not accepted", []).append(number)
                continue
            words, tags = _read_row(row, text, split, changes, number)
            value = row.get(intent or "intent")
            if intent and not isinstance(value, str):
                raise BadRow(f"no text as {intent!r}")
        except BadRow as error:
            problem = ": ".join(map(str, filter(None, error.args)))
            found.append(RawSentence([], [], [], None, problem, number))
            continue
        name = value if isinstance(value, str) and value.strip() else None
        if words:
            found.append(RawSentence(words, tags, [number] * len(words), name))
    return found, changes


def _parse_row(line: str) -> dict[str, Any]:
    """Returns the object of a line; of spaCy's pairs, the parts together."""
    if line.lstrip().startswith("["):
        import json

        try:
            pair = json.loads(line)
        except ValueError as error:
            raise BadRow("no JSON in one line", str(error)) from None
        if len(pair) != 2 or not isinstance(pair[0], str):
            raise BadRow("no pair of a text and its annotations", shorten(pair))
        rest = pair[1] if isinstance(pair[1], dict) else {"spans": pair[1]}
        return {"text": pair[0], **rest}
    return parse_object("utf-8", line.encode("utf-8", "surrogatepass"))


def _read_row(
    row: dict[str, Any], text: str, split: Split, changes: dict, number: int
) -> tuple[list[str], list[str]]:
    """Returns the words of a row and their tags."""
    if not isinstance(row.get(text), str):
        words = next(
            (row[key] for key in WORDS if isinstance(row.get(key), list)), None
        )
        if words is None:
            raise BadRow(f"no text as {text!r}", f"only {', '.join(map(str, row))}")
        return _read_words(row, words)
    content = row[text]
    spans = next((row[key] for key in SPANS if isinstance(row.get(key), list)), None)
    if spans is None:
        raise BadRow("no list of spans", f"none of {', '.join(SPANS)}")
    bounds = list(split(content))
    chosen: list[tuple[str, int, int]] = []
    wanted = [_read_span(span, len(content)) for span in spans]
    # The longest first, in the order of the text.
    for label, start, end in sorted(set(wanted), key=lambda s: (s[1] - s[2], s[1])):
        inside = [place for place, (a, b) in enumerate(bounds) if a < end and b > start]
        if not inside:
            changes.setdefault("spans without a word, left out", []).append(number)
            continue
        first, last = inside[0], inside[-1] + 1
        if any(first < other and one < last for _, one, other in chosen):
            changes.setdefault("spans that overlap a longer one, left out", []).append(
                number
            )
            continue
        stripped = content[start:end]
        begin = start + len(stripped) - len(stripped.lstrip())
        stop = end - (len(stripped) - len(stripped.rstrip()))
        if (begin, stop) != (bounds[first][0], bounds[last - 1][1]):
            kind = "spans that cut a word, widened to the whole word"
            changes.setdefault(kind, []).append(number)
        chosen.append((label, first, last))
    words = [content[start:end] for start, end in bounds]
    return words, spans_to_tags(chosen, len(words))


def _read_words(row: dict[str, Any], words: list) -> tuple[list[str], list[str]]:
    words = [one.get("text") if isinstance(one, dict) else one for one in words]
    tags = next((row[key] for key in TAGS if isinstance(row.get(key), list)), None)
    if tags is None:
        raise BadRow("no list of tags", f"none of {', '.join(TAGS)}")
    if not all(isinstance(one, str) and one.strip() for one in [*words, *tags]):
        raise BadRow("words or tags that are no texts", "numbers of tags have no names")
    if len(words) != len(tags):
        raise BadRow(f"{len(words)} words and {len(tags)} tags")
    return words, tags


def _read_span(span: Any, length: int) -> tuple[str, int, int]:
    """Returns the label, start and end of a span."""
    if isinstance(span, dict):
        parts = [
            next((span[key] for key in keys if key in span), None)
            for keys in (STARTS, ENDS, LABELS)
        ]
    elif isinstance(span, list) and len(span) >= 3:
        parts = span[:3]
        if isinstance(parts[0], str):
            parts = [*parts[1:], parts[0]]
    else:
        raise BadRow("a span without start, end and label", shorten(span))
    label = parts[2]
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    numbers = [one for one in parts[:2] if type(one) is int]
    if len(numbers) != 2 or not isinstance(label, str) or not label.strip():
        raise BadRow("a span without start, end and label", shorten(span))
    start, end = numbers
    if not 0 <= start < end <= length:
        raise BadRow(
            f"a span beyond the text, which has {length} characters", shorten(span)
        )
    return label.strip(), start, end
