"""Columns that follow from others: found in the data, and kept exact by never being drawn."""

from __future__ import annotations

import numpy as np

MOST_PAIRS = 1 << 20
"""Pairs of choices of two columns that are looked at; of more, neither follows from the other."""
EVIDENCE = 20.0
"""How unlikely (as minus its logarithm) it has to be that columns which have nothing to do with
each other look as if one followed from the other."""


def followers(codes: list[np.ndarray], sizes: list[int]) -> dict[int, tuple[int, np.ndarray]]:
    """Find columns of which the choice follows from that of another one, without exception.

    Parameters
    ----------
    codes : list of ndarray of int, shape (n,)
        Choices of each column.
    sizes : list of int
        How many choices each one has.

    Returns
    -------
    dict of int to (int, ndarray of int)
        For each column that follows: the column that it follows from, which follows from none,
        and the choice that goes with each choice of that.
    """
    found: dict[int, tuple[int, np.ndarray]] = {}
    # The finer one leads; of equally fine ones, the first.
    order = sorted(range(len(codes)), key=lambda i: -sizes[i])
    for place, leader in enumerate(order):
        if leader in found:
            continue
        for other in order[place + 1 :]:
            if other not in found and sizes[leader] * sizes[other] <= MOST_PAIRS:
                choices = _follows(codes[leader], codes[other], sizes[leader], sizes[other])
                if choices is not None:
                    found[other] = (leader, choices)
    return found


def _follows(leader: np.ndarray, other: np.ndarray, size: int, others: int) -> np.ndarray | None:
    """The choice of the other that goes with each of the leader; None if several do."""
    pairs = np.bincount(leader * others + other, minlength=size * others).reshape(size, others)
    if (np.count_nonzero(pairs, axis=1) != 1).any():
        return None
    shares = pairs.sum(axis=0) / len(other)
    # Rows beyond the first of each of the leader's choices: each might have been an exception.
    repeats = len(leader) - size
    return pairs.argmax(axis=1) if -repeats * np.log((shares**2).sum()) > EVIDENCE else None
