"""The words and options of the `rnnzoo` command."""

import argparse
import dataclasses
import os
import sys
import typing

import rnnzoo
from rnnzoo import listing, weights
from rnnzoo.command import verbs
from rnnzoo.errors import closest
from rnnzoo.training import recipe_class


class _Parser(argparse.ArgumentParser):
    """A parser that names the closest match of a misspelt option or command."""

    def parse_args(self, args=None, namespace=None):
        namespace, unknown = self.parse_known_args(args, namespace)
        if hasattr(namespace, "inputs"):
            # argparse does not recognise inputs that follow an option.
            namespace.inputs += [word for word in unknown if word[:1] != "-"]
            unknown = [word for word in unknown if word[:1] == "-"]
        if unknown:
            self.error_unknown(unknown, namespace)
        return namespace

    def parse_known_args(self, args=None, namespace=None):
        words = sys.argv[1:] if args is None else args
        return super().parse_known_args([*map(self._normalise, words)], namespace)

    def _normalise(self, word: str) -> str:
        """Spells an option as the parser does, whether with `-` or with `_`."""
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

    def add(self, *names: str, help: str, **details: typing.Any) -> None:
        """Adds an argument whose help states its default."""
        if details.get("default") is not None:
            help += "; default: %(default)s"
        self.add_argument(*names, help=help, **details)

    def add_typed(self, name: str, kind: type, default: typing.Any, help: str) -> None:
        """Adds an option of a type; `--name` and `--no-name` for a boolean."""
        details = {"default": default, "help": help.replace("%", "%%")}
        if kind is bool:
            name = name.replace("_", "-")
            details["action"] = argparse.BooleanOptionalAction
        else:
            details |= {"type": kind, "metavar": kind.__name__.upper()}
        self.add_argument(f"--{name}", **details)

    def add_model(self) -> None:
        self.add("model", help="a model or weights of `rnnzoo list`, or a .keras file")
        self.add(
            "--weights",
            help="listed weights or a .keras file; default: the model's own",
        )


def make_parser(words: list[str]) -> _Parser:
    """Creates the parser of the command.

    Args:
        words: The words to parse. Options that depend on a model or a recipe are added
            for the one that they name.
    """
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

    sub = command("list", verbs.run_list, "list models, weights and recipes")
    sub.add(
        "pattern", nargs="?", default="*", help="names to list, such as '*language*'"
    )

    sub = command(
        "describe", verbs.run_describe, "describe a model, weights or a recipe"
    )
    sub.add("name", help="a name of `rnnzoo list`")

    sub = command("answer", verbs.run_answer, "answer raw input, one answer per line")
    sub.add_model()
    sub.add(
        "inputs",
        nargs="*",
        help="inputs; without any, each line of --file or of standard input",
    )
    sub.add("--file", help="a text file with one input per line")
    if words[:1] == ["answer"]:
        _add_answer_options(sub, words[1:])

    sub = command(
        "explain", verbs.run_explain, "show which words led to a classifier's answer"
    )
    sub.add_model()
    sub.add("text", help="one text")
    sub.add("--method", default="occlusion", help="occlusion or gradient")
    sub.add(
        "--target-class",
        "--of",
        metavar="CLASS",
        help="the class to explain; default: the class that is answered",
    )
    sub.add("--html", metavar="FILE", help="also write an HTML page")

    _add_evaluate(
        command(
            "evaluate",
            verbs.run_evaluate,
            "measure a model as its recipe does, or on your own data",
        )
    )
    _add_export(
        command(
            "export",
            verbs.run_export,
            "write a folder that can be served without rnnzoo",
        )
    )
    sub = command("demo", verbs.run_demo, "show a page with models in the browser")
    sub.add(
        "--port",
        type=int,
        default=8000,
        help="port of the page on this machine; 0 for any free port",
    )
    sub.add(
        "--to",
        metavar="FOLDER",
        help="write the page to a new folder, for any static host, instead of serving "
        "it",
    )

    sub = command(
        "prepare",
        verbs.run_prepare,
        "prepare a public data set; without a name, list them",
    )
    sub.add("name", nargs="?", help="a data set; default: list them")
    sub.add(
        "--data_dir",
        help="folder of all data sets; default: TFDS_DATA_DIR or ~/tensorflow_datasets",
    )
    sub.add(
        "--manual_dir",
        help="folder with the original files, for machines without a network; default: "
        "downloads/manual in the folder of all data sets",
    )
    _add_train(
        command("train", verbs.run_train, "train a preset recipe; again to resume"),
        words,
    )
    return parser


def _add_evaluate(sub: _Parser) -> None:
    """Adds the options of `rnnzoo evaluate`."""
    sub.add_model()
    sub.add(
        "--data",
        help="labelled examples to measure a classifier on: a .csv, .tsv, .jsonl or "
        ".txt file, or a folder per label",
    )
    sub.add("--text", default="text", help="column of the texts")
    sub.add("--label", default="label", help="column of the labels")
    sub.add("--encoding", default="utf-8", help="character encoding of the file")
    sub.add(
        "--skip-bad-rows",
        action="store_true",
        help="report rows that cannot be used, and skip them",
    )
    sub.add(
        "--plots",
        default=".",
        metavar="FOLDER",
        help="with --data, folder for confusion.png and calibration.png",
    )
    sub.add("--recipe", help="the recipe; default: the one that trained the weights")
    sub.add("--json", action="store_true", help="print the figures as JSON")


def _add_export(sub: _Parser) -> None:
    """Adds the options of `rnnzoo export`."""
    sub.add_model()
    sub.add("--to", required=True, metavar="FOLDER", help="the folder")
    sub.add(
        "--format",
        default="savedmodel",
        help="savedmodel (raw text in, answers out), onnx or litert (tokens in and "
        "out)",
    )
    sub.add(
        "--precision",
        default="float32",
        help="precision of the stored weights: float32, float16 (onnx and litert) or "
        "int8 (onnx)",
    )
    sub.add(
        "--version",
        type=int,
        default=1,
        help="number of the folder in FOLDER; servers use the highest",
    )
    sub.add("--overwrite", action="store_true", help="replace an existing version")


def _add_answer_options(parser: _Parser, words: list[str]) -> None:
    """Adds the options of `answer` of the model that the words name."""
    options = []
    for word in words:
        if os.path.isfile(word) and word.endswith(".keras"):
            options += listing.answer_options(weights.read_class_name(word))
        elif word.split(".")[0] in listing.list_models():
            options += listing.answer_options(word.split(".")[0])
        if options:
            break
    for option in options:
        default = "" if option.default is None else f" (default: {option.default})"
        help = option.help + default
        parser.add_typed(option.name, option.type, argparse.SUPPRESS, help)
    parser.set_defaults(options={o.name: o.default for o in options})


def _add_train(sub: _Parser, words: list[str]) -> None:
    """Adds the recipes; only the one that the words name is imported."""
    recipes = sub.add_subparsers(title="recipes", metavar="RECIPE", required=True)
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
        recipe.set_defaults(action=verbs.run_train, parser=recipe, recipe=name)
        if name == asked:
            _add_recipe_options(recipe, name)


def _add_recipe_options(parser: _Parser, name: str) -> None:
    """Adds the options of a recipe and of the training."""
    recipe = recipe_class(name)
    types = typing.get_type_hints(recipe)
    for field in dataclasses.fields(recipe):
        kind, help = types[field.name], field.metadata["help"]
        parser.add_typed(field.name, kind, field.default, help)
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
