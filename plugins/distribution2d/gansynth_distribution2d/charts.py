"""Charts of points, in numpy: where to lay them, and how often to pick each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

POINTS_A_CLUSTER = 6
"""At least, in the mean: charts of fewer would be points learned by heart."""
SLIGHT = 1e-6
"""Deviation that is added to all, so that points on a line have charts, too."""
CALIBRATION_ROUNDS = 20


class Charts(NamedTuple):
    """Gaussians that points are covered with: centre + frame.T @ standard normal.

    Attributes
    ----------
    centres : ndarray, shape (n, dimensions)
    frames : ndarray, shape (n, dimensions, dimensions)
    shares : ndarray, shape (n,)
        Share of the points that each of them covers.
    """

    centres: np.ndarray
    frames: np.ndarray
    shares: np.ndarray


def cover(points: np.ndarray, count: int, seed: int) -> Charts:
    """Lay charts over the clusters that k-means finds, with the spread of each.

    Spreads of small clusters are drawn towards the common one: a chart of one point is as wide as
    others are. Where there are too few points for a cluster each, charts share clusters.

    Parameters
    ----------
    points : ndarray of float32, shape (m, dimensions)
        At least one.
    count : int
        Number of charts.
    seed : int
        Of the clusters that k-means begins with.
    """
    points = points.astype(np.float64)
    dimensions = points.shape[1]
    clusters = max(1, min(count, len(np.unique(points, axis=0)) // POINTS_A_CLUSTER))
    # In several threads sums are rounded in any order, and equal seeds would fit other networks.
    with threadpool_limits(1):
        found = KMeans(clusters, n_init=1, random_state=seed % 2**32).fit(points)
    apart = points - found.cluster_centers_[found.labels_]
    scatter = np.zeros((clusters, dimensions, dimensions))
    np.add.at(scatter, found.labels_, apart[:, :, None] * apart[:, None, :])
    sizes = np.bincount(found.labels_, minlength=clusters)
    common = (apart**2).mean() * np.eye(dimensions)
    spread = (scatter + dimensions * common) / (sizes + dimensions)[:, None, None]
    roots = np.linalg.cholesky(spread + SLIGHT**2 * np.eye(dimensions))
    of_chart = np.arange(count) % clusters
    shares = (sizes / np.bincount(of_chart))[of_chart]
    return Charts(
        found.cluster_centers_[of_chart],
        roots.transpose(0, 2, 1)[of_chart],
        shares / shares.sum(),
    )


def mixture_weights(components: np.ndarray, count: int) -> np.ndarray:
    """Weights of a mixture under which data are likeliest, by expectation maximisation.

    The density of a component at a point is told by how many of its samples are among the
    point's nearest neighbours, all components having given equally many.

    Parameters
    ----------
    components : ndarray of int, shape (n, neighbours)
        The component that each neighbour of each point comes from.
    count : int
        Number of components.
    """
    weights = np.full(count, 1.0 / count)
    for _ in range(CALIBRATION_ROUNDS):
        parts = weights[components]
        parts /= parts.sum(axis=1, keepdims=True)
        weights = np.bincount(components.ravel(), parts.ravel(), count) / len(parts)
    return weights
