"""Print SDMetrics' quality scores of two parquet tables as one line of JSON.

A script of its own, to be run in an environment of its own (``peers.txt``, or
``requirements-sdmetrics.txt`` for this alone), because SDMetrics needs pandas < 3:

    python sdmetrics_scores.py real.parquet synthetic.parquet
"""

from __future__ import annotations

import argparse
import json
import warnings

import numpy as np
import pandas as pd
import sdmetrics

warnings.simplefilter("ignore")  # of its own deprecations and of pandas'
from sdmetrics.reports.single_table import QualityReport  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("real")
parser.add_argument("synthetic")
arguments = parser.parse_args()

real, synthetic = pd.read_parquet(arguments.real), pd.read_parquet(arguments.synthetic)
sdtypes = (
    dict.fromkeys(real, "categorical")
    | dict.fromkeys(real.select_dtypes("number"), "numerical")
    | dict.fromkeys(real.select_dtypes("datetime"), "datetime")
)
metadata = {"columns": {name: {"sdtype": sdtype} for name, sdtype in sdtypes.items()}}
labels = {name: object for name, sdtype in sdtypes.items() if sdtype == "categorical"}
real, synthetic = real.astype(labels), synthetic[list(real)].astype(labels)


def quality(**thresholds: float) -> pd.Series:
    """Scores of the two properties, by the report's own thresholds or by others."""
    np.random.seed(0)  # the report draws rows of tables beyond 50,000
    report = QualityReport()
    for name, value in thresholds.items():
        setattr(report, name, value)
    report.generate(real, synthetic, metadata, verbose=False)
    return report.get_properties().set_index("Property")["Score"]


scores = quality()
every_pair = quality(real_correlation_threshold=0, real_association_threshold=0)
print(
    json.dumps(
        {
            "sdmetrics": sdmetrics.__version__,
            "shapes": scores["Column Shapes"],
            "pairs": scores["Column Pair Trends"],
            "all_pairs": every_pair["Column Pair Trends"],
        }
    )
)
