"""Fit a peer and draw from it. A script for the environment of ``peers.txt``.

python peers.py versions
python peers.py ctgan train.parquet settings.json drawn.parquet costs.json

``settings.json`` holds ``rows``, ``seed``, ``timed_rows`` (drawn once more, for the rate) and
``options``, what the peer is told beyond its defaults, such as ``{"epochs": 300}``; of SDV's it may
hold a ``condition``, what columns are to hold in the drawn rows. The peers are used as a newcomer
would, by their documented calls.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from runs import peak_mb

LIBRARIES = ("arfpy", "copulas", "ctgan", "numpy", "pandas", "rdt", "scikit-learn", "sdmetrics",
             "sdv", "torch")  # fmt: skip
TABLE = "rows"
MISSING = "missing"
SDV = {
    "ctgan": "CTGANSynthesizer",
    "tvae": "TVAESynthesizer",
    "gaussian_copula": "GaussianCopulaSynthesizer",
    "copulagan": "CopulaGANSynthesizer",
}
Draw = Callable[[int], pd.DataFrame]


def versions() -> dict[str, str]:
    """Versions of Python and of what the peers are made of."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as pandas reads them from a CSV file, with dates of nanoseconds.

    Of dates of microseconds, SDV takes 2017 for 1970.
    """
    dates = dict.fromkeys(rows.select_dtypes("datetime"), "datetime64[ns]")
    text = {
        name: column.astype(object).where(column.notna(), np.nan)
        for name, column in rows.select_dtypes("string").items()
    }
    return rows.astype(dates).assign(**text)


def fit_sdv(
    method: str,
    train: pd.DataFrame,
    seed: int,
    options: dict[str, Any],
    condition: dict[str, Any] | None = None,
) -> Draw:
    """Fit one of SDV's, on the column types that SDV itself finds in the rows."""
    import sdv.sampling
    import sdv.single_table
    import torch
    from sdv.metadata import Metadata

    # It has no seed of its own.
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    metadata = Metadata.detect_from_dataframes({TABLE: train})
    found = metadata.to_dict()["tables"][TABLE]["columns"]
    for name in train:
        # Coordinates, postcodes and the like would be made up by a library of names, not learned.
        if found[name]["sdtype"] not in ("numerical", "categorical", "ordinal", "datetime"):
            learned = "numerical" if types.is_numeric_dtype(train[name]) else "categorical"
            metadata.update_column(column_name=name, table_name=TABLE, sdtype=learned)
    if method != "gaussian_copula":
        options = {"enable_gpu": False} | options
    synthesizer = getattr(sdv.single_table, SDV[method])(metadata, **options)
    synthesizer.fit({TABLE: train})
    if condition is None:
        return lambda rows: synthesizer.sample(rows)[TABLE]

    def draw(rows: int) -> pd.DataFrame:
        wanted = sdv.sampling.Condition(condition, num_rows=rows)
        drawn = synthesizer.sample_from_conditions([wanted])
        return drawn[TABLE] if isinstance(drawn, dict) else drawn

    return draw


def fit_arf(_: str, train: pd.DataFrame, seed: int, options: dict[str, Any]) -> Draw:
    """Fit an adversarial random forest, which knows neither missing values, dates nor integers.

    A missing label is a label; a missing number is the median, and a column of its own tells
    which those are. Integers are rounded, dates are numbers.
    """
    from arfpy import arf

    np.random.seed(seed)  # its draws know no other
    columns = {}
    for name, column in train.items():
        if types.is_object_dtype(column):
            columns[name] = column.fillna(MISSING)
            continue
        values = column.astype("int64") if types.is_datetime64_dtype(column) else column
        columns[name] = values.astype(float).fillna(values.median())
        if column.isna().any():
            columns[f"{name} {MISSING}"] = column.isna().map({True: "yes", False: "no"})
    forest = arf.arf(pd.DataFrame(columns), verbose=False, random_state=seed, **options)
    forest.forde()

    def draw(rows: int) -> pd.DataFrame:
        drawn = forest.forge(rows)
        table = {}
        for name, column in train.items():
            values = drawn[name]
            if types.is_object_dtype(column):
                table[name] = values.where(values != MISSING, None)
                continue
            if not types.is_float_dtype(column):
                values = values.round()
            if column.isna().any():
                values = values.where(drawn[f"{name} {MISSING}"] == "no")
            table[name] = values.astype(column.dtype)
        return pd.DataFrame(table)

    return draw


PEERS = dict.fromkeys(SDV, fit_sdv) | {"arf": fit_arf}


def main() -> None:
    """Fit, draw, and write both the rows and what they cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=["versions", *PEERS])
    parser.add_argument("files", nargs="*", type=Path)
    arguments = parser.parse_args()
    if arguments.method == "versions":
        print(json.dumps(versions()))
        return
    train_file, settings_file, drawn_file, costs_file = arguments.files
    settings = json.loads(settings_file.read_text())
    train = plain(pd.read_parquet(train_file))
    warnings.simplefilter("ignore")

    start = time.perf_counter()
    import_module("arfpy.arf" if arguments.method == "arf" else "sdv.single_table")
    imported = time.perf_counter()
    told = {"condition": settings["condition"]} if "condition" in settings else {}
    fit = PEERS[arguments.method]
    draw = fit(arguments.method, train, settings["seed"], settings["options"], **told)
    fitted = time.perf_counter()
    drawn = draw(settings["rows"])
    sampled = time.perf_counter()
    peak = peak_mb()
    if settings["timed_rows"]:
        draw(settings["timed_rows"])
    drawn.to_parquet(drawn_file, index=False)
    costs = {
        "import_seconds": imported - start,
        "fit_seconds": fitted - imported,
        "sample_seconds": sampled - fitted,
        "rows_per_second": settings["timed_rows"] / (time.perf_counter() - sampled),
        "peak_mb": peak,
    }
    costs_file.write_text(json.dumps(costs))


if __name__ == "__main__":
    main()
