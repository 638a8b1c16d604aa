"""Watching a training run: the hooks that progress bars and callbacks hang on."""

from __future__ import annotations

from typing import Any, Protocol


class Run(Protocol):
    """What a watcher may know of the run, and do to it."""

    steps: int
    """Steps that the run will make if nothing ends it earlier."""
    network: Any
    """The Keras model of the generator's average: what would be exported now."""

    history: dict[str, list[float]]
    """The history so far; it grows."""

    def stop(self) -> None:
        """End the run after the interval that it is in, as if its steps were made."""


class Watcher:
    """Hooks of a training run; each does nothing here.

    An interval is the stretch of steps between two scorings; a call is what the compiled
    loop does at a time, about a second's worth.
    """

    def begin(self, run: Run) -> None:
        """Training is about to start, or to go on."""

    def call(self, run: Run, step: int, seconds: float, seconds_left: float | None) -> None:
        """A call of the compiled loop is done; ``seconds_left`` by the run's ``max_time``."""

    def interval(self, run: Run, record: dict[str, float]) -> None:
        """An interval is done; ``record`` is its line in the history."""

    def end(self, run: Run) -> None:
        """Training is over, whatever ended it."""


class HistoryKeeper(Watcher):
    """Has the history of a run at hand, however the run ends.

    Attributes
    ----------
    history : dict of str to list
        Empty before the run has begun.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}

    def begin(self, run: Run) -> None:
        """Take hold of the run's history."""
        self.history = run.history


class Watchers(Watcher):
    """Several watchers as one.

    Parameters
    ----------
    watchers : iterable of Watcher
        Called in this order.
    """

    def __init__(self, watchers: list[Watcher]) -> None:
        self._watchers = watchers

    def begin(self, run: Run) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.begin(run)

    def call(self, run: Run, step: int, seconds: float, seconds_left: float | None) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.call(run, step, seconds, seconds_left)

    def interval(self, run: Run, record: dict[str, float]) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.interval(run, record)

    def end(self, run: Run) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.end(run)
