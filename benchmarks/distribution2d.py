"""Points in the plane: are all modes found, and how sharp are they?

python benchmarks/distribution2d.py
python benchmarks/distribution2d.py --quick
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
from sklearn.mixture import GaussianMixture

from gansynth.metrics import modes

TRAIN_ROWS = 10_000
DRAWN = 2_500  # as in PacGAN, https://arxiv.org/abs/1712.04086
COLUMNS = {
    "captured": ".1f", "fair": ".1f", "high_quality": ".3f", "reverse_kl": ".4f",
    "std_ratio": ".2f", "steps": ".0f", "fit_seconds": ".0f", "sample_seconds": ".2f",
}  # fmt: skip
BARS = {"ring": {"captured": "8", "high_quality": "≥ .90"}}


class Mixture(NamedTuple):
    """An equal mixture of round Gaussians."""

    centres: np.ndarray
    std: float

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Draw n points, float32 of shape (n, 2)."""
        rng = np.random.default_rng(seed)
        centres = self.centres[rng.integers(len(self.centres), size=n)]
        return (centres + self.std * rng.standard_normal((n, 2))).astype(np.float32)


ANGLES = 2 * np.pi * np.arange(8) / 8
LEVELS = np.arange(-4.0, 5.0, 2.0)
MIXTURES = {
    "ring": Mixture(np.column_stack([np.cos(ANGLES), np.sin(ANGLES)]), std=0.01),
    "grid": Mixture(np.stack(np.meshgrid(LEVELS, LEVELS), axis=-1).reshape(-1, 2), std=0.05),
}


def evaluate(
    name: str, method: str, seed: int, n_train: int, params: dict[str, Any], work: Path
) -> dict[str, Any]:
    """Scores of one run, and its picture."""
    mixture = MIXTURES[name]
    train = mixture.draw(n_train, seed)
    costs: dict[str, float] = {}
    if method == "gansynth":
        points, costs = synthesise(train, DRAWN, seed, params=params)
    elif method == "gaussian mixture":  # that knows the number of modes
        model = GaussianMixture(len(mixture.centres), random_state=seed).fit(train)
        points = model.sample(DRAWN)[0]
    else:
        points = mixture.draw(DRAWN, seed + 1_000)
    picture(
        {"real": mixture.draw(DRAWN, seed + 2_000), f"{method}, seed {seed}": points},
        work_file(work, name, method.replace(" ", "_"), f"{seed}.png"),
    )
    return costs | modes(points, mixture.centres, mixture.std)._asdict()


def picture(clouds: dict[str, np.ndarray], path: Path) -> None:
    """Scatter clouds side by side on equal axes, those of the first."""
    figure, axes = plt.subplots(1, len(clouds), figsize=(5 * len(clouds), 5), layout="constrained")
    reach = 1.25 * np.abs(next(iter(clouds.values()))).max()
    for ax, (title, points) in zip(axes, clouds.items(), strict=True):
        ax.scatter(*points.T, s=2, alpha=0.4, linewidths=0)
        ax.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main(
    names: Annotated[str, typer.Option(help="Of ring, grid.")] = "ring,grid",
    methods: Annotated[str, typer.Option(help="Of floor, gaussian mixture, gansynth.")] = (
        "floor,gaussian mixture,gansynth"
    ),
    seeds: Annotated[int, typer.Option(help="Seeds 0 to this, exclusive.")] = 5,
    params: Annotated[str, typer.Option(help="GANSampler parameters, as JSON.")] = "{}",
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
    work: Annotated[Path, typer.Option(help="Where pictures go.")] = HERE / "work",
) -> None:
    """Benchmark mode coverage; finished runs are skipped, so it can be interrupted."""
    settings: dict[str, Any] = json.loads(params)
    if quick:
        seeds, settings = 1, {"steps": 50} | settings
    n_train = 1_000 if quick else TRAIN_ROWS
    runs = Runs((work / "quick" if quick else HERE / "results") / "distribution2d.jsonl", again)

    for name in names.split(","):
        for method in methods.split(","):
            ours = method == "gansynth"
            for seed in range(seeds):
                runs.run(
                    partial(evaluate, name, method, seed, n_train, settings, work),
                    dataset=name,
                    method=method,
                    seed=seed,
                    library="gansynth" if ours else "scikit-learn",
                    settings={"rows": n_train} | (settings if ours else {}),
                )
    runs.table(COLUMNS, BARS)


if __name__ == "__main__":
    typer.run(main)
