"""scikit-learn's callbacks: on a training run, and on the steps of a meta-estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from gansynth import _compat
from gansynth.watching import Run, Watcher


class FitTask(Watcher):
    """Tells the callbacks that were set on an estimator what its run does.

    Parameters
    ----------
    estimator : estimator
        What is being fitted, in a method that is ``with_callbacks``.
    X, y : object
        What it is fitted on.
    attributes : callable
        ``attributes(run)`` gives the fitted attributes of an estimator whose fit had stopped
        now. Called only for callbacks that ask for such an estimator.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, attributes: Callable[[Run], dict[str, Any]]
    ) -> None:
        # ScoringMonitor scores nothing where y is None: no target is a target of no columns.
        self._told = {
            "estimator": estimator,
            "X": X,
            "y": np.empty((len(X), 0)) if y is None else y,
        }
        self._estimator, self._attributes = estimator, attributes
        self._task: Any = None
        self._interval: Any = None

    def begin(self, run: Run) -> None:
        """Set the callbacks up, and open the task of the fit."""
        self._task = _compat.begin_task(self._estimator, run.intervals)
        self._task.call_on_fit_task_begin(**self._told)

    def before_interval(self, run: Run) -> None:
        """Open the task of an interval; one that training has fallen back to is open still."""
        if self._interval is None:
            self._interval = self._task.subcontext(task_name="interval")
            self._interval.call_on_fit_task_begin(**self._told)

    def interval(self, run: Run, record: dict[str, float]) -> None:
        """Close it; a callback may ask for the end of the run."""
        interval, self._interval = self._interval, None
        if interval.call_on_fit_task_end(
            **self._told, reconstruction_attributes=lambda: self._attributes(run)
        ):
            run.stop()

    def finish(self) -> None:
        """Close the task of the fit, when the estimator is fitted."""
        self._task.call_on_fit_task_end(**self._told, reconstruction_attributes={})


class Steps:
    """Tells the callbacks that were set on a meta-estimator of its steps, and hands them on.

    Parameters
    ----------
    estimator : estimator
        What is being fitted, in a method that is ``with_callbacks``.
    X, y : object
        What it is fitted on.
    count : int
        How many steps there are.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, count: int) -> None:
        self._told = {"estimator": estimator, "X": X, "y": y}
        self._task = None
        if _compat.callbacks_of(estimator):
            self._task = _compat.begin_task(estimator, count)
            self._task.call_on_fit_task_begin(**self._told)

    @contextmanager
    def step(self, name: str, inner: Any) -> Iterator[None]:
        """Open the task of a step that is done by an inner estimator."""
        if self._task is None:
            yield
            return
        task = self._task.subcontext(task_name=name)
        takes_them = hasattr(inner, "set_callbacks")
        with task.propagate_callback_context(inner) if takes_them else nullcontext():
            task.call_on_fit_task_begin(**self._told)
            yield
            task.call_on_fit_task_end(**self._told)

    def finish(self) -> None:
        """Close the task of the fit, when the estimator is fitted."""
        if self._task is not None:
            self._task.call_on_fit_task_end(**self._told)
