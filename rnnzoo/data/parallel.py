"""Texts and their translations: a tsv or two files, validated before training."""

import collections
import itertools
import os
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from rnnzoo.data.text import read_text

# A larger fraction of bad pairs means that the file is wrong.
BAD_SHARE = 0.1
# Maximum ratio and difference of the lengths of the sides of a pair, in characters.
RATIO, SLACK = 3.0, 30
LISTED = 3  # Pairs that a report names for each kind of problem.


def read_pairs(
    source: str | os.PathLike,
    target: str | os.PathLike | None = None,
    encoding: str = "utf-8",
) -> tuple[list[str], list[str]]:
    r"""Reads texts and their translations, one pair per line, without blank lines.

    Args:
        source: A file of texts; without `target`, one of texts and translations,
            separated by a tab. Columns after the second are ignored.
        target: A file of translations, with as many lines as `source`.
        encoding: Encoding of the files.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.parallel import read_pairs
        >>> _ = pathlib.Path("pairs.tsv").write_text("Go.\tVa !\nRun!\tCours !\n")
        >>> read_pairs("pairs.tsv")
        (['Go.', 'Run!'], ['Va !', 'Cours !'])
    """
    lines = read_text(source, encoding).removesuffix("\n").split("\n")
    if target is not None:
        others = read_text(target, encoding).removesuffix("\n").split("\n")
        if len(lines) != len(others):
            raise ValueError(
                "Parallel files must have one line for each line of the other: find "
                f"where they part. Received: {len(lines)} lines of "
                f"{os.fspath(source)!r} and {len(others)} of {os.fspath(target)!r}"
            )
        pairs = zip(lines, others, strict=True)
    else:
        wrong = [n for n, row in enumerate(lines, 1) if row.strip() and "\t" not in row]
        if wrong:
            raise ValueError(
                "Every line must be a text, a tab, and its translation; or give the "
                f"translations as a second file. Received: {os.fspath(source)!r} with "
                f"{len(wrong)} lines without a tab, such as line {wrong[0]}"
            )
        pairs = (row.split("\t")[:2] for row in lines if row.strip())
    pairs = ((one.strip(), other.strip()) for one, other in pairs)
    return _unzip([pair for pair in pairs if any(pair)])


def _unzip(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def clean_pairs(
    sources: Sequence[str], targets: Sequence[str]
) -> tuple[list[str], list[str], str]:
    r"""Removes pairs that are likely to be wrong, and reports them.

    These have an empty side, two equal sides, or one side that is more than three times
    as long as the other and longer by more than 30 characters. Returns the good texts
    and translations, and a report, empty if all are good. Raises `ValueError` if more
    than a tenth of the pairs are bad: lines are then likely to be misaligned.

    Example:
        >>> from rnnzoo.data.parallel import clean_pairs
        >>> sources = [f"text {n}" for n in range(20)] + ["empty"]
        >>> targets = [f"Text {n}" for n in range(20)] + [""]
        >>> good, translations, report = clean_pairs(sources, targets)
        >>> len(good), report
        (20, "1 of 21 pairs is left out:\n  1 with an empty side: 'empty' -> ''")
    """
    found = collections.defaultdict(list)
    good = []
    for pair in zip(sources, targets, strict=True):
        short, long = sorted(map(len, pair))
        if not short:
            found["with an empty side"].append(pair)
        elif pair[0] == pair[1]:
            found["with two equal sides"].append(pair)
        elif long > RATIO * short and long > short + SLACK:
            found[f"of which one side is over {RATIO:g} times as long"].append(pair)
        else:
            good.append(pair)
    bad = sum(map(len, found.values()))
    verb = "is" if bad == 1 else "are"
    report = f"{bad} of {bad + len(good)} pairs {verb} left out:" if bad else ""
    for kind, pairs in found.items():
        shown = [f"{one[:60]!r} -> {other[:60]!r}" for one, other in pairs[:LISTED]]
        shown += ["..."] if len(pairs) > LISTED else []
        report += f"\n  {len(pairs)} {kind}: {', '.join(shown)}"
    if bad > BAD_SHARE * (bad + len(good)):
        raise ValueError(
            f"At most {BAD_SHARE:.0%} of the pairs may be bad. See whether lines or "
            f"columns are mixed up, and correct them. Received: {report}"
        )
    return *_unzip(good), report


def hold_out(
    sources: Sequence[str], targets: Sequence[str], count: int, seed: int = 0
) -> tuple[tuple[list[str], list[str]], dict[str, list[str]]]:
    """Holds out texts with all their translations, none similar to a remaining text.

    Two texts are similar if they differ in at most one word that is replaced or left
    out, regardless of case and punctuation. Returns the remaining texts and
    translations, and the translations of each held-out text.

    Args:
        sources: Texts; each may occur with several translations.
        targets: Their translations.
        count: Number of different texts to hold out; a `ValueError` if there are fewer
            that are similar to no other.
        seed: Random seed.

    Example:
        >>> from rnnzoo.data.parallel import hold_out
        >>> sources = ["I like it.", "I like her!", "Where is the red car?"]
        >>> rest, held = hold_out(sources, ["a", "b", "c"], count=1)
        >>> rest, held
        ((['I like it.', 'I like her!'], ['a', 'b']), {'Where is the red car?': ['c']})
    """
    translations = collections.defaultdict(list)
    for source, target in zip(sources, targets, strict=True):
        if target not in translations[source]:
            translations[source].append(target)
    patterns = {source: _patterns(source) for source in translations}
    counts = collections.Counter(itertools.chain.from_iterable(patterns.values()))
    unlike = [
        source
        for source, found in patterns.items()
        if all(counts[pattern] == 1 for pattern in found)
    ]
    if not 0 < count <= len(unlike):
        raise ValueError(
            f"count must be from 1 to {len(unlike)}, the number of texts that are like "
            f"no other. Received: count={count}"
        )
    chosen = np.random.default_rng(seed).permutation(len(unlike))[:count]
    held = {unlike[i]: translations[unlike[i]] for i in sorted(chosen)}
    rest = [pair for pair in zip(sources, targets, strict=True) if pair[0] not in held]
    return _unzip(rest), held


def _patterns(text: str) -> set[tuple]:
    # The words, and the words with each of them left out: texts that differ in one
    # word, or by one word, share a pattern.
    text = unicodedata.normalize("NFKC", text).lower()
    words = tuple(re.findall(r"\w+", text))
    return {words} | {words[:i] + words[i + 1 :] for i in range(len(words))}
