"""Where networks begin and end, whatever is between: noise and class in, images or a logit out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from gansynth.architecture import NetworkSpec
from gansynth_image.grids import Grid, factors

if TYPE_CHECKING:
    from gansynth_image.codec import ImageCodec

LEAK = 0.2
KERNEL = 4
"""Side of the kernels of strided convolutions: a multiple of the stride, so that all pixels meet as
many weights."""

Inputs = list[keras.KerasTensor]
Seeds: TypeAlias = keras.random.SeedGenerator


def latent(spec: NetworkSpec, seeds: Seeds) -> tuple[Inputs, keras.KerasTensor]:
    """Inputs of a generator, and noise beside an embedding of the class."""
    z = keras.Input((spec.latent_dim,), name="z")
    if not spec.n_classes:
        return [z], z
    y = keras.Input((), dtype="int32", name="y")
    embedding = keras.layers.Embedding(spec.n_classes, spec.latent_dim, normal(1.0, seeds))
    return [z, y], keras.layers.Concatenate()([z, embedding(y)])


def logit(
    spec: NetworkSpec, images: keras.KerasTensor, hidden: keras.KerasTensor, seeds: Seeds
) -> keras.Model:
    """A critic that ends in features: a logit, with a projection on y (Miyato, Koyama 2018).

    In float32 whatever the policy: losses are differences of logits.
    """
    features = hidden.shape[-1]
    inputs = [images]
    found = keras.layers.Dense(1, kernel_initializer=he(1.0, seeds), dtype="float32")(hidden)
    if spec.n_classes:
        y = keras.Input((), dtype="int32", name="y")
        inputs.append(y)
        embedding = keras.layers.Embedding(
            spec.n_classes, features, normal(features**-0.5, seeds), dtype="float32"
        )
        found += keras.layers.Dot(axes=1, dtype="float32")([hidden, embedding(y)])
    return keras.Model(inputs, found)


def transposed(
    hidden: keras.KerasTensor,
    grid: Grid,
    channels: int,
    scale: float,
    seeds: Seeds,
    **options: Any,
) -> keras.KerasTensor:
    """Convolve to a finer grid, and cut off what is too much."""
    _, *coarse, _ = hidden.shape
    strides = factors(grid, coarse)
    # A pixel meets one weight in every stride; and Keras calls fan-out what comes in here.
    start = keras.initializers.VarianceScaling(
        scale * strides[0] * strides[1], "fan_out", "normal", seed=seeds
    )
    hidden = keras.layers.Conv2DTranspose(
        channels, KERNEL, strides, "same", kernel_initializer=start, **options
    )(hidden)
    return cropped(hidden, grid, **options)


def cropped(hidden: keras.KerasTensor, grid: Grid, **options: Any) -> keras.KerasTensor:
    """Cut off what a grid has too much after it was doubled."""
    _, *doubled, _ = hidden.shape
    surplus = [(0, have - want) for have, want in zip(doubled, grid, strict=True)]
    return keras.layers.Cropping2D(surplus, **options)(hidden) if doubled != [*grid] else hidden


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


def he(scale: float, seeds: Seeds) -> keras.Initializer:
    """Normal weights that keep the variance of their inputs, times a scale (He et al. 2015)."""
    return keras.initializers.VarianceScaling(scale, "fan_in", "normal", seed=seeds)


def normal(deviation: float, seeds: Seeds) -> keras.Initializer:
    """Normal weights."""
    return keras.initializers.RandomNormal(stddev=deviation, seed=seeds)
