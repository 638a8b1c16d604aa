"""Arrays of Python objects: a pandas column, or one column of a numpy array or of a list."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from typing import Any

import numpy as np

from gansynth.containers import columns as neutral
from gansynth.containers import stdlib
from gansynth.schema import MISSING_CODE, Column

NUMBERS = (float, complex, decimal.Decimal, np.inexact, np.datetime64, np.timedelta64)
"""Types of which a value may be missing."""


def read(name: str | int, values: np.ndarray) -> tuple[Column, np.ndarray]:
    """Read strings, ints, floats, booleans, dates, times, durations or decimals.

    The column's dtype is "object", with the type of what :mod:`~gansynth.containers.stdlib`
    reads and the mark of a missing value, unless that is None: "object[nan]", "object date".
    """
    missing = np.fromiter(map(_is_missing, values.tolist()), bool, len(values))
    dtype = _dtype(values[int(np.argmax(missing))]) if missing.any() else "object"
    if missing.all():
        if dtype == "object[nan]":
            return neutral.floats(name, dtype, np.full(len(values), np.nan))
        return neutral.all_missing(name, dtype, len(values))
    present = values[~missing].tolist()
    types = set(map(type, present))
    if _all(types, str):
        labels = sorted(set(present))
        codes = np.full(len(values), MISSING_CODE)
        codes[~missing] = list(map({label: i for i, label in enumerate(labels)}.get, present))
        return neutral.categories(name, dtype, labels, codes)
    if _all(types, bool, np.bool_):
        return neutral.booleans(name, dtype, _filled(values, missing, False, bool), missing)
    if not types & {bool, np.timedelta64}:  # which Python and numpy have among the integers
        if _all(types, int, np.integer):
            try:
                return neutral.integers(name, dtype, _filled(values, missing, 0, np.int64), missing)
            except OverflowError as error:
                raise neutral.too_large(name) from error
        if _all(types, int, np.integer, float, np.floating):
            return neutral.floats(name, dtype, _filled(values, missing, np.nan, np.float64))
    if time := stdlib.type_of(present):
        dtype = dtype.replace("object", f"object {time}", 1)
        return stdlib.read(name, dtype, time, present, missing)
    if any(issubclass(kind, complex | np.complexfloating) for kind in types):
        raise ValueError(f"Complex data not supported: column {name!r} holds complex numbers")
    names = sorted({kind.__name__ for kind in types})
    if len(names) == 1:
        raise neutral.unsupported(name, f"object, holding values of type {names[0]}")
    raise TypeError(
        # In part the wording that scikit-learn's estimator checks look for.
        f"Column {name!r} mixes values of types {', '.join(names)}; each column of the argument "
        f"must be all strings, or all numbers, or of another one type: convert it, as in"
        f" X[{name!r}].astype(str), or leave it out by column_types={{{name!r}: 'drop'}}"
    )


def array_of(values: Iterable[Any]) -> np.ndarray:
    """Values, whatever they are, as an array of objects of shape (n,)."""
    # One more, or numpy would look into values that are sequences.
    return np.array([*values, None], dtype=object)[:-1]


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


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    # Numpy's NaT is no number either; of what compares in another way, nothing is missing.
    return isinstance(value, NUMBERS) and value != value


def _all(types: set[type], *kinds: type) -> bool:
    """Whether all types are of these kinds."""
    return all(issubclass(found, kinds) for found in types)


def _filled(values: np.ndarray, missing: np.ndarray, fill: Any, dtype: Any) -> np.ndarray:
    return np.where(missing, fill, values).astype(dtype)


def _dtype(mark: Any) -> str:
    return "object" if mark is None else f"object[{mark}]"


def _missing_mark(dtype: str) -> Any:
    if "[" not in dtype:
        return None
    mark = dtype[dtype.index("[") :]
    if mark in ("[<NA>]", "[NaT]"):
        import pandas as pd

        return pd.NA if mark == "[<NA>]" else pd.NaT
    return {"[nan]": np.nan, "[NaN]": decimal.Decimal("NaN")}[mark]
