"""Fingerprints of data: a run resumes only with the data that it began with.

A fingerprint is a dict for JSON. Its content decides; times and paths are only to read.
"""

import datetime
import hashlib
import json
import os
import pathlib
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from rnnzoo.data.categorical import Categorical
from rnnzoo.errors import shorten

# What may differ where the content is the same.
DESCRIPTIVE = ("path", "modified")
SIMPLE = (str, int, float, bool, type(None))


def fingerprint_path(path: str | os.PathLike) -> dict[str, Any]:
    """Returns size, time and hash of a file, or of all files in a folder.

    The hash of a folder is of the files' names too, and of those in its sub-folders.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.fingerprints import fingerprint_path
        >>> _ = pathlib.Path("words.txt").write_text("a quiet triumph")
        >>> found = fingerprint_path("words.txt")
        >>> found["path"], found["bytes"], len(found["hash"])
        ('words.txt', 15, 32)
    """
    folder, hashed = pathlib.Path(path).expanduser(), _new_hash()
    files = [folder]
    if folder.is_dir():
        files = sorted(f for f in folder.rglob("*") if f.is_file())
        # Hidden files are no data: programs write them.
        names = [one.relative_to(folder).parts for one in files]
        hidden = [any(part[0] == "." for part in parts) for parts in names]
        files = [
            one for one, is_hidden in zip(files, hidden, strict=True) if not is_hidden
        ]
    sizes, times = [], [0.0]
    for one in files:
        if folder.is_dir():
            name = os.fsencode(one.relative_to(folder).as_posix())
            hashed.update(b"%d %b %d " % (len(name), name, one.stat().st_size))
        with one.open("rb") as content:
            while part := content.read(2**20):
                hashed.update(part)
        sizes.append(one.stat().st_size)
        times.append(one.stat().st_mtime)
    latest = datetime.datetime.fromtimestamp(max(times), datetime.timezone.utc)
    return {
        "path": os.fspath(path),
        **({"files": len(files)} if folder.is_dir() else {}),
        "bytes": sum(sizes),
        "modified": latest.isoformat(),
        "hash": hashed.hexdigest(),
    }


def fingerprint_examples(examples: Any) -> dict[str, Any]:
    """Returns the fingerprint of `Examples` or a `Source`.

    That is what its method `fingerprint` returns, if it has one. A dataclass is taken
    for a generator, which its settings and its attribute `version` identify (1 if it
    has none): raise that when it generates other examples. Of anything else it is the
    hash of a batch.

    Example:
        >>> from rnnzoo.data.fingerprints import fingerprint_examples
        >>> from rnnzoo.data.synthetic import Parity
        >>> fingerprint_examples(Parity(max_length=8))
        {'generator': 'Parity', 'version': 1, 'max_length': 8, 'curriculum_steps': 0}
    """
    if hasattr(examples, "fingerprint"):
        return examples.fingerprint()
    if is_dataclass(examples):
        values = {f.name: getattr(examples, f.name) for f in fields(examples)}
        settings = {
            name: value if isinstance(value, SIMPLE) else digest(value)
            for name, value in values.items()
        }
        version = getattr(examples, "version", 1)
        return {"generator": type(examples).__name__, "version": version, **settings}
    return {"batch": type(examples).__name__, "hash": digest(examples.batch(16, 0, 0))}


def digest(*values: Any) -> str:
    """Returns a hash of texts, numbers, arrays, and lists of these.

    Example:
        >>> from rnnzoo.data.fingerprints import digest
        >>> digest(["a", "b"]) == digest(["ab"])
        False
    """
    hashed = _new_hash()

    def feed(value: Any) -> None:
        if isinstance(value, Categorical):
            value = (value.codes, list(value.categories))
        if isinstance(value, np.ndarray) and value.dtype != object:
            hashed.update(f"{value.dtype}{value.shape}".encode())
            hashed.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, (list, tuple, np.ndarray)):
            hashed.update(f"{len(value)}[".encode())
            for one in value:
                feed(one)
        else:
            text = value if isinstance(value, str) else repr(value)
            content = text.encode("utf-8", "surrogatepass")
            hashed.update(f"{type(value).__name__}{len(content)}:".encode() + content)

    feed(values)
    return hashed.hexdigest()


def list_changes(before: list[dict], now: list[dict]) -> list[str]:
    """Returns what differs in the content of two lists of fingerprints, in words.

    Example:
        >>> from rnnzoo.data.fingerprints import list_changes
        >>> one = {"path": "a.csv", "bytes": 9, "modified": "Monday", "hash": "0a"}
        >>> list_changes([one], [one | {"modified": "Tuesday"}])
        []
        >>> list_changes([one], [one | {"bytes": 11, "hash": "f2"}])
        ["of 'a.csv', bytes was 9 and is now 11, hash was '0a' and is now 'f2'"]
    """
    before, now = json.loads(json.dumps([before, now]))
    changes = []
    if len(before) != len(now):
        changes.append(f"there were {len(before)} parts and are now {len(now)}")
    for old, new in zip(before, now, strict=False):
        keys = dict.fromkeys([*old, *new])
        is_other = any(old.get(k) != new.get(k) for k in keys if k not in DESCRIPTIVE)
        differing = [
            f"{key} was {shorten(old.get(key))} and is now {shorten(new.get(key))}"
            for key in keys
            if old.get(key) != new.get(key)
        ]
        if is_other:
            name = next(iter(new.values()), "")
            changes.append(f"of {shorten(name)}, {', '.join(differing)}")
    return changes


def _new_hash() -> Any:
    return hashlib.blake2b(digest_size=16)
