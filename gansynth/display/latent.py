"""Ways through the latent space."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from gansynth.comparison import schema_of
from gansynth.display._axes import panels
from gansynth.display._images import draw_mosaic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WAYS = 5


class LatentDisplay:
    """Ways through the latent space: a row of images each, or a line of points.

    Parameters
    ----------
    ways : ndarray of shape (n_ways, n_steps, h, w, c) or (n_ways, n_steps, d)
        What is met on each way: images, or points.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of ``ax_``.

    See Also
    --------
    LatentDisplay.from_estimator : Make it from a sampler.

    Examples
    --------
    >>> from gansynth.display import LatentDisplay
    >>> display = LatentDisplay.from_estimator(sampler, y=(0, 1))  # from class to class
    >>> display.ways.shape
    (5, 8, 2)
    """

    def __init__(self, ways: np.ndarray) -> None:
        self.ways = ways

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        ends: Iterable[tuple[Any, Any]] | None = None,
        n_steps: int = 8,
        *,
        y: Any = None,
        random_state: Any = 0,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> LatentDisplay:
        """Interpolate, and draw what is on the way.

        Parameters
        ----------
        estimator : GANSampler or ExportedSampler
            A fitted sampler of images or points.
        ends : iterable of pairs, optional
            Where each way begins and ends, as ``interpolate`` takes it. By default there are five
            ways from one row of a sample to the next, or, from class to class, of one row each.
        n_steps : int, default=8
            Images or points on each way, ends included.
        y : label, (label, label) or array-like of shape (n_steps,), optional
            As ``interpolate`` takes it. By default each way is in a class of its own.
        random_state : int, RandomState or Generator, default=0
            Of ``interpolate``.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For :meth:`plot`.

        Returns
        -------
        LatentDisplay

        Raises
        ------
        ValueError
            If there are no ways, or the sampler makes neither images nor points.
        """
        schema = schema_of(estimator)
        if not schema.is_image and any(column.kind != "float" for column in schema.columns):
            raise ValueError("LatentDisplay shows images and points; these are rows of a table.")
        if ends is None:
            morphs = np.ndim(y) == 1 and len(y) == 2
            ends = [(i, i) if morphs else (2 * i, 2 * i + 1) for i in range(WAYS)]
        ends = list(ends)
        if not ends:
            raise ValueError(f"ends={ends!r} has no ways; give at least one pair.")
        labels = [y] * len(ends)
        if y is None and schema.classes:
            labels = [schema.classes[i % len(schema.classes)] for i in range(len(ends))]
        shape = schema.image_shape if schema.is_image else (len(schema.columns),)
        ways = [
            _array(estimator.interpolate(a, b, n_steps, y=label, random_state=random_state))
            for (a, b), label in zip(ends, labels, strict=True)
        ]
        return cls(np.reshape(ways, (len(ways), n_steps, *shape))).plot(ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> LatentDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For ``imshow`` (images) or ``plot`` (points).

        Returns
        -------
        LatentDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        ax, _ = panels(ax, 1, 1)
        if self.ways.ndim == 3:
            self._lines(ax, kwargs)
        else:
            draw_mosaic(ax, self.ways, **kwargs)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _lines(self, ax: Axes, options: dict[str, Any]) -> None:
        """Points in their first two coordinates; of one, over the steps."""
        defaults: dict[str, Any] = {"marker": "o", "markersize": 3}
        for way in self.ways:
            steps = np.arange(len(way))
            x, y = (way[:, 0], way[:, 1]) if way.shape[1] > 1 else (steps, way[:, 0])
            ax.plot(x, y, **(defaults | options))


def _array(X: Any) -> np.ndarray:
    """Rows of whatever container as an array."""
    return np.asarray(X.toarray() if issparse(X) else X)
