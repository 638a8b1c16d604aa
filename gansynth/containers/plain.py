"""Tables without a library of frames: dicts of numpy arrays.

What a sample comes in where the library that the model was fitted with is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gansynth.containers import columns as neutral
from gansynth.containers import temporal
from gansynth.schema import Column


def write(columns: Sequence[Column], arrays: Sequence[np.ndarray]) -> dict[str | int, np.ndarray]:
    """Build a dict of the columns, by name.

    Returns
    -------
    dict of str or int to ndarray
        Numbers in the dtype of the graph; datetime64 in UTC and timedelta64; labels, decimals,
        and whole numbers and booleans of a column that has missing values, as Python's objects,
        None where missing.
    """
    return {
        column.name: _write_column(column, values)
        for column, values in zip(columns, arrays, strict=True)
    }


def _write_column(column: Column, values: np.ndarray) -> np.ndarray:
    if column.kind in ("datetime", "duration"):
        return temporal.as_numpy(column, values)
    if column.kind == "category":
        return np.array([*column.categories, None], dtype=object)[values]
    if column.kind == "decimal":
        written = np.array([*temporal.as_decimals(values, temporal.places_of(column)), None])[:-1]
    elif column.nullable and column.kind != "float":
        written = values.astype(bool if column.kind == "boolean" else np.int64).astype(object)
    else:
        return values
    written[neutral.missing_in(column, values)] = None
    return written
