"""Samplers in joblib's workers, which all of these share: each imports TensorFlow for seconds.

They can't import the toys beside this file.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from gansynth import OversampledClassifier

from .test_callbacks import X, fidelity, needs_callbacks, tiny

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@needs_callbacks
def test_scoring_monitor_in_two_processes():
    """ScoringMonitor collects the scores of all intervals from workers, and y is not needed."""
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring={"fidelity": fidelity})
    search = GridSearchCV(
        tiny(steps=1).set_callbacks(monitor),
        {"batch_size": [16]},
        scoring=fidelity,
        cv=2,
        n_jobs=2,
        refit=False,
    )
    search.fit(X)
    log = monitor.get_logs().data_as_pandas
    assert sorted(log["task_name"]) == ["fit", "fit", "interval", "interval"]
    assert np.isfinite(log["fidelity"]).all()


def test_search_in_several_processes():
    """A classifier's sampler goes there and back."""
    y = np.repeat(["common", "rare"], [36, 24])
    model = OversampledClassifier(LogisticRegression(), tiny(steps=2))
    search = GridSearchCV(model, {"estimator__C": [0.1, 1]}, cv=2, n_jobs=2).fit(X[:60], y)
    again = GridSearchCV(model, {"estimator__C": [0.1, 1]}, cv=2).fit(X[:60], y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"]
    )
