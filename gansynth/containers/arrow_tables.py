"""pyarrow Tables, and single pyarrow arrays (which pandas may keep its columns in)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from gansynth.containers import columns as neutral
from gansynth.containers import temporal
from gansynth.schema import MISSING_CODE, MISSING_INTEGER, Column


def names(X: pa.Table) -> list:
    """Column names."""
    return X.column_names


def without(X: pa.Table, names: Sequence[str]) -> pa.Table:
    """Leave columns out."""
    return X.drop_columns(list(names))


def read(X: pa.Table) -> Iterator[tuple[Column, np.ndarray]]:
    """Read column by column."""
    for field, column in zip(X.schema, X.columns, strict=True):
        dtype = str(field.type) if field.nullable else f"{field.type} not null"
        yield read_column(field.name, dtype, column)


def write(columns: Sequence[Column], arrays: Sequence[np.ndarray]) -> pa.Table:
    """Build a table."""
    fields = [
        pa.field(
            str(column.name),
            arrow_type(column.dtype.removesuffix(" not null")),
            nullable=not column.dtype.endswith(" not null"),
        )
        for column in columns
    ]
    written = [
        write_column(column, field.type, values)
        for column, field, values in zip(columns, fields, arrays, strict=True)
    ]
    return pa.Table.from_arrays(written, schema=pa.schema(fields))


def append(X: pa.Table, rows: pa.Table) -> pa.Table:
    """Put rows behind those of X."""
    return pa.concat_tables([X, rows.cast(X.schema)])


def append_labels(y: pa.Array | pa.ChunkedArray, labels: np.ndarray) -> pa.ChunkedArray:
    """Put labels behind those of an array."""
    new = pa.array(labels.tolist())
    new = new.dictionary_encode() if pa.types.is_dictionary(y.type) else new
    chunks = y.chunks if isinstance(y, pa.ChunkedArray) else [y]
    return pa.chunked_array([*chunks, new.cast(y.type)])


def read_column(name: str | int, dtype: str, column: pa.ChunkedArray) -> tuple[Column, np.ndarray]:
    """Read one column."""
    array = column.combine_chunks()
    missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    kind = array.type
    if pa.types.is_floating(kind):
        return neutral.floats(name, dtype, array.to_numpy(zero_copy_only=False))  # null is NaN
    if pa.types.is_integer(kind):
        return neutral.integers(name, dtype, array.fill_null(0).to_numpy(), missing)
    if pa.types.is_boolean(kind):
        values = array.fill_null(False).to_numpy(zero_copy_only=False)
        return neutral.booleans(name, dtype, values, missing)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        labels, codes = _labels_and_codes(array.dictionary_encode())
        order = sorted(range(len(labels)), key=labels.__getitem__)
        rank = np.full(len(labels) + 1, MISSING_CODE)
        rank[order] = np.arange(len(labels))
        # the last rank, at MISSING_CODE, stays missing
        return neutral.categories(name, dtype, [labels[i] for i in order], rank[codes])
    if pa.types.is_dictionary(kind):
        labels, codes = _labels_and_codes(array)
        if None in labels or len(set(labels)) < len(labels):
            labels, codes = _labels_and_codes(array.dictionary_decode().dictionary_encode())
        return neutral.categories(name, dtype, labels, codes, ordered=kind.ordered)
    if pa.types.is_decimal(kind):
        return temporal.decimals(name, dtype, _unscaled(name, array), kind.scale)
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        moments = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
        unit = "D" if pa.types.is_date32(kind) else getattr(kind, "unit", "ms")
        zone = getattr(kind, "tz", None) or ""
        return temporal.ticks(name, dtype, _whole(array), unit, zone, moments=moments)
    if pa.types.is_null(kind):
        return neutral.all_missing(name, dtype, len(array))
    raise neutral.unsupported(name, kind)


def write_column(column: Column, kind: pa.DataType, values: np.ndarray) -> pa.Array:
    """Write one column as an array of the given type."""
    if pa.types.is_null(kind):
        return pa.nulls(len(values))
    missing = neutral.missing_in(column, values)
    mask = missing if column.nullable else None
    if pa.types.is_dictionary(kind):
        codes = pa.array(np.where(missing, 0, values), kind.index_type, mask=mask)
        labels = pa.array(column.categories, kind.value_type)
        return pa.DictionaryArray.from_arrays(codes, labels, ordered=kind.ordered)
    if column.kind == "category":
        # not every type of string can be gathered; those that cannot are cast to
        gathered = pa.large_string() if pa.types.is_large_string(kind) else pa.string()
        codes = pa.array(values, mask=mask)
        return pa.array(column.categories, gathered).take(codes).cast(kind)
    filled = np.where(missing, 0, values) if column.nullable else values
    if column.kind == "decimal":
        return _decimals(filled, missing, temporal.places_of(column)).cast(kind)
    if column.kind in ("datetime", "duration"):
        storage = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.array(filled, mask=mask).cast(storage).cast(kind)
    return pa.array(neutral.cast(filled, kind.to_pandas_dtype()), kind, mask=mask)


def arrow_type(name: str) -> pa.DataType:
    """The type whose str() is ``name``."""
    pattern = r"dictionary<values=(.+), indices=(\w+), ordered=([01])>"
    if match := re.fullmatch(pattern, name):
        values, indices, ordered = match.groups()
        return pa.dictionary(arrow_type(indices), arrow_type(values), ordered == "1")
    if match := re.fullmatch(r"(decimal\d+)\((\d+), (-?\d+)\)", name):
        return getattr(pa, match[1])(int(match[2]), int(match[3]))
    if match := re.fullmatch(r"timestamp\[(\w+), tz=(.+)\]", name):
        return pa.timestamp(match[1], tz=match[2])
    return pa.type_for_alias(name)


def _whole(array: pa.Array) -> np.ndarray:
    """Temporal values as the whole numbers that they are inside; MISSING_INTEGER where null."""
    storage = pa.int32() if array.type.bit_width == 32 else pa.int64()
    return array.cast(storage).cast(pa.int64()).fill_null(MISSING_INTEGER).to_numpy()


def _unscaled(name: str | int, array: pa.Array) -> np.ndarray:
    """Decimals as int64, without their point; MISSING_INTEGER where null."""
    places = array.type.scale
    missing = array.is_null().to_numpy(zero_copy_only=False)
    try:
        array = array.cast(pa.decimal128(38, places))
    except pa.ArrowInvalid as error:
        raise temporal.too_wide(name, f"of type {array.type}", places) from error
    # two 64-bit words a value, the lower one first: the upper one only repeats the sign
    words = np.frombuffer(array.buffers()[1], "<i8").reshape(-1, 2)
    words = words[array.offset : array.offset + len(array)]
    wide = (words[:, 1] != words[:, 0] >> 63) & ~missing
    if wide.any():
        raise temporal.too_wide(name, array[int(np.argmax(wide))].as_py(), places)
    return np.where(missing, MISSING_INTEGER, words[:, 0])


def _decimals(values: np.ndarray, missing: np.ndarray, places: int) -> pa.Array:
    """Whole numbers as decimals with that many places."""
    words = np.stack([values, values >> 63], axis=1).astype("<i8")
    present = np.packbits(~missing, bitorder="little")
    buffers = [pa.py_buffer(present), pa.py_buffer(words)]
    return pa.Array.from_buffers(pa.decimal128(38, places), len(values), buffers)


def _labels_and_codes(array: pa.DictionaryArray) -> tuple[list, np.ndarray]:
    codes = array.indices.cast(pa.int64()).fill_null(MISSING_CODE).to_numpy()
    return array.dictionary.to_pylist(), codes
