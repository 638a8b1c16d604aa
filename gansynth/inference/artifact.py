"""The ``.onnx`` file: an ONNX model that also says what its outputs stand for.

The file is an ordinary ONNX model: any runtime takes it. What gansynth needs beyond the graph
is appended to it as ``metadata_props``, of which the last is a digest of all bytes before it.
Reading one runs no code and unpickles nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from gansynth import atomic
from gansynth.inference import _wire, noise, shapes, validity
from gansynth.schema import Schema

FORMAT_VERSION = 1
"""Version of what is in the metadata; a reader refuses files of a later one."""

_PREFIX = "gansynth."
_SEALED = ("format_version", "version", "noise", "schema", "sha256")

# Field numbers of ModelProto in onnx.proto3.
_GRAPH = 7
_METADATA_PROPS = 14
# Where tensors may lie: message, number of a field, message in it.
_NESTED: dict[str, dict[int, str]] = {
    "model": {_GRAPH: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
# What comes of JSON that is not what it should be.
_WRONG = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of TensorProto


class ArtifactError(ValueError):
    """A file that is no gansynth model, or is one no longer."""


@dataclass(frozen=True)
class Artifact:
    """An exported generator.

    Attributes
    ----------
    model : bytes
        The whole content of the ``.onnx`` file.
    schema : Schema
        What its outputs stand for.
    meta : dict of str to str
        What else the file says of itself: ``format_version``, ``version`` (of gansynth),
        ``noise`` (the protocol) and whatever :func:`seal` was given.
    """

    model: bytes
    schema: Schema
    meta: dict[str, str]


def seal(graph: bytes, schema: Schema, meta: Mapping[str, object]) -> Artifact:
    """Append schema, versions and a digest to an ONNX model.

    Parameters
    ----------
    graph : bytes
        An ONNX model. Metadata of gansynth that it has already are replaced, others kept.
    schema : Schema
        What its outputs stand for.
    meta : mapping
        More to say about it, by names without the prefix ``gansynth.``; values are written
        as ``str`` gives them.

    Raises
    ------
    ArtifactError
        If ``graph`` is no ONNX model or has tensors in other files.
    ValueError
        If ``meta`` has a name that is spoken for.
    """
    taken = sorted(set(meta) & set(_SEALED))
    if taken:
        raise ValueError(f"meta must not name {', '.join(taken)}: seal writes these itself.")
    properties = {
        "format_version": str(FORMAT_VERSION),
        "version": _library_version(),
        "noise": noise.PROTOCOL,
        **{name: str(value) for name, value in meta.items()},
        "schema": schema.to_json(),
    }
    model = _without_properties(graph) + b"".join(
        _wire.string_entry(_METADATA_PROPS, _PREFIX + name, value)
        for name, value in properties.items()
    )
    digest = hashlib.sha256(model).hexdigest()
    return parse(model + _wire.string_entry(_METADATA_PROPS, f"{_PREFIX}sha256", digest))


def resealed(artifact: Artifact, graph: bytes, meta: Mapping[str, object]) -> Artifact:
    """Seal what was made of an artifact's graph, with more to say about it."""
    kept = {name: value for name, value in artifact.meta.items() if name not in _SEALED}
    return seal(graph, artifact.schema, kept | dict(meta))


def parse(data: bytes) -> Artifact:
    """Take in the content of a file.

    Raises
    ------
    ArtifactError
        If it is not an ONNX model, not written by gansynth or by a later format of it,
        incomplete or altered, or not self-contained.
    """
    try:
        properties, sealed_bytes = _properties(data)
    except _wire.WireError as error:
        raise ArtifactError(
            f"This is not an ONNX model, or it is damaged or cut short: {error}."
        ) from None
    _check_format(properties)
    _check_digest(data, properties, sealed_bytes)
    try:
        if _has_external_data(memoryview(data), "model"):
            raise ArtifactError(
                "The model keeps tensors in other files; save it as one file, without them."
            )
        for field in _wire.fields(data):
            if field.number == _GRAPH and not isinstance(field.value, int):
                shapes.check_shapes(field.value)
    except ArtifactError:
        raise
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"This is not a proper ONNX model: {error}.") from None
    try:
        schema = Schema.from_json(properties["schema"])
        validity.check_schema(schema)
    except _WRONG as error:
        raise ArtifactError(
            f"The model's schema can't be read: {type(error).__name__}: {error}."
        ) from None
    meta = {name: value for name, value in properties.items() if name not in ("schema", "sha256")}
    return Artifact(data, schema, meta)


def read(path: str | os.PathLike[str]) -> Artifact:
    """Read a file that :func:`write` wrote.

    Raises
    ------
    OSError
        If it can't be read.
    ArtifactError
        If it is no gansynth model; see :func:`parse`.
    """
    try:
        return parse(Path(path).read_bytes())
    except ArtifactError as error:
        raise ArtifactError(f"{os.fspath(path)}: {error}") from None


def write(artifact: Artifact, path: str | os.PathLike[str]) -> None:
    """Write the file, whole or not at all; one that was there stays until it is replaced.

    Raises
    ------
    OSError
        If the file can't be written, naming it and saying why. Nothing is left behind then.
    """
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(artifact.model)


def _library_version() -> str:
    """Version of gansynth; it may run from a source tree, without being installed."""
    try:
        return metadata.version("gansynth")
    except metadata.PackageNotFoundError:
        return "unknown"


def _property(field: _wire.Field) -> tuple[str, str] | None:
    """Name and value of a metadata property of gansynth; None for any other field."""
    if field.number != _METADATA_PROPS or isinstance(field.value, int):
        return None
    try:
        entry = {
            part.number: str(part.value, "utf-8")
            for part in _wire.fields(field.value)
            if not isinstance(part.value, int)
        }
    except UnicodeDecodeError:
        return None
    key = entry.get(1, "")
    return (key.removeprefix(_PREFIX), entry.get(2, "")) if key.startswith(_PREFIX) else None


def _properties(data: bytes) -> tuple[dict[str, str], int]:
    """Properties of gansynth, and how many bytes come before the digest, the last of them."""
    properties: dict[str, str] = {}
    sealed_bytes = 0
    graphs = 0
    for field in _wire.fields(data):
        graphs += field.number == _GRAPH
        # Other tools may add metadata of theirs behind the digest, and nothing else.
        if sealed_bytes and field.number != _METADATA_PROPS:
            raise _wire.WireError(f"field {field.number} comes after the digest")
        entry = _property(field)
        if entry is not None and not sealed_bytes:
            properties[entry[0]] = entry[1]
            if entry[0] == "sha256":
                sealed_bytes = field.start
    if graphs != 1:
        raise _wire.WireError("it has no graph" if graphs == 0 else "it has several graphs")
    return properties, sealed_bytes


def _without_properties(graph: bytes) -> bytes:
    """Leave out the properties of gansynth."""
    try:
        return b"".join(
            graph[field.start : field.end]
            for field in _wire.fields(graph)
            if _property(field) is None
        )
    except _wire.WireError as error:
        raise ArtifactError(f"This is not an ONNX model: {error}.") from None


def _check_format(properties: Mapping[str, str]) -> None:
    """Refuse a model of another program, or of a later gansynth."""
    version = properties.get("format_version")
    if version is None:
        raise ArtifactError(
            "This is an ONNX model, but not one that gansynth wrote; only to_onnx writes the "
            "schema that sampling needs."
        )
    if version != str(FORMAT_VERSION) or properties.get("noise", noise.PROTOCOL) != noise.PROTOCOL:
        raise ArtifactError(
            f"The model has format {version} with noise {properties.get('noise')!r}; this gansynth "
            f"reads format {FORMAT_VERSION} with noise {noise.PROTOCOL!r}. Upgrade gansynth (the "
            f"model was written by version {properties.get('version', 'unknown')})."
        )


def _check_digest(data: bytes, properties: Mapping[str, str], sealed_bytes: int) -> None:
    """Refuse a model that is not, byte for byte, what gansynth wrote."""
    missing = [name for name in _SEALED if name not in properties]
    if missing:
        raise ArtifactError(f"The model is cut short: it lacks {', '.join(missing)}.")
    if hashlib.sha256(memoryview(data)[:sealed_bytes]).hexdigest() != properties["sha256"]:
        raise ArtifactError(
            "The model was damaged or altered since gansynth wrote it: its digest is wrong."
        )


def _has_external_data(message: memoryview, kind: str) -> bool:
    """Whether any tensor, however deep, is to be read from another file."""
    for field in _wire.fields(message):
        if kind == "tensor":
            if field.number == _EXTERNAL_DATA or (field.number == _DATA_LOCATION and field.value):
                return True
            continue
        inner = _NESTED[kind].get(field.number)
        if inner and not isinstance(field.value, int) and _has_external_data(field.value, inner):
            return True
    return False
