"""Points to standardised rows, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.neighbors import NearestNeighbors

from gansynth.architecture import Codec, Draw
from gansynth.schema import FRAMES, MISSING_INTEGER, Schema
from gansynth_distribution2d.charts import mixture_weights

if TYPE_CHECKING:
    import keras

KEPT_ROWS = 20_000
CALIBRATION_ROWS = 65_536
NEIGHBOURS = 32


class PointCodec(Codec):
    """Codec of points: every column to mean 0 and deviation 1.

    A column that does not vary is no part of the rows and comes back as it was.

    Parameters
    ----------
    schema : Schema
        Columns, all of numbers, and their container.
    data : mapping of str to ndarray
        Training data in neutral form.

    Raises
    ------
    ValueError
        If a column does not hold numbers, or not everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.containers import read
    >>> from gansynth_distribution2d import PointCodec
    >>> schema, data = read(np.array([[0.0, 5.0], [2.0, 5.0]]))
    >>> PointCodec(schema, data).encode(data, np.random.default_rng(0))
    array([[-1.],
           [ 1.]], dtype=float32)
    """

    NAME: ClassVar[str] = "points"
    """Name of the one output that points of an array are."""

    def __init__(self, schema: Schema, data: Mapping[str, np.ndarray]) -> None:
        check_numbers(schema, data)
        values = [data[column.output] for column in schema.columns]
        self.columns = schema.columns
        self.dtypes = [column.dtype for column in values]
        self.whole = np.array([dtype.kind == "i" for dtype in self.dtypes])
        self.low = np.array([float(column.min()) for column in values])
        self.high = np.array([float(column.max()) for column in values])
        self.centre, self.scale = np.array([standard(column) for column in values]).T
        self.varying = np.flatnonzero(self.scale)
        # There is no network of no columns: one of zeros stands in for them.
        self.layout: int = max(len(self.varying), 1)
        self.scales = np.zeros((self.layout, len(values)))
        self.scales[range(len(self.varying)), self.varying] = self.scale[self.varying]
        self.together = schema.container not in FRAMES and len(set(self.dtypes)) == 1
        rows = self._standardise(data)
        self.kept = rows[:: -(-len(rows) // KEPT_ROWS)]

    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Standardise."""
        return self._standardise(data)

    def _standardise(self, data: Mapping[str, np.ndarray]) -> np.ndarray:
        rows = np.zeros((len(next(iter(data.values()))), self.layout), np.float32)
        for slot, i in enumerate(self.varying):
            # Far from 0, float32 can't tell neighbours apart.
            values = data[self.columns[i].output].astype(np.float64)
            rows[:, slot] = (values - self.centre[i]) / self.scale[i]
        return rows

    def prepare(
        self, generator: keras.Model, rows: np.ndarray, labels: np.ndarray | None, seed: int
    ) -> None:
        """Lay each class's charts over its points."""
        from gansynth_distribution2d import networks

        networks.lay_charts(generator, rows, labels, seed)

    def calibrate(self, generator: keras.Model, draw: Draw) -> None:
        """Pick each chart as often as the data ask for; never one that lies beside them."""
        from gansynth_distribution2d import networks

        points, charts = networks.sample_charts(generator, draw(CALIBRATION_ROWS))
        neighbours = min(NEIGHBOURS, len(points))
        nearest = NearestNeighbors(n_neighbors=neighbours).fit(points).kneighbors(self.kept)[1]
        networks.weigh_charts(generator, mixture_weights(charts[nearest], charts.max() + 1))

    def decode(self, rows: Any) -> dict[str, Any]:
        """Give one tensor for points of an array, one a column for those of a data frame."""
        from gansynth_distribution2d import networks

        return networks.decode(rows, self)


def check_numbers(schema: Schema, data: Mapping[str, np.ndarray]) -> None:
    """Refuse what are no points, and say what takes it."""
    remedy = "use architecture='tabular', which takes"
    for column in schema.columns:
        if column.kind not in ("float", "integer"):
            raise ValueError(
                f"architecture 'distribution2d' takes numbers, but column {column.name!r} is of "
                f"kind {column.kind!r}; leave it out, or {remedy} mixed columns"
            )
        values = data[column.output]
        missing = np.isnan(values) if column.kind == "float" else values == MISSING_INTEGER
        if missing.any():
            raise ValueError(
                f"architecture 'distribution2d' takes no missing values, but column "
                f"{column.name!r} has {missing.sum()} (NaN); drop those rows, or {remedy} them"
            )


def standard(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; of equal values the value itself and 0, exactly."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    # Squares of large values would overflow.
    size = max(abs(low), abs(high))
    parts = values.astype(np.float64) / size
    return float(parts.mean() * size), float(parts.std() * size)
