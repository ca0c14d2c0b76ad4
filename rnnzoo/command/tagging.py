"""Taggers on files of annotated sentences: what `evaluate` and `answer` do."""

import argparse
import json
import os
import pathlib
import sys
import typing

from rnnzoo.command.loading import load_model, show_steps
from rnnzoo.writing import (
    name_failures,
    number_existing,
    refuse_existing,
    replace_file,
)

# Suffixes of tables, which `answer` reads as it does for other models.
TABLES = (".csv", ".tsv", ".jsonl", ".txt")
# Options of files of annotated sentences.
OPTIONS = ("column", "word_column", "tags", "intents", "scheme")


def open_sentences(parsed: argparse.Namespace, model: typing.Any) -> typing.Any:
    """Returns the sentences of `--data`, with tags of the model's scheme."""
    from rnnzoo.data.tagged import TaggedSentences
    from rnnzoo.tokens.spelled import word_offsets

    recorded = model.card.get("options", {})
    given = {name: getattr(parsed, name, None) or "" for name in OPTIONS}
    # What the training was told of its data holds for others, unless it is said again.
    for name in ("column", "word_column", "scheme"):
        given[name] = given[name] or recorded.get(name, "")
    source = TaggedSentences(
        parsed.data,
        tags=given["tags"],
        intents=given["intents"],
        column=given["column"],
        words=given["word_column"],
        text=parsed.text or "text",
        scheme=given["scheme"] or "auto",
        target_scheme=model.scheme,
        encoding=parsed.encoding,
        split=word_offsets,
        skip_bad_rows=parsed.skip_bad_rows,
    )
    if source.report:
        print(source.report, file=sys.stderr)
    return source


def evaluate_tags(parsed: argparse.Namespace, model: typing.Any) -> None:
    """Prints how good a tagger is, and draws which labels it confuses."""
    from rnnzoo.analysis.tagging import plot_tag_confusion
    from rnnzoo.models.tag_reports import report_tags

    source = open_sentences(parsed, model)
    report = report_tags(model, source, show_steps, _find_training(model))
    print(json.dumps(report.figures(), indent=2) if parsed.json else report)
    with name_failures(parsed.plots):
        os.makedirs(parsed.plots, exist_ok=True)
    path = os.path.join(parsed.plots, "confusion.png")
    path = path if parsed.force else number_existing(path)
    plot_tag_confusion(report, path)
    print(f"Written: {path}", file=sys.stderr)


def _find_training(model: typing.Any) -> typing.Any:
    """Returns the sentences that a model has learned from, if they are still there."""
    from rnnzoo.training import recipe_class

    name, options = model.card.get("recipe"), model.card.get("options", {})
    if not name or not options.get("data") or not os.path.exists(options["data"]):
        return None
    try:
        return recipe_class(name).from_options(options).parts[0]
    except (ValueError, OSError, AttributeError):
        return None  # another version's, or changed meanwhile


def is_columns(parsed: argparse.Namespace) -> bool:
    """Whether `--data` of `answer` has a word per line, instead of a text per row."""
    path = pathlib.Path(parsed.data).expanduser()
    is_table = path.suffix.lower() in TABLES
    return path.is_file() and not is_table


def answer_columns(parsed: argparse.Namespace) -> int:
    """Tags the words of a file with a word per line, as lines of words and tags."""
    if parsed.to:
        refuse_existing(parsed.to, parsed.force)
    model = load_model(parsed)
    if not hasattr(model, "tag_words"):
        # Says which files are tables.
        from rnnzoo.data.files import find_path

        find_path(parsed.data, folders=False)
    from rnnzoo.data.conll import read_content, read_words

    lines = read_content(parsed.data, parsed.encoding)
    sentences = read_words(lines, name=repr(parsed.data))
    tagged = []
    for start in show_steps(range(0, len(sentences), 256)):
        part = sentences[start : start + 256]
        tagged += zip(part, model.tag_words(part), strict=True)
    if not parsed.to:
        for words, tags in tagged:
            print(_to_lines(words, tags, parsed.json), end="")
        return 0
    is_json = pathlib.Path(parsed.to).suffix.lower() in (".jsonl", ".json")
    with replace_file(pathlib.Path(parsed.to)) as draft:
        text = "".join(_to_lines(words, tags, is_json) for words, tags in tagged)
        pathlib.Path(draft).write_text(text, encoding="utf-8")
    print(f"rnnzoo: {len(tagged):,} sentences answered: {parsed.to}", file=sys.stderr)
    return 0


def _to_lines(words: list[str], tags: list[str], is_json: bool) -> str:
    if is_json:
        return json.dumps({"words": words, "tags": tags}, ensure_ascii=False) + "\n"
    rows = (f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True))
    return "".join(rows) + "\n"
