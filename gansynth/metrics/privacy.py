"""Are synthetic rows new, or are they the training rows again?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from gansynth.metrics._encoding import as_frames, as_vectors, encode


def exact_copies(real: Any, synthetic: Any) -> float:
    """Share of synthetic rows that equal some real row in every column [1]_.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns; two missing values are equal.

    Returns
    -------
    float
        From 0 to 1. Compare with real rows that were held out: of few, coarse columns there
        are honest copies.

    Raises
    ------
    ValueError
        If columns differ, or a table has no rows.

    References
    ----------
    .. [1] DataCebo, SDMetrics: NewRowSynthesis, which is 1 minus this, but takes numbers within
       1 % of each other for equal, https://docs.sdv.dev/sdmetrics.

    Examples
    --------
    >>> import pandas as pd
    >>> from gansynth.metrics import exact_copies
    >>> real = pd.DataFrame({"size": [1, 2], "colour": ["red", None]})
    >>> exact_copies(real, pd.DataFrame({"size": [2, 2], "colour": [None, "red"]}))
    0.5
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
    """Distance to the closest record: from every row of the tables to the reference [1]_.

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

    Raises
    ------
    ValueError
        If columns differ, or a table has no rows.

    References
    ----------
    .. [1] N. Park et al., "Data Synthesis based on Generative Adversarial Networks", PVLDB 2018,
       https://arxiv.org/abs/1806.03384.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import closest_distances
    >>> closest_distances(np.array([[0.0], [10.0]]), np.array([[1.0], [7.0], [10.0]]))
    [array([0.1, 0.3, 0. ])]
    """
    named = {f"table {i}": table for i, table in enumerate(tables, start=1)}
    first, *others = as_vectors(as_frames(**{"reference": reference, **named}), "range")
    return [_nearest(first, other) for other in others]


def _nearest(reference: csr_matrix, rows: csr_matrix) -> np.ndarray:
    """Distance of each row to the nearest one of the reference."""
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(reference)
    return neighbours.kneighbors(rows)[0][:, 0]


def dcr_share(train: Any, held_out: Any, synthetic: Any, random_state: int | None = 0) -> float:
    """Share of synthetic rows that are closer to a training row than to any held-out one [1]_.

    Parameters
    ----------
    train, held_out, synthetic : DataFrame, or array of shape (n, …)
        Rows that the generator was trained on, as good rows that it has not seen, and its own;
        the same columns. Of the larger of the first two, as many rows are taken as the smaller
        one has.
    random_state : int or None, default=0
        Seed of that choice.

    Returns
    -------
    float
        0.5 is ideal; 1 where all synthetic rows are nearest to training rows, as copies are.
        Equal distances count half.

    Raises
    ------
    ValueError
        If columns differ, or a table has no rows.

    References
    ----------
    .. [1] M. Platzer and T. Reutterer, "Holdout-based empirical assessment of mixed-type
       synthetic data", Frontiers in Big Data, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import dcr_share
    >>> train, held_out = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    >>> dcr_share(train, held_out, np.array([[0.1], [1.9], [2.1], [3.0]]))
    0.75
    """
    frames = as_frames(train=train, held_out=held_out, synthetic=synthetic)
    *references, rows = as_vectors(frames, "range")
    n = min(len(frames[0]), len(frames[1]))
    rng = np.random.default_rng(random_state)
    to_train, to_held_out = (
        _nearest(reference[rng.permutation(reference.shape[0])[:n]], rows)
        for reference in references
    )
    return float(np.mean(to_train < to_held_out) + 0.5 * np.mean(to_train == to_held_out))


def membership_auc(train: Any, held_out: Any, synthetic: Any) -> float:
    """How well an attacker who has the synthetic rows tells who was in the training rows [1]_.

    The attacker holds a record for a member if a synthetic row is close to it: the attack of
    GAN-Leaks that needs no access to the generator.

    Parameters
    ----------
    train, held_out, synthetic : DataFrame, or array of shape (n, …)
        Rows that the generator was trained on, as good rows that it has not seen, and its own;
        the same columns.

    Returns
    -------
    float
        Area under the ROC curve of the guess: 0.5 where nothing is given away, 1 where all is.

    Raises
    ------
    ValueError
        If columns differ, or a table has no rows.

    References
    ----------
    .. [1] D. Chen, N. Yu, Y. Zhang and M. Fritz, "GAN-Leaks: a taxonomy of membership inference
       attacks against generative models", CCS 2020, https://arxiv.org/abs/1909.03935.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import membership_auc
    >>> train, held_out = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    >>> membership_auc(train, held_out, train)
    1.0
    """
    to_members, to_others = closest_distances(synthetic, train, held_out)
    members = np.repeat([True, False], [len(to_members), len(to_others)])
    return float(roc_auc_score(members, -np.concatenate([to_members, to_others])))
