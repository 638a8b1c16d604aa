"""One column in neutral form: what every container's reader ends in.

Each maker below gets what a reader found (a name, the container's name of the dtype, a
numpy array and where values are missing) and gives the :class:`Column` and its neutral
array, or an error that names the column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gansynth.containers import temporal
from gansynth.schema import MISSING_CODE, MISSING_INTEGER, WHOLE_KINDS, Column, Schema

LARGEST_INTEGER = np.iinfo(np.int64).max


def floats(name: str | int, dtype: str, values: np.ndarray) -> tuple[Column, np.ndarray]:
    """Real numbers; NaN where missing."""
    values = values.astype(np.float32 if values.dtype.itemsize < 8 else np.float64, copy=False)
    if np.isinf(values).any():
        raise ValueError(
            f"Column {name!r} contains infinity; replace infinite values by finite ones or by "
            "missing values, or drop their rows"
        )
    return Column(name, "float", dtype, nullable=bool(np.isnan(values).any())), values


def integers(
    name: str | int, dtype: str, values: np.ndarray, missing: np.ndarray | None = None
) -> tuple[Column, np.ndarray]:
    """Whole numbers of any width; anything that fits where ``missing`` is true."""
    if values.dtype == np.uint64 and values.max(initial=0) > LARGEST_INTEGER:
        raise too_large(name)
    values = values.astype(np.int64, copy=False)
    if missing is None or not missing.any():
        return Column(name, "integer", dtype), values
    if (values[~missing] == MISSING_INTEGER).any():
        raise ValueError(
            f"Column {name!r} has missing values and the value {MISSING_INTEGER}, which stands "
            "for a missing one inside; replace that value"
        )
    return Column(name, "integer", dtype, nullable=True), np.where(missing, MISSING_INTEGER, values)


def booleans(
    name: str | int, dtype: str, values: np.ndarray, missing: np.ndarray | None = None
) -> tuple[Column, np.ndarray]:
    """Booleans; either where ``missing`` is true."""
    if missing is None or not missing.any():
        return Column(name, "boolean", dtype), values
    codes = np.where(missing, MISSING_CODE, values.astype(np.int64))
    return Column(name, "boolean", dtype, nullable=True), codes


def categories(
    name: str | int,
    dtype: str,
    labels: Iterable[Any],
    codes: np.ndarray,
    *,
    ordered: bool | None = False,
) -> tuple[Column, np.ndarray]:
    """Labels and codes into them; :data:`MISSING_CODE` where missing."""
    labels = tuple(_scalar(name, label) for label in labels)
    codes = codes.astype(np.int64, copy=False)
    nullable = bool((codes == MISSING_CODE).any())
    return Column(name, "category", dtype, labels, bool(ordered), nullable), codes


def all_missing(name: str | int, dtype: str, n: int) -> tuple[Column, np.ndarray]:
    """A column of a dtype that tells nothing, without a single value."""
    return categories(name, dtype, (), np.full(n, MISSING_CODE))


def missing_in(column: Column, values: np.ndarray) -> np.ndarray:
    """Where a neutral array has no value, as a boolean array."""
    if not column.nullable:
        return np.zeros(len(values), dtype=bool)
    if column.kind == "float":
        return np.isnan(values)
    return values == (MISSING_INTEGER if column.kind in WHOLE_KINDS else MISSING_CODE)


def in_order(schema: Schema, data: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Arrays of all columns, each (n,); one of shape (n, d) may hold all but identifiers."""
    together = next((values for values in data.values() if values.ndim == 2), None)
    if together is None:
        return [data[column.output] for column in schema.columns]
    modelled = iter(together.T)
    return [
        data[column.output] if column.kind == "identifier" else next(modelled)
        for column in schema.columns
    ]


def cast(values: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """Cast to a numpy dtype, real numbers to whole ones by rounding."""
    if values.dtype.kind == "f" and np.dtype(dtype).kind != "f":
        values = np.rint(values)
    return values.astype(dtype, copy=False)


def brightness(images: np.ndarray) -> np.ndarray:
    """Neutral array of images: uint8 as they are, all else as real numbers.

    Integers of other widths are no brightness of 0 to 255.
    """
    if images.dtype == np.uint8:
        return images
    wide = images.dtype.itemsize >= 8 and images.dtype.kind == "f"
    images = images.astype(np.float64 if wide else np.float32, copy=False)
    if not np.isfinite(images).all():
        what = "NaN" if np.isnan(images).any() else "infinity"
        raise ValueError(f"Images contain {what}; replace such values or drop those images")
    return images


def conform(fitted: Column, found: Column, values: np.ndarray) -> np.ndarray:
    """Neutral array of a column that was read as ``found``, as its fitted self would be.

    Whole numbers pass for real ones, and real numbers for whole ones if they are whole (a
    pandas column of ints turns into floats by one missing value). Datetimes, durations and
    decimals may come in another unit, if they are whole in the one that was fitted.
    """
    missing = missing_in(found, values)
    if missing.any() and not fitted.nullable:
        raise ValueError(
            f"Column {fitted.name!r} has missing values, but had none in the data fitted; fill "
            "them or drop their rows"
        )
    if missing.all():
        return _missing_values(fitted, len(values))
    kinds = (found.kind, fitted.kind)
    if kinds == ("integer", "float"):
        return np.where(missing, np.nan, values)
    if kinds == ("float", "integer"):
        whole = np.where(missing, 0, values)
        if (whole == np.rint(whole)).all() and np.abs(whole).max() < LARGEST_INTEGER:
            return np.where(missing, MISSING_INTEGER, whole.astype(np.int64))
    if found.kind != fitted.kind:
        raise ValueError(
            f"Column {fitted.name!r} has dtype {found.dtype} ({found.kind} values), but had "
            f"{fitted.dtype} ({fitted.kind} values) in the data fitted; convert it"
        )
    if fitted.kind == "category" and found.categories != fitted.categories:
        return _recode(fitted, found, values)
    if fitted.kind in ("datetime", "duration", "decimal"):
        return temporal.rescale(fitted, found, values)
    if fitted.kind == "boolean" and fitted.nullable:
        return values.astype(np.int64, copy=False)
    return values


def unsupported(name: str | int, dtype: Any) -> TypeError:
    """The error for a column that no kind fits."""
    return TypeError(
        f"Column {name!r} has dtype {dtype}, which is not supported; convert it to numbers, "
        "dates, booleans, strings or a categorical, or leave it out by "
        f"column_types={{{name!r}: 'drop'}}"
    )


def too_large(name: str | int) -> ValueError:
    """The error for integers beyond 64 bits."""
    return ValueError(
        f"Column {name!r} has integers that 64 bits with a sign cannot hold; convert it to float "
        "or, if it is an identifier, to str"
    )


def check_size(shape: Sequence[int]) -> None:
    """Refuse data without rows or columns, in scikit-learn's words."""
    for size, what in ((shape[0], "sample"), (min(shape[1:], default=1), "feature")):
        if size == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={tuple(shape)}) while a minimum of 1 is "
                "required."
            )


def check_names(names: Sequence[Any]) -> None:
    """Refuse column names that cannot name the tensors of an exported graph."""
    outputs: dict[str, Any] = {}
    for name in names:
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise TypeError(
                f"Column names must be str or int, got {name!r} of type {type(name).__name__}; "
                "rename the columns"
            )
        output = Column(name, "float", "").output
        if not output:
            raise ValueError("A column has an empty name; rename it")
        if output in outputs:
            if outputs[output] == name:
                raise ValueError(f"Column names must be unique, {name!r} occurs twice; rename one")
            raise ValueError(
                f"The column names {outputs[output]!r} and {name!r} are both {output!r} in an "
                "exported graph; rename one"
            )
        outputs[output] = name


def shorten(values: Sequence[Any], most: int = 10) -> str:
    """List values for an error message, not all of them if they are many."""
    shown = ", ".join(repr(value) for value in values[:most])
    return shown if len(values) <= most else f"{shown} and {len(values) - most} more"


def _scalar(name: str | int, label: Any) -> str | int | float | bool:
    """A label as a Python scalar, which JSON can hold."""
    if isinstance(label, np.generic):
        label = label.item()
    if type(label) not in (str, int, float, bool):
        raise TypeError(
            f"Column {name!r} has the category {label!r} of type {type(label).__name__}; "
            "categories must be str, int, float or bool: convert the column to str, or drop it"
        )
    if isinstance(label, float) and not np.isfinite(label):
        raise ValueError(f"Column {name!r} has the category {label!r}; rename it")
    return label


def _missing_values(column: Column, n: int) -> np.ndarray:
    if column.kind == "float":
        return np.full(n, np.nan)
    return np.full(n, MISSING_INTEGER if column.kind in WHOLE_KINDS else MISSING_CODE)


def _recode(fitted: Column, found: Column, codes: np.ndarray) -> np.ndarray:
    """Codes into the categories fitted, instead of those found."""
    known = {label: code for code, label in enumerate(fitted.categories)}
    new = np.array([known.get(label, MISSING_CODE) for label in found.categories] + [MISSING_CODE])
    used = np.unique(codes[codes != MISSING_CODE])
    unknown = [found.categories[code] for code in used if new[code] == MISSING_CODE]
    if unknown:
        raise ValueError(
            f"Column {fitted.name!r} has categories that the data fitted had not: "
            f"{shorten(unknown)}; drop their rows or map them to one of "
            f"{shorten(fitted.categories)}"
        )
    return new[codes]  # the last entry is the one at MISSING_CODE
