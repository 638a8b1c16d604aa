"""Tables and arrays in files, by suffix: csv, parquet, npy and npz."""

from __future__ import annotations

import os
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np

from gansynth import atomic

TABLES = (".csv", ".parquet")
ARRAYS = (".npy", ".npz")


def read(path: str | os.PathLike[str], target: str | None = None) -> tuple[Any, Any]:
    """Read X, and y if it is named.

    Parameters
    ----------
    path : path-like
        A ``.csv`` or ``.parquet`` table, an ``.npy`` array, or an ``.npz`` archive whose
        only array (or whose array ``X``) is X. Nothing is unpickled.
    target : str, optional
        The column of a table, or the array of an archive, that is y.

    Returns
    -------
    X : DataFrame or ndarray
        Without y. In a frame, whole numbers and booleans with gaps have pandas' nullable
        dtypes, so that they stay what they are.
    y : Series, ndarray or None
        Labels.

    Raises
    ------
    OSError
        If the file can't be opened.
    ValueError
        If its suffix is unknown, it holds something else, or ``target`` isn't in it.
    """
    suffix = check_suffix(path, TABLES + ARRAYS)
    reader = {".csv": _read_csv, ".parquet": _read_parquet}.get(suffix, _read_arrays)
    with open(path, "rb") as file:
        try:
            content = reader(file)
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} can't be read as {suffix[1:]}: {error}") from error
    if suffix in TABLES:
        if target is None:
            return content, None
        _check_target(path, target, list(content.columns), "column")
        return content.drop(columns=target), content[target]
    if target is not None:
        _check_target(path, target, list(content), "array")
    y = None if target is None else content.pop(target)
    return _only(path, content), y


def write(path: str | os.PathLike[str], X: Any, y: Any = None, target: str = "y") -> None:
    """Write X and y, whole or not at all.

    Parameters
    ----------
    path : path-like
        ``.csv`` or ``.parquet`` for data frames and 2-D arrays, ``.npy`` (X alone) or
        ``.npz`` for arrays.
    X : DataFrame, Table, ndarray or list
        As a sampler returns it.
    y : ndarray of shape (n,), optional
        Labels: the last column of a table, or an array beside ``X``.
    target : str
        Their name.

    Raises
    ------
    OSError
        If the file can't be written; an older one stays as it was.
    ValueError
        If the suffix is unknown, or can't hold such data.
    """
    suffix = check_suffix(path, TABLES + ARRAYS)
    X = np.asarray(X) if isinstance(X, list) else X
    is_array = isinstance(X, np.ndarray)
    if suffix in ARRAYS and not is_array:
        raise ValueError(f"{path}: a table goes into a file with the suffix {' or '.join(TABLES)}.")
    if suffix in TABLES and is_array and X.ndim > 2:
        raise ValueError(f"{path}: images go into a file with the suffix {' or '.join(ARRAYS)}.")
    with atomic.replacing(path) as temporary:
        if suffix == ".npy":
            np.save(temporary, X, allow_pickle=False)
        elif suffix == ".npz":
            labels = {} if y is None else {target: _plain_labels(y)}
            np.savez(temporary, allow_pickle=False, X=X, **labels)
        else:
            _write_table(temporary, suffix, X, y, target)


def check_suffix(path: str | os.PathLike[str], known: tuple[str, ...]) -> str:
    """Suffix of a path, in lower case; a ValueError if it isn't one of those known."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        what = f"The suffix {suffix!r} is unknown" if suffix else "A suffix is missing"
        raise ValueError(f"{os.fspath(path)}: {what}; use {', '.join(known)}.")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise ValueError(
            f"{os.fspath(path)}: parquet needs pyarrow, which is not installed. Run `pip install "
            "'gansynth[parquet]'`, or use .csv."
        )
    return suffix


def _read_csv(file: IO[bytes]) -> Any:
    import pandas as pd

    return _with_plain_dtypes(pd.read_csv(file, dtype_backend="numpy_nullable"))


def _read_parquet(file: IO[bytes]) -> Any:
    import pandas as pd

    return _with_plain_dtypes(pd.read_parquet(file, dtype_backend="numpy_nullable"))


def _read_arrays(file: IO[bytes]) -> dict[str, np.ndarray]:
    content = np.load(file, allow_pickle=False)
    return {"X": content} if isinstance(content, np.ndarray) else dict(content)


def _with_plain_dtypes(frame: Any) -> Any:
    """Trade pandas' nullable dtypes for plain ones, wherever those can hold the values."""
    import pandas as pd

    plain = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.StringDtype):
            # The default, which needs no pyarrow where the model is sampled from.
            plain[name] = pd.StringDtype(na_value=np.nan)
        elif isinstance(column.dtype, (pd.Float32Dtype, pd.Float64Dtype)) or (
            hasattr(column.dtype, "numpy_dtype") and not column.hasnans
        ):
            plain[name] = column.dtype.numpy_dtype
    return frame.astype(plain)


def _check_target(path: Any, target: str, names: list[Any], what: str) -> None:
    if target not in names:
        listed = ", ".join(map(str, names[:20])) + (", …" if len(names) > 20 else "")
        raise ValueError(f"{path} has no {what} {target!r}; it has {listed}.")
    if len(names) == 1:
        raise ValueError(f"{path} has nothing but {target!r}: there is nothing left to learn.")


def _only(path: Any, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The array that is X."""
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    if "X" in arrays:
        return arrays["X"]
    raise ValueError(f"{path} holds {', '.join(arrays) or 'no arrays'}; call the one to learn X.")


def _write_table(path: Path, suffix: str, X: Any, y: Any, target: str) -> None:
    """Write a frame of any library, or a 2-D array as columns 0, 1, …"""
    import narwhals as nw

    if isinstance(X, np.ndarray):
        import pandas as pd

        X = pd.DataFrame(X, columns=[str(i) for i in range(X.shape[1])])
    frame = nw.from_native(X, eager_only=True)
    if y is not None:
        while target in frame.columns:
            target += "_"
        labels = nw.new_series(target, np.asarray(y).tolist(), backend=frame.implementation)
        frame = frame.with_columns(labels)
    if suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)


def _plain_labels(y: Any) -> np.ndarray:
    """Labels in a dtype that needs no pickle."""
    labels = np.asarray(y)
    return labels.astype(str) if labels.dtype == object else labels
