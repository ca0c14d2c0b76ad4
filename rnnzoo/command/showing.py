"""The verbs that show what there is: `list`, `describe`."""

import argparse
import fnmatch
import json
import re

from rnnzoo import listing, weights


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
