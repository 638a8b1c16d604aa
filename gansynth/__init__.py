"""Learn the distribution of any X with a GAN; sample it anywhere with ONNX."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gansynth.imputation import GANImputer
    from gansynth.inference.exported import ExportedSampler, load
    from gansynth.oversampling import OversampledClassifier
    from gansynth.sampler import GANSampler

__version__ = "0.1.0"

# Looked up on demand: loading a model needs no scikit-learn.
_HOMES = {
    "ExportedSampler": "gansynth.inference.exported",
    "GANImputer": "gansynth.imputation",
    "GANSampler": "gansynth.sampler",
    "OversampledClassifier": "gansynth.oversampling",
    "load": "gansynth.inference.exported",
}

__all__ = [
    "ExportedSampler",
    "GANImputer",
    "GANSampler",
    "OversampledClassifier",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
