"""Real rows beside synthetic ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gansynth.comparison import Comparison, of_estimator, of_samples
from gansynth.display._axes import REAL, SYNTHETIC, panels, written
from gansynth.display._images import by_class, draw_mosaic
from gansynth.display._marginals import LONGEST_TITLE, draw_marginal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 24
MOST_CLASSES = 10
WIDTH = 4
TITLES = ("real", "synthetic")


class SampleDisplay:
    """Real rows beside synthetic ones, whatever they are.

    Points are drawn over each other, or as densities side by side; images in a row a class, side
    by side; of tables, the distribution of every column, missing values included.

    Parameters
    ----------
    rows : gansynth.comparison.Comparison
        Both kinds of rows.
    columns : sequence of str, optional
        Those of a table to draw; the first 24 by default. Of points too, if they are given.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What was given, or made; parted into ``axes_``, unless it holds points over each other.
    axes_ : ndarray of Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of ``ax_``.

    See Also
    --------
    SampleDisplay.from_estimator : Make it from a sampler.
    SampleDisplay.from_samples : Make it from two tables.

    Examples
    --------
    >>> from gansynth.display import SampleDisplay
    >>> display = SampleDisplay.from_estimator(sampler, X_test, y_test)
    >>> display.figure_.savefig(folder / "samples.png")
    """

    def __init__(self, rows: Comparison, columns: Sequence[str] | None = None) -> None:
        self.rows = rows
        self.columns = columns

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        columns: Sequence[str] | None = None,
        n_samples: int | None = None,
        random_state: Any = 0,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> SampleDisplay:
        """Draw rows, and draw them beside real ones.

        Parameters
        ----------
        estimator : GANSampler or ExportedSampler
            Fitted.
        X : DataFrame, Table, array-like
            Real rows, best such as were not learned.
        y : array-like of shape (n,), optional
            Their classes, for a sampler that was fitted with y.
        columns : sequence of str, optional
            Columns of a table to draw.
        n_samples : int, optional
            Rows to draw; as many as X has by default.
        random_state : int, RandomState or Generator, default=0
            Of ``sample``.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For :meth:`plot`.

        Returns
        -------
        SampleDisplay

        Raises
        ------
        NotFittedError, ValueError
            If the sampler is not fitted; if X, y or columns are not those of the fit.
        """
        rows = of_estimator(estimator, X, y, n_samples, random_state)
        return cls(rows, columns).plot(ax, **kwargs)

    @classmethod
    def from_samples(
        cls,
        real: Any,
        synthetic: Any,
        *,
        y: tuple[Any, Any] | None = None,
        columns: Sequence[str] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> SampleDisplay:
        """Draw two samples beside each other, wherever they are from.

        Parameters
        ----------
        real, synthetic : DataFrame, Table, array-like
            The same columns, or images of one shape.
        y : pair of array-like, optional
            Classes of the real rows and of the synthetic ones.
        columns : sequence of str, optional
            Columns of a table to draw.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For :meth:`plot`.

        Returns
        -------
        SampleDisplay

        Raises
        ------
        ValueError
            If one is empty, or they differ in columns.
        """
        return cls(of_samples(real, synthetic, y), columns).plot(ax, **kwargs)

    def plot(
        self, ax: Axes | None = None, *, density: bool = False, **kwargs: Any
    ) -> SampleDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        density : bool, default=False
            Whether to show points, which hide each other where there are many, as densities.
        **kwargs
            For ``scatter`` (points), ``hist2d`` (their density) or ``imshow`` (images).

        Returns
        -------
        SampleDisplay
            Itself, with ``ax_``, ``axes_`` and ``figure_``.

        Raises
        ------
        ValueError
            If a column is not there, or ``ax`` can't be parted.
        """
        if self.rows.kind == "images":
            self._images(ax, kwargs)
        elif self.rows.kind == "table" or self.columns is not None:
            self._marginals(ax)
        elif density:
            self._densities(ax, kwargs)
        else:
            self._points(ax, kwargs)
        self.figure_ = self.ax_.figure
        return self

    def _points(self, ax: Axes | None, options: dict[str, Any]) -> None:
        """Synthetic points over real ones."""
        self.ax_, self.axes_ = panels(ax, 1, 1)
        for points, colour, label in zip(self._planes(), (REAL, SYNTHETIC), TITLES, strict=True):
            size = float(np.clip(4_000 / len(points), 2, 20))
            defaults: dict[str, Any] = {"s": size, "color": colour, "alpha": 0.5, "linewidths": 0}
            self.ax_.scatter(*points.T, **(defaults | {"label": label} | options))
        self.ax_.set_aspect("equal", adjustable="datalim")
        self.ax_.legend(frameon=False, fontsize=8, markerscale=2)
        self._name_axes(self.ax_)

    def _densities(self, ax: Axes | None, options: dict[str, Any]) -> None:
        """Real and synthetic points counted in the same squares, by the same scale."""
        self.ax_, axes = panels(ax, 1, 2, (3.6, 3.4))
        both = self._planes()
        together = np.concatenate(both)
        limits = [(c.min(), c.max() if c.max() > c.min() else c.min() + 1) for c in together.T]
        most = max(
            np.histogram2d(p[:, 0], p[:, 1], 40, range=limits)[0].max() / len(p) for p in both
        )
        defaults: dict[str, Any] = {
            "bins": 40,
            "range": limits,
            "vmin": 0,
            "vmax": most,
            "cmap": "Greys",
        }
        for panel, points, title in zip(axes[0], both, TITLES, strict=True):
            weights = np.full(len(points), 1 / len(points))
            panel.hist2d(*points.T, weights=weights, **(defaults | options))
            panel.set_title(title, fontsize=9)
            self._name_axes(panel)
        self.axes_ = axes[0]

    def _planes(self) -> list[np.ndarray]:
        """Points without a missing coordinate, shape (n, 2)."""
        names = self.rows.features
        planes = [rows[names].to_numpy(float) for rows in (self.rows.real, self.rows.synthetic)]
        return [points[np.isfinite(points).all(axis=1)] for points in planes]

    def _name_axes(self, ax: Axes) -> None:
        x, y = (written(name, LONGEST_TITLE) for name in self.rows.features)
        ax.set_xlabel(x, fontsize=8)
        ax.set_ylabel(y, fontsize=8)

    def _images(self, ax: Axes | None, options: dict[str, Any]) -> None:
        """Real images, and synthetic ones in the same classes."""
        self.ax_, axes = panels(ax, 1, 2, (3.6, 4.0))
        labels = self.rows.labels or (None, None)
        classes = None if labels[0] is None else np.unique(labels[0])[:MOST_CLASSES]
        limits = (float(self.rows.real.min()), float(self.rows.real.max()))
        samples = (self.rows.real, self.rows.synthetic)
        for panel, images, of_images, title in zip(axes[0], samples, labels, TITLES, strict=True):
            mosaic = by_class(images, of_images, classes, columns=6)
            draw_mosaic(panel, mosaic, limits, **options)
            panel.set_title(title, fontsize=9)
        self.axes_ = axes[0]

    def _marginals(self, ax: Axes | None) -> None:
        """The distribution of each column."""
        known = list(self.rows.real.columns)
        names = known[:MOST_COLUMNS] if self.columns is None else list(self.columns)
        if not names or not set(names) <= set(known):
            raise ValueError(
                f"columns={names} has to name columns that are compared; these are "
                f"{', '.join(known)}."
            )
        width = min(WIDTH, len(names))
        self.ax_, axes = panels(ax, -(-len(names) // width), width, (2.8, 2.0))
        flat = axes.ravel()
        for panel, name in zip(flat, names, strict=False):
            draw_marginal(panel, self.rows.real[name], self.rows.synthetic[name])
        for panel in flat[len(names) :]:
            panel.set_axis_off()
        flat[0].legend(frameon=False, fontsize=7)
        self.axes_ = flat[: len(names)]
