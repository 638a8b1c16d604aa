"""The few lines of protobuf's wire format that finding one's way in an ONNX file takes.

The ``onnx`` package is a dependency of training, not of sampling; what is needed of it here
is to walk over fields (https://protobuf.dev/programming-guides/encoding/) and to append one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """Bytes that are not a protobuf message, or not all of one."""


class Field(NamedTuple):
    """One field of a message.

    Attributes
    ----------
    number : int
        Its number in the ``.proto`` file.
    value : int or memoryview
        A varint's value, else the field's content.
    start, end : int
        Where it lies in the message, its tag included.
    """

    number: int
    value: int | memoryview
    start: int
    end: int


def fields(message: bytes | memoryview) -> Iterator[Field]:
    """Walk over the fields of a message, in the order of the bytes.

    Raises
    ------
    WireError
        If the bytes end inside a field, or a tag is none.
    """
    view = memoryview(message)
    position = 0
    while position < len(view):
        start = position
        tag, position = _read_varint(view, position)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise WireError(f"no field has number 0 (byte {start})")
        value: int | memoryview
        if kind == _VARINT:
            value, position = _read_varint(view, position)
        elif kind in (_FIXED64, _BYTES, _FIXED32):
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
            if size is None:
                size, position = _read_varint(view, position)
            if size > len(view) - position:
                raise WireError(f"field {number} goes on after the end (byte {start})")
            value = view[position : position + size]
            position += size
        else:
            raise WireError(f"field {number} is of unknown type {kind} (byte {start})")
        yield Field(number, value, start, position)


def varints(packed: memoryview) -> Iterator[int]:
    """Numbers of a packed field, one behind the other."""
    position = 0
    while position < len(packed):
        value, position = _read_varint(packed, position)
        yield value


def string_entry(number: int, key: str, value: str) -> bytes:
    """Serialise a StringStringEntryProto (key = 1, value = 2) as field ``number``."""
    return _length_delimited(
        number, _length_delimited(1, key.encode()) + _length_delimited(2, value.encode())
    )


def _length_delimited(number: int, content: bytes) -> bytes:
    """Serialise bytes as field ``number``."""
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Serialise a number: 7 bits a byte, lowest first, the top bit saying that more follow."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(view: memoryview, position: int) -> tuple[int, int]:
    """Read a number; return it and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            raise WireError("the bytes end inside a number")
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise WireError(f"a number of more than ten bytes (before byte {position})")
