"""Images in rows, as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_mosaic(
    ax: Axes, images: np.ndarray, limits: tuple[float, float] | None = None, **options: Any
) -> None:
    """Draw images in rows, a line of one pixel between them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    images : ndarray of shape (rows, columns, h, w, c)
        Not a number throughout, where there is none.
    limits : (float, float), optional
        What is black and what is white; the least and the largest value by default.
    **options
        For ``imshow``.
    """
    low, high = limits or (float(np.nanmin(images)), float(np.nanmax(images)))
    shades = np.clip((images - low) / (high - low or 1.0), 0.0, 1.0)
    shades = np.nan_to_num(shades, nan=1.0)
    padded = np.pad(shades, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), constant_values=1.0)
    n, columns, height, width, channels = padded.shape
    mosaic = padded.transpose(0, 2, 1, 3, 4).reshape(n * height, columns * width, channels)
    mosaic = mosaic[:-1, :-1]
    if channels not in (3, 4):  # neither colours nor grey: the first channel stands for all
        mosaic = mosaic[..., 0]
    defaults: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "none"}
    ax.imshow(mosaic, **(defaults | options))
    ax.set_axis_off()


def by_class(
    images: np.ndarray, labels: np.ndarray | None, classes: np.ndarray | None, columns: int
) -> np.ndarray:
    """The first images of each class in a row of their own; without classes, the first ones.

    Parameters
    ----------
    images : ndarray of shape (n, h, w, c)
        What there is.
    labels : ndarray of shape (n,), or None
        Their classes.
    classes : ndarray, or None
        Which to show, in order.
    columns : int
        Images in a row.

    Returns
    -------
    ndarray of float, shape (rows, columns, h, w, c)
        NaN where there are no more.
    """
    if labels is None or classes is None:
        places = np.arange(min(len(images), columns * columns))
        rows = np.split(places, np.arange(columns, len(places), columns))
    else:
        rows = [np.flatnonzero(labels == label)[:columns] for label in classes]
    shown = np.full((len(rows), columns, *images.shape[1:]), np.nan)
    for i, index in enumerate(rows):
        shown[i, : len(index)] = images[index]
    return shown
