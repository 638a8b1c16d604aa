"""The weight of the gradient penalty, from the data.

A zero-centred penalty of weight gamma blurs both densities by about N(0, gamma) (Roth et
al. 2017): large, it lets the critic see far, and no mode is lost; as large as the variance
of a mode, it keeps the generator from being any sharper. So it starts large, and ends at
the square of the finest scale that the data have.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.neighbors import NearestNeighbors

from gansynth.architecture import Recipe

MOST_DIMENSIONS = 8
"""In more, neighbours are too far apart to tell a scale by."""
POOL, QUERIES = 4_000, 500
FEWEST_NEIGHBOURS = 8
SMALLEST = 1e-5
CLIFF, PLATEAU = 1.5, 0.75


def resolve(gamma: str | float | tuple[float, float], recipe: Recipe, rows: np.ndarray) -> Recipe:
    """Fill in the weight of R1 and R2.

    Parameters
    ----------
    gamma : "auto", float or pair of float
        A constant, or the weights at the start and after the anneal. ``"auto"`` is the
        recipe's pair; one that anneals ends at the squared :func:`finest_scale` of the data,
        where they show one.
    recipe : Recipe
        The architecture's.
    rows : ndarray of float32, shape (n, …)
        Encoded rows.
    """
    if isinstance(gamma, tuple):
        return replace(recipe, gamma=gamma)
    if not isinstance(gamma, str):
        return replace(recipe, gamma=(float(gamma), float(gamma)))
    start, end = recipe.gamma
    if start == end or rows.ndim != 2 or rows.shape[1] > MOST_DIMENSIONS:
        return recipe
    scale = finest_scale(rows)
    if scale is None:
        return recipe
    return replace(recipe, gamma=(start, float(np.clip(scale**2, SMALLEST, start))))


def finest_scale(rows: np.ndarray) -> float | None:
    """Spread of the data across their thinnest direction, where it is clearly told.

    The smallest principal deviation of a neighbourhood grows with the neighbourhood, as
    k^(1/d) if the data fill it evenly. Where it stands still, the neighbourhood has become
    wider than a curve or a sheet is thick; where it leaps, it has left a cluster. The first
    of either tells the scale.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Points.

    Returns
    -------
    float or None
        None where neither happens: a plain cloud, or too few points.
    """
    n, d = rows.shape
    pool = rows[np.random.Generator(np.random.Philox(0)).permutation(n)[:POOL]].astype(np.float64)
    sizes = FEWEST_NEIGHBOURS * 2 ** np.arange(12)
    sizes = sizes[sizes <= len(pool) // 2]
    if len(sizes) < 3:
        return None
    search = NearestNeighbors(n_neighbors=sizes[-1]).fit(pool)
    neighbours = pool[search.kneighbors(pool[:QUERIES], return_distance=False)]
    spreads = np.array([_thinnest(neighbours[:, :size]) for size in sizes])
    if spreads[-1] <= 0.0:
        return None
    slopes = np.diff(np.log2(np.maximum(spreads, 1e-12)))
    for i, slope in enumerate(slopes):
        if slope > CLIFF:
            return float(spreads[i])
        if slope < PLATEAU / d and d > 1 and slope <= slopes[i + 1 :].min(initial=np.inf):
            return float(spreads[i + 1])
    return None


def _thinnest(neighbourhoods: np.ndarray) -> float:
    """Smallest principal deviation, lower quartile over neighbourhoods (m, k, d)."""
    centred = neighbourhoods - neighbourhoods.mean(axis=1, keepdims=True)
    covariances = np.einsum("mki,mkj->mij", centred, centred) / (centred.shape[1] - 1)
    smallest = np.linalg.eigvalsh(covariances)[:, 0]
    return float(np.quantile(np.sqrt(np.maximum(smallest, 0.0)), 0.25))
