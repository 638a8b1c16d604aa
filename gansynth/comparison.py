"""Real rows and synthetic ones side by side, in the form that scores and pictures take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from gansynth import containers
from gansynth.inference.exported import ExportedSampler
from gansynth.metrics._encoding import kind_of
from gansynth.schema import Schema

TARGET = "class of the row"
FEWEST_NAMES = 20
"""Labels from which on a column may be one of names, which are all different."""


@dataclass(frozen=True)
class Comparison:
    """Real rows, and synthetic ones like them.

    Attributes
    ----------
    real, synthetic : DataFrame, or ndarray of shape (n, h, w, c)
        Columns of numbers, times and labels, the class of the row in a last one; or images.
    kind : {"table", "points", "images"}
        What they are; points are tables of two columns of real numbers, besides the class.
    target : str or None
        Name of the class of the row, if there are classes.
    labels : tuple of ndarray, or None
        Classes of the real rows and of the synthetic ones.
    left_out : tuple of str
        Columns that are not compared: identifiers, and text that is different in most rows.
    """

    real: Any
    synthetic: Any
    kind: Literal["table", "points", "images"]
    target: str | None = None
    labels: tuple[np.ndarray, np.ndarray] | None = None
    left_out: tuple[str, ...] = ()

    @property
    def features(self) -> list[str]:
        """Names of the columns, without that of the class."""
        return [name for name in self.real.columns if name != self.target]


def of_estimator(
    estimator: Any, X: Any, y: Any = None, n_samples: int | None = None, random_state: Any = 0
) -> Comparison:
    """Draw rows to hold against real ones.

    Parameters
    ----------
    estimator : GANSampler or ExportedSampler
        Fitted.
    X : DataFrame, Table, array-like
        Real rows of the columns that were fitted, best such as were not learned.
    y : array-like of shape (n,), optional
        Their classes, for a sampler that was fitted with y. Classes of synthetic rows are drawn at
        the frequencies of the training data.
    n_samples : int, optional
        Rows to draw; as many as X has by default.
    random_state : int, RandomState or Generator, default=0
        Seed of what is drawn.

    Returns
    -------
    Comparison

    Raises
    ------
    NotFittedError
        If the sampler is not fitted.
    ValueError
        If X is of other columns, y is missing, or there is one without need.
    """
    schema = schema_of(estimator)
    if (y is not None) != bool(schema.classes):
        raise ValueError(
            "y is missing: the sampler was fitted with classes. Pass those of X."
            if schema.classes
            else "y is given, but the sampler was fitted without. Leave it out."
        )
    real = learned(schema, X)
    n = len(real) if n_samples is None else n_samples
    if not schema.classes:
        drawn = estimator.sample(n, random_state=random_state)
        return _compared(real, learned(schema, drawn), None)
    drawn, new = estimator.sample(n, return_y=True, random_state=random_state)
    containers.codes_of(schema, y)  # refuses labels that are unknown
    meta = getattr(estimator, "artifact_", None) or estimator.artifact
    target = str(meta.meta.get("target", TARGET))
    return _compared(real, learned(schema, drawn), (y, new), target)


def of_samples(real: Any, synthetic: Any, y: Any = None, target: str = TARGET) -> Comparison:
    """Hold two tables against each other, or two samples of points or images.

    Parameters
    ----------
    real, synthetic : DataFrame, Table, array-like
        The same columns, or images of one shape.
    y : pair of array-like, optional
        Classes of the real rows, and of the synthetic ones.
    target : str
        What they are called.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If one is empty, columns differ, a column holds numbers in one and labels in the other, or
        there is nothing to compare.
    """
    tables = {"real": real, "synthetic": synthetic}
    for name, table in tables.items():
        if not len(table):
            raise ValueError(f"{name} has no rows; give at least one.")
    images: list[Any] = [_images(table) for table in tables.values()]
    if all(found is not None for found in images):
        shapes = [found.shape[1:] for found in images]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"real holds images of shape {shapes[0]}, synthetic of {shapes[1]}; "
                "give images of one size."
            )
        return _compared(images[0], images[1], y, target)
    if any(found is not None for found in images):
        raise ValueError("Either real or synthetic holds images, the other a table; give one kind.")
    frames = [containers.as_frame(table) for table in tables.values()]
    _check_columns(*frames)
    names = [name for name in frames[0].columns if _is_name(frames[0][name])]
    if len(names) == frames[0].shape[1]:
        raise ValueError(
            f"There is nothing to compare: {', '.join(names)} hold names, different in most rows."
        )
    real, synthetic = (frame.drop(columns=names) for frame in frames)
    return _compared(real, synthetic, y, target, tuple(map(str, names)))


def schema_of(estimator: Any) -> Schema:
    """What a fitted sampler has learned; a NotFittedError, if there is nothing."""
    if isinstance(estimator, ExportedSampler):
        return estimator.schema
    check_is_fitted(estimator, "artifact_")
    return estimator.artifact_.schema


def learned(schema: Schema, X: Any) -> Any:
    """What rows hold of what was learned: images, or a frame without identifiers.

    Parameters
    ----------
    schema : Schema
        Of the sampler.
    X : DataFrame, Table, array-like
        Rows.

    Returns
    -------
    DataFrame, or ndarray of shape (n, h, w, c)
        Columns in the order of the schema.
    """
    if schema.is_image:
        return containers.read_as(schema, X)["image"]
    return _frame(schema, X)


def _frame(schema: Schema, X: Any) -> pd.DataFrame:
    """Columns that were learned, by their names; those of arrays go by their order."""
    frame = containers.as_frame(X)
    outputs = [column.output for column in schema.columns]
    if not hasattr(X, "columns") and frame.shape[1] == len(outputs):
        frame.columns = outputs
    missing = [name for name in outputs if name not in frame]
    if missing:
        raise ValueError(f"X lacks columns that were fitted: {', '.join(missing)}.")
    return frame[[column.output for column in schema.modelled.columns]]


def _compared(
    real: Any,
    synthetic: Any,
    y: Any,
    target: str = TARGET,
    left_out: tuple[str, ...] = (),
) -> Comparison:
    """Both with their classes, if there are any."""
    labels = None
    if y is not None:
        labels = (np.asarray(y[0]), np.asarray(y[1]))
        for rows, of_rows in zip((real, synthetic), labels, strict=True):
            check_consistent_length(rows, of_rows)
    if isinstance(real, np.ndarray):
        return Comparison(real, synthetic, "images", target if labels else None, labels)
    plane = real.shape[1] == 2 and all(dtype.kind == "f" for dtype in real.dtypes)
    if labels:
        while target in real:
            target += "_"
        real = real.assign(**{target: labels[0].astype(str).astype(object)})
        synthetic = synthetic.assign(**{target: labels[1].astype(str).astype(object)})
    kind: Any = "points" if plane else "table"
    return Comparison(real, synthetic, kind, target if labels else None, labels, left_out)


def _images(X: Any) -> np.ndarray | None:
    """Images as (n, h, w, c), None if X holds something else."""
    if hasattr(X, "columns"):
        return None
    schema, data = containers.read(X)
    return data["image"] if schema.is_image else None


def _is_name(column: pd.Series) -> bool:
    """Whether most rows have a label of their own."""
    if kind_of(column) != "label":
        return False
    present = column.dropna()
    return present.nunique() >= max(FEWEST_NAMES, 0.5 * len(present))


def _check_columns(real: pd.DataFrame, synthetic: pd.DataFrame) -> None:
    """Refuse other columns, and columns of other kinds, by their names."""
    unshared = sorted(set(real.columns) ^ set(synthetic.columns))
    if unshared:
        raise ValueError(
            "real and synthetic must have the same columns, but only one of them has "
            f"{', '.join(unshared)}."
        )
    for name in real.columns:
        kinds = {kind_of(frame[name]) for frame in (real, synthetic) if frame[name].notna().any()}
        if len(kinds) > 1:
            raise ValueError(
                f"Column {name!r} holds {kind_of(real[name])}s in real and "
                f"{kind_of(synthetic[name])}s in synthetic; convert one of them."
            )
