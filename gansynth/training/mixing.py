"""Generators between classes: given weights of classes where they are given codes."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

MOST_CLASSES = 100
"""Of more, weights would be most of what a row costs."""


def mixing(generator: keras.Model, n_classes: int) -> keras.Model:
    """The same layers, called on weights of classes.

    Parameters
    ----------
    generator : keras.Model
        ``[z, y]``, and maybe more, to rows; y are class codes, int32 of shape (n,).
    n_classes : int
        Number of classes.

    Returns
    -------
    keras.Model
        As the generator, but y is float32 of shape (n, n_classes). An embedding gives the mean of
        its vectors by these weights; any other layer that takes y takes them as they are.
    """
    z, y, *others = generator.inputs
    weights = keras.Input((n_classes,), name=y.name)
    others = [keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in others]

    def call(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        if isinstance(layer, keras.layers.Embedding) and args[0] is weights:
            return keras.ops.matmul(weights, layer.embeddings)
        return layer(*args, **kwargs)

    return keras.models.clone_model(
        generator,
        input_tensors=[keras.Input(z.shape[1:], name=z.name), weights, *others],
        clone_function=lambda layer: layer,
        call_function=call,
    )


def weights_of(y: tf.Tensor, weights: tf.Tensor, n_classes: int) -> tf.Tensor:
    """Weights where they are given, and all of it on the class elsewhere.

    Parameters
    ----------
    y : tensor of int32, shape (n,)
        Class codes.
    weights : tensor of float32, shape (n or 1, n_classes)
        NaN where they are not given.
    n_classes : int
        Number of classes.
    """
    return tf.where(tf.math.is_nan(weights), tf.one_hot(y, n_classes), weights)
