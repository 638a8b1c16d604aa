"""The imbalanced tables of the benchmark: two classes, "yes" the rare one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split
from tabular_data import load_diabetes, parquet

TARGET = "target"
Table = tuple[pd.DataFrame, pd.Series]


@dataclass(frozen=True)
class Imbalanced:
    """A table, how many of its rare rows are learned from, and how often it is split."""

    load: Callable[[Path], Table]
    rare: int | None = None
    seeds: int = 5
    bundled: bool = False
    official: bool = False

    def split(self, folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows to learn and rows to test by, the class in the column ``target``.

        Two thirds and one, stratified, anew for each seed; of the rare rows to learn only some,
        where it says so.
        """
        X, y = self.load(folder)
        # Scikit-learn's encoders know NaN among strings, but not pandas' own missing value.
        labels = X.select_dtypes(exclude="number").columns
        rows = X.assign(
            **{name: X[name].astype(object).where(X[name].notna(), np.nan) for name in labels},
            **{TARGET: np.where(y, "yes", "no")},
        )
        if self.official:
            parts = [
                rows[rows["split"] == part].drop(columns="split") for part in ("train", "test")
            ]
        else:
            parts = train_test_split(
                rows, test_size=1 / 3, random_state=seed, stratify=rows[TARGET]
            )
        train, test = parts
        if self.rare:
            yes = train.index[train[TARGET] == "yes"]
            dropped = np.random.default_rng(seed).permutation(yes)[self.rare :]
            train = train.drop(index=dropped)
        return train.reset_index(drop=True), test.reset_index(drop=True)


def of_file(name: str, label: str, *dropped: str) -> Callable[[Path], Table]:
    """A table of two classes, 1 or ">50K" the rare one."""

    def load(folder: Path) -> Table:
        rows = parquet(name, *dropped)(folder)
        return rows.drop(columns=label), rows[label].isin([1, ">50K"])

    return load


def bundled(name: str, *classes: int) -> Callable[[Path], Table]:
    """One of scikit-learn's own tables, some of its classes against the others."""

    def load(_: Path) -> Table:
        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        return bunch.data, bunch.target.isin(classes)

    return load


def capped_houses(folder: Path) -> Table:
    """California's districts, and whether the median value is at the cap of the census."""
    rows = parquet("california_housing")(folder)
    value = rows.pop("median_house_value")
    return rows, value > 500_000


def severe_diabetes(_: Path) -> Table:
    """Scikit-learn's diabetes, and whether the disease progressed as much as in one of ten."""
    rows = load_diabetes(_)
    progress = rows.pop("target")
    return rows, progress > progress.quantile(0.9)


TITANIC = ("name", "ticket", "cabin", "boat", "body", "home_dest")
CHURN = ("RowNumber", "CustomerId", "Surname")

TABLES = {
    "abalone19": Imbalanced(of_file("abalone19", "class")),
    "mammography": Imbalanced(of_file("mammography", "label"), seeds=3),
    "adult_300": Imbalanced(of_file("adult", "income"), 300, seeds=3, official=True),
    "adult_100": Imbalanced(of_file("adult", "income"), 100, seeds=3, official=True),
    "churn": Imbalanced(of_file("churn_modelling", "Exited", *CHURN), 300, seeds=3),
    "titanic": Imbalanced(of_file("titanic", "survived", *TITANIC), 60),
    "california_cap": Imbalanced(capped_houses, 200, seeds=3),
    "breast_cancer": Imbalanced(bundled("breast_cancer", 0), 30, bundled=True),
    "wine": Imbalanced(bundled("wine", 2), 10, bundled=True),
    "iris": Imbalanced(bundled("iris", 2), 10, bundled=True),
    "digits_8": Imbalanced(bundled("digits", 8), 50, bundled=True),
    "diabetes": Imbalanced(severe_diabetes, bundled=True),
}
