"""Columns of dates, times, durations and decimals: whole numbers of a unit, in neutral form.

numpy's datetime64 and timedelta64 are int64 inside, with NaT at the value that stands for a
missing whole number here: they become neutral, and come back, without a copy.
"""

from __future__ import annotations

import decimal
import math
from typing import Any

import numpy as np

from gansynth.schema import MISSING_INTEGER, Column, Kind

NANOSECONDS = {
    "W": 7 * 86_400 * 10**9,
    "D": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}
LARGEST = np.iinfo(np.int64).max
DIGITS = decimal.Context(prec=1000)


def times(
    name: str | int, dtype: str, values: np.ndarray, timezone: str = ""
) -> tuple[Column, np.ndarray]:
    """Numpy's datetime64 (in UTC, if there is a time zone) or timedelta64; NaT where missing."""
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    code, count = np.datetime_data(values.dtype)
    unit = code if count == 1 else f"{count}{code}"
    return ticks(
        name, dtype, values.view(np.int64), unit, timezone, moments=values.dtype.kind == "M"
    )


def ticks(
    name: str | int,
    dtype: str,
    values: np.ndarray,
    unit: str,
    timezone: str = "",
    *,
    moments: bool = True,
) -> tuple[Column, np.ndarray]:
    """Whole numbers of a unit: since 1970, or as durations; MISSING_INTEGER where missing."""
    nullable = bool((values == MISSING_INTEGER).any())
    kind: Kind = "datetime" if moments else "duration"
    return Column(name, kind, dtype, nullable=nullable, unit=unit, timezone=timezone), values


def as_numpy(column: Column, values: np.ndarray) -> np.ndarray:
    """Neutral datetimes or durations as numpy's datetime64 or timedelta64."""
    kind = "M8" if column.kind == "datetime" else "m8"
    return np.ascontiguousarray(values, np.int64).view(f"{kind}[{column.unit}]")


def local_step(column: Column, values: np.ndarray) -> int:
    """Largest step that leads from the earliest local time to all others; 0 if UTC has it too.

    Midnights of one time zone are 23, 24 or 25 hours apart, and in UTC on any hour therefore.
    """
    moments = np.unique(values[values != MISSING_INTEGER])
    if not column.timezone or len(moments) < 2:
        return 0
    both = (moments, _local(column, moments))
    steps = [math.gcd(*np.diff(times).tolist()) for times in both]
    return steps[1] if steps[1] > steps[0] else 0


def on_local_steps(column: Column, values: np.ndarray) -> np.ndarray:
    """Bring moments back to the last local time that :func:`local_step` leads to."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Column {column.name!r} holds local times of {column.timezone}, which pandas is "
            "needed for, and it is not installed: `pip install pandas`",
            name=error.name,
        ) from error

    present = values != MISSING_INTEGER
    times = _local(column, values[present])
    times -= (times - _local(column, np.array(column.range[:1]))) % column.local_step
    # Of two local times that are one, the first; of one that there is not, the next.
    zone: Any = column.timezone
    index = pd.DatetimeIndex(as_numpy(column, times)).tz_localize(
        zone, ambiguous=np.ones(len(times), bool), nonexistent="shift_forward"
    )
    moments = values.copy()
    moments[present] = _whole(column, index.tz_convert(None))
    return moments


def _local(column: Column, moments: np.ndarray) -> np.ndarray:
    """What clocks show at moments, as if that was UTC."""
    import pandas as pd

    zone: Any = column.timezone
    index = pd.DatetimeIndex(as_numpy(column, moments)).tz_localize("UTC")
    return _whole(column, index.tz_convert(zone).tz_localize(None))


def _whole(column: Column, index: Any) -> np.ndarray:
    """Numpy's int64 of pandas' moments without a time zone."""
    return np.array(index.to_numpy(), f"M8[{column.unit}]").view(np.int64)


def decimals(
    name: str | int, dtype: str, unscaled: np.ndarray, places: int
) -> tuple[Column, np.ndarray]:
    """Decimals as int64, without their point; MISSING_INTEGER where missing."""
    nullable = bool((unscaled == MISSING_INTEGER).any())
    return Column(name, "decimal", dtype, nullable=nullable, unit=f"1e{-places}"), unscaled


def places_of(column: Column) -> int:
    """Digits behind the point of a decimal column; less than 0 for tens and hundreds."""
    return -int(column.unit.removeprefix("1e"))


def unscaled(name: str | int, values: list[decimal.Decimal], places: int) -> np.ndarray:
    """Python's decimals as int64, without their point.

    Raises
    ------
    ValueError
        If one has too many digits for 64 bits.
    """
    whole = [int(value.scaleb(places, DIGITS)) for value in values]
    for value, number in zip(values, whole, strict=True):
        if abs(number) > LARGEST:
            raise too_wide(name, value, places)
    return np.array(whole, np.int64)


def as_decimals(values: np.ndarray, places: int) -> list[decimal.Decimal]:
    """Whole numbers as Python's decimals with that many places."""
    return [decimal.Decimal(value).scaleb(-places, DIGITS) for value in values.tolist()]


def too_wide(name: str | int, value: object, places: int) -> ValueError:
    """The error for a decimal beyond 64 bits."""
    return ValueError(
        f"Column {name!r} has the decimal {value}, which at {places} places has more digits than "
        "64 bits can hold; round it to fewer places, or convert the column to float"
    )


def rescale(fitted: Column, found: Column, values: np.ndarray) -> np.ndarray:
    """Whole numbers of the unit found as such of the unit fitted.

    Raises
    ------
    ValueError
        If one is none of the unit fitted, or too large for it; or if only one of the columns
        has a time zone.
    """
    if bool(found.timezone) != bool(fitted.timezone):
        has = [column.timezone or "none" for column in (found, fitted)]
        raise ValueError(
            f"Column {fitted.name!r} has the time zone {has[0]}, but had {has[1]} in the data "
            "fitted; convert it, as by tz_localize or tz_convert"
        )
    if found.unit == fitted.unit:
        return values
    up, down = _factors(fitted, found)
    present = values[values != MISSING_INTEGER]
    largest = LARGEST // up
    inexact = (present > largest) | (present < -largest) | (present % down != 0)
    if inexact.any():
        raise ValueError(
            f"Column {fitted.name!r} has the value {present[inexact][0]}, in units of {found.unit},"
            f" which can't be told in {fitted.unit}, those of the data fitted; round it, or leave "
            "its row out"
        )
    return np.where(values == MISSING_INTEGER, MISSING_INTEGER, values // down * up)


def _factors(fitted: Column, found: Column) -> tuple[int, int]:
    """What to multiply and to divide by."""
    if fitted.kind == "decimal":
        power = places_of(fitted) - places_of(found)
        return (10**power, 1) if power > 0 else (1, 10**-power)
    try:
        units = NANOSECONDS[found.unit], NANOSECONDS[fitted.unit]
    except KeyError:
        raise ValueError(
            f"Column {fitted.name!r} has the unit {found.unit}, but had {fitted.unit} in the data "
            "fitted; convert it"
        ) from None
    common = math.gcd(*units)
    return units[0] // common, units[1] // common
