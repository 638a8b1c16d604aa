"""How near points come to a distribution in the plane: modes, distances, detection, bridges."""

from __future__ import annotations

import numpy as np
from distribution2d_data import MODE_ROWS, Modes, Points, Sample
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from threadpoolctl import threadpool_limits

from gansynth.metrics import coverage, modes, sliced_wasserstein

FAILED_BELOW = 0.5
WORST = {"coverage": 0.0, "failed": 1.0}
"""Of a run that ended in NaN and gave no points."""


def floor(sample: Sample) -> dict[str, float]:
    """What other real points score, by what others are a multiple of; means over the classes."""
    each = [
        {
            "w1": float(np.mean([sliced_wasserstein(real, other) for other in others])),
            "c2st": c2st(real, others[0]),
        }
        for real, *others in _groups(sample.real, *sample.others)
    ]
    return _means(each)


def scores(
    sample: Sample, drawn: Points, truth: Modes | None, of_real: dict[str, float]
) -> dict[str, float]:
    """All scores of points; means over the classes, if there are any.

    Parameters
    ----------
    sample : Sample
        The real points.
    drawn : Points
        Those under test; of each class at least as many as are compared with.
    truth : Modes or None
        The modes that there are.
    of_real : dict of str to float
        The :func:`floor`.
    """
    each = [_against(real, points[: len(real)]) for real, points in _groups(sample.real, drawn)]
    found = _means(each)
    found |= {f"{name}_ratio": found[name] / least for name, least in of_real.items()}
    found["failed"] = float(found["coverage"] < FAILED_BELOW)
    if truth is not None:
        found |= modes(drawn.X[:MODE_ROWS], truth.centres, truth.std)._asdict()
    return found


def _groups(*samples: Points) -> list[list[np.ndarray]]:
    """The points of every class, of each sample; or all of them."""
    labels = samples[0].y
    if labels is None:
        return [[points.X for points in samples]]
    return [[points.of(label) for points in samples] for label in np.unique(labels)]


def _means(each: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([of[name] for of in each])) for name in each[0]}


def _against(real: np.ndarray, points: np.ndarray) -> dict[str, float]:
    """Scores of as many points as there are real ones."""
    return {
        "w1": sliced_wasserstein(real, points),
        "c2st": c2st(real, points),
        "bridges": bridges(real, points),
        "coverage": coverage(real, points),
        "distinct": len(np.unique(points, axis=0)) / len(points),
    }


def c2st(real: np.ndarray, points: np.ndarray) -> float:
    """Accuracy, over five folds, of the better of two classifiers that tell points from real ones.

    Nearest neighbours, as many as the root of the rows, as Lopez-Paz and Oquab (ICLR 2017) have
    them, see what is local; boosted trees see edges and wrong shares. 0.5: not to be told apart.
    """
    rows = np.concatenate([real, points])
    rows = (rows - real.mean(axis=0)) / real.std(axis=0)
    is_drawn = np.repeat([0, 1], [len(real), len(points)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    judges = (
        KNeighborsClassifier(int(np.sqrt(0.8 * len(rows)))),
        HistGradientBoostingClassifier(random_state=0),
    )
    with threadpool_limits(1):
        return max(float(cross_val_score(judge, rows, is_drawn, cv=folds).mean())
                   for judge in judges)  # fmt: skip


def bridges(real: np.ndarray, points: np.ndarray) -> float:
    """Share of points farther from any real one than real ones (but .1 %) are from each other."""
    neighbours = NearestNeighbors(n_neighbors=1).fit(real)
    apart = np.quantile(neighbours.kneighbors()[0], 0.999)
    return float(np.mean(neighbours.kneighbors(points)[0] > apart))
