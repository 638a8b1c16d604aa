"""What has to hold in every row of a table: the parameter ``constraints`` of GANSampler.

A constraint is kept by how columns are modelled, inside the exported graph: no row is drawn
twice, and none is thrown away. The data have to keep it, too. A row in which one of its columns
is missing is exempt from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from gansynth import expressions

Name = str | int

__all__ = ["Constraint", "FixedCombinations", "Formula", "Inequality", "Range"]


@dataclass(frozen=True, repr=False)
class Constraint:
    """What constraints have in common.

    Examples
    --------
    >>> from gansynth.constraints import Constraint, Range
    >>> constraints: list[Constraint] = [Range("age", low=0), Range("share", high=1)]
    """

    def __repr__(self) -> str:
        given = [(field, getattr(self, field.name)) for field in fields(self)]
        told = [f"{f.name}={v!r}" for f, v in given if f.default is MISSING or v != f.default]
        return f"{type(self).__name__}({', '.join(told)})"


@dataclass(frozen=True, repr=False)
class Range(Constraint):
    """Values of a column are within bounds.

    What is generated is within the range seen in any case; this checks that the data are
    within the bounds, too, and says so.

    Parameters
    ----------
    column : str or int
        A column of numbers, dates, times or durations.
    low, high : number, datetime, timedelta, Decimal or str, optional
        Least and largest value that is allowed; a string is a date or time in ISO's form. No
        bound, if left out.

    Raises
    ------
    ValueError
        If there is no bound.

    Examples
    --------
    >>> from gansynth.constraints import Range
    >>> Range("age", low=0)
    Range(column='age', low=0)
    """

    column: Name
    low: Any = None
    high: Any = None

    def __post_init__(self) -> None:
        _check_name("Range", self.column)
        if self.low is None and self.high is None:
            raise ValueError(f"Range({self.column!r}) has no bound. Give low, high or both.")


@dataclass(frozen=True, repr=False)
class Inequality(Constraint):
    """A column is nowhere above another one.

    Parameters
    ----------
    low, high : str or int
        Columns of numbers; or both of moments, of durations or of decimals.
    strict : bool, default=False
        Whether equal values are ruled out, too.

    Raises
    ------
    ValueError
        If both are one column.

    Examples
    --------
    >>> from gansynth.constraints import Inequality
    >>> Inequality("ordered", "delivered")
    Inequality(low='ordered', high='delivered')
    """

    low: Name
    high: Name
    strict: bool = False

    def __post_init__(self) -> None:
        _check_name("Inequality", self.low)
        _check_name("Inequality", self.high)
        if self.low == self.high:
            raise ValueError(f"{self!r} compares a column with itself. Name two columns.")


@dataclass(frozen=True, repr=False)
class FixedCombinations(Constraint):
    """Columns have only such values together as they have in some row of the data.

    They are modelled as one column of categories. A missing value is a value like any other
    here.

    Parameters
    ----------
    columns : sequence of str or int
        Two columns or more, of any kinds.

    Raises
    ------
    ValueError, TypeError
        If they are no list, fewer than two, or one twice.

    Examples
    --------
    >>> from gansynth.constraints import FixedCombinations
    >>> FixedCombinations(["city", "country"])
    FixedCombinations(columns=('city', 'country'))
    """

    columns: Sequence[Name]

    def __post_init__(self) -> None:
        if isinstance(self.columns, str) or not isinstance(self.columns, Sequence):
            raise TypeError(
                f"FixedCombinations(columns={self.columns!r}) has to name columns in a list, such "
                'as ["city", "country"].'
            )
        # A tuple: equal whatever it was given as, and hashable.
        object.__setattr__(self, "columns", tuple(self.columns))
        for name in self.columns:
            _check_name("FixedCombinations", name)
        if len(set(self.columns)) < max(len(self.columns), 2):
            raise ValueError(f"{self!r} has to name two columns or more, each once.")


@dataclass(frozen=True, repr=False)
class Formula(Constraint):
    """A column is computed from others.

    It is computed in the exported graph, in real numbers of 64 bits (in integers, where all
    columns are integers and there is no division or power), and rounded to the decimals that it
    has in the data.

    Parameters
    ----------
    column : str or int
        The column that is computed: floats, integers or decimals.
    expression : str
        What it is: ``+ - * / **``, brackets, ``abs``, ``min``, ``max``, ``round``, numbers and
        names of other columns (floats, integers, decimals, booleans). Backquotes are around
        names that are no identifiers: ```"`unit price` * quantity"```.

    Raises
    ------
    ValueError, TypeError
        If the expression is anything else, or names the column itself.

    Examples
    --------
    >>> from gansynth.constraints import Formula
    >>> Formula("total", "price * quantity + shipping")
    Formula(column='total', expression='price * quantity + shipping')
    """

    column: Name
    expression: str

    def __post_init__(self) -> None:
        _check_name("Formula", self.column)
        if not isinstance(self.expression, str):
            raise TypeError(
                f"Formula({self.column!r}) needs its expression as a string, such as "
                f'"price * quantity"; got {self.expression!r}.'
            )
        if str(self.column) in expressions.parse(self.expression).names:
            raise ValueError(f"{self!r} computes a column from itself. Name other columns.")


def _check_name(constraint: str, name: Any) -> None:
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise TypeError(
            f"{constraint} got {name!r} for the name of a column, which is a str or an int."
        )
