"""Model files: checked part by part, each before the next is read or built.

A file may be damaged, or made to harm: it is refused with one kind of error, and costs
no more memory than a model of its size. No code of it is run.
"""

import collections
import contextlib
import errno
import json
import math
import pathlib
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from rnnzoo.errors import shorten

# What `save` and a training run write, and how many bytes it has at most. The weights
# are bounded by what the settings say.
MEMBERS = {
    r"metadata\.json": 2**20,
    r"config\.json": 2**25,
    r"assets/(?:[^/]+\.(?:json|txt))?": 2**25,
    r"model\.weights\.h5|training\.npz": 2**48,
}
# Bytes that a compressed member may have for each byte in the file, beside a million.
EXPANSION = 50
# How deep objects may be nested in the settings.
DEPTH = 50
# Errors of the folder of temporary files.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.ENOENT)
WEIGHTS = "model.weights.h5"
CARE = (
    "A model file must hold numbers and settings, no code and no path out of it: do "
    "not load it, unless you wrote it yourself and know another way. "
)


class ModelFileError(ValueError):
    """A model file that is damaged or hostile, or does not fit its own settings."""


@contextlib.contextmanager
def refuse_unreadable(path: pathlib.Path, *others: type[Exception]) -> Iterator[None]:
    """Raises `ModelFileError` for whatever the content of a model file causes.

    Errors of the disk, which name a path, remain `OSError`; those of kinds in `others`
    have another cause, and remain as they are.
    """
    try:
        yield
    except (ModelFileError, ImportError, *others):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        if isinstance(error, OSError) and error.errno in DISK:
            text = f"{error.strerror}; weights are unpacked in the folder TMPDIR"
            raise OSError(error.errno, text, str(path)) from error
        # Keras puts the cause last, behind the configuration.
        reason = str(error).rpartition("Exception encountered: ")[2]
        reason = shorten(" ".join(reason.split()), str, 300)
        if isinstance(error, RecursionError):
            reason = "it is nested too deep"
        raise ModelFileError(
            "A model file is a .keras archive, as model.save writes it. Save the model "
            f"again, or give another path. Received: {shorten(str(path), limit=500)}, "
            f"which is damaged or something else ({reason or type(error).__name__})"
        ) from error


def read_content(path: pathlib.Path) -> dict:
    """Reads a model's class and settings from its file, or raises `ModelFileError`."""
    with refuse_unreadable(path), zipfile.ZipFile(path) as archive:
        _check_members(path, archive)
        content = json.loads(archive.read("config.json"))
        if not isinstance(content, dict):
            raise ValueError("config.json holds no object")
        for name in _class_names(content):
            if name in ("Lambda", "__lambda__"):
                _refuse(path, f"code, a {name!r}")
        for key, kind in {"class_name": str, "config": dict}.items():
            if not isinstance(content.get(key), kind):
                raise ValueError(f"config.json has no {key}")
        # Keras leaves out the names of its own classes.
        if not isinstance(content.get("registered_name"), str):
            content["registered_name"] = content["class_name"]
        return content


def build(
    path: pathlib.Path,
    make: Callable[[], Any],
    more: int = 0,
    others: tuple[type[Exception], ...] = (),
) -> Any:
    """Returns the model that `make` builds, unless the file is too small to hold it.

    Args:
        path: The file.
        make: Builds the model of the file's settings.
        more: Numbers that the model may have beside those of the file.
        others: Errors that the file does not cause; see `refuse_unreadable`.
    """
    from rnnzoo.layers.keras_internals import limit_variables

    with refuse_unreadable(path, *others):
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(WEIGHTS).file_size
        # A number has a byte at least, or half of one; and a variable has a name.
        with limit_variables(2**16 + 2 * size + more) as used:
            model = make()
        # With their names, and 8 bytes for a number; earlier versions kept a few more.
        if size > 2**20 + 16 * used():
            raise ValueError(
                f"its weights have {size} bytes, more than a model of its settings"
            )
        return model


@contextlib.contextmanager
def extract(path: pathlib.Path, limit: int | None = None) -> Iterator[pathlib.Path]:
    """Yields a temporary folder with weights and assets of a file; checks both.

    Args:
        path: The file.
        limit: How many numbers the weights may have; `None` for any.
    """
    with refuse_unreadable(path), tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name == WEIGHTS or name.startswith("assets/"):
                    archive.extract(name, folder)
        _check_weights(pathlib.Path(folder, WEIGHTS), limit)
        yield pathlib.Path(folder)


def _check_members(path: pathlib.Path, archive: zipfile.ZipFile) -> None:
    """Refuses members that no model has, or that are larger than any."""
    names = collections.Counter(archive.namelist())
    paths = [name.replace("\\", "/") for name in names]
    for one in paths:
        if one[:1] == "/" or ":" in one or ".." in one.split("/"):
            _refuse(path, f"the path {shorten(one)}")
    for info in archive.infolist():
        limits = [n for kind, n in MEMBERS.items() if re.fullmatch(kind, info.filename)]
        limit = max(limits, default=0)
        if not limits or names[info.filename] > 1:
            twice = ", more than once" if limit else ""
            _refuse(path, f"the file {shorten(info.filename)}{twice}")
        if info.file_size > min(limit, 10**6 + EXPANSION * info.compress_size):
            raise ValueError(
                f"{info.filename} has {info.file_size} bytes, of which "
                f"{info.compress_size} are in the file"
            )


def _refuse(path: pathlib.Path, found: str) -> None:
    shown = shorten(str(path), limit=500)
    raise ModelFileError(f"{CARE}Received: {shown}, which holds {found}")


def _class_names(content: Any) -> Iterator[str]:
    """Yields the class names of all objects in a configuration."""
    level = [content]
    for _ in range(DEPTH):
        for one in level:
            if isinstance(one, dict) and "class_name" in one:
                yield one["class_name"]
        level = [
            value
            for one in level
            if isinstance(one, (dict, list))
            for value in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise RecursionError


def _check_weights(path: pathlib.Path, limit: int | None) -> None:
    """Refuses weights that are no numbers, or lie elsewhere, or are too many."""
    import h5py

    found = 0

    def check(name: str, item: Any) -> None:
        nonlocal found
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual or item.dtype.kind not in "iufbV":
            raise ValueError(f"{name} of its weights holds no numbers of its own")
        found += math.prod(item.shape)

    with h5py.File(path) as file:
        file.visititems(check)
    if limit is not None and found > limit:
        raise ValueError(
            f"its weights are {found} numbers, more than a model of its settings has"
        )


def count_numbers(model: Any) -> int:
    """Returns how many numbers the weights of a model's file may have."""
    optimizer = getattr(model, "optimizer", None)
    variables = (*model.weights, *(optimizer.variables if optimizer else ()))
    # Earlier versions kept a few more.
    return 2**16 + 2 * sum(math.prod(one.shape) for one in variables)


def check_finite(model: Any) -> None:
    """Raises `ValueError` if a weight of a model, or of its optimizer, is NaN."""
    import numpy as np
    from keras import ops

    optimizer = getattr(model, "optimizer", None)
    for weight in (*model.weights, *(optimizer.variables if optimizer else ())):
        values = ops.convert_to_numpy(weight)
        if values.dtype.kind == "V":  # bfloat16
            values = values.astype("float32")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"{weight.path} has numbers that are not finite")
