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
        try:
            return getattr(import_module(_HOMES[name]), name)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"gansynth.{name} needs {error.name}, which is not installed. Where gansynth-serve "
                "is installed alone, models can only be loaded, with onnxruntime or "
                "onnxruntime-gpu beside it: `pip install gansynth` brings all the rest.",
                name=error.name,
            ) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
