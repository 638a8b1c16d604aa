"""Fit particlegan and draw from it. A script for an environment that has particlegan.

python distribution2d_particle.py versions
python distribution2d_particle.py train.npy drawn.npy '{"rows": 10000, "seed": 0, "options": {}}'

Its default recipe by the calls of its README, on standardised points, with networks of the size of
gansynth's and the Fourier features that its own example of points has in the critic. ``options``
are those of the recipe.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib.metadata import version
from itertools import pairwise

import numpy as np
import torch
from particlegan import GANTrainer, get_recipe, init
from torch import nn

OCTAVES = 2
WIDTH = 128


class Waves(nn.Module):
    """Coordinates, and their sines and cosines at octaves."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        angles = torch.cat([torch.pi * 2.0**octave * rows for octave in range(OCTAVES)], dim=1)
        return torch.cat([rows, angles.sin(), angles.cos()], dim=1)


def mlp(inputs: int, outputs: int) -> list[nn.Module]:
    """Three hidden layers."""
    sizes = [inputs, WIDTH, WIDTH, WIDTH]
    hidden = [
        layer
        for size, units in pairwise(sizes)
        for layer in (nn.Linear(size, units), nn.LeakyReLU(0.2))
    ]
    return [*hidden, nn.Linear(WIDTH, outputs)]


def main() -> None:
    """Fit, draw, and write the points; print what they cost."""
    if sys.argv[1] == "versions":
        names = ("particlegan", "torch", "numpy")
        print(json.dumps({"python": platform.python_version()} | {n: version(n) for n in names}))
        return
    of_train, drawn, told = sys.argv[1:]
    settings = json.loads(told)
    rows = torch.from_numpy(np.load(of_train))
    centre, scale = rows.mean(0), rows.std(0)
    rows = (rows - centre) / scale

    start = time.perf_counter()
    seed = settings["seed"]
    torch.manual_seed(seed)
    recipe = get_recipe(**settings["options"])
    generator = nn.Sequential(*mlp(recipe.z_dim, 2))
    critic = nn.Sequential(Waves(), *mlp(2 + 4 * OCTAVES, 1))
    # Its own initialisation is the same for the same seed, so that is what a seed changes.
    init.deterministic_orthogonal_(generator, seed=2 * seed)
    init.deterministic_orthogonal_(critic, seed=2 * seed + 1)
    prior = init.deterministic_orthogonal_(recipe.make_prior())
    trainer = GANTrainer(recipe, generator, critic, prior=prior, seed=seed)
    for _ in range(recipe.total_steps):
        trainer.step(rows[torch.randint(len(rows), (recipe.batch_size,))])
    fitted = time.perf_counter()
    points = trainer.sample(settings["rows"]).detach() * scale + centre
    sampled = time.perf_counter()
    np.save(drawn, points.numpy())
    costs = {"fit_seconds": fitted - start, "sample_seconds": sampled - fitted}
    print(json.dumps(costs | {"steps": recipe.total_steps}))


if __name__ == "__main__":
    main()
