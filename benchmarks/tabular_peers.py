"""The peers, called in the environment that they are installed in (``peers.txt``)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
from runs import HERE

LIBRARY = {
    "ctgan": "ctgan", "tvae": "ctgan", "gaussian_copula": "sdv", "copulagan": "sdv", "arf": "arfpy",
}  # fmt: skip
"""Each peer, and the library whose version tells runs apart."""

EPOCHS = 300
"""The default of those that are trained in epochs."""


def options(method: str, epochs: int) -> dict[str, Any]:
    """What a peer is told beyond its defaults."""
    return {"epochs": epochs} if method in ("ctgan", "tvae", "copulagan") else {}


def peer_versions(python: Path) -> dict[str, str]:
    """Versions of Python and of the libraries of that environment."""
    return json.loads(_call(python, "versions"))


def draw_peer(
    python: Path,
    method: str,
    train: pd.DataFrame,
    settings: dict[str, Any],
    stem: Path,
    again: bool = False,
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Fit a peer and draw from it, or take what a run with these settings left behind.

    A fit may take half an hour, and what fails is as a rule a score after it: drawn rows stay in
    the work folder with their costs, and are used again unless settings or rows differ, or it is
    to be done ``again``.
    """
    of_train, of_settings, drawn, of_costs = (
        stem.with_name(f"{stem.name}-{part}")
        for part in ("real.parquet", "settings.json", "synthetic.parquet", "costs.json")
    )
    wanted = json.dumps(settings)
    done = not again and of_costs.exists() and of_settings.read_text() == wanted
    if not (done and pd.read_parquet(of_train).equals(train)):
        of_costs.unlink(missing_ok=True)
        of_settings.write_text(wanted)
        train.to_parquet(of_train, index=False)
        _call(python, method, of_train, of_settings, drawn, of_costs)
    return pd.read_parquet(drawn), json.loads(of_costs.read_text())


def _call(python: Path, *arguments: Any) -> str:
    command = [str(python), str(HERE / "peers.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout.splitlines()[-1] if done.stdout else ""
