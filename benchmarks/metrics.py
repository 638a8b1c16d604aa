"""Every metric beside what other libraries say of the same rows, and beside real against real.

python benchmarks/metrics.py --references metrics/bin/python
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import typer
from runs import HERE, Runs, markdown, versions
from sklearn.datasets import load_digits

from gansynth import metrics

ROWS = 600
EQUAL = 1e-6
STD = 0.05
CENTRES = np.column_stack([f(np.arange(8) * np.pi / 4) for f in (np.cos, np.sin)])
BY_DESIGN = {
    "SDMetrics LogisticDetection": "a logistic regression on codes, in three folds: it doesn't see "
    "what trees see",
    "SDMetrics ContingencySimilarity, its bins": "bins of equal width, of which few hold most of "
    "the rows",
    "SDMetrics calculate_dcr": "mean of the columns' differences, each 1 at most, in the place of "
    "a Euclidean distance",
    "SDMetrics DCROverfittingProtection, its distance": "mean of the columns' differences, in the "
    "place of a Euclidean distance; held-out rows are measured in a range of their own",
    "SDMetrics BinaryDecisionTreeClassifier": "F1 of a single tree",
    "torch-fidelity KID": "other subsets",
}
"""Why a reference may differ; one that is not here must be equal."""


class Sets(NamedTuple):
    """Rows of one kind: as learned from, drawn, and as good as those learned from."""

    table: pd.DataFrame
    points: np.ndarray
    features: np.ndarray


class Data(NamedTuple):
    real: Sets
    drawn: Sets
    other: Sets  # in the place of drawn rows, for the floor
    held_out: pd.DataFrame
    near: pd.DataFrame  # drawn rows among which there are copies
    near_other: pd.DataFrame  # the same of rows that are none


def table(rng: np.random.Generator, wrong: bool = False) -> pd.DataFrame:
    """Columns of every kind, most with missing values; if wrong, other shares and relations."""
    x = rng.gamma(3.0, size=ROWS)
    seen = rng.gamma(3.0, size=ROWS) if wrong else x
    frame = pd.DataFrame(
        {
            "number": x + wrong * 0.3,
            "count": pd.array(rng.poisson(3 + wrong, ROWS), dtype="Int64"),
            "flag": rng.random(ROWS) < 0.3 + 0.1 * wrong,
            "text": np.where(seen > 3, "a", rng.choice(["b", "c", "d"], ROWS, p=[0.6, 0.3, 0.1])),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 99, ROWS), "D"),
        }
    )
    for name in ("number", "count", "text", "day"):
        frame.loc[rng.random(ROWS) < 0.1 + 0.05 * wrong, name] = None
    # Both ends in every table, so that all measure in the same range.
    frame["plain"] = np.append(rng.beta(2, 2, ROWS - 2), [0.0, 1.0])
    frame["target"] = np.where(frame["plain"] + 0.3 * rng.normal(size=ROWS) > 0.5, "yes", "no")
    return frame


def points(rng: np.random.Generator, wrong: bool = False) -> np.ndarray:
    """A ring of eight modes; if wrong, too narrow ones, and one of them is lost."""
    modes = CENTRES[rng.integers(0, 8 - wrong, ROWS)]
    return modes + STD * (0.8 if wrong else 1.0) * rng.normal(size=(ROWS, 2))


def features(images: np.ndarray) -> np.ndarray:
    """What a layer that has learned nothing makes of digits."""
    weights = np.random.default_rng(0).normal(size=(64, 48)) / 8
    return np.maximum(images.reshape(len(images), 64) / 16 @ weights, 0.0)


def make() -> Data:
    rng = np.random.default_rng(0)
    one, other, third = np.split(rng.permutation(load_digits().images)[:1500], 3)
    blurred = (third + np.roll(third, 1, axis=2)) / 2
    real = Sets(table(rng), points(rng), features(one))
    drawn = Sets(table(rng, True), points(rng, True), features(blurred))
    fresh = Sets(table(rng), points(rng), features(other))
    # Without the two ends, which are as near to the ones as to the others.
    near = drawn.table[:-2].copy()
    near.iloc[: ROWS // 4] = real.table.iloc[: ROWS // 4]
    return Data(real, drawn, fresh, table(rng), near, fresh.table[:-2])


def ours(data: Data, rows: Sets, near: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Every metric of gansynth, by kind of rows."""
    real, held_out = data.real, data.held_out
    pairs = metrics.pair_scores(real.table, rows.table)
    plain, two = ["plain"], ["plain", "target"]
    modes = metrics.modes(rows.points, CENTRES, STD)
    of_columns = {
        f"{metric.__name__} {name}": value
        for metric in (metrics.column_scores, metrics.missing_scores)
        for name, value in metric(real.table, rows.table).items()
    }
    of_table = of_columns | {
        "column_shapes": metrics.column_shapes(real.table, rows.table),
        "pair_scores text flag": pairs.loc["text", "flag"],
        "pair_scores number text": pairs.loc["number", "text"],
        "c2st_auc": metrics.c2st_auc(real.table, rows.table),
        "sliced_wasserstein": metrics.sliced_wasserstein(real.table, rows.table),
        "energy_distance": metrics.energy_distance(real.table, rows.table),
        "exact_copies": metrics.exact_copies(real.table, near),
        "closest_distances, mean": metrics.closest_distances(real.table, rows.table)[0].mean(),
        "tstr_auc plain target": metrics.tstr_auc(rows.table[two], held_out[two], "target"),
        "tstr_r2 plain number": metrics.tstr_r2(
            rows.table[["plain", "number"]], held_out[["plain", "number"]], "number"
        ),
        "dcr_share plain": metrics.dcr_share(real.table[plain], held_out[plain], near[plain]),
        "dcr_share": metrics.dcr_share(real.table, held_out, near),
        "membership_auc plain": metrics.membership_auc(
            real.table[plain], held_out[plain], near[plain]
        ),
    }
    of_points = {
        "sliced_wasserstein": metrics.sliced_wasserstein(real.points, rows.points),
        "energy_distance": metrics.energy_distance(real.points, rows.points),
        "sliced_wasserstein x": metrics.sliced_wasserstein(real.points[:, :1], rows.points[:, :1]),
        **_neighbours(real.points, rows.points),
        "c2st_auc": metrics.c2st_auc(real.points, rows.points),
        "modes captured": modes.captured,
        "modes high_quality": modes.high_quality,
        "modes reverse_kl": modes.reverse_kl,
    }
    size = len(real.features)
    of_features = {
        **_neighbours(real.features, rows.features),
        "kernel_distance, all points": metrics.kernel_distance(
            real.features, rows.features, n_subsets=1, subset_size=size
        ),
        "kernel_distance, 100 subsets": metrics.kernel_distance(
            real.features, rows.features, subset_size=200
        ),
    }
    return {"table": of_table, "points": of_points, "features": of_features}


def _neighbours(real: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    found = metrics.prdc(real, rows)._asdict()
    return {f"prdc {name}": value for name, value in found.items()} | {
        "coverage": metrics.coverage(real, rows)
    }


def references(python: Path, data: Data) -> dict[str, Any]:
    """What metrics_references.py finds, in its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        tables = {"real": data.real.table, "drawn": data.drawn.table, "held_out": data.held_out,
                  "near": data.near}  # fmt: skip
        for name, frame in tables.items():
            frame.to_parquet(Path(folder) / f"{name}.parquet")
        np.savez(
            Path(folder) / "arrays.npz",
            centres=CENTRES,
            std=STD,
            **{
                f"{kind}_{name}": getattr(getattr(data, name), kind)
                for kind in ("points", "features")
                for name in ("real", "drawn")
            },
        )
        command = [str(python), str(HERE / "metrics_references.py"), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main(
    references_python: Annotated[
        Path, typer.Option("--references", help="Python with requirements-metrics.txt.")
    ],
    again: Annotated[bool, typer.Option(help="Repeat comparisons that are recorded.")] = False,
) -> None:
    """Compare every metric with its references; fails where one differs and nothing says why."""
    data = make()
    theirs = references(references_python, data)
    found = versions() | theirs.pop("versions")
    drawn, floor = ours(data, data.drawn, data.near), ours(data, data.other, data.near_other)
    runs = Runs(HERE / "results" / "metrics.jsonl", again)
    lines, unexplained = [["rows", "metric", "gansynth", "floor", "reference", "", ""]], []
    for kind, of_kind in theirs.items():
        for metric, values in of_kind.items():
            for reference, value in values.items():
                mine, difference = drawn[kind][metric], drawn[kind][metric] - value
                equal = abs(difference) <= EQUAL
                verdict = "equal" if equal else BY_DESIGN.get(reference, "DIFFERENT")
                scores = {"gansynth": mine, "floor": floor[kind][metric], "reference": value,
                          "difference": difference}  # fmt: skip
                runs.run(
                    lambda scores=scores: scores,
                    dataset=kind,
                    method=metric,
                    seed=0,
                    library="gansynth",
                    settings={"reference": reference, "verdict": verdict},
                    found=found,
                )
                cells = [f"{number:.6f}" for number in list(scores.values())[:3]]
                lines.append([kind, metric, *cells, reference, verdict])
                if verdict == "DIFFERENT":
                    unexplained.append(f"{kind} {metric}: {difference:.2e} from {reference}")
    markdown(lines)
    if missing := {(kind, name) for kind in drawn for name in drawn[kind].keys() - theirs[kind]}:
        unexplained.append(f"without a reference: {sorted(missing)}")
    if unexplained:
        raise SystemExit("\n".join(unexplained))


if __name__ == "__main__":
    typer.run(main)
