"""What other libraries say of the sets of metrics.py, as one line of JSON.

A script for an environment with requirements-metrics.txt:

    python metrics_references.py FOLDER

Where no library has a metric, it is computed here from its definition, by scipy and scikit-learn,
with nothing of gansynth's.
"""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import ot
import pandas as pd
import torch
from prdc import compute_prdc
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from scipy.special import rel_entr
from scipy.stats import mannwhitneyu
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import StratifiedKFold
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

warnings.simplefilter("ignore")  # of SDMetrics' deprecations and of pandas'
from sdmetrics.column_pairs import ContingencySimilarity  # noqa: E402
from sdmetrics.reports.single_table import QualityReport  # noqa: E402
from sdmetrics.single_column import (  # noqa: E402
    KSComplement,
    MissingValueSimilarity,
    TVComplement,
)
from sdmetrics.single_table import (  # noqa: E402
    BinaryDecisionTreeClassifier,
    DCROverfittingProtection,
    LogisticDetection,
    NewRowSynthesis,
)
from sdmetrics.single_table.privacy.dcr_utils import calculate_dcr  # noqa: E402

LIBRARIES = ("sdmetrics", "prdc", "POT", "torch-fidelity", "scipy", "scikit-learn", "numpy",
             "pandas", "torch")  # fmt: skip
Found = dict[str, dict[str, float]]


def area(scores: np.ndarray, positive: np.ndarray) -> float:
    """Under the ROC curve: Mann and Whitney's U over the number of pairs."""
    found = mannwhitneyu(scores[positive], scores[~positive])
    return found.statistic / (positive.sum() * (~positive).sum())


def of_table(
    real: pd.DataFrame, rows: pd.DataFrame, held_out: pd.DataFrame, rows_near: pd.DataFrame
) -> Found:
    sdtypes = (
        dict.fromkeys(real, "categorical")
        | dict.fromkeys(real.select_dtypes("number"), "numerical")
        | dict.fromkeys(real.select_dtypes("datetime"), "datetime")
    )
    labels = [name for name, sdtype in sdtypes.items() if sdtype == "categorical"]
    # SDMetrics can't fill what is missing of pandas' own integers.
    dtypes = dict.fromkeys(labels, object) | dict.fromkeys(real.select_dtypes("number"), float)
    real, rows, held_out, rows_near = (
        frame.astype(dtypes) for frame in (real, rows, held_out, rows_near)
    )
    metadata = {"columns": {name: {"sdtype": sdtype} for name, sdtype in sdtypes.items()}}
    found: Found = {}
    for name in real:
        metric = TVComplement if name in labels else KSComplement
        found[f"column_scores {name}"] = {
            f"SDMetrics {metric.__name__}": metric.compute(real[name], rows[name])
        }
        found[f"missing_scores {name}"] = {
            "SDMetrics MissingValueSimilarity": MissingValueSimilarity.compute(
                real[name], rows[name]
            )
        }
    np.random.seed(0)
    report = QualityReport()
    report.generate(real, rows, metadata, verbose=False)
    shapes = report.get_properties().set_index("Property")["Score"]["Column Shapes"]
    found["column_shapes"] = {"SDMetrics QualityReport": shapes}

    def contingency(first: str, second: str, **settings: object) -> float:
        pair = [first, second]
        return ContingencySimilarity.compute(real[pair].copy(), rows[pair].copy(), **settings)

    found["pair_scores text flag"] = {
        "SDMetrics ContingencySimilarity": contingency("text", "flag")
    }
    edges = np.unique(np.nanquantile(real["number"], np.arange(1, 10) / 10))
    cut = [
        frame.assign(number=np.digitize(frame["number"], edges) - 99 * frame["number"].isna())
        for frame in (real, rows)
    ]
    pair = ["number", "text"]
    found["pair_scores number text"] = {
        "SDMetrics ContingencySimilarity, its bins": contingency(
            *pair, continuous_column_names=["number"]
        ),
        "SDMetrics ContingencySimilarity, parts between quantiles": ContingencySimilarity.compute(
            cut[0][pair], cut[1][pair]
        ),
    }
    found["c2st_auc"] = {
        # Its score is 1 less twice what the area is above 0.5.
        "SDMetrics LogisticDetection": 1 - LogisticDetection.compute(real, rows, metadata) / 2
    }
    found["sliced_wasserstein"] = {"POT": of_pot(*as_vectors([real, rows], labels))}
    found["energy_distance"] = {"POT and numpy": of_energy(*as_vectors([real, rows], labels))}
    found["tstr_r2 plain number"] = {"scikit-learn": of_regression(rows, held_out)}
    found["exact_copies"] = {
        "SDMetrics NewRowSynthesis": 1
        - NewRowSynthesis.compute(real, rows_near, metadata, numerical_match_tolerance=1e-12)
    }
    numbers = [name for name, sdtype in sdtypes.items() if sdtype != "categorical"]
    ranged = [
        np.hstack([_ranged(frame, real, numbers), one_hot])
        for frame, one_hot in zip((real, rows), _one_hot([real, rows], labels), strict=True)
    ]
    found["closest_distances, mean"] = {
        "scipy cdist": cdist(ranged[1], ranged[0]).min(axis=1).mean(),
        "SDMetrics calculate_dcr": calculate_dcr(rows, real, metadata).mean(),
    }
    two = ["plain", "target"]
    found["tstr_auc plain target"] = {
        "SDMetrics BinaryDecisionTreeClassifier": BinaryDecisionTreeClassifier.compute(
            held_out[two].replace({"target": {"no": 0, "yes": 1}}).astype(float),
            rows[two].replace({"target": {"no": 0, "yes": 1}}).astype(float),
            target="target",
        ),
        "scikit-learn and scipy": of_trees(rows[two], held_out[two]),
    }
    found["dcr_share plain"] = {
        "SDMetrics DCROverfittingProtection": closer(
            *(frame[["plain"]] for frame in (real, rows_near, held_out)), sdtypes
        )
    }
    found["dcr_share"] = {
        "SDMetrics DCROverfittingProtection, its distance": closer(
            real, rows_near, held_out, sdtypes
        )
    }
    nearest = [
        cdist(frame[["plain"]], rows_near[["plain"]]).min(axis=1) for frame in (real, held_out)
    ]
    members = np.repeat([True, False], [len(real), len(held_out)])
    found["membership_auc plain"] = {"scipy": area(-np.concatenate(nearest), members)}
    return found


def closer(
    train: pd.DataFrame, rows: pd.DataFrame, held_out: pd.DataFrame, sdtypes: dict[str, str]
) -> float:
    metadata = {"columns": {name: {"sdtype": sdtypes[name]} for name in train}}
    found = DCROverfittingProtection.compute_breakdown(train, rows, held_out, metadata, None)
    return found["synthetic_data_percentages"]["closer_to_training"]


def of_trees(train: pd.DataFrame, test: pd.DataFrame) -> float:
    trees = HistGradientBoostingClassifier(random_state=0).fit(train[["plain"]], train["target"])
    guesses = trees.predict_proba(test[["plain"]])[:, list(trees.classes_).index("yes")]
    return area(guesses, (test["target"] == "yes").to_numpy())


def of_regression(train: pd.DataFrame, test: pd.DataFrame) -> float:
    train, test = train.dropna(subset=["number"]), test.dropna(subset=["number"])
    trees = HistGradientBoostingRegressor(random_state=0).fit(train[["plain"]], train["number"])
    return float(trees.score(test[["plain"]], test["number"]))


def as_vectors(frames: list[pd.DataFrame], labels: list[str]) -> list[np.ndarray]:
    """Numbers in deviations, then one-hot labels over √2, as sliced_wasserstein says."""
    numbers = [
        np.hstack([_measured(frame[name], frames[0][name]) for name in frame if name not in labels])
        for frame in frames
    ]
    return [np.hstack(pair) for pair in zip(numbers, _one_hot(frames, labels), strict=True)]


def _numbers(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(column):
        return ((column - pd.Timestamp(0)) / pd.Timedelta(1, "us")).to_numpy(float)
    return column.to_numpy(dtype=float, na_value=np.nan)


def _measured(column: pd.Series, real: pd.Series) -> np.ndarray:
    values = _numbers(real)
    measured = (_numbers(column) - np.nanmean(values)) / np.nanstd(values)
    return np.nan_to_num(measured)[:, None]


def _ranged(frame: pd.DataFrame, real: pd.DataFrame, names: list[str]) -> np.ndarray:
    columns = []
    for name in names:
        values = _numbers(real[name])
        least, most = np.nanmin(values), np.nanmax(values)
        columns.append(np.nan_to_num((_numbers(frame[name]) - least) / (most - least)))
    return np.column_stack(columns)


def _one_hot(frames: list[pd.DataFrame], labels: list[str]) -> list[np.ndarray]:
    """A missing value first, then labels from the most frequent on; of numbers, whether missing."""
    both = pd.concat(frames, ignore_index=True)
    blocks = []
    for name in both:
        if name in labels:
            order = both[name].value_counts().index
            hot = [both[name].isna(), *(both[name] == label for label in order)]
        else:
            hot = [both[name].notna(), both[name].isna()]
        if sum(map(any, hot)) > 1:
            blocks += [block for block in hot if block.any()]
    vectors = np.column_stack(blocks) / np.sqrt(2)
    return [vectors[: len(frames[0])], vectors[len(frames[0]) :]]


def of_pot(real: np.ndarray, rows: np.ndarray) -> float:
    """Along the 200 directions that gansynth draws from seed 0."""
    projections = np.random.default_rng(0).normal(size=(real.shape[1], 200))
    projections /= np.linalg.norm(projections, axis=0)
    return float(ot.sliced_wasserstein_distance(real, rows, projections=projections, p=1))


def of_energy(real: np.ndarray, rows: np.ndarray) -> float:
    """By POT's table of Euclidean distances."""
    across, within, apart = (
        ot.dist(*pair, metric="euclidean").mean()
        for pair in ((real, rows), (real, real), (rows, rows))
    )
    return float(np.sqrt(2 * across - within - apart))


def of_points(real: np.ndarray, rows: np.ndarray, centres: np.ndarray, std: float) -> Found:
    spread = real.std(axis=0)
    found = {"sliced_wasserstein": {"POT": of_pot(real / spread, rows / spread)}}
    found["energy_distance"] = {"POT and numpy": of_energy(real / spread, rows / spread)}
    found["sliced_wasserstein x"] = {
        "POT": float(ot.wasserstein_1d(real[:, 0], rows[:, 0], p=1) / spread[0])
    }
    found |= of_neighbours(real, rows)

    is_drawn = np.repeat([False, True], [len(real), len(rows)])
    both = np.concatenate([real, rows])
    areas = []
    for learn, test in StratifiedKFold(5, shuffle=True, random_state=0).split(both, is_drawn):
        trees = HistGradientBoostingClassifier(random_state=0).fit(both[learn], is_drawn[learn])
        areas.append(area(trees.predict_proba(both[test])[:, 1], is_drawn[test]))
    found["c2st_auc"] = {"scikit-learn and scipy": np.mean(areas)}

    apart, nearest = KDTree(centres).query(rows)
    good = apart < 3 * std
    shares = np.array([(nearest[good] == mode).mean() for mode in range(len(centres))])
    found |= {
        "modes captured": {"scipy": float((shares > 0).sum())},
        "modes high_quality": {"scipy": good.mean()},
        "modes reverse_kl": {"scipy": rel_entr(shares, 1 / len(centres)).sum()},
    }
    return found


def of_neighbours(real: np.ndarray, rows: np.ndarray) -> Found:
    with contextlib.redirect_stdout(sys.stderr):  # prdc prints how many there are
        of_prdc = compute_prdc(real, rows, nearest_k=5)
    of_torch = prc_features_to_metric(
        torch.from_numpy(rows),
        torch.from_numpy(real),
        prc_neighborhood=5,
        prc_batch_size=10_000,
        save_cpu_ram=False,
        verbose=False,
    )
    found = {f"prdc {name}": {"prdc": value} for name, value in of_prdc.items()}
    for name in ("precision", "recall"):
        found[f"prdc {name}"]["torch-fidelity"] = of_torch[name]
    return found | {"coverage": {"prdc": of_prdc["coverage"]}}


def of_features(real: np.ndarray, rows: np.ndarray) -> Found:
    kid = {
        size: kid_features_to_metric(
            torch.from_numpy(rows),
            torch.from_numpy(real),
            kid_subsets=subsets,
            kid_subset_size=size,
            verbose=False,
            rng_seed=0,
        )["kernel_inception_distance_mean"]
        for subsets, size in ((1, len(real)), (100, 200))
    }
    return of_neighbours(real, rows) | {
        "kernel_distance, all points": {"torch-fidelity KID": kid[len(real)]},
        "kernel_distance, 100 subsets": {"torch-fidelity KID": kid[200]},
    }


folder = Path(sys.argv[1])
arrays = np.load(folder / "arrays.npz")
tables = [
    pd.read_parquet(folder / f"{name}.parquet") for name in ("real", "drawn", "held_out", "near")
]
print(
    json.dumps(
        {
            "versions": {f"reference {name}": version(name) for name in LIBRARIES},
            "table": of_table(*tables),
            "points": of_points(
                arrays["points_real"], arrays["points_drawn"], arrays["centres"],
                float(arrays["std"])
            ),
            "features": of_features(arrays["features_real"], arrays["features_drawn"]),
        },
        default=float,
    )
)  # fmt: skip
