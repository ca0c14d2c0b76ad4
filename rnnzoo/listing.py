"""What is in the zoo: models, weights and recipes, without importing TensorFlow."""

import fnmatch
import importlib.util
import pathlib
import re
from collections.abc import Iterable
from typing import Any

from rnnzoo import declarations, weights
from rnnzoo.api import MODULES
from rnnzoo.declarations import BY_HAND, answer_options, model_names, model_options
from rnnzoo.errors import check_choice, closest, shorten

__all__ = [
    "MODULES",
    "answer_options",
    "list_models",
    "list_recipes",
    "list_tasks",
    "list_weights",
    "model_options",
]


def list_models(
    pattern: str = "*",
    by_hand: bool | None = None,
    *,
    task: str | None = None,
    licence: str | None = None,
) -> list[str]:
    """Lists the models of the zoo by the names of their factories.

    Args:
        pattern: A name, or shell-style wildcards, such as `"*classifier"`. Wildcards
            that no name matches are looked for in cells and descriptions of models and
            their weights, as `"*gru*"`.
        by_hand: `True` for those whose weights are set by hand and have no files;
            `False` for the others; `None` for all.
        task: One of `list_tasks()`, or wildcards; `None` for all.
        licence: Licence of weights, such as `"Apache-2.0"`, or wildcards; `None` for
            all, and for models without weights.

    Raises:
        ValueError: If there is no such task or licence; names the closest.

    Example:
        >>> import rnnzoo
        >>> rnnzoo.list_models("sort*")
        ['sorter']
        >>> rnnzoo.list_models("*lstm*")
        ['language_model', 'tagger', 'pattern_generator']
        >>> rnnzoo.list_models(task="translation")
        ['translator']
    """
    _check_pattern("pattern", pattern)
    models = [
        name
        for name in filter_models(task, licence)
        if by_hand in (None, MODULES[name] == BY_HAND)
    ]
    named = [name for name in models if fnmatch.fnmatchcase(name, pattern)]
    if named or not _has_wildcards(pattern) or _matches_weights(pattern):
        return named
    return [name for name in models if matches_description(name, pattern)]


def list_weights(
    model: str | None = None, *, task: str | None = None, licence: str | None = None
) -> list[str]:
    """Lists the weights of the package, by default those of all models.

    Args:
        model: A model's name; or shell-style wildcards, for the names of models or of
            weights, such as `"*classifier"` or `"translator.*"`. Those that no name
            matches are looked for in cells and descriptions, as `"*lstm*"`.
        task: As `list_models` has it.
        licence: As `list_models` has it.

    Raises:
        ValueError: If there is no model of that name, or no such task or licence; names
            the closest.

    Example:
        >>> import rnnzoo
        >>> "sorter.integers_32" in rnnzoo.list_weights("sorter")
        True
        >>> rnnzoo.list_weights("sort*") == rnnzoo.list_weights("sorter")
        True
        >>> rnnzoo.list_weights(task="translation", licence="BSD*")
        ['translator.cmudict']
    """
    pattern = "*" if model is None else model
    _check_pattern("model", pattern)
    if not _has_wildcards(pattern):
        check_choice("model", pattern, model_names())
    models = filter_models(task, None)
    kept = [name for name in filter_weights(licence) if name.split(".")[0] in models]
    named = [name for name in kept if _matches_name(name, pattern)]
    if named or not _has_wildcards(pattern):
        return named
    if any(_matches_name(name, pattern) for name in (*weights.records(), *models)):
        return []
    return [name for name in kept if matches_description(name, pattern)]


def list_tasks() -> list[str]:
    """Lists what the models of the zoo are for.

    Example:
        >>> from rnnzoo.listing import list_tasks
        >>> "text-classification" in list_tasks()
        True
    """
    found = (declarations.model_task(model) for model in model_names())
    return sorted({task for task in found if task})


def filter_models(task: str | None, licence: str | None) -> list[str]:
    """Returns the models for a task whose weights have a licence; `None` for any."""
    models = model_names()
    if task is not None:
        tasks = list_tasks()
        if not isinstance(task, str) or not _match(tasks, task):
            raise ValueError(
                f"task must be one of {', '.join(map(repr, tasks))}, or wildcards."
                f"{closest(task, tasks)} Received: task={shorten(task)}"
            )
        chosen = _match(tasks, task)
        models = [name for name in models if declarations.model_task(name) in chosen]
    if licence is None:
        return models
    with_licence = {name.split(".")[0] for name in filter_weights(licence)}
    return [name for name in models if name in with_licence]


def filter_weights(licence: str | None) -> list[str]:
    """Returns the weights that have a licence; `None` for any."""
    records = weights.records()
    if licence is None:
        return list(records)
    found = [n for n, one in records.items() if matches_licence(one, licence)]
    if not found:
        parts = {part for one in records.values() for part in split_licence(one)}
        known = sorted(parts)
        raise ValueError(
            f"licence must be one of {', '.join(map(repr, known))}, or wildcards."
            f"{closest(licence, known)} Received: licence={shorten(licence)}"
        )
    return found


def split_licence(record: dict[str, Any] | str) -> list[str]:
    """Returns the names of licences in a record, without what is said of them.

    Example:
        >>> from rnnzoo.listing import split_licence
        >>> split_licence("CC BY 4.0 (the data), Apache-2.0; the texts are public")
        ['CC BY 4.0', 'Apache-2.0']
    """
    text = record if isinstance(record, str) else record["licence"]
    parts = text.split(";")[0].split(", as ")[0].split(",")
    return [part.split(" (")[0].strip() for part in parts]


def matches_licence(record: dict[str, Any] | str, licence: Any) -> bool:
    """Whether a record has a licence, by its name or wildcards, in any case."""
    if not isinstance(licence, str):
        raise TypeError(
            "licence must be a name or wildcards, such as 'Apache-2.0'. Received: "
            f"licence={shorten(licence)}"
        )

    def normalize(text: str) -> str:
        return re.sub("[ _-]+", " ", text.lower()).strip()

    names = map(normalize, split_licence(record))
    return any(fnmatch.fnmatchcase(name, normalize(licence)) for name in names)


def matches_description(name: str, pattern: str) -> bool:
    """Whether the cell or the description of a model or weights matches wildcards."""
    model = name.split(".")[0]
    texts = [weights.records().get(name, {}).get("summary", "")]
    if name == model:
        texts.append(declarations.describe_class(model)[0])
        names = [one for one in weights.records() if one.split(".")[0] == model]
    else:
        names = [name]
    texts += [find_cell(one) for one in names] or [find_cell(model)]
    pattern = pattern.lower()
    return any(fnmatch.fnmatchcase(text.lower(), pattern) for text in texts)


def find_cell(name: str) -> str:
    """Returns the kind of cells that a model or listed weights have.

    Example:
        >>> from rnnzoo.listing import find_cell
        >>> find_cell("language_model.ptb")
        'lstm'
    """
    record = weights.records().get(name, {})
    defaults = {one.name: one.default for one in model_options(name.split(".")[0])}
    for values in (record.get("settings", {}), record.get("options", {}), defaults):
        if found := values.get("cell"):
            return found
    return ""


def _match(names: Iterable[str], pattern: str) -> list[str]:
    return [name for name in names if fnmatch.fnmatchcase(name, pattern.lower())]


def _matches_name(name: str, pattern: str) -> bool:
    names = (name, name.split(".")[0])
    return any(fnmatch.fnmatchcase(one, pattern) for one in names)


def _matches_weights(pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in weights.records())


def _has_wildcards(pattern: str) -> bool:
    return any(wildcard in pattern for wildcard in "*?[")


def _check_pattern(name: str, pattern: Any) -> None:
    if not isinstance(pattern, str):
        raise TypeError(
            f"{name} must be a name or wildcards, such as '*classifier'. Received: "
            f"{name}={shorten(pattern)}"
        )


def list_recipes() -> list[str]:
    """Lists the preset training recipes.

    Example:
        >>> import rnnzoo
        >>> "sort_naturals" in rnnzoo.list_recipes()
        True
    """
    spec = importlib.util.find_spec("rnnzoo.recipes")
    folders = (spec and spec.submodule_search_locations) or []
    files = [file for folder in folders for file in pathlib.Path(folder).glob("*.py")]
    return sorted(file.stem for file in files if file.stem[0] != "_")
