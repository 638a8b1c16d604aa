"""Sparse matrices and arrays of scipy: tables of numbers, dense while they are learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from gansynth.containers import arrays
from gansynth.schema import Container, Schema

CLASSES: dict[str, Any] = {
    f"{layout}_{kind}": getattr(scipy.sparse, f"{layout}_{kind}")
    for layout in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    for kind in ("array", "matrix")
}


def container_of(X: Any) -> Container:
    """Name of the container: that of the class in scipy.sparse."""
    kind = "array" if isinstance(X, scipy.sparse.sparray) else "matrix"
    name: Any = f"{X.format}_{kind}"
    return name


def read(
    X: Any, container: Container, skip: Sequence[Any] = ()
) -> tuple[Schema, dict[str, np.ndarray]]:
    """Read a table of shape (n, d)."""
    return arrays.read(X.toarray(), container, skip)


def write(schema: Schema, data: Mapping[str, np.ndarray], n: int) -> Any:
    """Build a matrix of n rows."""
    return CLASSES[schema.container](arrays.write(schema, data, n))


def append(X: Any, rows: Any) -> Any:
    """Put rows behind those of X, in its format."""
    return scipy.sparse.vstack([X, rows], format=X.format, dtype=X.dtype)
