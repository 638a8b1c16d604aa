"""Do synthetic rows follow the distribution of the real ones?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.stats import chi2, entropy, wasserstein_distance
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import pairwise_distances_chunked
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestNeighbors

from gansynth.metrics._encoding import (
    as_frames,
    as_vectors,
    boosted_trees,
    encode,
    is_number,
    numbers,
    threads_for,
)


def column_scores(real: Any, synthetic: Any) -> pd.Series:
    """Compare the marginal of every column, by the definitions of SDMetrics [1]_.

    Numbers and dates: 1 minus the Kolmogorov-Smirnov statistic. Everything else, booleans
    too: 1 minus the total variation distance between the shares of the labels. The dtype in
    ``real`` decides which.

    Missing values are left out on both sides, as SDMetrics does: a wrong rate of them is not
    seen here. A column without any value on one side scores NaN.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns, any number of rows.

    Returns
    -------
    Series of float
        One score per column, from 0 to 1 (equal).

    Raises
    ------
    ValueError
        If columns differ, or a table has no rows.

    References
    ----------
    .. [1] DataCebo, SDMetrics: KSComplement and TVComplement, https://docs.sdv.dev/sdmetrics; the
       statistic is that of Massey, "The Kolmogorov-Smirnov Test for Goodness of Fit", Journal of
       the American Statistical Association 46, 1951.

    Examples
    --------
    >>> import pandas as pd
    >>> from gansynth.metrics import column_scores
    >>> real = pd.DataFrame({"size": [1, 2, 3, 4], "colour": ["red", "red", "blue", "blue"]})
    >>> column_scores(real, real.assign(colour="red"))
    size      1.0
    colour    0.5
    dtype: float64
    """
    real, synthetic = as_frames(real=real, synthetic=synthetic)
    return pd.Series(
        {
            name: _ks_complement(numbers(real[name]), numbers(synthetic[name]))
            if is_number(real[name])
            else _tv_complement(real[name], synthetic[name])
            for name in real.columns
        },
        dtype=np.float64,
    )


def column_shapes(real: Any, synthetic: Any) -> float:
    """Mean of :func:`~gansynth.metrics.column_scores`: what SDMetrics calls Column Shapes [1]_.

    Columns shuffled alone score a perfect 1.0, so never judge by this figure on its own.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns, any number of rows.

    Returns
    -------
    float
        From 0 to 1 (all marginals equal); NaN scores are left out of the mean.

    Raises
    ------
    ValueError
        If columns differ, or a table has no rows.

    References
    ----------
    .. [1] DataCebo, SDMetrics: Quality Report, https://docs.sdv.dev/sdmetrics.

    Examples
    --------
    >>> import pandas as pd
    >>> from gansynth.metrics import column_shapes
    >>> real = pd.DataFrame({"size": [1, 2, 3, 4], "colour": ["red", "red", "blue", "blue"]})
    >>> column_shapes(real, real.assign(colour="red"))
    0.75
    """
    return float(column_scores(real, synthetic).mean())


def missing_scores(real: Any, synthetic: Any) -> pd.Series:
    """Compare the share of missing values in every column, as SDMetrics does [1]_.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns, any number of rows.

    Returns
    -------
    Series of float
        1 minus the difference of the shares, per column: from 0 to 1 (equal).

    Raises
    ------
    ValueError
        If columns differ, or a table has no rows.

    References
    ----------
    .. [1] DataCebo, SDMetrics: MissingValueSimilarity, https://docs.sdv.dev/sdmetrics.

    Examples
    --------
    >>> import pandas as pd
    >>> from gansynth.metrics import missing_scores
    >>> missing_scores(pd.DataFrame({"a": [1, None]}), pd.DataFrame({"a": [1, 2]}))
    a    0.5
    dtype: float64
    """
    real, synthetic = as_frames(real=real, synthetic=synthetic)
    return 1.0 - (real.isna().mean() - synthetic.isna().mean()).abs()


def _ks_complement(real: np.ndarray, synthetic: np.ndarray) -> float:
    real, synthetic = (np.sort(values[~np.isnan(values)]) for values in (real, synthetic))
    if not len(real) or not len(synthetic):
        return np.nan
    values = np.concatenate([real, synthetic])
    real_cdf = np.searchsorted(real, values, side="right") / len(real)
    synthetic_cdf = np.searchsorted(synthetic, values, side="right") / len(synthetic)
    return 1.0 - float(np.abs(real_cdf - synthetic_cdf).max())


def _tv_complement(real: pd.Series, synthetic: pd.Series) -> float:
    # As plain objects, since a label may be a string here and a category there.
    real, synthetic = (
        column.astype(object).value_counts(normalize=True) for column in (real, synthetic)
    )
    if not len(real) or not len(synthetic):
        return np.nan
    return 1.0 - float(real.sub(synthetic, fill_value=0.0).abs().sum()) / 2.0


def c2st_auc(real: Any, synthetic: Any, random_state: int | None = 0) -> float:
    """Classifier two-sample test: can boosted trees tell synthetic rows from real ones?

    Scikit-learn's :class:`~sklearn.ensemble.HistGradientBoostingClassifier` is trained to
    tell them apart; the mean over five stratified folds of its area under the ROC curve on
    rows that it has not seen is the score [1]_. Labels are categories to it, beyond the 255
    most frequent of a column as one, and missing values are a value of their own.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns, at least five rows each.
    random_state : int or None
        Seed of the folds and of the trees.

    Returns
    -------
    float
        0.5: not to be told apart. 1.0: always.

    Raises
    ------
    ValueError
        If columns differ, or a table has fewer than five rows.

    References
    ----------
    .. [1] Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017,
       https://arxiv.org/abs/1610.06545.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import c2st_auc
    >>> real = np.random.default_rng(0).normal(size=(100, 1))
    >>> c2st_auc(real, real + 9)
    1.0
    """
    real, synthetic = as_frames(real=real, synthetic=synthetic)
    if min(len(real), len(synthetic)) < 5:
        raise ValueError(
            f"c2st_auc needs five rows of each kind for its five folds, got {len(real)} real "
            f"and {len(synthetic)} synthetic ones; draw more."
        )
    kind = HistGradientBoostingClassifier
    trees, tables = boosted_trees(kind, *encode(real, synthetic), random_state)
    is_synthetic = np.repeat([0, 1], [len(real), len(synthetic)])
    folds = StratifiedKFold(5, shuffle=True, random_state=random_state)
    with threads_for(len(is_synthetic)):
        scores = cross_val_score(
            trees, np.concatenate(tables), is_synthetic, cv=folds, scoring="roc_auc"
        )
    return float(scores.mean())


def sliced_wasserstein(
    real: Any, synthetic: Any, n_projections: int = 200, random_state: int | None = 0
) -> float:
    """Mean Wasserstein distance of one-dimensional projections [1]_.

    Rows become vectors: a number in standard deviations of its column in ``real``; a label as one
    of zeros and ones over √2, so that two different ones are at a distance of 1; a missing value
    as the mean, and a label of its own. Both tables are projected on the same random directions,
    and the distance along each is the area between the two distribution functions.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns, any number of rows.
    n_projections : int
        How many directions.
    random_state : int or None
        Their seed: distances compare only along the same ones.

    Returns
    -------
    float
        0 or more, in standard deviations. It falls with the root of the number of rows where the
        two are of one distribution, so look at real against real, too.

    Raises
    ------
    ValueError
        If columns differ, a table has no rows, or ``n_projections`` is less than 1.

    References
    ----------
    .. [1] Rabin et al., "Wasserstein Barycenter and Its Application to Texture Mixing", SSVM 2011;
       Bonneel et al., "Sliced and Radon Wasserstein Barycenters of Measures", JMIV 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import sliced_wasserstein
    >>> x = np.array([[0.0], [2.0]])
    >>> sliced_wasserstein(x, x + 1)
    1.0
    """
    if n_projections < 1:
        raise ValueError(f"n_projections must be at least 1, got {n_projections}.")
    rows = as_vectors(as_frames(real=real, synthetic=synthetic), "deviation")
    directions = np.random.default_rng(random_state).normal(size=(rows[0].shape[1], n_projections))
    directions /= np.linalg.norm(directions, axis=0)
    projected = [of @ directions for of in rows]
    distances = [wasserstein_distance(*of) for of in zip(*(p.T for p in projected), strict=True)]
    return float(np.mean(distances))


def energy_distance(real: Any, synthetic: Any) -> float:
    """Energy distance of two samples [1]_: 0 where they are one, and nowhere else.

    The root of ``2 E|X - Y| - E|X - X'| - E|Y - Y'|``, as scipy has it in one dimension, in the
    vectors of :func:`sliced_wasserstein`. It has no parameter to choose, sees what columns have
    together, and looks at every pair of rows: ten times as many take a hundred times as long.

    Parameters
    ----------
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns, any number of rows.

    Returns
    -------
    float
        0 or more. It falls with the root of the number of rows where the two are of one
        distribution, so look at real against real, too.

    Raises
    ------
    ValueError
        If columns differ, or a table has no rows.

    References
    ----------
    .. [1] Székely and Rizzo, "Energy statistics: A class of statistics based on distances",
       Journal of Statistical Planning and Inference 143, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import energy_distance
    >>> x = np.array([[0.0], [2.0]])
    >>> energy_distance(x, x), energy_distance(x, x + 2)
    (0.0, 1.4142135623730951)
    """
    one, other = as_vectors(as_frames(real=real, synthetic=synthetic), "deviation")

    def mean(a: csr_matrix, b: csr_matrix) -> float:
        sums = pairwise_distances_chunked(a, b, reduce_func=lambda part, _: part.sum(axis=1))
        return float(np.sum(np.concatenate([*sums])) / (a.shape[0] * b.shape[0]))

    squared = 2 * mean(one, other) - mean(one, one) - mean(other, other)
    return float(np.sqrt(max(squared, 0.0)))


class ModeScores(NamedTuple):
    """What :func:`~gansynth.metrics.modes` finds.

    Attributes
    ----------
    captured : int
        Modes with at least one high-quality point.
    fair : int
        Modes with half to twice their equal share of the high-quality points.
    high_quality : float
        Share of points within ``n_std`` standard deviations of a mode. A perfect sampler
        of 2-D modes reaches 0.989 at 3: more means that the modes are too narrow.
    reverse_kl : float
        KL divergence, in nats, from equal shares to the modes' shares of the high-quality
        points. A perfect sampler's is about (modes - 1) / (2 points); NaN without any.
    std_ratio : float
        Spread of the high-quality points about their mode's own mean, over the spread that a
        perfect sampler has there; mean over the modes that have two or more. Ideal: 1.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import modes
    >>> modes(np.array([[0.1], [4.9]]), centres=np.array([[0.0], [5.0]]), std=0.1).captured
    2
    """

    captured: int
    fair: int
    high_quality: float
    reverse_kl: float
    std_ratio: float


def modes(points: np.ndarray, centres: np.ndarray, std: float, n_std: float = 3.0) -> ModeScores:
    """Score points against an equal mixture of round Gaussians, as PacGAN does [1]_.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        The synthetic points.
    centres : ndarray of shape (m, d)
        The modes of the mixture.
    std : float
        Standard deviation of every mode, in every direction; above 0.
    n_std : float
        Radius, in standard deviations, within which a point is of high quality.

    Returns
    -------
    ModeScores
        Modes captured, modes with a fair share, high quality, reverse KL, std ratio.

    Raises
    ------
    ValueError
        If there are no points or no centres, they are not of one dimension, or ``std`` is not
        above 0.

    References
    ----------
    .. [1] Lin et al., "PacGAN: The power of two samples in generative adversarial networks",
       NeurIPS 2018, https://arxiv.org/abs/1712.04086.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import modes
    >>> points = np.array([[0.1], [-0.1], [5.2], [7.0]])
    >>> modes(points, centres=np.array([[0.0], [5.0], [9.0]]), std=0.1)[:3]
    (2, 2, 0.75)
    """
    if not std > 0:
        raise ValueError(f"std must be above 0, got {std}.")
    points, centres = np.asarray(points, np.float64), np.asarray(centres, np.float64)
    distances, nearest = (
        found[:, 0] for found in NearestNeighbors(n_neighbors=1).fit(centres).kneighbors(points)
    )
    good = distances < n_std * std
    counts = np.bincount(nearest[good], minlength=len(centres))
    shares = counts / max(int(counts.sum()), 1)

    # Cutting a Gaussian of d dimensions off at radius r scales its variance by this much.
    d, r2 = points.shape[1], n_std**2
    kept_variance = std**2 * chi2.cdf(r2, d + 2) / chi2.cdf(r2, d)
    ratios = [
        np.sqrt(points[good & (nearest == mode)].var(axis=0, ddof=1).mean() / kept_variance)
        for mode in np.flatnonzero(counts > 1)
    ]
    return ModeScores(
        captured=int(np.count_nonzero(counts)),
        fair=int(np.count_nonzero(np.abs(np.log2(np.maximum(shares * len(centres), 1e-9))) <= 1)),
        high_quality=float(good.mean()),
        reverse_kl=float(entropy(shares, np.full(len(centres), 1 / len(centres))))
        if counts.any()
        else np.nan,
        std_ratio=float(np.mean(ratios)) if ratios else np.nan,
    )
