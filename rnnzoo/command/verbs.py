"""Verbs of the `rnnzoo` command: prepare, train, export, demo."""

import argparse
import dataclasses
import functools
import os
import pathlib
import shutil

import rnnzoo
from rnnzoo.command.loading import import_quietly, load_model
from rnnzoo.data import catalog
from rnnzoo.training import recipe_class, train, workers
from rnnzoo.writing import replace_folder


def run_export(parsed: argparse.Namespace) -> None:
    """Writes a folder that can be served without rnnzoo."""
    folder = rnnzoo.export(
        load_model(parsed),
        parsed.to,
        parsed.format,
        precision=parsed.precision,
        version=parsed.version,
        overwrite=parsed.overwrite,
        examples=parsed.examples,
        text=parsed.text,
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
        import_quietly()
        demo.write(folder, say)
    if parsed.to:
        with replace_folder(pathlib.Path(parsed.to)) as draft:
            shutil.copytree(folder, draft, dirs_exist_ok=True)
        say(f"Written, for any static host: {parsed.to}")
    else:
        demo.serve(folder, parsed.port, say)


def run_prepare(parsed: argparse.Namespace) -> None:
    """Prepares a public data set, or lists them."""
    if parsed.name is None:
        print("Data sets (rnnzoo prepare NAME):")
        for name in catalog.names():
            print(f"  {name:27} {catalog.describe(name)['summary']}")
        return
    catalog.describe(parsed.name)  # refuses an unknown name before TensorFlow loads
    import_quietly()
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
    import_quietly()
    train(recipe, parsed.run, parsed.devices, new_data=parsed.new_data)
    print(f"The best weights are in {parsed.run}/best.keras")
    return 0
