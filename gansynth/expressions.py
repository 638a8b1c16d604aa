"""Arithmetic over columns, written as text: parsed, never run as Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
FUNCTIONS = ("abs", "min", "max", "round")
MOST_DIGITS = 15
_QUOTED = re.compile(r"`([^`]+)`")
_ALLOWED = (
    "An expression may have + - * / **, brackets, abs(a), min(a, b), max(a, b), round(a), "
    "round(a, digits), numbers and names of columns; put backquotes around a name that is no "
    "identifier, as in `unit price` * 2."
)

Tree = tuple[Any, ...]
"""What is done, and to what: ("+", tree, tree), ("name", "price"), ("number", 2)."""


@dataclass(frozen=True)
class Arithmetic:
    """What an expression is computed with: numpy's functions, or TensorFlow's.

    Attributes
    ----------
    number : callable
        Makes an array of a Python number.
    rint, abs : callable
        Of one array; rounding is to the nearest, halves to even.
    power, minimum, maximum : callable
        Of two arrays.
    """

    number: Callable[[float], Any]
    rint: Callable[[Any], Any]
    abs: Callable[[Any], Any]
    power: Callable[[Any, Any], Any]
    minimum: Callable[[Any, Any], Any]
    maximum: Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Expression:
    """An expression that was parsed.

    Attributes
    ----------
    tree : tuple
        What to compute.
    names : tuple of str
        Columns that it names, in order.
    whole : bool
        Whether whole numbers give a whole number, so that all can be computed in integers.
    """

    tree: Tree
    names: tuple[str, ...]
    whole: bool

    def __call__(self, values: Mapping[str, Any], arithmetic: Arithmetic) -> Any:
        """Compute it.

        Parameters
        ----------
        values : mapping of str to array
            Columns by name, of one dtype.
        arithmetic : Arithmetic
            What to compute with.
        """
        return _computed(self.tree, values, arithmetic)


def parse(text: str) -> Expression:
    """Parse an expression.

    Raises
    ------
    ValueError
        If it is anything but arithmetic over columns, naming the part that is not.
    """
    quoted: dict[str, str] = {}

    def hide(match: re.Match[str]) -> str:
        stand_in = f"_{len(quoted)}_"
        while stand_in in text or stand_in in quoted:
            stand_in += "_"
        quoted[stand_in] = match[1]
        return f" {stand_in} "

    try:
        body = ast.parse(_QUOTED.sub(hide, text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ValueError(f"The expression {text!r} can't be read ({reason}). {_ALLOWED}") from None
    tree = _Reader(text, quoted).read(body)
    names = tuple(dict.fromkeys(_names(tree)))
    if not names:
        raise ValueError(f"The expression {text!r} names no column. {_ALLOWED}")
    return Expression(tree, names, _is_whole(tree))


class _Reader:
    """Turns Python's syntax tree into one of arithmetic."""

    def __init__(self, text: str, quoted: Mapping[str, str]) -> None:
        self._text, self._quoted = text, quoted

    def read(self, node: ast.expr) -> Tree:
        match node:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float() as value):
                return "number", value
            case ast.Name(id=name):
                return "name", self._quoted.get(name, name)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.read(node.operand)
            case ast.UnaryOp(op=ast.USub()):
                return "negative", self.read(node.operand)
            case ast.BinOp() if type(node.op) in OPERATORS:
                return OPERATORS[type(node.op)], self.read(node.left), self.read(node.right)
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
                return self._called(name, node)
        raise self._refused(node)

    def _called(self, name: str, node: ast.Call) -> Tree:
        arguments = [self.read(argument) for argument in node.args]
        if name == "abs" and len(arguments) == 1:
            return "abs", arguments[0]
        if name in ("min", "max") and len(arguments) > 1:
            return name, *arguments
        if name == "round" and len(arguments) in (1, 2):
            digits = _number(arguments[1]) if len(arguments) == 2 else 0
            if isinstance(digits, int) and abs(digits) <= MOST_DIGITS:
                return "round", arguments[0], digits
        raise self._refused(node)

    def _refused(self, node: ast.expr) -> ValueError:
        part = ast.unparse(node)
        for stand_in, name in self._quoted.items():
            part = part.replace(stand_in, f"`{name}`")
        return ValueError(
            f"The expression {self._text!r} has the part {part!r}, which is not understood. "
            f"{_ALLOWED}"
        )


def _number(tree: Tree) -> Any:
    """The number that a tree is, if it is one."""
    match tree:
        case ("number", value):
            return value
        case ("negative", ("number", value)):
            return -value
    return None


def _names(tree: Tree) -> list[str]:
    if tree[0] == "name":
        return [tree[1]]
    return [name for part in tree[1:] if isinstance(part, tuple) for name in _names(part)]


def _is_whole(tree: Tree) -> bool:
    match tree:
        case ("number", value):
            return isinstance(value, int) and abs(value) < 2**63
        case ("name", _):
            return True
        case ("/" | "**", *_):
            return False
        case ("round", part, digits):
            return digits == 0 and _is_whole(part)
    return all(_is_whole(part) for part in tree[1:])


def _computed(tree: Tree, values: Mapping[str, Any], do: Arithmetic) -> Any:
    kind, *rest = tree
    if kind == "number":
        return do.number(rest[0])
    if kind == "name":
        return values[rest[0]]
    if kind == "round":
        return _rounded(_computed(rest[0], values, do), rest[1], do)
    parts = [_computed(part, values, do) for part in rest]
    if kind == "negative":
        return -parts[0]
    if kind == "abs":
        return do.abs(parts[0])
    if kind in ("min", "max"):
        chosen, *others = parts
        for other in others:
            chosen = (do.minimum if kind == "min" else do.maximum)(chosen, other)
        return chosen
    left, right = parts
    if kind == "**":
        # As numpy does it: exactly, which a logarithm would not be.
        return left * left if rest[1] == ("number", 2) else do.power(left, right)
    if kind == "/":
        return left / right
    if kind == "*":
        return left * right
    return left + right if kind == "+" else left - right


def _rounded(values: Any, digits: int, do: Arithmetic) -> Any:
    if not digits:
        return do.rint(values)
    unit = do.number(10.0 ** abs(digits))
    return do.rint(values * unit) / unit if digits > 0 else do.rint(values / unit) * unit
