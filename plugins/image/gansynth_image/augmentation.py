"""Random changes of images that only the critic sees (Zhao et al. 2020, DiffAugment).

Every op has a second gradient, which those that resize or warp images have not, and shapes that
are known when it is compiled. There are no flips and no rotations: a 6 would be a 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from gansynth.architecture import Augmentation

FEW = 5_000
"""Fewer images than this are changed by default."""
SHIFT, CUT = 1 / 8, 1 / 2
"""Longest shift and the side of what is cut out, as shares of the image's side."""
COLOURS = {2: 1, 4: 3}
"""Channels that have a colour, by how many there are: the last one of 2 or 4 is opacity."""


def translated(images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Shift by whole pixels, up to an eighth of a side either way, and fill up with 0.

    0 is the middle of each channel's range. Edges that go on as they are would hide the shift, and
    a generator that shifts its images would then pass, too; a grey margin tells it (Karras et al.
    2020: such changes don't leak into samples).

    Parameters
    ----------
    images : tensor of float32, shape (n, h, w, c)
        In [-1, 1] or about.
    numbers : tensor of float32, shape (n, 2)
        From 0 to 1, exclusive.
    """
    for axis in (1, 2):
        side = images.shape[axis]
        most = _pixels(SHIFT, side)
        margins = [[most, most] if at == axis else [0, 0] for at in range(4)]
        first = _whole(numbers[:, axis - 1], 2 * most + 1)
        places = first[:, None] + tf.range(side)
        images = tf.gather(tf.pad(images, margins), places, axis=axis, batch_dims=1)
    return images


def cut(images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Set a rectangle of half the sides to 0, centred anywhere (DeVries and Taylor 2017)."""
    inside = []
    for axis in (1, 2):
        side = images.shape[axis]
        size = _pixels(CUT, side)
        centre = _whole(numbers[:, axis - 1], side + 1 - size % 2)
        since = tf.range(side) - centre[:, None] + size // 2
        inside.append((since >= 0) & (since < size))
    rows, columns = inside
    both = rows[:, :, None, None] & columns[:, None, :, None]
    return images * tf.cast(~both, images.dtype)


def coloured(images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Change brightness, then saturation where there are colours, then contrast.

    Opacity stays as it is (see :data:`COLOURS`).
    """
    channels = images.shape[-1]
    colours = COLOURS.get(channels, channels)
    images, opacity = images[..., :colours], images[..., colours:]
    brightness, saturation, contrast = tf.unstack(numbers[:, :, None, None, None], axis=1)
    images += brightness - 0.5
    if colours > 1:
        grey = tf.reduce_mean(images, axis=3, keepdims=True)
        images = grey + 2.0 * saturation * (images - grey)
    middle = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = middle + (contrast + 0.5) * (images - middle)
    return tf.concat([images, opacity], axis=3)


CHANGES = {"colour": (coloured, 3), "translation": (translated, 2), "cutout": (cut, 2)}
"""What changes images and how many random numbers it takes, in the order in which it does."""


@dataclass(frozen=True)
class DiffAugment(Augmentation):
    """Changes of images, by name.

    Parameters
    ----------
    changes : tuple of str
        Of :data:`CHANGES`, in that order.
    """

    changes: tuple[str, ...]

    @property
    def numbers(self) -> int:
        return sum(CHANGES[name][1] for name in self.changes)

    def __call__(self, rows: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        parts = tf.split(numbers, [CHANGES[name][1] for name in self.changes], axis=1)
        for name, part in zip(self.changes, parts, strict=True):
            rows = CHANGES[name][0](rows, part)
        return rows


def resolve(
    wanted: str | Sequence[str] | None, n_images: int, shape: tuple[int, ...]
) -> DiffAugment | None:
    """What to change, from what is asked for.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    if isinstance(wanted, str) and wanted == "auto":
        names = _suited(n_images, shape)
    elif wanted is None:
        names = set()
    else:
        names = set(wanted if isinstance(wanted, tuple | list) else (wanted,))
    if not names <= set(CHANGES):
        raise ValueError(
            f"augmentation={wanted!r} is unknown. Use 'auto', None, or one or several of "
            f"{', '.join(map(repr, CHANGES))}."
        )
    return DiffAugment(tuple(name for name in CHANGES if name in names)) if names else None


def _suited(n_images: int, shape: tuple[int, ...]) -> set[str]:
    """What to change by default: nothing of many images, nor colours of grey ones."""
    if n_images >= FEW:
        return set()
    return set(CHANGES) - ({"colour"} if shape[-1] < 3 else set())


def _pixels(share: float, side: int) -> int:
    """A share of a side, rounded half up."""
    return int(share * side + 0.5)


def _whole(numbers: tf.Tensor, n: int) -> tf.Tensor:
    """Whole numbers from 0 to n, exclusive, of numbers from 0 to 1."""
    # The largest float32 below 1, times n, may round up to n.
    return tf.minimum(tf.cast(numbers * n, tf.int32), n - 1)
