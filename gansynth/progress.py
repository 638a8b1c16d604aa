"""A progress bar for a training run, on a terminal or in a notebook."""

from __future__ import annotations

from types import TracebackType

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class TrainingBar:
    """Context manager whose :meth:`watch` a training run calls as it goes.

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
            TextColumn("steps, {task.fields[speed]:.0f}/s,"),
            TimeElapsedColumn(),
            TextColumn("of it, left"),
            TimeRemainingColumn(),
        )
        self._task = self._progress.add_task(description, total=None, speed=0.0)

    def __enter__(self) -> TrainingBar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def watch(self, step: int, steps: int, history: dict[str, list[float]]) -> None:
        """Show how far the run is."""
        # The first call compiles: speed is counted from its end.
        first_step, first_seconds = history["step"][0], history["seconds"][0]
        seconds = history["seconds"][-1] - first_seconds
        speed = (step - first_step) / seconds if seconds else 0.0
        self._progress.update(self._task, completed=step, total=steps, speed=speed)
