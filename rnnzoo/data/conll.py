"""Sentences with a tag per word, in columns (CoNLL, CoNLL-U) or in parallel files."""

import collections
import gzip
import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rnnzoo.data.encodings import read_lines
from rnnzoo.data.rows import list_places
from rnnzoo.errors import closest, shorten

CONLLU = "ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC".split()
# First lines of files that name their columns.
WORD_NAMES = ("word", "words", "token", "tokens", "form", "text")
# What several formats begin a document with.
DOCUMENT = "-DOCSTART-"


class RawSentence(NamedTuple):
    """Words and tags as they are in a file, and the line of each word.

    `problem` says what is wrong with the line `bad_line`, if anything is.
    """

    words: list[str]
    tags: list[str]
    lines: list[int]
    intent: str | None = None
    problem: str = ""
    bad_line: int = 0


class _Line(NamedTuple):
    number: int
    fields: list[str]
    is_mark: bool  # begins with #: a comment, or the word "#"


def read_content(path: str | os.PathLike, encoding: str) -> list[str]:
    """Returns the lines of a text file, which may be compressed by gzip.

    Example:
        >>> import gzip, pathlib
        >>> from rnnzoo.data.conll import read_content
        >>> _ = pathlib.Path("it.conll.gz").write_bytes(gzip.compress(b"It O"))
        >>> read_content("it.conll.gz", "utf-8")
        ['It O']
    """
    found = pathlib.Path(path).expanduser()
    if not found.is_file():
        folder = found.parent
        names = os.listdir(folder) if folder.is_dir() else []
        raise FileNotFoundError(
            "There must be a file of annotated sentences at the path; there is none."
            f"{closest(found.name, names)} Received: path={os.fspath(path)!r}"
        )
    content = found.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise ValueError(
                "The file is compressed by gzip, but damaged: copy it again. Received: "
                f"path={os.fspath(path)!r} ({error})"
            ) from error
    return read_lines(content, encoding, repr(os.fspath(path)))


def read_columns(
    lines: Sequence[str], column: str = "", words: str = "", name: str = "the file"
) -> list[RawSentence]:
    r"""Reads a word per line, with tags in columns; blank lines separate sentences.

    Columns are separated by tabs if most lines have one, else by spaces. Comments begin
    with `#`; a line that begins with it and has what other words have is a word.
    Lines `-DOCSTART-` are left out. In CoNLL-U, also lines of several words in one
    (`1-2`) and of words that are not there (`1.1`) are.

    Args:
        lines: The lines.
        column: The column of the tags: a number from 1, a negative one from the end, or
            a name of CoNLL-U, of a first line that names columns, or of the comment
            `# global.columns`. Default: `UPOS`, or else the last one.
        words: The column of the words. Default: `FORM`, or else the first one.
        name: What messages call the file.

    Example:
        >>> from rnnzoo.data.conll import read_columns
        >>> (sentence,) = read_columns(["Ada NNP B-PER", "smiles VBZ O", ""])
        >>> sentence.words, sentence.tags
        (['Ada', 'smiles'], ['B-PER', 'O'])
    """
    names = _find_global_columns(lines)
    rows, is_blank = _split_lines(lines)
    widths = collections.Counter(len(row.fields) for row in rows if not row.is_mark)
    if not widths:
        # No line but those that begin with #.
        widths = collections.Counter(len(row.fields) for row in rows)
    width = widths.most_common(1)[0][0] if widths else 0
    data = [row for row in rows if len(row.fields) == width and not row.is_mark]
    is_conllu = not names and width == len(CONLLU) and _counts_words(data)
    if is_conllu:
        names = CONLLU
    header = -1
    if not names and data and _is_header(data[0].fields, column):
        names, header = data[0].fields, data[0].number
    if not width:
        return []
    if width == 1 and not column:
        raise ValueError(
            "A line must have a word and its tag, separated by a tab or spaces. Name "
            "the file of the tags, if they are in a second one (on the command line "
            f"--tags=FILE). Received: {name}, whose lines have one column, such as "
            f"{shorten(' '.join(data[0].fields) if data else lines[0])}"
        )
    default = "UPOS" if is_conllu else str(width)
    tag_at = _find_column(column or default, names, width, name)
    is_counted = is_conllu or (width > 2 and "ID" in [one.upper() for one in names[:1]])
    word_at = _find_column(
        words or ("2" if is_counted else "1"), names, width, name, "words"
    )
    if tag_at == word_at:
        raise ValueError(
            "Words and tags must be in two columns: name both. Received: column "
            f"{tag_at + 1} of {name} for both"
        )
    known = {row.fields[tag_at] for row in data if row.number != header}
    columns = [(at, {row.fields[at] for row in data}) for at in range(width)]
    columns = [(at, found) for at, found in columns if at != word_at]
    found: list[RawSentence] = []
    sentence = RawSentence([], [], [])
    for row in [*rows, None]:
        if row is None or row.number in is_blank:
            if sentence.words or sentence.problem:
                found.append(sentence)
            sentence = RawSentence([], [], [])
            if row is None:
                break
        fields = row.fields
        fits = len(fields) == width
        if row.number == header or fields[0] == DOCUMENT:
            continue
        if row.is_mark and (
            is_conllu or not fits or not any(fields[a] in seen for a, seen in columns)
        ):
            continue
        if is_counted and re.fullmatch(r"\d+[-.]\d+", fields[0]):
            continue
        problem = ""
        if not fits:
            problem = f"{len(fields)} columns instead of {width}"
        elif not fields[word_at].strip():
            problem = "an empty word"
        elif not fields[tag_at].strip():
            problem = "an empty tag"
        if problem and not sentence.problem:
            sentence = sentence._replace(problem=problem, bad_line=row.number)
        if not problem:
            sentence.words.append(fields[word_at].strip())
            sentence.tags.append(fields[tag_at].strip())
            sentence.lines.append(row.number)
    if is_conllu and known == {"_"}:
        filled = [
            one
            for place, one in enumerate(CONLLU)
            if place > 1 and {row.fields[place] for row in data} != {"_"}
        ]
        raise ValueError(
            f"The column of the tags is empty in {name}: name another one of "
            f"{', '.join(filled)} (on the command line --column=NAME). Received: "
            f"column={column or default!r}"
        )
    return found


def read_words(
    lines: Sequence[str], words: str = "", name: str = "the file"
) -> list[list[str]]:
    """Returns the words of sentences in columns, with or without tags.

    Example:
        >>> from rnnzoo.data.conll import read_words
        >>> read_words(["Ada", "smiles", "", "Hello"])
        [['Ada', 'smiles'], ['Hello']]
    """
    rows, _ = _split_lines(lines)
    if all(len(row.fields) == 1 for row in rows):
        lines = [f"{line}\tO" if line.strip() else "" for line in lines]
    found = read_columns(lines, "-1", words, name)
    wrong = next((one for one in found if one.problem), None)
    if wrong:
        raise ValueError(
            "Every line must have the same columns, and blank lines separate "
            f"sentences. Received: {wrong.problem} on line {wrong.bad_line} of {name}"
        )
    return [one.words for one in found]


def _split_lines(lines: Sequence[str]) -> tuple[list[_Line], set[int]]:
    """Returns lines that are not blank, and the numbers of those after a break."""
    filled = [line for line in lines if line.strip() and not line.startswith("#")]
    is_tabbed = 2 * sum("\t" in line for line in filled) > len(filled)
    rows, follows, is_break = [], set(), False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            is_break = True
            continue
        if is_tabbed:
            fields = line.rstrip("\r\n").split("\t")
            # Some tools end lines with a tab.
            while len(fields) > 2 and not fields[-1].strip():
                fields.pop()
        else:
            fields = re.split(r"[ \t]+", line.strip(" \t\r\n"))
        rows.append(_Line(number, fields, line.startswith("#")))
        if is_break or fields[0] == DOCUMENT:
            follows.add(number)
        is_break = fields[0] == DOCUMENT
    return rows, follows


def _counts_words(rows: list[_Line]) -> bool:
    return all(re.fullmatch(r"\d+([-.]\d+)?", row.fields[0]) for row in rows)


def _find_global_columns(lines: Sequence[str]) -> list[str]:
    for line in lines[:10]:
        if found := re.match(r"#\s*global\.columns\s*=\s*(.+)", line):
            return found[1].split()
    return []


def _is_header(fields: list[str], column: str) -> bool:
    """Whether a first line names columns: one is asked for, or named as words are."""
    named = bool(column) and not _is_number(column) and column in fields
    return named or (
        len(fields) > 1
        and fields[0].lower() in WORD_NAMES[:-1]
        and (
            any(
                re.fullmatch(
                    r"(?i)(pos|upos|xpos|ner|chunk|iob|bio)?[ _-]?(tags?|labels?)?", one
                )
                and one
                for one in fields[1:]
            )
        )
    )


def _is_number(column: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d+", column))


def _find_column(
    column: str, names: Sequence[str], width: int, name: str, option: str = "column"
) -> int:
    """Returns the place of a column that is named, or numbered from 1."""
    if _is_number(column):
        number = int(column)
        place = number + width if number < 0 else number - 1
        if 0 <= place < width and number:
            return place
    else:
        lower = [one.lower() for one in names]
        if column in names:
            return list(names).index(column)
        if column.lower() in lower:
            return lower.index(column.lower())
    listed = f", or one of {', '.join(names)}" if names else ""
    raise ValueError(
        f"{option} must be a number from 1 to {width} (or -1 for the last column)"
        f"{listed}.{closest(column, names)} Received: {option}={column!r} for {name}"
    )


def read_parallel(
    words: Sequence[str],
    tags: Sequence[str],
    intents: Sequence[str] | None = None,
    names: Sequence[str] = ("words", "tags", "intents"),
) -> Iterator[RawSentence]:
    """Yields sentences of a file of words, one of tags and one of intents.

    Lines belong together; words and tags are separated by white space.

    Example:
        >>> from rnnzoo.data.conll import read_parallel
        >>> (sentence,) = read_parallel(["play jazz"], ["O B-genre"], ["PlayMusic"])
        >>> sentence.tags, sentence.intent
        (['O', 'B-genre'], 'PlayMusic')
    """
    files = [words, tags] + ([intents] if intents is not None else [])
    # A file may end with blank lines that others do not have.
    sizes = [
        max((n for n, line in enumerate(file, 1) if line.strip()), default=0)
        for file in files
    ]
    if len(set(sizes)) > 1:
        counts = [f"{size} of {one}" for size, one in zip(sizes, names, strict=False)]
        raise ValueError(
            "Parallel files must have one line for each line of the other: find where "
            f"they part. Received: lines {list_places(counts)}"
        )
    for number in range(sizes[0]):
        line, row = words[number].split(), tags[number].split()
        intent = intents[number].strip() if intents is not None else None
        problem = ""
        if len(line) != len(row):
            problem = f"{len(line)} words and {len(row)} tags"
        elif intents is not None and not intent and line:
            problem = "no intent"
        if line or row:
            lines = [number + 1] * len(line)
            yield RawSentence(line, row, lines, intent, problem, number + 1)
