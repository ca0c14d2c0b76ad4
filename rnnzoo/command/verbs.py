"""What each verb of the `rnnzoo` command does."""

import argparse
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import typing

import rnnzoo
from rnnzoo import listing, weights
from rnnzoo.data import catalog
from rnnzoo.errors import closest
from rnnzoo.training import recipe_class, train, workers


def run_list(parsed: argparse.Namespace) -> None:
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


def run_describe(parsed: argparse.Namespace) -> None:
    for key, value in listing.describe(parsed.name).items():
        if isinstance(value, (dict, list)):
            value = json.dumps(value, ensure_ascii=False, indent=2)
        lines = str(value).splitlines() or [""]
        print(f"{key}: " + "\n  ".join(lines))


def run_answer(parsed: argparse.Namespace) -> int:
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


def run_explain(parsed: argparse.Namespace) -> None:
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


def run_evaluate(parsed: argparse.Namespace) -> None:
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
    recipe = recipe_class(name)(**options)
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
    from rnnzoo import analysis
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
        "confusion.png": analysis.plot_confusion,
        "calibration.png": analysis.plot_calibration,
    }.items():
        path = os.path.join(parsed.plots, name)
        plot(report, path)
        print(f"Written: {path}", file=sys.stderr)


def run_export(parsed: argparse.Namespace) -> None:
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


def run_demo(parsed: argparse.Namespace) -> None:
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


def run_prepare(parsed: argparse.Namespace) -> None:
    if parsed.name is None:
        print("Data sets (rnnzoo prepare NAME):")
        for name in catalog.names():
            print(f"  {name:27} {catalog.describe(name)['summary']}")
        return
    catalog.describe(parsed.name)  # refuses an unknown name before TensorFlow loads
    _import_quietly()
    catalog.prepare(parsed.name, parsed.data_dir, parsed.manual_dir)


def run_train(parsed: argparse.Namespace) -> int:
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
    train(recipe, parsed.run, parsed.devices)
    print(f"The best weights are in {parsed.run}/best.keras")
    return 0


def _model(parsed: argparse.Namespace) -> typing.Any:
    """Loads the model that the command line names."""
    name, models = parsed.model, listing.list_models()
    factory = name.split(".")[0]
    if os.path.isfile(name) or factory not in models:
        if not os.path.isfile(name):
            known = [*models, *listing.list_weights()]
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
