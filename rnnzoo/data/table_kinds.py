"""Kinds of tables: what whole series come as, and forecasts go back as."""

from typing import Any

import keras
import narwhals
import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from rnnzoo.data.series_tables import has_time_index


def is_table(x: Any) -> bool:
    """Whether data are whole series: a table, or an array of numbers."""
    if isinstance(x, dict) or isinstance(x, (pd.DataFrame, pd.Series)):
        return not any(isinstance(v, keras.KerasTensor) for v in dict(x).values())
    native = narwhals.from_native(x, allow_series=True, pass_through=True)
    if isinstance(native, (narwhals.DataFrame, narwhals.LazyFrame, narwhals.Series)):
        return True
    if isinstance(x, (list, tuple)) and len(x):
        first: Any = x[0]
        is_number = isinstance(first, (int, float, np.number)) or first is None
        return is_number or np.ndim(np.asarray(first)) == 1
    return isinstance(x, np.ndarray) and x.ndim in (1, 2) and x.dtype.kind in "iufO"


def kind_of(data: Any) -> str:
    """Returns `"list"`, `"array"` or `"table"`."""
    if isinstance(data, (list, tuple)):
        return "list"
    if isinstance(data, np.ndarray) or hasattr(data, "numpy"):
        return "array"
    return "table"


def to_kind(table: pd.DataFrame, data: Any) -> Any:
    """Returns a table as the kind that data are: of pandas, polars, ..., or a dict."""
    if isinstance(data, (pd.DataFrame, pd.Series)):
        if not has_time_index(data):
            return table
        times = [n for n in table.columns if is_datetime64_any_dtype(table[n].dtype)]
        return table.set_index(times[0]).rename_axis(data.index.name)
    if isinstance(data, dict):
        return {name: table[name].to_list() for name in table.columns}
    native: Any = narwhals.from_native(data, allow_series=True)
    backend = narwhals.get_native_namespace(native)
    columns = {name: table[name].to_list() for name in table.columns}
    for name, values in columns.items():
        if values and isinstance(values[0], pd.Timestamp):
            columns[name] = [one.to_pydatetime() for one in values]
    return narwhals.from_dict(columns, backend=backend).to_native()
