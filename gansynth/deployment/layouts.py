"""Which axis of an image comes first."""

from __future__ import annotations

import onnx

IMAGE = "image"


def put_channels_first(model: onnx.ModelProto) -> None:
    """Let a graph give images as (n, channels, height, width), in place.

    Networks compute so inside: ONNX Runtime takes the two changes of order out where they meet.
    """
    graph = model.graph
    channels_last = f"inner/{IMAGE}/nhwc"
    for node in graph.node:
        for values in (node.input, node.output):
            for i, value in enumerate(values):
                if value == IMAGE:
                    values[i] = channels_last
    graph.node.append(
        onnx.helper.make_node("Transpose", [channels_last], [IMAGE], perm=[0, 3, 1, 2])
    )
    output = next(value for value in graph.output if value.name == IMAGE)
    n, height, width, channels = (_copy(dim) for dim in output.type.tensor_type.shape.dim)
    del output.type.tensor_type.shape.dim[:]
    output.type.tensor_type.shape.dim.extend([n, channels, height, width])


def _copy(dim: onnx.TensorShapeProto.Dimension) -> onnx.TensorShapeProto.Dimension:
    copied = onnx.TensorShapeProto.Dimension()
    copied.CopyFrom(dim)
    return copied
