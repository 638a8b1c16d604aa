"""The .onnx file: what it says, what is refused, and that it is written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import textwrap

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from gansynth.inference import _wire, noise
from gansynth.inference.artifact import ArtifactError, parse, read, seal, write
from gansynth.schema import Column, Schema

from . import onnx_graphs as graphs

SCHEMA = Schema(
    "pandas",
    columns=(Column("größe", "float", "float64"), Column(3, "category", "str", ("a", "ü"))),
    classes=("no", "yes"),
    class_counts=(3, 1),
    class_dtype="<U3",
)
METADATA_PROPS = 14


@pytest.fixture(scope="module")
def artifact():
    """A sealed model of a few hundred bytes."""
    return seal(graphs.linear(), SCHEMA, {"latent": 2, "architecture": "none"})


def sealed_by_hand(graph, **properties):
    """Bytes with a valid digest over whatever properties are given."""
    for name, value in properties.items():
        graph += _wire.string_entry(METADATA_PROPS, f"gansynth.{name}", value)
    digest = hashlib.sha256(graph).hexdigest()
    return graph + _wire.string_entry(METADATA_PROPS, "gansynth.sha256", digest)


def good_properties(**changes):
    """Properties of a valid file, some of them changed."""
    good = {
        "format_version": "1",
        "version": "0",
        "noise": noise.PROTOCOL,
        "schema": SCHEMA.to_json(),
    }
    return good | changes


def test_what_is_sealed_is_parsed(artifact):
    """Schema and metadata come back from the bytes alone."""
    parsed = parse(artifact.model)
    assert parsed == artifact
    assert parsed.schema == SCHEMA
    assert parsed.meta["latent"] == "2"
    assert parsed.meta["architecture"] == "none"
    assert parsed.meta["noise"] == noise.PROTOCOL
    assert parsed.meta["format_version"] == "1"
    assert parsed.meta["version"]


def test_onnx_reads_the_same_metadata(artifact):
    """To the onnx package and to ONNX Runtime the file is a valid model with these metadata."""
    model = onnx.load_from_string(artifact.model)
    onnx.checker.check_model(model, full_check=True)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert list(properties)[-1] == "gansynth.sha256"
    assert json.loads(properties["gansynth.schema"])["columns"][0]["name"] == "größe"
    assert Schema.from_json(properties["gansynth.schema"]) == SCHEMA
    session = onnxruntime.InferenceSession(artifact.model, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == properties
    assert model.graph == onnx.load_from_string(graphs.linear()).graph


def test_field_numbers_are_those_of_onnx():
    """The numbers that fields are found by are those in the onnx package's descriptors."""
    from gansynth.inference import artifact as module

    messages = {
        "model": onnx.ModelProto,
        "training": onnx.TrainingInfoProto,
        "function": onnx.FunctionProto,
        "graph": onnx.GraphProto,
        "node": onnx.NodeProto,
        "attribute": onnx.AttributeProto,
        "sparse": onnx.SparseTensorProto,
        "tensor": onnx.TensorProto,
    }
    kinds = {message.DESCRIPTOR.name: kind for kind, message in messages.items()}
    for kind, nested in module._NESTED.items():
        fields = messages[kind].DESCRIPTOR.fields
        expected = {
            field.number: kinds[field.message_type.name]
            for field in fields
            if field.message_type is not None and field.message_type.name in kinds
        }
        assert nested == expected, kind
    tensor = onnx.TensorProto.DESCRIPTOR.fields_by_name
    assert tensor["external_data"].number == module._EXTERNAL_DATA
    assert tensor["data_location"].number == module._DATA_LOCATION
    model = onnx.ModelProto.DESCRIPTOR.fields_by_name
    assert model["metadata_props"].number == module._METADATA_PROPS
    assert model["graph"].number == module._GRAPH


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16384, 70000])
def test_entries_are_serialised_as_protobuf_does(length):
    """A property of any length has the bytes that the protobuf library writes."""
    model = onnx.ModelProto()
    helper.set_model_props(model, {"größe": "x" * length})
    assert _wire.string_entry(METADATA_PROPS, "größe", "x" * length) == model.SerializeToString()


def test_foreign_metadata_are_kept_and_own_are_replaced(artifact):
    """Sealing a sealed model again leaves one set of properties, and others alone."""
    model = onnx.load_from_string(artifact.model)
    model.metadata_props.add(key="licence", value="CC0")
    again = seal(model.SerializeToString(), SCHEMA, {"latent": 5})
    properties = onnx.load_from_string(again.model).metadata_props
    keys = [entry.key for entry in properties]
    assert len(keys) == len(set(keys))
    assert "licence" in keys
    assert again.meta["latent"] == "5"
    assert "architecture" not in again.meta


def test_a_copy_by_another_tool_is_good(artifact):
    """A model that was saved by the onnx package, with metadata added, can still be read."""
    model = onnx.load_from_string(artifact.model)
    model.metadata_props.add(key="comment", value="copied")
    copy = parse(model.SerializeToString())
    assert (copy.schema, copy.meta) == (artifact.schema, artifact.meta)


def test_no_bit_may_flip(artifact):
    """A file with any one bit changed is refused."""
    data = bytearray(artifact.model)
    for position in range(len(data)):
        bit = 1 << position % 8
        data[position] ^= bit
        with pytest.raises(ArtifactError):
            parse(bytes(data))
        data[position] ^= bit


def test_no_byte_may_miss(artifact):
    """A file cut short anywhere is refused."""
    for end in range(len(artifact.model)):
        with pytest.raises(ArtifactError):
            parse(artifact.model[:end])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        b'{"a": 1}',
        b"PK\x03\x04" + bytes(60),
        b"\x80\x05" + b"K\x01." * 9,
        b"\xff" * 100,
        bytes(range(256)) * 8,
        bytes(1000),
    ],
)
def test_what_is_no_onnx_model_is_refused(data):
    """Files of other kinds are refused, in one sentence."""
    with pytest.raises(ArtifactError, match="This is not an ONNX model, or it is damaged or cut"):
        parse(data)


def test_a_foreign_model_is_refused():
    """A model that another program wrote is told from a damaged one."""
    with pytest.raises(ArtifactError, match="is an ONNX model, but not one that gansynth wrote"):
        parse(graphs.linear())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": "2", "version": "9.1"}, r"has format 2.*Upgrade.*by version 9\.1"),
        ({"noise": "threefry"}, "noise 'threefry'.*Upgrade gansynth"),
        ({"schema": "{"}, "schema can't be read: JSONDecodeError"),
        ({"schema": "[]"}, "schema can't be read: "),
        ({"schema": "{}"}, "schema can't be read: KeyError: 'columns'"),
        ({"schema": SCHEMA.to_json()[:-1] + ', "new": 1}'}, "schema can't be read: TypeError.*new"),
    ],
)
def test_a_newer_or_broken_description_is_refused(changes, message):
    """A description that this version can't take in is refused, saying what to do."""
    with pytest.raises(ArtifactError, match=message):
        parse(sealed_by_hand(graphs.linear(), **good_properties(**changes)))


def test_a_missing_property_is_named():
    """A file that lost a property says which."""
    properties = good_properties()
    del properties["schema"]
    with pytest.raises(ArtifactError, match="The model is cut short: it lacks schema"):
        parse(sealed_by_hand(graphs.linear(), **properties))


def test_nothing_may_follow_the_digest(artifact):
    """A second graph appended to a sealed one, which protobuf would merge, is refused."""
    graph = onnx.load_from_string(graphs.linear()).graph.SerializeToString()
    appended = artifact.model + _wire._length_delimited(7, graph)
    with pytest.raises(ArtifactError, match="field 7 comes after the digest"):
        parse(appended)


def external(tensor):
    """The same tensor, said to lie in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


@pytest.mark.parametrize("place", ["initializer", "constant", "branch"])
def test_tensors_in_other_files_are_refused(place):
    """A model that would read another file is refused, however deep the tensor lies."""
    model = onnx.load_from_string(graphs.linear())
    tensor = external(numpy_helper.from_array(np.ones(1, np.float32), "far"))
    if place == "initializer":
        model.graph.initializer.append(tensor)
    else:
        node = helper.make_node("Constant", [], ["far"], value=tensor)
        if place == "branch":
            branch = helper.make_graph([node], "then", [], [])
            node = helper.make_node("If", ["c"], ["f"], then_branch=branch, else_branch=branch)
        model.graph.node.append(node)
    with pytest.raises(ArtifactError, match="keeps tensors in other files; save it as one file"):
        seal(model.SerializeToString(), SCHEMA, {})


def test_meta_must_not_overwrite_what_seal_writes():
    """Names that seal writes itself are refused in meta."""
    with pytest.raises(ValueError, match="meta must not name noise, schema"):
        seal(graphs.linear(), SCHEMA, {"schema": "mine", "noise": "none"})


def test_what_is_no_model_is_not_sealed():
    """Sealing something else than a model is an error."""
    with pytest.raises(ArtifactError, match="This is not an ONNX model"):
        seal(b"no model", SCHEMA, {})


def test_a_file_is_read_as_it_was_written(artifact, tmp_path):
    """The file holds the model's bytes and nothing is left beside it."""
    path = tmp_path / "modèle 1"
    write(artifact, path)
    assert path.read_bytes() == artifact.model
    assert read(str(path)) == artifact
    assert os.listdir(tmp_path) == ["modèle 1"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_file_has_the_usual_permissions(artifact, tmp_path):
    """The file may be read by whom the umask allows, not by its writer only."""
    before = os.umask(0o027)
    try:
        write(artifact, tmp_path / "model.onnx")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model.onnx").stat().st_mode) == 0o640


def test_an_older_file_is_replaced(artifact, tmp_path):
    """Writing over a file, or through a link to one, replaces its content."""
    (tmp_path / "old.onnx").write_bytes(b"old")
    (tmp_path / "link.onnx").symlink_to("old.onnx")
    write(artifact, tmp_path / "link.onnx")
    assert (tmp_path / "link.onnx").is_symlink()
    assert (tmp_path / "old.onnx").read_bytes() == artifact.model


def test_errors_in_a_file_name_it(tmp_path):
    """A refused file is named, and so is one that isn't there."""
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(ArtifactError, match=r"notes\.txt: This is not an ONNX model"):
        read(path)
    with pytest.raises(FileNotFoundError, match=r"missing\.onnx"):
        read(tmp_path / "missing.onnx")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (".", IsADirectoryError, "it is a directory; add a file name"),
        ("missing/model.onnx", FileNotFoundError, "there is no directory '.*missing'; make it"),
        ("file/model.onnx", FileNotFoundError, "there is no directory '.*file'; make it first"),
        ("pipe", OSError, "it is not a regular file"),
        ("n" * 300, OSError, "File name too long"),
    ],
)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX paths")
def test_a_path_that_can_not_be_written_is_refused(artifact, tmp_path, name, error, message):
    """An impossible path gives an error that names it, and nothing is written."""
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(error, match=f"Can't write '.*{name}': {message}"):
        write(artifact, tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["file", "pipe"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_an_unwritable_directory_is_an_error(artifact, tmp_path):
    """A directory without permission gives an error that names the path."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"Can't write '.*model\.onnx'"):
            write(artifact, tmp_path / "model.onnx")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
@pytest.mark.parametrize("older", [None, b"older"])
def test_a_disk_that_fills_leaves_all_as_it_was(artifact, tmp_path, older):
    """When writing fails half-way the error names the path, and an older file survives."""
    source, target = tmp_path / "source.onnx", tmp_path / "target.onnx"
    write(artifact, source)
    if older:
        target.write_bytes(older)
    program = """
        import resource, signal, sys
        from gansynth.inference.artifact import read, write

        artifact = read("source.onnx")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            write(artifact, "target.onnx")
        except OSError as error:
            sys.exit(str(error))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Can't write 'target.onnx': File too large" in done.stderr
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    expected = {"source.onnx": artifact.model} | ({"target.onnx": older} if older else {})
    assert files == expected
