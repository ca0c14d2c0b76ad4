"""Labels: names of classes and their indices."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rnnzoo.data.categorical import Categorical
from rnnzoo.data.columns import is_missing, to_rows
from rnnzoo.errors import closest, shorten


def check_classes(classes: Any) -> list[str]:
    """Returns two or more different names of classes as a list of strings.

    They are a list, an array, or a column of a data frame, and none of them is missing.
    """
    classes = to_rows(classes)
    is_array = isinstance(classes, np.ndarray) and classes.ndim == 1
    if isinstance(classes, (str, bytes)) or not (
        isinstance(classes, Sequence) or is_array
    ):
        raise TypeError(
            f"classes must be a list of names. Received: classes={shorten(classes)}"
        )
    _refuse_missing("classes", classes)
    names = [str(to_python(name)) for name in classes]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(
            "classes must be at least two different names. Received: "
            f"classes={shorten(list(classes))}"
        )
    return names


def class_numbers(labels: Sequence, classes: Sequence[str]) -> np.ndarray:
    """Converts labels to indices of classes, int32; labels are compared as text.

    A `ValueError` names the rows whose label is missing, or is not a class.
    """
    if isinstance(labels, Categorical) and labels.categories == classes:
        return labels.codes
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise TypeError(
            f"labels must be a list of names. Received: labels={shorten(labels)}"
        )
    numbers = {name: number for number, name in enumerate(classes)}
    labels = to_rows(labels)
    _refuse_missing("labels", labels)
    names = [_to_name(to_python(label)) for label in labels]
    unknown = [row for row, name in enumerate(names) if name not in numbers]
    if unknown:
        shown = ", ".join(f"row {row}: {shorten(names[row])}" for row in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise ValueError(
            f"labels must be among {list_classes(classes)}."
            f"{closest(names[unknown[0]], classes)} Correct them, or build a "
            f"model for other classes with classes=[...]. Received: {shown}{more}"
        )
    return np.array([numbers[name] for name in names], "int32")


def _refuse_missing(name: str, values: Iterable) -> None:
    rows = [row for row, value in enumerate(values) if is_missing(value)]
    if rows:
        shown = ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
        raise ValueError(
            f"{name} must not be missing: name or remove {len(rows)} of them (rows "
            f"count from 0). Received: None, NaN or NA in row {shown}"
        )


def to_python(label: Any) -> Any:
    """Returns a label that is bytes, a NumPy value or a tensor as a Python object."""
    if hasattr(label, "numpy"):
        label = label.numpy()
    if isinstance(label, (np.generic, np.ndarray)) and label.ndim == 0:
        label = label.item()
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else label


def _to_name(label: Any) -> str:
    """Returns a label as text; a nested one as the beginning of it."""
    return str(label) if isinstance(label, (str, int, float)) else shorten(label)


def list_classes(classes: Sequence[str]) -> str:
    """Returns the names of classes, shortened for a message."""
    return shorten(", ".join(map(shorten, classes)), str, 800)
