"""Do synthetic points lie where real ones do? Every value of a row counts the same.

Made for features of images, and good for images and points themselves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors


class PRDC(NamedTuple):
    """What :func:`~gansynth.metrics.prdc` finds.

    Attributes
    ----------
    precision : float
        Share of synthetic points within the neighbourhood of some real one.
    recall : float
        Share of real points within the neighbourhood of some synthetic one.
    density : float
        Real neighbourhoods that a synthetic point lies in, over k, in the mean. Two samples of one
        distribution score about 1; crowds where real points are densest score more.
    coverage : float
        Share of real points with a synthetic one in their neighbourhood.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import prdc
    >>> points = np.arange(10.0)[:, None]
    >>> prdc(points, points).recall
    1.0
    """

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: np.ndarray, synthetic: np.ndarray, k: int = 5) -> PRDC:
    """Precision and recall [1]_, density and coverage [2]_.

    The neighbourhood of a point is the ball that reaches to its k-th nearest other point of its
    own sample. Outliers have large ones, which is why density and coverage, where each real point
    counts once, are the sturdier pair.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n, …)
        Points, images or features. All four depend on how many there are: compare at equal
        numbers, and with real against real.
    k : int
        Neighbours that define how near is near.

    Returns
    -------
    PRDC
        Precision, recall, density, coverage.

    Raises
    ------
    ValueError
        If ``k`` is less than 1, or not less than the number of points of a sample.

    References
    ----------
    .. [1] Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative
       Models", NeurIPS 2019, https://arxiv.org/abs/1904.06991.
    .. [2] Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models",
       ICML 2020, https://arxiv.org/abs/2002.09797.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import prdc
    >>> real = np.array([[0.0], [1.0], [10.0], [13.0]])
    >>> prdc(real, np.array([[0.5], [1.5]]), k=1)
    PRDC(precision=1.0, recall=0.5, density=1.5, coverage=0.5)
    """
    real, synthetic = _vectors(real), _vectors(synthetic)
    radii = _radii(real, k, "real")
    around_each = _neighbourhoods(synthetic, real, radii)
    within_any = _neighbourhoods(real, synthetic, _radii(synthetic, k, "synthetic")) > 0
    return PRDC(
        precision=float(np.mean(around_each > 0)),
        recall=float(np.mean(within_any)),
        density=float(np.mean(around_each) / k),
        coverage=_covered(real, synthetic, radii),
    )


def coverage(real: np.ndarray, synthetic: np.ndarray, k: int = 5) -> float:
    """Share of real points with a synthetic point among their neighbours [1]_.

    A real point is covered if some synthetic point lies no farther from it than its k-th
    nearest other real point. Two samples of one distribution, equal in size, score about
    1 - 0.5**k; more synthetic points raise it, so compare at equal numbers.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n, …)
        Points, images or features; every value of a row counts the same (Euclidean).
    k : int
        Neighbours that define how near is near.

    Returns
    -------
    float
        From 0 (nothing real is covered) to 1.

    Raises
    ------
    ValueError
        If ``k`` is less than 1, or not less than the number of real points.

    References
    ----------
    .. [1] Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models",
       ICML 2020, https://arxiv.org/abs/2002.09797.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import coverage
    >>> coverage(np.array([[0.0], [1.0], [10.0], [13.0]]), np.array([[12.5]]), k=1)
    0.5
    """
    real, synthetic = _vectors(real), _vectors(synthetic)
    return _covered(real, synthetic, _radii(real, k, "real"))


def kernel_distance(
    real: np.ndarray,
    synthetic: np.ndarray,
    n_subsets: int = 100,
    subset_size: int = 1000,
    random_state: int | None = 0,
) -> float:
    """Kernel distance: squared maximum mean discrepancy, with a cubic kernel [1]_.

    The unbiased estimate with the kernel (x·y / d + 1)³ of d-dimensional points, averaged over
    random subsets. In features of the Inception network this is KID; whatever the features, name
    them beside the figure.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n, …)
        Points, images or features, two of each or more.
    n_subsets : int
        How many subsets.
    subset_size : int
        Points of each kind in a subset, or as many as there are of the fewer.
    random_state : int or None
        Seed of the subsets.

    Returns
    -------
    float
        0 in the mean for two samples of one distribution, whatever their size; so it may be
        a little below.

    Raises
    ------
    ValueError
        If a subset has fewer than two points of a kind, or ``n_subsets`` is less than 1.

    References
    ----------
    .. [1] Bińkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", ICLR 2018,
       https://arxiv.org/abs/1801.01401.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import kernel_distance
    >>> kernel_distance(np.zeros((4, 2)), np.ones((4, 2)))
    7.0
    """
    real, synthetic = _vectors(real), _vectors(synthetic)
    if n_subsets < 1:
        raise ValueError(f"n_subsets must be at least 1, got {n_subsets}.")
    size = min(subset_size, len(real), len(synthetic))
    if size < 2:
        raise ValueError(
            f"kernel_distance needs two points of each kind in a subset, got {len(real)} real and "
            f"{len(synthetic)} synthetic ones with subset_size={subset_size}."
        )
    rng = np.random.default_rng(random_state)
    subsets = (
        [points[rng.choice(len(points), size, replace=False)] for points in (real, synthetic)]
        for _ in range(n_subsets)
    )
    return float(np.mean([_squared_mmd(*subset) for subset in subsets]))


def _squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased estimate from as many points of each kind, shape (n, d)."""
    n = len(x)
    within = [
        (kernel.sum() - np.trace(kernel)) / (n - 1) for kernel in (_cubic(x, x), _cubic(y, y))
    ]
    return (sum(within) / n) - 2.0 * _cubic(x, y).mean()


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _vectors(points: np.ndarray) -> np.ndarray:
    """One row of float64 a point: small integers would wrap around."""
    return np.asarray(points, np.float64).reshape(len(points), -1)


def _radii(points: np.ndarray, k: int, kind: str) -> np.ndarray:
    """Distance from each point to its k-th nearest other one."""
    if not 1 <= k < len(points):
        raise ValueError(
            f"k must be at least 1 and less than the number of {kind} points, got k={k} for "
            f"{len(points)} points; lower it."
        )
    # Without an argument, kneighbors leaves each point itself out.
    return NearestNeighbors(n_neighbors=k).fit(points).kneighbors()[0][:, -1]


def _covered(real: np.ndarray, synthetic: np.ndarray, radii: np.ndarray) -> float:
    """Share of real points with a synthetic one within their radius."""
    nearest = NearestNeighbors(n_neighbors=1).fit(synthetic).kneighbors(real)[0][:, 0]
    return float(np.mean(nearest <= radii))


def _neighbourhoods(points: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """How many of the balls around the centres each point lies in."""
    chunks = pairwise_distances_chunked(
        points, centres, reduce_func=lambda distances, _: (distances <= radii).sum(axis=1)
    )
    return np.concatenate(list(chunks))
