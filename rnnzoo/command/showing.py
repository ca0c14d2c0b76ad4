"""The verbs that show what there is: `list`, `describe`."""

import argparse
import fnmatch
import json
import os
from collections.abc import Iterator, Sequence

import rnnzoo
from rnnzoo import declarations, listing, weights
from rnnzoo.errors import closest

HEADER = ("parameters", "MB", "ms", "figure", "licence", "what it is")
# Where columns of numbers end, and how wide the others are.
WIDTHS = (36, -11, -6, -7, 27, 31, 0)


def run_list(parsed: argparse.Namespace) -> None:
    """Lists models, weights and recipes that match a pattern, task and licence."""
    filters = {"task": parsed.task, "licence": parsed.licence}
    names = _match_names(parsed.pattern, filters)
    models, recipes = [], []
    for model in rnnzoo.list_models(**filters):
        own = [name for name in names if name.split(".")[0] == model and "." in name]
        if own or model in names:
            summary = declarations.describe_class(model)[0]
            models.append(f"  {model:{WIDTHS[0] - 2}}  {summary}")
            models += [_align(f"    {name}", *_row(name)) for name in own]
    for recipe in filter(names.__contains__, listing.list_recipes()):
        recipes.append(f"  {recipe:22} {declarations.describe_recipe(recipe)[0]}")
    if not models and not recipes:
        known = [*listing.list_models(), *listing.list_weights()]
        received = {"pattern": parsed.pattern, **filters}
        shown = ", ".join(
            f"{key}={value!r}" for key, value in received.items() if value
        )
        raise ValueError(
            "No model, weights or recipe is of this kind: `rnnzoo list` shows all."
            f"{closest(parsed.pattern, [*known, *listing.list_recipes()])} "
            f"Received: {shown}"
        )
    if models:
        print(_align("Models and their weights", *HEADER), *models, sep="\n")
    if recipes:
        print("Recipes:", *recipes, sep="\n")


def _match_names(pattern: str, filters: dict) -> list[str]:
    """Returns names of models, weights and recipes; by what they are, if none match."""
    everything = [*rnnzoo.list_models(**filters), *rnnzoo.list_weights(**filters)]
    everything += _filter_recipes(**filters)
    found = [name for name in everything if fnmatch.fnmatchcase(name, pattern)]
    # All weights of a model whose name matches.
    found += [n for n in everything if n.split(".")[0] in found and n not in found]
    if not found and any(wildcard in pattern for wildcard in "*?["):
        recipes = listing.list_recipes()
        for name in everything:
            if name in recipes:
                text = declarations.describe_recipe(name)[0].lower()
                if fnmatch.fnmatchcase(text, pattern.lower()):
                    found.append(name)
            elif listing.matches_description(name, pattern):
                found.append(name)
    return found


def _filter_recipes(task: str | None, licence: str | None) -> Iterator[str]:
    models = listing.filter_models(task, None)
    for name in listing.list_recipes():
        if task is not None and declarations.recipe_model(name) not in models:
            continue
        text = declarations.recipe_licence(name)
        if licence is None or listing.matches_licence(text, licence):
            yield name


def _row(name: str) -> Sequence[str]:
    """Returns size, speed, main figure, licence and summary of weights."""
    record = weights.records()[name]
    milliseconds = record.get("milliseconds")
    metric, value = next(iter(record["score"].items()))
    return (
        f"{record['parameters']:,}",
        f"{record['bytes'] / 1e6:.2f}",
        "" if milliseconds is None else f"{milliseconds:g}",
        f"{value:g} {metric.replace('_', ' ')}",
        ", ".join(listing.split_licence(record)),
        record["summary"],
    )


def _align(*cells: str) -> str:
    """Returns cells in columns; numbers end below each other."""
    parts = [
        f"{cell:>{-width}}" if width < 0 else f"{cell:{width}}" if width else cell
        for cell, width in zip(cells, WIDTHS, strict=True)
    ]
    return "  ".join(parts).rstrip()


def run_describe(parsed: argparse.Namespace) -> None:
    """Describes a model, weights, a recipe or a file of the user's."""
    if os.path.isfile(parsed.name):
        from rnnzoo.command.loading import import_quietly

        import_quietly()
    described = rnnzoo.describe(parsed.name)
    for key, value in described.items():
        if key == "milliseconds":
            measured = "measured now, on this machine"
            if parsed.name in weights.records():
                measured = "as benchmarks/answering.py measured it"
            value = f"{value:g} for one answer, {measured}"
        if value not in (None, "", [], {}):
            print(f"{key}: " + "\n  ".join(_to_lines(value)))


def _to_lines(value: object) -> list[str]:
    """Returns a value as lines: JSON, a line for each part of it."""
    if isinstance(value, dict):
        parts = [f'"{key}": {_to_json(one)}' for key, one in value.items()]
        return ["{", *(f"  {part}," for part in parts[:-1]), f"  {parts[-1]}", "}"]
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return ["[", *(f"  {_to_json(one)}" for one in value), "]"]
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return str(value).splitlines()


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
