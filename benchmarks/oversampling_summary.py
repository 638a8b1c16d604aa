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
    """Print ranks and what differs from doing nothing; draw critical-difference diagrams.

    Of the tables that gansynth has been run on.
    """
    ours = {record["dataset"] for record in records if record["method"] == "gansynth"}
    records = [record for record in records if record["dataset"] in ours]
    long = frame(records)
    if long["method"].nunique() < 2:
        return
    everything = means(long, "ap")
    # Of methods that some table wasn't given, no seeds are asked for.
    throughout = long[long["method"].isin(everything.dropna(axis=1).columns)]
    groups = {"tables that gansynth was given": throughout}
    shared = everything.dropna().index.get_level_values("table").unique()
    if len(shared) and throughout["method"].nunique() < long["method"].nunique():
        groups["tables that all methods were given"] = long[long["table"].isin(shared)]
    drawn = {}
    for title, runs in groups.items():
        ranks = {score: ranked(means(runs, score), score) for score in RANKED}
        group = ranks["ap"]
        tables = group.index.get_level_values("table").unique()
        print(f"\n{title}: {len(group)} pairs of a table and a classifier ({', '.join(tables)})\n")
        markdown(lines_of(ranks, [r for r in records if r["dataset"] in tables]))
        if len(group.columns) > 2 and len(group) > 1:
            p = friedmanchisquare(*(ranks["ap"][method] for method in group)).pvalue
            print(f"\nFriedman's test of the ranks by average precision: p = {p:.2g}.")
            drawn[f"{title} ({len(tables)})"] = ranks["ap"]
    if drawn and folder is not None:
        draw(drawn, folder / "oversampling_ranks.png")
    print(f"\nAverage precision of {DEFAULT}, mean over the seeds, less that of doing nothing:\n")
    markdown(against_nothing(long))


def lines_of(ranks: dict[str, pd.DataFrame], records: list[dict[str, Any]]) -> list[list[str]]:
    """One line a method, best first: its mean ranks, and what its rows cost and are like."""
    lines = [
        ["method", *(f"rank by {score}" for score in ranks), "seconds", "dcr / smote's", "copies"]
    ]
    order = ranks["ap"].mean().sort_values().index.append(pd.Index(["held_out"]))
    seconds, copies = (mean_of(records, name, order) for name in ("resample_seconds", "copies"))
    ratio = over_smote(records, order)
    for method in order:
        cells = [f"{of[method].mean():.2f}" if method in of else "" for of in ranks.values()]
        others = [of.get(method, np.nan) for of in (seconds, ratio, copies)]
        lines.append([method, *cells, *(f"{value:.2g}" for value in others)])
    return lines


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


def means(long: pd.DataFrame, score: str) -> pd.DataFrame:
    """Mean over the seeds: a line for each table and classifier, a column for each method.

    Only seeds that all methods of a table have. NaN where a method can't be given a table (ADASYN,
    where there are labels), or hasn't been.
    """
    of = long[long["score"] == score]
    wide = of.pivot_table(index=["table", "classifier", "seed"], columns="method", values="value")
    whole = [lines.dropna(axis=1, how="all").dropna() for _, lines in wide.groupby("table")]
    return pd.concat(whole).groupby(["table", "classifier"]).mean()


def ranked(means: pd.DataFrame, score: str) -> pd.DataFrame:
    """Rank of each method (1 is best) for each table and classifier."""
    return means.rank(axis=1, ascending=not RANKED[score])


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


def draw(groups: dict[str, pd.DataFrame], file: Path) -> None:
    """Critical-difference diagrams (Demsar 2006): joined methods are not told apart."""
    import scikit_posthocs

    figure, axes = plt.subplots(
        len(groups), figsize=(8, 3 * len(groups)), layout="constrained", squeeze=False
    )
    for ax, (title, ranks) in zip(axes[:, 0], groups.items(), strict=True):
        p_values = scikit_posthocs.posthoc_nemenyi_friedman(ranks.to_numpy())
        p_values.index = p_values.columns = ranks.columns
        scikit_posthocs.critical_difference_diagram(ranks.mean(), p_values, ax=ax)
        ax.set_title(f"Mean rank by average precision, {title}")
    figure.savefig(file, dpi=120)
    plt.close(figure)
