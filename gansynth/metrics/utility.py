"""Can a model be trained on synthetic rows and used on real ones?"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score

from gansynth.metrics._encoding import as_frames, boosted_trees, encode, threads_for


def tstr_auc(
    synthetic: pd.DataFrame,
    test: pd.DataFrame,
    target: Hashable,
    random_state: int | None = 0,
) -> float:
    """Train on synthetic, test on real [1]_: boosted trees' area under the ROC curve.

    Parameters
    ----------
    synthetic : DataFrame
        Rows to train on; real ones give the ceiling.
    test : DataFrame
        Real rows that the synthesiser has not seen, with the same columns.
    target : hashable
        Name of the column to predict: labels, or numbers taken for labels. Rows that lack it
        are left out.
    random_state : int or None
        Seed of the trees.

    Returns
    -------
    float
        Mean over the classes in ``test`` of the area for that class against the rest. A
        class that the synthetic rows lack counts as 0.5.

    Raises
    ------
    ValueError
        If columns differ, a table has no rows, ``target`` is none of the columns, or ``test`` has
        fewer than two classes.

    References
    ----------
    .. [1] Esteban et al., "Real-valued (Medical) Time Series Generation with Recurrent
       Conditional GANs", 2017, https://arxiv.org/abs/1706.02633.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from gansynth.metrics import tstr_auc
    >>> rows = pd.DataFrame({"x": np.arange(100), "y": np.repeat(["low", "high"], 50)})
    >>> tstr_auc(rows, rows, "y")
    1.0
    """
    rows, (test_labels, train_labels), labelled, _ = _split(synthetic, test, target)
    test_classes, train_classes = np.unique(test_labels), np.unique(train_labels)
    if len(test_classes) < 2:
        raise ValueError(
            f"test must hold at least two classes of {target!r}, got {len(test_classes)}; "
            "take more rows."
        )
    scores = dict.fromkeys(test_classes, np.zeros(len(test_labels)))
    if len(train_classes) > 1:
        trees, (test_rows, train_rows) = boosted_trees(
            HistGradientBoostingClassifier, rows, labelled, random_state
        )
        with threads_for(len(train_rows)):
            probabilities = trees.fit(train_rows, train_labels).predict_proba(test_rows)
        scores |= dict(zip(train_classes, probabilities.T, strict=True))
    areas = [roc_auc_score(test_labels == label, scores[label]) for label in test_classes]
    return float(np.mean(areas))


def tstr_r2(
    synthetic: pd.DataFrame,
    test: pd.DataFrame,
    target: Hashable,
    random_state: int | None = 0,
) -> float:
    """Train on synthetic, test on real [1]_: how much of a number boosted trees explain.

    Parameters
    ----------
    synthetic : DataFrame
        Rows to train on; real ones give the ceiling.
    test : DataFrame
        Real rows that the synthesiser has not seen, with the same columns.
    target : hashable
        Name of the column of numbers to predict. Rows that lack it are left out.
    random_state : int or None
        Seed of the trees.

    Returns
    -------
    float
        Coefficient of determination, R²: 1 at best, 0 for who says the mean, and less for who is
        worse.

    Raises
    ------
    ValueError
        If columns differ, a table has no rows or fewer than two with the target, or ``target`` is
        none of the columns or holds labels.

    References
    ----------
    .. [1] Esteban et al., "Real-valued (Medical) Time Series Generation with Recurrent
       Conditional GANs", 2017, https://arxiv.org/abs/1706.02633.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from gansynth.metrics import tstr_r2
    >>> rows = pd.DataFrame({"x": np.arange(100), "y": np.arange(100) ** 2})
    >>> tstr_r2(rows, rows, "y") > 0.9
    True
    """
    rows, numbers, labelled, of_labels = _split(synthetic, test, target)
    if of_labels:
        raise ValueError(f"target must hold numbers, but {target!r} holds labels: use tstr_auc.")
    for name, values in zip(("test", "synthetic"), numbers, strict=True):
        if len(values) < 2:
            raise ValueError(f"{name} has {len(values)} rows with {target!r}; give two or more.")
    trees, (test_rows, train_rows) = boosted_trees(
        HistGradientBoostingRegressor, rows, labelled, random_state
    )
    with threads_for(len(train_rows)):
        guesses = trees.fit(train_rows, numbers[1]).predict(test_rows)
    return float(r2_score(numbers[0], guesses))


def _split(
    synthetic: pd.DataFrame, test: pd.DataFrame, target: Hashable
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, bool]:
    """Features and target, of test rows and of synthetic ones; which are labels, of each."""
    test, synthetic = as_frames(test=test, synthetic=synthetic)
    columns: list[Hashable] = list(test.columns)
    if target not in columns:
        raise ValueError(
            f"target must be one of the columns, got {target!r}; the columns are "
            f"{', '.join(map(str, columns))}."
        )
    position = columns.index(target)
    arrays, labelled = encode(test, synthetic)
    targets = [array[:, position] for array in arrays]
    known = [~np.isnan(values) for values in targets]
    features = [
        np.delete(array[rows], position, axis=1) for array, rows in zip(arrays, known, strict=True)
    ]
    values = [of[rows] for of, rows in zip(targets, known, strict=True)]
    return features, values, np.delete(labelled, position), bool(labelled[position])
