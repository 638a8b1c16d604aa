"""Copies of the networks that train together, each on its share of the batch."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

Tensors = Any
"""A tensor, or a list of tensors."""


@dataclass(frozen=True)
class Replicas:
    """One copy of the networks, or several on the devices of a strategy.

    The copies share a batch equally. Losses and penalties are means over rows, so the mean of
    the copies' gradients is the gradient of the whole batch, and all copies stay equal.

    Copies may be in other processes, on other machines. All processes then run the same
    program on the same data: whatever decides how it goes on has to be :meth:`agreed`.

    Attributes
    ----------
    strategy : tf.distribute.Strategy or None
        What runs them; None for one copy on one device.
    """

    strategy: tf.distribute.Strategy | None = None

    @property
    def count(self) -> int:
        """How many there are, in all processes."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the devices in this process; none without a strategy."""
        return tuple(self.strategy.extended.worker_devices) if self.strategy else ()

    @property
    def here(self) -> int:
        """How many there are in this process."""
        return len(self.devices) or 1

    @property
    def are_apart(self) -> bool:
        """Whether some are in other processes."""
        return self.here < self.count

    @cached_property
    def first(self) -> int:
        """Number of the first one in this process."""
        if self.strategy is None or not self.are_apart:
            return 0
        numbers = self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(context.replica_id_in_sync_group)
        )
        return int(self.strategy.experimental_local_results(numbers)[0])

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what only one may write."""
        return self.first == 0

    def scope(self, device: str) -> AbstractContextManager[Any]:
        """Where variables are made: on a device, or on those of all copies here."""
        return self.strategy.scope() if self.strategy else tf.device(device)

    def place(self, values: np.ndarray, device: str) -> Tensors:
        """Put an array on a device, or on those of all copies here."""
        if self.strategy is None:
            with tf.device(device):
                return tf.constant(values)

        def put(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            number = context.replica_id_in_sync_group - self.first
            with tf.device(self.devices[number]):
                return tf.constant(values)

        return self.strategy.experimental_distribute_values_from_function(put)

    def run(self, step: Callable[..., tf.Tensor], *arguments: Any) -> tf.Tensor:
        """Let all copies make a step; gives what the first one here gives."""
        if self.strategy is None:
            return step(*arguments)
        return self.strategy.experimental_local_results(self.strategy.run(step, arguments))[0]

    def own(self, batch: tf.Tensor, *, here: bool = False) -> tf.Tensor:
        """Rows that are the calling copy's, of a batch for all copies or for those ``here``."""
        parts, first = (self.here, self.first) if here else (self.count, 0)
        if parts == 1:
            return batch
        rows, *shape = batch.shape
        number = tf.distribute.get_replica_context().replica_id_in_sync_group - first
        start = [number * (rows // parts), *(0 for _ in shape)]
        return tf.slice(batch, start, [rows // parts, *shape])

    def agreed(self, *values: float) -> list[float]:
        """Mean of what all processes come with."""
        if not self.are_apart:
            return list(values)
        total = self._total(tf.constant(np.array(values, np.float64)))
        return (total.numpy() / self.count).tolist()

    def from_chief(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What the chief comes with; the others may come with nothing."""
        if not self.are_apart:
            return dict(arrays)
        file = io.BytesIO()
        if self.is_chief:
            np.savez(file, **dict(arrays))  # type: ignore[arg-type]  # names, not flags
        size = round(sum(self.agreed(len(file.getvalue()))) * self.count / self.here)
        padded = np.frombuffer(file.getvalue().ljust(size, b"\0"), np.uint8)
        total = self._total(tf.constant(padded.astype(np.float64))).numpy() / self.here
        with np.load(io.BytesIO(total.astype(np.uint8).tobytes()), allow_pickle=False) as sent:
            return dict(sent)

    @cached_property
    def _total(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Sum over all copies of what their processes come with."""

        def add(values: tf.Tensor) -> tf.Tensor:
            # An argument has no device, which a reduction asks for.
            values = tf.identity(values)
            return tf.distribute.get_replica_context().all_reduce("sum", values)

        any_length = tf.TensorSpec([None], tf.float64)
        return tf.function(lambda values: self.run(add, values), input_signature=[any_length])


ALONE = Replicas()


def mean_of_all(values: Tensors) -> Tensors:
    """Mean of what all copies come with; called on each."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce("mean", values)
