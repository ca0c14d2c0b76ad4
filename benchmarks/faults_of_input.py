"""Trials of `faults.py` that read: raw input, model files and tables of texts."""

import io
import json
import pathlib
import tempfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator

Outcome = tuple[int, list[str]]
# The factories of all models, and settings that make them small.
SMALL: dict[str, dict] = {
    "real_sorter": {"weights": None, "units": 8},
    "sorter": {"weights": None, "max_value": 9, "units": 4},
    "adder": {"weights": None, "units": 4},
    "parity": {"weights": None, "units": 4},
    "pattern_generator": {"weights": None, "max_length": 8},
    "series_classifier": {"weights": None, "units": 4},
    "forecaster": {"weights": None, "units": 4, "context": 8, "horizon": 2},
    "surname_classifier": {"weights": None, "units": 4},
    "text_classifier": {"weights": None, "units": 4, "ngrams": 0, "tokens": "bytes"},
    "tagger": {"weights": None, "units": 4, "intents": ["a", "b"]},
    "language_model": {"weights": None, "units": 4, "max_length": 8, "num_layers": 1},
    "translator": {
        "weights": None,
        "units": 4,
        "num_layers": 1,
        "tokens": "words",
        "vocabulary": ["a"],
    },
    "memorizer": {"weights": None, "units": 4},
    "executor": {"weights": None, "units": 4},
    "accumulator": {},
    "comparer": {},
    "parity_by_hand": {},
}
METHODS = ("answer", "classify", "sort", "translate", "score", "rank", "probabilities")
METHODS += ("tag", "tag_words", "marginals")


class Unprintable:
    """An object whose representation, length and items raise errors."""

    def __repr__(self) -> str:
        """Raises an error."""
        raise RuntimeError("no representation")

    def __len__(self) -> int:
        """Raises an error."""
        raise RuntimeError("no length")

    def __iter__(self) -> Iterator:
        """Raises an error."""
        raise RuntimeError("no items")


def fuzz_raw_input(random: Generator, count: int) -> Outcome:
    """Input of any type, depth, size and value to every model.

    An answer has as many rows as a list; an error is a short `TypeError` or
    `ValueError` that says what was received.
    """
    import rnnzoo

    models = {name: getattr(rnnzoo, name)(**small) for name, small in SMALL.items()}
    wrong, tried = [], 0
    for name, model in models.items():
        calls = [getattr(model, m) for m in METHODS if hasattr(model, m)]
        for _ in range(count):
            value = draw_value(random, depth=int(random.integers(4)))
            call = calls[random.integers(len(calls))]
            tried += 1
            if problem := _find_problem(lambda c=call, v=value: c(v)):
                wrong.append(f"{name}.{call.__name__}: {type(value)}: {problem}")
    return tried, wrong


def draw_value(random: Generator, depth: int) -> Any:
    """Returns a value of any type: good or bad, nested `depth` times or endlessly."""
    endless: list = [1]
    endless.append(endless)
    deep: Any = [1]
    for _ in range(2000):
        deep = [deep]
    odd: list = [
        *(None, True, 1j, 2.5, 10**5000, -(2**70), 1e39, float("nan"), float("inf")),
        *(b"\xff\xfe", b"01", bytearray(b"a"), "", "\0", "\ud800", "x" * 10**4, "1 x"),
        *(
            endless,
            deep,
            {1, 2},
            {"a": [1]},
            (i for i in "ab"),
            range(3),
            Unprintable(),
        ),
        *(object(), len, int, ..., np.float32("nan"), np.array(3), np.zeros((2, 0))),
        *(np.array([endless, 1], object), np.array(["a", None]), np.array([1 + 2j])),
        *(
            np.zeros((1, 1, 1, 1)),
            np.ma.array([1, 2], mask=[0, 1]),
            np.array([b"\xff"]),
        ),
        *(np.array([np.nan]), np.array([2**63], "uint64"), np.array(["NaT"], "M8[s]")),
    ]
    good = [
        0,
        1,
        5,
        "0110",
        "3 1 2",
        "5 + 3",
        "a text",
        0.5,
        np.int64(1),
        np.float32(2),
    ]
    if depth == 0:
        pool = odd if random.random() < 0.5 else good
        return pool[random.integers(len(pool))]
    size = int(random.choice([0, 1, 2, 3, 40]))
    values = [draw_value(random, depth - 1) for _ in range(size)]
    return tuple(values) if random.random() < 0.3 else values


def damage_model_files(random: Generator, count: int) -> Outcome:
    """Model files with flipped bits, cuts, bombs, and settings and weights that lie.

    A file loads, or is refused in a short `ValueError` with its path, within 64 MB.
    """
    import rnnzoo

    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.keras")
        model = rnnzoo.sorter(weights=None, max_value=9, max_length=4, units=4)
        model.fit([[3, 1]], [[1, 3]], verbose=0)
        model.save(path)
        good, trace = path.read_bytes(), pathlib.Path(folder, "trace")
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        changes = (_flip_bits, _cut, _inflate, _change_settings, _change_weights, _add)
        for case in range(count):
            change = changes[random.integers(len(changes))]
            path.write_bytes(change(random, good, dict(members), trace))
            load: Callable = (rnnzoo.load, rnnzoo.sorter)[random.integers(2)]
            tracemalloc.start()
            problem = _find_problem(lambda f=load: f(str(path)), str(path))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            if problem or peak > 2**26 or trace.exists():
                wrong.append(f"case {case}, {change.__name__}: {problem}, {peak} bytes")
    return count, wrong


def read_tables(random: Generator, count: int) -> Outcome:
    """Tables of texts in all dialects and encodings, with and without damage.

    Rows come back as they were written; else a short `ValueError` says why.
    """
    from rnnzoo.data.files import LabelledFile

    wrong = []
    alphabet = list("aé 'ß,;|\t\n😀")
    for case in range(count):
        mark = str(random.choice(list(",;|\t")))
        encoding = str(random.choice(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
        rows = [
            ("x" + "".join(random.choice(alphabet, 8)), str(random.choice(["a", "b"])))
            for _ in range(random.integers(1, 30))
        ]
        end = str(random.choice(["\n", "\r\n"]))
        lines = [f'"{text}"{mark}{label}' for text, label in rows]
        content = end.join([f"text{mark}label", *lines])
        damage = random.integers(4)
        if damage == 1:
            content += f'{end}"never closed{mark}a' + f"{end}x{mark}a" * 50
        encoded = content.encode(encoding)
        if damage == 2:
            encoded = content.encode("utf-16-be")
            encoding = "utf-16"
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "table.csv")
            path.write_bytes(encoded)

            def read(path: Any = path, mark: str = mark, code: str = encoding) -> Any:
                source = LabelledFile(path, separator=mark, encoding=code)
                texts, labels = source.rows(range(len(source)))
                return list(zip(texts, labels, strict=True))

            if damage == 1:
                line = content.count("\n") - 49
                problem = _find_problem(read, f"at line {line}")
            elif damage == 3 and mark != ",":
                named = {";": "semicolon", "|": "pipe", "\t": "tab"}[mark]
                problem = _find_problem(
                    lambda r=read: r(mark=","), f"separator='{named}'"
                )
            else:
                problem = "" if read() == rows else "other rows than were written"
        if problem:
            wrong.append(f"case {case} ({mark!r}, {encoding}, {damage}): {problem}")
    return count, wrong


def _find_problem(call: Callable, part: str = "Received") -> str:
    """Returns what is wrong with an error of a call; empty if nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except (TypeError, ValueError) as error:
        message = str(error)
        is_clear = "Received" in message and part in message and len(message) < 2000
        return "" if is_clear else f"{len(message)} characters: {message[:200]}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""


def _write(members: dict, compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, part in members.items():
            archive.writestr(name, part)
    return content.getvalue()


def _flip_bits(random: Generator, good: bytes, members: dict, trace: Any) -> bytes:
    content = bytearray(good)
    for _ in range(random.integers(1, 20)):
        content[random.integers(len(content))] ^= 1 << int(random.integers(8))
    return bytes(content)


def _cut(random: Generator, good: bytes, members: dict, trace: Any) -> bytes:
    if random.random() < 0.5:
        return good[: random.integers(len(good))]
    name = str(random.choice(list(members)))
    members[name] = members[name][: random.integers(len(members[name]) + 1)]
    return _write(members)


def _inflate(random: Generator, good: bytes, members: dict, trace: Any) -> bytes:
    name = str(random.choice(list(members)))
    members[name] += bytes([int(random.choice([0, 32]))]) * 2**27
    return _write(members, zipfile.ZIP_DEFLATED)


def _change_settings(
    random: Generator, good: bytes, members: dict, trace: Any
) -> bytes:
    content = json.loads(members["config.json"])
    call = {"module": "os", "class_name": "system", "registered_name": None}
    call["config"] = {"command": f"touch {trace}"}
    values = [
        0,
        -1,
        2**31,
        10**9,
        10**30,
        5000,
        1.5,
        None,
        "8",
        [],
        {},
        call,
        "9" * 9999,
    ]
    places = [content, content["config"], content.get("compile_config") or content]
    place = places[random.integers(len(places))]
    place[str(random.choice([*place, "other"]))] = values[random.integers(len(values))]
    return _write(members | {"config.json": json.dumps(content)})


def _change_weights(random: Generator, good: bytes, members: dict, trace: Any) -> bytes:
    import h5py

    content = io.BytesIO(members["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = str(random.choice(names))
        kind = random.integers(4)
        if kind == 0:
            del file[name]
        elif kind == 1:
            del file[name]
            file[name] = h5py.ExternalLink("/etc/hostname", "/")
        elif kind == 2:
            file.create_dataset("more", (10**6, 10**6), chunks=(1000, 1000))
        elif isinstance(file[name], h5py.Dataset):
            file[name][...] = np.inf if file[name].dtype.kind == "f" else 0
    return _write(members | {"model.weights.h5": content.getvalue()})


def _add(random: Generator, good: bytes, members: dict, trace: Any) -> bytes:
    names = [
        "../evil",
        "/tmp/evil",
        "model.pkl",
        "code.py",
        "assets/../x",
        "config.json ",
    ]
    return _write(members | {str(random.choice(names)): b"x"})
