"""What editors and type checkers see of the public names."""

import ast
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import rnnzoo
from rnnzoo import stubs

ROOT = pathlib.Path(__file__).parent.parent
CALLS = pathlib.Path(__file__).with_name("typed_calls.py")


@pytest.mark.smoke
def test_stubs_are_what_the_classes_say():
    written = stubs.PATH.read_text(encoding="utf-8")
    assert stubs.render() == written, "run python -m rnnzoo.stubs"


def test_stubs_have_every_public_name():
    tree = ast.parse(stubs.PATH.read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            defined |= {alias.name for alias in node.names}
    assert set(rnnzoo.__all__) <= defined


@pytest.mark.skipif(shutil.which("pyright") is None, reason="needs pyright")
def test_public_calls(tmp_path):
    # A user's folder, without the settings of this repository.
    (tmp_path / "calls.py").write_text(CALLS.read_text(encoding="utf-8"), "utf-8")
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "basic"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    command = ["pyright", "--outputjson", "--pythonpath", sys.executable, "-p", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: dict[int, str] = {}
    for one in json.loads(done.stdout)["generalDiagnostics"]:
        line = one["range"]["start"]["line"]
        found[line] = found.get(line, "") + one["message"]
    for number, line in enumerate(CALLS.read_text(encoding="utf-8").splitlines()):
        expected = re.search(r"# error: (.*?)(?:  # noqa.*)?$", line)
        message = found.pop(number, "")
        if expected:
            assert expected[1] in message, f"{line}\n{message}"
        else:
            assert not message, f"{line}\n{message}"
    assert not found


@pytest.mark.smoke
def test_import_is_light():
    code = (
        "import rnnzoo, sys; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert output.stdout.split() == ["False", "False"]
