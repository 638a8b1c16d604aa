"""Generator, critic and decoder of images, in TensorFlow.

Images are (height, width, channels). Both players are residual networks without
normalisation: the generator grows an image from a coarse grid by nearest upsampling, the
critic averages it down again. Grids need not be even: what is too much after doubling a
grid is cut off, and averages at an edge are over the pixels that there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from gansynth.architecture import NetworkSpec

if TYPE_CHECKING:
    from gansynth_image.codec import ImageCodec

LEAK = 0.2
COARSEST_SIDE = 4
WIDEST = 4

Grid = tuple[int, int]


def generator(spec: NetworkSpec, width: int, depth: int, seed: int) -> keras.Model:
    """``[z]`` or ``[z, y]`` to images."""
    seeds = keras.random.SeedGenerator(seed)
    *shape, channels = spec.layout
    (base, widest), *finer = reversed(_stages(tuple(shape), width))
    z = keras.Input((spec.latent_dim,), name="z")
    inputs, hidden = [z], z
    if spec.n_classes:
        y = keras.Input((), dtype="int32", name="y")
        inputs.append(y)
        embedding = keras.layers.Embedding(spec.n_classes, spec.latent_dim, _normal(1.0, seeds))
        hidden = keras.layers.Concatenate()([z, embedding(y)])
    first = keras.layers.Dense(base[0] * base[1] * widest, kernel_initializer=_he(1.0, seeds))
    hidden = keras.layers.Reshape((*base, widest))(first(hidden))
    hidden = _blocks(hidden, depth, seeds)
    for grid, wide in finer:
        hidden = _grow(_to_width(hidden, wide, seeds), grid)
        hidden = _blocks(hidden, depth, seeds)
    # In float32 whatever the policy: bfloat16 has fewer shades than a photograph.
    images = keras.layers.Conv2D(
        channels, 3, padding="same", kernel_initializer=_he(1.0, seeds), dtype="float32"
    )(keras.layers.LeakyReLU(LEAK)(hidden))
    return keras.Model(inputs, images)


def critic(spec: NetworkSpec, width: int, depth: int, seed: int) -> keras.Model:
    """``[images]`` or ``[images, y]`` to logits, with a projection on y (Miyato, Koyama 2018)."""
    seeds = keras.random.SeedGenerator(seed)
    *shape, _ = spec.layout
    (_, wide), *coarser = _stages(tuple(shape), width)
    images = keras.Input(spec.layout, name="images")
    inputs = [images]
    hidden = keras.layers.Conv2D(wide, 3, padding="same", kernel_initializer=_he(1.0, seeds))(
        images
    )
    hidden = _blocks(hidden, depth, seeds)
    for grid, wide in coarser:
        hidden = _to_width(_shrink(hidden, grid), wide, seeds)
        hidden = _blocks(hidden, depth, seeds)
    # The head is in float32 whatever the policy: losses are differences of logits.
    hidden = keras.layers.Flatten()(keras.layers.LeakyReLU(LEAK)(hidden))
    features = WIDEST * width
    hidden = keras.layers.Dense(features, kernel_initializer=_he(2.0, seeds), dtype="float32")(
        hidden
    )
    hidden = keras.layers.LeakyReLU(LEAK, dtype="float32")(hidden)
    logit = keras.layers.Dense(1, kernel_initializer=_he(1.0, seeds), dtype="float32")(hidden)
    if spec.n_classes:
        y = keras.Input((), dtype="int32", name="y")
        inputs.append(y)
        embedding = keras.layers.Embedding(
            spec.n_classes, features, _normal(features**-0.5, seeds), dtype="float32"
        )
        logit += keras.layers.Dot(axes=1, dtype="float32")([hidden, embedding(y)])
    return keras.Model(inputs, logit)


def decode(rows: tf.Tensor, codec: ImageCodec) -> tf.Tensor:
    """Encoded images to the user's range and dtype."""
    # Whole numbers up to 255 are exact in float32, wider ones and float64 need float64.
    small = codec.dtype in (np.uint8, np.float16, np.float32)
    wide = np.float32 if small else np.float64
    low, high, centre, half = (
        values.astype(wide) for values in (codec.low, codec.high, codec.centre, codec.half)
    )
    images = tf.clip_by_value(centre + half * tf.cast(rows, wide), low, high)
    if codec.dtype.kind != "f":
        images = tf.round(images)
    return tf.cast(images, codec.dtype)


def _stages(shape: Grid, width: int) -> list[tuple[Grid, int]]:
    """Grids and their channels, from the image to the coarsest.

    A side is halved, rounding up, as long as 4 or more pixels are left of it.
    """
    grids = [shape]
    while (coarser := tuple(map(_halved, grids[-1]))) != grids[-1]:
        grids.append(coarser)
    return [(grid, width * min(2**level, WIDEST)) for level, grid in enumerate(grids)]


def _halved(side: int) -> int:
    half = (side + 1) // 2
    return half if half >= COARSEST_SIDE else side


def _grow(hidden: keras.KerasTensor, grid: Grid) -> keras.KerasTensor:
    """Repeat pixels up to a finer grid, and cut off what is too much."""
    _, *coarse, _ = hidden.shape
    hidden = keras.layers.UpSampling2D(_factors(grid, coarse))(hidden)
    _, *doubled, _ = hidden.shape
    surplus = [(0, have - want) for have, want in zip(doubled, grid, strict=True)]
    return keras.layers.Cropping2D(surplus)(hidden) if doubled != [*grid] else hidden


def _shrink(hidden: keras.KerasTensor, grid: Grid) -> keras.KerasTensor:
    """Average pixels down to a coarser grid."""
    _, *fine, _ = hidden.shape
    return keras.layers.AveragePooling2D(_factors(fine, grid), padding="same")(hidden)


def _factors(fine: Grid, coarse: Grid) -> Grid:
    """By how much each side differs: 1 or 2."""
    return tuple(-(-a // b) for a, b in zip(fine, coarse, strict=True))


def _to_width(
    hidden: keras.KerasTensor, width: int, seeds: keras.random.SeedGenerator
) -> keras.KerasTensor:
    """Change the number of channels, on the coarser of two grids, where it is cheap."""
    if hidden.shape[-1] == width:
        return hidden
    return keras.layers.Conv2D(width, 1, use_bias=False, kernel_initializer=_he(1.0, seeds))(hidden)


def _blocks(
    hidden: keras.KerasTensor, depth: int, seeds: keras.random.SeedGenerator
) -> keras.KerasTensor:
    """Residual blocks that are the identity at first: their second kernel is zero."""
    width = hidden.shape[-1]
    for _ in range(depth):
        inner = keras.layers.LeakyReLU(LEAK)(hidden)
        inner = keras.layers.Conv2D(width, 3, padding="same", kernel_initializer=_he(2.0, seeds))(
            inner
        )
        inner = keras.layers.LeakyReLU(LEAK)(inner)
        hidden += keras.layers.Conv2D(
            width, 3, padding="same", use_bias=False, kernel_initializer="zeros"
        )(inner)
    return hidden


def _he(scale: float, seeds: keras.random.SeedGenerator) -> keras.Initializer:
    return keras.initializers.VarianceScaling(scale, "fan_in", "normal", seed=seeds)


def _normal(deviation: float, seeds: keras.random.SeedGenerator) -> keras.Initializer:
    return keras.initializers.RandomNormal(stddev=deviation, seed=seeds)
