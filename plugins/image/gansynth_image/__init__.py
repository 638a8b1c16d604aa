"""Images of any size and number of channels: the ``image`` architecture of gansynth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Tags

from gansynth.architecture import Architecture, DataSpec, NetworkSpec, Recipe
from gansynth_image.codec import ImageCodec

if TYPE_CHECKING:
    import keras

__all__ = ["ImageCodec", "ImageGAN"]


class ImageGAN(Architecture):
    """Residual convolutional networks without normalisation (Huang et al. 2024, R3GAN).

    Parameters
    ----------
    width : int, default=16
        Channels at full resolution, in both players. They double with each halving of the
        resolution, up to four times as many.
    depth : int, default=1
        Residual blocks at each resolution, in both players.

    Examples
    --------
    >>> from gansynth_image import ImageGAN
    >>> ImageGAN(width=32)
    ImageGAN(width=32)
    """

    api_version = 1

    def __init__(self, width: int = 16, depth: int = 1) -> None:
        self.width = width
        self.depth = depth

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def accepts(self, spec: DataSpec) -> int:
        """Images, and nothing else."""
        return 90 if spec.schema.is_image else 0

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> ImageCodec:
        """Find the range of every channel."""
        return ImageCodec(data["image"], spec.schema.dtype)

    def generator(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build a network that grows an image from a coarse grid."""
        from gansynth_image import networks

        return networks.generator(spec, self.width, self.depth, seed)

    def critic(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build the generator's mirror image, with a projection on the class."""
        from gansynth_image import networks

        return networks.critic(spec, self.width, self.depth, seed)

    def recipe(self, spec: DataSpec) -> Recipe:
        """As many steps for every doubling of the resolution, and more where they are cheap."""
        height, width, _ = spec.schema.image_shape
        doublings = max(1, math.ceil(math.log2(max(height, width) / 4)))
        return Recipe(
            # Images of 8x8 pixels are learned from by the number seen: in small batches, that
            # is many steps in little time.
            steps=5000 if doublings == 1 else 500 * (doublings + 1),
            batch_size=128 if doublings == 2 else 64,
            latent_dim=64,
            gamma=(1.0, 0.1),
            # 3e-3 is best for 8x8 pixels, and diverges in the deeper networks of 16x16.
            learning_rate=2e-3 / doublings,
            learning_rate_end=5e-5,
        )
