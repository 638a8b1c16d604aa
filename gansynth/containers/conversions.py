"""Columns that are modelled as another kind than the one that their container has them as.

A postal code is an integer to pandas and a category to who knows what it means. What was read
is taken through :func:`model_as` before training, and what was generated through
:func:`as_stored` before it is written: no container knows of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gansynth.containers import columns as neutral
from gansynth.containers import temporal
from gansynth.containers.columns import missing_in
from gansynth.schema import MISSING_CODE, MISSING_INTEGER, WHOLE_KINDS, Column, Kind

NUMBERS = ("float", "integer", "boolean")
"""Kinds that pass for each other, wherever the values allow it."""


def model_as(column: Column, values: np.ndarray, kind: Kind) -> tuple[Column, np.ndarray]:
    """Take a column, as it was read, for another kind.

    Parameters
    ----------
    column : Column
        As it was read.
    values : ndarray
        Its neutral array.
    kind : str
        One that is modelled: any but "identifier".

    Returns
    -------
    column : Column
        Of that kind; ``stored`` says of which one it was.
    values : ndarray
        Its neutral array.

    Raises
    ------
    ValueError
        If it can't be taken for that, naming a value that it fails with, and the remedy.
    """
    if column.kind == kind:
        return column, values
    if kind == "category":
        return _as_category(column, values)
    if column.kind not in NUMBERS or kind not in NUMBERS:
        raise _impossible(column, values, kind)
    missing = missing_in(column, values)
    numbers = np.where(missing, 0, values)
    wrong = np.zeros(len(values), bool)
    if kind == "integer":
        wrong = (numbers != np.rint(numbers)) | (np.abs(numbers) >= 2.0**63)
    elif kind == "boolean":
        wrong = (numbers != 0) & (numbers != 1)
    if wrong.any():
        raise _impossible(column, values[wrong], kind)
    return replace(column, kind=kind, stored=column.kind), _numbers(kind, numbers, missing)


def as_stored(column: Column, values: np.ndarray) -> tuple[Column, np.ndarray]:
    """Give a generated column back the kind that its container has it as, and local steps.

    Parameters
    ----------
    column : Column
        As :func:`model_as` gave it, or any other, which stays as it is; or of identifiers.
    values : ndarray
        Its neutral array; of identifiers, integers or strings.
    """
    if column.local_step:
        return column, temporal.on_local_steps(column, values)
    if not column.stored:
        return column, values
    stored = replace(column, kind=column.stored, stored="", categories=(), identifier=None)
    if column.stored == "category":
        return replace(stored, categories=tuple(values)), np.arange(len(values))
    missing = missing_in(column, values)
    numbers = np.where(missing, 0, values)
    if column.kind == "category":
        labels = np.array(column.categories or (0,))
        numbers = labels[numbers.astype(np.int64)]
    elif column.kind == "float":
        numbers = np.rint(numbers) if column.stored == "integer" else numbers >= 0.5
    return stored, _numbers(column.stored, numbers, missing)


def conform(fitted: Column, found: Column, values: np.ndarray) -> np.ndarray:
    """Neutral array of a column that was read as ``found``, as its fitted self would be."""
    if not fitted.stored:
        return neutral.conform(fitted, found, values)
    stored = replace(fitted, kind=fitted.stored, stored="", categories=())
    as_read = neutral.conform(stored, found, values)
    return neutral.conform(fitted, *model_as(stored, as_read, fitted.kind))


def _as_category(column: Column, values: np.ndarray) -> tuple[Column, np.ndarray]:
    missing = missing_in(column, values)
    labels = np.unique(values[~missing])
    codes = np.where(missing, MISSING_CODE, np.searchsorted(labels, values))
    if column.kind == "boolean":
        labels = labels.astype(bool)
    converted = replace(
        column,
        kind="category",
        categories=tuple(labels.tolist()),
        ordered=column.kind != "boolean",
        stored=column.kind,
    )
    return converted, codes


def _numbers(kind: str, numbers: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Neutral array of numbers that are such of a kind already."""
    if kind == "float":
        return np.where(missing, np.nan, numbers.astype(np.float64))
    if kind in WHOLE_KINDS:
        return np.where(missing, MISSING_INTEGER, numbers.astype(np.int64))
    if not missing.any():
        return numbers.astype(bool)
    return np.where(missing, MISSING_CODE, numbers.astype(np.int64))


def _impossible(column: Column, values: np.ndarray, kind: str) -> ValueError:
    example: Any = values[~missing_in(column, values)][:1].tolist()
    if example and column.kind == "category":
        example = [column.categories[example[0]]]
    shown = f" {example[0]!r}" if example and column.kind in (*NUMBERS, "category") else "s"
    remedy = {
        "datetime": f"convert it first, as in pandas.to_datetime(X[{column.name!r}])",
        "duration": f"convert it first, as in pandas.to_timedelta(X[{column.name!r}])",
        "decimal": "leave it as it is, or convert it to decimals first",
    }.get(kind, f"convert it first, as in X[{column.name!r}].astype(...)")
    return ValueError(
        f"column_types={{{column.name!r}: {kind!r}}} can't be: the column has dtype {column.dtype} "
        f"and holds the {column.kind} value{shown}. Leave the column out of column_types, or "
        f"{remedy}."
    )
