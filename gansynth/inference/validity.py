"""Whether what a file says holds together: its schema in itself, and its graph with the schema.

A digest tells damage, not malice: whoever changes a file can make the digest fit. What is read
here decides how much memory is taken and what libraries are asked to make, so that types, ranges
and sizes are checked before any of it is used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, get_args

import numpy as np

from gansynth.containers.columns import shorten
from gansynth.inference.generator import Generator
from gansynth.schema import FRAMES, Column, Kind, Pattern, Schema

MOST_PLACES = 1024
"""Characters of an identifier, digits of a decimal, and of text in numpy's arrays, if no label is
longer."""
MOST_NOISE = 1 << 20
MOST_PIXELS = 1 << 31
LABELS = (str, int, float, bool)
DTYPES = {
    "float": "f",
    "integer": "iu",
    "datetime": "i",
    "duration": "i",
    "decimal": "i",
    "boolean": "bi",
    "category": "i",
}
"""Kinds of numpy's dtypes that a graph may give a column in."""


def check_schema(schema: Schema) -> None:
    """Refuse a schema that none of :func:`gansynth.containers.read` could be.

    Raises
    ------
    ValueError
        Naming the entry that is wrong, and what it is.
    """
    for column in schema.columns:
        _check_column(column)
    _check_types(
        schema,
        "schema",
        {"dtype": str, "squeeze": bool, "pixels": str, "class_dtype": str},
    )
    _check_all("schema.dropped", schema.dropped, (str, int))
    _check_all("schema.constraints", schema.constraints, (str,))
    _check_all("schema.image_shape", schema.image_shape, (int,))
    sides = schema.image_shape
    proper = len(sides) == 3 and min(sides) > 0 and math.prod(sides) < MOST_PIXELS
    _require(proper or not sides, "schema.image_shape", sides)
    columns = math.prod(sides) if schema.pixels else 0
    _require(
        len(schema.columns) == columns if schema.is_image else schema.columns,
        "schema.columns",
        len(schema.columns),
    )
    names = [column.output for column in schema.columns]
    _require(len(set(names)) == len(names), "schema.columns", "twice of one name")
    longest = _longest(label for column in schema.columns for label in column.categories)
    if schema.container not in FRAMES:
        _check_dtype("schema.dtype", schema.dtype, longest)
    if schema.pixels:
        _require(schema.is_image, "schema.pixels", schema.pixels)
        _check_dtype("schema.pixels", schema.pixels, 0)
    _check_classes(schema)


def check_graph(schema: Schema, generator: Generator) -> None:
    """Refuse a graph that doesn't give what the schema has.

    Raises
    ------
    ValueError
        Naming the input or output that is wrong, and what it is.
    RuntimeError
        If ONNX Runtime can't run the graph.
    """
    session = generator.session
    inputs = {value.name: (value.type, value.shape) for value in session.get_inputs()}
    expected = {"z": "tensor(float)"} | ({"y": "tensor(int64)"} if schema.classes else {})
    _require({name: kind for name, (kind, _) in inputs.items()} == expected, "inputs", inputs)
    _require(_width(inputs["z"][1], most=MOST_NOISE), "input z", inputs["z"])
    columns = schema.modelled.columns
    for value in session.get_overridable_initializers():
        widths = {"condition": len(columns), "class_weights": len(schema.classes)}
        width = widths.get(value.name)
        _require(
            width is None or _width(value.shape, most=width) == width,
            f"input {value.name}",
            value.shape,
        )
    needed = ["image"] if schema.is_image else [column.output for column in columns]
    rows = generator.example
    if not schema.is_image and len(rows) == 1 and next(iter(rows.values())).ndim == 1:
        ((name, row),) = rows.items()
        numbers = all(column.kind in ("float", "integer") for column in columns)
        fits = numbers and row.shape == (len(columns),) and row.dtype.kind == "f"
        _require(fits, f"output {name}", f"{row.dtype} of shape {row.shape}")
        return
    _require(set(needed) <= set(rows), "outputs", sorted(rows))
    if schema.is_image:
        image = rows["image"]
        height, width, channels = schema.image_shape
        orders = ((height, width, channels), (channels, height, width))
        _require(image.shape in orders, "output image", image.shape)
        _require(image.dtype.kind in "iuf", "output image", image.dtype)
        return
    for column in columns:
        row = rows[column.output]
        _require(
            row.ndim == 0 and row.dtype.kind in DTYPES[column.kind],
            f"output {column.output}",
            f"{row.dtype} of shape {row.shape}",
        )


def check_codes(schema: Schema, data: dict[str, np.ndarray]) -> None:
    """Refuse codes that stand for no category.

    Raises
    ------
    ValueError
        Naming the column and the code.
    """
    for column in schema.columns:
        codes = data.get(column.output)
        if column.kind == "category" and codes is not None and len(codes):
            for code in (int(codes.min()), int(codes.max())):
                _require(-1 <= code < len(column.categories), f"a code of {column.name!r}", code)


def _check_column(column: Column) -> None:
    """Refuse a column that none of a container's readers would give."""
    place = "schema.columns"
    _require(type(column.name) in (str, int), f"{place}.name", column.name)
    place = f"{place}[{column.name!r}]"
    _require(column.kind in get_args(Kind), f"{place}.kind", column.kind)
    _require(column.stored in ("", *get_args(Kind)), f"{place}.stored", column.stored)
    texts = dict.fromkeys(("dtype", "unit", "timezone"), str)
    flags = dict.fromkeys(("ordered", "nullable", "derived"), bool)
    _check_types(column, place, {**texts, **flags, "local_step": int})
    _check_all(f"{place}.categories", column.categories, LABELS)
    labels = {(type(label), label) for label in column.categories}
    _require(len(labels) == len(column.categories), f"{place}.categories", "of equal labels")
    _check_all(f"{place}.range", column.range, (int, float))
    _require(len(column.range) in (0, 2), f"{place}.range", column.range)
    if re.search("[USV]", column.dtype):  # numpy's text: how wide it is, is memory
        _check_dtype(f"{place}.dtype", column.dtype, _longest(column.categories), foreign=True)
    if column.kind in ("datetime", "duration"):
        _require(re.fullmatch(r"\d{0,4}(Y|M|W|D|h|m|s|ms|us|ns)", column.unit), place, column.unit)
    if column.kind == "decimal":
        _require(re.fullmatch(r"1e-?\d{1,3}", column.unit), f"{place}.unit", column.unit)
    if column.local_step:
        local = column.kind == "datetime" and column.timezone and column.range
        _require(column.local_step > 0 and local, f"{place}.local_step", column.local_step)
    _require((column.kind == "identifier") == bool(column.identifier), place, column.kind)
    if column.identifier:
        _check_pattern(f"{place}.identifier", column.identifier)


def _check_pattern(place: str, pattern: Pattern) -> None:
    """Refuse a pattern that can't be drawn by."""
    _check_types(pattern, place, {"prefix": str, "digits": int})
    _check_all(f"{place}.characters", pattern.characters, (str,))
    _require(all(pattern.characters), f"{place}.characters", "empty at a place")
    _require(0 <= pattern.digits <= MOST_PLACES, f"{place}.digits", pattern.digits)
    if pattern.start is None:
        _require(0 < len(pattern.characters) <= MOST_PLACES, f"{place}.characters", "of no length")
    else:
        _require(
            type(pattern.start) is int and 0 <= pattern.start < 2**63,
            f"{place}.start",
            pattern.start,
        )


def _check_classes(schema: Schema) -> None:
    """Refuse classes that can't be drawn, or have no dtype."""
    _check_all("schema.classes", schema.classes, LABELS)
    _check_all("schema.class_counts", schema.class_counts, (int,))
    counts = schema.class_counts
    if schema.classes:
        _require(
            len(counts) == len(schema.classes) and min(counts) >= 0 and 0 < sum(counts) < 2**63,
            "schema.class_counts",
            counts,
        )
        _check_dtype("schema.class_dtype", schema.class_dtype, _longest(schema.classes))
        np.array(schema.classes, dtype=schema.class_dtype)


def _check_dtype(place: str, text: str, longest: int, *, foreign: bool = False) -> None:
    """Refuse what is no dtype of numpy's for values of columns, or is too wide."""
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError, SyntaxError):
        _require(foreign, place, text)
        return
    most = 4 * max(longest, MOST_PLACES) if dtype.kind == "U" else 16
    _require(dtype.kind in "biufOUMm" and dtype.itemsize <= most, place, text)


def _check_types(holder: Any, place: str, types: dict[str, type]) -> None:
    for name, kind in types.items():
        value = getattr(holder, name)
        _require(type(value) is kind, f"{place}.{name}", value)


def _check_all(place: str, values: Iterable[Any], types: tuple[type, ...]) -> None:
    for value in values:
        _require(type(value) in types, place, value)


def _longest(labels: Iterable[Any]) -> int:
    """Characters of the longest label."""
    return max((len(str(label)) for label in labels), default=0)


def _width(shape: list[Any], *, most: int) -> int:
    """Columns of a tensor of two dimensions, if their number is fixed and not more; or 0."""
    fixed = len(shape) == 2 and isinstance(shape[1], int) and 0 < shape[1] <= most
    return shape[1] if fixed else 0


def _require(holds: object, place: str, value: Any) -> None:
    if not holds:
        raise ValueError(f"{place} is {shorten([value])[:200]}")
