"""How much likelier a row is among real rows than among generated ones, told from pairs of columns.

The logarithm of the ratio of the two densities is modelled as a sum of tables, one a pair of
columns: the log-linear model of two-way interactions, fitted by logistic regression on real
against generated rows (Bickel et al. 2009, "Discriminative learning under covariate shift").
What a critic lets pass between two columns, such tables see cell by cell, and looking them up
costs next to nothing.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from gansynth_tabular.layout import Layout

MOST_PAIRS = 200
"""Pairs of columns; of more, those on which real and generated rows differ most."""
INVERSE_PENALTY = 1.0
ITERATIONS = 100


@dataclass(frozen=True)
class PairwiseRatio:
    """Tables over pairs of columns, of which the sum is the log of a ratio of densities.

    Attributes
    ----------
    pairs : ndarray of int, shape (pairs, 2)
        The columns of each table.
    strides : ndarray of int, shape (pairs,)
        Levels of the second column of each.
    starts : ndarray of int, shape (pairs,)
        Where each table begins in ``weights``.
    weights : ndarray of float32, shape (cells,)
        All tables, one after the other, row by row.
    """

    pairs: np.ndarray
    strides: np.ndarray
    starts: np.ndarray
    weights: np.ndarray

    def cells(self, levels: np.ndarray) -> np.ndarray:
        """Where in ``weights`` each row is, for each pair: (n, pairs)."""
        first, second = self.pairs.T
        return levels[:, first] * self.strides + levels[:, second] + self.starts


def levels(
    rows: np.ndarray, layout: Layout, merges: list[np.ndarray], borders: np.ndarray
) -> np.ndarray:
    """Level of each block and each score of compact rows; a score that doesn't count has its own.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, scores + blocks)
        Compact rows.
    layout : Layout
        What they hold.
    merges : list of ndarray of int
        Level of each choice of each block; see :func:`merged`.
    borders : ndarray, shape (scores, borders)
        Where the bins of each score begin, but for the first.

    Returns
    -------
    ndarray of int, shape (n, blocks + scores)
    """
    codes = rows[:, layout.scores :].astype(int)
    of_blocks = [merge[codes[:, i]] for i, merge in enumerate(merges)]
    of_scores = []
    for score, gate in enumerate(layout.gates):
        level = 1 + np.searchsorted(borders[score], rows[:, score], "right")
        counts = gate < 0 or codes[:, gate] == layout.sizes[gate] - 1
        of_scores.append(level * counts)
    return np.column_stack(of_blocks + of_scores)


def fit_ratio(real: np.ndarray, made: np.ndarray, sizes: np.ndarray) -> PairwiseRatio:
    """Fit the log of the ratio of real to generated rows' densities, up to a constant.

    Parameters
    ----------
    real, made : ndarray of int, shape (n, columns), (m, columns)
        Levels of real and of generated rows.
    sizes : ndarray of int, shape (columns,)
        How many levels each column has.
    """
    pairs = np.array(list(combinations(range(len(sizes)), 2)))
    if len(pairs) > MOST_PAIRS:
        distances = [_distance(real, made, sizes, *pair) for pair in pairs]
        pairs = pairs[np.sort(np.argsort(distances)[-MOST_PAIRS:])]
    strides = sizes[pairs[:, 1]]
    counts = sizes[pairs[:, 0]] * strides
    ratio = PairwiseRatio(
        pairs, strides, np.cumsum(counts) - counts, np.zeros(counts.sum(), np.float32)
    )
    cells = ratio.cells(np.concatenate([real, made])).astype(np.int32)
    ends = np.arange(0, cells.size + 1, len(pairs))
    indicators = csr_matrix(
        (np.ones(cells.size, np.float32), cells.ravel(), ends), (len(cells), counts.sum())
    )
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        # The last digits of a weight are worth nothing.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(indicators, np.repeat([1, 0], [len(real), len(made)]))
    ratio.weights[:] = model.coef_[0]
    return ratio


def _distance(real: np.ndarray, made: np.ndarray, sizes: np.ndarray, i: int, j: int) -> float:
    """Total variation between real and generated pairs of levels."""
    shares = [
        np.bincount(rows[:, i] * sizes[j] + rows[:, j], minlength=sizes[i] * sizes[j]) / len(rows)
        for rows in (real, made)
    ]
    return float(np.abs(shares[0] - shares[1]).sum())


def merged(shares: np.ndarray, ordered: bool, most: int) -> np.ndarray:
    """Level of each choice of a column.

    Parameters
    ----------
    shares : ndarray, shape (choices,)
        Share of the rows of each choice.
    ordered : bool
        Whether neighbours may be taken together; otherwise the rare ones are.
    most : int
        How many levels there may be.
    """
    if len(shares) <= most:
        return np.arange(len(shares))
    if ordered:
        middle = (np.cumsum(shares) - 0.5 * shares) / shares.sum()
        return np.unique((most * middle).astype(int), return_inverse=True)[1]
    ranks = np.empty(len(shares), int)
    ranks[np.argsort(-shares, kind="stable")] = np.arange(len(shares))
    return np.minimum(ranks, most - 1)
