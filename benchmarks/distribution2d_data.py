"""Points in the plane to learn: mixtures of known modes, shapes, and the Datasaurus dozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.datasets import make_circles, make_moons, make_swiss_roll

TRAIN_ROWS = 10_000
DRAWN = 10_000
MODE_ROWS = 2_500
"""Of those drawn, what modes are counted on, as in PacGAN (https://arxiv.org/abs/1712.04086)."""
QUICK_ROWS = 1_000
MANY = 10
FLOORS = 5
"""Draws that the floor of a distance is the mean of: one alone may be half or twice as far."""


class Points(NamedTuple):
    """Points, float32 of shape (n, 2), and their class if they have any, of shape (n,)."""

    X: np.ndarray
    y: np.ndarray | None = None

    def of(self, label: str) -> np.ndarray:
        """The points of one class."""
        return self.X[self.y == label]


class Sample(NamedTuple):
    """What one run learns from, and what its points are held against.

    Attributes
    ----------
    train : Points
        To learn from.
    real : Points
        To compare with: drawn afresh.
    others : tuple of Points
        As many real ones again, which tell what chance does: the floor.
    """

    train: Points
    real: Points
    others: tuple[Points, ...]


class Modes(NamedTuple):
    """An equal mixture of round Gaussians."""

    centres: np.ndarray
    std: float

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw points, shape (n, 2)."""
        centres = self.centres[rng.integers(len(self.centres), size=n)]
        return centres + self.std * rng.standard_normal((n, 2))


@dataclass(frozen=True)
class PointSet:
    """A distribution in the plane that can be drawn from.

    Attributes
    ----------
    cloud : callable
        ``cloud(n, rng)`` draws n points.
    modes : Modes or None
        Its modes, if it is a mixture.
    seeds : int
        Runs of each method.
    """

    cloud: Callable[[int, np.random.Generator], np.ndarray]
    modes: Modes | None = None
    seeds: int = 2

    def draw(self, n: int, seed: int) -> Points:
        """Draw n points."""
        return Points(self.cloud(n, np.random.default_rng(seed)).astype(np.float32))

    def sample(self, seed: int, quick: bool, data: Path | None) -> Sample:
        """Points of one run, all drawn apart."""
        train, drawn = (QUICK_ROWS, QUICK_ROWS) if quick else (TRAIN_ROWS, DRAWN)
        others = tuple(self.draw(drawn, seed + 1_000 * i) for i in range(2, 2 + FLOORS))
        return Sample(self.draw(train, seed), self.draw(drawn, seed + 1_000), others)


@dataclass(frozen=True)
class Datasaurus:
    """Thirteen shapes with equal means, deviations and correlation (Matejka, Fitzmaurice 2017).

    All of them are learned in one fit, with the shape's name as the class. No more than their 142
    points each are to be had, so points are compared with one half of those that were learned,
    and the floor is the other half.
    """

    modes: None = None
    seeds: int = 2

    def sample(self, seed: int, quick: bool, data: Path | None) -> Sample:
        """All points, and their halves."""
        assert data is not None
        rows = pd.read_parquet(data / "datasaurus_dozen.parquet")
        rows = rows.sample(frac=1, random_state=seed, ignore_index=True)
        first = (rows.groupby("dataset").cumcount() % 2 == 0).to_numpy()
        X, y = rows[["x", "y"]].to_numpy(np.float32), rows["dataset"].to_numpy(object)
        return Sample(Points(X, y), Points(X[first], y[first]), (Points(X[~first], y[~first]),))


def _lattice(levels: np.ndarray) -> np.ndarray:
    return np.stack(np.meshgrid(levels, levels), axis=-1).reshape(-1, 2)


def spiral(n: int, rng: np.random.Generator) -> np.ndarray:
    """Two arms of one and a half turns each, evenly dense along the arm."""
    angle = 3 * np.pi * np.sqrt(rng.uniform(0.02, 1.0, n))
    turned = angle + np.pi * rng.integers(2, size=n)
    arms = (angle / (3 * np.pi))[:, None] * np.column_stack([np.cos(turned), np.sin(turned)])
    return arms + 0.015 * rng.standard_normal((n, 2))


def pinwheel(n: int, rng: np.random.Generator) -> np.ndarray:
    """Five blades, each a long Gaussian that is sheared around the centre."""
    radius, across = 1 + 0.3 * rng.standard_normal(n), 0.1 * rng.standard_normal(n)
    turn = 2 * np.pi * rng.integers(5, size=n) / 5 + 0.25 * np.exp(radius)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.column_stack([radius * cos - across * sin, radius * sin + across * cos])


def checkerboard(n: int, rng: np.random.Generator) -> np.ndarray:
    """The eight dark squares of a board of four by four."""
    row, pair = rng.integers(4, size=n), rng.integers(2, size=n)
    corners = np.column_stack([2 * pair + row % 2, row])
    return corners + rng.uniform(size=(n, 2)) - 2


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def moons(n: int, rng: np.random.Generator) -> np.ndarray:
    """Scikit-learn's; some of many, since it places points evenly along the curve."""
    return make_moons(MANY * n, noise=0.05, random_state=_seed(rng))[0][:n]


def circles(n: int, rng: np.random.Generator) -> np.ndarray:
    """Scikit-learn's; some of many, too."""
    return make_circles(MANY * n, noise=0.03, factor=0.5, random_state=_seed(rng))[0][:n]


def swiss_roll(n: int, rng: np.random.Generator) -> np.ndarray:
    """Scikit-learn's, seen from the side and scaled as in the code of WGAN-GP."""
    return make_swiss_roll(n, noise=0.25, random_state=_seed(rng))[0][:, [0, 2]] / 7.5


ANGLES = 2 * np.pi * np.arange(8) / 8
MIXTURES = {
    "ring": Modes(np.column_stack([np.cos(ANGLES), np.sin(ANGLES)]), std=0.01),
    "grid": Modes(_lattice(np.arange(-4.0, 5.0, 2.0)), std=0.05),
    "grid100": Modes(_lattice(np.arange(-4.5, 5.0)), std=0.03),
}
SHAPES = {
    shape.__name__: shape for shape in (spiral, swiss_roll, moons, circles, checkerboard, pinwheel)
}
SETS: dict[str, PointSet | Datasaurus] = {
    **{name: PointSet(modes.draw, modes, seeds=5) for name, modes in MIXTURES.items()},
    **{name: PointSet(shape) for name, shape in SHAPES.items()},
    "datasaurus": Datasaurus(),
}
