"""What several verbs share: models that are loaded, words, progress."""

import argparse
import os
import pathlib
import re
import sys
import tempfile
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rnnzoo
from rnnzoo import describing, listing
from rnnzoo.errors import closest, explain_missing_backend
from rnnzoo.writing import name_failures

# Between two lines that show progress where there is no terminal.
SECONDS_BETWEEN_LINES = 30.0


def load_model(parsed: argparse.Namespace) -> typing.Any:
    """Returns the model that the words of a command name."""
    name, models = parsed.model, listing.list_models()
    factory = name.split(".")[0]
    if os.path.isfile(name):
        import_quietly()
        return rnnzoo.load(name)
    if factory not in models:
        is_path = pathlib.Path(name).suffix == ".keras" or os.sep in name
        known = [] if is_path else [*models, *listing.list_weights()]
        there = f"there are {', '.join(known)}" if known else "`rnnzoo list` shows them"
        raise ValueError(
            f"There is no such model or file: {there}."
            f"{_suggest_file(name) or closest(name, known)} Received: model={name!r}"
        )
    chosen = parsed.weights or (name if name != factory else None)
    if not chosen and factory in listing.list_models(by_hand=False):
        _check_has_weights(factory)
    import_quietly()
    make = getattr(rnnzoo, factory)
    return make(chosen) if chosen else make()


def _suggest_file(name: str) -> str:
    """Returns a sentence that names the file most like a path that is not there."""
    path = pathlib.Path(name)
    if path.is_dir():
        path = path / "best.keras"
        return f" Did you mean {str(path)!r}?" if path.is_file() else ""
    if not path.parent.is_dir() or not (path.suffix or len(path.parts) > 1):
        return ""
    names = [one.name for one in path.parent.glob("*.keras")]
    found = closest(path.name, names)
    near = found.removeprefix(" Did you mean '").removesuffix("'?")
    return f" Did you mean {str(path.parent / near)!r}?" if found else ""


def _check_has_weights(model: str) -> None:
    if not listing.list_weights(model) and (name := describing.find_weights(model)):
        raise ValueError(
            f"{model} has no weights of its own, and untrained it would answer at "
            f"random: state some, such as --weights={name}, or train it on your data "
            "and give its file, as `rnnzoo answer runs/mine/best.keras`. Received: "
            f"model={model!r}"
        )


def has_column(path: str, name: str) -> bool:
    """Whether the first line of a file names a column, or has an object's key."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        head = file.readline(10_000).removeprefix(b"\xef\xbb\xbf").strip()
    names = [one.strip(b'" ') for one in re.split(rb"[,;\t|]", head)]
    return name.encode() in names or f'"{name}":'.encode() in head


def import_quietly() -> None:
    """Imports Keras; hides TensorFlow's start-up messages unless it fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with name_failures("a temporary file"):
        messages = tempfile.TemporaryFile()
    with messages:
        os.dup2(messages.fileno(), 2)
        try:
            with explain_missing_backend():
                import keras  # noqa: F401
        except BaseException:
            messages.seek(0)
            os.write(kept, messages.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def decode_word(word: str) -> str:
    """Returns an argument as UTF-8 has it, whatever the locale."""
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def show_steps(steps: typing.Iterable) -> typing.Iterable:
    """Shows a progress bar in a terminal."""
    import rich.progress

    return rich.progress.track(
        steps, "Evaluating", disable=not sys.stderr.isatty(), transient=True
    )


@contextmanager
def show_rows(total: int, verb: str) -> Iterator[Callable[[int], None]]:
    """Gives a function that shows how many rows are done, and how long the rest takes.

    It is a bar in a terminal, and a line from time to time elsewhere.
    """
    import time

    import rich.console
    import rich.progress

    start = last = time.monotonic()
    is_terminal = sys.stderr.isatty()
    bar = rich.progress.Progress(
        "{task.description}",
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeRemainingColumn(),
        console=rich.console.Console(stderr=True),
        transient=True,
        disable=not is_terminal,
    )
    with bar:
        task = bar.add_task(verb, total=total)

        def show(done: int) -> None:
            nonlocal last
            bar.update(task, completed=done)
            now = time.monotonic()
            if not is_terminal and now - last >= SECONDS_BETWEEN_LINES and done:
                last = now
                left = (total - done) * (now - start) / done
                text = f"{verb} {done:,} of {total:,} rows, about {left:,.0f} s left"
                print(f"rnnzoo: {text}", file=sys.stderr, flush=True)

        yield show
