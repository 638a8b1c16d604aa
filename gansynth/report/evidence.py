"""What a report rests on: scores of synthetic rows, of real ones, and of columns shuffled alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from gansynth import metrics
from gansynth.comparison import Comparison
from gansynth.metrics._encoding import as_vectors
from gansynth.metrics.beside import taken

MOST_ROWS = 4_000
"""Rows of each kind that scores are computed of."""
FEWEST_ROWS = 10
"""Halves of fewer can't be told apart in five folds."""
MOST_PAIRED = 50
COMPONENTS = 50

Metric = Callable[[Any, Any], float]


class Score(NamedTuple):
    """A metric, and what it gives.

    Attributes
    ----------
    name : str
        What it is.
    best : float
        What the best would be.
    found : gansynth.metrics.Beside
        Its three scores.
    """

    name: str
    best: float
    found: metrics.Beside


@dataclass(frozen=True)
class Evidence:
    """All that a report tells of rows.

    Attributes
    ----------
    rows : Comparison
        What is compared: at most 4,000 rows of each kind.
    given : (int, int)
        Real and synthetic rows that there were.
    scores : list of Score
        Of all rows.
    columns : DataFrame or None
        Scores of columns, the worst first; none of images.
    pairs : dict of str to DataFrame or None
        Scores of pairs of columns.
    privacy : list of (str, str, float, float)
        What was measured, the best, and figures of synthetic rows and of real ones; nothing
        without training rows.
    neighbours : (ndarray, ndarray) or None
        Synthetic images, and the nearest training image (or real one) to each.
    """

    rows: Comparison
    given: tuple[int, int]
    scores: list[Score]
    columns: pd.DataFrame | None
    pairs: dict[str, pd.DataFrame] | None
    privacy: list[tuple[str, str, float, float]]
    neighbours: tuple[np.ndarray, np.ndarray] | None


def gather(rows: Comparison, train: Any, random_state: int | None) -> Evidence:
    """Compute all scores.

    Parameters
    ----------
    rows : Comparison
        Real and synthetic rows.
    train : DataFrame, ndarray of shape (n, h, w, c) or None
        Training rows, in the form of those.
    random_state : int or None
        Seed of what is left to chance.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        If there are fewer than ten real rows or five synthetic ones.
    """
    given = len(rows.real), len(rows.synthetic)
    if given[0] < FEWEST_ROWS or given[1] < FEWEST_ROWS // 2:
        raise ValueError(
            f"A report compares halves of the real rows, and needs {FEWEST_ROWS} of them and "
            f"{FEWEST_ROWS // 2} synthetic ones; got {given[0]} and {given[1]}. Give more."
        )
    rows = _some(rows, random_state)
    scores = [
        Score(name, best, metrics.beside(metric, rows.real, rows.synthetic, random_state))
        for name, best, metric in _metrics(rows, random_state)
    ]
    columns = pairs = neighbours = None
    if rows.kind == "images":
        neighbours = _neighbours(rows.synthetic, rows.real if train is None else train)
    else:
        columns, pairs, score = _columns_and_pairs(rows, random_state)
        scores[1:1] = score
    privacy = [] if train is None else _privacy(rows, train, random_state)
    return Evidence(rows, given, scores, columns, pairs, privacy, neighbours)


def _some(rows: Comparison, random_state: int | None) -> Comparison:
    """Of very many rows some, by chance; in random order in any case."""
    rng = np.random.default_rng(random_state)
    tables = (rows.real, rows.synthetic)
    chosen = [rng.permutation(len(table))[:MOST_ROWS] for table in tables]
    real, synthetic = (taken(*of) for of in zip(tables, chosen, strict=True))
    labels = rows.labels
    if labels:
        labels = (labels[0][chosen[0]], labels[1][chosen[1]])
    return replace(rows, real=real, synthetic=synthetic, labels=labels)


def _metrics(rows: Comparison, random_state: int | None) -> list[tuple[str, float, Metric]]:
    """Metrics for rows of this kind: the first one is what the verdict goes by."""
    told = "told from real rows by boosted trees (AUC)"

    def c2st(real: Any, other: Any) -> float:
        return metrics.c2st_auc(real, other, random_state)

    def distance(real: Any, other: Any) -> float:
        return metrics.sliced_wasserstein(real, other, random_state=random_state)

    if rows.kind == "table":
        chosen: list[tuple[str, float, Metric]] = [
            (told, 0.5, c2st),
            ("sliced Wasserstein distance", 0.0, distance),
        ]
        if rows.target and rows.real[rows.target].nunique() > 1:
            chosen.append(
                (f"{rows.target}: trees trained on it, tested on real (AUC)", 1.0, _use(rows))
            )
        return chosen
    features = _Components(rows.real) if rows.kind == "images" else _Coordinates(rows.features)
    where = f" in {features.width} principal components" if rows.kind == "images" else ""
    k = min(5, len(rows.real) // 2 - 1, len(rows.synthetic) - 1)
    return [
        (told + where, 0.5, lambda a, b: c2st(features(a), features(b))),
        (
            "sliced Wasserstein distance" + where,
            0.0,
            lambda a, b: distance(features(a), features(b)),
        ),
        (
            "precision: synthetic rows among real ones",
            1.0,
            lambda a, b: metrics.prdc(features(a), features(b), k).precision,
        ),
        (
            "coverage: real rows with a synthetic one near",
            1.0,
            lambda a, b: metrics.coverage(features(a), features(b), k),
        ),
        (
            "kernel distance" + where,
            0.0,
            lambda a, b: metrics.kernel_distance(features(a), features(b), 10),
        ),
    ]


def _use(rows: Comparison) -> Metric:
    """How well trees predict the class that were trained on other rows."""

    def trained(real: Any, other: Any) -> float:
        assert rows.target
        return metrics.tstr_auc(other, real, rows.target)

    return trained


class _Components:
    """Principal components of images."""

    def __init__(self, images: np.ndarray) -> None:
        flat = images.reshape(len(images), -1).astype(np.float64)
        self.width = min(COMPONENTS, *flat.shape)
        self._model = PCA(self.width, random_state=0).fit(flat)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Shape (n, width)."""
        return self._model.transform(images.reshape(len(images), -1).astype(np.float64))


class _Coordinates:
    """Coordinates of points, the mean where they are missing."""

    def __init__(self, names: list[str]) -> None:
        self.names, self.width = names, len(names)

    def __call__(self, rows: pd.DataFrame) -> np.ndarray:
        """Shape (n, width)."""
        points = rows[self.names]
        return points.fillna(points.mean()).fillna(0.0).to_numpy(float)


def _columns_and_pairs(
    rows: Comparison, random_state: int | None
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], list[Score]]:
    """Scores of columns, of pairs, and the means of both."""

    def compared(metric: Any, names: Any) -> metrics.Beside:
        return metrics.beside(metric, rows.real[names], rows.synthetic[names], random_state)

    everything = list(rows.real.columns)
    columns = pd.DataFrame(compared(metrics.column_scores, everything)._asdict())
    gaps = compared(metrics.missing_scores, everything)
    missing = [f"missing, {kind}" for kind in ("real", "synthetic")]
    columns[missing[0]], columns[missing[1]] = rows.real.isna().mean(), rows.synthetic.isna().mean()
    columns = columns.loc[(columns["synthetic"] - columns["real"]).sort_values().index]
    paired = compared(metrics.pair_scores, list(columns.index[:MOST_PAIRED]))
    of_all = [("columns", [columns[name].mean() for name in metrics.Beside._fields])]
    if len(columns) > 1:
        of_all.append(("pairs of columns", [np.nanmean(scores) for scores in paired]))
    if columns[missing].to_numpy().any():
        of_all.append(("shares of missing values", [scores.mean() for scores in gaps]))
    scores = [Score(name, 1.0, metrics.Beside(*map(float, means))) for name, means in of_all]
    return columns, paired._asdict(), scores


def _privacy(
    rows: Comparison, train: Any, random_state: int | None
) -> list[tuple[str, str, float, float]]:
    """Are they the training rows again? Beside what real rows that were held out give."""
    names = None if rows.kind == "images" else rows.features
    real, synthetic, train = (
        table if names is None else table[names] for table in (rows.real, rows.synthetic, train)
    )
    rng = np.random.default_rng(random_state)
    some = taken(train, rng.permutation(len(train))[:MOST_ROWS])
    one, other = metrics.halves(real, random_state)
    return [
        (
            "rows that are training rows",
            "as real",
            metrics.exact_copies(train, synthetic),
            metrics.exact_copies(train, real),
        ),
        (
            "rows nearer to a training row than to a held-out one",
            "0.5",
            metrics.dcr_share(some, real, synthetic),
            metrics.dcr_share(some, one, other),
        ),
        (
            "training rows told by the synthetic rows near them (AUC)",
            "0.5",
            metrics.membership_auc(some, real, synthetic),
            metrics.membership_auc(some, one, other),
        ),
    ]


def _neighbours(
    synthetic: np.ndarray, others: np.ndarray, most: int = 12
) -> tuple[np.ndarray, np.ndarray]:
    """The first synthetic images, and the nearest other one to each."""
    first = synthetic[:most]
    flat = [images.reshape(len(images), -1).astype(np.float64) for images in (others, first)]
    places = NearestNeighbors(n_neighbors=1).fit(flat[0]).kneighbors(flat[1])[1][:, 0]
    return first, others[places]


def embedding(rows: Comparison) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]] | None:
    """Real and synthetic rows in the real rows' first two principal components.

    Returns
    -------
    tuple of two ndarray of shape (n, 2), and one of two floats; or None
        The last are shares of the variance. None where there are not two directions.
    """
    if rows.kind == "images":
        vectors: list[Any] = [
            images.reshape(len(images), -1).astype(float) for images in (rows.real, rows.synthetic)
        ]
    else:
        vectors = as_vectors([rows.real, rows.synthetic], "deviation")
    if min(vectors[0].shape) < 3 or _varying(vectors[0]) < 2:
        return None
    model = PCA(2, svd_solver="arpack" if rows.kind != "images" else "auto", random_state=0)
    real = model.fit_transform(vectors[0])
    return real, model.transform(vectors[1]), tuple(map(float, model.explained_variance_ratio_))


def _varying(vectors: Any) -> int:
    """How many columns of an array or a sparse matrix vary."""
    squares = vectors.multiply(vectors) if hasattr(vectors, "multiply") else vectors**2
    variance = np.asarray(squares.mean(axis=0)) - np.square(np.asarray(vectors.mean(axis=0)))
    return int(np.count_nonzero(variance > 1e-12))
