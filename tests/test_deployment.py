"""Files for other places: fewer bits, channels first, a licence; what was written is proved."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.exceptions import NotFittedError
from typer.testing import CliRunner

import gansynth
from gansynth import GANSampler, cli, deployment
from gansynth.deployment import checks, precisions
from gansynth.deployment.checks import DeploymentError, Tolerance, compare
from gansynth.inference import artifact as files
from gansynth.inference import noise
from gansynth.inference.generator import Generator
from gansynth.schema import Schema
from gansynth_image import ImageGAN
from gansynth_tabular import TabularGAN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PRECISIONS = ["float32", "float16", "int8"]
FEWER = PRECISIONS[1:]
TINY = {"steps": 2, "batch_size": 32, "random_state": 0, "validation_fraction": 0.0}
IMAGES = Schema("numpy", image_shape=(4, 5, 3), dtype="float32")


@pytest.fixture(scope="module")
def table():
    """A table with classes that takes conditions; its prices are beyond what a half holds."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "price": rng.normal(200_000, 30_000, 300).round(2),
            "rooms": rng.integers(1, 9, 300),
            "town": rng.choice(["Delft", "Gouda", "Breda"], 300),
        }
    )
    architecture = TabularGAN(width=64, depth=1, conditions=True)
    return GANSampler(architecture, **TINY).fit(frame, rng.integers(0, 2, 300))


@pytest.fixture(scope="module")
def images():
    """Images of three channels, with classes that can be mixed."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (64, 8, 6, 3), dtype=np.uint8)
    return GANSampler(ImageGAN(width=4), **TINY).fit(X, rng.integers(0, 3, 64))


@pytest.fixture(params=["table", "images"])
def fitted(request):
    """Each of them."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def written(table, images, tmp_path_factory):
    """Files of both in each precision."""
    folder = tmp_path_factory.mktemp("models")
    for sampler, name in ((table, "table"), (images, "images")):
        for precision in PRECISIONS:
            sampler.to_onnx(folder / f"{name}-{precision}.onnx", precision=precision)
    return folder


def graph_of(path):
    return onnx.load(path).graph


def interface(path):
    """Names, types and shapes of what goes in and comes out."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    values = (
        *session.get_inputs(),
        *session.get_overridable_initializers(),
        *session.get_outputs(),
    )
    return {(value.name, value.type, *value.shape) for value in values if "/" not in value.name}


@pytest.mark.parametrize("kind", ["table", "images"])
@pytest.mark.parametrize("precision", FEWER)
def test_files_of_fewer_bits_are_smaller_and_as_easy_to_run(written, kind, precision):
    """What goes in and comes out keeps its names, types and shapes."""
    whole, less = (written / f"{kind}-{name}.onnx" for name in ("float32", precision))
    assert less.stat().st_size < whole.stat().st_size
    assert interface(less) == interface(whole)
    assert gansynth.load(less).meta["precision"] == precision
    assert "precision" not in gansynth.load(whole).meta


@pytest.mark.parametrize("precision", FEWER)
def test_only_weights_lose_bits(written, precision):
    """The decoder's constants are as they were; of the weights none is."""
    whole, less = (
        {tensor.name: tensor for tensor in graph_of(written / f"table-{name}.onnx").initializer}
        for name in ("float32", precision)
    )
    gone = {name for name in whole if whole[name] != less.get(name)}
    assert gone
    assert all(precisions.VARIABLE in name for name in gone)
    kinds = {TensorProto.FLOAT16} if precision == "float16" else {TensorProto.INT8}
    new = {less[name].data_type for name in set(less) - set(whole)}
    assert kinds <= new <= kinds | {TensorProto.FLOAT}


def test_halves_stay_halves_between_layers(written):
    """What a layer gives is not cast to and fro before the next one."""
    graph = graph_of(written / "images-float16.onnx")
    casts = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT16
    }
    made = {name for node in graph.node for name in node.output if name.endswith("/half")}
    assert len(made - set(casts)) > 5
    assert not {source for source in casts.values() if f"{source}/half" in made - set(casts)}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_row_depends_on_no_other(written, precision):
    """In any precision the first rows of many are those of few, and batches those of one call."""
    for kind in ("table", "images"):
        model = gansynth.load(written / f"{kind}-{precision}.onnx", "cpu")
        many, few = (np.asarray(model.sample(n, random_state=1)) for n in (90, 7))
        assert (many[:7] == few).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_conditions_and_classes_hold_in_any_precision(written, table, precision):
    """Values that are asked for come to the last bit, and classes as they are asked for."""
    model = gansynth.load(written / f"table-{precision}.onnx")
    wanted = {"price": 123_456.78, "town": ["Delft", "Breda"]}
    X, y = model.sample(40, y=1, conditions=wanted, return_y=True, random_state=0)
    assert (X["price"] == 123_456.78).all()
    assert set(X["town"]) <= {"Delft", "Breda"}
    assert (y == 1).all()
    assert np.isfinite(model.sample(200, random_state=0)["price"]).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_classes_are_mixed_in_any_precision(written, precision):
    """Weights of classes go in as float32."""
    way = gansynth.load(written / f"images-{precision}.onnx").interpolate(0, 1, 5, y=(0, 2))
    assert way.shape == (5, 8, 6, 3)
    assert way.dtype == np.uint8


@pytest.mark.parametrize("precision", PRECISIONS)
def test_channels_may_come_first(images, written, tmp_path, precision):
    """In the graph's output; what is sampled is as it was fitted."""
    images.to_onnx(tmp_path / "nchw.onnx", precision=precision, layout="nchw")
    model, as_fitted = (
        gansynth.load(path)
        for path in (tmp_path / "nchw.onnx", written / f"images-{precision}.onnx")
    )
    z, y = noise.normal(0, 0, 9, model.generator.noise_dim), np.arange(9) % 3
    raw, plain = (of.generator(z, y)["image"] for of in (model, as_fitted))
    assert raw.shape == (9, 3, 8, 6)
    np.testing.assert_array_equal(raw.transpose(0, 2, 3, 1), plain)
    assert ("image", "tensor(uint8)", "n", 3, 8, 6) in interface(tmp_path / "nchw.onnx")
    drawn = model.sample(5, random_state=0)
    assert drawn.flags.c_contiguous
    np.testing.assert_array_equal(drawn, as_fitted.sample(5, random_state=0))
    assert model.meta["layout"] == "nchw"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"precision": "half"}, "precision must be 'float32', 'float16' or 'int8'; got 'half'"),
        ({"precision": 16}, "precision must be .*; got 16"),
        ({"layout": "chw"}, "layout must be 'nhwc' or 'nchw'; got 'chw'"),
        ({"layout": "nchw"}, "layout='nchw' is an order of the axes of images.*Leave layout at"),
        ({"license": " "}, "license must be None or a text such as 'CC-BY-4.0'; got ' '"),
        ({"license": 4.0}, "license must be .*; got 4.0"),
    ],
)
def test_what_can_not_be_had_is_refused(table, tmp_path, wanted, message):
    """By parameter and value, and nothing is written."""
    with pytest.raises(ValueError, match=message):
        table.to_onnx(tmp_path / "model.onnx", **wanted)
    assert not list(tmp_path.iterdir())


def test_an_unfitted_sampler_has_nothing_to_convert(tmp_path):
    """As of any other method."""
    with pytest.raises(NotFittedError):
        GANSampler().to_onnx(tmp_path / "model.onnx", precision="float16")


@pytest.mark.parametrize("precision", FEWER)
def test_weights_lose_bits_once(written, tmp_path, precision):
    """What has none in float32 is refused."""
    less = files.read(written / f"table-{precision}.onnx")
    with pytest.raises(ValueError, match=r"in float32, and this model\s+has none. Use precision="):
        deployment.write(less, tmp_path / "again.onnx", "int8")


def sealed(nodes, constants, outputs=("image",), schema=IMAGES):
    """A model of 4 numbers to something."""
    graph = helper.make_graph(
        nodes,
        "generator",
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 4])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4, 5, 3])
            for name in outputs
        ],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return files.seal(model.SerializeToString(), schema, {})


def dense(scale=1.0):
    """One layer of images, its weights about this large."""
    weight = scale * np.random.default_rng(0).standard_normal((4, 60)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["z", "dense/ReadVariableOp:0"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["image"]),
    ]
    return sealed(nodes, {"dense/ReadVariableOp:0": weight, "shape": [-1, 4, 5, 3]})


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
    """Weights too large for halves make infinite rows: noticed in the file, before it is kept."""
    path = tmp_path / "model.onnx"
    deployment.write(dense(), path)
    before = path.read_bytes()
    with pytest.raises(DeploymentError, match="agree with the model's in output 'image'"):
        deployment.write(dense(1e6), path, "float16")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_can_not_be_run_is_refused(tmp_path):
    """What ONNX's checker or ONNX Runtime has against it comes up."""
    nodes = [helper.make_node("NoSuchOp", ["z"], ["image"])]
    path = tmp_path / "model.onnx"
    with pytest.raises(DeploymentError, match="The file that was written can't be run: .*NoSuchOp"):
        deployment.write(sealed(nodes, {}), path)
    path.write_bytes(dense().model[:-5])
    with pytest.raises(DeploymentError, match="can't be run: "):
        checks.check(path, dense(), "float32")


NEAR = Tolerance(0.1, 0.9)
RIGHT = {"a": np.arange(100.0), "b": np.arange(100) % 3}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"b": RIGHT["b"], "a": RIGHT["a"]}, r"outputs \['b', 'a'\], not \['a', 'b'\]"),
        (
            RIGHT | {"a": RIGHT["a"].astype("f4")},
            r"'a' of the file is float32 \(100,\), not float64",
        ),
        (RIGHT | {"a": RIGHT["a"][:-1]}, r"'a' of the file is float64 \(99,\)"),
        (RIGHT | {"a": np.where(RIGHT["a"] < 15, np.nan, RIGHT["a"])}, "85% agree.*'a', where 90%"),
        (RIGHT | {"a": np.where(RIGHT["a"] < 15, np.inf, RIGHT["a"])}, "85% agree"),
        (RIGHT | {"a": RIGHT["a"] + 5}, "0% agree"),
        (RIGHT | {"b": (RIGHT["b"] + 1) % 3}, "0% agree.*'b'"),
    ],
)
def test_rows_that_differ_are_refused(found, message):
    """By name, type, shape, missing values, distance and category."""
    with pytest.raises(DeploymentError, match=message):
        compare(RIGHT, found, NEAR)


def test_rows_that_are_near_enough_pass():
    """Missing values are equal to themselves, and a few rows may be others."""
    near = {"a": RIGHT["a"] + 1, "b": np.where(RIGHT["a"] < 5, 7, RIGHT["b"])}
    compare(RIGHT, near, NEAR)
    missing = {"a": np.where(RIGHT["a"] < 9, np.nan, RIGHT["a"])}
    compare(missing, {"a": missing["a"].copy()}, Tolerance(0.0, 1.0))
    marks = {"n": np.where(RIGHT["a"] < 9, -(2**63), RIGHT["a"]).astype(np.int64)}
    with pytest.raises(DeploymentError, match="91% agree"):
        compare(marks, {"n": np.maximum(marks["n"], 0)}, Tolerance(1e-3, 0.99))


@pytest.mark.parametrize(
    ("op", "shape", "rows"),
    [
        ("MatMul", (4, 6), (4,)),
        ("Gemm", (4, 6), (4,)),
        ("Conv", (6, 1, 3, 3), (1, 2, 2)),
        ("ConvTranspose", (1, 6, 3, 3), (1, 2, 2)),
    ],
)
@pytest.mark.parametrize("precision", FEWER)
def test_each_kind_of_layer_is_converted(op, shape, rows, precision):
    """An output channel of small weights keeps its digits beside one of large ones."""
    weight = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    channels = {"Conv": 0, "ConvTranspose": 1}.get(op, -1)
    padded = {"pads": [1, 1, 1, 1]} if channels >= 0 else {}
    np.moveaxis(weight, channels, 0)[1] *= 1e-2
    nodes = [
        helper.make_node("Reshape", ["z", "rows"], ["x"]),
        helper.make_node(op, ["x", "w/ReadVariableOp:0"], ["image"], **padded),
    ]
    whole = sealed(nodes, {"w/ReadVariableOp:0": weight, "rows": [-1, *rows]})
    less = deployment.converted(whole, precision, "nhwc", None)
    z = noise.normal(0, 0, 32, 4)
    right, found = (
        np.moveaxis(Generator(of.model, "cpu")(z)["image"], 1, 0) for of in (whole, less)
    )
    for of_channel, values in zip(right, found, strict=True):
        error = np.abs(values - of_channel).max() / of_channel.std()
        assert 0 < error < 0.03


def test_inspect_tells_what_the_file_is(images, table, tmp_path):
    """Precision, layout and licence, for people and for programs."""
    images.to_onnx(tmp_path / "a.onnx", precision="int8", layout="nchw", license=" CC-BY-4.0 ")
    table.to_onnx(tmp_path / "b.onnx")
    told, plain = (
        {
            line.split("  ")[0].strip(): line.rstrip().split("  ")[-1].strip()
            for line in inspected(tmp_path / name).splitlines()
        }
        for name in ("a.onnx", "b.onnx")
    )
    assert told["precision"] == "int8"
    assert told["layout"] == "nchw"
    assert told["licence of the data"] == "CC-BY-4.0"
    assert plain["precision"] == "float32"
    assert not plain.keys() & {"layout", "licence of the data"}
    meta = json.loads(inspected(tmp_path / "a.onnx", "--json"))["meta"]
    expected = {"precision": "int8", "layout": "nchw", "license": "CC-BY-4.0"}
    assert {name: meta[name] for name in expected} == expected


def inspected(path, *options):
    """What the command prints."""
    done = CliRunner().invoke(cli.app, ["inspect", str(path), *options], env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.stderr
    return done.stdout
