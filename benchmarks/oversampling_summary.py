"""Mean ranks of the methods over tables and classifiers, and how far chance explains them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from runs import markdown
from scipy.stats import friedmanchisquare, ttest_rel

RANKED = {"ap": True, "balanced": True, "brier": False, "recall": True}
"""Scores, and whether a higher one is better."""
ALPHA = 0.05
DEFAULT = "trees"


def summarise(records: list[dict[str, Any]], folder: Path | None) -> None:
    """Print ranks and what differs from doing nothing; draw a critical-difference diagram."""
    long = frame(records)
    if long["method"].nunique() < 2:
        return
    lines = [
        ["method", *(f"rank by {score}" for score in RANKED), "seconds", "dcr / smote's", "copies"]
    ]
    ranks = {score: ranked(long, score) for score in RANKED}
    common = ranks["ap"].columns
    costs = [mean_of(records, name, common) for name in ("resample_seconds", "dcr", "copies")]
    ratio = over_smote(records, common)
    for method in ranks["ap"].mean().sort_values().index:
        cells = [f"{of.mean()[method]:.2f}" for of in ranks.values()]
        others = [f"{costs[0].get(method, np.nan):.2g}", f"{ratio.get(method, np.nan):.2g}",
                  f"{costs[2].get(method, np.nan):.2g}"]  # fmt: skip
        lines.append([method, *cells, *others])
    markdown(lines)
    print(f"\nOver {len(ranks['ap'])} pairs of a table and a classifier.")
    if len(common) > 2 and len(ranks["ap"]) > 1:
        p = friedmanchisquare(*(ranks["ap"][method] for method in common)).pvalue
        print(f"Friedman's test of the ranks by average precision: p = {p:.2g}.")
        if folder is not None:
            draw(ranks["ap"], folder / "oversampling_ranks.png")
    print(f"\nAverage precision of {DEFAULT}, mean over the seeds, less that of doing nothing:\n")
    markdown(against_nothing(long))


def frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    """One line a score: table, method, seed, classifier, score, value."""
    found = []
    for record in records:
        for name, value in record["scores"].items():
            classifier, _, score = name.rpartition("_")
            if score in RANKED:
                found.append(
                    (record["dataset"], record["method"], record["seed"], classifier, score, value)
                )
    return pd.DataFrame(found, columns=["table", "method", "seed", "classifier", "score", "value"])


def ranked(long: pd.DataFrame, score: str) -> pd.DataFrame:
    """Rank of each method (1 is best) for each table and classifier that all of them have.

    Methods that some tables can't be given to (ADASYN, where there are labels) are left out of
    them: they share the last rank there.
    """
    means = long[long["score"] == score].pivot_table(
        index=["table", "classifier"], columns="method", values="value"
    )
    return means.rank(axis=1, ascending=not RANKED[score], na_option="bottom")


def mean_of(records: list[dict[str, Any]], name: str, methods: Any) -> dict[str, float]:
    """Mean over tables of a figure of each method."""
    found = pd.DataFrame(
        [(r["method"], r["dataset"], r["scores"].get(name, np.nan)) for r in records],
        columns=["method", "table", name],
    )
    return found.groupby("method")[name].mean().reindex(methods).to_dict()


def over_smote(records: list[dict[str, Any]], methods: Any) -> dict[str, float]:
    """Median over tables of the distance to the closest rare row, over SMOTE's."""
    found = pd.DataFrame(
        [(r["method"], r["dataset"], r["scores"].get("dcr", np.nan)) for r in records],
        columns=["method", "table", "dcr"],
    ).pivot_table(index="table", columns="method", values="dcr")
    if "smote" not in found:
        return {}
    return found.div(found["smote"], axis=0).median().reindex(methods).to_dict()


def against_nothing(long: pd.DataFrame) -> list[list[str]]:
    """Difference of each method to doing nothing, starred where a paired t-test finds it."""
    chosen = long[(long["classifier"] == DEFAULT) & (long["score"] == "ap")]
    wide = chosen.pivot_table(index=["table", "seed"], columns="method", values="value")
    methods = [method for method in wide if method not in ("none", "threshold")]
    lines = [["table", "none", *methods]]
    for table, of in wide.groupby(level="table"):
        cells = []
        for method in methods:
            differences = (of[method] - of["none"]).dropna()
            if not len(differences):
                cells.append("")
                continue
            star = ""
            if len(differences) > 1 and differences.std() > 0:
                star = (
                    "*"
                    if ttest_rel(of[method], of["none"], nan_policy="omit").pvalue < ALPHA
                    else ""
                )
            cells.append(f"{differences.mean():+.3f}{star}")
        lines.append([str(table), f"{of['none'].mean():.3f}", *cells])
    return lines


def draw(ranks: pd.DataFrame, file: Path) -> None:
    """Critical-difference diagram (Demsar 2006): joined methods are not told apart."""
    import scikit_posthocs

    p_values = scikit_posthocs.posthoc_nemenyi_friedman(ranks.to_numpy())
    p_values.index = p_values.columns = ranks.columns
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    scikit_posthocs.critical_difference_diagram(ranks.mean(), p_values, ax=axes)
    axes.set_title(f"Mean rank by average precision, {len(ranks)} pairs of table and classifier")
    figure.savefig(file, dpi=120)
    plt.close(figure)
