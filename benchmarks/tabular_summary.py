"""The tables of the tabular benchmark: figures made relative, and means over the datasets."""

from __future__ import annotations

from typing import Any

import numpy as np
from runs import markdown
from tabular_data import DATASETS

Record = dict[str, Any]

FIDELITY = {
    "shapes": ".3f", "pairs": ".3f", "pairs_way": ".3f", "density_error": ".2f",
    "pair_error": ".2f", "c2st": ".3f", "missing_error": ".4f",
    "zero_gain": ".4f", "education_mismatch": ".4f", "female_husbands": ".4f",
}  # fmt: skip
USE = {
    "auc": ".3f", "accuracy": ".3f", "r2": ".3f", "of_real": ".3f",
    "copies": ".4f", "dcr_share": ".3f", "membership": ".3f", "dcr_below_p5": ".3f",
    "dcr_ratio": ".2f",
}  # fmt: skip
COSTS = {
    "steps": ".0f", "fit_seconds": ".0f", "sample_seconds": ".2f", "rows_per_second": ".0f",
    "peak_mb": ".0f",
}  # fmt: skip
TABLES = (FIDELITY, USE, COSTS)
BARS = {name: dataset.bars for name, dataset in DATASETS.items()}
MEANS = {
    "shapes": ".3f", "pairs_way": ".3f", "of_real": ".3f", "c2st": ".3f", "copies": ".4f",
    "dcr_share": ".3f", "membership": ".3f", "fit_seconds": ".0f",
}  # fmt: skip
MEAN_BARS = {"shapes": "≥ .98", "pairs_way": "≥ .90", "copies": "≤ half", "dcr_share": ".48-.52"}


def relative(records: list[Record]) -> list[Record]:
    """Add scores that say how far from one end to the other.

    pairs_way : 0 where pair trends are those of shuffled columns, 1 where those of real halves
    of_real : what was learned of the target, as a share of what real rows teach: R² over R², or
        AUC over AUC with .5 taken off both
    """
    return [record | {"scores": record["scores"] | _added(record, records)} for record in records]


def _added(record: Record, records: list[Record]) -> dict[str, float]:
    def end(method: str, name: str) -> float:
        return _mean(
            other["scores"].get(name)
            for other in records
            if other["dataset"] == record["dataset"]
            and other["method"] == method
            and other["settings"]
        )

    own, added = record["scores"], {}
    # Without a pair above the report's threshold, or with so weak ones that real halves are no
    # better than shuffled columns, there is no way to go.
    shuffled, half = end("shuffled", "pairs"), end("half", "pairs")
    if own.get("pairs") is not None and half > shuffled:
        added["pairs_way"] = (own["pairs"] - shuffled) / (half - shuffled)
    for name, chance in (("r2", 0.0), ("auc", 0.5)):
        if own.get(name) is not None:
            added["of_real"] = (own[name] - chance) / (end("real", name) - chance)
    return {name: value for name, value in added.items() if np.isfinite(value)}


def summary(records: list[Record]) -> None:
    """Print the mean over the datasets, those of each dataset's seeds taken first."""
    lines = [["method", "settings", "datasets", *MEANS]]
    groups: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for record in records:
        if "rows" in record["settings"] and record["method"] != "real":
            settings = {name: v for name, v in record["settings"].items() if name != "rows"}
            group = (record["method"], ", ".join(f"{k} {v}" for k, v in settings.items()))
            groups.setdefault(group, {}).setdefault(record["dataset"], []).append(record["scores"])
    for group, datasets in groups.items():
        cells = []
        for name, form in MEANS.items():
            value = _mean(_mean(run.get(name) for run in runs) for runs in datasets.values())
            cells.append(f"{value:{form}}" if np.isfinite(value) else "")
        lines.append([*group, str(len(datasets)), *cells])
    lines.append(["bar", "", "all", *(MEAN_BARS.get(name, "") for name in MEANS)])
    markdown(lines)


def _mean(values: Any) -> float:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan
