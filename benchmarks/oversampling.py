"""Does oversampling help a classifier? Samplers, weights and thresholds on imbalanced tables.

    python benchmarks/oversampling.py --quick
    python benchmarks/oversampling.py --data DIR --peers peers/bin/python
    python benchmarks/oversampling.py --methods none,smote,gansynth --names wine,iris

Each finished run (a table, a method, a seed: all classifiers) is one line in
results/oversampling.jsonl; one that is there is skipped. Then the mean ranks are printed and drawn.
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
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, RandomOverSampler
from oversampling_data import TABLES, TARGET
from oversampling_summary import summarise
from runs import HERE, Runs, alone, peak_mb, versions
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    roc_curve,
)
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tabular_peers import EPOCHS, draw_peer, peer_versions
from threadpoolctl import threadpool_limits

from gansynth.metrics import closest_distances, exact_copies

METHODS = ("held_out", "none", "class_weight", "threshold", "random", "smote", "adasyn", "ctgan",
           "gansynth")  # fmt: skip
RECALLED_AT = 0.01
QUICK_ROWS = 300
LARGE = 5_000
"""Rows. Of more, the small network sees them 100 times at most, not 500. Scikit-learn's early
stopping goes by accuracy, which says nothing of rare classes."""
Rows = tuple[pd.DataFrame, np.ndarray]

CLASSIFIERS: dict[str, Any] = {
    "logistic": LogisticRegression(max_iter=1000),
    "knn": KNeighborsClassifier(),
    "forest": RandomForestClassifier(200, random_state=0),
    "trees": HistGradientBoostingClassifier(random_state=0),
    "mlp": MLPClassifier((32,), max_iter=500, random_state=0),
}


def prepared(X: pd.DataFrame, classifier: Any) -> Any:
    """A pipeline: numbers are imputed and scaled, labels are one-hot."""
    numbers = X.select_dtypes("number").columns
    labels = X.columns.difference(numbers)
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), list(numbers)),
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(labels)),
        ),
        classifier,
    )


def complete(X: pd.DataFrame) -> pd.DataFrame:
    """Rows without missing values, which imbalanced-learn's samplers can't take."""
    numbers = X.select_dtypes("number").columns
    filled = X.fillna(X[numbers].median())
    return filled.assign(**{name: X[name].fillna("?") for name in X.columns.difference(numbers)})


def with_smote(X: pd.DataFrame, y: np.ndarray, seed: int) -> Rows:
    """SMOTE, and SMOTENC where there are labels; fewer neighbours of few rows."""
    neighbours = min(5, (y == "yes").sum() - 1)
    labels = X.select_dtypes(exclude="number").columns.tolist()
    sampler: Any = SMOTE(k_neighbors=neighbours, random_state=seed)
    if labels:
        sampler = SMOTENC(labels, k_neighbors=neighbours, random_state=seed)
    return sampler.fit_resample(complete(X), y)


def with_adasyn(X: pd.DataFrame, y: np.ndarray, seed: int) -> Rows:
    """ADASYN, which knows numbers only, and gives up where no rare row has a common neighbour."""
    neighbours = min(5, (y == "yes").sum() - 1)
    try:
        return ADASYN(n_neighbors=neighbours, random_state=seed).fit_resample(complete(X), y)
    except (RuntimeError, ValueError) as error:
        if "No samples will be generated" in str(error) or "Not any neigbours" in str(error):
            return X, y
        raise


def with_random(X: pd.DataFrame, y: np.ndarray, seed: int) -> Rows:
    """Rare rows again and again."""
    return RandomOverSampler(random_state=seed).fit_resample(X, y)


def with_gansynth(X: pd.DataFrame, y: np.ndarray, seed: int, params: dict[str, Any]) -> Rows:
    """GANSampler, in a process of its own."""
    return alone(_with_gansynth, X, y, seed, params)


def _with_gansynth(X: pd.DataFrame, y: np.ndarray, seed: int, params: dict[str, Any]) -> Rows:
    from gansynth import GANSampler

    warnings.simplefilter("ignore")
    return GANSampler(random_state=seed, **params).fit_resample(X, y)


def with_ctgan(
    X: pd.DataFrame, y: np.ndarray, seed: int, python: Path, settings: dict[str, Any], stem: Path
) -> Rows:
    """CTGAN on rows and classes, then rows of the rare class by its own conditions."""
    wanted = int((y == "no").sum() - (y == "yes").sum())
    told = {"rows": wanted, "seed": seed, "timed_rows": 0, "options": settings}
    drawn, _ = draw_peer(
        python, "ctgan", X.assign(**{TARGET: y}), told | {"condition": {TARGET: "yes"}}, stem
    )
    rows = drawn.drop(columns=TARGET).astype(X.dtypes)
    return pd.concat([X, rows], ignore_index=True), np.concatenate([y, drawn[TARGET]])


def scores(test: pd.DataFrame, model: Any) -> dict[str, float]:
    """What a fitted classifier is worth on real rows."""
    X, rare = test.drop(columns=TARGET), (test[TARGET] == "yes").to_numpy()
    chance = model.predict_proba(X)[:, list(model.classes_).index("yes")]
    false, found, _ = roc_curve(rare, chance, drop_intermediate=False)
    return {
        "ap": average_precision_score(rare, chance),
        "balanced": balanced_accuracy_score(rare, model.predict(X) == "yes"),
        "brier": brier_score_loss(rare, chance),
        "recall": found[false <= RECALLED_AT].max(),
    }


def closeness(rare: pd.DataFrame, new: pd.DataFrame) -> dict[str, float]:
    """How near new rows are to the rare ones that were learned from."""
    distances = closest_distances(rare, new)[0]
    return {"dcr": float(np.median(distances)), "copies": exact_copies(rare, new)}


def evaluate(
    train: pd.DataFrame, test: pd.DataFrame, method: str, resample: Callable[..., Rows] | None
) -> dict[str, float]:
    """Resample, fit each classifier, and score it on real rows."""
    X, y = train.drop(columns=TARGET), train[TARGET].to_numpy(object)
    start = time.perf_counter()
    rows, labels = (X, y) if resample is None else resample(X, y)
    found: dict[str, float] = {"resample_seconds": time.perf_counter() - start}
    rare = X[y == "yes"]
    if method == "held_out":
        return closeness(rare, test[test[TARGET] == "yes"].drop(columns=TARGET))
    if len(rows) > len(X):
        found |= closeness(rare, rows[len(X) :])
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of networks that might have gone on
        for name, classifier in CLASSIFIERS.items():
            classifier = clone(classifier)
            if method == "class_weight" and "class_weight" in classifier.get_params():
                classifier.set_params(class_weight="balanced")
            if name == "mlp" and len(X) > LARGE:
                classifier.set_params(max_iter=100)
            model = prepared(X, classifier)
            if method == "threshold":
                folds = StratifiedKFold(5, shuffle=True, random_state=0)
                model = TunedThresholdClassifierCV(model, cv=folds)
            model.fit(rows, labels)
            found |= {f"{name}_{k}": v for k, v in scores(test, model).items()}
    return found | {"peak_mb": peak_mb()}


def resampler(
    method: str, seed: int, name: str, python: Path | None, settings: dict[str, Any]
) -> Callable[..., Rows] | None:
    """What adds rows; None for methods that add none."""
    stem = HERE / "work" / f"oversampling-{name}-{seed}-{method}"
    stem.parent.mkdir(exist_ok=True)
    return {
        "random": partial(with_random, seed=seed),
        "smote": partial(with_smote, seed=seed),
        "adasyn": partial(with_adasyn, seed=seed),
        "gansynth": partial(with_gansynth, seed=seed, params=settings),
        "ctgan": partial(with_ctgan, seed=seed, python=python, settings=settings, stem=stem),
    }.get(method)


def main(
    data: Annotated[Path | None, typer.Option(help="Folder of the tables.")] = None,
    peers: Annotated[Path | None, typer.Option(help="Python of the peers' environment.")] = None,
    names: Annotated[str, typer.Option(help="Tables, with commas between.")] = "",
    methods: Annotated[str, typer.Option(help="Of " + ", ".join(METHODS))] = "",
    seeds: Annotated[int, typer.Option(help="At most so many; 0: as the table says.")] = 0,
    epochs: Annotated[int, typer.Option(help="Of CTGAN.")] = EPOCHS,
    params: Annotated[str, typer.Option(help="Of GANSampler, as JSON.")] = "{}",
    again: Annotated[bool, typer.Option(help="Repeat what is there.")] = False,
    quick: Annotated[bool, typer.Option(help="Show that it works: a minute, no result.")] = False,
) -> None:
    """Run what isn't recorded yet, and print and draw the ranks."""
    settings = json.loads(params)
    results = HERE / "results" / "oversampling.jsonl"
    if quick:
        names, seeds, settings = names or "wine", 1, {"steps": 20} | settings
        results = HERE / "work" / "oversampling_quick.jsonl"
    runs = Runs(results, again or quick)
    for name in names.split(",") if names else TABLES:
        table = TABLES[name]
        if not table.bundled and data is None:
            print(f"{name}: left out, no --data")
            continue
        for seed in range(min(seeds or table.seeds, table.seeds)):
            train, test = table.split(data or Path(), seed)
            if quick:
                train, test = train[:QUICK_ROWS], test[:QUICK_ROWS]
            mixed = train.drop(columns=TARGET).select_dtypes(exclude="number").shape[1] > 0
            for method in methods.split(",") if methods else METHODS:
                if (method == "ctgan" and peers is None) or (method == "adasyn" and mixed):
                    continue
                own = {"gansynth": settings, "ctgan": {"epochs": epochs}}.get(method, {})
                found = peer_versions(peers) if method == "ctgan" and peers else versions()
                library = {"gansynth": "gansynth", "ctgan": "ctgan"}.get(method, "scikit-learn")
                resample = resampler(method, seed, name, peers, own)
                runs.run(
                    partial(evaluate, train, test, method, resample),
                    dataset=name,
                    method=method,
                    seed=seed,
                    library=library,
                    settings=own,
                    found=found,
                )
    summarise(runs.newest(), None if quick else HERE / "results")


if __name__ == "__main__":
    typer.run(main)
