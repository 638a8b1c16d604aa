"""Images: scikit-learn's 8x8 digits, class-conditional.

python benchmarks/images.py
python benchmarks/images.py --quick
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import typer
from runs import HERE, Runs, synthesise, work_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from gansynth.metrics import closest_distances, coverage

DRAWN = 3_000
COLUMNS = {
    "accuracy": ".3f", "coverage": ".3f", "copy_ratio": ".2f", "steps": ".0f", "fit_seconds": ".0f",
    "sample_seconds": ".2f",
}  # fmt: skip
BARS = {"digits": {"accuracy": "≥ floor - .05"}}


class Digits(NamedTuple):
    """Train and held-out images, float32 in [0, 1] of shape (n, 8, 8), and their labels."""

    train: np.ndarray
    held_out: np.ndarray
    train_labels: np.ndarray
    held_out_labels: np.ndarray


def load() -> Digits:
    """Load the digits, 70 % of each to train on."""
    bunch = load_digits()
    images = (bunch.images / 16).astype(np.float32)
    return Digits(
        *train_test_split(
            images, bunch.target, test_size=0.3, stratify=bunch.target, random_state=0
        )
    )


def evaluate(method: str, seed: int, digits: Digits, params: dict[str, Any], work: Path) -> dict:
    """Scores of one run, and its picture."""
    images, labels, costs = digits.train, digits.train_labels, {}
    if method == "gansynth":
        (images, labels), costs = synthesise(images, DRAWN, seed, labels, params)
    picture(
        {"real": (digits.train, digits.train_labels), method: (images, labels)},
        work_file(work, "digits", method, f"{seed}.png"),
    )
    flat = images.reshape(len(images), -1)
    classifier = SVC(C=10, gamma="scale").fit(flat, labels)
    held_out_flat = digits.held_out.reshape(len(digits.held_out), -1)
    # Equal numbers, since coverage grows with the number of synthetic points.
    some = np.random.default_rng(seed).choice(len(images), len(digits.held_out), replace=False)
    scores = {
        "accuracy": classifier.score(held_out_flat, digits.held_out_labels),
        "coverage": coverage(digits.held_out, images[some]),
    }
    if method == "gansynth":
        nearest = closest_distances(digits.train, images, digits.held_out)
        scores["copy_ratio"] = np.median(nearest[0]) / np.median(nearest[1])
    return costs | scores


def picture(sets: dict[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """Tile ten images of each class, a row a class, one set beside the other."""
    figure, axes = plt.subplots(1, len(sets), figsize=(5 * len(sets), 5.2), layout="constrained")
    for ax, (title, (images, labels)) in zip(axes, sets.items(), strict=True):
        rows = [np.resize(images[labels == label], (10, 8, 8)) for label in range(10)]
        tiles = np.pad(np.stack(rows), ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=0.5)
        ax.imshow(tiles.transpose(0, 2, 1, 3).reshape(90, 90), cmap="gray", vmin=0, vmax=1)
        ax.set_title(title)
        ax.axis("off")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main(
    methods: Annotated[str, typer.Option(help="Of floor, gansynth.")] = "floor,gansynth",
    seeds: Annotated[int, typer.Option(help="Seeds 0 to this, exclusive.")] = 3,
    params: Annotated[str, typer.Option(help="GANSampler parameters, as JSON.")] = "{}",
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
    work: Annotated[Path, typer.Option(help="Where pictures go.")] = HERE / "work",
) -> None:
    """Benchmark the digits; finished runs are skipped, so it can be interrupted."""
    settings: dict[str, Any] = json.loads(params)
    if quick:
        seeds, settings = 1, {"steps": 20} | settings
    digits = load()
    runs = Runs((work / "quick" if quick else HERE / "results") / "images.jsonl", again)

    for method in methods.split(","):
        ours = method == "gansynth"
        for seed in range(seeds):
            runs.run(
                partial(evaluate, method, seed, digits, settings, work),
                dataset="digits",
                method=method,
                seed=seed,
                library="gansynth" if ours else "scikit-learn",
                settings=settings if ours else {},
            )
    runs.table(COLUMNS, BARS)


if __name__ == "__main__":
    typer.run(main)
