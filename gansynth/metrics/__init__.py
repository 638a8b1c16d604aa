"""How good synthetic data are: plain functions on arrays and pandas frames.

Every figure means something only beside what real data score against real data (the floor), and
beside what columns score that are shuffled alone; :func:`~gansynth.metrics.beside` gives all
three.
"""

from __future__ import annotations

from gansynth.metrics.beside import Beside, beside, halves, shuffled
from gansynth.metrics.fidelity import (
    ModeScores,
    c2st_auc,
    column_scores,
    column_shapes,
    energy_distance,
    missing_scores,
    modes,
    sliced_wasserstein,
)
from gansynth.metrics.pairs import pair_scores
from gansynth.metrics.points import PRDC, coverage, kernel_distance, prdc
from gansynth.metrics.privacy import (
    closest_distances,
    dcr_share,
    exact_copies,
    membership_auc,
)
from gansynth.metrics.utility import tstr_auc, tstr_r2

__all__ = [
    "PRDC",
    "Beside",
    "ModeScores",
    "beside",
    "c2st_auc",
    "closest_distances",
    "column_scores",
    "column_shapes",
    "coverage",
    "dcr_share",
    "energy_distance",
    "exact_copies",
    "halves",
    "kernel_distance",
    "membership_auc",
    "missing_scores",
    "modes",
    "pair_scores",
    "prdc",
    "shuffled",
    "sliced_wasserstein",
    "tstr_auc",
    "tstr_r2",
]
