"""How good a generator is, told from samples: never from a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import mannwhitneyu

MOST_HELD_OUT = 1_000
"""Rows are compared pairwise: more would cost time and sharpen the score little."""
FEWEST_ROWS = 200
"""Smaller data are trained on whole: what could be held out would judge nothing."""
MOST_DRAWS = 8
"""Sets of generated rows that few held-out rows are compared with, so that chance says less."""
NEIGHBOURS = 5
NOISE = 0.3
"""Deviation of the score of one held-out row and one generated (measured: .0095 at 1,000)."""
CHANCE = 1e-4
"""How unlikely a difference of distances has to be to count."""


class Verdict(NamedTuple):
    """What held-out rows say of a generator.

    Attributes
    ----------
    score : float
        From 0 (told apart always) to 1 (as real as real rows); see :class:`Judge`.
    coverage : float
        Share of held-out rows with a generated one among their neighbours (Naeem et al.
        2020); about .97 for real rows.
    """

    score: float
    coverage: float


def draws_for(n_held_out: int) -> int:
    """Sets of generated rows to compare so many held-out rows with: about 1,000 rows, if few."""
    return int(np.clip(MOST_HELD_OUT // n_held_out, 1, MOST_DRAWS))


def split(
    n_samples: int, fraction: float, labels: np.ndarray | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train on and to hold out; of each class alike.

    Parameters
    ----------
    n_samples : int
        Rows there are.
    fraction : float
        Share to hold out; :data:`MOST_HELD_OUT` rows at most, none of fewer than
        :data:`FEWEST_ROWS`.
    labels : ndarray of int32, shape (n_samples,), or None
        Class codes.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    train, held_out : ndarray of int64
        Indices, ascending.
    """
    wanted = min(int(fraction * n_samples), MOST_HELD_OUT)
    if n_samples < FEWEST_ROWS or wanted <= NEIGHBOURS:
        return np.arange(n_samples), np.arange(0)
    order = rng.permutation(n_samples)
    if labels is not None:
        # Every n-th row of the classes laid one after the other; a class of one stays whole.
        order = order[np.argsort(labels[order], kind="stable")]
    places = ((np.arange(wanted) + 0.5) * n_samples / wanted).astype(int)
    if labels is not None:
        first = np.unique(labels[order], return_index=True)[1]
        places = np.setdiff1d(places, first)
    held_out = np.zeros(n_samples, bool)
    held_out[order[places]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


class Judge:
    """Scores a generator by the neighbours of held-out and generated rows.

    Held-out and as many generated rows are pooled; if the two are of one distribution, half
    of the nearest neighbours of a row are of its own kind. The score is twice the share of
    neighbours that are of the other kind (Schilling 1986, "Multivariate two-sample tests
    based on nearest neighbors"; Henze 1988): 1 where nothing tells them apart.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, …)
        Held-out rows, as the generator makes them.
    labels : ndarray of int32, shape (n,), or None
        Their class codes. Generated rows are of the same classes, and rows of different
        classes are no neighbours.
    generate : callable
        ``generate()`` gives as many rows of these classes, or several times as many, one set
        after the other, always from the same noise. The score is the mean over the sets.
    draws : int, default=1
        How many sets.
    """

    def __init__(
        self,
        rows: np.ndarray,
        labels: np.ndarray | None,
        generate: Callable[[], np.ndarray],
        draws: int = 1,
    ) -> None:
        self._rows = _flat(rows)
        self._draws = draws
        self._generate = generate
        self._apart = None if labels is None else labels[:, None] != labels[None, :]
        own = squared_distances(self._rows, self._rows)
        np.fill_diagonal(own, np.inf)
        # Rows of a discrete table are at a distance of 0 by the dozen: which of them is
        # nearer is left to chance, or order would decide.
        chance = np.random.Generator(np.random.Philox(0))
        typical = np.median(own.min(axis=1)) + 1e-9
        self._jitter = [1e-3 * typical * chance.random(own.shape, np.float32) for _ in range(3)]
        self._own = _nearest(self._within_classes(own + self._jitter[0]))
        self._radii = self._own.max(axis=1)

    @property
    def noise(self) -> float:
        """How far chance alone moves the score: about a standard deviation."""
        return NOISE * float(np.sqrt((1 + 1 / self._draws) / 2 / len(self._rows)))

    def __call__(self) -> Verdict | None:
        """Score the generator as it is; None if it makes NaN or infinity."""
        made = _flat(self._generate())
        if not np.isfinite(made).all():
            return None
        verdicts = [self._compared(rows) for rows in np.split(made, self._draws)]
        return Verdict(*(float(figure) for figure in np.mean(verdicts, axis=0)))

    def _compared(self, made: np.ndarray) -> Verdict:
        """Score one set of generated rows."""
        across = self._within_classes(squared_distances(self._rows, made) + self._jitter[1])
        among = self._within_classes(squared_distances(made, made) + self._jitter[2])
        np.fill_diagonal(among, np.inf)
        others, own, others_of_made = _nearest(across), _nearest(among), _nearest(across.T)
        mixed = _share_of_others(self._own, others) + _share_of_others(own, others_of_made)
        return Verdict(mixed, float(np.mean(others.min(axis=1) <= self._radii)))

    def _within_classes(self, squared: np.ndarray) -> np.ndarray:
        """Set rows of different classes far apart, in an order that chance has made."""
        return squared if self._apart is None else squared + 1e12 * self._apart


def share_above(values: np.ndarray, others: np.ndarray) -> float:
    """Share of the pairs of a value and another in which the value is larger, ties by half."""
    pairs = values.size * others.size
    return float(mannwhitneyu(values, others, axis=None).statistic / pairs)


def copy_ratio(
    made: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray | None,
    expanded: Callable[[np.ndarray], np.ndarray],
) -> float:
    """Median distance of generated rows to their nearest training row, over that of new rows.

    Parameters
    ----------
    made : ndarray of float32, shape (m, …)
        Generated rows.
    train : ndarray of float32, shape (n, …)
        Encoded training rows.
    held_out : ndarray of float32, shape (k, …), or None
        Encoded new rows. Without any, the training rows that are nearest to generated ones stand
        in for them, each compared with the others (Alaa et al. 2022, "How faithful is your
        synthetic data?").
    expanded : callable
        Encoded rows as the generator makes them.

    Returns
    -------
    float
        1 for rows as good as new, and where chance explains the difference; 0 for copies; NaN
        where new rows repeat training rows themselves, as the rows of a table of few categories
        do.
    """
    of_made, places = _to_nearest(_flat(made), train, expanded)
    if held_out is not None:
        of_new, _ = _to_nearest(_flat(expanded(held_out)), train, expanded)
    else:
        # One generated row for each training row: more are no further evidence.
        places, first = np.unique(places, return_index=True)
        of_made = of_made[first]
        of_new, _ = _to_nearest(_flat(expanded(train[places])), train, expanded, places)
    if mannwhitneyu(of_made, of_new, alternative="less").pvalue > CHANCE:
        return 1.0
    made_apart, new_apart = float(np.median(of_made)), float(np.median(of_new))
    return made_apart / new_apart if new_apart > 1e-3 else np.nan


def _to_nearest(
    rows: np.ndarray,
    train: np.ndarray,
    expanded: Callable[[np.ndarray], np.ndarray],
    themselves: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of rows to the nearest training row, and its place; but never to themselves."""
    nearest, places = np.full(len(rows), np.inf), np.zeros(len(rows), int)
    for start in range(0, len(train), MOST_HELD_OUT):
        squared = squared_distances(rows, _flat(expanded(train[start : start + MOST_HELD_OUT])))
        if themselves is not None:
            (here,) = np.nonzero((themselves >= start) & (themselves < start + squared.shape[1]))
            squared[here, themselves[here] - start] = np.inf
        least = squared.min(axis=1)
        places[least < nearest] = start + squared.argmin(axis=1)[least < nearest]
        np.minimum(nearest, least, out=nearest)
    return np.sqrt(nearest), places


def _flat(rows: np.ndarray) -> np.ndarray:
    """Rows as vectors; where they are short, wide enough to tell close points apart."""
    rows = rows.reshape(len(rows), -1)
    return rows.astype(np.float64) if rows.shape[1] <= 64 else rows


def _nearest(squared: np.ndarray) -> np.ndarray:
    """The distances of each row to its nearest ones, in no order."""
    return np.partition(squared, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]


def _share_of_others(own: np.ndarray, others: np.ndarray) -> float:
    """Share of the nearest of all neighbours that are in ``others``."""
    nearest = np.argsort(np.concatenate([own, others], axis=1), axis=1)[:, :NEIGHBOURS]
    return float(np.mean(nearest >= NEIGHBOURS))


def squared_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances, shape (rows, others)."""
    squared = (rows**2).sum(1)[:, None] + (others**2).sum(1)[None, :] - 2.0 * rows @ others.T
    return np.maximum(squared, 0.0, out=squared)
