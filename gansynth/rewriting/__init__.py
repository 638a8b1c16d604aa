"""From constraints to columns that can be modelled freely, and cannot break them.

Before training, data are rewritten: a column that is computed is left out, one that has to be
above another becomes its distance from it, columns with fixed combinations become one. The way
back is part of the exported graph (:mod:`gansynth.training.restored`). So architectures need
not know of constraints, and none of their rows can break one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gansynth.constraints import Constraint
from gansynth.rewriting.checks import breaking, check
from gansynth.rewriting.planning import named, planned
from gansynth.rewriting.steps import Clipped, Step
from gansynth.schema import Column, Schema

__all__ = ["Rewriting", "check_same", "plan", "share_kept"]


@dataclass(frozen=True)
class Rewriting:
    """How a table is modelled, so that constraints are kept.

    Attributes
    ----------
    constraints : tuple of Constraint
        What is kept.
    columns : tuple of Column
        Columns of the data, without identifiers.
    modelled : tuple of Column
        Columns that are modelled instead.
    steps : tuple
        What leads from the latter back to the former, in this order.
    """

    constraints: tuple[Constraint, ...]
    columns: tuple[Column, ...]
    modelled: tuple[Column, ...]
    steps: tuple[Step, ...]

    def check(self, data: Mapping[str, np.ndarray]) -> None:
        """Refuse data that break a constraint.

        Raises
        ------
        ValueError
            Naming the constraint, and a row.
        """
        _check(self.constraints, self.columns, data)

    def apply(self, data: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Rewrite data that keep the constraints.

        Raises
        ------
        ValueError
            If fixed columns have a combination that was not in the data of :func:`plan`.
        """
        values = {**data}
        for step in self.steps:
            values.update((column.output, array) for column, array in step.modelled(data))
        return {column.output: values[column.output] for column in self.modelled}

    def marked(self, schema: Schema) -> Schema:
        """A schema that says which columns come from others, and by which constraints."""
        made = [c.output for s in self.steps if not isinstance(s, Clipped) for c in s.made]
        columns = (replace(c, derived=c.output in made) for c in schema.columns)
        texts = tuple(map(repr, self.constraints))
        return replace(schema, columns=tuple(columns), constraints=texts)


def plan(
    constraints: Sequence[Constraint] | None, schema: Schema, data: Mapping[str, np.ndarray]
) -> Rewriting | None:
    """Find a way to keep constraints.

    Parameters
    ----------
    constraints : sequence of Constraint, or None
        What is to hold in every row.
    schema : Schema
        What the data are.
    data : mapping of str to ndarray
        Neutral arrays, without identifiers.

    Returns
    -------
    Rewriting or None
        None if there is nothing to keep.

    Raises
    ------
    TypeError
        If one is no constraint.
    ValueError
        If one names a column that is not there or holds what it can't be about, is broken by
        the data, or can't be kept together with another one.
    """
    if not constraints:
        return None
    for constraint in constraints:
        if not isinstance(constraint, Constraint):
            raise TypeError(
                f"constraints holds {constraint!r}, which is none. Use Range, Inequality, "
                "FixedCombinations and Formula of gansynth.constraints."
            )
    if schema.is_image:
        raise ValueError(
            f"constraints={list(constraints)!r} are about columns, but X holds images. Leave them "
            "out."
        )
    unique = tuple(dict.fromkeys(constraints))
    for constraint in unique:
        named(constraint, schema)
    _check(unique, schema.modelled.columns, data)
    steps = planned(unique, schema, data)
    return Rewriting(unique, schema.modelled.columns, _modelled(schema, steps, data), steps)


def share_kept(constraint: Constraint, schema: Schema, data: Mapping[str, np.ndarray]) -> float:
    """Share of rows that keep a range, an inequality or a formula.

    Parameters
    ----------
    constraint : Range, Inequality or Formula
        The constraint.
    schema : Schema
        What the data are.
    data : mapping of str to ndarray
        Neutral arrays, of one row at least.

    Returns
    -------
    float
        From 0 to 1; missing values break nothing.

    Raises
    ------
    TypeError, ValueError
        If it is another constraint, or about columns that are not there.
    """
    by_name = {str(column.name): column for column in schema.modelled.columns}
    return 1.0 - float(breaking(constraint, by_name, data)[0].mean())


def check_same(constraints: Sequence[Constraint] | None, schema: Schema) -> None:
    """Refuse constraints other than those of the fit that another one goes on from.

    Raises
    ------
    ValueError
        Saying what to do.
    """
    now = tuple(map(repr, dict.fromkeys(constraints or ())))
    if now != schema.constraints:
        raise ValueError(
            f"constraints={list(constraints or ())!r} differ from those of the fit that this one "
            f"goes on from, [{', '.join(schema.constraints)}]. Set them back, or start afresh: fit "
            "with warm_start=False, or a sklearn.base.clone of the sampler."
        )


def _check(
    constraints: Sequence[Constraint],
    columns: Sequence[Column],
    data: Mapping[str, np.ndarray],
) -> None:
    by_name = {str(column.name): column for column in columns}
    for constraint in constraints:
        check(constraint, by_name, data)


def _modelled(schema: Schema, steps: Sequence[Step], data: Mapping[str, Any]) -> tuple[Column, ...]:
    """Columns to model: each in the place of the first that it stands for."""
    instead = {}
    for step in steps:
        first, *others = (column.output for column in step.made)
        instead[first] = [column for column, _ in step.modelled(data)]
        instead |= {output: [] for output in others}
    columns = schema.modelled.columns
    return tuple(new for c in columns for new in instead.get(c.output, [c]))
