"""Pictures of the points that runs left in the work folder, and of how they came about.

python benchmarks/distribution2d_pictures.py --names ring,moons
python benchmarks/distribution2d_pictures.py --gif
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import typer
from distribution2d_data import SETS, TRAIN_ROWS, Modes, Points, PointSet
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from PIL import Image
from runs import HERE, alone

SEED = 0
BINS = 150
COLOURS = 48
REAL, SYNTHETIC = "#8391a0", "#c2410c"
DOCS = HERE.parent / "docs" / "images"
ANIMATED = ("swiss_roll", "checkerboard")
CHARTS = 12
"""Of animations: few, so that they are seen to bend. The default's 256 hardly move."""
SHOWN = 2_000
MODE_REACH = 5.0
"""Deviations to each side of a mode that is looked at closely."""
FRAME_MS, LAST_MS = 120, 2_500


def draw_pictures(
    work: Path,
    folder: Path,
    names: list[str],
    methods: Sequence[str],
    quick: bool,
    data: Path | None,
) -> None:
    """Draw real points beside those of every method that left some of a set."""
    for name in names:
        files = {
            method: work / f"distribution2d-{name}-{method.replace(' ', '_')}-{SEED}.npz"
            for method in methods
        }
        clouds = {method: _read(file) for method, file in files.items() if file.exists()}
        if not clouds:
            continue
        sample = SETS[name].sample(SEED, quick, data)
        real = sample.real if sample.train.y is None else sample.train
        shown = {"real": real} | clouds
        figure = densities(shown, SETS[name].modes) if real.y is None else classes(shown)
        path = folder / f"distribution2d_{name}.png"
        _save(figure, path)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


def densities(clouds: dict[str, Points], modes: Modes | None) -> Figure:
    """How dense points lie, in shades that mean the same in every panel; below it, one mode."""
    reach = _reach(clouds["real"].X)
    columns, height = min(len(clouds), 4), 1 if modes is None else 2
    rows = height * -(-len(clouds) // columns)
    size = (2.6 * columns, 2.8 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    counts = {name: _density(points.X, reach) for name, points in clouds.items()}
    # By the root: strays would not be seen beside modes.
    most = np.sqrt(np.quantile(counts["real"][counts["real"] > 0], 0.99))
    for place, (name, points) in enumerate(clouds.items()):
        row, column = divmod(place, columns)
        ax = axes[height * row, column]
        ax.imshow(np.sqrt(counts[name].T), origin="lower", cmap="magma", vmin=0, vmax=most,
                  interpolation="nearest")  # fmt: skip
        ax.set_title(name, fontsize=10)
        if modes is not None:
            _one_mode(axes[height * row + 1, column], clouds["real"].X, points.X, modes)
    return figure


def _one_mode(ax: Axes, real: np.ndarray, drawn: np.ndarray, modes: Modes) -> None:
    """The first mode closely, with a circle at three deviations: real points, then drawn ones."""
    centre = modes.centres[0]
    reach = np.column_stack([centre - MODE_REACH * modes.std, centre + MODE_REACH * modes.std])
    _scatter(ax, real, reach, real=True)
    if drawn is not real:
        _scatter(ax, drawn, reach, real=False)
    ax.add_patch(Circle(centre, 3 * modes.std, fill=False, linewidth=0.6))


def _density(points: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Share of the points in every bin."""
    return np.histogram2d(*points.T, bins=BINS, range=reach)[0] / len(points)


def classes(clouds: dict[str, Points]) -> Figure:
    """Points of every class, a row each method, as many as there are real ones."""
    real = clouds["real"]
    labels = np.unique(real.y)
    reach = _reach(real.X)
    size = (1.0 * len(labels), 1.1 * len(clouds))
    figure, axes = plt.subplots(
        len(clouds), len(labels), figsize=size, layout="constrained", squeeze=False
    )
    for row, (name, points) in zip(axes, clouds.items(), strict=True):
        for ax, label in zip(row, labels, strict=True):
            _scatter(ax, points.of(label)[: len(real.of(label))], reach, name == "real")
            if name == "real":
                ax.set_title(label, fontsize=7)
        row[0].set_ylabel(name, fontsize=7)
    return figure


def _scatter(ax: Axes, points: np.ndarray, reach: np.ndarray, real: bool) -> None:
    ax.scatter(*points.T, s=2.5, color=REAL if real else SYNTHETIC, alpha=0.7, linewidths=0)
    ax.set(xlim=reach[0], ylim=reach[1], xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)


def animate(path: Path, names: Sequence[str] = ANIMATED) -> None:
    """Train on some sets, and write how points moved, interval by interval, as a GIF."""
    runs = {name: alone(watched, name) for name in names}
    reals = {name: SETS[name].sample(SEED, False, None).real.X[:SHOWN] for name in names}
    length = max(len(steps) for steps, _ in runs.values())
    frames = []
    for i in range(length):
        size = (2.5 * len(names), 2.8)
        figure, axes = plt.subplots(
            1, len(names), figsize=size, squeeze=False, layout="constrained"
        )
        for ax, (name, (steps, clouds)) in zip(axes[0], runs.items(), strict=True):
            now = min(i, len(steps) - 1)
            reach = _reach(reals[name])
            _scatter(ax, reals[name], reach, real=True)
            _scatter(ax, clouds[now], reach, real=False)
            ax.set_title(f"{name.replace('_', ' ')}, step {steps[now]:,}", fontsize=10)
        frames.append(_image(figure).quantize(COLOURS, dither=Image.Dither.NONE))
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = [FRAME_MS] * (length - 1) + [LAST_MS]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=shown, loop=0)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, {length} frames")


def watched(name: str) -> tuple[list[int], list[np.ndarray]]:
    """Fit gansynth; steps, and where the same noise led to after each interval.

    What comes last is a sample of the fitted sampler, which has kept the best state.
    """
    import keras

    from gansynth import GANSampler
    from gansynth_distribution2d import Distribution2DGAN

    points = SETS[name]
    assert isinstance(points, PointSet)
    X = points.draw(TRAIN_ROWS, SEED).X
    clouds: list[np.ndarray] = []

    def looking() -> keras.callbacks.Callback:
        def look(*_: Any) -> None:
            # The networks work on standardised points.
            width = callback.model.input_shape[-1]
            z = np.random.default_rng(SEED).standard_normal((SHOWN, width)).astype(np.float32)
            clouds.append(np.asarray(callback.model([z])) * X.std(axis=0) + X.mean(axis=0))

        callback = keras.callbacks.LambdaCallback(on_train_begin=look, on_epoch_end=look)
        return callback

    few = Distribution2DGAN(charts=CHARTS)
    sampler = GANSampler(few, random_state=SEED, callbacks=[looking]).fit(X)
    steps = [0, *(int(step) for step in sampler.history_["step"]), sampler.best_step_]
    return steps, [*clouds, sampler.sample(SHOWN, random_state=SEED)]


def _reach(points: np.ndarray) -> np.ndarray:
    """Limits that show all points and some margin: a square, shape (2, 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = 0.575 * (high - low).max()
    centre = (low + high) / 2
    return np.column_stack([centre - half, centre + half])


def _read(file: Path) -> Points:
    with np.load(file) as arrays:
        return Points(arrays["X"], arrays.get("y"))


def _image(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=80)
    plt.close(figure)
    return Image.open(buffer).convert("RGB")


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _image(figure).quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main(
    names: Annotated[str, typer.Option(help="Sets whose points are in the work folder.")] = "",
    methods: Annotated[str, typer.Option(help="Those to draw.")] = (
        "gaussian mixture,kernel density,gansynth,gan,wgan-gp,pacgan,particlegan"
    ),
    gif: Annotated[bool, typer.Option(help="Train, and animate that for the docs.")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder of datasaurus_dozen.parquet.")] = None,
    work: Annotated[Path, typer.Option(help="Where runs left their points.")] = HERE / "work",
    results: Annotated[Path, typer.Option(help="Where pictures go.")] = HERE / "results",
) -> None:
    """Draw points that runs of distribution2d.py left behind."""
    chosen = names.split(",") if names else [name for name in SETS if data or name != "datasaurus"]
    draw_pictures(work, results, chosen, methods.split(","), False, data)
    if gif:
        animate(DOCS / "distribution2d.gif")


if __name__ == "__main__":
    typer.run(main)
