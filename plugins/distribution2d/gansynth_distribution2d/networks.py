from __future__ import annotations
import keras, numpy as np, tensorflow as tf
from gansynth.architecture import NetworkSpec

LEAK = 0.2

def generator(spec, o, seed):
    width, depth, charts = o.width, o.depth, o.charts
    seeds = keras.random.SeedGenerator(seed)
    z = keras.Input((1 + spec.latent_dim,), name="z")
    inputs = [z]
    code = keras.ops.zeros_like(z[:, 0], dtype="int32") if False else Pick(charts, dtype="float32")(z[:, 0])
    if spec.n_classes:
        y = keras.Input((), dtype="int32", name="y")
        inputs.append(y)
        code = code + charts * y
    n = charts * max(spec.n_classes, 1)
    d, m = spec.layout, min(spec.layout, spec.latent_dim)
    local = z[:, 1:]
    embedding = keras.layers.Embedding(n, width // 4, _normal(1.0, seeds))(code)
    centre = keras.layers.Embedding(n, d, _normal(o.spread, seeds), name="centres")(code)
    frame = keras.layers.Embedding(n, d * m, _normal((charts ** (-1 / d)) / m**.5, seeds), name="frames")(code)
    frame = keras.layers.Reshape((m, d))(frame)
    rows = centre + keras.layers.Dot(axes=1)([local[:, :m], frame])
    if o.residual:
        if o.feed == "point":
            hidden = keras.layers.Concatenate()([rows, local])
        elif o.feed == "both":
            hidden = keras.layers.Concatenate()([rows, embedding, local])
        else:
            hidden = keras.layers.Concatenate()([embedding * o.emb, local])
        hidden = _trunk(hidden, width, depth, seeds, "leaky")
        rows = rows + keras.layers.Dense(d, kernel_initializer=_he(o.gain, seeds))(hidden)
    return keras.Model(inputs, rows)

def critic(spec, o, seed):
    seeds = keras.random.SeedGenerator(seed)
    rows = keras.Input((spec.layout,), name="rows")
    inputs = [rows]
    hidden = Fourier(o.octaves, o.base, dtype="float32")(rows) if o.octaves else rows
    hidden = _trunk(hidden, o.width, o.depth, seeds, o.act)
    logit = keras.layers.Dense(1, kernel_initializer=_he(1.0, seeds))(hidden)
    if spec.n_classes:
        y = keras.Input((), dtype="int32", name="y")
        inputs.append(y)
        embedding = keras.layers.Embedding(spec.n_classes, o.width, _normal(o.width**-0.5, seeds))
        logit += keras.layers.Dot(axes=1)([hidden, embedding(y)])
    return keras.Model(inputs, logit)

def _trunk(hidden, width, depth, seeds, act):
    for i in range(depth):
        hidden = keras.layers.Dense(width, kernel_initializer=_he(2.0, seeds))(hidden)
        hidden = keras.layers.LeakyReLU(LEAK)(hidden) if act == "leaky" else keras.layers.Activation(act)(hidden)
    return hidden

def _he(scale, seeds):
    return keras.initializers.VarianceScaling(scale, "fan_in", "normal", seed=seeds)

def _normal(deviation, seeds):
    return keras.initializers.RandomNormal(stddev=deviation, seed=seeds)

class Pick(keras.layers.Layer):
    def __init__(self, charts, **kw):
        super().__init__(**kw); self.charts = charts
    def call(self, noise):
        uniform = 0.5 * (1.0 + tf.math.erf(noise * 0.70710678))
        return tf.minimum(tf.cast(uniform * self.charts, tf.int32), self.charts - 1)

class Fourier(keras.layers.Layer):
    def __init__(self, octaves, base, **kw):
        super().__init__(**kw); self.octaves = octaves; self.base=base
    def call(self, rows):
        parts = [rows]
        for i in range(self.octaves):
            a = rows * np.float32(self.base * 2**i)
            parts += [tf.sin(a), tf.cos(a)]
        return tf.concat(parts, axis=1)

def decode(rows, codec):
    rows = tf.cast(rows, tf.float64)
    return {"points": tf.cast(rows * codec.scale + codec.centre, codec.dtypes[0])}
