"""Print SDMetrics' quality scores of two parquet tables as one line of JSON.

A script of its own, to be run in an environment of its own
(``requirements-sdmetrics.txt``), because SDMetrics needs pandas < 3:

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
numbers = set(real.select_dtypes("number"))
metadata = {
    "columns": {
        name: {"sdtype": "numerical" if name in numbers else "categorical"} for name in real
    }
}
labels = {name: object for name in real if name not in numbers}
real, synthetic = real.astype(labels), synthetic[list(real)].astype(labels)

np.random.seed(0)  # the report draws rows of tables beyond 50,000
report = QualityReport()
report.generate(real, synthetic, metadata, verbose=False)
scores = report.get_properties().set_index("Property")["Score"]
print(
    json.dumps(
        {
            "sdmetrics": sdmetrics.__version__,
            "shapes": scores["Column Shapes"],
            "pairs": scores["Column Pair Trends"],
        }
    )
)
