"""The verbs of the `rnnzoo` command."""

import argparse
import dataclasses
import fnmatch
import functools
import inspect
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import typing
import warnings

import rnnzoo
from rnnzoo import listing, weights
from rnnzoo.data import catalog
from rnnzoo.errors import closest, explain_missing_backend, shorten
from rnnzoo.training import recipe_class, train, workers
from rnnzoo.writing import name_failures, replace_folder

# Names of columns in files of texts, lists and series.
COLUMNS = (
    "text texts sentence review input inputs prompt source target answer label class "
    "id index number numbers value values name title bits list series"
).split()


def run_list(parsed: argparse.Namespace) -> None:
    """Lists models, weights and recipes that match a pattern."""
    matching = re.compile(fnmatch.translate(parsed.pattern)).match
    models = []
    for model in listing.list_models():
        names = listing.list_weights(model)
        if not matching(model):
            names = list(filter(matching, names))
        if names or matching(model):
            models.append(f"  {model:22} {listing.describe(model)['summary']}")
        for name in names:
            record = weights.records()[name]
            size = f"{record['parameters']:>9,} parameters"
            size += f" {record['bytes'] / 1e6:6.2f} MB"
            models.append(f"    {name:33} {size}  {record['summary']}")
    recipes = [
        f"  {recipe:22} {listing.describe(recipe)['summary']}"
        for recipe in filter(matching, listing.list_recipes())
    ]
    if not models and not recipes:
        raise ValueError(
            "No model, weights or recipe has such a name: `rnnzoo list` shows all. "
            f"Received: pattern={parsed.pattern!r}"
        )
    if models:
        print("Models and their weights:", *models, sep="\n")
    if recipes:
        print("Recipes:", *recipes, sep="\n")


def run_describe(parsed: argparse.Namespace) -> None:
    """Describes a model, weights or a recipe."""
    for key, value in listing.describe(parsed.name).items():
        if isinstance(value, (dict, list)):
            value = json.dumps(value, ensure_ascii=False, indent=2)
        lines = str(value).splitlines() or [""]
        print(f"{key}: " + "\n  ".join(lines))


def run_answer(parsed: argparse.Namespace) -> int:
    """Answers inputs, one answer per line; a single text is streamed."""
    inputs = [_decode_word(word) for word in parsed.inputs]
    if inputs and parsed.file:
        raise ValueError(
            "Give inputs or --file, not both. Received: "
            f"{len(inputs)} inputs and --file={parsed.file!r}"
        )
    header = ""
    if not inputs:
        inputs = _read_inputs(parsed)
        header = _describe_header(inputs)
    if not inputs:
        return 0
    model = _load_model(parsed)
    options = {name: getattr(parsed, name, v) for name, v in parsed.options.items()}
    stream = getattr(model, "stream", None)
    if len(inputs) == 1 and stream and not options.get("beam_width"):
        if set(options) <= set(inspect.signature(stream).parameters):
            for text in stream(inputs[0], **options):
                print(text, end="", flush=True)
            print()
            return 0
    shows_confidence = options.get("return_confidence")
    options = {k: True if k == "return_confidence" else v for k, v in options.items()}
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UserWarning)
        try:
            answers = model.answer(inputs, **options)
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
        print(answer)
    return 0


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
        f"(--return_confidence shows all): numbers {lines}"
    )


def _read_inputs(parsed: argparse.Namespace) -> list[str]:
    """Reads the lines of a file, or of standard input."""
    from rnnzoo.data.rows import read_lines

    if parsed.file:
        content = pathlib.Path(parsed.file).read_bytes()
    elif hasattr(sys.stdin, "buffer"):
        content = sys.stdin.buffer.read()
    else:  # replaced by a text
        content = sys.stdin.read().encode(parsed.encoding, "replace")
    return read_lines(content, parsed.encoding, parsed.file or "Standard input")


def _decode_word(word: str) -> str:
    """Returns an argument as UTF-8 has it, whatever the locale."""
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


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


def run_explain(parsed: argparse.Namespace) -> None:
    """Shows which words led to a classifier's answer."""
    model = _load_model(parsed)
    if not hasattr(model, "explain"):
        raise ValueError(
            "Only classifiers can be explained, such as sentiment_classifier. "
            f"Received: model={parsed.model!r}"
        )
    import rich

    explanation = model.explain(
        _decode_word(parsed.text), parsed.method, parsed.target_class
    )
    rich.print(explanation.to_terminal())
    if parsed.html:
        explanation.save_html(parsed.html)


def run_evaluate(parsed: argparse.Namespace) -> None:
    """Measures a model as its recipe does, or on the user's data."""
    model = _load_model(parsed)
    if parsed.data:
        _evaluate_on_data(parsed, model)
        return
    name = parsed.recipe or model.card.get("recipe")
    if name is None:
        raise ValueError(
            "No recipe is recorded in this model's card: give one as --recipe=NAME. "
            f"Received: model={parsed.model!r}"
        )
    # The options say where a user's own data are.
    options = model.card.get("options", {}) if parsed.recipe is None else {}
    recipe = recipe_class(name).from_options(options)
    figures = recipe.evaluate(model, _progress)
    if parsed.json:
        print(json.dumps(figures, indent=2))
    else:
        for key, value in figures.items():
            print(f"{key:24} {value:.5f}")


def _evaluate_on_data(parsed: argparse.Namespace, model: typing.Any) -> None:
    if not hasattr(model, "report"):
        raise ValueError(
            "--data is for classifiers: leave it out for other models. "
            f"Received: --data={parsed.data!r} for {parsed.model!r}"
        )
    from rnnzoo import analysis
    from rnnzoo.data.files import open_with_bar

    source = open_with_bar(
        parsed.data,
        text=parsed.text,
        label=parsed.label,
        encoding=parsed.encoding,
        separator=parsed.separator,
        classes=model.classes,
        skip_bad_rows=parsed.skip_bad_rows,
    )
    if source.report:
        print(source.report, file=sys.stderr)
    report = model.report(source, _progress)
    print(json.dumps(report.figures(), indent=2) if parsed.json else report)
    with name_failures(parsed.plots):
        os.makedirs(parsed.plots, exist_ok=True)
    for name in ("confusion", "calibration"):
        path = os.path.join(parsed.plots, f"{name}.png")
        getattr(analysis, f"plot_{name}")(report, path)
        print(f"Written: {path}", file=sys.stderr)


def run_export(parsed: argparse.Namespace) -> None:
    """Writes a folder that can be served without rnnzoo."""
    folder = rnnzoo.export(
        _load_model(parsed),
        parsed.to,
        parsed.format,
        precision=parsed.precision,
        version=parsed.version,
        overwrite=parsed.overwrite,
    )
    print(f"Written and verified to answer as in Python: {folder}")


def run_demo(parsed: argparse.Namespace) -> None:
    """Serves or writes the page with models in the browser."""
    from rnnzoo import demo

    say = functools.partial(print, flush=True)
    folder = demo.get_cache_folder()
    if parsed.to:
        demo.check_new(parsed.to)
    if not folder.exists():
        say("Exporting the models once, which takes a minute or two.")
        _import_quietly()
        demo.write(folder, say)
    if parsed.to:
        with replace_folder(pathlib.Path(parsed.to)) as draft:
            shutil.copytree(folder, draft, dirs_exist_ok=True)
        say(f"Written, for any static host: {parsed.to}")
    else:
        demo.serve(folder, parsed.port, say)


def _progress(steps: typing.Iterable) -> typing.Iterable:
    """Shows a progress bar in a terminal."""
    import rich.progress

    return rich.progress.track(
        steps, "Evaluating", disable=not sys.stderr.isatty(), transient=True
    )


def run_prepare(parsed: argparse.Namespace) -> None:
    """Prepares a public data set, or lists them."""
    if parsed.name is None:
        print("Data sets (rnnzoo prepare NAME):")
        for name in catalog.names():
            print(f"  {name:27} {catalog.describe(name)['summary']}")
        return
    catalog.describe(parsed.name)  # refuses an unknown name before TensorFlow loads
    _import_quietly()
    catalog.prepare(parsed.name, parsed.data_dir, parsed.manual_dir)


def run_train(parsed: argparse.Namespace) -> int:
    """Trains a recipe in a run folder."""
    chosen = recipe_class(parsed.recipe)
    fields = [field.name for field in dataclasses.fields(chosen)]
    recipe = chosen(**{name: getattr(parsed, name) for name in fields})
    if parsed.workers < 1:
        raise ValueError(
            f"--workers must be at least 1. Received: --workers={parsed.workers}"
        )
    if parsed.workers > 1 and not workers.is_worker():
        if parsed.devices != "auto":
            raise ValueError(
                "--workers chooses the devices: leave --devices out. Received: "
                f"--workers={parsed.workers} --devices={parsed.devices}"
            )
        if os.environ.get("TF_CONFIG"):
            raise ValueError(
                "--workers sets TF_CONFIG itself: leave one of them out. "
                f"Received: --workers={parsed.workers}, "
                f"TF_CONFIG={os.environ['TF_CONFIG']!r}"
            )
        return workers.run_workers(parsed.workers, parsed.words)
    workers.end_with_parent()
    _import_quietly()
    train(recipe, parsed.run, parsed.devices, new_data=parsed.new_data)
    print(f"The best weights are in {parsed.run}/best.keras")
    return 0


def _load_model(parsed: argparse.Namespace) -> typing.Any:
    name, models = parsed.model, listing.list_models()
    factory = name.split(".")[0]
    if os.path.isfile(name):
        _import_quietly()
        return rnnzoo.load(name)
    if factory not in models:
        known = [*models, *listing.list_weights()]
        raise ValueError(
            f"There is no such model or file: there are {', '.join(known)}."
            f"{closest(name, known)} Received: model={name!r}"
        )
    chosen = parsed.weights or (name if name != factory else None)
    _import_quietly()
    make = getattr(rnnzoo, factory)
    return make(chosen) if chosen else make()


def _import_quietly() -> None:
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
