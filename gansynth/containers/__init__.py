"""What X comes in, and what samples are handed back in.

:func:`read` turns a container into the neutral form of :mod:`gansynth.schema` and
:func:`write` turns neutral arrays into that container again. One file a container; pandas,
polars and pyarrow are imported when such a container is met, and not before.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from gansynth.containers import flat, plain
from gansynth.containers.columns import check_names, check_size, in_order, missing_in, shorten
from gansynth.containers.conversions import as_stored, conform
from gansynth.containers.flat import fold
from gansynth.containers.labels import FILES, append_labels, codes_of, read_labels, write_labels
from gansynth.containers.temporal import as_numpy
from gansynth.schema import FRAMES, WHOLE_KINDS, Column, Schema

__all__ = [
    "append",
    "append_labels",
    "as_frame",
    "codes_of",
    "fold",
    "missing_in",
    "read",
    "read_as",
    "read_labels",
    "read_part",
    "read_values",
    "write",
    "write_labels",
]


def read(X: Any, skip: Sequence[Any] = ()) -> tuple[Schema, dict[str, np.ndarray]]:
    """Find out what X holds, and read it.

    Parameters
    ----------
    X : DataFrame, Table, array-like
        A pandas or polars DataFrame, a pyarrow Table; a numpy array, a sparse matrix or nested
        lists of shape (n, d) (a table, columns named x0, x1, …); an array or lists of shape
        (n, h, w) (grey images) or (n, h, w, c) (images).
    skip : sequence
        Names of columns to leave out, whatever they hold; those that are not there are ignored.

    Returns
    -------
    schema : Schema
        All that is needed to write such data again; without classes. Columns that were left
        out are ``dropped``.
    data : dict of str to ndarray
        Neutral arrays by :attr:`Column.output`, or ``{"image": array of shape
        (n, h, w, c)}``: uint8 if X is, otherwise float32 or float64. Arrays may share
        memory with X.

    Raises
    ------
    TypeError
        If X is no such container, or a column holds what cannot be modelled.
    ValueError
        If X is empty, has the wrong number of dimensions, holds infinite or complex
        values, or column names that are not unique.
    """
    container = _container(X)
    file = _file(container)
    if container not in FRAMES:
        return file.read(X, container, skip)
    check_size(X.shape)
    dropped = tuple(name for name in file.names(X) if name in skip)
    X = file.without(X, dropped) if dropped else X
    check_size(X.shape)
    check_names(file.names(X))
    columns, values = zip(*file.read(X), strict=True)
    outputs = [column.output for column in columns]
    schema = Schema(container, columns=columns, dropped=dropped)
    return schema, dict(zip(outputs, values, strict=True))


def read_as(schema: Schema, X: Any) -> dict[str, np.ndarray]:
    """Read further data under the schema of the data that were fitted.

    Parameters
    ----------
    schema : Schema
        As :func:`read` gave it.
    X : DataFrame, Table, array-like
        The same columns, in any container and order; where X or the fitted data are an
        array, which has no names, columns are taken in order.

    Returns
    -------
    dict of str to ndarray
        Neutral arrays, in the order and with the category codes of ``schema``; of identifiers
        none. Columns that were dropped may be there or not.

    Raises
    ------
    ValueError
        If columns are missing or unexpected, or hold what the fitted data did not: another
        kind of value, an unknown category, missing values; or if images differ in shape.
    """
    if schema.pixels:
        return flat.images(schema, read_as(schema.unfolded, X))
    found, data = read(X, _dropped(schema, X))
    if schema.image_shape != found.image_shape:
        raise ValueError(
            f"X holds {_describe(found)}, but {_describe(schema)} were fitted; pass data of "
            "the kind that was fitted"
        )
    if schema.is_image:
        if (schema.dtype == "uint8") != (found.dtype == "uint8"):
            # 0 to 255 or 0 to 1: what is meant can't be told
            raise ValueError(
                f"X holds images of {found.dtype}, but images of {schema.dtype} were fitted; "
                "convert them, values too"
            )
        return data
    if schema.container in FRAMES and found.container in FRAMES:
        _check_same_names(schema, found)
        by_name = {column.output: column for column in found.columns}
    else:
        _check_number(schema, found)
        pairs = list(zip(schema.columns, found.columns, strict=True))
        data = {fitted.output: data[column.output] for fitted, column in pairs}
        by_name = {fitted.output: column for fitted, column in pairs}
    return {
        column.output: conform(column, by_name[column.output], data[column.output])
        for column in schema.modelled.columns
    }


def read_part(
    schema: Schema, X: Any, *, whole: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read data that have some of the columns that were fitted, or lack values in them.

    Parameters
    ----------
    schema : Schema
        As :func:`read` gave it.
    X : DataFrame, Table, array-like or dict of array-like
        Some of the columns, in any container and order; all of them, if it is an array. A dict
        is what samples come in where the library of frames is not installed.
    whole : bool
        Whether all columns have to be there.

    Returns
    -------
    data : dict of str to ndarray
        Neutral arrays of the columns that X has, identifiers as they are; anything where a
        value is missing.
    known : dict of str to ndarray of bool
        Where there is a value.

    Raises
    ------
    ValueError
        If X has columns that were not fitted, or values that their columns can't hold.
    """
    if isinstance(X, Mapping):
        columns, data = plain.read(X, schema.dropped)
        found = Schema(schema.container, columns=columns)
    else:
        found, data = read(X, _dropped(schema, X))
    if schema.is_image or found.is_image:
        raise ValueError(f"X holds {_describe(found)}, but {_describe(schema)} were fitted")
    if schema.container in FRAMES and found.container in FRAMES:
        if whole:
            _check_same_names(schema, found)
        fitted = {column.output: column for column in schema.columns}
        unexpected = [column.name for column in found.columns if column.output not in fitted]
        if unexpected:
            raise ValueError(
                f"X has columns that were not fitted: {shorten(unexpected)}. Drop them"
            )
        pairs = [(fitted[column.output], column) for column in found.columns]
    else:
        _check_number(schema, found)
        pairs = list(zip(schema.columns, found.columns, strict=True))
    values, known = {}, {}
    for column, own in pairs:
        present = ~missing_in(own, data[own.output])
        of_present = data[own.output][present]
        if column.identifier and own.kind == "category":
            of_present = np.array([*own.categories, None], dtype=object)[of_present]
        elif not column.identifier:
            of_present = conform(column, own, of_present)
        values[column.output] = np.zeros(len(present), of_present.dtype)
        values[column.output][present] = of_present
        known[column.output] = present
    return values, known


def read_values(column: Column, values: Sequence[Any]) -> np.ndarray:
    """Read values that one column is to hold; None where it is to be missing.

    Raises
    ------
    ValueError, TypeError
        If the column can't hold them.
    """
    from gansynth.containers import objects

    found, array = objects.read(column.name, objects.array_of(values))
    return conform(column, found, array)


def write(schema: Schema, data: Mapping[str, np.ndarray], n: int) -> Any:
    """Hand neutral arrays back in the container, with the names and dtypes, of X.

    The inverse of :func:`read`, with three differences: an index is not kept (pandas rows
    are numbered from 0), sparse columns of a frame come back dense, and where a container has a
    mark of its own for a missing number (polars, pyarrow, nullable pandas), NaN becomes that.

    Parameters
    ----------
    schema : Schema
        As :func:`read` gave it.
    data : mapping of str to ndarray
        Neutral arrays of n values by :attr:`Column.output`, of identifiers the identifiers
        themselves; or one array of shape (n, d) holding all columns but those in order, under
        any name; or ``{"image": array}``.
    n : int
        Number of rows; may be 0.

    Returns
    -------
    DataFrame, Table, ndarray or list
        What X was, with n rows; of a frame whose library is not installed, a dict of numpy
        arrays, see :mod:`gansynth.containers.plain`.
    """
    if schema.pixels:
        schema, data = flat.unfold(schema, data)
    if any(column.stored or column.local_step for column in schema.columns):
        pairs = zip(schema.columns, in_order(schema, data), strict=True)
        columns, values = zip(*(as_stored(*pair) for pair in pairs), strict=True)
        schema = replace(schema, columns=columns)
        data = {column.output: array for column, array in zip(columns, values, strict=True)}
    if schema.container not in FRAMES:
        return _file(schema.container).write(schema, data, n)
    file = _file(schema.container) if find_spec(schema.container) else plain
    return file.write(schema.columns, in_order(schema, data))


def append(X: Any, rows: Any) -> Any:
    """Put rows behind those of X.

    Parameters
    ----------
    X : DataFrame, Table, array-like
        As for :func:`read`; not changed.
    rows : the same container
        Of the same columns, as :func:`write` gave them.

    Returns
    -------
    DataFrame, Table, ndarray, sparse matrix or list
        What X is, with its names and dtypes; a pandas frame numbered anew from 0.
    """
    return _file(_container(X)).append(X, rows)


def as_frame(X: Any) -> Any:
    """What X holds, as a pandas frame of numbers and labels: what metrics compare.

    Parameters
    ----------
    X : DataFrame, Table, array-like
        As for :func:`read`.

    Returns
    -------
    DataFrame
        Floats, NaN where missing, of numbers; datetimes (in UTC, if they have a time zone) and
        durations as such; objects, None where missing, of the rest. Of images a column a value.
    """
    import pandas as pd

    schema, data = read(X)
    if schema.is_image:
        images = data["image"]
        return pd.DataFrame(images.reshape(len(images), -1))
    return pd.DataFrame(
        {column.output: _plain(column, data[column.output]) for column in schema.columns}
    )


def _plain(column: Column, values: np.ndarray) -> np.ndarray:
    """Numbers as floats, times as numpy has them, labels as objects."""
    if column.kind == "float":
        return values
    if column.kind in ("datetime", "duration"):
        return as_numpy(column, values)
    missing = missing_in(column, values)
    if column.kind in WHOLE_KINDS:
        one = float(column.unit) if column.kind == "decimal" else 1.0
        return np.where(missing, np.nan, values.astype(np.float64) * one)
    labels = np.array([*(column.categories or (False, True)), None], dtype=object)
    return labels[np.where(missing, -1, values.astype(np.int64))]


def _file(container: str) -> Any:
    """The module that deals with a container."""
    arrays = "arrays" if container in ("numpy", "list") else "sparse"
    return import_module(f"{__name__}.{FILES.get(container, arrays)}")


def _container(X: Any) -> Any:
    """Name of the container, or an error that says what to pass instead."""
    if isinstance(X, list | tuple):
        return "list"
    if isinstance(X, np.ndarray):
        return "numpy"
    for container, name in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table")):
        if _is(X, container, name):
            return container
    if _is(X, "pandas", "Series") or _is(X, "polars", "Series"):
        raise ValueError(
            "Expected 2D data, got a Series instead: pass X.to_frame() if it is the only column"
        )
    if hasattr(X, "toarray"):
        from gansynth.containers import sparse

        return sparse.container_of(X)
    if hasattr(X, "collect"):
        raise TypeError(f"X is a {type(X).__name__}, not yet computed: pass X.collect()")
    # a frame of another library can often turn into an array too, but would lose its dtypes
    if hasattr(X, "__array__") and not hasattr(X, "columns"):
        return "numpy"
    raise TypeError(
        f"X is a {type(X).__module__}.{type(X).__qualname__}; pass a pandas or polars "
        "DataFrame, a pyarrow Table, a numpy array, a sparse matrix or a list of rows"
    )


def _is(X: Any, library: str, name: str) -> bool:
    """Whether X is of a library's class; where the library is not imported, nothing is."""
    return isinstance(X, getattr(sys.modules.get(library), name, ()))


def _check_number(schema: Schema, found: Schema) -> None:
    if len(schema.columns) != len(found.columns):
        # scikit-learn's wording, which its estimator checks look for
        raise ValueError(
            f"X has {len(found.columns)} features, but GANSampler is expecting "
            f"{len(schema.columns)} features as input"
        )


def _dropped(schema: Schema, X: Any) -> tuple[Any, ...]:
    """Columns to leave out of further data, which an array, such as a sample, may lack already."""
    if schema.container in FRAMES or not schema.dropped or hasattr(X, "columns"):
        return schema.dropped
    width = np.size(X[0])
    return schema.dropped if width == len(schema.columns) + len(schema.dropped) else ()


def _check_same_names(schema: Schema, found: Schema) -> None:
    fitted = {column.output: column.name for column in schema.columns}
    present = {column.output: column.name for column in found.columns}
    missing = [fitted[name] for name in fitted if name not in present]
    unexpected = [present[name] for name in present if name not in fitted]
    problems = [
        f"{problem} column{'s' if len(names) > 1 else ''} {shorten(names)}"
        for problem, names in (("missing", missing), ("unexpected", unexpected))
        if names
    ]
    if problems:
        raise ValueError(
            f"The columns of X differ from those fitted: {'; '.join(problems)}. Pass a table "
            "with the columns that were fitted"
        )


def _describe(schema: Schema) -> str:
    return f"images of shape {schema.image_shape}" if schema.is_image else "tables"
