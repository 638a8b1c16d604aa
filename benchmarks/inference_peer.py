"""Fit CTGAN for an epoch, then draw as told. A script for the environment of ``peers.txt``.

python inference_peer.py train.parquet    then a number of rows a line; seconds come back

Speed doesn't depend on how long it was trained.
"""

from __future__ import annotations

import sys
import time
import warnings

import pandas as pd
from peers import fit_sdv, plain


def main() -> None:
    """Fit, say so, and draw until the input ends."""
    warnings.simplefilter("ignore")
    draw = fit_sdv("ctgan", plain(pd.read_parquet(sys.argv[1])), 0, {"epochs": 1})
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        draw(int(line))
        print(f"seconds {time.perf_counter() - start}", flush=True)


if __name__ == "__main__":
    main()
