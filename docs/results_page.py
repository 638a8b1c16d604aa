"""The page of benchmarks, made of what `benchmarks/results/` holds as the pages are built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

HEAD = """# Benchmarks

Means over the seeds of the newest runs, at default parameters. *floor* and *half* are real data
against real data, which no generator has a reason to beat; *shuffled* are columns shuffled on their
own. What each figure means, how peers were run and what failed is in
[how it was measured](../benchmarks/README.md).
"""
SECTIONS = {
    "Tables": (
        "tabular",
        ["shapes", "pairs", "c2st", "auc", "accuracy", "r2", "copies", "dcr_share", "fit_seconds"],
    ),
    "Missing values": ("imputation", ["rmse_of_mean", "labels", "distance", "auc", "r2"]),
    "Oversampling: average precision": (
        "oversampling",
        ["logistic_ap", "knn_ap", "forest_ap", "trees_ap", "mlp_ap", "dcr", "copies"],
    ),
    "Points": (
        "distribution2d",
        ["captured", "high_quality", "reverse_kl", "std_ratio", "c2st", "bridges", "fit_seconds"],
    ),
    "Images": (
        "images",
        ["accuracy", "kid", "precision", "recall", "coverage", "copy_ratio", "fit_seconds"],
    ),
}
"""Title, file and scores of each section."""


def page(results: Path) -> str:
    """All sections, as Markdown."""
    parts = [HEAD]
    for title, (name, scores) in SECTIONS.items():
        path = results / f"{name}.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            parts += [f"\n## {title}\n", section([json.loads(line) for line in lines], scores)]
    return "\n".join(parts)


def section(records: list[dict[str, Any]], scores: list[str]) -> str:
    """A line for each data set and method: runs, and means of the scores that there are."""
    newest = {(r["dataset"], r["method"], r["seed"]): r for r in records if _by_default(r)}
    frame = pd.DataFrame(
        [
            {"dataset": r["dataset"], "method": r["method"], "runs": r["seed"]}
            | {score: r["scores"].get(score) for score in scores}
            for r in newest.values()
        ]
    ).dropna(axis=1, how="all")
    for name in ("dataset", "method"):  # together, in the order in which they first come
        frame[name] = pd.Categorical(frame[name], frame[name].unique())
    shown = [score for score in scores if score in frame]
    groups = frame.groupby(["dataset", "method"], observed=True)
    means, runs = groups[shown].mean().astype(float), groups["runs"].count()
    lines = [["data", "method", "runs", *shown], ["---"] * (3 + len(shown))]
    for key, values in means.iterrows():
        lines.append([*map(str, key), str(runs[key]), *map(_written, values)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _written(value: float) -> str:
    """Three digits, and those before the point; nothing where there is no score."""
    if pd.isna(value):
        return ""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _by_default(record: dict[str, Any]) -> bool:
    """Whether a run had no parameters of gansynth's set (peers have theirs in the settings)."""
    return record["method"] != "gansynth" or set(record["settings"]) <= {"drawn", "rows"}
