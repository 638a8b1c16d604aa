"""Shape of an encoded row: what networks need to know of a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

SCORE_LIMIT = 5.0
"""Largest score that is told apart: one row in three million lies beyond."""


@dataclass(frozen=True)
class Layout:
    """Where scores and categories lie in a row.

    A compact row is ``[scores, codes]``; an expanded row is ``[scores, one-hot blocks]``.
    Blocks are sorted by size, so that those of one size are one tensor, worked on at once.

    Attributes
    ----------
    scores : int
        Number of score slots.
    sizes : tuple of int
        Choices of each one-hot block, ascending.
    gates : tuple of int
        For each score, the block whose last choice says that the score counts; -1 if it
        always does.
    """

    scores: int
    sizes: tuple[int, ...]
    gates: tuple[int, ...]

    @cached_property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """Runs of blocks of one size, as (number of blocks, choices of each)."""
        sizes, counts = np.unique(self.sizes, return_counts=True)
        return tuple(zip(counts.tolist(), sizes.tolist(), strict=True))

    @cached_property
    def width(self) -> int:
        """Width of an expanded row."""
        return self.scores + sum(self.sizes)

    @cached_property
    def starts(self) -> np.ndarray:
        """First slot of each block in an expanded row."""
        sizes = np.array(self.sizes, int)
        return self.scores + np.cumsum(sizes) - sizes

    @cached_property
    def gate_matrix(self) -> tuple[np.ndarray, np.ndarray]:
        """Matrix and offset that take one-hot slots to the gates of the scores."""
        matrix = np.zeros((sum(self.sizes), self.scores), np.float32)
        offset = np.ones(self.scores, np.float32)
        for score, block in enumerate(self.gates):
            if block >= 0:
                matrix[self.starts[block] - self.scores + self.sizes[block] - 1, score] = 1.0
                offset[score] = 0.0
        return matrix, offset
