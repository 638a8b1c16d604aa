"""Charts of points, in numpy: where to lay them, and how often to pick each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

POINTS_A_CLUSTER = 6
"""At least, in the mean: charts of fewer would be points learned by heart.

Of points that are the same, this many count.
"""
HELD_OUT = 0.2
"""Share of the points that tell how many clusters there are."""
TOLERANCE = 0.1
"""Nats a point by which held-out points may be less likely than under the best number."""
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
    """Lay charts over clusters of points, with the spread of each.

    There are as many clusters as keep held-out points likely. Where these are fewer than charts,
    charts share them.

    Parameters
    ----------
    points : ndarray of float32, shape (m, dimensions)
        At least one.
    count : int
        Number of charts.
    seed : int
        Of the clusters that k-means begins with, and of the choice of held-out points.
    """
    points = points.astype(np.float64)
    clusters = cluster(points, _number_of_clusters(points, count, seed), seed)
    of_chart = np.arange(count) % len(clusters.shares)
    shares = (clusters.shares / np.bincount(of_chart))[of_chart]
    return Charts(clusters.centres[of_chart], clusters.frames[of_chart], shares / shares.sum())


def _number_of_clusters(points: np.ndarray, count: int, seed: int) -> int:
    """Of as many as there may be, half of these, and so on to 1: what suits held-out points.

    Too many are the points by heart, too few lie over several modes, and both make held-out points
    unlikely. Of those that don't it is the most, as small charts keep edges sharper.
    """
    shuffled = np.random.default_rng(seed).permutation(points)
    held_out, rest = np.split(shuffled, [int(HELD_OUT * len(points))])
    # What is there six times or more is no one's own, and may have a chart to itself.
    times = np.minimum(np.unique(points, axis=0, return_counts=True)[1], POINTS_A_CLUSTER)
    most = min(count, int(times.sum()) // POINTS_A_CLUSTER, len(np.unique(rest, axis=0)))
    if most <= 1:
        return 1
    # One more point that may lie anywhere: an outlier that is held out must not decide.
    anywhere = log_density(cluster(rest, 1, seed), held_out) - np.log(len(points))
    likelihoods = {
        number: np.logaddexp(log_density(cluster(rest, number, seed), held_out), anywhere).mean()
        for number in (most >> halvings for halvings in range(most.bit_length()))
    }
    good = max(likelihoods.values()) - TOLERANCE
    return max(number for number, found in likelihoods.items() if found >= good)


def cluster(points: np.ndarray, number: int, seed: int) -> Charts:
    """One chart for each cluster that k-means finds.

    Spreads of small clusters are drawn towards the common one: a chart of one point is as wide as
    others are.
    """
    dimensions = points.shape[1]
    # In several threads sums are rounded in any order, and equal seeds would fit other networks.
    with threadpool_limits(1):
        # Until nothing changes, so that centres are the means of their points.
        found = KMeans(number, n_init=1, tol=0.0, random_state=seed % 2**32).fit(points)
    apart = points - found.cluster_centers_[found.labels_]
    scatter = np.zeros((number, dimensions, dimensions))
    np.add.at(scatter, found.labels_, apart[:, :, None] * apart[:, None, :])
    sizes = np.bincount(found.labels_, minlength=number)
    # What repeats counts once, or many equal points would make it narrow.
    distinct = np.sort(np.unique(points, axis=0, return_index=True)[1])
    common = (apart[distinct] ** 2).mean() * np.eye(dimensions)
    spread = (scatter + dimensions * common) / (sizes + dimensions)[:, None, None]
    roots = np.linalg.cholesky(spread + SLIGHT**2 * np.eye(dimensions))
    return Charts(found.cluster_centers_, roots.transpose(0, 2, 1), sizes / sizes.sum())


def log_density(charts: Charts, points: np.ndarray) -> np.ndarray:
    """Of the mixture of charts at each point, but for a constant: shape (m,)."""
    apart = points[:, None] - charts.centres
    whitened = np.einsum("mnd,nde->mne", apart, np.linalg.inv(charts.frames))
    volumes = np.abs(np.linalg.det(charts.frames))
    return logsumexp(-0.5 * (whitened**2).sum(axis=2), axis=1, b=charts.shares / volumes)


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
