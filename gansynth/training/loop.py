"""A training run: intervals of compiled steps, scored on held-out rows in between."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gansynth.architecture import Recipe
from gansynth.training import interrupts
from gansynth.training.checkpoint import Checkpoints
from gansynth.training.program import Arrays, Pace, Program, schedule
from gansynth.training.validation import Judge
from gansynth.watching import Watcher

SECONDS_A_CALL = 1.0
"""How long a call of the compiled loop should take: what a progress bar waits for."""
INTERVALS = 40
LONGEST_INTERVAL = 250
MOST_FAILURES = 3
RATE_AFTER_FAILURE = 0.5
BLIND = np.nan
"""What the history holds where nothing was measured."""

History = dict[str, list[float]]


class DivergenceError(FloatingPointError):
    """Training that diverged again and again.

    Attributes
    ----------
    history : dict of str to list
        The run so far.
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


class Plan(NamedTuple):
    """What a run is asked for.

    Attributes
    ----------
    recipe : Recipe
        Budget and schedules.
    patience : int or None
        Intervals without a better score after which the learning rate starts to fall; None
        to keep to the schedule.
    max_time : float or None
        Seconds after which to stop. The schedules then follow the clock where it runs ahead
        of the steps, so that the run ends as trained as it can be.
    """

    recipe: Recipe
    patience: int | None = None
    max_time: float | None = None


@dataclass
class Leg:
    """A stretch of the schedule: progress grows evenly from ``start`` to ``end``.

    A run is one leg, unless something bends it: a clock that runs out, a score that stalls.
    """

    first_step: int
    start: float
    last_step: int
    end: float = 1.0

    @property
    def rate(self) -> float:
        """Progress a step."""
        return (self.end - self.start) / max(self.last_step - self.first_step, 1)

    def progress(self, step: int) -> float:
        """Share of the run that is done at a step."""
        return min(self.start + self.rate * (step - self.first_step), self.end)


@dataclass
class State:
    """Where a run is; with the program's arrays, all that it takes to go on."""

    seed: int
    leg: Leg
    step: int = 0
    seconds: float = 0.0
    rate_scale: float = 1.0
    failures: int = 0
    gamma: tuple[float, float] = (1.0, 1.0)
    anneal: tuple[float, float] = (0.0, 1.0)
    best_step: int = 0
    best_score: float = -math.inf
    top_score: float = -math.inf
    stale: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    summed_from: int = 0
    history: History = field(
        default_factory=lambda: {
            name: []
            for name in (
                "step",
                "seconds",
                "critic_loss",
                "generator_loss",
                "penalty",
                "learning_rate",
                "gamma",
                "score",
                "coverage",
            )
        }
    )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> State:
        """State from what :meth:`to_json` gave."""
        pairs = {name: tuple(values[name]) for name in ("gamma", "anneal")}
        return cls(**{**values, **pairs, "leg": Leg(**values["leg"])})


class Data(NamedTuple):
    """Encoded rows to learn from, shape (n, …), and their class codes, shape (n,)."""

    rows: tf.Tensor
    labels: tf.Tensor


class Trainer:
    """Trains a program's networks.

    Parameters
    ----------
    program : Program
        Networks and compiled loop, loaded with the weights to start from.
    data : Data
        What to learn from.
    plan : Plan
        What is asked for.
    state : State
        Where to start; it moves along.
    best : dict of str to ndarray
        The best average so far, from a checkpoint; or nothing.
    judge : Judge or None
        Scores the generator's average; None without held-out rows.
    checkpoints : Checkpoints or None
        Where to write states to.
    watcher : Watcher
        Told of what happens.
    export : callable
        ``export()`` gives the generator's average as an ONNX model, and leaves it as it is.
    """

    def __init__(
        self,
        program: Program,
        data: Data,
        plan: Plan,
        state: State,
        best: Arrays,
        judge: Judge | None,
        checkpoints: Checkpoints | None,
        watcher: Watcher,
        export: Callable[[], bytes],
    ) -> None:
        self.program, self.data, self.plan, self.state = program, data, plan, state
        self.best, self._judge = best, judge
        self._checkpoints, self._watcher, self._export = checkpoints, watcher, export
        self._interval_steps = _interval(plan.recipe.steps)
        self._count = 1
        self._stopped = False
        self._clock = time.monotonic() - state.seconds

    @property
    def steps(self) -> int:
        """Steps that the run will make if nothing ends it earlier."""
        return self.state.leg.last_step

    @property
    def intervals(self) -> int:
        """Intervals that are left if nothing ends the run earlier."""
        step, last, size = self.state.step, self.state.leg.last_step, self._interval_steps
        return max(-(-last // size) - step // size, 0) if step < last else 0

    @property
    def history(self) -> History:
        """The history so far."""
        return self.state.history

    @property
    def network(self) -> keras.Model:
        """The generator's average."""
        return self.program.average

    def stop(self) -> None:
        """End the run after this interval, as if its steps were made."""
        self._stopped = True

    def export(self) -> bytes:
        """The generator's average, as it is now, as an ONNX model."""
        return self._export()

    def train(self) -> None:
        """Run to the end; the best average is then in :attr:`best`.

        Raises
        ------
        DivergenceError
            If losses, weights or samples are NaN or infinite again after every fall-back.
        KeyboardInterrupt
            After Ctrl-C, as soon as the state is written.
        """
        state = self.state
        good = self.program.state()
        self._watcher.begin(self)
        try:
            with interrupts.held_back() as interrupted:
                while not self._over:
                    self._watcher.before_interval(self)
                    self._interval(interrupted)
                    if interrupted():
                        self._write()
                        raise KeyboardInterrupt
                    if not self._scored():
                        self._fall_back(good)
                        continue
                    good = self.program.state()
                    self._write_if_cheap()
        finally:
            self._watcher.end(self)
        if self._judge is None:
            state.best_step, state.best_score = state.step, BLIND
            self.best = _average(self.program)
        self._write()

    @property
    def _over(self) -> bool:
        state, limit = self.state, self.plan.max_time
        late = limit is not None and state.step > 0 and self._seconds >= limit
        return self._stopped or late or state.step >= state.leg.last_step

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._clock

    def _interval(self, interrupted: Callable[[], bool]) -> None:
        """Make the steps up to the next scoring, in calls of about a second."""
        state, plan = self.state, self.plan
        end = state.step - state.step % self._interval_steps + self._interval_steps
        end = min(end, state.leg.last_step)
        while state.step < end and not self._over and not interrupted():
            before = self._seconds
            count = min(self._count, end - state.step)
            sums = self.program.run(
                *self.data,
                tf.constant(state.seed, tf.int64),
                tf.constant(state.step, tf.int64),
                tf.constant(count, tf.int64),
                self._pace(),
            ).numpy()
            state.step += count
            state.sums = [total + float(new) for total, new in zip(state.sums, sums, strict=True)]
            state.seconds = self._seconds
            self._count = _next_count(self._count, state.seconds - before)
            self._hurry()
            left = None if plan.max_time is None else max(plan.max_time - state.seconds, 0.0)
            self._watcher.call(self, state.step, state.seconds, left)
            if not np.isfinite(sums).all():
                return

    def _scored(self) -> bool:
        """Score the average and enter it into the history; False if something is not finite."""
        state = self.state
        means = [total / max(state.step - state.summed_from, 1) for total in state.sums]
        verdict = self._judge() if self._judge else (BLIND, BLIND)
        if verdict is None or not np.isfinite(means).all():
            return False
        score, coverage = verdict
        now = schedule(self._pace(), tf.constant(state.step, tf.int64))
        values = (
            state.step,
            state.seconds,
            *means,
            float(now.learning_rate),
            float(now.gamma),
            score,
            coverage,
        )
        record = dict(zip(state.history, values, strict=True))
        for name, value in record.items():
            state.history[name].append(value)
        state.sums, state.summed_from = [0.0, 0.0, 0.0], state.step
        state.stale = 0 if score > state.top_score else state.stale + 1
        state.top_score = max(score, state.top_score)
        if self._judge and score >= state.top_score - self._judge.noise:
            # Of states that chance may have put in this order, the last: it has seen most.
            state.best_score, state.best_step = score, state.step
            self.best = _average(self.program)
        self._hasten()
        self._watcher.interval(self, record)
        return True

    def _hurry(self) -> None:
        """Let the schedule follow the clock, where that runs ahead of the steps."""
        state, plan = self.state, self.plan
        if plan.max_time is None or state.leg.end < 1.0:  # a chunk is not the whole run
            return
        progress = min(state.seconds / plan.max_time, 1.0)
        if progress > state.leg.progress(state.step):
            left = math.ceil((1.0 - progress) * plan.recipe.steps)
            left = max(min(left, state.leg.last_step - state.step), 1)
            state.leg = Leg(state.step, progress, state.step + left)

    def _hasten(self) -> None:
        """Let the learning rate begin to fall, if the score has stalled."""
        state, patience, recipe = self.state, self.plan.patience, self.plan.recipe
        if self._judge is None or patience is None or state.stale < patience:
            return
        if state.leg.progress(state.step) < recipe.decay_start:
            # The end takes the same share of this shorter run as of the planned one.
            share = (1.0 - recipe.decay_start) / max(recipe.decay_start, 0.1)
            left = max(math.ceil(share * (state.step - state.leg.first_step)), 1)
            state.leg = Leg(state.step, recipe.decay_start, state.step + left)
            # Gamma goes on from where it is, a leap would undo what is learned.
            state.gamma = (state.history["gamma"][-1], state.gamma[1])
            state.anneal = (recipe.decay_start, 0.5 * (1.0 + recipe.decay_start))

    def _fall_back(self, good: Arrays) -> None:
        """Return to the last good state with a smaller learning rate."""
        state = self.state
        state.failures += 1
        if state.failures > MOST_FAILURES:
            raise DivergenceError(
                f"Training diverged before step {state.step} (NaN or infinity in losses or "
                f"samples), also after {MOST_FAILURES} returns to an earlier state with ever "
                "smaller learning rates. Scale extreme values of X down, or try another "
                "random_state, batch_size, gamma or loss.",
                state.history,
            )
        state.rate_scale *= RATE_AFTER_FAILURE
        self.program.load(good)
        state.step, state.sums = state.summed_from, [0.0, 0.0, 0.0]

    def _write(self) -> None:
        """Write a checkpoint, if there is where to."""
        if self._checkpoints:
            best = {f"best/{name}": value for name, value in self.best.items()}
            self._checkpoints.save(
                self.state.step, self.program.state() | best, self.state.to_json()
            )

    def _write_if_cheap(self) -> None:
        """Write a checkpoint, unless the last ones took more than a twentieth of the time."""
        if self._checkpoints and self._checkpoints.worth_it():
            self._write()

    def _pace(self) -> Pace:
        recipe, state = self.plan.recipe, self.state
        values = (
            recipe.learning_rate * state.rate_scale,
            recipe.learning_rate_end * state.rate_scale,
            recipe.decay_start,
            *state.gamma,
            *state.anneal,
            max(recipe.ema_half_life * recipe.steps, 1.0),
            state.leg.first_step,
            state.leg.start,
            state.leg.rate,
        )
        return Pace(*(tf.constant(value, tf.float32) for value in values))


def _average(program: Program) -> Arrays:
    """Copy of the generator's average: an alias would move on."""
    return {name: v for name, v in program.state().items() if name.startswith("average/")}


def _interval(steps: int) -> int:
    """Steps between scorings: by number, never by the clock, so that runs can be repeated."""
    return min(max(steps // INTERVALS, 1), LONGEST_INTERVAL)


def _next_count(count: int, seconds: float) -> int:
    """Steps for the next call: about a second's worth, found by doubling."""
    if seconds > 2 * SECONDS_A_CALL:
        return max(count // 2, 1)
    return count * 2 if seconds < SECONDS_A_CALL / 2 else count
