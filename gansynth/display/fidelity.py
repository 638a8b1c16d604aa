"""Scores of columns and of pairs of columns, beside those of real rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gansynth.comparison import Comparison, of_estimator, of_samples
from gansynth.display._axes import INDEPENDENT, REAL, SYNTHETIC, panels, written
from gansynth.metrics import beside, column_scores, pair_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 20
MARKS = {
    "independent": ("s", INDEPENDENT, "real, columns shuffled"),
    "real": ("o", REAL, "real"),
    "synthetic": ("D", SYNTHETIC, "synthetic"),
}


class FidelityDisplay:
    """Scores of columns and of their pairs, with a map of the pairs; the worst columns first.

    These are the ones that are farthest below real ones. Synthetic rows, other real rows, and real
    rows with each column shuffled alone are compared
    with the same real rows: see :func:`gansynth.metrics.beside`.

    Parameters
    ----------
    columns : DataFrame of shape (columns, 3)
        :func:`~gansynth.metrics.column_scores`: ``synthetic``, ``real`` and ``independent``.
    pairs : dict of str to DataFrame of shape (columns, columns)
        :func:`~gansynth.metrics.pair_scores`, by the same names.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What was given, or made; parted into ``axes_``.
    axes_ : ndarray of Axes, shape (3,)
        Where it was drawn: columns, pairs, map. Of one column the first alone.
    figure_ : matplotlib.figure.Figure
        The figure of ``ax_``.

    See Also
    --------
    FidelityDisplay.from_estimator : Make it from a sampler.
    FidelityDisplay.from_samples : Make it from two tables.

    Examples
    --------
    >>> from gansynth.display import FidelityDisplay
    >>> display = FidelityDisplay.from_estimator(sampler, X_test, y_test)
    >>> display.columns.columns.tolist()
    ['synthetic', 'real', 'independent']
    """

    def __init__(self, columns: pd.DataFrame, pairs: dict[str, pd.DataFrame]) -> None:
        self.columns = columns
        self.pairs = pairs

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        random_state: Any = 0,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> FidelityDisplay:
        """Draw rows, score them, and draw the scores.

        Parameters
        ----------
        estimator : GANSampler or ExportedSampler
            Fitted on a table or on points.
        X : DataFrame, Table, array-like
            Real rows, best such as were not learned: two at least.
        y : array-like of shape (n,), optional
            Their classes, for a sampler that was fitted with y: a column like others.
        random_state : int, RandomState or Generator, default=0
            Of ``sample``.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For :meth:`plot`.

        Returns
        -------
        FidelityDisplay

        Raises
        ------
        NotFittedError, ValueError
            If the sampler is not fitted or makes images; if X or y are not those of the fit.
        """
        rows = of_estimator(estimator, X, y, random_state=random_state)
        return cls.of(rows).plot(ax, **kwargs)

    @classmethod
    def from_samples(
        cls, real: Any, synthetic: Any, *, ax: Axes | None = None, **kwargs: Any
    ) -> FidelityDisplay:
        """Score one table by another, and draw the scores.

        Parameters
        ----------
        real, synthetic : DataFrame, Table, array-like
            The same columns; two real rows at least.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For :meth:`plot`.

        Returns
        -------
        FidelityDisplay

        Raises
        ------
        ValueError
            If they differ in columns, one is empty, or they are images.
        """
        return cls.of(of_samples(real, synthetic)).plot(ax, **kwargs)

    @classmethod
    def of(cls, rows: Comparison, most: int = 100) -> FidelityDisplay:
        """Score what is compared; of very many columns, the pairs of the worst ones alone.

        Parameters
        ----------
        rows : gansynth.comparison.Comparison
            A table or points.
        most : int, default=100
            Columns to pair.

        Returns
        -------
        FidelityDisplay
            Not drawn yet.

        Raises
        ------
        ValueError
            If they are images.
        """
        if rows.kind == "images":
            raise ValueError(
                "FidelityDisplay compares columns, and images have none. SampleDisplay shows them."
            )
        columns = pd.DataFrame(beside(column_scores, rows.real, rows.synthetic)._asdict())
        columns = columns.loc[(columns["synthetic"] - columns["real"]).sort_values().index]
        paired = columns.index[:most]
        pairs = beside(pair_scores, rows.real[paired], rows.synthetic[paired])
        return cls(columns, pairs._asdict())

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> FidelityDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For ``imshow`` of the map.

        Returns
        -------
        FidelityDisplay
            Itself, with ``ax_``, ``axes_`` and ``figure_``.

        Raises
        ------
        ValueError
            If ``ax`` can't be parted.
        """
        worst = self.columns.index[:MOST_COLUMNS]
        height = 1.2 + 0.24 * len(worst)
        alone = len(worst) == 1
        self.ax_, axes = panels(ax, 1, 1 if alone else 3, (3.4, height))
        self.axes_ = axes[0]
        _draw_scores(self.axes_[0], self.columns.loc[worst], "columns")
        self.axes_[0].legend(frameon=False, fontsize=7, loc="lower left")
        if not alone:
            means = {name: scores.mean() for name, scores in self.pairs.items()}
            of_pairs = pd.DataFrame(means).reindex(worst)
            _draw_scores(self.axes_[1], of_pairs, "their pairs, in the mean")
            self.axes_[1].set_yticklabels([])
            _draw_map(self.axes_[2], self.pairs, list(worst), kwargs)
        self.figure_ = self.ax_.figure
        return self


def _draw_scores(ax: Axes, scores: pd.DataFrame, title: str) -> None:
    """A line a column of the table, with a mark each."""
    places = np.arange(len(scores))
    for name, (marker, colour, label) in MARKS.items():
        ax.plot(scores[name], places, marker, color=colour, markersize=5, label=label, alpha=0.9)
    scores = scores[list(MARKS)]
    ax.hlines(places, scores.min(axis=1), scores.max(axis=1), color="0.6", linewidth=0.5, zorder=0)
    ax.set_yticks(places, [written(name, 24) for name in scores.index])
    ax.invert_yaxis()
    ax.set_title(title, fontsize=9)
    ax.tick_params(labelsize=8, length=2)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_map(
    ax: Axes, pairs: dict[str, pd.DataFrame], names: list[str], options: dict[str, Any]
) -> None:
    """Pairs of synthetic columns below the diagonal, of real ones above it."""
    below, above = (pairs[of].loc[names, names] for of in ("synthetic", "real"))
    both = np.tril(below, -1) + np.triu(above, 1)
    np.fill_diagonal(both, np.nan)
    least = float(np.nanmin(both, initial=0.95))
    defaults: dict[str, Any] = {"cmap": "viridis", "vmin": least, "vmax": 1.0}
    shown = ax.imshow(both, **(defaults | options))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_title("pairs: synthetic below, real above", fontsize=9)
    figure: Any = ax.get_figure(root=False)
    bar = figure.colorbar(shown, ax=ax, shrink=0.7)
    bar.ax.tick_params(labelsize=7)
