"""Missing cells: hide some, fill them, compare with what was there, beside scikit-learn's imputers.

python benchmarks/imputation.py --data DIR
python benchmarks/imputation.py --names breast_cancer --methods gansynth,knn
python benchmarks/imputation.py --quick
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from runs import HERE, Runs, alone
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from tabular_data import DATASETS
from tabular_scores import utility
from threadpoolctl import threadpool_limits

from gansynth.metrics import column_shapes

NAMES = ("breast_cancer", "diabetes", "titanic", "churn_modelling")
HOLES = ("mcar", "mar")
SHARE = 0.3
"""Of the cells of a column that has holes."""
DRAWS = 10
QUICK_ROWS = 300
COLUMNS = {
    "rmse": ".3f", "rmse_of_mean": ".3f", "labels": ".3f", "distance": ".3f", "auc": ".3f",
    "accuracy": ".3f", "r2": ".3f", "seconds": ".1f",
}  # fmt: skip
Filled = list[pd.DataFrame]


def is_number(column: pd.Series) -> bool:
    """Whether means and distances of it mean something."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def holes(X: pd.DataFrame, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Cells to hide, bool of the shape of X.

    mcar : any cell, whatever the row holds
    mar : cells of half of the columns, more of them where the mean of the numbers among the
        other half, which stay known, is high
    """
    hidden = rng.random(X.shape) < SHARE
    if kind == "mar":
        hidden[:] = False
        order = rng.permutation(X.shape[1])
        known, holed = order[: len(order) // 2], order[len(order) // 2 :]
        numbers = [X.iloc[:, i].rank(pct=True) for i in known if is_number(X.iloc[:, i])]
        driver = np.mean(numbers, axis=0) if numbers else rng.random(len(X))
        steep = 3.0 * (driver - driver.mean()) / driver.std()
        offset = brentq(lambda b: expit(steep + b).mean() - SHARE, -20, 20)
        chance = expit(steep + offset)
        hidden[:, holed] = rng.random((len(X), len(holed))) < chance[:, None]
    # A row of which nothing is known has nothing to be filled by.
    empty = hidden.all(axis=1)
    hidden[empty, rng.integers(X.shape[1], size=empty.sum())] = False
    return hidden


def of_scikit_learn(X: pd.DataFrame, seed: int, method: str, draws: int) -> Filled:
    """Fill by an imputer of numbers: labels are their codes, filled ones the nearest code."""
    text = [name for name in X if not is_number(X[name])]
    coder, scaler = OrdinalEncoder(), StandardScaler()
    labels = X[text].astype(object).where(X[text].notna(), np.nan)
    numbers = X.assign(**dict(zip(text, coder.fit_transform(labels).T, strict=True)))
    scaled = scaler.fit_transform(numbers.astype(float))
    drawn = []
    for draw in range(draws if method in DRAWING else 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            filled = IMPUTERS[method](DRAWS * seed + draw).fit_transform(scaled)
        frame = pd.DataFrame(scaler.inverse_transform(filled), columns=X.columns)
        if text:
            most = [pd.notna(known).sum() - 1 for known in coder.categories_]
            # A copy, since pandas gives what the coder writes to for reading only.
            codes = frame[text].round().clip(0, most).to_numpy(copy=True)
            frame[text] = coder.inverse_transform(codes)
        drawn.append(frame)
    return drawn


def of_gansynth(X: pd.DataFrame, seed: int, params: dict[str, Any], draws: int) -> Filled:
    """Fill by GANImputer, several times."""
    from gansynth import GANImputer, GANSampler

    imputer = GANImputer(GANSampler(random_state=seed, **params)).fit(X)
    return [imputer.set_params(random_state=draw).transform(X) for draw in range(draws)]


IMPUTERS: dict[str, Callable[[int], Any]] = {
    "mean": lambda seed: SimpleImputer(),
    "knn": lambda seed: KNNImputer(),
    "iterative": lambda seed: IterativeImputer(),
    "iterative_draws": lambda seed: IterativeImputer(sample_posterior=True, random_state=seed),
}
DRAWING = ("iterative_draws", "gansynth")
METHODS = ("real", *IMPUTERS, "gansynth")


def scores(whole: pd.DataFrame, hidden: np.ndarray, drawn: Filled) -> dict[str, float]:
    """Compare what was filled in with what had been there.

    rmse, rmse_of_mean : in standard deviations of the column, of one draw and of the mean of all
    labels : share of labels that are right, of one draw
    distance : 1 - column shapes of the filled cells against those that were hidden, mean
    """
    found: dict[str, list[Any]] = {"rmse": [], "rmse_of_mean": [], "labels": [], "distance": []}
    for i, name in enumerate(whole):
        holed = hidden[:, i]
        if not holed.any():
            continue
        truth, *filled = (
            frame.loc[holed, name].reset_index(drop=True) for frame in [whole, *drawn]
        )
        found["distance"].append(1 - column_shapes(truth.to_frame(), filled[0].to_frame()))
        if not is_number(whole[name]):
            found["labels"].append((filled[0] == truth).mean())
            continue
        spread = whole[name].std()
        found["rmse"].append((((filled[0] - truth) / spread) ** 2).mean())
        found["rmse_of_mean"].append(((sum(filled) / len(filled) - truth) / spread).pow(2).mean())
    means = {name: np.mean(values) if values else np.nan for name, values in found.items()}
    return means | {name: np.sqrt(means[name]) for name in ("rmse", "rmse_of_mean")}


def evaluate(
    name: str, kind: str, method: str, seed: int, data: Path, params: dict[str, Any], quick: bool
) -> dict[str, float]:
    """Hide cells of the training rows' features, fill them, and learn the target from the rows."""
    dataset = DATASETS[name]
    train, test = dataset.split(data, seed)
    if quick:
        train, test = train[:QUICK_ROWS], test[:QUICK_ROWS]
    # What is missing already can't be compared; text is text, and numbers are numbers.
    train, test = train.dropna().reset_index(drop=True), test.dropna()
    X = train.drop(columns=dataset.target)
    X[[n for n in X if is_number(X[n])]] = X.select_dtypes("number").astype(float)
    hidden = holes(X, kind, np.random.default_rng(seed))
    if method == "real":
        return utility(train, test, dataset)
    start = time.perf_counter()
    if method == "gansynth":
        drawn = alone(of_gansynth, X.mask(hidden), seed, params, DRAWS)
    else:
        drawn = of_scikit_learn(X.mask(hidden), seed, method, DRAWS)
    seconds = time.perf_counter() - start
    filled = drawn[0].assign(**{dataset.target: train[dataset.target]})[list(train)]
    with threadpool_limits(1, user_api="openmp"):
        return (
            {"seconds": seconds}
            | scores(X, hidden, drawn)
            | utility(filled, test.astype(filled.dtypes), dataset)
        )


def main(
    names: Annotated[str, typer.Option(help=f"Of {', '.join(DATASETS)}.")] = ",".join(NAMES),
    data: Annotated[Path | None, typer.Option(help="Folder of parquet files.")] = None,
    methods: Annotated[str, typer.Option(help=f"Of {', '.join(METHODS)}.")] = ",".join(METHODS),
    seeds: Annotated[int, typer.Option(help="Seeds 0 to this, exclusive.")] = 2,
    params: Annotated[str, typer.Option(help="GANSampler parameters, as JSON.")] = "{}",
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
) -> None:
    """Benchmark imputation; finished runs are skipped, so an interrupted one can be resumed."""
    settings: dict[str, Any] = json.loads(params)
    if quick:
        names, seeds, settings = "breast_cancer", 1, {"steps": 20} | settings
    runs = Runs(
        (HERE / "work" / "quick" if quick else HERE / "results") / "imputation.jsonl", again
    )
    for name in names.split(","):
        if not (DATASETS[name].bundled or (data and (data / f"{name}.parquet").exists())):
            print(f"{name}: left out, no {name}.parquet in --data")
            continue
        for kind in HOLES:
            for method in methods.split(","):
                for seed in range(seeds):
                    runs.run(
                        partial(
                            evaluate, name, kind, method, seed, data or Path(), settings, quick
                        ),
                        dataset=f"{name} {kind}",
                        method=method,
                        seed=seed,
                        library="gansynth" if method == "gansynth" else "scikit-learn",
                        settings=settings if method == "gansynth" else {},
                    )
    runs.table(COLUMNS, {})


if __name__ == "__main__":
    typer.run(main)
