"""What points are learned with beside gansynth: other GANs in its loop, and density models.

The GANs are plain MLPs as wide and as deep as gansynth's own, without its charts and waves. They
get twice as many steps, and all that the loop does for any generator: the average of the weights,
a learning rate that falls, the state that scores best on held-out points.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from distribution2d_data import Points
from runs import HERE
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

from gansynth.architecture import Architecture, DataSpec, NetworkSpec, Recipe
from gansynth_distribution2d import PointCodec

STEPS = 12_000
COMPONENTS = (1, 2, 4, 8, 16, 32, 64, 128)
BANDWIDTHS = np.logspace(-2.5, 0, 11)
TUNED_ROWS = 3_000
PARTICLE_STEPS = 5_000
NO_PENALTY = 1e-12
"""Gamma has to be positive; times this, R1 and R2 are below the rounding of the gradients."""


class PlainCodec(PointCodec):
    """Standardised points, with nothing to prepare or calibrate: there are no charts."""

    def prepare(self, *_: Any, **__: Any) -> None:
        """Leave the generator as it is."""

    def calibrate(self, generator: Any, draw: Any) -> None:
        """Leave the generator as it is."""


class PlainGAN(Architecture):
    """An MLP against an MLP.

    Parameters
    ----------
    loss : str
        Of gansynth's. ``"wgan-gp"`` has its gradient penalty, the others have none.
    packing : int
        Points that the critic judges at a time (Lin et al. 2018): it has one verdict on each
        pack of neighbours in the batch, all real or all generated.
    width, depth : int
        Units and layers, of both players.
    """

    api_version = 1

    def __init__(
        self, loss: str = "non-saturating", packing: int = 1, width: int = 128, depth: int = 3
    ) -> None:
        self.loss = loss
        self.packing = packing
        self.width = width
        self.depth = depth

    def accepts(self, spec: DataSpec) -> int:
        """Nothing by itself."""
        return 0

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> PlainCodec:
        """Fit the standardisation."""
        return PlainCodec(spec.schema, data)

    def generator(self, spec: NetworkSpec, seed: int) -> Any:
        """Noise to points."""
        import keras

        seeds = keras.random.SeedGenerator(seed)
        z = keras.Input((spec.latent_dim,), name="z")
        inputs, hidden = _with_class(spec, z)
        return keras.Model(inputs, self._layers(hidden, spec.layout, seeds))

    def critic(self, spec: NetworkSpec, seed: int) -> Any:
        """Packs of points to one logit each, told to every point of the pack."""
        import keras

        seeds = keras.random.SeedGenerator(seed)
        rows = keras.Input((spec.layout,), name="rows")
        inputs, hidden = _with_class(spec, rows)
        packs = keras.ops.reshape(hidden, (-1, self.packing * hidden.shape[1]))
        logits = self._layers(packs, 1, seeds)
        shared = keras.ops.concatenate([logits] * self.packing, axis=1)
        return keras.Model(inputs, keras.ops.reshape(shared, (-1, 1)))

    def _layers(self, hidden: Any, units: int, seeds: Any) -> Any:
        import keras

        def dense(size: int, scale: float, activation: str | None = None) -> Any:
            start = keras.initializers.VarianceScaling(scale, "fan_in", "normal", seed=seeds)
            return keras.layers.Dense(size, activation, kernel_initializer=start, dtype="float32")

        for _ in range(self.depth):
            hidden = dense(self.width, 2.0, "leaky_relu")(hidden)
        return dense(units, 1.0)(hidden)

    def recipe(self, spec: DataSpec) -> Recipe:
        """Twice the steps of gansynth's points, at a rate that plain GANs bear."""
        return Recipe(
            steps=STEPS,
            batch_size=256,
            latent_dim=8,
            loss=self.loss,
            gamma=(NO_PENALTY, NO_PENALTY),
            learning_rate=2e-4,
            learning_rate_end=1e-5,
            beta_2=0.999 if self.loss == "non-saturating" else 0.9,
        )


def _with_class(spec: NetworkSpec, rows: Any) -> tuple[list[Any], Any]:
    """Inputs of a network, and its rows beside the class, one-hot."""
    import keras

    if not spec.n_classes:
        return [rows], rows
    y = keras.Input((), dtype="int32", name="y")
    one_hot = keras.ops.one_hot(y, spec.n_classes, dtype="float32")
    return [rows, y], keras.ops.concatenate([rows, one_hot], axis=1)


GANS: dict[str, dict[str, Any]] = {
    "gan": {},
    "wgan-gp": {"loss": "wgan-gp"},
    "pacgan": {"packing": 2},
}
"""Those in gansynth's loop: what a PlainGAN is told."""


def gaussian_mixture(
    train: np.ndarray, n: int, seed: int, components: int | None = None
) -> np.ndarray:
    """Fit as many Gaussians as there are modes; of a shape, as many as BIC likes best."""
    sizes = (components,) if components else [k for k in COMPONENTS if k <= len(train) // 10]
    models = [GaussianMixture(k, random_state=seed).fit(train) for k in sizes]
    points = min(models, key=lambda model: model.bic(train)).sample(n)[0]
    return np.random.default_rng(seed).permutation(points)  # it gives one after the other


def kernel_density(train: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Round kernels on standardised points, of the width that is likeliest on points left out.

    The width is found on some of the points, and narrowed for all by Silverman's power.
    """
    centre, scale = train.mean(axis=0), train.std(axis=0)
    rows = (train - centre) / scale
    some = rows[:TUNED_ROWS]
    kernels = KernelDensity(rtol=1e-4)
    search = GridSearchCV(kernels, {"bandwidth": BANDWIDTHS}, cv=5).fit(some)
    width = search.best_params_["bandwidth"] * (len(some) / len(rows)) ** (1 / 6)
    model = KernelDensity(bandwidth=width).fit(rows)
    return centre + scale * model.sample(n, random_state=seed)


DENSITIES: dict[str, Callable[..., np.ndarray]] = {
    "gaussian mixture": gaussian_mixture,
    "kernel density": kernel_density,
}


def draw_density(
    method: str, train: Points, n: int, seed: int, told: dict[str, int]
) -> tuple[Points, dict[str, float]]:
    """Fit a density model, one for each class, and draw n points in all."""
    start = time.perf_counter()
    train = train._replace(X=train.X.astype(np.float64))
    if train.y is None:
        drawn = Points(DENSITIES[method](train.X, n, seed, **told))
    else:
        labels = np.unique(train.y)
        each = -(-n // len(labels))
        parts = [DENSITIES[method](train.of(label), each, seed) for label in labels]
        drawn = Points(np.concatenate(parts), np.repeat(labels, each))
    return drawn, {"fit_seconds": time.perf_counter() - start}


def particle_versions(python: Path) -> dict[str, str]:
    """Versions of Python and of the libraries of that environment."""
    return json.loads(_call(python, "versions"))


def draw_particles(
    python: Path, train: Points, n: int, seed: int, options: dict[str, Any], stem: Path
) -> tuple[Points, dict[str, float]]:
    """Fit particlegan in its own environment, and draw n points."""
    of_train, drawn = (stem.with_name(f"{stem.name}-{part}.npy") for part in ("real", "drawn"))
    np.save(of_train, train.X)
    told = json.dumps({"rows": n, "seed": seed, "options": options})
    costs = json.loads(_call(python, of_train, drawn, told))
    return Points(np.load(drawn)), costs


def _call(python: Path, *arguments: Any) -> str:
    command = [str(python), str(HERE / "distribution2d_particle.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout.splitlines()[-1]
