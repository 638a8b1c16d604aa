"""Which column is to follow from which others, and in what order."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gansynth import expressions
from gansynth.constraints import Constraint, FixedCombinations, Formula, Inequality, Range
from gansynth.containers.columns import shorten
from gansynth.rewriting.checks import impossible
from gansynth.rewriting.steps import Beyond, Clipped, Computed, Joined, Step
from gansynth.schema import Column, Schema

Data = Mapping[str, np.ndarray]


def named(constraint: Constraint, schema: Schema) -> list[Column]:
    """Columns that a constraint names.

    Raises
    ------
    ValueError
        If one is not there, or is not modelled.
    """
    match constraint:
        case Range():
            names: Sequence[str | int] = (constraint.column,)
        case Inequality():
            names = (constraint.low, constraint.high)
        case FixedCombinations():
            names = constraint.columns
        case Formula():
            names = (constraint.column, *expressions.parse(constraint.expression).names)
        case _:
            names = ()
    by_name = {str(column.name): column for column in schema.columns}
    for name in map(str, names):
        if name in map(str, schema.dropped):
            raise impossible(constraint, f"column {name!r} is dropped by column_types")
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            known = shorten([column.name for column in schema.columns])
            raise impossible(
                constraint, f"X has no column {name!r}, but the columns {known}{meant}"
            )
        if by_name[name].kind == "identifier":
            raise impossible(
                constraint,
                f"column {name!r} is taken for an identifier, which is made anew and not "
                f"modelled; say what it is instead, as by column_types={{{name!r}: 'integer'}}",
            )
    return [by_name[str(name)] for name in names]


def planned(constraints: Sequence[Constraint], schema: Schema, data: Data) -> tuple[Step, ...]:
    """Steps that keep constraints, in the order in which columns are given back.

    Raises
    ------
    ValueError
        If constraints can't be kept together.
    """
    plan = _Plan(schema, data)
    for kind in (FixedCombinations, Formula, Inequality, Range):
        for constraint in constraints:
            if isinstance(constraint, kind):
                plan.add(constraint)
    return plan.steps()


@dataclass
class _Bounds:
    """Inequalities that a column follows from."""

    sign: int
    others: dict[Column, bool] = field(default_factory=dict)
    sources: list[Inequality] = field(default_factory=list)


class _Plan:
    """Constraints, and who sees to what."""

    def __init__(self, schema: Schema, data: Data) -> None:
        self._schema, self._data = schema, data
        self._joined: dict[str, FixedCombinations] = {}
        self._computed: dict[str, Formula] = {}
        self._inequalities: dict[Inequality, int] = {}
        self._ranges: dict[str, Range] = {}

    def add(self, constraint: Constraint) -> None:
        """Take on a constraint; combinations first, and ranges last."""
        columns = named(constraint, self._schema)
        outputs = [column.output for column in columns]
        if isinstance(constraint, FixedCombinations):
            for output in outputs:
                if output in self._joined:
                    raise _clash(constraint, self._joined[output], output, "Join them to one")
                self._joined[output] = constraint
            return
        home = self._joined.get(outputs[0])
        if home and all(self._joined.get(output) is home for output in outputs):
            return  # it holds in all combinations that there are
        if isinstance(constraint, Formula):
            for known in (self._joined, self._computed):
                if outputs[0] in known:
                    raise _clash(constraint, known[outputs[0]], outputs[0])
            self._computed[outputs[0]] = constraint
        elif isinstance(constraint, Inequality):
            self._inequalities[constraint] = 1
        elif isinstance(constraint, Range):
            self._ranges[outputs[0]] = constraint

    def _fixed(self, column: Column) -> Constraint | None:
        """What says already what a column is."""
        return self._joined.get(column.output) or self._computed.get(column.output)

    def _bounds(self) -> dict[Column, _Bounds]:
        """What follows from inequalities: the higher column, or else the lower one."""
        for inequality in self._inequalities:
            low, high = named(inequality, self._schema)
            if by := self._fixed(high):
                self._turn(inequality, low, by)
        while True:
            found: dict[Column, _Bounds] = {}
            again = False
            for inequality, sign in self._inequalities.items():
                low, high = named(inequality, self._schema)
                column, other = (high, low) if sign == 1 else (low, high)
                bounds = found.setdefault(column, _Bounds(sign))
                if bounds.sign != sign:
                    # It can't follow from both sides: those below it have to follow from it.
                    for each in (inequality, *bounds.sources):
                        if self._inequalities[each] == 1:
                            below = named(each, self._schema)[0]
                            self._turn(each, below, inequality if sign == -1 else bounds.sources[0])
                    again = True
                    break
                bounds.others[other] = bounds.others.get(other, False) or inequality.strict
                bounds.sources.append(inequality)
            if not again:
                return found

    def _turn(self, inequality: Inequality, low: Column, by: Constraint) -> None:
        """Let the lower column follow from the higher one."""
        if other := self._fixed(low):
            raise _clash(inequality, other if other != by else by, low.output)
        self._inequalities[inequality] = -1

    def steps(self) -> tuple[Step, ...]:
        """All steps, each after those that it uses columns of."""
        data, columns = self._data, self._schema.modelled.columns
        bounds = self._bounds()
        found: list[tuple[Step, Sequence[Constraint]]] = []
        for joint in dict.fromkeys(self._joined.values()):
            members = named(joint, self._schema)
            found.append((Joined.fit(members, data, list(data)), [joint]))
        for formula in self._computed.values():
            column, *operands = named(formula, self._schema)
            expression = expressions.parse(formula.expression)
            found.append((Computed.fit(column, operands, expression, data), [formula]))
        for column, bound in bounds.items():
            try:
                step = Beyond.fit(column, bound.others, bound.sign, data)
            except ValueError as error:
                raise impossible(bound.sources[0], error) from None
            found.append((step, bound.sources))
        made = {column.output for step, _ in found for column in step.made}
        bounding = {column for bound in bounds.values() for column in bound.others}
        for column in columns:
            free = column.output not in made
            if free and (column in bounding or column.output in self._ranges):
                found.append((Clipped.fit(column, data), []))
        ordered = _ordered(found)
        self._check_ranges(ordered)
        return ordered

    def _check_ranges(self, steps: Sequence[Step]) -> None:
        """Refuse ranges of columns that follow from others, wherever those lead them."""
        unbounded: dict[str, Constraint] = dict(self._computed)
        for step in steps:
            if isinstance(step, Beyond) and not step.column.nullable:
                leads = [c.output for c in step.others if c.output in unbounded]
                if leads:
                    unbounded[step.column.output] = unbounded[leads[0]]
        for output, range_ in self._ranges.items():
            if output in unbounded:
                raise impossible(
                    range_,
                    f"column {range_.column!r} follows from {unbounded[output]!r}, which may lead "
                    "out of it; leave one of them out",
                )


def _ordered(found: list[tuple[Step, Sequence[Constraint]]]) -> tuple[Step, ...]:
    """Steps, each after those that give back what it uses."""
    ordered: list[Step] = []
    waiting = found
    while waiting:
        to_come = {column.output for step, _ in waiting for column in step.made}
        ready = [s for s, _ in waiting if not any(c.output in to_come for c in s.used)]
        if not ready:
            sources = dict.fromkeys(source for _, each in waiting for source in each)
            told = " and ".join(map(repr, sources))
            raise ValueError(
                f"constraints: {told} can't be kept together: each of their columns would have to "
                "follow from another one of them. Leave one out."
            )
        ordered += ready
        waiting = [pair for pair in waiting if not any(pair[0] is step for step in ready)]
    return tuple(ordered)


def _clash(one: Constraint, other: Constraint, output: str, remedy: str = "") -> ValueError:
    return ValueError(
        f"constraints: {one!r} and {other!r} can't be kept together: both say what column "
        f"{output!r} is. {remedy or 'Leave one out'}{', or leave one out' * bool(remedy)}."
    )
