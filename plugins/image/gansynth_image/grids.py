"""From the size of an image to the coarsest grid of a network, halving sides."""

from __future__ import annotations

COARSEST_SIDE = 4

Grid = tuple[int, int]


def pyramid(shape: Grid) -> list[Grid]:
    """Grids from the image to the coarsest.

    A side is halved, rounding up, as long as 4 or more pixels are left of it.
    """
    grids = [shape]
    while (coarser := (_halved(grids[-1][0]), _halved(grids[-1][1]))) != grids[-1]:
        grids.append(coarser)
    return grids


def factors(fine: Grid, coarse: Grid) -> Grid:
    """By how much each side differs: 1 or 2."""
    return -(-fine[0] // coarse[0]), -(-fine[1] // coarse[1])


def _halved(side: int) -> int:
    half = (side + 1) // 2
    return half if half >= COARSEST_SIDE else side
