"""Residual networks without normalisation (Huang et al. 2024, R3GAN), the default.

The generator grows an image from a coarse grid by nearest upsampling, the critic averages it
down again. Grids need not be even: what is too much after doubling a grid is cut off, and
averages at an edge are over the pixels that there are.

Two things are not R3GAN's: images end in a tanh, and those of more than 16 pixels a side have
blocks from half their resolution on, behind a strided convolution and before a transposed one.
"""

from __future__ import annotations

from typing import Any

import keras

from gansynth.architecture import NetworkSpec
from gansynth_image import ends
from gansynth_image.grids import Grid, factors, pyramid

WIDEST = 4
FULL_SIDE = 16
"""Up to which images have blocks at their full resolution."""


def recipe(doublings: int) -> dict[str, Any]:
    """Of images of 28x28 pixels, as many steps as two cores make in half an hour."""
    return {
        # Images of 8x8 pixels are learned from by the number seen: in small batches, that
        # is many steps in little time.
        "steps": 5_000 if doublings <= 2 else 25_000,
        "batch_size": 128 if doublings == 2 else 64,
        "latent_dim": 64,
        # 3e-3 is best for 8x8 pixels, and diverges in the deeper networks of 16x16.
        "learning_rate": 2e-3 / doublings,
        "learning_rate_end": 5e-5,
    }


def generator(spec: NetworkSpec, width: int, depth: int, seed: int) -> keras.Model:
    """``[z]`` or ``[z, y]`` to images."""
    seeds = keras.random.SeedGenerator(seed)
    *shape, channels = spec.layout
    (base, widest), *finer = reversed(_stages(tuple(shape), width))
    inputs, hidden = ends.latent(spec, seeds)
    first = keras.layers.Dense(base[0] * base[1] * widest, kernel_initializer=ends.he(1.0, seeds))
    hidden = keras.layers.Reshape((*base, widest))(first(hidden))
    hidden = _blocks(hidden, depth, seeds)
    for grid, wide in finer:
        hidden = _grow(_to_width(hidden, wide, seeds), grid)
        hidden = _blocks(hidden, depth, seeds)
    hidden = keras.layers.LeakyReLU(ends.LEAK)(hidden)
    return keras.Model(inputs, _paint(hidden, tuple(shape), channels, seeds))


def critic(spec: NetworkSpec, width: int, depth: int, seed: int) -> keras.Model:
    """``[images]`` or ``[images, y]`` to logits."""
    seeds = keras.random.SeedGenerator(seed)
    *shape, _ = spec.layout
    (finest, wide), *coarser = _stages(tuple(shape), width)
    images = keras.Input(spec.layout, name="images")
    kernel = 3 if finest == (*shape,) else ends.KERNEL
    hidden = keras.layers.Conv2D(
        wide,
        kernel,
        factors(tuple(shape), finest),
        "same",
        kernel_initializer=ends.he(1.0, seeds),
    )(images)
    hidden = _blocks(hidden, depth, seeds)
    for grid, wide in coarser:
        hidden = _to_width(_shrink(hidden, grid), wide, seeds)
        hidden = _blocks(hidden, depth, seeds)
    hidden = keras.layers.Flatten()(keras.layers.LeakyReLU(ends.LEAK)(hidden))
    hidden = keras.layers.Dense(
        WIDEST * width, kernel_initializer=ends.he(2.0, seeds), dtype="float32"
    )(hidden)
    hidden = keras.layers.LeakyReLU(ends.LEAK, dtype="float32")(hidden)
    return ends.logit(spec, images, hidden, seeds)


def _stages(shape: Grid, width: int) -> list[tuple[Grid, int]]:
    """Grids and their channels, from the finest that has blocks to the coarsest."""
    grids = pyramid(shape)
    # Blocks at the full resolution take nearly as long as all others together.
    finest = 1 if max(shape) > FULL_SIDE else 0
    return [(grid, width * min(2**level, WIDEST)) for level, grid in enumerate(grids[finest:])]


def _paint(
    hidden: keras.KerasTensor, shape: Grid, channels: int, seeds: ends.Seeds
) -> keras.KerasTensor:
    """Make an image of the finest grid."""
    # In float32 whatever the policy: bfloat16 has fewer shades than a photograph.
    if hidden.shape[1:3] != shape:
        images = ends.transposed(hidden, shape, channels, 1.0, seeds, dtype="float32")
    else:
        images = keras.layers.Conv2D(
            channels, 3, padding="same", kernel_initializer=ends.he(1.0, seeds), dtype="float32"
        )(hidden)
    # Without it black grounds are never quite black, and classes of MNIST collapsed.
    return keras.layers.Activation("tanh", dtype="float32")(images)


def _grow(hidden: keras.KerasTensor, grid: Grid) -> keras.KerasTensor:
    """Repeat pixels up to a finer grid, and cut off what is too much."""
    _, *coarse, _ = hidden.shape
    return ends.cropped(keras.layers.UpSampling2D(factors(grid, coarse))(hidden), grid)


def _shrink(hidden: keras.KerasTensor, grid: Grid) -> keras.KerasTensor:
    """Average pixels down to a coarser grid."""
    _, *fine, _ = hidden.shape
    return keras.layers.AveragePooling2D(factors(fine, grid), padding="same")(hidden)


def _to_width(
    hidden: keras.KerasTensor, width: int, seeds: keras.random.SeedGenerator
) -> keras.KerasTensor:
    """Change the number of channels, on the coarser of two grids, where it is cheap."""
    if hidden.shape[-1] == width:
        return hidden
    return keras.layers.Conv2D(width, 1, use_bias=False, kernel_initializer=ends.he(1.0, seeds))(
        hidden
    )


def _blocks(
    hidden: keras.KerasTensor, depth: int, seeds: keras.random.SeedGenerator
) -> keras.KerasTensor:
    """Residual blocks that are the identity at first: their second kernel is zero."""
    width = hidden.shape[-1]
    for _ in range(depth):
        inner = keras.layers.LeakyReLU(ends.LEAK)(hidden)
        inner = keras.layers.Conv2D(
            width, 3, padding="same", kernel_initializer=ends.he(2.0, seeds)
        )(inner)
        inner = keras.layers.LeakyReLU(ends.LEAK)(inner)
        hidden += keras.layers.Conv2D(
            width, 3, padding="same", use_bias=False, kernel_initializer="zeros"
        )(inner)
    return hidden
