"""A training run: intervals of compiled steps, scored on held-out rows in between."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gansynth.architecture import Recipe
from gansynth.training import interrupts
from gansynth.training.checkpoint import Checkpoints
from gansynth.training.feed import Resident, Streamed
from gansynth.training.program import Arrays, Pace, Program, schedule
from gansynth.training.validation import Judge
from gansynth.watching import Watcher

SECONDS_A_CALL = 1.0
"""How long a call of the compiled loop should take: what a progress bar waits for."""
INTERVALS = 40
LONGEST_INTERVAL = 250
MOST_FAILURES = 3
ROWS_LOOKED_AT = 64
RATE_AFTER_FAILURE = 0.5
NEAR, CLOSE = 3.0, 0.05
"""Deviations by which a score may miss 1 and be called as good as real rows', and how much at
most: by a few held-out rows, any generator might be."""
BY_HEART = 0.6
"""How often a critic may take a learned row for realer than a held-out one, see ``recognised``."""
AUGMENTED_BY, MOST_AUGMENTED = 0.05, 0.5
"""Share of the rows that an interval adds to those that are changed, and how many may be: below
.8 a change can't pass for a trait of the data (Karras et al. 2020)."""
BLIND = np.nan
"""What the history holds where nothing was measured."""
BEST, GOOD = "best/", "good/"
"""Prefixes, in a checkpoint, of the best average and of the state to fall back to."""

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

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.history)  # from a worker of a grid search, say


class Plan(NamedTuple):
    """What a run is asked for.

    Attributes
    ----------
    recipe : Recipe
        Budget and schedules.
    patience : int or None
        Intervals without a better score after which the learning rate starts to fall, if the
        score is about 1; None to keep to the schedule.
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
    """Where a run is; with the program's arrays, all that it takes to go on.

    ``begun`` and ``earlier`` are the steps and the seconds of the fits that it goes on from.
    """

    seed: int
    leg: Leg
    begun: int = 0
    earlier: float = 0.0
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
    augmented: float = 1.0
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
                "augmented",
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
        """State from a copy of what :meth:`to_json` gave."""
        values = copy.deepcopy(values)
        pairs = {name: tuple(values[name]) for name in ("gamma", "anneal")}
        return cls(**{**values, **pairs, "leg": Leg(**values["leg"])})


class Trainer:
    """Trains a program's networks.

    Parameters
    ----------
    program : Program
        Networks and compiled loop, loaded with the weights to start from.
    data : Resident or Streamed
        What to learn from.
    plan : Plan
        What is asked for.
    state : State
        Where to start; it moves along.
    kept : dict of str to ndarray
        What a checkpoint holds beside the program's arrays (see :data:`BEST`); or nothing.
    judge : Judge or None
        Scores the generator's average; None without held-out rows.
    recognised : callable or None
        ``recognised()`` tells how often the critic takes a learned row for realer than a
        held-out one: .5 if it knows none by heart. None without held-out rows.
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
        data: Resident | Streamed,
        plan: Plan,
        state: State,
        kept: Arrays,
        judge: Judge | None,
        recognised: Callable[[], float] | None,
        checkpoints: Checkpoints | None,
        watcher: Watcher,
        export: Callable[[], bytes],
    ) -> None:
        self.program, self.data, self.plan, self.state = program, data, plan, state
        self.best, self._good, self._judge = _under(BEST, kept), _under(GOOD, kept), judge
        self._recognised = recognised
        self._checkpoints, self._watcher, self._export = checkpoints, watcher, export
        self._interval_steps = _interval(plan.recipe.steps)
        self._count = 1
        self._stopped = self._unwritten = False
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

        A checkpoint that can't be written later on, to a disk that has become full, say, is
        a warning: it is a convenience, and the run is what counts.

        Raises
        ------
        DivergenceError
            If losses, weights or samples are NaN or infinite again after every fall-back.
        KeyboardInterrupt
            After Ctrl-C, as soon as the state is written.
        OSError
            If the first checkpoint can't be written; nothing has been trained then.
        """
        self._good = self._good or self.program.state()
        self._save()
        # From before the watcher begins: it may start threads, which an interrupt would break.
        with interrupts.held_back() as came:
            self._watcher.begin(self)
            try:
                self._go(lambda: any(self._agreed(came())))
            finally:
                self._watcher.end(self)

    def _go(self, interrupted: Callable[[], bool]) -> None:
        """Interval after interval, and the state that is left."""
        state = self.state
        while not (self._over or interrupted()):
            self._watcher.before_interval(self)
            if not self._interval(interrupted):
                continue
            if self._scored():
                self._write_if_cheap()
            else:
                self._fall_back()
        if self._stopped:
            state.leg.last_step = state.step
        if self._judge is None or not self.best:
            state.best_step, state.best_score = state.step, BLIND
            self.best = _average(self.program.state())
        self._write()

    @property
    def _over(self) -> bool:
        state, limit = self.state, self.plan.max_time
        # What finds a run late is what its history tells.
        state.seconds = self._seconds
        late = limit is not None and state.step > state.begun and state.seconds >= limit
        self._stopped = any(self._agreed(self._stopped))
        return self._stopped or late or state.step >= state.leg.last_step

    @property
    def _seconds(self) -> float:
        return self._agreed(time.monotonic() - self._clock)[0]

    def _agreed(self, *values: float) -> list[float]:
        """Mean over the machines: each has to go on as all others do."""
        return self.program.replicas.agreed(*values)

    def _interval(self, interrupted: Callable[[], bool]) -> bool:
        """Make the steps up to the next scoring; False if an interrupt came before.

        They are made in calls of about a second.
        """
        state, plan = self.state, self.plan
        end = state.step - state.step % self._interval_steps + self._interval_steps
        end = min(end, state.leg.last_step)
        while state.step < end and not self._over and not interrupted():
            before = self._seconds
            count = min(self._count, end - state.step)
            sums = self.data.train(
                self.program, state.seed, state.step, count, self._pace()
            ).numpy()
            state.step += count
            state.sums = [total + float(new) for total, new in zip(state.sums, sums, strict=True)]
            state.seconds = self._seconds
            self._count = _next_count(self._count, state.seconds - before)
            self._hurry()
            left = None if plan.max_time is None else max(plan.max_time - state.seconds, 0.0)
            self._watcher.call(self, state.step, state.seconds, left)
            if not np.isfinite(sums).all():
                return True
        return state.step >= end or self._over

    def _scored(self) -> bool:
        """Score the average and enter it into the history; False if something is not finite."""
        state = self.state
        arrays = self.program.state()
        means = [total / max(state.step - state.summed_from, 1) for total in state.sums]
        # Weights too: the last update shows in no loss yet, and infinite second moments in
        # none ever, they only keep a weight where it is.
        finite = all(np.isfinite(values).all() for values in (np.array(means), *arrays.values()))
        if finite and self._judge is None and self._over:
            finite = self._makes_finite_rows()  # which nobody else looks at
        if any(self._agreed(not finite)):
            return False
        verdict = self._judge() if self._judge else (BLIND, BLIND)
        score, coverage = self._agreed(*(verdict or (BLIND, BLIND)))
        if self._judge and math.isnan(score):
            return False
        self._good = arrays
        now = schedule(self._pace(), tf.constant(state.step, tf.int64))
        values = (
            state.step,
            state.earlier + state.seconds,
            *means,
            float(now.learning_rate),
            float(now.gamma),
            state.augmented if self.plan.recipe.augmentation else 0.0,
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
            self.best = _average(arrays)
        self._adapt()
        self._hasten()
        self._watcher.interval(self, record)
        return True

    def _makes_finite_rows(self) -> bool:
        """Whether some rows of the generator's average are finite."""
        program = self.program
        seed = tf.constant([self.state.seed, 0], tf.int64)
        z = tf.random.stateless_normal((ROWS_LOOKED_AT, program.noise_dim), seed)
        n_classes = program.spec.n_classes
        classes = [tf.range(ROWS_LOOKED_AT) % n_classes] if n_classes else []
        return bool(np.isfinite(program.generate([z, *classes])).all())

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
        """Let the learning rate begin to fall, if the score has stalled where it can't rise.

        Further down it stalls too, before a narrow network has found anything, or while gamma
        falls at a high learning rate; going on helps then.
        """
        state, patience, recipe = self.state, self.plan.patience, self.plan.recipe
        if self._judge is None or patience is None or state.stale < patience:
            return
        if state.top_score < 1.0 - min(NEAR * self._judge.noise, CLOSE):
            return
        if state.leg.progress(state.step) < recipe.decay_start:
            # The end takes the same share of this shorter run as of the planned one.
            share = (1.0 - recipe.decay_start) / max(recipe.decay_start, 0.1)
            left = max(math.ceil(share * (state.step - state.leg.first_step)), 1)
            state.leg = Leg(state.step, recipe.decay_start, state.step + left)
            # Gamma goes on from where it is, a leap would undo what is learned.
            state.gamma = (state.history["gamma"][-1], state.gamma[1])
            state.anneal = (recipe.decay_start, 0.5 * (1.0 + recipe.decay_start))

    def _adapt(self) -> None:
        """Change more rows if the critic has learned rows by heart, fewer if not (ADA)."""
        recipe, state = self.plan.recipe, self.state
        if recipe.augmentation is None or recipe.augmented is not None:
            return
        # With nothing held out to tell: rows are few, and soon known.
        (known,) = self._agreed(self._recognised() if self._recognised else 1.0)
        change = AUGMENTED_BY if known > BY_HEART else -AUGMENTED_BY
        state.augmented = min(max(state.augmented + change, 0.0), MOST_AUGMENTED)

    def _fall_back(self) -> None:
        """Return to the last good state with a smaller learning rate."""
        state = self.state
        state.failures += 1
        if state.failures > MOST_FAILURES:
            raise DivergenceError(
                f"Training diverged before step {state.step} (NaN or infinity in losses, "
                f"weights or samples), also after {MOST_FAILURES} returns to an earlier state "
                "with ever smaller learning rates. Scale extreme values of X down, or try "
                "another random_state, batch_size, gamma or loss.",
                state.history,
            )
        state.rate_scale *= RATE_AFTER_FAILURE
        self.program.load(self._good)
        state.step, state.sums = state.summed_from, [0.0, 0.0, 0.0]

    def _save(self) -> None:
        """Write a checkpoint, if there is where to."""
        if self._checkpoints is None:
            return
        state = self.state
        # In the middle of an interval, where to fall back to is another state.
        good = self._good if state.step > state.summed_from else {}
        self._checkpoints.save(
            state.step,
            self.program.state() | _named(BEST, self.best) | _named(GOOD, good),
            state.to_json(),
        )

    def _write(self) -> None:
        """Write a checkpoint, or warn once that it can't be done."""
        try:
            self._save()
        except OSError as error:
            if not self._unwritten:
                warnings.warn(
                    f"{error.strerror}. Training goes on without checkpoints; after a break, fit "
                    "would go on from an older one.",
                    RuntimeWarning,
                    stacklevel=5,
                )
            self._unwritten = True

    def _write_if_cheap(self) -> None:
        """Write a checkpoint, unless the last one would take more than its share of the time."""
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
            state.augmented,
        )
        return Pace(*(tf.constant(value, tf.float32) for value in values))


def _average(arrays: Arrays) -> Arrays:
    """The generator's average alone."""
    return {name: values for name, values in arrays.items() if name.startswith("average/")}


def _named(prefix: str, arrays: Arrays) -> Arrays:
    return {prefix + name: values for name, values in arrays.items()}


def _under(prefix: str, arrays: Arrays) -> Arrays:
    """What :func:`_named` was given."""
    return {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}


def _interval(steps: int) -> int:
    """Steps between scorings: by number, never by the clock, so that runs can be repeated."""
    return min(max(steps // INTERVALS, 1), LONGEST_INTERVAL)


def _next_count(count: int, seconds: float) -> int:
    """Steps for the next call: about a second's worth, found by doubling."""
    if seconds > 2 * SECONDS_A_CALL:
        return max(count // 2, 1)
    return count * 2 if seconds < SECONDS_A_CALL / 2 else count
