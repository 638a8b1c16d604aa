"""The players and the decoder, in TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf


def perceptron(n_inputs: int, n_outputs: int, n_classes: int, width: int, seed: int) -> keras.Model:
    """Build a network from ``[vector]``, or ``[vector, y]`` if there are classes, to a vector."""
    # Every initialiser that draws has a seed, so that nothing comes from global random state.
    # There is no batch normalisation: no row may depend on the others of its batch.
    seeds = keras.random.SeedGenerator(seed)
    vector = keras.Input((n_inputs,))
    inputs, hidden = [vector], vector
    if n_classes:
        y = keras.Input((), dtype="int32")
        inputs.append(y)
        one_hot = keras.layers.Embedding(n_classes, n_classes, keras.initializers.Identity())(y)
        hidden = keras.layers.Concatenate()([hidden, one_hot])
    for _ in range(2):
        hidden = keras.layers.Dense(width, kernel_initializer=_he(seeds))(hidden)
        hidden = keras.layers.LeakyReLU(0.2)(hidden)
    return keras.Model(inputs, keras.layers.Dense(n_outputs, kernel_initializer=_he(seeds))(hidden))


def scaled(
    rows: tf.Tensor, scale: np.ndarray, shift: np.ndarray, dtypes: Mapping[str, np.dtype]
) -> dict[str, tf.Tensor]:
    """Scale and shift each column, in its own dtype."""
    return {
        name: tf.cast(rows[:, i], dtype) * scale[i].astype(dtype) + shift[i].astype(dtype)
        for i, (name, dtype) in enumerate(dtypes.items())
    }


def _he(seeds: keras.random.SeedGenerator) -> keras.Initializer:
    return keras.initializers.HeNormal(seed=seeds)
