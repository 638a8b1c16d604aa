"""Whether data keep a constraint; if not, an error that says where."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from gansynth import expressions
from gansynth.constraints import Constraint, FixedCombinations, Formula, Inequality, Range
from gansynth.containers import objects
from gansynth.containers.columns import conform, missing_in
from gansynth.containers.temporal import as_numpy, on_local_steps
from gansynth.rewriting.measures import check_size, decimals_of, grid_of, measure_of
from gansynth.rewriting.steps import computed, power_of, whole_formula
from gansynth.schema import WHOLE_KINDS, Column

NUMBERS = ("float", "integer", "decimal")
TOLERANCE = {"float32": 1e-5, "float64": 1e-9}
"""How far a formula without decimals to round to may be from the data, relatively."""

Data = Mapping[str, np.ndarray]


def check(constraint: Constraint, columns: Mapping[str, Column], data: Data) -> None:
    """Refuse data that break a constraint, and columns that it can't be about.

    Parameters
    ----------
    constraint : Constraint
        The constraint.
    columns : mapping of str to Column
        Columns that it names, by name as a string.
    data : mapping of str to ndarray
        Neutral arrays.

    Raises
    ------
    ValueError
        Naming the constraint, how many rows break it, the first of them, and the remedy.
    """
    if isinstance(constraint, FixedCombinations):
        return  # what is in the data is allowed
    broken, shown = breaking(constraint, columns, data)
    rows = np.flatnonzero(broken)
    if len(rows):
        first = int(rows[0])
        told = [f"{c.name!r} is {_shown(c, data[c.output][first])}" for c in shown]
        if isinstance(constraint, Formula):
            told.append(f"and the expression gives {_result(constraint, columns, data, first)}")
        raise ValueError(
            f"constraints: {constraint!r} is broken by {len(rows)} of {len(broken)} rows of X, the "
            f"first of which is row {first} (counted from 0), where {', '.join(told)}. Correct or "
            "drop such rows, or leave the constraint out."
        )


Broken = tuple[np.ndarray, list[Column]]


def breaking(constraint: Constraint, columns: Mapping[str, Column], data: Data) -> Broken:
    """Rows that break a range, an inequality or a formula, and the columns that show it.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If it names columns that it can't be about.
    """
    match constraint:
        case Range():
            return _out_of_range(constraint, columns, data)
        case Inequality():
            return _out_of_order(constraint, columns, data)
        case Formula():
            return _miscomputed(constraint, columns, data)
        case _:
            raise TypeError(f"{constraint!r} is no constraint of gansynth.constraints.")


def impossible(constraint: Constraint, reason: object) -> ValueError:
    """The error for a constraint that can't be about its columns."""
    return ValueError(f"constraints: {constraint!r} can't be kept: {reason}.")


def _out_of_range(constraint: Range, columns: Mapping[str, Column], data: Data) -> Broken:
    column = columns[str(constraint.column)]
    if column.kind not in ("float", *WHOLE_KINDS):
        raise impossible(constraint, f"column {column.name!r} holds {column.kind} values")
    values = data[column.output]
    broken = np.zeros(len(values), bool)
    if constraint.low is not None:
        broken |= values < _bound(constraint, column, constraint.low, math.ceil)
    if constraint.high is not None:
        broken |= values > _bound(constraint, column, constraint.high, math.floor)
    return broken & ~missing_in(column, values), [column]


def _bound(constraint: Range, column: Column, bound: Any, to_whole: Any) -> Any:
    """A bound as a number of the column's neutral form."""
    try:
        if column.kind in ("float", "integer"):
            if type(bound) is bool or not isinstance(bound, Real) or not math.isfinite(bound):
                raise ValueError("it is no finite number")
            return bound if column.kind == "float" else to_whole(bound)
        if column.kind == "decimal" and isinstance(bound, int):
            bound = decimal.Decimal(bound)
        if isinstance(bound, np.datetime64 | np.timedelta64):
            bound = bound.astype(f"{bound.dtype.kind}8[us]").item()
        if isinstance(bound, str) and column.kind == "datetime":
            bound = dt.datetime.fromisoformat(bound)
        if isinstance(bound, dt.date) and not isinstance(bound, dt.datetime):
            bound = dt.datetime.combine(bound, dt.time())
        found, values = objects.read(column.name, np.array([bound, None], dtype=object)[:1])
        return conform(column, found, values)[0]
    except (ValueError, TypeError) as error:
        raise impossible(
            constraint,
            f"{bound!r} is no bound for column {column.name!r}, which holds {column.kind} values "
            f"({error})",
        ) from None


def _out_of_order(constraint: Inequality, columns: Mapping[str, Column], data: Data) -> Broken:
    pair = [columns[str(constraint.low)], columns[str(constraint.high)]]
    try:
        measure = measure_of(pair)
        check_size(pair, measure, [grid_of(column, data[column.output]) for column in pair])
    except ValueError as error:
        raise impossible(constraint, error) from None
    if not _holds_in_local_time(constraint, pair, data):
        raise impossible(
            constraint,
            f"column {constraint.high!r} has steps of the local time of {pair[1].timezone}, such "
            "as midnights; make both dates without a time zone, or convert both to UTC",
        )
    wide = np.int64 if measure.whole else np.float64
    missing = [missing_in(column, data[column.output]) for column in pair]
    low, high = (
        np.where(gone, 0, data[column.output]).astype(wide) * factor
        for column, factor, gone in zip(pair, measure.factors, missing, strict=True)
    )
    broken = low >= high if constraint.strict else low > high
    return broken & ~missing[0] & ~missing[1], pair


def _holds_in_local_time(constraint: Inequality, pair: list[Column], data: Data) -> bool:
    """Whether an order survives that samples are brought back to steps of local time.

    That is after the graph, and makes moments earlier: of the lower column, or of both alike.
    """
    low, high = pair
    if not high.local_step:
        return True
    alike = (low.timezone, low.local_step) == (high.timezone, high.local_step)
    values = data[low.output]
    return alike and not constraint.strict and np.array_equal(on_local_steps(high, values), values)


def _miscomputed(constraint: Formula, columns: Mapping[str, Column], data: Data) -> Broken:
    column, operands = _formula_columns(constraint, columns)
    if column.kind not in NUMBERS:
        raise impossible(constraint, f"column {column.name!r} holds {column.kind} values")
    for operand in operands:
        if operand.kind not in (*NUMBERS, "boolean"):
            raise impossible(constraint, f"column {operand.name!r} holds {operand.kind} values")
    expression = expressions.parse(constraint.expression)
    whole = whole_formula(column, operands, expression, data)
    wanted = computed(operands, expression, data, whole=whole)
    wanted = np.broadcast_to(wanted, data[column.output].shape)
    values = data[column.output]
    exempt = missing_in(column, values)
    for operand in operands:
        exempt = exempt | missing_in(operand, data[operand.output])
    return ~exempt & ~_agree(column, values, wanted, exempt, whole=whole), [column, *operands]


def _agree(
    column: Column, values: np.ndarray, wanted: np.ndarray, exempt: np.ndarray, *, whole: bool
) -> np.ndarray:
    """Where values are what an expression gives, rounded as the column is."""
    if whole:
        return values == wanted
    if column.kind == "decimal":
        wanted = wanted * 10.0 ** -power_of(column)
    with np.errstate(all="ignore"):
        # An infinite value compares as apart, and so does NaN.
        apart = np.abs(values.astype(np.float64) - wanted)
        apart = np.where(np.isfinite(wanted), apart, np.inf)
    present = np.abs(values[~exempt].astype(np.float64))
    tolerance = TOLERANCE.get(values.dtype.name, TOLERANCE["float64"])
    slack = tolerance * np.abs(values.astype(np.float64)) + 1e-3 * tolerance * present.max(
        initial=0
    )
    half = 0.0
    if column.kind != "float":
        half = 0.5
    elif len(present) and (decimals := decimals_of(values[~exempt])) is not None:
        half = 0.5 * 10.0**-decimals
    agree: np.ndarray = apart <= half + slack
    return agree


def _formula_columns(
    constraint: Formula, columns: Mapping[str, Column]
) -> tuple[Column, list[Column]]:
    names = expressions.parse(constraint.expression).names
    return columns[str(constraint.column)], [columns[name] for name in names]


def _result(constraint: Formula, columns: Mapping[str, Column], data: Data, row: int) -> str:
    column, operands = _formula_columns(constraint, columns)
    expression = expressions.parse(constraint.expression)
    whole = whole_formula(column, operands, expression, data)
    one = {each.output: data[each.output][row : row + 1] for each in operands}
    return f"{computed(operands, expression, one, whole=whole).item():.12g}"


def _shown(column: Column, value: Any) -> str:
    """A neutral value as what it stands for."""
    if column.kind in ("datetime", "duration"):
        return str(as_numpy(column, np.array([value]))[0])
    if column.kind == "decimal":
        return str(decimal.Decimal(int(value)).scaleb(power_of(column)))
    return str(value)
