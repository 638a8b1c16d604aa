"""Ways through the latent space."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gansynth.inference import noise


def point(place: Any, name: str, seed: int, width: int) -> np.ndarray:
    """Noise of a row by its place, or as it is given: float32 of shape (width,).

    Raises
    ------
    ValueError
        If it is neither.
    """
    if np.ndim(place) == 0:
        try:
            row = operator.index(place)
        except TypeError:
            row = -1
        if row >= 0:
            return noise.normal(seed, row, row + 1, width)[0]
    else:
        vector = np.asarray(place)
        if vector.shape == (width,) and vector.dtype.kind in "fiu" and np.isfinite(vector).all():
            return vector.astype(np.float32)
    raise ValueError(
        f"{name} must be the place of a row (an integer, 0 or more) or a vector of {width} finite "
        f"numbers; got {place!r}."
    )


def arc(a: np.ndarray, b: np.ndarray, n_steps: int) -> np.ndarray:
    """Points on the arc of a great circle from one to another, both ends included [1]_.

    A straight line would pass near the origin, where noise of many dimensions never is. Lengths
    go from that of the first to that of the last.

    Parameters
    ----------
    a, b : ndarray of float32, shape (width,)
        Ends.
    n_steps : int
        Points, 2 or more.

    Returns
    -------
    ndarray of float32, shape (n_steps, width)

    References
    ----------
    .. [1] T. White, "Sampling generative networks", 2016, https://arxiv.org/abs/1609.04468.
    """
    share = np.linspace(0.0, 1.0, n_steps)[:, None]
    lengths = [float(np.linalg.norm(end)) for end in (a, b)]
    turn = [end / max(length, 1e-12) for end, length in zip((a, b), lengths, strict=True)]
    angle = np.arccos(np.clip(turn[0] @ turn[1], -1.0, 1.0))
    if min(lengths) == 0 or np.sin(angle) < 1e-6:  # on a line through the origin is no arc
        points = (1 - share) * a + share * b
    else:
        around = np.sin((1 - share) * angle) * turn[0] + np.sin(share * angle) * turn[1]
        points = ((1 - share) * lengths[0] + share * lengths[1]) * around / np.sin(angle)
    points = points.astype(np.float32)
    points[0], points[-1] = a, b
    return points
