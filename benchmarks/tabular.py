"""Tables: fit on train, draw as many rows, compare with real rows, beside the peers.

python benchmarks/tabular.py --data DIR --peers PYTHON
python benchmarks/tabular.py --names adult,iris --methods gansynth --data DIR --peers PYTHON
python benchmarks/tabular.py --quick
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from runs import HERE, Runs, synthesise, work_file
from tabular_data import DATASETS, DRAWN_AT_LEAST
from tabular_peers import EPOCHS, LIBRARY, draw_peer, options, peer_versions
from tabular_pictures import draw_pictures
from tabular_scores import scores, sdmetrics_scores, utility
from tabular_summary import BARS, TABLES, relative, summary

OURS = ("real", "half", "shuffled", "gansynth")
PEERED = ("adult", "churn_modelling", "california_housing")
TIMED_ROWS = 100_000
QUICK_ROWS = 300


@dataclass(frozen=True)
class Bench:
    """What all runs of one call share."""

    data: Path
    work: Path
    peers: Path | None
    sdmetrics: Path | None
    versions: dict[str, str]
    params: dict[str, Any]
    epochs: int
    quick: bool
    again: bool

    def tables(self, name: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows to learn and rows to test by."""
        train, test = DATASETS[name].split(self.data, seed)
        return (train[:QUICK_ROWS], test[:QUICK_ROWS]) if self.quick else (train, test)

    def settings(self, method: str, train: pd.DataFrame) -> dict[str, Any]:
        """What tells this run from others of the same method: rows drawn, and parameters."""
        if method in ("real", "half"):
            return {"rows": len(train) if method == "real" else len(train) - len(train) // 2}
        params = self.params if method == "gansynth" else options(method, self.epochs)
        return {"rows": max(len(train), DRAWN_AT_LEAST)} | params

    def draw(
        self, name: str, method: str, seed: int, train: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
        """Return the real rows to compare with, the rows under test, and what those cost."""
        rng = np.random.default_rng(seed)
        if method == "half":
            order, half = rng.permutation(len(train)), len(train) // 2
            return train.iloc[order[:half]], train.iloc[order[half:]], {}
        n = max(len(train), DRAWN_AT_LEAST)
        timed_rows = QUICK_ROWS if self.quick else TIMED_ROWS
        if method == "gansynth":
            drawn, costs = synthesise(train, n, seed, params=self.params, timed_rows=timed_rows)
            return train, drawn, costs
        if self.peers and method in LIBRARY:
            settings = {
                "rows": n, "seed": seed, "timed_rows": timed_rows,
                "options": options(method, self.epochs), "versions": self.versions,
            }  # fmt: skip
            stem = work_file(self.work, name, method, seed)
            return train, *draw_peer(self.peers, method, train, settings, stem, self.again)
        # As often as it takes, every value of a column in an order of its own.
        repeats = -(-n // len(train))
        shuffled = {
            column: values.iloc[
                np.concatenate([rng.permutation(len(train)) for _ in range(repeats)])[:n]
            ].reset_index(drop=True)
            for column, values in train.items()
        }
        return train, pd.DataFrame(shuffled), {}

    def evaluate(
        self, name: str, method: str, seed: int, train: pd.DataFrame, test: pd.DataFrame
    ) -> dict[str, float]:
        """All scores of one run; the rows that it compared are left in the work folder."""
        dataset = DATASETS[name]
        if method == "real":  # the ceiling of utility; the rest would compare train with itself
            return utility(train, test, dataset)
        real, synthetic, costs = self.draw(name, method, seed, train)
        files = [
            work_file(self.work, name, method, seed, f"{part}.parquet")
            for part in ("real", "synthetic")
        ]
        for file, rows in zip(files, (real, synthetic), strict=True):
            rows.to_parquet(file, index=False)
        found = scores(real, test, synthetic, dataset)
        if self.sdmetrics:
            found |= sdmetrics_scores(self.sdmetrics, *files)
        return costs | found


def plan(
    names: list[str] | None, methods: list[str], seeds: int | None, data: Path | None
) -> Iterator[tuple[str, str, int]]:
    """Every run that is asked for, dataset by dataset.

    Without names: all tables whose file is there, the peers on a few of them, once.
    """
    for name in names or DATASETS:
        dataset = DATASETS[name]
        if not (dataset.bundled or (data and (data / f"{name}.parquet").exists())):
            if names:
                raise typer.BadParameter(f"{name} needs --data, a folder with {name}.parquet")
            print(f"{name}: left out, no {name}.parquet in --data")
            continue
        for method in methods:
            peer = method in LIBRARY
            if peer and not names and name not in PEERED:
                continue
            once = peer or (method == "real" and dataset.official)
            for seed in range(seeds or (1 if once else dataset.seeds)):
                yield name, method, seed


def main(
    names: Annotated[str, typer.Option(help=f"Of {', '.join(DATASETS)}; all.")] = "",
    data: Annotated[Path | None, typer.Option(help="Folder of parquet files.")] = None,
    methods: Annotated[str, typer.Option(help=f"Of {', '.join([*OURS, *LIBRARY])}; all.")] = "",
    seeds: Annotated[
        int | None, typer.Option(help="Seeds 0 to this, exclusive; by the size of the table.")
    ] = None,
    params: Annotated[str, typer.Option(help="GANSampler parameters, as JSON.")] = "{}",
    peers: Annotated[
        Path | None, typer.Option(help="Python with peers.txt: gives the peers, and SDMetrics.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Of CTGAN, TVAE and CopulaGAN.")] = EPOCHS,
    sdmetrics_python: Annotated[
        Path | None, typer.Option(help="Python with requirements-sdmetrics.txt, if without peers.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw what is in the work folder.")] = True,
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
    work: Annotated[Path, typer.Option(help="Where the tables compared go.")] = HERE / "work",
) -> None:
    """Benchmark tables; finished runs are skipped, so an interrupted one can be resumed."""
    settings: dict[str, Any] = json.loads(params)
    if quick:
        names = names or ("iris,adult" if data else "iris")
        seeds, epochs, work, settings = 1, 1, work / "quick", {"steps": 50} | settings
    asked = methods.split(",") if methods else [*OURS, *(LIBRARY if peers else ())]
    if unknown := set(asked) - {*OURS, *LIBRARY} | set(names.split(",") if names else ()) - set(
        DATASETS
    ):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}")
    if not peers and set(asked) & set(LIBRARY):
        raise typer.BadParameter("the peers need --peers, a Python that has peers.txt installed")
    found = peer_versions(peers) if peers else {}
    results = work if quick else HERE / "results"
    runs = Runs(results / "tabular.jsonl", again)
    bench = Bench(
        data or Path(),
        work,
        peers,
        sdmetrics_python or peers,
        found,
        settings,
        epochs,
        quick,
        again,
    )

    chosen = names.split(",") if names else None
    for name, method, seed in plan(chosen, asked, seeds, data):
        train, test = bench.tables(name, seed)
        runs.run(
            partial(bench.evaluate, name, method, seed, train, test),
            dataset=name,
            method=method,
            seed=seed,
            library=LIBRARY.get(method, "gansynth" if method == "gansynth" else "scikit-learn"),
            settings=bench.settings(method, train),
            found=found if method in LIBRARY else None,
        )
    records = relative(runs.newest())
    for columns in TABLES:
        print()
        runs.table(columns, BARS, records)
    print()
    summary(records)
    if pictures:
        draw_pictures(work, results, chosen or list(PEERED))


if __name__ == "__main__":
    typer.run(main)
