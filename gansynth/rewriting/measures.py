"""What numbers of columns are compared in, and which numbers a column may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from gansynth.containers.columns import missing_in
from gansynth.containers.temporal import NANOSECONDS, places_of
from gansynth.schema import WHOLE_KINDS, Column

MAX_DECIMALS = 8
LARGEST = 2**62
"""Spans of whole numbers up to here can be halved and added in 64 bits."""
LARGEST_EXACT = 2**53
"""Whole numbers up to here are real numbers of 64 bits, too."""


@dataclass(frozen=True)
class Grid:
    """The numbers, in neutral form, that a column may have.

    Attributes
    ----------
    low, high : float or int
        Range seen.
    decimals : int or None
        Decimals of real numbers; None if there are too many to tell.
    grain : int
        What whole numbers, less the least, are multiples of.
    """

    low: float | int
    high: float | int
    decimals: int | None = None
    grain: int = 1


def grid_of(column: Column, values: np.ndarray) -> Grid:
    """Find range and steps of a column of numbers."""
    present = values[~missing_in(column, values)]
    if not len(present):
        return Grid(0, 0)
    low, high = present.min().item(), present.max().item()
    if column.kind not in WHOLE_KINDS:
        return Grid(low, high, decimals_of(present))
    # As unsigned numbers: their span may be more than 63 bits wide.
    above = present.view(np.uint64) - np.int64(low).view(np.uint64)
    gcd: Any = np.gcd  # numpy's stubs differ in what its reduction takes
    return Grid(low, high, grain=max(int(gcd.reduce(above)), 1))


def decimals_of(values: np.ndarray) -> int | None:
    """Fewest decimals that write all values, as exactly as their dtype can."""
    wide = values.astype(np.float64)
    for decimals in range(MAX_DECIMALS + 1):
        if np.abs(wide).max() * 10.0**decimals > 2**52:
            return None
        if np.array_equal(np.round(wide, decimals).astype(values.dtype), values):
            return decimals
    return None


@dataclass(frozen=True)
class Measure:
    """What several columns are compared in: whole numbers of one unit, or real numbers.

    Attributes
    ----------
    whole : bool
        Whether it is whole numbers.
    factors : tuple of int
        How many units 1 is in each column's neutral array.
    """

    whole: bool
    factors: tuple[int, ...]


def measure_of(columns: Sequence[Column]) -> Measure:
    """Find a unit that all columns have whole numbers of.

    Raises
    ------
    ValueError
        If they can't be compared, saying why.
    """
    kinds = {column.kind for column in columns}
    if not kinds <= {"float", *WHOLE_KINDS}:
        wrong = next(c for c in columns if c.kind not in ("float", *WHOLE_KINDS))
        raise ValueError(
            f"column {wrong.name!r} holds {wrong.kind} values, which have no order of numbers"
        )
    if kinds <= {"float", "integer"} and "float" in kinds:
        return Measure(whole=False, factors=(1,) * len(columns))
    if not (len(kinds) == 1 or kinds == {"integer", "decimal"}):
        told = " and ".join(f"{c.name!r} ({c.kind})" for c in columns)
        raise ValueError(f"columns {told} are not of one kind")
    if len({bool(column.timezone) for column in columns}) > 1:
        without = next(column for column in columns if not column.timezone)
        raise ValueError(f"column {without.name!r} has no time zone, the other one has")
    units = [_unit(column) for column in columns]
    if None in units:
        if len({column.unit for column in columns}) > 1:
            told = " and ".join(column.unit for column in columns)
            raise ValueError(f"the units {told} can't be compared")
        units = [Fraction(1)] * len(columns)
    known = [unit for unit in units if unit is not None]
    smallest = min(known)
    return Measure(whole=True, factors=tuple(int(unit / smallest) for unit in known))


def _unit(column: Column) -> Fraction | None:
    if column.kind == "decimal":
        return Fraction(10) ** -places_of(column)
    if column.kind == "integer":
        return Fraction(1)
    return Fraction(NANOSECONDS[column.unit]) if column.unit in NANOSECONDS else None


def check_size(columns: Sequence[Column], measure: Measure, grids: Sequence[Grid]) -> None:
    """Refuse numbers whose differences can't be told.

    Raises
    ------
    ValueError
        Saying which ones.
    """
    ends = [
        end * factor
        for grid, factor in zip(grids, measure.factors, strict=True)
        for end in (grid.low, grid.high)
    ]
    if measure.whole and (max(ends) - min(ends) > LARGEST or max(map(abs, ends)) >= 2 * LARGEST):
        raise ValueError("the values are so far apart that 64 bits can't hold their difference")
    for column, grid in zip(columns, grids, strict=True):
        largest = max(abs(grid.low), abs(grid.high))
        if not measure.whole and column.kind == "integer" and largest > LARGEST_EXACT:
            raise ValueError(
                f"column {column.name!r} has integers beyond 2**53, which are not comparable with "
                "floats; convert the other column to integers"
            )
