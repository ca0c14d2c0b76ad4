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
        if value is None or value == [] or value == {}:
            continue
        if isinstance(value, list) and not any(
            isinstance(v, (list, dict)) for v in value
        ):
            value = ", ".join(map(str, value))
        if isinstance(value, (dict, list)):
            value = json.dumps(value, ensure_ascii=False, indent=2)
        if key == "milliseconds":
            is_file = "card" in described
            value = f"{value:g} for one answer, " + (
                "measured now" if is_file else "as benchmarks/answering.py measured it"
            )
        lines = str(value).splitlines() or [""]
        print(f"{key}: " + "\n  ".join(lines))
