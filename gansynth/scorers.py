"""How good a fitted sampler is on held-out rows, for ``scoring=`` of scikit-learn's searches.

Each is called as ``scorer(sampler, X, y=None)`` and gives a float, higher for better. New rows are
drawn with the same seed at each call; of a sampler that was fitted with y, they are of the classes
in y.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gansynth import metrics
from gansynth.comparison import TARGET, learned
from gansynth.containers import as_frame

MOST_DRAWS = 8
ROWS = 2_000
"""Few held-out rows are compared with several times as many new ones, up to about this number, so
that chance says less."""


def sliced_wasserstein_scorer(sampler: Any, X: Any, y: Any = None) -> float:
    """Minus the sliced Wasserstein distance of held-out and new rows.

    See :func:`gansynth.metrics.sliced_wasserstein`: cheap, and it goes on falling where other
    scores have hit their floor, so that it can tell poor samplers apart too.

    Parameters
    ----------
    sampler : GANSampler
        Fitted.
    X : array-like of shape (n, …)
        Held-out rows.
    y : array-like of shape (n,), optional
        Their classes.

    Returns
    -------
    float
        At most 0.

    Examples
    --------
    >>> from gansynth.scorers import sliced_wasserstein_scorer
    >>> sliced_wasserstein_scorer(sampler, X_test, y_test) < 0
    True
    """
    return -metrics.sliced_wasserstein(*_real_and_new(sampler, X, y))


def c2st_scorer(sampler: Any, X: Any, y: Any = None) -> float:
    """How little boosted trees can tell held-out rows from new ones.

    See :func:`gansynth.metrics.c2st_auc`.

    Parameters
    ----------
    sampler : GANSampler
        Fitted.
    X : array-like of shape (n, …)
        Held-out rows, five at least.
    y : array-like of shape (n,), optional
        Their classes.

    Returns
    -------
    float
        1 less twice the distance of the AUC to 0.5: 1 if they can't at all, 0 if always.

    Examples
    --------
    >>> from gansynth.scorers import c2st_scorer
    >>> 0 <= c2st_scorer(sampler, X_test, y_test) <= 1
    True
    """
    return 1.0 - abs(2.0 * metrics.c2st_auc(*_real_and_new(sampler, X, y)) - 1.0)


def tstr_scorer(sampler: Any, X: Any, y: Any) -> float:
    """How well boosted trees that were trained on new rows do on held-out ones.

    See :func:`gansynth.metrics.tstr_auc`.

    Parameters
    ----------
    sampler : GANSampler
        Fitted with y.
    X : array-like of shape (n, …)
        Held-out rows.
    y : array-like of shape (n,)
        Their classes.

    Returns
    -------
    float
        Area under the ROC curve, the mean over the classes.

    Examples
    --------
    >>> from gansynth.scorers import tstr_scorer
    >>> 0 <= tstr_scorer(sampler, X_test, y_test) <= 1
    True
    """
    if y is None:
        raise ValueError("y is missing: tstr_scorer is for samplers that are fitted with y.")
    real, new = _real_and_new(sampler, X, y)
    return metrics.tstr_auc(new, real, TARGET)


def _real_and_new(sampler: Any, X: Any, y: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Held-out and new rows as frames, their classes in one more column."""
    schema = sampler.artifact_.schema
    real = as_frame(learned(schema, X))
    repeats = int(np.clip(ROWS // len(real), 1, MOST_DRAWS))
    if not hasattr(sampler, "classes_"):
        new = sampler.sample(repeats * len(real), random_state=0)
        return real, as_frame(learned(schema, new))
    if y is None:
        raise ValueError("y is missing: the sampler was fitted with classes. Pass those of X.")
    labels = np.asarray(y)
    classes = np.tile(labels, repeats)
    new = as_frame(learned(schema, sampler.sample(y=classes, random_state=0)))
    real[TARGET], new[TARGET] = labels.astype(str), classes.astype(str)
    return real, new
