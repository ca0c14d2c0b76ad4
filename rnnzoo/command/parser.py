"""The words and options of the `rnnzoo` command."""

import argparse
import dataclasses
import os
import sys
import typing

import rnnzoo
from rnnzoo import declarations, listing, weights
from rnnzoo.command.arguments import RUN, VERBS
from rnnzoo.errors import closest
from rnnzoo.training import recipe_class


def _refuse_empty(word: str) -> str:
    """Refuses an empty path or name, which another one would be taken for."""
    if not word:
        raise argparse.ArgumentTypeError(
            "must not be empty: leave the option out for the default; '.' is the "
            "current folder. Received: ''"
        )
    return word


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """States the default of an argument, unless it is none or the help has it."""

    def _get_help_string(self, action: typing.Any) -> typing.Any:
        if "default:" in action.help or action.default is None:
            return action.help
        return super()._get_help_string(action)


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
        name = unknown[0].split("=")[0].replace("_", "-")
        options = [o for action in parser._actions for o in action.option_strings]
        parser.error(f"there is no {name!r} here.{closest(name, options)}")

    def add_all(self, arguments: list[tuple]) -> None:
        for names, text, *details in arguments:
            options = dict(*details)
            if names[:2] == "--" and "action" not in options:
                options.setdefault("type", _refuse_empty)
            self.add_argument(*names.split(), help=text, **options)

    def add_typed(self, name: str, kind: type, default: typing.Any, help: str) -> None:
        """Adds an option of a type; `--name` and `--no-name` for a boolean."""
        details = {"default": default, "help": help.replace("%", "%%")}
        name = name.replace("_", "-")
        if kind is bool:
            details["action"] = argparse.BooleanOptionalAction
        else:
            details |= {"type": kind, "metavar": kind.__name__.upper()}
        self.add_argument(f"--{name}", **details)


def make_parser(words: list[str]) -> _Parser:
    """Creates the parser of the command, with options of the model or recipe named."""
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
    for name, (action, help, arguments) in VERBS.items():
        description = help[0].upper() + help[1:] + "."
        sub = _add_parser(commands, name, help, description, arguments, action=action)
        if name == "answer" and words[:1] == ["answer"]:
            _add_answer_options(sub, words[1:])
        if name == "train":
            _add_train(sub, words)
    return parser


def _add_answer_options(parser: _Parser, words: list[str]) -> None:
    """Adds the options of `answer` of the model that the words name."""
    options, of_files = [], []
    for word in words:
        name = word.split(".")[0]
        if os.path.isfile(word) and word.endswith(".keras"):
            name = weights.read_class_name(word)
        elif name not in listing.list_models():
            continue
        options = declarations.answer_options(name)
        of_files = declarations.file_options(name)
        break
    known = {option.name for option in options}
    for option in [*options, *(one for one in of_files if one.name not in known)]:
        default = "" if option.default is None else f" (default: {option.default})"
        help = option.help + default
        parser.add_typed(option.name, option.type, argparse.SUPPRESS, help)
    parser.set_defaults(
        options={o.name: o.default for o in options},
        file_options=[o.name for o in of_files],
    )


def _add_train(sub: _Parser, words: list[str]) -> None:
    """Adds the recipes; only the one that the words name is imported."""
    recipes = sub.add_subparsers(title="recipes", metavar="RECIPE", required=True)
    asked = words[1] if words[:1] == ["train"] and len(words) > 1 else None
    for name in listing.list_recipes():
        summary = declarations.describe_recipe(name)[0]
        parser = _add_parser(recipes, name, summary, summary, [], recipe=name)
        if name == asked:
            recipe = recipe_class(name)
            types = typing.get_type_hints(recipe)
            for field in dataclasses.fields(recipe):
                kind, help = types[field.name], field.metadata["help"]
                parser.add_typed(field.name, kind, field.default, help)
            parser.set_defaults(run=f"runs/{name}")
            parser.add_all(RUN)


def _add_parser(
    parent: typing.Any,
    name: str,
    help: str,
    description: str,
    arguments: list,
    **defaults: typing.Any,
) -> _Parser:
    """Adds the parser of a verb or a recipe, with arguments as in `VERBS`."""
    parser = parent.add_parser(
        name,
        help=help,
        description=description,
        allow_abbrev=False,
        formatter_class=_Formatter,
    )
    parser.add_all(arguments)
    parser.set_defaults(parser=parser, **defaults)
    return parser
