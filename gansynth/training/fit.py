"""From encoded rows to an exported generator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from gansynth.architecture import Architecture, DataSpec, Draw, NetworkSpec, Recipe
from gansynth.inference import noise
from gansynth.training import devices
from gansynth.training.export import export
from gansynth.training.loop import History, Watch, run
from gansynth.training.program import borrowed


def fit(
    architecture: Architecture,
    spec: DataSpec,
    data: Mapping[str, np.ndarray],
    labels: np.ndarray | None,
    recipe: Recipe,
    *,
    seed: int,
    device: str = "auto",
    precision: str = "auto",
    max_time: float | None = None,
    watch: Watch | None = None,
) -> tuple[bytes, History]:
    """Train an architecture's networks on data and export the generator.

    Parameters
    ----------
    architecture : Architecture
        Makes codec and networks.
    spec : DataSpec
        What the data are.
    data : mapping of str to ndarray
        Training data in neutral form.
    labels : ndarray of int32, shape (n,), or None
        Class codes.
    recipe : Recipe
        Budget and schedules.
    seed : int
        Seed of everything random.
    device, precision : str
        See :func:`gansynth.training.devices.resolve`.
    max_time : float, optional
        Seconds to train for at most.
    watch : callable, optional
        See :func:`gansynth.training.loop.run`.

    Returns
    -------
    bytes
        ONNX model of generator and decoder.
    dict of str to list
        History of the run.
    """
    place = devices.resolve(device, precision)
    codec = architecture.codec(spec, data)
    rows = codec.encode(data, np.random.Generator(np.random.Philox(seed)))
    networks = NetworkSpec(codec.layout, recipe.latent_dim, spec.n_classes)
    with borrowed(
        architecture,
        networks,
        codec,
        recipe.batch_size,
        recipe.loss,
        recipe.beta_2,
        place,
    ) as program:
        history = run(program, rows, labels, recipe, seed, max_time, watch)
        with tf.device("/CPU:0"):
            codec.calibrate(program.average, _draw(program.noise_dim, labels, seed))
            return export(program.average, codec, conditional=labels is not None), history


def _draw(noise_dim: int, labels: np.ndarray | None, seed: int) -> Draw:
    """Inputs of the generator for n rows, classes as frequent as in the data."""
    # Not the noise that sample(random_state=seed) draws: rows that a generator was calibrated
    # by would flatter it.
    seed ^= 0x9E3779B97F4A7C15

    def draw(n: int) -> list[np.ndarray]:
        z = noise.normal(seed, 0, n, noise_dim)
        if labels is None:
            return [z]
        picks = (noise.uniform(seed, 0, n) * len(labels)).astype(int)
        return [z, labels[picks]]

    return draw
