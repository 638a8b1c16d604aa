"""Points in the plane: are all modes found, how sharp are they, and is anything between them?

python benchmarks/distribution2d.py --data DIR --particle PYTHON
python benchmarks/distribution2d.py --names ring,moons --methods floor,gansynth
python benchmarks/distribution2d.py --methods "no waves,one chart" --seeds 1
python benchmarks/distribution2d.py --quick
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from distribution2d_ablations import ABLATIONS
from distribution2d_data import DRAWN, QUICK_ROWS, SETS, SHAPES, Points
from distribution2d_peers import (
    DENSITIES,
    GANS,
    PARTICLE_STEPS,
    PlainGAN,
    draw_density,
    draw_particles,
    particle_versions,
)
from distribution2d_pictures import draw_pictures
from distribution2d_scores import WORST, floor, scores
from runs import HERE, Runs, synthesise, work_file

METHODS = ("floor", *DENSITIES, "gansynth", *GANS, "particlegan")
COLUMNS = {
    "captured": ".1f", "fair": ".1f", "high_quality": ".3f", "reverse_kl": ".4f",
    "std_ratio": ".2f", "w1_ratio": ".2f", "c2st": ".3f", "c2st_ratio": ".2f", "bridges": ".4f",
    "coverage": ".2f", "distinct": ".3f", "failed": ".1f", "steps": ".0f", "fit_seconds": ".0f",
    "sample_seconds": ".2f",
}  # fmt: skip
NONE_FAILS = {"failed": "0"}
OF_MODES = {"reverse_kl": "≤ .03", "std_ratio": ".8 to 1.25"} | NONE_FAILS
OF_SHAPES = {"c2st": "≤ .55", "bridges": "≤ .02"} | NONE_FAILS
BARS = {
    "ring": {"captured": "8.0", "high_quality": "≥ .977"} | OF_MODES,
    "grid": {"captured": "25.0", "high_quality": "≥ .957"} | OF_MODES,
    "grid100": {"captured": "100", "high_quality": "≥ .95"} | NONE_FAILS,
} | dict.fromkeys((*SHAPES, "datasaurus"), OF_SHAPES)


@dataclass(frozen=True)
class Bench:
    """What all runs of one call share."""

    data: Path | None
    work: Path
    particle: Path | None
    params: dict[str, Any]
    peer_params: dict[str, Any]
    quick: bool
    floors: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)

    def told(self, method: str, name: str) -> dict[str, Any]:
        """What a method is told of a set beyond its defaults."""
        modes = SETS[name].modes
        if method == "gaussian mixture" and modes is not None:
            return {"components": len(modes.centres)}
        if method == "particlegan":
            steps = self.peer_params.get("steps", PARTICLE_STEPS)
            return {"batch_size": 256, "total_steps": steps}
        if method == "gansynth" or method in ABLATIONS:
            return self.params
        return self.peer_params if method in GANS else {}

    def evaluate(self, name: str, method: str, seed: int) -> dict[str, Any]:
        """Scores of one run; its points are left in the work folder."""
        sample, modes = SETS[name].sample(seed, self.quick, self.data), SETS[name].modes
        n = QUICK_ROWS if self.quick else DRAWN
        costs: dict[str, float] = {}
        stem = work_file(self.work, "distribution2d", name, method.replace(" ", "_"), seed)
        if method == "floor":
            drawn = sample.others[0]
        elif method in DENSITIES:
            drawn, costs = draw_density(method, sample.train, n, seed, self.told(method, name))
        elif method == "particlegan":
            assert self.particle is not None
            drawn, costs = draw_particles(
                self.particle, sample.train, n, seed, self.told(method, name), stem
            )
        else:
            params = ABLATIONS.get(method, {}) | self.told(method, name)
            if method in GANS:
                params = {"architecture": PlainGAN(**GANS[method])} | params
            try:
                rows, costs = synthesise(sample.train.X, n, seed, sample.train.y, params)
            except FloatingPointError:  # NaN again and again
                return WORST
            drawn = Points(rows) if sample.train.y is None else Points(*rows)
        y = {} if drawn.y is None else {"y": drawn.y.astype(str)}
        np.savez(f"{stem}.npz", X=drawn.X, **y)
        if (name, seed) not in self.floors:
            self.floors[name, seed] = floor(sample)
        return costs | scores(sample, drawn, modes, self.floors[name, seed])


def main(
    names: Annotated[str, typer.Option(help=f"Of {', '.join(SETS)}; all.")] = "",
    methods: Annotated[
        str, typer.Option(help=f"Of {', '.join(METHODS)}, which is all, {', '.join(ABLATIONS)}.")
    ] = "",
    seeds: Annotated[
        int | None, typer.Option(help="Seeds 0 to this, exclusive; 5 of mixtures, else 2.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of datasaurus_dozen.parquet; left out without.")
    ] = None,
    particle: Annotated[
        Path | None, typer.Option(help="Python that has particlegan; left out without.")
    ] = None,
    params: Annotated[str, typer.Option(help="GANSampler parameters of ours, as JSON.")] = "{}",
    pictures: Annotated[bool, typer.Option(help="Draw what is in the work folder.")] = True,
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
    work: Annotated[Path, typer.Option(help="Where points go.")] = HERE / "work",
) -> None:
    """Benchmark points; finished runs are skipped, so an interrupted one can be resumed."""
    settings: dict[str, Any] = json.loads(params)
    peer_settings: dict[str, Any] = {}
    if quick:
        names, seeds, work = names or "ring,moons", 1, work / "quick"
        settings, peer_settings = {"steps": 50} | settings, {"steps": 50}
    chosen = names.split(",") if names else [name for name in SETS if data or name != "datasaurus"]
    asked = methods.split(",") if methods else list(METHODS)
    if unknown := set(asked) - {*METHODS, *ABLATIONS} | set(chosen) - set(SETS):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}")
    if "datasaurus" in chosen and data is None:
        raise typer.BadParameter("datasaurus needs --data, a folder with datasaurus_dozen.parquet")
    if particle is None and "particlegan" in asked:
        if methods:
            raise typer.BadParameter("particlegan needs --particle, a Python that has it installed")
        asked.remove("particlegan")
    results = work if quick else HERE / "results"
    runs = Runs(results / "distribution2d.jsonl", again)
    bench = Bench(data, work, particle, settings, peer_settings, quick)
    found = particle_versions(particle) if particle else None

    for name in chosen:
        for method in asked:
            apart = method == "particlegan"
            if apart and name == "datasaurus":
                continue  # it knows no classes
            in_loop = method in ("gansynth", *ABLATIONS, *GANS)
            for seed in range(seeds or SETS[name].seeds):
                runs.run(
                    partial(bench.evaluate, name, method, seed),
                    dataset=name,
                    method=method,
                    seed=seed,
                    library="particlegan" if apart else "gansynth" if in_loop else "scikit-learn",
                    settings=bench.told(method, name),
                    found=found if apart else None,
                )
    runs.table(COLUMNS, BARS)
    if pictures:
        draw_pictures(work, results, chosen, METHODS[1:], quick, data)


if __name__ == "__main__":
    typer.run(main)
