"""A progress bar for a training run, on a terminal or in a notebook."""

from __future__ import annotations

import math
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from gansynth.watching import Run, Watcher

SECONDS_A_REFRESH = 0.2
"""How often a notebook hears of the bar, at most; a terminal draws it by itself."""


class TrainingBar(Watcher):
    """A bar with steps, score, speed and time left; it fits on 80 columns.

    Parameters
    ----------
    description : str
        What is being trained.
    console : rich.console.Console, optional
        Where to show it; standard output, or the notebook that this runs in.
    """

    def __init__(self, description: str, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[steps]}{task.fields[score]}{task.fields[pace]}"),
            console=console,
        )
        self._task = self._progress.add_task(
            description, total=None, steps="starting", score="", pace=""
        )
        self._first: tuple[int, float] | None = None
        self._output: Any = None

    def begin(self, run: Run) -> None:
        """Show the bar."""
        if not self._progress.console.is_jupyter:
            self._progress.start()
            return
        # Rich's own way in a notebook needs ipywidgets; a display that is updated does not.
        from IPython.display import DisplayHandle

        self._output = DisplayHandle()
        self._output.display(self._progress)
        self._shown = time.monotonic()

    def call(self, run: Run, step: int, seconds: float, seconds_left: float | None) -> None:
        """Show how far the run is."""
        # The first call compiles: speed is counted from its end.
        first_step, first_seconds = self._first = self._first or (step, seconds)
        passed = seconds - first_seconds
        speed = max(step - first_step, 0) / passed if passed else 0.0
        left = (run.steps - step) / speed if speed else math.inf
        if seconds_left is not None:
            left = min(left, seconds_left)
        pace = f", {speed:.{0 if speed >= 10 else 1}f}/s" if speed else ""
        if not math.isinf(left):
            pace += f", {_clock(left)} left"
        self._update(completed=step, total=run.steps, steps=f"{step}/{run.steps} steps", pace=pace)

    def interval(self, run: Run, record: dict[str, float]) -> None:
        """Show the score."""
        if not math.isnan(record["score"]):
            self._update(score=f", score {record['score']:.3f}")

    def end(self, run: Run) -> None:
        """Leave the bar as it is."""
        if self._output:
            self._output.update(self._progress)
        else:
            self._progress.stop()

    def _update(self, **fields: Any) -> None:
        self._progress.update(self._task, **fields)
        if self._output and time.monotonic() > self._shown + SECONDS_A_REFRESH:
            self._output.update(self._progress)
            self._shown = time.monotonic()


def _clock(seconds: float) -> str:
    """Seconds as ``m:ss``, or ``h:mm:ss``."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
