"""Small ONNX graphs for tests of sampling, made without TensorFlow."""

from __future__ import annotations

import itertools

import numpy as np
from onnx import TensorProto, helper, numpy_helper, shape_inference

DOUBLE, FLOAT, INT64 = TensorProto.DOUBLE, TensorProto.FLOAT, TensorProto.INT64


def model(nodes, outputs, constants=(), *, noise_dim, conditional=False):
    """Serialise a graph of ``z`` (and ``y``); ``outputs`` maps names to types."""
    inputs = [helper.make_tensor_value_info("z", FLOAT, ["n", noise_dim])]
    if conditional:
        inputs.append(helper.make_tensor_value_info("y", INT64, ["n"]))
    graph = helper.make_graph(
        nodes,
        "generator",
        inputs,
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants],
    )
    opsets = [helper.make_opsetid("", 17)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return shape_inference.infer_shapes(made).SerializeToString()


def mlp_weights(width, out, depth=3, noise_dim=128):
    """Weights of an MLP, one matrix a layer."""
    rng = np.random.default_rng(0)
    sizes = [noise_dim, *[width] * depth, out]
    return [
        (rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32)
        for a, b in itertools.pairwise(sizes)
    ]


def mlp(width=256, out=37):
    """An MLP of three layers, then ops whose last bit depends on where a row lies in memory."""
    weights = mlp_weights(width, out)
    constants = [(f"w{i}", weight) for i, weight in enumerate(weights)]
    constants += [("columns", np.array([1])), ("least", np.float32(1e-3))]
    nodes, value = [], "z"
    for i in range(len(weights) - 1):
        nodes.append(helper.make_node("MatMul", [value, f"w{i}"], [f"h{i}"]))
        nodes.append(helper.make_node("LeakyRelu", [f"h{i}"], [f"a{i}"], alpha=0.2))
        value = f"a{i}"
    nodes += [
        helper.make_node("MatMul", [value, f"w{len(weights) - 1}"], ["rows"]),
        helper.make_node("Softplus", ["rows"], ["softplus"]),
        helper.make_node("Max", ["softplus", "least"], ["positive"]),
        helper.make_node("Log", ["positive"], ["log"]),
        helper.make_node("Cast", ["rows"], ["rows64"], to=DOUBLE),
        helper.make_node("Tanh", ["rows64"], ["tanh64"]),
        helper.make_node("ReduceSum", ["rows", "columns"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["z", "columns"], ["sum_z"], keepdims=0),
        helper.make_node("ArgMax", ["rows"], ["code"], axis=1, keepdims=0),
    ]
    outputs = {
        "rows": FLOAT, "softplus": FLOAT, "log": FLOAT, "tanh64": DOUBLE, "sum": FLOAT,
        "sum_z": FLOAT, "code": INT64,
    }  # fmt: skip
    return model(nodes, outputs, constants, noise_dim=128)


def linear(noise_dim=2):
    """The smallest generator: ``points`` is ``z`` plus one."""
    node = helper.make_node("Add", ["z", "one"], ["points"])
    return model([node], {"points": FLOAT}, [("one", np.float32(1))], noise_dim=noise_dim)


def images(height=64, width=64, channels=3):
    """Noise to flat images."""
    pixels = height * width * channels
    weight = np.random.default_rng(0).standard_normal((8, pixels)).astype(np.float32)
    shape = np.array([-1, height, width, channels])
    nodes = [
        helper.make_node("MatMul", ["z", "weight"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["image"]),
    ]
    constants = [("weight", weight), ("shape", shape)]
    return model(nodes, {"image": FLOAT}, constants, noise_dim=8)


def table(conditional=False):
    """A column of floats and one of codes; conditional, the codes are the classes."""
    nodes = [
        helper.make_node("Slice", ["z", "0", "1", "1"], ["first"]),
        helper.make_node("Squeeze", ["first", "1"], ["height"]),
    ]
    if conditional:
        nodes.append(helper.make_node("Identity", ["y"], ["colour"]))
    else:
        nodes.append(helper.make_node("ArgMax", ["z"], ["colour"], axis=1, keepdims=0))
    constants = [("0", np.array([0])), ("1", np.array([1]))]
    outputs = {"height": FLOAT, "colour": INT64}
    return model(nodes, outputs, constants, noise_dim=3, conditional=conditional)
