"""The `rnnzoo` command. It imports TensorFlow only when a verb needs it."""

import argparse
import io
import os
import re
import sys

from rnnzoo.command.parser import make_parser
from rnnzoo.errors import Interrupted
from rnnzoo.training.recipe import RENAMED_RECIPES


def main(arguments: list[str] | None = None) -> int:
    """Runs the command with the words after `rnnzoo`, and returns the exit status.

    It is 0; 1 for an invalid input or setting; 2 for a command that cannot be parsed;
    130 or 143 for a training that was interrupted (by Ctrl-C or SIGTERM) and saved.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what it cannot encode becomes `?`
            stream.reconfigure(errors="replace")
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["train"]:
        words[1:2] = [RENAMED_RECIPES.get(name, name) for name in words[1:2]]
    parsed = make_parser(words).parse_args(words)
    parsed.words = words
    if not hasattr(parsed, "action"):
        make_parser(words).print_help()
        return 0
    try:
        return parsed.action(parsed) or 0
    except BrokenPipeError:  # as after `rnnzoo list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ImportError, FloatingPointError) as error:
        print(f"rnnzoo: {_spell_options(str(error), parsed)}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        if str(interruption):
            print(f"rnnzoo: {interruption}", file=sys.stderr)
        return 128 + interruption.signal
    except KeyboardInterrupt:
        return 130


def _spell_options(message: str, parsed: argparse.Namespace) -> str:
    """Returns a message in which options are spelled as on the command line.

    What has `_` is renamed: `batch_size` becomes `--batch-size`. In code and in names
    of files it stays.
    """
    known = {*vars(parsed), *getattr(parsed, "options", {})}
    names = [name for name in known if "_" in name]
    if not names:
        return message
    pattern = rf"(?<![\w`'\"/.-])({'|'.join(map(re.escape, names))})(?![\w`'\"/.(])"
    return re.sub(pattern, lambda m: "--" + m[0].replace("_", "-"), message)
