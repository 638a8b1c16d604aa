"""Mutated model files, loaded and sampled: a script, for a crash of ONNX Runtime ends the process.

    python mutated.py FIRST LAST model.onnx ...

For each number from FIRST to LAST - 1 it changes one of the models, in a way that the number
determines, and prints a line of JSON: the number, what was changed, and what came of it; and one
before it, for the case that the process ends.
Half of the mutants are changed as bytes; the others have their structure changed, and a digest
that fits, as somebody would make them who means harm.
"""

from __future__ import annotations

import hashlib
import json
import random
import signal
import sys
import tempfile
import warnings
from pathlib import Path

import onnx
from onnx import helper, numpy_helper

from gansynth.inference import _wire
from gansynth.inference.artifact import ArtifactError

GRAPH, METADATA_PROPS = 7, 14  # fields of ModelProto
REFUSED = (ArtifactError, ValueError, RuntimeError, MemoryError)
MOST_MEMORY = 512  # MiB
PATIENCE = 60  # seconds
EXTREMES = (0, 1, -1, 2, 7, 2**31 - 1, -(2**31), 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
VALUES = (
    *(None, True, False, 0, -1, 2**70, 1e308, "", "x", "\0", "é", "../x", "<U99999999", "O", "V8"),
    *(
        [],
        {},
        [[]],
        [None],
        [0],
        ["a", "a"],
        [-1],
        [2**70],
        {"a": 1},
        "NaN",
        "category",
        "1e-999999",
    ),
)
OPS = (
    *("Identity", "ConstantOfShape", "Expand", "Tile", "Range", "Reshape", "Resize", "Pad"),
    *("OneHot", "Gather", "Loop", "Scan", "If", "MatMul", "Conv", "Cast", "Concat", "Split"),
    *("Transpose", "StringNormalizer", "NonZero", "Unique", "TopK", "Slice", "ScatterND"),
    *("RandomNormal", "GRU", "Einsum", "MaxPool", "QuantizeLinear", "SequenceAt", "Compress"),
    *("DepthToSpace", "NoSuchOp"),
)  # fmt: skip


def sealed(model: onnx.ModelProto) -> bytes:
    """Bytes with a digest that fits."""
    properties = [entry for entry in model.metadata_props if entry.key != "gansynth.sha256"]
    del model.metadata_props[:]
    data = model.SerializeToString()
    for entry in properties:
        data += _wire.string_entry(METADATA_PROPS, entry.key, entry.value)
    digest = hashlib.sha256(data).hexdigest()
    return data + _wire.string_entry(METADATA_PROPS, "gansynth.sha256", digest)


def as_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, insert, delete, repeat or blank some bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8, 64))):
        place = rng.randrange(len(changed) + 1)
        length = rng.choice((1, 1, 2, 4, 8, 100, 5000))
        kind = rng.randrange(6)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[place:]
        elif kind == 2:
            changed[place:place] = rng.randbytes(length)
        elif kind == 3:
            del changed[place : place + length]
        elif kind == 4:
            changed[place:place] = changed[place : place + length]
        else:
            changed[place : place + length] = bytes(length)
    return bytes(changed)


def as_sealed_bytes(data: bytes, rng: random.Random) -> bytes:
    """Change bytes of the graph, which the digest then fits."""
    model = onnx.load_from_string(data)
    graph = bytearray(model.graph.SerializeToString())
    for _ in range(rng.choice((1, 1, 2, 5))):
        graph[rng.randrange(len(graph))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    out = b"".join(
        _wire._length_delimited(7, bytes(graph))
        if field.number == 7
        else data[field.start : field.end]
        for field in _wire.fields(data)
        if not (field.number == METADATA_PROPS and b"gansynth.sha256" in bytes(field.value))
    )
    digest = hashlib.sha256(out).hexdigest()
    return out + _wire.string_entry(METADATA_PROPS, "gansynth.sha256", digest)


def in_metadata(model: onnx.ModelProto, rng: random.Random) -> None:
    """Another value of a property, or none."""
    entry = rng.choice(list(model.metadata_props))
    if rng.random() < 0.3:
        model.metadata_props.remove(entry)
    else:
        entry.value = rng.choice(("", "2", "x" * 10**6, "\0", entry.value[: len(entry.value) // 2]))


def in_schema(model: onnx.ModelProto, rng: random.Random) -> None:
    """Another value, of another type perhaps, somewhere in the schema."""
    entry = next(entry for entry in model.metadata_props if entry.key == "gansynth.schema")
    schema = json.loads(entry.value)
    for _ in range(rng.choice((1, 1, 2))):
        place = schema
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = rng.choice(keys)
            if not (isinstance(place[key], dict | list) and place[key]) or rng.random() < 0.1:
                break
            place = place[key]
        if rng.random() < 0.15:
            del place[key]
        elif rng.random() < 0.15 and isinstance(place, list):
            place *= rng.choice((2, 3))
        else:
            place[key] = rng.choice(VALUES)
    entry.value = json.dumps(schema)


def in_tensor(model: onnx.ModelProto, rng: random.Random) -> None:
    """Other dimensions, another type, other data, or data elsewhere."""
    tensors = list(model.graph.initializer)
    tensors += [a.t for node in model.graph.node for a in node.attribute if a.HasField("t")]
    tensor = rng.choice(tensors)
    kind = rng.randrange(6)
    if kind == 0 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(EXTREMES)
    elif kind == 1:
        tensor.dims.extend([rng.choice(EXTREMES)] * rng.choice((1, 2, 50)))
    elif kind == 2:
        tensor.data_type = rng.choice((0, *range(1, 24), 99, 2**31 - 1))
    elif kind == 3:
        tensor.raw_data = rng.randbytes(rng.choice((0, 1, 8, 1000)))
    elif kind == 4:
        tensor.data_location = onnx.TensorProto.EXTERNAL
        where = rng.choice(("/etc/passwd", "../../x", "*/_ORT_MEM_ADDR_/*", "touched"))
        tensor.external_data.add(key="location", value=where)
    elif tensor.data_type in (1, 6, 7, 11) and tensor.raw_data:
        array = numpy_helper.to_array(tensor).copy()
        if array.size:
            value = rng.choice(EXTREMES if array.dtype.kind == "i" else (float("nan"), 1e38, -1.0))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                array.flat[rng.randrange(array.size)] = min(max(value, -(2**31)), 2**31 - 1)
        tensor.raw_data = array.tobytes()


def in_node(model: onnx.ModelProto, rng: random.Random) -> None:
    """Another operator, other inputs, outputs or attributes."""
    graph = model.graph
    node = rng.choice(list(graph.node))
    kind = rng.randrange(8)
    names = [name for other in graph.node for name in other.output] + ["z", "nowhere", ""]
    names += [tensor.name for tensor in graph.initializer]
    if kind == 0:
        node.op_type = rng.choice(OPS)
    elif kind == 1:
        node.domain = rng.choice(("com.microsoft", "ai.onnx.ml", "evil", "ai.onnx.training"))
    elif kind == 2 and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice(names)
    elif kind == 3 and node.output:
        node.output[rng.randrange(len(node.output))] = rng.choice(names)
    elif kind == 4:
        integers = [a for a in node.attribute if a.type in (2, 7)]
        if integers:
            attribute = rng.choice(integers)
            attribute.i = rng.choice(EXTREMES)
            for i in range(len(attribute.ints)):
                attribute.ints[i] = rng.choice(EXTREMES)
    elif kind == 5:
        graph.node.remove(node)
    elif kind == 6:
        node.attribute.append(helper.make_attribute("axis", rng.choice(EXTREMES)))
    else:
        shape = [rng.choice(EXTREMES) for _ in range(rng.randrange(1, 3))]
        graph.initializer.append(helper.make_tensor("hostile", 7, [len(shape)], shape))
        grown = rng.choice((("Expand", ["z", "hostile"]), ("ConstantOfShape", ["hostile"])))
        graph.node.insert(0, helper.make_node(grown[0], grown[1], ["grown"]))
        if node.input:
            node.input[0] = "grown"


def in_signature(model: onnx.ModelProto, rng: random.Random) -> None:
    """Other inputs, outputs, types, shapes or versions."""
    graph = model.graph
    value = rng.choice([*graph.input, *graph.output])
    kind = rng.randrange(6)
    if kind == 0:
        value.name = rng.choice(("z", "y", "nowhere", "", "condition"))
    elif kind == 1:
        value.type.tensor_type.elem_type = rng.choice((0, 1, 6, 7, 8, 9, 10, 11, 99))
    elif kind == 2:
        dims = value.type.tensor_type.shape.dim
        if dims:
            rng.choice(list(dims)).dim_value = rng.choice(EXTREMES)
    elif kind == 3:
        (graph.input if value in graph.input else graph.output).remove(value)
    elif kind == 4:
        model.opset_import[0].version = rng.choice(EXTREMES)
    else:
        model.ir_version = rng.choice((0, 1, 3, 99, 2**40))


STRUCTURAL = (in_metadata, in_schema, in_schema, in_tensor, in_node, in_node, in_signature)


def mutant(models: list[bytes], number: int) -> tuple[str, bytes]:
    """Name of what is changed, and the file."""
    rng = random.Random(number)
    data = rng.choice(models)
    if number % 4 < 2:
        change = as_bytes if number % 4 == 0 else as_sealed_bytes
        return change.__name__, change(data, rng)
    model = onnx.load_from_string(data)
    change = rng.choice(STRUCTURAL)
    change(model, rng)
    return change.__name__, sealed(model)


def outcome(path: Path) -> str:
    """What comes of loading a file and sampling from it."""
    import gansynth

    try:
        model = gansynth.load(path, device="cpu")
        model.sample(5, random_state=0)
        return "sampled"
    except Exception as error:
        if isinstance(error, REFUSED) and len(str(error)) > 10:
            return f"refused: {type(error).__name__}: {str(error)[:300]}"
        return f"WRONG: {type(error).__module__}.{type(error).__name__}: {str(error)[:300]}"


def peak() -> int:
    """Most memory that this process had, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def main() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    first, last, *files = sys.argv[1:]
    models = [Path(file).read_bytes() for file in files]
    folder = Path(tempfile.mkdtemp())
    path = folder / "model.onnx"
    for number in range(int(first), int(last)):
        print(json.dumps([number, "?", "WRONG: the process ended"]), flush=True)
        signal.alarm(PATIENCE)  # which ends it, too
        change, data = mutant(models, number)
        path.write_bytes(data)
        before = peak()
        found = outcome(path)
        if peak() - before > MOST_MEMORY:
            found = f"WRONG: took {peak() - before} MiB; {found}"
        if [*folder.iterdir()] != [path] or path.read_bytes() != data:
            found = f"WRONG: files were touched; {found}"
        print(json.dumps([number, change, found]), flush=True)


if __name__ == "__main__":
    main()
