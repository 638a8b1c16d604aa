"""Are synthetic rows new, or are they the training rows again?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import OneHotEncoder

from gansynth.metrics._encoding import as_frames, encode


def exact_copies(real: Any, synthetic: Any) -> float:
    """Share of synthetic rows that equal some real row in every column.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns; two missing values are equal.

    Returns
    -------
    float
        From 0 to 1. Compare with real rows that were held out: of few, coarse columns there
        are honest copies.
    """
    arrays, _ = encode(*as_frames(real=real, synthetic=synthetic))
    # Adding 0 turns -0 into 0, and all NaN are written alike: equal rows are equal bytes.
    real_rows, synthetic_rows = (
        [row.tobytes() for row in np.where(np.isnan(array), np.nan, array + 0.0)]
        for array in arrays
    )
    seen = set(real_rows)
    return float(np.mean([row in seen for row in synthetic_rows]))


def closest_distances(reference: Any, *tables: Any) -> list[np.ndarray]:
    """Distance to the closest record: from every row of the tables to the reference.

    Numbers are scaled to [0, 1] by the reference's range, labels are one-hot over √2, so one
    differing label weighs as much as the whole range of a number; then Euclidean. A missing
    value is a label of its own (beside the reference's smallest number).

    Parameters
    ----------
    reference : DataFrame, or array of shape (n, …)
        Rows to measure from: the training rows, as a rule.
    *tables : DataFrame, or array of shape (n, …)
        Rows to measure, with the same columns.

    Returns
    -------
    list of ndarray of float64, shape (n_rows,)
        One array for each table, in order.
    """
    named = {f"table {i}": table for i, table in enumerate(tables, start=1)}
    arrays, labelled = encode(*as_frames(**{"reference": reference, **named}))
    low = np.nanmin(arrays[0], axis=0, initial=np.inf)
    high = np.nanmax(arrays[0], axis=0, initial=-np.inf)
    # A constant column is measured in its own units; one without values not at all.
    span = np.select([high > low, high == low], [high - low, 1.0], np.inf)
    low = np.where(high < low, 0.0, low)
    labels = [
        np.where(labelled, np.nan_to_num(array, nan=-1.0), np.isnan(array)) for array in arrays
    ]
    one_hot = OneHotEncoder(dtype=np.float64).fit(np.concatenate(labels))
    features = [
        hstack(
            [
                csr_matrix(np.nan_to_num((array - low) / span)[:, ~labelled]),
                one_hot.transform(label) / np.sqrt(2),
            ],
            format="csr",
        )
        for array, label in zip(arrays, labels, strict=True)
    ]
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(features[0])
    return [neighbours.kneighbors(table)[0][:, 0] for table in features[1:]]
