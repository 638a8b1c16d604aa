"""pandas DataFrames: numpy, masked, arrow-backed, categorical, string and object columns."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gansynth.containers import columns as neutral
from gansynth.containers import objects, temporal
from gansynth.schema import Column

KEPT = 256


def names(X: pd.DataFrame) -> list:
    """Column names as Python scalars."""
    if X.columns.nlevels > 1:
        raise ValueError(
            f"X has a MultiIndex of {X.columns.nlevels} levels as columns; flatten it, as in "
            "X.columns = ['_'.join(map(str, name)) for name in X.columns]"
        )
    return X.columns.tolist()


def without(X: pd.DataFrame, names: Sequence[str | int]) -> pd.DataFrame:
    """Leave columns out."""
    return X.loc[:, ~X.columns.isin(names)]


def read(X: pd.DataFrame) -> Iterator[tuple[Column, np.ndarray]]:
    """Read column by column."""
    for position, name in enumerate(names(X)):
        yield _read_column(name, X.iloc[:, position])


def write(columns: Sequence[Column], arrays: Sequence[np.ndarray]) -> pd.DataFrame:
    """Build a frame with a fresh index."""
    series = {
        column.name: _write_column(column, values)
        for column, values in zip(columns, arrays, strict=True)
    }
    return pd.DataFrame(series, index=pd.RangeIndex(len(arrays[0])), copy=False)


def append(X: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Put rows behind those of X, and number them all from 0."""
    return pd.concat([X, rows.astype(X.dtypes)], ignore_index=True)


def append_labels(y: Any, labels: np.ndarray) -> Any:
    """Put labels behind those of a series, or of a frame; see :func:`.labels.append_labels`."""
    names = {"columns": y.columns} if isinstance(y, pd.DataFrame) else {"name": y.name}
    new = type(y)(labels, **names).astype(y.dtypes)
    return pd.concat([y, new], ignore_index=True)


def _read_column(name: str | int, series: Any) -> tuple[Column, np.ndarray]:
    if isinstance(series.dtype, pd.SparseDtype):
        series = series.sparse.to_dense()
    dtype = series.dtype
    if isinstance(dtype, pd.ArrowDtype):
        from gansynth.containers import arrow_tables

        return arrow_tables.read_column(name, str(dtype), series.array.__arrow_array__())
    if isinstance(dtype, pd.CategoricalDtype):
        labels = dtype.categories.tolist()
        codes = series.cat.codes.to_numpy()
        return neutral.categories(name, _dtype_name(dtype), labels, codes, ordered=dtype.ordered)
    if isinstance(dtype, pd.StringDtype):
        codes, labels = pd.factorize(series.array, sort=True)
        return neutral.categories(name, _dtype_name(dtype), labels.tolist(), codes)
    if dtype == "object":
        return objects.read(name, series.to_numpy())
    if isinstance(dtype, pd.DatetimeTZDtype):
        _check_timezone(name, dtype)
        values = series.to_numpy(dtype=f"M8[{dtype.unit}]")  # in UTC
        return temporal.times(name, str(dtype), values, str(dtype.tz))
    # numpy dtypes and masked ones, which have a numpy dtype inside
    plain: Any = dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", None)
    kind = getattr(plain, "kind", "")
    if kind == "c":
        raise ValueError(f"Complex data not supported: column {name!r} has dtype {dtype}")
    if kind in ("M", "m"):
        return temporal.times(name, str(dtype), series.to_numpy())
    if kind == "f":
        return neutral.floats(name, str(dtype), series.to_numpy(dtype=plain, na_value=np.nan))
    if kind in ("i", "u", "b"):
        make = neutral.booleans if kind == "b" else neutral.integers
        if plain is dtype:
            return make(name, str(dtype), series.to_numpy())
        values = series.to_numpy(dtype=plain, na_value=plain.type(0))
        return make(name, str(dtype), values, series.isna().to_numpy())
    raise neutral.unsupported(name, dtype)


def _write_column(column: Column, values: np.ndarray) -> Any:
    if column.dtype.startswith("object"):
        # a bare array of strings would become one of pandas' string type
        return pd.Series(objects.write(column, values), dtype=object)
    dtype = _dtype(column.dtype, column)
    if isinstance(dtype, pd.ArrowDtype):
        from gansynth.containers import arrow_tables

        array = arrow_tables.write_column(column, dtype.pyarrow_dtype, values)
        return pd.arrays.ArrowExtensionArray(array)
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(values, dtype=dtype)
    if isinstance(dtype, pd.StringDtype):
        return _labels(column).take(values, allow_fill=True)
    if isinstance(dtype, pd.DatetimeTZDtype):
        utc = pd.DatetimeIndex(temporal.as_numpy(column, values)).tz_localize("UTC")
        return utc.tz_convert(dtype.tz).array
    if isinstance(dtype, np.dtype):
        return neutral.cast(values, dtype)
    missing = neutral.missing_in(column, values)
    array = pd.array(neutral.cast(np.where(missing, 0, values), dtype.numpy_dtype), dtype=dtype)
    array[missing] = pd.NA
    return array


def _check_timezone(name: str | int, dtype: pd.DatetimeTZDtype) -> None:
    """Refuse a time zone that its own name does not lead back to."""
    try:
        known = pd.api.types.pandas_dtype(str(dtype)) == dtype
    except (TypeError, ValueError):
        known = False
    if not known:
        raise ValueError(
            f"Column {name!r} has the time zone {dtype.tz}, which has no name; convert it to one "
            f"that has, as in X[{name!r}].dt.tz_convert('UTC')"
        )


def _dtype_name(dtype: Any) -> str:
    """A name that :func:`_dtype` understands: pandas' own wherever that is unambiguous."""
    if isinstance(dtype, pd.CategoricalDtype):
        return f"category[{_dtype_name(dtype.categories.dtype)}]"
    if isinstance(dtype, pd.StringDtype):
        if dtype.na_value is pd.NA:
            return f"string({dtype.storage})"
        # the default, whose storage depends on whether pyarrow is installed
        return "str" if dtype == pd.StringDtype(na_value=np.nan) else f"str({dtype.storage})"
    return str(dtype)


# Making labels and dtypes takes longer than drawing a row does, so the last ones are kept.


@functools.lru_cache(KEPT)
def _labels(column: Column) -> Any:
    """Labels of a column of strings, in code order."""
    return pd.array(column.categories, dtype=_named_dtype(column.dtype))


def _dtype(name: str, column: Column) -> Any:
    if name.startswith("category["):
        labels = pd.Index(column.categories, dtype=_dtype(name[len("category[") : -1], column))
        return pd.CategoricalDtype(labels, ordered=column.ordered)
    return _named_dtype(name)


@functools.lru_cache(KEPT)
def _named_dtype(name: str) -> Any:
    if name == "str":
        return pd.StringDtype(na_value=np.nan)
    if string := re.fullmatch(r"(str|string)\((\w+)\)", name):
        return pd.StringDtype(string[2], na_value=pd.NA if string[1] == "string" else np.nan)
    if name.endswith("[pyarrow]"):
        from gansynth.containers import arrow_tables

        return pd.ArrowDtype(arrow_tables.arrow_type(name.removesuffix("[pyarrow]")))
    return pd.api.types.pandas_dtype(name)
