"""What was learned, as a small table for notebooks: HTML without scripts or styles of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from gansynth import identifiers
from gansynth.schema import Column, Schema

MOST_COLUMNS = 100
CONTAINERS = {
    "pandas": "pandas data frame",
    "polars": "polars data frame",
    "pyarrow": "pyarrow table",
    "numpy": "numpy array",
    "list": "list of rows",
}


def details(schema: Schema, facts: Mapping[str, Any]) -> str:
    """HTML of what a model has learned, folded up.

    Parameters
    ----------
    schema : Schema
        What the data held.
    facts : mapping of str to object
        What else there is to tell: names, and values that ``str`` writes.

    Returns
    -------
    str
        A ``<details>`` element: a list of the facts, and a table of the columns.
    """
    parts = [f"<details><summary>{escape(title(schema))}</summary><dl>"]
    parts += [f"<dt>{escape(name)}</dt><dd>{escape(str(facts[name]))}</dd>" for name in facts]
    parts.append("</dl>")
    if schema.columns and not schema.is_image:
        parts.append(_table(schema))
    return "".join(parts) + "</details>"


def title(schema: Schema) -> str:
    """What the data were, in a few words."""
    classes = f", {len(schema.classes)} classes" if schema.classes else ""
    if schema.is_image:
        return f"Images of {' x '.join(map(str, schema.image_shape))}{classes}"
    several = "s" if len(schema.columns) > 1 else ""
    container = CONTAINERS[schema.container]
    return f"{len(schema.columns)} column{several} of a {container}{classes}"


def notes(column: Column) -> str:
    """What there is to say of a column, besides name, kind and dtype."""
    said = []
    if column.kind == "identifier":
        said.append(f"made anew, such as {identifiers.draw(column, 0, 0, 1)[0]}")
    elif column.kind == "category":
        count = len(column.categories)
        labels = "category" if count == 1 else "categories"
        said.append(f"{count:,} {'ordered ' * column.ordered}{labels}")
    elif column.range:
        least, largest = (_shown(column, value) for value in column.range)
        said.append(least if least == largest else f"{least} to {largest}")
    if column.timezone:
        said.append(column.timezone)
    if column.nullable:
        said.append("missing values")
    if column.derived:
        said.append("by a constraint")
    return ", ".join(said)


def _table(schema: Schema) -> str:
    rows = [
        f'<tr><th scope="row">{escape(str(column.name))}</th><td>{column.kind}</td>'
        f"<td>{escape(column.dtype)}</td><td>{escape(notes(column))}</td></tr>"
        for column in schema.columns[:MOST_COLUMNS]
    ]
    further = len(schema.columns) - len(rows)
    if further > 0:
        rows.append(f'<tr><td colspan="4">and {further:,} more</td></tr>')
    rows += [
        f'<tr><td colspan="4">constraint: {escape(text)}</td></tr>' for text in schema.constraints
    ]
    if schema.dropped:
        names = escape(", ".join(map(str, schema.dropped)))
        rows.append(f'<tr><td colspan="4">dropped: {names}</td></tr>')
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("name", "kind", "dtype", "values"))
    return (
        f"<table><caption>Columns</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _shown(column: Column, value: float) -> str:
    """A number of a neutral array as what it stands for."""
    unit: Any = column.unit
    if column.kind == "datetime":
        return str(np.datetime64(int(value), unit)).replace("T", " ")
    if column.kind == "duration":
        span = np.timedelta64(int(value), unit)
        shorter = span.astype("m8[us]").item()
        return str(shorter if isinstance(shorter, dt.timedelta) else span)
    if column.kind == "decimal":
        places = -int(column.unit.removeprefix("1e"))
        return f"{value / 10.0**places:,.{max(places, 0)}f}"
    return f"{value:.4g}" if column.kind == "float" else f"{value}"
