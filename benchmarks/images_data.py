"""The images of the benchmark: where from, how split, and digits stacked to 1,000 modes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

STACKS = 128_000
"""Training images of stacked digits, as in PacGAN, https://arxiv.org/abs/1712.04086."""

STACKS_DRAWN = 26_000
DRAWN_AT_LEAST = 3_000


class Images(NamedTuple):
    """Images to learn and to test by, float32 in [0, 1] or uint8; shape (n, h, w) or (n, h, w, c).

    Labels are digits (or classes), shape (n,); of stacks, one a channel, shape (n, 3).
    """

    train: np.ndarray
    held_out: np.ndarray
    train_labels: np.ndarray
    held_out_labels: np.ndarray

    @property
    def stacked(self) -> bool:
        """Whether labels are one a channel."""
        return self.train_labels.ndim == 2

    def first(self, n: int) -> Images:
        """At most n of each."""
        return Images(*(part[:n] for part in self))


def load() -> Images:
    """Scikit-learn's 8x8 digits, float32 in [0, 1], 70 % of each to train on."""
    bunch = load_digits()
    images = (bunch.images / 16).astype(np.float32)
    return Images(
        *train_test_split(
            images, bunch.target, test_size=0.3, stratify=bunch.target, random_state=0
        )
    )


def npz(name: str) -> Callable[[Path], Images]:
    """A loader of a file of arrays, split as its publishers did."""

    def load_file(folder: Path) -> Images:
        arrays = np.load(folder / f"{name}.npz")
        return Images(*(arrays[part] for part in ("x_train", "x_test", "y_train", "y_test")))

    return load_file


def stacked(digits: Images, n: int = STACKS) -> Images:
    """Three random digits as the channels of one image, as uint8.

    Held-out digits make the stacks that real ones are judged by: as many as are drawn.
    """
    rng = np.random.default_rng(0)
    stacks, labels = [], []
    for images, digit, count in (
        (digits.train, digits.train_labels, n),
        (digits.held_out, digits.held_out_labels, min(n, STACKS_DRAWN)),
    ):
        whole = images if images.dtype == np.uint8 else np.round(255 * images).astype(np.uint8)
        picks = rng.integers(len(images), size=(count, 3))
        stacks.append(np.stack([whole[picks[:, channel]] for channel in range(3)], axis=-1))
        labels.append(digit[picks])
    return Images(*stacks, *labels)


@dataclass(frozen=True)
class Dataset:
    """A set of images, and what it asks for."""

    load: Callable[[Path], Images]
    file: str = ""
    seeds: int = 3
    base: str = ""
    """Of stacks: the set that their channels are from."""
    bars: dict[str, str] = field(default_factory=dict)

    def available(self, folder: Path | None) -> bool:
        """Whether it is bundled, or its file is there."""
        return not self.file or (folder is not None and (folder / self.file).exists())


def drawn(images: Images) -> int:
    """How many are drawn: as many as there are to learn from, or as the protocol says."""
    return (
        min(STACKS_DRAWN, len(images.train))
        if images.stacked
        else max(len(images.train), DRAWN_AT_LEAST)
    )


DATASETS = {
    "digits": Dataset(
        lambda _: load(), bars={"accuracy": "≥ floor - .02", "fit_seconds": "≤ 240"}
    ),
    "stacked_digits": Dataset(
        lambda _: stacked(load()), base="digits", bars={"modes": "≥ 990", "kl": "≤ .10"}
    ),
    "usps": Dataset(npz("usps"), "usps.npz"),
    "mnist": Dataset(
        npz("mnist"), "mnist.npz", seeds=1,
        bars={
            "accuracy": "≥ .97", "coverage": "≥ .85", "kid_way": "≤ .20", "fit_seconds": "≤ 2700",
        },
    ),
    "stacked_mnist": Dataset(
        lambda folder: stacked(npz("mnist")(folder)), "mnist.npz", seeds=1, base="mnist",
        bars={"modes": "≥ 990"},
    ),
    "cifar10": Dataset(npz("cifar10_subset"), "cifar10_subset.npz", seeds=1),
}  # fmt: skip
