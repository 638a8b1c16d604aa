"""
An architecture of your own
===========================

A class with five methods: what data it takes, how rows become vectors and back, two networks, a
recipe. Training, scoring, export and sampling come with the library.
"""

# %%
# Numbers are standardised on the way in. ``decode`` is part of the exported graph, so it is
# TensorFlow.
import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_iris

from gansynth import GANSampler
from gansynth.architecture import Architecture, Codec, Recipe


class Standardised(Codec):
    """Columns of numbers with mean 0 and deviation 1."""

    def __init__(self, data):
        self.names, self.layout = list(data), len(data)
        self.mean = np.array([values.mean() for values in data.values()], np.float32)
        self.deviation = np.array([values.std() for values in data.values()], np.float32)

    def encode(self, data, rng):
        return ((np.stack(list(data.values()), 1) - self.mean) / self.deviation).astype(np.float32)

    def decode(self, rows):
        columns = tf.unstack(rows * self.deviation + self.mean, axis=1)
        return {
            name: tf.cast(column, tf.float64)
            for name, column in zip(self.names, columns, strict=True)
        }


# %%
# Networks are Keras models. Every initialiser has its seed, so that a run can be repeated.
def perceptron(inputs, outputs, seed):
    seeds = keras.random.SeedGenerator(seed)
    start = keras.initializers.HeNormal(seeds)
    x = hidden = keras.Input((inputs,))
    for _ in range(2):
        hidden = keras.layers.Dense(64, "leaky_relu", kernel_initializer=start)(hidden)
    return keras.Model([x], keras.layers.Dense(outputs, kernel_initializer=start)(hidden))


class PlainGAN(Architecture):
    """Two perceptrons for numbers without gaps."""

    api_version = 1

    def accepts(self, spec):
        return 10 * all(column.kind == "float" for column in spec.schema.columns)

    def codec(self, spec, data):
        return Standardised(data)

    def generator(self, spec, seed):
        return perceptron(spec.latent_dim, spec.layout, seed)

    def critic(self, spec, seed):
        return perceptron(spec.layout, 1, seed)

    def recipe(self, spec):
        return Recipe(steps=2000, batch_size=64, latent_dim=8, learning_rate=1e-3)


# %%
# An instance can be used as it is. Registered as an entry point, it goes by its name.
X = load_iris(as_frame=True).data
sampler = GANSampler(PlainGAN(), max_time=15, random_state=0).fit(X)
print(sampler.sample(5))
