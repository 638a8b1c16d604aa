"""The distribution of one column, and of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gansynth.display._axes import REAL, SYNTHETIC, written
from gansynth.metrics._encoding import kind_of, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

BINS = 24
MOST_BARS = 10
LONGEST_LABEL = 18
LONGEST_TITLE = 36
OTHERS, MISSING = "others", "missing"
SECONDS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}


def draw_marginal(ax: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    """Draw a histogram of numbers and times, or bars of labels, of real and synthetic rows.

    Shares of rows add up to one with that of the missing values, which have a bar of their own
    among labels, and are told in the title of numbers.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    real, synthetic : Series
        The same column. The real one says what it is.
    """
    kind = kind_of(real)
    title = written(real.name, LONGEST_TITLE)
    ax.tick_params(labelsize=8, length=2)
    ax.spines[["top", "right"]].set_visible(False)
    if kind == "label":
        _draw_bars(ax, real, synthetic)
    else:
        gaps = [column.isna().mean() for column in (real, synthetic)]
        if any(gaps):
            title += f"\nmissing {gaps[0]:.1%}, synthetic {gaps[1]:.1%}"
        _draw_histogram(ax, *positions(real, synthetic), kind=kind)
    ax.set_title(title, fontsize=9)


def positions(real: pd.Series, synthetic: pd.Series) -> tuple[np.ndarray, np.ndarray, str]:
    """Numbers to draw, NaN where missing, and what is to be written at the axis.

    Moments become matplotlib's days, durations days, hours or seconds.
    """
    kind = kind_of(real)
    values = numbers(real), numbers(synthetic)
    if kind == "moment":
        return values[0] / 86_400e6, values[1] / 86_400e6, ""
    if kind == "duration":
        longest = np.nanmax(np.abs(values[0]), initial=0.0) / 1e9
        unit = next((name for name, length in SECONDS.items() if longest > 2 * length), "seconds")
        length = 1e9 * SECONDS[unit]
        return values[0] / length, values[1] / length, unit
    return *values, ""


def _draw_histogram(
    ax: Axes, real: np.ndarray, synthetic: np.ndarray, unit: str, *, kind: str
) -> None:
    """Shares of rows in bins; values that are few stand in bins of their own."""
    present = [values[np.isfinite(values)] for values in (real, synthetic)]
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    if unit:
        ax.set_xlabel(unit, fontsize=8)
    if not len(present[0]) and not len(present[1]):
        ax.set_xticks([])
        ax.text(0.5, 0.5, "no values", transform=ax.transAxes, ha="center", va="center")
        return
    edges = _edges(*present)
    shares = [
        np.histogram(values, edges)[0] / max(len(all_rows), 1)
        for values, all_rows in zip(present, (real, synthetic), strict=True)
    ]
    ax.stairs(shares[0], edges, fill=True, color=REAL, label="real")
    ax.stairs(shares[1], edges, color=SYNTHETIC, linewidth=1.6, label="synthetic")
    if kind == "moment":
        _write_dates(ax.xaxis)
    else:
        ax.locator_params(axis="x", nbins=4)
        ax.ticklabel_format(axis="x", scilimits=(-3, 4))


def _edges(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Bins of equal width over all values; about whole numbers, if these are few."""
    both = np.concatenate([real, synthetic])
    low, high = both.min(), both.max()
    if high - low < BINS and (both == np.round(both)).all():
        return np.arange(low, high + 2) - 0.5
    return np.histogram_bin_edges(both, BINS)


def _draw_bars(ax: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    """Shares of the labels that are most frequent in the real rows, the others', the missing."""
    columns = [column.astype(object) for column in (real, synthetic)]
    shown = list(columns[0].value_counts().index[:MOST_BARS])
    shares = [_shares(column, shown) for column in columns]
    kept = [label for label in shares[0].index if shares[0][label] or shares[1][label]]
    places = np.arange(len(kept))
    for share, shift, colour, name in zip(
        shares, (-0.2, 0.2), (REAL, SYNTHETIC), ("real", "synthetic"), strict=True
    ):
        ax.barh(places + shift, share[kept], height=0.4, color=colour, label=name)
    ax.set_yticks(places, [written(label, LONGEST_LABEL) for label in kept])
    ax.invert_yaxis()
    ax.locator_params(axis="x", nbins=4)
    ax.xaxis.set_major_formatter("{x:.0%}")


def _shares(column: pd.Series, shown: list[object]) -> pd.Series:
    """Shares of rows, by what is written at the bar."""
    missing = column.isna()
    known = column.isin(shown)
    shares = {str(label): float((column == label).mean()) for label in shown}
    others = float((~known & ~missing).mean())
    return pd.Series(shares | {OTHERS: others, MISSING: float(missing.mean())})


def draw_pair(ax: Axes, table: pd.DataFrame, like: pd.DataFrame, colour: str) -> None:
    """Draw two columns against each other: points of numbers, areas of labels.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    table : DataFrame
        Two columns of rows to draw.
    like : DataFrame
        The same columns of the real rows: they say what is where, so that pictures compare.
    colour : str
        Of what is drawn.
    """
    rng = np.random.default_rng(0)
    x, y = (
        _place(ax, axis, table[name], like[name], rng)
        for axis, name in zip("xy", table.columns, strict=True)
    )
    size = float(np.clip(3_000 / max(len(table), 1), 4, 16))
    ax.scatter(x, y, s=size, color=colour, alpha=0.4, linewidths=0, rasterized=True)
    ax.tick_params(labelsize=7, length=2)
    ax.tick_params(axis="x", labelrotation=45)
    ax.set_xlabel(written(table.columns[0], LONGEST_LABEL), fontsize=8)
    ax.set_ylabel(written(table.columns[1], LONGEST_LABEL), fontsize=8)


def _place(
    ax: Axes, axis: str, column: pd.Series, like: pd.Series, rng: np.random.Generator
) -> np.ndarray:
    """Where values are along an axis, which is made ready for them."""
    kind = kind_of(like)
    ticks = ax.xaxis if axis == "x" else ax.yaxis
    limit = ax.set_xlim if axis == "x" else ax.set_ylim
    if kind == "label":
        labels = list(like.astype(object).value_counts().index[:MOST_BARS])
        codes = {label: i for i, label in enumerate(labels)}
        ticks.set_ticks(range(len(labels)), [written(label, LONGEST_LABEL) for label in labels])
        limit(-0.6, max(len(labels), 1) - 0.4)
        at = column.astype(object).map(codes).astype(float).to_numpy()
        return at + 0.7 * (rng.random(len(at)) - 0.5)
    real, values, _ = positions(like, column)
    present = real[np.isfinite(real)]
    if len(present):
        margin = 0.04 * np.ptp(present) or 0.5
        limit(present.min() - margin, present.max() + margin)
    if kind == "moment":
        _write_dates(ticks)
    return values


def _write_dates(ticks: Axis) -> None:
    """Write matplotlib's days as dates."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=2, maxticks=6)
    ticks.set_major_locator(locator)
    ticks.set_major_formatter(ConciseDateFormatter(locator))
