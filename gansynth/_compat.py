"""Names of scikit-learn and imbalanced-learn that are private, or not in all of their versions.

The only file that touches them: what changes with a version changes here.
"""

from __future__ import annotations

from typing import Any

from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils import estimator_html_repr

# scikit-learn validates parameters by these itself, and documents them for nobody else.
from sklearn.utils._param_validation import Interval, StrOptions

__all__ = [
    "SAMPLING_STRATEGIES",
    "CallbackSupportMixin",
    "HTMLDetailsMixin",
    "Interval",
    "StrOptions",
    "begin_task",
    "callbacks_of",
    "with_callbacks",
]

SAMPLING_STRATEGIES = BaseOverSampler._parameter_constraints["sampling_strategy"]
"""What imbalanced-learn takes for ``sampling_strategy``, for :class:`Interval` and its like."""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9 has no callbacks: nothing can be set

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in without ``set_callbacks``."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


class HTMLDetailsMixin:
    """Adds to what notebooks show of an estimator: before BaseEstimator, which has the hook."""

    def _html_repr(self) -> str:
        return f"{estimator_html_repr(self)}{self._html_details()}"

    def _html_details(self) -> str:
        """HTML to add; nothing by default."""
        return ""


def callbacks_of(estimator: Any) -> list[Any]:
    """Callbacks that were set on an estimator, by its user or by a meta-estimator."""
    return getattr(estimator, "_skl_callbacks", [])


def begin_task(estimator: Any, max_subtasks: int) -> Any:
    """Set up the callbacks of an estimator and open the task of its fit.

    Parameters
    ----------
    estimator : estimator
        With callbacks (:func:`callbacks_of`), in a method that is ``with_callbacks``.
    max_subtasks : int
        How many tasks there are in this one, at most.

    Returns
    -------
    sklearn.callback.CallbackContext
        The task.
    """
    return estimator._init_callback_context(max_subtasks=max_subtasks)
