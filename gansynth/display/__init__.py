"""Pictures in scikit-learn's manner: made from an estimator, drawn on axes of yours."""

from __future__ import annotations

from gansynth.display.fidelity import FidelityDisplay
from gansynth.display.latent import LatentDisplay
from gansynth.display.samples import SampleDisplay
from gansynth.display.training import TrainingDisplay

__all__ = ["FidelityDisplay", "LatentDisplay", "SampleDisplay", "TrainingDisplay"]
