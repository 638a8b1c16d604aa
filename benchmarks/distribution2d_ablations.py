"""gansynth's points without one of the things that help, to see what each is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gansynth.architecture import DataSpec
from gansynth_distribution2d import Distribution2DGAN, PointCodec


class Scattered(PointCodec):
    """Leaves charts where chance has put them."""

    def prepare(self, *_: Any, **__: Any) -> None:
        """Leave the generator as it is."""


class Uncalibrated(PointCodec):
    """Leaves every chart the share that its cluster had."""

    def calibrate(self, *_: Any, **__: Any) -> None:
        """Leave the generator as it is."""


class Without(Distribution2DGAN):
    """The default architecture with a codec that leaves something out."""

    left_out: type[PointCodec]

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> PointCodec:
        """The codec that leaves something out."""
        return self.left_out(spec.schema, data)


class WithoutClusters(Without):
    """Charts begin anywhere."""

    left_out = Scattered


class WithoutCalibration(Without):
    """Charts are picked as often as their clusters had points, wherever training moves them."""

    left_out = Uncalibrated


ABLATIONS: dict[str, dict[str, Any]] = {
    "one chart": {"architecture": Distribution2DGAN(charts=1)},
    "charts at random": {"architecture": WithoutClusters()},
    "clusters alone": {"steps": 1},
    "no calibration": {"architecture": WithoutCalibration()},
    "no waves": {"architecture": Distribution2DGAN(octaves=0)},
    "gamma .1": {"gamma": 0.1},
    "gamma .0003": {"gamma": 3e-4},
}
"""What a sampler is told. Gamma falls from .1 to .0003 by default."""
