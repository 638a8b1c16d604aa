"""Do columns of synthetic rows go together as those of the real ones do?"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from gansynth.metrics._encoding import as_frames, encode

MOST_LABELS = 30


def pair_scores(real: Any, synthetic: Any, bins: int = 10) -> pd.DataFrame:
    """Compare the joint distribution of every two columns: SDMetrics' contingency similarity [1]_.

    1 minus the total variation distance between the shares of the cells of two columns. Numbers
    and dates are cut between quantiles of the real ones, labels beyond the 30 most frequent
    are one, and so are missing values.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns, any number of rows.
    bins : int, default=10
        Parts that numbers are cut into at most, 2 or more.

    Returns
    -------
    DataFrame of float, shape (columns, columns)
        From 0 to 1 (equal); NaN on the diagonal. Of few rows it is well below 1 for real ones,
        too: look at these beside it (:func:`~gansynth.metrics.beside`).

    Raises
    ------
    ValueError
        If columns differ, a table has no rows, or ``bins`` is less than 2.

    References
    ----------
    .. [1] DataCebo, SDMetrics: ContingencySimilarity, https://docs.sdv.dev/sdmetrics.

    Examples
    --------
    >>> import pandas as pd
    >>> from gansynth.metrics import pair_scores
    >>> real = pd.DataFrame({"a": ["x", "x", "y", "y"], "b": [1, 1, 2, 2]})
    >>> pair_scores(real, real.assign(b=[1, 2, 1, 2])).loc["a", "b"]
    np.float64(0.5)
    """
    if bins < 2:
        raise ValueError(f"bins must be 2 or more, got {bins}.")
    frames = as_frames(real=real, synthetic=synthetic)
    arrays, labelled = encode(*frames)
    names = frames[0].columns
    codes = [
        _label_codes([*columns]) if of_labels else _number_codes([*columns], bins)
        for *columns, of_labels in zip(*(array.T for array in arrays), labelled, strict=True)
    ]
    scores = np.full((len(names), len(names)), np.nan)
    for i, j in combinations(range(len(names)), 2):
        scores[i, j] = scores[j, i] = _similarity(codes[i], codes[j])
    return pd.DataFrame(scores, index=names, columns=names)


def _number_codes(columns: list[np.ndarray], bins: int) -> list[np.ndarray]:
    """Parts between quantiles of the real values; missing ones are the last."""
    real = columns[0][~np.isnan(columns[0])]
    edges = np.unique(np.quantile(real, np.arange(1, bins) / bins)) if len(real) else np.empty(0)
    return [
        np.where(np.isnan(values), bins, np.digitize(values, edges)).astype(np.int64)
        for values in columns
    ]


def _label_codes(columns: list[np.ndarray]) -> list[np.ndarray]:
    """Codes as they are, the most frequent first; missing ones are the last."""
    return [
        np.where(np.isnan(codes), MOST_LABELS, np.minimum(codes, MOST_LABELS - 1)).astype(np.int64)
        for codes in columns
    ]


def _similarity(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    """1 minus the total variation distance between shares of cells, of two tables."""
    width = 1 + max(codes.max() for codes in second)
    cells = [a * width + b for a, b in zip(first, second, strict=True)]
    size = 1 + max(table.max() for table in cells)
    real, synthetic = (np.bincount(table, minlength=size) / len(table) for table in cells)
    return 1.0 - float(np.abs(real - synthetic).sum()) / 2.0
