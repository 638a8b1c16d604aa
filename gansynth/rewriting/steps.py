"""How columns are modelled so that a constraint can't be broken: the half that is numpy's.

A step says which columns it takes out of the data, and which it puts there instead. The way
back, from what was generated, is in :mod:`gansynth.training.restored`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gansynth.containers.columns import missing_in, shorten
from gansynth.expressions import Arithmetic, Expression
from gansynth.rewriting.measures import (
    Grid,
    Measure,
    check_size,
    grid_of,
    measure_of,
)
from gansynth.schema import Column, missing_value, output_dtype

Data = Mapping[str, np.ndarray]

REAL = Arithmetic(np.float64, np.rint, np.abs, np.power, np.minimum, np.maximum)
WHOLE = Arithmetic(np.int64, lambda values: values, np.abs, np.power, np.minimum, np.maximum)


@dataclass(frozen=True)
class Clipped:
    """A column that is modelled as it is, and kept within the range seen.

    Attributes
    ----------
    column : Column
        The column.
    grid : Grid
        Its range.
    """

    column: Column
    grid: Grid

    @classmethod
    def fit(cls, column: Column, data: Data) -> Clipped:
        """Find the range."""
        return cls(column, grid_of(column, data[column.output]))

    @property
    def made(self) -> tuple[Column, ...]:
        """Columns that it gives back."""
        return (self.column,)

    @property
    def used(self) -> tuple[Column, ...]:
        """Columns that have to be there before."""
        return ()

    def modelled(self, data: Data) -> list[tuple[Column, np.ndarray]]:
        """Columns to model instead of those that it gives back."""
        return [(self.column, data[self.column.output])]


@dataclass(frozen=True)
class Joined:
    """Columns that are modelled as one category: their combinations.

    Attributes
    ----------
    made : tuple of Column
        The columns.
    joint : Column
        The one column.
    table : tuple of ndarray
        Values of each column in each combination, in neutral form.
    dtypes : tuple of numpy.dtype
        What they are given back as.
    """

    made: tuple[Column, ...]
    joint: Column
    table: tuple[np.ndarray, ...]
    dtypes: tuple[np.dtype, ...]

    @classmethod
    def fit(cls, columns: Sequence[Column], data: Data, taken: Sequence[str]) -> Joined:
        """Find the combinations."""
        arrays = [data[column.output] for column in columns]
        first = np.unique(_codes(arrays), return_index=True)[1]
        name = " & ".join(column.output for column in columns)
        while name in taken:
            name += "_"
        return cls(
            tuple(columns),
            Column(name, "category", "combination", categories=tuple(range(len(first)))),
            tuple(values[first] for values in arrays),
            tuple(output_dtype(c, values) for c, values in zip(columns, arrays, strict=True)),
        )

    @property
    def used(self) -> tuple[Column, ...]:
        """Columns that have to be there before."""
        return ()

    def modelled(self, data: Data) -> list[tuple[Column, np.ndarray]]:
        """The column of combinations.

        Raises
        ------
        ValueError
            If a combination is none of those that were found.
        """
        count = len(self.joint.categories)
        arrays = [data[column.output] for column in self.made]
        both = zip(self.table, arrays, strict=True)
        codes = _codes([np.concatenate(pair) for pair in both])
        known = np.full(codes.max() + 1, -1)
        known[codes[:count]] = np.arange(count)
        found = known[codes[count:]]
        new = np.flatnonzero(found < 0)
        if len(new):
            names = shorten([column.name for column in self.made])
            raise ValueError(
                f"Columns {names} have combinations that the data fitted had not, in {len(new)} of "
                f"{len(found)} rows, the first of which is row {new[0]} (counted from 0). Drop "
                "these rows, or start afresh with data that have them all."
            )
        return [(self.joint, found)]


def _codes(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Number of each row's combination, in the order of the values."""
    codes = np.zeros(len(arrays[0]), np.int64)
    for values in arrays:
        found, own = np.unique(values, return_inverse=True)
        # Numbered anew at each column: products of many sizes have no end.
        codes = np.unique(codes * len(found) + own, return_inverse=True)[1]
    return codes


@dataclass(frozen=True)
class Beyond:
    """A column that is modelled as its distance from the nearest of those that bound it.

    All numbers are taken times ``sign``: that the column is at or above all others is the
    same then as that it is at or below them.

    Attributes
    ----------
    column : Column
        The column.
    others : tuple of Column
        Those that bound it.
    strict : tuple of bool
        Which of them it can't be equal to.
    sign : {1, -1}
        1 if it is above them.
    measure : Measure
        What it and the others are compared in.
    grid : Grid
        Its numbers.
    gap : Column
        What is modelled.
    decimals : int or None
        Decimals of the distance.
    dtype : numpy.dtype
        What the column is given back as.
    """

    column: Column
    others: tuple[Column, ...]
    strict: tuple[bool, ...]
    sign: int
    measure: Measure
    grid: Grid
    gap: Column
    decimals: int | None
    dtype: np.dtype

    @classmethod
    def fit(cls, column: Column, others: Mapping[Column, bool], sign: int, data: Data) -> Beyond:
        """Find ranges and steps.

        Parameters
        ----------
        column : Column
            The column.
        others : mapping of Column to bool
            Those that bound it, and whether strictly.
        sign : {1, -1}
            1 if it is above them.
        data : mapping of str to ndarray
            Neutral arrays.

        Raises
        ------
        ValueError
            If the columns can't be compared.
        """
        columns = [column, *others]
        measure = measure_of(columns)
        grids = [grid_of(each, data[each.output]) for each in columns]
        check_size(columns, measure, grids)
        known = [grid.decimals for grid in grids if grid.decimals is not None]
        real = sum(each.kind == "float" for each in columns)
        kind = "integer" if measure.whole else "float"
        dtype = "int64" if measure.whole else "float64"
        step = cls(
            column,
            tuple(others),
            tuple(others.values()),
            sign,
            measure,
            grids[0],
            Column(column.name, kind, dtype, nullable=column.nullable),  # type: ignore[arg-type]
            max(known, default=None) if len(known) == real else None,
            output_dtype(column, data[column.output]),
        )
        values = step.modelled(data)[0][1]
        present = values[~missing_in(column, data[column.output])]
        ends = (present.min().item(), present.max().item()) if len(present) else ()
        return replace(step, gap=replace(step.gap, range=ends))

    @property
    def made(self) -> tuple[Column, ...]:
        """Columns that it gives back."""
        return (self.column,)

    @property
    def used(self) -> tuple[Column, ...]:
        """Columns that have to be there before."""
        return self.others

    @property
    def ends(self) -> tuple[float | int, float | int]:
        """Range of the column, in the measure and with the sign."""
        low, high = (
            self.sign * self.measure.factors[0] * e for e in (self.grid.low, self.grid.high)
        )
        return min(low, high), max(low, high)

    def modelled(self, data: Data) -> list[tuple[Column, np.ndarray]]:
        """The distance, instead of the column."""
        own, missing = self._numbers(self.column, self.measure.factors[0], data)
        nearest, there = np.full_like(own, self.ends[0]), np.zeros(len(own), bool)
        for other, factor in zip(self.others, self.measure.factors[1:], strict=True):
            numbers, gone = self._numbers(other, factor, data)
            further = ~gone & (~there | (numbers > nearest))
            nearest, there = np.where(further, numbers, nearest), there | ~gone
        gap = np.where(missing, 0, own - nearest)
        if self.decimals is not None and not self.measure.whole:
            gap = np.round(gap, self.decimals)
        return [(self.gap, np.where(missing, missing_value(self.gap), gap))]

    def _numbers(self, column: Column, factor: int, data: Data) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of a column in the measure, any where it is missing; and where it is."""
        values = data[column.output]
        missing = missing_in(column, values)
        dtype = np.int64 if self.measure.whole else np.float64
        return self.sign * factor * np.where(missing, 0, values).astype(dtype), missing


@dataclass(frozen=True)
class Computed:
    """A column that is computed from others.

    Attributes
    ----------
    column : Column
        The column.
    operands : tuple of Column
        Columns of the expression, in the order of its names.
    expression : Expression
        What to compute.
    whole : bool
        Whether in integers.
    grid : Grid
        Range and decimals of the column.
    kept : bool
        Whether the column is modelled, too: where it has values without the others, or is
        missing where they are not.
    dtype : numpy.dtype
        What it is given back as.
    """

    column: Column
    operands: tuple[Column, ...]
    expression: Expression
    whole: bool
    grid: Grid
    kept: bool
    dtype: np.dtype

    @classmethod
    def fit(
        cls, column: Column, operands: Sequence[Column], expression: Expression, data: Data
    ) -> Computed:
        """Find out how the column is rounded, and where it is missing."""
        values = data[column.output]
        gone = np.zeros(len(values), bool)
        for operand in operands:
            gone |= missing_in(operand, data[operand.output])
        return cls(
            column,
            tuple(operands),
            expression,
            whole_formula(column, operands, expression, data),
            grid_of(column, values),
            not np.array_equal(gone, missing_in(column, values)),
            output_dtype(column, values),
        )

    @property
    def made(self) -> tuple[Column, ...]:
        """Columns that it gives back."""
        return (self.column,)

    @property
    def used(self) -> tuple[Column, ...]:
        """Columns that have to be there before."""
        return self.operands

    def modelled(self, data: Data) -> list[tuple[Column, np.ndarray]]:
        """The column itself if it is needed, or none."""
        return [(self.column, data[self.column.output])] if self.kept else []


Step = Clipped | Joined | Beyond | Computed


def whole_formula(
    column: Column, operands: Sequence[Column], expression: Expression, data: Data
) -> bool:
    """Whether an expression is to be computed in integers."""
    if not expression.whole or any(each.kind != "integer" for each in (column, *operands)):
        return False
    real = computed(operands, expression, data, whole=False)
    return bool((np.abs(real[np.isfinite(real)]) < 2.0**62).all())


def computed(
    operands: Sequence[Column], expression: Expression, data: Data, *, whole: bool
) -> np.ndarray:
    """What an expression gives in each row; anything where an operand is missing."""
    values = [as_number(operand, data[operand.output]) for operand in operands]
    if whole:
        values = [data[operand.output] for operand in operands]
    names = dict(zip(expression.names, values, strict=True))
    with np.errstate(all="ignore"):
        return expression(names, WHOLE if whole else REAL)


def as_number(column: Column, values: np.ndarray) -> np.ndarray:
    """A column's values as real numbers; anything where one is missing."""
    return in_units(column, values.astype(np.float64))


def in_units(column: Column, values: np.ndarray) -> np.ndarray:
    """Neutral numbers as what they stand for."""
    power = power_of(column)
    return values * 10.0**power if power > 0 else values / 10.0**-power


def power_of(column: Column) -> int:
    """What power of ten a column's neutral numbers are in units of."""
    return int(column.unit.removeprefix("1e")) if column.kind == "decimal" else 0
