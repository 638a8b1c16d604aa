"""Shapes that a graph has as constants: those that no tensor can have are refused.

ONNX Runtime (1.26) takes them as they are. A tensor of 2**62 numbers keeps it busy for ever, and
of less than none it ends the process.
"""

from __future__ import annotations

import math

import numpy as np

from gansynth.inference import _wire

MOST_VALUES = 1 << 26
SHAPED = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1}
"""Operators that make a tensor of a shape that is given, and by which input."""
INT64 = 7
# Field numbers of onnx.proto3.
NODE, INITIALIZER = 1, 5  # of GraphProto
INPUT, OUTPUT, OP_TYPE, ATTRIBUTE = 1, 2, 4, 5  # of NodeProto
TENSOR = 5  # of AttributeProto
DATA_TYPE, INT64_DATA, NAME, RAW_DATA = 2, 7, 8, 9  # of TensorProto


def check_shapes(graph: memoryview) -> None:
    """Refuse a graph with a shape that is negative, or of too many values.

    Parameters
    ----------
    graph : memoryview
        A GraphProto.

    Raises
    ------
    ValueError
        Naming the operator and the shape.
    """
    constants: dict[bytes, list[int]] = {}
    shaped: list[tuple[str, bytes]] = []
    for field in _wire.fields(graph):
        if isinstance(field.value, int):
            continue
        if field.number == INITIALIZER:
            name, values = _tensor(field.value)
            constants[name] = values
        elif field.number == NODE:
            _read_node(field.value, constants, shaped)
    for operator, name in shaped:
        shape = constants.get(name, [])
        if min(shape, default=0) < -1 or math.prod(max(size, 1) for size in shape) > MOST_VALUES:
            raise ValueError(f"{operator} has the shape {shape[:8]}, which no tensor of rows has")


def _read_node(
    node: memoryview, constants: dict[bytes, list[int]], shaped: list[tuple[str, bytes]]
) -> None:
    """Note the constant that a node is, or by which name it is given a shape."""
    inputs: list[bytes] = []
    outputs: list[bytes] = []
    operator = ""
    tensors: list[memoryview] = []
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
            parts = _wire.fields(field.value)
            tensors += [
                part.value
                for part in parts
                if part.number == TENSOR and not isinstance(part.value, int)
            ]
    place = SHAPED.get(operator)
    if place is not None and len(inputs) > place:
        shaped.append((operator, inputs[place]))
    if operator == "Constant" and outputs and tensors:
        constants[outputs[0]] = _tensor(tensors[0])[1]


def _tensor(tensor: memoryview) -> tuple[bytes, list[int]]:
    """Name of a TensorProto, and its values if it holds a few integers of 64 bits."""
    name, kind, values = b"", 0, []
    for field in _wire.fields(tensor):
        if isinstance(field.value, int):
            if field.number == DATA_TYPE:
                kind = field.value
            elif field.number == INT64_DATA:
                values.append(field.value)
        elif field.number == NAME:
            name = bytes(field.value)
        elif field.number == RAW_DATA and len(field.value) <= 512:
            whole = len(field.value) // 8 * 8
            values += np.frombuffer(field.value[:whole], "<i8").tolist()
        elif field.number == INT64_DATA and len(field.value) <= 512:
            values += list(_wire.varints(field.value))
    signed = [value - (value >> 63 << 64) if value >= 0 else value for value in values]
    return name, signed if kind == INT64 else []
