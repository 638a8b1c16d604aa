"""Watching a training run: the hooks that progress bars and callbacks hang on."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Protocol


class Run(Protocol):
    """What a watcher may know of the run, and do to it."""

    @property
    def steps(self) -> int:
        """Steps that the run will make if nothing ends it earlier."""

    @property
    def intervals(self) -> int:
        """Intervals that are left; the run may end earlier, never later."""

    @property
    def network(self) -> Any:
        """The Keras model of the generator's average; training changes it on."""

    @property
    def history(self) -> dict[str, list[float]]:
        """The history so far; it grows."""

    def stop(self) -> None:
        """End the run after the interval that it is in, as if its steps were made."""

    def export(self) -> bytes:
        """The generator's average, as it is now, as an ONNX model; takes seconds."""


class Watcher:
    """Hooks of a training run; each does nothing here.

    An interval is the stretch of steps between two scorings; a call is what the compiled
    loop does at a time, about a second's worth.
    """

    def begin(self, run: Run) -> None:
        """Training is about to start, or to go on."""

    def before_interval(self, run: Run) -> None:
        """An interval is about to start: a new one, or once more that which diverged."""

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
    watchers : list of Watcher
        Told in this order; of the end in reverse. Those that were told of the beginning are
        told of the end, whatever another one raises.
    """

    def __init__(self, watchers: list[Watcher]) -> None:
        self._watchers = watchers
        self._begun = ExitStack()

    def begin(self, run: Run) -> None:
        """Tell all, or none."""
        with ExitStack() as begun:
            for watcher in self._watchers:
                watcher.begin(run)
                begun.callback(watcher.end, run)
            self._begun = begun.pop_all()

    def before_interval(self, run: Run) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.before_interval(run)

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
        self._begun.close()
