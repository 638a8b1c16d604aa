"""Images that come as the rows of a table, a column for each value of each pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from gansynth.containers import columns as neutral
from gansynth.schema import Schema, output_dtype

NUMBERS = ("float", "integer", "boolean")


def fold(
    schema: Schema, data: Mapping[str, np.ndarray], shape: Sequence[int]
) -> tuple[Schema, dict[str, np.ndarray]]:
    """Make images of rows.

    Parameters
    ----------
    schema : Schema
        Of a table.
    data : mapping of str to ndarray
        Neutral arrays.
    shape : (int, int) or (int, int, int)
        Height and width, and channels if there are several, which change fastest.

    Returns
    -------
    schema : Schema
        Of the images, and of the columns they came in.
    data : dict of str to ndarray
        ``{"image": array}``.

    Raises
    ------
    ValueError
        If the columns are not as many as an image has values, or aren't all numbers.
    """
    if schema.is_image:
        raise ValueError(
            f"image_shape={tuple(shape)} is for rows of pixels, but X holds images of shape "
            f"{schema.image_shape} already. Leave it out."
        )
    if len(shape) not in (2, 3) or not all(isinstance(side, int | np.integer) for side in shape):
        raise ValueError(
            f"image_shape={shape!r} is no shape of images. Use (height, width) or (height, "
            "width, channels)."
        )
    if min(shape) < 1 or prod(shape) != len(schema.columns):
        raise ValueError(
            f"image_shape={tuple(shape)} makes {prod(shape)} values an image, but X has "
            f"{len(schema.columns)} columns. Drop columns that are no pixels, or mend the shape."
        )
    others = [column.name for column in schema.columns if column.kind not in NUMBERS]
    if others:
        raise ValueError(
            f"Columns {neutral.shorten(others)} hold no numbers, so X can't be images of "
            f"image_shape={tuple(shape)}. Drop them, or leave image_shape out."
        )
    dtypes = [output_dtype(column, data[column.output]) for column in schema.columns]
    sides = tuple(int(side) for side in (*shape, 1)[:3])
    found = replace(schema, image_shape=sides, pixels=str(np.result_type(*dtypes)))
    return found, images(found, data)


def images(schema: Schema, data: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Images of rows that have been read under a schema of flat images."""
    holes = [c.name for c in schema.columns if neutral.missing_in(c, data[c.output]).any()]
    if holes:
        raise ValueError(
            f"Columns {neutral.shorten(holes)} of X have missing values, which pixels can't "
            "have. Fill them, or drop those rows."
        )
    rows = np.stack([data[column.output] for column in schema.columns], axis=1)
    pixels = rows.astype(schema.pixels)
    if pixels.dtype.kind != "f" and not np.array_equal(pixels, rows):
        raise ValueError(
            f"X has values from {rows.min()} to {rows.max()}, which {schema.pixels} can't hold, "
            "the dtype of the rows that were fitted. Scale them, as those were."
        )
    return {"image": neutral.brightness(pixels.reshape(-1, *schema.image_shape))}


def unfold(schema: Schema, data: Mapping[str, np.ndarray]) -> tuple[Schema, dict[str, np.ndarray]]:
    """The table that images came in: the inverse of :func:`fold`."""
    flat = data["image"].reshape(-1, len(schema.columns))
    kinds = {"integer": np.dtype(np.int64), "boolean": np.dtype(bool)}
    values = {
        column.output: neutral.cast(flat[:, j], kinds.get(column.kind, flat.dtype))
        for j, column in enumerate(schema.columns)
    }
    return schema.unfolded, values
