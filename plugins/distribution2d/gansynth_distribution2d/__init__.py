"""Points in the plane, or in a few dimensions: the ``distribution2d`` architecture of gansynth."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from gansynth.architecture import Architecture, DataSpec, NetworkSpec, Recipe
from gansynth.schema import FRAMES
from gansynth_distribution2d.codec import PointCodec

if TYPE_CHECKING:
    import keras

__all__ = ["Distribution2DGAN", "PointCodec"]

MOST_DIMENSIONS = 8


class Distribution2DGAN(Architecture):
    """A mixture of learned charts, bent by one MLP, against a critic that sees waves.

    Charts begin as Gaussians over clusters of the data (k-means; as many as keep points that were
    held out likely, each of six points or more in the mean), and their steps are as small as they
    are narrow. So all modes are there before training, and the critic is left to correct shapes.

    Parameters
    ----------
    width : int, default=128
        Units of a hidden layer, in both players.
    depth : int, default=3
        Hidden layers, in both players.
    charts : int, default=256
        Pieces that the generator puts the distribution together from; classes share them, but
        each has 40 of its own at least, or all of fewer. More of them reach more modes; 1 is a
        continuous map, which draws bridges.
    octaves : int, default=6
        Sines and cosines of the coordinates that the critic sees, each of twice the
        frequency of the one before, from 1 a standard deviation. More of them show it
        narrower modes; 0 leaves the coordinates alone.

    Examples
    --------
    >>> from gansynth_distribution2d import Distribution2DGAN
    >>> Distribution2DGAN(width=64)
    Distribution2DGAN(width=64)
    """

    api_version = 1
    mixes_classes = True

    def __init__(
        self, width: int = 128, depth: int = 3, charts: int = 256, octaves: int = 6
    ) -> None:
        self.width = width
        self.depth = depth
        self.charts = charts
        self.octaves = octaves

    def accepts(self, spec: DataSpec) -> int:
        """Few columns of numbers, none missing: an array of 1 to 3, a data frame of 2.

        With more columns, and in a data frame, the marginals that tables are made to keep
        are likely to matter more than the shape.
        """
        columns = spec.schema.columns
        if not 1 <= len(columns) <= MOST_DIMENSIONS:
            return 0
        if any(column.kind != "float" or column.nullable for column in columns):
            return 0
        shapes = (2,) if spec.schema.container in FRAMES else (1, 2, 3)
        return 80 if len(columns) in shapes else 40

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> PointCodec:
        """Fit the standardisation.

        Raises
        ------
        ValueError
            If a parameter is out of its range, a column does not hold numbers, or values
            are missing.
        """
        for name, least in (("width", 1), ("depth", 1), ("charts", 1), ("octaves", 0)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name}={value!r} is no integer of at least {least}")
        return PointCodec(spec.schema, data)

    def generator(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build an atlas and the MLP that bends it."""
        from gansynth_distribution2d import networks

        return networks.generator(spec, self.width, self.depth, self.charts, seed)

    def critic(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build an MLP on waves, with a projection on the class."""
        from gansynth_distribution2d import networks

        return networks.critic(spec, self.width, self.depth, self.octaves, seed)

    def recipe(self, spec: DataSpec) -> Recipe:
        """Let gamma fall to the variance of narrow modes, once all modes are reached.

        A penalty of weight gamma blurs what the critic sees by a deviation of its root.
        """
        return Recipe(
            steps=6000 if spec.n_samples > 2000 else 3000,
            batch_size=256,
            latent_dim=8,
            gamma=(0.1, 3e-4),
            gamma_anneal=0.5,
            learning_rate=1e-3,
            learning_rate_end=1e-5,
            # Early: laid over clusters, charts are as good as real at once by the score, but end
            # the better the longer the critic has seen them.
            decay_start=0.1,
            # At .99 the critic ran away in one run of five, once gamma had fallen.
            beta_2=0.999,
        )
