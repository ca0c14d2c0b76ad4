"""Everything shown is executed, and every number comes from results.csv."""

import doctest
import importlib
import pathlib
import pkgutil
import re
import subprocess
import sys

import pytest

import rnnzoo
import rnnzoo.recipes
from rnnzoo.recipes import _publish

ROOT = pathlib.Path(__file__).parent.parent
MODULES = sorted(
    module.name
    for package in (rnnzoo, rnnzoo.recipes)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)
# Their examples make models, train and export.
HEAVY = ("rnnzoo.architectures.", "rnnzoo.models.", "rnnzoo.analysis")
HEAVY += ("rnnzoo.factories", "rnnzoo.exporting", "rnnzoo.training.finetuning")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name.startswith(HEAVY) else [])
        for name in ["rnnzoo", *MODULES]
    ],
)
def test_docstring_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.testmod(module, optionflags=options)
    assert results.failed == 0


def test_public_functions_have_examples():
    for name in rnnzoo.__all__:
        assert ">>> " in getattr(rnnzoo, name).__doc__, name


def code_blocks(path):
    text = path.read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


# What has no prompts is tested elsewhere.
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if any(block.startswith(">>> ") for block in code_blocks(page))
]


@pytest.mark.slow  # pages train networks
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_of_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = code_blocks(page)
    assert blocks
    parser, runner = (
        doctest.DocTestParser(),
        doctest.DocTestRunner(
            optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
        ),
    )
    names = {}
    for block in blocks:
        test = parser.get_doctest(block, names, page.name, str(page), 0)
        assert test.examples, block
        runner.run(test, clear_globs=False)
        names = test.globs
    assert runner.summarize().failed == 0


def test_tables_are_made_of_the_results():
    rows = _publish.read_results()
    tables = _publish.render_tables(rows)
    assert set(tables) == {ROOT / "README.md", ROOT / "recipes" / "README.md"}
    for path, lines in tables.items():
        assert _publish.insert_table(path, lines) == path.read_text(encoding="utf-8")
    assert {row["weights"] for row in rows} >= set(rnnzoo.list_weights())


def test_recipes_state_the_results_of_the_table():
    for row in _publish.read_results():
        if row["metric"] in ("exact_match", "element_accuracy", "accuracy"):
            text = rnnzoo.describe(row["recipe"])["documentation"]
            assert f"{float(row['value']):.5f}" in text, row["metric"]


SCRIPTS = sorted(
    path
    for path in (ROOT / "benchmarks").glob("*.py")
    if "if __name__ ==" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(path, marks=[] if path.stem == "faults" else pytest.mark.slow)
        for path in SCRIPTS
    ],
    ids=lambda path: path.stem,
)
def test_benchmarks_say_what_they_measure(script):
    if re.search(r"^import torch$", script.read_text("utf-8"), re.MULTILINE):
        pytest.importorskip("torch")
    output = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, check=True
    )
    assert "--cores" in output.stdout
    assert f"python benchmarks/{script.name}" in output.stdout
