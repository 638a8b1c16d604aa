"""The tables of the benchmark: where from, what is predicted, how they are split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

SMALL = 2_000
"""Rows below which a table is split anew for each seed: its test part is too small for one."""

DRAWN_AT_LEAST = 1_000
"""Rows drawn from a generator of a small table, as in the figures that its bars come from."""


@dataclass(frozen=True)
class Dataset:
    """A table, what is predicted from the rest of it, and what is known to go wrong with it.

    Labels to be predicted are text, whatever the file holds, so that every method and every
    score takes them for labels.
    """

    load: Callable[[Path], pd.DataFrame]
    target: str
    task: Literal["classification", "regression"] = "classification"
    bundled: bool = False
    seeds: int = 1
    official: str = ""
    check: Callable[[pd.DataFrame, pd.DataFrame], dict[str, float]] = lambda train, rows: {}
    bars: dict[str, str] = field(default_factory=dict)

    def split(self, folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows to learn and rows to test by.

        The official split where there is one, 80 / 20 where the table is large; 70 / 30, anew
        for each seed, where it is small.
        """
        rows = self.load(folder)
        if self.official:
            parts = [
                rows[rows[self.official] == part].drop(columns=self.official)
                for part in ("train", "test")
            ]
        else:
            small = len(rows) < SMALL
            parts = train_test_split(
                rows,
                test_size=0.3 if small else 0.2,
                random_state=seed if small else 0,
                stratify=rows[self.target] if self.task == "classification" else None,
            )
        train, test = (part.reset_index(drop=True) for part in parts)
        return train, test


def parquet(name: str, *dropped: str, label: str = "") -> Callable[[Path], pd.DataFrame]:
    """A loader of a file, without identifiers and free text; a label of 0 and 1 becomes text."""

    def load(folder: Path) -> pd.DataFrame:
        rows = pd.read_parquet(folder / f"{name}.parquet").drop(columns=list(dropped))
        return rows.assign(**{label: rows[label].map({0: "no", 1: "yes"})}) if label else rows

    return load


def bundled(name: str) -> Callable[[Path], pd.DataFrame]:
    """A loader of one of scikit-learn's own tables; classes go by their names."""

    def load(_: Path) -> pd.DataFrame:
        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        names = dict(enumerate(map(str, bunch.target_names)))
        return bunch.frame.assign(target=bunch.target.map(names))

    return load


def load_diabetes(_: Path) -> pd.DataFrame:
    """Scikit-learn's diabetes, in the units that it was measured in."""
    return datasets.load_diabetes(as_frame=True, scaled=False).frame


def six_columns() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Six columns of breast cancer, two of them text: the small table of the other benchmarks."""
    rows = datasets.load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 4, 5, 20, -1]]
    sizes = ["small", "middling", "large"]
    rows["size"] = pd.qcut(rows["mean radius"], 3, labels=sizes).astype(str)
    rows["target"] = rows["target"].map({0: "malignant", 1: "benign"})
    train, test = train_test_split(rows, test_size=0.3, stratify=rows["target"], random_state=0)
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


# Every bar says what the default parameters are to reach, on 2 cores, in the mean over the seeds.
DATASETS = {
    "adult": Dataset(
        parquet("adult"), "income", seeds=3, official="split", check=check_adult,
        bars={"shapes": "≥ .99", "pairs": "≥ .975", "density_error": "≤ 1.0",
              "pair_error": "≤ 2.0", "auc": "≥ .912", "c2st": "≤ .60", "dcr_share": ".48-.52",
              "fit_seconds": "≤ 300", "zero_gain": "half ± .005", "education_mismatch": "≤ .01",
              "female_husbands": "≤ .01"},
    ),
    "churn_modelling": Dataset(
        parquet("churn_modelling", "RowNumber", "CustomerId", "Surname", label="Exited"), "Exited"
    ),
    "california_housing": Dataset(
        parquet("california_housing"), "median_house_value", "regression",
        bars={"of_real": "≥ .93"},
    ),
    "melbourne_housing": Dataset(parquet("melbourne_housing", "Address"), "Price", "regression"),
    # Boat and body are known only of those who did, or did not, survive.
    "titanic": Dataset(
        parquet("titanic", "name", "ticket", "cabin", "boat", "body", "home_dest",
                label="survived"),
        "survived", seeds=5,
    ),
    "mammography": Dataset(parquet("mammography", label="label"), "label"),
    "iris": Dataset(bundled("iris"), "target", bundled=True, seeds=5, bars={"accuracy": "≥ .93"}),
    "breast_cancer": Dataset(
        bundled("breast_cancer"), "target", bundled=True, seeds=5, bars={"accuracy": "≥ .945"}
    ),
    "wine": Dataset(bundled("wine"), "target", bundled=True, seeds=5),
    "diabetes": Dataset(load_diabetes, "target", "regression", bundled=True, seeds=5),
}  # fmt: skip
