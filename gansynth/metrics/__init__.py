"""How good synthetic data are: plain functions on arrays and pandas frames.

Every figure means something only beside what real data score against real data, so compute
it once more with two disjoint halves of the real rows (the floor) and show both.
"""

from __future__ import annotations

from gansynth.metrics.fidelity import (
    ModeScores,
    c2st_auc,
    column_scores,
    column_shapes,
    modes,
    sliced_wasserstein,
)
from gansynth.metrics.points import PRDC, coverage, kernel_distance, prdc
from gansynth.metrics.privacy import (
    closest_distances,
    dcr_share,
    exact_copies,
    membership_auc,
)
from gansynth.metrics.utility import tstr_auc

__all__ = [
    "PRDC",
    "ModeScores",
    "c2st_auc",
    "closest_distances",
    "column_scores",
    "column_shapes",
    "coverage",
    "dcr_share",
    "exact_copies",
    "kernel_distance",
    "membership_auc",
    "modes",
    "prdc",
    "sliced_wasserstein",
    "tstr_auc",
]
