"""Tables: fit on train, draw as many rows, compare with real rows.

python benchmarks/tabular.py adult --data DIR --sdmetrics-python PATH
python benchmarks/tabular.py --quick
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from runs import HERE, Runs, synthesise, work_file
from threadpoolctl import threadpool_limits

from gansynth.metrics import c2st_auc, closest_distances, column_shapes, exact_copies, tstr_auc

DCR_ROWS = 5_000
COLUMNS = {
    "shapes": ".3f", "pairs": ".3f", "auc": ".3f", "c2st": ".3f",
    "steps": ".0f",
    "fit_seconds": ".0f", "sample_seconds": ".2f", "peak_mb": ".0f",
    "copies": ".4f", "dcr_below_p5": ".3f", "dcr_ratio": ".2f",
    "zero_gain": ".4f", "education_mismatch": ".4f", "female_husbands": ".4f",
}  # fmt: skip


def load_adult(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """UCI Adult, its official split."""
    rows = pd.read_parquet(folder / "adult.parquet")
    train, test = (rows[rows["split"] == part].drop(columns="split") for part in ("train", "test"))
    return train.reset_index(drop=True), test.reset_index(drop=True)


def check_adult(train: pd.DataFrame, rows: pd.DataFrame) -> dict[str, float]:
    """Shares of rows that tell whether point masses and exact relations survived."""
    number_of = train.groupby("education")["education_num"].first()
    husbands = rows["relationship"] == "Husband"
    return {
        "zero_gain": (rows["capital_gain"] == 0).mean(),
        "education_mismatch": (rows["education"].map(number_of) != rows["education_num"]).mean(),
        "female_husbands": (rows["sex"][husbands] == "Female").mean(),
    }


def load_breast_cancer(_: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scikit-learn's own table, with two of its columns as text."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    rows = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 4, 5, 20, -1]]
    rows["size"] = pd.qcut(rows["mean radius"], 3, labels=["small", "middling", "large"]).astype(
        str
    )
    rows["target"] = rows["target"].map({0: "malignant", 1: "benign"})
    train, test = train_test_split(rows, test_size=0.3, stratify=rows["target"], random_state=0)
    return train.reset_index(drop=True), test.reset_index(drop=True)


@dataclass(frozen=True)
class Dataset:
    """A table: how to load it, its label, and what is known to go wrong with it."""

    load: Callable[[Path], tuple[pd.DataFrame, pd.DataFrame]]
    target: str
    check: Callable[[pd.DataFrame, pd.DataFrame], dict[str, float]] = lambda train, rows: {}
    bars: dict[str, str] = field(default_factory=dict)


DATASETS = {
    "adult": Dataset(
        load_adult,
        "income",
        check_adult,
        {"shapes": "≥ .985", "pairs": "≥ .96", "auc": "≥ .895", "c2st": "≤ .70",
         "fit_seconds": "≤ 300"},
    ),
    "breast_cancer": Dataset(load_breast_cancer, "target"),
}  # fmt: skip


def draw(
    method: str, train: pd.DataFrame, seed: int, params: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """Return the real rows to compare with, the rows under test, and what those cost."""
    rng = np.random.default_rng(seed)
    if method == "gansynth":
        return train, *synthesise(train, len(train), seed, params=params)
    if method == "floor":
        order = rng.permutation(len(train))
        half = len(train) // 2
        return train.iloc[order[:half]], train.iloc[order[half:]], {}
    shuffled = {name: column.iloc[rng.permutation(len(train))] for name, column in train.items()}
    return train, pd.DataFrame({n: c.reset_index(drop=True) for n, c in shuffled.items()}), {}


def sdmetrics_scores(python: Path, real: Path, synthetic: Path) -> dict[str, float]:
    """Column shapes and pair trends by SDMetrics, in its own environment."""
    command = [str(python), str(HERE / "sdmetrics_scores.py"), str(real), str(synthetic)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    scores = json.loads(done.stdout.splitlines()[-1])
    return {"shapes": scores["shapes"], "pairs": scores["pairs"]}


def evaluate(
    name: str,
    method: str,
    seed: int,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    params: dict[str, Any],
    work: Path,
    sdmetrics_python: Path | None,
) -> dict[str, float]:
    """All scores of one run; the rows that it compared are left in the work folder."""
    dataset, (train, test) = DATASETS[name], tables
    if method == "real":  # the ceiling of auc; the other scores would compare train with itself
        return {"auc": tstr_auc(train, test, dataset.target)}
    real, synthetic, costs = draw(method, train, seed, params)
    files = [
        work_file(work, name, method, seed, f"{part}.parquet") for part in ("real", "synthetic")
    ]
    for file, rows in zip(files, (real, synthetic), strict=True):
        rows.to_parquet(file, index=False)

    with threadpool_limits(1, user_api="openmp"):  # more wait for each other on a busy machine
        some = [rows.sample(min(DCR_ROWS, len(rows)), random_state=0) for rows in (synthetic, test)]
        of_synthetic, of_test = closest_distances(real, *some)
        scores = {
            "shapes": column_shapes(real, synthetic),
            "auc": tstr_auc(synthetic, test, dataset.target),
            "c2st": c2st_auc(real, synthetic),
            "copies": exact_copies(real, synthetic),
            "dcr_below_p5": (of_synthetic < np.quantile(of_test, 0.05)).mean(),
            "dcr_ratio": np.median(of_synthetic) / np.median(of_test),
        }
    if sdmetrics_python:
        scores |= sdmetrics_scores(sdmetrics_python, *files)
    return costs | scores | dataset.check(real, synthetic)


def main(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(DATASETS)}.")] = "adult",
    data: Annotated[Path | None, typer.Option(help="Folder with adult.parquet.")] = None,
    methods: Annotated[str, typer.Option(help="Of real, floor, shuffled, gansynth.")] = (
        "real,floor,shuffled,gansynth"
    ),
    seeds: Annotated[int, typer.Option(help="Seeds 0 to this, exclusive.")] = 3,
    params: Annotated[str, typer.Option(help="GANSampler parameters, as JSON.")] = "{}",
    sdmetrics_python: Annotated[
        Path | None, typer.Option(help="Python with requirements-sdmetrics.txt: gives pairs.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
    work: Annotated[Path, typer.Option(help="Where the tables compared go.")] = HERE / "work",
) -> None:
    """Benchmark tables; finished runs are skipped, so an interrupted one can be resumed."""
    settings: dict[str, Any] = json.loads(params)
    if quick:
        name, seeds, settings = (name if data else "breast_cancer"), 1, {"steps": 50} | settings
    elif name == "adult" and data is None:
        raise typer.BadParameter("adult needs --data (or use --quick)")
    dataset = DATASETS[name]
    train, test = dataset.load(data or Path())
    if quick:
        train, test = train[:2_000], test[:2_000]
    runs = Runs((work / "quick" if quick else HERE / "results") / "tabular.jsonl", again)

    for method in methods.split(","):
        ours = method == "gansynth"
        for seed in range(1 if method == "real" else seeds):
            runs.run(
                partial(
                    evaluate, name, method, seed, (train, test), settings, work, sdmetrics_python
                ),
                dataset=name,
                method=method,
                seed=seed,
                library="gansynth" if ours else "scikit-learn",
                settings=settings if ours else {},
            )
    runs.table(COLUMNS, {known: dataset.bars for known, dataset in DATASETS.items()})


if __name__ == "__main__":
    typer.run(main)
