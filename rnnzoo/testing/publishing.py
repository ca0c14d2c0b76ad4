"""Checks of what is public: factories, their errors, exports and weight files."""

import json
import pathlib
import tempfile
from typing import Any
from unittest import mock

import rnnzoo
from rnnzoo import weights
from rnnzoo.testing.answering import signature_of
from rnnzoo.testing.expectations import (
    expect,
    expect_raises,
    expect_same,
    require,
)
from rnnzoo.testing.learning import BY_HAND
from rnnzoo.testing.subject import Subject

# What a record of weights.json must say.
RECORD = {
    "summary",
    "file",
    "sha256",
    "bytes",
    "parameters",
    "settings",
    "score",
    "data",
    "licence",
    "recipe",
    "options",
    "seed",
    "golden",
}
LARGEST_FILE = 20 * 10**6


def list_weights(subject: Subject) -> list[str]:
    """Returns the listed weights of a model: none of one that is not in the zoo."""
    name = subject.name
    is_listed = name in rnnzoo.list_models() and subject.factory is not None
    return rnnzoo.list_weights(name) if is_listed else []


def check_builds_untrained_and_tiny(subject: Subject) -> None:
    """The model is built with its defaults and with small settings, untrained."""
    require(subject.is_trainable, BY_HAND)
    message = "A model must have weights."
    expect(subject.model.count_params() > 0, message, subject.model.count_params())
    model = subject.build()
    if subject.factory and "weights" in signature_of(subject.factory):
        model = subject.factory(weights=None)
    expect(model.count_params() > 0, message, model.count_params())
    if "units" in subject.model.get_config():
        units = subject.tiny(units=8).get_config()["units"]
        expect(units == 8, "units=8 must build a model of 8 units.", units)


def check_defaults_are_the_best_known(subject: Subject) -> None:
    """A factory's first argument is `weights`, and its default is listed."""
    listed = list_weights(subject)
    require(listed, "no weights are listed")
    first, *others = signature_of(subject.factory).values()
    expect(
        first.name == "weights" and f"{subject.name}.{first.default}" in listed,
        f"The first argument must be weights, by default one of {listed}.",
        str(first),
    )
    positional = [str(p) for p in others if p.kind is not p.KEYWORD_ONLY]
    message = "Settings must be keyword-only."
    expect(not positional, message, positional)
    settings = set(subject.model.get_config())
    message = f"The factory's arguments must be the settings {sorted(settings)}."
    names = {p.name for p in others}
    expect(names == settings, message, sorted(names))


def check_bad_arguments(subject: Subject) -> None:
    """Each bad argument raises its exact sentence."""
    require(subject.is_trainable, BY_HAND)
    settings = subject.model.get_config()
    listed = list_weights(subject)
    factory = subject.factory

    def build(**given: Any) -> Any:
        if factory and "weights" in signature_of(factory):
            return factory(weights=None, **given)
        return subject.build(**given)

    if "units" in settings:
        message = "units must be an integer of at least 1. Received: units=0"
        with expect_raises(ValueError, message):
            build(units=0)
    if "cell" in settings:
        message = (
            "cell must be one of 'simple', 'gru', 'lstm', 'minimal', "
            "'minimal_signed'. Did you mean 'gru'? "
            "Received: cell='gro'"
        )
        with expect_raises(ValueError, message):
            build(cell="gro")
    name = next(iter(settings), "x")
    with expect_raises(TypeError, f"{name}_", "argument"):
        build(**{f"{name}_": 7})
    if not listed or factory is None:
        return
    start = "There are no such weights: neither a listed name"
    with expect_raises(ValueError, start, listed[0], "Received: weights='no_such'"):
        factory("no_such")
    default = signature_of(factory)["weights"].default
    units = weights.load(weights.find(default, factory.__name__)).arguments["units"]
    part = f"Received: units={units + 1} where the weights have {units}"
    with expect_raises(ValueError, part, "bring their own settings"):
        factory(units=units + 1)
    with expect_raises(TypeError, "takes", "positional argument"):
        factory(None, 7)


def check_export_answers_as_python_does(subject: Subject) -> None:
    """An export answers in a process that knows neither rnnzoo nor Keras."""
    model = subject.tiny(num_layers=1)
    # It is compared with Python, in a clean process, before the call returns.
    folder = rnnzoo.export(model, subject.folder / "export", overwrite=True)
    if not subject.reads_raw_input:
        return
    requests = json.loads((folder / "requests.json").read_text(encoding="utf-8"))
    example = requests["serving_default"]
    answers = example["response"]["outputs"]
    if isinstance(answers, dict):
        names = ("label", "text", "values", "medians", "tags")
        answers = next(answers[name] for name in names if name in answers)
        answers = [
            [one for one in row if one != ""] if isinstance(row, list) else row
            for row in answers  # without the padding of tags
        ]
    texts = example["request"]["inputs"]["text"]
    message = "The documented response must be what Python answers."
    expect_same(answers, model.answer(texts), message)


def check_listed_weights(subject: Subject) -> None:
    """Golden answers, record and integrity of every listed file of the model."""
    listed = list_weights(subject)
    require(listed, "no weights are listed")
    for name in listed:
        for check in WEIGHT_CHECKS:
            check(name)


def check_golden_answers(name: str, model: Any = None) -> None:
    """A weight file gives the answers that its record keeps.

    Args:
        name: Full name of the weights.
        model: The model that was loaded from them, if there is one.
    """
    model = getattr(rnnzoo, name.split(".")[0])(name) if model is None else model
    golden = weights.records()[name]["golden"]
    expect(len(golden) >= 3, "A record must have three golden answers.", len(golden))
    answers = model.answer([one["input"] for one in golden])
    message = f"{name} must give its golden answers."
    expect_same(answers, [one["answer"] for one in golden], message)


def check_record(name: str) -> None:
    """A record of weights.json is complete, and true of its file."""
    record = weights.records()[name]
    # benchmarks/answering.py measures the milliseconds, of all weights at once.
    found = set(record) - {"milliseconds"}
    expect(found == RECORD, f"A record must have {sorted(RECORD)}.", list(record))
    path = weights.find(name)
    size = path.stat().st_size
    message = f"{path.name} must have the recorded size, at most {LARGEST_FILE} bytes."
    expect(size == record["bytes"] <= LARGEST_FILE, message, size)
    model = rnnzoo.load(name)
    expect(model.card, "A weight file must hold a model card.", model.card)
    count = model.count_params()
    message = f"{name} must have {record['parameters']} parameters."
    expect(count == record["parameters"], message, count)
    settings = model.get_config()
    for name_of_words in ("vocabulary", "lowered"):  # too long for a record
        settings.pop(name_of_words, None)
    recorded = model.current_config(record["settings"])
    message = "A record must have the file's settings."
    expect_same(json.loads(json.dumps(settings)), recorded, message)
    recipe = record["recipe"]
    expect(recipe in rnnzoo.list_recipes(), "A recipe must have made it.", recipe)


def check_damaged_file_is_refused(name: str) -> None:
    """A listed file with a single wrong bit is refused."""
    path = weights.find(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with tempfile.TemporaryDirectory() as folder:
        pretrained = pathlib.Path(folder, "pretrained")
        pretrained.mkdir()
        (pretrained / path.name).write_bytes(content)
        with (
            mock.patch.object(weights, "FOLDER", pretrained.parent),
            expect_raises(ValueError, "is damaged: reinstall rnnzoo", "sha256"),
        ):
            rnnzoo.load(name)


WEIGHT_CHECKS = (check_golden_answers, check_record, check_damaged_file_is_refused)
CHECKS = (
    check_builds_untrained_and_tiny,
    check_defaults_are_the_best_known,
    check_bad_arguments,
    check_export_answers_as_python_does,
    check_listed_weights,
)
