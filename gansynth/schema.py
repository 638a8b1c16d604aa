"""What the data are: container, columns, dtypes, image shape, classes; to and from JSON.

A schema is all that is needed to hand generated arrays back in the form that X came in.
Between containers and networks, data travel in a *neutral form*: a dict of numpy arrays.

=========  =======================================  ==============================
kind       neutral array                            a missing value
=========  =======================================  ==============================
float      float32 or float64                       NaN
integer    int64                                    :data:`MISSING_INTEGER`
datetime   int64, of ``Column.unit`` since 1970     :data:`MISSING_INTEGER`
duration   int64, of ``Column.unit``                :data:`MISSING_INTEGER`
decimal    int64, of ``Column.unit``                :data:`MISSING_INTEGER`
boolean    bool, or int64 codes 0, 1 if nullable    :data:`MISSING_CODE`
category   int64 codes into ``Column.categories``   :data:`MISSING_CODE`
=========  =======================================  ==============================

Columns of identifiers are in no neutral form: they are made anew, by :attr:`Column.identifier`.
Images are ``{"image": array}``. The exported graph's outputs have the same form, so what
is read from a container and what is written to it are exact inverses.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

MISSING_CODE = -1
MISSING_INTEGER = int(np.iinfo(np.int64).min)

Kind = Literal[
    "float", "integer", "datetime", "duration", "decimal", "boolean", "category", "identifier"
]
Container = Literal[
    "pandas",
    "polars",
    "pyarrow",
    "numpy",
    "list",
    "bsr_array",
    "bsr_matrix",
    "coo_array",
    "coo_matrix",
    "csc_array",
    "csc_matrix",
    "csr_array",
    "csr_matrix",
    "dia_array",
    "dia_matrix",
    "dok_array",
    "dok_matrix",
    "lil_array",
    "lil_matrix",
]
FRAMES: tuple[Container, ...] = ("pandas", "polars", "pyarrow")
"""Containers whose columns have names and dtypes of their own."""
WHOLE_KINDS = ("integer", "datetime", "duration", "decimal")
"""Kinds whose neutral array holds whole numbers, :data:`MISSING_INTEGER` where missing."""
INPUT_NAMES = ("z", "y", "class_weights", "condition")


@dataclass(frozen=True)
class Pattern:
    """What identifiers look like, so that new ones can be made.

    Attributes
    ----------
    prefix : str
        What all that count begin with.
    start : int or None
        The first new number of those that count; None if they don't.
    digits : int
        Digits that such a number has at least, in a string; 0 for identifiers that are numbers.
    characters : tuple of str
        Characters that each place may have, of identifiers that don't count.
    """

    prefix: str = ""
    start: int | None = None
    digits: int = 0
    characters: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many different strings have such characters."""
        return math.prod(map(len, self.characters))


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str or int
        As in the container.
    kind : str
        How its values are modelled: one of the kinds above; or "identifier": not at all.
    dtype : str
        Its dtype as the container names it.
    categories : tuple
        Labels of a category, in code order; empty for other kinds.
    ordered : bool
        Whether the categories have an order.
    nullable : bool
        Whether values were missing in the data.
    unit : str
        What 1 is in a neutral array of datetimes or durations: "D", "s", "ms", "us" or "ns" (or
        what else numpy knows); of decimals: "1e-2", if they have two places.
    timezone : str
        Time zone of datetimes, which are in UTC in a neutral array; empty without one.
    range : tuple of (float, float)
        Least and largest number of its neutral array; empty without any, and before a fit.
    local_step : int
        What local times are apart by multiples of, from the earliest on, where times in UTC are
        not: midnights, of a time zone with summer time. 0 for other columns.
    stored : str
        The kind that the container has it as, if it is modelled as another one.
    identifier : Pattern or None
        What it is made anew by, if it holds identifiers.
    derived : bool
        Whether a constraint makes its values from those of other columns.
    """

    name: str | int
    kind: Kind
    dtype: str
    categories: tuple[Any, ...] = ()
    ordered: bool = False
    nullable: bool = False
    unit: str = ""
    timezone: str = ""
    range: tuple[float, ...] = ()
    local_step: int = 0
    stored: Kind | Literal[""] = ""
    identifier: Pattern | None = None
    derived: bool = False

    @property
    def output(self) -> str:
        """Name of the column in neutral form and in the exported graph."""
        name = str(self.name)
        return f"{name}_" if name in INPUT_NAMES else name


@dataclass(frozen=True)
class Schema:
    """What X holds, and y if there was one.

    Attributes
    ----------
    container : str
        What X came in, and what samples are returned in: "pandas", "polars", "pyarrow", "numpy",
        "list", or the name of a sparse class of scipy, such as "csr_matrix".
    columns : tuple of Column
        Columns of a table or of a 2-D array; empty for images, unless they came flat.
    image_shape : tuple of int
        (height, width, channels) of images; empty for tables.
    dtype : str
        Numpy dtype of an array; empty for data frames.
    squeeze : bool
        Whether images came without their channel axis, as (n, h, w).
    pixels : str
        Numpy dtype of images that came flat, as rows of columns; empty for all else.
    classes : tuple
        Labels of y, in code order; empty without y.
    class_counts : tuple of int
        Rows of each class in the training data.
    class_dtype : str
        Numpy dtype of y.
    dropped : tuple of str or int
        Names of columns that X had, and that samples don't have.
    constraints : tuple of str
        What holds in every row; see :mod:`gansynth.constraints`.
    """

    container: Container
    columns: tuple[Column, ...] = ()
    image_shape: tuple[int, ...] = ()
    dtype: str = ""
    squeeze: bool = False
    pixels: str = ""
    classes: tuple[Any, ...] = ()
    class_counts: tuple[int, ...] = ()
    class_dtype: str = ""
    dropped: tuple[str | int, ...] = ()
    constraints: tuple[str, ...] = ()

    @property
    def modelled(self) -> Schema:
        """The schema of what there is to learn: without identifiers, and of images alone."""
        if self.pixels:
            return replace(self, columns=(), dtype=self.pixels, pixels="")
        columns = tuple(column for column in self.columns if column.kind != "identifier")
        return replace(self, columns=columns)

    @property
    def unfolded(self) -> Schema:
        """The schema of the table that images came in."""
        return replace(self, image_shape=(), pixels="")

    @property
    def is_image(self) -> bool:
        """Whether X holds images."""
        return bool(self.image_shape)

    def to_json(self) -> str:
        """Serialise; :meth:`from_json` gives an equal schema back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Read what :meth:`to_json` wrote; a ValueError, if it names no container."""
        fields = json.loads(text)
        fields["columns"] = tuple(_column(**column) for column in fields["columns"])
        for name in ("image_shape", "classes", "class_counts", "dropped", "constraints"):
            fields[name] = tuple(fields.get(name, ()))
        if fields["container"] not in get_args(Container):
            raise ValueError(f"container {fields['container']!r} is unknown")
        return cls(**fields)


def _column(**fields: Any) -> Column:
    """A column of its JSON."""
    for name in ("categories", "range"):
        fields[name] = tuple(fields.get(name, ()))
    if pattern := fields.get("identifier"):
        pattern["characters"] = tuple(pattern["characters"])
        fields["identifier"] = Pattern(**pattern)
    return Column(**fields)


def missing_value(column: Column) -> float | int:
    """What stands for a missing value in neutral form."""
    if column.kind == "float":
        return np.nan
    return MISSING_INTEGER if column.kind in WHOLE_KINDS else MISSING_CODE


def output_dtype(column: Column, values: np.ndarray) -> np.dtype:
    """Dtype that a graph gives a column in: the user's own where ONNX has it."""
    if column.kind != "integer" or column.nullable:
        return values.dtype
    try:
        dtype = np.dtype(column.dtype.split("[")[0].lower())
    except TypeError:
        return values.dtype
    return dtype if dtype.kind in "iu" else values.dtype
