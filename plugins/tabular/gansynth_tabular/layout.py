"""Shape of an encoded row: what networks need to know of a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

SCORE_LIMIT = 5.0
"""Largest score that is told apart: one row in three million lies beyond."""
KNOTS = 2049
"""Scores, from one limit to the other, at which maps from scores to values are stored."""


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
    columns : tuple of (int, int)
        For each column that can be given, its score and its block; -1 for one it has not.
    missing : tuple of int
        For each block, its choice that stands for a missing value; -1 without one. Empty
        where no column can be given.
    """

    scores: int
    sizes: tuple[int, ...]
    gates: tuple[int, ...]
    columns: tuple[tuple[int, int], ...] = ()
    missing: tuple[int, ...] = ()

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

    @property
    def given(self) -> int:
        """Width of what a generator is given of a row."""
        return self.width + 2 * len(self.columns)

    @cached_property
    def missing_slots(self) -> np.ndarray:
        """The slot of each column that says it is missing: 0 or 1, (columns, width)."""
        slots = np.zeros((len(self.columns), self.width), np.float32)
        for of_column, (_, block) in zip(slots, self.columns, strict=True):
            if block >= 0 and self.missing[block] >= 0:
                of_column[self.starts[block] + self.missing[block]] = 1.0
        return slots

    @cached_property
    def slots(self) -> np.ndarray:
        """Which slots of an expanded row are of which column: 0 or 1, (columns, width)."""
        slots = np.zeros((len(self.columns), self.width), np.float32)
        for of_column, (score, block) in zip(slots, self.columns, strict=True):
            if score >= 0:
                of_column[score] = 1.0
            if block >= 0:
                of_column[self.starts[block] : self.starts[block] + self.sizes[block]] = 1.0
        return slots

    @cached_property
    def compacting(self) -> np.ndarray:
        """Matrix that takes an expanded row to the compact one, (width, scores + blocks)."""
        matrix = np.zeros((self.width, self.scores + len(self.sizes)), np.float32)
        matrix[: self.scores, : self.scores] = np.eye(self.scores)
        for block, (start, size) in enumerate(zip(self.starts, self.sizes, strict=True)):
            matrix[start : start + size, self.scores + block] = np.arange(size)
        return matrix

    @cached_property
    def compact_columns(self) -> np.ndarray:
        """Which entries of a compact row are of which column: 0 or 1, (columns, entries)."""
        entries = np.zeros((len(self.columns), self.scores + len(self.sizes)), np.float32)
        for of_column, (score, block) in zip(entries, self.columns, strict=True):
            if score >= 0:
                of_column[score] = 1.0
            if block >= 0:
                of_column[self.scores + block] = 1.0
        return entries

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
