"""docs/add_a_model.md, followed literally: what it writes is what the zoo has."""

import ast
import csv
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys

import pytest
import tiny_data

import rnnzoo
import rnnzoo.models
from rnnzoo.api import MODULES
from rnnzoo.command import main

ROOT = pathlib.Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "add_a_model.md").read_text(encoding="utf-8")
# What the page says to write, its other Python, and its commands.
FILES = dict(re.findall(r"Write `([^`]+)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
PYTHON = [
    block
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    if block not in FILES.values()
]
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]
MODEL, RECIPE = "rnnzoo/models/surnames.py", "recipes/surname_origin.py"
NAME, WEIGHTS = "surname_classifier", "surname_classifier.origins"


def test_the_page_writes_the_files_of_the_zoo():
    assert set(FILES) == {MODEL, RECIPE}
    assert FILES[MODEL] == (ROOT / MODEL).read_text(encoding="utf-8")

    def code(text):
        tree = ast.parse(text)
        return ast.unparse(tree.body[1:])  # the docstring tells the results

    assert code(FILES[RECIPE]) == code((ROOT / RECIPE).read_text(encoding="utf-8"))
    assert len(FILES[MODEL].splitlines()) <= 160


def test_the_public_name_is_the_only_change_elsewhere():
    found = subprocess.run(
        ["grep", "-rlE", "surname|Surname", "--include=*.py", "rnnzoo", "recipes"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout.split()
    assert set(found) == {MODEL, RECIPE, "rnnzoo/api.py"}
    assert PYTHON[0] in (ROOT / "rnnzoo/api.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the repository without the model, and a function that runs in it."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "pretrained", "browser", "recipes")
    for part in ("rnnzoo", "recipes", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    for file in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)
    (folder / "rnnzoo" / "pretrained").mkdir()
    for file in (ROOT / "rnnzoo" / "pretrained").glob("*.keras"):
        if file.stem != WEIGHTS:
            (folder / "rnnzoo" / "pretrained" / file.name).symlink_to(file)
    (folder / "rnnzoo" / "recipes").symlink_to(folder / "recipes")
    for file in FILES:
        (folder / file).unlink()
    api, catalog = folder / "rnnzoo" / "api.py", folder / "rnnzoo" / "weights.json"
    api.write_text(api.read_text("utf-8").replace(PYTHON[0], ""), encoding="utf-8")
    records = json.loads(catalog.read_text("utf-8"))
    records.pop(WEIGHTS, None)
    catalog.write_text(json.dumps(records), encoding="utf-8")
    rows = read_rows(folder)
    with open(folder / "recipes/results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if row["weights"] != WEIGHTS)
    # What the page calls is what this process runs.
    (folder / "bin").mkdir()
    programs = {"python": "", "rnnzoo": "-m rnnzoo.command", "pytest": "-m pytest"}
    for program, arguments in programs.items():
        file = folder / "bin" / program
        file.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment |= {
        "PATH": f"{folder / 'bin'}{os.pathsep}{environment['PATH']}",
        "PYTHONPATH": str(folder),
        "PYTEST_ADDOPTS": "-n0 -p no:cacheprovider",
        "TFDS_DATA_DIR": str(tiny_data.prepare(folder / "data")),
    }

    def run(command):
        done = subprocess.run(
            command,
            shell=isinstance(command, str),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return folder, run


def read_rows(folder):
    with open(folder / "recipes/results.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_the_page_followed_literally(checkout):
    folder, run = checkout
    missing = f"import rnnzoo; print({NAME!r} in rnnzoo.list_models())"
    assert run(["python", "-c", missing]) == "False\n"

    (folder / MODEL).write_text(FILES[MODEL], encoding="utf-8")
    api = folder / "rnnzoo" / "api.py"
    first = "    # Models of the zoo\n"
    text = api.read_text("utf-8").replace(first, first + PYTHON[0])
    api.write_text(text, encoding="utf-8")
    stubs, train, evaluate, publish, check = COMMANDS
    run(stubs)
    assert f"def {NAME}(" in (folder / "rnnzoo" / "__init__.pyi").read_text("utf-8")

    shown = dict(
        line.split(" ", 1) for line in run(["python", "-c", PYTHON[1]]).splitlines()
    )
    assert shown["check_padding_and_neighbours"] == "passed"
    assert shown["check_run_folder_is_complete"] == "passed"

    (folder / RECIPE).write_text(FILES[RECIPE], encoding="utf-8")
    run(train)
    assert (folder / "runs" / "surnames" / "best.keras").is_file()
    assert "majority_accuracy" in run(evaluate)
    run(publish)
    record = json.loads((folder / "rnnzoo/weights.json").read_text("utf-8"))[WEIGHTS]
    assert (folder / "rnnzoo" / "pretrained" / record["file"]).is_file()
    assert {row["weights"] for row in read_rows(folder)} >= {WEIGHTS}
    for page in ("README.md", "recipes/README.md"):
        assert f"`{WEIGHTS}`" in (folder / page).read_text("utf-8")
    assert " passed" in run(check)
    answers = run(["rnnzoo", "answer", NAME, "Nguyen", "Yamamoto"]).split()
    assert len(answers) == 2 and set(answers) <= set(tiny_data.ORIGINS)


MODULE = '''
"""A model whose answer takes options of every type."""

import keras

from rnnzoo.models.parity import ParityReader
from rnnzoo.weights import factory


@keras.saving.register_keras_serializable("tests")
class Repeater(ParityReader):
    """Repeats what it is given."""

    def answer(
        self,
        inputs,
        *,
        loud: bool = False,
        quoted: bool = True,
        factor: float = 1.5,
        times: int = 1,
        end: str | None = None,
    ):
        """Repeats.

        Args:
            inputs: Texts.
            loud: Whether to shout.
            quoted: Whether to quote.
            factor: A number.
            times: How often.
            end: What comes last.
        """
        return [f"{x} {loud} {quoted} {factor} {times} {end}" for x in inputs]


repeater = factory(Repeater, "repeater")
'''


def test_a_module_is_found_and_answers_with_options_of_any_type(
    tmp_path, monkeypatch, capsys, request
):
    (tmp_path / "repeating.py").write_text(MODULE, encoding="utf-8")
    places = rnnzoo.models.__spec__.submodule_search_locations
    places.append(str(tmp_path))
    request.addfinalizer(lambda: places.remove(str(tmp_path)))
    monkeypatch.setitem(MODULES, "repeater", "rnnzoo.models.repeating")
    assert "repeater" in rnnzoo.list_models()
    assert rnnzoo.describe("repeater")["summary"] == "Repeats what it is given."
    words = ["answer", "repeater", "a"]
    assert main(words) == 0
    assert capsys.readouterr().out == "a False True 1.5 1 None\n"
    words += ["--loud", "--no-quoted", "--factor=0.25", "--times=3", "--end=."]
    assert main(words) == 0
    assert capsys.readouterr().out == "a True False 0.25 3 .\n"
    with pytest.raises(SystemExit):
        main(["answer", "repeater", "--help"])
    shown = capsys.readouterr().out
    assert "--loud, --no-loud" in shown and "--factor FLOAT" in shown
    with pytest.raises(SystemExit):
        main([*words, "--factor=big"])
    assert "invalid float value: 'big'" in capsys.readouterr().err
