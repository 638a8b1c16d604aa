"""Points in the plane, or in a few dimensions: the ``distribution2d`` architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gansynth.architecture import Architecture, DataSpec, NetworkSpec, Recipe
from gansynth_distribution2d.codec import PointCodec

if TYPE_CHECKING:
    import keras

__all__ = ["Distribution2DGAN", "PointCodec"]


class Distribution2DGAN(Architecture):
    def __init__(self, width: int = 128, depth: int = 3, charts: int = 256, octaves: int = 5, spread=1.0, residual=True, act="leaky", base=1.0, feed="code", emb=1.0, gain=0.01) -> None:
        self.width = width
        self.depth = depth
        self.charts = charts
        self.octaves = octaves
        self.spread=spread
        self.residual=residual
        self.act=act
        self.base=base
        self.feed=feed
        self.emb=emb
        self.gain=gain

    api_version = 1

    def accepts(self, spec: DataSpec) -> int:
        return 80

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> PointCodec:
        """Fit the standardisation."""
        return PointCodec(spec.schema, data)

    def generator(self, spec: NetworkSpec, seed: int) -> keras.Model:
        from gansynth_distribution2d import networks
        return networks.generator(spec, self, seed)

    def critic(self, spec: NetworkSpec, seed: int) -> keras.Model:
        from gansynth_distribution2d import networks
        return networks.critic(spec, self, seed)

    def recipe(self, spec: DataSpec) -> Recipe:
        return Recipe(
            steps=6000,
            batch_size=256,
            latent_dim=8,
            gamma=(0.1, 3e-4),
            gamma_anneal=0.5,
            learning_rate=1e-3,
            learning_rate_end=1e-5,
        )
