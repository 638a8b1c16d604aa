"""Images to numbers in [-1, 1], and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gansynth.architecture import Codec

SMALLEST_SIDE = 4


class ImageCodec(Codec):
    """Scales every channel from the range it has in the data to [-1, 1].

    A channel of its own range lets a constant one (an opaque alpha, say) stay constant.

    Parameters
    ----------
    images : ndarray, shape (n, h, w, c)
        Training images, of any real dtype.
    dtype : str
        The user's dtype, which images are decoded to.
    value_range : (float, float) or None
        Range of all channels; None for the one that each has in the data.

    Attributes
    ----------
    layout : tuple of int
        (h, w, c).
    low, high : ndarray of float64, shape (c,)
        Range of each channel.
    dtype : numpy.dtype
        As given.

    Raises
    ------
    ValueError
        If a side is shorter than 4 pixels, a value is not finite, or out of the range.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth_image import ImageCodec
    >>> images = np.repeat([0, 9], 16).astype("uint8").reshape(2, 4, 4, 1)
    >>> codec = ImageCodec(images, "uint8")
    >>> codec.encode({"image": images}, np.random.default_rng(0))[:, 0, 0, 0]
    array([-1.,  1.], dtype=float32)
    """

    def __init__(
        self, images: np.ndarray, dtype: str, value_range: tuple[float, float] | None = None
    ) -> None:
        height, width, channels = images.shape[1:]
        if min(height, width) < SMALLEST_SIDE:
            raise ValueError(
                f"X holds images of {height}x{width} pixels, but the image architecture needs "
                f"{SMALLEST_SIDE} or more a side. Pad or enlarge them, or pass X.reshape(len(X), "
                "-1) to learn the pixels as columns of a table."
            )
        self.layout = (height, width, channels)
        self.low = images.min(axis=(0, 1, 2)).astype(np.float64)
        self.high = images.max(axis=(0, 1, 2)).astype(np.float64)
        if not np.isfinite([self.low, self.high]).all():
            broken = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2, 3)))
            raise ValueError(
                f"X has NaN or infinite values in {len(broken)} of {len(images)} images, the "
                f"first in image {broken[0]}. Fill them in or drop those images."
            )
        self.dtype = np.dtype(dtype)
        if value_range is not None:
            least, most = value_range
            outside = np.flatnonzero(((images < least) | (images > most)).any(axis=(1, 2, 3)))
            if len(outside):
                raise ValueError(
                    f"X has values from {self.low.min():g} to {self.high.max():g}, outside "
                    f"value_range=({least:g}, {most:g}), in {len(outside)} of {len(images)} "
                    f"images, the first in image {outside[0]}. Scale X, or mend the range."
                )
            self.low, self.high = (np.full(channels, float(end)) for end in value_range)

    @property
    def centre(self) -> np.ndarray:
        """Middle of each channel's range: 0 in an encoded image."""
        return 0.5 * self.low + 0.5 * self.high

    @property
    def half(self) -> np.ndarray:
        """Half of each channel's range; 0 where the channel is constant."""
        return 0.5 * self.high - 0.5 * self.low

    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Scale to [-1, 1]; a constant channel is 0."""
        images = data["image"]
        scale = np.where(self.half > 0, self.half, 1.0)
        rows = np.empty(images.shape, np.float32)
        for channel in range(images.shape[-1]):
            # One channel at a time: all at once would be float64 copies of all images.
            centred = images[..., channel] - self.centre[channel]
            rows[..., channel] = centred / scale[channel]
        return rows

    def decode(self, rows: Any) -> dict[str, Any]:
        """Scale back, clip to the range of the data, and round where the dtype is whole."""
        from gansynth_image import ends

        return {"image": ends.decode(rows, self)}
