"""How the rows to learn from come to the devices: all at once, or batch by batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gansynth.training.program import Pace, Program

SHARE_OF_MEMORY = 0.5
"""Rows may take this share of a device's free memory; the rest is for networks."""
BATCHES_AHEAD = 8


class Resident(NamedTuple):
    """Encoded rows, shape (n, …), and class codes, shape (n,), on the devices."""

    rows: tf.Tensor
    labels: tf.Tensor

    def train(self, program: Program, seed: int, first: int, count: int, pace: Pace) -> tf.Tensor:
        """Make steps; see :meth:`Program.run`."""
        return program.run(self.rows, self.labels, *_integers(seed, first, count), pace)


class Streamed:
    """Rows in the host's memory, of which each batch is gathered ahead of its step.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, …)
        Encoded rows.
    labels : ndarray of int32, shape (n,), or None
        Their class codes.
    chosen : ndarray of int64
        Indices of those to train on.
    """

    def __init__(self, rows: np.ndarray, labels: np.ndarray | None, chosen: np.ndarray) -> None:
        self._rows, self._labels, self._chosen = rows, labels, chosen
        self._batches: tf.data.Iterator | None = None
        self._next = (-1, -1)

    def train(self, program: Program, seed: int, first: int, count: int, pace: Pace) -> tf.Tensor:
        """Make steps; see :meth:`Program.run_fed`."""
        if self._next != (seed, first):
            self._batches = iter(self._from(program, seed, first))
        self._next = (seed, first + count)
        return program.run_fed(self._batches, *_integers(seed, first, count), pace)

    def _from(self, program: Program, seed: int, first: int) -> tf.data.Dataset:
        """Batches of the steps from the first on, without an end."""
        copies, n_rows = program.replicas, len(self._chosen)
        size = program.batch_size // copies.count
        begin, end = copies.first * size, (copies.first + copies.here) * size

        def gather(picks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            picks = self._chosen[picks]
            labels = np.zeros(len(picks)) if self._labels is None else self._labels[picks]
            return self._rows[picks], labels.astype(np.int32)

        def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            picks = program.picks(tf.constant(seed, tf.int64), step, n_rows)[begin:end]
            # A function of numpy: as a constant, the rows would be copied into the graph.
            rows, labels = tf.numpy_function(
                gather, [picks], (tf.float32, tf.int32), stateful=False
            )
            shape = (end - begin, *self._rows.shape[1:])
            return tf.ensure_shape(rows, shape), tf.ensure_shape(labels, shape[:1])

        with tf.device("/CPU:0"):
            steps = tf.data.Dataset.range(first, np.iinfo(np.int64).max)
            return steps.map(batch).prefetch(BATCHES_AHEAD)


def feed(
    program: Program,
    rows: np.ndarray,
    labels: np.ndarray | None,
    chosen: np.ndarray,
    *,
    streamed: bool | None = None,
) -> Resident | Streamed:
    """Rows to train on, where they fit.

    Parameters
    ----------
    program : Program
        What is to train.
    rows : ndarray of float32, shape (n, …)
        Encoded rows.
    labels : ndarray of int32, shape (n,), or None
        Their class codes.
    chosen : ndarray of int64
        Indices of those to train on, ascending.
    streamed : bool, optional
        Whether to leave them in the host's memory. By default, if they would fill more than
        :data:`SHARE_OF_MEMORY` of what a device has free.
    """
    device, copies = program.device, program.replicas
    if streamed is None:
        size = len(chosen) * rows[:1].nbytes
        streamed = any(copies.agreed(size > SHARE_OF_MEMORY * device.free_memory()))
    if streamed:
        return Streamed(rows, labels, chosen)
    if labels is None:
        labels = np.zeros(len(rows), np.int32)
    if len(chosen) < len(rows):
        rows, labels = rows[chosen], labels[chosen]
    return Resident(
        copies.place(rows, device.name), copies.place(labels.astype(np.int32), device.name)
    )


def _integers(seed: int, first: int, count: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    return (
        tf.constant(seed, tf.int64),
        tf.constant(first, tf.int64),
        tf.constant(count, tf.int64),
    )
