"""The verb `answer`: raw input in, answers out; words, lines, or a whole table."""

import argparse
import contextlib
import functools
import inspect
import json
import pathlib
import re
import signal
import sys
import typing
import warnings
from collections.abc import Callable, Iterable, Iterator

from rnnzoo.command import tagging
from rnnzoo.command.loading import decode_word, has_column, load_model, show_rows
from rnnzoo.errors import shorten

# Names of columns in files of texts, lists and series.
COLUMNS = (
    "text texts sentence review input inputs prompt source target answer label class "
    "id index number numbers value values name title bits list series"
).split()
# Rows that are answered at a time.
ROWS = 256
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Options that only a table has.
OF_TABLES = ("text", "separator", "skip_bad_rows")

Batches = Iterable[list[tuple[int, dict]]]


def run_answer(parsed: argparse.Namespace) -> int:
    """Answers inputs, one answer per line; a single text is streamed."""
    _check_sources(parsed)
    parsed.prefix = parsed.prefix or ""
    with _end_at_signal() as parsed.check_signals:
        if parsed.data and tagging.is_columns(parsed):
            return tagging.answer_columns(parsed)
        has_texts = parsed.data and has_column(parsed.data, parsed.text or "text")
        if parsed.data and parsed.file_options and not has_texts:
            return _answer_file(parsed)
        if parsed.data:
            return _answer_table(parsed)
        if parsed.to or parsed.json or parsed.probabilities or parsed.prefix:
            return _answer_lines(parsed)
        return _answer_words(parsed)


def _check_sources(parsed: argparse.Namespace) -> None:
    given = [f"{len(parsed.inputs)} inputs"] if parsed.inputs else []
    given += [f"--file={parsed.file!r}"] if parsed.file else []
    given += [f"--data={parsed.data!r}"] if parsed.data else []
    if len(given) > 1:
        raise ValueError(
            "Give inputs, or --file with a line for each, or --data with a table, not "
            f"both. Received: {' and '.join(given)}"
        )
    others = [name for name in OF_TABLES if getattr(parsed, name)]
    if others and not parsed.data:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise ValueError(
            f"Only a table has columns and bad rows: give it as --data=FILE, or leave "
            f"{names} out. Received: {names} without --data"
        )
    if parsed.json and parsed.to:
        raise ValueError(
            "--json prints JSON lines, --to writes a file (JSON lines, if its name "
            f"ends with .jsonl): give one of them. Received: --json --to={parsed.to!r}"
        )
    if parsed.to and not (parsed.data and tagging.is_columns(parsed)):
        from rnnzoo.data.table_writer import check_target

        check_target(parsed.to, parsed.force)


@contextlib.contextmanager
def _end_at_signal() -> Iterator[Callable[[], None]]:
    """Makes SIGTERM end the command as Ctrl-C does, so that drafts are removed.

    Gives a function that ends it too, after a signal whose exception was lost: code of
    other packages that is called back may ignore it.
    """
    received: list[int] = []

    def stop(number: int, frame: object) -> None:
        received.append(number)
        check()

    def check() -> None:
        if received:
            raise SystemExit(128 + received[0])

    try:
        before = {one: signal.signal(one, stop) for one in SIGNALS}
    except ValueError:  # not in the main thread
        yield check
        return
    try:
        yield check
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _answer_table(parsed: argparse.Namespace) -> int:
    """Answers the rows of a file, or its series."""
    from rnnzoo.command.series import answer_series, reads_series

    if reads_series(parsed):
        return answer_series(parsed)
    from rnnzoo.data.files import show_reading
    from rnnzoo.data.tables import Table
    from rnnzoo.models.answering import refuse_clashes

    with show_reading(parsed.data) as show:
        table = Table(
            parsed.data,
            text=parsed.text,
            encoding=parsed.encoding,
            separator=parsed.separator,
            skip_bad_rows=parsed.skip_bad_rows,
            progress=show,
        )
    if table.report:
        print(table.report, file=sys.stderr)
    if parsed.text is None and table.text not in ("text", "line"):
        note = (
            f"The texts are in the only column, {table.text!r}; names are not answered."
        )
        print(f"rnnzoo: {note}", file=sys.stderr)
    # What every model adds is checked before one is loaded.
    refuse_clashes(table.columns, [f"{parsed.prefix}answer"])
    batches = table.numbered_batches(ROWS)
    return _answer_rows(parsed, table.columns, table.text, batches, len(table))


def _answer_file(parsed: argparse.Namespace) -> int:
    """Answers a file as a whole, such as series in a table, with a table."""
    from rnnzoo.data.number_tables import to_plain_rows

    given = [
        name
        for name, value in {
            "--probabilities": parsed.probabilities,
            "--skip-bad-rows": parsed.skip_bad_rows,
        }.items()
        if value
    ]
    if given:
        raise ValueError(
            "This model answers a file of numbers as a whole: leave out "
            f"{' and '.join(given)}. Received: {' and '.join(given)}"
        )
    model = load_model(parsed)
    from rnnzoo.data.table_writer import TableWriter

    options = {name: getattr(parsed, name, None) for name in parsed.file_options}
    options |= {"encoding": parsed.encoding, "separator": parsed.separator}
    table = model.answer_file(parsed.data, **options)
    names = [f"{parsed.prefix}{name}" for name in table.columns]
    rows = to_plain_rows(table, names)
    if parsed.to:
        with TableWriter(parsed.to, names, force=parsed.force) as writer:
            writer.write(rows)
        print(f"rnnzoo: {len(rows):,} rows: {parsed.to}", file=sys.stderr)
    elif parsed.json:
        _print_json(rows)
    else:
        print(",".join(names))
        for row in rows:
            print(",".join(_show(value) for value in row.values()))
    return 0


def _answer_lines(parsed: argparse.Namespace) -> int:
    """Answers words, or lines of a file or of standard input as they come."""
    texts = map(decode_word, parsed.inputs)
    lines = iter([list(texts)]) if parsed.inputs else _stream_inputs(parsed)
    first = next(lines, [])
    header = _describe_header(first) if not parsed.inputs else ""
    if header:
        print(f"rnnzoo: {header}", file=sys.stderr)

    def read_batches() -> Iterator[list[tuple[int, dict]]]:
        number, texts = 0, first
        while texts:
            for start in range(0, len(texts), ROWS):
                part = texts[start : start + ROWS]
                numbers = range(number + start + 1, number + start + len(part) + 1)
                rows = ({"text": text} for text in part)
                yield list(zip(numbers, rows, strict=True))
            number, texts = number + len(texts), next(lines, [])

    return _answer_rows(parsed, ["text"], "text", read_batches(), len(parsed.inputs))


def _answer_rows(
    parsed: argparse.Namespace,
    columns: list[str],
    text: str,
    batches: Batches,
    total: int,
) -> int:
    """Answers rows, and writes or prints them with their answers."""
    model = load_model(parsed)
    from rnnzoo.data.table_writer import TableWriter
    from rnnzoo.models import answering

    added = answering.name_columns(model, parsed.probabilities, parsed.prefix)
    answering.refuse_clashes(columns, added)
    options = {name: getattr(parsed, name, v) for name, v in parsed.options.items()}
    answers = answering.RowAnswers(
        model,
        text,
        parsed.probabilities,
        parsed.prefix,
        parsed.skip_bad_rows,
        options,
    )
    with contextlib.ExitStack() as stack:
        write = _print_json if parsed.json else functools.partial(_print_plain, added)
        if parsed.to:
            writer = TableWriter(parsed.to, [*columns, *added], force=parsed.force)
            write = stack.enter_context(writer).write
        show = stack.enter_context(show_rows(total, "Answering")) if total else None
        for done in answering.answer_rows(answers, batches, write):
            parsed.check_signals()
            if show:
                show(done)
        if answers.report and not answers.answered:
            raise ValueError(f"{answers.report}\nNo row is left: correct them.")
    notes = [*answers.warnings]
    if parsed.to:
        rows = "1 row" if answers.answered == 1 else f"{answers.answered:,} rows"
        notes.append(f"{rows} answered: {parsed.to}")
    if answers.report:
        print(answers.report, file=sys.stderr)
    for note in notes:
        print(f"rnnzoo: {note}", file=sys.stderr)
    return 0


def _print_json(rows: list[dict]) -> None:
    """Prints rows as JSON lines."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    is_unicode = encoding.replace("-", "").startswith("utf")
    for row in rows:
        print(json.dumps(row, ensure_ascii=not is_unicode))
    sys.stdout.flush()


def _print_plain(added: list[str], rows: list[dict]) -> None:
    """Prints answers, and behind them the probabilities of classes, if asked for."""
    shares = [name for name in added if "probability_" in name]
    for row in rows:
        cells = [f"{name.partition('probability_')[2]}={row[name]}" for name in shares]
        print(_show(row[added[0]]), *cells, sep="\t")
    sys.stdout.flush()


def _stream_inputs(parsed: argparse.Namespace) -> Iterator[list[str]]:
    """Yields the lines of a file or of standard input as they come."""
    from rnnzoo.data.encodings import stream_lines

    with contextlib.ExitStack() as stack:
        file: typing.Any = sys.stdin
        if parsed.file:
            file = stack.enter_context(open(parsed.file, "rb"))
        elif hasattr(file, "buffer"):
            file = file.buffer
        if hasattr(file, "read1"):
            name = parsed.file or "Standard input"
            yield from stream_lines(file, parsed.encoding, name)
        else:  # replaced by a text
            yield _read_inputs(parsed)


def _answer_words(parsed: argparse.Namespace) -> int:
    """Answers words or lines, one answer per line; a single text is streamed."""
    inputs = [decode_word(word) for word in parsed.inputs]
    header = ""
    if not inputs:
        inputs = _read_inputs(parsed)
        header = _describe_header(inputs)
    if not inputs:
        return 0
    model = load_model(parsed)
    from rnnzoo.models.answering import answer_texts

    options = {name: getattr(parsed, name, v) for name, v in parsed.options.items()}
    stream = getattr(model, "stream", None)
    known = inspect.signature(stream).parameters if stream else {}
    # Others stream observations, not a text that a prompt begins.
    writes = stream and "prompt" in known and not options.get("beam_width")
    if len(inputs) == 1 and stream and writes:
        if set(options) <= set(known):
            for text in stream(inputs[0], **options):
                print(text, end="", flush=True)
            print()
            return 0
    shows_confidence = options.get("return_confidence")
    options = {k: True if k == "return_confidence" else v for k, v in options.items()}
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UserWarning)
        try:
            # A model that says how sure it is gives a pair.
            is_plain = "return_confidence" not in options
            answer = answer_texts if is_plain else type(model).answer
            answers = answer(model, inputs, **options)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{error}{header and chr(10) + header}") from error
    notes = [header, *(str(one.message) for one in found)]
    if "return_confidence" in options:
        answers, confidence = answers
        if shows_confidence:
            pairs = zip(answers, confidence, strict=True)
            answers = [f"{answer}\t{share:.5f}" for answer, share in pairs]
        else:
            notes.append(_describe_confidence(confidence))
    for text in filter(None, notes):
        print(f"rnnzoo: {text}", file=sys.stderr)
    for answer in answers:
        print(_show(answer))
    return 0


def _show(answer: typing.Any) -> str:
    """Returns an answer as text; numbers and lists as JSON."""
    return answer if isinstance(answer, str) else json.dumps(answer)


def _describe_confidence(confidence: list[float]) -> str:
    """Says how probable it is that answers are right, and how many are unsure."""
    from rnnzoo.models.list_sorting import SURE

    lowest = min(confidence)
    if len(confidence) == 1:
        sure = "right" if lowest >= SURE else "right, which is unsure"
        return f"With a probability of {lowest:.5f} this is {sure}."
    unsure = [number for number, share in enumerate(confidence, 1) if share < SURE]
    if not unsure:
        return f"Each is right with a probability of {lowest:.5f} or more."
    lines = shorten(", ".join(map(str, unsure)), str)
    return (
        f"{len(unsure)} of {len(confidence)} answers are unsure, the first with a "
        f"probability of {confidence[unsure[0] - 1]:.5f} of being right "
        f"(--return-confidence shows all): numbers {lines}"
    )


def _read_inputs(parsed: argparse.Namespace) -> list[str]:
    """Reads the lines of a file, or of standard input."""
    from rnnzoo.data.encodings import read_lines

    if parsed.file:
        content = pathlib.Path(parsed.file).read_bytes()
    elif hasattr(sys.stdin, "buffer"):
        content = sys.stdin.buffer.read()
    else:  # replaced by a text
        content = sys.stdin.read().encode(parsed.encoding, "replace")
    return read_lines(content, parsed.encoding, parsed.file or "Standard input")


def _describe_header(lines: list[str]) -> str:
    """Says that the first line looks like the names of columns, if it does."""
    fields = re.split("[,;|\t]", lines[0]) if len(lines) > 1 else []
    names = [field.strip(' "').lower() for field in fields]
    is_header = any(name in COLUMNS for name in names)
    if not is_header or not all(re.fullmatch(r"[^\W\d][\w ]*", one) for one in names):
        return ""
    return (
        f"The first line looks like column names: leave it out, since every line is an "
        f"input. Received: {shorten(lines[0])}"
    )
