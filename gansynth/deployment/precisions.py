"""Networks in fewer bits; the decoder, whose values are the user's, keeps all of its.

**float16.** Weights and what is computed between them are halves; inputs, outputs, draws and the
decoder are as they were. Not by the converters of onnxruntime and onnxconverter-common: these turn
a whole graph, and what goes from one node that is left out to the next they round all the same, so
that a price of 70,000 becomes infinite (seen with onnxruntime 1.26).

**int8.** Each output channel of a weight is stored as 8-bit integers and a factor, which
``DequantizeLinear`` multiplies. Not by onnxruntime's dynamic quantisation, which rounds activations
too, to steps that go by the largest one of the batch: rows would depend on what is drawn beside
them. (With its signed weights, it also overflows on processors with AVX2 and without VNNI.)
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

OUTPUT_AXIS = {"MatMul": -1, "Gemm": -1, "Conv": 0, "ConvTranspose": 1}
"""Layers, whose weight is their second input, and its axis that is the layer's output."""
BETWEEN = {"Add", "Sub", "Mul", "LeakyRelu", "Relu", "Sigmoid", "Tanh", "Concat"}
SHAPED = {"Reshape", "Transpose", "Tile", "Slice", "Squeeze", "Unsqueeze"}
"""Ops that may stand between two layers; of the latter, the first input alone is a value."""
VARIABLE = "ReadVariableOp"
"""How tf2onnx names what was a variable, a weight, and not a constant of the decoder."""


def convert(model: onnx.ModelProto, precision: str) -> None:
    """Store the networks' weights in fewer bits, in place.

    Raises
    ------
    ValueError
        If the model has no weights in 32 bits.
    """
    weights = {
        tensor.name: tensor
        for tensor in model.graph.initializer
        if VARIABLE in tensor.name and tensor.data_type == onnx.TensorProto.FLOAT
    }
    layers = [node for node in model.graph.node if _is_layer(node, weights)]
    if not layers:
        raise ValueError(
            f"precision={precision!r} is for the weights of networks in float32, and this model "
            "has none. Use precision='float32'."
        )
    if precision == "float16":
        _halve(model.graph, _network(model.graph, layers))
    else:
        _quantise(model.graph, layers, weights)
    used = {value for node in model.graph.node for value in node.input}
    used |= {value.name for value in model.graph.input}
    for tensor in list(model.graph.initializer):
        if tensor.name not in used:
            model.graph.initializer.remove(tensor)


def _is_layer(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    return node.op_type in OUTPUT_AXIS and node.input[1] in weights


def _quantise(
    graph: onnx.GraphProto, layers: list[onnx.NodeProto], weights: dict[str, onnx.TensorProto]
) -> None:
    """Store the weights of layers as integers from -127 to 127 and a factor a channel."""
    made: dict[str, onnx.NodeProto] = {}
    for layer in layers:
        name = layer.input[1]
        if name not in made:
            values = numpy_helper.to_array(weights[name])
            axis = OUTPUT_AXIS[layer.op_type] % values.ndim
            others = tuple(i for i in range(values.ndim) if i != axis)
            largest = np.abs(values).max(axis=others, keepdims=True)
            scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
            graph.initializer.extend(
                [
                    numpy_helper.from_array(
                        np.rint(values / scale).astype(np.int8), f"{name}/int8"
                    ),
                    numpy_helper.from_array(scale.reshape(-1), f"{name}/scale"),
                ]
            )
            made[name] = onnx.helper.make_node(
                "DequantizeLinear", [f"{name}/int8", f"{name}/scale"], [f"{name}/float"], axis=axis
            )
        layer.input[1] = f"{name}/float"
    nodes = [*made.values(), *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _network(graph: onnx.GraphProto, layers: list[onnx.NodeProto]) -> set[str]:
    """First outputs of the layers, of their biases, and of what stands between two of them."""
    constants = {tensor.name for tensor in graph.initializer}
    named = {layer.output[0] for layer in layers}
    reached = set(named)
    for node in graph.node:
        values = node.input[:1] if node.op_type in SHAPED else node.input
        computed = [value for value in values if value not in constants]
        if node.op_type in BETWEEN | SHAPED and computed and reached.issuperset(computed):
            reached.add(node.output[0])
    needed: set[str] = set()
    for node in reversed(graph.node):
        output = node.output[0] if node.output else ""
        of_layer = output in named or any(VARIABLE in value for value in node.input)
        if output in reached and (of_layer or output in needed):
            needed |= {output, *node.input}
    return needed & reached


def _halve(graph: onnx.GraphProto, network: set[str]) -> None:
    """Compute these values in half precision, and cast where others go in or they come out."""
    floats = {
        tensor.name: tensor
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
        and tensor.name not in {value.name for value in graph.input}
    }
    nodes: list[onnx.NodeProto] = []
    halves: set[str] = set()

    def half(value: str) -> str:
        """Name of a value's half, which is made if there is none."""
        name = f"{value}/half"
        if name not in halves:
            halves.add(name)
            if value in floats:
                with np.errstate(over="ignore"):  # rows tell whether infinity does harm
                    values = numpy_helper.to_array(floats[value]).astype(np.float16)
                graph.initializer.append(numpy_helper.from_array(values, name))
            else:
                nodes.append(_cast(value, name, onnx.TensorProto.FLOAT16))
        return name

    outside = {
        value
        for node in graph.node
        if not (node.output and node.output[0] in network)
        for value in node.input
    } | {value.name for value in graph.output}
    for node in graph.node:
        output = node.output[0] if node.output else ""
        if output not in network:
            nodes.append(node)
            continue
        inputs = 1 if node.op_type in SHAPED else len(node.input)
        for i in range(inputs):
            if node.input[i]:
                node.input[i] = half(node.input[i])
        node.output[0] = f"{output}/half"
        halves.add(node.output[0])
        nodes.append(node)
        if output in outside:
            nodes.append(_cast(node.output[0], output, onnx.TensorProto.FLOAT))
    nodes = [_copied(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(nodes)


def _cast(value: str, name: str, dtype: int) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [value], [name], to=dtype)


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy
