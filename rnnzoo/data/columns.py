"""Columns of data frames, iterators and views as rows: where all raw input passes."""

from collections.abc import ItemsView, Iterator, KeysView, Sequence, ValuesView
from typing import Any

import narwhals
import numpy as np

from rnnzoo.data.categorical import Categorical

# Rows, or single values, as they are.
ROWS = (str, bytes, bytearray, list, tuple, range, np.ndarray, np.generic, Categorical)


def to_rows(values: Any) -> Any:
    """Returns columns, iterators and views as a list, and anything else unchanged.

    Columns are those that narwhals knows: of pandas (with any index and type of
    strings), polars, PyArrow and others. An iterator is read to its end.

    Example:
        >>> from rnnzoo.data.columns import to_rows
        >>> to_rows({"a": "yes", "b": "no"}.values())
        ['yes', 'no']
        >>> to_rows(map(str, [1, 2]))
        ['1', '2']
    """
    if isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1:
        is_nested = len(values) and isinstance(values[0], (list, tuple, np.ndarray))
        return list(values) if is_nested else values
    if isinstance(values, ROWS) or hasattr(values, "numpy"):
        return values
    column = narwhals.from_native(values, allow_series=True, pass_through=True)
    if isinstance(column, narwhals.Series):
        return column.to_list()
    # Indices of pandas and arrays of PyArrow, as those of NumPy.
    if callable(convert := getattr(values, "tolist", None)):
        return convert()
    if isinstance(values, (Iterator, Sequence, ItemsView, KeysView, ValuesView)):
        return list(values)
    return values


def is_missing(value: Any) -> bool:
    """Whether a value of a column is missing: `None`, NaN, `pandas.NA` or `NaT`.

    Example:
        >>> from rnnzoo.data.columns import is_missing
        >>> is_missing(float("nan")), is_missing("nan")
        (True, False)
    """
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")
