"""Points to standardised rows, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gansynth.architecture import Codec
from gansynth.schema import Column, Schema

POINTS = "points"


class PointCodec(Codec):
    """Codec of points: every column to mean 0 and deviation 1.

    A column that does not vary is left out of the rows and comes back as it was.

    Parameters
    ----------
    schema : Schema
        Columns, all of numbers, and their container.
    data : mapping of str to ndarray
        Training data in neutral form.

    Raises
    ------
    ValueError
        If a column holds anything but numbers, or values are missing.
    """

    def __init__(self, schema: Schema, data: Mapping[str, np.ndarray]) -> None:
        check_numbers(schema, data)
        self.columns = schema.columns
        self.dtypes = [data[column.output].dtype for column in self.columns]
        self.centre, self.scale = np.array([standard(data[c.output]) for c in self.columns]).T
        self.varying = np.flatnonzero(self.scale)
        # A network of no columns can't be built: one of zeros stands in for them.
        self.layout: int = max(len(self.varying), 1)
        self.bounds = [(data[c.output].min(), data[c.output].max()) for c in self.columns]
        self.together = schema.container in ("numpy", "list") and len(set(self.dtypes)) == 1

    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Standardise."""
        rows = np.zeros((len(next(iter(data.values()))), self.layout), np.float32)
        for slot, i in enumerate(self.varying):
            # Centre and scale are far apart where columns are far from 0: float64 holds both.
            values = data[self.columns[i].output].astype(np.float64)
            rows[:, slot] = (values - self.centre[i]) / self.scale[i]
        return rows

    def decode(self, rows: Any) -> dict[str, Any]:
        """Give one tensor of points for an array, one a column for a data frame."""
        from gansynth_distribution2d import networks

        return networks.decode(rows, self)


def check_numbers(schema: Schema, data: Mapping[str, np.ndarray]) -> None:
    """Refuse what are no points, and say what takes it."""


def standard(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; the value itself and 0, exactly, if there is only one."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    # Squares of large values would overflow.
    size = max(abs(low), abs(high))
    parts = values.astype(np.float64) / size
    return float(parts.mean() * size), float(parts.std() * size)
