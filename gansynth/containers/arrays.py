"""numpy arrays and nested lists: tables, points and images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gansynth.containers import columns as neutral
from gansynth.containers import objects, temporal
from gansynth.schema import Column, Container, Schema

MOST_SIZES = 5
"""Sizes that are named where there should be one."""


def read(
    X: Any, container: Container, skip: Sequence[Any] = ()
) -> tuple[Schema, dict[str, np.ndarray]]:
    """Read a table of shape (n, d) or images of shape (n, h, w) or (n, h, w, c)."""
    array = _list_to_array(X) if container == "list" else np.asarray(X)
    if np.ma.isMaskedArray(X):
        raise TypeError("X is a masked array; pass X.filled(np.nan)")
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: X has dtype {array.dtype}")
    if array.ndim < 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead: X has shape {array.shape}. "
            "Reshape your data using X.reshape(-1, 1) if it has a single column or "
            "X.reshape(1, -1) if it is a single row"
        )
    neutral.check_size(array.shape)
    if array.ndim > 2:
        return _read_images(array, container)
    return _read_table(array, container, skip)


def write(schema: Schema, data: Mapping[str, np.ndarray], n: int) -> np.ndarray | list:
    """Build an array of n rows."""
    if schema.is_image:
        images = neutral.cast(data["image"], np.dtype(schema.dtype))
        array = images[..., 0] if schema.squeeze else images
    else:
        array = _write_table(schema, data, n)
    return array.tolist() if schema.container == "list" else array


def append(X: np.ndarray | list | tuple, rows: np.ndarray | list) -> np.ndarray | list:
    """Put rows behind those of X."""
    if isinstance(X, list | tuple):
        return [*X, *rows]
    X = np.asarray(X)
    return np.concatenate([X, np.asarray(rows).astype(X.dtype, copy=False)])


def _list_to_array(X: list | tuple) -> np.ndarray:
    """A table as an array of objects, each column of its own type; images as one of numbers."""
    try:
        depth = 1 + np.ndim(X[0]) if X else 1
        # numpy would make strings of numbers beside strings, and floats of ints beside floats
        array = np.array(X, dtype=object) if depth < 3 else np.array(X)
    except ValueError as error:
        sizes = Counter("x".join(map(str, np.shape(x))) for x in X if isinstance(x, np.ndarray))
        if len(sizes) > 1:
            told = ", ".join(f"{size} ({count})" for size, count in sizes.most_common(MOST_SIZES))
            raise ValueError(
                f"X holds arrays of {len(sizes)} sizes: {told}. Resize images to one size, or read "
                "their files by gansynth.datasets.load_images(files, size=(height, width))."
            ) from None
        raise ValueError(f"The nested lists of X differ in length: {error}") from error
    if depth == 2 and array.ndim != 2:
        lengths = sorted({np.size(row) for row in X})
        raise ValueError(
            f"The rows of X differ in length, got lengths {neutral.shorten(lengths)}; fill what is "
            "missing by None"
        )
    return array


def _read_table(
    array: np.ndarray, container: Container, skip: Sequence[Any]
) -> tuple[Schema, dict[str, np.ndarray]]:
    names = [f"x{j}" for j in range(array.shape[1])]
    pairs = [read_column(name, array[:, j]) for j, name in enumerate(names) if name not in skip]
    neutral.check_size((len(array), len(pairs)))
    columns = tuple(column for column, _ in pairs)
    data = {column.output: values for column, values in pairs}
    dropped = tuple(name for name in names if name in skip)
    return Schema(container, columns=columns, dtype=str(array.dtype), dropped=dropped), data


def read_column(name: str | int, values: np.ndarray) -> tuple[Column, np.ndarray]:
    """Read one column, by its dtype."""
    kind, dtype = values.dtype.kind, str(values.dtype)
    if kind == "f":
        return neutral.floats(name, dtype, values)
    if kind in ("i", "u"):
        return neutral.integers(name, dtype, values)
    if kind == "b":
        return neutral.booleans(name, dtype, values)
    if kind in ("M", "m") and np.datetime_data(values.dtype)[0] != "generic":
        return temporal.times(name, dtype, values)
    if kind == "U":
        import pandas as pd

        codes, labels = pd.factorize(values.astype(object), sort=True)
        return neutral.categories(name, dtype, labels, codes)
    if kind == "O":
        return objects.read(name, values)
    raise neutral.unsupported(name, dtype)


def _write_table(schema: Schema, data: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    dtype = np.dtype(schema.dtype)
    array = np.empty((n, len(schema.columns)), dtype=dtype)
    for j, (column, values) in enumerate(
        zip(schema.columns, neutral.in_order(schema, data), strict=True)
    ):
        if dtype.kind == "O":
            array[:, j] = objects.write(column, values)
        elif column.kind == "category":
            array[:, j] = np.array(column.categories, dtype=dtype)[values]
        else:
            array[:, j] = neutral.cast(values, dtype)
    return array


def _read_images(array: np.ndarray, container: Container) -> tuple[Schema, dict[str, np.ndarray]]:
    if array.ndim > 4:
        raise ValueError(
            f"Expected images of shape (n, h, w) or (n, h, w, channels), got shape {array.shape}"
        )
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"Images must hold numbers, got dtype {array.dtype}; convert X to uint8 or float32"
        )
    squeeze = array.ndim == 3
    images = neutral.brightness(array[..., np.newaxis] if squeeze else array)
    schema = Schema(
        container, image_shape=images.shape[1:], dtype=str(array.dtype), squeeze=squeeze
    )
    return schema, {"image": images}
