"""Your own annotated sentences: CoNLL columns, JSON lines with spans, two files."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnzoo.data import conll, schemes, span_rows
from rnnzoo.data.categorical import Indices
from rnnzoo.data.encodings import encoding_name
from rnnzoo.data.fingerprints import digest
from rnnzoo.data.rows import add_problem, describe_problem, describe_problems
from rnnzoo.errors import check_choice, shorten

# Names of the files of a folder with parallel files.
PARALLEL = ("seq.in", "seq.out", "label")
# What tags that are only a letter of a scheme are spans of.
NAMELESS = "span"


class TaggedSentences:
    r"""Annotated sentences of a file, as a `rnnzoo.data.pipeline.Source`.

    The format is found by the content:

    - CoNLL: a line per word with columns, separated by tabs or spaces, and blank lines
      between sentences (`rnnzoo.data.conll.read_columns`); CoNLL-U among them.
    - JSON lines (`.jsonl`, `.json`, `.ndjson`): a text with spans per line
      (`rnnzoo.data.span_rows.read_spans`).
    - Two parallel files, of words and of tags, and maybe one of intents; or a folder
      with `seq.in`, `seq.out` and maybe `label`.

    Each may be compressed by gzip. Tags that mark spans in another scheme than
    `target_scheme` are converted; tags that break their scheme are repaired, and the
    report says how many and where.

    Args:
        path: Path of the file or folder.
        tags: Path of a parallel file of tags.
        intents: Path of a parallel file of intents; of JSON lines, their key.
        column: Column of the tags; see `rnnzoo.data.conll.read_columns`.
        words: Column of the words.
        text: Key of the texts in JSON lines.
        scheme: Of the tags in the file: one of `rnnzoo.data.schemes.SCHEMES`, or
            `"auto"`.
        target_scheme: Of the tags that are returned; `"auto"` for that of the file, or
            IOB2 instead of IOB1.
        encoding: Any text encoding that Python knows.
        split: Splits a text with spans: returns where its words begin and end.
        broken: What to do with tags that break their scheme: `"repair"` or `"refuse"`.
        skip_bad_rows: Whether sentences with bad lines are left out.

    Attributes:
        words: The words of each sentence.
        tags: The tags of each sentence.
        intents: The intent of each sentence; `None` if there are none.
        lines: The line that each sentence begins on.
        lengths: Words of each sentence, int32.
        scheme: The scheme of the tags.
        tag_names: Different tags, sorted; `O` first.
        intent_names: Different intents, sorted.
        report: What was repaired or left out; empty if nothing was.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.tagged import TaggedSentences
        >>> lines = ["Ada\tI-PER", "Lovelace\tI-PER", "smiles\tO", "", "Hello\tO"]
        >>> _ = pathlib.Path("names.conll").write_text("\n".join(lines))
        >>> source = TaggedSentences("names.conll")
        >>> source.scheme, source.tag_names, source.rows([1])
        ('iob2', ['O', 'B-PER', 'I-PER'], ([['Hello']], [['O']]))
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        tags: str | os.PathLike = "",
        intents: str | os.PathLike = "",
        column: str | int = "",
        words: str | int = "",
        text: str = "text",
        scheme: str = "auto",
        target_scheme: str = "auto",
        encoding: str = "utf-8",
        split: span_rows.Split = span_rows.split_words,
        broken: str = "repair",
        skip_bad_rows: bool = False,
    ):
        for argument, value in (("scheme", scheme), ("target_scheme", target_scheme)):
            check_choice(argument, value, ["auto", *schemes.SCHEMES])
        check_choice("broken", broken, ["repair", "refuse"])
        self.path = pathlib.Path(path).expanduser().absolute()
        encoding, notes = encoding_name(encoding), []
        if self.path.is_dir():
            tags, intents = self._find_parallel(tags, intents)
        first = self.path / PARALLEL[0] if self.path.is_dir() else self.path
        self.paths = [first, *(pathlib.Path(one) for one in [tags] if one)]
        lines = conll.read_content(first, encoding)
        name = repr(str(first))
        if tags:
            others = [conll.read_content(tags, encoding)]
            if intents:
                self.paths.append(pathlib.Path(intents))
                others.append(conll.read_content(intents, encoding))
            names = [str(one) for one in self.paths]
            found = list(conll.read_parallel(lines, *others, names=names))
        elif _is_json(lines):
            found, changes = span_rows.read_spans(lines, text, str(intents), split)
            notes += [
                describe_problem(kind, "line", len(at), [*map(str, at[:5])]).strip()
                for kind, at in changes.items()
            ]
        else:
            if intents:
                raise ValueError(
                    "Intents are a parallel file, or a key of JSON lines. Received: "
                    f"intents={os.fspath(intents)!r} for {name}"
                )
            found = conll.read_columns(lines, str(column), str(words), name)
        notes = self._take_good(found, skip_bad_rows) + notes
        notes += self._apply_scheme(scheme, target_scheme, broken)
        self.report = "\n".join(notes)

    def __len__(self) -> int:
        """Number of sentences."""
        return len(self.words)

    def rows(self, indices: Indices) -> tuple[list[list[str]], list]:
        """Returns the words of sentences, and their tags; pairs, if there are intents.

        These are pairs of the tags and the intent.
        """
        numbers = [int(number) for number in np.asarray(indices)]
        targets: list = [self.tags[number] for number in numbers]
        if self.intents is not None:
            targets = [
                (tags, self.intents[number])
                for tags, number in zip(targets, numbers, strict=True)
            ]
        return [self.words[number] for number in numbers], targets

    def fingerprint(self) -> dict[str, Any]:
        """Returns the number of the sentences and a hash of them."""
        parts = [self.words, self.tags, self.intents or []]
        return {"sentences": len(self), "hash": digest(*parts)}

    def _find_parallel(self, tags: Any, intents: Any) -> tuple[Any, Any]:
        first, second, third = (self.path / name for name in PARALLEL)
        if not (first.is_file() and (tags or second.is_file())):
            raise ValueError(
                f"A folder must hold the files {PARALLEL[0]} and {PARALLEL[1]}, and "
                f"maybe {PARALLEL[2]}; or give the path of a file. Received: "
                f"path={str(self.path)!r}"
            )
        return tags or second, intents or (third if third.is_file() else "")

    def _take_good(
        self, found: list[conll.RawSentence], skip_bad_rows: bool
    ) -> list[str]:
        """Keeps the good sentences; returns a report of the others."""
        problems: dict = {}
        good = []
        for one in found:
            if one.problem:
                add_problem(problems, one.bad_line, *one.problem.split(": ", 1))
            elif one.words:
                good.append(one)
        received = f"Received: path={str(self.path)!r}"
        report = ""
        if problems:
            expected = "Every line must be a word with a tag, or a text with spans"
            report = describe_problems(problems, len(good), expected, "line")
            if not (skip_bad_rows and good):
                raise ValueError(
                    f"{report}\nCorrect them, or leave out sentences with bad lines by "
                    f"`skip_bad_rows=True` (on the command line --skip-bad-rows). "
                    f"{received}"
                )
        if not good:
            raise ValueError(
                "The file must hold at least one sentence with tags; it has none. "
                f"{received}"
            )
        has_intents = [one.intent is not None for one in good]
        if any(has_intents) and not all(has_intents):
            bad = good[has_intents.index(False)].lines[0]
            raise ValueError(
                "Every sentence must have an intent, or none. Received: none on line "
                f"{bad} of {str(self.path)!r}"
            )
        self.words = [one.words for one in good]
        self.tags = [one.tags for one in good]
        self.intents = [str(one.intent) for one in good] if has_intents[0] else None
        self.lines = [one.lines[0] for one in good]
        self._word_lines = [one.lines for one in good]
        self.lengths = np.array([len(one) for one in self.words], "int32")
        self.intent_names = sorted(set(self.intents or []))
        return [report] if report else []

    def _apply_scheme(self, scheme: str, target: str, broken: str) -> list[str]:
        """Repairs and converts tags; returns sentences about it."""
        notes, found = [], {tag for tags in self.tags for tag in tags}
        letters = {"B", "I", "E", "S", "L", "U", "M", "O"}
        is_nameless = found <= letters and "B" in found and len(found) > 1
        if is_nameless and scheme != "plain":
            self.tags = [
                [tag if tag == "O" else f"{tag}-{NAMELESS}" for tag in tags]
                for tags in self.tags
            ]
            notes.append(f"Tags have no labels: spans are called {NAMELESS!r}")
        self.file_scheme = scheme
        if scheme == "auto":
            self.file_scheme = schemes.detect_scheme(self.tags)
        if target == "auto":
            target = "iob2" if self.file_scheme == "iob1" else self.file_scheme
        if self.file_scheme != "plain":
            self._refuse_others(found if not is_nameless else set())
            notes += self._repair(broken)
            convert = schemes.convert_tags
            self.tags = [convert(tags, self.file_scheme, target) for tags in self.tags]
        elif target != "plain":
            schemes.convert_tags([], "plain", target)  # refuses
        self.scheme = target
        self.tag_names = sorted(
            {tag for tags in self.tags for tag in tags}, key=lambda t: (t != "O", t)
        )
        return notes

    def _refuse_others(self, names: set[str]) -> None:
        """Refuses tags that mark no spans, by line."""
        wrong = sorted(name for name in names if not schemes.is_scheme_tag(name))
        if not wrong:
            return
        lines = [
            line
            for tags, lines in zip(self.tags, self._word_lines, strict=True)
            for tag, line in zip(tags, lines, strict=True)
            if tag in wrong
        ]
        raise ValueError(
            f"Tags of the scheme {self.file_scheme} are O, or a letter, a hyphen and a "
            "label, as B-LOC; name another column, or state scheme='plain' (on the "
            "command line --scheme=plain). Received: "
            f"{shorten(', '.join(wrong), str, 200)} on line {lines[0]} of "
            f"{str(self.path)!r} and {len(lines) - 1} others"
        )

    def _repair(self, broken: str) -> list[str]:
        """Repairs tags that break the scheme; returns a sentence about them."""
        problems: dict = {}
        sentences = 0
        for place, tags in enumerate(self.tags):
            good, count = schemes.repair_tags(tags, self.file_scheme)
            sentences += count > 0
            if count:
                lines = self._word_lines[place]
                for old, new, line in zip(tags, good, lines, strict=True):
                    known = "-".join(filter(None, schemes.split_tag(old)))
                    if known != new:
                        add_problem(problems, line, f"{old} should be {new}")
                self.tags[place] = good
        if not problems:
            return []
        total = sum(count for count, _ in problems.values())
        words = sum(self.lengths)
        kinds = [
            describe_problem(kind, "line", *at).strip() for kind, at in problems.items()
        ]
        if len(kinds) > 5:
            kinds = [*kinds[:5], f"and {len(kinds) - 5} other kinds"]
        text = (
            f"{total:,} of {words:,} tags in {sentences:,} sentences break the scheme "
            f"{self.file_scheme}"
        )
        if broken == "refuse":
            raise ValueError(
                f"{text}: {'; '.join(kinds)}. Correct them, or let them be repaired "
                "(broken='repair', on the command line --broken=repair). Received: "
                f"path={str(self.path)!r}"
            )
        return [
            f"{text}, and are repaired, so that spans begin where their label "
            f"does: {'; '.join(kinds)}"
        ]


def _is_json(lines: Sequence[str]) -> bool:
    """Whether the first line that is not blank is a JSON object, or a pair."""
    import json

    first = next((line for line in lines if line.strip()), "").strip()
    if first[:1] not in "{[" or not first:
        return False
    try:
        return isinstance(json.loads(first), (dict, list))
    except ValueError:
        return first.startswith('{"')
