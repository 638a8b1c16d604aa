"""Transposed and strided convolutions (Radford et al. 2016, DCGAN).

Without their batch normalisation: it ties the rows of a batch together, which gradient
penalties can't have (Gulrajani et al. 2017), nor can generated rows that are to be the same in
any batch. Weights that keep the variance take its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from gansynth.architecture import NetworkSpec
from gansynth_image import ends
from gansynth_image.grids import Grid, factors, pyramid

WIDEST = 8


def recipe(doublings: int) -> dict[str, Any]:
    """Steps that cost less than half of the default pair's, so more of them for small images."""
    return {
        "steps": {1: 8_000, 2: 12_000}.get(doublings, 25_000),
        "batch_size": 64,
        "latent_dim": 100,
        "learning_rate": 1e-3 / doublings,
        "learning_rate_end": 5e-5,
    }


def generator(spec: NetworkSpec, width: int, depth: int, seed: int) -> keras.Model:
    """``[z]`` or ``[z, y]`` to images."""
    seeds = keras.random.SeedGenerator(seed)
    *shape, channels = spec.layout
    inputs, hidden = ends.latent(spec, seeds)
    (grid, wide), *finer = reversed(_stages(tuple(shape), width))
    first = keras.layers.Dense(grid[0] * grid[1] * wide, kernel_initializer=ends.he(2.0, seeds))
    hidden = keras.layers.ReLU()(keras.layers.Reshape((*grid, wide))(first(hidden)))
    for grid, wide in finer:
        hidden = keras.layers.ReLU()(ends.transposed(hidden, grid, wide, 2.0, seeds))
        hidden = _deepened(hidden, depth, keras.layers.ReLU, seeds)
    # In float32 whatever the policy: bfloat16 has fewer shades than a photograph.
    images = ends.transposed(hidden, tuple(shape), channels, 2.0, seeds, dtype="float32")
    return keras.Model(inputs, keras.layers.Activation("tanh", dtype="float32")(images))


def critic(spec: NetworkSpec, width: int, depth: int, seed: int) -> keras.Model:
    """``[images]`` or ``[images, y]`` to logits."""
    seeds = keras.random.SeedGenerator(seed)
    *shape, _ = spec.layout
    images = hidden = keras.Input(spec.layout, name="images")
    for grid, wide in _stages(tuple(shape), width):
        _, *fine, _ = hidden.shape
        hidden = keras.layers.Conv2D(
            wide, ends.KERNEL, factors(fine, grid), "same", kernel_initializer=ends.he(2.0, seeds)
        )(hidden)
        hidden = keras.layers.LeakyReLU(ends.LEAK)(hidden)
        hidden = _deepened(hidden, depth, partial(keras.layers.LeakyReLU, ends.LEAK), seeds)
    return ends.logit(spec, images, keras.layers.Flatten()(hidden), seeds)


def _stages(shape: Grid, width: int) -> list[tuple[Grid, int]]:
    """Grids below the image and their channels, down to the coarsest."""
    grids = pyramid(shape)
    below = grids[1:] or grids
    return [(grid, width * min(2**level, WIDEST)) for level, grid in enumerate(below)]


def _deepened(
    hidden: keras.KerasTensor, depth: int, activation: Callable[[], Any], seeds: ends.Seeds
) -> keras.KerasTensor:
    """Convolve at one resolution, where more than one layer is wanted of each."""
    for _ in range(depth - 1):
        hidden = keras.layers.Conv2D(
            hidden.shape[-1], 3, padding="same", kernel_initializer=ends.he(2.0, seeds)
        )(hidden)
        hidden = activation()(hidden)
    return hidden
