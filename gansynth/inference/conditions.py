"""What rows are to hold in some of their columns: read, checked, and settled to values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gansynth import containers
from gansynth.containers.columns import shorten
from gansynth.schema import Column, Schema

DRAWN = np.nan
"""Stands, in a condition, for a value that is to be drawn."""
PRESENT = -np.inf
"""Stands for one that is to be drawn, and not to be missing."""
MISSING = np.inf
"""Stands for the missing value."""

POOL = 16_384
"""Rows that are generated to draw values from, where a condition leaves a choice."""

Data = dict[str, np.ndarray]


@dataclass
class Conditions:
    """What is asked of columns, in neutral form.

    Attributes
    ----------
    schema : Schema
        Of the model.
    fixed : dict of str to ndarray
        Values by :attr:`Column.output`: one, or one a row.
    known : dict of str to ndarray of bool
        Where values are fixed, if that is not everywhere.
    allowed : dict of str to (ndarray or (value, value))
        Values of which a column has to have one, or lowest and highest.
    complete : bool
        Whether what is drawn has to be present, not missing.
    """

    schema: Schema
    fixed: Data = field(default_factory=dict)
    known: Data = field(default_factory=dict)
    allowed: dict[str, Any] = field(default_factory=dict)
    complete: bool = False

    @property
    def n_rows(self) -> int | None:
        """Rows that are asked for one by one; None if all are asked the same."""
        return len(next(iter(self.known.values()))) if self.known else None

    def matrix(self, n: int) -> np.ndarray:
        """What the graph is given: float64 of shape (n, columns)."""
        drawn = PRESENT if self.complete else DRAWN
        columns = self.schema.modelled.columns
        matrix = np.full((n, len(columns)), drawn)
        for i, column in enumerate(columns):
            if column.output not in self.fixed:
                continue
            values = self.fixed[column.output]
            given = np.where(containers.missing_in(column, values), MISSING, values)
            matrix[:, i] = np.where(self.known.get(column.output, True), given, drawn)
        return matrix

    def part(self, start: int, stop: int) -> Conditions:
        """What is asked of the rows from one up to another."""
        if self.n_rows is None:
            return self
        fixed = {name: values[start:stop] for name, values in self.fixed.items()}
        known = {name: values[start:stop] for name, values in self.known.items()}
        return replace(self, fixed=fixed, known=known)

    def put_into(self, data: Data) -> None:
        """Set what is fixed, whole numbers beyond what float64 holds too."""
        for name, values in self.fixed.items():
            np.copyto(data[name], values, where=self.known.get(name, True), casting="unsafe")

    def settle(
        self,
        generate: Callable[[Conditions, np.ndarray], Data],
        chance: np.ndarray,
        classes: np.ndarray,
    ) -> Conditions:
        """Fix a value where several are allowed; as often as generated rows have them.

        Parameters
        ----------
        generate : callable
            ``generate(conditions, classes)`` gives a row of each class, under fixed values.
        chance : ndarray of float64, shape (n,)
            A uniform number a row to draw by.
        classes : ndarray of int, shape (n,)
            Class codes of the rows; 0 without classes.
        """
        if not self.allowed:
            return self
        n_classes = max(len(self.schema.classes), 1)
        # Of all classes, whichever are asked for: a row depends on no other.
        of_pool = np.arange(POOL) % n_classes
        pool = generate(Conditions(self.schema, self.fixed), of_pool)
        met = np.all([self._meets(name, pool[name]) for name in self.allowed], axis=0)
        drawn = {
            name: _evenly(allowed, pool[name], chance) for name, allowed in self.allowed.items()
        }
        for code in range(n_classes):
            here, found = classes == code, np.flatnonzero(met & (of_pool == code))
            if len(found):
                picks = found[(chance[here] * len(found)).astype(int)]
                for name, values in drawn.items():
                    values[here] = pool[name][picks]
            elif here.any():
                warnings.warn(
                    f"None of {POOL // n_classes:,} rows that were generated meets the "
                    f"conditions on {shorten(list(self.allowed))} together: their values are "
                    "drawn evenly.",
                    UserWarning,
                    stacklevel=5,
                )
        return Conditions(self.schema, self.fixed | drawn)

    def _meets(self, name: str, values: np.ndarray) -> np.ndarray:
        """Which values of a column are allowed."""
        allowed = self.allowed[name]
        if not isinstance(allowed, tuple):
            return np.isin(values, allowed)
        column = next(column for column in self.schema.columns if column.output == name)
        low, high = allowed
        met = ~containers.missing_in(column, values)
        met &= low is None or values >= low
        return met & (high is None or values <= high)


def read(schema: Schema, conditions: Any) -> Conditions:
    """Read conditions on columns.

    Parameters
    ----------
    schema : Schema
        Of the model.
    conditions : mapping or table
        By name of column: a value, a list of values, or a pair (lowest, highest), of which
        one may be None. Or a table of some of the columns, a row for each to be drawn, in
        which missing values are those to be drawn.

    Raises
    ------
    ValueError
        If a column is unknown, or can't hold what is asked.
    """
    if not isinstance(conditions, Mapping):
        return Conditions(schema, *containers.read_part(schema, conditions))
    columns = {column.name: column for column in schema.modelled.columns}
    unknown = [name for name in conditions if name not in columns]
    if unknown:
        raise ValueError(
            f"conditions names unknown columns {shorten(unknown)}; the columns are "
            f"{shorten(list(columns))}"
        )
    found = Conditions(schema)
    for name, wanted in conditions.items():
        column = columns[name]
        if isinstance(wanted, tuple):
            found.allowed[column.output] = _bounds(column, wanted)
        elif isinstance(wanted, (list, set, frozenset, np.ndarray)):
            values = containers.read_values(column, list(wanted))
            if not len(values):
                raise ValueError(f"conditions[{name!r}] is empty; name a value, or leave it out")
            found.allowed[column.output] = np.unique(values)
        else:
            found.fixed[column.output] = containers.read_values(column, [wanted])
    return found


def _bounds(column: Column, wanted: tuple[Any, ...]) -> tuple[Any, Any]:
    """Lowest and highest value that are allowed; None where any is."""
    if len(wanted) != 2 or wanted == (None, None):
        raise ValueError(
            f"conditions[{column.name!r}]={wanted!r} is no pair (lowest, highest), of which one "
            "may be None; use a list for values to choose from"
        )
    if column.kind == "boolean" or (column.kind == "category" and not column.ordered):
        raise ValueError(
            f"conditions[{column.name!r}]={wanted!r} is a range, but the column has no order; use "
            "a list of values"
        )
    low, high = (
        None if end is None else containers.read_values(column, [end])[0] for end in wanted
    )
    if low is not None and high is not None and low > high:
        raise ValueError(
            f"conditions[{column.name!r}]={wanted!r} has its ends in the wrong order; the lower "
            "one comes first"
        )
    return low, high


def _evenly(allowed: Any, pool: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Values that are allowed, whatever generated rows have."""
    if not isinstance(allowed, tuple):
        return allowed[(chance * len(allowed)).astype(int)]
    low, high = (end if end is not None else other for end, other in (allowed, allowed[::-1]))
    values = low + chance * (float(high) - float(low))
    return values if pool.dtype.kind == "f" else np.rint(values).astype(pool.dtype)
