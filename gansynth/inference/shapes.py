"""Shapes that a graph has as constants: those that no tensor can have are refused.

ONNX Runtime (1.26) takes them as they are. A tensor of 2**62 numbers keeps it busy for ever; of
less than none, or of fifty axes, it ends the process.
"""

from __future__ import annotations

import math

import numpy as np

from gansynth.inference import _wire

MOST_VALUES = 1 << 26
MOST_AXES = 8
SHAPED = {"ConstantOfShape": 0, "Expand": 1, "Reshape": 1, "Tile": 1}
"""Operators that make a tensor of a shape that is given, and by which input."""
OPEN_END = 10**9
"""Slices that go on to the end of an axis say this, or more."""
INT64 = 7
# Field numbers of onnx.proto3.
NODE, INITIALIZER = 1, 5  # of GraphProto
INPUT, OUTPUT, OP_TYPE, ATTRIBUTE = 1, 2, 4, 5  # of NodeProto
TENSOR, GRAPH = 5, 6  # of AttributeProto
DIMS, DATA_TYPE, INT64_DATA, NAME, RAW_DATA = 1, 2, 7, 8, 9  # of TensorProto


def check_shapes(graph: memoryview) -> None:
    """Refuse a graph with a shape that is negative, or of too many values or axes, or cut rows.

    Row i is of noise i, so that no generator leaves rows out; ONNX Runtime (1.26) divides by how
    many are left.

    Parameters
    ----------
    graph : memoryview
        A GraphProto.

    Raises
    ------
    ValueError
        Naming the operator or tensor, and the shape.
    """
    constants: dict[bytes, list[int]] = {}
    nodes: list[tuple[str, list[bytes]]] = []
    for field in _wire.fields(graph):
        if isinstance(field.value, int):
            continue
        if field.number == INITIALIZER:
            name, values = _tensor(field.value)
            constants[name] = values
        elif field.number == NODE:
            nodes.append(_read_node(field.value, constants))
    for operator, inputs in nodes:
        given = [constants.get(name, []) for name in inputs]
        place = SHAPED.get(operator, len(given))
        for shape in given[place : place + 1]:
            _check_shape(operator, shape)
        if operator == "Slice" and len(given) > 3:
            _check_slice(*given[1:4])


def _check_shape(operator: str, shape: list[int]) -> None:
    """Refuse a shape that no tensor has."""
    if min(shape, default=0) < -1 or math.prod(max(size, 1) for size in shape) > MOST_VALUES:
        raise ValueError(f"{operator} has the shape {shape[:8]}, which no tensor of rows has")


def _check_slice(starts: list[int], ends: list[int], axes: list[int]) -> None:
    """Refuse to cut rows; a slice of the first axis alone may be of a shape, and is let pass."""
    spans = {axis: (start, end) for start, end, axis in zip(starts, ends, axes, strict=False)}
    start, end = spans.get(0, (0, OPEN_END))
    if len(spans) > 1 and (start != 0 or end < OPEN_END):
        raise ValueError(f"Slice takes rows {start} to {end}, which leaves rows out")


def _read_node(node: memoryview, constants: dict[bytes, list[int]]) -> tuple[str, list[bytes]]:
    """Operator and inputs of a node; the constant that it may be is noted."""
    inputs: list[bytes] = []
    outputs: list[bytes] = []
    operator = ""
    tensors: list[list[int]] = []
    for field in _wire.fields(node):
        if isinstance(field.value, int):
            continue
        if field.number == INPUT:
            inputs.append(bytes(field.value))
        elif field.number == OUTPUT:
            outputs.append(bytes(field.value))
        elif field.number == OP_TYPE:
            operator = str(field.value, "utf-8", "replace")
        elif field.number == ATTRIBUTE:
            tensors += _constants(field.value)
    if operator == "Constant" and outputs and tensors:
        constants[outputs[0]] = tensors[0]
    return operator, inputs


def _constants(attribute: memoryview) -> list[list[int]]:
    """Integers of the tensors in an attribute; graphs in it are checked by themselves."""
    tensors = []
    for part in _wire.fields(attribute):
        if isinstance(part.value, int):
            continue
        if part.number == TENSOR:
            tensors.append(_tensor(part.value)[1])
        elif part.number == GRAPH:  # of a branch or a loop
            check_shapes(part.value)
    return tensors


def _tensor(tensor: memoryview) -> tuple[bytes, list[int]]:
    """Name of a TensorProto, and its values if it holds a few integers of 64 bits."""
    name, kind = b"", 0
    sizes: list[int] = []
    values: list[int] = []
    for field in _wire.fields(tensor):
        if isinstance(field.value, int):
            if field.number == DATA_TYPE:
                kind = field.value
            elif field.number == DIMS:
                sizes.append(field.value)
            elif field.number == INT64_DATA:
                values.append(field.value)
        elif field.number == NAME:
            name = bytes(field.value)
        elif field.number == DIMS:
            sizes += _wire.varints(field.value)
        elif field.number == RAW_DATA and len(field.value) <= 512:
            whole = len(field.value) // 8 * 8
            values += np.frombuffer(field.value[:whole], "<i8").tolist()
        elif field.number == INT64_DATA and len(field.value) <= 512:
            values += _wire.varints(field.value)
    sizes = _signed(sizes)
    # Memory is taken for what they say before the data are looked at; of the smallest type, two
    # values are a byte.
    too_many = math.prod(sizes) > 2 * len(tensor)
    if len(sizes) > MOST_AXES or min(sizes, default=0) < 0 or too_many:
        raise ValueError(
            f"the constant {str(name, 'utf-8', 'replace')[:80]!r} has {len(sizes)} axes, of "
            f"{sizes[:MOST_AXES]}, which none of a generator has"
        )
    return name, _signed(values) if kind == INT64 else []


def _signed(words: list[int]) -> list[int]:
    """Words of 64 bits as the integers that they stand for."""
    return [word - (word >> 63 << 64) if word >= 0 else word for word in words]
