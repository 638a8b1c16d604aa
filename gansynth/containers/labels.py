"""Class labels y: to codes and back."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from gansynth.containers.columns import shorten
from gansynth.schema import MISSING_CODE, Schema

FILES = {"pandas": "pandas_frames", "polars": "polars_frames", "pyarrow": "arrow_tables"}
"""Where containers of a library are dealt with."""


def read_labels(y: Any) -> tuple[tuple[Any, ...], np.ndarray, tuple[int, ...], str]:
    """Read class labels.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels of type str, int or bool (or floats that are whole): a list, an array, or a
        pandas, polars or pyarrow column.

    Returns
    -------
    classes : tuple
        The labels that occur, sorted, as Python scalars.
    codes : ndarray of int32, shape (n,)
        Index into ``classes``.
    counts : tuple of int
        Rows of each class.
    dtype : str
        Numpy dtype of y, for :func:`write_labels`.

    Raises
    ------
    ValueError
        If y is continuous, has more than one column, misses labels or mixes types.
    """
    array = _to_array(y)
    _check_discrete(array)
    classes, codes = _factorize(array)
    counts = np.bincount(codes, minlength=len(classes))
    return tuple(classes), codes.astype(np.int32), tuple(counts.tolist()), str(array.dtype)


def write_labels(schema: Schema, codes: np.ndarray) -> np.ndarray:
    """Labels of class codes, in the dtype that y had.

    Parameters
    ----------
    schema : Schema
        With classes.
    codes : ndarray of int, shape (n,)
        Index into ``schema.classes``.
    """
    return np.array(schema.classes, dtype=schema.class_dtype)[codes]


def codes_of(schema: Schema, y: Any) -> np.ndarray:
    """Class codes of labels that were among those fitted.

    Parameters
    ----------
    schema : Schema
        With classes.
    y : array-like of shape (n,)
        Labels.

    Returns
    -------
    ndarray of int32, shape (n,)

    Raises
    ------
    ValueError
        If y holds a class that was not fitted.
    """
    # Without pandas: sampling has to do without it.
    labels = _one_column(y).tolist()
    known = {label: code for code, label in enumerate(schema.classes)}
    codes = np.array([known.get(label, MISSING_CODE) for label in labels], dtype=np.int32)
    if (codes == MISSING_CODE).any():
        unknown = list(dict.fromkeys(labels[i] for i in np.flatnonzero(codes == MISSING_CODE)))
        raise ValueError(
            f"y holds unknown classes: {shorten(unknown)}; the classes fitted are "
            f"{shorten(schema.classes)}"
        )
    return codes


def append_labels(y: Any, labels: np.ndarray) -> Any:
    """Put labels behind those of y.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, columns)
        A list, an array, a sparse matrix, a pandas column or table, or a polars or pyarrow
        column; not changed.
    labels : ndarray of shape (m,), or of shape (m, columns) for several columns
        Values that y can hold.

    Returns
    -------
    array-like
        What y is, with its names and dtypes; of pandas numbered anew from 0.
    """
    if isinstance(y, list | tuple):
        return [*y, *labels.tolist()]
    if hasattr(y, "toarray"):
        from gansynth.containers import sparse

        return sparse.append(y, labels)
    library = type(y).__module__.partition(".")[0]
    if library in FILES:
        file = import_module(f"gansynth.containers.{FILES[library]}")
        return file.append_labels(y, labels)
    y = np.asarray(y)
    return np.concatenate([y, labels.reshape(-1, *y.shape[1:]).astype(y.dtype)])


def _to_array(y: Any) -> np.ndarray:
    """Give y as a one-dimensional array without missing labels."""
    import pandas as pd

    array = _one_column(y)
    if array.dtype == object:
        array = pd.Series(array, dtype=object).infer_objects().to_numpy()
    if pd.isna(array).any():
        raise ValueError("Input y contains NaN; drop the rows without a label")
    return array


def _one_column(y: Any) -> np.ndarray:
    """Give y as a one-dimensional array."""
    array = np.asarray(y)
    if array.dtype.kind == "U" and isinstance(y, list | tuple):
        # numpy would have made strings of numbers beside strings
        array = np.array(y, dtype=object)
    if array.ndim != 1:
        if array.ndim == 2 and array.shape[1] > 1:
            raise ValueError(
                f"y must have one column, got shape {array.shape}. Multilabel and multioutput "
                "targets are not supported."
            )
        from sklearn.utils import column_or_1d

        array = column_or_1d(array, warn=True)
    return array


def _check_discrete(array: np.ndarray) -> None:
    import pandas as pd
    from sklearn.utils.multiclass import check_classification_targets

    kind = array.dtype.kind
    if kind == "f" and np.isinf(array).any():
        raise ValueError("Input y contains infinity; labels must be str, int or bool")
    if kind in ("i", "u", "f"):
        check_classification_targets(array)
    elif kind == "O" and pd.api.types.infer_dtype(array, skipna=False) != "string":
        types = sorted({type(label).__name__ for label in array})
        raise ValueError(
            f"Unknown label type: {', '.join(types)}; labels must be all str, all int or all "
            "bool: convert y, as in y.astype(str)"
        )
    elif kind not in ("O", "U", "b"):
        raise ValueError(
            f"Unknown label type: {array.dtype}; labels must be str, int or bool: convert y"
        )


def _factorize(array: np.ndarray) -> tuple[list, np.ndarray]:
    """The labels that occur, sorted, and the code of each row."""
    import pandas as pd

    values = array.astype(object) if array.dtype.kind == "U" else array
    codes, labels = pd.factorize(values, sort=True)
    return labels.tolist(), codes
