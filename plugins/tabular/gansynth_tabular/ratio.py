"""How much likelier a row is among real rows than among generated ones, told by a few columns each.

The logarithm of the ratio of the two densities is modelled as a sum of tables over columns, pairs
and, more coarsely, triples of them: a log-linear model, fitted by logistic regression on real
against generated rows (Bickel et al. 2009, "Discriminative learning under covariate shift").
What a critic lets pass between two columns, such tables see cell by cell, and looking them up
costs next to nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from gansynth_tabular.layout import Layout

MOST_TABLES = 400
"""Pairs of columns come first, then triples; of more, those that tell the rows apart best."""
COARSE = 8
"""Levels that a column of a triple is told apart by."""
INVERSE_PENALTY = 0.3
ITERATIONS = 100
ROWS_AT_ONCE = 4096
RAKES = 4


@dataclass(frozen=True)
class TableRatio:
    """Tables over levels of columns, of which the sum is the log of a ratio of densities.

    Attributes
    ----------
    coarse : list of ndarray of int
        Coarse level of each level of each column.
    strides : ndarray of int, shape (2 * columns, tables)
        By how many cells of each table a level of each column counts; then a coarse level.
    starts : ndarray of int, shape (tables,)
        Where each table begins in ``weights``. The first ones are of a single column each.
    weights : ndarray of float32, shape (cells,)
        All tables, one after the other.
    """

    coarse: list[np.ndarray]
    strides: np.ndarray
    starts: np.ndarray
    weights: np.ndarray

    def cells(self, levels: np.ndarray) -> np.ndarray:
        """Where in ``weights`` each row is, for each table: int32 of shape (n, tables)."""
        found = np.empty((len(levels), len(self.starts)), np.int32)
        strides = self.strides.astype(np.float32)
        for start in range(0, len(levels), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            # Products of real numbers are quick, and exact for numbers of this size.
            found[some] = with_coarse(levels[some], self.coarse).astype(np.float32) @ strides
        found += self.starts.astype(np.int32)
        return found

    def log_ratios(self, levels: np.ndarray) -> np.ndarray:
        """Log of the ratio of each row, up to a constant: float64 of shape (n,)."""
        pieces = [
            self.weights[self.cells(levels[start : start + ROWS_AT_ONCE])].sum(axis=1)
            for start in range(0, len(levels), ROWS_AT_ONCE)
        ]
        return np.concatenate(pieces).astype(float)

    def rake(self, real: np.ndarray, candidates: np.ndarray) -> None:
        """Prefer levels of single columns that chosen rows have too rarely.

        Candidates are few, so that choosing by the ratio alone goes part of the way, and may
        lead the shares of single values astray. They are put right one column after the other
        (iterative proportional fitting, Deming and Stephan 1940): all at once, columns that go
        together would be corrected several times over.

        Parameters
        ----------
        real : ndarray of int, shape (n, columns)
            Levels of real rows.
        candidates : ndarray of int, shape (m, k, columns)
            Levels of the candidates that m rows are chosen among.
        """
        logs = self.log_ratios(candidates.reshape(-1, real.shape[1])).reshape(candidates.shape[:2])
        for _ in range(RAKES):
            for column, coarse in enumerate(self.coarse):
                found = candidates[:, :, column]
                chances = softmax(logs, axis=1)
                counts = [
                    np.bincount(real[:, column], minlength=len(coarse)),
                    np.bincount(found.ravel(), chances.ravel(), minlength=len(coarse)),
                ]
                # A count more of each: levels that neither has stay as they are.
                shares = [(of + 1.0) / (of.sum() + len(coarse)) for of in counts]
                change = np.log(shares[0] / shares[1])
                start = self.starts[column]
                self.weights[start : start + len(coarse)] += change
                logs += change[found]


def with_coarse(levels: np.ndarray, coarse: list[np.ndarray]) -> np.ndarray:
    """Levels of the columns, then their coarse levels: (n, 2 * columns)."""
    return np.column_stack([levels, *(of[levels[:, i]] for i, of in enumerate(coarse))])


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
    return np.column_stack(of_blocks + of_scores).astype(np.int32)


def fit_ratio(
    real: np.ndarray, made: np.ndarray, sizes: list[int], ordered: list[bool]
) -> TableRatio:
    """Fit the log of the ratio of real to generated rows' densities, up to a constant.

    Parameters
    ----------
    real, made : ndarray of int, shape (n, columns), (m, columns)
        Levels of real and of generated rows.
    sizes : list of int
        How many levels each column has.
    ordered : list of bool
        Whether neighbouring levels of each column are near each other.
    """
    shares = [np.bincount(of, minlength=size) for of, size in zip(real.T, sizes, strict=True)]
    coarse = [
        merged(of / len(real), by, COARSE).astype(np.int32)
        for of, by in zip(shares, ordered, strict=True)
    ]
    sizes = sizes + [int(of.max()) + 1 for of in coarse]
    real, made = with_coarse(real, coarse), with_coarse(made, coarse)
    columns = range(len(coarse))
    tables = _telling(list(combinations(columns, 2)), MOST_TABLES, real, made, sizes)
    triples = list(combinations([len(coarse) + i for i in columns], 3))
    tables += _telling(triples, MOST_TABLES - len(tables), real, made, sizes)
    tables = [(column,) for column in columns] + tables
    strides = np.zeros((len(sizes), len(tables)), int)
    for place, table in enumerate(tables):
        strides[table, place] = _strides(table, sizes)
    counts = np.array([np.prod([sizes[column] for column in table]) for table in tables])
    ratio = TableRatio(
        coarse, strides, np.cumsum(counts) - counts, np.zeros(counts.sum(), np.float32)
    )
    cells = ratio.cells(np.concatenate([real, made])[:, : len(coarse)])
    ends = np.arange(0, cells.size + 1, len(tables))
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


def _telling(
    tables: Sequence[tuple[int, ...]],
    most: int,
    real: np.ndarray,
    made: np.ndarray,
    sizes: list[int],
) -> list[tuple[int, ...]]:
    """Those tables, of so many at most, whose cells real and generated rows fill differently."""
    if len(tables) <= most:
        return [*tables]
    distances = []
    for table in tables:
        strides, cells = _strides(table, sizes), np.prod([sizes[column] for column in table])
        shares = [
            np.bincount(rows[:, table] @ strides, minlength=cells) / len(rows)
            for rows in (real, made)
        ]
        distances.append(np.abs(shares[0] - shares[1]).sum())
    return [tables[i] for i in np.sort(np.argsort(distances)[len(tables) - most :])]


def _strides(table: tuple[int, ...], sizes: list[int]) -> np.ndarray:
    """By how many cells of a table a level of each of its columns counts."""
    return np.cumprod([1, *(sizes[column] for column in table[:0:-1])])[::-1]


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
