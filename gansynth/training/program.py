"""A compiled training loop, kept between fits of the same shapes.

Tracing and compiling cost seconds, a small fit may cost less; cross-validation would pay
them again for each fold. So a program is built once for a shape of networks and data, and
each fit loads freshly initialised weights into it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gansynth.architecture import Architecture, Augmentation, Codec, NetworkSpec
from gansynth.training.devices import Device
from gansynth.training.replicas import mean_of_all
from gansynth.training.step import (
    Player,
    Rule,
    Schedule,
    call,
    critic_update,
    generator_update,
)

KNOWN = 2 / 3
"""Share of the rows of which a part is given."""
KEPT_PROGRAMS = 16
ROWS_AT_ONCE = 256
VALUES_AT_ONCE = 1 << 20
"""Of larger rows fewer are generated at once: a network holds many times as much on the way."""

Arrays = dict[str, np.ndarray]


class Pace(NamedTuple):
    """Scalars that shape a run: what a :class:`Schedule` is computed from at each step.

    Progress, the share of the run that is done, is ``start`` at ``first_step`` and grows by
    ``rate`` a step. ``augmented`` is the share of the rows that augmentation changes.
    """

    learning_rate: float
    learning_rate_end: float
    decay_start: float
    gamma_start: float
    gamma_end: float
    anneal_start: float
    anneal_end: float
    ema_steps: float
    first_step: float
    start: float
    rate: float
    augmented: float


class Program:
    """Networks, optimiser state and the compiled loop over them.

    Parameters
    ----------
    architecture : Architecture
        Builds the networks.
    spec : NetworkSpec
        Their shape.
    codec : Codec
        Expands encoded rows; only its layout matters here.
    batch_size : int
        Rows a step.
    loss : str
        Name of the loss.
    beta_2 : float
        Adam's second-moment decay.
    device : Device
        Where to train.
    augmentation : Augmentation, optional
        Changes the rows that the critic sees.
    """

    def __init__(
        self,
        architecture: Architecture,
        spec: NetworkSpec,
        codec: Codec,
        batch_size: int,
        loss: str,
        beta_2: float,
        device: Device,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.architecture, self.spec, self.device = architecture, spec, device
        self.augmentation = augmentation
        self.codec, self.batch_size, self.loss, self.beta_2 = codec, batch_size, loss, beta_2
        self.replicas = replicas = device.replicas
        with replicas.scope(device.name):
            with device.policy():
                self.generator = Player(architecture.generator(spec, seed=0))
                self.critic = Player(architecture.critic(spec, seed=0))
            # What is exported computes in float32, whatever it was trained in.
            self._trailing = architecture.generator(spec, seed=0)
        self.average = self._trailing
        if replicas.strategy:
            with tf.device(device.name):
                self.average = architecture.generator(spec, seed=0)
        self.noise_dim = self.average.inputs[0].shape[-1]
        self._step: Callable[..., tf.Tensor] = self._update
        if replicas.count == 1:  # several can't average gradients inside a nested function
            self._step = tf.function(self._update, jit_compile=device.compiles, autograph=False)
        self._generate = tf.function(self.average, reduce_retracing=True, autograph=False)
        self._criticise = tf.function(self._criticised, reduce_retracing=True, autograph=False)
        self.given_shape = self.average.inputs[-1].shape[1:] if codec.parts else None

    def reset(self, seed: int, prepare: Callable[[keras.Model], None] | None = None) -> None:
        """Load weights that depend on the seed, and on what prepares a fresh generator."""
        with tf.device(self.device.name):
            fresh = self.architecture.generator(self.spec, seed=seed)
            if prepare:
                prepare(fresh)
                # Other processors round otherwise, and copies have to start as equals.
                told = {str(i): weight for i, weight in enumerate(fresh.get_weights())}
                fresh.set_weights(list(self.replicas.from_chief(told).values()))
            self.generator.reset(fresh)
            self.critic.reset(self.architecture.critic(self.spec, seed=seed + 1))
            _copy(fresh, self._trailing)
            self._refresh()

    def generate(self, inputs: list[tf.Tensor]) -> np.ndarray:
        """Rows that the generator's average makes of ``[z]`` or ``[z, y]``."""
        if self.given_shape:
            inputs = [*inputs, tf.zeros((len(inputs[0]), *self.given_shape))]
        return self._in_parts(self._generate, inputs)

    def logits(self, encoded: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """What the critic gives encoded rows, unchanged, with their class codes: shape (n, 1)."""
        return self._in_parts(self._criticise, [tf.constant(encoded), tf.constant(labels)])

    def _criticised(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        encoded, labels = inputs
        rows = self.codec.expand(encoded)
        condition = [labels] if self.spec.n_classes else []
        if self.codec.parts:
            known = tf.zeros((tf.shape(rows)[0], self.codec.parts))
            condition.append(self.codec.give(rows, known))
        return call(self.critic.network, rows, condition)

    def _in_parts(
        self, function: Callable[[list[tf.Tensor]], tf.Tensor], inputs: list[tf.Tensor]
    ) -> np.ndarray:
        """What a function gives for all inputs, which it gets a part at a time."""
        values = math.prod(self.average.output.shape[1:])
        rows = max(1, min(ROWS_AT_ONCE, VALUES_AT_ONCE // values))
        with tf.device(self.device.name):
            return np.concatenate(
                [
                    function([x[i : i + rows] for x in inputs])
                    for i in range(0, len(inputs[0]), rows)
                ]
            )

    @property
    def _variables(self) -> dict[str, list[tf.Variable]]:
        return {
            "generator": self.generator.network.weights,
            "generator_moments": [*self.generator.first, *self.generator.moments],
            "critic": self.critic.network.weights,
            "critic_moments": [*self.critic.first, *self.critic.moments],
            "average": self._trailing.weights,
        }

    def state(self) -> Arrays:
        """Copy of all that training changes, by name."""
        return {
            f"{group}/{i}": tf.convert_to_tensor(variable).numpy().copy()
            for group, variables in self._variables.items()
            for i, variable in enumerate(variables)
        }

    def load(self, state: Arrays) -> None:
        """Set everything that :meth:`state` tells, or a part of it."""
        for group, variables in self._variables.items():
            for i, variable in enumerate(variables):
                if f"{group}/{i}" in state:
                    variable.assign(state[f"{group}/{i}"])
        self._refresh()

    def _refresh(self) -> None:
        """Bring the average that replicas keep to the network that others look at."""
        if self.average is not self._trailing:
            _copy(self._trailing, self.average)

    def run(
        self,
        rows: tf.Tensor,
        labels: tf.Tensor,
        seed: tf.Tensor,
        first: tf.Tensor,
        count: tf.Tensor,
        pace: Pace,
    ) -> tf.Tensor:
        """Make many steps in one call.

        Parameters
        ----------
        rows : tensor, shape (n, …)
            All encoded rows.
        labels : tensor of int32, shape (n,)
            Class codes; ignored by unconditional networks.
        seed : tensor of int64
            Seed of the run.
        first, count : tensor of int64
            Number of the first step, and how many to make.
        pace : Pace
            Scalars of the run.

        Returns
        -------
        tensor, shape (3,)
            Sums of the critic's loss, the generator's loss and the penalty.
        """
        sums = self._run(rows, labels, seed, first, count, pace)
        self._refresh()
        return sums

    def run_fed(
        self,
        batches: tf.data.Iterator,
        seed: tf.Tensor,
        first: tf.Tensor,
        count: tf.Tensor,
        pace: Pace,
    ) -> tf.Tensor:
        """Make many steps in one call, on batches that come one by one.

        Parameters
        ----------
        batches : tf.data.Iterator of (tensor, tensor)
            Rows and class codes that :meth:`picks` chose for the steps from ``first`` on;
            those of the replicas in this process.
        seed, first, count, pace
            As for :meth:`run`, which gives the same.
        """
        sums = self._run_fed(batches, seed, first, count, pace)
        self._refresh()
        return sums

    @tf.function(reduce_retracing=True, autograph=False)
    def _run(
        self,
        rows: tf.Tensor,
        labels: tf.Tensor,
        seed: tf.Tensor,
        first: tf.Tensor,
        count: tf.Tensor,
        pace: Pace,
    ) -> tf.Tensor:
        def step(number: tf.Tensor) -> tf.Tensor:
            return self.replicas.run(self._picked, rows, labels, seed, number, pace)

        return _sum_over(step, first, count)

    @tf.function(reduce_retracing=True, autograph=False)
    def _run_fed(
        self,
        batches: tf.data.Iterator,
        seed: tf.Tensor,
        first: tf.Tensor,
        count: tf.Tensor,
        pace: Pace,
    ) -> tf.Tensor:
        def step(number: tf.Tensor) -> tf.Tensor:
            rows, labels = batches.get_next()
            return self.replicas.run(self._fed, rows, labels, seed, number, pace)

        return _sum_over(step, first, count)

    def picks(self, seed: tf.Tensor, step: tf.Tensor, n_rows: tf.Tensor) -> tf.Tensor:
        """Rows to make a step on, for all replicas: int32 of shape (batch_size,)."""
        return tf.random.stateless_uniform(
            (self.batch_size,), [seed, 4 * step], 0, n_rows, tf.int32, alg="philox"
        )

    def _picked(
        self, rows: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, step: tf.Tensor, pace: Pace
    ) -> tf.Tensor:
        """Make a step on rows out of all."""
        picks = self.replicas.own(self.picks(seed, step, tf.shape(rows)[0]))
        return self._step(
            tf.gather(rows, picks), tf.gather(labels, picks), seed, step, schedule(pace, step)
        )

    def _fed(
        self, rows: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, step: tf.Tensor, pace: Pace
    ) -> tf.Tensor:
        """Make a step on rows that somebody else has picked."""
        rows, labels = (self.replicas.own(values, here=True) for values in (rows, labels))
        return self._step(rows, labels, seed, step, schedule(pace, step))

    def _update(
        self,
        encoded: tf.Tensor,
        labels: tf.Tensor,
        seed: tf.Tensor,
        step: tf.Tensor,
        schedule: Schedule,
    ) -> tf.Tensor:
        """Update critic, generator and the generator's average, once each.

        On each replica: rows and noise are its own, losses are those of all.
        """
        # Philox by name: the default algorithm differs under XLA.
        z = tf.random.stateless_normal(
            (self.batch_size, self.noise_dim), [seed, 4 * step + 1], alg="philox"
        )
        real = self.codec.expand(encoded)
        ones = (1,) * (real.shape.rank - 1)
        mix = tf.random.stateless_uniform(
            (self.batch_size, *ones), [seed, 4 * step + 2], alg="philox"
        )
        z, mix = self.replicas.own(z), self.replicas.own(mix)
        condition = [labels] if self.spec.n_classes else []
        if self.codec.parts:
            numbers = tf.random.stateless_uniform(
                (self.batch_size, self.codec.parts + 2), [seed, 4 * step + 3], alg="philox"
            )
            condition.append(self.codec.give(real, _known(self.replicas.own(numbers))))
        augment = self._augment(seed, step, schedule.augmented)
        rule = Rule(self.loss, schedule, self.beta_2, step + 1, augment)
        with tf.GradientTape() as tape:
            fake = call(self.generator.network, z, condition)
        critic_loss, penalty = critic_update(self.critic, real, fake, condition, mix, rule)
        generator_loss = generator_update(
            self.generator, self.critic, real, fake, tape, condition, rule
        )
        for average, weight in zip(
            self._trailing.trainable_variables, self.generator.weights, strict=True
        ):
            # By its handle: on a replica, that of its own copy.
            tf.raw_ops.AssignVariableOp(
                resource=average.handle, value=weight + schedule.ema_decay * (average - weight)
            )
        return mean_of_all(tf.stack([critic_loss, generator_loss, penalty]))

    def _augment(
        self, seed: tf.Tensor, step: tf.Tensor, share: tf.Tensor
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """Give a step's change of rows: of a batch, or alike of several one after the other."""
        change = self.augmentation
        if change is None:
            return lambda rows: rows
        # Below zero: what else is drawn in a step has the numbers from 0 up.
        numbers = self.replicas.own(
            tf.random.stateless_uniform(
                (self.batch_size, change.numbers + 1), [seed, -1 - step], alg="philox"
            )
        )

        def augment(rows: tf.Tensor) -> tf.Tensor:
            batches = rows.shape[0] // numbers.shape[0]
            each = tf.tile(numbers, (batches, 1))
            picked = tf.reshape(each[:, 0] < share, (-1, *(1,) * (rows.shape.rank - 1)))
            return tf.where(picked, change(rows, each[:, 1:]), rows)

        return augment


def _sum_over(
    step: Callable[[tf.Tensor], tf.Tensor], first: tf.Tensor, count: tf.Tensor
) -> tf.Tensor:
    """Sum of what steps give, in a loop of TensorFlow's.

    Not by AutoGraph: it rewrites the source of all that is called in a loop, which takes as
    long as the rest of the first step.
    """
    _, sums = tf.while_loop(
        lambda number, _: number < first + count,
        lambda number, sums: (number + 1, sums + step(number)),
        (first, tf.zeros(3)),
    )
    return sums


def _known(numbers: tf.Tensor) -> tf.Tensor:
    """Which parts of rows to give: of some rows none, of others any share, more often a small one.

    Most conditions are on one column or two.
    """
    share = tf.where(numbers[:, :1] < KNOWN, numbers[:, 1:2] ** 2, 0.0)
    return tf.cast(numbers[:, 2:] < share, tf.float32)


def _copy(source: keras.Model, target: keras.Model) -> None:
    """Copy weights between networks that are built alike."""
    for weight, value in zip(target.weights, source.weights, strict=True):
        weight.assign(value)


def schedule(pace: Pace, step: tf.Tensor) -> Schedule:
    """Learning rate, gamma, EMA decay and share of changed rows of a step."""
    # A function of the step alone: however a run is cut into calls, its bits are the same.
    since = tf.cast(step, tf.float32) - pace.first_step
    progress = tf.minimum(pace.start + pace.rate * since, 1.0)
    span = pace.anneal_end - pace.anneal_start
    annealed = tf.clip_by_value((progress - pace.anneal_start) / span, 0.0, 1.0)
    gamma = pace.gamma_start * tf.pow(pace.gamma_end / pace.gamma_start, annealed)
    fallen = tf.clip_by_value((progress - pace.decay_start) / (1.0 - pace.decay_start), 0.0, 1.0)
    cosine = 0.5 * (1.0 + tf.cos(fallen * 3.14159265))
    learning_rate = pace.learning_rate_end + cosine * (pace.learning_rate - pace.learning_rate_end)
    # The average spans at most a tenth of the run so far: its start is forgotten soon.
    half_life = tf.minimum(pace.ema_steps, 0.1 * tf.cast(step + 1, tf.float32))
    return Schedule(learning_rate, gamma, tf.pow(0.5, 1.0 / half_life), pace.augmented)


class _Cache:
    """Programs that no fit is using; a fit takes one out and puts it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: list[tuple[Hashable, Program]] = []

    def take(self, key: Hashable) -> Program | None:
        with self._lock:
            for position, (held, program) in enumerate(self._programs):
                if held == key:
                    del self._programs[position]
                    return program
        return None

    def put(self, key: Hashable, program: Program) -> None:
        with self._lock:
            self._programs.append((key, program))
            del self._programs[:-KEPT_PROGRAMS]


_CACHE = _Cache()


@contextmanager
def borrowed(
    architecture: Architecture, spec: NetworkSpec, codec: Codec, *rest: Any
) -> Iterator[Program]:
    """Lend a program for these arguments, those of :class:`Program`: a kept or a new one."""
    parameters = tuple(sorted((k, repr(v)) for k, v in architecture.get_params().items()))
    key = (type(architecture), parameters, spec, *rest)
    program = _CACHE.take(key) or Program(architecture, spec, codec, *rest)
    yield program
    # Not after a failure: the state of a compiled loop is nobody's business then.
    _CACHE.put(key, program)
