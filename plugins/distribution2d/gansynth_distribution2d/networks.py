"""Generator, critic and decoder of points, in TensorFlow.

The generator is an atlas. One number of the noise picks a chart (a centre and a linear
frame, both learned, and laid over clusters of the data at first), the others a point on it;
then one network, shared by all charts, bends the plane. Picking is piecewise constant in the
noise, so charts may lie apart and no bridge has to lead from one mode to the next, as it must
under a continuous map; bending together keeps what belongs together smooth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from scipy.special import ndtri

from gansynth.architecture import NetworkSpec
from gansynth_distribution2d.charts import Charts, cover

if TYPE_CHECKING:
    from gansynth_distribution2d.codec import PointCodec

ATLAS = "atlas"
FEWEST_CHARTS = 40
FULL_WIDTH = 0.35
"""Median width of charts, in deviations of the data, that move at the learning rate.

Narrower ones move by less: a step as wide as a mode would blur it.
"""
PRECISION = "float32"
"""Whatever the policy: modes may be narrower than a step of bfloat16."""


def generator(spec: NetworkSpec, width: int, depth: int, charts: int, seed: int) -> keras.Model:
    """``[z]`` or ``[z, y]`` to points.

    The first number of the noise picks the chart, the others are the latent vector.
    """
    seeds = keras.random.SeedGenerator(seed)
    z = keras.Input((1 + spec.latent_dim,), name="z")
    inputs = [z]
    if spec.n_classes:
        # Each class has charts of its own.
        charts = max(charts // spec.n_classes, min(charts, FEWEST_CHARTS))
        inputs.append(keras.Input((), dtype="int32", name="y"))
    atlas = Atlas(spec.layout, charts, max(spec.n_classes, 1), seeds, name=ATLAS, dtype=PRECISION)
    points, unit = atlas(inputs)
    hidden = [points, z[:, 1:]]
    if spec.n_classes:
        hidden.append(_embedding(spec.n_classes, max(width // 4, 1), 1.0, seeds)(inputs[1]))
    bent = _trunk(keras.layers.Concatenate(dtype=PRECISION)(hidden), width, depth, seeds)
    # No bend at first: the charts lie on the data.
    bend = keras.layers.Dense(spec.layout, kernel_initializer="zeros", dtype=PRECISION)(bent)
    return keras.Model(inputs, points + unit * bend)


def critic(spec: NetworkSpec, width: int, depth: int, octaves: int, seed: int) -> keras.Model:
    """``[points]`` or ``[points, y]`` to logits, with a projection on y (Miyato, Koyama 2018)."""
    seeds = keras.random.SeedGenerator(seed)
    points = keras.Input((spec.layout,), name="points")
    inputs = [points]
    seen = Waves(octaves, dtype=PRECISION)(points) if octaves else points
    hidden = _trunk(seen, width, depth, seeds)
    logit = _dense(1, 1.0, seeds)(hidden)
    if spec.n_classes:
        y = keras.Input((), dtype="int32", name="y")
        inputs.append(y)
        embedded = _embedding(spec.n_classes, width, width**-0.5, seeds)(y)
        logit += keras.layers.Dot(axes=1, dtype=PRECISION)([hidden, embedded])
    return keras.Model(inputs, logit)


def _trunk(
    hidden: keras.KerasTensor, width: int, depth: int, seeds: keras.random.SeedGenerator
) -> keras.KerasTensor:
    """Plain layers without normalisation."""
    for _ in range(depth):
        hidden = _dense(width, 2.0, seeds, activation="leaky_relu")(hidden)
    return hidden


def _dense(
    units: int, scale: float, seeds: keras.random.SeedGenerator, activation: str | None = None
) -> keras.layers.Layer:
    initializer = keras.initializers.VarianceScaling(scale, "fan_in", "normal", seed=seeds)
    return keras.layers.Dense(units, activation, kernel_initializer=initializer, dtype=PRECISION)


def _embedding(
    classes: int, units: int, deviation: float, seeds: keras.random.SeedGenerator
) -> keras.layers.Layer:
    return keras.layers.Embedding(classes, units, _normal(deviation, seeds), dtype=PRECISION)


def _normal(deviation: float, seeds: keras.random.SeedGenerator) -> keras.Initializer:
    return keras.initializers.RandomNormal(stddev=deviation, seed=seeds)


class Atlas(keras.layers.Layer):
    """Charts of a space of few dimensions, each a centre and a linear frame, in one unit.

    Parameters
    ----------
    dimensions : int
        Dimensions of the space.
    charts : int
        Charts of each class.
    classes : int
        Classes, 1 without labels.
    seeds : SeedGenerator
        Where initial centres and frames are drawn from.
    """

    def __init__(
        self,
        dimensions: int,
        charts: int,
        classes: int,
        seeds: keras.random.SeedGenerator,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.dimensions, self.charts, self.classes = dimensions, charts, classes
        self.seeds = seeds

    def build(self, input_shape: object) -> None:
        """Spread centres as wide as the data; frames reach about to the next chart."""
        total, reach = self.classes * self.charts, self.charts ** (-1.0 / self.dimensions)
        self.centres = self.add_weight(
            (total, self.dimensions), initializer=_normal(1.0, self.seeds), name="centres"
        )
        self.frames = self.add_weight(
            (total, self.dimensions**2),
            initializer=_normal(reach * self.dimensions**-0.5, self.seeds),
            name="frames",
        )
        self.borders = self.add_weight(
            (self.classes, self.charts - 1), initializer="zeros", trainable=False, name="borders"
        )
        self.unit = self.add_weight((), initializer="ones", trainable=False, name="unit")
        self.weigh(np.ones((self.classes, self.charts)))

    def call(self, inputs: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Pick a chart by the first number of the noise, and a point on it by the next ones.

        Between classes it is the mean of the points that each of them picks, by their weights.
        The second output is the unit that all weights are in, once a row.
        """
        z, *y = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if y and y[0].shape.rank == 2:
            points = self._points(z, tf.range(self.classes)[None])
            points = tf.reduce_sum(y[0][..., None] * points, axis=1)
        else:
            points = self._points(z, y[0][:, None] if y else tf.constant([[0]]))[:, 0]
        return self.unit * points, self.unit * tf.ones_like(z[:, :1])

    def _points(self, z: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """A point of each of several classes: (n, several, dimensions)."""
        # Borders are quantiles of the normal, so that the noise is compared as it came and
        # every runtime picks the same chart.
        passed = tf.cast(z[:, :1, None] > tf.gather(self.borders, y), tf.float32)
        chart = self.charts * y + tf.cast(tf.reduce_sum(passed, axis=2), tf.int32)
        place = z[:, None, 1 : 1 + self.dimensions, None]
        frame = tf.gather(self.frames, chart)
        frame = tf.reshape(frame, (-1, y.shape[1], self.dimensions, self.dimensions))
        moved = tf.reduce_sum(place * frame[:, :, : place.shape[2]], axis=2)
        return tf.gather(self.centres, chart) + moved

    def lay(self, charts: list[Charts]) -> None:
        """Set the charts of each class, and the unit that suits their width."""
        centres, frames, shares = (np.stack(parts) for parts in zip(*charts, strict=True))
        unit = min(1.0, float(np.median(np.linalg.norm(frames, axis=-1))) / FULL_WIDTH)
        self.unit.assign(unit)
        self.centres.assign(centres.reshape(self.centres.shape) / unit)
        self.frames.assign(frames.reshape(self.frames.shape) / unit)
        self.weigh(shares)

    def weigh(self, shares: np.ndarray) -> None:
        """Set how often each chart is picked, in proportion to (classes, charts) shares.

        A class that has no share at all picks its charts evenly.
        """
        shares = shares + (shares.sum(axis=1, keepdims=True) == 0.0)
        passed = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
        self.borders.assign(ndtri(passed[:, :-1].clip(0.0, 1.0)).astype(np.float32))


class Waves(keras.layers.Layer):
    """Coordinates, then their sines and cosines at octaves (Tancik et al. 2020).

    A small network of smooth inputs can't see modes much narrower than the data.
    """

    def __init__(self, octaves: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.octaves = octaves

    def call(self, points: tf.Tensor) -> tf.Tensor:
        """Widen points."""
        angles = tf.concat([points * 2.0**octave for octave in range(self.octaves)], axis=1)
        return tf.concat([points, tf.sin(angles), tf.cos(angles)], axis=1)


def lay_charts(
    network: keras.Model, points: np.ndarray, labels: np.ndarray | None, seed: int
) -> None:
    """Cover the points of each class with its charts; a class without any begins like all."""
    atlas = network.get_layer(ATLAS)
    own = [points if labels is None else points[labels == c] for c in range(atlas.classes)]
    atlas.lay([cover(of if len(of) else points, atlas.charts, seed) for of in own])


def sample_charts(network: keras.Model, inputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Points of all charts, as many of each; and the number of each one's chart."""
    atlas = network.get_layer(ATLAS)
    z, *y = inputs
    chart = np.arange(len(z)) % (atlas.classes * atlas.charts)
    atlas.weigh(np.ones((atlas.classes, atlas.charts)))
    z = z.copy()
    z[:, 0] = ndtri((chart % atlas.charts + 0.5) / atlas.charts)
    condition = [chart // atlas.charts for _ in y]
    return np.asarray(network([z, *condition])), chart


def weigh_charts(network: keras.Model, shares: np.ndarray) -> None:
    """Set how often each chart is picked, from their shares of all points."""
    atlas = network.get_layer(ATLAS)
    atlas.weigh(shares.reshape(atlas.classes, atlas.charts))


def decode(points: tf.Tensor, codec: PointCodec) -> dict[str, tf.Tensor]:
    """Standardised points to the user's coordinates: one tensor, or one a column."""
    # Where the data lie far from 0, float32 could not hold them.
    values = tf.matmul(tf.cast(points, tf.float64), codec.scales) + codec.centre
    if codec.whole.any():
        rounded = tf.clip_by_value(tf.round(values), codec.low, codec.high)
        values = tf.where(codec.whole, rounded, values)
    if codec.together:
        return {codec.NAME: tf.cast(values, codec.dtypes[0])}
    return {
        column.output: tf.cast(values[:, i], dtype)
        for i, (column, dtype) in enumerate(zip(codec.columns, codec.dtypes, strict=True))
    }
