"""Tables without a library of frames: dicts of numpy arrays.

What a sample comes in where the library that the model was fitted with is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gansynth.containers import arrays as by_dtype
from gansynth.containers import columns as neutral
from gansynth.containers import objects, temporal
from gansynth.schema import Column


def read(
    X: Mapping[Any, Any], skip: Sequence[Any]
) -> tuple[tuple[Column, ...], dict[str, np.ndarray]]:
    """Read a dict of columns: arrays as :func:`write` gives them, or sequences of values.

    Returns
    -------
    columns : tuple of Column
        As found.
    data : dict of str to ndarray
        Neutral arrays by :attr:`Column.output`.

    Raises
    ------
    ValueError
        If there are no columns, or they differ in length.
    """
    kept = {name: _array(values) for name, values in X.items() if name not in skip}
    shapes = {values.shape for values in kept.values()}
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        raise ValueError(
            "The columns of X have to be of one dimension and length, got shapes "
            f"{neutral.shorten(sorted(shapes))}"
        )
    neutral.check_size((*max(shapes, default=(1,)), len(kept)))
    neutral.check_names([*kept])
    found = [by_dtype.read_column(name, values) for name, values in kept.items()]
    return tuple(column for column, _ in found), {of.output: values for of, values in found}


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


def _array(values: Any) -> np.ndarray:
    """A column as an array, of objects if it is none, or one of text."""
    array = values if isinstance(values, np.ndarray) else objects.array_of(values)
    return array.astype(object) if array.dtype.kind == "U" else array


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
