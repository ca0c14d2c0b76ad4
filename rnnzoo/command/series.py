"""Files of series, for models that `rnnzoo train own_series` has trained."""

import argparse
import json
import sys
import typing
import zipfile

from rnnzoo.command.loading import load_model
from rnnzoo.errors import shorten

# Rows that are answered at a time.
ROWS = 256


def reads_series(parsed: argparse.Namespace) -> bool:
    """Whether a model was trained on files of series: its card says so."""
    if parsed.text not in (None, "text"):
        return False  # a column of series as texts
    from rnnzoo.weights import read_class_name

    if read_class_name(parsed.model) != "SeriesClassifier":
        return False
    with zipfile.ZipFile(parsed.model) as archive:
        names = [one for one in archive.namelist() if one.endswith("card.json")]
        card = json.loads(archive.read(names[0])) if names else {}
    return card.get("recipe") == "own_series"


def read_again(
    parsed: argparse.Namespace, model: typing.Any, is_labelled: bool
) -> tuple:
    """Reads a file in the form of the training; gaps are filled."""
    from rnnzoo.data.series_files import read_series

    card = model.card
    options, layout = card.get("options", {}), card.get("layout", {})
    asked = getattr(parsed, "label", None)
    label = asked if asked not in (None, "label") else options.get("label", "label")
    found = read_series(
        parsed.data,
        id=layout.get("id", ""),
        time=layout.get("time", ""),
        values=layout.get("values", ""),
        label=label,
        window=options.get("window", 0),
        step=options.get("step", 0),
        is_labelled=is_labelled,
        encoding=parsed.encoding,
        separator=parsed.separator or options.get("separator", ""),
        skip_bad_rows=parsed.skip_bad_rows,
    )
    print(f"rnnzoo: {found.form}, {len(found.series):,} series", file=sys.stderr)
    if found.report:
        print(found.report, file=sys.stderr)
    means = model.tokens.means
    if found.series[0].shape[1] != len(means):
        raise ValueError(
            f"A step must have {len(means)} values, as in training. Received: "
            f"{found.series[0].shape[1]} values a step in data={parsed.data!r}"
        )
    return found, found.fill(means)


def open_series(parsed: argparse.Namespace, model: typing.Any) -> typing.Any:
    """Returns labelled series of a file to measure a model on."""
    from rnnzoo.data.pipeline import Pairs

    found, series = read_again(parsed, model, is_labelled=True)
    unknown = sorted(set(found.labels) - set(model.classes))
    if unknown:
        raise ValueError(
            f"Labels must be classes of the model: {', '.join(model.classes)}. "
            f"Received: {shorten(', '.join(unknown), str, 300)} in data={parsed.data!r}"
        )
    return Pairs(series, found.labels)


def answer_series(parsed: argparse.Namespace) -> int:
    """Answers each series of a file, and writes or prints a row for each."""
    from rnnzoo.data.table_writer import TableWriter
    from rnnzoo.models.answering import answer_columns, name_columns

    model = load_model(parsed)
    series: typing.Any
    found, series = read_again(parsed, model, is_labelled=False)
    added = name_columns(model, parsed.probabilities, parsed.prefix)
    rows = []
    for begin in range(0, len(series), ROWS):
        parsed.check_signals()
        columns = answer_columns(
            model,
            series[begin : begin + ROWS],
            parsed.probabilities,
            prefix=parsed.prefix,
        )
        names = found.names[begin : begin + ROWS]
        for place, name in enumerate(names):
            answers = {one: values[place] for one, values in columns.items()}
            rows.append({"series": name, **answers})
    if parsed.to:
        with TableWriter(parsed.to, ["series", *added], force=parsed.force) as writer:
            writer.write(rows)
        print(f"rnnzoo: {len(rows):,} series answered: {parsed.to}", file=sys.stderr)
    for row in [] if parsed.to else rows:
        line = json.dumps(row) if parsed.json else "\t".join(map(str, row.values()))
        print(line)
    return 0
