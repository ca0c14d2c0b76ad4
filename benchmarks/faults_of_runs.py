"""Trials of `faults.py` that train: run folders, their data, options and disks."""

import contextlib
import csv
import io
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.random import Generator

Outcome = tuple[int, list[str]]
WORDS = "sort_naturals --units=8 --max-length=4 --batch-size=4 --epochs=5 "
WORDS += "--steps-per-epoch=40 --checkpoint-every=3"
SMALL = {"units": 8, "max_length": 4, "steps_per_epoch": 3, "batch_size": 4}
TEXTS = ["superb and fresh", "awful and dull", "fresh indeed", "dull indeed"]


def kill_trainings(random: Generator, count: int) -> Outcome:
    """Trainings killed at random moments and resumed: the same to the last bit.

    Compared are weights, optimizer, history (without seconds) and samples.
    """
    wrong, tried = [], max(1, count // 10)
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder, "whole")
        begin = time.monotonic()
        _start(whole).wait()
        length = time.monotonic() - begin
        for case in range(tried):
            run, kills = pathlib.Path(folder, f"run{case}"), []
            for _ in range(random.integers(1, 4)):
                # From before TensorFlow is imported to the last epoch.
                kills.append(round(float(random.uniform(0, length)), 2))
                process = _start(run)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(kills[-1])
                process.send_signal(signal.SIGKILL)
                process.wait()
            status = _start(run).wait()
            what = _differences(whole, run) if status == 0 else f"status {status}"
            wrong += [f"killed after {kills} s: {what}"] if what else []
    return tried, wrong


def damage_run_folders(random: Generator, count: int) -> Outcome:
    """Files of a run cut, garbled or removed: refused with all kept, or mended."""
    wrong, tried = [], max(1, count // 4)
    with tempfile.TemporaryDirectory() as folder, _silence():
        run, whole, case = (pathlib.Path(folder, n) for n in ("run", "whole", "case"))
        _train(whole, epochs=3)
        _interrupt(run, step=int(random.integers(4, 9)), epochs=3)
        names = sorted(p.name for p in run.iterdir() if p.is_file()) + ["lock.json"]
        for _ in range(tried):
            shutil.copytree(run, case)
            done = []
            for name in random.choice(names, random.integers(1, 4), replace=False):
                kind = random.choice(sorted(DAMAGES))
                _damage(case / name, DAMAGES[kind], random)
                done.append(f"{name} {kind}")
            before = _read_files(case)
            what = _refusal(lambda: _train(case, epochs=3))
            if what is None:
                what = _differences(whole, case, samples="samples.txt" not in str(done))
            elif what == "" and _read_files(case) != before:
                what = "refused, and files changed"
            wrong += [f"{', '.join(done)}: {what}"] if what else []
            shutil.rmtree(case)
    return tried, wrong


def change_data(random: Generator, count: int) -> Outcome:
    """Runs resumed after their csv was changed: refused, with all kept."""
    wrong, tried = [], max(1, count // 10)
    with tempfile.TemporaryDirectory() as folder, _silence():
        path, run = pathlib.Path(folder, "data.csv"), pathlib.Path(folder, "run")
        rows = [(TEXTS[i % 4], ("pos", "neg")[i % 2]) for i in range(40)]
        _write_csv(path, rows)
        _train_texts(run, path, epochs=1)
        before = _read_files(run)
        for _ in range(tried):
            changed = [list(row) for row in rows]
            kind = random.choice(["append", "remove", "edit", "relabel", "swap"])
            place = int(random.integers(len(rows)))
            if kind == "append":
                changed.append([f"word{place}", "pos"])
            elif kind == "remove":
                del changed[place]
            elif kind == "edit":
                changed[place][0] = changed[place][0][:-1] + "x"
            elif kind == "relabel":
                name = str(random.choice(["A", "pot", "odd"]))
                changed = [[t, name if n == "pos" else n] for t, n in changed]
            else:
                changed[place], changed[place - 1] = changed[place - 1], changed[place]
            _write_csv(path, changed)
            epochs = int(random.integers(1, 3))
            what = _refusal(lambda: _train_texts(run, path, epochs=epochs))  # noqa: B023
            if what is None:
                what = "went on"
            elif what == "" and _read_files(run) != before:
                what = "refused, and files changed"
            wrong += [f"{kind} at row {place}: {what}"] if what else []
    return tried, wrong


def set_bad_options(random: Generator, count: int) -> Outcome:
    """Options of recipes that are no numbers, or out of range: refused by name."""
    import rnnzoo
    from rnnzoo.training import recipe_class

    wrong = []
    recipes = rnnzoo.list_recipes()
    values = [
        float("nan"),
        float("inf"),
        -float("inf"),
        -1,
        -1e-9,
        -(10**30),
        "1",
        None,
    ]
    for _ in range(count):
        recipe = recipe_class(str(random.choice(recipes)))
        numbers = {
            name: value
            for name, value in recipe().options().items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        }
        name = str(random.choice(list(numbers)))
        value = values[random.integers(len(values))]
        try:
            recipe(**{name: value})
            wrong.append(f"{recipe.__name__}({name}={value}): accepted")
        except (ValueError, TypeError) as error:
            if name not in str(error) or len(str(error)) > 2000:
                wrong.append(f"{recipe.__name__}({name}={value}): {error}")
    return count, wrong


def fit_bad_numbers(random: Generator, count: int) -> Outcome:
    """NaN or infinity somewhere in what `fit` is given: refused with the row."""
    import rnnzoo

    wrong = []
    models = {
        "classes": rnnzoo.many_to_one(features=2, num_classes=3, units=4),
        "values": rnnzoo.many_to_one(features=2, num_values=1, units=4),
        "steps": rnnzoo.many_to_many(features=2, num_values=1, units=4),
    }
    for _ in range(count):
        kind = str(random.choice(list(models)))
        rows, steps = random.integers(2, 9, 2)
        x = random.normal(size=(rows, steps, 2)).astype("float32")
        y = random.normal(size=(rows, steps, 1) if kind == "steps" else (rows, 1))
        y = random.integers(0, 3, rows) if kind == "classes" else y
        weights = np.ones(rows)
        targets = [x, weights] + ([y] if kind != "classes" else [])
        bad = targets[random.integers(len(targets))]
        place = tuple(random.integers(size) for size in bad.shape)
        bad[place] = random.choice([np.nan, np.inf, -np.inf])
        try:
            models[kind].fit(x, y, sample_weight=weights, verbose=0)
            wrong.append(f"{kind}: accepted {bad[place]} at {place}")
        except ValueError as error:
            if f"row {place[0]}" not in str(error):
                wrong.append(f"{kind}, {place}: {error}")
    return count, wrong


def fill_disks(random: Generator, count: int) -> Outcome:
    """Disks that are full after some bytes: models and runs are as before, or whole."""
    import resource

    import rnnzoo

    wrong, tried = [], max(1, count // 4)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    model = rnnzoo.many_to_one(vocabulary_size=9, num_classes=2, units=8)
    with tempfile.TemporaryDirectory() as folder, _silence():
        target, run = pathlib.Path(folder, "a.keras"), pathlib.Path(folder, "run")
        model.save(target)
        _train(run, epochs=1)
        for _ in range(tried):
            shutil.rmtree(pathlib.Path(folder, "case"), ignore_errors=True)
            case = shutil.copytree(run, pathlib.Path(folder, "case"))
            size = int(random.integers(0, 200_000))
            # A file cannot grow beyond it, which libraries see as a full disk.
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            try:
                found = [_refusal(lambda: model.save(target))]
                found += [_refusal(lambda: _train(case, epochs=2))]  # noqa: B023
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            found += [_refusal(lambda: rnnzoo.load(target))]
            found += [_refusal(lambda: _train(case, epochs=2))]  # noqa: B023
            if any(found[:2]) or found[2:] != [None, None]:
                wrong.append(f"after {size} bytes: {found}")
    return tried, wrong


DAMAGES: dict[str, Callable[[bytes, Generator], bytes | None]] = {
    "cut": lambda content, random: content[: random.integers(len(content) + 1)],
    "removed": lambda content, random: None,
    "replaced": lambda content, random: random.bytes(random.integers(1, 1000)),
    "with a bit flipped": lambda content, random: _flip(content, random),
    "with a block of zeros": lambda content, random: _zero(content, random),
    "doubled": lambda content, random: content + content,
}


def _flip(content: bytes, random: Generator) -> bytes:
    changed = bytearray(content)
    changed[random.integers(len(changed))] ^= 1 << random.integers(8)
    return bytes(changed)


def _zero(content: bytes, random: Generator) -> bytes:
    place = int(random.integers(len(content)))
    return content[:place] + bytes(64) + content[place + 64 :]


def _damage(path: pathlib.Path, change: Callable, random: Generator) -> None:
    content = change(path.read_bytes() if path.exists() else b"{}", random)
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def _start(run: pathlib.Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "rnnzoo.command", "train", *WORDS.split()]
    return subprocess.Popen(
        [*command, f"--run={run}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )


def _train(run: pathlib.Path, **options: int) -> None:
    from rnnzoo import training

    recipe = training.recipe_class("sort_naturals")
    training.train(recipe(**(SMALL | options)), run, "cpu")


def _interrupt(run: pathlib.Path, step: int, **options: int) -> None:
    """Trains until Ctrl-C comes after a step."""
    from rnnzoo.errors import Interrupted
    from rnnzoo.training.reports import Progress

    original = Progress.on_train_batch_end

    def interrupt(self: Progress, batch: int, logs: dict | None = None) -> None:
        original(self, batch, logs)
        if self.step == step:
            signal.raise_signal(signal.SIGINT)

    Progress.on_train_batch_end = interrupt
    try:
        with contextlib.suppress(Interrupted):
            _train(run, **options)
    finally:
        Progress.on_train_batch_end = original


def _train_texts(run: pathlib.Path, path: pathlib.Path, **options: int) -> None:
    from rnnzoo import training

    small = {"units": 4, "embedding_dim": 4, "ngrams": 0, "steps_per_epoch": 2}
    small |= {"cell": "simple", "weights": "none", "tokens": "words", **options}
    recipe = training.recipe_class("own_texts")(data=str(path), **small)
    training.train(recipe, run, "cpu")


def _write_csv(path: pathlib.Path, rows: list) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


def _refusal(action: Callable) -> str | None:
    """Returns what is wrong with a refusal: nothing, or a text; `None` for none."""
    try:
        action()
    except (ValueError, OSError) as error:
        text = str(error)
        if len(text) > 2000 or "Received" not in text:
            return f"{type(error).__name__}: {text[:300]}"
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def _read_files(folder: pathlib.Path) -> dict[str, bytes]:
    paths = [p for p in folder.iterdir() if p.is_file() and p.name != "lock.json"]
    return {path.name: path.read_bytes() for path in paths}


def _differences(whole: pathlib.Path, run: pathlib.Path, samples: bool = True) -> str:
    """Returns how a resumed run differs from an uninterrupted one."""
    from rnnzoo.testing.learning import read_arrays
    from rnnzoo.training import read_history

    found = []
    for name in ("best.keras", "last.keras"):
        one, other = read_arrays(whole / name), read_arrays(run / name)
        if one.keys() != other.keys():
            found.append(f"other arrays in {name}")
        elif any(not np.array_equal(one[key], other[key]) for key in one):
            found.append(f"other values in {name}")
    rows = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in read_history(r)]
        for r in (whole, run)
    ]
    if rows[0] != rows[1]:
        found.append("another history")
    texts = [(r / "samples.txt").read_text(encoding="utf-8") for r in (whole, run)]
    if samples and texts[0] != texts[1]:
        found.append("other samples")
    return ", ".join(found)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()):
        yield
