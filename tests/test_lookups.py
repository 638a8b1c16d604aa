"""Look-ups of single numbers in a graph: another op, the same numbers."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from gansynth.training.lookups import quicken


def gather(data: np.ndarray, axes: int) -> onnx.ModelProto:
    """A graph of two look-ups in the same constant, of indices of so many axes."""
    value = helper.make_tensor_value_info("indices", TensorProto.INT32, [None] * axes)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * (axes + data.ndim - 1))
        for name in ("first", "second")
    ]
    nodes = [helper.make_node("Gather", ["data", "indices"], [output.name]) for output in outputs]
    graph = helper.make_graph(
        nodes, "lookups", [value], outputs, [numpy_helper.from_array(data, "data")]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, indices: np.ndarray) -> list[np.ndarray]:
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"indices": indices})


@pytest.mark.parametrize("shape", [(5,), (5, 3), (2, 3, 4), (0, 3)])
def test_numbers_from_a_vector(shape):
    """Whatever the shape of the indices, empty ones too, the numbers are those of numpy."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=11).astype(np.float32)
    model = gather(data, len(shape))
    quicken(model)
    assert "Gather" not in {node.op_type for node in model.graph.node}
    indices = rng.integers(-11, 11, shape).astype(np.int32)
    for found in run(model, indices):
        np.testing.assert_array_equal(found, data[indices])


def test_rows_of_a_matrix_stay_as_they_are():
    """More than a number at a time is quick already."""
    model = gather(np.arange(6, dtype=np.float32).reshape(3, 2), 1)
    before = model.SerializeToString()
    quicken(model)
    assert model.SerializeToString() == before
