"""Columns to standardised rows and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gansynth.architecture import Codec


class Standardise(Codec):
    """Columns with mean 0 and deviation 1; made fitted on the training data."""

    def __init__(self, data: Mapping[str, np.ndarray]) -> None:
        self.dtypes = {name: values.dtype for name, values in data.items()}
        self.mean = np.array([values.mean(dtype=np.float64) for values in data.values()])
        self.deviation = np.array([values.std(dtype=np.float64) for values in data.values()])
        # All that the networks need to know of the data. It has to be hashable: a compiled
        # training loop is used again for data of the same layout.
        self.layout = len(data)

    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Columns to rows, in numpy."""
        rows = np.column_stack([data[name] for name in self.dtypes])
        # A constant column has no deviation; decoding then leaves it constant.
        scale = np.where(self.deviation > 0, self.deviation, 1.0)
        return ((rows - self.mean) / scale).astype(np.float32)

    def decode(self, rows: Any) -> dict[str, Any]:
        """Generated rows to columns, in TensorFlow; this becomes part of the ONNX graph."""
        from gansynth_template.networks import scaled

        return scaled(rows, self.deviation, self.mean, self.dtypes)
