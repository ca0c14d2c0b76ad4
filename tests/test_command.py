"""The `rnnzoo` command, as a person at a terminal meets it."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

import rnnzoo
import rnnzoo.tokens
from rnnzoo import listing, models, training
from rnnzoo.command import main
from rnnzoo.command.parser import make_parser

COMMAND = [sys.executable, "-m", "rnnzoo.command"]


def run(*words, **options):
    # A person's environment has none of the settings that the tests make.
    hidden = ("TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES")
    options["env"] = {k: v for k, v in os.environ.items() if k not in hidden}
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=300, **options
    )


@pytest.mark.smoke
def test_answer_is_all_that_is_printed():
    result = run("answer", "sorter", "31 4 15 9 26", "2 1")
    assert result.stdout == "4 9 15 26 31\n1 2\n"
    sure = r"rnnzoo: Each is right with a probability of [01]\.\d+ or more\.\n"
    assert re.fullmatch(sure, result.stderr)
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("commands", "heavy"),
    [
        ([["--help"], ["list"], ["train", "--help"]], ["tensorflow", "keras", "numpy"]),
        # NumPy is quick to import, and some recipes use it.
        (
            [["train", name, "--help"] for name in rnnzoo.list_recipes()],
            ["tensorflow", "keras"],
        ),
        (
            [["answer", name, "--help"] for name in rnnzoo.list_models()],
            ["tensorflow", "keras", "numpy"],
        ),
    ],
    ids=["list", "train", "answer"],
)
def test_help_and_list_do_not_import_tensorflow(commands, heavy):
    code = (
        "import sys\nfrom rnnzoo.command import main\n"
        f"for words in {commands!r}:\n"
        "    try:\n        assert main(words) == 0\n"
        "    except SystemExit as error:\n        assert error.code == 0\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


@pytest.mark.smoke
def test_list_and_describe(capsys):
    assert main(["list"]) == 0
    output = capsys.readouterr().out
    assert re.search(r"sorter +A model that sorts", output)
    row = (
        r"naturals_32 +379,425 +0\.\d\d +[\d.]+  0.999999 element accuracy +Apache-2.0"
    )
    assert re.search(row, output)
    widths = {
        line.index(" Apache-2.0 ")
        for line in output.splitlines()
        if " Apache-2.0 " in line and ", Apache" not in line
    }
    assert len(widths) == 1
    assert "sorter.naturals_32" in output and "sort_naturals" in output
    assert main(["describe", "sorter.naturals_32"]) == 0
    output = capsys.readouterr().out
    assert "sha256: " in output and '"exact_match": ' in output
    assert main([]) == 0
    assert "commands:" in capsys.readouterr().out


def test_list_takes_patterns(capsys):
    assert main(["list", "*language*"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "language_model.ptb" in names and "own_language" in names
    assert not {"sorter", "sort_naturals"} & set(names)
    assert main(["list", "*.cmudict"]) == 0
    output = capsys.readouterr().out
    assert "translator " in output and "Recipes" not in output
    assert main(["list", "langauge"]) == 1
    assert "Received: pattern='langauge'" in capsys.readouterr().err
    assert main(["list", "*lstm*"]) == 0
    output = capsys.readouterr().out
    assert "language_model.ptb" in output and "pattern_generator.5_5" in output
    assert "sorter" not in output


def test_lists_are_filtered_by_task_and_licence(capsys):
    assert main(["list", "--task=text-classification"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"sentiment_classifier.imdb", "surname_origin", "own_texts"} < set(names)
    assert not {"sorter", "own_language", "series_classifier"} & set(names)
    assert main(["list", "*_en_*", "--licence=cc by*", "--task=translation"]) == 0
    output = capsys.readouterr().out
    assert "translator.tatoeba_en_fr" in output and "multi30k" not in output
    assert main(["list", "--task=txt-classification"]) == 1
    assert "Did you mean 'text-classification'?" in capsys.readouterr().err
    assert main(["list", "--licence=Apache2"]) == 1
    assert "Did you mean 'Apache-2.0'?" in capsys.readouterr().err
    assert rnnzoo.list_models(task="sorting") == ["sorter", "real_sorter"]
    assert rnnzoo.list_models("*classifier", task="text*") == [
        "text_classifier",
        "sentiment_classifier",
        "surname_classifier",
    ]
    assert rnnzoo.list_weights("*.*", licence="MIT") == ["surname_classifier.origins"]
    assert rnnzoo.list_models(licence="BSD*") == ["translator"]
    assert "sorter" in rnnzoo.list_models("*gru*")
    assert "language_model" not in rnnzoo.list_models("*gru*")
    with pytest.raises(ValueError, match="task must be one of 'arithmetic'"):
        rnnzoo.list_weights(task="sort")
    with pytest.raises(TypeError, match="licence must be a name"):
        rnnzoo.list_weights(licence=3)


def test_every_model_has_a_task_and_an_example_to_paste():
    for name in (*rnnzoo.list_models(), *rnnzoo.list_weights()):
        found = rnnzoo.describe(name)
        assert found["task"] in listing.list_tasks()
        assert found["input"] and found["example"]
        words = shlex.split(found["command"])
        assert words[:2] == ["rnnzoo", "answer"] and words[-1] == found["example"]
        make_parser(words[1:]).parse_args(words[1:])
    for name in rnnzoo.list_weights():
        assert rnnzoo.describe(name)["milliseconds"] > 0


def test_describe_takes_a_file_of_ones_own(tmp_path, capsys):
    path = str(tmp_path / "my moods.keras")
    model = rnnzoo.text_classifier(
        tokens="characters", classes=["calm", "angry"], units=4, ngrams=0
    )
    model.card = {"name": "moods", "licence": "mine", "score": {"accuracy": 0.5}}
    model.save(path)
    found = rnnzoo.describe(path)
    assert found["classes"] == ["calm", "angry"]
    assert found["vocabulary_size"] == model.tokens.vocabulary_size
    assert found["parameters"] == model.count_params()
    assert found["bytes"] == os.path.getsize(path)
    assert found["limits"] == {"max_length": 800} and found["licence"] == "mine"
    assert found["milliseconds"] > 0 and found["model"] == "text_classifier"
    assert main(["describe", path]) == 0
    output = capsys.readouterr().out
    assert "classes: calm, angry\n" in output and "measured now" in output
    (command,) = re.findall("command: (.*)", output)
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out in ("calm\n", "angry\n")
    assert main(["describe", str(tmp_path / "other.keras")]) == 1
    assert "No model, weights, recipe or file" in capsys.readouterr().err


def test_models_of_factories_are_described_and_answer(tmp_path, capsys):
    path = str(tmp_path / "arrays.keras")
    rnnzoo.many_to_one(features=3, num_classes=2, units=4).save(path)
    assert main(["describe", path]) == 0
    output = capsys.readouterr().out
    assert "model: many_to_one\n" in output and "milliseconds" in output
    assert "input: arrays of numbers, [batch, time, 3]" in output
    (command,) = re.findall("command: (.*)", output)
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out in ("0\n", "1\n")
    assert main(["answer", path, "1 2"]) == 1
    assert "3 a step" in capsys.readouterr().err
    assert main(["evaluate", path]) == 1
    assert "No recipe is recorded" in capsys.readouterr().err
    tokens = rnnzoo.tokens.Words(["good", "bad"])
    model = rnnzoo.many_to_many(tokens=tokens, classes=["N", "V"], units=4)
    path = str(tmp_path / "words.keras")
    model.save(path)
    assert main(["answer", path, "good bad", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"text": "good bad", "answer": model.answer("good bad")}
    described = rnnzoo.describe(path)
    assert described["model"] == "many_to_many" and described["classes"] == ["N", "V"]
    assert described["input"] == "a text, which is read as words, or a list of texts"


def test_a_model_without_weights_and_files_that_are_not_there(tmp_path, capsys):
    assert main(["answer", "text_classifier", "a"]) == 1
    assert "--weights=sentiment_classifier.imdb" in capsys.readouterr().err
    (tmp_path / "best.keras").write_text("")
    assert main(["answer", str(tmp_path), "a"]) == 1
    assert main(["answer", str(tmp_path / "bst.keras"), "a"]) == 1
    shown = capsys.readouterr().err
    assert shown.count(f"Did you mean '{tmp_path}/best.keras'?") == 2


def test_pages_and_pictures_are_not_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rnnzoo.text_classifier(tokens="characters", units=4, ngrams=0).save("m.keras")
    (tmp_path / "why.html").write_text("before")
    words = ["explain", "m.keras", "What a bore!", "--html=why.html"]
    assert main(words) == 1
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "why.html").read_text() == "before"
    assert main([*words, "--force"]) == 0
    assert "<html" in (tmp_path / "why.html").read_text()
    (tmp_path / "r.csv").write_text("text,label\nfine,positive\nbad,negative\n")
    (tmp_path / "confusion.png").write_text("before")
    assert main(["evaluate", "m.keras", "--data=r.csv"]) == 0
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert pictures == ["calibration.png", "confusion-2.png", "confusion.png"]
    assert (tmp_path / "confusion.png").read_text() == "before"
    assert main(["evaluate", "m.keras", "--data=r.csv", "--force"]) == 0
    assert sorted(path.name for path in tmp_path.glob("*.png")) == pictures
    assert (tmp_path / "confusion.png").read_bytes()[:4] == b"\x89PNG"


def test_messages_spell_options_with_dashes(capsys):
    assert main(["train", "sort_naturals", "--max_length=0"]) == 1
    shown = capsys.readouterr().err
    assert "--max-length must be" in shown and "Received: --max-length=0" in shown
    for words in (["train", "sort_naturals", "--max_lenth=3"], ["list", "--tsk=a"]):
        with pytest.raises(SystemExit):
            main(words)
    shown = capsys.readouterr().err
    assert "'--max-lenth' here. Did you mean '--max-length'?" in shown
    assert "Did you mean '--task'?" in shown
    for verb in ([], ["answer"], ["evaluate"], ["compare"], ["prepare"], ["export"]):
        with contextlib.suppress(SystemExit):
            main([*verb, "--help"])
        assert not re.search("--[a-z]+_", capsys.readouterr().out)


EVERY_TYPE = """
import dataclasses

@dataclasses.dataclass(frozen=True)
class Style:
    '''How it answers.

    Args:
        loud: Whether to shout. Always.
        scale: Factor.
    '''
    loud: bool = False
    scale: float | None = dataclasses.field(default=None)

QUIET = Style()

class Echo:
    '''Echoes.'''

class Loud(Echo):
    '''Shouts.'''
    @with_options(QUIET.replace(loud=True))
    def answer(self, inputs, *, times: int = 2, joint: str = "-", any=None, **style):
        '''Answers.

        Args:
            times: How often.
        '''

class Model(Loud):
    pass

echo = factory(Model, "echo")
"""


def test_an_answer_has_options_of_every_type(tmp_path, monkeypatch):
    """Keywords and fields of a dataclass, also of a base class's method."""
    (tmp_path / "echo_of_a_test.py").write_text(EVERY_TYPE)
    monkeypatch.setitem(listing.MODULES, "echo", "rnnzoo.models.echo_of_a_test")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    monkeypatch.setattr(models.__spec__, "submodule_search_locations", models.__path__)
    assert listing.answer_options("echo") == [
        ("times", int, 2, "how often"),
        ("joint", str, "-", ""),
        ("loud", bool, True, "whether to shout"),
        ("scale", float, None, "factor"),
    ]
    words = "answer echo --times=3 --scale=0.5 --no-loud".split()
    parsed = make_parser(words).parse_args(words)
    assert (parsed.times, parsed.scale, parsed.loud) == (3, 0.5, False)
    assert parsed.options == {"times": 2, "joint": "-", "loud": True, "scale": None}


@pytest.mark.parametrize("joint", "-_")
def test_options_are_known_with_hyphens_and_underscores(joint, capsys):
    words = [f"--batch{joint}size=0", f"--reverse{joint}source"]
    assert main(["train", "memorize_digits", *words]) == 1
    assert "--batch-size must be an integer of at least 1" in capsys.readouterr().err


@pytest.mark.smoke
def test_answers_from_standard_input_and_from_a_file(capsys, monkeypatch, tmp_path):
    path = tmp_path / "lists.txt"
    path.write_text("3 1 2\n\n32 1\n")
    assert main(["answer", "sorter", f"--file={path}"]) == 0
    assert capsys.readouterr().out == "1 2 3\n\n1 32\n"
    with path.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert main(["answer", "sorter.naturals_32"]) == 0
    assert capsys.readouterr().out == "1 2 3\n\n1 32\n"


@pytest.mark.parametrize(
    ("content", "options", "answers"),
    [
        ("3 1\u2028 2\n2\x0b1\n2\x0c1\x851\r\n", "", "1 2 3\n1 2\n1 1 2\n"),
        ("\ufeff3 1\n2", "", "1 3\n2\n"),
        ("\ufeff3 1\n2", "--encoding=utf-16", "1 3\n2\n"),
        ("3\xa01\n", "--encoding=latin-1", "1 3\n"),
    ],
)
@pytest.mark.parametrize("has_file", [True, False])
def test_every_line_has_an_answer_in_any_encoding(
    content, options, answers, has_file, tmp_path, monkeypatch, capsys
):
    encoding = options.partition("=")[2] or "utf-8"
    path = tmp_path / "lists.txt"
    path.write_bytes(content.encode(encoding if encoding != "utf-16" else "utf-16-le"))
    words = ["answer", "sorter", *options.split()]
    if has_file:
        assert main([*words, f"--file={path}"]) == 0
    else:
        with path.open(encoding="ascii") as file:
            monkeypatch.setattr("sys.stdin", file)
            assert main(words) == 0
    assert capsys.readouterr().out == answers


def test_undecodable_lines_and_headers_are_named(tmp_path, capsys):
    path = tmp_path / "lists.txt"
    path.write_bytes(b"1 2\n3 \xe9 4\n")
    assert main(["answer", "sorter", f"--file={path}"]) == 1
    shown = capsys.readouterr().err
    assert f"{path} must be text in utf-8: line 2" in shown
    assert "--encoding=latin-1" in shown and "b'\\xe9 4\\n'" in shown
    assert main(["answer", "sorter", f"--file={path}", "--encoding=latn"]) == 1
    assert "Did you mean 'latin-1'?" in capsys.readouterr().err
    path.write_text("numbers\n3 1\n")
    assert main(["answer", "sorter", f"--file={path}"]) == 1
    shown = capsys.readouterr().err
    assert "'numbers' is not an integer" in shown
    assert "The first line looks like column names" in shown
    path.write_text("id,text\n1,Fine\n")
    assert main(["answer", "executor", f"--file={path}"]) in (0, 1)
    assert "The first line looks like column names" in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONIOENCODING": "ascii"},
        pytest.param(
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["ascii", "C"],
)
def test_output_of_any_encoding(settings, tmp_path):
    path = tmp_path / "\u00fcbung.keras"
    rnnzoo.language_model(weights=None, vocabulary="\u00e9", units=4).save(path)
    options = {"capture_output": True, "env": os.environ | settings, "check": True}
    assert b"german" in subprocess.run([*COMMAND, "list"], **options).stdout.lower()
    words = ["answer", str(path), "\u00e9\u00e9", "--max_length=3"]
    assert subprocess.run([*COMMAND, *words], **options).stdout == b"???\n"


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["answer", "sorter", "31 x"], "row 0, position 1: 'x' is not an integer"),
        (["answer", "sorter", "0"], "row 0, position 0: 0 is less than 1"),
        (["answer", "sortr", "1"], "Did you mean 'sorter'? Received: model='sortr'"),
        (["answer", "sorter", "--weights=no", "1"], "There are no such weights"),
        (["answer", "sorter", "--file=/no/such", "1"], "not both"),
        (["answer", "sorter", "--file=/no/such"], "No such file"),
        (["describe", "sortr"], "Did you mean 'sorter'"),
        (
            ["evaluate", "sorter", "--recipe=sort_natural"],
            "Did you mean 'sort_naturals'",
        ),
        (
            ["train", "sort_naturals", "--epochs=0"],
            "epochs must be an integer of at least 1",
        ),
    ],
)
def test_bad_input_is_said_on_standard_error(words, message, capsys):
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("rnnzoo: ") and message in captured.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "sort_naturals", "--epoch=3"], "Did you mean '--epochs'?"),
        (["train", "sort_natural"], "Did you mean 'sort_naturals'?"),
        (["trian"], "Did you mean 'train'?"),
        (["train", "sort_naturals", "--epochs=x"], "invalid int value: 'x'"),
    ],
)
def test_misspelt_words_get_the_closest_match(words, message, capsys):
    with pytest.raises(SystemExit) as exit_status:
        main(words)
    assert exit_status.value.code == 2
    assert message in capsys.readouterr().err


def test_every_option_has_help_type_and_default(capsys):
    with pytest.raises(SystemExit):
        main(["train", "sort_naturals", "--help"])
    output = " ".join(capsys.readouterr().out.split())
    for name, value in training.recipe_class("sort_naturals")().options().items():
        kind = type(value).__name__.upper()
        name = name.replace("_", "-")
        assert re.search(rf"--{name} {kind} .+?\(default: {value}\)", output), name
    assert not re.search("--[a-z]+_", output)


SMALL = ["--units=8", "--max_length=4", "--steps_per_epoch=40", "--batch_size=4"]


@pytest.mark.smoke
def test_train_evaluate_and_answer(tmp_path, capsys):
    folder = str(tmp_path / "run")
    words = ["train", "sort_naturals", *SMALL, "--epochs=1", f"--run={folder}"]
    assert main(words) == 0
    output = capsys.readouterr().out
    assert "Devices: 1 CPU" in output
    assert "Samples after epoch 1:" in output
    assert f"The best weights are in {folder}/best.keras" in output
    assert main(["answer", f"{folder}/best.keras", "3 1"]) == 0
    assert len(capsys.readouterr().out.split()) == 2
    assert main([*words, "--units=9"]) == 1
    assert "units was 8 and is now 9" in capsys.readouterr().err
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert settings["options"]["units"] == 8
    assert set(settings["versions"]) == {"rnnzoo", "keras", "tensorflow", "python"}


def begin(folder, ready):
    """Starts a training and returns once `ready` says that it is under way."""
    words = ["train", "sort_naturals", *SMALL, "--epochs=500", f"--run={folder}"]
    process = subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.1)
    return process


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_training_saves_and_resumes(tmp_path, number, status):
    folder = tmp_path / "run"
    epochs = 0
    for expected in ("", f"Resuming {folder} at epoch "):
        before = epochs
        process = begin(folder, lambda: len(training.read_history(folder)) > before)  # noqa: B023
        os.kill(process.pid, number)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == status, errors
        assert "Interrupted and saved at epoch" in errors.splitlines()[-1]
        assert "Traceback" not in errors
        assert expected in output
        epochs = len(training.read_history(folder))
    rows = [row["epoch"] for row in training.read_history(folder)]
    assert rows == list(range(1, epochs + 1))


@pytest.mark.parametrize(
    "words",
    [
        ["export", "parity", "--to="],
        ["demo", "--to="],
        ["train", "parity_of_bits", "--run="],
        ["evaluate", "sentiment_classifier", "--data="],
    ],
    ids=lambda words: words[0],
)
def test_paths_are_not_empty(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as status:
        main(words)
    assert status.value.code == 2
    assert "must not be empty" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", ["forecaster", "series_classifier"])
def test_a_single_series_has_one_answer(model, capsys):
    series = "10 10.8 11.5 12.1 12.6 12.9"
    assert main(["answer", model, series]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    answer = getattr(rnnzoo, model)().answer([series])[0]
    assert line == answer or json.loads(line) == answer
    assert main(["answer", model, ""]) != 0
    assert "Received" in capsys.readouterr().err
