"""Dates, times, durations and decimals in arrays of objects: Python's own, numpy's, pandas'."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import sys
from typing import Any

import numpy as np

from gansynth.containers import temporal
from gansynth.schema import MISSING_INTEGER, Column

FINER = ("s", "ms", "us", "ns")
NUMPY = ("datetime64", "timedelta64")
MIDNIGHT = dt.datetime(1970, 1, 1)


def type_of(values: list[Any]) -> str:
    """Name of the type that values are of, "" if it is none of these or if they differ."""
    types = {type(value) for value in values}
    if types == {np.timedelta64} and np.datetime_data(np.array(values).dtype)[0] == "generic":
        return ""  # so many of what?
    known_types: list[tuple[type, ...]] = [
        (dt.date,),
        (dt.time,),
        (decimal.Decimal,),
        (dt.datetime,),
        (dt.timedelta,),
        (np.datetime64,),
        (np.timedelta64,),
    ]
    if pd := sys.modules.get("pandas"):  # where it isn't imported, no value is of its types
        # They are subclasses of those before, and finer.
        known_types += [(pd.Timestamp, dt.datetime), (pd.Timedelta, dt.timedelta)]
    for known, *others in known_types:
        if types and types <= {known, *others}:
            return str(known.__name__)
    return ""


def read(
    name: str | int, dtype: str, found: str, values: list[Any], missing: np.ndarray
) -> tuple[Column, np.ndarray]:
    """Read the values that are not missing, of the type found by :func:`type_of`."""
    whole = np.full(len(missing), MISSING_INTEGER)
    if found == "Decimal":
        if not all(value.is_finite() for value in values):
            raise ValueError(
                f"Column {name!r} contains infinity; replace infinite values by finite ones or by "
                "missing values, or drop their rows"
            )
        places = max(-int(value.as_tuple().exponent) for value in values)
        whole[~missing] = temporal.unscaled(name, values, places)
        return temporal.decimals(name, dtype, whole, places)
    timezone = _timezone(name, values) if found in ("datetime", "Timestamp", "time") else ""
    numbers = _numbers(found, values, timezone)
    whole[~missing] = numbers.view(np.int64)
    unit = np.datetime_data(numbers.dtype)[0]
    moments = numbers.dtype.kind == "M"
    return temporal.ticks(name, dtype, whole, unit, timezone, moments=moments)


def write(column: Column, found: str, values: np.ndarray) -> np.ndarray:
    """Write objects of the type that was found; none is missing."""
    written = np.empty(len(values), dtype=object)
    if found == "Decimal":
        written[:] = temporal.as_decimals(values, temporal.places_of(column))
        return written
    times = temporal.as_numpy(column, values)
    if found in NUMPY:
        for i, time in enumerate(times):  # all at once, numpy would make Python's of its own
            written[i] = time
    elif found == "time":
        written[:] = [(MIDNIGHT + time).time() for time in times.tolist()]
    elif column.timezone or found in ("Timestamp", "Timedelta"):
        written[:] = _of_pandas(column, found, times)
    else:
        written[:] = times.tolist()
    return written


def _timezone(name: str | int, values: list[Any]) -> str:
    """Name of the one time zone of all values, "" if there is none."""
    zones = sorted({str(value.tzinfo or "none") for value in values})
    if zones == ["none"]:
        return ""
    import pandas as pd

    with contextlib.suppress(KeyError, TypeError, ValueError):  # of whoever looks the name up
        if len(zones) == 1 and isinstance(values[0], dt.datetime):
            pd.DatetimeTZDtype("us", zones[0])
            return zones[0]
    raise ValueError(
        f"Column {name!r} has the time zones {', '.join(zones)}; convert it to one that has a "
        f"name, as in pd.to_datetime(X[{name!r}], utc=True)"
    )


def _numbers(found: str, values: list[Any], timezone: str) -> np.ndarray:
    """As numpy's datetime64 or timedelta64, in UTC."""
    if found in NUMPY:
        numbers = np.array(values)
        return numbers.astype(f"{numbers.dtype.kind}8[{np.datetime_data(numbers.dtype)[0]}]")
    if found == "date":
        return np.array(values, "M8[D]")
    if found == "time":
        return np.array([dt.datetime.combine(MIDNIGHT, v) - MIDNIGHT for v in values], "m8[us]")
    if found == "timedelta":
        return np.array(values, "m8[us]")
    if found == "datetime":
        if timezone:
            values = [v.astimezone(dt.UTC).replace(tzinfo=None) for v in values]
        return np.array(values, "M8[us]")
    import pandas as pd

    if found == "Timedelta":
        spans = [pd.Timedelta(value) for value in values]
        unit = _finest(spans)
        return np.array([value.as_unit(unit).to_timedelta64() for value in spans], f"m8[{unit}]")
    stamps = [pd.Timestamp(value) for value in values]
    unit = _finest(stamps)
    if timezone:
        stamps = [value.tz_convert(None) for value in stamps]
    return np.array([value.as_unit(unit).to_datetime64() for value in stamps], f"M8[{unit}]")


def _finest(scalars: list[Any]) -> Any:
    """The finest unit of pandas' scalars."""
    return max((scalar.unit for scalar in scalars), key=FINER.index)


def _of_pandas(column: Column, found: str, times: np.ndarray) -> Any:
    """As pandas makes scalars: with a time zone, or as fine as nanoseconds."""
    import pandas as pd

    if found == "Timedelta":
        return pd.TimedeltaIndex(times).astype(object)
    index = pd.DatetimeIndex(times)
    if column.timezone:
        index = index.tz_localize("UTC").tz_convert(column.timezone)
    return index.to_pydatetime() if found == "datetime" else index.astype(object)
