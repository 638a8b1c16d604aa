"""The way back from columns that were rewritten, as part of the graph that is exported.

See :mod:`gansynth.rewriting` for the way there. Whole numbers are computed in 64 bits, exactly;
real ones likewise, and rounded as numpy does it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gansynth.architecture import Codec
from gansynth.expressions import Arithmetic
from gansynth.rewriting import Rewriting
from gansynth.rewriting.measures import Grid
from gansynth.rewriting.steps import Beyond, Clipped, Computed, Joined, Step, power_of
from gansynth.schema import Column, missing_value

Values = Mapping[str, tf.Tensor]

LARGEST_REAL = 2.0**63 - 2**10
"""The largest real number of 64 bits that is a whole number of 64 bits, too."""


class Restored(Codec):
    """A codec of columns that were rewritten, as one of the columns of the data.

    Parameters
    ----------
    codec : Codec
        Of the columns that are modelled.
    rewriting : Rewriting
        Leads to these.
    """

    def __init__(self, codec: Codec, rewriting: Rewriting) -> None:
        self._codec, self._rewriting = codec, rewriting
        self.layout = codec.layout

    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Rewrite data, and encode them."""
        return self._codec.encode(self._rewriting.apply(data), rng)

    def expand(self, encoded: Any) -> Any:
        """Widen encoded rows."""
        return self._codec.expand(encoded)

    def decode(self, rows: Any) -> dict[str, tf.Tensor]:
        """Decode generated rows to columns that keep all constraints."""
        values = self._codec.decode(rows)
        together = next((column for column in values.values() if column.shape.rank == 2), None)
        if together is not None:
            columns = self._rewriting.modelled
            unstacked = tf.unstack(together, len(columns), axis=1)
            values = {c.output: v for c, v in zip(columns, unstacked, strict=True)}
        for step in self._rewriting.steps:
            values |= restore(step, values)
        return {column.output: values[column.output] for column in self._rewriting.columns}


def restore(step: Step, values: Values) -> dict[str, tf.Tensor]:
    """Columns that a step gives back, of those that are there."""
    match step:
        case Clipped():
            return _clipped(step, values)
        case Joined():
            return _parted(step, values)
        case Beyond():
            return _beyond(step, values)
        case Computed():
            return _computed(step, values)


def _clipped(step: Clipped, values: Values) -> dict[str, tf.Tensor]:
    name, own = step.column.output, values[step.column.output]
    wide = _wide(own)
    low, high = (tf.constant(end, wide.dtype) for end in (step.grid.low, step.grid.high))
    clipped = _smaller(_larger(wide, low), high)
    return {
        name: tf.cast(_or_missing(clipped, _missing(step.column, wide), step.column), own.dtype)
    }


def _parted(step: Joined, values: Values) -> dict[str, tf.Tensor]:
    codes = values[step.joint.output]
    return {
        column.output: tf.gather(of_column.astype(dtype), codes)
        for column, of_column, dtype in zip(step.made, step.table, step.dtypes, strict=True)
    }


def _beyond(step: Beyond, values: Values) -> dict[str, tf.Tensor]:
    gap = values[step.gap.output]
    missing = _missing(step.gap, gap)
    numbers = _Numbers(step)
    gap = _larger(_filled(numbers.wide(gap), missing), tf.constant(0, numbers.dtype))
    low, high = (tf.constant(end, numbers.dtype) for end in step.ends)
    # The least number that is allowed, and what the distance is from.
    least, nearest, always = low, None, False
    for other, factor, strict in zip(
        step.others, step.measure.factors[1:], step.strict, strict=True
    ):
        bound = values[other.output]
        gone = _missing(other, bound)
        bound = step.sign * factor * _filled(numbers.wide(bound), gone)
        least = _larger(least, _filled(numbers.after(bound) if strict else bound, gone, low))
        # Less than any number, until one is known that is not missing.
        bound = _filled(bound, gone, numbers.lowest)
        nearest = bound if nearest is None else _larger(nearest, bound)
        always |= gone is None
    if not always:
        nearest = _select(nearest <= numbers.lowest, low, nearest)
    # The gap is cut before it is added: a sum past 64 bits would be anywhere.
    wanted = _smaller(nearest + _smaller(gap, high - nearest), high)
    found, neutral = numbers.at_or_after(_larger(wanted, least), least)
    if step.column.nullable:
        # Nothing is left of the range seen: rows like that have no value in the data.
        missing |= _below(high, found)
    return {step.column.output: tf.cast(_or_missing(neutral, missing, step.column), step.dtype)}


def _computed(step: Computed, values: Values) -> dict[str, tf.Tensor]:
    gone = _any(_missing(operand, values[operand.output]) for operand in step.operands)
    dtype = tf.int64 if step.whole else tf.float64
    numbers = [_number(operand, values[operand.output], dtype) for operand in step.operands]
    names = dict(zip(step.expression.names, numbers, strict=True))
    result = step.expression(names, _arithmetic(numbers[0], whole=step.whole))
    wide, missing = _as_column(step, result), gone
    if step.kept:
        own = values[step.column.output]
        missing = _missing(step.column, own)
        if gone is not None:
            wide = _select(gone, _filled(tf.cast(own, wide.dtype), missing), wide)
    return {step.column.output: tf.cast(_or_missing(wide, missing, step.column), step.dtype)}


def _as_column(step: Computed, result: tf.Tensor) -> tf.Tensor:
    """What an expression gives, rounded as the column is: in float64 or int64."""
    if step.whole:
        return result
    column = step.column
    # What has no value, such as a division by zero, is missing, or the least value seen.
    instead = missing_value(column) if column.nullable else step.grid.low
    valid = tf.equal(result - result, 0.0)
    result = _select(valid, result, tf.constant(0.0, result.dtype))
    if column.kind == "float":
        result = _rounded(result, step.grid.decimals)
    else:
        power = power_of(column)
        unit = _fill(result, 10.0 ** abs(power))
        result = tf.round(result / unit if power > 0 else result * unit)
        bound = _limit(step.dtype)
        result = tf.cast(tf.clip_by_value(result, bound[0], bound[1]), tf.int64)
    return _select(valid, result, tf.constant(instead, result.dtype))


def _limit(dtype: np.dtype) -> tuple[float, float]:
    """Least and largest number of a dtype, as real numbers that it can hold."""
    limits = np.iinfo(dtype)
    return max(float(limits.min), -LARGEST_REAL), min(float(limits.max), LARGEST_REAL)


class _Numbers:
    """Arithmetic of a column that is bounded by others, in their measure."""

    def __init__(self, step: Beyond) -> None:
        self._step = step
        self.dtype = tf.int64 if step.measure.whole else tf.float64
        # Not the very least: that is what a missing value looks like, and has no negative.
        self.lowest = tf.constant(
            np.iinfo(np.int64).min + 1 if step.measure.whole else -np.inf, self.dtype
        )
        self._eps = np.finfo(step.dtype if step.dtype.kind == "f" else np.float64)

    def wide(self, values: tf.Tensor) -> tf.Tensor:
        return tf.cast(values, self.dtype)

    def after(self, numbers: tf.Tensor) -> tf.Tensor:
        """The next numbers: at least as far off as the column's dtype can tell."""
        if self._step.measure.whole:
            return numbers + 1
        return numbers + _larger(tf.abs(numbers) * float(self._eps.eps), float(self._eps.tiny))

    def at_or_after(self, numbers: tf.Tensor, least: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Numbers that the column may have, near given ones and not below the least.

        Returns
        -------
        numbers, neutral : tensor, shape (n,)
            In the measure; and as the column has them.
        """
        step, grid = self._step, self._step.grid
        low = self._step.ends[0]
        if step.measure.whole:
            grain = grid.grain * step.measure.factors[0]
            if grain == 1:
                return numbers, step.sign * numbers
            index = (numbers - low + grain // 2) // grain
            index += tf.cast(_below(index * grain + low, least), tf.int64)
            start = grid.low if step.sign == 1 else grid.high
            return index * grain + low, start + step.sign * grid.grain * index
        near = self._storable(self._on_grid(numbers, grid, low))
        further = self._storable(self._on_grid(near + self._width(near, grid), grid, low))
        found = _select(_below(near, least), further, near)
        return found, step.sign * found

    def _on_grid(self, numbers: tf.Tensor, grid: Grid, low: float) -> tf.Tensor:
        if self._step.column.kind != "float":
            return low + tf.round((numbers - low) / _fill(numbers, grid.grain)) * float(grid.grain)
        return _rounded(numbers, grid.decimals)

    def _width(self, numbers: tf.Tensor, grid: Grid) -> tf.Tensor:
        """How far the next number of a grid is."""
        if self._step.column.kind != "float":
            return _fill(numbers, grid.grain)
        if grid.decimals is not None:
            return _fill(numbers, 10.0**-grid.decimals)
        return self.after(numbers) - numbers

    def _storable(self, numbers: tf.Tensor) -> tf.Tensor:
        """Numbers as the column's dtype has them."""
        if self._step.dtype == np.float32:
            return tf.cast(tf.cast(numbers, tf.float32), tf.float64)
        return numbers


def _rounded(numbers: tf.Tensor, decimals: int | None) -> tf.Tensor:
    if decimals is None:
        return numbers
    unit = _fill(numbers, 10.0**decimals)
    return tf.round(numbers * unit) / unit


def _arithmetic(like: tf.Tensor, *, whole: bool) -> Arithmetic:
    return Arithmetic(
        functools.partial(_fill, like),
        (lambda values: values) if whole else tf.round,
        _absolute,
        tf.pow,
        _smaller,
        _larger,
    )


def _fill(like: tf.Tensor, number: float) -> tf.Tensor:
    """A number in each row.

    Not a constant: the graph optimiser makes a product of a division by one, and adds up two
    of them beforehand, which rounds otherwise than numpy does.
    """
    return tf.fill(tf.shape(like), tf.constant(number, like.dtype))


def _number(column: Column, values: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """A column's values as what they stand for; anything where one is missing."""
    numbers = tf.cast(values, dtype)
    power = power_of(column)
    unit = _fill(numbers, 10.0 ** abs(power)) if power else None
    if unit is None:
        return numbers
    return numbers * unit if power > 0 else numbers / unit


def _wide(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(values, tf.float64 if values.dtype.is_floating else tf.int64)


def _missing(column: Column, values: tf.Tensor) -> tf.Tensor | None:
    """Where a neutral tensor has no value; None if it has one everywhere."""
    if not column.nullable:
        return None
    if column.kind == "float":
        return tf.math.is_nan(values)
    mark = tf.constant(missing_value(column), tf.int64)
    return tf.equal(tf.cast(values, tf.int64), mark)


def _any(masks: Any) -> tf.Tensor | None:
    return functools.reduce(lambda a, b: a | b, [m for m in masks if m is not None] or [None])


def _filled(values: tf.Tensor, missing: tf.Tensor | None, number: Any = 0) -> tf.Tensor:
    """Values, and a number where they are missing."""
    if missing is None:
        return values
    return _select(missing, tf.cast(number, values.dtype), values)


def _or_missing(values: tf.Tensor, missing: tf.Tensor | None, column: Column) -> tf.Tensor:
    """Values, and the mark of a missing one where they are to be missing."""
    if missing is None:
        return values
    return _select(missing, tf.constant(missing_value(column), values.dtype), values)


def _below(numbers: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Where numbers are less: whole ones tf2onnx compares as float32, if not like this."""
    return numbers + 1 <= others if numbers.dtype.is_integer else numbers < others


def _smaller(numbers: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """The smaller one of two numbers.

    ONNX Runtime's minimum and maximum of int64 are wrong on x86-64 (its issue 25280).
    """
    if numbers.dtype.is_floating:
        return tf.minimum(numbers, others)
    return _select(numbers <= others, numbers, others)


def _larger(numbers: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """The larger one of two numbers; see :func:`_smaller`."""
    if numbers.dtype.is_floating:
        return tf.maximum(numbers, others)
    return _select(others <= numbers, numbers, others)


def _absolute(numbers: tf.Tensor) -> tf.Tensor:
    return _larger(numbers, -numbers)


def _select(mask: tf.Tensor, chosen: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    if not chosen.dtype.is_floating:
        return tf.where(mask, chosen, others)
    # Asked for by NaN: any other selection tf2onnx writes as a sum of products, where NaN or
    # infinity spoil the one that was chosen.
    asked = tf.gather(np.array([0.0, np.nan]), tf.cast(mask, tf.int32))
    return tf.where(tf.math.is_nan(asked), chosen, others)
