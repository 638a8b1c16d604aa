"""Real beside synthetic: the pictures of ``gansynth demo``."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from pandas.api.types import is_bool_dtype, is_numeric_dtype

REAL, SYNTHETIC = "#8391a0", "#c2410c"
TITLES = ("real, held out", "synthetic")


def marginals(real: pd.DataFrame, synthetic: pd.DataFrame) -> Figure:
    """Distribution of every column: histograms of numbers, bars of labels."""
    width = 4
    height = -(-real.shape[1] // width)
    figure = Figure(figsize=(2.7 * width, 1.9 * height), dpi=110, layout="constrained")
    panels = figure.subplots(height, width, squeeze=False).ravel()
    for panel, name in zip(panels, real.columns, strict=False):
        _marginal(panel, real[name], synthetic[name])
        panel.set_title(_titled(name, real[name], synthetic[name]), fontsize=9)
        panel.tick_params(labelsize=7, length=2)
        panel.set_yticks([])
        panel.spines[["top", "left", "right"]].set_visible(False)
    for panel in panels[real.shape[1] :]:
        panel.set_axis_off()
    handles = [Patch(color=REAL), Patch(color=SYNTHETIC)]
    figure.legend(handles, TITLES, loc="outside upper center", ncols=2, frameon=False)
    return figure


def points(real: np.ndarray, synthetic: np.ndarray) -> Figure:
    """Points in the plane, in axes of equal scale and limits."""
    figure = Figure(figsize=(8, 2.7), dpi=110, layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    colours = (REAL, SYNTHETIC)
    for panel, title, colour, X in zip(panels, TITLES, colours, (real, synthetic), strict=True):
        panel.plot(X[:, 0], X[:, 1], ".", markersize=2.5, color=colour, alpha=0.6, mew=0)
        panel.set_title(f"{title}: {len(X):,} points", fontsize=10)
        panel.set_aspect("equal", adjustable="box")
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def images(real: np.ndarray, synthetic: np.ndarray, labels: np.ndarray, each: int = 10) -> Figure:
    """Grey images in one row a class, the first ``each`` of every class.

    Both samples have the same labels.
    """
    figure = Figure(figsize=(8, 4.2), dpi=110, layout="constrained")
    classes = np.unique(labels)
    shown = [np.flatnonzero(labels == label)[:each] for label in classes]
    limit = real.max()
    for panel, title, X in zip(figure.subplots(1, 2), TITLES, (real, synthetic), strict=True):
        rows = [np.hstack([_framed(image) for image in X[index]]) for index in shown]
        mosaic = np.vstack(rows)
        panel.imshow(mosaic, cmap="gray_r", vmin=0, vmax=limit, interpolation="nearest")
        size = mosaic.shape[0] / len(classes)
        panel.set_yticks((np.arange(len(classes)) + 0.5) * size - 0.5, classes, fontsize=9)
        panel.set_xticks([])
        panel.set_title(title, fontsize=10)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
    return figure


def _marginal(panel: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    if is_numeric_dtype(real) and not is_bool_dtype(real):
        values = [column.dropna().to_numpy(dtype=float) for column in (real, synthetic)]
        bins = np.histogram_bin_edges(np.concatenate(values), bins=18)
        heights = [np.histogram(column, bins)[0] / max(len(column), 1) for column in values]
        panel.stairs(heights[0], bins, fill=True, color=REAL)
        panel.stairs(heights[1], bins, color=SYNTHETIC, linewidth=1.4)
        return
    labels = list(real.cat.categories) if hasattr(real, "cat") else sorted(real.dropna().unique())
    places = np.arange(len(labels))
    for column, shift, colour in ((real, -0.2, REAL), (synthetic, 0.2, SYNTHETIC)):
        shares = column.value_counts(normalize=True).reindex(labels, fill_value=0.0)
        panel.bar(places + shift, shares, width=0.4, color=colour)
    panel.set_xticks(places, [str(label) for label in labels])


def _titled(name: str, real: pd.Series, synthetic: pd.Series) -> str:
    """Name of a column, and how much of it is missing."""
    gaps = real.isna().mean(), synthetic.isna().mean()
    return f"{name} (missing {gaps[0]:.0%}, {gaps[1]:.0%})" if any(gaps) else name


def _framed(image: np.ndarray) -> np.ndarray:
    """An image with a white margin of a pixel."""
    return np.pad(image, 1)
