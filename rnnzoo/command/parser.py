"""What the `rnnzoo` command understands."""

import argparse
import dataclasses
import os
import sys
import typing

import rnnzoo
from rnnzoo import listing, weights
from rnnzoo.command.verbs import (
    run_answer,
    run_demo,
    run_describe,
    run_evaluate,
    run_explain,
    run_export,
    run_list,
    run_prepare,
    run_train,
)
from rnnzoo.errors import closest
from rnnzoo.training import recipe_class


class _Parser(argparse.ArgumentParser):
    """A parser that names the closest match of a misspelt option or command."""

    def parse_args(self, args=None, namespace=None):
        namespace, unknown = self.parse_known_args(args, namespace)
        if hasattr(namespace, "inputs"):
            # argparse does not see inputs that come after an option.
            namespace.inputs += [word for word in unknown if word[:1] != "-"]
            unknown = [word for word in unknown if word[:1] == "-"]
        if unknown:
            self.error_unknown(unknown, namespace)
        return namespace

    def parse_known_args(self, args=None, namespace=None):
        words = sys.argv[1:] if args is None else args
        return super().parse_known_args([*map(self._as_known, words)], namespace)

    def _as_known(self, word: str) -> str:
        """Returns an option as the parser knows it, `-` and `_` being alike."""
        name, equals, value = word.partition("=")
        if name[:2] != "--":
            return word
        known = [o for action in self._actions for o in action.option_strings]
        names = {option.replace("_", "-"): option for option in known}
        return names.get(name.replace("_", "-"), name) + equals + value

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            choices = ", ".join(action.choices)
            message = f"{value!r} is none of {choices}.{closest(value, action.choices)}"
            raise argparse.ArgumentError(action, message)

    def error_unknown(self, unknown: list[str], namespace: argparse.Namespace) -> None:
        parser = getattr(namespace, "parser", self)
        name = unknown[0].split("=")[0]
        options = [o for action in parser._actions for o in action.option_strings]
        parser.error(f"there is no {name!r} here.{closest(name, options)}")


def make_parser(words: list[str]) -> _Parser:
    parser = _Parser(
        prog="rnnzoo",
        description="A zoo of recurrent networks: raw input in, answer out.",
        epilog="rnnzoo COMMAND --help tells more.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"rnnzoo {rnnzoo.__version__}"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, action: typing.Callable, help: str) -> _Parser:
        sub = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(action=action, parser=sub)
        return sub

    command("list", run_list, "list models, weights and recipes")

    sub = command("describe", run_describe, "describe a model, weights or a recipe")
    sub.add_argument("name", help="a name that `rnnzoo list` shows")

    sub = command("answer", run_answer, "answer raw input, one answer a line")
    _add_model(sub)
    sub.add_argument(
        "inputs",
        nargs="*",
        help="inputs; without any, each line of --file or of standard input",
    )
    sub.add_argument("--file", help="a text file with one input a line")
    if words[:1] == ["answer"]:
        _add_answer_options(sub, words[1:])

    sub = command("explain", run_explain, "show which words made a classifier's answer")
    _add_model(sub)
    sub.add_argument("text", help="one text")
    sub.add_argument(
        "--method",
        default="occlusion",
        help="occlusion or gradient; default: %(default)s",
    )
    sub.add_argument("--of", metavar="CLASS", help="default: the class answered")
    sub.add_argument("--html", metavar="FILE", help="a page to write as well")

    sub = command(
        "evaluate",
        run_evaluate,
        "measure a model as its recipe says, or on your own data",
    )
    _add_model(sub)
    sub.add_argument(
        "--data",
        help="labelled texts to measure a classifier on: a .csv, .tsv, .jsonl or .txt "
        "file, or a folder per label",
    )
    sub.add_argument("--text", default="text", help="name of the texts' column")
    sub.add_argument("--label", default="label", help="name of the labels' column")
    sub.add_argument(
        "--encoding", default="utf-8", help="how the file's characters are encoded"
    )
    sub.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="report rows that cannot be used, and go on",
    )
    sub.add_argument(
        "--plots",
        default=".",
        metavar="FOLDER",
        help="where confusion.png and calibration.png go with --data; default: here",
    )
    sub.add_argument(
        "--recipe", help="the recipe; default: the one that trained the weights"
    )
    sub.add_argument("--json", action="store_true", help="print figures as JSON")

    sub = command(
        "export", run_export, "write a folder that can be served without rnnzoo"
    )
    _add_model(sub)
    sub.add_argument("--to", required=True, metavar="FOLDER", help="the folder")
    sub.add_argument(
        "--format",
        default="savedmodel",
        help="savedmodel (raw text in, answers out), onnx or litert (tokens in and "
        "out); default: %(default)s",
    )
    sub.add_argument(
        "--precision",
        default="float32",
        help="what the weights are stored as: float32, float16 (onnx and litert) or "
        "int8 (onnx); default: %(default)s",
    )
    sub.add_argument(
        "--version",
        type=int,
        default=1,
        help="number of the folder in FOLDER; servers take the highest; default: "
        "%(default)s",
    )
    sub.add_argument(
        "--overwrite", action="store_true", help="replace what has this number"
    )

    sub = command("demo", run_demo, "show models that run in the browser, on a page")
    sub.add_argument(
        "--port",
        type=int,
        default=8000,
        help="where the page is on this machine, 0 for any free port; default: "
        "%(default)s",
    )
    sub.add_argument(
        "--to",
        metavar="FOLDER",
        help="write the page to a new folder, for any static host, in place of "
        "serving it",
    )

    sub = command(
        "prepare", run_prepare, "prepare a public data set; without a name, list them"
    )
    sub.add_argument("name", nargs="?", help="a data set; default: list them")
    sub.add_argument(
        "--data_dir",
        help="folder of all data sets; default: TFDS_DATA_DIR or ~/tensorflow_datasets",
    )
    sub.add_argument(
        "--manual_dir",
        help="folder with the original files, for want of a network; default: "
        "downloads/manual in the folder of all data sets",
    )

    sub = command("train", run_train, "train a preset recipe; again = resume")
    recipes = sub.add_subparsers(title="recipes", metavar="RECIPE", required=True)
    # Only the recipe that is asked for is imported.
    asked = words[1] if words[:1] == ["train"] and len(words) > 1 else None
    for name in listing.list_recipes():
        summary = listing.describe(name)["summary"]
        recipe = recipes.add_parser(
            name,
            help=summary,
            description=summary,
            allow_abbrev=False,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        recipe.set_defaults(action=run_train, parser=recipe, recipe=name)
        if name == asked:
            _add_options(recipe, name)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", help="a model or weights that `rnnzoo list` shows, or a .keras file"
    )
    parser.add_argument(
        "--weights", help="listed weights or a .keras file; default: the model's own"
    )


def _add_answer_options(parser: argparse.ArgumentParser, words: list[str]) -> None:
    """Adds the options that the model which is asked for has."""
    options = []
    for word in words:
        if os.path.isfile(word) and word.endswith(".keras"):
            options += listing.answer_options(weights.class_name(word))
        elif word.split(".")[0] in listing.list_models():
            options += listing.answer_options(word.split(".")[0])
        if options:
            break
    for option in options:
        default = "" if option.default is None else f" (default: {option.default})"
        parser.add_argument(
            f"--{option.name.replace('_', '-')}",
            **_kind_of(option.type),
            default=argparse.SUPPRESS,
            help=option.help + default,
        )
    parser.set_defaults(options={o.name: o.default for o in options})


def _kind_of(type: type) -> dict[str, typing.Any]:
    """Returns how a word of the command line becomes a value of this type."""
    if type is bool:
        return {"action": argparse.BooleanOptionalAction}
    return {"type": type, "metavar": type.__name__.upper()}


def _add_options(parser: argparse.ArgumentParser, name: str) -> None:
    recipe = recipe_class(name)
    types = typing.get_type_hints(recipe)
    for field in dataclasses.fields(recipe):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            **_kind_of(types[field.name]),
            default=field.default,
            help=field.metadata["help"],
        )
    parser.add_argument(
        "--run",
        default=f"runs/{name}",
        help="folder for weights, history and pictures; the same folder resumes",
    )
    parser.add_argument(
        "--devices",
        default="auto",
        help="auto, cpu, gpu, tpu, multi_worker (the machines of TF_CONFIG), or a "
        "number of GPUs or virtual CPU devices",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="processes on this machine that train together, as several machines do",
    )
