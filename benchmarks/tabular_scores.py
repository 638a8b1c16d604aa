"""All scores of synthetic rows: fidelity, use, privacy; every one beside what real rows get."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
from runs import HERE
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from tabular_data import Dataset
from threadpoolctl import threadpool_limits

from gansynth.metrics import (
    c2st_auc,
    closest_distances,
    column_shapes,
    dcr_share,
    exact_copies,
    membership_auc,
    tstr_auc,
)
from gansynth.metrics._encoding import MAX_CATEGORIES, encode

DISTANCE_ROWS = 5_000


def scores(
    real: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, dataset: Dataset
) -> dict[str, float]:
    """Compare synthetic rows with those they were learned from, and with rows held out."""
    with threadpool_limits(1, user_api="openmp"):  # more wait for each other on a busy machine
        return (
            {"shapes": column_shapes(real, synthetic), "c2st": c2st_auc(real, synthetic)}
            | utility(synthetic, test, dataset)
            | privacy(real, test, synthetic)
            | missing(real, synthetic)
            | dataset.check(real, synthetic)
        )


def utility(rows: pd.DataFrame, test: pd.DataFrame, dataset: Dataset) -> dict[str, float]:
    """Train boosted trees on the rows, test them on real ones: AUC and accuracy, or R²."""
    target = dataset.target
    position = list(test.columns).index(target)
    arrays, labelled = encode(test, rows[test.columns])
    features = [
        np.where(labelled, np.minimum(array, MAX_CATEGORIES - 1), array) for array in arrays
    ]
    known = [~np.isnan(array[:, position]) for array in arrays]
    (X_test, X), (y_test, y) = (
        [
            np.delete(table[which], position, axis=1)
            for table, which in zip(features, known, strict=True)
        ],
        [array[which, position] for array, which in zip(arrays, known, strict=True)],
    )
    settings = {"categorical_features": np.delete(labelled, position), "random_state": 0}
    if dataset.task == "regression":
        return {"r2": HistGradientBoostingRegressor(**settings).fit(X, y).score(X_test, y_test)}
    if len(np.unique(y)) == 1:  # all that can be learned is to say so
        accuracy = float(np.mean(y_test == y[0]))
    else:
        accuracy = HistGradientBoostingClassifier(**settings).fit(X, y).score(X_test, y_test)
    return {"auc": tstr_auc(rows, test, target), "accuracy": accuracy}


def privacy(real: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, float]:
    """Are synthetic rows the training rows again? Distances from at most 5,000 rows of each."""
    some_real, some_test, some = (
        rows.sample(min(DISTANCE_ROWS, len(rows)), random_state=0)
        for rows in (real, test, synthetic)
    )
    of_synthetic, of_test = closest_distances(real, some, some_test)
    return {
        "copies": exact_copies(real, synthetic),
        "dcr_share": dcr_share(real, test, some),
        "membership": membership_auc(some_real, some_test, synthetic),
        "dcr_below_p5": (of_synthetic < np.quantile(of_test, 0.05)).mean(),
        "dcr_ratio": np.median(of_synthetic) / np.median(of_test),
    }


def missing(real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, float]:
    """Largest difference of the shares of missing values in a column, if any are missing."""
    holes = real.columns[real.isna().any()]
    if not len(holes):
        return {}
    shares = [rows[holes].isna().mean() for rows in (real, synthetic)]
    return {"missing_error": (shares[0] - shares[1]).abs().max()}


def sdmetrics_scores(python: Path, real: Path, synthetic: Path) -> dict[str, float]:
    """Column shapes and pair trends by SDMetrics, in its own environment.

    TabSyn's errors are what these lack of one, in per cent: its density error is about column
    shapes, its pair error about the trends of all pairs, since the threshold of association
    that the report has now came later.
    """
    command = [str(python), str(HERE / "sdmetrics_scores.py"), str(real), str(synthetic)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        "shapes": found["shapes"],
        "pairs": found["pairs"],
        "density_error": 100 * (1 - found["shapes"]),
        "pair_error": 100 * (1 - found["all_pairs"]),
    }
