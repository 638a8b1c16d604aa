"""A training run: many compiled steps a call, watched in between."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gansynth.architecture import Recipe
from gansynth.training.program import Pace, Program

SECONDS_A_CALL = 1.0
"""How long a call of the compiled loop should take: what a progress bar waits for."""

History = dict[str, list[float]]
Watch = Callable[[int, int, History], None]


def run(
    program: Program,
    rows: np.ndarray,
    labels: np.ndarray | None,
    recipe: Recipe,
    seed: int,
    max_time: float | None = None,
    watch: Watch | None = None,
) -> History:
    """Train a program's networks.

    Parameters
    ----------
    program : Program
        Networks and compiled loop; its weights are set anew.
    rows : ndarray of float32, shape (n, …)
        Encoded rows.
    labels : ndarray of int32, shape (n,), or None
        Class codes.
    recipe : Recipe
        Budget and schedules.
    seed : int
        Seed of weights, batches and noise.
    max_time : float, optional
        Seconds after which to stop. The schedules then follow the clock where it runs
        ahead of the steps, so that the run ends as trained as it can be.
    watch : callable, optional
        Called as ``watch(step, steps, history)`` after each call of the compiled loop.

    Returns
    -------
    dict of str to list
        Step, seconds, losses and penalty after each call; lists of equal length.

    Raises
    ------
    FloatingPointError
        If a loss is no longer finite.
    """
    started = time.monotonic()
    program.reset(seed)
    history: History = {
        name: [] for name in ("step", "seconds", "critic_loss", "generator_loss", "penalty")
    }
    with tf.device(program.device.name):
        rows = tf.constant(rows)
        labels = tf.zeros(len(rows), tf.int32) if labels is None else tf.constant(labels, tf.int32)
    pace = Pace(
        *(
            tf.constant(value, tf.float32)
            for value in (
                recipe.learning_rate,
                recipe.learning_rate_end,
                recipe.decay_start,
                *recipe.gamma,
                recipe.gamma_anneal,
                max(recipe.ema_half_life * recipe.steps, 1.0),
            )
        )
    )
    step, count, progress = 0, 1, 0.0
    while step < recipe.steps:
        before = time.monotonic()
        if max_time is not None and step > 0 and before - started >= max_time:
            break
        count = min(count, recipe.steps - step)
        rate = 1.0 / recipe.steps
        means = program.run(
            rows,
            labels,
            tf.constant(seed, tf.int64),
            tf.constant(step, tf.int64),
            tf.constant(count, tf.int64),
            tf.constant(progress, tf.float32),
            tf.constant(rate, tf.float32),
            pace,
        ).numpy()
        now = time.monotonic()
        step += count
        if not np.isfinite(means).all():
            raise FloatingPointError(
                f"Training diverged before step {step}: critic's loss, generator's loss and "
                f"penalty are {means.tolist()}. Scale extreme values of X down, or try another "
                "random_state, batch_size or loss."
            )
        progress = step / recipe.steps
        if max_time is not None:
            progress = max(progress, min((now - started) / max_time, 1.0))
        for name, value in zip(history, (step, now - started, *means.tolist()), strict=True):
            history[name].append(value)
        if watch is not None:
            watch(step, recipe.steps, history)
        count = _next_count(count, now - before, first=len(history["step"]) == 1)
    return history


def _next_count(count: int, seconds: float, first: bool) -> int:
    """Steps for the next call: about a second's worth, found by doubling.

    Powers of two, and the first call (which compiles) tells nothing.
    """
    if first:
        return 4
    return count * 2 if seconds < SECONDS_A_CALL / 2 else count
