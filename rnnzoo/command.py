"""The `rnnzoo` command; it imports TensorFlow only for what needs it."""

import argparse
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import typing

import rnnzoo
from rnnzoo import listing, training, weights, workers
from rnnzoo.data import catalog
from rnnzoo.errors import closest


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


def main(arguments: list[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: Words after `rnnzoo`; `None` for those of the process.

    Returns:
        The exit status: 0, or 1 for an input or setting that cannot be used, 2 for a
        command that cannot be read, 130 or 143 for a training that was interrupted (by
        Ctrl-C or SIGTERM) and saved.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    parsed = _parser(words).parse_args(words)
    parsed.words = words
    if not hasattr(parsed, "action"):
        _parser(words).print_help()
        return 0
    try:
        return parsed.action(parsed) or 0
    except BrokenPipeError:  # as after `rnnzoo list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ImportError, FloatingPointError) as error:
        print(f"rnnzoo: {error}", file=sys.stderr)
        return 1
    except training.Interrupted as interruption:
        if str(interruption):
            print(f"rnnzoo: {interruption}", file=sys.stderr)
        return 128 + interruption.signal
    except KeyboardInterrupt:
        return 130


def _parser(words: list[str]) -> _Parser:
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

    command("list", _list, "list models, weights and recipes")

    sub = command("describe", _describe, "describe a model, weights or a recipe")
    sub.add_argument("name", help="a name that `rnnzoo list` shows")

    sub = command("answer", _answer, "answer raw input, one answer a line")
    _add_model(sub)
    sub.add_argument(
        "inputs",
        nargs="*",
        help="inputs; without any, each line of --file or of standard input",
    )
    sub.add_argument("--file", help="a text file with one input a line")
    if words[:1] == ["answer"]:
        _add_answer_options(sub, words[1:])

    sub = command("explain", _explain, "show which words made a classifier's answer")
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
        "evaluate", _evaluate, "measure a model as its recipe says, or on your own data"
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

    sub = command("export", _export, "write a folder that can be served without rnnzoo")
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

    sub = command("demo", _demo, "show models that run in the browser, on a page")
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
        "prepare", _prepare, "prepare a public data set; without a name, list them"
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

    sub = command("train", _train, "train a preset recipe; again = resume")
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
        recipe.set_defaults(action=_train, parser=recipe, recipe=name)
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
        default = option["default"]
        parser.add_argument(
            f"--{option['name']}",
            type=option["type"],
            default=argparse.SUPPRESS,
            metavar=option["type"].__name__.upper(),
            help=option["help"] + ("" if default is None else f" (default: {default})"),
        )
    parser.set_defaults(options={o["name"]: o["default"] for o in options})


def _add_options(parser: argparse.ArgumentParser, name: str) -> None:
    recipe = training.recipe_class(name)
    types = typing.get_type_hints(recipe)
    for field in dataclasses.fields(recipe):
        if types[field.name] is bool:
            parser.add_argument(
                f"--{field.name.replace('_', '-')}",
                action=argparse.BooleanOptionalAction,
                default=field.default,
                help=field.metadata["help"],
            )
            continue
        parser.add_argument(
            f"--{field.name}",
            type=types[field.name],
            default=field.default,
            metavar=types[field.name].__name__.upper(),
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


def _list(parsed: argparse.Namespace) -> None:
    print("Models and their weights:")
    for model in listing.list_models():
        description = listing.describe(model)
        print(f"  {model:22} {description['summary']}")
        for name in description["weights"]:
            record = weights.records()[name]
            print(f"    {name:20} {record['summary']}")
    print("Recipes:")
    for recipe in listing.list_recipes():
        print(f"  {recipe:22} {listing.describe(recipe)['summary']}")


def _describe(parsed: argparse.Namespace) -> None:
    for key, value in listing.describe(parsed.name).items():
        if isinstance(value, (dict, list)):
            value = json.dumps(value, ensure_ascii=False, indent=2)
        lines = str(value).splitlines() or [""]
        print(f"{key}: " + "\n  ".join(lines))


def _answer(parsed: argparse.Namespace) -> int:
    inputs = list(parsed.inputs)
    if inputs and parsed.file:
        raise ValueError(
            "Give inputs or --file, not both. Received: "
            f"{len(inputs)} inputs and --file={parsed.file!r}"
        )
    if parsed.file:
        with open(parsed.file, encoding="utf-8") as file:
            inputs = file.read().splitlines()
    elif not inputs:
        inputs = sys.stdin.read().splitlines()
    if not inputs:
        return 0
    model = _model(parsed)
    options = {
        name: getattr(parsed, name, value) for name, value in parsed.options.items()
    }
    if len(inputs) == 1 and hasattr(model, "stream") and not options["beam_width"]:
        del options["beam_width"]
        for piece in model.stream(inputs[0], **options):
            print(piece, end="", flush=True)
        print()
        return 0
    for answer in model.answer(inputs, **options):
        print(answer)
    return 0


def _explain(parsed: argparse.Namespace) -> None:
    model = _model(parsed)
    if not hasattr(model, "explain"):
        raise ValueError(
            "Only classifiers of texts can be explained, such as sentiment_classifier. "
            f"Received: model={parsed.model!r}"
        )
    import rich

    explanation = model.explain(parsed.text, parsed.method, of=parsed.of)
    rich.print(explanation.to_terminal())
    if parsed.html:
        explanation.save_html(parsed.html)


def _evaluate(parsed: argparse.Namespace) -> None:
    model = _model(parsed)
    if parsed.data:
        _evaluate_own(parsed, model)
        return
    name = parsed.recipe or model.card.get("recipe")
    if name is None:
        raise ValueError(
            "No recipe is recorded in this model's card: say --recipe=NAME"
        )
    # A user's own recipe knows from the options where the data are.
    options = model.card.get("options", {}) if parsed.recipe is None else {}
    recipe = training.recipe_class(name)(**options)
    figures = recipe.evaluate(model, _progress)
    if parsed.json:
        print(json.dumps(figures, indent=2))
    else:
        for key, value in figures.items():
            print(f"{key:24} {value:.5f}")


def _evaluate_own(parsed: argparse.Namespace, model: typing.Any) -> None:
    """Measures a classifier on a file of the user's."""
    if not hasattr(model, "report"):
        raise ValueError(
            "--data is for classifiers of texts: leave it out for other models. "
            f"Received: --data={parsed.data!r} for {parsed.model!r}"
        )
    from rnnzoo import diagnostics
    from rnnzoo.data.files import open_with_bar

    source = open_with_bar(
        parsed.data,
        text=parsed.text,
        label=parsed.label,
        encoding=parsed.encoding,
        classes=model.classes,
        skip_bad_rows=parsed.skip_bad_rows,
    )
    if source.report:
        print(source.report, file=sys.stderr)
    report = model.report(source, _progress)
    print(json.dumps(report.figures(), indent=2) if parsed.json else report)
    os.makedirs(parsed.plots, exist_ok=True)
    for name, plot in {
        "confusion.png": diagnostics.plot_confusion,
        "calibration.png": diagnostics.plot_calibration,
    }.items():
        path = os.path.join(parsed.plots, name)
        plot(report, path)
        print(f"Written: {path}", file=sys.stderr)


def _export(parsed: argparse.Namespace) -> None:
    model = _model(parsed)
    folder = rnnzoo.export(
        model,
        parsed.to,
        parsed.format,
        precision=parsed.precision,
        version=parsed.version,
        overwrite=parsed.overwrite,
    )
    print(f"Written, and it answers as Python does: {folder}")


def _demo(parsed: argparse.Namespace) -> None:
    from rnnzoo import demo

    def say(message: str) -> None:
        print(message, flush=True)

    folder = demo.cached()
    if parsed.to:
        demo.check_new(parsed.to)
    if not folder.exists():
        say("The models are exported once; that takes a minute or two.")
        _import_quietly()
        demo.write(folder, say)
    if parsed.to:
        shutil.copytree(folder, parsed.to)
        say(f"Written, for any static host: {parsed.to}")
    else:
        demo.serve(folder, parsed.port, say)


def _progress(steps: typing.Iterable) -> typing.Iterable:
    """Shows a bar while something is measured, in a terminal."""
    import rich.progress

    return rich.progress.track(
        steps, "Evaluating", disable=not sys.stderr.isatty(), transient=True
    )


def _prepare(parsed: argparse.Namespace) -> None:
    if parsed.name is None:
        print("Data sets (rnnzoo prepare NAME):")
        for name in catalog.names():
            print(f"  {name:27} {catalog.describe(name)['summary']}")
        return
    catalog.describe(parsed.name)  # refuses an unknown name before TensorFlow loads
    _import_quietly()
    catalog.prepare(parsed.name, parsed.data_dir, parsed.manual_dir)


def _train(parsed: argparse.Namespace) -> int:
    recipe_class = training.recipe_class(parsed.recipe)
    fields = [field.name for field in dataclasses.fields(recipe_class)]
    recipe = recipe_class(**{name: getattr(parsed, name) for name in fields})
    if parsed.workers < 1:
        raise ValueError(
            f"--workers must be at least 1. Received: --workers={parsed.workers}"
        )
    if parsed.workers > 1 and not workers.is_worker():
        if parsed.devices != "auto":
            raise ValueError(
                "--workers brings devices of its own: leave --devices out. Received: "
                f"--workers={parsed.workers} --devices={parsed.devices}"
            )
        if os.environ.get("TF_CONFIG"):
            raise ValueError(
                "--workers makes a TF_CONFIG of its own: leave one of them out. "
                f"Received: --workers={parsed.workers}, "
                f"TF_CONFIG={os.environ['TF_CONFIG']!r}"
            )
        return workers.run_workers(parsed.workers, parsed.words)
    workers.end_with_parent()
    _import_quietly()
    training.train(recipe, parsed.run, parsed.devices)
    print(f"The best weights are in {parsed.run}/best.keras")
    return 0


def _model(parsed: argparse.Namespace) -> typing.Any:
    """Loads the model that the command line names."""
    name, models = parsed.model, listing.list_models()
    factory = name.split(".")[0]
    if os.path.isfile(name) or factory not in models:
        if not os.path.isfile(name):
            known = [*models, *weights.list_weights()]
            raise ValueError(
                f"There is no such model or file: there are {', '.join(known)}."
                f"{closest(name, known)} Received: model={name!r}"
            )
        _import_quietly()
        return rnnzoo.load(name)
    chosen = parsed.weights or (name if name != factory else None)
    _import_quietly()
    make = getattr(rnnzoo, factory)
    return make(chosen) if chosen else make()


def _import_quietly() -> None:
    """Imports Keras without TensorFlow's start-up messages; errors are shown."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            import keras  # noqa: F401
        except BaseException:
            messages.seek(0)
            os.write(kept, messages.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
