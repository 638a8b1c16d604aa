"""polars DataFrames."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from gansynth.containers import columns as neutral
from gansynth.containers import temporal
from gansynth.schema import MISSING_CODE, MISSING_INTEGER, Column


def names(X: pl.DataFrame) -> list:
    """Column names."""
    return X.columns


def without(X: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Leave columns out."""
    return X.drop(names)


def read(X: pl.DataFrame) -> Iterator[tuple[Column, np.ndarray]]:
    """Read column by column."""
    for series in X:
        yield _read_column(series.name, series)


def write(columns: Sequence[Column], arrays: Sequence[np.ndarray]) -> pl.DataFrame:
    """Build a frame."""
    return pl.DataFrame(
        [
            _write_column(column, values).alias(str(column.name))
            for column, values in zip(columns, arrays, strict=True)
        ]
    )


def append(X: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Put rows behind those of X."""
    return pl.concat([X, rows.cast(X.schema)])


def append_labels(y: pl.Series, labels: np.ndarray) -> pl.Series:
    """Put labels behind those of a series."""
    return pl.concat([y, pl.Series(y.name, labels.tolist(), dtype=y.dtype)])


def _read_column(name: str, series: pl.Series) -> tuple[Column, np.ndarray]:
    dtype = series.dtype
    missing = series.is_null().to_numpy() if series.null_count() else None
    if dtype.is_float():
        return neutral.floats(name, str(dtype), series.to_numpy())  # null becomes NaN
    if dtype.is_integer():
        try:
            values = series.fill_null(0).cast(pl.Int64).to_numpy()
        except pl.exceptions.InvalidOperationError as error:
            raise neutral.too_large(name) from error
        return neutral.integers(name, str(dtype), values, missing)
    if dtype == pl.Boolean:
        return neutral.booleans(name, str(dtype), series.fill_null(False).to_numpy(), missing)
    if isinstance(dtype, pl.Enum):
        codes = _codes(series)
        return neutral.categories(name, "Enum", dtype.categories.to_list(), codes, ordered=True)
    if isinstance(dtype, pl.String | pl.Categorical):
        # a Categorical shares its labels with every other one: take those that occur here
        strings = series.cast(pl.String)
        labels = strings.unique().drop_nulls().sort()
        codes = _codes(strings.cast(pl.Enum(labels)))
        return neutral.categories(name, _dtype_name(dtype), labels.to_list(), codes)
    if dtype.is_temporal():
        whole = series.to_physical().cast(pl.Int64).fill_null(MISSING_INTEGER).to_numpy()
        unit = "D" if dtype == pl.Date else getattr(dtype, "time_unit", "ns")
        moments = dtype in (pl.Date, pl.Datetime)
        zone = getattr(dtype, "time_zone", None) or ""
        return temporal.ticks(name, dtype.base_type().__name__, whole, unit, zone, moments=moments)
    if isinstance(dtype, pl.Decimal):
        whole = np.full(len(series), MISSING_INTEGER)
        present = series.drop_nulls().to_list()
        whole[series.is_not_null().to_numpy()] = temporal.unscaled(name, present, dtype.scale)
        return temporal.decimals(
            name, f"Decimal{json.dumps([dtype.precision])}", whole, dtype.scale
        )
    if dtype == pl.Null:
        return neutral.all_missing(name, str(dtype), len(series))
    raise neutral.unsupported(name, dtype)


def _write_column(column: Column, values: np.ndarray) -> pl.Series:
    dtype = _dtype(column)
    if column.kind == "float":
        return pl.Series(values).fill_nan(None).cast(dtype)
    missing = neutral.missing_in(column, values)
    if column.kind == "category":
        labels = pl.Series([*column.categories, None], dtype=dtype)
        return labels.gather(np.where(missing, len(column.categories), values))
    if column.kind == "decimal":
        written = temporal.as_decimals(np.where(missing, 0, values), temporal.places_of(column))
        gaps = [None if gap else value for gap, value in zip(missing, written, strict=True)]
        return pl.Series(gaps, dtype=dtype)
    series = pl.Series(values)
    # before the cast, which a missing value's stand-in might not survive
    return (series.set(pl.Series(missing), None) if column.nullable else series).cast(dtype)


def _codes(series: pl.Series) -> np.ndarray:
    return series.to_physical().cast(pl.Int64).fill_null(MISSING_CODE).to_numpy()


def _dtype_name(dtype: pl.String | pl.Categorical) -> str:
    """A name that :func:`_dtype` understands."""
    if isinstance(dtype, pl.String) or dtype.categories.is_global():
        return str(dtype)
    pool = dtype.categories
    return f"Categorical{json.dumps([pool.name(), pool.namespace(), str(pool.physical())])}"


def _dtype(column: Column) -> pl.DataType:
    if column.dtype == "Enum":
        return pl.Enum(column.categories)
    if column.dtype.startswith("Categorical["):
        name, namespace, physical = json.loads(column.dtype.removeprefix("Categorical"))
        return pl.Categorical(pl.Categories(name, namespace, _named(physical)))
    if column.dtype.startswith("Decimal["):
        precision = json.loads(column.dtype.removeprefix("Decimal"))[0]
        return pl.Decimal(precision, temporal.places_of(column))
    unit: Any = column.unit
    if column.dtype == "Datetime":
        return pl.Datetime(unit, column.timezone or None)
    if column.dtype == "Duration":
        return pl.Duration(unit)
    return _named(column.dtype)()


def _named(name: str) -> Any:
    """The class of a dtype; a name from a file must not stand for anything else in polars."""
    found = getattr(pl, name, None)
    if isinstance(found, type) and issubclass(found, pl.DataType):
        return found
    raise ValueError(f"polars has no dtype {name!r}")
