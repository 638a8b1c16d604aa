"""Images of any size and number of channels: the ``image`` architecture of gansynth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone
from sklearn.utils import Tags

from gansynth.architecture import Architecture, DataSpec, NetworkSpec, Recipe
from gansynth_image import networks
from gansynth_image.codec import ImageCodec

if TYPE_CHECKING:
    import keras

__all__ = ["ImageCodec", "ImageGAN"]

WIDTH, WIDTH_OF_COLOUR, WIDTH_ON_GPU = 16, 32, 64
"""Without a GPU, width decides the time of a step. Colours are worth it where there are few pixels.

Measured for stacked digits of 8x8x3, benchmarks/NOTES.md.
"""
WIDEST_AT_FULL_RATE = 32
"""Wider ones diverge at the rate that suits narrow ones (measured for 64, residual networks)."""


class ImageGAN(Architecture):
    """Convolutional networks, one pair of several by name.

    Parameters
    ----------
    networks : str, default="resnet"
        ``"resnet"``: residual networks without normalisation (Huang et al. 2024, R3GAN).
        ``"dcgan"``: transposed and strided convolutions (Radford et al. 2016).
    width : int or "auto", default="auto"
        Channels of the finest blocks, in both players: at full resolution, or of images of more
        than 16 pixels a side at half of it. They double with each halving of the resolution, up to
        four times as many. ``"auto"`` is 16 on a CPU, 32 for images of three channels or more and
        at most 16 pixels a side, and 64 on a GPU; ``architecture_`` of a fitted sampler tells.
    depth : int, default=1
        Blocks (of ``"dcgan"``: layers) at each resolution, in both players.
    value_range : (float, float) or None, default=None
        Least and most that a value can be, such as (0, 1); data that leave it are refused. By
        default each channel has the range that it has in the data. Samples never leave it.
    augmentation : "auto", None, str or tuple of str, default="auto"
        Random changes of real and generated images alike that only the critic sees (Zhao et al.
        2020, DiffAugment), so that it can't learn few images by heart: of ``"translation"``,
        ``"cutout"`` and ``"colour"`` (of grey images, brightness and contrast), some or one.
        These change all images, ``"auto"`` as many as it takes, of fewer than 5,000: none at first,
        and more while the critic tells learned images from held-out ones, up to half (Karras et al.
        2020, ADA). It takes the first two, and the third where there are three channels or more.

    Examples
    --------
    >>> from gansynth_image import ImageGAN
    >>> ImageGAN(width=32)
    ImageGAN(width=32)
    """

    api_version = 1
    mixes_classes = True

    def __init__(
        self,
        networks: str = "resnet",
        width: int | str = "auto",
        depth: int = 1,
        value_range: tuple[float, float] | None = None,
        augmentation: str | tuple[str, ...] | None = "auto",
    ) -> None:
        self.networks = networks
        self.width = width
        self.depth = depth
        self.value_range = value_range
        self.augmentation = augmentation

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def accepts(self, spec: DataSpec) -> int:
        """Images, and nothing else."""
        return 90 if spec.schema.is_image else 0

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> ImageCodec:
        """Find the range of every channel.

        Raises
        ------
        ValueError
            If ``value_range`` is no range, images can't be learned from or leave it, or each of
            them is of a class of its own.
        """
        counts = spec.schema.class_counts
        if spec.n_samples > 2 and set(counts) == {1}:
            raise ValueError(
                f"y has {len(counts)} classes for {spec.n_samples} images: nothing can be learned "
                "of a class of one image each. Pass labels that images share, or leave y out."
            )
        span = self.value_range
        if span is not None and not (
            np.shape(span) == (2,) and -np.inf < span[0] < span[1] < np.inf
        ):
            raise ValueError(
                f"value_range={span!r} is no pair of a lower and a higher number, such as (0, 1)."
            )
        return ImageCodec(data["image"], spec.schema.dtype, span)

    def sized(self, spec: DataSpec, on_gpu: bool) -> ImageGAN:
        """Settle the width.

        Raises
        ------
        ValueError
            If width or depth is no size of a network.
        """
        _check_size("depth", self.depth, "")
        if self.width != "auto":
            _check_size("width", self.width, "'auto' or ")
            return self
        many = _doublings(spec) <= 2 and spec.schema.image_shape[2] >= 3
        on_cpu = WIDTH_OF_COLOUR if many else WIDTH
        return clone(self).set_params(width=WIDTH_ON_GPU if on_gpu else on_cpu)

    def generator(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build a network that grows an image from a coarse grid."""
        return networks.named(self.networks).generator(spec, self._width, self.depth, seed)

    def critic(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build the generator's mirror image, with a projection on the class."""
        return networks.named(self.networks).critic(spec, self._width, self.depth, seed)

    @property
    def _width(self) -> int:
        return WIDTH if self.width == "auto" else int(self.width)

    def recipe(self, spec: DataSpec) -> Recipe:
        """Defaults of the pair of networks, by the size of the images and how many there are."""
        from gansynth_image.augmentation import resolve

        doublings = _doublings(spec)
        # Squared distances grow with the number of pixels, and what a critic gains by one gamma
        # with them. Measured for sides of 8 and 28; larger images are published with 2 to 150.
        gamma = min(4.0 ** (doublings - 1), 10.0)
        defaults = networks.named(self.networks).recipe(doublings)
        defaults["learning_rate"] *= min(1.0, (WIDEST_AT_FULL_RATE / self._width) ** 2)
        return Recipe(
            **defaults,
            gamma=(gamma, gamma / 10),
            augmentation=resolve(self.augmentation, spec.n_samples, spec.schema.image_shape),
            augmented=None if self.augmentation == "auto" else 1.0,
        )


def _check_size(name: str, size: object, or_else: str) -> None:
    if not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"{name}={size!r} is no size. Use {or_else}an integer from 1 on.")


def _doublings(spec: DataSpec) -> int:
    """How often a grid of 4x4 is doubled up to the images' size, once at least."""
    height, width, _ = spec.schema.image_shape
    return max(1, math.ceil(math.log2(max(height, width) / 4)))
