"""Several tables as one kind of number array, so that equal values get equal numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from pandas.api import types
from scipy.sparse import csr_matrix, hstack
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

Trees = TypeVar("Trees", HistGradientBoostingClassifier, HistGradientBoostingRegressor)

MAX_CATEGORIES = 255
"""As many categories as scikit-learn's boosted trees can tell apart in one column."""

FEWEST_VALUES = 5
"""Numbers in a column below which trees don't look at them."""

WORTH_THREADS = 20_000
"""Rows below which boosted trees are as fast on one thread."""


def as_frame(data: Any) -> pd.DataFrame:
    """Frames stay as they are; arrays of any rank become one column per value of a row."""
    if isinstance(data, pd.DataFrame):
        return data
    array = np.asarray(data)
    return pd.DataFrame(array.reshape(len(array), math.prod(array.shape[1:])))


def as_frames(**tables: Any) -> list[pd.DataFrame]:
    """Bring tables into the column order of the first, refusing what cannot be compared."""
    frames = {name: as_frame(table) for name, table in tables.items()}
    first = next(iter(frames))
    columns = frames[first].columns
    for name, frame in frames.items():
        if not len(frame):
            raise ValueError(f"{name} has no rows; give at least one.")
        if set(frame.columns) != set(columns):
            unshared = sorted(map(str, set(frame.columns) ^ set(columns)))
            raise ValueError(
                f"{name} and {first} must have the same columns, but only one of them has "
                f"{', '.join(unshared)}."
            )
    return [frame[columns] for frame in frames.values()]


def is_number(column: pd.Series) -> bool:
    """Whether a column is ordered by magnitude: numbers, dates and durations, not booleans."""
    if types.is_bool_dtype(column):
        return False
    return types.is_numeric_dtype(column) or _time_unit(column) != "" or _holds(column, "decimal")


def kind_of(column: pd.Series) -> str:
    """What a column is compared as: "number", "moment", "duration" or "label"."""
    if not is_number(column):
        return "label"
    return {"": "number", "M8[us]": "moment", "m8[ns]": "duration"}[_time_unit(column)]


def numbers(column: pd.Series) -> np.ndarray:
    """Values as float64 (dates in microseconds, durations in nanoseconds), missing ones as NaN."""
    unit = _time_unit(column)
    if unit and not _holds(column, "date", "datetime", "timedelta"):
        times = column.to_numpy(dtype=unit)
        return np.where(np.isnat(times), np.nan, times.astype(np.int64).astype(np.float64))
    if types.is_object_dtype(column) or unit:
        numbers_of: dict[str, Callable[[Any], float]] = {
            "": float,
            "M8[us]": _microseconds,
            "m8[ns]": _nanoseconds,
        }
        number = numbers_of[unit]
        values = column.astype(object)
        return np.array([np.nan if pd.isna(value) else number(value) for value in values])
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _microseconds(moment: Any) -> float:
    return round(pd.Timestamp(moment).timestamp() * 1e6)


def _nanoseconds(duration: Any) -> float:
    return float(pd.Timedelta(duration).value)


def _time_unit(column: pd.Series) -> str:
    """What numpy calls the moments or durations of a column, "" if it holds neither."""
    # Microseconds of moments: dates in the year 9999 are no nanoseconds of 64 bits.
    if types.is_datetime64_any_dtype(column) or _holds(column, "date", "datetime"):
        return "M8[us]"
    if types.is_timedelta64_dtype(column) or _holds(column, "timedelta"):
        return "m8[ns]"
    return ""


def _holds(column: pd.Series, *found: str) -> bool:
    """Whether a column of objects, or one that Arrow keeps, holds such values."""
    if isinstance(column.dtype, pd.ArrowDtype):
        name = str(column.dtype.pyarrow_dtype)
        known = {"date": "date", "datetime": "timestamp", "timedelta": "duration"}
        return any(name.startswith(known.get(kind, kind)) for kind in found)
    return types.is_object_dtype(column) and types.infer_dtype(column, skipna=True) in found


def encode(*frames: pd.DataFrame) -> tuple[list[np.ndarray], np.ndarray]:
    """Encode tables alike: numbers as they are, labels as codes, missing values as NaN.

    Parameters
    ----------
    *frames : DataFrame
        Tables of the same columns, in the same order. The first says what a number is.

    Returns
    -------
    arrays : list of ndarray of float64, shape (n_rows, n_columns)
        One for each table. Code 0 is the most frequent label in all tables together.
    labelled : ndarray of bool, shape (n_columns,)
        Which columns hold codes.
    """
    arrays = [np.empty(frame.shape) for frame in frames]
    labelled = np.array([not is_number(frames[0][name]) for name in frames[0].columns])
    for i, name in enumerate(frames[0].columns):
        parts = [frame[name] for frame in frames]
        if labelled[i]:
            labels = [part.astype(object) for part in parts]
            codes = {
                label: code for code, label in enumerate(pd.concat(labels).value_counts().index)
            }
            parts = [part.map(codes) for part in labels]
        for array, part in zip(arrays, parts, strict=True):
            array[:, i] = numbers(part)
    return arrays, labelled


def as_vectors(frames: list[pd.DataFrame], unit: str) -> list[csr_matrix]:
    """Tables as vectors that have a Euclidean distance.

    Labels are one-hot over √2, so that two different ones are at a distance of 1. A missing value
    is a label of its own, beside the smallest number or the mean.

    Parameters
    ----------
    frames : list of DataFrame
        Tables of the same columns, in the same order.
    unit : {"range", "deviation"}
        What numbers are measured in: the range of their column in the first table, from its
        smallest number on; or its standard deviation, from its mean on.
    """
    arrays, labelled = encode(*frames)
    spreads = [_start_and_spread(column, unit) for column in arrays[0].T]
    start, spread = np.array(spreads).reshape(-1, 2).T
    labels = [
        np.where(labelled, np.nan_to_num(array, nan=-1.0), np.isnan(array)) for array in arrays
    ]
    # What is the same in all rows is no distance, but would be a direction.
    varying = np.ptp(np.concatenate(labels), axis=0) > 0
    labels = [of[:, varying] for of in labels]
    one_hot = OneHotEncoder(dtype=np.float64).fit(np.concatenate(labels)) if varying.any() else None
    return [
        hstack(
            [
                csr_matrix(np.nan_to_num((array - start) / spread)[:, ~labelled]),
                one_hot.transform(label) / np.sqrt(2) if one_hot else csr_matrix((len(label), 0)),
            ],
            format="csr",
        )
        for array, label in zip(arrays, labels, strict=True)
    ]


def _start_and_spread(column: np.ndarray, unit: str) -> tuple[float, float]:
    """Where numbers begin, and what 1 is. A column without any is not measured at all."""
    values = column[~np.isnan(column)]
    if not len(values):
        return 0.0, np.inf
    if unit == "range":
        start, spread = values.min(), np.ptp(values)
    else:
        start, spread = values.mean(), values.std()
    return start, spread or 1.0  # a constant column is measured in its own units


def boosted_trees(
    kind: type[Trees], arrays: list[np.ndarray], labelled: np.ndarray, random_state: int | None
) -> tuple[Trees, list[np.ndarray]]:
    """Return scikit-learn's boosted trees for encoded tables, and the tables as they take them.

    Labels beyond the :data:`MAX_CATEGORIES` most frequent of a column count as one. Of numbers that
    hardly any row has, trees see which rows have one.
    """
    limits = np.where(labelled, MAX_CATEGORIES - 1, np.inf)
    # A fold without any would be an error of scikit-learn's.
    present = np.min([(~np.isnan(array)).sum(axis=0) for array in arrays], axis=0)
    rare = ~labelled & (present < FEWEST_VALUES)
    arrays = [np.where(rare, np.isnan(array), array) for array in arrays]
    trees = kind(categorical_features=labelled, random_state=random_state)
    return trees, [np.minimum(array, limits) for array in arrays]


def threads_for(rows: int) -> threadpool_limits:
    """Give small tables one thread: on a busy machine, two take a hundred times as long."""
    return threadpool_limits(1 if rows < WORTH_THREADS else None, user_api="openmp")
