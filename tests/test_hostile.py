"""Model files that are damaged, foreign or made to harm: refused in words, or harmless."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest

import gansynth
from gansynth import containers
from gansynth.inference.artifact import ArtifactError, seal, write
from gansynth.schema import Column, Pattern, Schema

from . import onnx_graphs as graphs

MUTATED = Path(__file__).with_name("mutated.py")
FRAME = pd.DataFrame(
    {
        "height": np.array([1.5, 2.5], np.float32),
        "colour": pd.Categorical(["red", "blue"], ["red", "green", "blue"]),
    }
)
TABLE = replace(
    containers.read(FRAME)[0], classes=("no", "yes"), class_counts=(3, 1), class_dtype="<U3"
)
IMAGES = Schema("numpy", image_shape=(4, 4, 1), dtype="float32", squeeze=True)


def tried(first, last, files):
    """What was changed in each mutant, and what came of it, by its number."""
    found = {}
    while first < last:
        words = [str(word) for word in (sys.executable, MUTATED, first, last, *files)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        # The last line of a process that crashed says so.
        found |= {number: rest for number, *rest in map(json.loads, done.stdout.splitlines())}
        assert found, done.stderr
        first = max(found) + 1
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="limits and reads memory as Linux does")
def test_mutants_are_refused_or_harmless(tmp_path, pytestconfig):
    """Whatever is changed, there is an error in words or there are rows: pytest --mutants=20000."""
    write(seal(graphs.table(conditional=True), TABLE, {}), tmp_path / "table.onnx")
    write(seal(graphs.images(4, 4, 1), IMAGES, {}), tmp_path / "images.onnx")
    files = (tmp_path / "table.onnx", tmp_path / "images.onnx")
    found = tried(0, pytestconfig.getoption("mutants"), files)
    wrong = {
        number: outcome
        for number, outcome in found.items()
        if not outcome[1].startswith(("refused", "sampled"))
    }
    assert not wrong
    of_bytes = Counter(what for how, what in found.values() if how == "as_bytes")
    assert of_bytes["sampled"] <= 0.05 * sum(of_bytes.values())  # where nothing was changed


def column(**changes):
    """The schema with another first column."""
    first, *others = TABLE.columns
    return {"columns": (replace(first, **changes), *others)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": ()}, "schema.columns is 0"),
        (column(name=1.5), "schema.columns.name is 1.5"),
        (column(name="colour"), "'twice of one name'"),
        (column(kind="matrix"), "kind is 'matrix'"),
        (column(dtype=None), "dtype is None"),
        (column(dtype="<U99999999"), "dtype is '<U99999999'"),
        (column(nullable=1), "nullable is 1"),
        (column(categories=({},)), "categories is {}"),
        (column(categories=("a", "a")), "categories is 'of equal labels'"),
        (column(range=(0.0,)), "range is"),
        (column(kind="datetime", unit="parsecs"), "'parsecs'"),
        (column(kind="decimal", unit="1e-99999999"), "unit is '1e-99999999'"),
        (column(kind="identifier"), "is 'identifier'"),
        (column(kind="identifier", identifier=Pattern(start=1, digits=10**9)), "digits is 10000"),
        (column(kind="identifier", identifier=Pattern(characters=("a", ""))), "'empty at a place'"),
        (column(local_step=60), "local_step is 60"),
        ({"image_shape": (2**20, 2**20, 3)}, "image_shape is"),
        ({"image_shape": (4, 4)}, "image_shape is"),
        ({"class_counts": (1,)}, "class_counts is"),
        ({"class_counts": (0, 0)}, "class_counts is"),
        ({"class_dtype": "<U99999999"}, "class_dtype is '<U99999999'"),
        ({"class_dtype": "i4,f8"}, "class_dtype is 'i4,f8'"),
        ({"container": "numpy", "dtype": "V8"}, "schema.dtype is 'V8'"),
        ({"constraints": (3,)}, "constraints is 3"),
    ],
)
def test_schemas_that_no_data_have_are_refused(changes, message):
    """Types, sizes and names are checked before any of them is used."""
    with pytest.raises(ArtifactError, match=f"schema can't be read: ValueError: .*{message}"):
        seal(graphs.table(conditional=True), replace(TABLE, **changes), {})


@pytest.mark.parametrize(
    ("graph", "schema", "message"),
    [
        (graphs.table(), TABLE, "ValueError: inputs is"),
        (graphs.table(conditional=True), replace(TABLE, classes=(), class_counts=()), "inputs is"),
        (graphs.linear(), replace(TABLE, classes=(), class_counts=()), "output points is"),
        (graphs.images(4, 5, 1), IMAGES, "output image is"),
        (graphs.table(conditional=True), replace(TABLE, **column(name="depth")), "outputs is"),
        (graphs.table(conditional=True), replace(TABLE, **column(kind="integer")), "height is 'fl"),
        (graphs.table(conditional=True), replace(TABLE, **column(dtype="madeup")), "'madeup'"),
    ],
)
def test_graphs_that_give_something_else_are_refused(tmp_path, graph, schema, message):
    """What the schema tells of has to come out, in its shape and kind."""
    write(seal(graph, schema, {}), tmp_path / "model.onnx")
    with pytest.raises(ArtifactError, match=rf"model\.onnx: The model can't give .*{message}"):
        gansynth.load(tmp_path / "model.onnx")


def test_codes_without_a_category_are_refused(tmp_path):
    """Noise of three columns has three codes, of which the third stands for nothing here."""
    colours = (TABLE.columns[0], replace(TABLE.columns[1], categories=("red", "green")))
    schema = replace(TABLE, columns=colours, classes=(), class_counts=())
    write(seal(graphs.table(), schema, {}), tmp_path / "model.onnx")
    model = gansynth.load(tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="a code of 'colour' is 2"):
        model.sample(100, random_state=0)


def test_polars_makes_nothing_but_dtypes():
    """A dtype's name from a file that names something else in polars is not called."""
    table = Schema("polars", columns=(Column("a", "float", "show_versions"),))
    with pytest.raises(ValueError, match="polars has no dtype 'show_versions'"):
        containers.write(table, {"a": np.zeros(1)}, 1)


def test_a_graph_that_fails_while_it_runs_is_an_error_in_words(tmp_path):
    """What ONNX Runtime says comes as a RuntimeError of ours."""
    graph = graphs.model(
        [graphs.helper.make_node("Reshape", ["z", "shape"], ["points"])],
        {"points": graphs.FLOAT},
        [("shape", np.array([7, 11]))],
        noise_dim=2,
    )
    columns = (Column("x0", "float", "float32"), Column("x1", "float", "float32"))
    schema = Schema("numpy", columns=columns, dtype="float32")
    write(seal(graph, schema, {}), tmp_path / "model.onnx")
    with pytest.raises(RuntimeError, match=r"ONNX Runtime .* failed in the model's graph"):
        gansynth.load(tmp_path / "model.onnx")


@pytest.mark.parametrize("shape", [[2**62], [-(2**63), 1], [2**31 - 1, 2**31 - 1]])
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("operator", ["Expand", "ConstantOfShape"])
def test_shapes_that_no_tensor_has_are_refused(operator, shape, raw):
    """They would keep ONNX Runtime busy for ever, or end the process."""
    model = onnx.load_from_string(graphs.linear())
    shaped = onnx.helper.make_tensor("shape", onnx.TensorProto.INT64, [len(shape)], shape)
    if raw:
        shaped = onnx.numpy_helper.from_array(np.array(shape), "shape")
    model.graph.initializer.append(shaped)
    inputs = ["z", "shape"] if operator == "Expand" else ["shape"]
    model.graph.node.append(onnx.helper.make_node(operator, inputs, ["grown"]))
    with pytest.raises(ArtifactError, match=f"{operator} has the shape"):
        seal(model.SerializeToString(), TABLE, {})


@pytest.mark.parametrize(("starts", "ends"), [([9, 0], [2**31 - 1, 1]), ([0, 0], [3, 1])])
def test_slices_that_leave_rows_out_are_refused(starts, ends):
    """ONNX Runtime divides by the number of rows that are left, which ends the process."""
    model = onnx.load_from_string(graphs.linear())
    for name, values in {"starts": starts, "ends": ends, "axes": [0, 1]}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(values), name))
    model.graph.node.append(
        onnx.helper.make_node("Slice", ["z", "starts", "ends", "axes"], ["cut"])
    )
    with pytest.raises(ArtifactError, match=f"Slice takes rows {starts[0]} to {ends[0]}"):
        seal(model.SerializeToString(), TABLE, {})


@pytest.mark.parametrize("dims", [[1, *[2**40] * 50], [-1, 2], [2**31]])
@pytest.mark.parametrize("inside", [True, False])
def test_constants_of_impossible_sizes_are_refused(dims, inside):
    """They take memory, or end the process: as a constant of the graph or of a branch."""
    constant = onnx.TensorProto(name="hostile", dims=dims, data_type=6, raw_data=bytes(4))
    model = onnx.load_from_string(graphs.linear())
    if inside:
        branch = onnx.GraphProto(name="branch", initializer=[constant])
        node = onnx.helper.make_node("If", ["z"], ["grown"], then_branch=branch)
        model.graph.node.append(node)
    else:
        model.graph.initializer.append(constant)
    with pytest.raises(ArtifactError, match="the constant 'hostile' has"):
        seal(model.SerializeToString(), TABLE, {})
