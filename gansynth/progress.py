"""A progress bar for a training run, on a terminal or in a notebook."""

from __future__ import annotations

import math
from datetime import timedelta

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from gansynth.watching import Run, Watcher


class TrainingBar(Watcher):
    """A bar with steps, score, speed and time left.

    Parameters
    ----------
    description : str
        What is being trained.
    """

    def __init__(self, description: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps{task.fields[score]}, {task.fields[speed]:.0f}/s,"),
            TimeElapsedColumn(),
            TextColumn("of it, {task.fields[left]} left"),
        )
        self._task = self._progress.add_task(description, total=None, score="", speed=0.0, left="…")
        self._first: tuple[int, float] | None = None

    def begin(self, run: Run) -> None:
        """Show the bar."""
        self._progress.start()

    def call(self, run: Run, step: int, seconds: float, seconds_left: float | None) -> None:
        """Show how far the run is."""
        # The first call compiles: speed is counted from its end.
        first_step, first_seconds = self._first = self._first or (step, seconds)
        passed = seconds - first_seconds
        speed = (step - first_step) / passed if passed else 0.0
        left = (run.steps - step) / speed if speed else math.inf
        if seconds_left is not None:
            left = min(left, seconds_left)
        self._progress.update(
            self._task,
            completed=step,
            total=run.steps,
            speed=speed,
            left="…" if math.isinf(left) else str(timedelta(seconds=round(left))),
        )

    def interval(self, run: Run, record: dict[str, float]) -> None:
        """Show the score."""
        if not math.isnan(record["score"]):
            self._progress.update(self._task, score=f", score {record['score']:.3f}")

    def end(self, run: Run) -> None:
        """Leave the bar as it is."""
        self._progress.stop()
