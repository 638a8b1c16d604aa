"""Where displays draw, and in what colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REAL, SYNTHETIC, INDEPENDENT = "#8391a0", "#c2410c", "#0e7c86"
"""Told apart in the dark, too, and by those who don't see red and green."""


def written(label: object, most: int) -> str:
    """A name or label as text of a picture: the middle of a long one is left out.

    Parameters
    ----------
    label : object
        Column or value.
    most : int
        Letters to show.

    Returns
    -------
    str
        In which dollar signs stand for themselves, and not for formulas.
    """
    text = str(label)
    if len(text) > most:
        text = f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"
    return text.replace("$", r"\$")


def panels(
    ax: Axes | None, rows: int, columns: int, size: tuple[float, float] = (6.4, 4.8)
) -> tuple[Axes, np.ndarray]:
    """Axes to draw in.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        What is given; a new figure is made for None.
    rows, columns : int
        How many to draw in. Several take the place of the one that is given.
    size : (float, float)
        Width and height of each in a new figure, in inches.

    Returns
    -------
    ax : matplotlib.axes.Axes
        The one that is given or made.
    axes : ndarray of Axes, shape (rows, columns)
        Those to draw in: itself, if one is wanted.

    Raises
    ------
    ValueError
        If several are wanted, and what is given is in no grid that could be parted.
    """
    if ax is None:
        from matplotlib import pyplot as plt

        figsize = (size[0] * columns, size[1] * rows)
        ax = plt.figure(figsize=figsize, layout="constrained").add_subplot()
    if rows == columns == 1:
        return ax, np.array([[ax]])
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "ax is not in a grid, so that it can't be parted into several; make it by "
            "plt.subplots() or figure.add_subplot()."
        )
    ax.set_axis_off()
    grid = place.subgridspec(rows, columns)
    figure: Any = ax.get_figure(root=False)
    axes = [[figure.add_subplot(grid[i, j]) for j in range(columns)] for i in range(rows)]
    return ax, np.array(axes)
