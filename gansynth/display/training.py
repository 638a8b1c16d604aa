"""How training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import NotFittedError

from gansynth.display._axes import REAL, SYNTHETIC, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCORES = {"score": SYNTHETIC, "coverage": REAL}
LOSSES = {"critic_loss": REAL, "generator_loss": SYNTHETIC}


class TrainingDisplay:
    """Scores of held-out rows over the steps of a run, above the losses.

    Parameters
    ----------
    history : mapping of str to sequence
        As ``history_`` of a sampler: ``step``, and any of ``score``, ``coverage``,
        ``critic_loss`` and ``generator_loss``.
    best_step : int, optional
        Step of the generator that was kept.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What was given, or made; parted into ``axes_``.
    axes_ : ndarray of Axes
        Where it was drawn: scores, if there are any, and losses.
    figure_ : matplotlib.figure.Figure
        The figure of ``ax_``.

    See Also
    --------
    TrainingDisplay.from_estimator : Make it from a sampler.

    Examples
    --------
    >>> from gansynth.display import TrainingDisplay
    >>> display = TrainingDisplay.from_estimator(sampler)
    >>> display.figure_.savefig(folder / "training.png")
    """

    def __init__(
        self, history: Mapping[str, Sequence[float]], best_step: int | None = None
    ) -> None:
        self.history = history
        self.best_step = best_step

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Axes | None = None, **kwargs: Any
    ) -> TrainingDisplay:
        """Draw the last run of a sampler.

        Parameters
        ----------
        estimator : GANSampler
            Fitted; or with the history of a run that was interrupted.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For :meth:`plot`.

        Returns
        -------
        TrainingDisplay

        Raises
        ------
        NotFittedError
            If there is no history: before a fit, and in a model that was loaded from a file.
        """
        history = getattr(estimator, "history_", None)
        if not history:
            raise NotFittedError(
                f"This {type(estimator).__name__} has no history_ of a run. Call fit first; a file "
                "of a model doesn't keep it."
            )
        return cls(history, getattr(estimator, "best_step_", None)).plot(ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> TrainingDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            For ``plot`` of the lines.

        Returns
        -------
        TrainingDisplay
            Itself, with ``ax_``, ``axes_`` and ``figure_``.
        """
        steps = np.asarray(self.history["step"])
        wanted = [self._measured(SCORES), self._measured(LOSSES)]
        wanted = [lines for lines in wanted if lines]
        if not wanted:
            raise ValueError(
                f"history has neither scores nor losses, only {', '.join(self.history)}; give that "
                "of a sampler."
            )
        self.ax_, axes = panels(ax, len(wanted), 1, (6.4, 2.6))
        for panel, lines in zip(axes[:, 0], wanted, strict=True):
            for name, colour in lines.items():
                values = np.asarray(self.history[name], float)
                defaults: dict[str, Any] = {"color": colour, "linewidth": 1.4}
                label = name.replace("_", " ")
                panel.plot(steps, values, **({"label": label} | defaults | kwargs))
            if self.best_step is not None:
                panel.axvline(self.best_step, color="0.5", linewidth=1, linestyle="--")
            panel.spines[["top", "right"]].set_visible(False)
            panel.legend(frameon=False, fontsize=8, ncols=2)
        axes[-1, 0].set_xlabel("step")
        if self.best_step is not None:
            axes[0, 0].set_title(f"kept: step {self.best_step:,}", fontsize=9)
        self.axes_, self.figure_ = axes[:, 0], self.ax_.figure
        return self

    def _measured(self, colours: Mapping[str, str]) -> dict[str, str]:
        """Those of the lines that have values: without held-out rows there are no scores."""
        return {
            name: colour
            for name, colour in colours.items()
            if name in self.history and np.isfinite(np.asarray(self.history[name], float)).any()
        }
