"""Pictures of the images that runs left in the work folder, real ones beside drawn ones.

python benchmarks/images_pictures.py --names digits,mnist
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
import typer
from matplotlib.axes import Axes
from runs import HERE, work_file
from sklearn.neighbors import NearestNeighbors

METHODS = ("gansynth", "dcgan", "wgan-gp", "dcgan_tutorial")
SEED = 0
SIDE = 10
"""Images in a row of a picture, and rows."""


def leave(
    work: Path, name: str, method: str, seed: int, drawn: np.ndarray, train: np.ndarray,
    labels: np.ndarray | None,
) -> None:  # fmt: skip
    """Put a hundred drawn images into the work folder, ten of each class if classes were asked for.

    Beside them, the training image that is nearest to each.
    """
    picks = np.arange(len(drawn))[: SIDE * SIDE]
    if labels is not None and labels.ndim == 1:
        picks = np.concatenate([np.flatnonzero(labels == c)[:SIDE] for c in range(SIDE)])
    flat, of_train = (x.reshape(len(x), -1).astype(np.float32) for x in (drawn[picks], train))
    nearest = NearestNeighbors(n_neighbors=1).fit(of_train).kneighbors(flat)[1][:, 0]
    np.savez_compressed(
        work_file(work, "images", name, method, f"{seed}.npz"),
        drawn=drawn[picks],
        nearest=train[nearest],
    )


def draw_pictures(work: Path, folder: Path, names: list[str]) -> None:
    """Draw samples, and samples with their nearest training images, of what is in the folder."""
    for name in names:
        files = {
            method: work / f"images-{name}-{method}-{SEED}.npz" for method in ("floor", *METHODS)
        }
        kept = {method: np.load(file) for method, file in files.items() if file.exists()}
        if set(kept) <= {"floor"}:
            continue
        samples = {
            "real" if method == "floor" else method: tiled(images["drawn"])
            for method, images in kept.items()
        }
        neighbours = {
            f"{method}, above the nearest training images": tiled(in_turns(images))
            for method, images in kept.items()
            if method != "floor"
        }
        for kind, tiles in (("samples", samples), ("nearest", neighbours)):
            path = folder / f"images_{name}_{kind}.png"
            save(tiles, path)
            print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


def in_turns(images: np.lib.npyio.NpzFile) -> np.ndarray:
    """Rows of drawn images, each above the row of their nearest training images."""
    drawn, nearest = images["drawn"], images["nearest"]
    picks = np.linspace(0, len(drawn) - 1, min(SIDE * SIDE // 2, len(drawn))).astype(int)
    rows = [
        pair
        for i in range(0, len(picks), SIDE)
        for pair in (drawn[picks[i : i + SIDE]], nearest[picks[i : i + SIDE]])
    ]
    return np.concatenate(rows)


def tiled(images: np.ndarray) -> np.ndarray:
    """Images side by side, ten in a row, as one in [0, 1]."""
    unit = images / (255 if images.dtype == np.uint8 else 1)
    colour = unit if unit.ndim == 4 else np.repeat(unit[..., None], 3, axis=-1)
    edged = np.pad(colour, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=0.5)
    rows = len(edged) // SIDE
    n, height, width, depth = edged[: rows * SIDE].shape
    grid = edged[:n].reshape(rows, SIDE, height, width, depth)
    return np.clip(grid.swapaxes(1, 2).reshape(rows * height, SIDE * width, depth), 0, 1)


def save(tiles: dict[str, np.ndarray], path: Path) -> None:
    """Write a picture of one part a title."""
    figure, axes = plt.subplots(
        1, len(tiles), figsize=(3.4 * len(tiles), 3.6), layout="constrained", squeeze=False
    )
    for (title, image), ax in zip(tiles.items(), axes.flat, strict=True):
        show(ax, title, image)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, pil_kwargs={"optimize": True})
    plt.close(figure)


def show(ax: Axes, title: str, image: np.ndarray) -> None:
    """One part of a picture."""
    ax.imshow(image, interpolation="nearest")
    ax.set_title(title, fontsize=8)
    ax.axis("off")


def main(
    names: Annotated[str, typer.Option(help="Sets whose images are in the work folder.")],
    work: Annotated[Path, typer.Option(help="Where runs left their images.")] = HERE / "work",
    results: Annotated[Path, typer.Option(help="Where pictures go.")] = HERE / "results",
) -> None:
    """Draw pictures of what runs of images.py left behind."""
    draw_pictures(work, results, names.split(","))


if __name__ == "__main__":
    typer.run(main)
