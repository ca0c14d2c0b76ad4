"""The session of docs/command_line.md is as the page shows it."""

import doctest
import pathlib
import re
import shlex

import pytest

from rnnzoo.command import main

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "command_line.md"
BLOCK = re.compile(r'^```(console|csv title="([^"]+)")\n(.*?)^```$', re.DOTALL | re.M)


@pytest.mark.slow  # trains networks
def test_the_session_of_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    checker, tried = doctest.OutputChecker(), 0
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for _, name, content in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if name:
            pathlib.Path(name).write_text(content, encoding="utf-8")
            continue
        for part in content.removeprefix("$ ").split("\n$ "):
            command, _, expected = part.partition("\n")
            program, *words = shlex.split(command)
            if program == "cat":
                shown = pathlib.Path(words[0]).read_text(encoding="utf-8")
            else:
                main(words)
                shown = "".join(capsys.readouterr())
            # A leading ellipsis would be a prompt of doctest's.
            assert checker.check_output(expected, shown, flags), (command, shown)
            tried += 1
    assert tried >= 12
