"""What oversampling asks for: how many new rows of which class; and what to tell of rare ones."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.utils import check_sampling_strategy, check_target_type
from sklearn.utils.multiclass import check_classification_targets

from gansynth import containers
from gansynth.schema import Schema

FEW_ROWS = 10
"""Of a class with fewer, a user is told what new rows of it are made from."""


@dataclass(frozen=True)
class Request:
    """Rows to be made.

    Attributes
    ----------
    y : array-like
        As it was given.
    labels : array-like of shape (n,)
        Class of each row; y itself, if that is one column.
    counts : dict
        How many new rows of each class there are to be.
    new : ndarray of shape (m,)
        Their classes, one class after the other.
    one_vs_all : bool
        Whether y has a column for each class.
    """

    y: Any
    labels: Any
    counts: dict[Any, int]
    new: np.ndarray
    one_vs_all: bool

    def labels_with(self) -> Any:
        """y with the labels of the new rows behind it, as what it is."""
        new = np.eye(np.shape(self.y)[1], dtype=int)[self.new] if self.one_vs_all else self.new
        return containers.append_labels(self.y, new)


def read(y: Any, sampling_strategy: Any) -> Request:
    """Find out what is asked for.

    Parameters
    ----------
    y : array-like of shape (n,), (n, 1), or (n, classes) of 0 and 1
        Class labels; or one column a class.
    sampling_strategy : float, str, dict or callable
        As imbalanced-learn has it.

    Raises
    ------
    ValueError
        If y is continuous, has one class, or several labels a row; or if the strategy names a
        class that is not there, or fewer rows than there are.
    """
    if y is None:
        # The wording that scikit-learn's estimator checks look for.
        raise ValueError("fit_resample requires y to be passed, but the target y is None")
    array = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    if pd.isna(array).any():
        raise ValueError("Input y contains NaN; drop the rows without a label")
    if array.dtype.kind == "f" and np.isinf(array).any():
        raise ValueError("Input y contains infinity; labels must be str, int or bool")
    if array.dtype.kind == "U":
        array = array.astype(object)
    elif array.dtype == object and array.ndim == 1:
        # Nullable integers and booleans of pandas have come as objects.
        array = pd.Series(array).infer_objects().to_numpy()
    check_classification_targets(array)
    codes, one_vs_all = check_target_type(array, indicate_one_vs_all=True)
    counts = check_sampling_strategy(sampling_strategy, codes, "over-sampling")
    new = [np.full(n, label, dtype=codes.dtype) for label, n in counts.items()]
    labels = y if array.ndim == 1 else codes
    return Request(y, labels, dict(counts), np.concatenate([codes[:0], *new]), one_vs_all)


def tell_of_few(schema: Schema, X: Any, labels: Any, rows: Any, new: np.ndarray) -> None:
    """Warn of each class that has few rows to learn from, and of rows of it that are copies.

    Parameters
    ----------
    schema : Schema
        Of the fit.
    X, labels : array-like
        Rows that were learned, and their classes.
    rows, new : array-like
        Rows that were made, and theirs.
    """
    made = np.bincount(containers.codes_of(schema, new), minlength=len(schema.classes))
    few = [c for c, n in enumerate(schema.class_counts) if n < FEW_ROWS and made[c]]
    if not few:
        return
    real, synthetic = (containers.read_as(schema, of) for of in (X, rows))
    classes = [containers.codes_of(schema, of) for of in (labels, new)]
    for code in few:
        chosen = [np.flatnonzero(of == code) for of in classes]
        copies = _copies(real, chosen[0], synthetic, chosen[1])
        warnings.warn(
            f"y holds {schema.class_counts[code]} row(s) of class {schema.classes[code]!r}: what "
            "is drawn for it comes from these and from what rows of other classes are like. "
            f"Exact copies of them: {copies} of {made[code]} new rows. Give more rows of this "
            "class, or take the new ones for guesses.",
            UserWarning,
            stacklevel=4,
        )


def _copies(
    real: Mapping[str, np.ndarray],
    of_real: np.ndarray,
    synthetic: Mapping[str, np.ndarray],
    of_synthetic: np.ndarray,
) -> int:
    """How many of some rows equal one of some few others in all columns."""
    found = np.zeros(len(of_synthetic), bool)
    for row in of_real:
        same = np.ones(len(found), bool)
        for name, values in synthetic.items():
            here, there = values[of_synthetic], real[name][row]
            equal = (here == there) | ((here != here) & (there != there))  # NaN is a value, too
            same &= equal.reshape(len(found), -1).all(axis=1)
        found |= same
    return int(found.sum())
