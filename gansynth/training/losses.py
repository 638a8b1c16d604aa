"""Adversarial losses and gradient penalties, as pure functions of tensors.

Each loss takes the critic's logits of real and of generated rows, paired by index, and
gives what the critic and what the generator minimise. They work for rows of any rank.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

Losses = tuple[tf.Tensor, tf.Tensor]


def relativistic(real: tf.Tensor, fake: tf.Tensor) -> Losses:
    """Relativistic pairing loss (Jolicoeur-Martineau 2018; Huang et al. 2024).

    Real and generated rows are judged against each other, so the generator can't win by
    leaving modes out: every real row it fails to match costs it.
    """
    critic = tf.reduce_mean(tf.nn.softplus(fake - real))
    generator = tf.reduce_mean(tf.nn.softplus(real - fake))
    return critic, generator


def non_saturating(real: tf.Tensor, fake: tf.Tensor) -> Losses:
    """Non-saturating logistic loss (Goodfellow et al. 2014)."""
    critic = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))
    generator = tf.reduce_mean(tf.nn.softplus(-fake))
    return critic, generator


def hinge(real: tf.Tensor, fake: tf.Tensor) -> Losses:
    """Hinge loss (Lim and Ye 2017; Miyato et al. 2018)."""
    critic = tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))
    generator = -tf.reduce_mean(fake)
    return critic, generator


def wasserstein(real: tf.Tensor, fake: tf.Tensor) -> Losses:
    """Wasserstein loss (Arjovsky et al. 2017), to be used with :func:`one_centred`."""
    critic = tf.reduce_mean(fake) - tf.reduce_mean(real)
    generator = -tf.reduce_mean(fake)
    return critic, generator


def zero_centred(gradients: tf.Tensor) -> tf.Tensor:
    """R1 and R2: squared norm of the critic's gradient at each row (Mescheder et al. 2018).

    Parameters
    ----------
    gradients : tensor, shape (n, …)
        The critic's gradient at real rows, then at generated rows, as many of each.

    Returns
    -------
    tensor
        R1 + R2, halved: to be weighted by gamma.
    """
    squared_norm = tf.reduce_sum(tf.square(gradients), axis=range(1, gradients.shape.rank))
    # The mean over both halves is (R1 + R2) / 2 already.
    return tf.reduce_mean(squared_norm)


def one_centred(gradients: tf.Tensor) -> tf.Tensor:
    """Penalty of WGAN-GP: gradient norm away from 1 (Gulrajani et al. 2017)."""
    squared_norm = tf.reduce_sum(tf.square(gradients), axis=range(1, gradients.shape.rank))
    return tf.reduce_mean(tf.square(tf.sqrt(squared_norm + 1e-12) - 1.0))


LOSSES: dict[str, Callable[[tf.Tensor, tf.Tensor], Losses]] = {
    "relativistic": relativistic,
    "non-saturating": non_saturating,
    "hinge": hinge,
    "wgan-gp": wasserstein,
}
