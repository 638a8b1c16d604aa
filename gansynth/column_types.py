"""What each column of a table is taken for: by what it holds, or as the user wants it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gansynth import identifiers
from gansynth.containers.columns import missing_in, shorten
from gansynth.containers.conversions import model_as
from gansynth.containers.temporal import local_step
from gansynth.schema import FRAMES, Column, Schema

TYPES = (
    *("float", "integer", "boolean", "category", "datetime", "duration", "decimal"),
    *("identifier", "drop"),
)
"""What a column can be declared to be."""

FEWEST_TEXTS = 20
WORDS_OF_A_TEXT = 5
LENGTH_OF_A_TEXT = 30
_CATEGORICALS = ("category", "Categorical", "Enum", "dictionary")


def check(column_types: Mapping[Any, Any] | None) -> None:
    """Refuse types that are none.

    Raises
    ------
    ValueError
        Naming the column, the type and those there are.
    """
    for name, wanted in (column_types or {}).items():
        if wanted not in TYPES:
            raise ValueError(
                f"column_types={{{name!r}: {wanted!r}}} is unknown. Use one of {', '.join(TYPES)}."
            )


def dropped(column_types: Mapping[Any, Any] | None) -> tuple[Any, ...]:
    """Names of the columns to leave out."""
    return tuple(name for name, wanted in (column_types or {}).items() if wanted == "drop")


def settle(
    schema: Schema, data: Mapping[str, np.ndarray], column_types: Mapping[Any, Any] | None
) -> tuple[Schema, dict[str, np.ndarray]]:
    """Decide what each column is.

    Parameters
    ----------
    schema : Schema
        Of what was read, without the columns that are dropped.
    data : mapping of str to ndarray
        Neutral arrays.
    column_types : mapping of column name to str, or None
        What columns are wanted as.

    Returns
    -------
    schema : Schema
        With identifiers that were recognised or declared, and the ranges of numbers.
    data : dict of str to ndarray
        Neutral arrays of the other columns.

    Raises
    ------
    ValueError
        If a name is unknown, a column can't be what is wanted, strings are free text, or there
        is nothing but identifiers.
    """
    wanted = {k: v for k, v in (column_types or {}).items() if v != "drop"}
    if schema.is_image:
        if column_types:
            raise ValueError(
                f"column_types={dict(column_types)!r} is about columns, but X holds images. Leave "
                "it out."
            )
        return schema, dict(data)
    check_names(schema, column_types or {})
    # In an array of numbers, they all are measured alike.
    mixed = schema.container in FRAMES or (
        schema.dtype == "object" and not {c.kind for c in schema.columns} <= {"integer", "float"}
    )
    columns, values = [], {}
    for column in schema.columns:
        array = data[column.output]
        if column.name in wanted:
            column, array = _as_wanted(column, array, wanted[column.name])
        elif mixed and not column.dtype.startswith(_CATEGORICALS):
            column = _as_recognised(column, array)
        if column.kind != "identifier":
            values[column.output] = array
            step = local_step(column, array) if column.kind == "datetime" else 0
            column = replace(column, range=_range(column, array), local_step=step)
        columns.append(column)
    texts = [c.name for c in columns if c.name not in wanted and _is_text(c, data[c.output])]
    if texts:
        raise _refused(texts)
    if not values:
        names = shorten([column.name for column in columns])
        raise ValueError(
            f"All columns of X are identifiers: {names}. There is nothing to learn from them; add "
            f"columns, or say what they are, as column_types={{{columns[0].name!r}: 'category'}}."
        )
    return replace(schema, columns=tuple(columns)), values


def check_names(schema: Schema, wanted: Mapping[Any, Any]) -> None:
    """Refuse names of columns that are not there."""
    known = [*(column.name for column in schema.columns), *schema.dropped]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(str(name), map(str, known), 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"column_types names the column {name!r}, but X has the columns {shorten(known)}."
                f"{meant}"
            )


def _as_wanted(column: Column, values: np.ndarray, wanted: Any) -> tuple[Column, np.ndarray]:
    if wanted != "identifier":
        return model_as(column, values, wanted)
    present = values[~missing_in(column, values)]
    pattern = None
    if column.kind == "category" and not column.dtype.startswith(_CATEGORICALS):
        labels = [column.categories[code] for code in np.unique(present)]
        pattern = identifiers.pattern_of(labels) if labels else None
    elif column.kind in ("integer", "float"):
        whole = model_as(replace(column, stored=""), values, "integer")[1]
        pattern = identifiers.pattern_of(whole[~missing_in(column, values)])
    if pattern is None:
        shown = ""
        if column.kind == "category":
            shown = f", such as {shorten(column.categories[:2])}"
        raise ValueError(
            f"column_types={{{column.name!r}: 'identifier'}} can't be: its values, of dtype "
            f"{column.dtype}{shown}, are neither whole numbers nor strings of one length, nor "
            "strings with one beginning and a number after it. Use 'drop' to leave it out, or "
            "'category'."
        )
    return _identifier(column, pattern), values


def _as_recognised(column: Column, values: np.ndarray) -> Column:
    pattern = identifiers.recognise(column, values)
    return column if pattern is None else _identifier(column, pattern)


def _identifier(column: Column, pattern: Any) -> Column:
    # Labels of a million rows are of no use any more.
    return replace(
        column,
        kind="identifier",
        stored=column.kind,
        identifier=pattern,
        categories=(),
        nullable=False,
    )


def _range(column: Column, values: np.ndarray) -> tuple[float, ...]:
    present = values[~missing_in(column, values)]
    if column.kind in ("category", "boolean") or not len(present):
        return ()
    return present.min().item(), present.max().item()


def _is_text(column: Column, values: np.ndarray) -> bool:
    """Whether strings are sentences: most of them different, of several words, and long."""
    labels = column.categories
    if column.kind != "category" or column.dtype.startswith(_CATEGORICALS):
        return False
    if len(labels) < FEWEST_TEXTS or not all(isinstance(label, str) for label in labels):
        return False
    if len(labels) < 0.5 * np.count_nonzero(values >= 0):
        return False
    # Every so many: labels are sorted, and need not all be looked at.
    some = labels[:: max(len(labels) // 1000, 1)]
    words = np.median([label.count(" ") + 1 for label in some])
    length = np.median([len(label) for label in some])
    return bool(words >= WORDS_OF_A_TEXT and length >= LENGTH_OF_A_TEXT)


def _refused(names: list[Any]) -> ValueError:
    drop = ", ".join(f"{name!r}: 'drop'" for name in names)
    hold = f"Columns {shorten(names)} hold" if len(names) > 1 else f"Column {names[0]!r} holds"
    return ValueError(
        f"{hold} free text, which is not modelled. Leave it out by column_types={{{drop}}}, or "
        "take each text for a label, by 'category' instead of 'drop': samples then repeat texts of "
        "the data."
    )
