"""Tables and arrays in files, by suffix: csv, parquet, npy and npz."""

from __future__ import annotations

import csv
import functools
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
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
    X = np.asarray(X) if isinstance(X, list) else X
    suffix = check_content(path, X)
    with atomic.replacing(path) as temporary:
        if suffix == ".npy":
            np.save(temporary, X, allow_pickle=False)
        elif suffix == ".npz":
            labels = {} if y is None else {target: _plain_labels(y)}
            np.savez(temporary, allow_pickle=False, X=X, **labels)
        else:
            _write_table(temporary, suffix, X, y, target)


def check_content(path: str | os.PathLike[str], X: Any) -> str:
    """Suffix of a path; a ValueError if it can't hold X, or is unknown."""
    suffix = check_suffix(path, TABLES + ARRAYS)
    is_array = isinstance(X, (np.ndarray, list))
    if suffix in ARRAYS and not is_array:
        raise ValueError(f"{path}: a table goes into a file with the suffix {' or '.join(TABLES)}.")
    if suffix in TABLES and is_array and np.ndim(X) > 2:
        raise ValueError(f"{path}: images go into a file with the suffix {' or '.join(ARRAYS)}.")
    return suffix


def join(path: str | os.PathLike[str], parts: Sequence[Path]) -> None:
    """Make one file of several that :func:`write` wrote, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file, with the suffix of the parts.
    parts : sequence of Path
        In order; one or more. They have the same columns or arrays. No more than one of them is in
        memory at a time.

    Raises
    ------
    OSError
        If a part can't be read or the file can't be written; an older one stays as it was.
    """
    joined = {".csv": _join_csv, ".parquet": _join_parquet, ".npy": _join_npy, ".npz": _join_npz}
    with atomic.replacing(path) as temporary:
        if len(parts) == 1:
            shutil.copyfile(parts[0], temporary)
        else:
            joined[Path(path).suffix.lower()](temporary, parts)


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


def _join_csv(path: Path, parts: Sequence[Path]) -> None:
    with open(parts[0], newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        next(reader)
        lines_of_names = reader.line_num  # a name may have line breaks in it
    with open(path, "wb") as joined:
        for i, part in enumerate(parts):
            with open(part, "rb") as file:
                if i:
                    for _ in range(lines_of_names):
                        file.readline()
                shutil.copyfileobj(file, joined)


def _join_parquet(path: Path, parts: Sequence[Path]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    # A column that is missing in all rows of a part has no type there.
    schema = pa.unify_schemas([parquet.read_schema(part) for part in parts])
    with parquet.ParquetWriter(path, schema) as writer:
        for part in parts:
            writer.write_table(parquet.read_table(part).cast(schema))


def _join_npy(path: Path, parts: Sequence[Path]) -> None:
    with open(path, "wb") as joined:
        _write_joined(joined, parts, lambda part: np.load(part, mmap_mode="r"))


def _join_npz(path: Path, parts: Sequence[Path]) -> None:
    with np.load(parts[0]) as first:
        names = first.files
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as joined:
                _write_joined(joined, parts, functools.partial(_member, name))


def _member(name: str, part: Path) -> np.ndarray:
    with np.load(part) as archive:
        return archive[name]


def _write_joined(
    joined: IO[bytes], parts: Sequence[Path], read_part: Callable[[Path], np.ndarray]
) -> None:
    """Write arrays one behind the other, as one."""
    kinds = [(array.shape, array.dtype) for array in map(read_part, parts)]
    # Labels are as wide as the longest of a part.
    dtype = np.result_type(*(dtype for _, dtype in kinds))
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (sum(shape[0] for shape, _ in kinds), *kinds[0][0][1:]),
    }
    np.lib.format.write_array_header_2_0(joined, header)
    for part in parts:
        joined.write(np.ascontiguousarray(read_part(part), dtype).tobytes())


def _plain_labels(y: Any) -> np.ndarray:
    """Labels in a dtype that needs no pickle."""
    labels = np.asarray(y)
    return labels.astype(str) if labels.dtype == object else labels
