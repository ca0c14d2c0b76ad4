"""Writes `rnnzoo/__init__.pyi`: the public names, typed for editors and type checkers.

    python -m rnnzoo.stubs

Factories have the signatures of their classes and are made when they are first used,
which no type checker can see. A test compares the file with what this module makes.
"""

import importlib
import inspect
import pathlib
import re
import textwrap
from typing import Any

import rnnzoo
from rnnzoo.api import MODULES

PATH = pathlib.Path(__file__).parent / "__init__.pyi"
HEAD = '''\
"""The public names of rnnzoo; written by `python -m rnnzoo.stubs`."""

from collections.abc import Iterable, Sequence
from typing import Any

'''


def render() -> str:
    """Returns the content of the stub file."""
    imports, factories = [], []
    for name, module in MODULES.items():
        value = getattr(importlib.import_module(module), name)
        if hasattr(value, "model_class"):
            imports.append((value.model_class.__module__, value.model_class.__name__))
            factories.append(_factory(name, value))
        else:
            imports.append((module, name))
    grouped: dict[str, list[str]] = {}
    for module, name in sorted(set(imports)):
        grouped.setdefault(module, []).append(name)
    lines = [_import(module, found) for module, found in grouped.items()]
    names = ",\n".join(f'    "{name}"' for name in MODULES)
    return (
        f"{HEAD}{chr(10).join(lines)}\n\n__version__: str\n"
        f"__all__ = [\n{names},\n]\n\n{chr(10).join(factories)}"
    )


def _import(module: str, names: list[str]) -> str:
    """Returns an import as ruff would format it."""
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 88:
        return line
    return f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"


def _factory(name: str, factory: Any) -> str:
    """Returns the stub of a factory: its signature, and its documentation."""
    returned = factory.model_class.__name__
    parameters = inspect.signature(factory).parameters
    parts, is_keyword = [], False
    for parameter in parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword:
            parts.append("*")
            is_keyword = True
        parts.append(_parameter(parameter))
    arguments = "".join(f"    {part},\n" for part in parts)
    text = textwrap.indent(_shown(factory.__doc__ or ""), "    ").strip()
    quotes = 'r"""' if "\\" in text else '"""'
    arguments = f"\n{arguments}" if arguments else ""
    end = "\n    " if "\n" in text else ""
    head = f"def {name}({arguments}) -> {returned}:"
    return f"{head}\n    {quotes}{text}{end}{quotes[-3:]}\n"


def _parameter(parameter: inspect.Parameter) -> str:
    """Returns a parameter as source has it; long defaults are left out."""
    kind = inspect.formatannotation(parameter.annotation)
    kind = kind.replace("collections.abc.", "").replace("typing.", "")
    if parameter.default is parameter.empty:
        return f"{parameter.name}: {kind}"
    default = repr(parameter.default)
    if '"' not in default:
        default = default.replace("'", '"')
    line = f"{parameter.name}: {kind} = {default}"
    return line if len(line) <= 83 else f"{parameter.name}: {kind} = ..."


def _shown(text: str) -> str:
    """Returns what an editor shows of a docstring: the summary and the arguments."""
    summary, _, rest = text.partition("\n")
    found = re.search(r"\nArgs:\n(?: .*\n|\n(?= ))*", rest + "\n")
    return f"{summary}\n{found[0].rstrip() if found else ''}".rstrip()


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
    print(f"Written for rnnzoo {rnnzoo.__version__}: {PATH.name}")
