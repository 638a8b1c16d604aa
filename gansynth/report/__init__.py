"""One page that says how good synthetic rows are: no script, no network, one file."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gansynth import atomic
from gansynth.comparison import TARGET, Comparison, learned, of_estimator, of_samples, schema_of
from gansynth.report import page, sections
from gansynth.report.evidence import Evidence, gather
from gansynth.report.verdict import verdict

__all__ = ["Report"]


class Report:
    """How good synthetic rows are, as a page of HTML.

    Parameters
    ----------
    html : str
        The page.
    verdict : str
        What it comes to.
    scores : DataFrame
        Scores by name: ``best``, and those of ``synthetic`` and ``real`` rows and of
        ``independent`` columns; see :func:`gansynth.metrics.beside`.

    See Also
    --------
    Report.from_estimator : Of a sampler; so does ``GANSampler.report``.
    Report.from_samples : Of two tables; so does ``gansynth report``.

    Examples
    --------
    >>> report = sampler.report(X_test, y_test)
    >>> report.scores.columns.tolist()
    ['best', 'synthetic', 'real', 'independent']
    >>> report.write(folder / "report.html")
    """

    def __init__(self, html: str, verdict: str, scores: pd.DataFrame) -> None:
        self.html = html
        self.verdict = verdict
        self.scores = scores

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        X_train: Any = None,
        title: str = "Synthetic rows beside real ones",
        random_state: int | None = 0,
    ) -> Report:
        """Draw as many rows as there are real ones, and compare.

        Parameters
        ----------
        estimator : GANSampler or ExportedSampler
            Fitted.
        X : DataFrame, Table, array-like
            Real rows that were not learned, ten at least.
        y : array-like of shape (n,), optional
            Their classes, for a sampler that was fitted with y.
        X_train : DataFrame, Table, array-like, optional
            The rows that were learned: for privacy, and the nearest images.
        title : str
            Heading of the page.
        random_state : int or None, default=0
            Seed of the rows and the scores.

        Returns
        -------
        Report

        Raises
        ------
        NotFittedError
            If the sampler is not fitted.
        ValueError
            If X, y or X_train are not of the kind that was fitted, or too few rows.
        """
        schema = schema_of(estimator)
        rows = of_estimator(estimator, X, y, random_state=random_state)
        train = None if X_train is None else learned(schema, X_train)
        return cls._of(rows, train, title, random_state, estimator)

    @classmethod
    def from_samples(
        cls,
        real: Any,
        synthetic: Any,
        *,
        y: tuple[Any, Any] | None = None,
        target: str | None = None,
        train: Any = None,
        title: str = "Synthetic rows beside real ones",
        random_state: int | None = 0,
    ) -> Report:
        """Compare two samples, wherever the synthetic one is from.

        Parameters
        ----------
        real, synthetic : DataFrame, Table, array-like
            The same columns, or images of one shape; ten real rows and five synthetic ones at
            least.
        y : pair of array-like, optional
            Classes of the real rows, and of the synthetic ones.
        target : str, optional
            What the classes are called.
        train : DataFrame, Table, array-like, optional
            The rows that were learned, if they are not the real ones.
        title : str
            Heading of the page.
        random_state : int or None, default=0
            Seed of the scores.

        Returns
        -------
        Report

        Raises
        ------
        ValueError
            If columns differ, a column is of two kinds, or there are too few rows.
        """
        rows = of_samples(real, synthetic, y, target or TARGET)
        known = None if train is None else of_samples(train, synthetic).real
        return cls._of(rows, known, title, random_state, None)

    @classmethod
    def _of(
        cls, rows: Comparison, train: Any, title: str, random_state: int | None, estimator: Any
    ) -> Report:
        if train is not None and not isinstance(train, np.ndarray):
            # What has names in few rows may be left out of one table alone.
            absent = [name for name in rows.features if name not in train]
            if absent:
                raise ValueError(f"The training rows lack {', '.join(absent)}. Give these, too.")
        evidence = gather(rows, train, random_state)
        said = verdict(evidence, trained=train is not None)
        html = page.page(title, said, _sections(evidence, estimator, train))
        scores = pd.DataFrame(
            {score.name: {"best": score.best, **score.found._asdict()} for score in evidence.scores}
        ).T
        return cls(html, said, scores)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, whole or not at all.

        Parameters
        ----------
        path : path-like
            The file; one that is there is replaced.

        Raises
        ------
        OSError
            If the file can't be written; an older one is left as it was.
        """
        with atomic.replacing(path) as temporary:
            Path(temporary).write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.verdict}>"

    def _repr_html_(self) -> str:
        """The page within a notebook."""
        return (
            f'<iframe title="Report" srcdoc="{escape(self.html)}" width="100%" height="700" '
            'style="border:0"></iframe>'
        )


def _sections(evidence: Evidence, estimator: Any, train: Any) -> list[tuple[str, str]]:
    """Headings, and what stands below them; nothing where there is nothing to say."""
    trained = train is not None
    history = getattr(estimator, "history_", None)
    return [
        ("Scores", sections.scores(evidence)),
        ("Columns and pairs", sections.columns(evidence)),
        ("Distributions", sections.marginals(evidence.rows, evidence.columns)),
        ("Worst pairs", sections.pairs(evidence)),
        ("All rows in a plane", sections.overlay(evidence.rows)),
        ("Samples", sections.samples(evidence, trained=trained)),
        ("Training", sections.training(history, getattr(estimator, "best_step_", None))),
        ("Privacy", sections.privacy(evidence, trained=trained)),
        ("Constraints and conditions", sections.kept(estimator, train)),
        ("Model", sections.model(estimator)),
        ("Environment", sections.environment()),
    ]
