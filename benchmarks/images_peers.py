"""The DCGAN of TensorFlow's tutorial, for grey digits of 28x28 pixels, at other sizes too.

Its networks, its loss, its optimiser, batches of 256 and 100 numbers of noise, as
https://www.tensorflow.org/tutorials/generative/dcgan states them; no class goes in. A side is
doubled twice, so that the coarsest grid is a quarter of the image: 7x7 there, 2x2 of 8x8 digits.
The clock stops training, not a number of epochs.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from runs import peak_mb

BATCH = 256
NOISE = 100
RATE = 1e-4


def dcgan_tutorial(
    images: np.ndarray, n: int, seed: int, seconds: float, steps: int | None = None
) -> tuple[np.ndarray, dict[str, float]]:
    """Train for so many seconds, or steps, and draw; to be called in a process of its own.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        uint8, or float32 in [0, 1]; sides are multiples of 4.
    n : int
        Images to draw.
    seed : int
        Of everything.
    seconds, steps : float and int
        What ends training, whichever comes first.

    Returns
    -------
    drawn : ndarray of shape (n, …)
        Like the images.
    costs : dict
        As of ``runs.synthesise``.
    """
    start = time.perf_counter()
    import keras
    import tensorflow as tf

    imported = time.perf_counter()
    keras.utils.set_random_seed(seed)
    top = 255 if images.dtype == np.uint8 else 1
    rows = (images.reshape(*images.shape[:3], -1) / (top / 2) - 1).astype(np.float32)
    generator, critic = networks(*rows.shape[1:])
    optimisers = keras.optimizers.Adam(RATE), keras.optimizers.Adam(RATE)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def step(real: tf.Tensor) -> None:
        noise = tf.random.normal([len(real), NOISE])
        with tf.GradientTape(persistent=True) as tape:
            fake = generator(noise, training=True)
            of_real, of_fake = critic(real, training=True), critic(fake, training=True)
            ones, zeros = tf.ones_like(of_real), tf.zeros_like(of_fake)
            critic_loss = entropy(ones, of_real) + entropy(zeros, of_fake)
            losses = entropy(ones, of_fake), critic_loss
        for network, loss, optimiser in zip((generator, critic), losses, optimisers, strict=True):
            weights = network.trainable_variables
            optimiser.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    # Batches are full: the tutorial's last one of an epoch is smaller.
    size = min(BATCH, len(rows))
    batches = tf.data.Dataset.from_tensor_slices(rows).shuffle(len(rows), seed).repeat()
    made = 0
    for batch in batches.batch(size, drop_remainder=True).prefetch(1):
        step(batch)
        made += 1
        if made == steps or time.perf_counter() - imported > seconds:
            break
    fitted = time.perf_counter()
    noise = np.random.default_rng(seed).standard_normal((n, NOISE), dtype=np.float32)
    drawn = generator.predict(noise, batch_size=1000, verbose=0).reshape(n, *images.shape[1:])
    unit = (drawn + 1) / 2
    costs: dict[str, Any] = {
        "import_seconds": imported - start,
        "fit_seconds": fitted - imported,
        "sample_seconds": time.perf_counter() - fitted,
        "steps": made,
        "batch_size": size,
        "peak_mb": peak_mb(),
    }
    return (np.round(255 * unit).astype(np.uint8) if top == 255 else unit), costs


def networks(height: int, width: int, depth: int) -> tuple[Any, Any]:
    """Generator and critic for images of that size."""
    import keras

    if height % 4 or width % 4:
        raise ValueError(f"the tutorial's networks double a grid twice; got {height}x{width}")
    layers = keras.layers
    grid = height // 4, width // 4

    def grown(channels: int, stride: int, **options: Any) -> Any:
        return layers.Conv2DTranspose(
            channels, 5, stride, padding="same", use_bias=False, **options
        )

    generator = keras.Sequential(
        [
            keras.Input((NOISE,)),
            layers.Dense(grid[0] * grid[1] * 256, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            layers.Reshape((*grid, 256)),
            grown(128, 1),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            grown(64, 2),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            grown(depth, 2, activation="tanh"),
        ]
    )
    critic = keras.Sequential(
        [
            keras.Input((height, width, depth)),
            layers.Conv2D(64, 5, 2, padding="same"),
            layers.LeakyReLU(0.3),
            layers.Dropout(0.3),
            layers.Conv2D(128, 5, 2, padding="same"),
            layers.LeakyReLU(0.3),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    return generator, critic
