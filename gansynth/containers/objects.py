"""Arrays of Python objects: a pandas column, or one column of a numpy array or of a list.

pandas finds out what they hold, as its ``infer_objects`` does.
"""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np

from gansynth.containers import columns as neutral
from gansynth.containers import stdlib
from gansynth.schema import Column


def read(name: str | int, values: np.ndarray) -> tuple[Column, np.ndarray]:
    """Read strings, ints, floats, booleans, dates, times, durations or decimals.

    The column's dtype is "object", with the type of what :mod:`~gansynth.containers.stdlib`
    reads and the mark of a missing value, unless that is None: "object[nan]", "object date".
    """
    import pandas as pd

    missing = pd.isna(values)
    dtype = _dtype(values[int(np.argmax(missing))]) if missing.any() else "object"
    found = pd.api.types.infer_dtype(values, skipna=True)
    if found == "string":
        codes, labels = pd.factorize(values, sort=True)
        return neutral.categories(name, dtype, labels, codes)
    if found == "integer":
        try:
            return neutral.integers(name, dtype, _filled(values, missing, 0, np.int64), missing)
        except OverflowError as error:
            raise neutral.too_large(name) from error
    if found in ("floating", "mixed-integer-float"):
        return neutral.floats(name, dtype, _filled(values, missing, np.nan, np.float64))
    if found == "boolean":
        return neutral.booleans(name, dtype, _filled(values, missing, False, bool), missing)
    if missing.all() and dtype == "object[nan]":
        return neutral.floats(name, dtype, np.full(len(values), np.nan))
    if missing.all():
        return neutral.all_missing(name, dtype, len(values))
    present = values[~missing].tolist()
    if time := stdlib.type_of(present):
        dtype = dtype.replace("object", f"object {time}", 1)
        return stdlib.read(name, dtype, time, present, missing)
    if found == "complex":
        raise ValueError(f"Complex data not supported: column {name!r} holds complex numbers")
    types = sorted({type(value).__name__ for value in present})
    if len(types) == 1:
        raise neutral.unsupported(name, f"object, holding values of type {types[0]}")
    raise TypeError(
        # In part the wording that scikit-learn's estimator checks look for.
        f"Column {name!r} mixes values of types {', '.join(types)}; each column of the argument "
        f"must be all strings, or all numbers, or of another one type: convert it, as in"
        f" X[{name!r}].astype(str), or leave it out by column_types={{{name!r}: 'drop'}}"
    )


def write(column: Column, values: np.ndarray) -> np.ndarray:
    """Write Python objects."""
    missing = neutral.missing_in(column, values)
    if column.kind == "category":
        written = np.array([*column.categories, None], dtype=object)[values]
    elif column.kind == "boolean":
        written = values.astype(bool).astype(object)
    elif " " in column.dtype:
        time = column.dtype.split()[1].partition("[")[0]
        written = stdlib.write(column, time, np.where(missing, 0, values))
    else:
        written = values.astype(object)
    written[missing] = _missing_mark(column.dtype)
    return written


def _filled(values: np.ndarray, missing: np.ndarray, fill: Any, dtype: Any) -> np.ndarray:
    return np.where(missing, fill, values).astype(dtype)


def _dtype(mark: Any) -> str:
    return "object" if mark is None else f"object[{mark}]"


def _missing_mark(dtype: str) -> Any:
    if "[" not in dtype:
        return None
    import pandas as pd

    marks = {"[nan]": np.nan, "[<NA>]": pd.NA, "[NaT]": pd.NaT, "[NaN]": decimal.Decimal("NaN")}
    return marks[dtype[dtype.index("[") :]]
