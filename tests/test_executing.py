"""The executor: its programs, what it reads and writes, and how it is taught."""

import itertools
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnzoo import executor, list_weights
from rnnzoo.analysis.text_quality import character_accuracy
from rnnzoo.data.synthetic import (
    CHARACTERS,
    DecimalAddition,
    Programs,
    run_program,
    scramble,
)
from rnnzoo.data.synthetic.programs import POOL
from rnnzoo.recipes.execute_long_programs import ExecuteLongPrograms
from rnnzoo.recipes.execute_programs import ExecutePrograms

KINDS = {
    "sum": r"\(\d+\+\d+\)",
    "difference": r"\(\d+-\d+\)",
    "nothing": r"print\(\d+\)",
    "product": r"\(\d+\*\d+\)",
    "variable": r"^[a-j]=.*\nprint\(\(",
    "loop": r"\nfor x in range\(\d+\):[a-j][+-]=\S+\n",
    "choice": r"\(\S+ if \S+[<>]\S+ else \S+\)",
}


def run_by_python(programs):
    """Runs programs in a process of their own that knows nothing of this one."""
    code = (
        "import contextlib, io, json, sys\n"
        "for program in json.load(sys.stdin):\n"
        "    output = io.StringIO()\n"
        "    with contextlib.redirect_stdout(output):\n"
        "        exec(program, {})\n"
        "    print(json.dumps(output.getvalue()))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-I", "-c", code],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in finished.stdout.splitlines()]


def test_targets_are_what_python_prints():
    programs, targets = Programs().sample_unseen(1000, seed=3, length=5, nesting=4)
    for examples in (Programs(3, 6, "mix"), DecimalAddition()):
        more = examples.batch(100, seed=3, index=0)
        programs, targets = programs + more[0], targets + more[1]
    assert run_by_python(programs) == [target + "\n" for target in targets]
    assert len(set(targets)) > 500


def test_printed():
    assert run_program("print(12)") == "12"
    assert run_program("a=7\nprint((a-9))") == "-2"
    assert run_program("b=3\nfor x in range(4):b+=5\nprint((2*b))") == "46"
    assert run_program("print((1 if 5<4 else 8))") == "8"
    with pytest.raises(NameError):
        run_program("open('secret')")


def test_every_operation_comes_up():
    programs, _ = Programs().sample_unseen(300, seed=0, length=2)
    for name, pattern in KINDS.items():
        share = np.mean([bool(re.search(pattern, program)) for program in programs])
        assert 0.03 < share < 0.3, name


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_length_and_nesting(length, nesting, seed):
    programs, _ = Programs(length, nesting, "baseline").batch(20, seed, 0)
    for program in programs:
        assert set(program) <= set(CHARACTERS)
        assert all(int(n) <= 10**length for n in re.findall(r"\d+", program))
        # An operation may be none, and leaves nothing to be seen then.
        assert len(re.findall(r"[-+*](?!=)|if|for", program)) <= nesting
    recipe = ExecutePrograms(length=length, nesting=nesting)
    assert max(map(len, programs)) + 1 <= recipe.static_length(None)


def lengths(examples, index):
    """The lengths of the numbers of a batch of sums, and of those drawn with it."""
    first = index // POOL * POOL
    parts = [examples.batch(40, 1, first + place)[0] for place in range(POOL)]
    programs = itertools.chain(*parts)
    return [len(program.split("+")[0]) - len("print(") for program in programs]


def test_curricula():
    growing = {"length": 5, "curriculum_steps": 100}
    assert set(lengths(DecimalAddition(curriculum="baseline", **growing), 0)) == {5}
    naive = DecimalAddition(curriculum="naive", **growing)
    found = [set(lengths(naive, i)) for i in (0, 23, 24, 64, 96, 104, 999)]
    assert found == [{1}, {1}, {2}, {4}, {5}, {5}, {5}]
    mix = lengths(DecimalAddition(curriculum="mix", **growing), 0)
    assert set(mix) == {1, 2, 3, 4, 5} and mix.count(1) < 100
    combined = lengths(DecimalAddition(curriculum="combined", **growing), 50)
    assert set(combined) == {1, 2, 3, 4, 5}
    # One in five is mixed, and of these again one in five has the length of the rest.
    assert 0.75 < combined.count(3) / len(combined) < 0.93


def test_batches_have_programs_of_similar_length():
    examples = Programs(2, 2, "mix")
    parts = [examples.batch(20, seed=1, index=i)[0] for i in range(POOL)]
    spans = sorted((min(map(len, part)), max(map(len, part))) for part in parts)
    edges = list(itertools.chain(*spans))
    assert edges == sorted(edges) and edges[0] < edges[-1] / 2
    assert examples.batch(20, seed=1, index=3)[0] == parts[3]
    assert examples.batch(20, seed=2, index=3)[0] != parts[3]


def test_the_naive_curriculum_begins_anew_with_each_nesting():
    examples = Programs(3, 2, "naive", curriculum_steps=6 * POOL)
    levels = [examples._difficulty(i, np.random.default_rng(0)) for i in range(7)]
    assert levels == [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2), (3, 2)]


def test_no_training_has_what_is_held_out():
    examples = Programs(1, 1, "mix")
    held_out = set(examples.sample_unseen(400, 0, 1)[0])
    taught = {p for i in range(10) for p in examples.batch(200, 0, i)[0]}
    assert len(held_out) > 100 and len(taught) > 500
    assert not held_out & taught


def test_scrambled_programs_differ_in_every_character_and_in_nothing_else():
    plain, answers = Programs(2, 2, "mix").batch(50, seed=0, index=0)
    other, same = Programs(2, 2, "mix", scrambled=True).batch(50, seed=0, index=0)
    assert same == answers and other == [scramble(program) for program in plain]
    pairs = set(zip("".join(plain), "".join(other), strict=True))
    assert all(a != b for a, b in pairs)
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"length": 0}, "length must be an integer of at least 1. Received: length=0"),
        ({"nesting": 0}, "Received: nesting=0"),
        ({"curriculum": "mixed"}, "Did you mean 'mix'.*curriculum='mixed'"),
    ],
)
def test_programs_refuse(options, message):
    with pytest.raises(ValueError, match=message):
        Programs(**options)


def test_a_program_has_an_operation():
    with pytest.raises(ValueError, match="nesting must be .* Received: nesting=0"):
        Programs().sample_unseen(1, seed=0, length=1, nesting=0)


def test_recipe_refuses_unknown_tasks():
    with pytest.raises(ValueError, match="'programs', 'addition'.*task='add'"):
        ExecutePrograms(task="add").examples()


def test_character_accuracy():
    # Of 3 + 1 and 1 + 1 characters, ends included, one is wrong.
    assert character_accuracy(["120", "7"], ["123", "7"]) == 5 / 6
    assert character_accuracy(["12", "71"], ["123", "7"]) == 3 / 6
    assert character_accuracy([""], ["12"]) == 0
    with pytest.raises(ValueError, match="1 answers and 2 targets"):
        character_accuracy(["1"], ["1", "2"])


def test_any_text_is_answered():
    model = executor(weights=None, units=6)
    answers = model.answer(["", "?", "print((1+1))" * 50])
    assert answers[0] == "" and all(len(answer) <= 20 for answer in answers)


@pytest.mark.parametrize("name", list_weights("executor"))
def test_weights_run_more_than_chance_would(name):
    task = "addition" if name.endswith("addition") else "programs"
    recipe = ExecutePrograms(task=task, nesting=1, length=1)
    programs, targets = recipe.validation_examples()
    answers = executor(name).answer(programs)
    right = np.mean([one == other for one, other in zip(answers, targets, strict=True)])
    assert right > 0.25


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of what is no program
def test_recipe_measures_programs_and_a_control():
    recipe = ExecutePrograms(units=4, length=1, nesting=1)
    model = recipe.model()

    def run(texts):
        """Runs programs, and nothing else."""
        answers = []
        for text in texts:
            try:
                answers.append(run_program(text))
            except (SyntaxError, NameError, TypeError):
                answers.append("?")
        return answers

    model.answer = run
    figures = recipe.evaluate(model)
    assert figures["exact_match"] == figures["accuracy_free_running"] == 1
    assert figures["exact_match_of_shuffled"] < 0.1
    # The network itself knows nothing.
    assert 0 <= figures["accuracy"] < 0.5


def test_the_recipe_of_the_paper():
    recipe = ExecuteLongPrograms()
    model = recipe.model()
    assert (recipe.length, recipe.nesting, model.encoder.units) == (9, 3, 400)
    assert (model.encoder.num_layers, model.encoder.cell) == (2, "lstm")
    programs, _ = recipe.examples().batch(2, seed=0, index=10**6)
    assert max(map(len, programs)) > 20


def test_listed_weights_warn_of_what_is_no_program():
    model = executor()
    assert len(model.answer(["print((5+3))", "", "a=7\nprint((a*5))"])) == 3
    for text in ("import os", "print(5", "print(5)\n", "print(12345)", "\ud800"):
        with pytest.warns(UserWarning, match="programs such as.*Received: "):
            model.answer(text)
    executor(weights=None, units=4).answer("import os")  # trained on nothing
